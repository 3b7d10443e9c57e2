// The four functions of the contract, for any transform. Owns verdicts on rows and their undoing.
#include "transform.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool fail(bf_text *error, const char *why) {
    *error = bf_text_of(why);
    return false;
}

static plugin_string_t string_of(bf_text text) {
    return (plugin_string_t){ .ptr = (uint8_t *)(uintptr_t)text.at, .len = text.length };
}

// ---- Inputs ----

enum { INPUTS_MAX = 64 };

// The columns that all types of events need, each once, and where a handler finds its own among them.
typedef struct inputs {
    bf_field fields[INPUTS_MAX];
    bool is_required[INPUTS_MAX];
    size_t count;
    uint8_t places[INPUTS_MAX][INPUTS_MAX]; // by handler and field
} inputs;

static bool is_same_input(const bf_field *a, const bf_field *b) {
    return bf_text_equal(bf_field_path(a), bf_field_path(b))
        && (a->type & ~BF_IS_OPTIONAL) == (b->type & ~BF_IS_OPTIONAL);
}

// An input is required if every type of events requires it.
static bool is_required_by(const bf_handler *handler, const bf_field *input) {
    bool is_required = false;
    for (size_t i = 0; i < handler->field_count; i++) {
        is_required |= is_same_input(&handler->fields[i], input) && !bf_is_optional(handler->fields[i].type);
    }
    return is_required;
}

static const char *collect_inputs(const bf_transform *of, inputs *in) {
    in->count = 0;
    if (of->handler_count > INPUTS_MAX) {
        return "too many types of events";
    }
    for (size_t h = 0; h < of->handler_count; h++) {
        const bf_handler *handler = &of->handlers[h];
        if (!*handler->tag != !of->tag) {
            return "a transform with a `.tag` has a tag for each type of events, and no other has";
        }
        for (size_t f = 0; f < handler->field_count; f++) {
            size_t at = 0;
            while (at < in->count && !is_same_input(&in->fields[at], &handler->fields[f])) {
                at++;
            }
            if (at == INPUTS_MAX - 1) {
                return "too many inputs";
            }
            if (at == in->count) {
                in->fields[in->count++] = handler->fields[f];
            }
            in->places[h][f] = (uint8_t)at;
        }
    }
    for (size_t at = 0; at < in->count; at++) {
        in->is_required[at] = true;
        for (size_t h = 0; h < of->handler_count; h++) {
            in->is_required[at] &= is_required_by(&of->handlers[h], &in->fields[at]);
        }
    }
    if (of->tag) {
        in->is_required[in->count] = true;
        in->fields[in->count++] = (bf_field){ .name = of->tag, .path = of->tag, .type = BF_TYPE_text };
    }
    return BF_OK;
}

// ---- Describing ----

static exports_bifocal_transform_transform_field_t field_of(bf_text name, bf_text path, bf_type type, bool required) {
    return (exports_bifocal_transform_transform_field_t){
        .name = string_of(name),
        .path = string_of(path),
        // Kinds are numbered as in the WIT.
        .kind = { .tag = (uint8_t)bf_kind_of(type), .val = { .decimal = (uint8_t)bf_digits_of(type) } },
        .required = required,
    };
}

static exports_bifocal_transform_transform_list_field_t columns_of(const bf_field *fields, size_t count) {
    exports_bifocal_transform_transform_list_field_t list = { .len = count };
    list.ptr = bf_alloc(count * sizeof *list.ptr);
    for (size_t i = 0; i < count; i++) {
        list.ptr[i] = field_of(bf_field_name(&fields[i]), bf_text_of(""), fields[i].type, false);
    }
    return list;
}

static exports_bifocal_transform_transform_list_field_t outputs_of(const bf_transform *of) {
    if (of->shown) {
        return columns_of(of->shown->fields, of->shown->count);
    }
    const bf_state *state = of->cells->state;
    bf_field fields[BF_PARTS_MAX];
    for (size_t i = 0; i < state->count; i++) {
        const bf_part *part = &state->parts[i];
        fields[i] = (bf_field){ .name = part->name, .type = part->ops->shown(&part->spec) };
    }
    return columns_of(fields, state->count);
}

