//! The log as a bar: far up to the boundary, near from there on, and below it where each run has cut.

use super::Theme;
use crate::cli::demo::scene::Scene;
use crate::cli::table::grouped;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

const FAR: &str = "█";
const NEAR: &str = "▒";
/// Durable, not yet folded.
const UNSEEN: &str = "·";

/// A stretch of the log and how many columns it has.
struct Scale {
    from: u64,
    span: u64,
    columns: u64,
}

impl Scale {
    /// The column in which an offset stands.
    fn at(&self, offset: u64) -> usize {
        let into = u128::from(offset.saturating_sub(self.from).min(self.span));
        (into * u128::from(self.columns) / u128::from(self.span.max(1))) as usize
    }
}

pub fn draw(frame: &mut Frame<'_>, scene: &Scene, theme: Theme, area: Rect) {
    let from = scene.head.saturating_sub(scene.span);
    let scale = Scale { from, span: scene.span, columns: u64::from(area.width) };
    let lines = [legend(scene, theme), bar(scene, theme, &scale), cuts(scene, theme, &scale)];
    for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

fn legend(scene: &Scene, theme: Theme) -> Line<'static> {
    let far = format!("{FAR} far: batch [0, {})", grouped(scene.boundary));
    let near = format!("{NEAR} near: speed [{}, {})", grouped(scene.boundary), grouped(scene.visible));
    let spans = [Span::raw("the log   "), Span::styled(far, theme.far()), Span::raw("   ")];
    Line::from_iter(spans.into_iter().chain([Span::styled(near, theme.near())]))
}

fn bar(scene: &Scene, theme: Theme, scale: &Scale) -> Line<'static> {
    let (boundary, visible, head) = (scale.at(scene.boundary), scale.at(scene.visible), scale.at(scene.head));
    Line::from(vec![
        Span::styled(FAR.repeat(boundary), theme.far()),
        Span::styled(NEAR.repeat(visible.saturating_sub(boundary)), theme.near()),
        Span::styled(UNSEEN.repeat(head.saturating_sub(visible)), theme.faint()),
    ])
}

/// `▲run 6` where each run has cut; an older one gives way where two would touch.
fn cuts(scene: &Scene, theme: Theme, scale: &Scale) -> Line<'static> {
    let mut marks: Vec<(usize, String)> = Vec::new();
    let mut limit = scale.columns as usize + 1;
    for run in scene.runs.iter().filter(|run| run.failed.is_none() && run.to > scale.from) {
        let mark = format!("▲ run {}", run.number);
        let at = scale.at(run.to).min((scale.columns as usize).saturating_sub(mark.chars().count()));
        if at + mark.chars().count() < limit {
            limit = at;
            marks.push((at, mark));
        }
    }
    let mut line = String::new();
    for (at, mark) in marks.iter().rev() {
        let before = at.saturating_sub(line.chars().count());
        line.push_str(&" ".repeat(before));
        line.push_str(mark);
    }
    Line::styled(line, theme.faint())
}
