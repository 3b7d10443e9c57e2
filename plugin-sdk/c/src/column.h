// Columns in the form in which they cross the boundary: little-endian byte buffers, laid out as
// `wit/transform.wit` says. Owns reading and building the buffers; knows no event and no state.
#ifndef BIFOCAL_COLUMN_H
#define BIFOCAL_COLUMN_H

#include "../bindings/plugin.h"
#include "json.h"

typedef plugin_list_u8_t bf_list;
typedef exports_bifocal_transform_transform_blobs_t bf_blobs;
typedef exports_bifocal_transform_transform_column_t bf_column;
typedef exports_bifocal_transform_transform_list_column_t bf_columns;

// A column that a transform reads, is keyed by, or presents.
typedef struct bf_field {
    const char *name; // one `_` at its end is not part of the name: `float_` is named "float"
    const char *path; // of an input; empty: the name
    bf_type type;
} bf_field;

// The path that stands for the whole payload, as a binary: X(binary, payload, BF_PAYLOAD).
#define BF_PAYLOAD "\1"

bf_text bf_field_name(const bf_field *field);
bf_text bf_field_path(const bf_field *field);

// Bytes that are being written, as a list that crosses the boundary.
static inline bf_list bf_list_of(const bf_output *out) { return (bf_list){ .ptr = out->at, .len = out->length }; }

// Value `i` of blobs; false if their ends are not in order.
bool bf_blob(const bf_blobs *blobs, size_t i, const uint8_t **at, size_t *length);

// The distinct texts of a column.
struct bf_dictionary {
    const bf_bytes *texts; // and empty ones up to a power of two
    uint32_t count;
    uint32_t mask; // keeps a code within `texts`
    uint64_t *hashes; // of what the texts say; NULL until they are asked for
};

// One input column of a chunk, checked and ready to be read by row.
typedef struct bf_reader {
    union {
        const uint8_t *flags;   // boolean
        const int64_t *numbers; // integer, timestamp, decimal
        const double *reals;    // float
        const uint32_t *codes;  // text
        const uint32_t *ends;   // binary, json
    };
    const uint8_t *bytes; // binary, json
    const bf_dictionary *dictionary;
    const bf_bytes *texts; // of the dictionary
    uint32_t mask;
    const uint8_t *validity; // NULL: every row is present
    const bf_field *field;
} bf_reader;

// Prepares a column of `rows` rows. `is_sparse`: a field that is required may be absent here, since other
// types of events share the chunk; whoever reads it finds out.
const char *bf_open(const bf_column *column, size_t rows, const bf_field *field, bool is_sparse, bf_reader *out);

uint64_t bf_text_hash(const bf_dictionary *dictionary, uint32_t code);
uint64_t bf_hash_bytes(const uint8_t *bytes, size_t length);

// Mixes a value into a hash. Multiplicative: the upper bits are the good ones.
static inline uint64_t bf_mix(uint64_t hash, uint64_t value) {
    return ((hash << 26 | hash >> 38) ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

// The value of a C variable of a type: of a part of a key, of a field of an output.
bf_datum bf_datum_at(bf_type type, const void *at);

// A column that is built row by row; text is coded so that each distinct value is once in the heap.
typedef struct bf_builder {
    bf_type type;
    uint32_t rows;
    bool has_absent;
    bf_output fixed;
    bf_output ends;
    bf_output bytes;
    bf_output validity;
    uint32_t *slots; // codes + 1 by hash
    uint32_t slot_count;
    uint32_t codes;
    const bf_dictionary *coded; // the first dictionary that texts came from
    uint32_t *codes_of;         // by its codes, this column's + 1; 0: not known
} bf_builder;

void bf_build(bf_builder *column, const bf_datum *datum);
// The same for a text, which is found by its code if it has one.
void bf_build_text(bf_builder *column, const bf_text *text);
bf_column bf_built(const bf_builder *column);

#endif