static const char *configure(const bf_transform *of, bf_text settings, bf_window *window) {
    *window = of->window;
    const char *why = NULL;
    if (of->configure) {
        why = of->configure((bf_json){ settings.at, settings.length }, window);
    } else if (settings.length && !bf_is(settings, "{}")) {
        why = "this transform has no settings";
    }
    if (why) {
        return bf_format("settings %.*s do not fit: %s", BF_TEXT(settings), why);
    }
    int64_t size = window->size_ms, slide = window->slide_ms ? window->slide_ms : size;
    if (size < 0 || slide < 0 || slide > size || (size > 0 && size % slide != 0)) {
        return bf_format("a window of %lld ms every %lld ms: the slide must be above 0 and divide the size",
                         (long long)size, (long long)slide);
    }
    return BF_OK;
}

bool bf_describe(const bf_transform *of, bf_text settings, bf_description *out, bf_text *error) {
    memset(out, 0, sizeof *out);
    bf_window window;
    inputs *in = bf_alloc(sizeof *in);
    const char *why = configure(of, settings, &window);
    why = why ? why : collect_inputs(of, in);
    if (why) {
        return fail(error, why);
    }
    const bf_state *state = of->cells->state;
    out->name = string_of(bf_text_of(of->name ? of->name : of->identifier));
    out->summary = string_of(bf_text_of(of->summary ? of->summary : ""));
    out->inputs.ptr = bf_alloc(in->count * sizeof *out->inputs.ptr);
    for (size_t i = 0; i < in->count; i++) {
        const bf_field *field = &in->fields[i];
        out->inputs.ptr[out->inputs.len++] =
            field_of(bf_field_name(field), bf_field_path(field), field->type, in->is_required[i]);
    }
    out->keys = columns_of(of->cells->keys, of->cells->key_count);
    out->outputs = outputs_of(of);
    if (of->tag) {
        out->only.is_some = true;
        out->only.val.path = string_of(bf_text_of(of->tag));
        out->only.val.one_of.len = of->handler_count;
        out->only.val.one_of.ptr = bf_alloc(of->handler_count * sizeof *out->only.val.one_of.ptr);
        for (size_t h = 0; h < of->handler_count; h++) {
            out->only.val.one_of.ptr[h] = string_of(bf_text_of(of->handlers[h].tag));
        }
    }
    if (window.size_ms) {
        out->window.is_some = true;
        out->window.val.size_ms = (uint64_t)window.size_ms;
        out->window.val.slide_ms = (uint64_t)(window.slide_ms ? window.slide_ms : window.size_ms);
    }
    out->order = bf_state_is_order_free(state) ? EXPORTS_BIFOCAL_TRANSFORM_TRANSFORM_ORDER_NONE
                                               : EXPORTS_BIFOCAL_TRANSFORM_TRANSFORM_ORDER_LOG;
    if (bf_state_is_anchored(state)) {
        void *first = bf_alloc_zero(1, state->size);
        bf_output bytes = { 0 };
        bf_state_begin(state, first);
        state->encode(first, &bytes);
        out->initial.is_some = true;
        out->initial.val = bf_list_of(&bytes);
    }
    const char *const annotations[][2] = { { "time", of->time }, { "time-unit", of->time_unit } };
    out->annotations.ptr = bf_alloc(2 * sizeof *out->annotations.ptr);
    for (size_t i = 0; i < 2; i++) {
        if (annotations[i][1]) {
            plugin_tuple2_string_string_t *annotation = &out->annotations.ptr[out->annotations.len++];
            annotation->f0 = string_of(bf_text_of(annotations[i][0]));
            annotation->f1 = string_of(bf_text_of(annotations[i][1]));
        }
    }
    return true;
}

// ---- Folding ----

void bf_reject_row(bf_cells *out, size_t row, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *reason = bf_alloc(length < 0 ? 1 : (size_t)length + 1);
    reason[0] = '\0';
    if (length > 0) {
        vsnprintf(reason, (size_t)length + 1, format, arguments);
    }
    va_end(arguments);
    bf_cells_reject(out, row, reason);
}

