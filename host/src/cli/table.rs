//! Numbers and cells in words, for reports.

use crate::column::{Builder, Value};
use crate::description::{Field, Kind};
pub use crate::rows::grouped;
use crate::rows::{Format, Rows};
use std::io::{BufWriter, IsTerminal, Write};

/// The values of the first row, side by side: `ATL 2001-03-02T17:00:00Z`. `the only cell` if there
/// is neither key nor window.
pub fn cells_in_words(rows: &Rows) -> String {
    let values: Vec<String> = rows.fields.iter().map(|field| rows.text_of(&field.name, 0)).collect();
    if values.is_empty() { "the only cell".into() } else { values.join(" ") }
}

/// Rows of what is listed, by the names and kinds of their columns.
pub fn listing<'a, const N: usize>(
    columns: [(&str, Kind); N],
    rows: impl Iterator<Item = [Value<'a>; N]>,
) -> Rows {
    let mut builders: [Builder; N] = std::array::from_fn(|_| Builder::default());
    let mut count = 0;
    for row in rows {
        count += 1;
        let values = builders.iter_mut().zip(&columns).zip(row);
        values.for_each(|((builder, (_, kind)), value)| builder.push(kind, value));
    }
    let field =
        |(name, kind): (&str, Kind)| Field { name: name.into(), path: String::new(), kind, required: true };
    let fields = columns.into_iter().map(field).collect();
    Rows::new(fields, builders.into_iter().map(Builder::finish).collect(), count)
}

/// Rows to stdout: a table of at most so many on a terminal, NDJSON in a pipe, unless asked otherwise.
pub fn write_rows(rows: &Rows, format: Option<Format>, table_rows_max: usize) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    let default = if stdout.is_terminal() { Format::Table } else { Format::Ndjson };
    let mut out = BufWriter::with_capacity(1 << 16, stdout.lock());
    rows.write(format.unwrap_or(default), table_rows_max, &mut out)?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        cases.into_iter().for_each(|(number, text)| assert_eq!(super::grouped(number), text));
    }
}
