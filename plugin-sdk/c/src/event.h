// Events read from columns: a struct a row, or all of a chunk as typed columns. What can be prepared is
// prepared once a chunk, so that a read is loads and nothing else.
#ifndef BIFOCAL_EVENT_H
#define BIFOCAL_EVENT_H

#include "column.h"

// Why a row is not of its event: "NAME: is missing", "NAME: N is not within MIN and MAX".
const char *bf_missing(const bf_field *field) __attribute__((__returns_nonnull__, __cold__));
const char *bf_not_within(const bf_field *field, int64_t number, int64_t min, uint64_t max)
    __attribute__((__returns_nonnull__, __cold__));

static inline bool bf_is_there(const bf_reader *reader, size_t row) {
    return !reader->validity || (reader->validity[row / 8] >> (row % 8) & 1);
}

static inline bf_text bf_read_text_at_(const bf_reader *reader, size_t row) {
    uint32_t code = reader->codes[row] & reader->mask;
    bf_bytes text = reader->texts[code];
    return (bf_text){ (const char *)text.at, text.length, code, reader->dictionary };
}

static inline bf_bytes bf_read_wide_at_(const bf_reader *reader, size_t row) {
    uint32_t from = row ? reader->ends[row - 1] : 0;
    return (bf_bytes){ from ? reader->bytes + from : reader->bytes, reader->ends[row] - from };
}

// Two readers of a kind: of a field that must be there, and of one that may be absent.
#define BF_READERS_(kind, type, get)                                                                   \
    static inline const char *bf_read_##kind(const bf_reader *reader, size_t row, type *out) {         \
        if (!bf_is_there(reader, row)) {                                                               \
            return bf_missing(reader->field);                                                          \
        }                                                                                              \
        get;                                                                                           \
        return BF_OK;                                                                                  \
    }                                                                                                  \
    static inline const char *bf_read_optional_##kind(const bf_reader *reader, size_t row,             \
                                                      bf_optional_##kind *optional) {                  \
        memset(optional, 0, sizeof *optional);                                                         \
        optional->is_some = bf_is_there(reader, row);                                                  \
        if (optional->is_some) {                                                                       \
            type *out = &optional->value;                                                              \
            get;                                                                                       \
        }                                                                                              \
        return BF_OK;                                                                                  \
    }
#define BF_NARROW_(type, min, max)                                                   \
    int64_t number = reader->numbers[row];                                           \
    if (number < (min) || (number > 0 && (uint64_t)number > (max))) {                \
        return bf_not_within(reader->field, number, min, max);                       \
    }                                                                                \
    *out = (type)number
