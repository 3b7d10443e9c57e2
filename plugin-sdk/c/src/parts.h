// The algebra of states: what a cell can accumulate so that any cut of the log gives the same bytes.
//
// | part in a declaration       | keeps                                           | order-free  | shows        |
// |-----------------------------|-------------------------------------------------|-------------|--------------|
// | X(count, name)              | how many                                        | yes         | integer      |
// | X(sum, name, kind)          | the exact sum of integers or decimals           | yes         | their kind   |
// | X(exact_sum, name)          | the exact sum of floats                         | yes         | float        |
// | X(mean, name, kind)         | the exact mean of integers or decimals          | yes         | float        |
// | X(min, name, kind), max     | the least, the greatest value                   | yes         | its kind     |
// | X(first, name, kind), last  | the first, the last value by event time         | yes         | its kind     |
// | X(first_seen, name, kind), last_seen | the first, the last value in the log   | no          | its kind     |
// | X(quantiles, name, kind)    | a histogram for quantiles with a stated error   | yes         | json         |
// | X(set, name, kind)          | distinct values, exactly                        | yes         | their number |
// | X(distinct, name, kind)     | an estimate of how many distinct values, bounded| yes         | integer      |
// | X(top_k, name, kind, k)     | exact counts of values, to show the top k       | yes         | json         |
// | X(last_n, name, kind, n)    | the last n values by event time                 | yes         | json         |
// | X(map, name, kind, part, …) | a part for each key                             | as its part | json         |
// | X(state, name, type)        | another state, declared with BF_STATE           | as its parts| json         |
// | X(ordered, name, machine)   | a machine run in the order of the log           | no          | as it says   |
//
// A part that is all zero is empty, which is how a cell begins. Each part's bytes are those of the same
// part in every other SDK.
#ifndef BIFOCAL_PARTS_H
#define BIFOCAL_PARTS_H

#include "json.h"
#include "sorted.h"

typedef struct bf_part bf_part;
typedef struct bf_state bf_state;
typedef struct bf_machine bf_machine;

// What a declaration says of a part beside its name.
typedef struct bf_spec {
    bf_type type;
    uint32_t n;
    const bf_part *part;       // what a map holds
    const bf_state *state;     // of `state`
    const bf_machine *machine; // of `ordered`
} bf_spec;

// What can be done with a part of any sort. `merge` may take from `right`, which is not used again.
typedef struct bf_part_ops {
    void (*encode)(const void *part, const bf_spec *spec, bf_output *out);
    void (*decode)(void *part, const bf_spec *spec, bf_input *in);
    const char *(*merge)(void *left, void *right, const bf_spec *spec);
    const char *(*present)(const void *part, const bf_spec *spec, bf_datum *datum);
    bf_type (*shown)(const bf_spec *spec);
    bool (*is_order_free)(const bf_spec *spec);
    // Makes an empty part the one of a cell before its first event. NULL: it is that already.
    void (*begin)(void *part, const bf_spec *spec);
    bool (*is_anchored)(const bf_spec *spec); // NULL: no
} bf_part_ops;

// A part of a state, or what a map holds.
struct bf_part {
    const char *name;
    size_t size; // of what a map holds
    const bf_part_ops *ops;
    bf_spec spec;
};

// A state: parts, and the same written out as straight code.
struct bf_state {
    size_t size;
    const bf_part *parts;
    size_t count;
    // Writes where each part of a state is.
    void (*addresses)(void *state, void **address);
    void (*encode)(const void *state, bf_output *out);
    void (*decode)(void *state, bf_input *in);
    const char *(*merge)(void *left, void *right);
};

enum { BF_PARTS_MAX = 64 }; // of a state

bool bf_state_is_order_free(const bf_state *state);
bool bf_state_is_anchored(const bf_state *state);
void bf_state_begin(const bf_state *state, void *at);

#define BF_ANCHORED_RIGHT                                                                             \
    "the later state is anchored: it has run from the beginning of its cell; merge floating states "   \
    "onto it"

// The structs of parts that hold values of a kind. `of` and `n` are never read: they carry what the
// declaration says, so that `bf_max_see` and the others know it when they are compiled.
#define BF_TYPED_(core_type, type_, n_)            \
    union {                                        \
        core_type core;                            \
        char (*of)[type_];                         \
        char (*n)[n_];                             \
    }
