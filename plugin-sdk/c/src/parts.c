// The parts that need no algorithm: counts, sums, means, single values, states within states.
#include "parts.h"

bool bf_state_is_order_free(const bf_state *state) {
    bool all = true;
    for (size_t i = 0; i < state->count; i++) {
        all &= state->parts[i].ops->is_order_free(&state->parts[i].spec);
    }
    return all;
}

bool bf_state_is_anchored(const bf_state *state) {
    bool any = false;
    for (size_t i = 0; i < state->count; i++) {
        const bf_part *part = &state->parts[i];
        any |= part->ops->is_anchored && part->ops->is_anchored(&part->spec);
    }
    return any;
}

void bf_state_begin(const bf_state *state, void *at) {
    void *addresses[BF_PARTS_MAX];
    state->addresses(at, addresses);
    for (size_t i = 0; i < state->count; i++) {
        const bf_part *part = &state->parts[i];
        if (part->ops->begin) {
            part->ops->begin(addresses[i], &part->spec);
        }
    }
}

static const char *present_count(const void *part, const bf_spec *spec, bf_datum *datum) {
    (void)spec;
    return bf_datum_of(BF_TYPE_u64, BF_VALUE(((const bf_count *)part)->n), datum);
}

const bf_part_ops bf_count_ops = {
    bf_count_encode, bf_count_decode, bf_count_merge, present_count, bf_shown_integer_, bf_yes_, NULL, NULL,
};

// The column of a sum: integers of all widths are summed up in one of 64 bits.
static bf_type shown_sum(const bf_spec *spec) {
    return bf_kind_of(spec->type) == BF_DECIMAL ? spec->type : BF_TYPE_integer;
}

static const char *present_sum(const void *part, const bf_spec *spec, bf_datum *datum) {
    const bf_sum *sum = part;
    bf_optional_integer fits = bf_sum_get(sum);
    if (!fits.is_some) {
        bf_output shown = { 0 };
        bf_write_decimal(&shown, (int64_t)sum->high, sum->low, bf_digits_of(spec->type));
        return bf_out_of_range(bf_written(&shown), spec->type);
    }
    *datum = (bf_datum){ .value = BF_VALUE(fits.value) };
    return BF_OK;
}

const bf_part_ops bf_sum_ops = {
    bf_sum_encode, bf_sum_decode, bf_sum_merge, present_sum, shown_sum, bf_yes_, NULL, NULL,
};

void bf_code_sum(bf_coder *coder, bf_sum *sum) {
    if (coder->in) {
        bf_sum_decode(sum, NULL, coder->in);
    } else {
        bf_sum_encode(sum, NULL, coder->out);
    }
}

// The double nearest to `numerator / denominator`, ties to even: one rounding of the exact quotient. The
// denominator is not 0 and below 2^127.
//
// Where both are below 2^53 they are doubles themselves and IEEE 754 division is that rounding. Beyond,
// long division makes at least 64 bits of the quotient, and a remainder sets the last of them: far below
// the 53 that count, it only decides ties.
static double nearest(__int128 numerator, unsigned __int128 denominator) {
    const unsigned __int128 exact = (unsigned __int128)1 << 53, enough = (unsigned __int128)1 << 63;
    unsigned __int128 magnitude = (unsigned __int128)numerator;
    magnitude = numerator < 0 ? 0 - magnitude : magnitude;
    if (magnitude <= exact && denominator <= exact) {
        return (double)(int64_t)numerator / (double)(int64_t)denominator;
    }
    unsigned __int128 quotient = magnitude / denominator, rest = magnitude % denominator;
    double scale = 1.0;
    while (quotient < enough && rest != 0) {
        rest <<= 1;
        quotient <<= 1;
        if (rest >= denominator) {
            rest -= denominator;
            quotient |= 1;
        }
        scale *= 0.5; // a power of two, at the least 2^-190: exact, and so is the product with it
    }
    double rounded = (double)(quotient | (rest != 0)) * scale;
    return numerator < 0 ? -rounded : rounded;
}

bf_optional_float bf_mean_get_(const bf_mean *mean, bf_type type) {
    unsigned __int128 units_each = mean->count.n; // at most 2^64 x 10^18, below 2^124
    for (unsigned i = 0; i < bf_digits_of(type); i++) {
        units_each *= 10;
    }
    if (units_each == 0) {
        return (bf_optional_float){ .is_some = false };
    }
    __int128 sum = (__int128)((unsigned __int128)mean->sum.high << 64 | mean->sum.low);
    return (bf_optional_float){ .is_some = true, .value = nearest(sum, units_each) };
}

static const char *present_mean(const void *part, const bf_spec *spec, bf_datum *datum) {
    bf_optional_float mean = bf_mean_get_(part, spec->type);
    *datum = (bf_datum){ .is_absent = !mean.is_some, .value = BF_VALUE(mean.value) };
    return BF_OK;
}

const bf_part_ops bf_mean_ops = {
    bf_mean_encode, bf_mean_decode, bf_mean_merge, present_mean, bf_shown_float_, bf_yes_, NULL, NULL,
};

