//! Random cases: how many, from which seeds, and how one is made again.

use generator::rng::Rng;

/// Runs `case` with a generator of numbers for each seed. `BIFOCAL_CASES` gives another number of
/// cases; `BIFOCAL_SEED` runs the one case that a failure named.
pub fn each(usual: u64, case: impl Fn(u64, &mut Rng)) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    if let Some(seed) = number("BIFOCAL_SEED") {
        return case(seed, &mut Rng::new(seed));
    }
    for seed in 0..number("BIFOCAL_CASES").unwrap_or(usual) {
        let told = Told(seed);
        case(seed, &mut Rng::new(seed));
        std::mem::forget(told);
    }
}

/// Names the seed if its case panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        eprintln!("seed {0} failed; BIFOCAL_SEED={0} runs this case alone", self.0);
    }
}
