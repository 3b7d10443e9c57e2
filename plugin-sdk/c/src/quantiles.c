// Quantiles from a histogram whose buckets are cut from the bits of the number.
//
// For a positive x: cut = bits of the double x >> (52 - BITS), which leaves the exponent and the first BITS
// bits of the mantissa. The bucket is cut + 1 for x, -(cut + 1) for -x, 0 for 0. An integer or a decimal (as
// value x 10^n) is in the bucket of the same number as a double, cut off, not rounded, beyond 2^53.
//
// Bytes: the number of buckets in use; for each, ascending, its distance from the one before it less 1 (the
// first: the bucket itself, zigzag), and its count less 1; all LEB128.
//
// Source: the log-linear histogram of G. Tene's HdrHistogram, cut from the bits of a double as in Circonus'
// and Prometheus' sparse histograms, without a logarithm: the same on every machine.
#include "parts.h"

enum { MANTISSA_BITS = 52, EXPONENT_MAX = 0x7ff, EXPONENT_OF_ONE = 1023 };

// Buckets are the keys of a sorted map of integers.
#define BUCKET BF_TYPE_integer

static int64_t with_sign(uint64_t cut, bool is_negative) {
    int64_t bucket = (int64_t)cut + 1; // 0 lacks a sign: hence 1 up
    return is_negative ? -bucket : bucket;
}

static uint64_t cut_of(int64_t bucket) { return (uint64_t)(bucket < 0 ? -bucket : bucket) - 1; }

static int64_t bucket_of_float(double real, uint32_t bits) {
    uint64_t word = bf_bits(bf_one_nan(real)), magnitude = word & ~(UINT64_C(1) << 63);
    return magnitude ? with_sign(magnitude >> (MANTISSA_BITS - bits), word >> 63) : 0;
}

static int64_t bucket_of_integer(int64_t number, uint32_t bits) {
    if (number == 0) {
        return 0;
    }
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(magnitude);
    // The leading bit shifted out, the rest from the top on, as in the mantissa of a double.
    uint64_t mantissa = (magnitude << (63 - exponent) << 1) >> (64 - bits);
    return with_sign((uint64_t)(exponent + EXPONENT_OF_ONE) << bits | mantissa, number < 0);
}

// The least and the greatest magnitude of the integers in a bucket; false if there are none.
static bool magnitudes(int64_t bucket, uint32_t bits, uint64_t *near, uint64_t *far) {
    *near = *far = 0;
    if (bucket == 0) {
        return true;
    }
    uint64_t greatest = (uint64_t)INT64_MAX + (bucket < 0), cut = cut_of(bucket);
    uint64_t exponent = (cut >> bits) - EXPONENT_OF_ONE;
    if (cut >> bits < EXPONENT_OF_ONE || exponent > 63) {
        return false;
    }
    // One with its mantissa, scaled by 2^(exponent - bits); below 2^80.
    uint64_t one = UINT64_C(1) << bits;
    unsigned __int128 scaled = (unsigned __int128)(one | (cut & (one - 1))) << exponent;
    unsigned __int128 least = scaled >> bits, width = (unsigned __int128)1 << exponent >> bits;
    if (least << bits != scaled || least > greatest) {
        return false;
    }
    unsigned __int128 most = least + (width ? width : 1) - 1;
    *near = (uint64_t)least;
    *far = most < greatest ? (uint64_t)most : greatest;
    return true;
}

static bool has(bf_type type, int64_t bucket, uint32_t bits) {
    uint64_t near, far;
    if (bf_kind_of(type) != BF_FLOAT) {
        return magnitudes(bucket, bits, &near, &far);
    }
    uint64_t infinity = (uint64_t)EXPONENT_MAX << bits;
    return bucket == 0 || cut_of(bucket) <= infinity
        || bucket == bucket_of_float(bf_from_bits(BF_NAN_BITS), bits);
}

// The number that stands for all in a bucket.
static bf_value middle(bf_type type, int64_t bucket, uint32_t bits) {
    if (bf_kind_of(type) != BF_FLOAT) {
        uint64_t near, far;
        magnitudes(bucket, bits, &near, &far);
        uint64_t magnitude = near + (far - near) / 2;
        return bf_value_of_unsigned(bucket < 0 ? 0 - magnitude : magnitude);
    }
    if (bucket == 0) {
        return bf_value_of_real(0);
    }
    uint64_t cut = cut_of(bucket), infinity = (uint64_t)EXPONENT_MAX << bits;
    if (cut > infinity) {
        return bf_value_of_real(bf_from_bits(BF_NAN_BITS));
    }
    uint64_t half = cut == infinity ? 0 : UINT64_C(1) << (MANTISSA_BITS - 1 - bits);
    return bf_value_of_real(bf_from_bits(cut << (MANTISSA_BITS - bits) | half | (uint64_t)(bucket < 0) << 63));
}

static void count_in(bf_quantiles *part, int64_t bucket, uint64_t times) {
    uint64_t *count = bf_sorted_entry(&part->counts, BUCKET, sizeof *count, BF_VALUE(bucket), NULL);
    *count = *count + times < times ? UINT64_MAX : *count + times;
}

void bf_quantiles_add_(bf_quantiles *part, bf_type type, uint32_t bits, bf_value value, uint64_t times) {
    if (times > 0) {
        bool is_float = bf_kind_of(type) == BF_FLOAT;
        count_in(part, is_float ? bucket_of_float(value.real, bits) : bucket_of_integer(value.number, bits), times);
    }
}

