//! Flights of an origin one after the other, by day. For tests: a machine that must see them in the
//! order of the log, beside parts that go by event time or need no order.

use bifocal_sdk::*;

/// Minutes above which a flight is late.
const LATE_MINUTES: i64 = 15;

#[derive(Event)]
struct Flight<'a> {
    origin: &'a str,
    delay: Option<i64>,
    #[event(path = "@time")]
    time: Timestamp,
    #[event(path = "@offset")]
    offset: i64,
}

#[derive(Key)]
struct Origin<'a> {
    origin: &'a str,
}

#[derive(Clone, Default, Codec)]
struct Streaks {
    /// Whether any flight came before.
    begun: bool,
    now: u64,
    longest: u64,
    crossings: u64,
}

impl Machine for Streaks {
    type Input = bool;

    fn step(&mut self, late: bool) {
        self.crossings += u64::from(self.begun && late && self.now == 0);
        self.begun = true;
        self.now = if late { self.now + 1 } else { 0 };
        self.longest = self.longest.max(self.now);
    }
}

#[derive(State)]
struct Sequence {
    first: First<i64>,
    last: Last<i64>,
    first_seen: FirstSeen<i64>,
    last_seen: LastSeen<i64>,
    streaks: Ordered<Streaks>,
}

#[derive(Output)]
struct Shown {
    first: Option<i64>,
    last: Option<i64>,
    first_seen: Option<i64>,
    last_seen: Option<i64>,
    streak: i64,
    crossings: i64,
}

fn shown(cell: &Sequence) -> Shown {
    let streaks = cell.streaks.machine();
    Shown {
        first: cell.first.get(),
        last: cell.last.get(),
        first_seen: cell.first_seen.get(),
        last_seen: cell.last_seen.get(),
        streak: streaks.longest as i64,
        crossings: streaks.crossings as i64,
    }
}

#[transform(window = "1d", present = shown, time = "date")]
pub fn sequence(flight: Flight, out: &mut Cells<Origin, Sequence>) -> Result<(), Reject> {
    let Some(delay) = flight.delay else { return Ok(()) };
    let cell = out.cell(Origin { origin: flight.origin });
    cell.first.see(flight.time, flight.offset, delay);
    cell.last.see(flight.time, flight.offset, delay);
    cell.first_seen.see(delay);
    cell.last_seen.see(delay);
    cell.streaks.push(delay > LATE_MINUTES);
    Ok(())
}
