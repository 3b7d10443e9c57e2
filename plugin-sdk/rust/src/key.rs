//! Keys of cells: which Rust types a key part may have, how a key is recognised again at the price
//! of a few comparisons, and how it becomes a row of the key columns.

use crate::column::{Builder, Text};
use crate::description::Field;
use crate::table::{hash_bytes, mix};
use crate::value::{Decimal, Kind, Timestamp};

/// What cells are keyed by; made by `#[derive(Key)]` on a struct of [`KeyPart`]s, one key column
/// each, or `()` for no key columns: one cell a window.
///
/// ```
/// # use bifocal_sdk::*;
/// #[derive(Key)]
/// struct Route<'a> {
///     origin: Text<'a>,
///     destination: Text<'a>,
///     carrier: Option<Text<'a>>, // may be absent, which is a value of its own
/// }
/// ```
///
/// Parts borrow from the event, so that building a key copies nothing. A part that is computed
/// is a `String` or `Vec<u8>`, which costs an allocation an event.
///
/// A key whose parts are all [`Text`] (or `bool`, or an `Option` of one) is *numbered*: its cell is
/// found by arithmetic on the numbers of its parts, at half the price.
pub trait Key: Sized {
    /// Whether all parts are numbered.
    const NUMBERED: bool;

    /// One [`Radix`] a part.
    type Radixes: Default + AsRef<[Radix]>;

    /// The radixes of keys like this one; unknown where a part is absent.
    fn radixes(&self) -> Self::Radixes;

    /// The number of this key among all that have these radixes, below their product. `None` if a part
    /// is not numbered by its radix.
    fn place(&self, radixes: &Self::Radixes) -> Option<usize>;

    /// Key columns, in this order.
    fn fields() -> Vec<Field>;

    /// A hash of the parts' *identity*: for borrowed text, where it lies and not what it says.
    fn identity(&self) -> u64;

    /// Whether the parts are identical. Equal texts that lie elsewhere may not be.
    fn is(&self, other: &Self) -> bool;

    /// Appends one row to the columns that [`Key::fields`] declares.
    fn push(&self, columns: &mut [Builder]);
}

/// How the values of a key part are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Radix {
    /// Which dictionary numbers texts; 0 for other parts.
    dictionary: usize,
    /// How many values there are; 0: not known.
    values: usize,
}

impl Radix {
    /// The number of keys that have these radixes; `None` if it is not known or beyond all counting.
    pub(crate) fn product(radixes: &[Radix]) -> Option<usize> {
        let known = radixes.iter().all(|radix| radix.values > 0);
        let product = radixes.iter().try_fold(1_usize, |product, radix| product.checked_mul(radix.values));
        product.filter(|_| known)
    }

    /// Appends a part's number to that of the parts before it.
    #[inline]
    pub fn append(&self, place: usize, digit: usize) -> usize {
        place.wrapping_mul(self.values).wrapping_add(digit)
    }
}

/// A type that a key part can have. `Option` of it is a part that may be absent.
///
/// Floats and JSON are no key parts: equal values have no single form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a part of a key can have",
    note = "Text, bool, integers, &str, String, &[u8], Vec<u8>, Timestamp, Decimal<N>, or Option of one of these"
)]
pub trait KeyPart {
    /// The kind that the key column is declared with.
    const KIND: Kind;

    /// Whether values have small numbers.
    const NUMBERED: bool = false;

    /// See [`Key::identity`].
    fn identity(&self) -> u64;

    /// See [`Key::is`].
    fn is(&self, other: &Self) -> bool;

    /// Appends this part to its column.
    fn push(&self, column: &mut Builder);

    /// How they are numbered, as far as this value tells.
    #[inline]
    fn radix(&self) -> Radix {
        Radix::default()
    }

    /// The number of this value, if `radix` is how it is numbered.
    #[inline]
    fn digit(&self, _radix: &Radix) -> Option<usize> {
        None
    }
}

impl Key for () {
    const NUMBERED: bool = true;
    type Radixes = [Radix; 0];

    fn radixes(&self) -> [Radix; 0] {
        []
    }

    #[inline]
    fn place(&self, _radixes: &[Radix; 0]) -> Option<usize> {
        Some(0)
    }

    fn fields() -> Vec<Field> {
        Vec::new()
    }

    #[inline]
    fn identity(&self) -> u64 {
        0
    }

    #[inline]
    fn is(&self, _other: &()) -> bool {
        true
    }

    fn push(&self, _columns: &mut [Builder]) {}
}

