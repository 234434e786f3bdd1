/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes: what is matched, and where it goes.
 */
#include "config/loader.h"

#include "routing/route.h"
#include "routing/split.h"
#include "routing/subject.h"
#include "translators/lens/lens.h"

#define CANARY_NAME_MAX 50 /* of a route with a canary: its slot has 63 bytes */

struct route_reading {
    struct loader *l;
    struct gen_route *route;
    struct route_spec *spec;
    struct gen_canary *canary;
    const struct yaml *node;
    const struct yaml *writes; /* read when the api's labels are known */
};

static const struct gen_timeouts timeouts_preset = {
#define X(name, preset, doc) .name = (preset),
    GEN_TIMEOUTS(X)
#undef X
};

static void
read_name(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    if (reader_text(r, value, &reading->route->name))
        loader_name(reading->l, &reading->l->routes, value, reading->route,
                    "route");
}

static void
read_api(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    (void)r;
    reading->route->api =
        loader_find(reading->l, &reading->l->apis, value, "api");
}

static void
read_pool(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    (void)r;
    reading->route->pool =
        loader_find(reading->l, &reading->l->pools, value, "pool");
}

/* ---- match ---- */

static void
read_host(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_text(r, value, &reading->spec->host);
}

static void
read_path(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_text(r, value, &reading->spec->path);
}

bool
loader_is_method(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 'A' || s.at[i] > 'Z')
            return false;
    return s.len > 0 && !span_is(s, "CONNECT") && !span_is(s, "TRACE");
}

static void
read_method(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;
    const struct yaml *const *items = value->items;
    size_t n = value->n;
    span *methods;

    if (value->kind == YAML_SCALAR) {
        items = (const struct yaml *const *)&value;
        n = 1;
    } else if (!reader_is_list(r, value, "`method`")) {
        return;
    }
    if (!(methods = reader_array(r, value, n, sizeof(*methods))))
        return;
    for (size_t i = 0; i < n; i++)
        if (reader_text(r, items[i], &methods[i]) &&
            !loader_is_method(methods[i])) {
            yaml_problem(r->problems, items[i], "`%.*s` is no method to route",
                         SPAN_FMT(methods[i]));
            problem_remedy(r->problems, "say GET, POST, ... in capitals");
        }
    reading->spec->methods = methods;
    reading->spec->n_methods = n;
}

static void
read_scheme(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (span_is(text, "http") || span_is(text, "https")) {
        reading->spec->scheme =
            span_is(text, "http") ? ROUTE_HTTP : ROUTE_HTTPS;
        return;
    }
    yaml_problem(r->problems, value, "`%.*s` is not http or https",
                 SPAN_FMT(text));
    problem_remedy(r->problems, "say http: what comes in clear");
}

static void
read_match(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"scheme", read_scheme, false},
                                               {"host", read_host, false},
                                               {"path", read_path, false},
                                               {"method", read_method, false}};

    reader_map(r, value, "`match`", words, COUNT(words), self);
}

/* ---- who: subject and platform ---- */

const struct subject_spec *
loader_subject(struct reader *r, const struct yaml *value, const char *what)
{
    struct subject_spec *spec;
    struct subject_source *sources;
    struct err e;
    span text;

    if (!reader_is_list(r, value, what))
        return NULL;
    spec = reader_array(r, value, 1, sizeof(*spec));
    sources = reader_array(r, value, value->n, sizeof(*sources));
    if (!spec || !sources)
        return NULL;
    for (size_t i = 0; i < value->n; i++)
        if (reader_text(r, value->items[i], &text) &&
            subject_parse(text, &sources[i], &e))
            yaml_problem(r->problems, value->items[i], "%s", e.text);
    *spec = (struct subject_spec){sources, value->n};
    return spec;
}

static void
read_subject(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reading->route->subject = loader_subject(r, value, "`subject`");
}

static void
read_platform_header(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_text(r, value, &reading->route->platform_header);
}

static void
read_platform(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"header", read_platform_header, true}};

    reader_map(r, value, "`platform`", words, COUNT(words), self);
}

/* ---- canary ---- */

struct canary_reading {
    struct loader *l;
    struct gen_canary *canary;
    span salt;
};

static void
read_canary_pool(struct reader *r, const struct yaml *value, void *self)
{
    struct canary_reading *reading = self;

    (void)r;
    reading->canary->pool =
        loader_find(reading->l, &reading->l->pools, value, "pool");
}

static void
read_weight(struct reader *r, const struct yaml *value, void *self)
{
    struct canary_reading *reading = self;

    reader_share(r, value, &reading->canary->weight_ppm);
}

