#ifndef __wasm__

#include "testing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int bf_failures;

void bf_expect_(const char *file, int line, const char *what, const char *got, const char *expected) {
    if (strcmp(got, expected) != 0) {
        fprintf(stderr, "%s:%d: %s\n  expected %s\n  got      %s\n", file, line, what, expected, got);
        bf_failures++;
    }
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(2);
}

// ---- Events ----

typedef struct record {
    int64_t offset;
    int64_t time_ms;
    const bf_datum *inputs;
} record;

typedef struct rejection {
    int64_t offset;
    const char *reason;
} rejection;

struct bf_bench {
    const bf_transform *of;
    bf_text settings;
    bf_description says;
    const char *time_path; // NULL: the time is 0
    const char *time_unit; // of epoch numbers; NULL: there are none
    record *records;
    size_t count;
    rejection *unfit; // events that lack an input or have one of the wrong type
    size_t unfit_count;
    uint64_t ignored;
    int64_t next_offset;
};

static const char *string_of(plugin_string_t text) { return bf_format("%.*s", (int)text.len, (const char *)text.ptr); }

static bf_type type_of(const exports_bifocal_transform_transform_field_t *field) {
    static const bf_type types[] = { BF_TYPE_boolean, BF_TYPE_integer, BF_TYPE_float, BF_TYPE_text,
                                     BF_TYPE_binary, BF_TYPE_timestamp, BF_TYPE_decimal(0), BF_TYPE_json };
    bf_type type = types[field->kind.tag];
    return field->kind.tag == BF_DECIMAL ? type | (bf_type)field->kind.val.decimal << 3 : type;
}

bf_bench *bf_bench_new(const bf_transform *of, const char *settings) {
    bf_bench *bench = bf_alloc_zero(1, sizeof *bench);
    bf_text error;
    bench->of = of;
    bench->settings = bf_text_of(settings ? settings : "{}");
    if (!bf_describe(of, bench->settings, &bench->says, &error)) {
        give_up(error.at);
    }
    bf_bench_time(bench, of->time, of->time_unit);
    return bench;
}

void bf_bench_time(bf_bench *bench, const char *path, const char *unit) {
    bench->time_path = path;
    bench->time_unit = unit;
}

uint64_t bf_bench_ignored(const bf_bench *bench) { return bench->ignored; }

// One step of a path: up to `end`, with ~1 and ~0 of a JSON Pointer undone.
static bf_text step_of(const char *at, size_t length, bool is_pointer) {
    char *step = bf_alloc(length + 1);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_escape = is_pointer && at[i] == '~' && i + 1 < length;
        step[count++] = is_escape ? (at[++i] == '1' ? '/' : '~') : at[i];
    }
    return (bf_text){ .at = step, .length = (uint32_t)count };
}

// The JSON at a path; `at` is NULL if nothing or null is there.
static bf_json value_at(const char *payload, const char *path) {
    bool is_pointer = *path == '/';
    bf_json at = { payload, (uint32_t)strlen(payload) };
    const bf_json nothing = { 0 };
    path += is_pointer;
    while (at.at) {
        size_t length = strcspn(path, is_pointer ? "/" : ".");
        bf_text step = step_of(path, length, is_pointer), text;
        bf_json_walk walk;
        bf_json name, value, found = nothing;
        if (bf_json_enter(at, &walk)) {
            for (int64_t i = 0, wanted; bf_json_step(&walk, &name, &value); i++) {
                bool is_it = name.at
                    ? !bf_json_text(name, &text) && bf_text_equal(text, step)
                    : bf_parse_integer(step.at, step.length, &wanted) && wanted == i;
                found = is_it ? value : found;
            }
        }
        at = found.at && bf_json_is_null(found) ? nothing : found;
        path += length;
        if (*path++ == '\0') {
            break;
        }
    }
    return at;
}

static bool read_base64(bf_text text, bf_value *value) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bf_output out = { 0 };
    uint32_t bits = 0, count = 0;
    for (uint32_t i = 0; i < text.length && text.at[i] != '='; i++) {
        const char *digit = text.at[i] ? strchr(alphabet, text.at[i]) : NULL;
        if (!digit) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bf_put_u8(&out, (uint8_t)(bits >> count));
        }
    }
    *value = (bf_value){ .at = out.at, .length = (uint32_t)out.length };
    return text.length % 4 == 0;
}

