/* SPDX-License-Identifier: Apache-2.0 */
/* walk: two documents side by side, and where they differ. The room's own. */
#pragma once

#include "proxy/base/buf.h"
#include "translators/json/tree.h"
#include "translators/shadow/shadow.h"

/* One of the two is NULL where a value is missing or extra. */
typedef void (*walk_fn)(void *arg, span place, enum shadow_kind kind,
                        const struct json *baseline, const struct json *other);

struct walk {
    const struct shadow_rules *rules;
    struct arena *scratch; /* for the index of a list with a key */
    struct buf *place;     /* of what is looked at now */
    walk_fn differs;
    void *arg;
    bool full; /* scratch or place were too small: the walk says nothing */
};

/* Walks both; `differs` is called for each difference, document order of the
 * baseline first. Recursion is bounded by the depth that was parsed. */
void walk_values(struct walk *w, const struct json *baseline,
                 const struct json *other);
