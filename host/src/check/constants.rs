//! The constants of a component: texts and numbers that its code compares with are in its data
//! segments and instructions, and inputs that hold them reach code that others never reach. Owns
//! how they are found; a guess that is wrong costs a random event, nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use wasmparser::{DataKind, Operator, Parser, Payload};

/// Texts that are kept, likeliest first.
const TEXTS_MAX: usize = 1024;
const NUMBERS_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 48;
/// How far from the name of an input a text of an interpreter's program may stand.
const NEAR_BYTES: usize = 4096;
/// Instructions between two parts of one comparison, counted in constants.
const PARTS_APART: usize = 3;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constants {
    pub texts: Vec<String>,
    pub integers: Vec<i64>,
    pub floats: Vec<f64>,
    /// Values by path of the input on which they make a difference, as JSON; see `probe`.
    pub by_path: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy)]
enum Number {
    I32(i32),
    I64(i64),
    F64(f64),
}

/// A part of memory that is there when an instance starts.
struct Segment<'c> {
    address: Option<u32>,
    bytes: &'c [u8],
}

/// Texts in order of how likely they are to be meant, each once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    seen: BTreeSet<String>,
}

impl Constants {
    /// `names` are those of inputs: what stands near them in an interpreter's memory is likelier to
    /// be the author's.
    pub fn of(component: &[u8], names: &[&str]) -> Constants {
        let (mut functions, mut segments) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
            match payload {
                Payload::CodeSectionEntry(body) => functions.push(read(&body)),
                Payload::DataSection(section) => {
                    segments.extend(
                        section
                            .into_iter()
                            .map_while(Result::ok)
                            .map(|data| Segment { address: address(&data.kind), bytes: data.data }),
                    );
                }
                _ => {}
            }
        }
        let mut texts = Texts::default();
        functions.iter().for_each(|function| literals(&function.numbers, &segments, &mut texts));
        functions.iter().for_each(|function| spelt(&function.letters, &mut texts));
        functions.iter().for_each(|function| inlined(&function.numbers, 4..=8, &mut texts));
        segments.iter().for_each(|segment| tokens(segment.bytes, names, true, &mut texts));
        segments.iter().for_each(|segment| tokens(segment.bytes, names, false, &mut texts));
        functions.iter().for_each(|function| inlined(&function.numbers, 2..=3, &mut texts));
        texts.all.truncate(TEXTS_MAX);
        let all = || functions.iter().flat_map(|function| &function.numbers).copied();
        let integers: BTreeSet<i64> = all()
            .filter_map(|number| match number {
                Number::I64(number) => Some(number),
                _ => None,
            })
            .collect();
        let floats: BTreeSet<u64> = all()
            .filter_map(|number| match number {
                Number::F64(number) if number.is_finite() => Some(number.to_bits()),
                _ => None,
            })
            .collect();
        Constants {
            texts: texts.all,
            integers: integers.into_iter().take(NUMBERS_MAX).collect(),
            floats: floats.into_iter().map(f64::from_bits).take(NUMBERS_MAX).collect(),
            by_path: BTreeMap::new(),
        }
    }
}

/// What one function compares with.
#[derive(Default)]
struct Function {
    numbers: Vec<Number>,
    /// Bytes that are compared one at a time; None where another text begins.
    letters: Vec<Option<u8>>,
}

fn read(body: &wasmparser::FunctionBody<'_>) -> Function {
    let mut function = Function::default();
    let Ok(operators) = body.get_operators_reader() else { return function };
    for operator in operators.into_iter().map_while(Result::ok) {
        match operator {
            Operator::I32Load8U { memarg } if memarg.offset == 0 => function.letters.push(None),
            Operator::I32Const { value } => {
                function.numbers.push(Number::I32(value));
                function.letters.push(u8::try_from(value).ok().filter(|byte| is_of_a_word(*byte)));
            }
            Operator::I64Const { value } => function.numbers.push(Number::I64(value)),
            Operator::F64Const { value } => function.numbers.push(Number::F64(f64::from_bits(value.bits()))),
            _ => {}
        }
    }
    function
}

/// Where an active segment is put, if a constant says so.
fn address(kind: &DataKind<'_>) -> Option<u32> {
    let DataKind::Active { offset_expr, .. } = kind else { return None };
    match offset_expr.get_operators_reader().into_iter().next()? {
        Ok(Operator::I32Const { value }) => Some(value as u32),
        _ => None,
    }
}

/// Address and length, one after the other: a literal that is passed on.
fn literals(numbers: &[Number], segments: &[Segment<'_>], texts: &mut Texts) {
    for pair in numbers.windows(2) {
        let [Number::I32(address), Number::I32(length)] = pair else { continue };
        let (address, Ok(length)) = (*address as u32, usize::try_from(*length)) else { continue };
        if length == 0 || length > TEXT_BYTES_MAX {
            continue;
        }
        let found = segments.iter().find_map(|segment| {
            let from = address.checked_sub(segment.address?)? as usize;
            segment.bytes.get(from..from + length)
        });
        if let Some(text) = found.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            texts.push(text);
        }
    }
}