#define BF_TYPE_OF_(part) ((bf_type)sizeof(*(part)->of))
#define BF_N_OF_(part) ((uint32_t)sizeof(*(part)->n))
// A value of a part's kind; one of another class does not compile.
#define BF_VALUE_FOR_(part, x)                                                                        \
    ((void)sizeof(char[BF_CLASS_OF_VALUE_(x) == BF_CLASS_OF_TYPE_(BF_TYPE_OF_(part)) ? 1 : -1]),      \
     bf_kept_value(BF_TYPE_OF_(part), BF_VALUE(x)))

static inline bool bf_yes_(const bf_spec *spec) { return (void)spec, true; }
static inline bool bf_no_(const bf_spec *spec) { return (void)spec, false; }
static inline bf_type bf_shown_integer_(const bf_spec *spec) { return (void)spec, BF_TYPE_integer; }
static inline bf_type bf_shown_float_(const bf_spec *spec) { return (void)spec, BF_TYPE_float; }
static inline bf_type bf_shown_json_(const bf_spec *spec) { return (void)spec, BF_TYPE_json; }
static inline bf_type bf_shown_value_(const bf_spec *spec) { return spec->type; }

// ---- count ----
// 8 bytes. Stays at 2^64 - 1 rather than wrap; already beyond 2^63 - 1 it is out of range of its column.
typedef struct bf_count {
    uint64_t n;
} bf_count;

static inline void bf_count_add(bf_count *count, uint64_t n) {
    uint64_t sum = count->n + n;
    count->n = sum < n ? UINT64_MAX : sum;
}

static inline void bf_count_encode(const void *part, const bf_spec *spec, bf_output *out) {
    (void)spec;
    bf_put_u64(out, ((const bf_count *)part)->n);
}

static inline void bf_count_decode(void *part, const bf_spec *spec, bf_input *in) {
    (void)spec;
    ((bf_count *)part)->n = bf_take_u64(in);
}

static inline const char *bf_count_merge(void *left, void *right, const bf_spec *spec) {
    (void)spec;
    bf_count_add(left, ((bf_count *)right)->n);
    return BF_OK;
}

extern const bf_part_ops bf_count_ops;
#define BF_PART_count() bf_count
#define BF_SPEC_count() { 0 }

// ---- sum ----
// 16 bytes: 128 bits, so it never overflows; a sum that does not fit the 64 bits of its column is out of
// range when it is presented, never when it is added to. Units of 10^-n for decimals.
typedef struct bf_sum {
    uint64_t low;
    uint64_t high;
} bf_sum;

static inline void bf_sum_add_halves_(bf_sum *sum, uint64_t low, uint64_t high) {
    sum->low += low;
    sum->high += high + (sum->low < low);
}

static inline void bf_sum_add_signed_(bf_sum *sum, int64_t value) {
    bf_sum_add_halves_(sum, (uint64_t)value, value < 0 ? UINT64_MAX : 0);
}

static inline void bf_sum_add_unsigned_(bf_sum *sum, uint64_t value) { bf_sum_add_halves_(sum, value, 0); }

static inline void bf_sum_subtract_signed_(bf_sum *sum, int64_t value) {
    // Minus x is the complement of x, plus 1.
    bf_sum_add_halves_(sum, ~(uint64_t)value, value < 0 ? 0 : UINT64_MAX);
    bf_sum_add_halves_(sum, 1, 0);
}

static inline void bf_sum_subtract_unsigned_(bf_sum *sum, uint64_t value) {
    bf_sum_add_halves_(sum, ~value, UINT64_MAX);
    bf_sum_add_halves_(sum, 1, 0);
}

#define BF_BY_SIGN_(x, of_unsigned, of_signed) \
    _Generic((x), unsigned long: of_unsigned, unsigned long long: of_unsigned, default: of_signed)
// `sum` is a `bf_sum *`, `x` an integer of any width.
#define bf_sum_add(sum, x) BF_BY_SIGN_(x, bf_sum_add_unsigned_, bf_sum_add_signed_)(sum, x)
// Takes back what was added: the image of a row before it changed.
#define bf_sum_subtract(sum, x) BF_BY_SIGN_(x, bf_sum_subtract_unsigned_, bf_sum_subtract_signed_)(sum, x)

