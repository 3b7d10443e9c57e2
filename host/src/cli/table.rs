//! Numbers and cells in words, for reports.

use crate::rows::Rows;
pub use crate::rows::grouped;

/// The values of the first row, side by side: `ATL 2001-03-02T17:00:00Z`. `the only cell` if there
/// is neither key nor window.
pub fn cells_in_words(rows: &Rows) -> String {
    let values: Vec<String> = rows.fields.iter().map(|field| rows.text_of(&field.name, 0)).collect();
    if values.is_empty() { "the only cell".into() } else { values.join(" ") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        cases.into_iter().for_each(|(number, text)| assert_eq!(super::grouped(number), text));
    }
}
