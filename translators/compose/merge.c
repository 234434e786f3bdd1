/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: two nodes that may stand at one place, under guards that exclude each other.
 *
 * What the alternatives of one have under a key that only the other knows is asked
 * first, so that all kids know all alternatives.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

/* One kid for each that the other has, as far as they have keys. */
static bool
know_kids_of(struct compose *c, struct normal_node *n,
             const struct normal_node *other)
{
    for (size_t i = 0; i < other->n_kids; i++) {
        const struct normal_node *kid = other->kids[i];
        if (kid->element)
            return compose_stop(c, NULL,
                                "elements of two lists stand at one place");
        if (!(kid->is_each ? node_each(c, n) : node_kid(c, n, kid->key)))
            return false;
    }
    return true;
}

static bool
merge_states(struct compose *c, struct normal_node *to,
             struct normal_node *value)
{
    if (to->state == value->state && to->n_steps == value->n_steps)
        return true;
    /* What is no object runs through no state. */
    if (!value->state && node_types(c, value, LENS_OBJECT) == GUARD_NEVER)
        return true;
    if (to->state || node_types(c, to, LENS_OBJECT) != GUARD_NEVER)
        return compose_stop(c, NULL, "two objects may stand at one place");
    to->state = value->state;
    to->n_steps = value->n_steps;
    return true;
}

/* A node with a state has no kids; one that may stand beside it has none either. */
static bool
forget_kids(struct compose *c, struct normal_node *n)
{
    for (size_t i = 0; i < n->n_kids; i++)
        if (n->kids[i]->n_alts)
            return compose_stop(c, NULL, "two objects may stand at one place");
    n->n_kids = 0;
    return true;
}

bool
node_merge(struct compose *c, struct normal_node *to, struct normal_node *value)
{
    bool plain = !to->state && !value->state;
    if (to->others || value->others)
        return compose_stop(c, NULL, "two objects may stand at one place");
    if (to->keyed != value->keyed && to->n_alts && value->n_alts)
        return compose_stop(c, NULL, "two maps may stand at one place");
    if (to->is_each != value->is_each ||
        (to->each != value->each && to->n_alts && value->n_alts))
        return compose_stop(c, NULL,
                            "elements of two lists stand at one place");
    if (plain ? !know_kids_of(c, to, value) || !know_kids_of(c, value, to)
              : !forget_kids(c, to) || !forget_kids(c, value) ||
                    !merge_states(c, to, value))
        return false;
    if (to->each == NORMAL_NONE)
        to->each = value->each;
    if (to->n_alts == 0)
        to->keyed = value->keyed;
    for (size_t i = 0; i < value->n_alts; i++)
        if (!node_push(c, to, value->alts[i]))
            return false;
    for (size_t i = 0; i < value->n_kids; i++) {
        struct normal_node *kid = value->kids[i];
        struct normal_node *there =
            kid->is_each ? node_each(c, to) : node_kid(c, to, kid->key);
        if (!there || !node_merge(c, there, kid))
            return false;
    }
    return true;
}

bool
node_inherit(struct compose *c, struct normal_node *value,
             const struct normal_node *outer)
{
    struct normal_alt *alts = value->alts;
    size_t n_alts = value->n_alts;
    value->alts = NULL;
    value->n_alts = value->room_alts = 0;
    value->is_each = outer->is_each;
    value->each = outer->each;
    for (size_t i = 0; i < n_alts; i++)
        for (size_t k = 0; k < outer->n_alts; k++) {
            struct normal_alt alt = alts[i];
            alt.when = both(c, alt.when, outer->alts[k].when);
            alt.order = outer->alts[k].order;
            alt.made = false;
            if (!node_push(c, value, alt))
                return false;
        }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
