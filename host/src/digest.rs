//! SHA-256 values. Owns how a digest is printed; knows nothing of what is digested.

use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 value. `Display` is 64 hex digits; [`Digest::short`] is the form for reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// First and last two bytes, `9c41…e07b`: enough for an eye, never for a program.
    pub fn short(&self) -> String {
        let [a, b, .., y, z] = self.0;
        format!("{a:02x}{b:02x}…{y:02x}{z:02x}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Digest, NoDigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        let byte = |[a, b]: &[u8; 2]| Some((digit(*a)? << 4 | digit(*b)?) as u8);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let bytes = bytes.filter(|_| rest.is_empty()).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or_else(|| NoDigest(text.into()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no digest: 64 lower-case hex digits")]
pub struct NoDigest(String);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Bytes of [`Hasher::to_bytes`].
pub const HASHER_BYTES: usize = size_of::<SerializedState<Sha256>>();

/// A digest in the making. Variable-width parts go in by [`Hasher::part`], so that no two
/// different sequences of parts give the same bytes.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher for one purpose; different purposes never give the same digest.
    pub fn new(purpose: &str) -> Hasher {
        let mut hasher = Hasher::default();
        hasher.part(purpose.as_bytes());
        hasher
    }

    /// A variable-width value: its length as u64 little-endian, then its bytes.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A fixed-width value.
    pub fn u64(&mut self, value: u64) {
        self.0.update(value.to_le_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.0.update(value.to_le_bytes());
    }

    /// Bytes that carry their own structure.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hasher's state: what was hashed so far, and the bytes that wait for a whole block.
    pub fn to_bytes(&self) -> [u8; HASHER_BYTES] {
        let mut bytes = [0; HASHER_BYTES];
        bytes.iter_mut().zip(self.0.serialize()).for_each(|(to, from)| *to = from);
        bytes
    }

    /// A hasher that goes on from a state; None if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Hasher> {
        let state = SerializedState::<Sha256>::try_from(bytes).ok()?;
        Sha256::deserialize(&state).ok().map(Hasher)
    }

    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_printed_and_nothing_else_is_one() {
        let digest = Digest::of(b"any");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replacen('e', "g", 1)]
        {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
