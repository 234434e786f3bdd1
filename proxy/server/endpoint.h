/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: one backend address as this worker sees it.
 *
 * Where it is and whether control's checks pass stands in the endpoints
 * segment, found by name; whether it took this worker's own connections stands
 * here. A failure to connect ejects it for a while that doubles up to 10 s;
 * if nothing is left in a pool, ejected ones are tried all the same, but a
 * canary whose endpoints are all ejected counts as down. One that takes
 * connections and answers badly in a row is benched, too, but never more than
 * a share of the pool, and never the last: that is no reason to call it down.
 */
#pragma once

#include "proxy/server/address.h"
#include "proxy/server/upstream.h"

struct pool {
    struct upstreams *upstreams;
    const struct gen_pool *gen;
    struct endpoint *endpoints;
    uint32_t *active; /* requests under way, by endpoint */
    uint64_t n_active;
    uint64_t *marks; /* hashes of their URLs */
    int last;        /* of round robin */
    bool has_looked;
    uint64_t *up;     /* bits: may be asked */
    uint64_t *usable; /* bits: not refused by an active check */
    uint64_t *choice; /* room to take bits away for one request */
    uint64_t look_ms; /* an ejection ends then */
    bool is_up;
    uint32_t open_cell, connects_cell, ejected_cell, time_cell;
};

struct endpoint {
    const struct gen_endpoint *gen;
    struct pool *pool;
    size_t index; /* in its pool */
    uint32_t slot;
    bool has_view;
    struct endpoint_view view;
    struct addresses addresses; /* of the view */
    uint64_t ejected_ms;        /* until then */
    unsigned failures;
    unsigned bad_row;               /* bad answers since a good one */
    uint64_t benched_ms;            /* until then */
    uint32_t active_cell;           /* of pool->active, for control */
    uint64_t warm_since_ms;         /* it came back; 0: it was always there */
    struct link *idle;              /* of h1, newest first */
    struct link *shared;            /* of h2, or that will be; newest first */
    struct ssl_session_st *session; /* to be resumed; NULL: none yet */
    size_t streams_max; /* what the last connection allowed at a time */
    bool speaks_h2;     /* it did */
};

struct upstreams {
    struct worker *worker;
    struct pool *pools;
    struct endpoint *endpoints; /* of all pools */
    size_t n_pools, n_endpoints;
    uint64_t version; /* of the segment, as last read */
    uint64_t serial;  /* of the newest link */
    struct link *dead;
};

/*
 * One that may be asked and is not in `tried` (bits); NULL if there is none.
 * `key` (may be NULL) is what a pool that balances by hash goes by.
 */
struct endpoint *endpoint_pick(struct upstreams *u, const struct gen_pool *pool,
                               uint64_t tried, const uint64_t *key);

/* Has the pool as many requests under way as it may? Mirrored ones leave half of
 * them to clients. */
bool endpoint_pool_is_full(struct upstreams *u, const struct gen_pool *pool,
                           bool is_mirrored);

/* An endpoint beyond the 64th of its pool has none and may be tried again. */
uint64_t endpoint_bit(const struct endpoint *e);

/* Has an operator taken it out of use? */
bool endpoint_is_drained(const struct endpoint *e);

/* Read what control says of all, if it says something new. */
void endpoints_look(struct upstreams *u);

/* Whom its certificate must name. */
span endpoint_tls_name(const struct endpoint *e);

/* A request goes to it, and is done. */
void endpoint_enter(struct endpoint *e);
void endpoint_leave(struct endpoint *e);

/* How long what failed again is left alone: half a second that doubles to 10. */
uint64_t endpoint_pause_ms(unsigned failures);

void endpoint_is_well(struct endpoint *e);

/* It answered as it should, or (no answer, a broken one, 502, 504) did not. */
void endpoint_answered(struct endpoint *e, bool well);

/* `ejects`: it did not even take the connection. */
void endpoint_failed(struct endpoint *e, const char *kind, bool ejects);

/* Free what was closed; when a batch of events is done. */
void upstreams_bury(struct upstreams *u);
