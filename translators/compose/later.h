/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: what waits for the end of its object, as the machine runs it.
 *
 * The scalars that it is made of were noted; what their guards ask and their
 * terms make is worked out then, of those alone. All of it lives with the program.
 */
#pragma once

#include "translators/compose/lowering.h"

struct later_atom {
    enum atom_kind kind;
    uint32_t input; /* PRESENT */
    uint32_t term;
    uint32_t other;
    const struct json *value;
    span text;
    size_t n;
};

struct later_guard {
    uint32_t atom;
    uint32_t yes; /* 0: never, 1: always; else index + 2 */
    uint32_t no;
};

struct later_part {
    uint32_t when;
    uint32_t term; /* NORMAL_NONE: `text` */
    span text;
};

struct later_term {
    enum term_kind kind;
    uint32_t of;
    uint32_t input; /* SOURCE */
    const struct json *value;
    struct lens_symbols symbols;
    const struct lens_form *from;
    const struct lens_form *to;
    const struct lens_pattern *pattern;
    const struct later_part *parts;
    size_t n_parts;
    size_t n;
};

struct later_alt {
    uint32_t when;
    uint32_t term;
};

struct later {
    const struct lens_api *api;
    const struct later_atom *atoms;
    const struct later_guard *guards;
    const struct later_term *terms;
    /* The first alternative that holds is written; without any the first guard says
     * whether it is told, or fails. */
    const struct later_alt *alts;
    size_t n_alts;
    uint32_t when;
    bool fails;
    size_t n_inputs;
};

/* An engine_several_fn; `arg` is a struct later. */
enum engine_formed later_run(const void *arg, const struct engine_noted *noted,
                             struct arena *scratch, struct buf *out);
