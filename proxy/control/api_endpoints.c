/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls about endpoints: look, take one out of use, take it back.
 */
#include "proxy/control/api_call.h"

#include "proxy/control/api_view.h"
#include "proxy/control/drains.h"
#include "proxy/control/view_traffic.h"
#include "proxy/observe/metrics_table.h"

#include <stdio.h>

/* ── reading ─────────────────────────────────────────────────────────────── */

/* Requests that workers have there now; null where there was no room to count. */
static json_t *
under_way(const struct metrics_sum *sum, const struct gen_pool *pool, span url)
{
    const span labels[] = {pool->name, url};
    char room[METRIC_NAME_MAX];
    span name =
        metric_name(METRIC_UPSTREAM_REQUESTS, labels, COUNT(labels), room);

    if (!metrics_sum_has(sum, name))
        return json_null();
    return json_integer((json_int_t)metrics_sum_get(sum, name));
}

static bool
has_endpoint(const struct gen_pool *pool, span url)
{
    for (size_t i = 0; i < pool->n_endpoints; i++)
        if (span_eq(pool->endpoints[i].url, url))
            return true;
    return false;
}

struct listing {
    const struct gen_pool *pool;
    json_t *list;
};

/* One that is drained and that the file has no more. */
static void
add_absent(void *arg, span url)
{
    const struct listing *l = arg;

    if (!has_endpoint(l->pool, url))
        (void)json_array_append_new(
            l->list, json_pack("{s:s%, s:b, s:b}", "url", url.at, url.len,
                               "drained", 1, "in_file", 0));
}

static json_t *
pool_json(const struct call *c, const struct gen_pool *pool,
          const struct metrics_sum *sum)
{
    const struct store *store = c->control->store;
    struct listing l = {pool, json_array()};

    for (size_t i = 0; i < pool->n_endpoints; i++) {
        const struct gen_endpoint *endpoint = &pool->endpoints[i];
        json_t *one = view_endpoint(c->control, endpoint);

        (void)json_object_set_new(one, "in_file", json_true());
        (void)json_object_set_new(one, "under_way",
                                  under_way(sum, pool, endpoint->url));
        (void)json_array_append_new(l.list, one);
    }
    drains_each(store, pool, add_absent, &l);
    return json_pack("{s:s%, s:I, s:o}", "pool", pool->name.at, pool->name.len,
                     "revision", (json_int_t)drains_revision(store, pool),
                     "endpoints", l.list);
}

/* `pool`, or all of them for NULL; the caller's. NULL: no memory. */
static json_t *
view(const struct call *c, const struct gen_pool *pool)
{
    const struct generation *gen = c->control->gen;
    struct metrics_sum *sum = traffic_sum(c->control);
    json_t *json = NULL, *list;

    if (sum && pool) {
        json = pool_json(c, pool, sum);
    } else if (sum && (list = json_array())) {
        for (size_t i = 0; i < gen->n_pools; i++)
            (void)json_array_append_new(list,
                                        pool_json(c, &gen->pools[i], sum));
        json = json_pack("{s:o}", "pools", list);
    }
    metrics_sum_free(&sum);
    return json;
}

void
get_endpoints(struct call *c)
{
    call_answer(c->out, 200, view(c, NULL));
}

static const struct gen_pool *
find_pool(struct call *c, span name)
{
    const struct gen_pool *pool = generation_pool(c->control->gen, name);

    if (!pool)
        api_problem(c->out, 404, "no pool is called '%.*s'", SPAN_FMT(name));
    return pool;
}

static void
answer_pool(struct call *c, const struct gen_pool *pool)
{
    (void)snprintf(
        c->out->etag, sizeof(c->out->etag), "\"%llu\"",
        (unsigned long long)drains_revision(c->control->store, pool));
    call_answer(c->out, 200, view(c, pool));
}

