//! Hourly revenue per merchant and currency of completed orders.

use bifocal_sdk::*;

#[derive(Event)]
struct Order<'a> {
    merchant_id: Text<'a>,
    currency: Text<'a>,
    amount: Decimal<2>,
    status: &'a str,
}

#[derive(Key)]
struct Merchant<'a> {
    merchant_id: Text<'a>,
    currency: Text<'a>,
}

#[derive(State)]
struct Revenue {
    amount: Sum<Decimal<2>>,
    orders: Count,
    largest: Max<Decimal<2>>,
}

/// Hourly revenue per merchant and currency of completed orders.
#[transform(window = "1h", time = "ts")]
pub fn revenue(order: Order, out: &mut Cells<Merchant, Revenue>) -> Result<(), Reject> {
    if order.status == "completed" {
        let cell = out.cell(Merchant { merchant_id: order.merchant_id, currency: order.currency });
        cell.amount.add(order.amount);
        cell.orders.add(1);
        cell.largest.see(order.amount);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    #[test]
    fn completed_orders_count_and_no_others() {
        let mut bench = Bench::new(revenue()).unwrap();
        for (minute, amount, status) in
            [(4, "12.50", "completed"), (41, "99.00", "pending"), (59, "3.10", "completed")]
        {
            bench.append(&format!(
                r#"{{"ts":"2026-11-20T21:{minute:02}:00Z","merchant_id":"m-17","currency":"EUR","amount":{amount},"status":"{status}"}}"#
            ));
        }
        assert_eq!(
            bench.rows().unwrap(),
            [
                r#"{"merchant_id":"m-17","currency":"EUR","window":"2026-11-20T21:00:00Z","amount":15.60,"orders":2,"largest":12.50}"#
            ]
        );
        bench.check_laws().unwrap();
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(revenue(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
