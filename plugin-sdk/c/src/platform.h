// What differs between a component and a native program: two functions, in guest.c and native.c.
#ifndef BIFOCAL_PLATFORM_H
#define BIFOCAL_PLATFORM_H

#include "memory.h"

void bf_platform_log(bf_level level, const char *text, size_t length);

// Ends the call, natively the program.
_Noreturn void bf_platform_trap(void);

#endif
