//! Canonical bytes: equal values have equal bytes, and only those bytes decode. Owns the layout of
//! lengths and sequences; that of each scalar is beside the scalar.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Canonical, self-delimiting bytes: `decode` takes exactly what `encode` appended, whatever
/// follows, and refuses all bytes that `encode` would not have written.
///
/// Numbers are little-endian and of fixed width; text, binary and sequences begin with their
/// length as a LEB128 of 64 bits; `Option` begins with a byte 0 or 1. A value takes at least one
/// byte. `#[derive(Codec)]` writes the fields of a struct one after the other.
pub trait Codec: Sized {
    fn encode(&self, out: &mut Vec<u8>);

    /// Advances `input` past the value. Never panics, whatever the bytes.
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError>;

    /// All of `bytes` as one value.
    #[inline]
    fn decode_all(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let value = Self::decode(&mut bytes)?;
        if bytes.is_empty() { Ok(value) } else { Err(DecodeError::Excess(bytes.len())) }
    }
}

/// Bytes that no value encodes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The input ends within a value.
    Short,
    /// This many bytes follow the value.
    Excess(usize),
    /// What is not as `encode` writes it.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Short => f.write_str("malformed state: it ends within a value"),
            DecodeError::Excess(bytes) => write!(f, "malformed state: {bytes} bytes follow its end"),
            DecodeError::Malformed(what) => write!(f, "malformed state: {what}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The next `N` bytes.
#[inline]
pub(crate) fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let (head, tail) = input.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
    *input = tail;
    Ok(*head)
}

/// The next `length` bytes, borrowed.
#[inline]
pub(crate) fn take_slice<'a>(input: &mut &'a [u8], length: u64) -> Result<&'a [u8], DecodeError> {
    let length = usize::try_from(length).map_err(|_| DecodeError::Short)?;
    let (head, tail) = input.split_at_checked(length).ok_or(DecodeError::Short)?;
    *input = tail;
    Ok(head)
}

/// LEB128: seven bits a byte, least first, the top bit set on all but the last.
#[inline]
pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
pub(crate) fn take_varint(input: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(input)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(DecodeError::Malformed("a number of more than 64 bits"));
        }
        value |= bits << shift;
        if byte < 0x80 {
            let is_padded = byte == 0 && shift > 0;
            return if is_padded { Err(DecodeError::Malformed("a padded number")) } else { Ok(value) };
        }
    }
    Err(DecodeError::Malformed("a number of more than 64 bits"))
}

/// A number of elements. Each takes at least a byte, so more than there are bytes is refused
/// before anything is allocated for it.
pub(crate) fn take_length(input: &mut &[u8]) -> Result<usize, DecodeError> {
    let length = usize::try_from(take_varint(input)?).map_err(|_| DecodeError::Short)?;
    if length > input.len() { Err(DecodeError::Short) } else { Ok(length) }
}

impl<T: Codec> Codec for Vec<T> {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        self.iter().for_each(|element| element.encode(out));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        (0..take_length(input)?).map(|_| T::decode(input)).collect()
    }
}

impl<T: Codec> Codec for VecDeque<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        self.iter().for_each(|element| element.encode(out));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        (0..take_length(input)?).map(|_| T::decode(input)).collect()
    }
}

impl<T: Codec + Ord> Codec for BTreeSet<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        self.iter().for_each(|element| element.encode(out));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut set = BTreeSet::new();
        for _ in 0..take_length(input)? {
            let element = T::decode(input)?;
            if set.last().is_some_and(|last| *last >= element) {
                return Err(DecodeError::Malformed("a set that does not ascend"));
            }
            set.insert(element);
        }
        Ok(set)
    }
}

impl<K: Codec + Ord, V: Codec> Codec for BTreeMap<K, V> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        for (key, value) in self {
            key.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut map = BTreeMap::new();
        for _ in 0..take_length(input)? {
            let key = K::decode(input)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(DecodeError::Malformed("a map that does not ascend"));
            }
            map.insert(key, V::decode(input)?);
        }
        Ok(map)
    }
}
