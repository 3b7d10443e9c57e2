// A transform: what it says of itself, and the four functions that a host calls it by.
#ifndef BIFOCAL_TRANSFORM_H
#define BIFOCAL_TRANSFORM_H

#include "cells.h"
#include "event.h"

typedef exports_bifocal_transform_transform_description_t bf_description;
typedef exports_bifocal_transform_transform_events_t bf_events;
typedef exports_bifocal_transform_transform_folded_t bf_folded;

// What one type of events is folded by.
typedef struct bf_handler {
    const bf_field *fields;
    size_t field_count;
    const char *tag; // the text that tells this type of events apart; empty: there is one type only
    // Folds rows from `*row` to `to`, up to the first that is rejected: returns why, and `*row` is it.
    const char *(*rows)(const bf_reader *readers, const int64_t *times, bf_cells *out, size_t *row, size_t to);
    // The same for columns: rejects rows by itself, and an error is that of the call. One of the two is NULL.
    const char *(*columns)(const bf_reader *readers, const int64_t *times, bf_cells *out, size_t from, size_t to);
} bf_handler;

// Columns that an author computes from a state.
typedef struct bf_output_kind {
    const bf_field *fields;
    size_t count;
    size_t size;
    void (*addresses)(const void *output, const void **address);
    const char *(*present)(const void *state, void *output);
} bf_output_kind;

typedef struct bf_transform {
    const char *identifier;
    const char *name; // NULL: the identifier
    const char *summary;
    bf_window window;
    const char *time;      // the path of the events' time, for the host; NULL: not said
    const char *time_unit; // s, ms, us or ns of epoch numbers; NULL: not said
    const char *tag;       // the path of the text that tells types of events apart; NULL: there is one type
    // Reads the settings, and may change the window; NULL: the transform takes none. Its variables are the
    // transform's own: a call runs in a fresh instance, and this runs first.
    const char *(*configure)(bf_json settings, bf_window *window);
    const bf_output_kind *shown; // NULL: each part of the state shows itself
    const bf_cell_kind *cells;
    const bf_handler *handlers;
    size_t handler_count;
} bf_transform;

// The reason why an event is rejected, as `printf` makes it: `return bf_reject("quantity %d is below 0", n);`.
// A reason without values is a literal: `return "a payment of nothing";`. The verdict must be a function of
// the event alone. Rejecting before the first cell is asked for is free; after it the chunk is folded a
// second time, without the event.
#define bf_reject bf_format

// Rejects a row, from a function over columns: before it asks for the cell of that row.
void bf_reject_row(bf_cells *out, size_t row, const char *format, ...) BF_FORMAT(3, 4);

// The four functions of the contract, on columns in memory. False: `error` says why. All memory is that of
// the call. `settings` is a JSON object.
bool bf_describe(const bf_transform *of, bf_text settings, bf_description *out, bf_text *error);
bool bf_fold(const bf_transform *of, bf_text settings, const bf_events *events, bf_folded *out, bf_text *error);
bool bf_merge(const bf_transform *of, const bf_blobs *left, const bf_blobs *right, bf_blobs *out, bf_text *error);
bool bf_present(const bf_transform *of, bf_text settings, const bf_blobs *states, bf_columns *out, bf_text *error);

// Makes the list of fields SHOWN the struct `type`, a row of outputs that `present` computes from a state:
// const char *present(const state *cell, type *row). It returns BF_OK, or an error: the cell is *broken*, its
// queries answer the error, all other cells are served.
#define BF_OUTPUT(type_, SHOWN, state_type, present_)                                                  \
    typedef struct type_ {                                                                             \
        SHOWN(BF_FIELD_MEMBER_)                                                                        \
    } type_;                                                                                           \
    static const bf_field type_##_fields_[] = { SHOWN(BF_FIELD_ENTRY_) };                              \
    static void type_##_addresses_(const void *at, const void **address) {                             \
        const type_ *self = at;                                                                        \
        SHOWN(BF_FIELD_ADDRESS_)                                                                       \
    }                                                                                                  \
    static const char *present_(const state_type *cell, type_ *row);                                   \
    static const char *type_##_present_(const void *cell, void *row) { return present_(cell, row); }   \
    static const bf_output_kind type_##_output = {                                                     \
        .fields = type_##_fields_, .count = sizeof type_##_fields_ / sizeof *type_##_fields_,          \
        .size = sizeof(type_), .addresses = type_##_addresses_, .present = type_##_present_,           \
    };

