#define STATE_PARTS(X) X(first_seen, first, integer) X(last_seen, last, integer) X(sum, sum, integer)
#define ADD(cell, number)                        \
    do {                                         \
        bf_first_seen_see(&(cell)->first, number); \
        bf_last_seen_see(&(cell)->last, number);   \
        bf_sum_add(&(cell)->sum, number);        \
    } while (0)
#include "swipes.h"

BF_TRANSFORM(swipes_hopping_in_order, ON, .summary = "", .window = BF_HOPPING(20, 5))
