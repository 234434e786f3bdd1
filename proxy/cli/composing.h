/* SPDX-License-Identifier: Apache-2.0 */
/*
 * composing: what a chain of versions costs, from its normal form: for `check`,
 * which asks all pairs, and for `plan`, which asks one.
 */
#pragma once

#include "translators/compose/compose.h"
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

/* The normal form of a type between two versions, in either direction; *packed is the
 * worse of requests and answers. */
MUST_CHECK enum err_code
composing_of(struct arena *a, const struct lens_api *api, size_t type,
             size_t from, size_t to, const struct normal **out,
             enum composing_packed *packed, struct err *e);

/* NULL: too big; then the estimates stand. */
struct composing *composing_all(struct arena *a, const struct lens_api *api);

/* A lens_weigh_fn; `arg` is a struct composing. */
void composing_weigh(void *arg, struct lens_report *r);

/*
 * Append what one pass holds: "nothing need be held", "holds `a` until its object
 * ends", "holds `lines` only when `rate` comes after it", and which objects go
 * through the versions one after another.
 */
void composing_say(const struct normal *n, struct buf *to);
