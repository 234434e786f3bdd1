/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: what the files on arrows over several places share.
 */
#pragma once

#include "translators/reference/frame.h"

/* Such an arrow at its elements, when all that it reads has been translated. */
struct joining {
    struct frame *f;
    const struct lens_arrow *arrow;
    const struct lens_joint *joint;
    size_t
        first; /* take of the first part; those that are written follow them */
    size_t n_read;
    size_t n_write;
    struct json **values; /* of the parts; NULL is ⊥ */
};

struct take *joining_part(const struct joining *g, size_t i);
struct take *joining_joined(const struct joining *g, size_t i);

/* A node near which this arrow works, for sentences. */
const struct json *joining_somewhere(const struct joining *g);
bool joining_is_nothing(const struct joining *g);
MUST_CHECK bool joining_lossy(const struct joining *g);

/* The first place that has something decides; *all: they say the same. */
MUST_CHECK bool joining_agree(struct joining *g, size_t *first, bool *all);

/* What the arrow brings to place `i`; NULL, false: nothing. */
bool joining_give(struct joining *g, size_t i, struct json *value);

/* A take of place `i` that is read, of places that are written, at these stars. */
MUST_CHECK bool joint_add_part(struct frame *f, const struct lens_arrow *arrow,
                               size_t i, size_t part, const struct binding *at);
MUST_CHECK bool joint_add_joined(struct frame *f,
                                 const struct lens_arrow *arrow,
                                 const struct binding *at, size_t n_stars);

/* One value in every element (each.c). */
MUST_CHECK bool each_choose(struct frame *f, const struct lens_arrow *arrow);
MUST_CHECK bool each_bring(struct joining *g);

/* Values by rows (rows.c). */
MUST_CHECK bool rows_bring(struct joining *g);
