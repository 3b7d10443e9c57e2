// What columns, keys and states hold. Owns the kinds, their C types, their order and their hash.
//
// | kind in a declaration      | C type                                | order                              |
// |----------------------------|---------------------------------------|------------------------------------|
// | boolean                    | bool                                  | false, true                        |
// | integer; i8 … i32, u8 … u64| int64_t; int8_t … int32_t, uint8_t …  | by number                          |
// | float                      | double                                | totalOrder; every NaN one, greatest|
// | text                       | bf_text                               | by bytes                           |
// | binary                     | bf_bytes                              | by bytes                           |
// | timestamp                  | int64_t, milliseconds UTC             | by time                            |
// | decimal(n)                 | int64_t, value x 10^n                 | by number                          |
// | json                       | bf_json, the text of any JSON value   | by bytes                           |
//
// With `optional_` in front a field or output may be absent: a struct of `is_some` and `value`.
//
// Text, bytes and JSON are borrowed. Those of events, and literals, live until the call ends; what is
// computed is copied with `bf_copy` or made by `bf_format`, which live as long.
#ifndef BIFOCAL_VALUE_H
#define BIFOCAL_VALUE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "memory.h"

typedef struct bf_dictionary bf_dictionary;

// UTF-8. A text of an event also knows its number among the distinct texts of its column, by which
// cells are found.
typedef struct bf_text {
    const char *at;
    uint32_t length;
    uint32_t code;
    const bf_dictionary *dictionary; // NULL: the text is of no column
} bf_text;

typedef struct bf_bytes {
    const uint8_t *at;
    uint32_t length;
} bf_bytes;

typedef struct bf_json {
    const char *at;
    uint32_t length;
} bf_json;

// A text from a string that ends in NUL.
static inline bf_text bf_text_of(const char *string) {
    return (bf_text){ .at = string, .length = (uint32_t)strlen(string) };
}

