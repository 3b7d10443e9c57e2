// What this transform answers, in a sentence.
//
// `bifocal test .` runs the fixtures, `bifocal check` proves the laws, `make test` runs the tests.
#include "bifocal.h"

// One event: the fields that are read; `optional_integer` if a field may be absent.
#define VISIT(X)        \
    X(text, page)       \
    X(integer, seconds)

// What rows are keyed by, beside the window.
#define PAGE(X)         \
    X(text, page)

// What is kept for each key and window: parts that merge lawfully.
#define VISITS(X)       \
    X(count, visits)    \
    X(sum, seconds, integer) \
    X(max, longest, integer)

BF_EVENT(visit, VISIT)
BF_KEY(page, PAGE)
BF_STATE(visits, VISITS)
BF_CELLS(page, visits)

static const char *on_visit(const visit *v, bf_cells *out) {
    if (v->seconds < 0) {
        return "a visit cannot be shorter than nothing";
    }
    visits *cell = bf_cell(out, (page){ v->page });
    bf_count_add(&cell->visits, 1);
    bf_sum_add(&cell->seconds, v->seconds);
    bf_max_see(&cell->longest, v->seconds);
    return BF_OK;
}

#define ON(X) X(visit, on_visit)
BF_TRANSFORM({{function}}, ON, .name = "{{name}}", .window = BF_HOURS(1), .time = "at")
