/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/drains.h"

#include "proxy/base/hash.h"
#include "proxy/observe/log.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

#define PREFIX "pool/"

/* ── a pool's record ─────────────────────────────────────────────────────── */

/* Too long for a record: cut, and told apart by the hash of the whole. */
static span
record_name(const struct gen_pool *pool, char room[STORE_SLOT_MAX + 1])
{
    size_t most = STORE_SLOT_MAX - strlen(PREFIX);
    span name = pool->name;

    if (name.len <= most)
        (void)snprintf(room, STORE_SLOT_MAX + 1, PREFIX "%.*s", SPAN_FMT(name));
    else
        (void)snprintf(room, STORE_SLOT_MAX + 1, PREFIX "%.*s#%016llx",
                       (int)(most - 17), name.at,
                       (unsigned long long)hash64(name));
    return span_str(room);
}

static const struct store_record *
record_of(const struct store *store, const struct gen_pool *pool)
{
    char room[STORE_SLOT_MAX + 1];

    return store_record(store, record_name(pool, room));
}

/* The drained URLs; the caller's. NULL: there is no record. */
static json_t *
list_of(const struct store *store, const struct gen_pool *pool)
{
    const struct store_record *r = record_of(store, pool);
    json_t *json = r ? json_loadb(r->json.at, r->json.len, 0, NULL) : NULL;
    json_t *list = json_incref(json_object_get(json, "drained"));

    json_decref(json);
    return list;
}

static bool
list_has(const json_t *list, span url)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (span_is(url, json_string_value(one)))
            return true;
    }
    return false;
}

bool
drains_has(const struct store *store, const struct gen_pool *pool, span url)
{
    json_t *list = list_of(store, pool);
    bool has = list_has(list, url);

    json_decref(list);
    return has;
}

uint64_t
drains_revision(const struct store *store, const struct gen_pool *pool)
{
    const struct store_record *r = record_of(store, pool);

    return r ? r->revision : 0;
}

void
drains_each(const struct store *store, const struct gen_pool *pool, drain_fn fn,
            void *arg)
{
    json_t *list = list_of(store, pool);
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        fn(arg, span_str(json_string_value(one)));
    }
    json_decref(list);
}

/* ── from the store to the workers ───────────────────────────────────────── */

static size_t
in_use(const struct gen_pool *pool, const json_t *list)
{
    size_t n = 0;

    for (size_t i = 0; i < pool->n_endpoints; i++)
        n += !list_has(list, pool->endpoints[i].url);
    return n;
}

static void
take_pool(struct backends *b, const struct gen_pool *pool,
          const struct store *store)
{
    json_t *list = list_of(store, pool);

    if (!list && store_refuses(store))
        return;
    for (size_t i = 0; i < pool->n_endpoints; i++)
        backends_drain(b, &pool->endpoints[i],
                       list_has(list, pool->endpoints[i].url));
    if (list && in_use(pool, list) == 0)
        log_warn("pool_is_drained", "pool=%.*s", SPAN_FMT(pool->name));
    json_decref(list);
}

void
drains_take(struct backends *b, const struct generation *gen,
            const struct store *store)
{
    for (size_t i = 0; i < gen->n_pools; i++)
        if (gen->pools[i].n_endpoints)
            take_pool(b, &gen->pools[i], store);
}

/* ── a change ────────────────────────────────────────────────────────────── */

const char *
drain_kind(const struct drain_ask *ask)
{
    return ask->drains ? "drain.set" : "drain.clear";
}

static const struct gen_endpoint *
find(const struct gen_pool *pool, span url)
{
    for (size_t i = 0; i < pool->n_endpoints; i++)
        if (span_eq(pool->endpoints[i].url, url))
            return &pool->endpoints[i];
    return NULL;
}

/* `list` is what is drained now. */
static enum err_code
may(const struct store *store, const struct drain_ask *ask, const json_t *list,
    struct err *e)
{
    const struct gen_pool *pool = ask->pool;
    uint64_t at = drains_revision(store, pool);
    bool has = list_has(list, ask->url);

