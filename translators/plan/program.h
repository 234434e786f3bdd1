/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what a plan is made of; this room's own.
 */
#pragma once

#include "translators/compose/lower.h"
#include "translators/engine/program.h"
#include "translators/plan/plan.h"

struct plan_entry {
    const struct lens_api *api;
    const struct lens_place *place;
    size_t type;
    bool is_request;
    bool guards;
    bool waits;      /* a value that waits may have left its slot */
    bool goes_again; /* in it are values that do */
    const struct lower_tell *tells;
    size_t n_tells;
    struct engine_program program;
    struct engine_program packed; /* the same over MessagePack */
};

/* ---- values that go again (again.c) ---- */

/* Losses that happened in them. */
struct plan_told {
    enum notice_kind kind;
    const struct lens_origin *origin;
    size_t at; /* offset of the first in the body */
    size_t n;
    span pointer;
};

/* All of one body: what the machine's handler is given. */
struct plan_agains {
    struct arena *arena;
    struct arena *scratch; /* of one value; NULL before the first */
    const struct engine *machine;
    const struct lens_api *api;
    struct reference_facts facts;
    bool comes_packed;
    bool goes_packed;
    struct buf json; /* the value, if it comes as MessagePack */
    struct buf made; /* what it became, if that goes as such */
    struct plan_told *told;
    size_t n_told;
    size_t room_told;
    bool failed;
    struct translation_fault fault;
};

/* NULL: `a` is full. */
struct plan_agains *plan_agains_new(struct arena *a,
                                    const struct plan_entry *entry,
                                    const struct plan_how *how);

/* The machine's handler. */
enum engine_answer plan_again(void *arg, const struct engine_again *again,
                              const struct engine_whole *whole,
                              struct buf *out);

struct plan {
    const struct plan_entry **entries; /* which neighbours share */
    size_t n_entries;
};

/* ---- making plans (plan.c) ---- */

/* What was made of a type in one kind of message: [2 * type + is_request]. */
struct plan_group;

/* Of builders one after another. What the steps of one did nothing to is made once; and what the
 * first step of one does nothing to is what was made of the one before. */
struct plan_maker {
    struct arena *a;       /* of the plans */
    struct arena *kept;    /* of what is needed until the last is made */
    struct arena *scratch; /* of one builder */
    const struct lens_api *api;
    const bool *reaches;
    const bool
        *asked; /* by type: messages of some version have one at a place */
    struct compose *c; /* at hand */
    struct engine_packer *packer;
    struct plan_group **groups; /* of the builder, as they were made last */
};

/* False: no room. To be ended in any case. */
MUST_CHECK bool plan_maker_init(struct plan_maker *m, struct arena *a,
                                const struct lens_api *api);
void plan_maker_fini(struct plan_maker *m);

/* The next builder. False: no room. */
MUST_CHECK bool plan_begin(struct plan_maker *m, size_t from, bool up);

/* Room for what is made of all types; NULL: none. */
struct plan_group **plan_groups_new(struct plan_maker *m);

/*
 * What the builder's steps so far come to, for messages of version `from`. Types of which the
 * builder knows nothing are as `shared` has them, which gets the others; NULL: there are none.
 * NULL: no room.
 */
const struct plan *plan_take(struct plan_maker *m, size_t from, unsigned kinds,
                             struct plan_group **shared);
