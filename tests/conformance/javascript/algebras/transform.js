// Every order-free algebra of the SDK over the same readings, by key and hour.

import {
  boolean,
  count,
  decimal,
  distinct,
  eventOffset,
  eventTime,
  exactSum,
  first,
  float,
  int64,
  last,
  lastN,
  map,
  max,
  mean,
  min,
  quantiles,
  reject,
  set,
  sum,
  text,
  topK,
  transform,
} from "../../../../plugin-sdk/javascript/index.js";

export default transform({
  name: "algebras",
  summary: "Every order-free algebra, by key and hour.",
  window: "1h",
  time: "at",
  event: {
    key: text,
    n: int64.optional(),
    d: decimal(2).optional(),
    f: float.optional(),
    t: text.optional(),
    refuse: boolean.optional(),
    time: eventTime,
    offset: eventOffset,
  },
  key: { key: text },
  state: {
    count: count(),
    sum_n: sum(int64),
    sum_d: sum(decimal(2)),
    min_n: min(int64),
    max_n: max(int64),
    min_d: min(decimal(2)),
    max_d: max(decimal(2)),
    min_f: min(float),
    max_f: max(float),
    min_t: min(text),
    max_t: max(text),
    mean_n: mean(int64),
    mean_d: mean(decimal(2)),
    first: first(text),
    last: last(text),
    last_3: lastN(text, 3),
    top_3: topK(text, 3),
    set_t: set(text),
    set_n: set(int64),
    map_t: map(text, count()),
    map_n: map(int64, sum(decimal(2))),
    distinct_t: distinct(text),
    distinct_n: distinct(int64),
    quantiles_n: quantiles(int64),
    quantiles_d: quantiles(decimal(2)),
    quantiles_f: quantiles(float),
    exact_f: exactSum(),
  },

  fold(reading, cells) {
    const { n, d, f, t, refuse, time, offset } = reading;
    const cell = cells.cell(reading);
    cell.count.add();
    if (n !== undefined) {
      cell.sum_n.add(n);
      cell.min_n.see(n);
      cell.max_n.see(n);
      cell.mean_n.add(n);
      cell.set_n.add(n);
      cell.distinct_n.add(n);
      cell.quantiles_n.add(n);
    }
    if (d !== undefined) {
      cell.sum_d.add(d);
      cell.min_d.see(d);
      cell.max_d.see(d);
      cell.mean_d.add(d);
      cell.quantiles_d.add(d);
    }
    if (n !== undefined && d !== undefined) cell.map_n.entry(n).add(d);
    if (f !== undefined) {
      // What JSON cannot hold: infinities, and NaN of 0.
      const value = refuse === false ? f * Infinity : f;
      cell.min_f.see(value);
      cell.max_f.see(value);
      cell.quantiles_f.add(value);
      cell.exact_f.add(value);
    }
    if (t !== undefined) {
      cell.min_t.see(t);
      cell.max_t.see(t);
      cell.first.see(time, offset, t);
      cell.last.see(time, offset, t);
      cell.last_3.push(time, offset, t);
      cell.top_3.add(t);
      cell.set_t.add(t);
      cell.map_t.entry(t).add();
      cell.distinct_t.add(t);
    }
    // Too late on purpose: all of the above must be undone.
    if (refuse) reject(`refused: n is ${n ?? "absent"}`);
  },
});
