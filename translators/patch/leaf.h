/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf: a value at a place that an arrow reads, exactly; this room's own.
 */
#pragma once

#include "translators/patch/build.h"

/* It is set; it is erased; it is not in the whole value that stands above it; it is
 * named by `from` or `path`. `m` is where: MET_LEAF or MET_INSIDE. */
MUST_CHECK bool leaf_set(struct judge *j, const struct scene *s,
                         const struct lens_arrow *arrow,
                         const struct lens_way *way, const struct met *m);
MUST_CHECK bool leaf_erased(struct judge *j, const struct scene *s,
                            const struct lens_arrow *arrow,
                            const struct lens_way *way, const struct met *m);
MUST_CHECK bool leaf_lacking(struct judge *j, const struct scene *s,
                             const struct lens_arrow *arrow,
                             const struct lens_way *way, const struct met *m);
MUST_CHECK bool leaf_name(struct judge *j, const struct scene *s,
                          const struct lens_arrow *arrow,
                          const struct lens_way *way, const struct met *m);

/* `rest: {stash: q}`: what the patch tells of q, and of what it shadows (stash.c). */
MUST_CHECK bool leaf_stash(struct judge *j, const struct scene *s,
                           const struct lens_arrow *arrow, bool any);

/* Do the stars of both places run over the same elements, which keep their places? */
bool leaf_same_stars(const struct judge *j, const struct lens_way *way);

/* Is any place of the arrow, on either side, told? */
MUST_CHECK bool arrow_is_told(struct judge *j, const struct scene *s,
                              const struct lens_arrow *arrow, bool *told);

/* Is anything that this shape asks told? */
MUST_CHECK bool shape_is_told(struct judge *j, const struct scene *s,
                              const struct lens_shape *shape, bool *told);

/* Does the arrow speak of this message, and is its guard or fill not in doubt? */
MUST_CHECK bool judge_asked(struct judge *j, struct scene *s,
                            const struct lens_arrow *arrow, bool *speaks);

/* All leaves of a part are answered for. */
MUST_CHECK bool settle_below_part(struct judge *j, struct json *part);
