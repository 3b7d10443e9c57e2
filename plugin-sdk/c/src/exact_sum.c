// Exact sums of floats: a superaccumulator that holds only the digits in use.
//
// Bytes: flags (1 NaN, 2 +infinity, 4 -infinity), the place of the lowest digit, the number of digits, and
// the digits of 32 bits, the lowest first, as a two's complement number without needless digits at either
// end. Source: R. M. Neal, "Fast exact summation using small and large superaccumulators",
// arXiv:1505.05571, 2015.
#include "parts.h"

enum { NOT_A_NUMBER = 1, PLUS_INFINITY = 2, MINUS_INFINITY = 4 };

enum {
    // 2^64 doubles below 2^1024 sum up to less than 2^1088, 2^2162 in units of 2^-1074: 68 digits. Beyond
    // these, which no log reaches, a sum wraps, which is still associative.
    DIGITS_MAX = 70,
    // A resolved digit is below 2^32, and each addition adds less than 2^53: far from 2^63.
    PENDING_MAX = 900,
    MANTISSA_BITS = 52,
    EXPONENT_MAX = 0x7ff,
};

// `from` .. `to` are the digits in use, as two's complement.
typedef struct canonical {
    uint32_t digit[DIGITS_MAX];
    int from;
    int to;
} canonical;

// A digit that only repeats the sign of the one below it.
static bool is_needless(uint32_t top, uint32_t below) { return top == (below >> 31 ? UINT32_MAX : 0); }