// The sum, if it fits 64 bits.
static inline bf_optional_integer bf_sum_get(const bf_sum *sum) {
    bool fits = sum->high == ((int64_t)sum->low < 0 ? UINT64_MAX : 0);
    return (bf_optional_integer){ .is_some = fits, .value = fits ? (int64_t)sum->low : 0 };
}

static inline void bf_sum_encode(const void *part, const bf_spec *spec, bf_output *out) {
    (void)spec;
    bf_put(out, part, sizeof(bf_sum));
}

static inline void bf_sum_decode(void *part, const bf_spec *spec, bf_input *in) {
    (void)spec;
    const uint8_t *at = bf_take(in, sizeof(bf_sum));
    if (at) {
        memcpy(part, at, sizeof(bf_sum));
    }
}

static inline const char *bf_sum_merge(void *left, void *right, const bf_spec *spec) {
    (void)spec;
    const bf_sum *more = right;
    bf_sum_add_halves_(left, more->low, more->high);
    return BF_OK;
}

// A machine may hold a sum: see `bf_coder`.
void bf_code_sum(bf_coder *coder, bf_sum *sum);

extern const bf_part_ops bf_sum_ops;
#define BF_PART_sum(kind) bf_sum
#define BF_SPEC_sum(kind) { .type = BF_TYPE_##kind }

// ---- mean ----
// 24 bytes: the exact sum and the count. Shows the double nearest to the exact quotient, ties to even;
// null if nothing was added.
typedef struct bf_mean {
    bf_sum sum;
    bf_count count;
} bf_mean;

#define bf_mean_add(mean, x) (bf_sum_add(&(mean)->core.sum, x), bf_count_add(&(mean)->core.count, 1))
#define bf_mean_get(mean) bf_mean_get_(&(mean)->core, BF_TYPE_OF_(mean))
#define bf_mean_count(mean) ((mean)->core.count.n)
bf_optional_float bf_mean_get_(const bf_mean *mean, bf_type type);

static inline void bf_mean_encode(const void *part, const bf_spec *spec, bf_output *out) {
    bf_sum_encode(&((const bf_mean *)part)->sum, spec, out);
    bf_count_encode(&((const bf_mean *)part)->count, spec, out);
}

static inline void bf_mean_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_mean *mean = part;
    bf_sum_decode(&mean->sum, spec, in);
    bf_count_decode(&mean->count, spec, in);
    if (mean->count.n == 0 && (mean->sum.low | mean->sum.high) != 0) {
        bf_fault(in, "malformed state: a mean of nothing with a sum");
    }
}

static inline const char *bf_mean_merge(void *left, void *right, const bf_spec *spec) {
    bf_sum_merge(&((bf_mean *)left)->sum, &((bf_mean *)right)->sum, spec);
    return bf_count_merge(&((bf_mean *)left)->count, &((bf_mean *)right)->count, spec);
}

extern const bf_part_ops bf_mean_ops;
#define BF_PART_mean(kind) BF_TYPED_(bf_mean, BF_TYPE_##kind, 1)
#define BF_SPEC_mean(kind) { .type = BF_TYPE_##kind }

// ---- min, max, first_seen, last_seen ----
// A byte and the value. By the order of the kind: of floats -0 is below 0 and NaN above all.
typedef struct bf_kept {
    bf_value value;
    bool is_some;
} bf_kept;

typedef struct bf_one {
    bf_kept kept;
} bf_one;

static inline void bf_keep_below_(bf_kept *kept, bf_type type, bf_value value) {
    if (!kept->is_some || bf_compare(type, value, kept->value) < 0) {
        *kept = (bf_kept){ .value = value, .is_some = true };
    }
}

static inline void bf_keep_above_(bf_kept *kept, bf_type type, bf_value value) {
    if (!kept->is_some || bf_compare(type, value, kept->value) > 0) {
        *kept = (bf_kept){ .value = value, .is_some = true };
    }
}

static inline void bf_keep_first_(bf_kept *kept, bf_type type, bf_value value) {
    (void)type;
    if (!kept->is_some) {
        *kept = (bf_kept){ .value = value, .is_some = true };
    }
}

static inline void bf_keep_last_(bf_kept *kept, bf_type type, bf_value value) {
    (void)type;
    *kept = (bf_kept){ .value = value, .is_some = true };
}

