#define STATE_PARTS(X) X(sum, sum, integer) X(count, count)
#define ADD(cell, number) (bf_sum_add(&(cell)->sum, number), bf_count_add(&(cell)->count, 1))
#include "swipes.h"

BF_TRANSFORM(swipes_global, ON, .summary = "")