// One chunk that is being folded.
typedef struct chunk {
    const bf_transform *of;
    const int64_t *times;
    size_t rows;
    bf_reader **readers;         // of each handler, by its fields
    const uint32_t *tag_codes;   // NULL: one type of events
    const uint8_t *handler_of;   // by code of the tag; `handler_count` if it is none
    bf_reader tags;
    int64_t hops; // times that each row runs
} chunk;

static const char *open_chunk(chunk *chunk, const bf_events *events, const inputs *in) {
    const bf_transform *of = chunk->of;
    if (events->columns.len != in->count) {
        return bf_format("%zu columns for %zu inputs", (size_t)events->columns.len, in->count);
    }
    chunk->rows = events->times.len / 8;
    bool is_aligned = (uintptr_t)events->times.ptr % 8 == 0;
    chunk->times = is_aligned ? (const void *)events->times.ptr : bf_copy(events->times.ptr, events->times.len);
    bf_reader *opened = bf_alloc(in->count * sizeof *opened);
    for (size_t i = 0; i < in->count; i++) {
        BF_TRY(bf_open(&events->columns.ptr[i], chunk->rows, &in->fields[i], of->tag != NULL, &opened[i]));
    }
    chunk->readers = bf_alloc(of->handler_count * sizeof *chunk->readers);
    for (size_t h = 0; h < of->handler_count; h++) {
        const bf_handler *handler = &of->handlers[h];
        chunk->readers[h] = bf_alloc(handler->field_count * sizeof **chunk->readers);
        for (size_t f = 0; f < handler->field_count; f++) {
            chunk->readers[h][f] = opened[in->places[h][f]];
            chunk->readers[h][f].field = &handler->fields[f];
        }
    }
    if (!of->tag) {
        return BF_OK;
    }
    chunk->tags = opened[in->count - 1];
    if (chunk->tags.validity) {
        return bf_format("input '%s' is required but absent", of->tag);
    }
    const bf_dictionary *texts = chunk->tags.dictionary;
    uint8_t *handler_of = bf_alloc(texts->mask + (size_t)1);
    for (uint32_t code = 0; code <= texts->mask; code++) {
        handler_of[code] = (uint8_t)of->handler_count;
        for (size_t h = of->handler_count; h-- > 0;) {
            bf_text known = bf_text_of(of->handlers[h].tag);
            if (texts->texts[code].length == known.length
                && memcmp(texts->texts[code].at, known.at, known.length) == 0) {
                handler_of[code] = (uint8_t)h;
            }
        }
    }
    chunk->tag_codes = chunk->tags.codes;
    chunk->handler_of = handler_of;
    return BF_OK;
}

static size_t handler_of(const chunk *chunk, size_t row) {
    return chunk->tag_codes ? chunk->handler_of[chunk->tag_codes[row] & chunk->tags.mask] : 0;
}

// The row behind those that are of the same type as `row`.
static size_t end_of_type(const chunk *chunk, size_t row, size_t to) {
    if (!chunk->tag_codes) {
        return to;
    }
    size_t handler = handler_of(chunk, row), end = row + 1;
    while (end < to && handler_of(chunk, end) == handler) {
        end++;
    }
    return end;
}

static const char *unknown_type(const chunk *chunk, size_t row) {
    bf_bytes tag = chunk->tags.texts[chunk->tag_codes[row] & chunk->tags.mask];
    return bf_format("%s: '%.*s' is no event of this transform", chunk->of->tag, BF_TEXT(tag));
}

// Runs one row in each of its windows, the latest first: every state sees its events in the order of the log.
static const char *run_hops(const chunk *chunk, const bf_handler *handler, const bf_reader *readers, bf_cells *cells,
                            size_t row) {
    const char *why = BF_OK;
    bool is_touched = false;
    for (int64_t hop = 0; hop < chunk->hops && !why; hop++) {
        size_t at = row;
        cells->back_ms = hop * cells->slide_ms;
        cells->start_ms = cells->latest_ms - cells->back_ms;
        why = handler->rows(readers, chunk->times, cells, &at, row + 1);
        is_touched |= cells->is_touched;
    }
    cells->back_ms = 0;
    cells->start_ms = cells->latest_ms;
    cells->is_touched = is_touched;
    return why;
}

