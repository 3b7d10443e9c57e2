#include "column.h"

bf_text bf_field_name(const bf_field *field) {
    bf_text name = bf_text_of(field->name);
    name.length -= name.length > 1 && name.at[name.length - 1] == '_';
    return name;
}

bf_text bf_field_path(const bf_field *field) {
    if (strcmp(field->path, BF_PAYLOAD) == 0) {
        return bf_text_of("");
    }
    return *field->path ? bf_text_of(field->path) : bf_field_name(field);
}

bool bf_blob(const bf_blobs *blobs, size_t i, const uint8_t **at, size_t *length) {
    if (i >= blobs->ends.len / 4) {
        return false;
    }
    size_t from = i ? bf_load_u32(blobs->ends.ptr + 4 * (i - 1)) : 0, to = bf_load_u32(blobs->ends.ptr + 4 * i);
    *at = from ? blobs->bytes.ptr + from : blobs->bytes.ptr; // which may be NULL
    *length = to - from;
    return from <= to && to <= blobs->bytes.len;
}

static bool is_bit_set(const uint8_t *bits, size_t i) { return bits[i / 8] >> (i % 8) & 1; }

// The buffer at an address that its words can be read from.
static const void *aligned(const bf_list *list, size_t width) {
    return (uintptr_t)list->ptr % width == 0 ? list->ptr : bf_copy(list->ptr, list->len);
}

// Empty texts fill the list up to a power of two, so that a mask keeps codes beyond the dictionary, which no
// host sends, within it: they read as some text.
static const bf_dictionary *open_dictionary(const bf_blobs *heap) {
    bf_dictionary *dictionary = bf_alloc(sizeof *dictionary);
    uint32_t count = (uint32_t)(heap->ends.len / 4), room = 1;
    while (room < count) {
        room *= 2;
    }
    bf_bytes *texts = bf_alloc(room * sizeof *texts);
    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        if (!bf_blob(heap, i, &texts[i].at, &length)) {
            return NULL;
        }
        texts[i].length = (uint32_t)length;
    }
    for (uint32_t i = count; i < room; i++) {
        texts[i] = (bf_bytes){ (const uint8_t *)"", 0 };
    }
    *dictionary = (bf_dictionary){ .texts = texts, .count = count, .mask = room - 1 };
    return dictionary;
}

static const char *wrong(const bf_field *field, const char *why) {
    bf_text name = bf_field_path(field);
    return bf_format("input '%.*s': %s", BF_TEXT(name), why);
}

static const char *open_text(const bf_column *column, bf_reader *out) {
    out->codes = aligned(&column->fixed, 4);
    out->dictionary = open_dictionary(&column->heap);
    out->texts = out->dictionary ? out->dictionary->texts : NULL;
    out->mask = out->dictionary ? out->dictionary->mask : 0;
    return out->dictionary ? BF_OK : wrong(out->field, "its values do not follow each other");
}

static const char *open_wide(const bf_column *column, size_t rows, bf_reader *out) {
    out->ends = aligned(&column->heap.ends, 4);
    out->bytes = column->heap.bytes.ptr;
    uint32_t last = 0;
    for (size_t row = 0; row < rows; row++) {
        if (out->ends[row] < last) {
            return wrong(out->field, "its values do not follow each other");
        }
        last = out->ends[row];
    }
    return last > column->heap.bytes.len ? wrong(out->field, "its values end beyond its bytes") : BF_OK;
}

