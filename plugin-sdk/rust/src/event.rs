//! Events read from columns: which Rust types a field may have and how each is found in its buffers.
//! No parsing and no allocation a row: what can be prepared is prepared once a chunk.
//!
//! A read must compile to loads and nothing else, or a compiler does not dare to move it to where the
//! field is used. So bounds are compared once, where the compiler sees it ([`Event::fits`]), and a
//! code beyond its dictionary, which no host sends, reads as some text and not as a panic.

use crate::column::{Blobs, Column, Text, bit, i64s, u32s};
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
/// | `&'a str`; [`Text<'a>`] for what becomes a key | text  |
/// | `&'a [u8]`                               | binary     |
/// | [`Timestamp`]                            | timestamp  |
/// | [`Decimal<N>`]                           | decimal(N) |
/// | [`Json<'a>`], read by [`list`](Json::list) and [`member`](Json::member) | json |
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

    /// Whether the reader has exactly this many rows. Asked before a loop over them, it spares each
    /// read its own question.
    fn fits(reader: &Self::Reader, rows: usize) -> bool;

    /// The event of a row.
    fn read(reader: &Self::Reader, row: usize) -> Result<Self, Reject>;
}

/// A type that a field of an event can have. `Option` of it is a field that is not required.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field of an event can have",
    note = "bool, integers, f64, &'a str, Text<'a>, &'a [u8], Timestamp, Decimal<N>, Json<'a>, or Option of one of these"
)]
pub trait Input<'a>: Sized {
    /// The kind that the input is declared with.
    const KIND: Kind;

    /// The buffers of one column.
    type Source: Source;

    /// Checks that `column` has `rows` rows of this kind.
    fn open(column: &'a Column, rows: usize) -> Result<Self::Source, String>;

    /// The value of a row that is present; `Err`: why it is not one of this type.
    fn read(source: &Self::Source, row: usize) -> Result<Self, String>;
}

/// The buffers of a column, whatever its kind.
pub trait Source {
    /// Whether there are exactly this many rows, see [`Event::fits`].
    fn fits(&self, rows: usize) -> bool;
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

impl Source for Words<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.0.len() == rows
    }
}

/// Values of one byte.
pub struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.0.len() == rows
    }
}

/// Codes and the dictionary that they index, cut into texts once a chunk. Empty texts fill it up to a
/// power of two, so that a mask keeps codes beyond it within bounds.
pub struct Texts<'a> {
    codes: &'a [[u8; 4]],
    values: Vec<&'a str>,
}

impl Source for Texts<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.codes.len() == rows && !self.values.is_empty()
    }
}

/// Codes and the dictionary that they index, left as it is.
pub struct Codes<'a> {
    codes: &'a [[u8; 4]],
    dictionary: &'a Blobs,
}

impl Source for Codes<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.codes.len() == rows
    }
}

/// Values of any width, one a row.
pub struct Wide<'a> {
    ends: &'a [[u8; 4]],
    bytes: &'a [u8],
}

impl Source for Wide<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.ends.len() == rows
    }
}

/// The same for text, checked once a chunk.
pub struct WideText<'a> {
    ends: &'a [[u8; 4]],
    text: &'a str,
}

impl Source for WideText<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.ends.len() == rows
    }
}

fn exactly<T>(values: &[T], rows: usize) -> Result<&[T], String> {
    values.get(..rows).ok_or_else(|| format!("{} values for {rows} rows", values.len()))
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))
}

#[inline]
fn span(ends: &[[u8; 4]], i: usize) -> std::ops::Range<usize> {
    let end = |i| ends.get(i).map_or(0, |end| u32::from_le_bytes(*end)) as usize;
    i.checked_sub(1).map_or(0, end)..end(i)
}

/// The values of a dictionary, each of which must be a text.
fn texts(heap: &Blobs) -> Result<impl Iterator<Item = Result<&str, String>>, String> {
    let (text, ends) = (utf8(&heap.bytes)?, u32s(&heap.ends));
    let cut = move |i| text.get(span(ends, i)).ok_or_else(|| format!("value {i} is not a text"));
    Ok((0..ends.len()).map(cut))
}

impl<'a> Texts<'a> {
    fn open(column: &'a Column, rows: usize) -> Result<Texts<'a>, String> {
        let codes = exactly(u32s(&column.fixed), rows)?;
        let mut values = texts(&column.heap)?.collect::<Result<Vec<_>, _>>()?;
        values.resize((values.len() + 1).next_power_of_two(), "");
        Ok(Texts { codes, values })
    }

    /// What a table with an entry for each of the values has for the row.
    #[inline]
    fn look_up<T: Copy>(&self, row: usize, by_code: &[T]) -> T {
        let code = u32::from_le_bytes(self.codes[row]) as usize;
        by_code[code & (by_code.len() - 1)]
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
        Ok(source.look_up(row, &source.values))
    }
}

impl<'a> Input<'a> for Text<'a> {
    const KIND: Kind = Kind::Text;
    type Source = Codes<'a>;

