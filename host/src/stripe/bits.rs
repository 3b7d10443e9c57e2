//! One bit a row: bit i%8 of byte i/8. Bits behind the last row are 0.

/// The rows whose bit is set, ascending.
pub(super) fn rows(bits: &[u8]) -> impl Iterator<Item = u32> {
    let set = |(at, byte): (usize, &u8)| {
        let mut left = *byte;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(at as u32 * 8 + bit)
        })
    };
    bits.iter().enumerate().flat_map(set)
}

/// All bits turned over, those behind the last row left at 0.
pub(super) fn inverted(bits: &[u8], rows: usize) -> Vec<u8> {
    let mut out: Vec<u8> = bits.iter().map(|byte| !byte).collect();
    out.resize(rows.div_ceil(8), 0xff);
    trim(&mut out, rows);
    out
}

/// Sets the bits behind the last row to 0.
pub(super) fn trim(bits: &mut [u8], rows: usize) {
    if let Some(last) = bits.last_mut() {
        *last &= 0xff >> (rows.next_multiple_of(8) - rows);
    }
}

/// One byte a row, 0 or 1, as bits.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let pack = |rows: &[u8]| rows.iter().enumerate().fold(0, |bits, (i, row)| bits | (row & 1) << i);
    bytes.chunks(8).map(pack).collect()
}

/// Bits as one byte a row, 0 or 1.
pub(super) fn unpack(bits: &[u8], rows: usize) -> Vec<u8> {
    let mut out = vec![0; rows.next_multiple_of(8)];
    out.as_chunks_mut::<8>().0.iter_mut().zip(bits).for_each(|(place, byte)| *place = spread(*byte));
    out.truncate(rows);
    out
}

/// Bit i as byte i, 0 or 1: each byte of the product keeps its own bit, and is then carried to its
/// highest one.
#[inline(always)]
fn spread(byte: u8) -> [u8; 8] {
    let own = u64::from(byte).wrapping_mul(0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    ((own.wrapping_add(0x0040_6070_787c_7e7f) >> 7) & 0x0101_0101_0101_0101).to_le_bytes()
}

/// Sets the values of absent rows to 0: `validity` has a bit a row.
pub(super) fn blank<const WIDTH: usize>(fixed: &mut [u8], validity: &[u8]) {
    let rows = fixed.as_chunks_mut::<WIDTH>().0;
    for (eight, byte) in rows.chunks_mut(8).zip(validity).filter(|(_, byte)| **byte != 0xff) {
        let absent = eight.iter_mut().enumerate().filter(|(i, _)| byte >> i & 1 == 0);
        absent.for_each(|(_, value)| *value = [0; WIDTH]);
    }
}
