/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/api_view.h"

#include "proxy/base/hex.h"
#include "proxy/base/quantity.h"
#include "proxy/base/version.h"
#include "proxy/control/view_rollout.h"
#include "translators/lens/lens.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/*
 * jansson's json_object_set_new takes a value that is NULL as a failure and one
 * that cannot be set is given back: so a document is built on, and whether all
 * of it is there is asked at the end.
 */
struct made {
    json_t *json;
    bool failed;
};

static struct made
object(void)
{
    json_t *json = json_object();

    return (struct made){json, json == NULL};
}

static void
put(struct made *m, const char *name, json_t *value)
{
    if (m->failed)
        json_decref(value);
    else if (json_object_set_new_nocheck(m->json, name, value) != 0)
        m->failed = true;
}

static json_t *
take(struct made *m)
{
    if (!m->failed)
        return m->json;
    json_decref(m->json);
    return NULL;
}

/* The same for a list: NULL once something could not be added. */
static void
add(json_t **list, json_t *value)
{
    if (json_array_append_new(*list, value) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

/* What is no UTF-8 (a worker may send it) has no place in JSON. */
static json_t *
text(span s)
{
    json_t *json = json_stringn(s.at ? s.at : "", s.len);

    return json ? json : json_string("(not UTF-8)");
}

static json_t *
number(uint64_t n)
{
    return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

/* ---------------------------------------------------------------------- weights */

json_t *
view_weight(const struct control *c, const struct slot *slot)
{
    struct slot_state s;
    char share[32];
    struct made m = object();

    slots_state(&c->slots, c->store, slot, &s);
    quantity_share_text(s.weight_ppm, share, sizeof(share));
    put(&m, "slot", text(slot->canary->slot_name));
    put(&m, "route", text(slot->route->name));
    put(&m, "pool", text(slot->route->pool->name));
    put(&m, "canary", text(slot->canary->pool->name));
    put(&m, "file_ppm", number(s.file_ppm));
    put(&m, "weight_ppm", number(s.weight_ppm));
    put(&m, "weight", json_string(share));
    put(&m, "effective_ppm", number(s.effective_ppm));
    put(&m, "run", number(s.run));
    put(&m, "halted", json_boolean(s.halted));
    put(&m, "revision", number(s.revision));
    return take(&m);
}

json_t *
view_weights(const struct control *c)
{
    json_t *list = json_array();
    struct made m = object();

    for (size_t i = 0; i < c->slots.n; i++)
        add(&list, view_weight(c, &c->slots.at[i]));
    put(&m, "weights", list);
    return take(&m);
}

/* ----------------------------------------------------------------------- status */

static json_t *
view_generation(const struct control *c)
{
    struct made m = object();

    put(&m, "number", number(c->gen->number));
    put(&m, "file", text(c->gen->file));
    return take(&m);
}

static json_t *
view_verdict(const struct verdict *v)
{
    struct made m = object();

    put(&m, "ok", json_boolean(v->ok));
    put(&m, "generation", number(v->generation));
    put(&m, "said", text(v->said));
    return take(&m);
}

static json_t *
view_store(const struct control *c)
{
    const char *refuses = store_refuses(c->store);
    struct made m = object();

    put(&m, "path", text(c->gen->state_dir));
    put(&m, "revision", number(store_sequence(c->store)));
    put(&m, "refuses", refuses ? json_string(refuses) : json_null());
    return take(&m);
}

/* The supervisor lists the pids of a generation by worker and leaves out one
 * that is being replaced: then nobody's place in the list is known. */
static json_t *
view_pid(const struct control *c, const struct crew_member *m)
{
    const json_t *generations = json_object_get(c->processes, "generations");
    const json_t *generation;
    size_t i, n = 0;

    for (size_t k = 0; k < c->crew.n; k++)
        n += c->crew.at[k].generation == m->generation;
    json_array_foreach(generations, i, generation)
    {
        json_t *pids = json_object_get(generation, "workers");
        json_int_t number =
            json_integer_value(json_object_get(generation, "number"));
        if ((uint64_t)number == m->generation && json_array_size(pids) == n)
            return json_incref(json_array_get(pids, (size_t)m->worker));
    }
    return json_null();
}

static json_t *
view_workers(const struct control *c, uint64_t now_ms)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->crew.n; i++) {
        struct made m = object();
        uint64_t age = crew_age_ms(&c->crew.at[i], now_ms);
        json_t *pid = view_pid(c, &c->crew.at[i]);
        put(&m, "worker", number(c->crew.at[i].worker));
        put(&m, "pid", pid ? pid : json_null());
        put(&m, "generation", number(c->crew.at[i].generation));
        put(&m, "heartbeat_ms", age == UINT64_MAX ? json_null() : number(age));
        add(&list, take(&m));
    }
    return list;
}

static json_t *
view_addresses(const struct backend *b)
{
    json_t *list = json_array();
    char address[64];

    for (size_t i = 0; i < b->n_addresses; i++) {
        endpoint_address_text(&b->addresses[i], address, sizeof(address));
        add(&list, json_string(address));
    }
    return list;
}

static const char *
health_word(const struct backend *b)
{
    if (b->n_addresses == 0 && b->endpoint->path.len == 0)
        return "unresolved";
    if (b->pool->check_path.len == 0)
        return "unchecked";
    return endpoint_health_name(b->health.is);
}

/* What workers were told differs from what is so when the cap holds it in use. */
static bool
is_held(const struct control *c, const struct backend *b)
{
    struct endpoint_view view;

    return b->health.is == HEALTH_DOWN && !b->is_drained &&
           endpoints_read(c->backends.segment, b->slot, &view) &&
           view.health != HEALTH_DOWN;
}

json_t *
view_endpoint(const struct control *c, const struct gen_endpoint *endpoint)
{
    const struct backend *b = backends_find(&c->backends, endpoint);
    struct made m = object();

    put(&m, "url", text(endpoint->url));
    if (!b)
        return take(&m);
    put(&m, "addresses", view_addresses(b));
    put(&m, "health", json_string(health_word(b)));
    put(&m, "held", json_boolean(is_held(c, b)));
    put(&m, "drained", json_boolean(b->is_drained));
    put(&m, "said", text(span_str(b->said)));
    return take(&m);
}

static json_t *
view_endpoints(const struct control *c, const struct gen_pool *pool)
{
    json_t *list = json_array();

    for (size_t i = 0; i < pool->n_endpoints; i++)
        add(&list, view_endpoint(c, &pool->endpoints[i]));
    return list;
}

static json_t *
view_pool(const struct control *c, const struct gen_pool *pool)
{
    struct made m = object();
    const struct gen_api *api = pool->api;
    bool known = api && api->lens && pool->version >= 0 &&
                 (size_t)pool->version < api->lens->n_versions;

    put(&m, "name", text(pool->name));
    put(&m, "api", api ? text(api->name) : json_null());
    put(&m, "version",
        known ? text(api->lens->versions[pool->version].label) : json_null());
    put(&m, "check",
        pool->check_path.len ? text(pool->check_path) : json_null());
    put(&m, "endpoints", view_endpoints(c, pool));
    return take(&m);
}

static json_t *
view_pools(const struct control *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->gen->n_pools; i++)
        add(&list, view_pool(c, &c->gen->pools[i]));
    return list;
}

