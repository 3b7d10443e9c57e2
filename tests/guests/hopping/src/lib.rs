//! Payments of a merchant in the hour up to each quarter. For tests: hopping windows, two types of
//! events of one stream, a key that may be absent, and rejections of what has been added already.

use bifocal_sdk::*;

#[derive(Event)]
#[event(tag = "status")]
enum Order<'a> {
    #[event(name = "completed")]
    Paid {
        merchant_id: Option<&'a str>,
        amount: Decimal<2>,
        #[event(path = "@time")]
        time: Timestamp,
        #[event(path = "@offset")]
        offset: i64,
    },
    #[event(name = "refunded")]
    Refunded {
        merchant_id: Option<&'a str>,
        amount: Decimal<2>,
        #[event(path = "@time")]
        time: Timestamp,
        #[event(path = "@offset")]
        offset: i64,
    },
}

#[derive(Key)]
struct Merchant<'a> {
    merchant_id: Option<&'a str>,
}

#[derive(State)]
struct Payments {
    payments: Count,
    refunds: Count,
    paid: Sum<Decimal<2>>,
    smallest: Min<Decimal<2>>,
    first: First<Decimal<2>>,
    last: Last<Decimal<2>>,
    first_seen: FirstSeen<Decimal<2>>,
    last_seen: LastSeen<Decimal<2>>,
}

#[transform(window = "1h", slide = "15m")]
pub fn hopping(order: Order, out: &mut Cells<Merchant, Payments>) -> Result<(), Reject> {
    let (merchant_id, amount, time, offset, paid) = match order {
        Order::Paid { merchant_id, amount, time, offset } => (merchant_id, amount, time, offset, true),
        Order::Refunded { merchant_id, amount, time, offset } => (merchant_id, amount, time, offset, false),
    };
    let cell = out.cell(Merchant { merchant_id });
    if paid {
        cell.payments.add(1);
        cell.paid.add(amount);
        cell.smallest.see(amount);
    } else {
        cell.refunds.add(1);
    }
    cell.first.see(time, offset, amount);
    cell.last.see(time, offset, amount);
    cell.first_seen.see(amount);
    cell.last_seen.see(amount);
    // Too late on purpose: all of the above must be undone.
    if amount.units() == 0 {
        return Err(Reject::because("a payment of nothing"));
    }
    Ok(())
}
