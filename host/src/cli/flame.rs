//! Stacks of functions as a picture: a flame graph, the outermost function on top, width by how often it was
//! seen. No library that draws them may be shipped under our licence.

use std::collections::BTreeMap;
use std::fmt::Write;

const WIDTH: f64 = 1200.0;
const ROW: f64 = 18.0;
const TOP: f64 = 40.0;
/// Narrower boxes are left out.
const WIDTH_LEAST: f64 = 0.4;
/// Of a letter, about.
const LETTER: f64 = 6.6;

#[derive(Default)]
struct Frame<'a> {
    looks: u64,
    called: BTreeMap<&'a str, Frame<'a>>,
}

impl Frame<'_> {
    fn depth(&self) -> usize {
        1 + self.called.values().map(Frame::depth).max().unwrap_or(0)
    }
}

/// An SVG of stacks, a line each: functions apart by `;`, a space, a number of looks.
pub fn graph(title: &str, folded: &str) -> String {
    let mut root = Frame::default();
    for (stack, looks) in folded.lines().filter_map(|line| line.rsplit_once(' ')) {
        let looks = looks.parse().unwrap_or(0);
        root.looks += looks;
        let mut frame = &mut root;
        for name in stack.split(';') {
            frame = frame.called.entry(name).or_default();
            frame.looks += looks;
        }
    }
    let height = TOP + ROW * root.depth() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fffdf8\"/>\n<text x=\"8\" y=\"24\" \
         font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    draw(&mut svg, &root, 0.0, TOP, WIDTH / root.looks.max(1) as f64, root.looks);
    svg + "</svg>\n"
}

fn draw(svg: &mut String, frame: &Frame<'_>, mut x: f64, y: f64, scale: f64, all: u64) {
    for (name, called) in &frame.called {
        let width = called.looks as f64 * scale;
        if width >= WIDTH_LEAST {
            let share = 100.0 * called.looks as f64 / all.max(1) as f64;
            let letters = ((width - 4.0) / LETTER).max(0.0) as usize;
            let shown: String =
                if letters < 3 { String::new() } else { name.chars().take(letters).collect() };
            let _ = writeln!(
                svg,
                "<g><title>{} ({} looks, {share:.1} %)</title><rect x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" \
                 height=\"{}\" fill=\"{}\" stroke=\"#fffdf8\" stroke-width=\"0.5\"/><text x=\"{:.2}\" y=\"{}\">{}</text></g>",
                escaped(name),
                called.looks,
                ROW - 1.0,
                colour(name),
                x + 3.0,
                y + ROW - 6.0,
                escaped(&shown)
            );
            draw(svg, called, x, y + ROW, scale, all);
        }
        x += width;
    }
}

/// A warm colour, the same for the same name.
fn colour(name: &str) -> String {
    let hash = name.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    format!("hsl({},{}%,{}%)", 15 + hash % 40, 70 + hash / 40 % 20, 62 + hash / 800 % 14)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_shares_and_names_are_texts() {
        let svg = graph("t & u", "a;b<T> 3\na;c 1\nd 4\n");
        for part in [
            "t &amp; u",
            "b&lt;T&gt; (3 looks, 37.5 %)",
            "a (4 looks, 50.0 %)",
            "width=\"450.00\"",
            "width=\"600.00\"",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }
}
