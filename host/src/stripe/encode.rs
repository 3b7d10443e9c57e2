//! From a column to its bytes.

use super::frame::{Frame, code_width, put_codes};
use super::{Projected, VERSION, Wrong, bits, kind_code};
use crate::column::{Blobs, Column, i64s, u32s};
use crate::description::Kind;

/// The bytes of a column of `rows` rows of a kind, which is not [`Kind::Other`]; the layout is that
/// of the module. What absent rows have as their values is not kept.
pub fn encode(projected: &Projected, kind: &Kind, rows: usize) -> Vec<u8> {
    let (code, digits) = kind_code(kind).unwrap_or((u8::MAX, 0));
    let column = &projected.column;
    let (width, frame) = widths(column, kind);
    let mut out = Vec::with_capacity(rows * usize::from(width) + column.heap.bytes.len() + 64);
    out.extend_from_slice(&[VERSION, code, digits, width]);
    put_u32(&mut out, rows);
    put_marks(&mut out, &absents(projected, rows), rows);
    put_marks(&mut out, &projected.nulls, rows);
    put_values(&mut out, column, kind, (width, frame));
    if matches!(kind, Kind::Text | Kind::Binary | Kind::Json) {
        put_heap(&mut out, &column.heap);
    }
    put_wrong(&mut out, &projected.wrong);
    out
}

/// The bytes of times, by the layout of the module.
pub fn encode_times(times_ms: &[i64]) -> Vec<u8> {
    let frame = Frame::of(times_ms.iter().copied());
    let mut out = Vec::with_capacity(14 + times_ms.len() * usize::from(frame.width));
    out.extend_from_slice(&[VERSION, frame.width]);
    put_u32(&mut out, times_ms.len());
    out.extend_from_slice(&frame.least.to_le_bytes());
    frame.put(&mut out, times_ms.iter().copied());
    out
}

fn widths(column: &Column, kind: &Kind) -> (u8, Frame) {
    let none = Frame { least: 0, width: 0 };
    match kind {
        Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => {
            let present = i64s(&column.fixed).enumerate().filter(|(row, _)| column.is_present(*row));
            let frame = Frame::of(present.map(|(_, number)| number));
            (frame.width, frame)
        }
        Kind::Float => (8, none),
        Kind::Text => (code_width(column.heap.len()), none),
        Kind::Boolean | Kind::Binary | Kind::Json | Kind::Other(_) => (0, none),
    }
}

fn put_values(out: &mut Vec<u8>, column: &Column, kind: &Kind, (width, frame): (u8, Frame)) {
    match kind {
        Kind::Boolean => out.extend_from_slice(&bits::pack(&column.fixed)),
        Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => {
            out.extend_from_slice(&frame.least.to_le_bytes());
            let number = |(row, number)| if column.is_present(row) { number } else { frame.least };
            frame.put(out, i64s(&column.fixed).enumerate().map(number));
        }
        Kind::Float => out.extend_from_slice(&column.fixed),
        Kind::Text => put_codes(out, width, u32s(&column.fixed)),
        Kind::Binary | Kind::Json | Kind::Other(_) => {}
    }
}

/// Absent rows as bits; those that are wrong say so themselves.
fn absents(projected: &Projected, rows: usize) -> Vec<u8> {
    if projected.column.validity.is_empty() {
        return Vec::new();
    }
    let mut absents = bits::inverted(&projected.column.validity, rows);
    for wrong in &projected.wrong {
        if let Some(byte) = absents.get_mut(wrong.row as usize / 8) {
            *byte &= !(1 << (wrong.row % 8));
        }
    }
    absents
}

fn put_marks(out: &mut Vec<u8>, marked: &[u8], rows: usize) {
    let count = bits::rows(marked).count();
    if count == 0 {
        out.push(0);
    } else if 4 * count + 4 < rows.div_ceil(8) {
        out.push(2);
        put_u32(out, count);
        bits::rows(marked).for_each(|row| out.extend_from_slice(&row.to_le_bytes()));
    } else {
        out.push(1);
        let end = out.len() + rows.div_ceil(8);
        out.extend_from_slice(marked);
        out.resize(end, 0);
    }
}

fn put_heap(out: &mut Vec<u8>, heap: &Blobs) {
    put_u32(out, heap.len());
    put_u32(out, heap.bytes.len());
    out.extend_from_slice(&heap.ends);
    out.extend_from_slice(&heap.bytes);
}

fn put_wrong(out: &mut Vec<u8>, wrong: &[Wrong]) {
    put_u32(out, wrong.len());
    for Wrong { row, malformed, reason } in wrong {
        out.extend_from_slice(&row.to_le_bytes());
        out.push(u8::from(*malformed));
        put_u32(out, reason.len());
        out.extend_from_slice(reason.as_bytes());
    }
}

/// Rows, values and bytes of one column are fewer than 4 G each.
fn put_u32(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}
