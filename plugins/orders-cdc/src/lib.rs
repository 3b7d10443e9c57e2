//! Completed orders per merchant and currency, by the day on which they were made, from a change
//! feed: each change has the order's image before it and after it.
//!
//! The image before is subtracted and the one after is added, so an order that is updated twice counts
//! once, as it stands; one that is deleted, or no longer completed, does not count at all. An image
//! counts on the day on which its order was made, however late the change.

use bifocal_sdk::*;

/// A change that makes an order has no image before, one that deletes it none after.
#[derive(Event)]
struct Change<'a> {
    #[event(path = "before.merchant_id")]
    merchant_before: Option<Text<'a>>,
    #[event(path = "before.currency")]
    currency_before: Option<Text<'a>>,
    #[event(path = "before.amount")]
    amount_before: Option<Decimal<2>>,
    #[event(path = "before.status")]
    status_before: Option<&'a str>,
    #[event(path = "before.created_at")]
    created_before: Option<Timestamp>,
    #[event(path = "after.merchant_id")]
    merchant_after: Option<Text<'a>>,
    #[event(path = "after.currency")]
    currency_after: Option<Text<'a>>,
    #[event(path = "after.amount")]
    amount_after: Option<Decimal<2>>,
    #[event(path = "after.status")]
    status_after: Option<&'a str>,
    #[event(path = "after.created_at")]
    created_after: Option<Timestamp>,
}

#[derive(Key)]
struct Merchant<'a> {
    merchant_id: Text<'a>,
    currency: Text<'a>,
}

#[derive(State)]
struct Orders {
    orders: Sum<i64>,
    amount: Sum<Decimal<2>>,
}

/// An order at one side of a change.
struct Image<'a> {
    merchant: Merchant<'a>,
    amount: Decimal<2>,
    status: &'a str,
    created_at: Timestamp,
}

impl Image<'_> {
    fn counts(&self) -> bool {
        self.status == "completed"
    }
}

impl<'a> Change<'a> {
    fn before(&self) -> Result<Option<Image<'a>>, Reject> {
        let Change { merchant_before, currency_before, amount_before, status_before, created_before, .. } =
            *self;
        image("before", (merchant_before, currency_before), amount_before, status_before, created_before)
    }

    fn after(&self) -> Result<Option<Image<'a>>, Reject> {
        let Change { merchant_after, currency_after, amount_after, status_after, created_after, .. } = *self;
        image("after", (merchant_after, currency_after), amount_after, status_after, created_after)
    }
}

/// `None` if nothing of the image is there; half of one is no order.
fn image<'a>(
    side: &str,
    (merchant_id, currency): (Option<Text<'a>>, Option<Text<'a>>),
    amount: Option<Decimal<2>>,
    status: Option<&'a str>,
    created_at: Option<Timestamp>,
) -> Result<Option<Image<'a>>, Reject> {
    match (merchant_id, currency, amount, status, created_at) {
        (None, None, None, None, None) => Ok(None),
        (Some(merchant_id), Some(currency), Some(amount), Some(status), Some(created_at)) => {
            Ok(Some(Image { merchant: Merchant { merchant_id, currency }, amount, status, created_at }))
        }
        _ => reject!("{side}: needs merchant_id, currency, amount, status and created_at, or none of them"),
    }
}

/// Completed orders per merchant, currency and day, as they stand after all changes.
#[transform(window = "1d", time = "ts", name = "orders-cdc")]
pub fn orders_cdc(change: Change, out: &mut Cells<Merchant, Orders>) -> Result<(), Reject> {
    let (before, after) = (change.before()?, change.after()?);
    if before.is_none() && after.is_none() {
        reject!("neither before nor after holds an order");
    }
    if let Some(image) = before.filter(Image::counts) {
        let cell = out.cell_at(image.created_at, image.merchant);
        cell.orders.subtract(1);
        cell.amount.subtract(image.amount);
    }
    if let Some(image) = after.filter(Image::counts) {
        let cell = out.cell_at(image.created_at, image.merchant);
        cell.orders.add(1);
        cell.amount.add(image.amount);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    fn order(amount: &str, status: &str) -> String {
        format!(
            r#"{{"merchant_id":"m-17","currency":"EUR","amount":{amount},"status":"{status}","created_at":"2026-11-20T21:04:00Z"}}"#
        )
    }

    #[test]
    fn an_order_that_is_updated_twice_counts_once() {
        let mut bench = Bench::new(orders_cdc()).unwrap();
        let images = [order("12.50", "pending"), order("12.50", "completed"), order("11.00", "completed")];
        let mut before = "null".to_owned();
        for (day, after) in (20..).zip(images) {
            bench.append(&format!(r#"{{"ts":"2026-11-{day}T22:00:00Z","before":{before},"after":{after}}}"#));
            before = after;
        }
        assert_eq!(
            bench.rows().unwrap(),
            [
                r#"{"merchant_id":"m-17","currency":"EUR","window":"2026-11-20T00:00:00Z","orders":1,"amount":11.00}"#
            ]
        );
        bench.check_laws().unwrap();
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(orders_cdc(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
