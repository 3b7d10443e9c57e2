//! A sample cut in thousands of ways, quickly: chunks against their pieces, from all to single events.
//! Owns where is cut and what was covered; leaves the exact verdict on a suspect to `trial`.

use super::Law;
use super::bench::{Bench, Index, Joined, Piece, join};
use super::random::Random;
use super::sample::{Row, Sequence};
use super::singles::Singles;
use super::trial::{self, Item};
use crate::calls::{Error, Merged};
use crate::column::Blobs;
use crate::description::Order;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Pairs that wait for one bulk merge.
const PAIRS_MAX: usize = 8192;
/// Bytes of states that wait for one.
const STATE_BYTES_MAX: usize = 16 << 20;
/// A chunk of so many rows is also cut at its ends, at equal keys and at the end of a window.
const CUT_MORE_ROWS: usize = 64;
/// How far a cut looks for two neighbours of one cell, or of two windows.
const LOOK_AHEAD_ROWS: usize = 256;

/// What the cuts of a check have covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub cuts: u64,
    /// Merges of two states that each came from at least one event.
    pub merges: u64,
    /// Windows with events on both sides of a cut, whose states were merged.
    pub windows_cut: BTreeSet<i64>,
    /// Calls on chunks that failed though each of their rows passes alone; a price, and no breach.
    pub chunks_failed: u64,
}

pub struct Sweep<'b, 'a> {
    pub bench: &'b Bench<'a>,
    pub singles: &'b Singles,
    pub random: Random,
    pub coverage: Coverage,
    /// Laws that may be broken, each on the first events that made it suspect.
    pub suspects: BTreeMap<Law, Vec<Item>>,
    waiting: Waiting,
}

/// States to merge in bulk, with what they should give.
#[derive(Default)]
struct Waiting {
    /// Rows of the sequences that are being cut.
    sequences: Vec<Vec<Row>>,
    left: Blobs,
    right: Blobs,
    expected: Blobs,
    keys: Blobs,
    windows: Vec<i64>,
    /// The first pair of each cut.
    cuts: Vec<(usize, Cut)>,
    /// Three adjacent states each.
    triples: [Blobs; 3],
    /// The first triple of each pair of cuts.
    thirds: Vec<(usize, Cut)>,
}

/// Rows `[from, to)` of a sequence, cut before row `at` and, into three, before `at_last`.
#[derive(Clone, Copy)]
struct Cut {
    sequence: usize,
    from: usize,
    at: usize,
    at_last: usize,
    to: usize,
}

/// A chunk and what one call made of it; None: the call failed.
struct Node {
    from: usize,
    to: usize,
    whole: Option<Piece>,
}

impl<'b, 'a> Sweep<'b, 'a> {
    pub fn new(bench: &'b Bench<'a>, singles: &'b Singles, seed: u64) -> Sweep<'b, 'a> {
        let (random, coverage) = (Random::new(seed), Coverage::default());
        Sweep { bench, singles, random, coverage, suspects: BTreeMap::new(), waiting: Waiting::default() }
    }

    /// A broken `split` explains too much for a search to go on.
    pub fn is_over(&self) -> bool {
        self.suspects.contains_key(&Law::Split)
    }

    fn suspect(&mut self, law: Law, items: Vec<Item>) {
        self.suspects.entry(law).or_insert(items);
    }

    /// Three events of one cell, or two of them, in every way in which they can be cut: most
    /// breaches need no more. `tries` times, or until `split` is broken.
    pub fn try_few(&mut self, tries: usize) -> Result<(), Error> {
        let repeats = self.bench.sample.may_repeat();
        let length_min = if repeats { 1 } else { 2 };
        let groups: Vec<&Vec<Row>> =
            self.singles.groups.iter().filter(|group| group.len() >= length_min).collect();
        // What an event that is sent again shows is no coverage of the sample.
        let before = self.coverage.clone();
        for _ in 0..tries {
            let Some(group) = self.random.pick(&groups) else { break };
            let mut rows: Vec<Row> = (0..3).filter_map(|_| self.random.pick(group).copied()).collect();
            rows.sort_unstable();
            if !repeats {
                rows.dedup();
            }
            let sequence = Sequence::new(self.bench.sample, rows);
            let whole = self.node(&sequence, 0, sequence.rows.len())?;
            self.begin(&sequence);
            for at in 1..sequence.rows.len() {
                let pieces = self.cut(&sequence, &whole, at)?;
                for piece in pieces.iter().filter(|piece| piece.to - piece.from > 1) {
                    self.cut(&sequence, piece, piece.from + 1)?;
                }
            }
            if let [a, b, c] = *sequence.rows {
                self.wait_for_third([a, b, c].map(|row| self.singles.piece(row)), [0, 1, 2, 3]);
            }
            if self.is_over() {
                break;
            }
        }
        self.merge_waiting()?;
        self.coverage = before;
        Ok(())
    }