static inline bool bf_text_equal(bf_text a, bf_text b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

// Whether a text is this literal: one comparison of lengths, and a few of words.
#define bf_is(text, literal) bf_is_((text), "" literal, sizeof(literal) - 1)

// By words: compilers for WebAssembly call `memcmp` even where the length is known.
static inline bool bf_is_(bf_text text, const char *literal, size_t length) {
    if (text.length != length) {
        return false;
    }
    size_t i = 0;
    uint64_t differs = 0, x, y;
    for (; i + 8 <= length; i += 8) {
        memcpy(&x, text.at + i, 8), memcpy(&y, literal + i, 8);
        differs |= x ^ y;
    }
    for (; i < length; i++) {
        differs |= (uint64_t)(text.at[i] ^ literal[i]);
    }
    return differs == 0;
}

// For `printf`: `"%.*s", BF_TEXT(text)`.
#define BF_TEXT(text) (int)(text).length, (text).at

#define BF_OPTIONAL_(name, type) \
    typedef struct bf_optional_##name { bool is_some; type value; } bf_optional_##name;
BF_OPTIONAL_(boolean, bool)
BF_OPTIONAL_(integer, int64_t)
BF_OPTIONAL_(i32, int32_t)
BF_OPTIONAL_(i16, int16_t)
BF_OPTIONAL_(i8, int8_t)
BF_OPTIONAL_(u64, uint64_t)
BF_OPTIONAL_(u32, uint32_t)
BF_OPTIONAL_(u16, uint16_t)
BF_OPTIONAL_(u8, uint8_t)
BF_OPTIONAL_(float, double)
BF_OPTIONAL_(text, bf_text)
BF_OPTIONAL_(binary, bf_bytes)
BF_OPTIONAL_(json, bf_json)
typedef bf_optional_integer bf_optional_timestamp, bf_optional_decimal;

// C types by kind, for fields of events, keys and outputs.
#define BF_C_boolean bool
#define BF_C_integer int64_t
#define BF_C_i32 int32_t
#define BF_C_i16 int16_t
#define BF_C_i8 int8_t
#define BF_C_u64 uint64_t
#define BF_C_u32 uint32_t
#define BF_C_u16 uint16_t
#define BF_C_u8 uint8_t
#define BF_C_float double
#define BF_C_text bf_text
#define BF_C_binary bf_bytes
#define BF_C_timestamp int64_t
#define BF_C_decimal(digits) int64_t
#define BF_C_json bf_json
#define BF_C_optional_boolean bf_optional_boolean
#define BF_C_optional_integer bf_optional_integer
#define BF_C_optional_i32 bf_optional_i32
#define BF_C_optional_i16 bf_optional_i16
#define BF_C_optional_i8 bf_optional_i8
#define BF_C_optional_u64 bf_optional_u64
#define BF_C_optional_u32 bf_optional_u32
#define BF_C_optional_u16 bf_optional_u16
#define BF_C_optional_u8 bf_optional_u8
#define BF_C_optional_float bf_optional_float
#define BF_C_optional_text bf_optional_text
#define BF_C_optional_binary bf_optional_binary
#define BF_C_optional_timestamp bf_optional_timestamp
#define BF_C_optional_decimal(digits) bf_optional_decimal
#define BF_C_optional_json bf_optional_json

typedef enum bf_kind {
    BF_BOOLEAN, BF_INTEGER, BF_FLOAT, BF_TEXT_KIND, BF_BINARY, BF_TIMESTAMP, BF_DECIMAL, BF_JSON,
} bf_kind;

// A kind with all that tells its values apart, in one constant: the kind, the digits of a decimal, the
// width in bytes and the sign of a number, whether it may be absent.
typedef uint32_t bf_type;

#define BF_TYPE_(kind, digits, width, is_unsigned) \
    ((bf_type)(kind) | (bf_type)(digits) << 3 | (bf_type)(width) << 8 | (bf_type)(is_unsigned) << 12)
#define BF_IS_OPTIONAL (1u << 13)

#define BF_TYPE_boolean BF_TYPE_(BF_BOOLEAN, 0, 1, 1)
#define BF_TYPE_integer BF_TYPE_(BF_INTEGER, 0, 8, 0)
#define BF_TYPE_i32 BF_TYPE_(BF_INTEGER, 0, 4, 0)
#define BF_TYPE_i16 BF_TYPE_(BF_INTEGER, 0, 2, 0)
#define BF_TYPE_i8 BF_TYPE_(BF_INTEGER, 0, 1, 0)
#define BF_TYPE_u64 BF_TYPE_(BF_INTEGER, 0, 8, 1)
#define BF_TYPE_u32 BF_TYPE_(BF_INTEGER, 0, 4, 1)
#define BF_TYPE_u16 BF_TYPE_(BF_INTEGER, 0, 2, 1)
#define BF_TYPE_u8 BF_TYPE_(BF_INTEGER, 0, 1, 1)
#define BF_TYPE_float BF_TYPE_(BF_FLOAT, 0, 8, 0)
#define BF_TYPE_text BF_TYPE_(BF_TEXT_KIND, 0, 0, 0)
#define BF_TYPE_binary BF_TYPE_(BF_BINARY, 0, 0, 0)
#define BF_TYPE_timestamp BF_TYPE_(BF_TIMESTAMP, 0, 8, 0)
#define BF_TYPE_decimal(digits) BF_TYPE_(BF_DECIMAL, digits, 8, 0)
#define BF_TYPE_json BF_TYPE_(BF_JSON, 0, 0, 0)
#define BF_TYPE_optional_boolean (BF_TYPE_boolean | BF_IS_OPTIONAL)
#define BF_TYPE_optional_integer (BF_TYPE_integer | BF_IS_OPTIONAL)
#define BF_TYPE_optional_i32 (BF_TYPE_i32 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_i16 (BF_TYPE_i16 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_i8 (BF_TYPE_i8 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_u64 (BF_TYPE_u64 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_u32 (BF_TYPE_u32 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_u16 (BF_TYPE_u16 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_u8 (BF_TYPE_u8 | BF_IS_OPTIONAL)
#define BF_TYPE_optional_float (BF_TYPE_float | BF_IS_OPTIONAL)
#define BF_TYPE_optional_text (BF_TYPE_text | BF_IS_OPTIONAL)
#define BF_TYPE_optional_binary (BF_TYPE_binary | BF_IS_OPTIONAL)
#define BF_TYPE_optional_timestamp (BF_TYPE_timestamp | BF_IS_OPTIONAL)
#define BF_TYPE_optional_decimal(digits) (BF_TYPE_decimal(digits) | BF_IS_OPTIONAL)
#define BF_TYPE_optional_json (BF_TYPE_json | BF_IS_OPTIONAL)

static inline bf_kind bf_kind_of(bf_type type) { return (bf_kind)(type & 7); }
static inline unsigned bf_digits_of(bf_type type) { return type >> 3 & 31; }
static inline unsigned bf_width_of(bf_type type) { return type >> 8 & 15; }
static inline bool bf_is_unsigned(bf_type type) { return type >> 12 & 1; }
static inline bool bf_is_optional(bf_type type) { return type >> 13 & 1; }
static inline bool bf_is_wide(bf_type type) { return bf_width_of(type) == 0; }

// A value of any kind, which its type tells. Numbers of all widths, booleans, timestamps and decimals
// are in `number`; text, binary and JSON in `at` and `length`.
typedef union bf_value {
    int64_t number;
    double real;
    struct {
        const uint8_t *at;
        uint32_t length;
    };
} bf_value;

static inline bf_value bf_value_of_number(int64_t number) { return (bf_value){ .number = number }; }
static inline bf_value bf_value_of_unsigned(uint64_t number) { return (bf_value){ .number = (int64_t)number }; }
static inline bf_value bf_value_of_real(double real) { return (bf_value){ .real = real }; }
static inline bf_value bf_value_of_text(bf_text text) {
    return (bf_value){ .at = (const uint8_t *)text.at, .length = text.length };
}
static inline bf_value bf_value_of_bytes(bf_bytes bytes) {
    return (bf_value){ .at = bytes.at, .length = bytes.length };
}
static inline bf_value bf_value_of_json(bf_json json) {
    return (bf_value){ .at = (const uint8_t *)json.at, .length = json.length };
}
static inline bf_value bf_value_of_string(const char *string) { return bf_value_of_text(bf_text_of(string)); }

// Any C value of the table above, or a string.
#define BF_VALUE(x) _Generic((x),                                                                    \
    bool: bf_value_of_unsigned, unsigned char: bf_value_of_unsigned,                                  \
    unsigned short: bf_value_of_unsigned, unsigned: bf_value_of_unsigned,                             \
    unsigned long: bf_value_of_unsigned, unsigned long long: bf_value_of_unsigned,                    \
    signed char: bf_value_of_number, short: bf_value_of_number, int: bf_value_of_number,              \
    long: bf_value_of_number, long long: bf_value_of_number,                                          \
    float: bf_value_of_real, double: bf_value_of_real,                                                \
    bf_text: bf_value_of_text, bf_bytes: bf_value_of_bytes, bf_json: bf_value_of_json,                \
    char *: bf_value_of_string, const char *: bf_value_of_string)(x)

