//! The one canonical encoding of keys. Bytes compare as keys sort: part by part, null first,
//! numbers by value, text and binary by bytes. Self-delimiting, so parts cannot run together.
//!
//! | part                         | bytes                                                         |
//! |------------------------------|---------------------------------------------------------------|
//! | absent                       | 0                                                             |
//! | boolean                      | 1, then 0 or 1                                                |
//! | integer, timestamp, decimal  | 1, then s64 big-endian with the sign bit flipped              |
//! | text, binary                 | 1, then the bytes with every 0 followed by 255, then 0 0      |

use crate::column::{Blobs, Builder, Column, Value};
use crate::description::{Field, Kind};

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
const SIGN: u64 = 1 << 63;

/// Appends the key of one row. `columns` have passed `Column::check` for `fields`.
pub fn encode(fields: &[Field], columns: &[Column], row: usize, out: &mut Vec<u8>) {
    for (field, column) in fields.iter().zip(columns) {
        push(column.value(&field.kind, row), out);
    }
}

/// The columns of keys, ready to be encoded row by row: each text once, however many rows have it.
pub struct Parts<'a> {
    columns: Vec<Source<'a>>,
}

enum Source<'a> {
    /// Encoded parts by code, and the column of codes.
    Text {
        column: &'a Column,
        encoded: Blobs,
    },
    Other {
        kind: &'a Kind,
        column: &'a Column,
    },
}

impl<'a> Parts<'a> {
    /// `columns` have passed `Column::check` for `fields`.
    pub fn new(fields: &'a [Field], columns: &'a [Column]) -> Parts<'a> {
        let source = |(field, column): (&'a Field, &'a Column)| match &field.kind {
            Kind::Text => Source::Text { column, encoded: encoded_texts(&column.heap) },
            kind => Source::Other { kind, column },
        };
        Parts { columns: fields.iter().zip(columns).map(source).collect() }
    }

    /// Appends the key of one row.
    pub fn push(&self, row: usize, out: &mut Vec<u8>) {
        for source in &self.columns {
            match source {
                Source::Text { column, encoded } => match column.code(row) {
                    Some(code) => out.extend_from_slice(encoded.get(code)),
                    None => out.push(ABSENT),
                },
                Source::Other { kind, column } => push(column.value(kind, row), out),
            }
        }
    }
}

fn encoded_texts(texts: &Blobs) -> Blobs {
    let mut out = Blobs::default();
    texts.iter().for_each(|text| out.push_with(|bytes| push(Value::Bytes(text), bytes)));
    out
}

/// Appends one part.
pub fn push(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Absent => out.push(ABSENT),
        Value::Boolean(value) => out.extend([PRESENT, u8::from(value)]),
        Value::Integer(value) => {
            out.push(PRESENT);
            out.extend((value as u64 ^ SIGN).to_be_bytes());
        }
        // `Description::check` refuses keys of this kind; a total order all the same.
        Value::Float(value) => push(Value::Integer(value.to_bits() as i64), out),
        Value::Bytes(value) => {
            out.push(PRESENT);
            push_escaped(value, out);
            out.extend([0, 0]);
        }
    }
}

fn push_escaped(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        let (head, tail) = rest.split_at(zero);
        out.extend_from_slice(head);
        out.extend([0, 255]);
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// One part of a decoded key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Absent,
    Boolean(bool),
    Integer(i64),
    Bytes(Vec<u8>),
}

impl Part {
    pub fn value(&self) -> Value<'_> {
        match self {
            Part::Absent => Value::Absent,
            Part::Boolean(value) => Value::Boolean(*value),
            Part::Integer(value) => Value::Integer(*value),
            Part::Bytes(value) => Value::Bytes(value),
        }
    }
}

/// The parts of a key, one a field; None if these are not the bytes of such a key.
pub fn decode(fields: &[Field], mut bytes: &[u8]) -> Option<Vec<Part>> {
    let parts = fields.iter().map(|field| part(&field.kind, &mut bytes)).collect::<Option<_>>()?;
    bytes.is_empty().then_some(parts)
}

