//! The merge of sorted sources against a straight loop.

use crate::native::{Mode, Native};
use crate::stage::{Dice, Place, nothing};
use bifocal::calls::Calls;
use bifocal::cell::{Cell, CellRef};
use bifocal::merge::{Merge, Only, Source};
use bifocal::store::{ViewFile, ViewWriter};
use std::collections::BTreeMap;
use std::sync::Arc;

type Cells = BTreeMap<(Vec<u8>, i64), Cell>;

/// A state of the lawful transform, or of its machine; some are broken.
fn state(mode: Mode, dice: &mut Dice) -> Vec<u8> {
    let value = dice.below(1_000) as i64;
    match mode {
        Mode::Machine => [&b"a\0"[..], &value.to_le_bytes()].concat(),
        _ => [&1u64.to_le_bytes()[..], &i128::from(value).to_le_bytes(), &value.to_le_bytes()].concat(),
    }
}

fn source(mode: Mode, dice: &mut Dice, cells: u64) -> Cells {
    let mut out = Cells::new();
    for _ in 0..dice.below(cells) {
        let key = [&[1][..], format!("k{}", dice.below(cells / 2)).as_bytes(), &[0, 0]].concat();
        let window = (dice.below(5) as i64 - 2) * 3_600_000;
        let broken = (dice.below(9) == 0).then(|| format!("cause {}", dice.below(99)));
        let state = if broken.is_some() { Vec::new() } else { state(mode, dice) };
        out.insert((key.clone(), window), Cell { key, window, state, broken });
    }
    out
}

/// What the sources say together, by a loop over plain maps.
fn straight(mode: Mode, calls: &Calls, sources: &[Cells]) -> Vec<Cell> {
    let mut out = Cells::new();
    for (name, cell) in sources.iter().flatten() {
        let Some(there) = out.get_mut(name) else {
            out.insert(name.clone(), cell.clone());
            continue;
        };
        match (&there.broken, &cell.broken) {
            (Some(_), _) => {}
            (None, Some(_)) => *there = cell.clone(),
            (None, None) if mode == Mode::Machine => there.state.clone_from(&cell.state),
            (None, None) => {
                let one = |state: &Vec<u8>| [&state[..]].into_iter().collect();
                let merged = calls.merge(&one(&there.state), &one(&cell.state)).unwrap();
                there.state = merged.states.get(0).to_vec();
                there.broken = merged.broken.into_iter().next().map(|(_, cause)| cause);
            }
        }
    }
    out.into_values().collect()
}

fn collected(mut source: impl Source) -> Vec<Cell> {
    let mut cells = Vec::new();
    while let Some(cell) = source.head() {
        cells.push(cell.to_owned());
        source.advance().unwrap();
    }
    cells
}

#[test]
fn a_merge_says_what_a_straight_loop_says() {
    // The rare state is 666.00: merges to it trap, and the cell is broken from then on.
    for mode in [Mode::Sound, Mode::TrapsOnARareState, Mode::Machine] {
        let calls = Calls::new(Arc::new(Native::new(mode)), Arc::default());
        for seed in 0..25 {
            let mut dice = Dice(seed);
            // Enough for several groups now and then.
            let size = if seed == 24 { 90_000 } else { 60 };
            let sources: Vec<Cells> = (0..dice.below(6)).map(|_| source(mode, &mut dice, size)).collect();
            let place = Place::new();
            let views: Vec<ViewFile> = sources
                .iter()
                .enumerate()
                .map(|(i, cells)| {
                    let file = format!("{i}");
                    let mut writer = ViewWriter::create(&place.disk, &file).unwrap();
                    cells.values().for_each(|cell| writer.push(cell.as_ref()).unwrap());
                    writer.finish(&nothing()).unwrap();
                    place.open(&file).unwrap()
                })
                .collect();
            let scans =
                || views.iter().map(|view| Box::new(view.scan().unwrap()) as Box<dyn Source>).collect();
            let expected = straight(mode, &calls, &sources);
            assert_eq!(collected(Merge::new(&calls, scans()).unwrap()), expected, "{mode:?} {seed}");
            let even = |cell: &CellRef<'_>| cell.window == 0;
            let only = Only::new(Merge::new(&calls, scans()).unwrap(), even).unwrap();
            let expected: Vec<Cell> = expected.into_iter().filter(|cell| cell.window == 0).collect();
            assert_eq!(collected(only), expected);
        }
    }
}
