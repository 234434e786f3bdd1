/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: which spots of a document a place names.
 *
 * A place has one *binding* for every element or member that its stars meet;
 * without stars it has exactly one. A binding names its spot by identity (the
 * nodes on the way), so it is good while things are cut out and moved.
 */
#pragma once

#include "translators/reference/spot.h"

/* What one star met. */
struct star {
    struct json *node; /* the element or member's value */
    struct json *host; /* what it was met in */
    size_t index;      /* its place there, among what was there */
    size_t at;         /* and among all slots, holes too */
    span key;          /* if the host is an object */
};

struct binding {
    const struct lens_place *place;
    struct star *stars;
    size_t n_stars;
    struct json *
        *path; /* path[i]: the node after i steps; NULL: the way is missing */
    struct json *node; /* path[place->n]; NULL is ⊥ */
};

struct bindings {
    struct binding *at;
    size_t n;
    size_t room;
};

/* All bindings of `place` in `root`, appended to `out`. Fails on a doubled key that it
 * reads, on `[only]` of more, on two elements that `[k=v]` finds. */
MUST_CHECK bool place_bind(struct run *r, struct json *root,
                           const struct lens_place *place,
                           struct bindings *out);

/* What the first binding of `place` names, or NULL: for places without stars. */
MUST_CHECK bool place_get(struct run *r, struct json *root,
                          const struct lens_place *place, struct json **out);

/* Do these name the same elements, as far as both have stars? */
bool place_same_stars(const struct star *a, size_t n_a, const struct star *b,
                      size_t n_b);

/* Does `element` pass the tests of `[k=v, !m]`? */
MUST_CHECK bool place_finds(struct run *r, struct json *element,
                            const struct lens_step *step, bool *passes);

/* The one element of `list` that passes, or NULL; two of them fail. */
MUST_CHECK bool place_find_one(struct run *r, struct json *list,
                               const struct lens_step *step, struct json **out);

static inline bool
place_is_star(const struct lens_step *step)
{
    return step->kind == LENS_EACH || step->kind == LENS_EACH_FIND;
}

/* The first `n` steps of `place`; its text is the whole place's. */
static inline struct lens_place
place_prefix(const struct lens_place *place, size_t n)
{
    return (struct lens_place){place->steps, n, place->text};
}
