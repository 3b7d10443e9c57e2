//! Events read from columns: which Rust types a field may have and how each is found in its buffers.
//! No parsing and no allocation a row: what can be prepared is prepared once a chunk.

use crate::column::{Column, bit, i64s, u32s};
use crate::description::{Field, Filter};
use crate::reject::Reject;
use crate::value::{Decimal, Json, Kind, Timestamp};

/// An event as a transform sees it; made by `#[derive(Event)]`.
///
/// # Structs
///
/// One field, one input column. `#[event(path = "...")]` says where it is found: dotted names
/// (`"order.total"`), a JSON Pointer (`"/items/0/price"`), the record and not its payload
/// (`"@offset"`, `"@time"`, `"@id"`, `"@key"`, `"@source"`, `"@header.NAME"`), or empty for the
/// whole payload as bytes. Without it, the field's own name. `Option` makes it not required: an
/// event without any other field is rejected by the host before the transform sees it.
///
/// | Rust                                     | kind       |
/// |------------------------------------------|------------|
/// | `bool`                                   | boolean    |
/// | `i64`; `i32`, `i16`, `i8`, `u64`, `u32`, `u16`, `u8` (rejected if out of range) | integer |
/// | `f64`                                    | float      |
/// | `&'a str`                                | text       |
/// | `&'a [u8]`                               | binary     |
/// | [`Timestamp`]                            | timestamp  |
/// | [`Decimal<N>`]                           | decimal(N) |
/// | [`Json<'a>`]                             | json       |
///
/// ```
/// # use bifocal_sdk::*;
/// #[derive(Event)]
/// struct Order<'a> {
///     merchant_id: &'a str,
///     #[event(path = "total.amount")]
///     amount: Decimal<2>,
///     coupon: Option<&'a str>,
///     #[event(path = "@offset")]
///     offset: i64,
/// }
/// ```
///
/// # Enums
///
/// One stream often carries several types of events. The variant is chosen by the text at `tag`;
/// events with another text there, or none, are *ignored*: counted, neither folded nor rejected.
/// A variant is found by its own name or by `#[event(name = "...")]`.
///
/// ```
/// # use bifocal_sdk::*;
/// #[derive(Event)]
/// #[event(tag = "type")]
/// enum Trip<'a> {
///     #[event(name = "trip.started")]
///     Started { vehicle: &'a str },
///     #[event(name = "trip.ended")]
///     Ended { vehicle: &'a str, fare: Decimal<2>, tip: Option<Decimal<2>> },
/// }
/// ```
///
/// An event that lacks a field which its variant needs is rejected.
pub trait Event<'a>: Sized {
    /// The columns of one chunk, checked and ready to be read by row.
    type Reader;

    /// The columns that [`Event::open`] expects, in this order.
    fn inputs() -> Vec<Field>;

    /// The events that are wanted at all; `None`: every one.
    fn only() -> Option<Filter> {
        None
    }

    /// Prepares the columns of a chunk of `rows` events.
    fn open(columns: &'a [Column], rows: usize) -> Result<Self::Reader, String>;

    /// The event of a row.
    fn read(reader: &Self::Reader, row: usize) -> Result<Self, Reject>;
}

/// A type that a field of an event can have. `Option` of it is a field that is not required.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field of an event can have",
    note = "bool, integers, f64, &'a str, &'a [u8], Timestamp, Decimal<N>, Json<'a>, or Option of one of these"
)]
pub trait Input<'a>: Sized {
    /// The kind that the input is declared with.
    const KIND: Kind;

    /// The buffers of one column.
    type Source;

    /// Checks that `column` has `rows` rows of this kind.
    fn open(column: &'a Column, rows: usize) -> Result<Self::Source, String>;

    /// The value of a row that is present; `Err`: why it is not one of this type.
    fn read(source: &Self::Source, row: usize) -> Result<Self, String>;
}

/// Values of 8 bytes.
pub struct Words<'a>(&'a [[u8; 8]]);

impl<'a> Words<'a> {
    fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
        Ok(Words(exactly(i64s(&column.fixed), rows)?))
    }

    #[inline]
    fn get(&self, row: usize) -> i64 {
        i64::from_le_bytes(self.0[row])
    }
}

/// Values of one byte.
pub struct Bytes<'a>(&'a [u8]);

/// Codes and the dictionary that they index, cut into texts once a chunk.
pub struct Texts<'a> {
    codes: &'a [[u8; 4]],
    values: Vec<&'a str>,
}

/// Values of any width, one a row.
pub struct Wide<'a> {
    ends: &'a [[u8; 4]],
    bytes: &'a [u8],
}

