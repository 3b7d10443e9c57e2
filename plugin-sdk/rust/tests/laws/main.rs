//! The laws of the SDK's states, each at random, and each state against a naive computation.
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose how many cases and which.

mod check;
mod distinct;
mod exact;
mod exact_sum;
mod laws_of_parts;
mod lists;
mod mean;
mod naive;
mod ordered;
mod quantiles;
mod sessions;
mod values;