    /// Events of one cell: cut down, and some of their pieces in threes.
    pub fn cut_group(&mut self, sequence: &Sequence, cuts_max: u64) -> Result<(), Error> {
        const THREES: usize = 4;
        self.cut_down(sequence, cuts_max)?;
        let rows = sequence.rows.len();
        self.begin(sequence);
        for _ in 0..if rows < 3 { 0 } else { THREES } {
            let mut ends = [1 + self.random.below(rows - 1), 1 + self.random.below(rows - 1)];
            ends.sort_unstable();
            let [x, y] = ends;
            let pieces =
                [self.node(sequence, 0, x)?, self.node(sequence, x, y)?, self.node(sequence, y, rows)?];
            self.wait_for_third(pieces.each_ref().map(|node| node.whole.as_ref()), [0, x, y, rows]);
        }
        self.merge_waiting()
    }

    /// Cuts a sequence, its pieces, their pieces, and so on, largest first, at most `cuts_max` times.
    pub fn cut_down(&mut self, sequence: &Sequence, cuts_max: u64) -> Result<(), Error> {
        let end = self.coverage.cuts + cuts_max;
        self.begin(sequence);
        let mut nodes = VecDeque::from([self.node(sequence, 0, sequence.rows.len())?]);
        while let Some(node) = nodes.pop_front() {
            let length = node.to - node.from;
            if length < 2 {
                continue;
            }
            if self.coverage.cuts >= end || self.is_over() {
                break;
            }
            if length >= CUT_MORE_ROWS {
                for at in self.adversarial(sequence, &node) {
                    self.cut(sequence, &node, at)?;
                }
            }
            // Between a quarter and three quarters, so that the depth stays logarithmic.
            let at = (length / 4 + self.random.below(length / 2 + 1)).clamp(1, length - 1);
            nodes.extend(self.cut(sequence, &node, node.from + at)?);
        }
        self.merge_waiting()
    }

    /// What waits from now on comes from this sequence.
    fn begin(&mut self, sequence: &Sequence) {
        self.waiting.sequences.push(sequence.rows.clone());
    }

    fn node(&mut self, sequence: &Sequence, from: usize, to: usize) -> Result<Node, Error> {
        if let [row] = sequence.rows(from, to) {
            return Ok(Node { from, to, whole: self.singles.piece(*row).cloned() });
        }
        let events = sequence.slice(self.bench.description(), from, to);
        let whole = self.bench.fold_events(&events)?.ok();
        self.coverage.chunks_failed += u64::from(whole.is_none() && to - from > 1);
        Ok(Node { from, to, whole })
    }

    /// One event first, one last, two neighbours of one cell apart, two windows apart.
    fn adversarial(&mut self, sequence: &Sequence, node: &Node) -> Vec<usize> {
        let mut cuts = vec![node.from + 1, node.to - 1];
        let start = node.from + 1 + self.random.below(node.to - node.from - 1);
        let places = (start..node.to.min(start + LOOK_AHEAD_ROWS)).filter_map(|at| {
            let [before, after] = sequence.rows(at - 1, at + 1) else { return None };
            Some((at, *before, *after))
        });
        let sample = self.bench.sample;
        let size_ms = self.bench.description().window.map_or(i64::MAX, |window| window.size_ms.max(1));
        let window = |row: Row| sample.time_ms(row).div_euclid(size_ms);
        cuts.extend(places.clone().find(|(_, a, b)| self.singles.share_a_cell(*a, *b)).map(|(at, ..)| at));
        cuts.extend(places.clone().find(|(_, a, b)| window(*a) != window(*b)).map(|(at, ..)| at));
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }

