/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: how a program is made: one document that is not there goes through
 * the chain, key by key (SEMANTICS.md, "Composition"). This room's own.
 *
 * Every function answers false if the chain is of another class or the arena is
 * full; then the entry is not planned.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/plan/program.h"

#define PLAN_SPOTS_MAX  16  /* typed places that one value is on the way to */
#define PLAN_STATES_MAX 256 /* of one program */
#define PLAN_ROWS_MAX   512 /* of one enum */

/* On the way to a typed place: `n` of its steps are gone. */
struct spot {
    const struct lens_place *place;
    size_t n;
    size_t type;
};

/* What is known of a value at one step of the chain. */
struct known {
    size_t type; /* that begins here, or SIZE_MAX */
    size_t n_spots;
    struct spot spots[PLAN_SPOTS_MAX];
};

struct build_state {
    const struct known *at; /* by step */
    struct plan_state *out;
};

struct build {
    struct arena *a;       /* what the program is made of */
    struct arena *scratch; /* what is known while it is made */
    const struct lens_api *api;
    size_t from;
    size_t to;
    size_t n_steps;
    enum lens_side read;
    enum lens_side write;
    bool guards;
    struct build_state states[PLAN_STATES_MAX];
    size_t n_states;
    size_t n_done;
    struct plan_tell *tells;
    size_t n_tells;
    size_t room_tells;
};

/* Versions and table of a step, from 0. */
size_t build_version(const struct build *b, size_t step);
const struct lens_block *build_block(const struct build *b, size_t step,
                                     size_t type);
const struct lens_type_at *build_type_at(const struct build *b, size_t step,
                                         size_t type);

/* The side that has an arrow's place; LENS_MAP has both. */
static inline bool
build_is_on(const struct lens_arrow *arrow, enum lens_side side)
{
    return arrow->kind == LENS_MAP ||
           side == (arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER);
}

static inline span
build_name(const struct lens_arrow *arrow, enum lens_side side)
{
    return arrow->ways[0].place[side].steps[0].key;
}

/* The arrow of a block that has this key on this side, or NULL. */
const struct lens_arrow *build_arrow(const struct lens_block *block,
                                     enum lens_side side, span key);

/* Is all that a type has at this step of the class that is planned? */
MUST_CHECK bool build_allows(struct build *b, size_t step, size_t type);

/* A new notice. */
MUST_CHECK bool build_tell(struct build *b, enum plan_notice_kind kind,
                           const struct lens_origin *origin, size_t step,
                           size_t *out);

/* The state of this knowledge, made if it is new; NULL for none at all. */
MUST_CHECK bool build_state(struct build *b, struct known *at,
                            const struct plan_state **out);

/* Keys and fills of an object (keys.c, fills.c); names[key][step], empty where the
 * key is no more. */
MUST_CHECK bool build_keys(struct build *b, const struct build_state *s,
                           span ***names);
MUST_CHECK bool build_fills(struct build *b, const struct build_state *s,
                            span *const *names);

/* The program of an entry, of the states that were built (lower.c). */
MUST_CHECK bool build_lower(struct build *b, struct plan_entry *e);

/* Does a typed place of this step begin with this key? */
bool build_leads(const struct known *at, span key);

/* ---- scalars (fold.c) ---- */

/* One thing done to a scalar: an enum, or a marker. */
struct fold {
    const struct lens_symbols *symbols; /* NULL: a marker */
    const struct json *is;
    const struct json *becomes;
};

struct folds {
    struct fold *at;
    size_t n;
    size_t room;
};

MUST_CHECK bool fold_stages(struct build *b, struct folds *f,
                            const struct lens_stages *stages);
MUST_CHECK bool fold_mark(struct build *b, struct folds *f,
                          const struct json *is, const struct json *becomes);

/* What the folds make of a value; NULL: that is for the reference. */
const struct json *fold_value(const struct folds *f, const struct json *value);

/* All folds as rows of one table. */
MUST_CHECK bool fold_rows(struct build *b, const struct folds *f,
                          struct plan_key *out);

/* As it is printed. */
MUST_CHECK bool fold_print(struct build *b, const struct json *value,
                           span *out);