#define BF_KEEP_(part, keep, x) keep(&(part)->core.kept, BF_TYPE_OF_(part), BF_VALUE_FOR_(part, x))
#define bf_min_see(part, x) BF_KEEP_(part, bf_keep_below_, x)
#define bf_max_see(part, x) BF_KEEP_(part, bf_keep_above_, x)
#define bf_first_seen_see(part, x) BF_KEEP_(part, bf_keep_first_, x)
#define bf_last_seen_see(part, x) BF_KEEP_(part, bf_keep_last_, x)

// What a part keeps, of min, max, first, last, first_seen or last_seen: an optional of its kind. Integer
// stands for timestamps, decimals and booleans too, text for JSON.
#define bf_get_integer(part) bf_kept_integer_(&(part)->core.kept)
#define bf_get_float(part) bf_kept_float_(&(part)->core.kept)
#define bf_get_text(part) bf_kept_text_(&(part)->core.kept)
#define bf_get_binary(part) bf_kept_binary_(&(part)->core.kept)

static inline bf_optional_integer bf_kept_integer_(const bf_kept *kept) {
    return (bf_optional_integer){ .is_some = kept->is_some, .value = kept->is_some ? kept->value.number : 0 };
}
static inline bf_optional_float bf_kept_float_(const bf_kept *kept) {
    return (bf_optional_float){ .is_some = kept->is_some, .value = kept->is_some ? kept->value.real : 0 };
}
static inline bf_optional_text bf_kept_text_(const bf_kept *kept) {
    bf_optional_text text = { .is_some = kept->is_some };
    if (kept->is_some) {
        text.value = (bf_text){ .at = (const char *)kept->value.at, .length = kept->value.length };
    }
    return text;
}
static inline bf_optional_binary bf_kept_binary_(const bf_kept *kept) {
    bf_optional_binary bytes = { .is_some = kept->is_some };
    if (kept->is_some) {
        bytes.value = (bf_bytes){ .at = kept->value.at, .length = kept->value.length };
    }
    return bytes;
}

static inline void bf_one_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_kept *kept = &((const bf_one *)part)->kept;
    bf_put_u8(out, kept->is_some);
    if (kept->is_some) {
        bf_put_value(out, spec->type, kept->value);
    }
}

static inline void bf_one_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_kept *kept = &((bf_one *)part)->kept;
    kept->is_some = bf_take_flag(in, "malformed state: an option other than 0 and 1");
    if (kept->is_some) {
        kept->value = bf_take_value(in, spec->type);
    }
}

#define BF_ONE_(name, keep)                                                                           \
    static inline void bf_##name##_encode(const void *part, const bf_spec *spec, bf_output *out) {     \
        bf_one_encode(part, spec, out);                                                               \
    }                                                                                                 \
    static inline void bf_##name##_decode(void *part, const bf_spec *spec, bf_input *in) {             \
        bf_one_decode(part, spec, in);                                                                \
    }                                                                                                 \
    static inline const char *bf_##name##_merge(void *left, void *right, const bf_spec *spec) {        \
        const bf_kept *kept = &((bf_one *)right)->kept;                                               \
        if (kept->is_some) {                                                                          \
            keep(&((bf_one *)left)->kept, spec->type, kept->value);                                   \
        }                                                                                             \
        return BF_OK;                                                                                 \
    }                                                                                                 \
    extern const bf_part_ops bf_##name##_ops;
BF_ONE_(min, bf_keep_below_)
BF_ONE_(max, bf_keep_above_)
BF_ONE_(first_seen, bf_keep_first_)
BF_ONE_(last_seen, bf_keep_last_)
#define BF_PART_min(kind) BF_TYPED_(bf_one, BF_TYPE_##kind, 1)
#define BF_SPEC_min(kind) { .type = BF_TYPE_##kind }
#define BF_PART_max(kind) BF_TYPED_(bf_one, BF_TYPE_##kind, 1)
#define BF_SPEC_max(kind) { .type = BF_TYPE_##kind }
#define BF_PART_first_seen(kind) BF_TYPED_(bf_one, BF_TYPE_##kind, 1)
#define BF_SPEC_first_seen(kind) { .type = BF_TYPE_##kind }
#define BF_PART_last_seen(kind) BF_TYPED_(bf_one, BF_TYPE_##kind, 1)
#define BF_SPEC_last_seen(kind) { .type = BF_TYPE_##kind }

