// Tests of the transform, natively: no host, no WebAssembly. `make test` runs them.
#include "src/testing.h"

extern const bf_transform {{function}}_transform;

static void visits_of_a_page_are_added_up_by_hour(void) {
    bf_bench *bench = bf_bench_new(&{{function}}_transform, "{}");
    bf_bench_append(bench, "{\"at\":\"2026-01-01T10:05:00Z\",\"page\":\"/\",\"seconds\":12}");
    bf_bench_append(bench, "{\"at\":\"2026-01-01T10:50:00Z\",\"page\":\"/\",\"seconds\":30}");
    bf_bench_append(bench, "{\"at\":\"2026-01-01T10:55:00Z\",\"page\":\"/\",\"seconds\":-1}");
    BF_EXPECT(bf_bench_rows(bench),
              "{\"page\":\"/\",\"window\":\"2026-01-01T10:00:00Z\",\"visits\":2,\"seconds\":42,\"longest\":30}\n");
    BF_EXPECT(bf_bench_rejected(bench), "{\"offset\":2,\"reason\":\"a visit cannot be shorter than nothing\"}\n");
    BF_EXPECT(bf_bench_laws(bench), "");
}

int main(void) {
    visits_of_a_page_are_added_up_by_hour();
    bf_check_fixtures(&{{function}}_transform, "fixtures");
    return bf_failures > 0;
}
