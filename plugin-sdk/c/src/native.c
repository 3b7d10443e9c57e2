#ifndef __wasm__

// The platform of tests and debuggers: messages go to standard error.
#include <stdio.h>
#include <stdlib.h>

#include "platform.h"

void bf_platform_log(bf_level level, const char *text, size_t length) {
    static const char *const names[] = { "trace", "debug", "info", "warn", "error" };
    fprintf(stderr, "%s: %.*s\n", names[level], (int)length, text);
}

void bf_platform_trap(void) { abort(); }

#endif
