//! The laws, once for all states. Owns what every state has to keep; knows no particular one.

use std::fmt::Debug;

use bifocal_sdk::state::{Codec, Datum, MergeError, OutOfRange, Present, State};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};

/// How an author's `fold` feeds a state with one event.
pub type Feed<S, I> = fn(&mut S, &I);

pub fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(rand_seed());
    }
    // Captured, and so shown with a failure.
    println!("PROPTEST_RNG_SEED={:?} PROPTEST_CASES={}", config.rng_seed, config.cases);
    config
}

/// The standard library's only source of randomness.
fn rand_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

pub fn bytes(state: &impl Codec) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

pub fn fold<S: State, I>(feed: Feed<S, I>, inputs: &[I]) -> S {
    let mut state = S::default();
    inputs.iter().for_each(|input| feed(&mut state, input));
    state
}

/// Merges as a host does: through bytes.
pub fn merge<S: State>(left: &S, right: &S) -> Result<S, MergeError> {
    let mut merged = S::decode_all(&bytes(left)).unwrap();
    merged.merge(S::decode_all(&bytes(right)).unwrap())?;
    let mut direct = left.clone();
    direct.merge(right.clone())?;
    assert_eq!(bytes(&merged), bytes(&direct), "a decoded state merges differently");
    Ok(merged)
}

/// All laws of `S`, fed with sequences of inputs.
pub fn laws<S, I>(input: impl Strategy<Value = I>, feed: Feed<S, I>)
where
    S: State + Present + Debug,
    I: Debug + Clone,
{
    laws_of_sequences(vec(input, 0..40), feed);
}

/// The same where the inputs of a sequence depend on each other, as offsets do.
pub fn laws_of_sequences<S, I>(inputs: impl Strategy<Value = Vec<I>>, feed: Feed<S, I>)
where
    S: State + Present + Debug,
    I: Debug + Clone,
{
    let noise = vec(any::<u8>(), 0..48);
    let cuts = (any::<Index>(), any::<Index>(), any::<Index>(), any::<u8>());
    let mut runner = TestRunner::new(config());
    let ran = runner.run(&(&inputs, cuts, noise), |(inputs, (first, second, place, byte), noise)| {
        let first = first.index(inputs.len() + 1);
        let second = second.index(inputs.len() + 1);
        let (first, second) = (first.min(second), first.max(second));
        let parts = [&inputs[..first], &inputs[first..second], &inputs[second..]];
        let [x, y, z] = parts.map(|part| fold(feed, part));
        let whole = fold(feed, &inputs);
        split_and_associative(&whole, &x, &y, &z)?;
        neutral(&whole)?;
        anchored(&whole, &x, &y)?;
        canonical(&whole)?;
        cloned(&whole, feed, &inputs)?;
        shown(&whole)?;
        let (xy, yx) = (bytes(&merge(&x, &y)?), bytes(&merge(&y, &x)?));
        if S::ORDER_FREE {
            prop_assert_eq!(&xy, &yx, "order-free");
        }
        total::<S>(&noise, &whole)?;
        let mut damaged = bytes(&whole);
        let place = place.index(damaged.len());
        damaged[place] = byte;
        total::<S>(&damaged, &whole)
    });
    if let Err(error) = ran {
        panic!("{error}\n{runner}");
    }
    if !S::ORDER_FREE {
        // What is not claimed must be needed: the order shows in some pair.
        let mut sample = || inputs.new_tree(&mut runner).unwrap().current();
        let differ = |x, y| bytes(&merge(&x, &y).unwrap()) != bytes(&merge(&y, &x).unwrap());
        let found = (0..1000).any(|_| differ(fold(feed, &sample()), fold(feed, &sample())));
        assert!(found, "not claimed order-free, yet no two states differ when swapped");
    }
}

fn split_and_associative<S: State>(whole: &S, x: &S, y: &S, z: &S) -> TestCaseResult {
    let left = merge(&merge(x, y)?, z)?;
    let right = merge(x, &merge(y, z)?)?;
    prop_assert_eq!(bytes(&left), bytes(&right), "associative");
    prop_assert_eq!(bytes(whole), bytes(&left), "split");
    Ok(())
}