// Runs rows of one type, none of which was rejected before. False: a row was rejected that had asked for a
// cell, so the cells are not clean.
static bool run_rows(const chunk *chunk, size_t h, bf_cells *cells, size_t from, size_t to) {
    const bf_handler *handler = &chunk->of->handlers[h];
    bool is_clean = true;
    for (size_t row = from; row < to; row++) {
        const char *why;
        if (chunk->hops > 1) {
            why = run_hops(chunk, handler, chunk->readers[h], cells, row);
        } else {
            why = handler->rows(chunk->readers[h], chunk->times, cells, &row, to);
        }
        if (why) {
            bf_cells_reject(cells, row, why);
            is_clean &= !cells->is_touched;
        }
    }
    return is_clean;
}

static const char *run_columns(const chunk *chunk, bf_cells *cells, size_t from, size_t to) {
    const bf_handler *handler = &chunk->of->handlers[0];
    if (chunk->hops == 1) {
        return handler->columns(chunk->readers[0], chunk->times, cells, from, to);
    }
    for (size_t row = from; row < to; row++) {
        size_t rejected = cells->rejected_count;
        for (int64_t hop = 0; hop < chunk->hops && cells->rejected_count == rejected; hop++) {
            cells->back_ms = hop * cells->slide_ms;
            cells->start_ms = cells->latest_ms - cells->back_ms;
            BF_TRY(handler->columns(chunk->readers[0], chunk->times, cells, row, row + 1));
        }
    }
    return BF_OK;
}