static canonical canonical_of(const bf_exact_sum *sum) {
    canonical of = { .from = sum->lowest };
    // A carry has at most 31 bits: two digits above the highest hold it and the sign.
    int above = sum->lowest + sum->count + 2;
    above = above < DIGITS_MAX ? above : DIGITS_MAX;
    int64_t carry = 0;
    for (int i = sum->lowest; i < above; i++) {
        carry += i - sum->lowest < sum->count ? sum->digits[i - sum->lowest] : 0;
        of.digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    of.to = above;
    while (of.from < of.to && of.digit[of.from] == 0) {
        of.from++;
    }
    if (of.from == of.to) {
        of.from = of.to = 0;
    }
    while (of.to > of.from + 1 && is_needless(of.digit[of.to - 1], of.digit[of.to - 2])) {
        of.to--;
    }
    return of;
}

// Makes room for the digits `from` .. `to`, and one more on either side: the next value is likely near.
static void reach(bf_exact_sum *sum, int from, int to) {
    int low = from > 0 ? from - 1 : 0, high = to + 1 < DIGITS_MAX ? to + 1 : DIGITS_MAX;
    if (sum->count > 0) {
        low = sum->lowest <= from ? sum->lowest : low;
        int end = sum->lowest + sum->count;
        high = end >= to ? end : high;
    }
    int64_t *digits = bf_alloc_zero((size_t)(high - low), sizeof *digits);
    if (sum->count > 0) {
        memcpy(digits + (sum->lowest - low), sum->digits, sum->count * sizeof *digits);
    }
    sum->digits = digits;
    sum->lowest = (uint8_t)low;
    sum->count = (uint8_t)(high - low);
}

// Carries: each digit to 0 .. 2^32, the highest to a signed one of 32 bits.
static void resolve(bf_exact_sum *sum) {
    canonical of = canonical_of(sum);
    int count = of.to - of.from;
    if (count > sum->count) {
        sum->digits = bf_alloc((size_t)count * sizeof *sum->digits);
    }
    for (int i = 0; i < count; i++) {
        uint32_t digit = of.digit[of.from + i];
        sum->digits[i] = i + 1 < count ? (int64_t)digit : (int64_t)(int32_t)digit;
    }
    sum->lowest = (uint8_t)of.from;
    sum->count = (uint8_t)count;
    sum->pending = 0;
}

static void note_addition(bf_exact_sum *sum) {
    if (++sum->pending >= PENDING_MAX) {
        resolve(sum);
    }
}

void bf_exact_sum_add(bf_exact_sum *sum, double value) {
    uint64_t bits = bf_bits(value), fraction = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int exponent = (int)(bits >> MANTISSA_BITS & EXPONENT_MAX);
    if (exponent == EXPONENT_MAX) {
        sum->flags |= fraction ? NOT_A_NUMBER : bits >> 63 ? MINUS_INFINITY : PLUS_INFINITY;
        return;
    }
    uint64_t mantissa = fraction | (uint64_t)(exponent > 0) << MANTISSA_BITS;
    if (mantissa == 0) {
        return;
    }
    // The value is mantissa x 2^(shift - 1074).
    int shift = exponent > 0 ? exponent - 1 : 0, place = shift / 32;
    if (place < sum->lowest || place + 2 > sum->lowest + sum->count) {
        reach(sum, place, place + 2);
    }
    int64_t low = (int64_t)(mantissa << shift % 32 & UINT32_MAX), high = (int64_t)(mantissa >> (32 - shift % 32));
    int64_t *digits = sum->digits + (place - sum->lowest);
    digits[0] += bits >> 63 ? -low : low;
    digits[1] += bits >> 63 ? -high : high;
    note_addition(sum);
}

// One bit of the magnitude.
static uint64_t bit_of(const canonical *of, int place) { return of->digit[place / 32] >> (place % 32) & 1; }

static bf_optional_float nearest(canonical of) {
    if (of.from == of.to) {
        return (bf_optional_float){ .is_some = true, .value = 0 };
    }
    uint64_t is_negative = of.digit[of.to - 1] >> 31;
    if (is_negative) {
        // The lowest digit is not 0, so what is added to its complement carries no further.
        for (int i = of.from; i < of.to; i++) {
            of.digit[i] = ~of.digit[i];
        }
        of.digit[of.from]++;
    }
    int top = of.to - 1;
    while (of.digit[top] == 0) {
        top--;
    }
    int top_bit = top * 32 + 31 - __builtin_clz(of.digit[top]);
    // The lowest bit that a double with this top bit has; 0 for subnormals and the least normals.
    int last = top_bit > MANTISSA_BITS ? top_bit - MANTISSA_BITS : 0;
    uint64_t mantissa = 0;
    for (int place = top_bit; place >= last; place--) {
        mantissa = mantissa << 1 | bit_of(&of, place);
    }
    bool rounds_up = last > 0 && bit_of(&of, last - 1);
    if (rounds_up && !(mantissa & 1)) {
        rounds_up = false; // a tie, unless something is below
        for (int place = 0; place < last - 1 && !rounds_up; place++) {
            rounds_up = bit_of(&of, place);
        }
    }
    // The leading bit of the mantissa adds 1 to the exponent, for normals only: as it should be.
    uint64_t bits = ((uint64_t)last << MANTISSA_BITS) + mantissa + rounds_up;
    bool is_finite = bits >> MANTISSA_BITS < EXPONENT_MAX;
    return (bf_optional_float){ .is_some = is_finite,
                                .value = is_finite ? bf_from_bits(bits | is_negative << 63) : 0 };
}

bf_optional_float bf_exact_sum_get(const bf_exact_sum *sum) {
    switch (sum->flags) {
    case 0: return nearest(canonical_of(sum));
    case PLUS_INFINITY: return (bf_optional_float){ .is_some = true, .value = (double)INFINITY };
    case MINUS_INFINITY: return (bf_optional_float){ .is_some = true, .value = (double)-INFINITY };
    default: return (bf_optional_float){ .is_some = true, .value = bf_from_bits(BF_NAN_BITS) };
    }
}

void bf_exact_sum_encode(const void *part, const bf_spec *spec, bf_output *out) {
    (void)spec;
    const bf_exact_sum *sum = part;
    canonical of = canonical_of(sum);
    uint8_t head[] = { sum->flags, (uint8_t)of.from, (uint8_t)(of.to - of.from) };
    bf_put(out, head, sizeof head);
    bf_put(out, of.digit + of.from, (size_t)(of.to - of.from) * sizeof *of.digit);
}

void bf_exact_sum_decode(void *part, const bf_spec *spec, bf_input *in) {
    (void)spec;
    bf_exact_sum *sum = part;
    uint8_t flags = bf_take_u8(in), lowest = bf_take_u8(in), count = bf_take_u8(in);
    if (flags > (NOT_A_NUMBER | PLUS_INFINITY | MINUS_INFINITY)) {
        bf_fault(in, "malformed state: unknown flags of an exact sum");
        return;
    }
    if (lowest + count > DIGITS_MAX) {
        bf_fault(in, "malformed state: an exact sum of too many digits");
        return;
    }
    const uint8_t *digits = bf_take(in, count * sizeof(uint32_t));
    if (in->fault) {
        return;
    }
    bool is_canonical = count == 0 ? lowest == 0 : bf_load_u32(digits) != 0;
    if (count > 1) {
        is_canonical &= !is_needless(bf_load_u32(digits + 4 * (count - 1)), bf_load_u32(digits + 4 * (count - 2)));
    }
    if (!is_canonical) {
        bf_fault(in, "malformed state: an exact sum with needless digits");
        return;
    }
    *sum = (bf_exact_sum){ .count = count, .lowest = lowest, .flags = flags };
    sum->digits = count ? bf_alloc(count * sizeof *sum->digits) : NULL;
    for (int i = 0; i < count; i++) {
        uint32_t digit = bf_load_u32(digits + 4 * i);
        sum->digits[i] = i + 1 < count ? (int64_t)digit : (int64_t)(int32_t)digit;
    }
}

const char *bf_exact_sum_merge(void *left, void *right, const bf_spec *spec) {
    (void)spec;
    bf_exact_sum *into = left, *from = right;
    into->flags |= from->flags;
    if (from->count == 0) {
        return BF_OK;
    }
    resolve(from);
    int end = from->lowest + from->count;
    if (from->count > 0 && (from->lowest < into->lowest || end > into->lowest + into->count)) {
        reach(into, from->lowest, end);
    }
    for (int i = 0; i < from->count; i++) {
        into->digits[from->lowest + i - into->lowest] += from->digits[i];
    }
    note_addition(into);
    return BF_OK;
}

static const char *present(const void *part, const bf_spec *spec, bf_datum *datum) {
    (void)spec;
    bf_optional_float sum = bf_exact_sum_get(part);
    if (!sum.is_some) {
        return bf_out_of_range("a sum beyond 1.7976931348623157e308 in magnitude", BF_TYPE_float);
    }
    *datum = (bf_datum){ .value = BF_VALUE(sum.value) };
    return BF_OK;
}

const bf_part_ops bf_exact_sum_ops = {
    bf_exact_sum_encode, bf_exact_sum_decode, bf_exact_sum_merge, present, bf_shown_float_, bf_yes_, NULL, NULL,
};