static void
read_salt(struct reader *r, const struct yaml *value, void *self)
{
    struct canary_reading *reading = self;

    reader_text(r, value, &reading->salt);
}

static void
read_shadow(struct reader *r, const struct yaml *value, void *self)
{
    struct canary_reading *reading = self;

    (void)r;
    reading->canary->shadow = load_shadow(reading->l, value);
}

static void
read_canary(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"pool", read_canary_pool, true},
                                               {"weight", read_weight, true},
                                               {"salt", read_salt, true},
                                               {"shadow", read_shadow, false}};
    struct route_reading *reading = self;
    struct canary_reading canary = {.l = reading->l};
    struct err e;

    canary.canary = reader_array(r, value, 1, sizeof(*canary.canary));
    if (!canary.canary)
        return;
    reader_map(r, value, "a canary", words, COUNT(words), &canary);
    if (canary.salt.len &&
        split_build(r->arena, canary.salt, &canary.canary->split, &e))
        yaml_problem(r->problems, value, "%s", e.text);
    reading->canary = canary.canary;
    reading->route->canary = canary.canary;
}

/* ---- time-outs and edits ---- */

#define TIMEOUT_READER(field)                                                  \
    static void read_##field(struct reader *r, const struct yaml *value,       \
                             void *self)                                       \
    {                                                                          \
        struct route_reading *reading = self;                                  \
                                                                               \
        reader_ms(r, value, &reading->route->timeouts.field##_ms);             \
    }
TIMEOUT_READER(connect)
TIMEOUT_READER(answer_head)
TIMEOUT_READER(idle)
TIMEOUT_READER(total)

static void
read_timeouts(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"connect", read_connect, false},
        {"answer_head", read_answer_head, false},
        {"idle", read_idle, false},
        {"total", read_total, false}};

    reader_map(r, value, "`timeouts`", words, COUNT(words), self);
}

/* ---- what may be held ---- */

static void
read_held(struct reader *r, const struct yaml *value, uint64_t *out)
{
    uint64_t n;

    if (!reader_bytes(r, value, &n))
        return;
    if (n > GEN_LIMIT_HELD) {
        yaml_problem(r->problems, value, "`%.*s` is more than may be held",
                     SPAN_FMT(value->text));
        problem_remedy(r->problems, "at most %llu",
                       (unsigned long long)GEN_LIMIT_HELD);
        return;
    }
    *out = n;
}

static void
read_held_request(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    read_held(r, value, &reading->route->held_request);
}

static void
read_held_answer(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    read_held(r, value, &reading->route->held_answer);
}

static bool
is_framing(span name)
{
    static const char *const names[] = {
        "connection", "content-length", "transfer-encoding", "host", "upgrade",
        "te",         "trailer",        "keep-alive"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (span_eq_nocase(name, span_str(names[i])))
            return true;
    return false;
}

static bool
check_field(struct reader *r, const struct yaml *node, span name)
{
    if (reader_is_token(name) && !is_framing(name))
        return true;
    yaml_problem(r->problems, node, "`%.*s` is no field that a route may edit",
                 SPAN_FMT(name));
    problem_remedy(r->problems,
                   "framing and hop-by-hop fields are Stile's own");
    return false;
}

static void
read_set(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_head_edits *edits = self;
    struct gen_field *fields;

    if (!reader_is_map(r, value, "`set`") ||
        !(fields = reader_array(r, value, value->n, sizeof(*fields))))
        return;
    for (size_t i = 0; i < value->n; i++) {
        fields[i].name = value->entries[i].key->text;
        if (!check_field(r, value->entries[i].key, fields[i].name) ||
            !reader_text(r, value->entries[i].value, &fields[i].value))
            continue;
        for (size_t j = 0; j < fields[i].value.len; j++)
            if ((unsigned char)fields[i].value.at[j] < ' ') {
                yaml_problem(r->problems, value->entries[i].value,
                             "a field's value has no control characters");
                break;
            }
    }
    edits->set = fields;
    edits->n_set = value->n;
}

static void
read_remove(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_head_edits *edits = self;
    span *names;

    if (!reader_is_list(r, value, "`remove`") ||
        !(names = reader_array(r, value, value->n, sizeof(*names))))
        return;
    for (size_t i = 0; i < value->n; i++)
        if (reader_text(r, value->items[i], &names[i]))
            check_field(r, value->items[i], names[i]);
    edits->remove = names;
    edits->n_remove = value->n;
}

static const struct reader_word edit_words[] = {{"set", read_set, false},
                                                {"remove", read_remove, false}};

static void
read_request_edits(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_map(r, value, "`request`", edit_words, COUNT(edit_words),
               &reading->route->request);
}

static void
read_answer_edits(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_map(r, value, "`answer`", edit_words, COUNT(edit_words),
               &reading->route->answer);
}

static void
read_headers(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"request", read_request_edits, false},
        {"answer", read_answer_edits, false}};

    reader_map(r, value, "`headers`", words, COUNT(words), self);
}

