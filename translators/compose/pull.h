/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull: what is said of a document after a step, said of it before (SEMANTICS.md, rule 2:
 * guards are pulled back).
 *
 * The step was made of objects that came as they are; so a source after it is a node of
 * what the step made, whose alternatives speak of sources before it. Sources are the same
 * where the step left them as they were, and so are guards, terms and alternatives that
 * speak of no other.
 */
#pragma once

#include "translators/compose/build.h"

/* What a guard was pulled back to, and in which pull. */
struct pulled {
    unsigned when;
    guard is;
};

/* Where a source stands after the step. */
struct pulled_spot {
    bool known;
    bool moved;               /* it is not what it was, or not where */
    struct normal_node *node; /* NULL: nothing looked there */
};

/* One step before the way that is there already. */
struct pull {
    struct compose *c;
    struct pulled_spot *spots; /* by source */
    size_t n_spots;
    size_t n_guards;  /* that may have to be pulled */
    uint64_t touched; /* members to which the step did something, as a mask */
    struct normal_state **was; /* by type: the ways before this step came */
    struct normal_state **now; /* by type: with it; NULL: not made yet */
    bool fails; /* this cannot be said; the way is made from its beginning */
};

/* Always false. */
static inline bool
pull_fails(struct pull *k)
{
    k->fails = true;
    return false;
}

/* Which members the step touches, and room for what guards speak of. False: full. */
MUST_CHECK bool pull_touches(struct pull *k);

/* What stands at a source; NULL: what came there, and nothing looked into it. Where it is
 * `moved` it is never NULL, but after a failure. */
struct normal_node *pull_spot(struct pull *k, uint32_t source, bool *moved);

/* A source in whose place is another alone; NORMAL_NONE: it is not so. */
uint32_t pull_source(struct pull *k, uint32_t source);

guard pull_guard(struct pull *k, guard g);

/* The source that a term is made of by tables, forms and the like; NORMAL_NONE: of none, or
 * of several. */
uint32_t pull_bottom(const struct compose *c, uint32_t term);

/* The term where its source has become what the alternative says. NORMAL_NONE: failed. */
uint32_t pull_term(struct pull *k, uint32_t term, const struct normal_alt *alt);

/* Is the term made of what is at its source, object or list, as a whole; and did the step go
 * into that? */
bool pull_is_torn(struct pull *k, uint32_t term, uint32_t source);

/* Does a term speak of what moved? */
bool pull_is_moved(struct pull *k, uint32_t term);

/* The state of a type, from one version earlier on; NULL: it cannot be said, or full
 * (pulled.c). */
struct normal_state *pull_state(struct pull *k, size_t type);