// ---- first, last ----
// A byte, and 16 bytes and the value: the value of the event with the least, the greatest (event time,
// offset). Of two values of one event `first` keeps the lesser, `last` the greater.
typedef struct bf_placed {
    bf_kept kept;
    int64_t time;
    int64_t offset;
} bf_placed;

static inline int bf_placed_order_(const bf_placed *a, const bf_placed *b, bf_type type) {
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return bf_compare(type, a->kept.value, b->kept.value);
}

// Takes `seen` where it is `wanted` (-1: before, 1: after) what is kept.
static inline void bf_place_(bf_placed *kept, bf_type type, int wanted, bf_placed seen) {
    if (!kept->kept.is_some || bf_placed_order_(&seen, kept, type) * wanted > 0) {
        *kept = seen;
    }
}

#define BF_SEE_(part, wanted, time_, offset_, x)                                                      \
    bf_place_(&(part)->core, BF_TYPE_OF_(part), wanted,                                               \
              (bf_placed){ .kept = { .value = BF_VALUE_FOR_(part, x), .is_some = true },              \
                           .time = (time_), .offset = (offset_) })
// `time` is the event's (the input `@time`), `offset` its place in the log (the input `@offset`).
#define bf_first_see(part, time, offset, x) BF_SEE_(part, -1, time, offset, x)
#define bf_last_see(part, time, offset, x) BF_SEE_(part, 1, time, offset, x)

void bf_placed_encode(const void *part, const bf_spec *spec, bf_output *out);
void bf_placed_decode(void *part, const bf_spec *spec, bf_input *in);
const char *bf_first_merge(void *left, void *right, const bf_spec *spec);
const char *bf_last_merge(void *left, void *right, const bf_spec *spec);
#define bf_first_encode bf_placed_encode
#define bf_first_decode bf_placed_decode
#define bf_last_encode bf_placed_encode
#define bf_last_decode bf_placed_decode
extern const bf_part_ops bf_first_ops, bf_last_ops;
#define BF_PART_first(kind) BF_TYPED_(bf_placed, BF_TYPE_##kind, 1)
#define BF_SPEC_first(kind) { .type = BF_TYPE_##kind }
#define BF_PART_last(kind) BF_TYPED_(bf_placed, BF_TYPE_##kind, 1)
#define BF_SPEC_last(kind) { .type = BF_TYPE_##kind }

// ---- What is not written out as straight code: four functions each, declared alike ----
#define BF_PART_FUNCTIONS_(name)                                                         \
    void bf_##name##_encode(const void *part, const bf_spec *spec, bf_output *out);       \
    void bf_##name##_decode(void *part, const bf_spec *spec, bf_input *in);               \
    const char *bf_##name##_merge(void *left, void *right, const bf_spec *spec);          \
    extern const bf_part_ops bf_##name##_ops;

// ---- exact_sum ----
// An integer multiple of 2^-1074, the least positive double, kept without rounding: the same bits
// whatever the order. Shows the double nearest to it, ties to even; beyond the greatest double it is out
// of range. A NaN, or infinities of both signs, make it NaN for good, else an infinity makes it infinite.
typedef struct bf_exact_sum {
    int64_t *digits; // of 32 bits, in 64 each, so that carries wait
    uint8_t count;
    uint8_t lowest;  // digits[i] stands for digits[i] x 2^(32 (lowest + i) - 1074)
    uint8_t flags;
    uint32_t pending; // additions to any digit since carries were last resolved
} bf_exact_sum;

void bf_exact_sum_add(bf_exact_sum *sum, double value);
// Absent if it is finite and beyond the greatest double.
bf_optional_float bf_exact_sum_get(const bf_exact_sum *sum);
BF_PART_FUNCTIONS_(exact_sum)
#define BF_PART_exact_sum() bf_exact_sum
#define BF_SPEC_exact_sum() { 0 }

// ---- set ----
// A length, then the values in their order. Shows how many there are.
typedef struct bf_set {
    bf_sorted values;
} bf_set;

#define bf_set_add(part, x) \
    ((void)bf_sorted_entry(&(part)->core.values, BF_TYPE_OF_(part), 0, BF_VALUE_FOR_(part, x), NULL))
#define bf_set_has(part, x) \
    (bf_sorted_find(&(part)->core.values, BF_TYPE_OF_(part), 0, BF_VALUE_FOR_(part, x)) != NULL)
