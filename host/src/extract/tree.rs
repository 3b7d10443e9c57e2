//! The declared paths as one tree of names, so that one pass over a payload finds all of them.

use super::word::{Words, hash_long};
use std::ops::Range;

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// What the paths want of the value at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Where the value itself goes, if a path ends here.
    pub slot: Option<usize>,
    /// Slots of this place and all that is below it.
    pub slots: Range<usize>,
    children: Vec<Child>,
    /// Children by the hash of their name, if they are too many to look at one by one.
    table: Vec<Option<usize>>,
}

#[derive(Clone, Debug)]
struct Child {
    words: Words,
    name: Box<[u8]>,
    /// The name as an index into an array, by the grammar of JSON Pointer.
    index: Option<usize>,
    node: usize,
}

const CHILDREN_IN_LINE: usize = 8;

impl Tree {
    /// The tree of `paths`, and the slot of each of them; equal paths share one.
    pub fn new<'a>(paths: impl Iterator<Item = &'a [String]>) -> (Tree, Vec<usize>) {
        let mut tree = Tree { nodes: vec![Node::default()] };
        let ends: Vec<usize> =
            paths.map(|path| path.iter().fold(0, |at, name| tree.grow(at, name))).collect();
        ends.iter().for_each(|end| {
            if let Some(node) = tree.nodes.get_mut(*end) {
                node.slot = Some(0);
            }
        });
        tree.number(0, 0);
        tree.nodes.iter_mut().for_each(Node::tabulate);
        let slots = ends.iter().filter_map(|end| tree.nodes.get(*end)?.slot).collect();
        (tree, slots)
    }

    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    pub fn slots(&self) -> usize {
        self.root().map_or(0, |root| root.slots.end)
    }

    fn grow(&mut self, at: usize, name: &str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        if let Some(child) = node.children.iter().find(|child| *child.name == *name.as_bytes()) {
            return child.node;
        }
        let name = name.as_bytes();
        node.children.push(Child {
            words: Words::of(name),
            name: name.into(),
            index: index(name),
            node: next,
        });
        self.nodes.push(Node::default());
        next
    }

    /// Numbers slots depth first, so that those below a node are consecutive. Returns the next one.
    fn number(&mut self, at: usize, from: usize) -> usize {
        let mut stack = vec![(at, false)];
        let mut next = from;
        while let Some((at, done)) = stack.pop() {
            let Some(node) = self.nodes.get_mut(at) else { continue };
            if done {
                node.slots.end = next;
                continue;
            }
            node.slots.start = next;
            if node.slot.is_some() {
                node.slot = Some(next);
                next += 1;
            }
            stack.push((at, true));
            stack.extend(node.children.iter().rev().map(|child| (child.node, false)));
        }
        next
    }

    #[inline(always)]
    fn node(&self, child: &Child) -> Option<&Node> {
        self.nodes.get(child.node)
    }

    /// The node of the name whose words these are and whose bytes `name` gives. `hint` is where the
    /// search begins and then where the next one should: names mostly come in the same order.
    #[inline(always)]
    pub fn child<'n>(
        &self,
        node: &Node,
        words: Words,
        name: impl Fn() -> &'n [u8],
        hint: &mut usize,
    ) -> Option<&Node> {
        if !node.table.is_empty() {
            return self.child_by_hash(node, words, name());
        }
        let is_it = |child: &Child| child.words == words && (words.are_whole() || *child.name == *name());
        let (before, after) = node.children.split_at_checked(*hint).unwrap_or((&node.children, &[]));
        let (i, child) = match after.iter().position(is_it) {
            Some(i) => (before.len() + i, after.get(i)?),
            None => before.iter().enumerate().find(|(_, child)| is_it(child))?,
        };
        *hint = i + 1;
        self.node(child)
    }

    #[inline(never)]
    fn child_by_hash(&self, node: &Node, words: Words, name: &[u8]) -> Option<&Node> {
        let mask = node.table.len() - 1;
        let mut place = hash(words, name) as usize & mask;
        while let Some(Some(i)) = node.table.get(place) {
            let child = node.children.get(*i)?;
            if child.words == words && (words.are_whole() || *child.name == *name) {
                return self.node(child);
            }
            place = (place + 1) & mask;
        }
        None
    }

    pub fn element(&self, node: &Node, index: usize) -> Option<&Node> {
        node.children.iter().find(|child| child.index == Some(index)).and_then(|child| self.node(child))
    }
}

impl Node {
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    fn tabulate(&mut self) {
        if self.children.len() <= CHILDREN_IN_LINE {
            return;
        }
        let mask = (4 * self.children.len()).next_power_of_two() - 1;
        self.table = vec![None; mask + 1];
        for (i, child) in self.children.iter().enumerate() {
            let mut place = hash(child.words, &child.name) as usize & mask;
            while self.table.get(place).is_some_and(Option::is_some) {
                place = (place + 1) & mask;
            }
            if let Some(free) = self.table.get_mut(place) {
                *free = Some(i);
            }
        }
    }
}

/// Declared names are the transform author's: nobody gains by making them collide.
fn hash(words: Words, name: &[u8]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    if words.are_whole() { words.hash(SEED) } else { hash_long(name, SEED) }
}

fn index(name: &[u8]) -> Option<usize> {
    let plain = name == b"0" || (name.iter().all(u8::is_ascii_digit) && name.first() != Some(&b'0'));
    plain.then(|| std::str::from_utf8(name).ok()?.parse().ok()).flatten()
}