macro_rules! number_part {
    ($($type:ty, $kind:expr, $part:ident => $number:expr;)+) => { $(
        impl KeyPart for $type {
            const KIND: Kind = $kind;

            #[inline]
            fn identity(&self) -> u64 {
                let $part = *self;
                $number as u64
            }

            #[inline]
            fn is(&self, other: &Self) -> bool {
                self == other
            }

            fn push(&self, column: &mut Builder) {
                let $part = *self;
                column.push_number($number);
            }
        }
    )+ };
}
number_part! {
    i64, Kind::Integer, part => part;
    i32, Kind::Integer, part => i64::from(part);
    i16, Kind::Integer, part => i64::from(part);
    i8, Kind::Integer, part => i64::from(part);
    u32, Kind::Integer, part => i64::from(part);
    u16, Kind::Integer, part => i64::from(part);
    u8, Kind::Integer, part => i64::from(part);
    Timestamp, Kind::Timestamp, part => part.0;
}

impl KeyPart for bool {
    const KIND: Kind = Kind::Boolean;
    const NUMBERED: bool = true;

    #[inline]
    fn identity(&self) -> u64 {
        u64::from(*self)
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn push(&self, column: &mut Builder) {
        column.push_number(i64::from(*self));
    }

    fn radix(&self) -> Radix {
        Radix { dictionary: 0, values: 2 }
    }

    #[inline]
    fn digit(&self, _radix: &Radix) -> Option<usize> {
        Some(usize::from(*self))
    }
}

impl KeyPart for Text<'_> {
    const KIND: Kind = Kind::Text;
    const NUMBERED: bool = true;

    #[inline]
    fn identity(&self) -> u64 {
        mix(self.dictionary() as u64, self.code() as u64)
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        Text::is(self, other)
    }

    fn push(&self, column: &mut Builder) {
        column.push_coded(*self);
    }

    fn radix(&self) -> Radix {
        Radix { dictionary: self.dictionary(), values: self.distinct() }
    }

    #[inline]
    fn digit(&self, radix: &Radix) -> Option<usize> {
        (radix.dictionary == self.dictionary()).then_some(self.code())
    }
}

impl<const N: u8> KeyPart for Decimal<N> {
    const KIND: Kind = Kind::Decimal(N);

    #[inline]
    fn identity(&self) -> u64 {
        self.0 as u64
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn push(&self, column: &mut Builder) {
        column.push_number(self.0);
    }
}

impl KeyPart for &str {
    const KIND: Kind = Kind::Text;

    #[inline]
    fn identity(&self) -> u64 {
        self.as_ptr() as usize as u64
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        (self.as_ptr() == other.as_ptr()) & (self.len() == other.len())
    }

    fn push(&self, column: &mut Builder) {
        column.push_text(self.as_bytes(), true);
    }
}

impl KeyPart for &[u8] {
    const KIND: Kind = Kind::Binary;

    #[inline]
    fn identity(&self) -> u64 {
        hash_bytes(self)
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn push(&self, column: &mut Builder) {
        column.push_bytes(self);
    }
}

impl KeyPart for String {
    const KIND: Kind = Kind::Text;

    #[inline]
    fn identity(&self) -> u64 {
        hash_bytes(self.as_bytes())
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn push(&self, column: &mut Builder) {
        column.push_text(self.as_bytes(), false);
    }
}

impl KeyPart for Vec<u8> {
    const KIND: Kind = Kind::Binary;

    #[inline]
    fn identity(&self) -> u64 {
        hash_bytes(self)
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn push(&self, column: &mut Builder) {
        column.push_bytes(self);
    }
}

impl<T: KeyPart> KeyPart for Option<T> {
    const KIND: Kind = T::KIND;
    const NUMBERED: bool = T::NUMBERED;

    #[inline]
    fn identity(&self) -> u64 {
        // Any number will do for an absent part; this one is no address and an unlikely value.
        self.as_ref().map_or(0x5bd1_e995_97f4_a7c1, T::identity)
    }

    #[inline]
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(part), Some(other)) => part.is(other),
            (None, None) => true,
            _ => false,
        }
    }

    fn push(&self, column: &mut Builder) {
        match self {
            Some(part) => part.push(column),
            None => column.push_absent(),
        }
    }

    /// One value more than the part has: that it is absent. An absent part does not tell how many.
    fn radix(&self) -> Radix {
        let radix = self.as_ref().map(T::radix).filter(|radix| radix.values > 0);
        radix.map_or(Radix::default(), |radix| Radix { values: radix.values + 1, ..radix })
    }

    #[inline]
    fn digit(&self, radix: &Radix) -> Option<usize> {
        match self {
            Some(part) => part.digit(radix),
            None => radix.values.checked_sub(1),
        }
    }
}

/// Mixes the identities of parts, first to last, in derived code.
#[inline]
pub fn mix_identity(hash: u64, part: u64) -> u64 {
    mix(hash, part)
}
