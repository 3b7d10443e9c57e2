//! Writing a view as Parquet, piece by piece.

use super::{CELLS_AT_A_TIME, Error, Label, REJECTED_MAX, fields};
use crate::calls::Calls;
use crate::cell::Cell;
use crate::column::{Blobs, Builder, Column, Value};
use crate::description::{Description, Kind};
use crate::key;
use crate::rows::Writer;
use crate::store::ViewFile;
use std::io::Write;

/// Writes all cells of a view; `names` are those of view and stream. `progress` hears how many are written.
pub fn write(
    calls: &Calls,
    view: &ViewFile,
    names: [&str; 2],
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Label, Error> {
    let description = calls.description();
    let [name, stream] = names;
    let label = Label::new([name, stream, &description.name], view.meta(), rejected(view)?);
    let fields = fields(description)?;
    let mut writer = Writer::parquet(&fields, &label.notes(), out)?;
    let (mut scan, mut written) = (view.scan()?, 0);
    while scan.head().is_some() {
        let mut cells = Vec::new();
        while let Some(cell) = scan.head().filter(|_| cells.len() < CELLS_AT_A_TIME) {
            cells.push(cell.to_owned());
            scan.advance()?;
        }
        writer.write(&columns(calls, &cells)?, cells.len())?;
        written += cells.len() as u64;
        progress(written);
    }
    writer.finish()?;
    Ok(label)
}

fn rejected(view: &ViewFile) -> Result<Option<Vec<(u64, String)>>, Error> {
    if view.meta().rejected > REJECTED_MAX {
        return Ok(None);
    }
    let pairs = view.rejected().map(|event| event.map(|event| (event.offset, event.reason)));
    Ok(Some(pairs.collect::<Result<_, _>>()?))
}

/// The columns of cells, broken ones too: those have no outputs.
pub fn columns(calls: &Calls, cells: &[Cell]) -> Result<Vec<Column>, Error> {
    let description = calls.description();
    let mut columns = key::columns(&description.keys, cells.iter().map(|cell| cell.key.as_slice()));
    let of = |kind: &Kind, value: &dyn Fn(&Cell) -> Value<'_>| {
        let mut builder = Builder::default();
        cells.iter().for_each(|cell| builder.push(kind, value(cell)));
        builder.finish()
    };
    if description.window.is_some() {
        columns.push(of(&Kind::Timestamp, &|cell| Value::Integer(cell.window)));
    }
    columns.extend(outputs(calls, description, cells)?);
    columns.push(of(&Kind::Binary, &|cell| match cell.broken {
        Some(_) => Value::Absent,
        None => Value::Bytes(&cell.state),
    }));
    columns.push(of(&Kind::Text, &|cell| {
        cell.broken.as_ref().map_or(Value::Absent, |cause| Value::Bytes(cause.as_bytes()))
    }));
    Ok(columns)
}

fn outputs(calls: &Calls, description: &Description, cells: &[Cell]) -> Result<Vec<Column>, Error> {
    let (mut keys, mut windows, mut states) = (Blobs::default(), Vec::new(), Blobs::default());
    for cell in cells.iter().filter(|cell| cell.broken.is_none()) {
        keys.push(&cell.key);
        windows.push(cell.window);
        states.push(&cell.state);
    }
    // A cell that cannot be presented is written with its state: what it is does not hang on that.
    let presented = calls.present(&keys, &windows, &states)?;
    if windows.len() == cells.len() {
        return Ok(presented.columns);
    }
    let spread = |(field, column): (&crate::description::Field, &Column)| {
        let (mut builder, mut row) = (Builder::default(), 0);
        for cell in cells {
            if cell.broken.is_some() {
                builder.push(&field.kind, Value::Absent);
            } else {
                builder.push(&field.kind, column.value(&field.kind, row));
                row += 1;
            }
        }
        builder.finish()
    };
    Ok(description.outputs.iter().zip(&presented.columns).map(spread).collect())
}
