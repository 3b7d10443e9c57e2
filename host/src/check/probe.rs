//! Which constants matter: each is tried as the value of each input, and kept where the transform
//! treats the event in another way than the crowd. Owns the comparison; `generate` uses what it finds.

use super::Subject;
use super::bench::{Bench, Piece};
use super::constants::Constants;
use super::generate::{Generated, Source};
use super::random::Random;
use super::sample::Sample;
use crate::calls::Error;
use crate::description::Kind;
use crate::event::{Event, Lineage, Typing};
use crate::extract::{Extractor, Scratch};
use crate::offset::{Offset, Range};
use std::collections::BTreeMap;

/// Values tried for one input.
const TRIED_MAX: usize = 1024;
/// What is found in one round lets events pass in the next.
const ROUNDS: u64 = 2;
/// Where more values than one in this many are special, none is.
const CROWD: usize = 4;

/// How a transform treats an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Treatment {
    Dropped,
    Failed,
    Refused,
    /// The number of cells and, for texts, their states.
    Folded(usize, Vec<u8>),
}

/// The constants with those that make a difference, by path.
pub fn probed(
    subject: &Subject,
    extractor: &Extractor,
    constants: Constants,
    seed: u64,
) -> Result<Constants, Error> {
    let description = subject.fresh.description();
    let mut constants = constants;
    for round in 0..ROUNDS {
        for field in description.inputs.iter().filter(|field| !field.path.starts_with('@')) {
            let values: Vec<String> = match &field.kind {
                Kind::Text => constants
                    .texts
                    .iter()
                    .map(|text| serde_json::Value::from(text.as_str()).to_string())
                    .collect(),
                Kind::Integer | Kind::Decimal(0) => constants.integers.iter().map(i64::to_string).collect(),
                Kind::Float => constants.floats.iter().map(f64::to_string).collect(),
                _ => continue,
            };
            let is_text = field.kind == Kind::Text;
            let tried: Vec<Generated> = values
                .iter()
                .take(TRIED_MAX)
                .map(|value| {
                    // The same seed for all: they differ in this one value.
                    let random = Random::new(seed + round);
                    Source { description, constants: &constants, random }.event(Some((&field.path, value)))
                })
                .collect();
            let treated = treat(subject, extractor, &tried, is_text)?;
            let special = special(&treated);
            if !special.is_empty() {
                let special = special.into_iter().filter_map(|place| values.get(place).cloned()).collect();
                constants.by_path.insert(field.path.clone(), special);
            }
        }
    }
    Ok(constants)
}

fn treat(
    subject: &Subject,
    extractor: &Extractor,
    tried: &[Generated],
    is_text: bool,
) -> Result<Vec<Treatment>, Error> {
    let events = (0..).zip(tried).map(|(offset, tried)| Event {
        offset: Offset(offset),
        time_ms: tried.time_ms,
        ingested_ms: tried.time_ms,
        id: None,
        schema: None,
        lineage: Lineage::default(),
        typing: Typing::Json,
        payload: &tried.payload,
    });
    let range = Range::new(Offset::ZERO, Offset(tried.len() as u64));
    let extracted = extractor.extract(&mut Scratch::default(), range, events);
    let offsets = extracted.offsets.clone();
    let sample = Sample::of(subject.fresh.description(), &[extracted]);
    let bench = Bench::new(subject, &sample);
    let mut treated = vec![Treatment::Dropped; tried.len()];
    for (row, offset) in sample.all().into_iter().zip(offsets) {
        let treatment = match bench.fold(&[row])? {
            Err(_) => Treatment::Failed,
            Ok(piece) if !piece.rejected.is_empty() => Treatment::Refused,
            Ok(Piece { part, .. }) => {
                Treatment::Folded(part.hashes.len(), if is_text { part.states.bytes } else { Vec::new() })
            }
        };
        if let Some(place) = treated.get_mut(offset as usize) {
            *place = treatment;
        }
    }
    Ok(treated)
}

/// The places of values that are treated in a rare way.
fn special(treated: &[Treatment]) -> Vec<usize> {
    let mut counts: BTreeMap<&Treatment, usize> = BTreeMap::new();
    treated.iter().for_each(|treatment| *counts.entry(treatment).or_default() += 1);
    let is_special = |treatment: &Treatment| {
        *treatment != Treatment::Dropped
            && counts.get(treatment).is_some_and(|count| count * CROWD <= treated.len())
    };
    let special: Vec<usize> = treated
        .iter()
        .enumerate()
        .filter(|(_, treatment)| is_special(treatment))
        .map(|(place, _)| place)
        .collect();
    if special.len() * CROWD > treated.len() { Vec::new() } else { special }
}