    if (!has && !find(pool, ask->url))
        return err_set(e, ERR_NOT_FOUND,
                       "pool '%.*s' has no endpoint '%.*s': it is called as "
                       "the configuration writes it",
                       SPAN_FMT(pool->name), SPAN_FMT(ask->url));
    if (store_refuses(store))
        return err_set(e, ERR_CONFLICT, "%s", store_refuses(store));
    if (ask->expects && ask->expected != at)
        return err_set(e, ERR_CONFLICT, "it is at revision %llu, not %llu",
                       (unsigned long long)at,
                       (unsigned long long)ask->expected);
    if (ask->drains && !ask->last && !has && in_use(pool, list) <= 1)
        return err_set(e, ERR_CONFLICT,
                       "'%.*s' is the last endpoint in use of pool '%.*s': its "
                       "requests would have nowhere to go (with 'last' it is "
                       "drained all the same)",
                       SPAN_FMT(ask->url), SPAN_FMT(pool->name));
    return OK;
}

enum err_code
drains_may(const struct store *store, const struct drain_ask *ask,
           struct err *e)
{
    json_t *list = list_of(store, ask->pool);
    enum err_code code = may(store, ask, list, e);

    json_decref(list);
    return code;
}

/* What is drained then; NULL: no memory. */
static json_t *
list_after(const json_t *list, const struct drain_ask *ask)
{
    json_t *after = json_array(), *one;
    size_t i;
    bool failed = !after;

    json_array_foreach(list, i, one)
    {
        if (!span_is(ask->url, json_string_value(one)))
            failed |= json_array_append(after, one) != 0;
    }
    if (ask->drains)
        failed |= json_array_append_new(
                      after, json_stringn(ask->url.at, ask->url.len)) != 0;
    if (!failed)
        return after;
    json_decref(after);
    return NULL;
}

/* The record's text; the caller's to free. NULL: no memory. */
static char *
record_text(const json_t *list, const struct drain_ask *ask)
{
    span pool = ask->pool->name;
    json_t *json =
        json_pack("{s:s%, s:s%, s:o}", "pool", pool.at, pool.len, "endpoint",
                  ask->url.at, ask->url.len, "drained", list_after(list, ask));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

static enum err_code
commit(struct store *store, const struct drain_ask *ask, const char *text,
       struct err *e)
{
    char room[STORE_SLOT_MAX + 1];
    const struct store_record *was = record_of(store, ask->pool);
    struct store_change c = {.actor = ask->actor,
                             .reason = ask->reason,
                             .kind = span_str(drain_kind(ask)),
                             .time_ms = ask->now_ms,
                             .before = was ? was->json : (span){0},
                             .after = span_str(text),
                             .record = record_name(ask->pool, room),
                             .key = ask->key,
                             .expects = ask->expects,
                             .expected = ask->expected};
    uint64_t sequence;

    if (store_commit(store, &c, &sequence, e))
        return e->code;
    log_info(ask->drains ? "endpoint_drained" : "endpoint_undrained",
             "pool=%.*s endpoint=%.*s revision=%llu", SPAN_FMT(ask->pool->name),
             SPAN_FMT(ask->url), (unsigned long long)sequence);
    return OK;
}

static enum err_code
change(struct backends *b, struct store *store, const struct drain_ask *ask,
       const json_t *list, struct err *e)
{
    const struct gen_endpoint *endpoint = find(ask->pool, ask->url);
    char *text;
    enum err_code code = may(store, ask, list, e);

    if (code || list_has(list, ask->url) == ask->drains)
        return code;
    text = record_text(list, ask);
    code = text ? commit(store, ask, text, e)
                : err_set(e, ERR_LIMIT, "no memory for the endpoints");
    free(text);
    if (code == OK && endpoint)
        backends_drain(b, endpoint, ask->drains);
    return code;
}

enum err_code
drains_do(struct backends *b, struct store *store, const struct drain_ask *ask,
          struct err *e)
{
    json_t *list = list_of(store, ask->pool);
    enum err_code code = change(b, store, ask, list, e);

    json_decref(list);
    return code;
}