// Days since 1970-01-01. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
static int64_t days(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// RFC 3339, or the same without a zone, which is UTC; also with a space for the T, or a date alone.
static bool read_instant(bf_text text, int64_t *ms) {
    const char *at = bf_format("%.*s", BF_TEXT(text));
    int year, month, day, hour = 0, minute = 0, second = 0, taken = 0;
    if (sscanf(at, "%4d-%2d-%2d%n", &year, &month, &day, &taken) != 3 || taken != 10) {
        return false;
    }
    at += taken;
    int64_t fraction = 0, zone = 0;
    if (*at) {
        if (!strchr("Tt ", *at) || sscanf(at + 1, "%2d:%2d:%2d%n", &hour, &minute, &second, &taken) != 3) {
            return false;
        }
        at += 1 + taken;
        if (*at == '.') {
            int64_t unit = 100;
            for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) {
                fraction += (*at - '0') * unit;
            }
        }
        if (*at == '+' || *at == '-') {
            int hours, minutes;
            if (sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &taken) != 2 || at[1 + taken]) {
                return false;
            }
            zone = (hours * 60 + minutes) * (*at == '-' ? -60000 : 60000);
        } else if (*at && strcmp(at, "Z") != 0 && strcmp(at, "z") != 0) {
            return false;
        }
    }
    *ms = days(year, month, day) * 86400000 + ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction - zone;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// A number of units since 1970, which must be known.
static bool read_epoch(const bf_bench *bench, bf_json json, int64_t *ms) {
    const char *unit = bench->time_unit;
    if (!unit || bf_json_integer(json, ms)) {
        return false;
    }
    int64_t per_ms = *unit == 'u' ? 1000 : *unit == 'n' ? 1000000 : 1;
    *ms = *unit == 's' ? *ms * 1000 : *ms / per_ms - (*ms % per_ms < 0);
    return true;
}

// JSON as a value of a kind, by the rules by which a host extracts it.
static bool read_value(const bf_bench *bench, bf_type type, bf_json json, bf_value *value) {
    bf_text text = { 0 };
    bool is_text = !bf_json_text(json, &text), flag;
    bool is_read = true;
    switch (bf_kind_of(type)) {
    case BF_BOOLEAN:
        is_read = !bf_json_boolean(json, &flag);
        *value = BF_VALUE(flag);
        return is_read;
    case BF_INTEGER: return !bf_json_integer(json, &value->number);
    case BF_FLOAT: return !bf_json_float(json, &value->real);
    case BF_TEXT_KIND: *value = BF_VALUE(text); return is_text;
    case BF_BINARY: return is_text && read_base64(text, value);
    case BF_TIMESTAMP:
        return is_text ? read_instant(text, &value->number) : read_epoch(bench, json, &value->number);
    case BF_DECIMAL: return !bf_json_decimal(json, bf_digits_of(type), &value->number);
    case BF_JSON: *value = BF_VALUE(json); return true;
    }
    return is_read;
}

static const char *read_input(const bf_bench *bench, const exports_bifocal_transform_transform_field_t *field,
                              int64_t offset, int64_t time_ms, const char *payload, bf_datum *datum) {
    const char *path = string_of(field->path);
    bf_type type = type_of(field);
    *datum = (bf_datum){ .value = { .number = 0 } };
    if (*path == '\0') {
        datum->value = (bf_value){ .at = (const uint8_t *)payload, .length = (uint32_t)strlen(payload) };
    } else if (strcmp(path, "@offset") == 0) {
        datum->value.number = offset;
    } else if (strcmp(path, "@time") == 0 || strcmp(path, "@ingested") == 0) {
        datum->value.number = time_ms;
    } else {
        bf_json json = *path == '@' ? (bf_json){ 0 } : value_at(payload, path);
        datum->is_absent = !json.at;
        if (json.at && !read_value(bench, type, json, &datum->value)) {
            static const char *const kinds[] = { "Boolean", "Integer", "Float", "Text",
                                                 "Binary", "Timestamp", "Decimal", "Json" };
            const char *digits = bf_kind_of(type) == BF_DECIMAL ? bf_format("(%u)", bf_digits_of(type)) : "";
            return bf_format("%s: %.*s is not of kind %s%s", path, BF_TEXT(json), kinds[bf_kind_of(type)], digits);
        }
    }
    return datum->is_absent && field->required ? bf_format("%s: is missing", path) : BF_OK;
}

