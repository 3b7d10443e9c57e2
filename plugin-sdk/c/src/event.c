#include "event.h"

const char *bf_missing(const bf_field *field) {
    bf_text path = bf_field_path(field);
    return bf_format("%.*s: is missing", BF_TEXT(path));
}

const char *bf_not_within(const bf_field *field, int64_t number, int64_t min, uint64_t max) {
    bf_text path = bf_field_path(field);
    return bf_format("%.*s: %lld is not within %lld and %llu", BF_TEXT(path), (long long)number, (long long)min,
                     (unsigned long long)max);
}

uint32_t bf_code_of(const bf_text_column *column, const char *text) {
    size_t length = strlen(text);
    for (uint32_t code = 0; code < column->dictionary->count; code++) {
        bf_bytes known = column->dictionary->texts[code];
        if (known.length == length && (length == 0 || memcmp(known.at, text, length) == 0)) {
            return code;
        }
    }
    return UINT32_MAX;
}
