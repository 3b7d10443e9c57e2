//! Cards that are tried until they work: three declines in a row, then an approval, all within ten
//! minutes. That needs a card's payments one after the other, so it is a machine in `Ordered`, by the
//! order of the log; what it has found stays in its state.

use bifocal_sdk::*;

/// Declines that are suspicious when an approval follows.
const DECLINES: usize = 3;
const WITHIN_MS: u64 = 10 * 60_000;

/// Payments of other statuses are ignored.
#[derive(Event)]
#[event(tag = "status")]
enum Payment<'a> {
    #[event(name = "declined")]
    Declined {
        card_id: Text<'a>,
        #[event(path = "@time")]
        time: Timestamp,
    },
    #[event(name = "approved")]
    Approved {
        card_id: Text<'a>,
        amount: Decimal<2>,
        #[event(path = "@time")]
        time: Timestamp,
    },
}

#[derive(Key)]
struct Card<'a> {
    card_id: Text<'a>,
}

#[derive(State)]
struct Watched {
    watch: Ordered<Watch>,
}

#[derive(Clone, Default, Codec)]
struct Watch {
    /// Times of the last declines since an approval, at most so many as make an alert.
    declines: Vec<Timestamp>,
    alerts: u64,
    last_alert: Option<Timestamp>,
    /// Of the approvals that raised an alert.
    amount: Sum<Decimal<2>>,
}

#[derive(Codec)]
enum Step {
    Declined { time: Timestamp },
    Approved { time: Timestamp, amount: Decimal<2> },
}

impl Machine for Watch {
    type Input = Step;

    fn step(&mut self, step: Step) {
        match step {
            Step::Declined { time } => {
                self.declines.push(time);
                if self.declines.len() > DECLINES {
                    self.declines.remove(0);
                }
            }
            Step::Approved { time, amount } => {
                if self.declines.len() == DECLINES && self.spread_ms(time) <= WITHIN_MS {
                    self.alerts += 1;
                    self.last_alert = Some(time);
                    self.amount.add(amount);
                }
                self.declines.clear();
            }
        }
    }
}

impl Watch {
    /// How far the declines and an approval lie apart; late events may stand in any order.
    fn spread_ms(&self, approved: Timestamp) -> u64 {
        let (mut first, mut last) = (approved, approved);
        for time in &self.declines {
            (first, last) = (first.min(*time), last.max(*time));
        }
        last.0.abs_diff(first.0)
    }
}

#[derive(Output)]
struct Shown {
    alerts: u64,
    last_alert: Option<Timestamp>,
    amount: Decimal<2>,
}

fn shown(card: &Watched) -> Result<Shown, String> {
    let Watch { alerts, last_alert, amount, .. } = card.watch.machine();
    let amount = amount.get().ok_or("out of range: the amount does not fit a decimal(2)")?;
    Ok(Shown { alerts, last_alert, amount })
}

/// Alerts per card: three declines, then an approval, within ten minutes.
#[transform(time = "ts", present = shown)]
pub fn fraud(payment: Payment, out: &mut Cells<Card, Watched>) -> Result<(), Reject> {
    match payment {
        Payment::Declined { card_id, time } => out.cell(Card { card_id }).watch.push(Step::Declined { time }),
        Payment::Approved { card_id, amount, time } => {
            out.cell(Card { card_id }).watch.push(Step::Approved { time, amount });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    fn alerts(payments: &[(&str, u32)]) -> String {
        let mut bench = Bench::new(fraud()).unwrap();
        for (status, minute) in payments {
            bench.append(&format!(
                r#"{{"ts":"2026-11-20T21:{minute:02}:00Z","card_id":"c-1","amount":9.50,"status":"{status}"}}"#
            ));
        }
        bench.check_laws().unwrap();
        bench.rows().unwrap().join("\n")
    }

    #[test]
    fn three_declines_and_an_approval_within_ten_minutes_are_an_alert() {
        let row = alerts(&[("declined", 0), ("declined", 4), ("declined", 9), ("approved", 10)]);
        let expected = r#"{"card_id":"c-1","alerts":1,"last_alert":"2026-11-20T21:10:00Z","amount":9.50}"#;
        assert_eq!(row, expected);
    }

    #[test]
    fn anything_less_is_none() {
        for payments in [
            [("declined", 0), ("declined", 4), ("declined", 9), ("approved", 11)],
            [("declined", 0), ("declined", 4), ("approved", 5), ("declined", 6)],
            [("declined", 0), ("approved", 1), ("declined", 2), ("approved", 3)],
        ] {
            assert!(alerts(&payments).contains(r#""alerts":0,"last_alert":null"#), "{payments:?}");
        }
    }

    #[test]
    fn only_the_last_three_declines_count() {
        let payments =
            [("declined", 0), ("declined", 20), ("declined", 21), ("declined", 22), ("approved", 23)];
        assert!(alerts(&payments).contains(r#""alerts":1"#));
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(fraud(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
