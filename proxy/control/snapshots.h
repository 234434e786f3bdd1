/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshots: what held at a revision, and putting the weights back.
 *
 * Nothing is kept for it: the state at a revision is, for each slot, what the
 * last entry of the journal up to it said. A rollout's weight follows from its
 * state, and a state that gates have not judged is not brought back: a restore
 * leaves rollouts where they are and names those that were elsewhere.
 */
#pragma once

#include "proxy/control/slots.h"

#include <jansson.h>

/*
 * {"revision": N, "time_ms": N, "slots": {slot: what was said of it}}; the caller's.
 * ERR_NOT_FOUND: there is no such revision.
 */
MUST_CHECK enum err_code snapshot_read(struct store *store, uint64_t revision,
                                       json_t **out, struct err *e);

struct snapshot_restored {
    uint64_t revision; /* of the journal now */
    json_t *moved;     /* [{"slot", "was_ppm", "weight_ppm"}]; the caller's */
    json_t *left;      /* [{"slot", "why"}]; the caller's */
};

#define SNAPSHOT_KIND "weight.restore" /* of its revisions */

/* Who puts it back, why and when; `dry`: say what would be, and move nothing. */
struct snapshot_order {
    span actor;
    span reason;
    span key; /* idempotency, of the whole; may be empty */
    uint64_t now_ms;
    bool dry;
};

/*
 * Every route's weight as it was, in one transaction, durable before it takes effect;
 * actor and reason go to the journal. Nothing to move is OK and no revision. The
 * errors are store_commit's; then nothing was moved.
 */
MUST_CHECK enum err_code snapshot_restore(struct slots *s, struct store *store,
                                          const json_t *snapshot,
                                          const struct snapshot_order *order,
                                          struct snapshot_restored *out,
                                          struct err *e);
