// Payments of a merchant in the hour up to each quarter: hopping windows, two types of events of one
// stream, a key that may be absent, and rejections of what has been added already.

import {
  count,
  decimal,
  eventOffset,
  eventTime,
  first,
  firstSeen,
  last,
  lastSeen,
  min,
  oneOf,
  reject,
  sum,
  text,
  transform,
} from "../../../../plugin-sdk/javascript/index.js";

const payment = { merchant_id: text.optional(), amount: decimal(2), time: eventTime, offset: eventOffset };

export default transform({
  name: "hopping",
  summary: "",
  window: "1h",
  slide: "15m",
  event: oneOf("status", { completed: payment, refunded: payment }),
  key: { merchant_id: text.optional() },
  state: {
    payments: count(),
    refunds: count(),
    paid: sum(decimal(2)),
    smallest: min(decimal(2)),
    first: first(decimal(2)),
    last: last(decimal(2)),
    first_seen: firstSeen(decimal(2)),
    last_seen: lastSeen(decimal(2)),
  },

  fold(order, cells) {
    const cell = cells.cell(order);
    if (order.status === "completed") {
      cell.payments.add();
      cell.paid.add(order.amount);
      cell.smallest.see(order.amount);
    } else {
      cell.refunds.add();
    }
    cell.first.see(order.time, order.offset, order.amount);
    cell.last.see(order.time, order.offset, order.amount);
    cell.first_seen.see(order.amount);
    cell.last_seen.see(order.amount);
    // Too late on purpose: all of the above must be undone.
    if (order.amount === 0n) reject("a payment of nothing");
  },
});