#define bf_set_length(part) ((part)->core.values.count)
BF_PART_FUNCTIONS_(set)
#define BF_PART_set(kind) BF_TYPED_(bf_set, BF_TYPE_##kind, 1)
#define BF_SPEC_set(kind) { .type = BF_TYPE_##kind }

// ---- top_k ----
// Every value is counted and `k` only cuts what is shown, so bytes grow with the number of distinct
// values. Shows `[[value, count], …]`, most frequent first, of equal counts the lesser value first.
typedef struct bf_top_k {
    bf_sorted counts; // payload: uint64_t
} bf_top_k;

#define bf_top_k_add(part, x) bf_top_k_add_times(part, x, 1)
#define bf_top_k_add_times(part, x, times) \
    bf_top_k_add_(&(part)->core, BF_TYPE_OF_(part), BF_VALUE_FOR_(part, x), times)
void bf_top_k_add_(bf_top_k *top, bf_type type, bf_value value, uint64_t times);
BF_PART_FUNCTIONS_(top_k)
#define BF_PART_top_k(kind, k) BF_TYPED_(bf_top_k, BF_TYPE_##kind, k)
#define BF_SPEC_top_k(kind, k) { .type = BF_TYPE_##kind, .n = (k) }

// ---- last_n ----
// The last `n` values by (event time, offset), however late they arrive. Shows a list, the last first.
typedef struct bf_last_n {
    bf_placed *entries; // ascending
    uint32_t count;
    uint32_t room;
} bf_last_n;

#define bf_last_n_push(part, time_, offset_, x)                                                       \
    bf_last_n_push_(&(part)->core, BF_TYPE_OF_(part), BF_N_OF_(part),                                 \
                    &(bf_placed){ .kept = { .value = BF_VALUE_FOR_(part, x), .is_some = true },       \
                                  .time = (time_), .offset = (offset_) })
void bf_last_n_push_(bf_last_n *last, bf_type type, uint32_t most, const bf_placed *seen);
BF_PART_FUNCTIONS_(last_n)
#define BF_PART_last_n(kind, most) BF_TYPED_(bf_last_n, BF_TYPE_##kind, most)
#define BF_SPEC_last_n(kind, most) { .type = BF_TYPE_##kind, .n = (most) }

// ---- distinct ----
// A HyperLogLog of 2^bits registers, 4 to 16, 12 if none is said. The standard error is 1.04 /
// sqrt(2^bits): 1.6 % for 12 (at most 3 KiB). X(distinct, users, text) or X(distinct, users, text, 14).
typedef struct bf_distinct {
    bf_sorted sparse; // by index; payload: uint8_t
    uint8_t *dense;   // NULL: still sparse
} bf_distinct;

#define bf_distinct_add(part, x)                                                                      \
    bf_distinct_see_(&(part)->core, BF_N_OF_(part), bf_hash(BF_TYPE_OF_(part), BF_VALUE_FOR_(part, x)))
#define bf_distinct_estimate(part) bf_distinct_estimate_(&(part)->core, BF_N_OF_(part))
void bf_distinct_see_(bf_distinct *distinct, uint32_t bits, uint64_t hash);
uint64_t bf_distinct_estimate_(const bf_distinct *distinct, uint32_t bits);
BF_PART_FUNCTIONS_(distinct)
#define BF_OR_(otherwise, given) ((given) ? (given) : (otherwise))
#define BF_PART_distinct(kind, ...) BF_TYPED_(bf_distinct, BF_TYPE_##kind, BF_OR_(12, __VA_ARGS__ + 0))
#define BF_SPEC_distinct(kind, ...) { .type = BF_TYPE_##kind, .n = BF_OR_(12, __VA_ARGS__ + 0) }

// ---- quantiles ----
// A histogram whose buckets are cut from the bits of the number, of integer, decimal or float. A quantile
// differs from the exact one by at most 2^-(bits + 1) of it: 0.4 % for 7 bits, which is what none means.
// Shows {"count":n,"p50":…,"p90":…,"p95":…,"p99":…}, null if nothing was added.
typedef struct bf_quantiles {
    bf_sorted counts; // by bucket; payload: uint64_t
} bf_quantiles;

