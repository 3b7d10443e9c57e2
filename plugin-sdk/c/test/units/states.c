// States of the eight transforms: their bytes are canonical, damaged bytes are refused and never crash, an empty
// state is neutral.
#include <stdio.h>
#include <stdlib.h>

#include "units.h"

static bf_bytes encoded(const bf_state *state, const void *at) {
    bf_output out = { 0 };
    state->encode(at, &out);
    return (bf_bytes){ out.at, (uint32_t)out.length };
}

// False: refused.
static bool decoded(const bf_state *state, bf_bytes bytes, void *into) {
    bf_input in = bf_input_of(bytes.at, bytes.length);
    memset(into, 0, state->size);
    state->decode(into, &in);
    return bf_end_fault(&in) == NULL;
}

static bool is_same(bf_bytes a, bf_bytes b) { return a.length == b.length && memcmp(a.at, b.at, a.length) == 0; }

// What decodes is what would have been encoded.
static void check_canonical(const bf_state *state, bf_bytes bytes) {
    void *at = bf_alloc(state->size);
    if (decoded(state, bytes, at)) {
        BF_CHECK(is_same(encoded(state, at), bytes));
    }
}

static void check_state(const bf_state *state, bf_bytes bytes) {
    void *at = bf_alloc(state->size), *empty = bf_alloc_zero(1, state->size);
    BF_CHECK(decoded(state, bytes, at) && is_same(encoded(state, at), bytes));
    for (uint32_t length = 0; length < bytes.length; length++) {
        BF_CHECK(!decoded(state, (bf_bytes){ bytes.at, length }, at));
    }
    uint8_t *damaged = bf_alloc(bytes.length + 1);
    memcpy(damaged, bytes.at, bytes.length);
    damaged[bytes.length] = 0;
    BF_CHECK(!decoded(state, (bf_bytes){ damaged, bytes.length + 1 }, at));
    for (int i = 0; i < 300 && bytes.length > 0; i++) {
        memcpy(damaged, bytes.at, bytes.length);
        for (int64_t flips = between(1, 3); flips > 0; flips--) {
            damaged[between(0, bytes.length - 1)] = (uint8_t)dice();
        }
        check_canonical(state, (bf_bytes){ damaged, bytes.length });
    }
    BF_CHECK(decoded(state, bytes, at));
    BF_CHECK(state->merge(empty, at) == BF_OK && is_same(encoded(state, empty), bytes));
    memset(empty, 0, state->size);
    BF_CHECK(decoded(state, bytes, at));
    BF_CHECK(state->merge(at, empty) == BF_OK && is_same(encoded(state, at), bytes));
}

