//! An exported log into a stream.

use super::Args;
use crate::cli::Answer;
use crate::cli::append::{Told, tell};
use crate::cli::progress::Bars;
use crate::input::{self, Here, Stopped};
use crate::store::Appender;
use anyhow::bail;
use std::time::Instant;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let log = store.log(&store.stream(&args.name)?)?;
    let appender = Appender::new(log.clone())?;
    let now_ms = || chrono::Utc::now().timestamp_millis();
    let mut here = Here::new(&log, &appender, &now_ms);
    let mut bars = Bars::new(args.quiet);
    let (started, mut total) = (Instant::now(), None);
    let imported = input::import_log(&mut here, &args.file, args.again, &mut |events, of| {
        if total.replace(of).is_none() {
            bars.events("import", of);
        }
        bars.set(events);
    });
    let told = Told { what: "imported", took: started.elapsed(), is_quiet: args.quiet };
    bars.finish();
    drop(appender);
    log.close()?;
    store.close()?;
    match imported {
        Ok(durable) => {
            tell(&told, &durable)?;
            Ok(Answer::Done)
        }
        Err(stopped) => {
            let Stopped { error, durable } = *stopped;
            tell(&told, &durable)?;
            bail!(
                "{error}\n         what came before is durable; give the same command again: it goes on from there"
            )
        }
    }
}