#define bf_quantiles_add(part, x) bf_quantiles_add_times(part, x, 1)
#define bf_quantiles_add_times(part, x, times)                                                        \
    bf_quantiles_add_(&(part)->core, BF_TYPE_OF_(part), BF_N_OF_(part), BF_VALUE_FOR_(part, x), times)
// The value at rank ceil(q n), at least 1 and at most n; absent if nothing was added. `q` is taken to
// nine decimals.
#define bf_quantiles_integer(part, q) \
    bf_quantiles_integer_(&(part)->core, BF_TYPE_OF_(part), BF_N_OF_(part), q)
#define bf_quantiles_float(part, q) bf_quantiles_float_(&(part)->core, BF_TYPE_OF_(part), BF_N_OF_(part), q)
#define bf_quantiles_count(part) bf_quantiles_count_(&(part)->core)
void bf_quantiles_add_(bf_quantiles *q, bf_type type, uint32_t bits, bf_value value, uint64_t times);
bf_optional_integer bf_quantiles_integer_(const bf_quantiles *part, bf_type type, uint32_t bits, double q);
bf_optional_float bf_quantiles_float_(const bf_quantiles *part, bf_type type, uint32_t bits, double q);
uint64_t bf_quantiles_count_(const bf_quantiles *part);
BF_PART_FUNCTIONS_(quantiles)
#define BF_PART_quantiles(kind, ...) BF_TYPED_(bf_quantiles, BF_TYPE_##kind, BF_OR_(7, __VA_ARGS__ + 0))
#define BF_SPEC_quantiles(kind, ...) { .type = BF_TYPE_##kind, .n = BF_OR_(7, __VA_ARGS__ + 0) }

// ---- map ----
// A part for each key: bf_count_add(bf_map_entry(&cell->by_status, order->status), 1) for an
// X(map, by_status, text, count). Shows an object for text keys, else a list of [key, part].
typedef struct bf_map {
    bf_sorted entries;
    bool is_anchored;
} bf_map;

// Valid until the next entry is asked for.
#define bf_map_entry(part, x)                                                                         \
    ((__typeof__((part)->held))bf_map_entry_(&(part)->core, BF_TYPE_OF_(part), sizeof *(part)->held,  \
                                             BF_VALUE_FOR_(part, x)))
// The next entry behind `at`, which begins as { 0 }: its part, and its key where `key` is not NULL; NULL
// if there is none.
#define bf_map_next(part, at, key)                                                                    \
    ((__typeof__((part)->held))bf_map_next_(&(part)->core, sizeof *(part)->held, at, key))
