//! All orders in one cell. For tests: a global window, no key, settings, an exact sum of floats, a
//! set, a map of states, and a machine that sees its events in the order of their times.

use bifocal_sdk::*;

#[derive(Event)]
struct Order<'a> {
    merchant_id: Option<&'a str>,
    amount: f64,
    status: &'a str,
    #[event(path = "@time")]
    time: Timestamp,
    #[event(path = "@offset")]
    offset: i64,
}

#[derive(Settings)]
struct Limits {
    /// Orders of less are rejected.
    least: f64,
}

/// The longest time between two orders.
#[derive(Clone, Default, Codec)]
struct Calm {
    begun: bool,
    last_ms: i64,
    longest_ms: i64,
}

impl Machine for Calm {
    type Input = i64;

    fn step(&mut self, time_ms: i64) {
        if self.begun {
            self.longest_ms = self.longest_ms.max(time_ms - self.last_ms);
        }
        (self.begun, self.last_ms) = (true, time_ms);
    }
}

impl Present for Calm {
    const KIND: Kind = Kind::Integer;

    fn present(&self) -> Result<Datum, OutOfRange> {
        Ok(Datum::Integer(self.longest_ms))
    }
}

#[derive(State)]
struct Overall {
    total: ExactSum,
    merchants: Set<String>,
    statuses: Map<String, Count>,
    calm: Timeline<Calm>,
}

#[transform]
pub fn overall(order: Order, settings: &Limits, out: &mut Cells<(), Overall>) -> Result<(), Reject> {
    if order.amount < settings.least {
        return Err(Reject::because(format_args!("{} is too little", order.amount)));
    }
    let cell = out.cell(());
    cell.total.add(order.amount);
    if let Some(merchant) = order.merchant_id {
        cell.merchants.add(merchant);
    }
    cell.statuses.entry(order.status).add(1);
    cell.calm.push(order.time, order.offset, order.time.0);
    Ok(())
}