void
get_pool_endpoints(struct call *c)
{
    const struct gen_pool *pool = find_pool(c, c->rest);

    if (pool)
        answer_pool(c, pool);
}

/* ── a change ────────────────────────────────────────────────────────────── */

static bool
read_endpoint(struct call *c, const json_t *json, struct drain_ask *ask)
{
    const json_t *last = json_object_get(json, "last");

    ask->url = span_str(json_string_value(json_object_get(json, "endpoint")));
    ask->last = json_is_true(last);
    if (ask->url.len == 0)
        api_problem(c->out, 400,
                    "'endpoint' is one of the pool's, as the configuration "
                    "writes it");
    else if (last && !json_is_boolean(last))
        api_problem(c->out, 400, "'last' is true or false");
    else
        return true;
    return false;
}

/* What it would be; refused as it would be. */
static enum err_code
answer_would(struct call *c, const struct drain_ask *ask, struct err *e)
{
    const struct store *store = c->control->store;
    bool is = drains_has(store, ask->pool, ask->url);

    if (drains_may(store, ask, e))
        return e->code;
    call_answer(c->out, 200,
                json_pack("{s:b, s:s%, s:s%, s:b, s:b}", "dry_run", 1, "pool",
                          ask->pool->name.at, ask->pool->name.len, "endpoint",
                          ask->url.at, ask->url.len, "was_drained", is,
                          "drained", ask->drains));
    return OK;
}

static void
refuse(struct call *c, const struct drain_ask *ask, const struct err *e)
{
    const struct store *store = c->control->store;
    bool is_stale =
        ask->expects && ask->expected != drains_revision(store, ask->pool);

    api_problem(c->out,
                is_stale && e->code == ERR_CONFLICT && !store_refuses(store)
                    ? 412
                    : call_status_of(e->code),
                "%s", e->text);
}

static void
do_drain(struct call *c, struct drain_ask *ask, const json_t *json)
{
    span pool = ask->pool->name;
    struct err e;
    bool dry;

    if (!call_if_match(c, &ask->expects, &ask->expected) ||
        !read_endpoint(c, json, ask) || !call_reason(c, json, &ask->reason) ||
        !call_dry(c, json, &dry))
        return;
    switch (call_key(c,
                     json_pack("{s:s%, s:s%}", "pool", pool.at, pool.len,
                               "endpoint", ask->url.at, ask->url.len),
                     drain_kind(ask), &ask->key)) {
    case KEY_NEW:
        break;
    case KEY_SAME:
        answer_pool(c, ask->pool);
        return;
    case KEY_ANOTHER_S:
        return;
    }
    enum err_code code =
        dry ? answer_would(c, ask, &e)
            : drains_do(&c->control->backends, c->control->store, ask, &e);
    if (code)
        refuse(c, ask, &e);
    else if (!dry)
        answer_pool(c, ask->pool);
}

/* The path's last word; a pool's name may have slashes. */
static span
cut_verb(span *path)
{
    size_t n = path->len;

    while (n > 0 && path->at[n - 1] != '/')
        n--;
    span verb = span_skip(*path, n);
    *path = span_take(*path, n ? n - 1 : 0);
    return verb;
}

void
post_endpoints(struct call *c)
{
    static const char *const members[] = {"endpoint", "reason", "last",
                                          "dry_run"};
    span name = c->rest, verb = cut_verb(&name);
    struct drain_ask ask = {.drains = span_is(verb, "drain"),
                            .actor = span_str(c->request->who->actor),
                            .now_ms = c->request->wall_ms};

    if (!ask.drains && !span_is(verb, "undrain")) {
        api_problem(c->out, 404,
                    "it is POST /v1/endpoints/{pool}/drain, or "
                    "undrain");
        return;
    }
    ask.pool = find_pool(c, name);
    json_t *json = ask.pool ? call_body(c, members, COUNT(members)) : NULL;
    if (json)
        do_drain(c, &ask, json);
    json_decref(json);
}
