// A sorted map in short leaves: what sets, maps, counts and histograms keep their entries in.
#ifndef BIFOCAL_SORTED_H
#define BIFOCAL_SORTED_H

#include "codec.h"

// Strictly ascending entries: a key, and behind it what belongs to it. All zero: empty.
typedef struct bf_sorted {
    struct bf_leaf *leaves;
    uint32_t leaf_count;
    uint32_t leaf_room;
    uint32_t count;
} bf_sorted;

// An insertion moves half a leaf and, once in half a leaf of insertions, half of the list of leaves.
// That is cheap up to millions of entries.
enum { BF_LEAF_MAX = 64 };

typedef struct bf_leaf {
    uint8_t *entries;
    uint32_t count;
    uint32_t room;
} bf_leaf;

// Bytes of an entry whose payload has `size` bytes.
static inline size_t bf_stride(size_t size) { return (sizeof(bf_value) + size + 7) & ~(size_t)7; }

static inline bf_value *bf_key_of(void *entry) { return entry; }
static inline void *bf_payload_of(void *entry) { return (uint8_t *)entry + sizeof(bf_value); }

// The payload of a key, NULL if it is not there.
void *bf_sorted_find(const bf_sorted *sorted, bf_type type, size_t size, bf_value key);

// The payload of a key, all zero if it is new. Valid until the next entry is asked for.
void *bf_sorted_entry(bf_sorted *sorted, bf_type type, size_t size, bf_value key, bool *is_new);

// Appends a key that is above all others; its payload is all zero.
void *bf_sorted_push(bf_sorted *sorted, size_t size, bf_value key);

// The greatest key, NULL if there is none.
const bf_value *bf_sorted_last(const bf_sorted *sorted, size_t size);

// Entries in their order: `for (bf_at at = { 0 }; (entry = bf_sorted_next(sorted, size, &at));)`.
typedef struct bf_at {
    uint32_t leaf;
    uint32_t place;
} bf_at;

static inline void *bf_sorted_next(const bf_sorted *sorted, size_t size, bf_at *at) {
    while (at->leaf < sorted->leaf_count) {
        const bf_leaf *leaf = &sorted->leaves[at->leaf];
        if (at->place < leaf->count) {
            return leaf->entries + bf_stride(size) * at->place++;
        }
        at->leaf++;
        at->place = 0;
    }
    return NULL;
}

#endif
