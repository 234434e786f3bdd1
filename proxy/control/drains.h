/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drains: endpoints that an operator took out of use while the file keeps them.
 *
 * A pool's drained endpoints are one record of the store, so that two operators who
 * each count on the other's endpoint cannot both take theirs. They are called by
 * their URLs; one that the file has no more stays in the record, and is drained if
 * it comes back. What workers read is the segment, written once the store has it:
 * nothing new goes to a drained endpoint, what is under way there ends there, and
 * its connections are let go.
 */
#pragma once

#include "proxy/control/backends.h"
#include "proxy/control/store.h"

struct drain_ask {
    const struct gen_pool *pool;
    span url;
    bool drains; /* else it is taken back into use */
    bool last;   /* even if none of the pool is left in use */
    span actor;
    span reason;
    uint64_t now_ms;
    span key;     /* idempotency; may be empty */
    bool expects; /* only if the pool's record is at revision `expected` */
    uint64_t expected;
};

/* "drain.set", "drain.clear" */
const char *drain_kind(const struct drain_ask *ask);

/*
 * What the store says of each pool, for the workers: when control takes the store.
 * Of a store that refuses, only what it has: what was drained before stays so.
 */
void drains_take(struct backends *b, const struct generation *gen,
                 const struct store *store);

bool drains_has(const struct store *store, const struct gen_pool *pool,
                span url);

/* What the last change of this pool was; 0: there was none. */
uint64_t drains_revision(const struct store *store,
                         const struct gen_pool *pool);

/* Called with each drained URL of the pool. */
typedef void (*drain_fn)(void *arg, span url);
void drains_each(const struct store *store, const struct gen_pool *pool,
                 drain_fn fn, void *arg);

/*
 * May it be done? Nothing is changed. ERR_NOT_FOUND: neither the file nor the record
 * has such an endpoint. ERR_CONFLICT: it is the last in use and `last` was not
 * said, the record is at another revision, or the store refuses.
 */
MUST_CHECK enum err_code drains_may(const struct store *store,
                                    const struct drain_ask *ask, struct err *e);

/*
 * Durable, then in effect, then OK; what is so already is OK and no revision. The
 * errors are those of drains_may and store_commit.
 */
MUST_CHECK enum err_code drains_do(struct backends *b, struct store *store,
                                   const struct drain_ask *ask, struct err *e);
