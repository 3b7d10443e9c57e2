#include "sorted.h"

static bf_value key_at(const bf_leaf *leaf, size_t stride, uint32_t place) {
    return *bf_key_of(leaf->entries + stride * place);
}

// The leaf that a key is in or belongs in: the last one that does not begin above it.
static uint32_t leaf_of(const bf_sorted *sorted, bf_type type, size_t stride, bf_value key) {
    uint32_t low = 0, high = sorted->leaf_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (bf_compare(type, key_at(&sorted->leaves[middle], stride, 0), key) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// Where a key is in a leaf, or belongs.
static uint32_t place_in(const bf_leaf *leaf, bf_type type, size_t stride, bf_value key, bool *is_there) {
    uint32_t low = 0, high = leaf->count;
    *is_there = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bf_compare(type, key_at(leaf, stride, middle), key);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void *bf_sorted_find(const bf_sorted *sorted, bf_type type, size_t size, bf_value key) {
    if (sorted->leaf_count == 0) {
        return NULL;
    }
    size_t stride = bf_stride(size);
    const bf_leaf *leaf = &sorted->leaves[leaf_of(sorted, type, stride, key)];
    bool is_there;
    uint32_t place = place_in(leaf, type, stride, key, &is_there);
    return is_there ? bf_payload_of(leaf->entries + stride * place) : NULL;
}

// An empty leaf at a place in the list.
static bf_leaf *open_leaf(bf_sorted *sorted, uint32_t at) {
    if (sorted->leaf_count == sorted->leaf_room) {
        uint32_t room = sorted->leaf_room ? sorted->leaf_room * 2 : 1;
        sorted->leaves = bf_grow(sorted->leaves, sorted->leaf_count * sizeof(bf_leaf), room * sizeof(bf_leaf));
        sorted->leaf_room = room;
    }
    memmove(sorted->leaves + at + 1, sorted->leaves + at, (sorted->leaf_count - at) * sizeof(bf_leaf));
    sorted->leaf_count++;
    sorted->leaves[at] = (bf_leaf){ 0 };
    return &sorted->leaves[at];
}

static void make_room(bf_leaf *leaf, size_t stride, uint32_t room) {
    if (leaf->room < room) {
        room = room < leaf->room * 2 ? leaf->room * 2 : room < 2 ? 2 : room;
        leaf->entries = bf_grow(leaf->entries, leaf->count * stride, room * stride);
        leaf->room = room;
    }
}

static void *insert(bf_leaf *leaf, size_t stride, uint32_t place, bf_value key) {
    make_room(leaf, stride, leaf->count + 1);
    uint8_t *at = leaf->entries + stride * place;
    memmove(at + stride, at, stride * (leaf->count - place));
    memset(at, 0, stride);
    *bf_key_of(at) = key;
    leaf->count++;
    return bf_payload_of(at);
}

void *bf_sorted_entry(bf_sorted *sorted, bf_type type, size_t size, bf_value key, bool *is_new) {
    size_t stride = bf_stride(size);
    if (sorted->leaf_count == 0) {
        open_leaf(sorted, 0);
    }
    uint32_t i = leaf_of(sorted, type, stride, key);
    bf_leaf *leaf = &sorted->leaves[i];
    bool is_there;
    uint32_t place = place_in(leaf, type, stride, key, &is_there);
    if (is_new) {
        *is_new = !is_there;
    }
    if (is_there) {
        return bf_payload_of(leaf->entries + stride * place);
    }
    if (leaf->count == BF_LEAF_MAX) {
        // In halves; or, behind all others, a leaf of its own, so that ascending keys fill leaves up.
        bool is_last = i + 1 == sorted->leaf_count && place == BF_LEAF_MAX;
        uint32_t kept = is_last ? BF_LEAF_MAX : BF_LEAF_MAX / 2;
        bf_leaf *next = open_leaf(sorted, i + 1);
        leaf = &sorted->leaves[i];
        if (!is_last) {
            make_room(next, stride, BF_LEAF_MAX);
            next->count = leaf->count - kept;
            memcpy(next->entries, leaf->entries + stride * kept, stride * next->count);
            leaf->count = kept;
        }
        if (place > kept || is_last) {
            leaf = next;
            place -= kept;
        }
    }
    sorted->count++;
    return insert(leaf, stride, place, key);
}

void *bf_sorted_push(bf_sorted *sorted, size_t size, bf_value key) {
    bf_leaf *last = sorted->leaf_count ? &sorted->leaves[sorted->leaf_count - 1] : NULL;
    if (!last || last->count == BF_LEAF_MAX) {
        last = open_leaf(sorted, sorted->leaf_count);
    }
    sorted->count++;
    return insert(last, bf_stride(size), last->count, key);
}

const bf_value *bf_sorted_last(const bf_sorted *sorted, size_t size) {
    if (sorted->count == 0) {
        return NULL;
    }
    const bf_leaf *last = &sorted->leaves[sorted->leaf_count - 1];
    return bf_key_of(last->entries + bf_stride(size) * (last->count - 1));
}
