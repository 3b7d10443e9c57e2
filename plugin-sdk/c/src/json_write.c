#include <stdio.h>

#include "json.h"

void bf_write(bf_output *out, const char *string) { bf_put(out, string, strlen(string)); }

const char *bf_written(bf_output *out) {
    bf_put_u8(out, 0);
    out->length--;
    return (const char *)out->at;
}

void bf_write_text(bf_output *out, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    bf_put_u8(out, '"');
    for (size_t i = 0; i < length; i++) {
        char escaped[8];
        switch (at[i]) {
        case '"': bf_write(out, "\\\""); break;
        case '\\': bf_write(out, "\\\\"); break;
        case '\n': bf_write(out, "\\n"); break;
        case '\r': bf_write(out, "\\r"); break;
        case '\t': bf_write(out, "\\t"); break;
        default:
            if (at[i] < 0x20) {
                snprintf(escaped, sizeof escaped, "\\u%04x", at[i]);
                bf_write(out, escaped);
            } else {
                bf_put_u8(out, at[i]);
            }
        }
    }
    bf_put_u8(out, '"');
}

static void write_unsigned(bf_output *out, unsigned __int128 number, unsigned at_least) {
    char digits[40];
    size_t from = sizeof digits;
    while (number > 0 || sizeof digits - from < at_least) {
        digits[--from] = (char)('0' + (int)(number % 10));
        number /= 10;
    }
    bf_put(out, digits + from, sizeof digits - from);
}

void bf_write_integer(bf_output *out, int64_t number) { bf_write_decimal(out, number >> 63, (uint64_t)number, 0); }

void bf_write_decimal(bf_output *out, int64_t high, uint64_t low, unsigned digits) {
    unsigned __int128 magnitude = (unsigned __int128)(uint64_t)high << 64 | low;
    if (high < 0) {
        bf_put_u8(out, '-');
        magnitude = 0 - magnitude;
    }
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++) {
        scale *= 10;
    }
    write_unsigned(out, magnitude / scale, 1);
    if (digits > 0) {
        bf_put_u8(out, '.');
        write_unsigned(out, magnitude % scale, digits);
    }
}

void bf_write_timestamp(bf_output *out, int64_t ms) {
    const int64_t day_ms = 86400000;
    int64_t day = ms / day_ms - (ms % day_ms < 0), rest = ms - day * day_ms;
    // Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    int64_t from_march = day + 719468;
    int64_t era = (from_march >= 0 ? from_march : from_march - 146096) / 146097;
    int64_t of_era = from_march - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * of_year + 2) / 153;
    int day_of_month = (int)(of_year - (153 * month + 2) / 5 + 1);
    month = month < 10 ? month + 3 : month - 9;
    int64_t year = era * 400 + year_of_era + (month <= 2);
    char text[64];
    snprintf(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)year, (int)month, day_of_month,
             (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
    bf_write(out, text);
    if (rest % 1000) {
        snprintf(text, sizeof text, ".%03d", (int)(rest % 1000));
        bf_write(out, text);
    }
    bf_put_u8(out, 'Z');
}

const char *bf_show_timestamp(int64_t ms) {
    bf_output out = { 0 };
    bf_write_timestamp(&out, ms);
    return bf_written(&out);
}

// RFC 4648, the standard alphabet, padded.
static void write_base64(bf_output *out, const uint8_t *bytes, size_t length) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bf_put_u8(out, '"');
    for (size_t i = 0; i < length; i += 3) {
        size_t there = length - i < 3 ? length - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= there > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= there > 2 ? bytes[i + 2] : 0;
        for (size_t digit = 0; digit < 4; digit++) {
            bf_put_u8(out, digit <= there ? (uint8_t)alphabet[bits >> (18 - 6 * digit) & 63] : '=');
        }
    }
    bf_put_u8(out, '"');
}

const char *bf_out_of_range(const char *value, bf_type type) {
    static const char *const names[] = {
        "a boolean", "a 64-bit integer", "a float", "a text", "a binary", "a timestamp", "", "a json",
    };
    if (bf_kind_of(type) == BF_DECIMAL) {
        return bf_format("out of range: %s does not fit a decimal(%u)", value, bf_digits_of(type));
    }
    return bf_format("out of range: %s does not fit %s", value, names[bf_kind_of(type)]);
}

const char *bf_datum_of(bf_type type, bf_value value, bf_datum *datum) {
    *datum = (bf_datum){ .value = value };
    if (bf_kind_of(type) == BF_INTEGER && bf_is_unsigned(type) && value.number < 0) {
        return bf_out_of_range(bf_format("%llu", (unsigned long long)value.number), type);
    }
    return NULL;
}

void bf_write_datum(bf_output *out, bf_type type, const bf_datum *datum) {
    // Beyond these a double, which is all that many readers of JSON have, no longer tells neighbours
    // apart.
    const int64_t exact_max = INT64_C(1) << 53;
    if (datum->is_absent) {
        bf_write(out, "null");
        return;
    }
    bf_value value = datum->value;
    switch (bf_kind_of(type)) {
    case BF_BOOLEAN:
        bf_write(out, value.number ? "true" : "false");
        break;
    case BF_INTEGER: {
        const char *quote = value.number > exact_max || value.number < -exact_max ? "\"" : "";
        bf_write(out, quote);
        bf_write_integer(out, value.number);
        bf_write(out, quote);
        break;
    }
    case BF_FLOAT:
        if (isfinite(value.real)) {
            bf_write_float(out, value.real);
        } else {
            bf_write(out, "null");
        }
        break;
    case BF_TEXT_KIND:
        bf_write_text(out, value.at, value.length);
        break;
    case BF_BINARY:
        write_base64(out, value.at, value.length);
        break;
    case BF_TIMESTAMP:
        bf_put_u8(out, '"');
        bf_write_timestamp(out, value.number);
        bf_put_u8(out, '"');
        break;
    case BF_DECIMAL:
        bf_write_decimal(out, value.number >> 63, (uint64_t)value.number, bf_digits_of(type));
        break;
    case BF_JSON:
        bf_put(out, value.at, value.length);
        break;
    }
}
