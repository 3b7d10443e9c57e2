// How many distinct values, estimated: a HyperLogLog.
//
// A value's hash is cut in two: its first bits choose a register, which keeps the greatest number of
// leading zeros, plus one, of the others. Bytes: the number of registers above 0; if it is at most a
// quarter of all, each of them, ascending, its index in 16 bits and what it keeps in 8; else all registers
// with 6 bits each, the first in the lowest bits.
//
// Sources: P. Flajolet et al., "HyperLogLog", 2007; S. Heule et al., "HyperLogLog in Practice", 2013; O.
// Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017,
// algorithm 6, for the estimator: it needs no table of corrections and no logarithm.
#include "parts.h"

static uint32_t registers_of(uint32_t bits) { return UINT32_C(1) << bits; }
static uint32_t sparse_max(uint32_t bits) { return registers_of(bits) / 4; }
static size_t dense_bytes(uint32_t bits) { return registers_of(bits) * 6 / 8; }
static uint8_t rank_max(uint32_t bits) { return (uint8_t)(65 - bits); }

static void raise_(bf_distinct *distinct, uint32_t bits, uint32_t index, uint8_t rank) {
    if (distinct->dense) {
        uint8_t *kept = &distinct->dense[index];
        *kept = rank > *kept ? rank : *kept;
        return;
    }
    uint8_t *kept = bf_sorted_entry(&distinct->sparse, BF_TYPE_u64, sizeof *kept, BF_VALUE(index), NULL);
    *kept = rank > *kept ? rank : *kept;
    if (distinct->sparse.count > sparse_max(bits)) {
        distinct->dense = bf_alloc_zero(registers_of(bits), 1);
        void *entry;
        for (bf_at at = { 0 }; (entry = bf_sorted_next(&distinct->sparse, 1, &at));) {
            distinct->dense[bf_key_of(entry)->number] = *(uint8_t *)bf_payload_of(entry);
        }
        distinct->sparse = (bf_sorted){ 0 };
    }
}

void bf_distinct_see_(bf_distinct *distinct, uint32_t bits, uint64_t hash) {
    // The lowest bit set: where all others are 0 it is found after 64 - bits of them.
    uint64_t rest = hash << bits | UINT64_C(1) << (bits - 1);
    raise_(distinct, bits, (uint32_t)(hash >> (64 - bits)), (uint8_t)(__builtin_clzll(rest) + 1));
}

