//! A sample cut in thousands of ways, quickly: chunks against their two pieces, all the way down.
//! Owns where is cut and what was covered; leaves the exact verdict on a suspect to `trial`.

use super::Law;
use super::bench::{Bench, Joined, Piece, join};
use super::random::Random;
use super::sample::{Row, Sequence};
use super::singles::Singles;
use super::trial::{self, Item};
use crate::calls::{Error, Merged};
use crate::column::Blobs;
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

/// Merged pairs to come, with what they should give.
#[derive(Default)]
struct Waiting {
    left: Blobs,
    right: Blobs,
    expected: Blobs,
    keys: Blobs,
    windows: Vec<i64>,
    /// The first pair of each cut.
    cuts: Vec<(usize, Cut)>,
}

/// Rows `[from, to)` of a sequence, cut before row `at`.
#[derive(Clone, Copy)]
struct Cut {
    from: usize,
    at: usize,
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

    /// Cuts a sequence, its pieces, their pieces, and so on, largest first, at most `cuts_max` times.
    pub fn cut_down(&mut self, sequence: &Sequence, cuts_max: u64) -> Result<(), Error> {
        let end = self.coverage.cuts + cuts_max;
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
        self.merge_waiting(sequence)
    }

    fn node(&mut self, sequence: &Sequence, from: usize, to: usize) -> Result<Node, Error> {
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
        let cut = Cut { from: node.from, at, to: node.to };
        let joined = join(&whole.part, &left.part, &right.part);
        if joined.odd.is_some() || !same_verdicts(whole, left, right, at - node.from) {
            self.suspect(Law::Split, cut.items(sequence, [0, 1]));
        } else if !joined.pairs.is_empty() {
            self.wait(cut, [whole, left, right], &joined);
        }
        if self.waiting.is_full() {
            self.merge_waiting(sequence)?;
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

    /// Merges and presents what waits, and compares it with what the chunks say.
    fn merge_waiting(&mut self, sequence: &Sequence) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        let merged = self.bench.merge(&waiting.left, &waiting.right)?;
        if let Some(pair) = merged.broken.first().map(|(pair, _)| *pair) {
            self.suspect(Law::Total, waiting.items(sequence, pair, [0, 1]));
        }
        if let Some(pair) = first_unequal(&merged, &waiting.expected) {
            self.suspect(Law::Split, waiting.items(sequence, pair, [0, 1]));
            return Ok(());
        }
        let whole = match &self.bench.description().initial {
            Some(initial) => self.anchor_waiting(sequence, &waiting, initial)?,
            None => waiting.expected.clone(),
        };
        let presented = self.bench.calls.present(&waiting.keys, &waiting.windows, &whole)?;
        let breach = presented.broken.iter().find(|(_, cause)| !trial::is_out_of_range(cause));
        if let Some((pair, _)) = breach {
            self.suspect(Law::Total, waiting.items(sequence, *pair, [0, 0]));
        }
        Ok(())
    }

    /// Merges what waits onto the initial state, both ways.
    fn anchor_waiting(
        &mut self,
        sequence: &Sequence,
        waiting: &Waiting,
        initial: &[u8],
    ) -> Result<Blobs, Error> {
        let initial: Blobs = (0..waiting.left.len()).map(|_| initial).collect();
        let left = self.bench.merge(&initial, &waiting.left)?;
        let both = self.bench.merge(&left.states, &waiting.right)?;
        let at_once = self.bench.merge(&initial, &waiting.expected)?;
        let broken = [&left, &both, &at_once].into_iter().find_map(|merged| merged.broken.first());
        if let Some((pair, _)) = broken {
            self.suspect(Law::Total, waiting.items(sequence, *pair, [1, 2]));
        } else if let Some(pair) = first_unequal(&both, &at_once.states) {
            self.suspect(Law::Associative, waiting.items(sequence, pair, [1, 2]));
        }
        Ok(at_once.states)
    }

    /// A few events of one cell, in every way in which they can be cut, for each law: most breaches
    /// need no more.
    pub fn try_few(&mut self, laws: &[Law], tries: usize) -> Result<(), Error> {
        let trial = trial::Trial { bench: self.bench };
        let repeats = self.bench.sample.may_repeat();
        let length_min = if repeats { 1 } else { 2 };
        let groups: Vec<&Vec<Row>> =
            self.singles.groups.iter().filter(|group| group.len() >= length_min).collect();
        for _ in 0..tries {
            let Some(group) = self.random.pick(&groups) else { break };
            let mut rows: Vec<Row> = (0..3).filter_map(|_| self.random.pick(group).copied()).collect();
            rows.sort_unstable();
            if !repeats {
                rows.dedup();
            }
            for law in laws {
                if self.suspects.contains_key(law) {
                    continue;
                }
                if let Some(finding) = trial.breach_anyhow(*law, &rows)? {
                    self.suspect(*law, finding.items);
                }
            }
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }
}

impl Cut {
    /// The events of both sides, by the names that a law has for its pieces.
    fn items(self, sequence: &Sequence, [left, right]: [u8; 2]) -> Vec<Item> {
        let rows = sequence.rows(self.from, self.to).iter().zip(self.from..);
        rows.map(|(row, i)| Item { row: *row, piece: if i < self.at { left } else { right } }).collect()
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.left.len() >= PAIRS_MAX || self.left.bytes.len() + self.right.bytes.len() >= STATE_BYTES_MAX
    }

    fn items(&self, sequence: &Sequence, pair: usize, pieces: [u8; 2]) -> Vec<Item> {
        let cut = self.cuts.partition_point(|(first, _)| *first <= pair);
        let cut = cut.checked_sub(1).and_then(|cut| self.cuts.get(cut));
        cut.map_or(Vec::new(), |(_, cut)| cut.items(sequence, pieces))
    }
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
