/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside: elements of a document that say their own version (`version_at`).
 */
#pragma once

#include "translators/reference/chain.h"

struct aside {
    struct json *element;
    struct json *stand_in; /* where it stood, wherever that goes */
    size_t type;
    size_t version; /* it says */
    size_t at;      /* its slot: a hint */
};

struct asides {
    struct aside *at;
    size_t n;
    size_t room;
};

/*
 * Put aside what says another version than the document's, which all others are
 * of; what they say becomes the version that they go to. `holder` holds `root`.
 */
MUST_CHECK bool aside_take(struct run *r, const struct reference_chain *chain,
                           struct json *holder, struct json *root,
                           struct asides *out);

/* Bring each over from its own version, and put it back. */
MUST_CHECK bool aside_bring(struct run *r, const struct reference_chain *chain,
                            const struct asides *all);
