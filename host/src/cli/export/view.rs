//! A view as a Parquet file: what batch has folded.

use super::{Args, whole};
use crate::cli::data::lost_in_words;
use crate::cli::progress::Bars;
use crate::cli::report::seconds;
use crate::cli::table::grouped;
use crate::cli::view::Opened;
use crate::cli::{Answer, options};
use crate::exchange;
use anyhow::bail;
use std::time::Instant;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let opened = Opened::new(&args.data, &args.name, options::threads(None))?;
    let base = match &args.as_of {
        Some(name) => Some(opened.kept_run(name)?),
        None => opened.base()?,
    };
    let Some(base) = base else {
        bail!("view '{0}' has no run to export; `bifocal batch {0}` makes one", args.name)
    };
    let calls = opened.calls();
    let started = Instant::now();
    let mut bars = Bars::new(args.quiet);
    bars.events("export", base.meta().cells);
    let names = [args.name.as_str(), opened.record.stream.as_str()];
    let label = whole(&args.output, |out| {
        Ok(exchange::write(&calls, &base, names, out, &mut |cells| bars.set(cells))?)
    })?;
    bars.finish();
    if !args.quiet {
        let certificate = label.certificate.map_or("none".into(), |certificate| certificate.cells.short());
        let (to, cells) = (grouped(label.range.to.0), grouped(label.cells));
        let took = seconds(started.elapsed());
        eprintln!("exported [0, {to})   {cells} cells   certificate {certificate}   {took}");
        if label.certificate.is_none() {
            eprintln!("note     nothing proves these cells, so that they can be read, and not imported");
        }
        if label.rejected.is_none() {
            eprintln!(
                "note     its rejected events are too many to be carried: it can be read, and not imported"
            );
        }
    }
    if let Some(lost) = lost_in_words(&opened.log.losses(label.range)) {
        eprintln!("lost     {lost}");
    }
    drop(base);
    opened.close()?;
    Ok(Answer::Done)
}
