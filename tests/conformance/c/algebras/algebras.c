// Every order-free algebra of the SDK over the same readings, by key and hour. For conformance: each SDK has
// this transform in its own words, and rows and states are compared.
#include <math.h>
#include <inttypes.h>

#include "bifocal.h"

#define READING(X)                 \
    X(text, key)                   \
    X(optional_integer, n)         \
    X(optional_decimal(2), d)      \
    X(optional_float, f)           \
    X(optional_text, t)            \
    X(optional_boolean, refuse)    \
    X(timestamp, time, "@time")    \
    X(integer, offset, "@offset")
#define KEY(X) X(text, key)
#define ALGEBRAS(X)                \
    X(count, count)                \
    X(sum, sum_n, integer)         \
    X(sum, sum_d, decimal(2))      \
    X(min, min_n, integer)         \
    X(max, max_n, integer)         \
    X(min, min_d, decimal(2))      \
    X(max, max_d, decimal(2))      \
    X(min, min_f, float)           \
    X(max, max_f, float)           \
    X(min, min_t, text)            \
    X(max, max_t, text)            \
    X(mean, mean_n, integer)       \
    X(mean, mean_d, decimal(2))    \
    X(first, first, text)          \
    X(last, last, text)            \
    X(last_n, last_3, text, 3)     \
    X(top_k, top_3, text, 3)       \
    X(set, set_t, text)            \
    X(set, set_n, integer)         \
    X(map, map_t, text, count)     \
    X(map, map_n, integer, sum, decimal(2)) \
    X(distinct, distinct_t, text)  \
    X(distinct, distinct_n, integer) \
    X(quantiles, quantiles_n, integer) \
    X(quantiles, quantiles_d, decimal(2)) \
    X(quantiles, quantiles_f, float) \
    X(exact_sum, exact_f)

BF_EVENT(reading, READING)
BF_KEY(place, KEY)
BF_STATE(sums, ALGEBRAS)
BF_CELLS(place, sums)

static const char *on_reading(const reading *r, bf_cells *out) {
    sums *cell = bf_cell(out, (place){ r->key });
    bf_count_add(&cell->count, 1);
    if (r->n.is_some) {
        int64_t n = r->n.value;
        bf_sum_add(&cell->sum_n, n);
        bf_min_see(&cell->min_n, n);
        bf_max_see(&cell->max_n, n);
        bf_mean_add(&cell->mean_n, n);
        bf_set_add(&cell->set_n, n);
        bf_distinct_add(&cell->distinct_n, n);
        bf_quantiles_add(&cell->quantiles_n, n);
    }
    if (r->d.is_some) {
        int64_t d = r->d.value;
        bf_sum_add(&cell->sum_d, d);
        bf_min_see(&cell->min_d, d);
        bf_max_see(&cell->max_d, d);
        bf_mean_add(&cell->mean_d, d);
        bf_quantiles_add(&cell->quantiles_d, d);
    }
    if (r->n.is_some && r->d.is_some) {
        bf_sum_add(bf_map_entry(&cell->map_n, r->n.value), r->d.value);
    }
    if (r->f.is_some) {
        bool is_unbounded = r->refuse.is_some && !r->refuse.value;
        double f = is_unbounded ? r->f.value * INFINITY : r->f.value; // what JSON cannot hold, and NaN of 0
        bf_min_see(&cell->min_f, f);
        bf_max_see(&cell->max_f, f);
        bf_quantiles_add(&cell->quantiles_f, f);
        bf_exact_sum_add(&cell->exact_f, f);
    }
    if (r->t.is_some) {
        bf_text t = r->t.value;
        bf_min_see(&cell->min_t, t);
        bf_max_see(&cell->max_t, t);
        bf_first_see(&cell->first, r->time, r->offset, t);
        bf_last_see(&cell->last, r->time, r->offset, t);
        bf_last_n_push(&cell->last_3, r->time, r->offset, t);
        bf_top_k_add(&cell->top_3, t);
        bf_set_add(&cell->set_t, t);
        bf_count_add(bf_map_entry(&cell->map_t, t), 1);
        bf_distinct_add(&cell->distinct_t, t);
    }
    // Too late on purpose: all of the above must be undone.
    if (r->refuse.is_some && r->refuse.value) {
        return r->n.is_some ? bf_reject("refused: n is %" PRId64, r->n.value) : "refused: n is absent";
    }
    return BF_OK;
}

#define ON(X) X(reading, on_reading)
BF_TRANSFORM(algebras, ON,
             .summary = "Every order-free algebra, by key and hour.", .window = BF_HOURS(1), .time = "at")