fn neutral<S: State>(whole: &S) -> TestCaseResult {
    prop_assert_eq!(bytes(&merge(&S::default(), whole)?), bytes(whole), "neutral on the left");
    prop_assert_eq!(bytes(&merge(whole, &S::default())?), bytes(whole), "neutral on the right");
    Ok(())
}

fn anchored<S: State>(whole: &S, x: &S, y: &S) -> TestCaseResult {
    let initial = S::initial();
    if !S::ANCHORED {
        prop_assert_eq!(bytes(&initial), bytes(&S::default()), "no anchor, no other beginning");
        return Ok(());
    }
    let one_by_one = merge(&merge(&initial, x)?, y)?;
    let at_once = merge(&initial, &merge(x, y)?)?;
    prop_assert_eq!(bytes(&one_by_one), bytes(&at_once), "associative from the beginning");
    canonical(&one_by_one)?;
    let onto_anchored = merge(whole, &initial).err();
    prop_assert_eq!(onto_anchored, Some(MergeError::AnchoredRight), "nothing precedes a beginning");
    Ok(())
}

fn canonical<S: State>(state: &S) -> TestCaseResult {
    let encoded = bytes(state);
    let decoded = S::decode_all(&encoded)?;
    prop_assert_eq!(&bytes(&decoded), &encoded, "canonical");
    let followed = [encoded.as_slice(), &[0x5a; 3]].concat();
    let mut rest = followed.as_slice();
    S::decode(&mut rest)?;
    prop_assert_eq!(rest, &[0x5a; 3][..], "self-delimiting");
    // All of them for small states.
    for length in (0..encoded.len()).step_by(1 + encoded.len() / 200) {
        prop_assert!(S::decode_all(&encoded[..length]).is_err(), "{length} bytes of {encoded:?} decode");
    }
    Ok(())
}

/// A copy that goes on leaves the original as it was: the runtime restores it after a rejection.
fn cloned<S: State, I>(whole: &S, feed: Feed<S, I>, inputs: &[I]) -> TestCaseResult {
    let before = bytes(whole);
    let mut copy = whole.clone();
    inputs.iter().for_each(|input| feed(&mut copy, input));
    prop_assert_eq!(bytes(whole), before, "a clone shares with its original");
    Ok(())
}

/// What is presented is of the column's kind.
fn shown<S: Present>(state: &S) -> TestCaseResult {
    use bifocal_sdk::value::Kind;
    let datum: Result<Datum, OutOfRange> = state.present();
    let fits = match (S::KIND, &datum) {
        (_, Err(_) | Ok(Datum::Absent)) => true,
        (Kind::Integer | Kind::Timestamp | Kind::Decimal(_), Ok(Datum::Integer(_))) => true,
        (Kind::Boolean, Ok(Datum::Boolean(_))) | (Kind::Float, Ok(Datum::Float(_))) => true,
        (Kind::Text, Ok(Datum::Text(_))) | (Kind::Binary, Ok(Datum::Binary(_))) => true,
        (Kind::Json, Ok(Datum::Json(json))) => serde_json::from_str::<serde_json::Value>(json).is_ok(),
        _ => false,
    };
    prop_assert!(fits, "{datum:?} in a column of kind {:?}", S::KIND);
    Ok(())
}

/// Any bytes are refused or are a state's own, which then merges and presents without a panic.
fn total<S: State + Present>(bytes_in: &[u8], other: &S) -> TestCaseResult {
    let mut rest = bytes_in;
    let Ok(state) = S::decode(&mut rest) else { return Ok(()) };
    let taken = &bytes_in[..bytes_in.len() - rest.len()];
    prop_assert_eq!(bytes(&state), taken, "other bytes than it encodes to");
    let _ = merge(&state, other);
    let _ = merge(other, &state);
    let _ = merge(&state, &state);
    shown(&state)
}