// x + sum over k from 1 of x^(2^k) 2^(k - 1), for registers that were never hit.
static double sigma(double x) {
    double y = 1, z = x, before;
    if (x == 1) {
        return (double)INFINITY;
    }
    do {
        before = z;
        x *= x;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

// (1 - x - sum over k from 1 of (1 - x^(2^-k))^2 2^-k) / 3, for registers that are full.
static double tau(double x) {
    double y = 1, z = 1 - x, before;
    if (x == 0 || x == 1) {
        return 0;
    }
    do {
        before = z;
        x = sqrt(x); // IEEE 754 defines it to the last bit
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

uint64_t bf_distinct_estimate_(const bf_distinct *distinct, uint32_t bits) {
    uint32_t counts[64] = { 0 }, used = 0;
    if (distinct->dense) {
        for (uint32_t i = 0; i < registers_of(bits); i++) {
            counts[distinct->dense[i]]++;
        }
    } else {
        void *entry;
        for (bf_at at = { 0 }; (entry = bf_sorted_next(&distinct->sparse, 1, &at)); used++) {
            counts[*(uint8_t *)bf_payload_of(entry)]++;
        }
        counts[0] = registers_of(bits) - used;
    }
    const double alpha = 0.7213475204444817; // 1 / (2 ln 2)
    double m = registers_of(bits);
    double z = m * tau(1 - counts[rank_max(bits)] / m);
    for (int k = rank_max(bits) - 1; k > 0; k--) {
        z = 0.5 * (z + counts[k]);
    }
    z += m * sigma(counts[0] / m);
    // No register in use: z is infinite and the estimate 0.
    return (uint64_t)round(alpha * m * m / z);
}

void bf_distinct_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_distinct *distinct = part;
    uint32_t count = registers_of(spec->n), used = 0;
    if (!distinct->dense) {
        bf_put_varint(out, distinct->sparse.count);
        void *entry;
        for (bf_at at = { 0 }; (entry = bf_sorted_next(&distinct->sparse, 1, &at));) {
            uint16_t index = (uint16_t)bf_key_of(entry)->number;
            bf_put(out, &index, sizeof index);
            bf_put_u8(out, *(uint8_t *)bf_payload_of(entry));
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        used += distinct->dense[i] > 0;
    }
    bf_put_varint(out, used);
    for (uint32_t i = 0; i < count; i += 4) {
        const uint8_t *four = distinct->dense + i;
        uint32_t packed = four[0] | (uint32_t)four[1] << 6 | (uint32_t)four[2] << 12 | (uint32_t)four[3] << 18;
        bf_put(out, &packed, 3);
    }
}

static void decode_dense(bf_distinct *distinct, uint32_t bits, uint64_t used, bf_input *in) {
    const uint8_t *bytes = bf_take(in, dense_bytes(bits));
    if (!bytes) {
        return;
    }
    distinct->dense = bf_alloc(registers_of(bits));
    uint64_t found = 0;
    for (uint32_t i = 0; i < registers_of(bits); i++) {
        const uint8_t *three = bytes + i / 4 * 3;
        uint32_t packed = three[0] | (uint32_t)three[1] << 8 | (uint32_t)three[2] << 16;
        uint8_t rank = packed >> (6 * (i % 4)) & 63;
        if (rank > rank_max(bits)) {
            bf_fault(in, "malformed state: a register that no hash sets");
            return;
        }
        distinct->dense[i] = rank;
        found += rank > 0;
    }
    if (found != used) {
        bf_fault(in, "malformed state: another number of registers in use");
    }
}

void bf_distinct_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_distinct *distinct = part;
    uint64_t used = bf_take_varint(in);
    if (used > sparse_max(spec->n)) {
        decode_dense(distinct, spec->n, used, in);
        return;
    }
    int64_t last = -1;
    for (; used > 0 && !in->fault; used--) {
        const uint8_t *at = bf_take(in, 3);
        if (!at) {
            return;
        }
        int64_t index = at[0] | (int64_t)at[1] << 8;
        if (index <= last) {
            bf_fault(in, "malformed state: keys that do not ascend");
        } else if (index >= registers_of(spec->n) || at[2] < 1 || at[2] > rank_max(spec->n)) {
            bf_fault(in, "malformed state: a register that no hash sets");
        } else {
            *(uint8_t *)bf_sorted_push(&distinct->sparse, 1, BF_VALUE(index)) = at[2];
        }
        last = index;
    }
}

const char *bf_distinct_merge(void *left, void *right, const bf_spec *spec) {
    bf_distinct *into = left, *from = right;
    if (!into->dense && into->sparse.count == 0) {
        *into = *from;
        return BF_OK;
    }
    if (from->dense) {
        for (uint32_t i = 0; i < registers_of(spec->n); i++) {
            if (from->dense[i] > 0) {
                raise_(into, spec->n, i, from->dense[i]);
            }
        }
        return BF_OK;
    }
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&from->sparse, 1, &at));) {
        raise_(into, spec->n, (uint32_t)bf_key_of(entry)->number, *(uint8_t *)bf_payload_of(entry));
    }
    return BF_OK;
}

static const char *present(const void *part, const bf_spec *spec, bf_datum *datum) {
    return bf_datum_of(BF_TYPE_u64, BF_VALUE(bf_distinct_estimate_(part, spec->n)), datum);
}

const bf_part_ops bf_distinct_ops = {
    bf_distinct_encode, bf_distinct_decode, bf_distinct_merge, present, bf_shown_integer_, bf_yes_, NULL, NULL,
};
