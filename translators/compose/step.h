/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: one version step on one object, taken apart: what the files share that do
 * its parts, in SEMANTICS.md's order.
 */
#pragma once

#include "translators/compose/build.h"

enum take_role {
    TAKE_ALONE,
    TAKE_PART,  /* one of the values that an arrow over several places reads */
    TAKE_JOINED /* one that it writes; of `from` the stars alone are there */
};

/* An arrow that may hold, and what it takes and brings. */
struct take {
    const struct lens_arrow *arrow;
    const struct lens_way *way;
    guard when;    /* the arrow holds */
    bool has_from; /* it has a place on the side that is read */
    struct spot from;
    struct normal_node
        *value; /* what was taken, in no place; never NULL then */
    struct normal_node *as_it_came;
    struct normal_node *came; /* `double: drop`: all of it, as it was taken */
    guard taken;              /* something was there, or its box was emptied */
    bool leads;               /* to `target` */
    const struct lens_place *target;
    bool meets;  /* what stands where its arrow leads is a stranger */
    bool stays;  /* but for what is at `from`, which no case fits */
    bool is_tag; /* of a case at the type: it becomes `tag` */
    const struct json *tag;
    const struct lens_case *tag_of;
    bool is_own;  /* `add` or `drop`, on the side that has the place */
    bool is_back; /* likewise, on the other side: what it stashed comes back */
    bool is_lost; /* it goes: another case's value was taken */
    bool is_hidden; /* likewise: no case fits */
    struct captured *fill;
    enum take_role role;
    size_t
        part; /* which place of its side; the parts are `n_parts`, and those */
    size_t n_parts; /* that are written come behind them */
    bool spreads;   /* to every element that is there */
};

struct step {
    struct compose *c;
    struct object *o;
    struct take *takes;
    size_t n;
    size_t room;
};

/* ---- 1. choose, with what values read (choose.c) ---- */

MUST_CHECK bool step_choose(struct step *s, const struct lens_arrow *arrow);
/* An open set that one side alone has, and strangers where its members would be
 * (open.c). */
MUST_CHECK bool step_choose_open(struct step *s, const struct lens_arrow *arrow,
                                 guard when);
MUST_CHECK bool step_open_strangers(struct step *s, const struct take *t);
struct take *step_add_take(struct step *s, struct take take);

/* Cases at the type (cases.c): blocks and tags of those that fit; what a tag brings;
 * and last, whether what was made has its shape. */
MUST_CHECK bool step_choose_cases(struct step *s);
MUST_CHECK bool step_add_block(struct step *s, const struct lens_block *block,
                               guard when);
MUST_CHECK bool step_bring_tag(struct step *s, struct take *t);
MUST_CHECK bool step_keep_shapes(struct step *s);

/* ---- 2. take and 4. prune (take.c): `inner` are objects of a type that are translated
 * in between ---- */

MUST_CHECK bool step_take(struct step *s, struct normal_node *const *inner,
                          size_t n_inner);
MUST_CHECK bool step_cut_box(struct step *s, struct take *t,
                             struct normal_node *const *inner, size_t n_inner);
MUST_CHECK bool step_prune(struct step *s);
MUST_CHECK bool step_keep_rest(struct step *s, const struct take *t);

/* ---- 5. refuse and 6. write (land.c) ---- */

MUST_CHECK bool step_strangers(struct step *s, const struct take *t);
MUST_CHECK bool step_land(struct step *s);
/* What stands at a place where a take leads, and brings nothing. */
MUST_CHECK bool step_meet(struct step *s, const struct take *t,
                          const struct spot *at);

/* Elements that became equal to an earlier one: they go (double.c). */
MUST_CHECK bool step_drop_doubles(struct step *s, const struct take *t);

/* Put what a take brings where it leads. */
MUST_CHECK bool step_put(struct step *s, struct take *t, struct spot *to);

/* Nothing ever stands there. */
bool step_is_dead(const struct normal_node *n);
/* Put `value` where the dead `slot` is. */
void step_replace(struct normal_node *host, struct normal_node *slot,
                  struct normal_node *value);

/* ---- arrows over several places (joint.c, and each.c for elements) ---- */

MUST_CHECK bool step_choose_joint(struct step *s,
                                  const struct lens_arrow *arrow, guard when);
/* What its parts, of which this is the first, become. */
MUST_CHECK bool step_bring_joint(struct step *s, struct take *first);
/* Does an alternative of what is joined keep the slot of one of its parts? */
bool step_joined_in_slot(const struct take *t, const struct normal_alt *alt,
                         const struct normal_node *host);
MUST_CHECK bool step_land_spread(struct step *s, struct take *t);
/* When this is not empty, whatever was taken out of it. */
guard step_stands(const struct step *s, const struct normal_node *n);

/* ---- 7. fill, 8. mark, and what was lost (fill.c) ---- */

MUST_CHECK bool step_fill(struct step *s);
MUST_CHECK bool step_mark_read(struct step *s);
MUST_CHECK bool step_mark_write(struct step *s);
MUST_CHECK bool step_settle(struct step *s, const struct take *t);
/* What is stashed goes where the take leads, in its form there. */
MUST_CHECK bool step_stash(struct step *s, struct take *t);
/* What was stashed comes back, if it can be read. */
MUST_CHECK bool step_unstash(struct step *s, struct take *t);
