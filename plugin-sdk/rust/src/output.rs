//! What a person reads of a cell: output columns, from a state by itself or from a row that the
//! author computes.

use crate::column::{Builder, Column};
use crate::description::Field;
use crate::value::{Datum, Kind, OutOfRange, write_datum};

/// A row of output columns.
///
/// `#[derive(State)]` makes each part of a state an output of its name, as
/// [`Present`](crate::state::Present) shows it. To show something else, derive `Output` for a struct
/// of [`Value`](crate::value::Value)s and name the function that makes it:
///
/// ```
/// # use bifocal_sdk::*;
/// # #[derive(Event)] struct Order { amount: Decimal<2> }
/// # #[derive(State)] struct Revenue { amount: Sum<Decimal<2>>, orders: Count }
/// #[derive(Output)]
/// struct Shown {
///     orders: i64,
///     mean: Option<f64>, // null if there is none
/// }
///
/// fn shown(cell: &Revenue) -> Shown {
///     let orders = cell.orders.get();
///     let mean = cell.amount.units() as f64 / 100.0 / orders as f64;
///     Shown { orders: orders as i64, mean: (orders > 0).then_some(mean) }
/// }
///
/// #[transform(window = "1h", present = shown)]
/// fn revenue(order: Order, out: &mut Cells<(), Revenue>) -> Result<(), Reject> {
///     out.cell(()).amount.add(order.amount);
///     out.cell(()).orders.add(1);
///     Ok(())
/// }
/// ```
pub trait Output {
    /// Output columns, in this order.
    fn fields() -> Vec<Field>;

    /// Appends one row to the columns that [`Output::fields`] declares.
    fn push(&self, columns: &mut [Builder]) -> Result<(), OutOfRange>;
}

/// What a `present` function may return: a row, or a `Result` of one.
///
/// An `Err` makes the cell *broken*: queries of it answer the error, all other cells are served.
pub trait IntoOutput {
    type Output: Output;

    fn into_output(self) -> Result<Self::Output, String>;
}

impl<T: Output> IntoOutput for T {
    type Output = T;

    fn into_output(self) -> Result<T, String> {
        Ok(self)
    }
}

impl<T: Output, E: std::fmt::Display> IntoOutput for Result<T, E> {
    type Output = T;

    fn into_output(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// A JSON object of presented values: how a derived state shows itself as a part of another.
pub fn object(members: &[(&str, Kind, Datum)]) -> Datum {
    let mut json = String::from("{");
    for (i, (name, kind, datum)) in members.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        // Names are identifiers, so nothing in them needs an escape.
        json.extend(["\"", name, "\":"]);
        write_datum(*kind, datum, &mut json);
    }
    json.push('}');
    Datum::Json(json)
}

/// Rows of outputs as columns.
pub(crate) struct Rows(Vec<Builder>);

impl Rows {
    pub(crate) fn new<T: Output>() -> Rows {
        Rows(T::fields().into_iter().map(|field| Builder::new(field.kind)).collect())
    }

    pub(crate) fn push(&mut self, row: &impl Output) -> Result<(), String> {
        row.push(&mut self.0).map_err(|error| error.to_string())
    }

    pub(crate) fn finish(self) -> Vec<Column> {
        self.0.into_iter().map(Builder::finish).collect()
    }
}
