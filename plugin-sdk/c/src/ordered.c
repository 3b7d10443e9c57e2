// Machines that are run in the order of the log.
#include "parts.h"

static void decode_machine(const bf_machine *machine, void *at, bf_input *in) {
    memset(at, 0, machine->size);
    machine->code(&(bf_coder){ .in = in }, at);
}

// Runs all inputs on a machine; without a machine only sees to it that they decode.
static const char *run(const bf_machine *machine, void *at, const uint8_t *inputs, size_t length) {
    bf_input in = bf_input_of(inputs, length);
    void *input = bf_alloc(machine->input_size);
    while (in.at != in.end) {
        const uint8_t *before = in.at;
        memset(input, 0, machine->input_size);
        machine->code_input(&(bf_coder){ .in = &in }, input);
        if (in.fault) {
            return in.fault;
        }
        if (in.at == before) {
            return "malformed state: an input of a machine takes at least one byte";
        }
        if (at) {
            machine->step(at, input);
        }
    }
    return BF_OK;
}

void bf_ordered_push_(bf_ordered *ordered, const bf_machine *machine, const void *input) {
    if (ordered->machine) {
        machine->step(ordered->machine, input);
        return;
    }
    size_t before = ordered->inputs.length;
    // The coder only reads what it writes out.
    machine->code_input(&(bf_coder){ .out = &ordered->inputs }, (void *)(uintptr_t)input);
    if (ordered->inputs.length == before) {
        bf_fatal("an input of a machine must encode to at least one byte");
    }
}

void bf_ordered_run_(const bf_ordered *ordered, const bf_machine *machine, void *out) {
    if (ordered->machine) {
        memcpy(out, ordered->machine, machine->size);
        return;
    }
    memset(out, 0, machine->size);
    const char *fault = run(machine, out, ordered->inputs.at, ordered->inputs.length);
    if (fault) {
        bf_fatal("an input of a machine does not decode from what it encoded to: %s", fault);
    }
}

void bf_ordered_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_ordered *ordered = part;
    bf_put_u8(out, ordered->machine != NULL);
    if (ordered->machine) {
        spec->machine->code(&(bf_coder){ .out = out }, ordered->machine);
    } else {
        bf_put_varint(out, ordered->inputs.length);
        bf_put(out, ordered->inputs.at, ordered->inputs.length);
    }
}

void bf_ordered_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_ordered *ordered = part;
    if (bf_take_flag(in, "malformed state: neither an anchored nor a floating state")) {
        ordered->machine = bf_alloc(spec->machine->size);
        decode_machine(spec->machine, ordered->machine, in);
        return;
    }
    size_t length = bf_take_length(in);
    const uint8_t *inputs = bf_take(in, length);
    const char *fault = inputs ? run(spec->machine, NULL, inputs, length) : NULL;
    if (fault) {
        bf_fault(in, fault);
    } else if (inputs) {
        ordered->inputs = (bf_output){ .at = bf_copy(inputs, length), .length = length, .room = length };
    }
}

const char *bf_ordered_merge(void *left, void *right, const bf_spec *spec) {
    bf_ordered *into = left, *from = right;
    if (from->machine) {
        return BF_ANCHORED_RIGHT;
    }
    if (into->machine) {
        const char *fault = run(spec->machine, into->machine, from->inputs.at, from->inputs.length);
        return fault ? bf_format("the later state cannot be run: %s", fault) : BF_OK;
    }
    if (into->inputs.length == 0) {
        into->inputs = from->inputs;
    } else {
        bf_put(&into->inputs, from->inputs.at, from->inputs.length);
    }
    return BF_OK;
}

static const char *present_ordered(const void *part, const bf_spec *spec, bf_datum *datum) {
    if (!spec->machine->present) {
        return "a machine that presents nothing: the transform needs a function that presents its cells";
    }
    void *machine = bf_alloc(spec->machine->size);
    bf_ordered_run_(part, spec->machine, machine);
    return spec->machine->present(machine, datum);
}

static void begin_ordered(void *part, const bf_spec *spec) {
    ((bf_ordered *)part)->machine = bf_alloc_zero(1, spec->machine->size);
}

static bf_type shown_ordered(const bf_spec *spec) { return spec->machine->shown; }

const bf_part_ops bf_ordered_ops = {
    bf_ordered_encode, bf_ordered_decode, bf_ordered_merge, present_ordered, shown_ordered, bf_no_,
    begin_ordered, bf_yes_,
};
