//! The screen as text, beside this file: what a person sees at two sizes. `BIFOCAL_BLESS=1` writes them anew.

use super::{Theme, draw};
use crate::cli::demo::job::On;
use crate::cli::demo::scene::{Board, Revised, Run, Scene, Seen};
use crate::store::RunKind;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const AIRPORTS: [(&str, i64, i64); 16] = [
    ("ATL", 612, 31),
    ("ORD", 598, 27),
    ("DFW", 571, 29),
    ("LAX", 402, 12),
    ("PHX", 351, 14),
    ("STL", 340, 9),
    ("DTW", 322, 0),
    ("MSP", 301, 11),
    ("LAS", 280, 7),
    ("DEN", 266, 5),
    ("IAH", 251, 13),
    ("PHL", 240, 4),
    ("SFO", 231, 2),
    ("CLT", 222, 8),
    ("EWR", 214, 1),
    ("BOS", 200, 3),
];

fn board() -> Board {
    let mut lenses = [(); 3].map(|()| BTreeMap::new());
    for (key, far, near) in AIRPORTS {
        let seen = |sum: i64, other: i64| Seen { sum, other: Some(other.to_string()) };
        let [fars, nears, merged] = &mut lenses;
        fars.insert(key.to_string(), seen(far, 42));
        if near > 0 {
            nears.insert(key.to_string(), seen(near, 88));
        }
        merged.insert(key.to_string(), seen(far + near, 45));
    }
    Board::new("2001-02-22".into(), lenses)
}

fn run(number: u64) -> Run {
    let kind = if number.is_multiple_of(4) { RunKind::Full } else { RunKind::Incremental };
    Run {
        number,
        kind,
        from: if kind == RunKind::Full { 0 } else { (number - 1) * 1250 },
        to: number * 1250,
        compared: 412 * number,
        differ: 0,
        certificate: "3d57…2ba2".into(),
        took_ms: 31,
        failed: None,
    }
}

fn revised(key: &str, hour: u32, run: Option<u64>) -> Revised {
    let window = format!("2001-02-22T{hour:02}:00:00Z");
    Revised { key: key.into(), window, settled: 14, now: 15, run }
}

fn scene() -> Scene {
    Scene {
        job: On::Flights.job(),
        elapsed: Duration::from_secs(37),
        rate: 250,
        head: 9_250,
        visible: 9_240,
        boundary: 8_750,
        total: 80_536,
        freshness_ms: 3,
        late: 1_204,
        rejected: 0,
        arrived_ms: 982_861_320_000,
        trouble: None,
        board: board(),
        revised: vec![revised("ORD", 9, None), revised("ATL", 14, None), revised("DFW", 16, Some(7))],
        runs: (1..=7).rev().map(run).collect(),
        runs_total: 7,
        compared_total: 11_536,
        running: None,
        incidents: Vec::new(),
        span: 6_250,
    }
}

fn drawn(scene: &Scene, (width, height): (u16, u16), theme: Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, scene, theme)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let line = |y: u16| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| format!("{}\n", line(y).trim_end())).collect()
}

/// Compares with the file of this name.
fn check(name: &str, scene: &Scene, size: (u16, u16)) {
    let found = text(&drawn(scene, size, Theme::new(true)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/draw").join(name);
    if std::env::var_os("BIFOCAL_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs (BIFOCAL_BLESS=1 takes what is found):\n{found}");
}

#[test]
fn the_screen_has_all_at_80x24() {
    check("80x24.txt", &scene(), (80, 24));
}

#[test]
fn the_screen_has_more_at_120x40() {
    check("120x40.txt", &scene(), (120, 40));
}

#[test]
fn lists_stand_side_by_side_at_160x45() {
    check("160x45.txt", &scene(), (160, 45));
}

#[test]
fn every_size_is_drawn_and_a_small_one_says_so() {
    for width in [1, 2, 20, 71, 72, 80, 155, 156, 300] {
        for height in [1, 2, 10, 17, 18, 24, 29, 30, 100] {
            drawn(&scene(), (width, height), Theme::new(true));
        }
    }
    assert!(text(&drawn(&scene(), (60, 12), Theme::new(true))).contains("80x24 shows more"));
}

#[test]
fn an_empty_host_is_drawn() {
    let empty = Scene {
        head: 0,
        visible: 0,
        boundary: 0,
        span: 1,
        board: Board::default(),
        revised: Vec::new(),
        runs: Vec::new(),
        ..scene()
    };
    assert!(text(&drawn(&empty, (80, 24), Theme::new(true))).contains("batch [0, 0)"));
}

#[test]
fn what_does_not_agree_is_seen_without_colours() {
    let mut wrong = scene();
    if let Some(row) = wrong.board.rows.first_mut() {
        row.far.sum += 1;
    }
    wrong.runs.insert(0, Run { differ: 3, ..run(8) });
    wrong.incidents.push("first ATL 2001-02-22T05:00:00Z; the run was published".into());
    let buffer = drawn(&wrong, (80, 24), Theme::new(false));
    let text = text(&buffer);
    assert!(
        text.contains('≠') && text.contains("3 differ") && text.contains("incident: first ATL"),
        "{text}"
    );
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn no_background_and_no_colour_that_a_light_terminal_swallows() {
    let buffer = drawn(&scene(), (80, 24), Theme::new(true));
    let are_read = [Color::Reset, Color::Blue, Color::Magenta, Color::Green, Color::Red];
    assert!(buffer.content.iter().all(|cell| are_read.contains(&cell.fg) && cell.bg == Color::Reset));
}
