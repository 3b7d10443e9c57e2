//! Completed orders per merchant and currency, by the day on which they were made, from their images
//! before and after each change.

use super::field::{cents, object, text, time};
use super::{Answer, Cell, Clock, Plain, Seen, Unfit, Verdict, each, in_range, windows};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const DAY_MS: i64 = 24 * 3_600_000;

/// One side of a change; None: nothing of an order is there.
type Image = Option<(Cell, i64, bool)>;

fn image(change: &Map<String, Value>, side: &str) -> Result<Image, Unfit> {
    let image = object(change, side);
    let fields = (
        text(&image, "merchant_id")?,
        text(&image, "currency")?,
        cents(&image, "amount")?,
        text(&image, "status")?,
        time(&image, "created_at")?,
    );
    match fields {
        (None, None, None, None, None) => Ok(None),
        (Some(merchant), Some(currency), Some(amount), Some(status), Some(created_ms)) => {
            let day = windows(created_ms, DAY_MS, DAY_MS)[0];
            Ok(Some(((vec![Some(merchant), Some(currency)], day), amount, status == "completed")))
        }
        _ => Err(Unfit),
    }
}

pub fn orders_cdc(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, (i64, i128)> = BTreeMap::new();
    let mut answer = each(events, clock, Some((DAY_MS, DAY_MS)), |_, change| {
        let (before, after) = (image(change, "before")?, image(change, "after")?);
        if before.is_none() && after.is_none() {
            return Ok(Verdict::Rejected);
        }
        for (image, sign) in [(before, -1), (after, 1)] {
            if let Some((cell, amount, true)) = image {
                let (orders, sum) = cells.entry(cell).or_default();
                *orders += sign;
                *sum += i128::from(sign) * i128::from(amount);
            }
        }
        Ok(Verdict::Folded)
    });
    let row = |(orders, sum)| Some(vec![Plain::Integer(orders), in_range(sum)?]);
    answer.rows = cells.into_iter().map(|(cell, sums)| (cell, row(sums))).collect();
    answer
}
