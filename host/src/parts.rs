//! The speed view as a list of immutable parts: cells over consecutive ranges of offsets, oldest first and
//! without a gap. Owns what a part is and when neighbours are folded into one; knows nothing of threads,
//! of who reads a list or of how a part was folded.

use crate::calls::{self, Calls};
use crate::cell::Found;
use crate::extract::Rejected;
use crate::half::Half;
use crate::merge::{Sorted, Source};
use crate::offset::{Offset, Range};
use crate::store::{self, Span, ViewFile};
use crate::table::{Below, Slot, Table};
use crate::tally::Tally;
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// Cells over one range of offsets. Never changed.
#[derive(Debug)]
pub struct Part {
    pub range: Range,
    pub tally: Tally,
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    Memory {
        table: Table,
        /// Ascending.
        rejected: Vec<Rejected>,
        /// The cells in canonical order, once somebody has asked for it.
        order: OnceLock<Vec<Slot>>,
    },
    File(ViewFile),
}

impl Part {
    pub fn in_memory(half: Half) -> Part {
        let Half { range, table, rejected, tally } = half;
        Part { range, tally, cells: Cells::Memory { table, rejected, order: OnceLock::new() } }
    }

    pub fn in_file(file: ViewFile) -> Part {
        Part { range: file.meta().range, tally: file.meta().tally, cells: Cells::File(file) }
    }

    pub fn file(&self) -> Option<&ViewFile> {
        match &self.cells {
            Cells::Memory { .. } => None,
            Cells::File(file) => Some(file),
        }
    }

    /// How many cells there are.
    pub fn count(&self) -> u64 {
        match &self.cells {
            Cells::Memory { table, .. } => table.len() as u64,
            Cells::File(file) => file.meta().cells,
        }
    }

    pub fn broken_count(&self) -> u64 {
        match &self.cells {
            Cells::Memory { table, .. } => table.broken_count() as u64,
            Cells::File(file) => file.meta().broken,
        }
    }

    /// Bytes that it holds in memory.
    pub fn bytes(&self) -> usize {
        match &self.cells {
            Cells::Memory { table, rejected, .. } => {
                let reasons: usize = rejected.iter().map(|event| event.reason.len()).sum();
                table.bytes() + rejected.len() * size_of::<Rejected>() + reasons
            }
            Cells::File(_) => 0,
        }
    }

    /// The cells whose canonical key begins with `leading`. `is_key` says that it is a whole key.
    pub fn source<'a>(&'a self, leading: &[u8], is_key: bool) -> Result<Box<dyn Source + 'a>, store::Error> {
        let (table, order) = match &self.cells {
            Cells::File(file) => return Ok(Box::new(file.scan_prefix(leading)?)),
            Cells::Memory { table, order, .. } => (table, order),
        };
        if is_key {
            return Ok(Box::new(Sorted::of(table, table.of_key(leading))));
        }
        let order = order.get_or_init(|| table.sorted());
        let key = |slot: &Slot| table.cell(*slot).key;
        let from = order.partition_point(|slot| key(slot) < leading);
        let begins = |slot: &Slot| key(slot).starts_with(leading);
        let rest = order.get(from..).unwrap_or_default();
        let to = rest.partition_point(begins);
        Ok(Box::new(Sorted::of(table, rest.get(..to).unwrap_or_default())))
    }

    /// Its rejected events, ascending.
    pub fn rejected(&self) -> Box<dyn Iterator<Item = Result<Rejected, store::Error>> + '_> {
        match &self.cells {
            Cells::Memory { rejected, .. } => Box::new(rejected.iter().cloned().map(Ok)),
            Cells::File(file) => Box::new(file.rejected()),
        }
    }

    /// What became of its events, as a view's file says it.
    pub fn spans(&self) -> Result<Vec<Span>, store::Error> {
        match &self.cells {
            Cells::File(file) => file.spans(),
            Cells::Memory { table, .. } => {
                let windows = (0..table.len()).map(|cell| table.window(cell));
                let windows = windows.clone().min().zip(windows.max());
                Ok(vec![Span { range: self.range, windows, tally: self.tally }])
            }
        }
    }
}

impl Below for Part {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        match &self.cells {
            Cells::Memory { table, .. } => Below::find(table, key, window),
            Cells::File(file) => Below::find(file, key, window),
        }
    }
}

/// What whole states grow from: the newest part that has the cell, else what lies below all.
pub struct Stack<'a> {
    pub base: Option<&'a ViewFile>,
    pub parts: &'a [Arc<Part>],
}

impl Below for Stack<'_> {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        for part in self.parts.iter().rev() {
            if let Some(found) = Below::find(part.as_ref(), key, window)? {
                return Ok(Some(found));
            }
        }
        self.base.map_or(Ok(None), |base| Below::find(base, key, window))
    }
}

/// How neighbours are chosen to become one.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Offsets that no part may reach across.
    pub barriers: &'a [Offset],
    /// Cells that the new part may have, counted twice where both have them.
    pub cells_max: u64,
    /// Parts in files, or parts in memory.
    pub in_files: bool,
}

/// Neighbours that are worth folding into one: each at most twice as large as all that are newer, so that a
/// cell is folded again a logarithmic number of times. The newest such.
pub fn foldable(parts: &[Arc<Part>], choice: &Choice<'_>) -> Option<std::ops::Range<usize>> {
    let mut end = parts.len();
    while end > 1 {
        let (mut from, mut cells) = (end, 0);
        while let Some(part) = from.checked_sub(1).and_then(|place| parts.get(place)) {
            let fits = part.file().is_some() == choice.in_files && cells + part.count() <= choice.cells_max;
            let is_apart =
                from < end && (choice.barriers.contains(&part.range.to) || part.count() > 2 * cells);
            if !fits || is_apart {
                break;
            }
            (from, cells) = (from - 1, cells + part.count());
        }
        if end.saturating_sub(from) > 1 {
            return Some(from..end);
        }
        end = from.min(end - 1);
    }
    None
}

/// Neighbours in memory as one part; None if one of them is not in memory.
pub fn folded(calls: &Calls, parts: &[Arc<Part>]) -> Result<Option<Part>, calls::Error> {
    let is_whole = calls.description().initial.is_some();
    let mut one: Option<Half> = None;
    for part in parts {
        let Cells::Memory { table, rejected, .. } = &part.cells else { return Ok(None) };
        one = Some(match one {
            None => Half {
                range: part.range,
                table: table.clone(),
                rejected: rejected.clone(),
                tally: part.tally,
            },
            Some(mut half) => {
                half.table = half.table.overlaid(calls, table, is_whole)?;
                half.rejected.extend(rejected.iter().cloned());
                half.tally = half.tally.plus(part.tally);
                half.range = Range::new(half.range.from, part.range.to);
                half
            }
        });
    }
    Ok(one.map(Part::in_memory))
}

/// The parts that make up a range, which begins and ends where parts do.
pub fn within(parts: &[Arc<Part>], range: Range) -> &[Arc<Part>] {
    let from = parts.partition_point(|part| part.range.from.cmp(&range.from) == Ordering::Less);
    let to = parts.partition_point(|part| part.range.to <= range.to);
    parts.get(from..to).unwrap_or_default()
}