    /// Folds both pieces of a chunk and notes what the chunk should be.
    fn cut(&mut self, sequence: &Sequence, node: &Node, at: usize) -> Result<[Node; 2], Error> {
        let pieces = [self.node(sequence, node.from, at)?, self.node(sequence, at, node.to)?];
        let wholes = (&node.whole, &pieces[0].whole, &pieces[1].whole);
        let (Some(whole), Some(left), Some(right)) = wholes else { return Ok(pieces) };
        self.coverage.cuts += 1;
        let sequence = self.waiting.sequences.len().saturating_sub(1);
        let cut = Cut { sequence, from: node.from, at, at_last: node.to, to: node.to };
        let joined = join(&whole.part, &left.part, &right.part);
        if joined.odd.is_some() || !same_verdicts(whole, left, right, at - node.from) {
            self.suspect(Law::Split, self.waiting.items(cut, [0, 1, 1]));
        } else if !joined.pairs.is_empty() {
            self.wait(cut, [whole, left, right], &joined);
        }
        if self.waiting.is_full() {
            self.merge_waiting()?;
        }
        Ok(pieces)
    }

    fn wait(&mut self, cut: Cut, [whole, left, right]: [&Piece; 3], joined: &Joined) {
        self.waiting.cuts.push((self.waiting.left.len(), cut));
        for (cell, l, r) in &joined.pairs {
            self.waiting.left.push(left.part.states.get(*l));
            self.waiting.right.push(right.part.states.get(*r));
            self.waiting.expected.push(whole.part.states.get(*cell));
            self.waiting.keys.push(whole.part.keys.get(*cell));
            self.waiting.windows.extend(whole.part.windows.get(*cell));
            self.coverage.windows_cut.extend(whole.part.windows.get(*cell));
        }
        self.coverage.merges += joined.pairs.len() as u64;
    }

    /// Notes three adjacent pieces whose states are to be merged in both ways.
    fn wait_for_third(&mut self, pieces: [Option<&Piece>; 3], [from, at, at_last, to]: [usize; 4]) {
        let [Some(x), Some(y), Some(z)] = pieces else { return };
        let sequence = self.waiting.sequences.len().saturating_sub(1);
        let first = self.waiting.triples[0].len();
        self.waiting.thirds.push((first, Cut { sequence, from, at, at_last, to }));
        let (in_x, in_z) = (Index::new(&x.part), Index::new(&z.part));
        for cell in 0..y.part.hashes.len() {
            let (Some(a), Some(c)) = (in_x.find(&y.part, cell), in_z.find(&y.part, cell)) else { continue };
            let states = [x.part.states.get(a), y.part.states.get(cell), z.part.states.get(c)];
            self.waiting.triples.iter_mut().zip(states).for_each(|(blobs, state)| blobs.push(state));
        }
    }

    /// Merges and presents what waits, and compares it with what the chunks say.
    fn merge_waiting(&mut self) -> Result<(), Error> {
        let sequences = self.waiting.sequences.last().cloned();
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting.sequences.extend(sequences);
        let merged = self.bench.merge(&waiting.left, &waiting.right)?;
        if let Some(pair) = broken([&merged]) {
            self.suspect(Law::Total, waiting.pair(pair, [0, 1, 1]));
        }
        if let Some(pair) = first_unequal(&merged, &waiting.expected) {
            self.suspect(Law::Split, waiting.pair(pair, [0, 1, 1]));
        }
        if self.bench.description().order == Order::None {
            let swapped = self.bench.merge(&waiting.right, &waiting.left)?;
            // Where only one order fails, the states differ as well: broken ones are empty.
            if let Some(pair) = first_unequal(&merged, &swapped.states) {
                self.suspect(Law::OrderFree, waiting.pair(pair, [0, 1, 1]));
            }
        }
        self.merge_thirds(&waiting)?;
        let whole = match &self.bench.description().initial {
            Some(initial) => self.anchor_waiting(&waiting, initial)?,
            None => Some(waiting.expected.clone()),
        };
        let Some(whole) = whole else { return Ok(()) };
        let presented = self.bench.calls.present(&waiting.keys, &waiting.windows, &whole)?;
        let breach = presented.broken.iter().find(|(_, cause)| !trial::is_out_of_range(cause));
        if let Some((pair, _)) = breach {
            self.suspect(Law::Total, waiting.pair(*pair, [0, 0, 0]));
        }
        Ok(())
    }

