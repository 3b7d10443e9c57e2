// The memory of one call: an arena. A component is called in a fresh instance, so nothing is freed
// piece by piece; all of it goes at once when the call's result has been read.
#ifndef BIFOCAL_MEMORY_H
#define BIFOCAL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

// Tells the compiler that a format and its arguments belong together.
#define BF_FORMAT(at, first) __attribute__((__format__(__printf__, at, first)))

// What a macro makes and not every transform needs.
#define BF_UNUSED __attribute__((__unused__))

// `size` bytes, not initialised, aligned to 16; lives until the call ends. Never NULL: running out
// of memory ends the call with a message in the host's log.
void *bf_alloc(size_t size) __attribute__((malloc, alloc_size(1)));

// The same for `count` things of `size` bytes, all zero.
void *bf_alloc_zero(size_t count, size_t size) __attribute__((malloc));

// Room for `new_size` bytes that begin with the `old_size` bytes at `old`, in place where it can be.
void *bf_grow(void *old, size_t old_size, size_t new_size);

// A copy that lives until the call ends.
void *bf_copy(const void *bytes, size_t size);

// A text as `printf` makes it; lives until the call ends.
char *bf_format(const char *format, ...) BF_FORMAT(1, 2) __attribute__((__returns_nonnull__));

// Ends the call: the message goes to the host's log at level error, and the host sees a trap. In a
// fold it folds the halves of the chunk, until the one event is found that cannot be folded.
_Noreturn void bf_fatal(const char *format, ...) BF_FORMAT(1, 2);

// Gives all memory back: what a component does after a call, and a test when it has seen enough.
void bf_release_all(void);

typedef enum bf_level { BF_TRACE, BF_DEBUG, BF_INFO, BF_WARN, BF_ERROR } bf_level;

// A line for the host's log, natively for standard error. It never changes a result.
void bf_log(bf_level level, const char *format, ...) BF_FORMAT(2, 3);

#endif
