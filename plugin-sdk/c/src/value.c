#include "value.h"

static const uint64_t P1 = UINT64_C(0x9e3779b185ebca87), P2 = UINT64_C(0xc2b2ae3d27d4eb4f),
                      P3 = UINT64_C(0x165667b19e3779f9), P4 = UINT64_C(0x85ebca77c2b2ae63),
                      P5 = UINT64_C(0x27d4eb2f165667c5);

static uint64_t rotated(uint64_t word, int by) { return word << by | word >> (64 - by); }

static uint64_t round_of(uint64_t lane, uint64_t word) { return rotated(lane + word * P2, 31) * P1; }

uint64_t bf_xxh64(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    size_t rest = length;
    uint64_t hash = P5;
    if (length >= 32) {
        uint64_t lanes[4] = { P1 + P2, P2, 0, 0 - P1 };
        for (; rest >= 32; rest -= 32) {
            for (int i = 0; i < 4; i++, at += 8) {
                lanes[i] = round_of(lanes[i], bf_load_u64(at));
            }
        }
        hash = rotated(lanes[0], 1) + rotated(lanes[1], 7) + rotated(lanes[2], 12) + rotated(lanes[3], 18);
        for (int i = 0; i < 4; i++) {
            hash = (hash ^ round_of(0, lanes[i])) * P1 + P4;
        }
    }
    hash += length;
    for (; rest >= 8; rest -= 8, at += 8) {
        hash = rotated(hash ^ round_of(0, bf_load_u64(at)), 27) * P1 + P4;
    }
    if (rest >= 4) {
        hash = rotated(hash ^ bf_load_u32(at) * P1, 23) * P2 + P3;
        rest -= 4, at += 4;
    }
    for (; rest > 0; rest--, at++) {
        hash = rotated(hash ^ *at * P5, 11) * P1;
    }
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}

uint64_t bf_hash(bf_type type, bf_value value) {
    switch (bf_kind_of(type)) {
    case BF_TEXT_KIND:
    case BF_BINARY:
        return bf_xxh64(value.at, value.length);
    case BF_JSON: {
        // With its length in front, as it is encoded.
        uint8_t *encoded = bf_alloc((size_t)value.length + 5);
        size_t length = 0;
        for (uint32_t left = value.length; length == 0 || left > 0; left >>= 7) {
            encoded[length++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        }
        if (value.length) {
            memcpy(encoded + length, value.at, value.length);
        }
        return bf_xxh64(encoded, length + value.length);
    }
    case BF_FLOAT: {
        uint64_t bits = bf_bits(bf_one_nan(value.real));
        return bf_xxh64(&bits, sizeof bits);
    }
    default:
        return bf_xxh64(&value.number, bf_width_of(type));
    }
}