static bool is_wanted(const bf_bench *bench, const char *payload) {
    bf_text tag;
    if (!bench->says.only.is_some) {
        return true;
    }
    bf_json json = value_at(payload, string_of(bench->says.only.val.path));
    if (!json.at || bf_json_text(json, &tag)) {
        return false;
    }
    bool is_one = false;
    for (size_t i = 0; i < bench->says.only.val.one_of.len; i++) {
        is_one |= bf_text_equal(tag, bf_text_of(string_of(bench->says.only.val.one_of.ptr[i])));
    }
    return is_one;
}

static int64_t time_of(const bf_bench *bench, const char *payload) {
    bf_json json = value_at(payload, bench->time_path);
    bf_value time;
    if (!json.at || !read_value(bench, BF_TYPE_timestamp, json, &time)) {
        give_up(bf_format("event %lld: %s: no time is there", (long long)bench->next_offset, bench->time_path));
    }
    return time.number;
}

int64_t bf_bench_append(bf_bench *bench, const char *payload) {
    return bf_bench_append_at(bench, bench->time_path ? time_of(bench, payload) : 0, payload);
}

int64_t bf_bench_append_at(bf_bench *bench, int64_t time_ms, const char *payload) {
    int64_t offset = bench->next_offset++;
    if (!is_wanted(bench, payload)) {
        bench->ignored++;
        return offset;
    }
    payload = bf_copy(payload, strlen(payload) + 1);
    bf_datum *inputs = bf_alloc(bench->says.inputs.len * sizeof *inputs);
    for (size_t i = 0; i < bench->says.inputs.len; i++) {
        const char *why = read_input(bench, &bench->says.inputs.ptr[i], offset, time_ms, payload, &inputs[i]);
        if (why) {
            size_t size = bench->unfit_count * sizeof *bench->unfit;
            bench->unfit = bf_grow(bench->unfit, size, size + sizeof *bench->unfit);
            bench->unfit[bench->unfit_count++] = (rejection){ offset, why };
            return offset;
        }
    }
    size_t size = bench->count * sizeof *bench->records;
    bench->records = bf_grow(bench->records, size, size + sizeof *bench->records);
    bench->records[bench->count++] = (record){ offset, time_ms, inputs };
    return offset;
}

// ---- Cells ----

typedef struct cell {
    const bf_datum *key;
    int64_t window_ms;
    bf_bytes state;
} cell;

// Cells of some events, sorted, and the rejections among them.
typedef struct part {
    cell *cells;
    size_t count;
    rejection *rejected;
    size_t rejected_count;
    const char *error; // NULL: there is none
} part;

static bf_column column_of(bf_type type, const bf_datum *data, size_t count) {
    bf_builder builder = { .type = type };
    for (size_t row = 0; row < count; row++) {
        bf_build(&builder, &data[row]);
    }
    return bf_built(&builder);
}

static bf_datum datum_of(const bf_column *column, bf_type type, size_t row) {
    bf_field field = { .name = "", .path = "", .type = type | BF_IS_OPTIONAL };
    bf_reader reader;
    size_t rows = bf_kind_of(type) == BF_TEXT_KIND ? column->fixed.len / 4
        : bf_is_wide(type) ? column->heap.ends.len / 4 : column->fixed.len / bf_width_of(type);
    const char *why = bf_open(column, rows, &field, false, &reader);
    if (why) {
        give_up(why);
    }
    bf_datum datum = { .is_absent = reader.validity && !(reader.validity[row / 8] >> row % 8 & 1) };
    if (datum.is_absent) {
        return datum;
    }
    switch (bf_kind_of(type)) {
    case BF_BOOLEAN: datum.value.number = reader.flags[row]; break;
    case BF_TEXT_KIND: datum.value = BF_VALUE(reader.texts[reader.codes[row] & reader.mask]); break;
    case BF_BINARY:
    case BF_JSON: {
        uint32_t from = row ? reader.ends[row - 1] : 0;
        datum.value = (bf_value){ .at = from ? reader.bytes + from : reader.bytes, .length = reader.ends[row] - from };
        break;
    }
    default: datum.value.number = reader.numbers[row]; break;
    }
    return datum;
}

