/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: arrows over several places, what their files share.
 *
 * Such an arrow has a take for each place that it reads (a part) and, behind
 * them, one for each that it writes. The parts are cut like other values; then
 * the arrow is asked once, of all of them together.
 */
#pragma once

#include "translators/compose/step.h"

struct joining {
    struct step *s;
    const struct lens_arrow *arrow;
    const struct lens_joint *joint;
    struct take *parts;
    size_t n_read;
    struct take *joined;
    size_t n_write;
    uint32_t scope;
    guard there; /* something is, at some part */
};

/* How many stars lead to the one place of those in elements. */
size_t join_stars(const struct lens_joint *j);

/* A value of what the arrow brings to place `i`, while `when` holds. */
MUST_CHECK bool join_give(const struct joining *g, size_t i, guard when,
                          uint32_t term);
MUST_CHECK bool join_fails(const struct joining *g, guard when,
                           const char *what);
MUST_CHECK bool join_lossy(const struct joining *g, guard when);
/* While `when` holds the texts at a part are read. */
MUST_CHECK bool join_reads(const struct joining *g, const struct normal_node *n,
                           guard when);
/* What is at a part, of whatever alternative, as one term; NORMAL_NONE: full, or it
 * stops. */
uint32_t join_term(struct compose *c, const struct normal_node *n);

MUST_CHECK bool join_parts(struct joining *g);  /* parts.c */
MUST_CHECK bool join_rows(struct joining *g);   /* rows.c */
MUST_CHECK bool join_spread(struct joining *g); /* each.c: both ways */
MUST_CHECK bool join_gather(struct joining *g);