static const char *present_kept(const bf_kept *kept, const bf_spec *spec, bf_datum *datum) {
    if (!kept->is_some) {
        *datum = (bf_datum){ .is_absent = true };
        return BF_OK;
    }
    return bf_datum_of(spec->type, kept->value, datum);
}

static const char *present_one(const void *part, const bf_spec *spec, bf_datum *datum) {
    return present_kept(&((const bf_one *)part)->kept, spec, datum);
}

const bf_part_ops bf_min_ops = {
    bf_min_encode, bf_min_decode, bf_min_merge, present_one, bf_shown_value_, bf_yes_, NULL, NULL,
};
const bf_part_ops bf_max_ops = {
    bf_max_encode, bf_max_decode, bf_max_merge, present_one, bf_shown_value_, bf_yes_, NULL, NULL,
};
const bf_part_ops bf_first_seen_ops = {
    bf_first_seen_encode, bf_first_seen_decode, bf_first_seen_merge, present_one, bf_shown_value_, bf_no_,
    NULL, NULL,
};
const bf_part_ops bf_last_seen_ops = {
    bf_last_seen_encode, bf_last_seen_decode, bf_last_seen_merge, present_one, bf_shown_value_, bf_no_,
    NULL, NULL,
};

void bf_placed_encode(const void *part, const bf_spec *spec, bf_output *out) {
    const bf_placed *placed = part;
    bf_put_u8(out, placed->kept.is_some);
    if (placed->kept.is_some) {
        bf_put_u64(out, (uint64_t)placed->time);
        bf_put_u64(out, (uint64_t)placed->offset);
        bf_put_value(out, spec->type, placed->kept.value);
    }
}

void bf_placed_decode(void *part, const bf_spec *spec, bf_input *in) {
    bf_placed *placed = part;
    placed->kept.is_some = bf_take_flag(in, "malformed state: an option other than 0 and 1");
    if (placed->kept.is_some) {
        placed->time = (int64_t)bf_take_u64(in);
        placed->offset = (int64_t)bf_take_u64(in);
        placed->kept.value = bf_take_value(in, spec->type);
    }
}

static const char *merge_placed(bf_placed *left, const bf_placed *right, const bf_spec *spec, int wanted) {
    if (right->kept.is_some) {
        bf_place_(left, spec->type, wanted, *right);
    }
    return BF_OK;
}

const char *bf_first_merge(void *left, void *right, const bf_spec *spec) {
    return merge_placed(left, right, spec, -1);
}

const char *bf_last_merge(void *left, void *right, const bf_spec *spec) {
    return merge_placed(left, right, spec, 1);
}

static const char *present_placed(const void *part, const bf_spec *spec, bf_datum *datum) {
    return present_kept(&((const bf_placed *)part)->kept, spec, datum);
}

const bf_part_ops bf_first_ops = {
    bf_placed_encode, bf_placed_decode, bf_first_merge, present_placed, bf_shown_value_, bf_yes_, NULL, NULL,
};
const bf_part_ops bf_last_ops = {
    bf_placed_encode, bf_placed_decode, bf_last_merge, present_placed, bf_shown_value_, bf_yes_, NULL, NULL,
};

void bf_state_encode(const void *part, const bf_spec *spec, bf_output *out) { spec->state->encode(part, out); }

void bf_state_decode(void *part, const bf_spec *spec, bf_input *in) { spec->state->decode(part, in); }

const char *bf_state_merge(void *left, void *right, const bf_spec *spec) {
    return spec->state->merge(left, right);
}

static const char *present_state(const void *part, const bf_spec *spec, bf_datum *datum) {
    const bf_state *state = spec->state;
    void *addresses[BF_PARTS_MAX];
    // Only read from.
    state->addresses((void *)(uintptr_t)part, addresses);
    bf_output json = { 0 };
    bf_write(&json, "{");
    for (size_t i = 0; i < state->count; i++) {
        const bf_part *each = &state->parts[i];
        bf_datum shown;
        BF_TRY(each->ops->present(addresses[i], &each->spec, &shown));
        bf_write(&json, i ? ",\"" : "\"");
        bf_write(&json, each->name);
        bf_write(&json, "\":");
        bf_write_datum(&json, each->ops->shown(&each->spec), &shown);
    }
    bf_write(&json, "}");
    *datum = (bf_datum){ .value = { .at = json.at, .length = (uint32_t)json.length } };
    return BF_OK;
}

static bool is_state_order_free(const bf_spec *spec) { return bf_state_is_order_free(spec->state); }
static bool is_state_anchored(const bf_spec *spec) { return bf_state_is_anchored(spec->state); }
static void begin_state(void *part, const bf_spec *spec) { bf_state_begin(spec->state, part); }

const bf_part_ops bf_state_ops = {
    bf_state_encode, bf_state_decode, bf_state_merge, present_state, bf_shown_json_, is_state_order_free,
    begin_state, is_state_anchored,
};
