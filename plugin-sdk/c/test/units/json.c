// Reading what a JSON field holds.
#include "units.h"

static bf_json json_of(const char *text) { return (bf_json){ text, (uint32_t)strlen(text) }; }

static const char *units(bf_json basket, int64_t *total) {
    bf_json_list items;
    BF_TRY(bf_json_open(basket, 3, &items));
    for (bf_json item; bf_json_next(&items, &item);) {
        bf_json quantity;
        int64_t count = 1;
        BF_TRY(bf_json_member(item, "quantity", &quantity));
        if (quantity.at) {
            BF_TRY(bf_json_integer(quantity, &count));
        }
        *total += count;
    }
    return BF_OK;
}

static void lists_and_members_are_read(void) {
    static const struct { const char *basket; int64_t total; const char *error; } known[] = {
        { " [ {\"sku\":\"a\"} , {\"sku\":\"b\",\"quantity\": 3 } ] ", 4, "" },
        { "[]", 0, "" },
        { "[{\"quantity\":1,\"quantity\":9}]", 9, "" },
        { "[{\"\\u0071uantity\":7},{\"quantity\":null}]", 8, "" },
        { "[{\"quantity\":\"3\"}]", 0, "expected an integer of 64 bits, found \"3\"" },
        { "[{\"quantity\":9223372036854775808}]", 0, "expected an integer of 64 bits, found 9223372036854775808" },
        { "[1]", 0, "expected an object, found 1" },
        { "{}", 0, "expected a list, found {}" },
        { "[{},{},{},{}]", 0, "expected a list of at most 3, found [{},{},{},{}]" },
        { "[{}", 0, "expected a list, found [{}" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t total = 0;
        const char *error = units(json_of(known[i].basket), &total);
        BF_EXPECT(error ? error : "", known[i].error);
        BF_CHECK(error || total == known[i].total);
    }
}

static void texts_are_unescaped(void) {
    static const struct { const char *json, *text; } known[] = {
        { "\"\"", "" }, { "\"a\\n\\\"\\\\\\/\"", "a\n\"\\/" }, { "\"\\u00e4\\u5546\\ud83c\\udfea\"", "ä商🏪" },
        { "\"\\ud800\"", NULL }, { "\"a", NULL }, { "7", NULL }, { "\"\x01\"", NULL }, { "\"\\x\"", NULL },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bf_text text;
        const char *error = bf_json_text(json_of(known[i].json), &text);
        BF_CHECK(known[i].text ? !error && bf_text_equal(text, bf_text_of(known[i].text)) : error != NULL);
    }
}

static void decimals_are_exact(void) {
    static const struct { const char *json; unsigned digits; bool fits; int64_t units; } known[] = {
        { "12.5", 2, true, 1250 }, { "\"-0.05\"", 2, true, -5 }, { "12.500", 2, true, 1250 }, { "12.505", 2, false, 0 },
        { "1e2", 2, false, 0 }, { "92233720368547758.07", 2, true, INT64_MAX }, { "92233720368547758.08", 2, false, 0 },
        { "-92233720368547758.08", 2, true, INT64_MIN }, { "99999999999999999999999999999999999999999999", 0, false, 0 },
        { "-", 0, false, 0 }, { ".5", 1, false, 0 }, { "5.", 1, false, 0 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t units = 0;
        const char *error = bf_json_decimal(json_of(known[i].json), known[i].digits, &units);
        BF_CHECK(!error == known[i].fits && (error || units == known[i].units));
    }
}

static void what_is_no_json_is_refused(void) {
    const char *const wrong[] = { "", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", "-", "nul", "[1 2]", "\"\\u12\"", "{1:2}", "[[]" };
    const char *const right[] = { "0", "-1.5e+3", "[1, [2], {\"a\":{}}]", "null", " true ", "\"\\u0000\"" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        BF_CHECK(!bf_json_is_valid(json_of(wrong[i])));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        BF_CHECK(bf_json_is_valid(json_of(right[i])));
    }
    // No depth makes the stack run out.
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    BF_CHECK(!bf_json_is_valid((bf_json){ deep, sizeof deep }));
    BF_CHECK(bf_json_is_valid((bf_json){ deep + 100, 200 }));
}

void test_json(void) {
    lists_and_members_are_read();
    texts_are_unescaped();
    decimals_are_exact();
    what_is_no_json_is_refused();
}
