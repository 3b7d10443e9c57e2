//! One law on few events: does it hold, and if not, what do both sides say? Owns the exact statement
//! of each law; searches nothing (see `sweep` for suspects, `shrink` for fewer events).

use super::Law;
use super::bench::{Bench, Piece, join};
use super::sample::Row;
use crate::calls::Error;
use crate::column::Blobs;
use crate::transform::Fault;
use std::collections::BTreeMap;

/// An event of a trial and the piece that it belongs to. What pieces are to a law: split and
/// order-free: 0 left, 1 right; associative: 0, 1, 2 from left to right; monotone: 1 the event
/// that is folded alone; pure: 0 what earlier calls have seen, 1 what is folded; total: the pieces
/// that are folded and merged from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub row: Row,
    pub piece: u8,
}

/// What one side of a law says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    State(Vec<u8>),
    /// The side has no such cell.
    NoCell,
    /// Places in the trial of the rows that were rejected, each with the reason.
    Rejected(Vec<(usize, String)>),
    Failed(String),
    /// In words, where it is no state.
    Says(String),
}

/// A side of a law: how it was computed, and what came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub how: String,
    pub outcome: Outcome,
}

pub type CellName = (Vec<u8>, i64);

/// A law that does not hold, on these events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub law: Law,
    pub items: Vec<Item>,
    /// None: the breach is in what is rejected, or in no cell at all.
    pub cell: Option<CellName>,
    pub left: Side,
    pub right: Side,
}

type Found = Result<Option<Finding>, Error>;

/// States of one piece by cell, in canonical order.
type States = BTreeMap<CellName, Vec<u8>>;

pub fn states(piece: &Piece) -> States {
    let cells = piece.part.keys.iter().zip(&piece.part.windows).zip(piece.part.states.iter());
    cells.map(|((key, window), state)| ((key.to_vec(), *window), state.to_vec())).collect()
}

pub fn rows_of(items: &[Item], piece: u8) -> Vec<Row> {
    items.iter().filter(|item| item.piece == piece).map(|item| item.row).collect()
}

/// The laws but `pure`, which has a bench of its own.
pub struct Trial<'b, 'a> {
    pub bench: &'b Bench<'a>,
}

impl Trial<'_, '_> {
    /// Whether these events, cut as they are, break this law.
    pub fn breach(&self, law: Law, items: &[Item]) -> Found {
        Ok(self.look(law, items)?.filter(|finding| finding.law == law))
    }

    /// What this law's way to look at events finds: it may be put down to another law.
    pub fn look(&self, law: Law, items: &[Item]) -> Found {
        match law {
            Law::Split => self.split(items),
            Law::Associative => self.associative(items),
            Law::Monotone => self.monotone(items),
            Law::OrderFree => self.order_free(items),
            Law::Total => self.total(items),
            Law::Pure => Ok(None),
        }
    }

