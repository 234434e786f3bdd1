/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream: what an exchange asks of its pool: a place at a connection (link.h)
 * to one of its endpoints, and to send and hold its messages there.
 *
 * An endpoint keeps its idle connections, newest first, upstream_kept of them for
 * upstream_idle_ms each and the rest for a second; one of h2 is shared. Idle ones
 * are watched: an end or any byte closes them, so none is probed before it is used.
 * Which endpoint: p2c over those that control's checks and this worker's own
 * failures leave.
 */
#pragma once

#include "config/generation.h"
#include "proxy/http/head.h"
#include "proxy/observe/segments.h"
#include "proxy/server/io.h"

struct exchange;
struct upstream;
struct upstreams;
struct worker;

MUST_CHECK struct upstreams *upstreams_new(struct worker *w);

/* At GO: find the endpoints' slots by name. */
void upstreams_find(struct upstreams *u);

/* What is not in the worker's arena; all links are closed. */
void upstreams_fini(struct upstreams *u);

/* Close what is idle too long; with `all`, whatever is idle. */
void upstreams_sweep(struct upstreams *u, bool all);

/* Has the pool an endpoint that may be asked? One load if nothing changed. */
bool upstreams_pool_is_up(struct upstreams *u, const struct gen_pool *pool);

/* How many of its endpoints control's checks leave. */
size_t upstreams_pool_n(struct upstreams *u, const struct gen_pool *pool);

/* A pool answered after so long. */
void upstreams_observe(struct upstreams *u, const struct gen_pool *pool,
                       uint64_t us);

/*
 * Get x a connection to its pool: x->up is set and exchange_connected or
 * exchange_failed called, perhaps at once.
 */
void upstream_ask(struct exchange *x);

/*
 * Send a request's head, body and end as h1 or h2. ERR_INVALID: it cannot be said;
 * ERR_LIMIT, ERR_CONFLICT: there is no memory, or the connection is ending.
 */
MUST_CHECK enum err_code upstream_head(struct upstream *up,
                                       const struct http_head *h);
void upstream_body(struct upstream *up, span bytes);
void upstream_end(struct upstream *up, const struct fields *trailers);

/* Send what was gathered now; the bytes need not live longer. */
void upstream_flush(struct upstream *up);
size_t upstream_waiting(struct upstream *up);

/* When it last took of what waits. */
uint64_t upstream_took_ms(const struct upstream *up);

/* Go on reading the answer, or hold it. */
void upstream_read(struct upstream *up, bool on);

/* Is it one of many on their connection (h2)? */
bool upstream_is_shared(const struct upstream *up);

/* Is the connection one that served others, and has it brought no byte since? */
bool upstream_is_stale(const struct upstream *up);

/* "127.0.0.1:9001" */
span upstream_authority(const struct upstream *up);

/* It answered as it should, or not at all, or as a gateway without a backend. */
void upstream_answered(struct upstream *up, bool well);

/* The connection did not come in time: another endpoint, or 504. */
void upstream_give_up(struct upstream *up);

/* x is done with it: kept if both messages ended well, else closed. */
void upstream_release(struct upstream *up, bool is_whole);
