// Cards that are tried until they work: three declines in a row, then an approval, all within ten
// minutes. That needs a card's payments one after the other, so it is a machine in `ordered`, by the
// order of the log; what it has found stays in its state.

import { choice, decimal, eventTime, int, list, machine, oneOf, ordered, sum, text, timestamp, transform } from "../../../../plugin-sdk/javascript/index.js";

/** Declines that are suspicious when an approval follows. */
const DECLINES = 3;
const WITHIN_MS = 10 * 60_000;

const watch = machine({
  state: {
    // Times of the last declines since an approval, at most so many as make an alert.
    declines: list(timestamp),
    alerts: int,
    lastAlert: timestamp.optional(),
    // Of the approvals that raised an alert.
    amount: sum(decimal(2)),
  },
  input: choice({ declined: { time: timestamp }, approved: { time: timestamp, amount: decimal(2) } }),

  step(card, payment) {
    if (payment.type === "declined") {
      card.declines.push(payment.time);
      if (card.declines.length > DECLINES) card.declines.shift();
      return;
    }
    if (card.declines.length === DECLINES && spreadMs([...card.declines, payment.time]) <= WITHIN_MS) {
      card.alerts += 1;
      card.lastAlert = payment.time;
      card.amount.add(payment.amount);
    }
    card.declines = [];
  },
});

/**
 * How far times lie apart; late events may stand in any order.
 *
 * @param {number[]} times
 */
const spreadMs = (times) => Math.max(...times) - Math.min(...times);

export default transform({
  name: "fraud",
  summary: "Alerts per card: three declines, then an approval, within ten minutes.",
  time: "ts",
  // Payments of other statuses are ignored.
  event: oneOf("status", {
    declined: { card_id: text, time: eventTime },
    approved: { card_id: text, amount: decimal(2), time: eventTime },
  }),
  key: { card_id: text },
  state: { watch: ordered(watch) },

  fold(payment, cells) {
    const card = cells.cell(payment);
    if (payment.status === "declined") card.watch.push({ type: "declined", time: payment.time });
    else card.watch.push({ type: "approved", time: payment.time, amount: payment.amount });
  },

  outputs: { alerts: int, last_alert: timestamp.optional(), amount: decimal(2) },
  present(card) {
    const { alerts, lastAlert, amount } = card.watch.machine();
    return { alerts, last_alert: lastAlert, amount: amount.get() };
  },
});
