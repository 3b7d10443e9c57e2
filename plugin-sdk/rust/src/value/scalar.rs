//! Values that Rust has itself: booleans, integers, floats, text, binary, options and tuples.

use std::cmp::Ordering;

use super::codec::take_slice;
use super::hash::xxh64;
use super::{Codec, Datum, DecodeError, Kind, OutOfRange, Value, put_varint, take, take_varint};

impl Codec for bool {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        match take(input)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeError::Malformed("a boolean other than 0 and 1")),
        }
    }
}

impl Value for bool {
    type Ref<'a> = bool;
    const KIND: Kind = Kind::Boolean;

    #[inline]
    fn lend(&self) -> bool {
        *self
    }

    #[inline]
    fn own(of: bool) -> Self {
        of
    }

    #[inline]
    fn compare(a: bool, b: bool) -> Ordering {
        a.cmp(&b)
    }

    fn datum(of: bool) -> Result<Datum, OutOfRange> {
        Ok(Datum::Boolean(of))
    }
}

macro_rules! codec_of_number {
    ($($number:ty)*) => {$(
        impl Codec for $number {
            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                take(input).map(Self::from_le_bytes)
            }
        }
    )*};
}

codec_of_number!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

macro_rules! value_of_integer {
    ($($integer:ty)*) => {$(
        impl Value for $integer {
            type Ref<'a> = $integer;
            const KIND: Kind = Kind::Integer;

            #[inline]
            fn lend(&self) -> $integer {
                *self
            }

            #[inline]
            fn own(of: $integer) -> Self {
                of
            }

            #[inline]
            fn compare(a: $integer, b: $integer) -> Ordering {
                a.cmp(&b)
            }

            #[inline]
            fn hash(of: $integer) -> u64 {
                xxh64(&of.to_le_bytes())
            }

            fn datum(of: $integer) -> Result<Datum, OutOfRange> {
                i64::try_from(of).map(Datum::Integer).map_err(|_| OutOfRange::new(of, Kind::Integer))
            }
        }
    )*};
}

value_of_integer!(u8 u16 u32 u64 i8 i16 i32 i64);

/// The one NaN that states hold: quiet, positive, no payload. Others become it on the way in, so
/// that neither bytes nor order depend on the machine that computed it.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

#[inline]
pub(crate) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NAN_BITS) } else { value }
}

impl Codec for f64 {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&one_nan(*self).to_bits().to_le_bytes());
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let value = f64::from_bits(take(input).map(u64::from_le_bytes)?);
        if value.is_nan() && value.to_bits() != NAN_BITS {
            return Err(DecodeError::Malformed("a NaN other than the canonical one"));
        }
        Ok(value)
    }
}

impl Value for f64 {
    type Ref<'a> = f64;
    const KIND: Kind = Kind::Float;

    #[inline]
    fn lend(&self) -> f64 {
        *self
    }

    #[inline]
    fn own(of: f64) -> Self {
        one_nan(of)
    }

    #[inline]
    fn compare(a: f64, b: f64) -> Ordering {
        one_nan(a).total_cmp(&one_nan(b))
    }

    fn datum(of: f64) -> Result<Datum, OutOfRange> {
        Ok(Datum::Float(one_nan(of)))
    }
}

impl Codec for String {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        out.extend_from_slice(self.as_bytes());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = take_varint(input)?;
        let text = std::str::from_utf8(take_slice(input, length)?);
        text.map(str::to_owned).map_err(|_| DecodeError::Malformed("text that is not UTF-8"))
    }
}

impl Value for String {
    type Ref<'a> = &'a str;
    const KIND: Kind = Kind::Text;

    #[inline]
    fn lend(&self) -> &str {
        self
    }

    fn own(of: &str) -> Self {
        of.to_owned()
    }

    fn assign(&mut self, of: &str) {
        self.clear();
        self.push_str(of);
    }

    #[inline]
    fn compare(a: &str, b: &str) -> Ordering {
        a.cmp(b)
    }

    fn hash(of: &str) -> u64 {
        xxh64(of.as_bytes())
    }

    fn datum(of: &str) -> Result<Datum, OutOfRange> {
        Ok(Datum::Text(of.to_owned()))
    }
}

impl Value for Vec<u8> {
    type Ref<'a> = &'a [u8];
    const KIND: Kind = Kind::Binary;

    #[inline]
    fn lend(&self) -> &[u8] {
        self
    }

    fn own(of: &[u8]) -> Self {
        of.to_owned()
    }

    fn assign(&mut self, of: &[u8]) {
        self.clear();
        self.extend_from_slice(of);
    }

    #[inline]
    fn compare(a: &[u8], b: &[u8]) -> Ordering {
        a.cmp(b)
    }

    fn hash(of: &[u8]) -> u64 {
        xxh64(of)
    }

    fn datum(of: &[u8]) -> Result<Datum, OutOfRange> {
        Ok(Datum::Binary(of.to_owned()))
    }
}

impl<T: Codec> Codec for Option<T> {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode(out);
            }
        }
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        match take(input)? {
            [0] => Ok(None),
            [1] => T::decode(input).map(Some),
            _ => Err(DecodeError::Malformed("an option other than 0 and 1")),
        }
    }
}

impl<V: Value> Value for Option<V> {
    type Ref<'a> = Option<V::Ref<'a>>;
    const KIND: Kind = V::KIND;

    #[inline]
    fn lend(&self) -> Option<V::Ref<'_>> {
        self.as_ref().map(V::lend)
    }

    fn own(of: Option<V::Ref<'_>>) -> Self {
        of.map(V::own)
    }

    fn compare(a: Option<V::Ref<'_>>, b: Option<V::Ref<'_>>) -> Ordering {
        match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => V::compare(a, b),
        }
    }

    fn datum(of: Option<V::Ref<'_>>) -> Result<Datum, OutOfRange> {
        of.map_or(Ok(Datum::Absent), V::datum)
    }

    fn json(of: Option<V::Ref<'_>>, out: &mut String) -> Result<(), OutOfRange> {
        match of {
            Some(value) => V::json(value, out),
            None => {
                out.push_str("null");
                Ok(())
            }
        }
    }
}

macro_rules! value_of_tuple {
    ($($part:ident $index:tt),*) => {
        impl<$($part: Codec),*> Codec for ($($part,)*) {
            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$index.encode(out);)*
            }

            #[inline]
            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Ok(($($part::decode(input)?,)*))
            }
        }

        impl<$($part: Value),*> Value for ($($part,)*) {
            type Ref<'a> = ($($part::Ref<'a>,)*);
            const KIND: Kind = Kind::Json;

            #[inline]
            fn lend(&self) -> Self::Ref<'_> {
                ($(self.$index.lend(),)*)
            }

            fn own(of: Self::Ref<'_>) -> Self {
                ($($part::own(of.$index),)*)
            }

            #[inline]
            fn compare(a: Self::Ref<'_>, b: Self::Ref<'_>) -> Ordering {
                Ordering::Equal $(.then_with(|| $part::compare(a.$index, b.$index)))*
            }

            fn datum(of: Self::Ref<'_>) -> Result<Datum, OutOfRange> {
                let mut json = String::new();
                Self::json(of, &mut json)?;
                Ok(Datum::Json(json))
            }

            fn json(of: Self::Ref<'_>, out: &mut String) -> Result<(), OutOfRange> {
                out.push('[');
                $(
                    if $index > 0 {
                        out.push(',');
                    }
                    $part::json(of.$index, out)?;
                )*
                out.push(']');
                Ok(())
            }
        }
    };
}

value_of_tuple!(A 0, B 1);
value_of_tuple!(A 0, B 1, C 2);
