/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/endpoint.h"

#include "proxy/base/hash.h"
#include "proxy/observe/log.h"
#include "proxy/server/link.h"
#include "proxy/server/tls.h"
#include "proxy/server/worker.h"
#include "routing/balance.h"

#include <assert.h>

#define PAUSE_FIRST_MS ((uint64_t)500)
#define PAUSE_MAX_MS   ((uint64_t)10000)

static size_t
index_of(const struct upstreams *u, const struct gen_pool *gen)
{
    size_t i = (size_t)(gen - u->worker->gen->pools);

    assert(i < u->n_pools);
    return i;
}

static struct pool *
pool_of(struct upstreams *u, const struct gen_pool *gen)
{
    return &u->pools[index_of(u, gen)];
}

/* ── making ──────────────────────────────────────────────────────────────── */

static bool
init_pool(struct upstreams *u, struct pool *p, const struct gen_pool *gen,
          struct endpoint *endpoints)
{
    struct arena *a = u->worker->arena;
    struct metrics *m = u->worker->metrics;
    size_t words = BALANCE_WORDS(gen->n_endpoints);

    *p = (struct pool){.upstreams = u, .gen = gen, .endpoints = endpoints};
    p->active = arena_array(a, gen->n_endpoints, sizeof(*p->active));
    p->marks = arena_array(a, gen->n_endpoints, sizeof(*p->marks));
    p->last = BALANCE_NONE;
    p->up = arena_array(a, words, sizeof(*p->up));
    p->usable = arena_array(a, words, sizeof(*p->usable));
    p->choice = arena_array(a, words, sizeof(*p->choice));
    p->open_cell = metrics_cell(m, METRIC_UPSTREAM_CONNECTIONS, &gen->name, 1);
    p->connects_cell = metrics_cell(m, METRIC_UPSTREAM_CONNECTS, &gen->name, 1);
    p->ejected_cell = metrics_cell(m, METRIC_EJECTED, &gen->name, 1);
    p->time_cell = metrics_cell(m, METRIC_UPSTREAM_TIME, &gen->name, 1);
    for (size_t i = 0; i < gen->n_endpoints; i++)
        endpoints[i] = (struct endpoint){.gen = &gen->endpoints[i],
                                         .pool = p,
                                         .index = i,
                                         .streams_max = SIZE_MAX,
                                         .slot = SEGMENT_NO_SLOT};
    for (size_t i = 0; p->marks && i < gen->n_endpoints; i++) {
        const span labels[] = {gen->name, gen->endpoints[i].url};

        p->marks[i] = hash64(gen->endpoints[i].url);
        endpoints[i].active_cell =
            metrics_cell(m, METRIC_UPSTREAM_REQUESTS, labels, COUNT(labels));
    }
    return p->active && p->marks && p->up && p->usable && p->choice;
}

struct upstreams *
upstreams_new(struct worker *w)
{
    struct upstreams *u = arena_alloc(w->arena, sizeof(*u));
    size_t at = 0;

    if (!u)
        return NULL;
    u->worker = w;
    u->n_pools = w->gen->n_pools;
    for (size_t i = 0; i < u->n_pools; i++)
        u->n_endpoints += w->gen->pools[i].n_endpoints;
    u->pools = arena_array(w->arena, u->n_pools, sizeof(*u->pools));
    u->endpoints = arena_array(w->arena, u->n_endpoints, sizeof(*u->endpoints));
    if (!u->pools || !u->endpoints)
        return NULL;
    for (size_t i = 0; i < u->n_pools; i++) {
        const struct gen_pool *gen = &w->gen->pools[i];

        if (!init_pool(u, &u->pools[i], gen, u->endpoints + at))
            return NULL;
        at += gen->n_endpoints;
    }
    return u;
}

void
upstreams_fini(struct upstreams *u)
{
    for (size_t i = 0; i < u->n_endpoints; i++)
        tls_forget_session(&u->endpoints[i].session);
}

static void
read_views(struct upstreams *u)
{
    const struct endpoints *segment = u->worker->env->endpoints;
    struct endpoint_view view;

    for (size_t i = 0; i < u->n_endpoints; i++) {
        struct endpoint *e = &u->endpoints[i];

        /* Torn by a writer that died: what was there stays good. */
        if (e->slot != SEGMENT_NO_SLOT &&
            endpoints_read(segment, e->slot, &view) && address_look(e, &view))
            links_leave_strays(e);
    }
    for (size_t i = 0; i < u->n_pools; i++)
        u->pools[i].look_ms = 0;
}

void
upstreams_find(struct upstreams *u)
{
    const struct endpoints *segment = u->worker->env->endpoints;
    char name[ENDPOINT_NAME_MAX];

    if (!segment)
        return;
    u->version = endpoints_version(segment);
    for (size_t i = 0; i < u->n_endpoints; i++) {
        struct endpoint *e = &u->endpoints[i];

        endpoints_name(e->pool->gen->name, e->gen->url, name);
        e->slot = endpoints_find(segment, name);
    }
    read_views(u);
}