static const bf_bench *sorted_for; // what `by_place` compares cells of

// Keys, null first, text by bytes; then windows.
static int by_place(const void *a, const void *b) {
    const cell *x = a, *y = b;
    for (size_t k = 0; k < sorted_for->says.keys.len; k++) {
        const bf_datum *p = &x->key[k], *q = &y->key[k];
        int order = p->is_absent || q->is_absent
            ? (int)q->is_absent - (int)p->is_absent
            : bf_compare(type_of(&sorted_for->says.keys.ptr[k]), p->value, q->value);
        if (order) {
            return order;
        }
    }
    return (x->window_ms > y->window_ms) - (x->window_ms < y->window_ms);
}

static void sort_cells(const bf_bench *bench, part *of) {
    sorted_for = bench;
    if (of->count > 0) {
        qsort(of->cells, of->count, sizeof *of->cells, by_place);
    }
}

static part fold(const bf_bench *bench, size_t from, size_t to) {
    size_t rows = to - from, inputs = bench->says.inputs.len, keys = bench->says.keys.len;
    bf_column *columns = bf_alloc(inputs * sizeof *columns);
    bf_datum *data = bf_alloc(rows * sizeof *data);
    bf_output times = { 0 };
    for (size_t i = 0; i < inputs; i++) {
        for (size_t row = 0; row < rows; row++) {
            data[row] = bench->records[from + row].inputs[i];
        }
        columns[i] = column_of(type_of(&bench->says.inputs.ptr[i]), data, rows);
    }
    for (size_t row = from; row < to; row++) {
        bf_put_u64(&times, (uint64_t)bench->records[row].time_ms);
    }
    bf_events events = { .times = bf_list_of(&times), .columns = { columns, inputs } };
    bf_folded folded;
    bf_text error;
    if (!bf_fold(bench->of, bench->settings, &events, &folded, &error)) {
        return (part){ .error = error.at };
    }
    part of = { .count = folded.cells.states.ends.len / 4, .rejected_count = folded.rejected.len };
    of.cells = bf_alloc(of.count * sizeof *of.cells);
    of.rejected = bf_alloc(of.rejected_count * sizeof *of.rejected);
    for (size_t i = 0; i < of.rejected_count; i++) {
        const exports_bifocal_transform_transform_rejection_t *each = &folded.rejected.ptr[i];
        of.rejected[i] = (rejection){ bench->records[from + each->row].offset, string_of(each->reason) };
    }
    for (size_t i = 0; i < of.count; i++) {
        bf_datum *key = bf_alloc(keys * sizeof *key);
        for (size_t k = 0; k < keys; k++) {
            key[k] = datum_of(&folded.cells.keys.ptr[k], type_of(&bench->says.keys.ptr[k]), i);
        }
        const uint8_t *at;
        size_t length;
        bf_blob(&folded.cells.states, i, &at, &length);
        int64_t window = folded.cells.windows.len ? (int64_t)bf_load_u64(folded.cells.windows.ptr + 8 * i) : 0;
        of.cells[i] = (cell){ key, window, { at, (uint32_t)length } };
    }
    sort_cells(bench, &of);
    for (size_t i = 1; i < of.count; i++) {
        if (by_place(&of.cells[i - 1], &of.cells[i]) == 0) {
            of.error = "two cells have one key and window";
        }
    }
    return of;
}

static bf_blobs one_blob(bf_bytes bytes) {
    bf_output ends = { 0 }, all = { 0 };
    bf_put(&ends, &bytes.length, 4);
    bf_put(&all, bytes.at, bytes.length);
    return (bf_blobs){ .ends = bf_list_of(&ends), .bytes = bf_list_of(&all) };
}

static const char *merge_states(const bf_bench *bench, bf_bytes left, bf_bytes right, bf_bytes *out) {
    bf_blobs x = one_blob(left), y = one_blob(right), merged;
    bf_text error;
    if (!bf_merge(bench->of, &x, &y, &merged, &error)) {
        return error.at;
    }
    *out = (bf_bytes){ merged.bytes.ptr, (uint32_t)merged.bytes.len };
    return BF_OK;
}

