//! An exported view as the published run of a view.

use super::Args;
use crate::cli::progress::Bars;
use crate::cli::report::seconds;
use crate::cli::table::grouped;
use crate::cli::view::Opened;
use crate::cli::{Answer, options};
use crate::exchange;
use crate::refold::Target;
use crate::store::{RunKind, RunRecord};
use anyhow::bail;
use std::time::Instant;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let opened = Opened::new(&args.data, &args.name, options::threads(None))?;
    let label = exchange::label(&args.file)?;
    let (number, to) = (opened.record.next_run, label.range.to.0);
    if let Some(run) = opened.batch_run().filter(|run| run.file.is_some() && run.to >= to) {
        bail!(
            "{} is of offsets [0, {to}), and run {} of view '{}' has [0, {}) already; there is nothing to import",
            args.file.display(),
            run.number,
            args.name,
            run.to
        );
    }
    let calls = opened.calls();
    let job = opened.job(&calls, opened.log.as_ref());
    let name = format!("{number:010}.redb");
    let file = format!("{}/{name}", opened.record.folder());
    let target = Target { disk: opened.store.disk(), file: &file };
    let (started_ms, started) = (chrono::Utc::now().timestamp_millis(), Instant::now());
    let mut bars = Bars::new(args.quiet);
    bars.events("import", label.cells);
    let meta = exchange::read(&job, &args.file, target, &mut |cells| bars.set(cells))?;
    bars.finish();
    let begun = RunRecord::begun(number, RunKind::Imported, opened.version.number, started_ms);
    let record = RunRecord { took_ms: started.elapsed().as_millis() as u64, ..begun };
    let record = record.published(&meta, 0, name);
    opened.store.add_run(&args.name, record, |view| {
        (view.boundary, view.batch_run, view.next_run) = (to, Some(number), number + 1);
    })?;
    if !args.quiet {
        let certificate = meta.certificate.map_or("none".into(), |certificate| certificate.cells.short());
        let (cells, took) = (grouped(meta.cells), seconds(started.elapsed()));
        eprintln!(
            "imported [0, {})   {cells} cells as run {number}   certificate {certificate}   {took}",
            grouped(to)
        );
        eprintln!("next     bifocal batch {} --verify{}", args.name, args.data.again());
    }
    opened.close()?;
    Ok(Answer::Done)
}
