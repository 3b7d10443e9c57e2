//! What the members of an object looked like last time: events of one stream mostly have the same
//! names, in the same order, spaced alike, so that one comparison does for a comma, a name, a colon
//! and the search for it among the declared ones.

use super::tree::Place;

/// What stands before each value of an object, from the brace or the end of the value before it.
#[derive(Debug, Default)]
pub(super) struct Shape {
    members: Vec<Member>,
}

/// A lead-in such as `,"name": `, and what is wanted of the value that follows it.
#[derive(Debug)]
struct Member {
    lead_in: Box<[u8]>,
    place: Option<Place>,
    /// Its first 16 bytes as a number, and the bits of that which it has.
    start: u128,
    mask: u128,
}

/// What is longer is not kept.
const LEAD_IN_BYTES_MAX: usize = 256;
/// So that objects whose names are themselves data do not make it grow.
const MEMBERS_MAX: usize = 256;

/// How far a walk through one object has come in its shape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    next: usize,
    missed: usize,
}

impl Shape {
    /// The length of the lead-in at `at` and what is wanted of its value, if it is the expected one.
    #[inline(always)]
    pub fn lead_in(
        &self,
        bytes: &[u8],
        at: usize,
        progress: &mut Progress,
    ) -> Option<(usize, Option<Place>)> {
        let member = self.members.get(progress.next)?;
        if !member.is_at(bytes, at) {
            return None;
        }
        progress.next += 1;
        Some((member.lead_in.len(), member.place))
    }

    /// Takes note of a lead-in that was not the expected one. Lead-ins begin with a brace if they
    /// are the first of their object and with a comma if not, so that they are not exchanged.
    #[inline(never)]
    pub fn learn(&mut self, lead_in: &[u8], place: Option<Place>, progress: &mut Progress) {
        progress.missed += 1;
        let rest = self.members.get(progress.next..).unwrap_or_default();
        if let Some(skipped) = rest.iter().position(|member| *member.lead_in == *lead_in) {
            progress.next += skipped + 1;
        } else if rest.is_empty() && self.members.len() < MEMBERS_MAX && lead_in.len() <= LEAD_IN_BYTES_MAX {
            self.members.push(Member::new(lead_in, place));
            progress.next += 1;
        }
    }

    /// Forgets a shape that most of an object did not have.
    pub fn finish(&mut self, progress: &Progress) {
        if progress.missed > 0
            && progress.next < self.members.len()
            && 2 * progress.missed > self.members.len()
        {
            self.members.clear();
        }
    }
}

impl Member {
    fn new(lead_in: &[u8], place: Option<Place>) -> Member {
        let number = |bytes: [u8; 16]| u128::from_le_bytes(bytes);
        let mut start = [0; 16];
        let mut mask = [0; 16];
        for ((byte, start), mask) in lead_in.iter().zip(&mut start).zip(&mut mask) {
            (*start, *mask) = (*byte, 0xff);
        }
        Member { lead_in: lead_in.into(), place, start: number(start), mask: number(mask) }
    }

    #[inline(always)]
    fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some(rest) = bytes.get(at..) else { return false };
        let Some(start) = rest.first_chunk::<16>() else { return self.is_before(rest) };
        let same = (u128::from_le_bytes(*start) ^ self.start) & self.mask == 0;
        same && (self.lead_in.len() <= 16 || self.is_before(rest))
    }

    #[inline(never)]
    fn is_before(&self, rest: &[u8]) -> bool {
        rest.starts_with(&self.lead_in)
    }
}
