//! Pay of drivers by day, trip by trip: dear kilometres first, cheaper ones later, and never less than
//! a minimum. So pay cannot be added up event by event: when the satellites' better distance of a trip
//! comes, hours later, it replaces the one that the trip ended with. The state keeps what is known of
//! each trip; pay is computed when it is read.

use bifocal_sdk::*;

/// How long after the end of a trip its distance may be corrected.
const LATE_MS_MAX: i64 = 6 * 3_600_000;

#[derive(Event)]
#[event(tag = "type")]
enum Trip<'a> {
    #[event(name = "trip.ended")]
    Ended {
        driver_id: Text<'a>,
        trip_id: &'a str,
        metres: u32,
        seconds: u32,
        #[event(path = "@time")]
        time: Timestamp,
        #[event(path = "@offset")]
        offset: i64,
    },
    #[event(name = "trip.corrected")]
    Corrected {
        driver_id: Text<'a>,
        trip_id: &'a str,
        ended_at: Timestamp,
        metres: u32,
        #[event(path = "@time")]
        time: Timestamp,
        #[event(path = "@offset")]
        offset: i64,
    },
}

#[derive(Key)]
struct Driver<'a> {
    driver_id: Text<'a>,
}

#[derive(State)]
struct Day {
    trips: Map<String, Known>,
}

/// What is known of a trip, whichever of its events came first.
#[derive(State)]
struct Known {
    /// The latest distance wins, and a correction is later than what it corrects.
    metres: Last<u32>,
    /// None until the trip's own event is there: it is not paid before.
    seconds: Last<u32>,
}

/// Pay per driver and day, with the distances of trips as they were corrected up to six hours later.
#[transform(window = "1d", time = "ts", present = shown)]
pub fn earnings(trip: Trip, out: &mut Cells<Driver, Day>) -> Result<(), Reject> {
    match trip {
        Trip::Ended { driver_id, trip_id, metres, seconds, time, offset } => {
            let known = out.cell(Driver { driver_id }).trips.entry(trip_id);
            known.metres.see(time, offset, metres);
            known.seconds.see(time, offset, seconds);
        }
        Trip::Corrected { driver_id, trip_id, ended_at, metres, time, offset } => {
            let late_ms = time.0.saturating_sub(ended_at.0);
            if !(0..=LATE_MS_MAX).contains(&late_ms) {
                reject!("ended_at: {ended_at} is not within the 6 hours before the correction at {time}");
            }
            // The day of the trip, not that of the correction.
            let known = out.cell_at(ended_at, Driver { driver_id }).trips.entry(trip_id);
            known.metres.see(time, offset, metres);
        }
    }
    Ok(())
}

#[derive(Output)]
struct Shown {
    trips: u64,
    km: Decimal<3>,
    pay: Decimal<2>,
}

fn shown(day: &Day) -> Shown {
    let mut shown = Shown { trips: 0, km: Decimal(0), pay: Decimal(0) };
    for (_, trip) in day.trips.iter() {
        if let (Some(metres), Some(seconds)) = (trip.metres.get(), trip.seconds.get()) {
            shown.trips += 1;
            shown.km.0 += i64::from(metres);
            shown.pay.0 += cents(metres.into(), seconds.into());
        }
    }
    shown
}

/// Pay of one trip: 2.00, and 1.10 a kilometre for the first five, 0.80 up to twenty, 0.50 beyond, to
/// the nearest cent, and 0.20 for each minute begun; at least 5.00.
fn cents(metres: i64, seconds: i64) -> i64 {
    let (near, far) = (metres.min(5_000), (metres - 20_000).max(0));
    let thousandths = near * 110 + (metres - near - far) * 80 + far * 50;
    let minutes = (seconds + 59) / 60;
    (200 + (thousandths + 500) / 1_000 + minutes * 20).max(500)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    #[test]
    fn pay_follows_the_tariff() {
        for (metres, seconds, expected) in [
            (0, 0, 500),
            (5_000, 600, 200 + 550 + 200),
            (5_000, 601, 200 + 550 + 220),
            (20_000, 0, 200 + 550 + 1_200),
            (21_000, 0, 200 + 550 + 1_200 + 50),
            (5_006, 0, 750), // 0.48 cents more are none
            (5_007, 0, 751), // 0.56 are one
        ] {
            assert_eq!(cents(metres, seconds), expected, "{metres} m, {seconds} s");
        }
    }

    #[test]
    fn a_correction_replaces_the_distance_in_the_window_of_its_trip() {
        let ended = r#"{"type":"trip.ended","ts":"2026-11-20T23:50:00Z","driver_id":"d-1","trip_id":"t-1","metres":21000,"seconds":60}"#;
        let corrected = r#"{"type":"trip.corrected","ts":"2026-11-21T03:00:00Z","driver_id":"d-1","trip_id":"t-1","ended_at":"2026-11-20T23:50:00Z","metres":20000}"#;
        for events in [[ended, corrected], [corrected, ended]] {
            let mut bench = Bench::new(earnings()).unwrap();
            events.iter().for_each(|event| _ = bench.append(event));
            assert_eq!(
                bench.rows().unwrap(),
                [r#"{"driver_id":"d-1","window":"2026-11-20T00:00:00Z","trips":1,"km":20.000,"pay":19.70}"#]
            );
            bench.check_laws().unwrap();
        }
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(earnings(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
