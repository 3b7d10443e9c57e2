//! From bytes to a column: all bytes give one that is well formed, or an error. Nothing is allocated
//! that the number of rows, which the caller knows, or the bytes at hand do not bear out.

use super::frame::{Frame, expand_codes};
use super::{Error, Projected, VERSION, Wrong, bits, kind_code};
use crate::column::{Blobs, Column, set_bit, u32s};
use crate::description::Kind;

/// The column of `rows` rows of a kind that [`super::encode()`] made these bytes of. Whether the values
/// of a json column are JSON is not looked at again.
pub fn decode(bytes: &[u8], kind: &Kind, rows: usize) -> Result<Projected, Error> {
    let mut left = Left { bytes };
    let [version, code, digits, width] = left.array("header")?;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    if kind_code(kind) != Some((code, digits)) {
        return Err(Error::Kind { found: code, digits, expected: kind.clone() });
    }
    left.rows(rows)?;
    let mut absents = left.marks("absents", rows)?;
    let nulls = left.marks("nulls", rows)?;
    let fixed = left.values(kind, width, rows)?;
    let heap = match kind {
        Kind::Text | Kind::Binary | Kind::Json => left.heap()?,
        _ => Blobs::default(),
    };
    let wrong = left.wrong(rows)?;
    left.finish()?;
    if !wrong.is_empty() {
        absents.resize(rows.div_ceil(8), 0);
        wrong.iter().for_each(|wrong| set_bit(&mut absents, wrong.row as usize));
    }
    let validity = if absents.is_empty() { absents } else { bits::inverted(&absents, rows) };
    let (fixed, greatest) = fixed;
    let mut column = Column { fixed, heap, validity };
    check_heap(&column, kind, (rows, greatest))?;
    blank(&mut column, kind);
    Ok(Projected { column, nulls, wrong })
}

/// The `rows` times that [`super::encode_times`] made these bytes of.
pub fn decode_times(bytes: &[u8], rows: usize) -> Result<Vec<i64>, Error> {
    let mut left = Left { bytes };
    let [version, width] = left.array("header")?;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    left.rows(rows)?;
    let fixed = left.frame("times", width, rows)?;
    left.finish()?;
    Ok(crate::column::i64s(&fixed).collect())
}

/// Values of absent rows are 0, whatever they took to be stored.
fn blank(column: &mut Column, kind: &Kind) {
    match kind.width() {
        1 => bits::blank::<1>(&mut column.fixed, &column.validity),
        4 => bits::blank::<4>(&mut column.fixed, &column.validity),
        8 => bits::blank::<8>(&mut column.fixed, &column.validity),
        _ => {}
    }
}

/// `greatest` is the greatest code.
fn check_heap(column: &Column, kind: &Kind, (rows, greatest): (usize, u32)) -> Result<(), Error> {
    let heap = &column.heap;
    heap.check("heap").map_err(Error::Heap)?;
    match kind {
        Kind::Text if rows > 0 && greatest as usize >= heap.len() => {
            Err(Error::Heap(format!("code {greatest} of {} values", heap.len())))
        }
        Kind::Text => heap.check_text("heap").map_err(Error::Heap),
        Kind::Binary | Kind::Json if heap.len() != rows => {
            Err(Error::Heap(format!("heap: {} values for {rows} rows", heap.len())))
        }
        _ => Ok(()),
    }
}

/// What has not been read yet.
struct Left<'a> {
    bytes: &'a [u8],
}