static void
read_stream(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_bool(r, value, &reading->route->stream);
}

static void
read_websocket(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    reader_bool(r, value, &reading->route->websocket);
}

static void
read_kind(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    reading->route->whole = span_is(text, "whole");
    if (!reading->route->whole) {
        yaml_problem(r->problems, value, "`%.*s` is no kind", SPAN_FMT(text));
        problem_remedy(r->problems, "say whole, or nothing");
    }
}

#define GATE_READER(word)                                                      \
    static void read_##word(struct reader *r, const struct yaml *value,        \
                            void *self)                                        \
    {                                                                          \
        struct route_reading *reading = self;                                  \
                                                                               \
        (void)r;                                                               \
        load_##word(reading->l, value, reading->route);                        \
    }
GATE_READER(redirect)
GATE_READER(answer)
GATE_READER(maintenance)
GATE_READER(allow)
GATE_READER(rate)
GATE_READER(rewrite)

static void
read_patch(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    reading->route->strict_patches = span_is(text, "strict");
    if (!reading->route->strict_patches) {
        yaml_problem(r->problems, value, "`%.*s` is no word of `patch`",
                     SPAN_FMT(text));
        problem_remedy(r->problems, "say strict, or nothing");
    }
}

static void
read_write(struct reader *r, const struct yaml *value, void *self)
{
    struct route_reading *reading = self;

    if (reader_is_map(r, value, "`write`"))
        reading->writes = value;
}

/* ---- what must fit together ---- */

static void
load_labels(struct route_reading *reading)
{
    const struct gen_api *api = reading->route->api;
    span *labels;

    if (!api || !api->lens)
        return;
    labels = reader_array(&reading->l->r, reading->node, api->lens->n_versions,
                          sizeof(*labels));
    for (size_t i = 0; labels && i < api->lens->n_versions; i++)
        labels[i] = api->lens->versions[i].label;
    reading->spec->labels = labels;
    reading->spec->n_labels = labels ? api->lens->n_versions : 0;
}

static void
check_pool(struct route_reading *reading, const struct gen_pool *pool)
{
    const struct gen_route *route = reading->route;
    struct problems *p = reading->l->r.problems;

    if (!pool || pool == &no_pool || !route->api || pool->api == route->api)
        return;
    yaml_problem(p, reading->node, "pool `%.*s` does not speak api `%.*s`",
                 SPAN_FMT(pool->name), SPAN_FMT(route->api->name));
    problem_remedy(p, "give the pool `api: %.*s` and a `version`",
                   SPAN_FMT(route->api->name));
}

static void
check_canary(struct route_reading *reading)
{
    const struct gen_route *route = reading->route;
    struct problems *p = reading->l->r.problems;

    if (!route->canary)
        return;
    check_pool(reading, route->canary->pool);
    if (!route->subject) {
        yaml_problem(p, reading->node,
                     "a canary needs to know who sticks "
                     "together");
        problem_remedy(p, "add `subject: [header:X-Account]`");
    }
    if (route->name.len > CANARY_NAME_MAX) {
        yaml_problem(p, reading->node,
                     "the name of a route with a canary has at most %d bytes",
                     CANARY_NAME_MAX);
        problem_remedy(p, "shorten it");
    }
    reading->canary->index = route->index;
    reading->canary->slot_name =
        arena_fmt(reading->l->g->arena, "route/%.*s", SPAN_FMT(route->name));
}

/* A route leads to a pool, or has an answer of its own; one of these. */
static void
check_target(struct route_reading *reading)
{
    static const char *const own[] = {"redirect", "answer"};
    struct problems *p = reading->l->r.problems;
    const struct yaml *node = reading->node;
    size_t n = yaml_get(node, "pool") != NULL;

    for (size_t i = 0; i < COUNT(own); i++)
        n += yaml_get(node, own[i]) != NULL;
    if (n == 0) {
        yaml_problem(p, node, "a route needs `pool`");
        problem_remedy(p, "add `pool: ...`, or `redirect` or `answer`");
    }
    if (n > 1) {
        yaml_problem(p, node,
                     "a route has one of `pool`, `redirect` and `answer`");
        problem_remedy(p, "keep one of them");
    }
    if (reading->route->api && !yaml_get(node, "pool")) {
        yaml_problem(p, node, "a route that answers by itself has no api");
        problem_remedy(p, "take `api` away");
    }
    if (!yaml_get(node, "pool"))
        reading->route->pool = &no_pool;
}

