// Departures and delays of flights per airport and hour.
#include "bifocal.h"

#define FLIGHT(X)              \
    X(text, origin)            \
    X(optional_integer, delay) /* minutes, below 0 if early; a cancelled flight has none */
#define AIRPORT(X) X(text, origin)
#define HOUR(X)                \
    X(count, cancelled)        \
    X(mean, mean, integer)     \
    X(quantiles, delays, integer)
// What a person reads of an hour; no mean and no quantile if nothing departed.
#define SHOWN(X)               \
    X(u64, departures)         \
    X(u64, cancelled)          \
    X(optional_float, mean_delay) \
    X(optional_integer, p95_delay)

BF_EVENT(flight, FLIGHT)
BF_KEY(airport, AIRPORT)
BF_STATE(hour, HOUR)
BF_CELLS(airport, hour)
BF_OUTPUT(shown, SHOWN, hour, show)

static const char *on_flight(const flight *f, bf_cells *out) {
    hour *cell = bf_cell(out, (airport){ f->origin });
    if (f->delay.is_some) {
        bf_mean_add(&cell->mean, f->delay.value);
        bf_quantiles_add(&cell->delays, f->delay.value);
    } else {
        bf_count_add(&cell->cancelled, 1);
    }
    return BF_OK;
}

static const char *show(const hour *cell, shown *row) {
    row->departures = bf_mean_count(&cell->mean);
    row->cancelled = cell->cancelled.n;
    row->mean_delay = bf_mean_get(&cell->mean);
    row->p95_delay = bf_quantiles_integer(&cell->delays, 0.95);
    return BF_OK;
}

#define ON(X) X(flight, on_flight)
BF_TRANSFORM(flights, ON,
             .summary = "Departures, cancellations and delays per airport and hour.",
             .window = BF_HOURS(1), .time = "date", .shown = &shown_output)
