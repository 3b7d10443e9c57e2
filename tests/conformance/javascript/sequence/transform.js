// Flights of an origin one after the other, by day: a machine that must see them in the order of the
// log, beside parts that go by event time or need no order.

import {
  boolean,
  eventOffset,
  eventTime,
  first,
  firstSeen,
  int,
  int64,
  last,
  lastSeen,
  machine,
  ordered,
  text,
  transform,
} from "../../../../plugin-sdk/javascript/index.js";

/** Minutes above which a flight is late. */
const LATE_MINUTES = 15n;

/** Runs of late flights. */
const streaks = machine({
  // Whether any flight came before; the run at hand, the longest one, and how often one began.
  state: { begun: boolean, now: int, longest: int, crossings: int },
  input: boolean,

  step(flights, isLate) {
    if (flights.begun && isLate && flights.now === 0) flights.crossings += 1;
    flights.begun = true;
    flights.now = isLate ? flights.now + 1 : 0;
    flights.longest = Math.max(flights.longest, flights.now);
  },
});

export default transform({
  name: "sequence",
  summary: "",
  window: "1d",
  time: "date",
  event: { origin: text, delay: int64.optional(), time: eventTime, offset: eventOffset },
  key: { origin: text },
  state: {
    first: first(int64),
    last: last(int64),
    first_seen: firstSeen(int64),
    last_seen: lastSeen(int64),
    streaks: ordered(streaks),
  },

  fold(flight, cells) {
    if (flight.delay === undefined) return;
    const cell = cells.cell(flight);
    cell.first.see(flight.time, flight.offset, flight.delay);
    cell.last.see(flight.time, flight.offset, flight.delay);
    cell.first_seen.see(flight.delay);
    cell.last_seen.see(flight.delay);
    cell.streaks.push(flight.delay > LATE_MINUTES);
  },

  outputs: {
    first: int64.optional(),
    last: int64.optional(),
    first_seen: int64.optional(),
    last_seen: int64.optional(),
    streak: int,
    crossings: int,
  },
  present(cell) {
    const { longest, crossings } = cell.streaks.machine();
    return {
      first: cell.first.get(),
      last: cell.last.get(),
      first_seen: cell.first_seen.get(),
      last_seen: cell.last_seen.get(),
      streak: longest,
      crossings,
    };
  },
});
