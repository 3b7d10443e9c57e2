//! Why a transform cannot fold an event. Owns the reason and nothing else.

use std::fmt;

use crate::value::JsonError;

/// The event cannot be folded; it leaves no trace in any cell.
///
/// `?` makes one from a text, so that helpers can return `Result<T, String>`. The reason is kept with the event and read by a
/// person: name the field, the value and what would have been right.
///
/// The verdict must be a function of the event alone (law *monotone*): never reject because of
/// what a cell holds. Rejecting before the first [`cell`](crate::Cells::cell) of an event is free;
/// rejecting after it has the chunk folded a second time without the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject(String);

impl Reject {
    /// ```
    /// # use bifocal_sdk::Reject;
    /// let quantity = -3;
    /// assert_eq!(Reject::because(format_args!("quantity {quantity} is below 0")).reason(), "quantity -3 is below 0");
    /// ```
    #[cold]
    pub fn because(reason: impl fmt::Display) -> Reject {
        Reject(reason.to_string())
    }

    pub fn reason(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_reason(self) -> String {
        self.0
    }
}

impl From<&str> for Reject {
    #[cold]
    fn from(reason: &str) -> Reject {
        Reject(reason.to_owned())
    }
}

impl From<JsonError> for Reject {
    fn from(error: JsonError) -> Reject {
        Reject::because(error)
    }
}

impl From<String> for Reject {
    fn from(reason: String) -> Reject {
        Reject(reason)
    }
}

/// Returns from a transform with a [`Reject`], formatted like `println!`.
///
/// ```
/// # use bifocal_sdk::{Reject, reject};
/// fn positive(quantity: i64) -> Result<i64, Reject> {
///     if quantity <= 0 {
///         reject!("quantity {quantity} is not above 0");
///     }
///     Ok(quantity)
/// }
/// assert_eq!(positive(0).unwrap_err().reason(), "quantity 0 is not above 0");
/// ```
#[macro_export]
macro_rules! reject {
    ($($reason:tt)+) => {
        return ::core::result::Result::Err($crate::Reject::because(::core::format_args!($($reason)+)))
    };
}