BF_READERS_(boolean, bool, *out = reader->flags[row] != 0)
BF_READERS_(integer, int64_t, *out = reader->numbers[row])
BF_READERS_(i32, int32_t, BF_NARROW_(int32_t, INT32_MIN, INT32_MAX))
BF_READERS_(i16, int16_t, BF_NARROW_(int16_t, INT16_MIN, INT16_MAX))
BF_READERS_(i8, int8_t, BF_NARROW_(int8_t, INT8_MIN, INT8_MAX))
BF_READERS_(u64, uint64_t, BF_NARROW_(uint64_t, 0, UINT64_MAX))
BF_READERS_(u32, uint32_t, BF_NARROW_(uint32_t, 0, UINT32_MAX))
BF_READERS_(u16, uint16_t, BF_NARROW_(uint16_t, 0, UINT16_MAX))
BF_READERS_(u8, uint8_t, BF_NARROW_(uint8_t, 0, UINT8_MAX))
BF_READERS_(float, double, *out = reader->reals[row])
BF_READERS_(text, bf_text, *out = bf_read_text_at_(reader, row))
BF_READERS_(binary, bf_bytes, *out = bf_read_wide_at_(reader, row))
BF_READERS_(json, bf_json, {
    bf_bytes wide = bf_read_wide_at_(reader, row);
    *out = ((bf_json){ (const char *)wide.at, wide.length });
})
#define BF_READ_boolean bf_read_boolean
#define BF_READ_integer bf_read_integer
#define BF_READ_i32 bf_read_i32
#define BF_READ_i16 bf_read_i16
#define BF_READ_i8 bf_read_i8
#define BF_READ_u64 bf_read_u64
#define BF_READ_u32 bf_read_u32
#define BF_READ_u16 bf_read_u16
#define BF_READ_u8 bf_read_u8
#define BF_READ_float bf_read_float
#define BF_READ_text bf_read_text
#define BF_READ_binary bf_read_binary
#define BF_READ_timestamp bf_read_integer
#define BF_READ_decimal(digits) bf_read_integer
#define BF_READ_json bf_read_json
#define BF_READ_optional_boolean bf_read_optional_boolean
#define BF_READ_optional_integer bf_read_optional_integer
#define BF_READ_optional_i32 bf_read_optional_i32
#define BF_READ_optional_i16 bf_read_optional_i16
#define BF_READ_optional_i8 bf_read_optional_i8
#define BF_READ_optional_u64 bf_read_optional_u64
#define BF_READ_optional_u32 bf_read_optional_u32
#define BF_READ_optional_u16 bf_read_optional_u16
#define BF_READ_optional_u8 bf_read_optional_u8
#define BF_READ_optional_float bf_read_optional_float
#define BF_READ_optional_text bf_read_optional_text
#define BF_READ_optional_binary bf_read_optional_binary
#define BF_READ_optional_timestamp bf_read_optional_integer
#define BF_READ_optional_decimal(digits) bf_read_optional_integer
#define BF_READ_optional_json bf_read_optional_json

#define BF_FIELD_INDEX_(kind, name, ...) bf_at_##name,
#define BF_FIELD_READ_(kind, name, ...) \
    BF_TRY(BF_READ_##kind(&readers[bf_at_##name], row, &event->name));

// Makes the list of fields FIELDS the struct `type`: an event, or one type of events of several. A field is
// X(kind, name), found by its own name, or X(kind, name, "path"): dotted names ("order.total"), a JSON
// Pointer ("/items/0/price"), the record and not its payload ("@offset", "@time", "@id", "@key", "@source",
// "@header.NAME"), or BF_PAYLOAD for all of the payload as bytes. An event without a field is rejected by
// the host before the transform sees it, unless its kind begins with `optional_`.
//
// It makes a second struct, `type_columns`, with the same fields as columns of a chunk: see BF_COLUMNS.
#define BF_EVENT(type_, FIELDS)                                                                        \
    typedef struct type_ {                                                                             \
        FIELDS(BF_FIELD_MEMBER_)                                                                       \
    } type_;                                                                                           \
    static const bf_field type_##_fields_[] = { FIELDS(BF_FIELD_ENTRY_) };                             \
    enum { type_##_count_ = sizeof type_##_fields_ / sizeof *type_##_fields_ };                        \
    BF_UNUSED static inline const char *type_##_read_(const bf_reader *readers, size_t row, type_ *event) { \
        enum { FIELDS(BF_FIELD_INDEX_) };                                                              \
        FIELDS(BF_FIELD_READ_)                                                                         \
        return BF_OK;                                                                                  \
    }                                                                                                  \
    typedef struct type_##_columns {                                                                   \
        FIELDS(BF_COLUMN_MEMBER_)                                                                      \
    } type_##_columns;                                                                                 \
    BF_UNUSED static void type_##_open_(const bf_reader *readers, type_##_columns *columns) { \
        enum { FIELDS(BF_FIELD_INDEX_) };                                                              \
        FIELDS(BF_COLUMN_OPEN_)                                                                        \
    }

