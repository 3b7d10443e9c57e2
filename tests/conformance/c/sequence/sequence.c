// Flights of an origin one after the other, by day: a machine that must see them in the order of the log,
// beside parts that go by event time or need no order.
#include "bifocal.h"

static const int64_t LATE_MINUTES = 15; // above which a flight is late

#define FLIGHT(X)                 \
    X(text, origin)               \
    X(optional_integer, delay)    \
    X(timestamp, time, "@time")   \
    X(integer, offset, "@offset")
#define ORIGIN(X) X(text, origin)
#define SEQUENCE(X)               \
    X(first, first, integer)      \
    X(last, last, integer)        \
    X(first_seen, first_seen, integer) \
    X(last_seen, last_seen, integer) \
    X(ordered, streaks, streaks)
#define SHOWN(X)                  \
    X(optional_integer, first)    \
    X(optional_integer, last)     \
    X(optional_integer, first_seen) \
    X(optional_integer, last_seen) \
    X(integer, streak)            \
    X(integer, crossings)

typedef struct streaks {
    bool begun; // whether any flight came before
    uint64_t now;
    uint64_t longest;
    uint64_t crossings;
} streaks;

static void code_streaks(bf_coder *coder, streaks *s) {
    bf_code_boolean(coder, &s->begun);
    bf_code_u64(coder, &s->now);
    bf_code_u64(coder, &s->longest);
    bf_code_u64(coder, &s->crossings);
}

static void step(streaks *s, bool is_late) {
    s->crossings += s->begun && is_late && s->now == 0;
    s->begun = true;
    s->now = is_late ? s->now + 1 : 0;
    s->longest = s->now > s->longest ? s->now : s->longest;
}

BF_MACHINE(streaks, bool, code_streaks, bf_code_boolean, step)
BF_EVENT(flight, FLIGHT)
BF_KEY(place, ORIGIN)
BF_STATE(day, SEQUENCE)
BF_CELLS(place, day)
BF_OUTPUT(shown, SHOWN, day, show)

static const char *on_flight(const flight *f, bf_cells *out) {
    if (!f->delay.is_some) {
        return BF_OK;
    }
    int64_t delay = f->delay.value;
    day *cell = bf_cell(out, (place){ f->origin });
    bf_first_see(&cell->first, f->time, f->offset, delay);
    bf_last_see(&cell->last, f->time, f->offset, delay);
    bf_first_seen_see(&cell->first_seen, delay);
    bf_last_seen_see(&cell->last_seen, delay);
    streaks_push(&cell->streaks, delay > LATE_MINUTES);
    return BF_OK;
}

static const char *show(const day *cell, shown *row) {
    streaks s = streaks_run(&cell->streaks);
    *row = (shown){
        .first = bf_get_integer(&cell->first),
        .last = bf_get_integer(&cell->last),
        .first_seen = bf_get_integer(&cell->first_seen),
        .last_seen = bf_get_integer(&cell->last_seen),
        .streak = (int64_t)s.longest,
        .crossings = (int64_t)s.crossings,
    };
    return BF_OK;
}

#define ON(X) X(flight, on_flight)
BF_TRANSFORM(sequence, ON, .window = BF_DAYS(1), .time = "date", .shown = &shown_output)
