//! Rows as aligned columns for a terminal. A value can never act on the terminal or pose as another
//! row: what is not printed in its place is escaped.

use super::{Encode, Error, scalar, value};
use crate::column::{Column, Value};
use crate::description::{Field, Kind};
use std::io::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a terminal that one cell may take; what is longer is cut, and says so.
const CELL_WIDTH_MAX: usize = 64;

pub struct Table<'a> {
    out: &'a mut dyn Write,
    fields: Vec<Field>,
    rows_max: usize,
    rows: Vec<Vec<String>>,
    left_out: u64,
    moments: scalar::Moments,
}

impl<'a> Table<'a> {
    pub fn new(fields: &[Field], rows_max: usize, out: &'a mut dyn Write) -> Table<'a> {
        Table {
            out,
            fields: fields.to_vec(),
            rows_max,
            rows: Vec::new(),
            left_out: 0,
            moments: scalar::Moments::new(),
        }
    }

    fn widths(&self, header: &Vec<String>) -> Vec<usize> {
        let width = |i: usize| {
            let cells = self.rows.iter().chain([header]).filter_map(|row| row.get(i));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        (0..header.len()).map(width).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), field) in cells.iter().zip(widths).zip(&self.fields) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if is_number(&field.kind) {
                line.push_str(&padding);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&padding);
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

impl Encode for Table<'_> {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        let shown = count.min(self.rows_max.saturating_sub(self.rows.len()));
        for row in 0..shown {
            let cells = self.fields.iter().zip(columns);
            let moments = &mut self.moments;
            let cells =
                cells.map(|(field, column)| cell(moments, &field.kind, value(column, &field.kind, row)));
            self.rows.push(cells.collect());
        }
        self.left_out += (count - shown) as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        let header: Vec<String> = self.fields.iter().map(|field| printable(&field.name)).collect();
        let widths = self.widths(&header);
        let mut text = self.line(&header, &widths);
        self.rows.iter().for_each(|row| text.push_str(&self.line(row, &widths)));
        match (self.rows.len(), self.left_out) {
            (0, 0) => text.push_str("no rows\n"),
            (_, 0) => {}
            (_, 1) => text.push_str("… 1 more row\n"),
            (_, left_out) => text.push_str(&format!("… {} more rows\n", grouped(left_out))),
        }
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// One value, as a cell shows it.
pub fn text_of(kind: &Kind, column: &Column, row: usize) -> String {
    cell(&mut scalar::Moments::new(), kind, value(column, kind, row))
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Float | Kind::Decimal(_))
}

fn cell(moments: &mut scalar::Moments, kind: &Kind, value: Value<'_>) -> String {
    let mut text = Vec::new();
    match (value, kind) {
        (Value::Absent, _) => text.extend_from_slice(b"null"),
        (Value::Boolean(is), _) => text.extend_from_slice(if is { b"true" } else { b"false" }),
        (Value::Float(number), _) => scalar::float(&mut text, number),
        (Value::Integer(time_ms), Kind::Timestamp) => moments.write(&mut text, time_ms),
        (Value::Integer(number), Kind::Decimal(digits)) => scalar::decimal(&mut text, number, *digits),
        (Value::Integer(number), _) => scalar::integer(&mut text, number),
        (Value::Bytes(bytes), Kind::Binary) => scalar::base64(&mut text, bytes),
        (Value::Bytes(bytes), _) => text.extend_from_slice(bytes),
    }
    printable(&String::from_utf8_lossy(&text))
}

/// A text that takes as many columns as it seems to and does nothing else to a terminal.
fn printable(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for char in text.chars() {
        let before = out.len();
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if acts_or_hides(char) => out.push_str(&format!("\\u{{{:x}}}", u32::from(char))),
            char => out.push(char),
        }
        width += match out.len() - before == char.len_utf8() {
            true => char.width().unwrap_or(0),
            false => out.len() - before,
        };
        if width > CELL_WIDTH_MAX {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// Control characters, those that turn the direction of writing, and those that no one sees. The
/// joiners are not among them: several scripts and most pictures need them.
fn acts_or_hides(char: char) -> bool {
    char.is_control()
        || matches!(u32::from(char),
            0xad | 0x61c | 0x180e | 0x200b | 0x200e | 0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfeff | 0xfff9..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0xe007f)
}

/// 424259 as 424,259.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
