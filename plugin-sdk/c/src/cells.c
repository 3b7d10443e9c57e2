#include "cells.h"

// Room for so many tables of places as there are rows, and for this many such tables.
enum { TABLES_OF_ALL_ROWS = 4, SEGMENT_MIN = 16, SEGMENT_MAX = 4096, SLOTS_MIN = 64, SLOTS_AT_ONCE_MAX = 8192 };

void bf_cells_begin(bf_cells *cells, const bf_cell_kind *kind, bf_window window, size_t rows) {
    *cells = (bf_cells){ .kind = kind, .rows = rows, .is_global = window.size_ms == 0 };
    if (cells->is_global) {
        // One window holds all times; where it starts is never seen.
        cells->latest_ms = cells->start_ms = INT64_MIN;
        cells->reach_ms = UINT64_MAX;
    } else {
        cells->size_ms = window.size_ms;
        cells->slide_ms = window.slide_ms ? window.slide_ms : window.size_ms;
        cells->reach_ms = (uint64_t)cells->slide_ms;
    }
}

void bf_cells_turn(bf_cells *cells, int64_t time_ms) {
    if (cells->is_global) {
        return;
    }
    int64_t slide = cells->slide_ms, rest = time_ms % slide, most_back = cells->size_ms - slide;
    rest += rest < 0 ? slide : 0;
    if (time_ms < INT64_MIN + rest + most_back) {
        bf_fatal("time %lld ms is too early to have a window", (long long)time_ms);
    }
    cells->latest_ms = time_ms - rest;
    cells->start_ms = cells->latest_ms - cells->back_ms;
}

void bf_cells_reject(bf_cells *cells, size_t row, const char *reason) {
    if (cells->rejected_count == cells->rejected_room) {
        size_t room = cells->rejected_room ? cells->rejected_room * 2 : 16;
        cells->rejected = bf_grow(cells->rejected, cells->rejected_count * sizeof *cells->rejected,
                                  room * sizeof *cells->rejected);
        cells->rejected_room = room;
    }
    cells->rejected[cells->rejected_count++] = (bf_rejected){ .row = (uint32_t)row, .reason = reason };
}

static uint64_t part_hash(bf_type type, const void *at) {
    if (bf_kind_of(type) == BF_TEXT_KIND) {
        const bf_text *text = bf_is_optional(type) ? &((const bf_optional_text *)at)->value : at;
        if (bf_is_optional(type) && !((const bf_optional_text *)at)->is_some) {
            return 1;
        }
        return text->dictionary ? bf_text_hash(text->dictionary, text->code)
                                : bf_hash_bytes((const uint8_t *)text->at, text->length);
    }
    bf_datum datum = bf_datum_at(type, at);
    if (datum.is_absent) {
        return 1;
    }
    return bf_is_wide(type) ? bf_hash_bytes(datum.value.at, datum.value.length)
                            : bf_mix(0, (uint64_t)datum.value.number);
}

static bool is_part_same(bf_type type, const void *a, const void *b) {
    bf_datum x = bf_datum_at(type, a), y = bf_datum_at(type, b);
    return x.is_absent || y.is_absent ? x.is_absent == y.is_absent : bf_compare(type, x.value, y.value) == 0;
}

static void put_in_slot(bf_cells *cells, bf_name *name) {
    size_t mask = cells->slot_count - 1, at = (size_t)(name->hash >> 32) & mask;
    while (cells->slots[at]) {
        at = (at + 1) & mask;
    }
    cells->slots[at] = name;
}

// At first room for a good part of the rows, so that the first growth is far away.
static void grow_slots(bf_cells *cells) {
    size_t count = cells->slot_count ? cells->slot_count * 4 : SLOTS_MIN;
    while (cells->slot_count == 0 && count < cells->rows / 8 && count < SLOTS_AT_ONCE_MAX) {
        count *= 2;
    }
    cells->slot_count = count;
    cells->slots = bf_alloc_zero(count, sizeof *cells->slots);
    bf_name *name;
    for (bf_place at = bf_first_place(cells); (name = bf_next_name(cells, &at));) {
        put_in_slot(cells, name);
    }
}

static bf_name *new_name(bf_cells *cells) {
    size_t state_size = (cells->kind->state->size + 7) & ~(size_t)7;
    bf_segment *last = cells->last;
    if (!last || last->count == last->room) {
        // As many as there are already: pages that nobody uses are never touched.
        size_t room = cells->count < SEGMENT_MIN ? SEGMENT_MIN : cells->count;
        room = room < SEGMENT_MAX ? room : SEGMENT_MAX;
        bf_segment *opened = bf_alloc(sizeof *opened);
        *opened = (bf_segment){ .room = room, .names = bf_alloc(room * bf_name_stride(cells)),
                                .states = bf_alloc_zero(room, state_size) };
        *(last ? &last->next : &cells->first) = opened;
        last = cells->last = opened;
    }
    bf_name *name = (bf_name *)(last->names + last->count * bf_name_stride(cells));
    name->state = last->states + last->count * state_size;
    last->count++;
    cells->count++;
    return name;
}

