// A transform over columns answers what the same over rows does.
#include <stdio.h>

#include "units.h"

static void columns_answer_what_rows_do(void) {
    static const char *const states[] = { "completed", "pending", "" };
    bf_bench *rows = bf_bench_new(&revenue_transform, "{}"), *columns = bf_bench_new(&revenue_of_columns_transform, "{}");
    for (int i = 0; i < 60; i++) {
        const char *order = bf_format("{\"ts\":\"2026-11-20T%02d:%02d:00Z\",\"merchant_id\":\"m-%d\",\"currency\":\"%s\","
                                      "\"amount\":%d.50,\"status\":\"%s\"}",
                                      (int)between(20, 22), (int)between(0, 59), (int)between(0, 3),
                                      between(0, 1) ? "EUR" : "USD", (int)between(0, 99), states[between(0, 2)]);
        bf_bench_append(rows, order);
        bf_bench_append(columns, order);
    }
    BF_EXPECT(bf_bench_rows(columns), bf_bench_rows(rows));
    BF_EXPECT(bf_bench_states(columns), bf_bench_states(rows));
    BF_EXPECT(bf_bench_laws(columns), "");
    BF_EXPECT(bf_bench_rejected(columns), "");
    bf_bench_append(columns, "{\"ts\":\"2026-11-20T20:00:00Z\",\"merchant_id\":\"m\",\"currency\":\"EUR\",\"amount\":-1,"
                             "\"status\":\"completed\"}");
    BF_EXPECT(bf_bench_rejected(columns), "{\"offset\":60,\"reason\":\"an order of less than nothing\"}\n");
    BF_EXPECT(bf_bench_rows(columns), bf_bench_rows(rows));
}

// A chunk that no host sends is an error and not a crash.
static void damaged_chunks_are_errors(void) {
    uint8_t times[16] = { 0 }, codes[8] = { 9, 0, 0, 0, 9, 0, 0, 0 }, amounts[16] = { 0 }, ends[4] = { 200, 0, 0, 0 };
    bf_column text = { .fixed = { codes, 8 } }, amount = { .fixed = { amounts, 16 } };
    bf_column broken = { .fixed = { codes, 8 }, .heap = { .ends = { ends, 4 } } };
    bf_column all[] = { text, text, amount, text }, wrong[] = { broken, text, amount, text };
    bf_folded folded;
    bf_text error;
    bf_events fine = { .times = { times, 16 }, .columns = { all, 4 } };
    BF_CHECK(bf_fold(&revenue_transform, bf_text_of("{}"), &fine, &folded, &error) && folded.cells.states.ends.len == 0);
    bf_events few = { .times = { times, 16 }, .columns = { all, 3 } };
    BF_CHECK(!bf_fold(&revenue_transform, bf_text_of("{}"), &few, &folded, &error));
    BF_EXPECT(error.at, "3 columns for 4 inputs");
    bf_events shorter = { .times = { times, 8 }, .columns = { all, 4 } };
    BF_CHECK(!bf_fold(&revenue_transform, bf_text_of("{}"), &shorter, &folded, &error));
    BF_EXPECT(error.at, "input 'merchant_id': 2 values for 1 rows");
    bf_events mixed = { .times = { times, 16 }, .columns = { wrong, 4 } };
    BF_CHECK(!bf_fold(&revenue_transform, bf_text_of("{}"), &mixed, &folded, &error));
    BF_EXPECT(error.at, "input 'merchant_id': its values do not follow each other");
}

void test_columns(void) {
    columns_answer_what_rows_do();
    damaged_chunks_are_errors();
}