/*
 * A redirect to another scheme alone is of what comes by the one it leads away
 * from: of the other it would be asked again and again.
 */
static void
settle_redirect(struct route_reading *reading)
{
    const struct gen_redirect *to = &reading->route->redirect;
    struct problems *p = reading->l->r.problems;
    bool leads_to_https = span_is(to->scheme, "https");
    struct route_spec *spec = reading->spec;

    if (to->scheme.len == 0 || to->host.len || to->path.len)
        return;
    if (spec->scheme == (leads_to_https ? ROUTE_HTTPS : ROUTE_HTTP)) {
        yaml_problem(p, yaml_get(reading->node, "redirect"),
                     "a request that came by %.*s is sent to itself",
                     SPAN_FMT(to->scheme));
        problem_remedy(p, "take `scheme` out of `match`");
    }
    spec->scheme = leads_to_https ? ROUTE_HTTP : ROUTE_HTTPS;
}

/* What the canary erases is asked when the baseline erases nothing. */
static void
check_route_writes(struct route_reading *reading)
{
    const struct gen_canary *canary = reading->route->canary;
    size_t before = reading->l->r.problems->total;

    check_writes(reading->l, reading->node, reading->spec, reading->route,
                 reading->route->pool);
    if (canary && reading->l->r.problems->total == before)
        check_writes(reading->l, reading->node, reading->spec, reading->route,
                     canary->pool);
}

static void
load_route(struct route_reading *reading)
{
    static const struct reader_word words[] = {
        {"name", read_name, true},
        {"match", read_match, false},
        {"api", read_api, false},
        {"pool", read_pool, false},
        {"write", read_write, false},
        {"subject", read_subject, false},
        {"platform", read_platform, false},
        {"canary", read_canary, false},
        {"timeouts", read_timeouts, false},
        {"held_request", read_held_request, false},
        {"held_answer", read_held_answer, false},
        {"headers", read_headers, false},
        {"stream", read_stream, false},
        {"kind", read_kind, false},
        {"patch", read_patch, false},
        {"websocket", read_websocket, false},
        {"redirect", read_redirect, false},
        {"answer", read_answer, false},
        {"maintenance", read_maintenance, false},
        {"allow", read_allow, false},
        {"rate", read_rate, false},
        {"rewrite", read_rewrite, false},
    };

    reading->route->timeouts = timeouts_preset;
    reading->route->held_request = reading->l->g->limits.held_request;
    reading->route->held_answer = reading->l->g->limits.held_answer;
    reader_map(&reading->l->r, reading->node, "a route", words, COUNT(words),
               reading);
    check_target(reading);
    settle_redirect(reading);
    load_labels(reading);
    if (reading->writes)
        load_writes(reading->l, reading->writes, reading->spec, reading->route);
    check_pool(reading, reading->route->pool);
    check_canary(reading);
    check_route_writes(reading);
}

void
load_routes(struct loader *l)
{
    struct gen_route *routes;
    struct route_spec *specs;
    struct section s;
    struct err e;
    size_t which = 0, before = l->r.problems->total;

    if (!section_list(l, "routes", &s))
        return;
    if (s.n == 0) {
        problem_add(l->r.problems, l->g->file, 0, 0, "there are no routes");
        problem_remedy(l->r.problems, "add `routes: [{name: all, pool: ...}]`");
        return;
    }
    routes = reader_array(&l->r, s.values[0], s.n, sizeof(*routes));
    specs = reader_array(&l->r, s.values[0], s.n, sizeof(*specs));
    if (!routes || !specs)
        return;
    l->g->routes = l->route_at = routes;
    l->g->n_routes = s.n;
    l->specs = specs;
    for (size_t i = 0; i < s.n; i++) {
        struct route_reading reading = {.l = l,
                                        .route = &routes[i],
                                        .spec = &specs[i],
                                        .node = s.values[i]};

        routes[i].index = i;
        load_route(&reading);
    }
    /* Only whole routes can be told apart; what broke them has been said. */
    if (l->r.problems->total == before &&
        route_build(l->g->arena, specs, s.n, &l->g->router, &which, &e))
        yaml_problem(l->r.problems, s.values[which], "%s", e.text);
}