    fn merge_thirds(&mut self, waiting: &Waiting) -> Result<(), Error> {
        let [x, y, z] = &waiting.triples;
        let (xy, yz) = (self.bench.merge(x, y)?, self.bench.merge(y, z)?);
        // A broken pair has no state, and none must be made up for the next merge.
        if let Some(third) = broken([&xy, &yz]) {
            self.suspect(Law::Total, waiting.third(third, [0, 1, 2]));
            return Ok(());
        }
        let (left, right) = (self.bench.merge(&xy.states, z)?, self.bench.merge(x, &yz.states)?);
        if let Some(third) = broken([&left, &right]) {
            self.suspect(Law::Total, waiting.third(third, [0, 1, 2]));
        } else if let Some(third) = first_unequal(&left, &right.states) {
            self.suspect(Law::Associative, waiting.third(third, [0, 1, 2]));
        }
        Ok(())
    }

    /// Merges what waits onto the initial state, both ways; None: some of it cannot be.
    fn anchor_waiting(&mut self, waiting: &Waiting, initial: &[u8]) -> Result<Option<Blobs>, Error> {
        let initial: Blobs = (0..waiting.left.len()).map(|_| initial).collect();
        let (left, at_once) =
            (self.bench.merge(&initial, &waiting.left)?, self.bench.merge(&initial, &waiting.expected)?);
        if let Some(pair) = broken([&left, &at_once]) {
            self.suspect(Law::Total, waiting.pair(pair, [1, 2, 2]));
            return Ok(None);
        }
        let both = self.bench.merge(&left.states, &waiting.right)?;
        if let Some(pair) = broken([&both]) {
            self.suspect(Law::Total, waiting.pair(pair, [1, 2, 2]));
        } else if let Some(pair) = first_unequal(&both, &at_once.states) {
            self.suspect(Law::Associative, waiting.pair(pair, [1, 2, 2]));
        }
        Ok(Some(at_once.states))
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.left.len() >= PAIRS_MAX || self.left.bytes.len() + self.right.bytes.len() >= STATE_BYTES_MAX
    }

    fn pair(&self, pair: usize, pieces: [u8; 3]) -> Vec<Item> {
        found(&self.cuts, pair).map_or(Vec::new(), |cut| self.items(cut, pieces))
    }

    fn third(&self, third: usize, pieces: [u8; 3]) -> Vec<Item> {
        found(&self.thirds, third).map_or(Vec::new(), |cut| self.items(cut, pieces))
    }

    /// The events of a cut, by the names that a law has for its pieces.
    fn items(&self, cut: Cut, [left, middle, right]: [u8; 3]) -> Vec<Item> {
        let rows = self.sequences.get(cut.sequence).and_then(|rows| rows.get(cut.from..cut.to));
        let piece = |i: usize| match i {
            i if i < cut.at => left,
            i if i < cut.at_last => middle,
            _ => right,
        };
        let rows = rows.unwrap_or_default().iter().zip(cut.from..);
        rows.map(|(row, i)| Item { row: *row, piece: piece(i) }).collect()
    }
}

/// The cut that a place in what waits belongs to.
fn found(cuts: &[(usize, Cut)], place: usize) -> Option<Cut> {
    let after = cuts.partition_point(|(first, _)| *first <= place);
    after.checked_sub(1).and_then(|cut| cuts.get(cut)).map(|(_, cut)| *cut)
}

/// The first pair that could not be merged.
fn broken<const N: usize>(merged: [&Merged; N]) -> Option<usize> {
    merged.into_iter().find_map(|merged| merged.broken.first()).map(|(pair, _)| *pair)
}

/// The first pair that was merged to something else; broken pairs say nothing.
fn first_unequal(merged: &Merged, expected: &Blobs) -> Option<usize> {
    let broken: BTreeSet<usize> = merged.broken.iter().map(|(pair, _)| *pair).collect();
    let mut pairs = merged.states.iter().zip(expected.iter()).enumerate();
    pairs.find(|(pair, (found, expected))| found != expected && !broken.contains(pair)).map(|(pair, _)| pair)
}

fn same_verdicts(whole: &Piece, left: &Piece, right: &Piece, cut: usize) -> bool {
    let left = left.rejected.iter().map(|found| (found.row as usize, &found.reason));
    let right = right.rejected.iter().map(|found| (found.row as usize + cut, &found.reason));
    whole.rejected.iter().map(|found| (found.row as usize, &found.reason)).eq(left.chain(right))
}
