//! Numbers as what they are above the least of them, in as few bytes each as the greatest needs.
//! The loops are plain ones over arrays of a fixed length, which compilers turn into vectors.

/// The least of the numbers, and the bytes that the greatest distance from it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub least: i64,
    pub width: u8,
}

impl Frame {
    /// The frame of no number is that of 0.
    pub fn of(numbers: impl Iterator<Item = i64>) -> Frame {
        let bounds = numbers.fold(None, |bounds: Option<(i64, i64)>, number| match bounds {
            Some((least, greatest)) => Some((least.min(number), greatest.max(number))),
            None => Some((number, number)),
        });
        let (least, greatest) = bounds.unwrap_or_default();
        Frame { least, width: width(greatest.wrapping_sub(least) as u64) }
    }

    pub fn put(self, out: &mut Vec<u8>, numbers: impl Iterator<Item = i64>) {
        let above = numbers.map(|number| number.wrapping_sub(self.least) as u64);
        match self.width {
            1 => above.for_each(|number| out.push(number as u8)),
            2 => above.for_each(|number| out.extend_from_slice(&(number as u16).to_le_bytes())),
            4 => above.for_each(|number| out.extend_from_slice(&(number as u32).to_le_bytes())),
            8 => above.for_each(|number| out.extend_from_slice(&number.to_le_bytes())),
            _ => {}
        }
    }

    /// The numbers in their guest layout, s64 each; `bytes` has `rows` times the width.
    pub fn expand(self, bytes: &[u8], rows: usize) -> Vec<u8> {
        let least = self.least;
        let mut out = vec![0; rows * 8];
        let places = out.as_chunks_mut::<8>().0.iter_mut();
        match self.width {
            1 => places.zip(bytes).for_each(|(place, above)| *place = add(least, u64::from(*above))),
            2 => {
                let numbers = bytes.as_chunks::<2>().0;
                places.zip(numbers).for_each(|(place, above)| {
                    *place = add(least, u64::from(u16::from_le_bytes(*above)));
                });
            }
            4 => {
                let numbers = bytes.as_chunks::<4>().0;
                places.zip(numbers).for_each(|(place, above)| {
                    *place = add(least, u64::from(u32::from_le_bytes(*above)));
                });
            }
            8 => {
                let numbers = bytes.as_chunks::<8>().0;
                places
                    .zip(numbers)
                    .for_each(|(place, above)| *place = add(least, u64::from_le_bytes(*above)));
            }
            _ => places.for_each(|place| *place = least.to_le_bytes()),
        }
        out
    }
}

#[inline(always)]
fn add(least: i64, above: u64) -> [u8; 8] {
    least.wrapping_add(above as i64).to_le_bytes()
}

fn width(greatest: u64) -> u8 {
    match greatest {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Bytes a code takes of a heap with so many values.
pub(super) fn code_width(values: usize) -> u8 {
    match width((values as u64).saturating_sub(1)) {
        8 => 4,
        width => width,
    }
}

pub(super) fn put_codes(out: &mut Vec<u8>, width: u8, codes: impl Iterator<Item = u32>) {
    match width {
        1 => codes.for_each(|code| out.push(code as u8)),
        2 => codes.for_each(|code| out.extend_from_slice(&(code as u16).to_le_bytes())),
        4 => codes.for_each(|code| out.extend_from_slice(&code.to_le_bytes())),
        _ => {}
    }
}

/// Codes in their guest layout, u32 each, and the greatest of them.
pub(super) fn expand_codes(width: u8, bytes: &[u8], rows: usize) -> (Vec<u8>, u32) {
    match width {
        1 => {
            let mut out = vec![0; rows * 4];
            let places = out.as_chunks_mut::<4>().0.iter_mut();
            places.zip(bytes).for_each(|(place, code)| *place = u32::from(*code).to_le_bytes());
            (out, bytes.iter().copied().max().unwrap_or(0).into())
        }
        2 => {
            let mut out = vec![0; rows * 4];
            let codes = bytes.as_chunks::<2>().0;
            let places = out.as_chunks_mut::<4>().0.iter_mut();
            places.zip(codes).for_each(|(place, code)| {
                *place = u32::from(u16::from_le_bytes(*code)).to_le_bytes();
            });
            (out, codes.iter().map(|code| u16::from_le_bytes(*code)).max().unwrap_or(0).into())
        }
        4 => (bytes.to_vec(), crate::column::u32s(bytes).max().unwrap_or(0)),
        _ => (vec![0; rows * 4], 0),
    }
}
