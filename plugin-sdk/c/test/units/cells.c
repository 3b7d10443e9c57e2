// Cells against a straight loop: keys that may be absent, windows that overlap, times of the event's own,
// rejections before and after a cell was asked for.
#include <stdio.h>

#include "units.h"

extern const bf_transform swipes_global_transform, swipes_tumbling_transform, swipes_hopping_free_transform,
    swipes_hopping_in_order_transform;

enum { ROWS = 24 };

typedef struct row {
    int64_t time, n, at;
    const char *card, *door; // NULL: absent
    bool has_at;
} row;

static row random_row(void) {
    static const char *const cards[] = { "", "a", "b", "ab" }, *const doors[] = { NULL, "a", "b" };
    return (row){ .time = between(-40, 39), .n = between(10, 19), .at = between(-40, 39), .has_at = between(0, 4) == 0,
                  .card = cards[between(0, 3)], .door = doors[between(0, 2)] };
}

static bool is_same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

// The rows as the bench prints them, by plain loops over keys in their order and window starts.
static const char *straight(const row *rows, int64_t size, int64_t slide, bool in_order) {
    static const char *const cards[] = { "", "a", "ab", "b" }, *const doors[] = { NULL, "a", "b" };
    bf_output out = { 0 };
    for (int c = 0; c < 4; c++) {
        for (int d = 0; d < 3; d++) {
            for (int64_t start = size ? -100 : 0; start <= (size ? 100 : 0); start += slide) {
                int64_t sum = 0, count = 0, first = 0, last = 0;
                for (int i = 0; i < ROWS; i++) {
                    int64_t time = rows[i].has_at ? rows[i].at : rows[i].time;
                    bool is_in = !size || (time >= start && time < start + size);
                    if (rows[i].n == 13 || rows[i].n == 14 || !is_in || !is_same_text(rows[i].card, cards[c])
                        || !is_same_text(rows[i].door, doors[d])) {
                        continue;
                    }
                    first = count ? first : rows[i].n;
                    last = rows[i].n;
                    sum += rows[i].n;
                    count++;
                }
                if (!count) {
                    continue;
                }
                const char *door = doors[d] ? bf_format("\"%s\"", doors[d]) : "null";
                const char *window = size ? bf_format("\"window\":\"%s\",", bf_show_timestamp(start)) : "";
                const char *shown = in_order
                    ? bf_format("\"first\":%d,\"last\":%d,\"sum\":%d", (int)first, (int)last, (int)sum)
                    : bf_format("\"sum\":%d,\"count\":%d", (int)sum, (int)count);
                bf_write(&out, bf_format("{\"a\":\"%s\",\"b\":%s,%s%s}\n", cards[c], door, window, shown));
            }
        }
    }
    return bf_written(&out);
}

static void check(const bf_transform *of, const row *rows, int64_t size, int64_t slide, bool in_order) {
    bf_bench *bench = bf_bench_new(of, "{}");
    bf_output rejected = { 0 };
    for (int i = 0; i < ROWS; i++) {
        const char *door = rows[i].door ? bf_format("\"%s\"", rows[i].door) : "null";
        const char *at = rows[i].has_at ? bf_format("%d", (int)rows[i].at) : "null";
        bf_bench_append_at(bench, rows[i].time, bf_format("{\"card\":\"%s\",\"door\":%s,\"n\":%d,\"at\":%s}", rows[i].card,
                                                          door, (int)rows[i].n, at));
        if (rows[i].n == 13 || rows[i].n == 14) {
            bf_write(&rejected, bf_format("{\"offset\":%d,\"reason\":\"%s\"}\n", i,
                                          rows[i].n == 13 ? "13 before a cell" : "14 after two cells"));
        }
    }
    BF_EXPECT(bf_bench_rows(bench), straight(rows, size, slide, in_order));
    BF_EXPECT(bf_bench_rejected(bench), bf_written(&rejected));
    BF_EXPECT(bf_bench_laws(bench), "");
}

void test_cells(void) {
    for (int round = 0; round < 40; round++) {
        row rows[ROWS];
        for (int i = 0; i < ROWS; i++) {
            rows[i] = random_row();
        }
        check(&swipes_global_transform, rows, 0, 1, false);
        check(&swipes_tumbling_transform, rows, 10, 10, false);
        check(&swipes_hopping_free_transform, rows, 20, 5, false);
        check(&swipes_hopping_in_order_transform, rows, 20, 5, true);
        bf_release_all();
    }
}
