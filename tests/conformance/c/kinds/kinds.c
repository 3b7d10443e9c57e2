// Every kind of input, key and output, each of them optional, in one global window. For conformance: each SDK
// has this transform in its own words, and rows and states are compared.
#include "bifocal.h"

#define THING(X)                                  \
    X(optional_boolean, boolean)                  \
    X(optional_integer, integer)                  \
    X(optional_float, float_)                     \
    X(optional_text, text)                        \
    X(optional_binary, binary)                    \
    X(optional_timestamp, timestamp)              \
    X(optional_decimal(3), decimal, "inner.decimal") \
    X(optional_json, json, "/inner/a~1b/0")       \
    X(timestamp, time, "@time")                   \
    X(integer, offset, "@offset")
#define PARTS(X)                                  \
    X(optional_boolean, boolean)                  \
    X(optional_integer, integer)                  \
    X(optional_text, text)                        \
    X(optional_binary, binary)                    \
    X(optional_timestamp, timestamp)              \
    X(optional_decimal(3), decimal)
#define LAST(X)                                   \
    X(last, last_boolean, boolean)                \
    X(last, last_integer, integer)                \
    X(last, last_float, float)                    \
    X(last, last_text, text)                      \
    X(last, last_binary, binary)                  \
    X(last, last_timestamp, timestamp)            \
    X(last, last_decimal, decimal(3))             \
    X(last, last_json, json)

BF_EVENT(thing, THING)
BF_KEY(parts, PARTS)
BF_STATE(values, LAST)
BF_CELLS(parts, values)

#define SEE(part, field)                                              \
    if (t->field.is_some) {                                           \
        bf_last_see(&cell->part, t->time, t->offset, t->field.value); \
    }

static const char *on_thing(const thing *t, bf_cells *out) {
    values *cell = bf_cell(out, (parts){ t->boolean, t->integer, t->text, t->binary, t->timestamp, t->decimal });
    SEE(last_boolean, boolean)
    SEE(last_integer, integer)
    SEE(last_float, float_)
    SEE(last_text, text)
    SEE(last_binary, binary)
    SEE(last_timestamp, timestamp)
    SEE(last_decimal, decimal)
    SEE(last_json, json)
    return BF_OK;
}

#define ON(X) X(thing, on_thing)
BF_TRANSFORM(kinds, ON, .summary = "The last value of every kind, by a key of every kind.", .time = "at")
