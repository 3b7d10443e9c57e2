// Cards that are tried until they work: three declines in a row, then an approval, all within ten minutes.
// That needs a card's payments one after the other, so it is a machine, by the order of the log; what it has
// found stays in its state.
#include "bifocal.h"

enum { DECLINES = 3 }; // that are suspicious when an approval follows
static const int64_t WITHIN_MS = 10 * 60000;

#define DECLINED(X)              \
    X(text, card_id)             \
    X(timestamp, time, "@time")
#define APPROVED(X)              \
    X(text, card_id)             \
    X(decimal(2), amount)        \
    X(timestamp, time, "@time")
#define CARD(X) X(text, card_id)
#define WATCHED(X) X(ordered, watch, watch)
#define SHOWN(X)                 \
    X(u64, alerts)               \
    X(optional_timestamp, last_alert) \
    X(decimal(2), amount)

typedef struct watch {
    int64_t declines[DECLINES]; // times of the last ones since an approval
    uint32_t count;
    uint64_t alerts;
    bf_optional_timestamp last_alert;
    bf_sum amount; // of the approvals that raised an alert
} watch;

typedef struct step {
    enum { IS_DECLINED, IS_APPROVED } type;
    int64_t time;
    int64_t amount;
} step;

static void code_watch(bf_coder *coder, watch *w) {
    bf_code_length(coder, &w->count, DECLINES);
    for (uint32_t i = 0; i < w->count; i++) {
        bf_code_integer(coder, &w->declines[i]);
    }
    bf_code_u64(coder, &w->alerts);
    bf_code_optional_integer(coder, &w->last_alert);
    bf_code_sum(coder, &w->amount);
}

static void code_step(bf_coder *coder, step *s) {
    uint8_t type = (uint8_t)s->type;
    bf_code_variant(coder, &type, 2);
    s->type = type;
    bf_code_integer(coder, &s->time);
    if (s->type == IS_APPROVED) {
        bf_code_integer(coder, &s->amount);
    }
}

// How far the declines and an approval lie apart; late events may stand in any order.
static uint64_t spread_ms(const watch *w, int64_t approved) {
    int64_t first = approved, last = approved;
    for (uint32_t i = 0; i < w->count; i++) {
        first = w->declines[i] < first ? w->declines[i] : first;
        last = w->declines[i] > last ? w->declines[i] : last;
    }
    return (uint64_t)last - (uint64_t)first;
}

static void take_step(watch *w, step s) {
    if (s.type == IS_DECLINED) {
        if (w->count == DECLINES) {
            memmove(w->declines, w->declines + 1, (DECLINES - 1) * sizeof *w->declines);
            w->count--;
        }
        w->declines[w->count++] = s.time;
        return;
    }
    if (w->count == DECLINES && spread_ms(w, s.time) <= (uint64_t)WITHIN_MS) {
        w->alerts++;
        w->last_alert = (bf_optional_timestamp){ .is_some = true, .value = s.time };
        bf_sum_add(&w->amount, s.amount);
    }
    w->count = 0;
}

BF_MACHINE(watch, step, code_watch, code_step, take_step)
BF_EVENT(declined, DECLINED)
BF_EVENT(approved, APPROVED)
BF_KEY(card, CARD)
BF_STATE(watched, WATCHED)
BF_CELLS(card, watched)
BF_OUTPUT(shown, SHOWN, watched, show)

static const char *on_declined(const declined *p, bf_cells *out) {
    watched *cell = bf_cell(out, (card){ p->card_id });
    watch_push(&cell->watch, (step){ .type = IS_DECLINED, .time = p->time });
    return BF_OK;
}

static const char *on_approved(const approved *p, bf_cells *out) {
    watched *cell = bf_cell(out, (card){ p->card_id });
    watch_push(&cell->watch, (step){ .type = IS_APPROVED, .time = p->time, .amount = p->amount });
    return BF_OK;
}

static const char *show(const watched *cell, shown *row) {
    watch w = watch_run(&cell->watch);
    bf_optional_integer amount = bf_sum_get(&w.amount);
    if (!amount.is_some) {
        return "out of range: the amount does not fit a decimal(2)";
    }
    *row = (shown){ .alerts = w.alerts, .last_alert = w.last_alert, .amount = amount.value };
    return BF_OK;
}

// Payments of other statuses are ignored.
#define ON(X)                            \
    X(declined, on_declined, "declined") \
    X(approved, on_approved, "approved")
BF_TRANSFORM(fraud, ON,
             .summary = "Alerts per card: three declines, then an approval, within ten minutes.",
             .tag = "status", .time = "ts", .shown = &shown_output)