static part merge(const bf_bench *bench, const part *left, const part *right) {
    part of = { .error = left->error ? left->error : right->error };
    if (of.error) {
        return of;
    }
    of.cells = bf_alloc((left->count + right->count) * sizeof *of.cells);
    of.rejected_count = left->rejected_count + right->rejected_count;
    of.rejected = bf_alloc(of.rejected_count * sizeof *of.rejected);
    for (size_t i = 0; i < of.rejected_count; i++) {
        size_t count = left->rejected_count;
        of.rejected[i] = i < count ? left->rejected[i] : right->rejected[i - count];
    }
    sorted_for = bench;
    for (size_t x = 0, y = 0; x < left->count || y < right->count;) {
        int order = x == left->count ? 1 : y == right->count ? -1 : by_place(&left->cells[x], &right->cells[y]);
        cell *into = &of.cells[of.count++];
        if (order <= 0) {
            *into = left->cells[x++];
        } else {
            *into = right->cells[y];
        }
        if (order == 0) {
            const char *why = merge_states(bench, into->state, right->cells[y].state, &into->state);
            of.error = why ? why : of.error;
        }
        y += order >= 0;
    }
    return of;
}

// ---- Answers ----

static void write_member(bf_output *out, bf_text name, bf_type type, const bf_datum *datum) {
    bf_write(out, out->length && out->at[out->length - 1] == '{' ? "" : ",");
    bf_write_text(out, name.at, name.length);
    bf_put_u8(out, ':');
    bf_write_datum(out, type, datum);
}

// The state that a person reads: run from the beginning, where there is one.
static const char *whole_state(const bf_bench *bench, bf_bytes floating, bf_bytes *whole) {
    *whole = floating;
    if (!bench->says.initial.is_some) {
        return BF_OK;
    }
    bf_bytes initial = { bench->says.initial.val.ptr, (uint32_t)bench->says.initial.val.len };
    return merge_states(bench, initial, floating, whole);
}

static const char *write_row(const bf_bench *bench, const cell *of, bf_output *out) {
    bf_bytes state;
    BF_TRY(whole_state(bench, of->state, &state));
    bf_blobs states = one_blob(state);
    bf_columns columns;
    bf_text error;
    if (!bf_present(bench->of, bench->settings, &states, &columns, &error)) {
        return error.at;
    }
    bf_put_u8(out, '{');
    for (size_t k = 0; k < bench->says.keys.len; k++) {
        const exports_bifocal_transform_transform_field_t *key = &bench->says.keys.ptr[k];
        write_member(out, bf_text_of(string_of(key->name)), type_of(key), &of->key[k]);
    }
    if (bench->says.window.is_some) {
        bf_datum window = { .value = BF_VALUE(of->window_ms) };
        write_member(out, bf_text_of("window"), BF_TYPE_timestamp, &window);
    }
    for (size_t i = 0; i < columns.len; i++) {
        const exports_bifocal_transform_transform_field_t *output = &bench->says.outputs.ptr[i];
        bf_datum datum = datum_of(&columns.ptr[i], type_of(output), 0);
        write_member(out, bf_text_of(string_of(output->name)), type_of(output), &datum);
    }
    bf_write(out, "}\n");
    return BF_OK;
}

static const char *rows(const bf_bench *bench, bool without_broken) {
    part all = fold(bench, 0, bench->count);
    bf_output out = { 0 };
    for (size_t i = 0; i < all.count && !all.error; i++) {
        size_t before = out.length;
        const char *why = write_row(bench, &all.cells[i], &out);
        if (why && without_broken && strstr(why, "out of range")) {
            out.length = before;
        } else if (why) {
            return why;
        }
    }
    return all.error ? all.error : bf_written(&out);
}

const char *bf_bench_rows(const bf_bench *bench) { return rows(bench, false); }
const char *bf_bench_sound_rows(const bf_bench *bench) { return rows(bench, true); }

