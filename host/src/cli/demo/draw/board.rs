//! The same day by key through three lenses, side by side.

use super::Theme;
use crate::cli::demo::plain::grouped_i64;
use crate::cli::demo::scene::{Row, Scene};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

const KEY: usize = 13;
const NUMBER: usize = 9;

pub fn draw(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let room = usize::from(area.height).saturating_sub(3);
    let mut lines = head(scene, theme);
    lines.extend(scene.board.rows.iter().take(room).map(|row| line(row, theme)));
    lines.push(total(scene, theme));
    for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

fn head(scene: &Scene, theme: Theme) -> Vec<Line<'static>> {
    let job = scene.job;
    let group = 3 * NUMBER + 6;
    let titles = format!("{:<KEY$}{:>group$}     {:>27}", scene.board.day, job.sum.1, job.other.1);
    let names = vec![
        Span::styled(format!("{:<KEY$}", job.key_title), theme.faint()),
        Span::styled(format!("{:>NUMBER$}", "far"), theme.far()),
        Span::raw(" + "),
        Span::styled(format!("{:>NUMBER$}", "near"), theme.near()),
        Span::raw(" = "),
        Span::styled(format!("{:>NUMBER$}", "merged"), theme.strong()),
        Span::styled(format!("{:>14}", "far"), theme.far()),
        Span::styled(format!("{:>NUMBER$}", "near"), theme.near()),
        Span::styled(format!("{:>NUMBER$}", "merged"), theme.strong()),
    ];
    vec![Line::styled(titles, theme.heading()), Line::from(names)]
}

fn line(row: &Row, theme: Theme) -> Line<'static> {
    let key: String = row.key.chars().take(KEY - 1).collect();
    let mut spans = vec![Span::raw(format!("{key:<KEY$}"))];
    spans.extend(sums([row.far.sum, row.near.sum, row.merged.sum], theme));
    let other = |other: &Option<String>| other.clone().unwrap_or_else(|| "-".into());
    spans.extend([
        Span::styled(format!("{:>14}", other(&row.far.other)), theme.far()),
        Span::styled(format!("{:>NUMBER$}", other(&row.near.other)), theme.near()),
        Span::styled(format!("{:>NUMBER$}", other(&row.merged.other)), theme.strong()),
    ]);
    Line::from(spans)
}

fn total(scene: &Scene, theme: Theme) -> Line<'static> {
    let board = &scene.board;
    let mut spans =
        vec![Span::styled(format!("{:<KEY$}", format!("all {}", board.rows.len())), theme.strong())];
    spans.extend(sums([board.far, board.near, board.merged], theme));
    if !board.rows.is_empty() {
        spans.push(Span::styled("   merged from states, not sums", theme.faint()));
    }
    Line::from(spans)
}

/// `612 + 31 = 643`, or in red that it is not.
fn sums([far, near, merged]: [i64; 3], theme: Theme) -> [Span<'static>; 5] {
    let number = |number: i64| format!("{:>NUMBER$}", grouped_i64(number));
    let sign = if far + near == merged { Span::raw(" = ") } else { Span::styled(" ≠ ", theme.bad()) };
    [
        Span::styled(number(far), theme.far()),
        Span::raw(" + "),
        Span::styled(number(near), theme.near()),
        sign,
        Span::styled(number(merged), theme.strong()),
    ]
}