/* ── health ──────────────────────────────────────────────────────────────── */

static void
set_bit(uint64_t *words, size_t i, bool on)
{
    uint64_t bit = (uint64_t)1 << (i % 64);

    words[i / 64] = on ? words[i / 64] | bit : words[i / 64] & ~bit;
}

static bool
has_bit(const uint64_t *words, size_t i)
{
    return words[i / 64] >> (i % 64) & 1;
}

/* It is in use again: slow start counts from here. */
static void
note_return(struct pool *p, size_t i, bool is_up, uint64_t now)
{
    if (is_up && p->has_looked && !has_bit(p->up, i))
        p->endpoints[i].warm_since_ms = now;
    set_bit(p->up, i, is_up);
}

static void
look(struct pool *p, uint64_t now)
{
    uint64_t n_ejected = 0, n_in_use = 0;

    p->is_up = false;
    p->look_ms = UINT64_MAX;
    for (size_t i = 0; i < p->gen->n_endpoints; i++) {
        struct endpoint *e = &p->endpoints[i];
        bool passes = !endpoint_is_drained(e) &&
                      !(e->has_view && e->view.health == HEALTH_DOWN);
        bool is_ejected = e->ejected_ms > now, is_benched = e->benched_ms > now;

        set_bit(p->usable, i, passes);
        note_return(p, i, passes && !is_ejected && !is_benched, now);
        if (is_ejected && e->ejected_ms < p->look_ms)
            p->look_ms = e->ejected_ms;
        if (is_benched && e->benched_ms < p->look_ms)
            p->look_ms = e->benched_ms;
        n_ejected += is_ejected || is_benched;
        n_in_use += has_bit(p->up, i);
        p->is_up |= passes && !is_ejected;
    }
    /* Bad answers are better than none: the benched are all there is. */
    for (size_t i = 0; n_in_use == 0 && i < p->gen->n_endpoints; i++)
        set_bit(p->up, i,
                has_bit(p->usable, i) && p->endpoints[i].ejected_ms <= now);
    p->has_looked = true;
    metrics_set(p->upstreams->worker->metrics, p->ejected_cell, n_ejected);
}

void
endpoints_look(struct upstreams *u)
{
    const struct endpoints *segment = u->worker->env->endpoints;

    if (!segment || endpoints_version(segment) == u->version)
        return;
    u->version = endpoints_version(segment);
    read_views(u);
}

static struct pool *
fresh_pool(struct upstreams *u, const struct gen_pool *gen)
{
    struct pool *p = pool_of(u, gen);
    uint64_t now = loop_now_ms(u->worker->loop);

    endpoints_look(u);
    if (p->look_ms <= now)
        look(p, now);
    return p;
}

bool
upstreams_pool_is_up(struct upstreams *u, const struct gen_pool *pool)
{
    return fresh_pool(u, pool)->is_up;
}

size_t
upstreams_pool_n(struct upstreams *u, const struct gen_pool *pool)
{
    const struct pool *p = fresh_pool(u, pool);
    size_t n = 0;

    for (size_t i = 0; i < pool->n_endpoints; i++)
        n += has_bit(p->usable, i);
    return n;
}

void
upstreams_observe(struct upstreams *u, const struct gen_pool *pool, uint64_t us)
{
    metrics_observe_us(u->worker->metrics, pool_of(u, pool)->time_cell, us);
}

static int
choose(struct pool *p, const uint64_t *key)
{
    struct worker *w = p->upstreams->worker;
    size_t n = p->gen->n_endpoints;

    switch (p->gen->balance) {
    case GEN_BALANCE_ROUND_ROBIN:
        return p->last = balance_next(p->choice, n, p->last);
    case GEN_BALANCE_HASH:
        if (key)
            return balance_by_key(p->marks, p->choice, n, *key);
        break;
    case GEN_BALANCE_P2C:
        break;
    }
    return balance_pick(p->active, p->choice, n, worker_dice(w),
                        worker_dice(w));
}

#define WARM_LEAST 16 /* one in so many goes there from the first */

/* Slow start: is it too early for this one? Its share grows with its time. */
static bool
is_spared(const struct pool *p, const struct endpoint *e)
{
    struct worker *w = p->upstreams->worker;
    uint64_t slow = p->gen->slow_start_ms;
    uint64_t warm = loop_now_ms(w->loop) - e->warm_since_ms;

    if (e->warm_since_ms == 0 || warm >= slow)
        return false;
    if (warm < slow / WARM_LEAST)
        warm = slow / WARM_LEAST;
    return worker_dice(w) % slow >= warm;
}

