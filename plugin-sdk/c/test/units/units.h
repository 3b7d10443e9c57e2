// Tests of the SDK itself, natively.
#ifndef UNITS_H
#define UNITS_H

#include "src/testing.h"

extern const bf_transform algebras_transform, kinds_transform, sequence_transform, hopping_transform,
    revenue_transform, flights_transform, fraud_transform, earnings_transform, revenue_of_columns_transform,
    bots_transform;

void test_values(void);
void test_json(void);
void test_sorted(void);
void test_states(void);
void test_cells(void);
void test_columns(void);
void test_settings(void);
void test_readme(void);

// Random numbers that are the same in each run. Source: S. Vigna, "splitmix64".
static inline uint64_t dice(void) {
    static uint64_t state = 42;
    uint64_t word = state += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

static inline int64_t between(int64_t least, int64_t most) {
    return least + (int64_t)(dice() % (uint64_t)(most - least + 1));
}

#endif
