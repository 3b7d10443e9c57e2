//! A scene as a full screen, pure: values and a theme to cells of a terminal. Owns what stands where at
//! which size; the parts below own what they look like.

mod bar;
mod board;
mod runs;
#[cfg(test)]
mod snapshots;
mod theme;

pub use theme::Theme;

use super::plain;
use super::scene::Scene;
use crate::cli::table::grouped;
use crate::time::{Rfc3339, format_duration_ms};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

/// Below this, only what matters most.
const WIDTH_MIN: u16 = 72;
const HEIGHT_MIN: u16 = 18;
/// From here on two lists stand side by side.
const WIDE: u16 = 156;
/// From here on sections stand apart.
const TALL: u16 = 30;

const IDEA: [&str; 2] = [
    "The same component twice: batch (far) up to the boundary, speed (near) since.",
    "The two meet at an offset of the log, and every run proves that they agree.",
];

pub fn draw(frame: &mut Frame<'_>, scene: &Scene, theme: Theme) {
    let area = frame.area();
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        return small(frame, scene);
    }
    // One column free at either side.
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let gap = u16::from(area.height >= TALL);
    let more = area.height.saturating_sub(24) / 5;
    let lists = if area.width >= WIDE { 6 + more } else { 8 + 2 * more };
    let heights = [1, 2, 1 + gap, 3 + gap].map(Constraint::Length);
    let [title, idea, numbers, bar] = heights;
    let layout = [title, idea, numbers, bar, Constraint::Min(4), Constraint::Length(lists + gap)];
    let [title, idea, numbers, bar, board, lists, foot] =
        Layout::vertical(layout.into_iter().chain([Constraint::Length(1)])).areas(area);
    draw_title(frame, scene, theme, title);
    frame.render_widget(Paragraph::new(IDEA.map(Line::raw).to_vec()), idea);
    draw_numbers(frame, scene, theme, numbers);
    bar::draw(frame, scene, theme, bar);
    let apart = |area: Rect| Rect { height: area.height.saturating_sub(gap), ..area };
    board::draw(frame, scene, theme, apart(board));
    let (revised, made) = split(lists, more, gap);
    runs::draw_runs(frame, scene, theme, made);
    runs::draw_revised(frame, scene, theme, apart(revised));
    draw_foot(frame, scene, theme, foot);
}

/// Room for revised rows, and for runs.
fn split(lists: Rect, more: u16, gap: u16) -> (Rect, Rect) {
    if lists.width >= WIDE - 2 {
        let [made, revised] = Layout::horizontal([Constraint::Length(84), Constraint::Min(70)]).areas(lists);
        return (revised, made);
    }
    let [revised, made] =
        Layout::vertical([Constraint::Length(3 + more + gap), Constraint::Min(1)]).areas(lists);
    (revised, made)
}

fn draw_title(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let name = Span::styled("bifocal demo", theme.strong());
    let what = Span::raw(format!("   {}", scene.job.what));
    frame.render_widget(Line::from(vec![name, what]), area);
    let seconds = scene.elapsed.as_secs();
    let clock = format!("{}:{:02}", seconds / 60, seconds % 60);
    frame.render_widget(Line::from(clock).right_aligned(), area);
}

fn draw_numbers(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let numbers = [
        ("head", grouped(scene.head)),
        ("visible", grouped(scene.visible)),
        ("boundary", grouped(scene.boundary)),
        ("fresh", format!("{} ms", scene.freshness_ms)),
        ("late", grouped(scene.late)),
    ];
    let mut spans = vec![Span::styled(format!("{}/s", grouped(scene.rate)), theme.strong())];
    for (name, value) in numbers {
        spans.push(Span::styled(format!("  {name} "), theme.faint()));
        spans.push(Span::styled(value, theme.strong()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn draw_foot(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let mut spans = vec![Span::styled("q", theme.strong()), Span::raw(" stops   ")];
    if let Some(trouble) = &scene.trouble {
        spans.push(Span::styled(trouble.clone(), theme.bad()));
    } else if let Some(incident) = scene.incidents.first() {
        spans.push(Span::styled(format!("incident: {incident}"), theme.bad()));
    } else {
        let arrived = Rfc3339(scene.arrived_ms).to_string().replace('T', " ");
        let arrived = arrived.get(..16).unwrap_or_default();
        let is_over = scene.head == scene.total;
        let so_far =
            if is_over { "all events have arrived, the last" } else { "the last event really arrived" };
        spans.push(Span::styled(format!("{so_far} {arrived}"), theme.faint()));
        if scene.rejected > 0 {
            spans.push(Span::styled(format!("   rejected {}", grouped(scene.rejected)), theme.faint()));
        }
    }
    frame.render_widget(Line::from(spans), area);
}

/// Where nothing else has room.
fn small(frame: &mut Frame<'_>, scene: &Scene) {
    let told = scene.runs.first().map(plain::run_in_words).unwrap_or_default();
    let text = format!(
        "bifocal demo, {}; q stops\n{}\n{told}\n(80x24 shows more)",
        format_duration_ms(scene.elapsed.as_secs() as i64 * 1000),
        plain::line(scene)
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
}