static int by_offset(const void *a, const void *b) {
    const rejection *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static part all_rejected(const bf_bench *bench) {
    part all = fold(bench, 0, bench->count);
    size_t count = all.rejected_count + bench->unfit_count;
    rejection *rejected = bf_alloc(count * sizeof *rejected);
    if (all.rejected_count) {
        memcpy(rejected, all.rejected, all.rejected_count * sizeof *rejected);
    }
    if (bench->unfit_count) {
        memcpy(rejected + all.rejected_count, bench->unfit, bench->unfit_count * sizeof *rejected);
    }
    if (count) {
        qsort(rejected, count, sizeof *rejected, by_offset);
    }
    return (part){ .rejected = rejected, .rejected_count = count, .error = all.error };
}

const char *bf_bench_rejected(const bf_bench *bench) {
    part all = all_rejected(bench);
    bf_output out = { 0 };
    for (size_t i = 0; i < all.rejected_count; i++) {
        bf_write(&out, bf_format("{\"offset\":%lld,\"reason\":", (long long)all.rejected[i].offset));
        bf_write_text(&out, all.rejected[i].reason, strlen(all.rejected[i].reason));
        bf_write(&out, "}\n");
    }
    return all.error ? all.error : bf_written(&out);
}

const char *bf_bench_states(const bf_bench *bench) {
    part all = fold(bench, 0, bench->count);
    bf_output out = { 0 };
    for (size_t i = 0; i < all.count && !all.error; i++) {
        bf_bytes state;
        const char *why = whole_state(bench, all.cells[i].state, &state);
        if (why) {
            return why;
        }
        bf_write(&out, bf_format("{\"window\":%lld,\"state\":\"", (long long)all.cells[i].window_ms));
        for (uint32_t at = 0; at < state.length; at++) {
            bf_write(&out, bf_format("%02x", state.at[at]));
        }
        bf_write(&out, "\"}\n");
    }
    return all.error ? all.error : bf_written(&out);
}

// ---- Laws ----

static const char *differ(const bf_bench *bench, const char *law, const char *at, const part *expected,
                          const part *got) {
    if (expected->error || got->error) {
        return bf_format("law %s, %s: %s", law, at, expected->error ? expected->error : got->error);
    }
    bool is_same = expected->count == got->count && expected->rejected_count == got->rejected_count;
    for (size_t i = 0; i < expected->rejected_count && is_same; i++) {
        is_same = expected->rejected[i].offset == got->rejected[i].offset
            && strcmp(expected->rejected[i].reason, got->rejected[i].reason) == 0;
    }
    sorted_for = bench;
    for (size_t i = 0; i < expected->count && is_same; i++) {
        bf_bytes x = expected->cells[i].state, y = got->cells[i].state;
        is_same = by_place(&expected->cells[i], &got->cells[i]) == 0 && x.length == y.length
            && memcmp(x.at, y.at, x.length) == 0;
    }
    return is_same ? NULL : bf_format("law %s, %s: cells or rejections differ", law, at);
}

static const char *verdict_on(const part *of, int64_t offset) {
    for (size_t i = 0; i < of->rejected_count; i++) {
        if (of->rejected[i].offset == offset) {
            return of->rejected[i].reason;
        }
    }
    return "none";
}

const char *bf_bench_laws(const bf_bench *bench) {
    size_t all = bench->count;
    part whole = fold(bench, 0, all);
    for (size_t cut = 0; cut <= all; cut++) {
        const char *at = bf_format("cut at %zu of %zu", cut, all), *why;
        part left = fold(bench, 0, cut), right = fold(bench, cut, all), merged = merge(bench, &left, &right);
        if ((why = differ(bench, "split", at, &whole, &merged))) {
            return why;
        }
        if (bench->says.order == EXPORTS_BIFOCAL_TRANSFORM_TRANSFORM_ORDER_NONE) {
            part swapped = merge(bench, &right, &left);
            if (swapped.rejected_count) {
                qsort(swapped.rejected, swapped.rejected_count, sizeof *swapped.rejected, by_offset);
            }
            if ((why = differ(bench, "order-free", at, &merged, &swapped))) {
                return why;
            }
        }
        part first = fold(bench, 0, cut / 2), second = fold(bench, cut / 2, cut), tail = merge(bench, &second, &right);
        part other = merge(bench, &first, &tail);
        if ((why = differ(bench, "associative", at, &whole, &other))) {
            return why;
        }
    }
    for (size_t row = 0; row < all; row++) {
        part alone = fold(bench, row, row + 1);
        int64_t offset = bench->records[row].offset;
        if (strcmp(verdict_on(&alone, offset), verdict_on(&whole, offset)) != 0) {
            return bf_format("law monotone: event %lld alone is rejected as %s, among others as %s",
                             (long long)offset, verdict_on(&alone, offset), verdict_on(&whole, offset));
        }
    }
    return "";
}

// ---- Fixtures ----

const char *bf_read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    bf_output out = { 0 };
    char piece[4096];
    for (size_t read; (read = fread(piece, 1, sizeof piece, file)) > 0;) {
        bf_put(&out, piece, read);
    }
    fclose(file);
    return bf_written(&out);
}

