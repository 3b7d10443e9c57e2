//! Departures and delays of flights per airport and hour.

use bifocal_sdk::*;

#[derive(Event)]
struct Flight<'a> {
    origin: Text<'a>,
    /// Minutes, below 0 if early; a cancelled flight has none.
    delay: Option<i64>,
}

#[derive(Key)]
struct Airport<'a> {
    origin: Text<'a>,
}

#[derive(State)]
struct Hour {
    cancelled: Count,
    mean: Mean<i64>,
    delays: Quantiles<i64>,
}

/// What a person reads of an hour; no mean and no quantile if nothing departed.
#[derive(Output)]
struct Shown {
    departures: u64,
    cancelled: u64,
    mean_delay: Option<f64>,
    p95_delay: Option<i64>,
}

fn shown(hour: &Hour) -> Shown {
    Shown {
        departures: hour.mean.count(),
        cancelled: hour.cancelled.get(),
        mean_delay: hour.mean.get(),
        p95_delay: hour.delays.quantile(0.95),
    }
}

/// Departures, cancellations and delays per airport and hour.
#[transform(window = "1h", time = "date", present = shown)]
pub fn flights(flight: Flight, out: &mut Cells<Airport, Hour>) -> Result<(), Reject> {
    let hour = out.cell(Airport { origin: flight.origin });
    match flight.delay {
        Some(minutes) => {
            hour.mean.add(minutes);
            hour.delays.add(minutes);
        }
        None => hour.cancelled.add(1),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    #[test]
    fn an_hour_without_departures_has_no_mean_and_no_quantile() {
        let mut bench = Bench::new(flights()).unwrap();
        bench.append(r#"{"date":"2001-01-01 00:05:00","delay":null,"origin":"ATL"}"#);
        bench.append(r#"{"date":"2001-01-01 00:06:00","origin":"ATL"}"#);
        assert_eq!(
            bench.rows().unwrap(),
            [
                r#"{"origin":"ATL","window":"2001-01-01T00:00:00Z","departures":0,"cancelled":2,"mean_delay":null,"p95_delay":null}"#
            ]
        );
        bench.check_laws().unwrap();
    }

    #[test]
    fn the_quantile_is_the_value_at_rank_ceil_of_95_percent() {
        let mut bench = Bench::new(flights()).unwrap();
        for delay in -10..10 {
            bench.append(&format!(r#"{{"date":"2001-01-01T00:05:00","delay":{delay},"origin":"ATL"}}"#));
        }
        assert_eq!(
            bench.rows().unwrap(),
            [
                r#"{"origin":"ATL","window":"2001-01-01T00:00:00Z","departures":20,"cancelled":0,"mean_delay":-0.5,"p95_delay":8}"#
            ]
        );
        bench.check_laws().unwrap();
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(flights(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
