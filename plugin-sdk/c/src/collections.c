// Sets, counted values, last values, maps: parts that grow with what they hold.
#include <stdlib.h>

#include "parts.h"

static void begin_list(bf_output *json, const char *open) {
    *json = (bf_output){ 0 };
    bf_write(json, open);
}

static bf_datum end_list(bf_output *json, const char *close) {
    bf_write(json, close);
    return (bf_datum){ .value = { .at = json->at, .length = (uint32_t)json->length } };
}

static const char *write_value(bf_output *json, bf_type type, bf_value value) {
    bf_datum datum;
    BF_TRY(bf_datum_of(type, value, &datum));
    bf_write_datum(json, type, &datum);
    return BF_OK;
}

// The next key of what ascends.
static bf_value take_key(bf_input *in, const bf_sorted *sorted, size_t size, bf_type type, const char *fault) {
    bf_value key = bf_take_value(in, type);
    const bf_value *last = bf_sorted_last(sorted, size);
    if (!in->fault && last && bf_compare(type, *last, key) >= 0) {
        bf_fault(in, fault);
    }
    return key;
}

static uint64_t capped_sum(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

// ---- set ----

void bf_set_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_sorted *values = &((const bf_set *)part)->values;
    bf_put_varint(out, values->count);
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(values, 0, &at));) {
        bf_put_value(out, spec->type, *bf_key_of(entry));
    }
}

void bf_set_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_sorted *values = &((bf_set *)part)->values;
    for (size_t left = bf_take_length(in); left > 0 && !in->fault; left--) {
        bf_value key = take_key(in, values, 0, spec->type, "malformed state: a set that does not ascend");
        if (!in->fault) {
            bf_sorted_push(values, 0, key);
        }
    }
}

const char *bf_set_merge(void *left, void *right, const bf_spec *spec) {
    bf_sorted *into = &((bf_set *)left)->values, *from = &((bf_set *)right)->values;
    if (into->count == 0) {
        *into = *from;
        return BF_OK;
    }
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(from, 0, &at));) {
        bf_sorted_entry(into, spec->type, 0, *bf_key_of(entry), NULL);
    }
    return BF_OK;
}

static const char *present_set(const void *part, const bf_spec *spec, bf_datum *datum) {
    (void)spec;
    *datum = (bf_datum){ .value = BF_VALUE((int64_t)((const bf_set *)part)->values.count) };
    return BF_OK;
}

const bf_part_ops bf_set_ops = {
    bf_set_encode, bf_set_decode, bf_set_merge, present_set, bf_shown_integer_, bf_yes_, NULL, NULL,
};

// ---- top_k ----

void bf_top_k_add_(bf_top_k *top, bf_type type, bf_value value, uint64_t times) {
    if (times > 0) {
        uint64_t *count = bf_sorted_entry(&top->counts, type, sizeof *count, value, NULL);
        *count = capped_sum(*count, times);
    }
}

void bf_top_k_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_sorted *counts = &((const bf_top_k *)part)->counts;
    bf_put_varint(out, counts->count);
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(counts, sizeof(uint64_t), &at));) {
        bf_put_value(out, spec->type, *bf_key_of(entry));
        bf_put_varint(out, *(uint64_t *)bf_payload_of(entry) - 1);
    }
}

void bf_top_k_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_sorted *counts = &((bf_top_k *)part)->counts;
    for (size_t left = bf_take_length(in); left > 0 && !in->fault; left--) {
        bf_value key = take_key(in, counts, sizeof(uint64_t), spec->type,
                                "malformed state: counted values that do not ascend");
        uint64_t count = bf_take_varint(in);
        if (count == UINT64_MAX) {
            bf_fault(in, "malformed state: a count of 2^64");
        }
        if (!in->fault) {
            *(uint64_t *)bf_sorted_push(counts, sizeof(uint64_t), key) = count + 1;
        }
    }
}

const char *bf_top_k_merge(void *left, void *right, const bf_spec *spec) {
    bf_top_k *into = left, *from = right;
    if (into->counts.count == 0) {
        *into = *from;
        return BF_OK;
    }
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&from->counts, sizeof(uint64_t), &at));) {
        bf_top_k_add_(into, spec->type, *bf_key_of(entry), *(uint64_t *)bf_payload_of(entry));
    }
    return BF_OK;
}