const char *bf_open(const bf_column *column, size_t rows, const bf_field *field, bool is_sparse, bf_reader *out) {
    static const uint8_t widths[] = { [BF_BOOLEAN] = 1, [BF_INTEGER] = 8, [BF_FLOAT] = 8, [BF_TEXT_KIND] = 4,
                                      [BF_BINARY] = 0, [BF_TIMESTAMP] = 8, [BF_DECIMAL] = 8, [BF_JSON] = 0 };
    size_t width = widths[bf_kind_of(field->type)];
    *out = (bf_reader){ .field = field, .validity = column->validity.len ? column->validity.ptr : NULL };
    size_t there = width ? column->fixed.len / width : column->heap.ends.len / 4;
    if (there != rows) {
        return wrong(field, bf_format("%zu values for %zu rows", there, rows));
    }
    if (out->validity && column->validity.len < (rows + 7) / 8) {
        return wrong(field, "its validity is too short");
    }
    if (out->validity && !bf_is_optional(field->type) && !is_sparse) {
        for (size_t row = 0; row < rows; row++) {
            if (!is_bit_set(out->validity, row)) {
                bf_text path = bf_field_path(field);
                return bf_format("input '%.*s' is required but absent in row %zu", BF_TEXT(path), row);
            }
        }
        out->validity = NULL;
    }
    switch (width) {
    case 0: return open_wide(column, rows, out);
    case 1: out->flags = column->fixed.ptr; return BF_OK;
    case 4: return open_text(column, out);
    default: out->numbers = aligned(&column->fixed, 8); return BF_OK;
    }
}

uint64_t bf_hash_bytes(const uint8_t *bytes, size_t length) {
    uint64_t hash = length;
    for (; length >= 8; length -= 8, bytes += 8) {
        hash = bf_mix(hash, bf_load_u64(bytes));
    }
    uint64_t last = 0;
    if (length > 0) {
        memcpy(&last, bytes, length);
    }
    return bf_mix(bf_mix(hash, last), 0);
}

uint64_t bf_text_hash(const bf_dictionary *dictionary, uint32_t code) {
    if (!dictionary->hashes) {
        uint64_t *hashes = bf_alloc((dictionary->mask + (size_t)1) * sizeof *hashes);
        for (uint32_t i = 0; i <= dictionary->mask; i++) {
            hashes[i] = bf_hash_bytes(dictionary->texts[i].at, dictionary->texts[i].length);
        }
        // What they are follows from the texts alone, so nobody sees when they are made.
        ((bf_dictionary *)(uintptr_t)dictionary)->hashes = hashes;
    }
    return dictionary->hashes[code];
}

#define OPTIONAL(kind, of)                                      \
    do {                                                        \
        const bf_optional_##kind *optional = at;                \
        datum.is_absent = !optional->is_some;                   \
        if (optional->is_some) {                                \
            datum.value = of(optional->value);                  \
        }                                                       \
    } while (0)
#define READ(kind, type_, of)                                   \
    do {                                                        \
        if (bf_is_optional(type)) {                             \
            OPTIONAL(kind, of);                                 \
        } else {                                                \
            datum.value = of(*(const type_ *)at);               \
        }                                                       \
    } while (0)

bf_datum bf_datum_at(bf_type type, const void *at) {
    bf_datum datum = { .value = { .number = 0 } };
    switch (bf_kind_of(type)) {
    case BF_BOOLEAN: READ(boolean, bool, BF_VALUE); break;
    case BF_FLOAT: READ(float, double, BF_VALUE); break;
    case BF_TEXT_KIND: READ(text, bf_text, BF_VALUE); break;
    case BF_BINARY: READ(binary, bf_bytes, BF_VALUE); break;
    case BF_JSON: READ(json, bf_json, BF_VALUE); break;
    default:
        switch (bf_width_of(type) + (bf_is_unsigned(type) ? 16 : 0)) {
        case 1: READ(i8, int8_t, BF_VALUE); break;
        case 2: READ(i16, int16_t, BF_VALUE); break;
        case 4: READ(i32, int32_t, BF_VALUE); break;
        case 17: READ(u8, uint8_t, BF_VALUE); break;
        case 18: READ(u16, uint16_t, BF_VALUE); break;
        case 20: READ(u32, uint32_t, BF_VALUE); break;
        case 24: READ(u64, uint64_t, BF_VALUE); break;
        default: READ(integer, int64_t, BF_VALUE); break;
        }
    }
    return datum;
}

static void note_absence(bf_builder *column, bool is_absent) {
    if (is_absent && !column->has_absent) {
        column->has_absent = true;
        for (uint32_t row = 0; row < column->rows; row += 8) {
            uint32_t left = column->rows - row;
            bf_put_u8(&column->validity, (uint8_t)(left < 8 ? (1u << left) - 1 : 0xff));
        }
    }
    if (column->has_absent) {
        if (column->rows % 8 == 0) {
            bf_put_u8(&column->validity, 0);
        }
        column->validity.at[column->validity.length - 1] |= (uint8_t)(!is_absent << column->rows % 8);
    }
    column->rows++;
}

