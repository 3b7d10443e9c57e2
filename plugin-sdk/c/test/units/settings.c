// Settings decide windows and verdicts, and wrong ones are refused when the transform is described.
#include "units.h"

static const char *refusal(const bf_transform *of, const char *settings) {
    bf_description says;
    bf_text error = bf_text_of("");
    bf_describe(of, bf_text_of(settings), &says, &error);
    return error.at;
}

void test_settings(void) {
    BF_EXPECT(refusal(&bots_transform, "{}"), "settings {} do not fit: expected a member 'agent', found {}");
    BF_EXPECT(refusal(&bots_transform, "{\"agent\":\"x\",\"window_s\":-1}"),
              "a window of -1000 ms every -1000 ms: the slide must be above 0 and divide the size");
    BF_EXPECT(refusal(&revenue_transform, "{\"a\":1}"),
              "settings {\"a\":1} do not fit: this transform has no settings");
    bf_bench *bench = bf_bench_new(&bots_transform, "{\"agent\":\"spider\",\"bytes_max\":50,\"window_s\":60}");
    bf_bench_append(bench, "{\"meta\":{\"at\":61},\"agent\":\"spider\",\"bytes\":7}");
    bf_bench_append(bench, "{\"meta\":{\"at\":62},\"agent\":\"person\",\"bytes\":50}");
    bf_bench_append(bench, "{\"meta\":{\"at\":63},\"agent\":\"person\",\"bytes\":51}");
    BF_EXPECT(bf_bench_rows(bench),
              "{\"bot\":false,\"window\":\"1970-01-01T00:01:00Z\",\"requests\":1,\"bytes\":50}\n"
              "{\"bot\":true,\"window\":\"1970-01-01T00:01:00Z\",\"requests\":1,\"bytes\":7}\n");
    BF_EXPECT(bf_bench_rejected(bench), "{\"offset\":2,\"reason\":\"51 bytes are more than 50\"}\n");
    BF_EXPECT(bf_bench_laws(bench), "");
}
