// Floats, times, decimals, hashes: against the C library and known values.
#include <stdio.h>
#include <stdlib.h>

#include "units.h"

static const char *shown_float(double value) {
    bf_output out = { 0 };
    bf_write_float(&out, value);
    return bf_written(&out);
}

// Digits of a text, without point, exponent and the zeros at either end.
static int significant(const char *text) {
    char digits[64];
    int count = 0, from = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9') {
            digits[count++] = *text;
        }
    }
    while (count > 0 && digits[count - 1] == '0') {
        count--;
    }
    while (from < count && digits[from] == '0') {
        from++;
    }
    return count - from;
}

// How many digits the C library needs for a text that reads back: never fewer than the shortest has, and more
// only where the nearest decimal of that length lies on the near side of a power of two.
static int needed(double value) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) {
            return significant(text);
        }
    }
    return 17;
}

static void check_float(double value) {
    const char *text = shown_float(value);
    int shown = significant(text), wanted = needed(value);
    bool is_power = (bf_bits(value) & ((UINT64_C(1) << 52) - 1)) == 0;
    if (strtod(text, NULL) != value || (is_power ? shown > wanted : shown != wanted)) {
        BF_EXPECT(bf_format("%s of %d digits", text, shown), bf_format("%.17g of %d digits", value, wanted));
    }
    // Of all decimals of that length it is the nearest.
    char nearest[40];
    snprintf(nearest, sizeof nearest, "%.*e", shown > 0 ? shown - 1 : 0, value);
    if (strtod(nearest, NULL) == value) {
        char ours[40];
        snprintf(ours, sizeof ours, "%.*e", shown > 0 ? shown - 1 : 0, strtod(text, NULL));
        BF_EXPECT(ours, nearest);
    }
}

static void floats_are_shortest_and_read_back(void) {
    static const struct { double value; const char *text; } known[] = {
        { 0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" }, { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" }, { 1e15, "1000000000000000.0" }, { 1e16, "1e16" },
        { 1.2345678901234568e17, "1.2345678901234568e17" }, { 1e-4, "0.0001" }, { 1e-5, "1e-5" }, { 1.5e-5, "1.5e-5" },
        { 9007199254740992, "9007199254740992.0" }, { 1e21, "1e21" }, { 1e23, "1e23" }, { 9.5367431640625e-7, "9.5367431640625e-7" },
        { 5.684341886080802e-14, "5.684341886080802e-14" }, { 100, "100.0" }, { 12345.678, "12345.678" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        BF_EXPECT(shown_float(known[i].value), known[i].text);
    }
    for (int i = 0; i < 20000; i++) {
        double value = bf_from_bits(dice());
        if (isfinite(value)) {
            check_float(value);
        }
        check_float(ldexp(1, (int)between(-1074, 1023)));
        check_float((double)between(-1000000, 1000000) / 100);
        if (i % 1000 == 0) {
            bf_release_all();
        }
    }
}

static void times_are_those_of_the_calendar(void) {
    static const struct { int64_t ms; const char *text; } known[] = {
        { 0, "1970-01-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59.999Z" }, { 951782400000, "2000-02-29T00:00:00Z" },
        { 1764000000001, "2025-11-24T16:00:00.001Z" }, { -62135596800000, "0001-01-01T00:00:00Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        BF_EXPECT(bf_show_timestamp(known[i].ms), known[i].text);
    }
}

static void hashes_are_those_of_the_reference(void) {
    static const char long_text[] = "Nobody inspects the spammish repetition";
    BF_CHECK(bf_xxh64("", 0) == UINT64_C(0xef46db3751d8e999));
    BF_CHECK(bf_xxh64("a", 1) == UINT64_C(0xd24ec4f1a98c6e5b));
    BF_CHECK(bf_xxh64("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
    BF_CHECK(bf_xxh64(long_text, sizeof long_text - 1) == UINT64_C(0xfbcea83c8a378bf1));
}

static void orders_are_total(void) {
    const double ascending[] = { -INFINITY, -1, -5e-324, -0.0, 0.0, 5e-324, 1, INFINITY, NAN };
    for (size_t i = 0; i < 9; i++) {
        for (size_t j = 0; j < 9; j++) {
            int order = bf_compare(BF_TYPE_float, BF_VALUE(ascending[i]), BF_VALUE(ascending[j]));
            BF_CHECK((i < j) == (order < 0) && (i == j) == (order == 0));
        }
    }
    BF_CHECK(bf_compare(BF_TYPE_u64, BF_VALUE(UINT64_MAX), BF_VALUE(1)) > 0);
    BF_CHECK(bf_compare(BF_TYPE_text, BF_VALUE("\xef\xbf\xbf"), BF_VALUE("\xf0\x9f\x8f\xaa")) < 0);
    BF_CHECK(bf_compare(BF_TYPE_text, BF_VALUE("a"), BF_VALUE("ab")) < 0);
}

static void sums_hold_128_bits(void) {
    bf_sum sum = { 0 };
    for (int i = 0; i < 3; i++) {
        bf_sum_add(&sum, INT64_MIN);
    }
    BF_CHECK(!bf_sum_get(&sum).is_some);
    bf_sum_subtract(&sum, INT64_MIN);
    bf_sum_subtract(&sum, INT64_MIN);
    BF_CHECK(bf_sum_get(&sum).is_some && bf_sum_get(&sum).value == INT64_MIN);
    bf_sum_add(&sum, UINT64_MAX);
    BF_CHECK(bf_sum_get(&sum).is_some && bf_sum_get(&sum).value == INT64_MAX);
}

void test_values(void) {
    floats_are_shortest_and_read_back();
    times_are_those_of_the_calendar();
    hashes_are_those_of_the_reference();
    orders_are_total();
    sums_hold_128_bits();
}
