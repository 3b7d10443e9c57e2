#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

enum { ALIGNMENT = 16, CHUNK_MIN = 64 * 1024, CHUNK_MAX = 1024 * 1024 };

// What `malloc` gave, with room for many pieces behind this head.
typedef struct chunk {
    struct chunk *before;
    size_t size;
    size_t used;
    size_t padding; // makes the head a multiple of 16 bytes where addresses have 4 or 8
} chunk;

_Static_assert(sizeof(chunk) % ALIGNMENT == 0, "pieces are aligned to 16");

static chunk *newest;

static uint8_t *room_of(chunk *of) { return (uint8_t *)(of + 1); }

static size_t rounded(size_t size) {
    if (size > SIZE_MAX - CHUNK_MAX) {
        bf_fatal("out of memory: %zu bytes were asked for", size);
    }
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void open_chunk(size_t at_least) {
    // Doubling: few calls of malloc, and never more than as much again unused.
    size_t size = newest ? newest->size * 2 : CHUNK_MIN;
    size = size > CHUNK_MAX ? CHUNK_MAX : size;
    size = size < at_least ? at_least : size;
    chunk *opened = malloc(sizeof *opened + size);
    if (!opened && size > at_least) {
        size = at_least;
        opened = malloc(sizeof *opened + size);
    }
    if (!opened) {
        bf_fatal("out of memory: %zu bytes were asked for", at_least);
    }
    *opened = (chunk){ .before = newest, .size = size };
    newest = opened;
}

void *bf_alloc(size_t size) {
    size = rounded(size ? size : 1);
    if (!newest || newest->size - newest->used < size) {
        open_chunk(size);
    }
    void *piece = room_of(newest) + newest->used;
    newest->used += size;
    return piece;
}

void *bf_alloc_zero(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) {
        bf_fatal("out of memory: %zu times %zu bytes were asked for", count, size);
    }
    return memset(bf_alloc(count * size), 0, count * size);
}

void *bf_grow(void *old, size_t old_size, size_t new_size) {
    if (old && newest) {
        size_t held = rounded(old_size ? old_size : 1), wanted = rounded(new_size ? new_size : 1);
        int is_last = (uint8_t *)old + held == room_of(newest) + newest->used;
        if (wanted <= held) {
            return old;
        }
        if (is_last && newest->size - newest->used >= wanted - held) {
            newest->used += wanted - held;
            return old;
        }
    }
    void *grown = bf_alloc(new_size);
    if (old_size) {
        memcpy(grown, old, old_size < new_size ? old_size : new_size);
    }
    return grown;
}

void *bf_copy(const void *bytes, size_t size) {
    void *copy = bf_alloc(size);
    if (size) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static char *format_list(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = bf_alloc(length < 0 ? 1 : (size_t)length + 1);
    text[0] = '\0';
    if (length > 0) {
        vsnprintf(text, (size_t)length + 1, format, arguments);
    }
    return text;
}

char *bf_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_list(format, arguments);
    va_end(arguments);
    return text;
}

void bf_log(bf_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *text = format_list(format, arguments);
    va_end(arguments);
    bf_platform_log(level, text, strlen(text));
}

void bf_fatal(const char *format, ...) {
    // Not from the arena, which may be what has run out.
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bf_platform_log(BF_ERROR, text, strlen(text));
    bf_platform_trap();
}

void bf_release_all(void) {
    while (newest) {
        chunk *before = newest->before;
        free(newest);
        newest = before;
    }
}
