// The revenue of orders once more, over columns: what README.md shows of them.
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

static const char *fold_orders(const order_columns *in, const int64_t *times, size_t from, size_t to, bf_cells *out) {
    uint32_t completed = bf_code_of(&in->status, "completed");
    for (size_t row = from; row < to; row++) {
        if (in->status.codes[row] != completed) {
            continue;
        }
        int64_t amount = in->amount.values[row];
        if (amount < 0) {
            bf_reject_row(out, row, "an order of less than nothing");
            continue;
        }
        merchant key = { bf_text_at(&in->merchant_id, row), bf_text_at(&in->currency, row) };
        totals *cell = bf_cell_at(out, times[row], key);
        bf_sum_add(&cell->amount, amount);
        bf_count_add(&cell->orders, 1);
        bf_max_see(&cell->largest, amount);
    }
    return BF_OK;
}

BF_TRANSFORM_OF_COLUMNS(revenue_of_columns, order, fold_orders, .window = BF_HOURS(1), .time = "ts")
