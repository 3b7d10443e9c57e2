//! What the demo says at its end: what was seen, and commands to type next.

use super::scene::Scene;
use crate::cli::table::grouped;
use std::fmt::Write;
use std::path::Path;

/// `kept`: the directory that is still there.
pub fn text(scene: &Scene, kept: Option<&Path>) -> String {
    let differ: u64 = scene.runs.iter().map(|run| run.differ).sum();
    let (events, runs) = (grouped(scene.head), grouped(scene.runs_total));
    let (seconds, compared) = (scene.elapsed.as_secs(), grouped(scene.compared_total));
    let mut text = format!(
        "seen     {events} events in {seconds} s, {runs} runs, {compared} cells compared: {differ} differ\n"
    );
    for (number, (command, what)) in commands(scene, kept).into_iter().enumerate() {
        let word = if number == 0 { "next" } else { "" };
        _ = writeln!(text, "{word:<8} {command:<54} # {what}");
    }
    text
}

fn commands(scene: &Scene, kept: Option<&Path>) -> Vec<(String, &'static str)> {
    let own = ("bifocal new clicks --lang rust && bifocal test clicks".into(), "a transform of your own");
    let Some(directory) = kept else {
        return vec![
            ("bifocal demo --keep ./demo".into(), "the same, with data to ask afterwards"),
            ("bifocal serve --data ./data".into(), "a host that stays"),
            own,
        ];
    };
    let (view, sum, data) = (scene.job.view, scene.job.sum.0, directory.display());
    let query = format!("bifocal query {view} --grain 1d --order=-{sum} --limit 5 --data {data}");
    vec![
        (query, "both lenses, now"),
        (format!("bifocal batch {view} --verify --data {data}"), "the proof, from raw payloads"),
        (format!("bifocal serve --data {data}"), "the same host, over HTTP"),
        own,
    ]
}
