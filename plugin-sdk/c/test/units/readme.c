// The code of README.md is that of files that are tested.
#include "units.h"

#define CONFORMANCE "../../tests/conformance/c/"

void test_readme(void) {
    const char *const paths[] = {
        CONFORMANCE "revenue/revenue.c", CONFORMANCE "fraud/fraud.c", CONFORMANCE "flights/flights.c",
        CONFORMANCE "sequence/sequence.c", "test/units/bots.c", "test/units/revenue_of_columns.c",
        "test/units/settings.c",
    };
    const char *at = bf_read_file("README.md");
    int blocks = 0;
    for (; at && (at = strstr(at, "```c\n")); blocks++) {
        at += 5;
        const char *end = strstr(at, "```");
        const char *block = bf_format("%.*s", (int)(end - at), at);
        bool is_there = false;
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            const char *file = bf_read_file(paths[i]);
            is_there |= file && strstr(file, block);
        }
        BF_EXPECT(is_there ? "" : block, "");
        at = end + 3;
    }
    BF_CHECK(blocks == 7);
}
