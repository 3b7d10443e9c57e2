// Canonical bytes: equal values have equal bytes, and only those bytes decode. Numbers are
// little-endian and of fixed width; text, binary and sequences begin with their length as a LEB128.
#ifndef BIFOCAL_CODEC_H
#define BIFOCAL_CODEC_H

#include "value.h"

// Bytes that are being written.
typedef struct bf_output {
    uint8_t *at;
    size_t length;
    size_t room;
} bf_output;

// Bytes that are being read. The first fault stays; all that is read after it is zero.
typedef struct bf_input {
    const uint8_t *at;
    const uint8_t *end;
    const char *fault; // NULL: none so far
} bf_input;

// To read bytes, which may be none at NULL.
static inline bf_input bf_input_of(const uint8_t *at, size_t length) {
    return (bf_input){ .at = at, .end = length ? at + length : at };
}

void bf_make_room(bf_output *out, size_t more);

static inline void bf_put(bf_output *out, const void *bytes, size_t length) {
    if (out->room - out->length < length) {
        bf_make_room(out, length);
    }
    if (length) {
        memcpy(out->at + out->length, bytes, length);
        out->length += length;
    }
}

static inline void bf_put_u8(bf_output *out, uint8_t byte) { bf_put(out, &byte, 1); }
static inline void bf_put_u64(bf_output *out, uint64_t word) { bf_put(out, &word, 8); }

// LEB128: seven bits a byte, least first, the top bit set on all but the last.
static inline void bf_put_varint(bf_output *out, uint64_t number) {
    uint8_t bytes[10];
    size_t length = 0;
    for (; number >= 0x80; number >>= 7) {
        bytes[length++] = (uint8_t)(number | 0x80);
    }
    bytes[length++] = (uint8_t)number;
    bf_put(out, bytes, length);
}

static inline bool bf_fault(bf_input *in, const char *fault) {
    if (!in->fault) {
        in->fault = fault;
    }
    in->at = in->end;
    return false;
}

#define BF_SHORT "malformed state: it ends within a value"

// The next `length` bytes; NULL and a fault if there are fewer.
static inline const uint8_t *bf_take(bf_input *in, size_t length) {
    if ((size_t)(in->end - in->at) < length) {
        bf_fault(in, BF_SHORT);
        return NULL;
    }
    static const uint8_t nothing[1];
    if (length == 0) {
        return nothing;
    }
    const uint8_t *taken = in->at;
    in->at += length;
    return taken;
}

static inline uint8_t bf_take_u8(bf_input *in) {
    const uint8_t *at = bf_take(in, 1);
    return at ? *at : 0;
}

static inline uint64_t bf_take_u64(bf_input *in) {
    const uint8_t *at = bf_take(in, 8);
    return at ? bf_load_u64(at) : 0;
}

uint64_t bf_take_varint(bf_input *in);

// A number of elements, each of at least a byte: more than there are bytes is a fault.
size_t bf_take_length(bf_input *in);

// A byte 0 or 1; anything else is `fault`.
static inline bool bf_take_flag(bf_input *in, const char *fault) {
    uint8_t byte = bf_take_u8(in);
    if (byte > 1) {
        bf_fault(in, fault);
    }
    return byte == 1;
}

bool bf_is_utf8(const uint8_t *bytes, size_t length);

// Text, binary or JSON, with its length.
void bf_put_wide(bf_output *out, bf_value value);
bf_value bf_take_wide(bf_input *in, bf_type type);

static inline void bf_put_value(bf_output *out, bf_type type, bf_value value) {
    if (bf_is_wide(type)) {
        bf_put_wide(out, value);
    } else {
        bf_put(out, &value.number, bf_width_of(type));
    }
}

static inline bf_value bf_take_value(bf_input *in, bf_type type) {
    if (bf_is_wide(type)) {
        return bf_take_wide(in, type);
    }
    if (bf_kind_of(type) == BF_BOOLEAN) {
        return bf_value_of_number(bf_take_flag(in, "malformed state: a boolean other than 0 and 1"));
    }
    bf_value value = { .number = 0 };
    const uint8_t *at = bf_take(in, bf_width_of(type));
    if (!at) {
        return value;
    }
    memcpy(&value.number, at, bf_width_of(type));
    if (bf_kind_of(type) == BF_FLOAT) {
        if (value.real != value.real && (uint64_t)value.number != BF_NAN_BITS) {
            bf_fault(in, "malformed state: a NaN other than the canonical one");
        }
        return value;
    }
    return bf_kept_value(type, value);
}

// Why what was decoded is not all of the bytes and nothing else; NULL if it is.
const char *bf_end_fault(const bf_input *in);

// A coder runs in one of two directions: it writes what it is pointed to, or reads into it. So one
// function codes a machine both ways, and the two cannot differ:
//
//     static void code_turnstile(bf_coder *coder, void *machine) {
//         turnstile *gate = machine;
//         bf_code_boolean(coder, &gate->open);
//         bf_code_u64(coder, &gate->passed);
//     }
typedef struct bf_coder {
    bf_output *out; // NULL: reading
    bf_input *in;   // NULL: writing
} bf_coder;

void bf_code_boolean(bf_coder *coder, bool *value);
void bf_code_u8(bf_coder *coder, uint8_t *value);
void bf_code_u32(bf_coder *coder, uint32_t *value);
void bf_code_u64(bf_coder *coder, uint64_t *value);
void bf_code_integer(bf_coder *coder, int64_t *value); // timestamps and decimals too
void bf_code_float(bf_coder *coder, double *value);
void bf_code_text(bf_coder *coder, bf_text *value);
void bf_code_binary(bf_coder *coder, bf_bytes *value);
void bf_code_optional_integer(bf_coder *coder, bf_optional_integer *value);
// A byte that tells variants apart; one of `variants` or more is a fault.
void bf_code_variant(bf_coder *coder, uint8_t *variant, uint8_t variants);
// The number of elements of a list that has room for `most`; the elements follow.
void bf_code_length(bf_coder *coder, uint32_t *length, uint32_t most);

#endif