    fn open(column: &'a Column, rows: usize) -> Result<Codes<'a>, String> {
        texts(&column.heap)?.try_for_each(|text| text.map(drop))?;
        Ok(Codes { codes: exactly(u32s(&column.fixed), rows)?, dictionary: &column.heap })
    }

    #[inline]
    fn read(source: &Codes<'a>, row: usize) -> Result<Text<'a>, String> {
        Ok(Text::new(source.dictionary, u32::from_le_bytes(source.codes[row])))
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
        Ok(source.bytes.get(span(source.ends, row)).unwrap_or_default())
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
        Ok(Json(source.text.get(span(source.ends, row)).unwrap_or_default()))
    }
}

/// A field of an event: an [`Input`], or an `Option` of one.
///
/// In a struct a field that is required is present in every row, which `open` checks once. A
/// column that belongs to some variants of an enum is *sparse*: presence is looked up row by row.
pub trait EventField<'a>: Sized {
    const KIND: Kind;
    const REQUIRED: bool;

    /// The column, with the rows that are present.
    type Reader: Source;

    /// Prepares the column of the input `name`.
    fn open(column: &'a Column, rows: usize, name: &str, sparse: bool) -> Result<Self::Reader, String>;

    /// The field of a row.
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<Self, Reject>;

    /// The same where the column is sparse.
    fn read_sparse(reader: &Self::Reader, row: usize, name: &str) -> Result<Self, Reject>;
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

impl<S: Source> Source for Slots<'_, S> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.source.fits(rows)
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

    fn open(column: &'a Column, rows: usize, name: &str, sparse: bool) -> Result<Self::Reader, String> {
        let slots = Slots::open::<T>(column, rows, name)?;
        if sparse || slots.validity.is_empty() {
            return Ok(slots);
        }
        match (0..rows).find(|row| !slots.is_present(*row)) {
            Some(row) => Err(format!("input '{name}' is required but absent in row {row}")),
            None => Ok(slots),
        }
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<T, Reject> {
        T::read(&reader.source, row).map_err(|why| unfit(name, &why))
    }

    #[inline]
    fn read_sparse(reader: &Self::Reader, row: usize, name: &str) -> Result<T, Reject> {
        if reader.is_present(row) {
            <Self as EventField>::read(reader, row, name)
        } else {
            Err(unfit(name, "is missing"))
        }
    }
}

impl<'a, T: Input<'a>> EventField<'a> for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    type Reader = Slots<'a, T::Source>;

    fn open(column: &'a Column, rows: usize, name: &str, _sparse: bool) -> Result<Self::Reader, String> {
        Slots::open::<T>(column, rows, name)
    }

    #[inline]
    fn read(reader: &Self::Reader, row: usize, name: &str) -> Result<Option<T>, Reject> {
        if reader.is_present(row) { <T as EventField>::read(reader, row, name).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn read_sparse(reader: &Self::Reader, row: usize, name: &str) -> Result<Option<T>, Reject> {
        Self::read(reader, row, name)
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
    pub fn take<T: EventField<'a>>(&mut self, name: &str, sparse: bool) -> Result<T::Reader, String> {
        let column = self.columns.next().ok_or_else(|| format!("no column for input '{name}'"))?;
        T::open(column, self.rows, name, sparse)
    }
}

/// The tag of an enum: which variant a row is, by one look at its code.
pub struct Tags<'a> {
    texts: Slots<'a, Texts<'a>>,
    variants: Vec<u32>,
}

impl Source for Tags<'_> {
    #[inline]
    fn fits(&self, rows: usize) -> bool {
        self.texts.fits(rows) && !self.variants.is_empty()
    }
}

impl<'a> Tags<'a> {
    /// `names` are those of the variants, in their order.
    pub fn open(columns: &mut Columns<'a>, name: &str, names: &[&str]) -> Result<Tags<'a>, String> {
        let texts = columns.take::<&'a str>(name, false)?;
        let variant = |text: &&str| names.iter().position(|name| name == text).unwrap_or(names.len()) as u32;
        let variants = texts.source.values.iter().map(variant).collect();
        Ok(Tags { texts, variants })
    }

    /// The variant of a row, counted from 0; a greater number if it is none.
    #[inline]
    pub fn variant(&self, row: usize) -> u32 {
        self.texts.source.look_up(row, &self.variants)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_beyond_its_dictionary_reads_as_some_text() {
        for texts in [&[][..], &["a"], &["a", "b"], &["a", "b", "c"]] {
            let codes = [0, 1, 2, 3, 4, u32::MAX];
            let column = Column {
                fixed: codes.iter().flat_map(|code| code.to_le_bytes()).collect(),
                heap: texts.iter().map(|text| text.as_bytes()).collect(),
                validity: Vec::new(),
            };
            let source = <&str as Input>::open(&column, codes.len()).unwrap();
            assert!(source.fits(codes.len()));
            for (row, code) in codes.into_iter().enumerate() {
                let read = <&str as Input>::read(&source, row).unwrap();
                match texts.get(code as usize) {
                    Some(text) => assert_eq!(read, *text),
                    None => assert!(read.is_empty() || texts.contains(&read)),
                }
            }
        }
    }
}
