#include "codec.h"

void bf_make_room(bf_output *out, size_t more) {
    size_t room = out->room < 64 ? 64 : out->room * 2;
    room = room < out->length + more ? out->length + more : room;
    out->at = bf_grow(out->at, out->length, room);
    out->room = room;
}

uint64_t bf_take_varint(bf_input *in) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *at = bf_take(in, 1);
        if (!at) {
            return 0;
        }
        uint64_t bits = *at & 0x7f;
        if (shift == 63 && bits > 1) {
            break;
        }
        number |= bits << shift;
        if (*at < 0x80) {
            if (*at == 0 && shift > 0) {
                bf_fault(in, "malformed state: a padded number");
                return 0;
            }
            return number;
        }
    }
    bf_fault(in, "malformed state: a number of more than 64 bits");
    return 0;
}

size_t bf_take_length(bf_input *in) {
    uint64_t length = bf_take_varint(in);
    if (length > (uint64_t)(in->end - in->at)) {
        bf_fault(in, BF_SHORT);
        return 0;
    }
    return (size_t)length;
}

bool bf_is_utf8(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length;) {
        uint8_t first = bytes[i++];
        if (first < 0x80) {
            continue;
        }
        // What follows the first byte: how many, and the bounds of the next one, which keep out long
        // forms, surrogates and what is beyond U+10FFFF.
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (first < 0xc2 || first > 0xf4) {
            return false;
        }
        for (; more > 0; more--, low = 0x80, high = 0xbf) {
            if (i == length || bytes[i] < low || bytes[i] > high) {
                return false;
            }
            i++;
        }
    }
    return true;
}

void bf_put_wide(bf_output *out, bf_value value) {
    bf_put_varint(out, value.length);
    bf_put(out, value.at, value.length);
}

bf_value bf_take_wide(bf_input *in, bf_type type) {
    size_t length = bf_take_length(in);
    const uint8_t *at = bf_take(in, length);
    if (!at) {
        length = 0;
    } else if (bf_kind_of(type) != BF_BINARY && !bf_is_utf8(at, length)) {
        bf_fault(in, "malformed state: text that is not UTF-8");
    }
    return (bf_value){ .at = at, .length = (uint32_t)length };
}

const char *bf_end_fault(const bf_input *in) {
    if (in->fault) {
        return in->fault;
    }
    if (in->at != in->end) {
        return bf_format("malformed state: %zu bytes follow its end", (size_t)(in->end - in->at));
    }
    return NULL;
}

// Codes a value of a type at a place that `value` is copied from and to.
static bf_value code(bf_coder *coder, bf_type type, bf_value value) {
    if (coder->in) {
        return bf_take_value(coder->in, type);
    }
    bf_put_value(coder->out, type, bf_kept_value(type, value));
    return value;
}

void bf_code_boolean(bf_coder *coder, bool *value) {
    *value = code(coder, BF_TYPE_boolean, BF_VALUE(*value)).number != 0;
}

void bf_code_u8(bf_coder *coder, uint8_t *value) {
    *value = (uint8_t)code(coder, BF_TYPE_u8, BF_VALUE(*value)).number;
}

void bf_code_u32(bf_coder *coder, uint32_t *value) {
    *value = (uint32_t)code(coder, BF_TYPE_u32, BF_VALUE(*value)).number;
}

void bf_code_u64(bf_coder *coder, uint64_t *value) {
    *value = (uint64_t)code(coder, BF_TYPE_u64, BF_VALUE(*value)).number;
}

void bf_code_integer(bf_coder *coder, int64_t *value) {
    *value = code(coder, BF_TYPE_integer, BF_VALUE(*value)).number;
}

void bf_code_float(bf_coder *coder, double *value) {
    *value = code(coder, BF_TYPE_float, BF_VALUE(*value)).real;
}

void bf_code_text(bf_coder *coder, bf_text *value) {
    bf_value coded = code(coder, BF_TYPE_text, BF_VALUE(*value));
    *value = (bf_text){ .at = (const char *)coded.at, .length = coded.length };
}

void bf_code_binary(bf_coder *coder, bf_bytes *value) {
    bf_value coded = code(coder, BF_TYPE_binary, BF_VALUE(*value));
    *value = (bf_bytes){ .at = coded.at, .length = coded.length };
}

void bf_code_optional_integer(bf_coder *coder, bf_optional_integer *value) {
    if (coder->in) {
        value->is_some = bf_take_flag(coder->in, "malformed state: an option other than 0 and 1");
        value->value = 0;
    } else {
        bf_put_u8(coder->out, value->is_some);
    }
    if (value->is_some) {
        bf_code_integer(coder, &value->value);
    }
}

void bf_code_variant(bf_coder *coder, uint8_t *variant, uint8_t variants) {
    bf_code_u8(coder, variant);
    if (coder->in && *variant >= variants) {
        bf_fault(coder->in, "malformed state: a variant that there is not");
        *variant = 0;
    }
}

void bf_code_length(bf_coder *coder, uint32_t *length, uint32_t most) {
    if (coder->out) {
        bf_put_varint(coder->out, *length);
        return;
    }
    size_t read = bf_take_length(coder->in);
    if (read > most) {
        bf_fault(coder->in, "malformed state: a list that is too long");
        read = 0;
    }
    *length = (uint32_t)read;
}
