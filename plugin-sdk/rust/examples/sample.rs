//! The whole of a transform: hourly revenue per merchant and currency.

use bifocal_sdk::*;

#[derive(Event)]
struct Order<'a> {
    merchant_id: &'a str,
    currency: &'a str,
    amount: Decimal<2>,
    status: &'a str,
}
#[derive(Key)]
struct Merchant<'a> {
    merchant_id: &'a str,
    currency: &'a str,
}
#[derive(State)]
struct Revenue {
    amount: Sum<Decimal<2>>,
    orders: Count,
    largest: Max<Decimal<2>>,
}

#[transform(window = "1h")]
fn revenue(order: Order, out: &mut Cells<Merchant, Revenue>) -> Result<(), Reject> {
    if order.status == "completed" {
        let cell = out.cell(Merchant { merchant_id: order.merchant_id, currency: order.currency });
        cell.amount.add(order.amount);
        cell.orders.add(1);
        cell.largest.see(order.amount);
    }
    Ok(())
}
