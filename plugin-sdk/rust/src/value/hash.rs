//! One 64-bit hash of bytes, fixed for good: states that were written with it are read with it.

use super::codec::take;

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// XXH64 of `bytes` with seed 0. Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1.
pub(crate) fn xxh64(bytes: &[u8]) -> u64 {
    let [p1, p2, p3, p4, p5] = PRIMES;
    let mut rest = bytes;
    let mut hash = p5;
    if bytes.len() >= 32 {
        let mut lanes = [p1.wrapping_add(p2), p2, 0, p1.wrapping_neg()];
        while let Ok(stripe) = take::<32>(&mut rest) {
            let mut words = stripe.as_slice();
            for lane in &mut lanes {
                *lane = round(*lane, word(&mut words).unwrap_or(0));
            }
        }
        hash = lanes
            .iter()
            .zip([1, 7, 12, 18])
            .fold(0_u64, |sum, (lane, turn)| sum.wrapping_add(lane.rotate_left(turn)));
        for lane in lanes {
            hash = (hash ^ round(0, lane)).wrapping_mul(p1).wrapping_add(p4);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    while let Some(eight) = word(&mut rest) {
        hash = (hash ^ round(0, eight)).rotate_left(27).wrapping_mul(p1).wrapping_add(p4);
    }
    if let Ok(four) = take(&mut rest) {
        let four = u64::from(u32::from_le_bytes(four));
        hash = (hash ^ four.wrapping_mul(p1)).rotate_left(23).wrapping_mul(p2).wrapping_add(p3);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(p5)).rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(p2);
    hash = (hash ^ hash >> 29).wrapping_mul(p3);
    hash ^ hash >> 32
}

#[inline]
fn round(lane: u64, word: u64) -> u64 {
    let [p1, p2, ..] = PRIMES;
    lane.wrapping_add(word.wrapping_mul(p2)).rotate_left(31).wrapping_mul(p1)
}

#[inline]
fn word(input: &mut &[u8]) -> Option<u64> {
    take(input).ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::xxh64;

    /// Values of the reference implementation that are widely quoted; words of 8 bytes are pinned by the
    /// estimates of `Distinct`.
    #[test]
    fn hashes_are_those_of_the_reference() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(xxh64(b"Nobody inspects the spammish repetition"), 0xfbce_a83c_8a37_8bf1);
    }
}
