// The cells that one chunk touches. Owns how a key and a time become a cell, fast; knows nothing of events,
// nor of what a state means.
#ifndef BIFOCAL_CELLS_H
#define BIFOCAL_CELLS_H

#include "column.h"
#include "parts.h"

enum { BF_KEYS_MAX = 16 }; // parts of a key

// Windows of `size_ms` that start at every multiple of `slide_ms`. All zero: one global window.
typedef struct bf_window {
    int64_t size_ms;
    int64_t slide_ms; // 0: the size, so that they follow each other
} bf_window;

#define BF_SECONDS(n) { .size_ms = (n) * INT64_C(1000) }
#define BF_MINUTES(n) { .size_ms = (n) * INT64_C(60000) }
#define BF_HOURS(n) { .size_ms = (n) * INT64_C(3600000) }
#define BF_DAYS(n) { .size_ms = (n) * INT64_C(86400000) }
// Windows that overlap, in milliseconds.
#define BF_HOPPING(size, slide) { .size_ms = (size), .slide_ms = (slide) }

// What a transform's cells are.
typedef struct bf_cell_kind {
    const bf_field *keys;
    size_t key_count;
    size_t key_size;
    bool is_numbered; // all parts of the key are: see `bf_radix`
    // Writes where each part of a key is.
    void (*key_addresses)(const void *key, const void **address);
    const bf_state *state;
} bf_cell_kind;

// How the values of a part of a key are numbered: texts by their code in one dictionary.
typedef struct bf_radix {
    const bf_dictionary *dictionary;
    size_t values; // how many there are; 0: not known
} bf_radix;

// A row that was rejected.
typedef struct bf_rejected {
    uint32_t row;
    const char *reason;
} bf_rejected;

typedef struct bf_name {
    uint64_t hash;
    int64_t window_ms;
    void *state;
} bf_name;

// Names and states of some cells, apart from each other, so that what is updated lies close together.
typedef struct bf_segment {
    struct bf_segment *next;
    size_t count;
    size_t room;
    uint8_t *names; // `bf_name` and, behind it, the key
    uint8_t *states;
} bf_segment;

// Where a transform puts what it has seen. To an author only `bf_cell`, `bf_cell_at` and `bf_time`.
typedef struct bf_cells {
    // The time of the event at hand, and the window of the time that was last asked for: events come nearly
    // in order, so the last window is usually the next one too.
    int64_t time_ms;
    int64_t latest_ms; // the latest start at or before that time
    uint64_t reach_ms; // and how far it reaches
    int64_t start_ms;  // the wanted window, `back_ms` before the latest
    int64_t back_ms;
    int64_t size_ms;
    int64_t slide_ms;
    bool is_global;
    bool is_touched; // the event at hand has asked for a cell

    // Where the cells of numbered keys were found before: one look into an array, no hash, no comparison.
    void **places; // of the window `places_ms`, states or NULL; NULL: there is none
    int64_t places_ms;
    size_t place_count; // 0: not known yet, SIZE_MAX: keys of this chunk are not worth it
    bf_radix radixes[BF_KEYS_MAX];
    struct { void **places; int64_t start_ms; } others[16];
    size_t other_count;
    size_t rows;

    // All cells, in the order in which they were met; and by hash. Neither names nor states move: a pointer
    // to a state stays good while others are asked for.
    const bf_cell_kind *kind;
    bf_segment *first;
    bf_segment *last;
    size_t count;
    bf_name **slots; // NULL: free
    size_t slot_count;

    bf_rejected *rejected;
    size_t rejected_count;
    size_t rejected_room;
} bf_cells;

void bf_cells_begin(bf_cells *cells, const bf_cell_kind *kind, bf_window window, size_t rows);
void bf_cells_turn(bf_cells *cells, int64_t time_ms);
void *bf_cells_find(bf_cells *cells, int64_t window_ms, const void *key);
void bf_cells_reject(bf_cells *cells, size_t row, const char *reason);

static inline size_t bf_name_stride(const bf_cells *cells) {
    return sizeof(bf_name) + ((cells->kind->key_size + 7) & ~(size_t)7);
}

// Names one after the other: `for (bf_place at = bf_first_place(cells); (name = bf_next_name(cells, &at));)`.
typedef struct bf_place {
    const bf_segment *segment;
    size_t i;
} bf_place;