static json_t *
view_route(const struct control *c, const struct gen_route *route)
{
    const struct slot *slot =
        route->canary ? slots_find(&c->slots, route->canary->slot_name) : NULL;
    struct made m = object();

    put(&m, "name", text(route->name));
    put(&m, "api", route->api ? text(route->api->name) : json_null());
    put(&m, "pool", text(route->pool->name));
    put(&m, "canary", slot ? view_weight(c, slot) : json_null());
    return take(&m);
}

static json_t *
view_rollouts(const struct control *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->rollouts.n; i++)
        add(&list, view_rollout(&c->rollouts, &c->rollouts.at[i]));
    return list;
}

static json_t *
view_routes(const struct control *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->gen->n_routes; i++)
        add(&list, view_route(c, &c->gen->routes[i]));
    return list;
}

/* By the supervisor's account; without one it is as it was. */
static const char *
own_state(const struct control *c)
{
    const json_t *g;
    size_t i;

    json_array_foreach(json_object_get(c->processes, "generations"), i, g)
    {
        json_int_t its = json_integer_value(json_object_get(g, "number"));

        if ((uint64_t)its == c->gen->number)
            return json_string_value(json_object_get(g, "state"));
    }
    return NULL;
}

const char *
view_not_ready(const struct control *c, uint64_t now_ms, char *room,
               size_t size)
{
    const char *state = own_state(c);

    /* Workers beat before they may accept: that alone is not readiness. */
    if (!c->processes && c->has_supervisor)
        return "the supervisor has not said yet what serves";
    if (state && strcmp(state, "live") != 0) {
        (void)snprintf(room, size, "the generation does not serve: it is %s",
                       state);
        return room;
    }
    return crew_not_ready(&c->crew, c->gen->number, now_ms, room, size);
}