uint64_t bf_quantiles_count_(const bf_quantiles *part) {
    uint64_t total = 0;
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&part->counts, sizeof total, &at));) {
        uint64_t count = *(uint64_t *)bf_payload_of(entry);
        total = total + count < count ? UINT64_MAX : total + count;
    }
    return total;
}

// The bucket at rank ceil(q n); false if nothing was added.
static bool bucket_at(const bf_quantiles *part, double q, int64_t *bucket) {
    const unsigned __int128 one = 1000000000;
    double clamped = q > 0 ? q < 1 ? q : 1 : 0;
    unsigned __int128 parts = (unsigned __int128)(uint64_t)round(clamped * 1e9), total = 0, reached = 0;
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&part->counts, sizeof(uint64_t), &at));) {
        total += *(uint64_t *)bf_payload_of(entry);
    }
    unsigned __int128 rank = (parts * total + one - 1) / one;
    rank = rank ? rank : 1;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&part->counts, sizeof(uint64_t), &at));) {
        reached += *(uint64_t *)bf_payload_of(entry);
        *bucket = bf_key_of(entry)->number;
        if (reached >= rank) {
            return true;
        }
    }
    return false;
}

bf_optional_integer bf_quantiles_integer_(const bf_quantiles *part, bf_type type, uint32_t bits, double q) {
    int64_t bucket;
    if (!bucket_at(part, q, &bucket)) {
        return (bf_optional_integer){ .is_some = false };
    }
    return (bf_optional_integer){ .is_some = true, .value = middle(type, bucket, bits).number };
}

bf_optional_float bf_quantiles_float_(const bf_quantiles *part, bf_type type, uint32_t bits, double q) {
    int64_t bucket;
    if (!bucket_at(part, q, &bucket)) {
        return (bf_optional_float){ .is_some = false };
    }
    return (bf_optional_float){ .is_some = true, .value = middle(type, bucket, bits).real };
}

void bf_quantiles_encode(const void *part, const bf_spec *spec, bf_output *out) {
    (void)spec;
    const bf_sorted *counts = &((const bf_quantiles *)part)->counts;
    bf_put_varint(out, counts->count);
    int64_t last = 0;
    bool is_first = true;
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(counts, sizeof(uint64_t), &at)); is_first = false) {
        int64_t bucket = bf_key_of(entry)->number;
        uint32_t zigzag = (uint32_t)bucket << 1 ^ (bucket < 0 ? UINT32_MAX : 0);
        bf_put_varint(out, is_first ? zigzag : (uint64_t)(bucket - last - 1));
        bf_put_varint(out, *(uint64_t *)bf_payload_of(entry) - 1);
        last = bucket;
    }
}

void bf_quantiles_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_sorted *counts = &((bf_quantiles *)part)->counts;
    size_t length = bf_take_length(in);
    int64_t bucket = 0;
    for (size_t i = 0; i < length && !in->fault; i++) {
        uint64_t distance = bf_take_varint(in);
        if (distance > UINT32_MAX) {
            bf_fault(in, "malformed state: a bucket that no number is in");
            return;
        }
        int64_t zigzag = (int64_t)(distance >> 1) ^ -(int64_t)(distance & 1);
        bucket = i == 0 ? zigzag : bucket + (int64_t)distance + 1;
        if (bucket > INT32_MAX || !has(spec->type, bucket, spec->n)) {
            bf_fault(in, "malformed state: a bucket that no number is in");
        }
        uint64_t count = bf_take_varint(in);
        if (count == UINT64_MAX) {
            bf_fault(in, "malformed state: a count of 2^64");
        }
        if (!in->fault) {
            *(uint64_t *)bf_sorted_push(counts, sizeof count, BF_VALUE(bucket)) = count + 1;
        }
    }
}

const char *bf_quantiles_merge(void *left, void *right, const bf_spec *spec) {
    (void)spec;
    bf_quantiles *into = left, *from = right;
    if (into->counts.count == 0) {
        *into = *from;
        return BF_OK;
    }
    void *entry;
    for (bf_at at = { 0 }; (entry = bf_sorted_next(&from->counts, sizeof(uint64_t), &at));) {
        count_in(into, bf_key_of(entry)->number, *(uint64_t *)bf_payload_of(entry));
    }
    return BF_OK;
}

static const char *present(const void *part, const bf_spec *spec, bf_datum *datum) {
    static const struct { const char *name; double q; } shown[] = {
        { "p50", 0.5 }, { "p90", 0.9 }, { "p95", 0.95 }, { "p99", 0.99 },
    };
    const bf_quantiles *quantiles = part;
    if (quantiles->counts.count == 0) {
        *datum = (bf_datum){ .is_absent = true };
        return BF_OK;
    }
    bf_datum each;
    bf_output json = { 0 };
    bf_write(&json, "{\"count\":");
    BF_TRY(bf_datum_of(BF_TYPE_u64, BF_VALUE(bf_quantiles_count_(quantiles)), &each));
    bf_write_datum(&json, BF_TYPE_integer, &each);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        int64_t bucket = 0;
        bucket_at(quantiles, shown[i].q, &bucket);
        each = (bf_datum){ .value = middle(spec->type, bucket, spec->n) };
        bf_write(&json, bf_format(",\"%s\":", shown[i].name));
        bf_write_datum(&json, spec->type, &each);
    }
    bf_write(&json, "}");
    *datum = (bf_datum){ .value = { .at = json.at, .length = (uint32_t)json.length } };
    return BF_OK;
}

const bf_part_ops bf_quantiles_ops = {
    bf_quantiles_encode, bf_quantiles_decode, bf_quantiles_merge, present, bf_shown_json_, bf_yes_, NULL, NULL,
};
