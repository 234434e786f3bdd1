/* SPDX-License-Identifier: Apache-2.0 */
/*
 * composing: what a chain of versions costs, from its normal form and its program: for `check`,
 * which asks all pairs, and for `plan`, which asks one.
 */
#pragma once

#include "translators/compose/lower.h"
#include "translators/lens/report.h"

struct composing; /* every pair that `check` reports on; in an arena */

/* What is held where a body is MessagePack at both ends (translators/engine/packed.h). */
enum composing_packed {
    COMPOSING_PACKED_NOTHING,
    COMPOSING_PACKED_PARTS,
    COMPOSING_PACKED_WHOLE,
    COMPOSING_PACKED_JSON /* the machine has no program: it is brought over */
};
extern const char *const composing_packed_words[];

/* What becomes of a type between two versions: said, and as the proxy runs it. */
struct composed {
    const struct normal *normal;
    struct lowered in[2];         /* answers, requests */
    enum composing_packed packed; /* the worse of them */
};

/* In either direction. */
MUST_CHECK enum err_code composing_of(struct arena *a,
                                      const struct lens_api *api, size_t type,
                                      size_t from, size_t to,
                                      struct composed *out, struct err *e);

/* Requests or answers, whichever hold more. */
const struct lowered *composed_worse(const struct composed *k);
enum normal_class composed_class(const struct composed *k);

/* NULL: too big; then the estimates stand. */
struct composing *composing_all(struct arena *a, const struct lens_api *api);

/* A lens_weigh_fn; `arg` is a struct composing. */
void composing_weigh(void *arg, struct lens_report *r);

/*
 * Append what one pass holds: "nothing need be held", "holds `a` until its object
 * ends", "holds `lines` only when `rate` comes after it"; and which values are held whole
 * as they go through the versions one after another, and why.
 */
void composing_say(const struct composed *k, struct buf *to);
