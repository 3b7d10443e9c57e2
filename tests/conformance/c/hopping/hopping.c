// Payments of a merchant in the hour up to each quarter: hopping windows, two types of events of one stream, a
// key that may be absent, and rejections of what has been added already.
#include "bifocal.h"

#define PAYMENT(X)                \
    X(optional_text, merchant_id) \
    X(decimal(2), amount)         \
    X(timestamp, time, "@time")   \
    X(integer, offset, "@offset")
#define MERCHANT(X) X(optional_text, merchant_id)
#define PAYMENTS(X)               \
    X(count, payments)            \
    X(count, refunds)             \
    X(sum, paid, decimal(2))      \
    X(min, smallest, decimal(2))  \
    X(first, first, decimal(2))   \
    X(last, last, decimal(2))     \
    X(first_seen, first_seen, decimal(2)) \
    X(last_seen, last_seen, decimal(2))

BF_EVENT(payment, PAYMENT)
BF_KEY(merchant, MERCHANT)
BF_STATE(payments, PAYMENTS)
BF_CELLS(merchant, payments)

static const char *see(payments *cell, const payment *p) {
    bf_first_see(&cell->first, p->time, p->offset, p->amount);
    bf_last_see(&cell->last, p->time, p->offset, p->amount);
    bf_first_seen_see(&cell->first_seen, p->amount);
    bf_last_seen_see(&cell->last_seen, p->amount);
    // Too late on purpose: what was added must be undone.
    return p->amount == 0 ? "a payment of nothing" : BF_OK;
}

static const char *on_paid(const payment *p, bf_cells *out) {
    payments *cell = bf_cell(out, (merchant){ p->merchant_id });
    bf_count_add(&cell->payments, 1);
    bf_sum_add(&cell->paid, p->amount);
    bf_min_see(&cell->smallest, p->amount);
    return see(cell, p);
}

static const char *on_refunded(const payment *p, bf_cells *out) {
    payments *cell = bf_cell(out, (merchant){ p->merchant_id });
    bf_count_add(&cell->refunds, 1);
    return see(cell, p);
}

#define ON(X)                       \
    X(payment, on_paid, "completed") \
    X(payment, on_refunded, "refunded")
BF_TRANSFORM(hopping, ON, .tag = "status", .window = BF_HOPPING(60 * 60000, 15 * 60000))
