// One transform, as the including file says: NAME, STATE_PARTS, ADD(cell, n), and members of `bf_transform`.
#include "bifocal.h"

#define SWIPE(X)             \
    X(text, card)            \
    X(optional_text, door)   \
    X(integer, n)            \
    X(optional_integer, at)
#define PAIR(X)              \
    X(text, a)               \
    X(optional_text, b)

BF_EVENT(swipe, SWIPE)
BF_KEY(pair, PAIR)
BF_STATE(numbers, STATE_PARTS)
BF_CELLS(pair, numbers)

static const char *on_swipe(const swipe *s, bf_cells *out) {
    if (s->n == 13) {
        return "13 before a cell";
    }
    numbers *cell = bf_cell_at(out, s->at.is_some ? s->at.value : bf_time(out), (pair){ s->card, s->door });
    ADD(cell, s->n);
    if (s->n == 14) {
        bf_cell(out, (pair){ .a = s->card });
        return bf_reject("%d after two cells", 14);
    }
    return BF_OK;
}

#define ON(X) X(swipe, on_swipe)
