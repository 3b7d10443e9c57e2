// Pay of drivers by day, trip by trip: dear kilometres first, cheaper ones later, and never less than
// a minimum. So pay cannot be added up event by event: when the satellites' better distance of a trip
// comes, hours later, it replaces the one that the trip ended with. The state keeps what is known of
// each trip; pay is computed when it is read.

import {
  decimal,
  eventOffset,
  eventTime,
  int,
  last,
  map,
  oneOf,
  parts,
  reject,
  text,
  timeText,
  timestamp,
  transform,
  uint32,
} from "../../../../plugin-sdk/javascript/index.js";

/** How long after the end of a trip its distance may be corrected. */
const LATE_MS_MAX = 6 * 3_600_000;

/** What is known of a trip, whichever of its events came first. */
const known = parts({
  // The latest distance wins, and a correction is later than what it corrects.
  metres: last(uint32),
  // None until the trip's own event is there: it is not paid before.
  seconds: last(uint32),
});

export default transform({
  name: "earnings",
  summary: "Pay per driver and day, with the distances of trips as they were corrected up to six hours later.",
  window: "1d",
  time: "ts",
  event: oneOf("type", {
    "trip.ended": { driver_id: text, trip_id: text, metres: uint32, seconds: uint32, time: eventTime, offset: eventOffset },
    "trip.corrected": { driver_id: text, trip_id: text, ended_at: timestamp, metres: uint32, time: eventTime, offset: eventOffset },
  }),
  key: { driver_id: text },
  state: { trips: map(text, known) },

  fold(trip, cells) {
    if (trip.type === "trip.ended") {
      const { metres, seconds } = cells.cell(trip).trips.entry(trip.trip_id);
      metres.see(trip.time, trip.offset, trip.metres);
      seconds.see(trip.time, trip.offset, trip.seconds);
      return;
    }
    const lateMs = trip.time - trip.ended_at;
    if (lateMs < 0 || lateMs > LATE_MS_MAX) {
      const [ended, corrected] = [timeText(trip.ended_at), timeText(trip.time)];
      reject(`ended_at: ${ended} is not within the 6 hours before the correction at ${corrected}`);
    }
    // The day of the trip, not that of the correction.
    const { metres } = cells.cellAt(trip.ended_at, trip).trips.entry(trip.trip_id);
    metres.see(trip.time, trip.offset, trip.metres);
  },

  outputs: { trips: int, km: decimal(3), pay: decimal(2) },
  present(day) {
    const shown = { trips: 0, km: 0, pay: 0 };
    for (const [, trip] of day.trips.list()) {
      const [metres, seconds] = [trip.metres.get(), trip.seconds.get()];
      if (metres === undefined || seconds === undefined) continue;
      shown.trips += 1;
      shown.km += metres;
      shown.pay += cents(metres, seconds);
    }
    return { trips: shown.trips, km: BigInt(shown.km), pay: BigInt(shown.pay) };
  },
});

/**
 * Pay of one trip: 2.00, and 1.10 a kilometre for the first five, 0.80 up to twenty, 0.50 beyond, to
 * the nearest cent, and 0.20 for each minute begun; at least 5.00.
 *
 * @param {number} metres
 * @param {number} seconds
 */
export function cents(metres, seconds) {
  const near = Math.min(metres, 5_000);
  const far = Math.max(metres - 20_000, 0);
  const thousandths = near * 110 + (metres - near - far) * 80 + far * 50;
  const minutes = Math.ceil(seconds / 60);
  return Math.max(200 + Math.floor((thousandths + 500) / 1_000) + minutes * 20, 500);
}