// What of a value and a type must be equal for the one to be of the other: number, float, or bytes.
enum { BF_CLASS_NUMBER, BF_CLASS_REAL, BF_CLASS_BYTES };
#define BF_CLASS_OF_VALUE_(x) _Generic((x), float: BF_CLASS_REAL, double: BF_CLASS_REAL,             \
    bf_text: BF_CLASS_BYTES, bf_bytes: BF_CLASS_BYTES, bf_json: BF_CLASS_BYTES,                       \
    char *: BF_CLASS_BYTES, const char *: BF_CLASS_BYTES, default: BF_CLASS_NUMBER)
#define BF_CLASS_OF_TYPE_(type) (((type) & 7) == BF_FLOAT ? BF_CLASS_REAL \
    : ((type) >> 8 & 15) == 0 ? BF_CLASS_BYTES : BF_CLASS_NUMBER)

// The one NaN that states hold: quiet, positive, no payload.
#define BF_NAN_BITS UINT64_C(0x7ff8000000000000)

static inline uint64_t bf_bits(double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static inline double bf_from_bits(uint64_t bits) {
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static inline double bf_one_nan(double real) { return real != real ? bf_from_bits(BF_NAN_BITS) : real; }

// The bits of a double as a number whose order is IEEE 754's totalOrder.
static inline int64_t bf_total_order(double real) {
    int64_t bits = (int64_t)bf_bits(bf_one_nan(real));
    return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

// Below 0, 0 or above 0 as `a` is below, equal to or above `b`, both of `type`.
static inline int bf_compare(bf_type type, bf_value a, bf_value b) {
    if (bf_kind_of(type) == BF_FLOAT) {
        int64_t x = bf_total_order(a.real), y = bf_total_order(b.real);
        return (x > y) - (x < y);
    }
    if (bf_is_wide(type)) {
        uint32_t common = a.length < b.length ? a.length : b.length;
        int order = common ? memcmp(a.at, b.at, common) : 0;
        return order ? order : (a.length > b.length) - (a.length < b.length);
    }
    if (bf_is_unsigned(type)) {
        return ((uint64_t)a.number > (uint64_t)b.number) - ((uint64_t)a.number < (uint64_t)b.number);
    }
    return (a.number > b.number) - (a.number < b.number);
}

// The value as the type keeps it: one NaN, and as many bytes of a number as the type has.
static inline bf_value bf_kept_value(bf_type type, bf_value value) {
    if (bf_kind_of(type) == BF_FLOAT) {
        return bf_value_of_real(bf_one_nan(value.real));
    }
    unsigned width = bf_width_of(type);
    if (width == 0 || width == 8) {
        return value;
    }
    uint64_t bits = (uint64_t)value.number << (64 - 8 * width);
    return bf_value_of_number(bf_is_unsigned(type) ? (int64_t)(bits >> (64 - 8 * width))
                                                   : (int64_t)bits >> (64 - 8 * width));
}

// XXH64 with seed 0. Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1.
uint64_t bf_xxh64(const void *bytes, size_t length);

// A hash of the value, fixed for good: XXH64 of its canonical bytes, of text and binary without their
// length.
uint64_t bf_hash(bf_type type, bf_value value);

// Little-endian words at any address. Bifocal components and the machines that test them are
// little-endian, so a copy is enough.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "states and columns are little-endian");

static inline uint32_t bf_load_u32(const void *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t bf_load_u64(const void *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

#endif