/// Short texts that a compiler compares as numbers: parts of 8, 4, 2 and 1 bytes, which may overlap.
fn inlined(numbers: &[Number], begins: RangeInclusive<usize>, texts: &mut Texts) {
    let parts: Vec<String> = numbers.iter().map(|number| part(*number).unwrap_or_default()).collect();
    for (i, first) in parts.iter().enumerate().filter(|(_, part)| begins.contains(&part.len())) {
        texts.push(first);
        let mut grown = vec![first.clone()];
        for next in parts.iter().skip(i + 1).take(PARTS_APART).filter(|part| !part.is_empty()) {
            let longer: Vec<String> =
                grown.iter().flat_map(|text| [joined(text, next), text.clone() + next]).collect();
            longer.iter().filter(|text| text.len() <= TEXT_BYTES_MAX).for_each(|text| texts.push(text));
            grown = longer;
        }
    }
}

/// Texts that are compared byte by byte.
fn spelt(letters: &[Option<u8>], texts: &mut Texts) {
    const LETTERS_MIN: usize = 3;
    for run in letters.split(Option::is_none).filter(|run| run.len() >= LETTERS_MIN) {
        let text: String = run.iter().flatten().map(|byte| char::from(*byte)).collect();
        texts.push(&text);
    }
}

/// The bytes of a number that could be a part of a word.
fn part(number: Number) -> Option<String> {
    let bytes = match number {
        Number::I32(number) => number.to_le_bytes().to_vec(),
        Number::I64(number) => number.to_le_bytes().to_vec(),
        Number::F64(_) => return None,
    };
    let length = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let word = bytes.get(..length).filter(|bytes| bytes.iter().all(|byte| is_of_a_word(*byte)))?;
    String::from_utf8(word.to_vec()).ok()
}

/// `complete` and `ompleted` are two looks at one text.
fn joined(left: &str, right: &str) -> String {
    let overlap = (1..=left.len().min(right.len()))
        .rev()
        .find(|length| right.get(..*length).is_some_and(|beginning| left.ends_with(beginning)));
    format!("{left}{}", right.get(overlap.unwrap_or(0)..).unwrap_or_default())
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// Words of the data: literals often stand there side by side, so they are also cut where the case
/// changes.
fn tokens(bytes: &[u8], names: &[&str], near: bool, texts: &mut Texts) {
    let places: Vec<usize> = if near {
        names
            .iter()
            .filter(|name| name.len() > 2)
            .flat_map(|name| memchr::memmem::find_iter(bytes, name))
            .collect()
    } else {
        vec![0]
    };
    for place in places {
        if texts.all.len() >= TEXTS_MAX {
            return;
        }
        let around = if near {
            bytes
                .get(place.saturating_sub(NEAR_BYTES)..bytes.len().min(place + NEAR_BYTES))
                .unwrap_or_default()
        } else {
            bytes
        };
        for run in around.split(|byte| !is_of_a_word(*byte)).filter(|run| run.len() > 1) {
            let Ok(run) = std::str::from_utf8(run) else { continue };
            texts.push(run);
            let mut from = 0;
            for (at, pair) in run.as_bytes().windows(2).enumerate() {
                let [before, after] = pair else { continue };
                if before.is_ascii_uppercase() != after.is_ascii_uppercase() {
                    texts.push(run.get(from..at + 1).unwrap_or_default());
                    from = at + 1;
                }
            }
            texts.push(run.get(from..).unwrap_or_default());
            if texts.all.len() >= TEXTS_MAX {
                return;
            }
        }
    }
}

impl Texts {
    fn push(&mut self, text: &str) {
        let fits = !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control);
        if fits && self.all.len() < TEXTS_MAX && self.seen.insert(text.into()) {
            self.all.push(text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_literals_in_comparisons_and_in_data() {
        let module = wat::parse_str(
            r#"(module
                (memory 1)
                (data (i32.const 1024) "soldrefundedEURnotes and more")
                (func
                    (drop (i32.const 1028)) (drop (i32.const 8))
                    (drop (i64.const 0x6574656c706d6f63)) (drop (i64.const 0x646574656c706d6f))
                    (drop (i64.const 0x6465766965636572)) (drop (i32.const 0x79))
                    (drop (i32.const 5)) (drop (i32.const 112)) (drop (i32.const 97)) (drop (i32.const 105))
                    (drop (i64.const 0)) (drop (i32.const 100)) (drop (i32.load8_u (i32.const 0))) (drop (i32.const 120))
                    (drop (i64.const 4242)) (drop (f64.const 0.125))))"#,
        )
        .unwrap();
        let constants = Constants::of(&module, &[]);
        for text in ["refunded", "completed", "receivedy", "paid", "soldrefunded", "EUR", "notes", "more"] {
            assert!(constants.texts.iter().any(|found| found == text), "{text}: {:?}", constants.texts);
        }
        assert!(constants.integers.contains(&4242) && constants.floats.contains(&0.125), "{constants:?}");
    }

    #[test]
    fn what_is_no_component_has_no_constants() {
        assert_eq!(Constants::of(b"not a component", &[]), Constants::default());
        assert_eq!(Constants::of(b"", &["name"]), Constants::default());
    }
}