static int by_row(const void *a, const void *b) {
    const bf_rejected *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static void sort_rejected(bf_cells *cells) {
    if (cells->rejected_count > 1) {
        qsort(cells->rejected, cells->rejected_count, sizeof *cells->rejected, by_row);
    }
}

// Runs all rows but those that `cells` has rejected already, to which it adds.
static bool run_pass(const chunk *chunk, bf_cells *cells) {
    size_t known = cells->rejected_count, from = 0;
    bool is_clean = true;
    for (size_t i = 0; i <= known; i++) {
        size_t to = i < known ? cells->rejected[i].row : chunk->rows;
        while (from < to) {
            size_t h = handler_of(chunk, from), end = end_of_type(chunk, from, to);
            if (h == chunk->of->handler_count) {
                // Only a host that does not filter lets it through.
                for (; from < end; from++) {
                    bf_cells_reject(cells, from, unknown_type(chunk, from));
                }
            } else {
                is_clean &= run_rows(chunk, h, cells, from, end);
            }
            from = end;
        }
        from = to + 1;
    }
    sort_rejected(cells);
    return is_clean;
}

// Cells of windows that are each `hops` panes wide, from cells that are panes. For order-free states only:
// then merging panes, in any order, is folding events.
static const char *widen(const bf_cells *panes, int64_t hops, bf_cells *wide) {
    const bf_state *state = panes->kind->state;
    *wide = (bf_cells){ .kind = panes->kind, .place_count = SIZE_MAX };
    void *copy = bf_alloc(state->size);
    const bf_name *pane;
    for (bf_place at = bf_first_place(panes); (pane = bf_next_name(panes, &at));) {
        bf_output bytes = { 0 };
        state->encode(pane->state, &bytes);
        for (int64_t hop = 0; hop < hops; hop++) {
            // A copy for each window, since merging takes from what it merges.
            bf_input in = bf_input_of(bytes.at, bytes.length);
            memset(copy, 0, state->size);
            state->decode(copy, &in);
            void *into = bf_cells_find(wide, pane->window_ms - hop * panes->slide_ms, bf_name_key(pane));
            BF_TRY(in.fault);
            BF_TRY(state->merge(into, copy));
        }
    }
    return BF_OK;
}

static void end_blob(bf_output *ends, const bf_output *bytes) {
    uint32_t end = (uint32_t)bytes->length;
    bf_put(ends, &end, sizeof end);
}

static void finish(const bf_cells *cells, bool is_global, bf_folded *out) {
    const bf_cell_kind *kind = cells->kind;
    bf_builder *keys = bf_alloc_zero(kind->key_count, sizeof *keys);
    for (size_t k = 0; k < kind->key_count; k++) {
        keys[k].type = kind->keys[k].type;
    }
    bf_output windows = { 0 }, ends = { 0 }, bytes = { 0 };
    const bf_name *name;
    bf_make_room(&windows, is_global ? 0 : cells->count * 8);
    bf_make_room(&ends, cells->count * 4);
    for (bf_place at = bf_first_place(cells); (name = bf_next_name(cells, &at));) {
        const void *parts[BF_KEYS_MAX];
        kind->key_addresses(bf_name_key(name), parts);
        for (size_t k = 0; k < kind->key_count; k++) {
            if (kind->keys[k].type == BF_TYPE_text) {
                bf_build_text(&keys[k], parts[k]);
            } else {
                bf_datum part = bf_datum_at(kind->keys[k].type, parts[k]);
                bf_build(&keys[k], &part);
            }
        }
        if (!is_global) {
            bf_put_u64(&windows, (uint64_t)name->window_ms);
        }
        kind->state->encode(name->state, &bytes);
        end_blob(&ends, &bytes);
        if (ends.length == sizeof(uint32_t)) {
            // States are often all of one length.
            bf_make_room(&bytes, bytes.length * (cells->count - 1));
        }
    }
    out->cells.keys.ptr = bf_alloc(kind->key_count * sizeof *out->cells.keys.ptr);
    out->cells.keys.len = kind->key_count;
    for (size_t k = 0; k < kind->key_count; k++) {
        out->cells.keys.ptr[k] = bf_built(&keys[k]);
    }
    out->cells.windows = bf_list_of(&windows);
    out->cells.states = (bf_blobs){ .ends = bf_list_of(&ends), .bytes = bf_list_of(&bytes) };
}

bool bf_fold(const bf_transform *of, bf_text settings, const bf_events *events, bf_folded *out, bf_text *error) {
    memset(out, 0, sizeof *out);
    bf_window window;
    inputs *in = bf_alloc(sizeof *in);
    chunk chunk = { .of = of, .hops = 1 };
    const char *why = configure(of, settings, &window);
    why = why ? why : collect_inputs(of, in);
    why = why ? why : open_chunk(&chunk, events, in);
    if (why) {
        return fail(error, why);
    }
    int64_t hops = window.slide_ms ? window.size_ms / window.slide_ms : 1;
    bool is_by_panes = hops > 1 && bf_state_is_order_free(of->cells->state);
    chunk.hops = is_by_panes ? 1 : hops;
    bf_cells cells;
    bf_cells_begin(&cells, of->cells, window, chunk.rows);
    if (of->handlers[0].columns) {
        why = run_columns(&chunk, &cells, 0, chunk.rows);
        sort_rejected(&cells);
    } else {
        // Nothing is kept for undoing: if a row is rejected after it has asked for a cell, the chunk is folded
        // again without the rows rejected so far, which leaves no trace of them and costs nothing elsewhere.
        while (!run_pass(&chunk, &cells)) {
            bf_cells again;
            bf_cells_begin(&again, of->cells, window, chunk.rows);
            again.rejected = cells.rejected;
            again.rejected_count = cells.rejected_count;
            again.rejected_room = cells.rejected_room;
            cells = again;
        }
    }
    bf_cells wide;
    if (!why && is_by_panes) {
        why = widen(&cells, hops, &wide);
    }
    if (why) {
        return fail(error, why);
    }
    finish(is_by_panes ? &wide : &cells, window.size_ms == 0, out);
    out->rejected.ptr = bf_alloc(cells.rejected_count * sizeof *out->rejected.ptr);
    out->rejected.len = cells.rejected_count;
    for (size_t i = 0; i < cells.rejected_count; i++) {
        out->rejected.ptr[i].row = cells.rejected[i].row;
        out->rejected.ptr[i].reason = string_of(bf_text_of(cells.rejected[i].reason));
    }
    return true;
}

// ---- Merging and presenting ----

// State `i` of blobs, into memory that is made all zero.
static const char *decode(const bf_state *state, const bf_blobs *states, size_t i, void *into) {
    const uint8_t *at;
    size_t length;
    if (!bf_blob(states, i, &at, &length)) {
        return "its ends are not in order";
    }
    bf_input in = bf_input_of(at, length);
    memset(into, 0, state->size);
    state->decode(into, &in);
    return bf_end_fault(&in);
}

static bool fail_at(bf_text *error, size_t i, const char *why) {
    return fail(error, bf_format("state %zu: %s", i, why));
}

bool bf_merge(const bf_transform *of, const bf_blobs *left, const bf_blobs *right, bf_blobs *out, bf_text *error) {
    const bf_state *state = of->cells->state;
    size_t count = left->ends.len / 4;
    memset(out, 0, sizeof *out);
    if (right->ends.len / 4 != count) {
        return fail(error, bf_format("%zu states at the left, %zu at the right", count, (size_t)right->ends.len / 4));
    }
    void *into = bf_alloc(state->size), *later = bf_alloc(state->size);
    bf_output ends = { 0 }, bytes = { 0 };
    // At once what most calls need: the ends, and as much as the greater side has.
    bf_make_room(&ends, count * 4);
    bf_make_room(&bytes, left->bytes.len > right->bytes.len ? left->bytes.len : right->bytes.len);
    for (size_t i = 0; i < count; i++) {
        const char *why = decode(state, left, i, into);
        why = why ? why : decode(state, right, i, later);
        why = why ? why : state->merge(into, later);
        if (why) {
            return fail_at(error, i, why);
        }
        state->encode(into, &bytes);
        end_blob(&ends, &bytes);
    }
    *out = (bf_blobs){ .ends = bf_list_of(&ends), .bytes = bf_list_of(&bytes) };
    return true;
}

// One row of columns from a state, by the author's function or part by part.
static const char *present_row(const bf_transform *of, void *state, void *row, bf_builder *columns) {
    if (of->shown) {
        const void *addresses[BF_PARTS_MAX];
        memset(row, 0, of->shown->size);
        BF_TRY(of->shown->present(state, row));
        of->shown->addresses(row, addresses);
        for (size_t i = 0; i < of->shown->count; i++) {
            bf_type type = of->shown->fields[i].type;
            bf_datum datum = bf_datum_at(type, addresses[i]);
            if (!datum.is_absent) {
                BF_TRY(bf_datum_of(type, bf_kept_value(type, datum.value), &datum));
            }
            bf_build(&columns[i], &datum);
        }
        return BF_OK;
    }
    const bf_state *parts = of->cells->state;
    void *addresses[BF_PARTS_MAX];
    parts->addresses(state, addresses);
    for (size_t i = 0; i < parts->count; i++) {
        bf_datum datum;
        BF_TRY(parts->parts[i].ops->present(addresses[i], &parts->parts[i].spec, &datum));
        bf_build(&columns[i], &datum);
    }
    return BF_OK;
}

bool bf_present(const bf_transform *of, bf_text settings, const bf_blobs *states, bf_columns *out, bf_text *error) {
    const bf_state *state = of->cells->state;
    memset(out, 0, sizeof *out);
    bf_window window;
    const char *why = of->configure ? configure(of, settings, &window) : BF_OK;
    if (why) {
        return fail(error, why);
    }
    size_t count = of->shown ? of->shown->count : state->count;
    bf_builder *columns = bf_alloc_zero(count, sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        columns[i].type = of->shown ? of->shown->fields[i].type
                                    : state->parts[i].ops->shown(&state->parts[i].spec);
    }
    void *at = bf_alloc(state->size), *row = bf_alloc(of->shown ? of->shown->size : 1);
    for (size_t i = 0; i < states->ends.len / 4; i++) {
        why = decode(state, states, i, at);
        if (why) {
            return fail_at(error, i, why);
        }
        why = present_row(of, at, row, columns);
        if (why) {
            return fail(error, why);
        }
    }
    out->ptr = bf_alloc(count * sizeof *out->ptr);
    out->len = count;
    for (size_t i = 0; i < count; i++) {
        out->ptr[i] = bf_built(&columns[i]);
    }
    return true;
}