// ---- Columns ----
//
// One value a row. `validity` is NULL where every row is present; else bit row % 8 of byte row / 8.
typedef struct bf_boolean_column { const uint8_t *values; const uint8_t *validity; } bf_boolean_column;
// Integers of all widths are columns of 64 bits: who declares a narrow one compares for himself.
typedef struct bf_integer_column { const int64_t *values; const uint8_t *validity; } bf_integer_column;
typedef struct bf_float_column { const double *values; const uint8_t *validity; } bf_float_column;
// The code of each row, an index into the distinct texts of `dictionary`.
typedef struct bf_text_column {
    const uint32_t *codes;
    const bf_dictionary *dictionary;
    const bf_bytes *texts; // of the dictionary
    uint32_t mask;         // keeps a code within `texts`
    const uint8_t *validity;
} bf_text_column;
// Value `row` is bytes[ends[row - 1] .. ends[row]].
typedef struct bf_wide_column { const uint32_t *ends; const uint8_t *bytes; const uint8_t *validity; } bf_wide_column;

// Whether a row of a column has a value.
#define BF_HAS(column, row) (!(column).validity || ((column).validity[(row) / 8] >> ((row) % 8) & 1))

static inline bf_text bf_text_at(const bf_text_column *column, size_t row) {
    uint32_t code = column->codes[row] & column->mask;
    bf_bytes text = column->texts[code];
    return (bf_text){ (const char *)text.at, text.length, code, column->dictionary };
}

static inline bf_bytes bf_bytes_at(const bf_wide_column *column, size_t row) {
    uint32_t from = row ? column->ends[row - 1] : 0;
    return (bf_bytes){ from ? column->bytes + from : column->bytes, column->ends[row] - from };
}

// The code of a text in a column, to compare rows with by number; UINT32_MAX if no row can have it.
uint32_t bf_code_of(const bf_text_column *column, const char *text);

#define BF_COLUMN_boolean_(r) (bf_boolean_column){ (r).flags, (r).validity }
#define BF_COLUMN_integer_(r) (bf_integer_column){ (r).numbers, (r).validity }
#define BF_COLUMN_float_(r) (bf_float_column){ (r).reals, (r).validity }
#define BF_COLUMN_text_(r) (bf_text_column){ (r).codes, (r).dictionary, (r).texts, (r).mask, (r).validity }
#define BF_COLUMN_wide_(r) (bf_wide_column){ (r).ends, (r).bytes, (r).validity }

// kind => its column, whether optional or not
#define BF_OF_boolean boolean
#define BF_OF_integer integer
#define BF_OF_i32 integer
#define BF_OF_i16 integer
#define BF_OF_i8 integer
#define BF_OF_u64 integer
#define BF_OF_u32 integer
#define BF_OF_u16 integer
#define BF_OF_u8 integer
#define BF_OF_float float
#define BF_OF_text text
#define BF_OF_binary wide
#define BF_OF_json wide
#define BF_OF_timestamp integer
#define BF_OF_decimal(digits) integer
#define BF_OF_optional_boolean boolean
#define BF_OF_optional_integer integer
#define BF_OF_optional_i32 integer
#define BF_OF_optional_i16 integer
#define BF_OF_optional_i8 integer
#define BF_OF_optional_u64 integer
#define BF_OF_optional_u32 integer
#define BF_OF_optional_u16 integer
#define BF_OF_optional_u8 integer
#define BF_OF_optional_float float
#define BF_OF_optional_text text
#define BF_OF_optional_binary wide
#define BF_OF_optional_json wide
#define BF_OF_optional_timestamp integer
#define BF_OF_optional_decimal(digits) integer
#define BF_PASTE_(a, b, c) a##b##c
#define BF_PASTE(a, b, c) BF_PASTE_(a, b, c)
#define BF_COLUMN_MEMBER_(kind, name, ...) BF_PASTE(bf_, BF_OF_##kind, _column) name;
#define BF_COLUMN_OPEN_(kind, name, ...) \
    columns->name = BF_PASTE(BF_COLUMN_, BF_OF_##kind, _)(readers[bf_at_##name]);

#endif
