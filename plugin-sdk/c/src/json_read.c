#include <stdlib.h>

#include "json.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

static bf_json trimmed(bf_json json) {
    const char *end = json.at + json.length, *at = skip_blanks(json.at, end);
    while (end > at && is_blank(end[-1])) {
        end--;
    }
    return (bf_json){ .at = at, .length = (uint32_t)(end - at) };
}

// Behind the text that begins at `at`; NULL if it is none.
static const char *skip_text(const char *at, const char *end) {
    if (at == end || *at != '"') {
        return NULL;
    }
    for (at++; at < end; at++) {
        if (*at == '"') {
            return at + 1;
        }
        if ((uint8_t)*at < 0x20) {
            return NULL;
        }
        if (*at == '\\') {
            if (++at == end) {
                return NULL;
            }
            if (*at == 'u') {
                for (int i = 0; i < 4; i++) {
                    if (++at == end || !strchr("0123456789abcdefABCDEF", *at) || !*at) {
                        return NULL;
                    }
                }
            } else if (!strchr("\"\\/bfnrt", *at) || !*at) {
                return NULL;
            }
        }
    }
    return NULL;
}

static const char *skip_number(const char *at, const char *end) {
    at += at < end && *at == '-';
    if (at == end || !is_digit(*at)) {
        return NULL;
    }
    if (*at == '0') {
        at++;
    } else {
        while (at < end && is_digit(*at)) {
            at++;
        }
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at)) {
            at++;
        }
        if (at == fraction) {
            return NULL;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const char *exponent = at;
        while (at < end && is_digit(*at)) {
            at++;
        }
        if (at == exponent) {
            return NULL;
        }
    }
    return at;
}

