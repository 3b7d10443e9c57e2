// Values as JSON, by the rules of the host's own JSON output, and reading what a JSON field holds.
#ifndef BIFOCAL_JSON_H
#define BIFOCAL_JSON_H

#include "codec.h"

// ---- Writing ----

// A presented value. How `value` is meant follows from the type of its column.
typedef struct bf_datum {
    bool is_absent;
    bf_value value;
} bf_datum;

// What a column shows of a value; the error of one that it cannot hold.
const char *bf_datum_of(bf_type type, bf_value value, bf_datum *datum);

// Appends a value as JSON: integers beyond 2^53 as strings, NaN and infinities null, times in RFC 3339,
// binary in base64, floats in the shortest form that reads back.
void bf_write_datum(bf_output *out, bf_type type, const bf_datum *datum);

void bf_write(bf_output *out, const char *string);
// Quoted and escaped.
void bf_write_text(bf_output *out, const void *bytes, size_t length);
void bf_write_integer(bf_output *out, int64_t number);
// Units of 10^-digits: the 128 bits in two halves.
void bf_write_decimal(bf_output *out, int64_t high, uint64_t low, unsigned digits);
void bf_write_timestamp(bf_output *out, int64_t ms);
void bf_write_float(bf_output *out, double finite);

// What was written, as a string that ends in NUL.
const char *bf_written(bf_output *out);

// A time in RFC 3339 with Z, milliseconds only if they are not 0.
const char *bf_show_timestamp(int64_t ms);

// "out of range: VALUE does not fit a KIND"
const char *bf_out_of_range(const char *value, bf_type type);

// ---- Reading ----
//
// Values are read by the rules of a field's kind, straight from the text: no tree is built. A reader
// returns NULL, or what is wrong: return it, and the event is rejected for that reason.
//
//     static const char *units(bf_json basket, int64_t *total) {
//         bf_json_list items;
//         BF_TRY(bf_json_open(basket, 100, &items));
//         for (bf_json item; bf_json_next(&items, &item);) {
//             bf_json quantity;
//             int64_t count = 1;
//             BF_TRY(bf_json_member(item, "quantity", &quantity));
//             if (quantity.at) {
//                 BF_TRY(bf_json_integer(quantity, &count));
//             }
//             *total += count;
//         }
//         return BF_OK;
//     }

// Returns from a function the error that an expression has, if it has one.
#define BF_TRY(expression)                 \
    do {                                   \
        const char *error_ = (expression); \
        if (error_) {                      \
            return error_;                 \
        }                                  \
    } while (0)

#define BF_OK ((const char *)NULL)

typedef struct bf_json_list {
    const char *at;
    const char *end;
} bf_json_list;

// Opens a list of at most `most` elements: more are an error, so that what one event costs is bounded
// by the transform and not by who sends it.
const char *bf_json_open(bf_json list, size_t most, bf_json_list *elements);
bool bf_json_next(bf_json_list *elements, bf_json *element);

// The member of an object, of several the last one; `at` is NULL if it is missing or null.
const char *bf_json_member(bf_json object, const char *name, bf_json *member);
// The same, where missing or null is an error.
const char *bf_json_required(bf_json object, const char *name, bf_json *member);

const char *bf_json_text(bf_json json, bf_text *text);
// 64 bits, without fraction or exponent.
const char *bf_json_integer(bf_json json, int64_t *number);
// The double nearest to a number.
const char *bf_json_float(bf_json json, double *number);
// From the characters of a number or of a text, in units of 10^-digits.
const char *bf_json_decimal(bf_json json, unsigned digits, int64_t *units);
const char *bf_json_boolean(bf_json json, bool *value);
bool bf_json_is_null(bf_json json);

// One JSON value and nothing behind it, but for blanks.
bool bf_json_is_valid(bf_json json);
// An object or a list whose members follow each other; `name` is NULL for those of a list.
typedef struct bf_json_walk {
    const char *at;
    const char *end;
} bf_json_walk;
bool bf_json_enter(bf_json json, bf_json_walk *walk);
bool bf_json_step(bf_json_walk *walk, bf_json *name, bf_json *value);

// A decimal number from its characters: an optional minus, digits, and optionally a point and digits.
bool bf_parse_decimal(const char *at, size_t length, unsigned digits, int64_t *units);
bool bf_parse_integer(const char *at, size_t length, int64_t *number);

#endif
