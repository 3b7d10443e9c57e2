// A transform with settings: who counts as a bot, and how wide windows are. README.md shows it.
#include "bifocal.h"

static bf_text agent; // the settings of this call
static int64_t bytes_max = 100;

static const char *configure(bf_json settings, bf_window *window) {
    bf_json member;
    int64_t seconds;
    BF_TRY(bf_json_required(settings, "agent", &member));
    BF_TRY(bf_json_text(member, &agent));
    BF_TRY(bf_json_member(settings, "bytes_max", &member));
    if (member.at) {
        BF_TRY(bf_json_integer(member, &bytes_max));
    }
    BF_TRY(bf_json_member(settings, "window_s", &member));
    if (member.at) {
        BF_TRY(bf_json_integer(member, &seconds));
        *window = (bf_window){ .size_ms = seconds * 1000 };
    }
    return BF_OK;
}

#define REQUEST(X) X(text, agent) X(integer, bytes)
#define WHOSE(X)   X(boolean, bot)
#define TRAFFIC(X) X(count, requests) X(sum, bytes, integer)

BF_EVENT(request, REQUEST)
BF_KEY(whose, WHOSE)
BF_STATE(traffic, TRAFFIC)
BF_CELLS(whose, traffic)

static const char *on_request(const request *r, bf_cells *out) {
    if (r->bytes > bytes_max) {
        return bf_reject("%lld bytes are more than %lld", (long long)r->bytes, (long long)bytes_max);
    }
    traffic *cell = bf_cell(out, (whose){ bf_text_equal(r->agent, agent) });
    bf_count_add(&cell->requests, 1);
    bf_sum_add(&cell->bytes, r->bytes);
    return BF_OK;
}

#define ON(X) X(request, on_request)
BF_TRANSFORM(bots, ON, .name = "bot-traffic", .configure = configure, .time = "meta.at", .time_unit = "s")