/// The same for text, checked once a chunk.
pub struct WideText<'a> {
    ends: &'a [[u8; 4]],
    text: &'a str,
}

fn exactly<T>(values: &[T], rows: usize) -> Result<&[T], String> {
    values.get(..rows).ok_or_else(|| format!("{} values for {rows} rows", values.len()))
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))
}

#[inline]
fn span(ends: &[[u8; 4]], i: usize) -> std::ops::Range<usize> {
    let from = if i == 0 { 0 } else { u32::from_le_bytes(ends[i - 1]) };
    from as usize..u32::from_le_bytes(ends[i]) as usize
}

impl<'a> Texts<'a> {
    fn open(column: &'a Column, rows: usize) -> Result<Texts<'a>, String> {
        let codes = exactly(u32s(&column.fixed), rows)?;
        let text = utf8(&column.heap.bytes)?;
        let ends = u32s(&column.heap.ends);
        let cut = |i| text.get(span(ends, i)).ok_or_else(|| format!("value {i} is not a text"));
        let mut values = (0..ends.len()).map(cut).collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            values.push(""); // Absent rows still have a code.
        }
        Ok(Texts { codes, values })
    }

    /// The row's index in the dictionary.
    #[inline]
    fn code(&self, row: usize) -> usize {
        u32::from_le_bytes(self.codes[row]) as usize
    }
}

impl<'a> Input<'a> for i64 {
    const KIND: Kind = Kind::Integer;
    type Source = Words<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
        Words::open(column, rows)
    }

    #[inline]
    fn read(source: &Words<'a>, row: usize) -> Result<i64, String> {
        Ok(source.get(row))
    }
}

macro_rules! narrow {
    ($($integer:ident)+) => { $(
        impl<'a> Input<'a> for $integer {
            const KIND: Kind = Kind::Integer;
            type Source = Words<'a>;

            fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
                Words::open(column, rows)
            }

            #[inline]
            fn read(source: &Words<'a>, row: usize) -> Result<$integer, String> {
                let value = source.get(row);
                $integer::try_from(value).map_err(|_| {
                    format!("{value} is not within {} and {}", $integer::MIN, $integer::MAX)
                })
            }
        }
    )+ };
}
narrow!(i32 i16 i8 u64 u32 u16 u8);

impl<'a> Input<'a> for f64 {
    const KIND: Kind = Kind::Float;
    type Source = Words<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
        Words::open(column, rows)
    }

    #[inline]
    fn read(source: &Words<'a>, row: usize) -> Result<f64, String> {
        Ok(f64::from_bits(source.get(row) as u64))
    }
}

impl<'a> Input<'a> for Timestamp {
    const KIND: Kind = Kind::Timestamp;
    type Source = Words<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
        Words::open(column, rows)
    }

    #[inline]
    fn read(source: &Words<'a>, row: usize) -> Result<Timestamp, String> {
        Ok(Timestamp(source.get(row)))
    }
}

impl<'a, const N: u8> Input<'a> for Decimal<N> {
    const KIND: Kind = Kind::Decimal(N);
    type Source = Words<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Words<'a>, String> {
        Words::open(column, rows)
    }

    #[inline]
    fn read(source: &Words<'a>, row: usize) -> Result<Decimal<N>, String> {
        Ok(Decimal(source.get(row)))
    }
}

impl<'a> Input<'a> for bool {
    const KIND: Kind = Kind::Boolean;
    type Source = Bytes<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Bytes<'a>, String> {
        Ok(Bytes(exactly(&column.fixed, rows)?))
    }

    #[inline]
    fn read(source: &Bytes<'a>, row: usize) -> Result<bool, String> {
        Ok(source.0[row] != 0)
    }
}

impl<'a> Input<'a> for &'a str {
    const KIND: Kind = Kind::Text;
    type Source = Texts<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Texts<'a>, String> {
        Texts::open(column, rows)
    }

    #[inline]
    fn read(source: &Texts<'a>, row: usize) -> Result<&'a str, String> {
        Ok(source.values[source.code(row)])
    }
}

impl<'a> Input<'a> for &'a [u8] {
    const KIND: Kind = Kind::Binary;
    type Source = Wide<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Wide<'a>, String> {
        Ok(Wide { ends: exactly(u32s(&column.heap.ends), rows)?, bytes: &column.heap.bytes })
    }

    #[inline]
    fn read(source: &Wide<'a>, row: usize) -> Result<&'a [u8], String> {
        Ok(&source.bytes[span(source.ends, row)])
    }
}