// A counted value and its rank among values.
typedef struct counted {
    bf_value value;
    uint64_t count;
    uint32_t rank;
} counted;

static int more_frequent(const void *a, const void *b) {
    const counted *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static const char *present_top_k(const void *part, const bf_spec *spec, bf_datum *datum) {
    const bf_sorted *counts = &((const bf_top_k *)part)->counts;
    counted *all = bf_alloc(counts->count * sizeof *all);
    uint32_t count = 0;
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(counts, sizeof(uint64_t), &at)); count++) {
        all[count] = (counted){ *bf_key_of(entry), *(uint64_t *)bf_payload_of(entry), count };
    }
    if (count > 0) {
        qsort(all, count, sizeof *all, more_frequent);
    }
    bf_output json;
    begin_list(&json, "[");
    for (uint32_t i = 0; i < count && i < spec->n; i++) {
        bf_write(&json, i ? ",[" : "[");
        BF_TRY(write_value(&json, spec->type, all[i].value));
        bf_write(&json, ",");
        BF_TRY(write_value(&json, BF_TYPE_u64, BF_VALUE(all[i].count)));
        bf_write(&json, "]");
    }
    *datum = end_list(&json, "]");
    return BF_OK;
}

const bf_part_ops bf_top_k_ops = {
    bf_top_k_encode, bf_top_k_decode, bf_top_k_merge, present_top_k, bf_shown_json_, bf_yes_, NULL, NULL,
};

// ---- last_n ----

void bf_last_n_push_(bf_last_n *last, bf_type type, uint32_t most, const bf_placed *seen) {
    uint32_t at = last->count;
    while (at > 0 && bf_placed_order_(&last->entries[at - 1], seen, type) >= 0) {
        at--;
    }
    if (last->count == most) {
        if (at > 0) {
            // The first one makes room.
            memmove(last->entries, last->entries + 1, (at - 1) * sizeof *seen);
            last->entries[at - 1] = *seen;
        }
        return;
    }
    if (last->count == last->room) {
        uint32_t room = last->room ? last->room * 2 : 2;
        last->entries = bf_grow(last->entries, last->count * sizeof *seen, room * sizeof *seen);
        last->room = room;
    }
    memmove(last->entries + at + 1, last->entries + at, (last->count - at) * sizeof *seen);
    last->entries[at] = *seen;
    last->count++;
}

void bf_last_n_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_last_n *last = part;
    bf_put_varint(out, last->count);
    for (uint32_t i = 0; i < last->count; i++) {
        bf_put_u64(out, (uint64_t)last->entries[i].time);
        bf_put_u64(out, (uint64_t)last->entries[i].offset);
        bf_put_value(out, spec->type, last->entries[i].kept.value);
    }
}

void bf_last_n_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_last_n *last = part;
    size_t count = bf_take_length(in);
    if (count > spec->n) {
        bf_fault(in, "malformed state: more values than the last ones that are kept");
        return;
    }
    last->entries = bf_alloc(count * sizeof *last->entries);
    last->room = (uint32_t)count;
    for (; last->count < count && !in->fault; last->count++) {
        bf_placed *entry = &last->entries[last->count];
        entry->time = (int64_t)bf_take_u64(in);
        entry->offset = (int64_t)bf_take_u64(in);
        entry->kept = (bf_kept){ .value = bf_take_value(in, spec->type), .is_some = true };
        if (!in->fault && last->count > 0 && bf_placed_order_(entry - 1, entry, spec->type) > 0) {
            bf_fault(in, "malformed state: last values that do not ascend");
        }
    }
}

const char *bf_last_n_merge(void *left, void *right, const bf_spec *spec) {
    bf_last_n *into = left, *from = right;
    if (into->count == 0) {
        *into = *from;
        return BF_OK;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        bf_last_n_push_(into, spec->type, spec->n, &from->entries[i]);
    }
    return BF_OK;
}

static const char *present_last_n(const void *part, const bf_spec *spec, bf_datum *datum) {
    const bf_last_n *last = part;
    bf_output json;
    begin_list(&json, "[");
    for (uint32_t i = last->count; i-- > 0;) {
        BF_TRY(write_value(&json, spec->type, last->entries[i].kept.value));
        bf_write(&json, i ? "," : "");
    }
    *datum = end_list(&json, "]");
    return BF_OK;
}

