// A bench for testing transforms natively: JSON events in, rows and rejections out, and the laws of the
// contract tried on every cut. No host, no WebAssembly. Slow on purpose, so that it is plain.
//
//     bf_bench *bench = bf_bench_new(&revenue_transform, "{}");
//     bf_bench_append(bench, "{\"ts\":\"2026-11-20T21:04:00Z\",\"merchant_id\":\"m-17\",\"amount\":12.5}");
//     BF_EXPECT(bf_bench_rows(bench),
//               "{\"merchant_id\":\"m-17\",\"window\":\"2026-11-20T21:00:00Z\",\"amount\":12.50}\n");
//     BF_EXPECT(bf_bench_laws(bench), "");
//
// A fault in the test itself (an event without a time, a file that is not there) ends the program with a
// message. Texts live until `bf_release_all`.
#ifndef BIFOCAL_TESTING_H
#define BIFOCAL_TESTING_H

#include "transform.h"

typedef struct bf_bench bf_bench;

// A bench without events. Their time is where the transform's `.time` says.
bf_bench *bf_bench_new(const bf_transform *of, const char *settings);
// Says where events have their time: a path, and the unit of epoch numbers (s, ms, us, ns; NULL: none are
// taken).
void bf_bench_time(bf_bench *bench, const char *path, const char *unit);
// Appends an event, a JSON object, and returns its offset.
int64_t bf_bench_append(bf_bench *bench, const char *payload);
int64_t bf_bench_append_at(bf_bench *bench, int64_t time_ms, const char *payload);
// How many events the filter did not want.
uint64_t bf_bench_ignored(const bf_bench *bench);

// The view: a JSON object a line for each cell, keys, window, outputs, in the order in which a host has
// them; or what is wrong. `without_broken` leaves out cells that are out of range.
const char *bf_bench_rows(const bf_bench *bench);
const char *bf_bench_sound_rows(const bf_bench *bench);
// {"offset":n,"reason":"…"} a line, ascending.
const char *bf_bench_rejected(const bf_bench *bench);
// {"window":ms,"state":"hex"} a line for each cell, in the order of the rows; 0 stands for no window.
const char *bf_bench_states(const bf_bench *bench);
// Tries the laws on the events so far: *split* at every cut, *associative* at cuts into three, *monotone* on
// every event, *order-free* if it is claimed. Empty, or the first that is broken.
const char *bf_bench_laws(const bf_bench *bench);

// Tries every CASE/{events,expected,rejected}.ndjson in a folder, with the settings in CASE/settings.json if
// it is there, and the laws. `expected` holds the rows, `rejected` offsets and what the reasons contain.
// Returns how many cases there are; ends the program at the first that does not hold.
int bf_check_fixtures(const bf_transform *of, const char *directory);

// Compares two texts; a difference is printed, and counted in `bf_failures`.
#define BF_EXPECT(got, expected) bf_expect_(__FILE__, __LINE__, #got, got, expected)
#define BF_CHECK(condition) bf_expect_(__FILE__, __LINE__, #condition, (condition) ? "true" : "false", "true")
void bf_expect_(const char *file, int line, const char *what, const char *got, const char *expected);
extern int bf_failures;

// A file as a string; NULL if it is not there.
const char *bf_read_file(const char *path);

#endif