json_t *
view_status(struct control *c, uint64_t now_ms)
{
    char room[128];
    struct made m = object();
    const char *not_ready = view_not_ready(c, now_ms, room, sizeof(room));

    put(&m, "version", json_string(version_number()));
    put(&m, "pid", number((uint64_t)getpid()));
    put(&m, "ready", json_boolean(!not_ready));
    put(&m, "not_ready", not_ready ? json_string(not_ready) : json_null());
    put(&m, "generation", view_generation(c));
    put(&m, "reload",
        c->verdict.known ? view_verdict(&c->verdict) : json_null());
    put(&m, "reloading", json_boolean(c->is_reloading));
    put(&m, "supervisor", json_boolean(c->has_supervisor));
    put(&m, "processes",
        c->processes ? json_incref(c->processes) : json_null());
    put(&m, "deaths", number(c->deaths));
    put(&m, "store", view_store(c));
    put(&m, "workers", view_workers(c, now_ms));
    put(&m, "pools", view_pools(c));
    put(&m, "routes", view_routes(c));
    put(&m, "rollouts", view_rollouts(c));
    return take(&m);
}

/* -------------------------------------------------------------------- revisions */

static void
time_text(uint64_t ms, char out[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {0};
    char date[32];

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, 40, "%s.%03uZ", date, (unsigned)(ms % 1000));
}

/* `before` and `after` are JSON that we wrote, or nothing. */
static json_t *
json_of(span s)
{
    json_t *json =
        s.len ? json_loadb(s.at, s.len, JSON_DECODE_ANY, NULL) : json_null();

    return json ? json : text(s);
}

json_t *
view_revision(const struct store_revision *r)
{
    struct made m = object();
    char time[40], hash[2 * STORE_HASH_BYTES + 1];

    time_text(r->time_ms, time);
    hex_put(r->previous, STORE_HASH_BYTES, hash);
    put(&m, "revision", number(r->sequence));
    put(&m, "time", json_string(time));
    put(&m, "actor", text(r->actor));
    put(&m, "reason", text(r->reason));
    put(&m, "kind", text(r->kind));
    put(&m, "before", json_of(r->before));
    put(&m, "after", json_of(r->after));
    put(&m, "previous", json_string(hash));
    return take(&m);
}

static bool
list_revision(void *arg, const struct store_revision *r)
{
    json_t **list = arg;

    add(list, view_revision(r));
    return *list != NULL;
}

json_t *
view_revisions(struct control *c, uint64_t before, size_t max, struct err *e)
{
    json_t *list = json_array();
    struct made m = object();

    e->code = OK;
    if (store_revisions(c->store, before, max, list_revision, &list, e))
        m.failed = true;
    put(&m, "revisions", list);
    json_t *json = take(&m);
    if (!json && e->code == OK)
        err_set(e, ERR_LIMIT, "no memory for the revisions");
    return json;
}

/* ----------------------------------------------------------------------- records */

json_t *
view_record(const struct record *r)
{
    struct made m = object();

#define X(name, doc) put(&m, #name, text(r->name));
    RECORD_TEXTS(X)
#undef X
#define X(name, doc) put(&m, #name, number(r->name));
    RECORD_NUMBERS(X)
#undef X
    return take(&m);
}