static const char *skip_word(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

enum { DEPTH_MAX = 128 };

// Behind the value that begins at `at`, no blank before it; NULL if it is none.
static const char *skip_value(const char *at, const char *end, int depth) {
    if (at == end || depth > DEPTH_MAX) {
        return NULL;
    }
    char close = *at == '{' ? '}' : ']';
    switch (*at) {
    case '"': return skip_text(at, end);
    case 't': return skip_word(at, end, "true");
    case 'f': return skip_word(at, end, "false");
    case 'n': return skip_word(at, end, "null");
    case '{':
    case '[':
        at = skip_blanks(at + 1, end);
        if (at < end && *at == close) {
            return at + 1;
        }
        for (;;) {
            if (close == '}') {
                at = skip_text(at, end);
                at = at ? skip_blanks(at, end) : NULL;
                if (!at || at == end || *at != ':') {
                    return NULL;
                }
                at = skip_blanks(at + 1, end);
            }
            at = skip_value(at, end, depth + 1);
            at = at ? skip_blanks(at, end) : NULL;
            if (!at || at == end || (*at != ',' && *at != close)) {
                return NULL;
            }
            if (*at++ == close) {
                return at;
            }
            at = skip_blanks(at, end);
        }
    default: return skip_number(at, end);
    }
}

bool bf_json_is_valid(bf_json json) {
    bf_json value = trimmed(json);
    const char *end = value.at + value.length;
    return skip_value(value.at, end, 0) == end;
}

bool bf_json_enter(bf_json json, bf_json_walk *walk) {
    bf_json value = trimmed(json);
    if (value.length < 2 || (*value.at != '{' && *value.at != '[') || !bf_json_is_valid(value)) {
        return false;
    }
    *walk = (bf_json_walk){ .at = value.at, .end = value.at + value.length };
    return true;
}

// All of the value is known to be JSON.
bool bf_json_step(bf_json_walk *walk, bf_json *name, bf_json *value) {
    const char *at = skip_blanks(walk->at + 1, walk->end);
    if (at >= walk->end || *at == '}' || *at == ']') {
        return false;
    }
    // What closes tells which of the two it is.
    *name = (bf_json){ .at = NULL };
    if (walk->end[-1] == '}') {
        const char *behind = skip_text(at, walk->end);
        *name = (bf_json){ .at = at, .length = (uint32_t)(behind - at) };
        at = skip_blanks(skip_blanks(behind, walk->end) + 1, walk->end);
    }
    const char *behind = skip_value(at, walk->end, 0);
    *value = (bf_json){ .at = at, .length = (uint32_t)(behind - at) };
    walk->at = skip_blanks(behind, walk->end); // at the comma, or at what closes
    if (*walk->at != ',') {
        walk->at = walk->end - 1;
    }
    return true;
}

static const char *unfit(const char *expected, bf_json found) {
    const size_t shown_max = 40; // characters
    bf_json shown = trimmed(found);
    size_t length = 0, characters = 0;
    while (length < shown.length && (characters < shown_max || (shown.at[length] & 0xc0) == 0x80)) {
        characters += (shown.at[length++] & 0xc0) != 0x80;
    }
    // Up to the beginning of the character after the last one.
    while (length < shown.length && characters == shown_max && (shown.at[length] & 0xc0) == 0x80) {
        length++;
    }
    return bf_format("expected %s, found %.*s%s", expected, (int)length, shown.at,
                     length < shown.length ? "…" : "");
}

const char *bf_json_open(bf_json list, size_t most, bf_json_list *elements) {
    bf_json_walk walk;
    bf_json name, value;
    if (!bf_json_enter(list, &walk) || walk.end[-1] != ']') {
        return unfit("a list", list);
    }
    *elements = (bf_json_list){ .at = walk.at, .end = walk.end };
    for (size_t count = 0; bf_json_step(&walk, &name, &value); count++) {
        if (count == most) {
            return unfit(bf_format("a list of at most %zu", most), list);
        }
    }
    return BF_OK;
}

bool bf_json_next(bf_json_list *elements, bf_json *element) {
    bf_json_walk walk = { .at = elements->at, .end = elements->end };
    bf_json name;
    bool is_there = bf_json_step(&walk, &name, element);
    elements->at = walk.at;
    return is_there;
}

const char *bf_json_member(bf_json object, const char *name, bf_json *member) {
    bf_json_walk walk;
    bf_json found, value;
    *member = (bf_json){ .at = NULL };
    if (!bf_json_enter(object, &walk) || walk.end[-1] != '}') {
        return unfit("an object", object);
    }
    while (bf_json_step(&walk, &found, &value)) {
        bf_text text;
        if (!bf_json_text(found, &text) && bf_text_equal(text, bf_text_of(name))) {
            *member = bf_json_is_null(value) ? (bf_json){ .at = NULL } : value;
        }
    }
    return BF_OK;
}

const char *bf_json_required(bf_json object, const char *name, bf_json *member) {
    BF_TRY(bf_json_member(object, name, member));
    return member->at ? BF_OK : unfit(bf_format("a member '%s'", name), object);
}

static unsigned hex4(const char *at) {
    unsigned number = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        number = number * 16 + (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return number;
}

static void put_character(bf_output *out, uint32_t c) {
    if (c < 0x80) {
        bf_put_u8(out, (uint8_t)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = { 0, 0xc0, 0xe0, 0xf0 };
    bf_put_u8(out, (uint8_t)(marks[more] | c >> (6 * more)));
    while (more-- > 0) {
        bf_put_u8(out, (uint8_t)(0x80 | (c >> (6 * more) & 0x3f)));
    }
}

const char *bf_json_text(bf_json json, bf_text *text) {
    bf_json value = trimmed(json);
    const char *end = value.at + value.length;
    if (value.length < 2 || skip_text(value.at, end) != end) {
        return unfit("a text", json);
    }
    const char *at = value.at + 1;
    end--;
    if (!memchr(at, '\\', (size_t)(end - at))) {
        *text = (bf_text){ .at = at, .length = (uint32_t)(end - at) };
        return BF_OK;
    }
    bf_output out = { 0 };
    while (at < end) {
        if (*at != '\\') {
            bf_put_u8(&out, (uint8_t)*at++);
            continue;
        }
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        char escape = at[1];
        at += 2;
        if (escape != 'u') {
            const char *known = strchr(from, escape);
            bf_put_u8(&out, (uint8_t)(known ? to[known - from] : escape));
            continue;
        }
        uint32_t c = hex4(at);
        at += 4;
        if (c >= 0xd800 && c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
            uint32_t low = hex4(at + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                at += 6;
            }
        }
        if (c >= 0xd800 && c < 0xe000) {
            return unfit("a text", json); // half of a pair
        }
        put_character(&out, c);
    }
    *text = (bf_text){ .at = bf_written(&out), .length = (uint32_t)out.length };
    return BF_OK;
}

bool bf_parse_integer(const char *at, size_t length, int64_t *number) {
    bool is_negative = length > 0 && *at == '-';
    size_t i = is_negative;
    uint64_t magnitude = 0, most = (uint64_t)INT64_MAX + is_negative;
    if (i == length) {
        return false;
    }
    for (; i < length; i++) {
        if (!is_digit(at[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(at[i] - '0');
        if (magnitude > (most - digit) / 10) {
            return false;
        }
        magnitude = magnitude * 10 + digit;
    }
    *number = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

bool bf_parse_decimal(const char *at, size_t length, unsigned digits, int64_t *units) {
    const char *end = at + length;
    bool is_negative = length > 0 && *at == '-';
    at += is_negative;
    const char *whole = at;
    unsigned __int128 magnitude = 0;
    const unsigned __int128 far = (unsigned __int128)1 << 64; // beyond it nothing fits
    for (; at < end && is_digit(*at); at++) {
        magnitude = magnitude < far ? magnitude * 10 + (unsigned)(*at - '0') : far;
    }
    if (at == whole) {
        return false;
    }
    unsigned read = 0;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        for (; at < end && is_digit(*at); at++) {
            if (read < digits) {
                magnitude = magnitude < far ? magnitude * 10 + (unsigned)(*at - '0') : far;
                read++;
            } else if (*at != '0') {
                return false;
            }
        }
        if (at == fraction) {
            return false;
        }
    }
    for (; read < digits; read++) {
        magnitude = magnitude < far ? magnitude * 10 : far;
    }
    if (at != end || magnitude > (uint64_t)INT64_MAX + (unsigned)is_negative) {
        return false;
    }
    *units = (int64_t)(is_negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude);
    return true;
}

const char *bf_json_integer(bf_json json, int64_t *number) {
    bf_json value = trimmed(json);
    return bf_parse_integer(value.at, value.length, number) ? BF_OK : unfit("an integer of 64 bits", json);
}

const char *bf_json_float(bf_json json, double *number) {
    bf_json value = trimmed(json);
    const char *end = value.at + value.length;
    if (skip_number(value.at, end) == end && value.length > 0) {
        *number = strtod(bf_format("%.*s", BF_TEXT(value)), NULL);
        if (isfinite(*number)) {
            return BF_OK;
        }
    }
    return unfit("a number", json);
}

const char *bf_json_decimal(bf_json json, unsigned digits, int64_t *units) {
    bf_json value = trimmed(json);
    bf_text text;
    if (bf_json_text(json, &text)) {
        text = (bf_text){ .at = value.at, .length = value.length };
    }
    return bf_parse_decimal(text.at, text.length, digits, units)
        ? BF_OK
        : unfit(bf_format("a decimal with at most %u digits after the point", digits), json);
}

const char *bf_json_boolean(bf_json json, bool *value) {
    bf_json word = trimmed(json);
    bool is_true = word.length == 4 && memcmp(word.at, "true", 4) == 0;
    bool is_false = word.length == 5 && memcmp(word.at, "false", 5) == 0;
    *value = is_true;
    return is_true || is_false ? BF_OK : unfit("true or false", json);
}

bool bf_json_is_null(bf_json json) {
    bf_json word = trimmed(json);
    return word.length == 4 && memcmp(word.at, "null", 4) == 0;
}