static bool
is_any_left(const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < BALANCE_WORDS(n); i++)
        if (words[i])
            return true;
    return false;
}

bool
endpoint_pool_is_full(struct upstreams *u, const struct gen_pool *pool,
                      bool is_mirrored)
{
    size_t max = is_mirrored ? pool->requests_max / 2 : pool->requests_max;

    return pool->requests_max &&
           counts_pool(&u->worker->counts, index_of(u, pool)) >= max;
}

struct endpoint *
endpoint_pick(struct upstreams *u, const struct gen_pool *pool, uint64_t tried,
              const uint64_t *key)
{
    struct pool *p = fresh_pool(u, pool);
    size_t n = pool->n_endpoints;

    if (n == 0)
        return NULL;
    memcpy(p->choice, p->is_up ? p->up : p->usable,
           BALANCE_WORDS(n) * sizeof(*p->choice));
    p->choice[0] &= ~tried;

    int i = choose(p, key);
    if (i == BALANCE_NONE)
        return NULL;
    if (is_spared(p, &p->endpoints[i])) {
        set_bit(p->choice, (size_t)i, false);
        int other = is_any_left(p->choice, n) ? choose(p, key) : BALANCE_NONE;
        if (other != BALANCE_NONE)
            i = other;
    }
    return &p->endpoints[i];
}

/* Room on the bench: a share of the pool, and never all of it. */
static bool
may_bench(const struct pool *p, uint64_t now)
{
    uint64_t n = 0, n_benched = 0;

    for (size_t i = 0; i < p->gen->n_endpoints; i++) {
        n += !endpoint_is_drained(&p->endpoints[i]);
        n_benched += p->endpoints[i].benched_ms > now;
    }
    return n_benched < n * p->gen->eject.most_ppm / 1000000 &&
           n_benched + 1 < n;
}

void
endpoint_answered(struct endpoint *e, bool well)
{
    const struct gen_eject *eject = &e->pool->gen->eject;
    uint64_t now = loop_now_ms(e->pool->upstreams->worker->loop);

    if (well) {
        e->bad_row = 0;
        return;
    }
    if (eject->failures == 0 || ++e->bad_row < eject->failures ||
        !may_bench(e->pool, now))
        return;
    e->bad_row = 0;
    e->benched_ms = now + eject->for_ms;
    e->pool->look_ms = 0;
    log_warn("endpoint_benched", "pool=%.*s endpoint=%.*s ms=%u",
             SPAN_FMT(e->pool->gen->name), SPAN_FMT(e->gen->url),
             eject->for_ms);
}

uint64_t
endpoint_pause_ms(unsigned failures)
{
    uint64_t ms = PAUSE_FIRST_MS << (failures < 5 ? failures : 5);

    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

void
endpoint_is_well(struct endpoint *e)
{
    if (e->failures == 0)
        return;
    e->failures = 0;
    e->ejected_ms = 0;
    e->pool->look_ms = 0;
}

void
endpoint_failed(struct endpoint *e, const char *kind, bool ejects)
{
    struct worker *w = e->pool->upstreams->worker;
    uint64_t now = loop_now_ms(w->loop);

    metrics_count(w->metrics, METRIC_UPSTREAM_ERRORS, 1, e->pool->gen->name,
                  span_str(kind));
    log_warn_limited(now, "upstream_failed", e->gen->url,
                     "pool=%.*s endpoint=%.*s kind=%s",
                     SPAN_FMT(e->pool->gen->name), SPAN_FMT(e->gen->url), kind);
    if (!ejects)
        return;
    e->ejected_ms = now + endpoint_pause_ms(e->failures++);
    e->pool->look_ms = 0;
}

/* ── what others ask of one ──────────────────────────────────────────────── */

bool
endpoint_is_drained(const struct endpoint *e)
{
    return e->has_view && e->view.health == HEALTH_DRAINED;
}

uint64_t
endpoint_bit(const struct endpoint *e)
{
    return e->index < 64 ? (uint64_t)1 << e->index : 0;
}

span
endpoint_tls_name(const struct endpoint *e)
{
    span name = e->pool->gen->tls_name;

    return name.len ? name : e->gen->host;
}

static void
count(struct endpoint *e, int by)
{
    struct pool *p = e->pool;
    struct upstreams *u = p->upstreams;

    metrics_add(u->worker->metrics, e->active_cell, by);
    p->n_active += (uint64_t)by;
    if (p->gen->requests_max)
        counts_pool_set(&u->worker->counts, index_of(u, p->gen), p->n_active);
}

void
endpoint_enter(struct endpoint *e)
{
    e->pool->active[e->index]++;
    count(e, 1);
}

void
endpoint_leave(struct endpoint *e)
{
    assert(e->pool->active[e->index] > 0);
    e->pool->active[e->index]--;
    count(e, -1);
}
