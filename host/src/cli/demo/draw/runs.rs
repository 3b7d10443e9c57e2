//! What the runs found, and the rows that late events have revised.

use super::Theme;
use crate::cli::demo::plain::grouped_i64;
use crate::cli::demo::scene::{Revised, Run, Scene, kind_name};
use crate::cli::table::grouped;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Where the certificate stands in a line.
const CERTIFICATE: u16 = 59;

pub fn draw_runs(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let (runs, compared) = (grouped(scene.runs_total), grouped(scene.compared_total));
    let proof = format!("runs: {runs} made, {compared} cells compared");
    let mut title = vec![Span::styled(proof, theme.heading())];
    if let Some(kind) = scene.running {
        title.push(Span::styled(format!("  {} run…", kind_name(kind)), theme.faint()));
    }
    let lines = scene.runs.iter().map(|run| run_line(run, theme));
    list(frame, area, Line::from(title), lines);
    if area.height > 0 && area.width > CERTIFICATE + 18 {
        let at = Rect { x: area.x + CERTIFICATE, width: area.width - CERTIFICATE, height: 1, ..area };
        frame.render_widget(Line::styled("certificate", theme.faint()), at);
    }
}

fn run_line(run: &Run, theme: Theme) -> Line<'static> {
    let range = format!("[{}, {})", grouped(run.from), grouped(run.to));
    let what = format!("{:<4}{:<12}{range:<18}", run.number, kind_name(run.kind));
    if let Some(why) = &run.failed {
        return Line::from(vec![Span::raw(what), Span::styled(format!("failed: {why}"), theme.bad())]);
    }
    let verdict = if run.is_clean() { theme.good() } else { theme.bad() };
    let compared = format!("{:>7} cells: {} differ", grouped(run.compared), grouped(run.differ));
    let rest = format!("  {}{:>7} ms", run.certificate, run.took_ms);
    Line::from(vec![Span::raw(what), Span::styled(compared, verdict), Span::raw(rest)])
}

pub fn draw_revised(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let title = format!("late: {} settled rows revised", scene.revised.len());
    let what = Span::styled(format!("   {}, far → merged", scene.job.sum.1), theme.faint());
    let lines = scene.revised.iter().map(|row| revised_line(row, theme));
    list(frame, area, Line::from(vec![Span::styled(title, theme.heading()), what]), lines);
}

fn revised_line(row: &Revised, theme: Theme) -> Line<'static> {
    let window = row.window.replace('T', " ");
    let window = window.trim_end_matches(":00Z");
    let (was, now) = (grouped_i64(row.settled), grouped_i64(row.now));
    let what = Span::raw(format!("{:<29}", format!("{} {window}", row.key)));
    let change = format!("{:^13}", format!("{was} → {now}"));
    let (change, where_) = match row.run {
        None => (Span::styled(change, theme.marked()), "  in near until the next run".to_string()),
        Some(run) => (Span::raw(change), format!("  taken in by run {run}")),
    };
    Line::from(vec![what, change, Span::styled(where_, theme.faint())])
}

/// A title and as many lines as there is room for.
fn list<'a>(frame: &mut Frame<'_>, area: Rect, title: Line<'a>, lines: impl Iterator<Item = Line<'a>>) {
    for (line, y) in std::iter::once(title).chain(lines).zip(area.y..area.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}