static void end_blob(bf_builder *column) {
    uint32_t end = (uint32_t)column->bytes.length;
    bf_put(&column->ends, &end, sizeof end);
}

static bf_bytes text_of_code(const bf_builder *column, uint32_t code) {
    uint32_t from = code ? bf_load_u32(column->ends.at + 4 * (code - 1)) : 0;
    return (bf_bytes){ from ? column->bytes.at + from : column->bytes.at, bf_load_u32(column->ends.at + 4 * code) - from };
}

static uint32_t *slot_of(const bf_builder *column, const uint8_t *at, size_t length) {
    uint64_t hash = bf_hash_bytes(at, length);
    for (uint32_t i = (uint32_t)(hash >> 32) & (column->slot_count - 1);; i = (i + 1) & (column->slot_count - 1)) {
        if (column->slots[i] == 0) {
            return &column->slots[i];
        }
        bf_bytes text = text_of_code(column, column->slots[i] - 1);
        if (text.length == length && (length == 0 || memcmp(text.at, at, length) == 0)) {
            return &column->slots[i];
        }
    }
}

static uint32_t code_of(bf_builder *column, const uint8_t *at, size_t length) {
    if ((column->codes + 1) * 2 > column->slot_count) {
        column->slot_count = column->slot_count ? column->slot_count * 4 : 16;
        column->slots = bf_alloc_zero(column->slot_count, sizeof *column->slots);
        for (uint32_t code = 0; code < column->codes; code++) {
            bf_bytes text = text_of_code(column, code);
            *slot_of(column, text.at, text.length) = code + 1;
        }
    }
    uint32_t *slot = slot_of(column, at, length);
    if (*slot == 0) {
        *slot = ++column->codes;
        bf_put(&column->bytes, at, length);
        end_blob(column);
    }
    return *slot - 1;
}

void bf_build_text(bf_builder *column, const bf_text *text) {
    bf_datum datum = { .value = BF_VALUE(*text) };
    if (!text->dictionary || (column->coded && column->coded != text->dictionary)) {
        bf_build(column, &datum);
        return;
    }
    if (!column->coded) {
        column->coded = text->dictionary;
        column->codes_of = bf_alloc_zero(text->dictionary->mask + (size_t)1, sizeof *column->codes_of);
    }
    // One more than the code: 0 is not known yet.
    uint32_t *code = &column->codes_of[text->code];
    *code = *code ? *code : code_of(column, datum.value.at, datum.value.length) + 1;
    uint32_t found = *code - 1;
    bf_put(&column->fixed, &found, sizeof found);
    note_absence(column, false);
}

void bf_build(bf_builder *column, const bf_datum *datum) {
    bf_value value = datum->value;
    bool is_absent = datum->is_absent;
    switch (bf_kind_of(column->type)) {
    case BF_BOOLEAN: bf_put_u8(&column->fixed, !is_absent && value.number); break;
    case BF_TEXT_KIND: {
        uint32_t code = is_absent ? 0 : code_of(column, value.at, value.length);
        bf_put(&column->fixed, &code, sizeof code);
        break;
    }
    case BF_BINARY:
    case BF_JSON:
        bf_put(&column->bytes, value.at, is_absent ? 0 : value.length);
        end_blob(column);
        break;
    case BF_FLOAT: bf_put_u64(&column->fixed, is_absent ? 0 : bf_bits(value.real)); break;
    default: bf_put_u64(&column->fixed, is_absent ? 0 : (uint64_t)value.number); break;
    }
    note_absence(column, is_absent);
}

bf_column bf_built(const bf_builder *column) {
    return (bf_column){
        .fixed = bf_list_of(&column->fixed),
        .heap = { .ends = bf_list_of(&column->ends), .bytes = bf_list_of(&column->bytes) },
        .validity = bf_list_of(&column->validity),
    };
}
