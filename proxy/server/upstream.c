/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/upstream.h"

#include "proxy/base/hash.h"
#include "proxy/server/limit.h"
#include "proxy/server/link.h"
#include "proxy/server/worker.h"
#include "routing/facts.h"
#include "routing/subject.h"

void
upstreams_bury(struct upstreams *u)
{
    links_bury(u);
}

/* What a burst has left may be the next one's: to dial costs more than to ask. */
#define SURPLUS_MS ((uint64_t)1000)

static void
sweep_endpoint(struct endpoint *e, uint64_t now, bool all)
{
    const struct gen_limits *limits = &e->pool->upstreams->worker->gen->limits;
    size_t n = 0;

    for (struct link *l = e->idle, *next; l; l = next) {
        bool is_surplus = n++ >= limits->upstream_kept;
        uint64_t most = is_surplus ? SURPLUS_MS : limits->upstream_idle_ms;
        next = l->next;
        bool is_old = now - l->since_ms >= most;

        if (is_old)
            limit_came(l->worker, is_surplus ? SPAN("upstream_kept")
                                             : SPAN("upstream_idle_ms"));
        if (all || is_old)
            link_close(l, POOL_RESET);
    }
    for (struct link *l = e->shared, *next; l; l = next) {
        next = l->next;
        link_h2_look(l, now, all);
    }
}

void
upstreams_sweep(struct upstreams *u, bool all)
{
    uint64_t now = loop_now_ms(u->worker->loop);

    endpoints_look(u); /* where nobody asks, what is idle goes all the same */
    for (size_t i = 0; i < u->n_endpoints; i++)
        sweep_endpoint(&u->endpoints[i], now, all);
}

/* ── asking ──────────────────────────────────────────────────────────────── */

static void
take_idle(struct exchange *x, struct link *l)
{
    if (!link_seat(l, x)) {
        exchange_failed(x, POOL_BUSY);
        return;
    }
    link_list(l, NULL);
    l->state = LINK_H1;
    l->taken_in = loop_batch(x->worker->loop);
    link_h1_begin(l);
}

static void
share(struct exchange *x, struct link *l)
{
    if (!link_seat(l, x))
        exchange_failed(x, POOL_BUSY);
    else if (l->state == LINK_H2)
        link_h2_tell(l);
    /* else it is told when the link is */
}

/* A WebSocket asks for HTTP/1.1 where that is spoken: every server has that. */
static bool
may_share(const struct endpoint *e, const struct exchange *x)
{
    return !x->wants_tunnel || e->pool->gen->http == GEN_HTTP_2;
}

/* At one endpoint; false if it is out of reach. */
static bool
ask_at(struct exchange *x, struct endpoint *e)
{
    struct link *shared = may_share(e, x) ? link_shared(e, x) : NULL;

    if (shared) {
        share(x, shared);
        return true;
    }
    /* What is sent again goes out on a connection that cannot be as old. */
    if (e->idle && !x->was_retried) {
        take_idle(x, e->idle);
        return true;
    }
    switch (link_dial(e, x)) {
    case LINK_DIALLED:
        return true;
    case LINK_NO_ROOM:
        exchange_failed(x, POOL_BUSY);
        return true;
    case LINK_FAILED:
        break;
    }
    endpoint_failed(e, "refused", true);
    x->tried |= endpoint_bit(e);
    return false;
}

/* What a pool that balances by hash goes by; false: the request has none. */
static bool
key_of(const struct exchange *x, uint64_t *key)
{
    const struct gen_pool *pool = x->decision.pool;
    struct decide_case c = exchange_case(x);
    struct facts facts;
    span who;

    if (pool->balance != GEN_BALANCE_HASH)
        return false;
    decide_facts(&c, x->request, &facts);
    if (!subject_find(pool->hash_by, &facts, &who, NULL))
        return false;
    *key = hash64(who);
    return true;
}

void
upstream_ask(struct exchange *x)
{
    struct upstreams *u = x->worker->upstreams;
    uint64_t key;
    bool has_key = key_of(x, &key);

    if (endpoint_pool_is_full(u, x->decision.pool, exchange_is_mirrored(x))) {
        exchange_failed(x, POOL_FULL);
        return;
    }
    /* One that fails leaves the choice, if it is not beyond the 64th: so count. */
    for (size_t n = x->decision.pool->n_endpoints + 1; n > 0; n--) {
        struct endpoint *e =
            endpoint_pick(u, x->decision.pool, x->tried, has_key ? &key : NULL);

        if (!e) {
            exchange_failed(x, x->tried ? POOL_REFUSED : POOL_NONE);
            return;
        }
        if (ask_at(x, e))
            return;
    }
    exchange_failed(x, POOL_REFUSED);
}

void
upstream_answered(struct upstream *up, bool well)
{
    endpoint_answered(up->link->endpoint, well);
}

void
upstream_give_up(struct upstream *up)
{
    struct exchange *x = up->x;

    if (up->link->state != LINK_H2) {
        link_dial_failed(up->link, "timeout", up);
        return;
    }
    link_leave(up); /* it waited for the server's SETTINGS */
    exchange_failed(x, POOL_TIMEOUT);
}

/* ── with a seat ─────────────────────────────────────────────────────────── */

static bool
is_h2(const struct upstream *up)
{
    return up->link->state == LINK_H2;
}

enum err_code
upstream_head(struct upstream *up, const struct http_head *h)
{
    return is_h2(up) ? link_h2_head(up, h) : link_h1_head(up, h);
}

void
upstream_body(struct upstream *up, span bytes)
{
    if (bytes.len == 0)
        return;
    if (is_h2(up))
        link_h2_body(up, bytes);
    else
        link_h1_body(up, bytes);
}

void
upstream_end(struct upstream *up, const struct fields *trailers)
{
    if (is_h2(up))
        link_h2_end(up, trailers);
    else
        link_h1_end(up, trailers);
}

void
upstream_flush(struct upstream *up)
{
    if (!is_h2(up)) /* a seat of h2 has copied them */
        io_flush(&up->link->io);
}

size_t
upstream_waiting(struct upstream *up)
{
    struct link *l = up->link;

    return is_h2(up) ? buf_len(&up->out)
                     : io_backlog(&l->io, l->worker->gen->limits.stream_high);
}

uint64_t
upstream_took_ms(const struct upstream *up)
{
    /* h1: set as its queue began */
    return is_h2(up) ? up->took_ms : up->link->io.progress_ms;
}

void
upstream_read(struct upstream *up, bool on)
{
    if (is_h2(up))
        link_h2_read(up, on);
    else if (up->link->state == LINK_H1)
        watch_read(&up->link->io.watch, on);
}

bool
upstream_is_shared(const struct upstream *up)
{
    return is_h2(up);
}

bool
upstream_is_stale(const struct upstream *up)
{
    return up->was_used && up->heard_n == up->link->heard_n;
}

span
upstream_authority(const struct upstream *up)
{
    return up->link->endpoint->gen->authority;
}

void
upstream_release(struct upstream *up, bool is_whole)
{
    struct link *l = up->link;

    switch (l->state) {
    case LINK_H2:
        link_h2_release(up, is_whole);
        break;
    case LINK_H1:
        link_h1_release(up, is_whole);
        break;
    case LINK_DIALLING:
    case LINK_HANDSHAKE:
        link_leave(up);
        if (l->n_ups == 0)
            link_close(l, POOL_RESET);
        break;
    case LINK_IDLE:
    case LINK_DEAD: /* it is closing: its other seats are told next */
        link_leave(up);
        break;
    }
}