void *bf_map_entry_(bf_map *map, bf_type type, size_t size, bf_value key);
void *bf_map_next_(const bf_map *map, size_t size, bf_at *at, bf_value *key);
BF_PART_FUNCTIONS_(map)
#define BF_PART_map(kind, part, ...)               \
    union {                                        \
        bf_map core;                               \
        char (*of)[BF_TYPE_##kind];                \
        BF_PART_##part(__VA_ARGS__) * held;        \
    }
#define BF_SPEC_map(kind, part_, ...)                                              \
    { .type = BF_TYPE_##kind,                                                      \
      .part = &(const bf_part){ .ops = &bf_##part_##_ops,                          \
                                .size = sizeof(BF_PART_##part_(__VA_ARGS__)),      \
                                .spec = BF_SPEC_##part_(__VA_ARGS__) } }

// ---- state ----
// A state as a part of another. Shows a JSON object.
BF_PART_FUNCTIONS_(state)
#define BF_PART_state(type) type
#define BF_SPEC_state(type) { .state = &type##_state }

// ---- ordered ----
// Logic that needs its events one after the other. What `fold` makes *floats*: inputs that wait for what
// precedes them. The host merges it onto the *anchored* state at its left, which runs the machine.
// Bytes: 1 and the machine, or 0 and the inputs behind the number of their bytes.
struct bf_machine {
    size_t size;
    size_t input_size;
    void (*code)(bf_coder *coder, void *machine);
    void (*code_input)(bf_coder *coder, void *input);
    void (*step)(void *machine, const void *input);
    // What the part shows by itself; NULL if the transform presents its cells in its own way.
    const char *(*present)(const void *machine, bf_datum *datum);
    bf_type shown;
};

typedef struct bf_ordered {
    void *machine; // NULL: floating
    bf_output inputs;
} bf_ordered;

void bf_ordered_push_(bf_ordered *ordered, const bf_machine *machine, const void *input);
// The machine as it is after all inputs; of a floating state, as if they were the first.
void bf_ordered_run_(const bf_ordered *ordered, const bf_machine *machine, void *out);
BF_PART_FUNCTIONS_(ordered)
#define BF_PART_ordered(machine) bf_ordered
#define BF_SPEC_ordered(machine_) { .machine = &machine_##_machine }

// Makes the struct `machine`, which begins all zero, and the struct `input` a machine for `ordered`:
//
//     void machine_push(bf_ordered *part, input value);
//     machine machine_run(const bf_ordered *part);
//
// `code` and `code_input` code them both ways (an input takes at least a byte), `step` takes one input.
// Further members of `bf_machine` may follow: `.present = …, .shown = BF_TYPE_integer`.
#define BF_MACHINE(machine_, input, code_, code_input_, step_, ...)                                   \
    static void machine_##_step_(void *at, const void *value) { step_(at, *(const input *)value); }   \
    static void machine_##_code_(bf_coder *coder, void *at) { code_(coder, at); }                     \
    static void machine_##_code_input_(bf_coder *coder, void *at) { code_input_(coder, at); }         \
    static const bf_machine machine_##_machine = {                                                    \
        .size = sizeof(machine_), .input_size = sizeof(input), .code = machine_##_code_,              \
        .code_input = machine_##_code_input_, .step = machine_##_step_, __VA_ARGS__                   \
    };                                                                                                \
    BF_UNUSED static inline void machine_##_push(bf_ordered *part, input value) {                               \
        bf_ordered_push_(part, &machine_##_machine, &value);                                          \
    }                                                                                                 \
    BF_UNUSED static inline machine_ machine_##_run(const bf_ordered *part) {                                   \
        machine_ ran;                                                                                 \
        bf_ordered_run_(part, &machine_##_machine, &ran);                                             \
        return ran;                                                                                   \
    }

// ---- States ----

#define BF_MEMBER_(part, name, ...) BF_PART_##part(__VA_ARGS__) name;
#define BF_ENCODE_(part, name, ...) \
    bf_##part##_encode(&state->name, &(const bf_spec)BF_SPEC_##part(__VA_ARGS__), out);
#define BF_DECODE_(part, name, ...) \
    bf_##part##_decode(&state->name, &(const bf_spec)BF_SPEC_##part(__VA_ARGS__), in);
#define BF_MERGE_(part, name, ...) \
    BF_TRY(bf_##part##_merge(&left->name, &right->name, &(const bf_spec)BF_SPEC_##part(__VA_ARGS__)));
#define BF_ENTRY_(part, name_, ...) \
    { .name = #name_, .ops = &bf_##part##_ops, .spec = BF_SPEC_##part(__VA_ARGS__) },
#define BF_ADDRESS_(part, name, ...) *address++ = &state->name;

// Makes the list of parts PARTS the struct `type`, and all that is needed to keep it in cells.
#define BF_STATE(type, PARTS)                                                                         \
    typedef struct type {                                                                             \
        PARTS(BF_MEMBER_)                                                                             \
    } type;                                                                                           \
    static void type##_encode_(const void *at, bf_output *out) {                                      \
        const type *state = at;                                                                       \
        PARTS(BF_ENCODE_)                                                                             \
    }                                                                                                 \
    static void type##_decode_(void *at, bf_input *in) {                                              \
        type *state = at;                                                                             \
        PARTS(BF_DECODE_)                                                                             \
    }                                                                                                 \
    static const char *type##_merge_(void *at, void *later) {                                         \
        type *left = at, *right = later;                                                              \
        PARTS(BF_MERGE_)                                                                              \
        return BF_OK;                                                                                 \
    }                                                                                                 \
    static void type##_addresses_(void *at, void **address) {                                         \
        type *state = at;                                                                             \
        PARTS(BF_ADDRESS_)                                                                            \
    }                                                                                                 \
    static const bf_part type##_parts_[] = { PARTS(BF_ENTRY_) };                                      \
    static const bf_state type##_state = {                                                            \
        .size = sizeof(type), .parts = type##_parts_,                                                 \
        .count = sizeof type##_parts_ / sizeof *type##_parts_, .addresses = type##_addresses_,        \
        .encode = type##_encode_, .decode = type##_decode_, .merge = type##_merge_,                   \
    };

#endif