// Looks a key up by what it is, wherever its texts lie.
static void *look_up(bf_cells *cells, int64_t window_ms, const void *key) {
    const bf_cell_kind *kind = cells->kind;
    const void *parts[BF_KEYS_MAX];
    kind->key_addresses(key, parts);
    uint64_t hash = bf_mix(0, (uint64_t)window_ms);
    for (size_t i = 0; i < kind->key_count; i++) {
        hash = bf_mix(hash, part_hash(kind->keys[i].type, parts[i]));
    }
    if (cells->slot_count > 0) {
        size_t mask = cells->slot_count - 1;
        for (size_t at = (size_t)(hash >> 32) & mask; cells->slots[at]; at = (at + 1) & mask) {
            const bf_name *name = cells->slots[at];
            if (name->hash != hash || name->window_ms != window_ms) {
                continue;
            }
            const void *others[BF_KEYS_MAX];
            kind->key_addresses(bf_name_key(name), others);
            bool is_same = true;
            for (size_t i = 0; i < kind->key_count && is_same; i++) {
                is_same = is_part_same(kind->keys[i].type, parts[i], others[i]);
            }
            if (is_same) {
                return name->state;
            }
        }
    }
    if ((cells->count + 1) * 2 > cells->slot_count) {
        grow_slots(cells);
    }
    bf_name *name = new_name(cells);
    name->hash = hash;
    name->window_ms = window_ms;
    memcpy(name + 1, key, kind->key_size);
    put_in_slot(cells, name);
    return name->state;
}

// Learns from a key how its parts are numbered, unless that key does not tell. With more keys than rows a
// table would cost more than it spares: then none is made.
static void settle(bf_cells *cells, const void *const *parts) {
    const bf_cell_kind *kind = cells->kind;
    uint64_t product = 1;
    for (size_t i = 0; i < kind->key_count; i++) {
        bf_type type = kind->keys[i].type;
        bool is_optional = bf_is_optional(type);
        bf_radix *radix = &cells->radixes[i];
        *radix = (bf_radix){ .values = 2 + is_optional };
        if (bf_kind_of(type) == BF_TEXT_KIND) {
            const bf_text *text = is_optional ? &((const bf_optional_text *)parts[i])->value : parts[i];
            if (is_optional && !((const bf_optional_text *)parts[i])->is_some) {
                return;
            }
            if (!text->dictionary) {
                cells->place_count = SIZE_MAX;
                return;
            }
            *radix = (bf_radix){ .dictionary = text->dictionary, .values = text->dictionary->count + (size_t)is_optional };
        }
        product = product > cells->rows ? product : product * radix->values;
    }
    cells->place_count = product <= cells->rows ? (size_t)product : SIZE_MAX;
}

// Turns to the table of a window, as far as there is room for one.
static void turn_places(bf_cells *cells, int64_t window_ms) {
    if (cells->places) {
        for (size_t i = 0; i < cells->other_count; i++) {
            if (cells->others[i].start_ms == window_ms) {
                void **found = cells->others[i].places;
                cells->others[i].places = cells->places;
                cells->others[i].start_ms = cells->places_ms;
                cells->places = found;
                cells->places_ms = window_ms;
                return;
            }
        }
        const size_t most = sizeof cells->others / sizeof *cells->others;
        size_t tables = cells->rows * TABLES_OF_ALL_ROWS / cells->place_count;
        if (cells->other_count == most || cells->other_count + 1 >= tables) {
            return;
        }
        cells->others[cells->other_count].places = cells->places;
        cells->others[cells->other_count++].start_ms = cells->places_ms;
    }
    cells->places = bf_alloc_zero(cells->place_count, sizeof *cells->places);
    cells->places_ms = window_ms;
}

// The place of a key, if it is numbered as the table is.
static bool number_of(const bf_cells *cells, const void *const *parts, size_t *place) {
    bool is_numbered = true;
    *place = 0;
    for (size_t i = 0; i < cells->kind->key_count; i++) {
        const bf_radix *radix = &cells->radixes[i];
        switch (cells->kind->keys[i].type) {
        case BF_TYPE_text: is_numbered &= bf_number_text(parts[i], radix, place); break;
        case BF_TYPE_optional_text: is_numbered &= bf_number_optional_text(parts[i], radix, place); break;
        case BF_TYPE_boolean: is_numbered &= bf_number_boolean(parts[i], radix, place); break;
        default: is_numbered &= bf_number_optional_boolean(parts[i], radix, place); break;
        }
    }
    return is_numbered;
}

void *bf_cells_find(bf_cells *cells, int64_t window_ms, const void *key) {
    if (!cells->kind->is_numbered || cells->place_count == SIZE_MAX) {
        return look_up(cells, window_ms, key);
    }
    const void *parts[BF_KEYS_MAX];
    cells->kind->key_addresses(key, parts);
    if (cells->place_count == 0) {
        settle(cells, parts);
    }
    if (cells->place_count == 0 || cells->place_count == SIZE_MAX) {
        return look_up(cells, window_ms, key);
    }
    if (!cells->places || cells->places_ms != window_ms) {
        turn_places(cells, window_ms);
    }
    size_t place;
    if (cells->places_ms != window_ms || !number_of(cells, parts, &place) || place >= cells->place_count) {
        return look_up(cells, window_ms, key);
    }
    if (!cells->places[place]) {
        cells->places[place] = look_up(cells, window_ms, key);
    }
    return cells->places[place];
}