const bf_part_ops bf_last_n_ops = {
    bf_last_n_encode, bf_last_n_decode, bf_last_n_merge, present_last_n, bf_shown_json_, bf_yes_, NULL, NULL,
};

// ---- map ----

static bool is_part_anchored(const bf_spec *spec) {
    const bf_part *part = spec->part;
    return part->ops->is_anchored && part->ops->is_anchored(&part->spec);
}

static bool is_map_order_free(const bf_spec *spec) { return spec->part->ops->is_order_free(&spec->part->spec); }

static void begin_map(void *part, const bf_spec *spec) { ((bf_map *)part)->is_anchored = is_part_anchored(spec); }

// The part of a key; in an anchored map a missing one stands for one at its beginning.
static void *entry_of(bf_map *map, const bf_spec *spec, bf_value key) {
    bool is_new;
    void *held = bf_sorted_entry(&map->entries, spec->type, spec->part->size, key, &is_new);
    if (is_new && map->is_anchored && spec->part->ops->begin) {
        spec->part->ops->begin(held, &spec->part->spec);
    }
    return held;
}

// What `fold` makes floats, so a new part is empty.
void *bf_map_entry_(bf_map *map, bf_type type, size_t size, bf_value key) {
    return bf_sorted_entry(&map->entries, type, size, key, NULL);
}

void *bf_map_next_(const bf_map *map, size_t size, bf_at *at, bf_value *key) {
    void *entry = bf_sorted_next(&map->entries, size, at);
    if (!entry) {
        return NULL;
    }
    if (key) {
        *key = *bf_key_of(entry);
    }
    return bf_payload_of(entry);
}

void bf_map_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_map *map = part;
    if (is_part_anchored(spec)) {
        bf_put_u8(out, map->is_anchored);
    }
    bf_put_varint(out, map->entries.count);
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&map->entries, spec->part->size, &at));) {
        bf_put_value(out, spec->type, *bf_key_of(entry));
        spec->part->ops->encode(bf_payload_of(entry), &spec->part->spec, out);
    }
}

void bf_map_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_map *map = part;
    if (is_part_anchored(spec)) {
        map->is_anchored = bf_take_flag(in, "malformed state: a boolean other than 0 and 1");
    }
    for (size_t left = bf_take_length(in); left > 0 && !in->fault; left--) {
        bf_value key = take_key(in, &map->entries, spec->part->size, spec->type,
                                "malformed state: keys that do not ascend");
        if (!in->fault) {
            void *held = bf_sorted_push(&map->entries, spec->part->size, key);
            spec->part->ops->decode(held, &spec->part->spec, in);
        }
    }
}

const char *bf_map_merge(void *left, void *right, const bf_spec *spec) {
    bf_map *into = left, *from = right;
    if (from->is_anchored) {
        return BF_ANCHORED_RIGHT;
    }
    if (into->entries.count == 0 && !into->is_anchored) {
        into->entries = from->entries;
        return BF_OK;
    }
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&from->entries, spec->part->size, &at));) {
        void *held = entry_of(into, spec, *bf_key_of(entry));
        BF_TRY(spec->part->ops->merge(held, bf_payload_of(entry), &spec->part->spec));
    }
    return BF_OK;
}

static const char *present_map(const void *part, const bf_spec *spec, bf_datum *datum) {
    const bf_map *map = part;
    const bf_part *held = spec->part;
    bool is_object = bf_kind_of(spec->type) == BF_TEXT_KIND, is_next = false;
    bf_output json;
    begin_list(&json, is_object ? "{" : "[");
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&map->entries, held->size, &at)); is_next = true) {
        bf_datum shown;
        BF_TRY(held->ops->present(bf_payload_of(entry), &held->spec, &shown));
        bf_write(&json, is_next ? "," : "");
        bf_write(&json, is_object ? "" : "[");
        BF_TRY(write_value(&json, spec->type, *bf_key_of(entry)));
        bf_write(&json, is_object ? ":" : ",");
        bf_write_datum(&json, held->ops->shown(&held->spec), &shown);
        bf_write(&json, is_object ? "" : "]");
    }
    *datum = end_list(&json, is_object ? "}" : "]");
    return BF_OK;
}

const bf_part_ops bf_map_ops = {
    bf_map_encode, bf_map_decode, bf_map_merge, present_map, bf_shown_json_, is_map_order_free, begin_map,
    is_part_anchored,
};
