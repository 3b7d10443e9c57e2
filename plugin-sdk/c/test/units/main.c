#include "units.h"

#include <stdio.h>

int main(void) {
    void (*const tests[])(void) = {
        test_values, test_json, test_sorted, test_states, test_cells, test_columns, test_settings,
        test_readme,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        bf_release_all();
    }
    if (bf_failures) {
        fprintf(stderr, "%d checks failed\n", bf_failures);
    }
    return bf_failures > 0;
}