#define BF_ROWS_(event_, function, ...)                                                                \
    static const char *function##_rows_(const bf_reader *readers, const int64_t *times, bf_cells *out, \
                                        size_t *row, size_t to) {                                      \
        /* A copy that nobody else can write to: what it says is read once and not again for each row. */ \
        bf_reader own[event_##_count_];                                                                \
        memcpy(own, readers, sizeof own);                                                              \
        for (size_t i = *row; i < to; i++) {                                                           \
            event_ event;                                                                              \
            out->time_ms = times[i];                                                                   \
            out->is_touched = false;                                                                   \
            const char *why = event_##_read_(own, i, &event);                                          \
            why = why ? why : function(&event, out);                                                   \
            if (why) {                                                                                 \
                *row = i;                                                                              \
                return why;                                                                            \
            }                                                                                          \
        }                                                                                              \
        *row = to;                                                                                     \
        return BF_OK;                                                                                  \
    }
#define BF_ROWS_HANDLER_(event_, function, ...)                                                        \
    { .fields = event_##_fields_, .field_count = event_##_count_, .rows = function##_rows_,            \
      .tag = "" __VA_ARGS__ },

// Exports a transform of this name. ON lists what is folded by what, X(event, function) for a struct of
// BF_EVENT and
//
//     static const char *function(const event *e, bf_cells *out);   // BF_OK, or why the event is rejected
//
// With several types of events in one stream there is a line for each, X(event, function, "tag"), and `.tag`
// is the path of the text that tells them apart; events with another text there are ignored.
//
// Members of `bf_transform` follow: `.name`, `.summary`, `.window = BF_HOURS(1)`, `.time`, `.tag`, `.shown`, …
#define BF_TRANSFORM(name_, ON, ...)                                                                   \
    ON(BF_ROWS_)                                                                                       \
    static const bf_handler name_##_handlers_[] = { ON(BF_ROWS_HANDLER_) };                            \
    BF_EXPORT_(name_, __VA_ARGS__)

// The same over columns, for one type of events: a loop of the author's own over a part of a chunk,
//
//     static const char *function(const event_columns *in, const int64_t *times, size_t from, size_t to,
//                                 bf_cells *out);
//
// which returns BF_OK, or an error: then the host folds halves of the chunk. It rejects rows by
// `bf_reject_row`. A time is milliseconds UTC. Cells are asked for by `bf_cell_at(out, times[row], key)`.
#define BF_TRANSFORM_OF_COLUMNS(name_, event_, function, ...)                                          \
    static const char *name_##_columns_(const bf_reader *readers, const int64_t *times, bf_cells *out, \
                                        size_t from, size_t to) {                                      \
        event_##_columns columns;                                                                      \
        event_##_open_(readers, &columns);                                                             \
        return function(&columns, times, from, to, out);                                               \
    }                                                                                                  \
    static const bf_handler name_##_handlers_[] = {                                                    \
        { .fields = event_##_fields_, .field_count = event_##_count_, .columns = name_##_columns_,     \
          .tag = "" },                                                                                 \
    };                                                                                                 \
    BF_EXPORT_(name_, __VA_ARGS__)

#define BF_EXPORT_(name_, ...)                                                                         \
    extern const bf_transform name_##_transform;                                                       \
    const bf_transform name_##_transform = {                                                           \
        .identifier = #name_, .cells = &bf_this_kind_, .handlers = name_##_handlers_,                        \
        .handler_count = sizeof name_##_handlers_ / sizeof *name_##_handlers_, __VA_ARGS__             \
    };                                                                                                 \
    BF_EXPORT_COMPONENT_(name_)

#ifdef __wasm__
// What the glue of a component calls.
extern const bf_transform *const bf_exported;
#define BF_EXPORT_COMPONENT_(name_) const bf_transform *const bf_exported = &name_##_transform;
#else
#define BF_EXPORT_COMPONENT_(name_) extern const bf_transform name_##_transform;
#endif

#endif