fn part(kind: &Kind, bytes: &mut &[u8]) -> Option<Part> {
    if bytes.split_off_first()? == &ABSENT {
        return Some(Part::Absent);
    }
    match kind {
        Kind::Boolean => Some(Part::Boolean(*bytes.split_off_first()? == 1)),
        Kind::Text | Kind::Binary => unescape(bytes).map(Part::Bytes),
        _ => {
            let number = bytes.split_off(..8)?.try_into().ok()?;
            Some(Part::Integer((u64::from_be_bytes(number) ^ SIGN) as i64))
        }
    }
}

fn unescape(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        match bytes.split_off_first()? {
            0 => match bytes.split_off_first()? {
                0 => return Some(out),
                _ => out.push(0),
            },
            byte => out.push(*byte),
        }
    }
}

/// Keys back as columns, one row a key.
pub fn columns<'a>(fields: &[Field], keys: impl Iterator<Item = &'a [u8]>) -> Vec<Column> {
    let mut builders: Vec<Builder> = fields.iter().map(|_| Builder::default()).collect();
    for key in keys {
        let parts = decode(fields, key).unwrap_or_default();
        for (i, (field, builder)) in fields.iter().zip(&mut builders).enumerate() {
            builder.push(&field.kind, parts.get(i).map_or(Value::Absent, Part::value));
        }
    }
    builders.into_iter().map(Builder::finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(kind: Kind) -> Field {
        Field { name: "k".into(), path: String::new(), kind, required: false }
    }

    fn fields() -> Vec<Field> {
        vec![field(Kind::Text), field(Kind::Integer), field(Kind::Binary), field(Kind::Boolean)]
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let text = prop_oneof![
            Just(Part::Absent),
            "[a\\x00\u{ff}b]{0,4}".prop_map(|text| Part::Bytes(text.into_bytes())),
        ];
        let number = prop_oneof![Just(Part::Absent), any::<i64>().prop_map(Part::Integer)];
        let binary = prop_oneof![
            Just(Part::Absent),
            prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..4)
                .prop_map(Part::Bytes),
        ];
        let boolean = prop_oneof![Just(Part::Absent), any::<bool>().prop_map(Part::Boolean)];
        (text, number, binary, boolean).prop_map(|(a, b, c, d)| vec![a, b, c, d])
    }

    fn encoded(parts: &[Part]) -> Vec<u8> {
        let mut out = Vec::new();
        parts.iter().for_each(|part| push(part.value(), &mut out));
        out
    }

    /// The order that rows are promised in, stated without the encoding.
    fn rank(parts: &[Part]) -> Vec<(u8, i128, Vec<u8>)> {
        let rank = |part: &Part| match part {
            Part::Absent => (0, 0, vec![]),
            Part::Boolean(value) => (1, i128::from(*value), vec![]),
            Part::Integer(value) => (1, i128::from(*value), vec![]),
            Part::Bytes(value) => (1, 0, value.clone()),
        };
        parts.iter().map(rank).collect()
    }

    proptest! {
        #[test]
        fn a_key_decodes_to_what_was_encoded(key in parts()) {
            prop_assert_eq!(decode(&fields(), &encoded(&key)), Some(key));
        }

        #[test]
        fn bytes_compare_as_keys_sort(a in parts(), b in parts()) {
            prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), rank(&a).cmp(&rank(&b)));
        }

        #[test]
        fn keys_of_prepared_columns_are_those_of_their_rows(keys in prop::collection::vec(parts(), 0..20)) {
            let keys: Vec<Vec<u8>> = keys.iter().map(|key| encoded(key)).collect();
            let (fields, columns) = (fields(), columns(&fields(), keys.iter().map(Vec::as_slice)));
            let prepared = Parts::new(&fields, &columns);
            for (row, key) in keys.iter().enumerate() {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                encode(&fields, &columns, row, &mut one);
                prepared.push(row, &mut other);
                prop_assert_eq!((&one, &other), (key, key));
            }
        }

        #[test]
        fn any_bytes_decode_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&fields(), &bytes);
        }
    }
}
