//! Machines: the laws with a beginning, and a straight run as the reference.

use bifocal_sdk::state::{
    Codec, Count, Datum, DecodeError, Kind, Machine, Map, MergeError, Ordered, OutOfRange, Present, State,
    Timeline,
};
use bifocal_sdk::value::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{bytes, config, fold, laws, laws_of_sequences, merge};

/// Sessions of a visitor: a pause of more than 30 begins a new one. Time goes by log order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sessions {
    last: Option<i64>,
    pages: Vec<String>,
    sessions: u32,
}

type Visit = (i64, String);

impl Machine for Sessions {
    type Input = Visit;

    fn step(&mut self, (time, page): Visit) {
        if self.last.is_none_or(|last| time.saturating_sub(last) > 30) {
            self.sessions += 1;
            self.pages.clear();
        }
        self.last = Some(time);
        self.pages.push(page);
    }
}

impl Codec for Sessions {
    fn encode(&self, out: &mut Vec<u8>) {
        self.last.encode(out);
        self.pages.encode(out);
        self.sessions.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            last: Codec::decode(input)?,
            pages: Codec::decode(input)?,
            sessions: Codec::decode(input)?,
        })
    }
}

impl Present for Sessions {
    const KIND: Kind = Kind::Integer;

    fn present(&self) -> Result<Datum, OutOfRange> {
        Ok(Datum::Integer(self.sessions.into()))
    }
}

fn visits() -> impl Strategy<Value = Visit> {
    (0..100_i64, "[ab]{0,2}")
}

fn push(state: &mut Ordered<Sessions>, visit: &Visit) {
    state.push(visit.clone());
}

#[test]
fn machines_keep_the_laws() {
    laws(visits(), push);
}

#[test]
fn machines_beside_other_parts_keep_the_laws() {
    laws(visits(), |state: &mut (Ordered<Sessions>, Count), visit: &Visit| {
        state.0.push(visit.clone());
        state.1.add(1);
    });
}

#[test]
fn machines_in_a_map_keep_the_laws() {
    laws((0..3_i64, visits()), |state: &mut Map<i64, Ordered<Sessions>>, (key, visit): &(i64, Visit)| {
        state.entry(*key).push(visit.clone());
    });
}

#[test]
fn timelines_keep_the_laws() {
    // Each event has its own offset; times repeat.
    let events = vec(visits(), 0..40).prop_map(|visits| {
        let numbered = visits.into_iter().enumerate();
        numbered.map(|(offset, (time, page))| (Timestamp(time / 9), offset as i64, page)).collect()
    });
    type Event = (Timestamp, i64, String);
    laws_of_sequences(events, |state: &mut Timeline<Sessions>, (time, offset, page): &Event| {
        state.push(*time, *offset, (time.0 * 9, page.clone()));
        // A second input of the same event stays behind the first.
        state.push(*time, *offset, (time.0 * 9 + 1, String::new()));
    });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_cut_runs_the_machine_as_one_run(visits in vec((0..3_i64, visits()), 0..40), chunk in 1..9_usize) {
        let mut straight: [Sessions; 3] = Default::default();
        let mut whole = <Map<i64, Ordered<Sessions>>>::initial();
        for part in visits.chunks(chunk) {
            let floating = fold(
                |state: &mut Map<i64, Ordered<Sessions>>, (key, visit): &(i64, Visit)| {
                    state.entry(*key).push(visit.clone());
                },
                part,
            );
            whole = merge(&whole, &floating)?;
            part.iter().for_each(|(key, visit)| straight[*key as usize].step(visit.clone()));
        }
        for (key, machine) in whole.iter() {
            prop_assert!(machine.is_anchored());
            prop_assert_eq!(&machine.machine(), &straight[key as usize]);
        }
        let seen: Vec<i64> = (0..3).filter(|key| visits.iter().any(|(of, _)| of == key)).collect();
        prop_assert!(whole.iter().map(|(key, _)| key).eq(seen));
    }

    #[test]
    fn a_timeline_runs_the_machine_by_time_then_offset(visits in vec(visits(), 0..40)) {
        let mut timeline = Timeline::<Sessions>::default();
        for (offset, (time, page)) in visits.iter().enumerate() {
            timeline.push(Timestamp(*time), offset as i64, (*time, page.clone()));
        }
        let mut by_time = visits.clone();
        by_time.sort_by_key(|(time, _)| *time);
        let mut straight = Sessions::default();
        by_time.into_iter().for_each(|visit| straight.step(visit));
        prop_assert_eq!(timeline.machine(), straight);
    }
}

#[test]
fn a_floating_state_shows_as_if_it_began_the_cell() {
    let mut floating = Ordered::<Sessions>::default();
    [5, 6, 90].iter().for_each(|time| push(&mut floating, &(*time, String::new())));
    assert_eq!(floating.present(), Ok(Datum::Integer(2)));
    let mut anchored = Ordered::<Sessions>::initial();
    [5, 6, 90].iter().for_each(|time| push(&mut anchored, &(*time, String::new())));
    assert_eq!(bytes(&merge(&Ordered::initial(), &floating).unwrap()), bytes(&anchored));
}

#[test]
fn nothing_precedes_an_anchored_state() {
    let mut left = Ordered::<Sessions>::initial();
    let error = left.merge(Ordered::initial()).unwrap_err();
    assert_eq!(error, MergeError::AnchoredRight);
    assert!(error.to_string().starts_with("the later state is anchored"));
    let mut map = Map::<i64, Ordered<Sessions>>::default();
    assert_eq!(map.merge(Map::initial()), Err(MergeError::AnchoredRight));
}

#[test]
fn floating_inputs_that_do_not_decode_are_refused() {
    // Nine bytes of inputs: a time and a text of five, of which none are there.
    let broken = [[0, 9].as_slice(), &[0; 8], &[5]].concat();
    assert_eq!(Ordered::<Sessions>::decode_all(&broken).err(), Some(DecodeError::Short));
    assert!(Ordered::<Sessions>::decode_all(&[2]).is_err());
}

#[test]
fn timelines_that_do_not_ascend_or_lack_inputs_are_refused() {
    let place = |offset: u8| [[0; 8], [offset, 0, 0, 0, 0, 0, 0, 0]].concat();
    // An input: a time of 8 bytes and an empty text.
    let input = [9, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let two = |first: u8, second: u8| {
        let bytes = [&[2], place(first).as_slice(), &input, &place(second), &input].concat();
        Timeline::<Sessions>::decode_all(&bytes).is_ok()
    };
    assert!(two(1, 2));
    assert!(!two(2, 1));
    assert!(!two(1, 1));
    let without = [&[1], place(1).as_slice(), &[0]].concat();
    assert!(Timeline::<Sessions>::decode_all(&without).is_err());
}

#[derive(Clone, Default)]
struct Ticks;

impl Codec for Ticks {
    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(_: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl Machine for Ticks {
    type Input = Ticks;

    fn step(&mut self, _: Ticks) {}
}

#[test]
#[should_panic(expected = "an input of a machine must encode to at least one byte")]
fn an_input_of_no_bytes_is_refused_at_once() {
    Ordered::<Ticks>::default().push(Ticks);
}