// The next line that is not blank; NULL behind the last.
static const char *next_line(const char **text) {
    while (**text) {
        size_t length = strcspn(*text, "\n");
        const char *line = bf_format("%.*s", (int)length, *text);
        *text += length + ((*text)[length] == '\n');
        if (line[strspn(line, " \t\r")]) {
            return line;
        }
    }
    return NULL;
}

static const char *case_file(const char *folder, const char *name) {
    const char *text = bf_read_file(bf_format("%s/%s", folder, name));
    if (!text) {
        give_up(bf_format("%s/%s is not there", folder, name));
    }
    return text;
}

// JSON without the blanks between its parts, to compare lines by what they say.
static const char *compact(const char *json) {
    bf_output out = { 0 };
    bool is_quoted = false;
    for (; *json; json++) {
        is_quoted ^= *json == '"';
        if (is_quoted && *json == '\\') {
            bf_put_u8(&out, (uint8_t)*json++);
        }
        if (is_quoted || !strchr(" \t\r", *json)) {
            bf_put_u8(&out, (uint8_t)*json);
        }
    }
    return bf_written(&out);
}

static void check_case(const bf_transform *of, const char *folder) {
    const char *settings = bf_read_file(bf_format("%s/settings.json", folder)), *line;
    bf_bench *bench = bf_bench_new(of, settings ? bf_format("%.*s", (int)strcspn(settings, "\n"), settings) : "{}");
    for (const char *events = case_file(folder, "events.ndjson"); (line = next_line(&events));) {
        bf_bench_append(bench, line);
    }
    const char *expected = case_file(folder, "expected.ndjson"), *got = bf_bench_rows(bench);
    for (int row = 0;; row++) {
        const char *wanted = next_line(&expected), *found = next_line(&got);
        if (!wanted && !found) {
            break;
        }
        if (!wanted || !found || strcmp(compact(wanted), compact(found)) != 0) {
            give_up(bf_format("%s: row %d: expected %s, got %s", folder, row, wanted ? wanted : "none",
                              found ? found : "none"));
        }
    }
    part rejected = all_rejected(bench);
    const char *reasons = case_file(folder, "rejected.ndjson");
    for (size_t i = 0;; i++) {
        const char *wanted = next_line(&reasons);
        if (!wanted && i == rejected.rejected_count) {
            break;
        }
        bf_json json = { wanted, wanted ? (uint32_t)strlen(wanted) : 0 }, member;
        int64_t offset;
        bf_text reason = bf_text_of("");
        bool is_same = wanted && i < rejected.rejected_count && !bf_json_required(json, "offset", &member)
            && !bf_json_integer(member, &offset) && offset == rejected.rejected[i].offset;
        if (is_same && !bf_json_required(json, "reason", &member) && !bf_json_text(member, &reason)) {
            is_same = strstr(rejected.rejected[i].reason, bf_format("%.*s", BF_TEXT(reason))) != NULL;
        }
        if (!is_same) {
            give_up(bf_format("%s: rejection %zu: expected %s, got %s", folder, i, wanted ? wanted : "none",
                              i < rejected.rejected_count ? rejected.rejected[i].reason : "none"));
        }
    }
    const char *broken = bf_bench_laws(bench);
    if (*broken) {
        give_up(bf_format("%s: %s", folder, broken));
    }
}

int bf_check_fixtures(const bf_transform *of, const char *directory) {
    DIR *opened = opendir(directory);
    int cases = 0;
    if (!opened) {
        give_up(bf_format("%s is not there", directory));
    }
    for (struct dirent *entry; (entry = readdir(opened));) {
        if (entry->d_name[0] != '.') {
            check_case(of, bf_format("%s/%s", directory, entry->d_name));
            cases++;
        }
    }
    closedir(opened);
    if (cases == 0) {
        give_up(bf_format("%s: no case is there", directory));
    }
    return cases;
}

#endif