static inline bf_place bf_first_place(const bf_cells *cells) { return (bf_place){ .segment = cells->first }; }

static inline bf_name *bf_next_name(const bf_cells *cells, bf_place *at) {
    if (at->segment && at->i == at->segment->count) {
        *at = (bf_place){ .segment = at->segment->next };
    }
    return at->segment ? (bf_name *)(at->segment->names + at->i++ * bf_name_stride(cells)) : NULL;
}

static inline const void *bf_name_key(const bf_name *name) { return name + 1; }

// The event's time.
static inline int64_t bf_time(const bf_cells *cells) { return cells->time_ms; }

// The start of the wanted one of the windows that hold a time.
static inline int64_t bf_window_start(bf_cells *cells, int64_t time_ms) {
    // A time before the start becomes a great number, beyond every reach.
    if ((uint64_t)time_ms - (uint64_t)cells->latest_ms >= cells->reach_ms) {
        bf_cells_turn(cells, time_ms);
    }
    return cells->start_ms;
}

// The number of a part of a key, appended to that of the parts before it; false if it has none.
static inline bool bf_number_text(const bf_text *text, const bf_radix *radix, size_t *place) {
    *place = *place * radix->values + text->code;
    return text->dictionary && text->dictionary == radix->dictionary;
}
static inline bool bf_number_optional_text(const bf_optional_text *text, const bf_radix *radix, size_t *place) {
    *place = *place * radix->values + (text->is_some ? text->value.code + 1 : 0);
    return !text->is_some || (text->value.dictionary && text->value.dictionary == radix->dictionary);
}
static inline bool bf_number_boolean(const bool *flag, const bf_radix *radix, size_t *place) {
    (void)radix;
    *place = *place * 2 + *flag;
    return true;
}
static inline bool bf_number_optional_boolean(const bf_optional_boolean *flag, const bf_radix *radix, size_t *place) {
    (void)radix;
    *place = *place * 3 + (flag->is_some ? (size_t)flag->value + 1 : 0);
    return true;
}
static inline bool bf_number_none(const void *part, const bf_radix *radix, size_t *place) {
    return (void)part, (void)radix, (void)place, false;
}

// kind of a key part => how it is numbered, whether it is
#define BF_NUMBER_boolean bf_number_boolean
#define BF_NUMBER_optional_boolean bf_number_optional_boolean
#define BF_NUMBER_text bf_number_text
#define BF_NUMBER_optional_text bf_number_optional_text
#define BF_NUMBER_integer bf_number_none
#define BF_NUMBER_i32 bf_number_none
#define BF_NUMBER_i16 bf_number_none
#define BF_NUMBER_i8 bf_number_none
#define BF_NUMBER_u64 bf_number_none
#define BF_NUMBER_u32 bf_number_none
#define BF_NUMBER_u16 bf_number_none
#define BF_NUMBER_u8 bf_number_none
#define BF_NUMBER_binary bf_number_none
#define BF_NUMBER_timestamp bf_number_none
#define BF_NUMBER_decimal(digits) bf_number_none
#define BF_NUMBER_optional_integer bf_number_none
#define BF_NUMBER_optional_i32 bf_number_none
#define BF_NUMBER_optional_i16 bf_number_none
#define BF_NUMBER_optional_i8 bf_number_none
#define BF_NUMBER_optional_u64 bf_number_none
#define BF_NUMBER_optional_u32 bf_number_none
#define BF_NUMBER_optional_u16 bf_number_none
#define BF_NUMBER_optional_u8 bf_number_none
#define BF_NUMBER_optional_binary bf_number_none
#define BF_NUMBER_optional_timestamp bf_number_none
#define BF_NUMBER_optional_decimal(digits) bf_number_none

#define BF_IS_NUMBERED_(type) \
    (((type) & 7) == BF_BOOLEAN || ((type) & 7) == BF_TEXT_KIND)

#define BF_FIELD_MEMBER_(kind, name, ...) BF_C_##kind name;
#define BF_FIELD_ENTRY_(kind, name_, ...) { .name = #name_, .path = "" __VA_ARGS__, .type = BF_TYPE_##kind },
#define BF_FIELD_ADDRESS_(kind, name, ...) *address++ = &self->name;
#define BF_FIELD_NUMBERED_(kind, name, ...) &&BF_IS_NUMBERED_(BF_TYPE_##kind)
#define BF_FIELD_NUMBER_(kind, name, ...) is_numbered &= BF_NUMBER_##kind(&self->name, radix++, &number);

