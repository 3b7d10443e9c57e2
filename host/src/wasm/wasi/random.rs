//! wasi:random: numbers from a constant seed (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).

use super::super::guest::State;
use super::super::limits::charge;
use super::Wasi;
use super::cli::Exit;
use std::hash::{BuildHasher, RandomState};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

const SEED: u64 = 0x0b1f_0ca1;
/// What `insecure-seed` gives: fixed, and not a part of the sequence, so that asking for it does
/// not shift the numbers that follow.
const INSECURE_SEED: (u64, u64) = (0x6269_666f_6361_6c00, 0x7365_6564);
/// Bytes that one call may ask for.
const BYTES_MAX: u64 = 1 << 20;

pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(wasi: Wasi) -> Random {
        let state = match wasi {
            Wasi::Frozen => SEED,
            // Std seeds its hash maps by the system's randomness.
            Wasi::Live => RandomState::new().hash_one(SEED),
        };
        Random { state }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.flatten().take(count).collect()
    }
}

pub fn function(
    answers: &mut LinkerInstance<'_, State>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("random", "get-random-bytes") | ("insecure", "get-insecure-random-bytes") => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, (count,): (u64,)| {
                let count = usize::try_from(count.min(BYTES_MAX + 1))?;
                charge(&mut store, count)?;
                if count as u64 > BYTES_MAX {
                    return Err(Exit::refused("it asked for more than 1 MiB of random bytes at once").into());
                }
                Ok((store.data_mut().world.random.bytes(count),))
            })?;
        }
        ("random", "get-random-u64") | ("insecure", "get-insecure-random-u64") => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, (): ()| {
                charge(&mut store, 0)?;
                Ok((store.data_mut().world.random.next(),))
            })?;
        }
        ("insecure-seed", "insecure-seed") => {
            answers.func_wrap(function, |store: StoreContextMut<'_, State>, (): ()| {
                let live = store.data().world.wasi == Wasi::Live;
                let random = RandomState::new();
                Ok((if live { (random.hash_one(0), random.hash_one(1)) } else { INSECURE_SEED },))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
