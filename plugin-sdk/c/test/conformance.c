// The eight transforms of tests/conformance: rows, rejections and the bytes of states as the vectors have them,
// which the SDK in Rust wrote; the fixtures of the four plugins; the laws on every case.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/testing.h"

extern const bf_transform algebras_transform, kinds_transform, sequence_transform, hopping_transform,
    revenue_transform, flights_transform, fraud_transform, earnings_transform;

static const char *read_of(const char *folder, const char *name) {
    const char *text = bf_read_file(bf_format("%s/%s", folder, name));
    if (!text) {
        fprintf(stderr, "%s/%s is not there\n", folder, name);
        exit(2);
    }
    return text;
}

static const char *line_of(const char **text) {
    size_t length = strcspn(*text, "\n");
    const char *line = bf_format("%.*s", (int)length, *text);
    *text += length + ((*text)[length] == '\n');
    return line;
}

// What a line has behind its `"window":`, which is what `bf_bench_states` prints.
static const char *from_window(const char *line) { return strstr(line, "\"window\":"); }

static void check_states(const char *folder, const char *got, const char *expected) {
    while (*got || *expected) {
        const char *x = from_window(line_of(&got)), *y = from_window(line_of(&expected));
        BF_EXPECT(bf_format("%s: %s", folder, x ? x : "none"), bf_format("%s: %s", folder, y ? y : "none"));
    }
}

// A host that extracts says more of what it found; what the transform itself says is the same.
static void check_rejected(const char *folder, const char *got, const char *expected) {
    while (*got || *expected) {
        const char *x = line_of(&got), *y = line_of(&expected);
        if (strstr(x, " is not of kind ") || strstr(x, ": is missing")) {
            const char *reason = strstr(x, "\"reason\":");
            size_t length = (size_t)(strchr(reason + 10, ':') - x);
            x = bf_format("%.*s", (int)length, x);
            y = bf_format("%.*s", (int)length, y);
        }
        BF_EXPECT(bf_format("%s: %s", folder, x), bf_format("%s: %s", folder, y));
    }
}

static void check_case(const bf_transform *of, const char *folder, bool with_laws) {
    bf_bench *bench = bf_bench_new(of, "{}");
    if (!of->time) {
        bf_bench_time(bench, "ts", NULL);
    }
    for (const char *events = read_of(folder, "events.ndjson"); *events;) {
        bf_bench_append(bench, line_of(&events));
    }
    BF_EXPECT(bf_bench_sound_rows(bench), read_of(folder, "expected.ndjson"));
    check_states(folder, bf_bench_states(bench), read_of(folder, "states.ndjson"));
    check_rejected(folder, bf_bench_rejected(bench), read_of(folder, "rejected.ndjson"));
    if (with_laws) {
        BF_EXPECT(bf_bench_laws(bench), "");
    }
    bf_release_all();
}

static void check_vectors(const bf_transform *of, const char *root) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", root, of->identifier);
    DIR *opened = opendir(folder);
    if (!opened) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(opened));) {
        if (entry->d_name[0] != '.') {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            // Every cut of four thousand events would take its time.
            check_case(of, path, strcmp(entry->d_name, "many") != 0);
        }
    }
    closedir(opened);
}

int main(int count, char **arguments) {
    const bf_transform *const all[] = {
        &algebras_transform, &kinds_transform, &sequence_transform, &hopping_transform,
        &revenue_transform,  &flights_transform, &fraud_transform, &earnings_transform,
    };
    if (count != 3) {
        fprintf(stderr, "usage: conformance VECTORS PLUGINS\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_vectors(all[i], arguments[1]);
        if (i >= 4) {
            char fixtures[512];
            snprintf(fixtures, sizeof fixtures, "%s/%s/fixtures", arguments[2], all[i]->identifier);
            bf_check_fixtures(all[i], fixtures);
            bf_release_all();
        }
    }
    return bf_failures > 0;
}