static uint8_t digit_of(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

static void check_all(const bf_transform *of, const bf_bench *bench) {
    const char *states = bf_bench_states(bench);
    int count = 0;
    for (const char *at = states; (at = strstr(at, "\"state\":\"")); count++) {
        bf_output bytes = { 0 };
        for (at += 9; *at != '"'; at += 2) {
            bf_put_u8(&bytes, (uint8_t)(digit_of(at[0]) << 4 | digit_of(at[1])));
        }
        bf_bytes state = { bytes.at, (uint32_t)bytes.length };
        // Anchored ones stand at the left alone.
        if (!bf_state_is_anchored(of->cells->state)) {
            check_state(of->cells->state, state);
        } else {
            check_canonical(of->cells->state, state);
        }
    }
    BF_CHECK(count > 0);
}

static void readings(bf_bench *bench, int count) {
    static const char *const texts[] = { "", "a", "b", "aa", "ä", "商店", "🏪" };
    static const char *const floats[] = { "0.0", "-0.0", "1e300", "-1e300", "0.1", "5e-324", "1e16", "-1.5" };
    for (int i = 0; i < count; i++) {
        bf_bench_append(bench, bf_format("{\"at\":\"2026-01-01T%02d:00:00Z\",\"key\":\"k%d\",\"n\":%lld,\"d\":%lld.25,"
                                         "\"f\":%s,\"t\":\"%s\",\"refuse\":%s}",
                                         (int)between(0, 1), (int)between(0, 1), (long long)between(-300, 300),
                                         (long long)between(0, 9), floats[between(0, 7)], texts[between(0, 6)],
                                         between(0, 20) ? "false" : "true"));
    }
}

static void states_of_every_algebra_are_canonical(void) {
    for (int round = 0; round < 10; round++) {
        bf_bench *bench = bf_bench_new(&algebras_transform, "{}");
        readings(bench, 25);
        BF_EXPECT(bf_bench_laws(bench), "");
        check_all(&algebras_transform, bench);
        bf_release_all();
    }
}

static void states_of_machines_are_canonical(void) {
    bf_bench *bench = bf_bench_new(&fraud_transform, "{}");
    for (int i = 0; i < 60; i++) {
        bf_bench_append(bench, bf_format("{\"ts\":\"2026-01-01T10:%02d:00Z\",\"card_id\":\"c%d\",\"amount\":%d,\"status\":\"%s\"}",
                                         (int)between(0, 30), (int)between(0, 1), (int)between(0, 99),
                                         between(0, 3) ? "declined" : "approved"));
    }
    check_all(&fraud_transform, bench);
    BF_EXPECT(bf_bench_laws(bench), "");
}

static void an_anchored_state_stands_at_the_left(void) {
    bf_description says;
    bf_text error;
    BF_CHECK(bf_describe(&fraud_transform, bf_text_of("{}"), &says, &error) && says.initial.is_some);
    const bf_state *state = fraud_transform.cells->state;
    void *left = bf_alloc(state->size), *right = bf_alloc(state->size);
    bf_bytes initial = { says.initial.val.ptr, (uint32_t)says.initial.val.len };
    BF_CHECK(decoded(state, initial, left) && decoded(state, initial, right));
    BF_EXPECT(state->merge(left, right), BF_ANCHORED_RIGHT);
}

// The exact sum against sums of integers, which doubles below 2^53 hold exactly in any order.
static void exact_sums_are_exact(void) {
    for (int round = 0; round < 200; round++) {
        bf_exact_sum sum = { 0 }, other = { 0 };
        __int128 straight = 0; // in units of 2^-20
        for (int i = 0; i < 2000; i++) {
            int64_t units = between(-(INT64_C(1) << 52), INT64_C(1) << 52);
            bf_exact_sum_add(i % 3 ? &sum : &other, ldexp((double)units, -20));
            straight += units;
        }
        bf_exact_sum_merge(&sum, &other, NULL);
        BF_CHECK(bf_exact_sum_get(&sum).value == ldexp((double)straight, -20));
    }
    bf_exact_sum sum = { 0 };
    bf_exact_sum_add(&sum, 1.7976931348623157e308);
    bf_exact_sum_add(&sum, 1.7976931348623157e308);
    BF_CHECK(!bf_exact_sum_get(&sum).is_some);
    bf_exact_sum_add(&sum, -1.7976931348623157e308);
    bf_exact_sum_add(&sum, 5e-324);
    BF_CHECK(bf_exact_sum_get(&sum).value == 1.7976931348623157e308);
    bf_exact_sum_add(&sum, -1.7976931348623157e308);
    BF_CHECK(bf_exact_sum_get(&sum).value == 5e-324);
    bf_exact_sum_add(&sum, INFINITY);
    BF_CHECK(bf_exact_sum_get(&sum).value == INFINITY);
    bf_exact_sum_add(&sum, -INFINITY);
    BF_CHECK(bf_bits(bf_exact_sum_get(&sum).value) == BF_NAN_BITS);
    bf_release_all();
}

// Within four standard errors of the truth, sparse and dense.
static void estimates_are_near(void) {
    for (int64_t many = 10; many <= 100000; many *= 10) {
        bf_distinct distinct = { 0 };
        for (int64_t i = 0; i < many; i++) {
            bf_distinct_see_(&distinct, 12, bf_hash(BF_TYPE_integer, BF_VALUE(i)));
        }
        double error = (double)bf_distinct_estimate_(&distinct, 12) / (double)many - 1;
        BF_CHECK(error < 0.065 && error > -0.065);
        bf_release_all();
    }
}

// Whether bytes decode as a part that is declared so: X(part, name, …).
static bool decodes(const bf_part_ops *ops, bf_spec spec, const uint8_t *bytes, size_t length) {
    uint64_t part[32] = { 0 };
    bf_input in = bf_input_of(bytes, length);
    ops->decode(part, &spec, &in);
    return bf_end_fault(&in) == NULL;
}

#define DECODES(part, spec_, ...)                                     \
    decodes(&bf_##part##_ops, (bf_spec)spec_, (const uint8_t[]){ __VA_ARGS__ }, \
            sizeof(const uint8_t[]){ __VA_ARGS__ })

static void what_does_not_ascend_is_refused(void) {
    BF_CHECK(DECODES(set, BF_SPEC_set(u8), 2, 7, 8));
    BF_CHECK(!DECODES(set, BF_SPEC_set(u8), 2, 7, 7));
    BF_CHECK(!DECODES(set, BF_SPEC_set(u8), 2, 8, 7));
    BF_CHECK(DECODES(set, BF_SPEC_set(text), 2, 1, 'a', 2, 'a', 'b'));
    BF_CHECK(!DECODES(set, BF_SPEC_set(text), 1, 1, 0xff)); // no UTF-8
    BF_CHECK(DECODES(top_k, BF_SPEC_top_k(u8, 3), 2, 7, 0, 8, 5));
    BF_CHECK(!DECODES(top_k, BF_SPEC_top_k(u8, 3), 2, 8, 0, 7, 5));
    BF_CHECK(DECODES(map, BF_SPEC_map(u8, max, u8), 2, 7, 0, 8, 1, 5));
    BF_CHECK(!DECODES(map, BF_SPEC_map(u8, max, u8), 2, 8, 0, 7, 1, 5));
    BF_CHECK(!DECODES(map, BF_SPEC_map(u8, max, u8), 1, 8, 2)); // an option is 0 or 1
    BF_CHECK(!DECODES(last_n, BF_SPEC_last_n(u8, 1), 2, 0));
    BF_CHECK(!DECODES(set, BF_SPEC_set(u8), 0xff, 0xff, 0xff, 0xff, 0x0f, 1));
    BF_CHECK(!DECODES(set, BF_SPEC_set(u8), 0x81, 0x00, 7)); // a padded length
    BF_CHECK(!DECODES(max, BF_SPEC_max(boolean), 1, 2));
    BF_CHECK(!DECODES(max, BF_SPEC_max(float), 1, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f)); // another NaN
    BF_CHECK(!DECODES(exact_sum, BF_SPEC_exact_sum(), 8, 0, 0));
    BF_CHECK(!DECODES(exact_sum, BF_SPEC_exact_sum(), 0, 1, 0));
    BF_CHECK(!DECODES(exact_sum, BF_SPEC_exact_sum(), 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0));
    BF_CHECK(!DECODES(quantiles, BF_SPEC_quantiles(integer), 1, 2, 0)); // a bucket without an integer
    BF_CHECK(!DECODES(mean, BF_SPEC_mean(integer), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

static void registers_that_no_hash_sets_are_refused(void) {
    BF_CHECK(DECODES(distinct, BF_SPEC_distinct(integer), 1, 5, 0, 1));
    BF_CHECK(DECODES(distinct, BF_SPEC_distinct(integer), 1, 0xff, 0x0f, 53));
    BF_CHECK(!DECODES(distinct, BF_SPEC_distinct(integer), 1, 5, 0, 0));      // keeps nothing
    BF_CHECK(!DECODES(distinct, BF_SPEC_distinct(integer), 1, 5, 0, 54));     // more than 64 bits
    BF_CHECK(!DECODES(distinct, BF_SPEC_distinct(integer), 1, 0, 0x10, 1));   // beyond the last
    BF_CHECK(!DECODES(distinct, BF_SPEC_distinct(integer), 2, 5, 0, 1, 5, 0, 1));
    bf_distinct dense = { 0 };
    const bf_spec spec = { .type = BF_TYPE_integer, .n = 12 };
    for (int64_t i = 0; i < 3000; i++) {
        bf_distinct_see_(&dense, 12, bf_hash(BF_TYPE_integer, BF_VALUE(i)));
    }
    bf_output out = { 0 };
    bf_distinct_encode(&dense, &spec, &out);
    BF_CHECK(out.length == 2 + 3072 && decodes(&bf_distinct_ops, spec, out.at, out.length));
    out.at[0] ^= 1; // another number of registers in use
    BF_CHECK(!decodes(&bf_distinct_ops, spec, out.at, out.length));
}

// The quantile against the value at its rank of all values, sorted.
static void quantiles_are_within_their_error(void) {
    for (int round = 0; round < 50; round++) {
        bf_quantiles quantiles = { 0 };
        int64_t all[200];
        for (int i = 0; i < 200; i++) {
            int64_t value = between(-100000, 100000), at = i;
            for (; at > 0 && all[at - 1] > value; at--) {
                all[at] = all[at - 1];
            }
            all[at] = value;
            bf_quantiles_add_(&quantiles, BF_TYPE_integer, 7, BF_VALUE(value), 1);
        }
        for (int percent = 1; percent <= 100; percent++) {
            int64_t exact = all[percent * 2 - 1];
            int64_t got = bf_quantiles_integer_(&quantiles, BF_TYPE_integer, 7, percent / 100.0).value;
            BF_CHECK(llabs(got - exact) * 256 <= llabs(exact) + 255);
        }
    }
    bf_release_all();
}

void test_states(void) {
    states_of_every_algebra_are_canonical();
    states_of_machines_are_canonical();
    an_anchored_state_stands_at_the_left();
    exact_sums_are_exact();
    what_does_not_ascend_is_refused();
    estimates_are_near();
    registers_that_no_hash_sets_are_refused();
    quantiles_are_within_their_error();
}