    /// Whether these rows break this law in any way of cutting them.
    pub fn breach_anyhow(&self, law: Law, rows: &[Row]) -> Found {
        for items in cuts(law, rows) {
            if let Some(finding) = self.breach(law, &items)? {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    fn fold_pieces(&self, items: &[Item], count: u8) -> Result<Option<Vec<Piece>>, Error> {
        let mut pieces = Vec::new();
        for piece in 0..count {
            let rows = rows_of(items, piece);
            if rows.is_empty() {
                pieces.push(Piece::default());
                continue;
            }
            match self.bench.fold(&rows)? {
                Ok(piece) => pieces.push(piece),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(pieces))
    }

    /// `fold(a ++ b) = merge(fold(a), fold(b))`. A chunk that fails is thrown away by every host, so
    /// it breaks nothing. The verdicts on one event may differ, too, in a way that is another law's.
    fn split(&self, items: &[Item]) -> Found {
        let rows: Vec<Row> = items.iter().map(|item| item.row).collect();
        let Some(pieces) = self.fold_pieces(items, 2)? else { return Ok(None) };
        let ([left, right], Ok(whole)) = (pieces.as_slice(), self.bench.fold(&rows)?) else {
            return Ok(None);
        };
        let cut = rows_of(items, 0).len();
        if let Some(finding) = self.verdicts(items, cut, &whole, left, right)? {
            return Ok(Some(finding));
        }
        let how = [fold_of(0..rows.len()), merge_of(&[fold_of(0..cut), fold_of(cut..rows.len())])];
        let finding = |law, cell: CellName, found: Option<&[u8]>, expected: Outcome| {
            let [left, right] = how.clone();
            let found = found.map_or(Outcome::NoCell, |state| Outcome::State(state.to_vec()));
            let (left, right) = (Side { how: left, outcome: found }, Side { how: right, outcome: expected });
            Some(Finding { law, items: items.to_vec(), cell: Some(cell), left, right })
        };
        let joined = join(&whole.part, &left.part, &right.part);
        if let Some(odd) = joined.odd {
            let expected = odd.expected.map_or(Outcome::NoCell, Outcome::State);
            return Ok(finding(Law::Split, (odd.key, odd.window), odd.found.as_deref(), expected));
        }
        let (mut lefts, mut rights) = (Blobs::default(), Blobs::default());
        for (_, l, r) in &joined.pairs {
            lefts.push(left.part.states.get(*l));
            rights.push(right.part.states.get(*r));
        }
        let merged = self.bench.merge(&lefts, &rights)?;
        let broken: BTreeMap<usize, String> = merged.broken.into_iter().collect();
        for (pair, (cell, _, _)) in joined.pairs.iter().enumerate() {
            let name =
                (whole.part.keys.get(*cell).to_vec(), whole.part.windows.get(*cell).copied().unwrap_or(0));
            let found = whole.part.states.get(*cell);
            if let Some(cause) = broken.get(&pair) {
                return Ok(finding(Law::Total, name, Some(found), Outcome::Failed(cause.clone())));
            }
            let expected = merged.states.get(pair);
            if found != expected {
                return Ok(finding(Law::Split, name, Some(found), Outcome::State(expected.to_vec())));
            }
        }
        Ok(None)
    }

    /// The rejections of a chunk against those of its pieces. An event that is taken in company and
    /// refused alone breaks `monotone`, since alone decides; every other difference breaks `split`.
    fn verdicts(&self, items: &[Item], cut: usize, whole: &Piece, left: &Piece, right: &Piece) -> Found {
        let rejected = |piece: &Piece, from: usize| -> Vec<(usize, String)> {
            piece.rejected.iter().map(|found| (found.row as usize + from, found.reason.clone())).collect()
        };
        let (together, mut apart) = (rejected(whole, 0), rejected(left, 0));
        apart.extend(rejected(right, cut));
        if together == apart {
            return Ok(None);
        }
        let one_side = |row: &usize| {
            let is_in = |list: &[(usize, String)]| list.iter().any(|(other, _)| other == row);
            is_in(&together) != is_in(&apart)
        };
        for row in (0..items.len()).filter(one_side) {
            let mut alone = items.to_vec();
            alone.iter_mut().enumerate().for_each(|(i, item)| item.piece = u8::from(i == row));
            if let Some(finding) = self.monotone(&alone)? {
                return Ok(Some(finding));
            }
        }
        let how =
            [fold_of(0..items.len()), format!("{}, then {}", fold_of(0..cut), fold_of(cut..items.len()))];
        let [left, right] = how;
        Ok(Some(Finding {
            law: Law::Split,
            items: items.to_vec(),
            cell: None,
            left: Side { how: left, outcome: Outcome::Rejected(together) },
            right: Side { how: right, outcome: Outcome::Rejected(apart) },
        }))
    }

    /// If a chunk succeeds, each of its rows succeeds alone, and is not refused where the chunk took
    /// it. (A row that the chunk refuses and that is taken alone breaks `split`: what was
    /// folded beside it decided.)
    fn monotone(&self, items: &[Item]) -> Found {
        let rows: Vec<Row> = items.iter().map(|item| item.row).collect();
        let Some(place) = items.iter().position(|item| item.piece == 1) else { return Ok(None) };
        let (Some(row), Ok(whole)) = (rows.get(place), self.bench.fold(&rows)?) else { return Ok(None) };
        let alone = match self.bench.fold(&[*row])? {
            Err(fault) => Outcome::Failed(fault.to_string()),
            Ok(piece) => match piece.rejected.first() {
                Some(rejection) => Outcome::Rejected(vec![(place, rejection.reason.clone())]),
                None => return Ok(None),
            },
        };
        if matches!(alone, Outcome::Rejected(_)) && whole.refuses(place).is_some() {
            return Ok(None);
        }
        let together = match whole.refuses(place) {
            Some(reason) => Outcome::Rejected(vec![(place, reason.into())]),
            None => Outcome::Says(format!("takes {}", letter(place))),
        };
        Ok(Some(Finding {
            law: Law::Monotone,
            items: items.to_vec(),
            cell: None,
            left: Side { how: fold_of(0..rows.len()), outcome: together },
            right: Side { how: fold_of(place..place + 1), outcome: alone },
        }))
    }

    /// `merge(merge(x, y), z) = merge(x, merge(y, z))`. With an initial state x may also be anchored,
    /// and then stands for all that came before.
    fn associative(&self, items: &[Item]) -> Found {
        let Some(pieces) = self.fold_pieces(items, 3)? else { return Ok(None) };
        let states: Vec<States> = pieces.iter().map(states).collect();
        let [x, y, z] = states.as_slice() else { return Ok(None) };
        let ends = [rows_of(items, 0).len(), rows_of(items, 0).len() + rows_of(items, 1).len()];
        let floating = [fold_of(0..ends[0]), fold_of(ends[0]..ends[1]), fold_of(ends[1]..items.len())];
        for (cell, y) in y {
            let (Some(x), Some(z)) = (x.get(cell), z.get(cell)) else { continue };
            if let Some(finding) = self.reassociated(items, cell, [x, y, z], &floating)? {
                return Ok(Some(finding));
            }
        }
        let Some(initial) = self.bench.description().initial.clone() else { return Ok(None) };
        for (cell, y) in y {
            let Some(z) = z.get(cell) else { continue };
            let mut how = floating.clone();
            let anchored = match x.get(cell) {
                None => {
                    how[0] = "initial".into();
                    Ok(initial.clone())
                }
                Some(x) => {
                    how[0] = merge_of(&["initial".into(), how[0].clone()]);
                    self.merged(&initial, x)?
                }
            };
            let anchored = match anchored {
                Ok(state) => state,
                Err(cause) => return Ok(Some(self.failed(items, cell, &how[0], cause))),
            };
            if let Some(finding) = self.reassociated(items, cell, [&anchored, y, z], &how)? {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    fn reassociated(
        &self,
        items: &[Item],
        cell: &CellName,
        [x, y, z]: [&Vec<u8>; 3],
        [a, b, c]: &[String; 3],
    ) -> Found {
        let (xy, yz) = (self.merged(x, y)?, self.merged(y, z)?);
        let ways = [
            (merge_of(&[merge_of(&[a.clone(), b.clone()]), c.clone()]), xy.map(|xy| (xy, z.clone()))),
            (merge_of(&[a.clone(), merge_of(&[b.clone(), c.clone()])]), yz.map(|yz| (x.clone(), yz))),
        ];
        let mut sides = Vec::new();
        for (how, pair) in ways {
            let merged = match pair {
                Ok((left, right)) => self.merged(&left, &right)?,
                Err(cause) => Err(cause),
            };
            match merged {
                Ok(state) => sides.push(Side { how, outcome: Outcome::State(state) }),
                Err(cause) => return Ok(Some(self.failed(items, cell, &how, cause))),
            }
        }
        Ok(unequal(Law::Associative, items, cell, sides))
    }

    /// `merge(x, y) = merge(y, x)`.
    fn order_free(&self, items: &[Item]) -> Found {
        let Some(pieces) = self.fold_pieces(items, 2)? else { return Ok(None) };
        let states: Vec<States> = pieces.iter().map(states).collect();
        let [x, y] = states.as_slice() else { return Ok(None) };
        let cut = rows_of(items, 0).len();
        let (left, right) = (fold_of(0..cut), fold_of(cut..items.len()));
        for (cell, x) in x {
            let Some(y) = y.get(cell) else { continue };
            let mut sides = Vec::new();
            for (how, a, b) in [([left.clone(), right.clone()], x, y), ([right.clone(), left.clone()], y, x)]
            {
                let how = merge_of(&how);
                match self.merged(a, b)? {
                    Ok(state) => sides.push(Side { how, outcome: Outcome::State(state) }),
                    Err(cause) => sides.push(Side { how, outcome: Outcome::Failed(cause) }),
                }
            }
            if let Some(finding) = unequal(Law::OrderFree, items, cell, sides) {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    /// `merge` accepts adjacent states and `present` every state. One piece is presented as it is
    /// (merged onto the initial state, if there is one), two and three are merged.
    fn total(&self, items: &[Item]) -> Found {
        if items.iter().any(|item| item.piece == 2) {
            return self.associative(items);
        }
        if items.iter().any(|item| item.piece == 1) {
            return self.split(items);
        }
        let Some(pieces) = self.fold_pieces(items, 1)? else { return Ok(None) };
        let Some(piece) = pieces.first() else { return Ok(None) };
        let mut how = fold_of(0..items.len());
        if self.bench.description().initial.is_some() {
            how = merge_of(&["initial".into(), how]);
        }
        for (cell, state) in states(piece) {
            let whole = match &self.bench.description().initial {
                None => Ok(state),
                Some(initial) => self.merged(initial, &state)?,
            };
            let state = match whole {
                Ok(state) => state,
                Err(cause) => return Ok(Some(self.failed(items, &cell, &how, cause))),
            };
            let (keys, states) = ([&*cell.0].into_iter().collect(), [&*state].into_iter().collect());
            let presented = self.bench.calls.present(&keys, &[cell.1], &states)?;
            if let Some((_, cause)) = presented.broken.first()
                && !is_out_of_range(cause)
            {
                let mut finding = self.failed(items, &cell, &format!("present({how})"), cause.clone());
                finding.left = Side { how, outcome: Outcome::State(state) };
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    fn merged(&self, left: &[u8], right: &[u8]) -> Result<Result<Vec<u8>, String>, Error> {
        let merged = self.bench.merge(&[left].into_iter().collect(), &[right].into_iter().collect())?;
        Ok(match merged.broken.into_iter().next() {
            Some((_, cause)) => Err(cause),
            None => Ok(merged.states.get(0).to_vec()),
        })
    }

    fn failed(&self, items: &[Item], cell: &CellName, how: &str, cause: String) -> Finding {
        Finding {
            law: Law::Total,
            items: items.to_vec(),
            cell: Some(cell.clone()),
            left: Side { how: "every reachable state".into(), outcome: Outcome::Says("is accepted".into()) },
            right: Side { how: how.into(), outcome: Outcome::Failed(cause) },
        }
    }
}

fn unequal(law: Law, items: &[Item], cell: &CellName, sides: Vec<Side>) -> Option<Finding> {
    let [left, right] = <[Side; 2]>::try_from(sides).ok()?;
    // Two failures are `total`'s concern, whatever each says.
    let both_failed = matches!((&left.outcome, &right.outcome), (Outcome::Failed(_), Outcome::Failed(_)));
    (left.outcome != right.outcome && !both_failed).then(|| Finding {
        law,
        items: items.to_vec(),
        cell: Some(cell.clone()),
        left,
        right,
    })
}

/// Whether a broken `present` is a value that its column cannot hold, and so no breach. Only
/// `present` may say so: a `merge` that does would leave a cell broken or not by where the log
/// was cut.
pub fn is_out_of_range(cause: &str) -> bool {
    let failed = Fault::Failed(String::new()).to_string();
    cause
        .strip_prefix("present ")
        .and_then(|fault| fault.strip_prefix(&failed))
        .is_some_and(|text| text.trim_start().starts_with("out of range"))
}

/// All ways in which a law looks at rows in this order.
pub fn cuts(law: Law, rows: &[Row]) -> Vec<Vec<Item>> {
    let at = |ends: &[usize]| -> Vec<Item> {
        let piece = |i: usize| ends.iter().filter(|end| **end <= i).count() as u8;
        rows.iter().enumerate().map(|(i, row)| Item { row: *row, piece: piece(i) }).collect()
    };
    let count = rows.len();
    let two = (1..count).map(|cut| at(&[cut]));
    let three = || {
        let pairs = (0..count).flat_map(|a| (a.max(1)..count).map(move |b| (a, b)));
        pairs.filter(|(a, b)| a < b).map(|(a, b)| at(&[a, b])).collect::<Vec<_>>()
    };
    match law {
        Law::Split | Law::OrderFree => two.collect(),
        Law::Associative => three(),
        Law::Total => std::iter::once(at(&[])).chain(two).chain(three()).collect(),
        Law::Monotone => {
            let subject = |place: usize| {
                rows.iter().enumerate().map(move |(i, row)| Item { row: *row, piece: u8::from(i == place) })
            };
            (0..count).map(|place| subject(place).collect()).collect()
        }
        Law::Pure => {
            let all = rows.iter().map(|row| Item { row: *row, piece: 1 }).collect();
            std::iter::once(all).chain(two).collect()
        }
    }
}

/// How an event of a trial is called.
pub fn letter(place: usize) -> String {
    match u8::try_from(place) {
        Ok(place) if place < 26 => char::from(b'a' + place).to_string(),
        _ => format!("#{}", place + 1),
    }
}

/// `fold(a b c)`.
pub fn fold_of(places: std::ops::Range<usize>) -> String {
    const NAMED_MAX: usize = 6;
    if places.len() > NAMED_MAX {
        return format!("fold({} … {})", letter(places.start), letter(places.end - 1));
    }
    format!("fold({})", places.map(letter).collect::<Vec<_>>().join(" "))
}

/// `merge(x, y)`.
pub fn merge_of(parts: &[String]) -> String {
    format!("merge({})", parts.join(", "))
}
