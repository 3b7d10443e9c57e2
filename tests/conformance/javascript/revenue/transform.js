// Hourly revenue per merchant and currency of completed orders.

import { count, decimal, max, sum, text, transform } from "../../../../plugin-sdk/javascript/index.js";

export default transform({
  name: "revenue",
  summary: "Hourly revenue per merchant and currency of completed orders.",
  window: "1h",
  time: "ts",
  event: { merchant_id: text, currency: text, amount: decimal(2), status: text },
  key: { merchant_id: text, currency: text },
  state: { amount: sum(decimal(2)), orders: count(), largest: max(decimal(2)) },
  fold(order, cells) {
    if (order.status === "completed") {
      const cell = cells.cell(order);
      cell.amount.add(order.amount);
      cell.orders.add();
      cell.largest.see(order.amount);
    }
  },
});
