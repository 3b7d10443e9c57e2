//! The registers of a HyperLogLog sketch and their bytes: sparse while few are in use, else dense.
//! Which of the two it is follows from the content alone. Knows no values and no estimates.

use crate::state::sorted::Sorted;
use crate::value::{Codec, DecodeError, put_varint, take_slice, take_varint};

/// Bits that a register above 0 takes in the dense form.
const WIDTH: usize = 6;

/// 2^BITS registers, each from 0 to 65 - BITS.
#[derive(Clone)]
pub(super) struct Registers<const BITS: u32>(Form);

#[derive(Clone)]
enum Form {
    /// Registers above 0; at most [`Registers::SPARSE_MAX`].
    Sparse(Sorted<u16, u8>),
    /// More than that.
    Dense(Vec<u8>),
}

impl<const BITS: u32> Registers<BITS> {
    /// Reading it is what refuses other numbers, when the plugin is compiled.
    const COUNT: usize = {
        assert!(BITS >= 4 && BITS <= 16, "registers are chosen by 4 to 16 bits");
        1 << BITS
    };

    /// As many as have 3 bytes each where 6 bits for each of all are enough.
    const SPARSE_MAX: usize = Self::COUNT / 4;

    const DENSE_BYTES: usize = Self::COUNT * WIDTH / 8;

    /// A rank of more would be of more than 64 bits of hash.
    const RANK_MAX: u8 = (65 - BITS) as u8;

    pub(super) fn see(&mut self, hash: u64) {
        let index = (hash >> (64 - BITS)) as u16;
        // The lowest bit set: where all others are 0 it is found after 64 - BITS of them.
        let rest = hash << BITS | 1 << (BITS - 1);
        self.raise(index, rest.leading_zeros() as u8 + 1);
    }

    #[inline]
    fn raise(&mut self, index: u16, rank: u8) {
        match &mut self.0 {
            Form::Dense(ranks) => {
                if let Some(kept) = ranks.get_mut(usize::from(index)) {
                    *kept = rank.max(*kept);
                }
            }
            Form::Sparse(ranks) => {
                let kept = ranks.entry(|kept| kept.cmp(&index), || (index, 0));
                *kept = rank.max(*kept);
                if ranks.len() > Self::SPARSE_MAX {
                    self.0 = Form::Dense(dense(ranks, Self::COUNT));
                }
            }
        }
    }

    pub(super) fn merge(&mut self, right: Self) {
        if self.is_empty() {
            *self = right;
        } else {
            right.iter().for_each(|(index, rank)| self.raise(index, rank));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Sparse(ranks) if ranks.is_empty())
    }

    /// Registers above 0, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, u8)> {
        let (sparse, dense) = match &self.0 {
            Form::Sparse(ranks) => (Some(ranks.iter().copied()), [].as_slice()),
            Form::Dense(ranks) => (None, ranks.as_slice()),
        };
        let dense = (0..=u16::MAX).zip(dense.iter().copied()).filter(|(_, rank)| *rank > 0);
        sparse.into_iter().flatten().chain(dense)
    }

    /// How many registers keep 0, 1, 2, … 65 - BITS.
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; usize::from(Self::RANK_MAX) + 1];
        let mut unused = Self::COUNT as u64;
        for (_, rank) in self.iter() {
            if let Some(count) = counts.get_mut(usize::from(rank)) {
                *count += 1;
                unused -= 1;
            }
        }
        counts.iter_mut().take(1).for_each(|count| *count = unused);
        counts
    }
}

impl<const BITS: u32> Default for Registers<BITS> {
    #[inline]
    fn default() -> Self {
        Self(Form::Sparse(Sorted::default()))
    }
}

fn dense(sparse: &Sorted<u16, u8>, count: usize) -> Vec<u8> {
    let mut ranks = vec![0; count];
    for (index, rank) in sparse.iter() {
        if let Some(kept) = ranks.get_mut(usize::from(*index)) {
            *kept = *rank;
        }
    }
    ranks
}

impl<const BITS: u32> Codec for Registers<BITS> {
    fn encode(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Sparse(ranks) => ranks.encode(out),
            Form::Dense(ranks) => {
                put_varint(ranks.iter().filter(|rank| **rank > 0).count() as u64, out);
                ranks.chunks(4).for_each(|four| out.extend(packed(four)));
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        const UNKNOWN: DecodeError = DecodeError::Malformed("a register that no hash sets");
        let mut rest = *input;
        let used = take_varint(&mut rest)?;
        let form = if used <= Self::SPARSE_MAX as u64 {
            let ranks = Sorted::decode(input, u16::cmp)?;
            let is_known = |(index, rank): &(u16, u8)| {
                usize::from(*index) < Self::COUNT && (1..=Self::RANK_MAX).contains(rank)
            };
            if ranks.iter().all(is_known) { Form::Sparse(ranks) } else { return Err(UNKNOWN) }
        } else {
            *input = rest;
            let bytes = take_slice(input, Self::DENSE_BYTES as u64)?;
            let ranks: Vec<u8> = bytes.chunks(3).flat_map(unpacked).collect();
            if ranks.iter().any(|rank| *rank > Self::RANK_MAX) {
                return Err(UNKNOWN);
            }
            if ranks.iter().filter(|rank| **rank > 0).count() as u64 != used {
                return Err(DecodeError::Malformed("another number of registers in use"));
            }
            Form::Dense(ranks)
        };
        Ok(Self(form))
    }
}

/// Four registers in three bytes.
fn packed(ranks: &[u8]) -> [u8; 3] {
    let bits = ranks.iter().rev().fold(0_u32, |bits, rank| bits << WIDTH | u32::from(*rank));
    [bits as u8, (bits >> 8) as u8, (bits >> 16) as u8]
}

fn unpacked(bytes: &[u8]) -> [u8; 4] {
    let bits = bytes.iter().rev().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    [0, 1, 2, 3].map(|place| (bits >> (WIDTH * place)) as u8 & 63)
}