impl<'a> Input<'a> for Json<'a> {
    const KIND: Kind = Kind::Json;
    type Source = WideText<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<WideText<'a>, String> {
        let ends = exactly(u32s(&column.heap.ends), rows)?;
        Ok(WideText { ends, text: utf8(&column.heap.bytes)? })
    }

    #[inline]
    fn read(source: &WideText<'a>, row: usize) -> Result<Json<'a>, String> {
        Ok(Json(&source.text[span(source.ends, row)]))
    }
}

/// A field of an event: an [`Input`], or an `Option` of one.
pub trait EventField<'a>: Sized {
    const KIND: Kind;
    const REQUIRED: bool;

    /// The column, with the rows that are present.
    type Reader;

    /// Prepares the column of the input `name`.
    fn open(column: &'a Column, rows: usize, name: &str) -> Result<Self::Reader, String>;

    /// The field of a row.
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<Self, Reject>;
}

/// A column with the rows that are present.
pub struct Slots<'a, S> {
    source: S,
    validity: &'a [u8],
}

impl<'a, S> Slots<'a, S> {
    fn open<T: Input<'a, Source = S>>(column: &'a Column, rows: usize, name: &str) -> Result<Self, String> {
        let source = T::open(column, rows).map_err(|why| format!("input '{name}': {why}"))?;
        Ok(Slots { source, validity: &column.validity })
    }

    #[inline]
    fn is_present(&self, row: usize) -> bool {
        self.validity.is_empty() || bit(self.validity, row)
    }
}

#[cold]
fn unfit(name: &str, why: &str) -> Reject {
    Reject::because(format_args!("{name}: {why}"))
}

impl<'a, T: Input<'a>> EventField<'a> for T {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = true;
    type Reader = Slots<'a, T::Source>;

    fn open(column: &'a Column, rows: usize, name: &str) -> Result<Self::Reader, String> {
        Slots::open::<T>(column, rows, name)
    }

    /// Missing where a variant needs the field; the host has seen to all other fields.
    #[inline]
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<T, Reject> {
        if !reader.is_present(row) {
            return Err(unfit(name, "is missing"));
        }
        T::read(&reader.source, row).map_err(|why| unfit(name, &why))
    }
}

impl<'a, T: Input<'a>> EventField<'a> for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    type Reader = Slots<'a, T::Source>;

    fn open(column: &'a Column, rows: usize, name: &str) -> Result<Self::Reader, String> {
        Slots::open::<T>(column, rows, name)
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<Option<T>, Reject> {
        if reader.is_present(row) { <T as EventField>::read(reader, row, name).map(Some) } else { Ok(None) }
    }
}

/// The columns of a chunk, one by one, as a derived [`Event::open`] asks for them.
pub struct Columns<'a> {
    columns: std::slice::Iter<'a, Column>,
    rows: usize,
}

impl<'a> Columns<'a> {
    /// Refuses a chunk that does not have as many columns as inputs were declared.
    pub fn new(columns: &'a [Column], rows: usize, inputs: usize) -> Result<Columns<'a>, String> {
        if columns.len() != inputs {
            return Err(format!("{} columns for {inputs} inputs", columns.len()));
        }
        Ok(Columns { columns: columns.iter(), rows })
    }

    /// The reader of the next column.
    pub fn take<T: EventField<'a>>(&mut self, name: &str) -> Result<T::Reader, String> {
        let column = self.columns.next().ok_or_else(|| format!("no column for input '{name}'"))?;
        T::open(column, self.rows, name)
    }
}

/// The tag of an enum: which variant a row is, by one look at its code.
pub struct Tags<'a> {
    texts: Slots<'a, Texts<'a>>,
    variants: Vec<u32>,
}

impl<'a> Tags<'a> {
    /// `names` are those of the variants, in their order.
    pub fn open(columns: &mut Columns<'a>, name: &str, names: &[&str]) -> Result<Tags<'a>, String> {
        let texts = columns.take::<&'a str>(name)?;
        let variant = |text: &&str| names.iter().position(|name| name == text).unwrap_or(names.len()) as u32;
        let variants = texts.source.values.iter().map(variant).collect();
        Ok(Tags { texts, variants })
    }

    /// The variant of a row, counted from 0; the number of variants if it is none.
    #[inline]
    pub fn variant(&self, row: usize) -> u32 {
        if self.texts.is_present(row) { self.variants[self.texts.source.code(row)] } else { u32::MAX }
    }

    /// The reason for a row that is no variant: only a host that does not filter lets it through.
    #[cold]
    pub fn unknown(&self, row: usize, name: &str) -> Reject {
        match <&str as EventField>::read(&self.texts, row, name) {
            Ok(tag) => unfit(name, &format!("'{tag}' is no event of this transform")),
            Err(missing) => missing,
        }
    }
}
