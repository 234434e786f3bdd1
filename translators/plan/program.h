/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what a plan is made of; this room's own.
 *
 * A state is what is known of a value at one spot of the document: for each
 * step of the chain the types that begin or go on there. NULL is the state of
 * which nothing is known: its value is validated and copied.
 */
#pragma once

#include "translators/engine/program.h"
#include "translators/plan/plan.h"

#define PLAN_KEYS_MAX 64 /* of one object: each has a bit of a word */

/* A scalar as it is spelt, and what is written for it; empty: aside. */
struct plan_row {
    span from;
    span to;
};

/* What becomes of the member of one key. */
struct plan_key {
    span key;      /* its bytes */
    span to;       /* to be written with quotes; empty: as it came */
    bool aside;    /* something stands where an arrow leads */
    bool stranger; /* and in an answer it goes, with the notice */
    bool drop;
    bool has_same; /* DROP: what is spelt `same` goes without a notice */
    bool has_rows;
    bool passes; /* a scalar that is in no row stays */
    unsigned bit;
    size_t notice; /* of a drop or a stranger */
    span same;
    const struct plan_row *rows;
    size_t n_rows;
    const struct plan_state *child;
};

/* A member that is written at the end of its object. */
struct plan_fill {
    span member;     /* `"key":value`; empty: it was dropped further on */
    uint64_t unless; /* bits of keys: not if one was there */
    const size_t *notices;
    size_t n_notices;
};

struct plan_state {
    const struct plan_state *each; /* of the elements of a list */
    bool aside_object; /* a `*` that would meet members of an object */
    const struct plan_key *keys;
    size_t n_keys;
    const struct plan_fill *fills;
    size_t n_fills;
    struct engine_state *lowered; /* what the machine knows of it */
};

struct plan_tell {
    enum plan_notice_kind kind;
    const struct lens_origin *origin;
    size_t step;
};

struct plan_entry {
    const struct lens_place *place;
    size_t type;
    bool guards;
    const struct plan_state *state;
    const struct plan_tell *tells;
    size_t n_tells;
    struct engine_program program;
};

struct plan {
    const struct plan_entry *entries;
    size_t n_entries;
    const struct plan_entry *const *composed; /* by type: requests, answers */
};
