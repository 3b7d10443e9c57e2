//! The demo as lines, for pipes and tests: one a second, and one a run.

use super::scene::{Board, Revised, Run, Scene, kind_name};
use crate::cli::table::grouped;
use std::io::{self, Write};

/// Revised rows that are named each second.
const REVISED_MAX: usize = 3;

/// What is printed, and how far it has come.
#[derive(Debug, Default)]
pub struct Plain {
    /// The number of the last run that was told.
    told: u64,
    incidents: usize,
    /// The revised rows that were there last.
    revised: Vec<Revised>,
}

impl Plain {
    pub fn write(&mut self, scene: &Scene, out: &mut dyn Write) -> io::Result<()> {
        for run in scene.runs.iter().rev().filter(|run| run.number > self.told) {
            writeln!(out, "{}", run_in_words(run))?;
        }
        self.told = scene.runs.first().map_or(self.told, |run| run.number);
        writeln!(out, "{}", line(scene))?;
        let is_new = |row: &&Revised| row.run.is_none() && !self.revised.contains(row);
        for row in scene.revised.iter().filter(is_new).take(REVISED_MAX) {
            let (was, now) = (grouped_i64(row.settled), grouped_i64(row.now));
            let title = scene.job.sum.1;
            writeln!(out, "revised  {} {}   {title} {was} -> {now}", row.key, row.window)?;
        }
        self.revised.clone_from(&scene.revised);
        let new = scene.incidents.len().saturating_sub(self.incidents);
        for incident in scene.incidents.iter().take(new) {
            writeln!(out, "incident {incident}")?;
        }
        self.incidents = scene.incidents.len();
        out.flush()
    }
}

/// All that matters on one line.
pub fn line(scene: &Scene) -> String {
    let Board { day, far, near, merged, .. } = &scene.board;
    let [far, near, merged] = [far, near, merged].map(|number| grouped_i64(*number));
    let sign = if scene.board.adds_up() { "=" } else { "is not" };
    format!(
        "{:>4} s   head {}   visible {}   boundary {}   fresh {} ms   late {}   {} of {day}: far {far} + near {near} {sign} merged {merged}",
        scene.elapsed.as_secs(),
        grouped(scene.head),
        grouped(scene.visible),
        grouped(scene.boundary),
        scene.freshness_ms,
        grouped(scene.late),
        scene.job.sum.1,
    )
}

pub fn run_in_words(run: &Run) -> String {
    let range = format!("[{}, {})", grouped(run.from), grouped(run.to));
    let kind = kind_name(run.kind);
    let number = run.number;
    if let Some(why) = &run.failed {
        return format!("run {number:<4} {kind:<11} {range}   failed: {why}");
    }
    format!(
        "run {number:<4} {kind:<11} {range:<18} {:>7} cells compared: {} differ   certificate {}   {:>4} ms",
        grouped(run.compared),
        grouped(run.differ),
        run.certificate,
        run.took_ms
    )
}

pub fn grouped_i64(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}
