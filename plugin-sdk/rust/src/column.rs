//! Columns in the form in which they cross the boundary: little-endian byte buffers, laid out as
//! `wit/transform.wit` says. Owns reading and building the buffers; knows no event and no state.

mod builder;
mod text;

pub use builder::Builder;
pub use text::Text;

/// Variable-width values, one after the other.
///
/// `ends` has one u32 a value; value `i` is `bytes[ends[i-1]..ends[i]]`, value 0 starts at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blobs {
    pub ends: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl Blobs {
    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len() / 4
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Value `i`; empty if there is none.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let ends = u32s(&self.ends);
        let from = if i == 0 { 0 } else { ends.get(i - 1).map_or(0, |end| u32::from_le_bytes(*end)) };
        let to = ends.get(i).map_or(from, |end| u32::from_le_bytes(*end));
        self.bytes.get(from as usize..to as usize).unwrap_or_default()
    }

    /// All values, first to last.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        u32s(&self.ends).iter().map(move |end| {
            let to = u32::from_le_bytes(*end) as usize;
            let value = self.bytes.get(from..to).unwrap_or_default();
            from = to;
            value
        })
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end();
    }

    /// Appends the value that `write` appends to the bytes, without a copy in between.
    #[inline]
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.end();
    }

    /// Removes the last value.
    pub(crate) fn pop(&mut self) {
        let Some(last) = self.len().checked_sub(1) else { return };
        self.bytes.truncate(self.bytes.len() - self.get(last).len());
        self.ends.truncate(last * 4);
    }

    #[inline]
    fn end(&mut self) {
        // A host takes far less than 4 GiB from one call, and a guest has no more memory than that.
        self.ends.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
    }
}

impl<'a> FromIterator<&'a [u8]> for Blobs {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(values: I) -> Blobs {
        let mut blobs = Blobs::default();
        values.into_iter().for_each(|value| blobs.push(value));
        blobs
    }
}

/// One column of rows. What the buffers hold follows from the kind declared for the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Fixed-width values; for text, one u32 a row: an index into `heap`.
    pub fixed: Vec<u8>,
    /// Text: each distinct value once. Binary and json: one value a row.
    pub heap: Blobs,
    /// Bit i%8 of byte i/8 set: row i is present. Empty: every row is.
    pub validity: Vec<u8>,
}

impl Column {
    /// Whether `row` has a value.
    #[inline]
    pub fn is_present(&self, row: usize) -> bool {
        self.validity.is_empty() || bit(&self.validity, row)
    }
}

/// Bit `i` of a bitmap; false beyond its end.
#[inline]
pub(crate) fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

/// Little-endian values of 4 bytes; a rest at the end is left out. No alignment is assumed.
#[inline]
pub(crate) fn u32s(bytes: &[u8]) -> &[[u8; 4]] {
    bytes.as_chunks::<4>().0
}

/// Little-endian values of 8 bytes; a rest at the end is left out. No alignment is assumed.
#[inline]
pub(crate) fn i64s(bytes: &[u8]) -> &[[u8; 8]] {
    bytes.as_chunks::<8>().0
}

/// Which rows are present, while a column is built: no bytes at all until one is absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Validity {
    bits: Vec<u8>,
    rows: usize,
}

impl Validity {
    #[inline]
    pub(crate) fn push(&mut self, present: bool) {
        if !present || !self.bits.is_empty() {
            self.push_bit(present);
        }
        self.rows += 1;
    }

    #[cold]
    fn push_bit(&mut self, present: bool) {
        if self.bits.is_empty() {
            self.bits = vec![0xff; self.rows / 8];
            if !self.rows.is_multiple_of(8) {
                self.bits.push((1 << (self.rows % 8)) - 1);
            }
        }
        if self.rows.is_multiple_of(8) {
            self.bits.push(0);
        }
        if let (true, Some(last)) = (present, self.bits.last_mut()) {
            *last |= 1 << (self.rows % 8);
        }
    }

    /// Removes the last row.
    pub(crate) fn pop(&mut self) {
        self.rows -= 1;
        self.bits.truncate(self.rows.div_ceil(8));
        if let (Some(last), true) = (self.bits.last_mut(), !self.rows.is_multiple_of(8)) {
            *last &= (1 << (self.rows % 8)) - 1;
        }
    }

    /// Bit `row`, of those pushed.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> bool {
        self.bits.is_empty() || bit(&self.bits, row)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_cut_by_their_ends() {
        let blobs: Blobs = [&b"one"[..], b"", b"three"].into_iter().collect();
        assert_eq!(blobs.ends, [3, 0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0]);
        assert_eq!((blobs.get(0), blobs.get(1), blobs.get(2)), (&b"one"[..], &b""[..], &b"three"[..]));
        assert_eq!(blobs.get(3), b"");
        assert_eq!(blobs.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn what_was_popped_leaves_nothing() {
        let mut blobs: Blobs = [&b"one"[..], b"two"].into_iter().collect();
        blobs.pop();
        assert_eq!(blobs, [&b"one"[..]].into_iter().collect());
        for rows in 1..20 {
            let mut validity = Validity::default();
            (0..rows).for_each(|row| validity.push(row != 0));
            let before = validity.clone().finish();
            [true, false].into_iter().for_each(|present| {
                validity.push(present);
                validity.pop();
                assert_eq!(validity.clone().finish(), before);
            });
        }
    }

    #[test]
    fn validity_is_empty_until_a_row_is_absent() {
        let mut all = Validity::default();
        (0..20).for_each(|_| all.push(true));
        assert_eq!(all.finish(), b"");
        for absent in 0..20 {
            let mut some = Validity::default();
            (0..20).for_each(|row| some.push(row != absent));
            let bits = some.finish();
            assert_eq!(bits.len(), 3);
            assert!((0..20).all(|row| bit(&bits, row) == (row != absent)), "absent {absent}: {bits:?}");
            assert_eq!(bits[2] >> 4, 0, "bits beyond the last row are 0");
        }
    }
}
