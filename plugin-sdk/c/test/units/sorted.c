// The sorted map against a straight search, and blocks of the arena that grow.
#include "units.h"

enum { KEYS = 5000 };

static void entries_are_found_and_ascend(void) {
    static uint64_t straight[KEYS];
    memset(straight, 0, sizeof straight);
    bf_sorted sorted = { 0 };
    for (int i = 0; i < 4 * KEYS; i++) {
        // Half of it ascending, as decoding and times are.
        int64_t key = i % 2 ? between(0, KEYS - 1) : i / 4;
        bool is_new;
        uint64_t *count = bf_sorted_entry(&sorted, BF_TYPE_integer, sizeof *count, BF_VALUE(key), &is_new);
        BF_CHECK(is_new == (straight[key] == 0) && *count == straight[key]);
        *count += 1;
        straight[key]++;
    }
    int64_t last = -1;
    uint32_t found = 0;
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&sorted, sizeof(uint64_t), &at)); found++) {
        int64_t key = bf_key_of(entry)->number;
        BF_CHECK(key > last && *(uint64_t *)bf_payload_of(entry) == straight[key]);
        last = key;
    }
    BF_CHECK(found == sorted.count && bf_sorted_last(&sorted, sizeof(uint64_t))->number == last);
    BF_CHECK(bf_sorted_find(&sorted, BF_TYPE_integer, sizeof(uint64_t), BF_VALUE(-1)) == NULL);
}

static void blocks_keep_what_they_hold(void) {
    uint8_t *first = bf_copy("first", 6), *grown = NULL, *other = NULL;
    for (size_t size = 0; size < 100000; size += 777) {
        grown = bf_grow(grown, size, size + 777);
        memset(grown + size, (int)(size % 251), 777);
        other = size % 2 ? bf_alloc(5) : other;
    }
    for (size_t size = 0; size < 100000; size += 777) {
        BF_CHECK(grown[size] == size % 251 && grown[size + 776] == size % 251);
    }
    BF_CHECK(strcmp((char *)first, "first") == 0 && (uintptr_t)grown % 16 == 0);
}

void test_sorted(void) {
    entries_are_found_and_ascend();
    blocks_keep_what_they_hold();
}
