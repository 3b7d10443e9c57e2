//! From registers to a number: the improved raw estimator of O. Ertl (arXiv:1702.01284, algorithm 6).
//! Sums, products and square roots alone, which IEEE 754 defines to the last bit: the same everywhere.

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate for 2^bits registers, of which `counts[k]` keep k; k from 0 to 65 - bits.
pub(super) fn of(counts: &[u64], bits: u32) -> f64 {
    let m = f64::from(1_u32 << bits);
    let [unused, between @ .., full] = counts else { return 0.0 };
    let mut z = m * tau(1.0 - *full as f64 / m);
    for count in between.iter().rev() {
        z = 0.5 * (z + *count as f64);
    }
    z += m * sigma(*unused as f64 / m);
    // No register in use: z is infinite and the estimate 0.
    ALPHA * m * m / z
}

/// x + sum over k from 1 of x^(2^k) 2^(k - 1), for registers that were never hit.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        let before = z;
        x *= x;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// (1 - x - sum over k from 1 of (1 - x^(2^-k))^2 2^-k) / 3, for registers that are full.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        let before = z;
        x = x.sqrt();
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
