// Hourly revenue per merchant and currency of completed orders, over whole columns.
#include "bifocal.h"

#define ORDER(X)          \
    X(text, merchant_id)  \
    X(text, currency)     \
    X(decimal(2), amount) \
    X(text, status)
#define MERCHANT(X)       \
    X(text, merchant_id)  \
    X(text, currency)
#define TOTALS(X)         \
    X(sum, amount, decimal(2)) \
    X(count, orders)      \
    X(max, largest, decimal(2))

BF_EVENT(order, ORDER)
BF_KEY(merchant, MERCHANT)
BF_STATE(totals, TOTALS)
BF_CELLS(merchant, totals)

static const char *on_orders(const order_columns *in, const int64_t *times, size_t from, size_t to, bf_cells *out) {
    uint32_t completed = bf_code_of(&in->status, "completed");
    for (size_t row = from; row < to; row++) {
        if (in->status.codes[row] == completed) {
            merchant key = { bf_text_at(&in->merchant_id, row), bf_text_at(&in->currency, row) };
            totals *cell = bf_cell_at(out, times[row], key);
            bf_sum_add(&cell->amount, in->amount.values[row]);
            bf_count_add(&cell->orders, 1);
            bf_max_see(&cell->largest, in->amount.values[row]);
        }
    }
    return BF_OK;
}

BF_TRANSFORM_OF_COLUMNS(revenue, order, on_orders, .window = BF_HOURS(1), .time = "ts",
                        .summary = "Hourly revenue per merchant and currency of completed orders.")
