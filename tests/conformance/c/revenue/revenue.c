// Hourly revenue per merchant and currency of completed orders.
#include "bifocal.h"

#define ORDER(X)             \
    X(text, merchant_id)     \
    X(text, currency)        \
    X(decimal(2), amount)    \
    X(text, status)
#define MERCHANT(X)          \
    X(text, merchant_id)     \
    X(text, currency)
#define TOTALS(X)            \
    X(sum, amount, decimal(2)) \
    X(count, orders)         \
    X(max, largest, decimal(2))

BF_EVENT(order, ORDER)
BF_KEY(merchant, MERCHANT)
BF_STATE(totals, TOTALS)
BF_CELLS(merchant, totals)

static const char *on_order(const order *o, bf_cells *out) {
    if (bf_is(o->status, "completed")) {
        totals *cell = bf_cell(out, (merchant){ o->merchant_id, o->currency });
        bf_sum_add(&cell->amount, o->amount);
        bf_count_add(&cell->orders, 1);
        bf_max_see(&cell->largest, o->amount);
    }
    return BF_OK;
}

#define ON(X) X(order, on_order)
BF_TRANSFORM(revenue, ON,
             .summary = "Hourly revenue per merchant and currency of completed orders.",
             .window = BF_HOURS(1), .time = "ts")
