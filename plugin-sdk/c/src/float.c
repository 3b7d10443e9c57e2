// The shortest decimal that reads back as the same double, and of these the nearest to it.
//
// Source: R. G. Burger, R. K. Dybvig, "Printing floating-point numbers quickly and accurately", 1996:
// the free-format algorithm in exact integers. No table, no logarithm and no arithmetic on doubles, so
// it is the same on every machine.
#include "json.h"

// Digits of 32 bits, the lowest first: 2^1077 x 10 and what carries from it.
enum { WORDS = 36 };
typedef struct natural {
    uint32_t word[WORDS];
    int used;
} natural;

static void times(natural *n, uint32_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < n->used; i++) {
        carry += (uint64_t)n->word[i] * factor;
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        n->word[n->used++] = (uint32_t)carry;
    }
}

static natural shifted(uint64_t value, int by) {
    natural n = { .used = by / 32 };
    for (unsigned __int128 rest = (unsigned __int128)value << (by % 32); rest > 0; rest >>= 32) {
        n.word[n.used++] = (uint32_t)rest;
    }
    return n;
}

static void times_power_of_ten(natural *n, int power) {
    for (; power >= 9; power -= 9) {
        times(n, 1000000000);
    }
    for (; power > 0; power--) {
        times(n, 10);
    }
}

static natural sum(const natural *a, const natural *b) {
    natural n = { .used = 0 };
    uint64_t carry = 0;
    for (int i = 0; i < a->used || i < b->used || carry; i++) {
        carry += (uint64_t)(i < a->used ? a->word[i] : 0) + (i < b->used ? b->word[i] : 0);
        n.word[n.used++] = (uint32_t)carry;
        carry >>= 32;
    }
    return n;
}

static int compare(const natural *a, const natural *b) {
    if (a->used != b->used) {
        return a->used < b->used ? -1 : 1;
    }
    for (int i = a->used; i-- > 0;) {
        if (a->word[i] != b->word[i]) {
            return a->word[i] < b->word[i] ? -1 : 1;
        }
    }
    return 0;
}

static void subtract(natural *a, const natural *b) {
    int64_t borrow = 0;
    for (int i = 0; i < a->used; i++) {
        borrow += (int64_t)a->word[i] - (i < b->used ? b->word[i] : 0);
        a->word[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->used > 0 && a->word[a->used - 1] == 0) {
        a->used--;
    }
}

// The digits of a positive double: it is 0.DIGITS x 10^point. Returns how many there are.
static int shortest(double value, char digits[18], int *point) {
    uint64_t bits = bf_bits(value), fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52);
    uint64_t mantissa = exponent ? fraction | UINT64_C(1) << 52 : fraction;
    exponent = (exponent ? exponent : 1) - 1075;
    // Both neighbours are half a unit away, but the lower one of a power of two is nearer.
    int is_power = fraction == 0 && exponent > -1074;
    int is_even = !(mantissa & 1);
    // value = rest / scale; it is told apart from its neighbours within below / scale and above / scale.
    int up = exponent > 0 ? exponent : 0, down = exponent < 0 ? -exponent : 0;
    natural rest = shifted(mantissa, up + 1 + is_power);
    natural scale = shifted(1, down + 1 + is_power);
    natural below = shifted(1, up), above = shifted(1, up + is_power);
    // An estimate of the decimal exponent that is never too great: log10(2) from below, in integers.
    int top = 63 - __builtin_clzll(mantissa) + exponent;
    int power = (int)(((int64_t)top * 1233) >> 12) - 1;
    if (power > 0) {
        times_power_of_ten(&scale, power);
    } else {
        times_power_of_ten(&rest, -power);
        times_power_of_ten(&below, -power);
        times_power_of_ten(&above, -power);
    }
    for (;;) {
        natural high = sum(&rest, &above);
        int order = compare(&high, &scale);
        if (is_even ? order < 0 : order <= 0) {
            break;
        }
        times(&scale, 10);
        power++;
    }
    *point = power;
    for (int count = 0;;) {
        times(&rest, 10);
        times(&below, 10);
        times(&above, 10);
        int digit = 0;
        while (compare(&rest, &scale) >= 0) {
            subtract(&rest, &scale);
            digit++;
        }
        natural high = sum(&rest, &above);
        int to_below = compare(&rest, &below), to_above = compare(&high, &scale);
        int ends_low = is_even ? to_below <= 0 : to_below < 0;
        int ends_high = is_even ? to_above >= 0 : to_above > 0;
        if (ends_low || ends_high) {
            natural twice = rest;
            times(&twice, 2);
            int half = compare(&twice, &scale);
            // The nearer of the two; of two equally near the even one.
            int rounds_up = ends_low && ends_high ? half > 0 || (half == 0 && digit % 2) : ends_high;
            digits[count++] = (char)('0' + digit + rounds_up);
            return count;
        }
        digits[count++] = (char)('0' + digit);
    }
}

// A point or an exponent tells that it is a float: 1.0, 0.0001, 1e16, 1.5e-5; exponents from 1e16 on and
// below 1e-4. So hosts and all SDKs print them.
void bf_write_float(bf_output *out, double finite) {
    if (bf_bits(finite) >> 63) {
        bf_put_u8(out, '-');
        finite = -finite;
    }
    if (finite == 0) {
        bf_write(out, "0.0");
        return;
    }
    char digits[18];
    int point, count = shortest(finite, digits, &point);
    if (point > 16 || point < -3) {
        bf_put(out, digits, 1);
        if (count > 1) {
            bf_put_u8(out, '.');
            bf_put(out, digits + 1, (size_t)(count - 1));
        }
        bf_write(out, "e");
        bf_write_integer(out, point - 1);
        return;
    }
    if (point <= 0) {
        bf_write(out, "0.");
    }
    for (int i = point < 0 ? point : 0; i < count || i < point; i++) {
        bf_put_u8(out, i >= 0 && i < count ? (uint8_t)digits[i] : '0');
        if (i + 1 == point) {
            bf_write(out, count > point ? "." : ".0");
        }
    }
}
