//! The declared paths as one tree of names, so that one pass over a payload finds all of them.

use super::word::{Words, hash_long};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Differs from that of any other tree, clones apart; 0 for one without nodes.
    id: u64,
}

/// What is wanted of the value at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the value itself goes.
    pub slot: Option<u32>,
    /// The node of what is wanted within it.
    pub node: Option<u32>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    place: Place,
    /// Slots of this place and all that is below it.
    slots: Range<usize>,
    children: Vec<Child>,
    /// Indexes of children by the hash of their name, at most a quarter full.
    table: Vec<Option<u32>>,
}

#[derive(Clone, Debug)]
struct Child {
    words: Words,
    name: Box<[u8]>,
    /// The name as an index into an array, by the grammar of JSON Pointer.
    index: Option<usize>,
    node: usize,
    place: Place,
}

static TREES: AtomicU64 = AtomicU64::new(1);

impl Tree {
    /// The tree of `paths`, and the slot of each of them; equal paths share one.
    pub fn new<'a>(paths: impl Iterator<Item = &'a [String]>) -> (Tree, Vec<usize>) {
        let mut tree = Tree { nodes: vec![Node::default()], id: TREES.fetch_add(1, Ordering::Relaxed) };
        let ends: Vec<usize> =
            paths.map(|path| path.iter().fold(0, |at, name| tree.grow(at, name))).collect();
        for end in &ends {
            if let Some(node) = tree.nodes.get_mut(*end) {
                node.place.slot = Some(0);
            }
        }
        tree.number();
        tree.tabulate();
        let slot = |end: &usize| tree.nodes.get(*end)?.place.slot;
        let slots = ends.iter().filter_map(slot).map(|slot| slot as usize).collect();
        (tree, slots)
    }

    fn grow(&mut self, at: usize, name: &str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        if let Some(child) = node.children.iter().find(|child| *child.name == *name.as_bytes()) {
            return child.node;
        }
        node.place.node = Some(at as u32);
        let name = name.as_bytes();
        let (words, index) = (Words::of(name), index(name));
        node.children.push(Child { words, name: name.into(), index, node: next, place: Place::default() });
        self.nodes.push(Node::default());
        next
    }

    /// Numbers slots depth first, so that those below a node are consecutive.
    fn number(&mut self) {
        let mut stack = vec![(0, false)];
        let mut next = 0;
        while let Some((at, done)) = stack.pop() {
            let Some(node) = self.nodes.get_mut(at) else { continue };
            if done {
                node.slots.end = next;
                continue;
            }
            node.slots.start = next;
            if node.place.slot.is_some() {
                node.place.slot = Some(next as u32);
                next += 1;
            }
            stack.push((at, true));
            stack.extend(node.children.iter().rev().map(|child| (child.node, false)));
        }
    }

    fn tabulate(&mut self) {
        let places: Vec<Place> = self.nodes.iter().map(|node| node.place).collect();
        for node in &mut self.nodes {
            let mask = (4 * node.children.len()).next_power_of_two() - 1;
            node.table = vec![None; mask + 1];
            for (i, child) in node.children.iter_mut().enumerate() {
                child.place = places.get(child.node).copied().unwrap_or_default();
                let mut at = hash(child.words, &child.name) as usize & mask;
                while node.table.get(at).is_some_and(Option::is_some) {
                    at = (at + 1) & mask;
                }
                if let Some(free) = node.table.get_mut(at) {
                    *free = Some(i as u32);
                }
            }
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    pub fn root(&self) -> Place {
        self.nodes.first().map_or(Place::default(), |root| root.place)
    }

    /// The number of slots.
    pub fn slots(&self) -> usize {
        self.nodes.first().map_or(0, |root| root.slots.end)
    }

    /// The slots of a node and all that is below it.
    pub fn slots_within(&self, node: u32) -> Range<usize> {
        self.nodes.get(node as usize).map_or(0..0, |node| node.slots.clone())
    }

    /// What is wanted of the member with a name, given as it is and as words.
    pub fn child(&self, node: u32, words: Words, name: &[u8]) -> Option<Place> {
        let node = self.nodes.get(node as usize)?;
        let mask = node.table.len().wrapping_sub(1);
        let mut at = hash(words, name) as usize & mask;
        while let Some(Some(i)) = node.table.get(at) {
            let child = node.children.get(*i as usize)?;
            if child.words == words && (words.are_whole() || *child.name == *name) {
                return Some(child.place);
            }
            at = (at + 1) & mask;
        }
        None
    }

    pub fn element(&self, node: u32, index: usize) -> Option<Place> {
        let node = self.nodes.get(node as usize)?;
        node.children.iter().find(|child| child.index == Some(index)).map(|child| child.place)
    }
}

/// Declared names are the transform author's: nobody gains by making them collide.
fn hash(words: Words, name: &[u8]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    let hash = if words.are_whole() { words.hash(SEED) } else { hash_long(name, SEED) };
    hash >> 32
}

fn index(name: &[u8]) -> Option<usize> {
    let plain = name == b"0" || (name.iter().all(u8::is_ascii_digit) && name.first() != Some(&b'0'));
    plain.then(|| std::str::from_utf8(name).ok()?.parse().ok()).flatten()
}
