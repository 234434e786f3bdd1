/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shadows: what workers told of mirrored requests, counted route by route.
 *
 * The counts are this control's: a reload begins them anew, as the question (which
 * pools, which versions, which changes) may be another one then. What comes in is
 * bytes from outside.
 */
#pragma once

#include "config/generation.h"
#include "translators/shadow/shadow.h"

struct shadows {
    const struct generation *gen;
    struct shadow **by_route; /* by its index; NULL: nothing is mirrored */
};

/* Room for every route that mirrors, in `a`. ERR_LIMIT at its limit. */
MUST_CHECK enum err_code shadows_open(struct shadows *s, struct arena *a,
                                      const struct generation *gen,
                                      struct err *e);

/* Count a datagram; false: it is not one of mirrored.h. */
bool shadows_take(struct shadows *s, span datagram);

/* The counts of a route by name; NULL if it mirrors nothing or is not there. */
const struct shadow *shadows_find(const struct shadows *s, span route,
                                  const struct gen_route **out);
