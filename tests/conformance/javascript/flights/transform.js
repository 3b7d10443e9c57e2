// Departures and delays of flights per airport and hour.

import { count, float, int, int64, mean, quantiles, text, transform } from "../../../../plugin-sdk/javascript/index.js";

export default transform({
  name: "flights",
  summary: "Departures, cancellations and delays per airport and hour.",
  window: "1h",
  time: "date",
  // Minutes, below 0 if early; a cancelled flight has none.
  event: { origin: text, delay: int64.optional() },
  key: { origin: text },
  state: { cancelled: count(), mean: mean(int64), delays: quantiles(int64) },

  fold(flight, cells) {
    const hour = cells.cell(flight);
    if (flight.delay === undefined) {
      hour.cancelled.add();
    } else {
      hour.mean.add(flight.delay);
      hour.delays.add(flight.delay);
    }
  },

  // What a person reads of an hour; no mean and no quantile if nothing departed.
  outputs: { departures: int, cancelled: int, mean_delay: float.optional(), p95_delay: int64.optional() },
  present: (hour) => ({
    departures: hour.mean.count(),
    cancelled: hour.cancelled.get(),
    mean_delay: hour.mean.get(),
    p95_delay: hour.delays.quantile(0.95),
  }),
});