// Makes the list of fields KEY the struct `type`, which cells are keyed by. A part is X(kind, name), of any
// kind but float and json; X(optional_text, name) may be absent, which is a value of its own. A key whose
// parts are all texts of events, or booleans, is found by arithmetic, at a fraction of the price.
#define BF_KEY(type_, KEY)                                                                            \
    typedef struct type_ {                                                                            \
        KEY(BF_FIELD_MEMBER_)                                                                         \
    } type_;                                                                                          \
    static const bf_field type_##_fields_[] = { KEY(BF_FIELD_ENTRY_) };                               \
    enum { type_##_count_ = sizeof type_##_fields_ / sizeof *type_##_fields_,                         \
           type_##_is_numbered_ = 1 KEY(BF_FIELD_NUMBERED_) };                                        \
    static void type_##_addresses_(const void *at, const void **address) {                            \
        const type_ *self = at;                                                                       \
        KEY(BF_FIELD_ADDRESS_)                                                                        \
    }                                                                                                 \
    static inline bool type_##_number_(const type_ *self, const bf_radix *radix, size_t *place) {     \
        size_t number = 0;                                                                            \
        bool is_numbered = true;                                                                      \
        KEY(BF_FIELD_NUMBER_)                                                                         \
        *place = number;                                                                              \
        return is_numbered;                                                                           \
    }

// The key of a transform with one cell a window: BF_CELLS(bf_no_key, …), bf_cell(out, BF_NO_KEY).
typedef struct bf_no_key {
    char none;
} bf_no_key;
#define BF_NO_KEY ((bf_no_key){ 0 })
static inline bool bf_no_key_number_(const bf_no_key *key, const bf_radix *radix, size_t *place) {
    return (void)key, (void)radix, *place = 0, true;
}
static inline void bf_no_key_addresses_(const void *key, const void **address) { (void)key, (void)address; }
#define bf_no_key_fields_ NULL
enum { bf_no_key_count_ = 0, bf_no_key_is_numbered_ = 1 };

// Says what this transform's cells are: a struct of BF_KEY and one of BF_STATE. There is one such line in a
// transform. It makes
//
//     STATE *bf_cell(bf_cells *out, KEY key);                  the state of a key in the event's window
//     STATE *bf_cell_at(bf_cells *out, int64_t ms, KEY key);   the same in the window that holds another time
//
// The cell exists from then on, whether or not something is added to it. With windows that overlap an event
// counts in size / slide of them, and code is the same.
#define BF_CELLS(key_type, state_type)                                                                \
    static const bf_cell_kind bf_this_kind_ = {                                                       \
        .keys = key_type##_fields_, .key_count = key_type##_count_, .key_size = sizeof(key_type),     \
        .is_numbered = key_type##_is_numbered_, .key_addresses = key_type##_addresses_,               \
        .state = &state_type##_state,                                                                 \
    };                                                                                                \
    /* By value and apart, so that a key whose place is known never becomes a struct in memory. */    \
    __attribute__((noinline)) static state_type *bf_find_cell_(bf_cells *out, int64_t window_ms,      \
                                                               key_type key) {                        \
        return bf_cells_find(out, window_ms, &key);                                                   \
    }                                                                                                 \
    static inline state_type *bf_cell_at(bf_cells *out, int64_t time_ms, key_type key) {              \
        int64_t window_ms = bf_window_start(out, time_ms);                                            \
        out->is_touched = true;                                                                       \
        size_t place;                                                                                 \
        if (key_type##_is_numbered_ && out->places && out->places_ms == window_ms                     \
            && key_type##_number_(&key, out->radixes, &place) && place < out->place_count                 \
            && out->places[place]) {                \
            return out->places[place];                                                                \
        }                                                                                             \
        return bf_find_cell_(out, window_ms, key);                                                    \
    }                                                                                                 \
    BF_UNUSED static inline state_type *bf_cell(bf_cells *out, key_type key) {                        \
        return bf_cell_at(out, out->time_ms, key);                                                    \
    }

#endif
