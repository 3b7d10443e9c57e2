// Pay of drivers by day, trip by trip: dear kilometres first, cheaper ones later, and never less than a
// minimum. So pay cannot be added up event by event: when the satellites' better distance of a trip comes,
// hours later, it replaces the one that the trip ended with. The state keeps what is known of each trip; pay
// is computed when it is read.
#include "bifocal.h"

// How long after the end of a trip its distance may be corrected.
static const int64_t LATE_MS_MAX = 6 * INT64_C(3600000);

#define ENDED(X)                  \
    X(text, driver_id)            \
    X(text, trip_id)              \
    X(u32, metres)                \
    X(u32, seconds)               \
    X(timestamp, time, "@time")   \
    X(integer, offset, "@offset")
#define CORRECTED(X)              \
    X(text, driver_id)            \
    X(text, trip_id)              \
    X(timestamp, ended_at)        \
    X(u32, metres)                \
    X(timestamp, time, "@time")   \
    X(integer, offset, "@offset")
#define DRIVER(X) X(text, driver_id)
// What is known of a trip, whichever of its events came first.
#define KNOWN(X)                  \
    X(last, metres, u32)          /* the latest wins, and a correction is later than what it corrects */ \
    X(last, seconds, u32)         /* none until the trip's own event is there: it is not paid before */
#define DAY(X) X(map, trips, text, state, known)
#define SHOWN(X)                  \
    X(u64, trips)                 \
    X(decimal(3), km)             \
    X(decimal(2), pay)

BF_EVENT(ended, ENDED)
BF_EVENT(corrected, CORRECTED)
BF_KEY(driver, DRIVER)
BF_STATE(known, KNOWN)
BF_STATE(day, DAY)
BF_CELLS(driver, day)
BF_OUTPUT(shown, SHOWN, day, show)

static const char *on_ended(const ended *e, bf_cells *out) {
    day *cell = bf_cell(out, (driver){ e->driver_id });
    known *trip = bf_map_entry(&cell->trips, e->trip_id);
    bf_last_see(&trip->metres, e->time, e->offset, e->metres);
    bf_last_see(&trip->seconds, e->time, e->offset, e->seconds);
    return BF_OK;
}

static const char *on_corrected(const corrected *e, bf_cells *out) {
    if (e->time < e->ended_at || (uint64_t)e->time - (uint64_t)e->ended_at > (uint64_t)LATE_MS_MAX) {
        return bf_reject("ended_at: %s is not within the 6 hours before the correction at %s",
                         bf_show_timestamp(e->ended_at), bf_show_timestamp(e->time));
    }
    // The day of the trip, not that of the correction.
    day *cell = bf_cell_at(out, e->ended_at, (driver){ e->driver_id });
    known *trip = bf_map_entry(&cell->trips, e->trip_id);
    bf_last_see(&trip->metres, e->time, e->offset, e->metres);
    return BF_OK;
}

// Pay of one trip: 2.00, and 1.10 a kilometre for the first five, 0.80 up to twenty, 0.50 beyond, to the
// nearest cent, and 0.20 for each minute begun; at least 5.00.
static int64_t cents(int64_t metres, int64_t seconds) {
    int64_t near = metres < 5000 ? metres : 5000, far = metres > 20000 ? metres - 20000 : 0;
    int64_t thousandths = near * 110 + (metres - near - far) * 80 + far * 50;
    int64_t minutes = (seconds + 59) / 60;
    int64_t pay = 200 + (thousandths + 500) / 1000 + minutes * 20;
    return pay > 500 ? pay : 500;
}

static const char *show(const day *cell, shown *row) {
    known *trip;
    for (bf_at at = { 0 }; (trip = bf_map_next(&cell->trips, &at, NULL));) {
        bf_optional_integer metres = bf_get_integer(&trip->metres), seconds = bf_get_integer(&trip->seconds);
        if (metres.is_some && seconds.is_some) {
            row->trips++;
            row->km += metres.value;
            row->pay += cents(metres.value, seconds.value);
        }
    }
    return BF_OK;
}

#define ON(X)                                 \
    X(ended, on_ended, "trip.ended")          \
    X(corrected, on_corrected, "trip.corrected")
BF_TRANSFORM(earnings, ON,
             .summary = "Pay per driver and day, with the distances of trips as they were corrected up to six "
                        "hours later.",
             .tag = "type", .window = BF_DAYS(1), .time = "ts", .shown = &shown_output)