impl<'a> Left<'a> {
    fn take(&mut self, part: &'static str, count: u64) -> Result<&'a [u8], Error> {
        let short = Error::Short { part, needed: count, left: self.bytes.len() };
        let (taken, rest) =
            usize::try_from(count).ok().and_then(|count| self.bytes.split_at_checked(count)).ok_or(short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], Error> {
        let short = Error::Short { part, needed: N as u64, left: self.bytes.len() };
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or(short)?;
        self.bytes = rest;
        Ok(*array)
    }

    fn number(&mut self, part: &'static str) -> Result<u32, Error> {
        self.array(part).map(u32::from_le_bytes)
    }

    fn rows(&mut self, expected: usize) -> Result<(), Error> {
        let found = self.number("rows")? as usize;
        if found == expected { Ok(()) } else { Err(Error::Rows { found, expected }) }
    }

    /// Bits of the marked rows; empty if there are none.
    fn marks(&mut self, part: &'static str, rows: usize) -> Result<Vec<u8>, Error> {
        let [mark] = self.array(part)?;
        match mark {
            0 => Ok(Vec::new()),
            1 => {
                let mut marks = self.take(part, rows.div_ceil(8) as u64)?.to_vec();
                bits::trim(&mut marks, rows);
                Ok(if marks.iter().all(|byte| *byte == 0) { Vec::new() } else { marks })
            }
            2 => {
                let count = self.number(part)?;
                let listed = self.take(part, u64::from(count) * 4)?;
                let mut marks = vec![0; if count == 0 { 0 } else { rows.div_ceil(8) }];
                let mut next = 0;
                for row in u32s(listed) {
                    next = ascend(part, row, (next, rows))?;
                    set_bit(&mut marks, row as usize);
                }
                Ok(marks)
            }
            mark => Err(Error::Mark { part, mark }),
        }
    }

    /// `fixed` in its guest layout, and the greatest code of a text.
    fn values(&mut self, kind: &Kind, width: u8, rows: usize) -> Result<(Vec<u8>, u32), Error> {
        const PART: &str = "values";
        let count = rows as u64 * u64::from(width);
        let fixed = match (kind, width) {
            (Kind::Boolean, 0) => bits::unpack(self.take(PART, rows.div_ceil(8) as u64)?, rows),
            (Kind::Integer | Kind::Timestamp | Kind::Decimal(_), _) => self.frame(PART, width, rows)?,
            (Kind::Float, 8) => self.take(PART, count)?.to_vec(),
            (Kind::Text, 0 | 1 | 2 | 4) => return Ok(expand_codes(width, self.take(PART, count)?, rows)),
            (Kind::Binary | Kind::Json, 0) => Vec::new(),
            _ => return Err(Error::Width { part: PART, width }),
        };
        Ok((fixed, 0))
    }

    fn frame(&mut self, part: &'static str, width: u8, rows: usize) -> Result<Vec<u8>, Error> {
        if !matches!(width, 0 | 1 | 2 | 4 | 8) {
            return Err(Error::Width { part, width });
        }
        let least = i64::from_le_bytes(self.array(part)?);
        let bytes = self.take(part, rows as u64 * u64::from(width))?;
        Ok(Frame { least, width }.expand(bytes, rows))
    }

    fn heap(&mut self) -> Result<Blobs, Error> {
        const PART: &str = "heap";
        let (values, bytes) = (self.number(PART)?, self.number(PART)?);
        let ends = self.take(PART, u64::from(values) * 4)?.to_vec();
        Ok(Blobs { ends, bytes: self.take(PART, u64::from(bytes))?.to_vec() })
    }

    fn wrong(&mut self, rows: usize) -> Result<Vec<Wrong>, Error> {
        const PART: &str = "wrong";
        let count = self.number(PART)?;
        let mut wrong = Vec::new();
        let mut next = 0;
        for _ in 0..count {
            let row = self.number(PART)?;
            next = ascend(PART, row, (next, rows))?;
            let malformed = match self.array(PART)? {
                [0] => false,
                [1] => true,
                [mark] => return Err(Error::Mark { part: PART, mark }),
            };
            let length = self.number(PART)?;
            let reason = std::str::from_utf8(self.take(PART, u64::from(length))?);
            let reason = reason.map_err(|_| Error::Reason(row))?.to_owned();
            wrong.push(Wrong { row, malformed, reason });
        }
        Ok(wrong)
    }

    fn finish(&self) -> Result<(), Error> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Error::Trailing(self.bytes.len())) }
    }
}

/// The least row that may follow this one.
fn ascend(part: &'static str, row: u32, (next, rows): (u64, usize)) -> Result<u64, Error> {
    let row_wide = u64::from(row);
    if row_wide < next || row_wide >= rows as u64 {
        return Err(Error::Row { part, row, rows });
    }
    Ok(row_wide + 1)
}
