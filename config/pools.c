/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pools: backends that speak one version of an API.
 */
#include "config/loader.h"

#include "translators/lens/lens.h"

struct pool_reading {
    struct loader *l;
    struct gen_pool *pool;
    const struct yaml *version; /* looked up when the api is known */
    const struct yaml *media;   /* wants an api */
    const struct yaml *tls;     /* read when it is known what is spoken */
};

static void
read_api(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    (void)r;
    reading->pool->api =
        loader_find(reading->l, &reading->l->apis, value, "api");
}

static void
read_version(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    span text;

    if (reader_text(r, value, &text))
        reading->version = value;
}

static bool
parse_authority(struct loader *l, const struct yaml *node, span authority,
                struct gen_endpoint *e)
{
    span port = authority;
    uint64_t n = e->is_tls ? 443 : 80;
    bool ok = authority.len > 0;

    if (span_starts(authority, SPAN("["))) {
        port = span_skip(port, 1);
        e->host = span_cut(&port, ']');
        ok &= port.len == 0 || port.at[0] == ':';
        if (port.len)
            port = span_skip(port, 1);
    } else {
        e->host = span_cut(&port, ':');
    }
    if (port.len)
        ok &= span_to_u64(port, &n) && n > 0 && n <= 65535;
    for (size_t i = 0; i < e->host.len; i++)
        ok &= e->host.at[i] > ' ' && e->host.at[i] < 0x7f &&
              !strchr("/?#@\\\"<>", e->host.at[i]);
    if (!ok || e->host.len == 0) {
        yaml_problem(l->r.problems, node, "`%.*s` is no host and port",
                     SPAN_FMT(authority));
        problem_remedy(l->r.problems, "write it like http://10.0.0.7:9001");
        return false;
    }
    e->port = (uint16_t)n;
    e->authority = authority;
    return true;
}

/* Over a Unix socket nobody's name is known: a Host is made up where none came. */
static void
read_unix(struct loader *l, const struct yaml *node, struct gen_endpoint *e)
{
    e->path = span_str(reader_path(&l->r, node, span_skip(e->url, 5)));
    e->authority = e->host = SPAN("localhost");
    if (e->url.len > 5 && e->path.len <= 100)
        return;
    yaml_problem(l->r.problems, node,
                 "a Unix socket's path has 1 to 100 bytes");
    problem_remedy(l->r.problems, "write it like unix:/run/api.sock");
}

static void
read_endpoint(struct loader *l, const struct yaml *node, struct gen_endpoint *e)
{
    span url;

    e->slot = (uint32_t)l->g->n_endpoints++;
    if (!reader_text(&l->r, node, &url))
        return;
    e->url = url;
    if (span_starts(url, SPAN("unix:"))) {
        read_unix(l, node, e);
        return;
    }
    e->is_tls = span_starts(url, SPAN("https://"));
    if (e->is_tls || span_starts(url, SPAN("http://"))) {
        span authority = span_skip(url, e->is_tls ? 8 : 7);

        if (span_ends(authority, SPAN("/")))
            authority.len--;
        parse_authority(l, node, authority, e);
        return;
    }
    yaml_problem(l->r.problems, node, "`%.*s` is no endpoint", SPAN_FMT(url));
    problem_remedy(l->r.problems, "write it like http://10.0.0.7:9001, "
                                  "https://api.internal or unix:/run/api.sock");
}

static void
read_endpoints(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    struct gen_endpoint *endpoints;

    if (!reader_is_list(r, value, "`endpoints`"))
        return;
    if (value->n == 0) {
        yaml_problem(r->problems, value, "a pool has at least one endpoint");
        problem_remedy(r->problems, "add one, like http://10.0.0.7:9001");
    }
    if (!(endpoints = reader_array(r, value, value->n, sizeof(*endpoints))))
        return;
    for (size_t i = 0; i < value->n; i++)
        read_endpoint(reading->l, value->items[i], &endpoints[i]);
    reading->pool->endpoints = endpoints;
    reading->pool->n_endpoints = value->n;
}

static void
read_check_path(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    span path;

    if (!reader_text(r, value, &path))
        return;
    if (path.at[0] != '/') {
        yaml_problem(r->problems, value, "a path to check begins with `/`");
        problem_remedy(r->problems, "write it like /healthz");
        return;
    }
    reading->pool->check_path = path;
}

static void
read_check_every(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    if (reader_ms(r, value, &reading->pool->check_every_ms) &&
        reading->pool->check_every_ms < 100) {
        yaml_problem(r->problems, value, "checks come at most every 100ms");
        problem_remedy(r->problems, "say 2s");
    }
}

static void
read_check(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"path", read_check_path, true}, {"every", read_check_every, false}};
    struct pool_reading *reading = self;

    reading->pool->check_every_ms = 2000;
    reader_map(r, value, "`check`", words, COUNT(words), self);
}

static void
read_hash(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    reading->pool->hash_by = loader_subject(r, value, "`hash`");
}

static void
read_balance(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    span text;

    if (value->kind == YAML_MAP) {
        /* Others call it by its usual means; what it promises is the same. */
        const char *word = yaml_get(value, "ring_hash") ? "ring_hash" : "hash";
        const struct reader_word words[] = {{word, read_hash, true}};

        reading->pool->balance = GEN_BALANCE_HASH;
        reader_map(r, value, "`balance`", words, COUNT(words), self);
        return;
    }
    if (!reader_text(r, value, &text) || span_is(text, "p2c"))
        return;
    if (span_is(text, "round_robin")) {
        reading->pool->balance = GEN_BALANCE_ROUND_ROBIN;
        return;
    }
    yaml_problem(r->problems, value, "`%.*s` is no way to balance",
                 SPAN_FMT(text));
    problem_remedy(r->problems, "say p2c, round_robin, or {hash: "
                                "[\"header:X-Account\"]}");
}

static void
read_failures(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_eject *eject = self;
    uint64_t n;

    if (reader_count(r, value, 1000000, &n))
        eject->failures = (uint32_t)n;
}

static void
read_for(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_eject *eject = self;

    reader_ms(r, value, &eject->for_ms);
}

static void
read_most(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_eject *eject = self;

    reader_share(r, value, &eject->most_ppm);
}

static void
read_eject(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"failures", read_failures, false},
        {"for", read_for, false},
        {"most", read_most, false}};
    struct pool_reading *reading = self;

    reader_map(r, value, "`eject`", words, COUNT(words), &reading->pool->eject);
}

static void
read_slow_start(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    reader_ms(r, value, &reading->pool->slow_start_ms);
}

static void
read_requests(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    reader_count(r, value, 1000000, &reading->pool->requests_max);
}

static void
read_http(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (span_is(text, "h1"))
        reading->pool->http = GEN_HTTP_1;
    else if (span_is(text, "h2"))
        reading->pool->http = GEN_HTTP_2;
    else {
        yaml_problem(r->problems, value, "`%.*s` is not h1 or h2",
                     SPAN_FMT(text));
        problem_remedy(r->problems, "say h1 or h2, or nothing: over TLS the "
                                    "endpoint chooses, else it is h1");
    }
}

static void
read_media(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    reading->media = value;
    if (span_is(text, "json"))
        reading->pool->media = GEN_MEDIA_JSON;
    else if (span_is(text, "msgpack"))
        reading->pool->media = GEN_MEDIA_MSGPACK;
    else {
        yaml_problem(r->problems, value, "`%.*s` is not json or msgpack",
                     SPAN_FMT(text));
        problem_remedy(r->problems, "say json or msgpack, or nothing: then a "
                                    "body keeps the form it comes in");
    }
}

static void
read_build_header(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    span name;

    if (!reader_text(r, value, &name))
        return;
    if (reader_is_token(name))
        reading->pool->build_header = name;
    else
        yaml_problem(r->problems, value, "`%.*s` is no header's name",
                     SPAN_FMT(name));
}

static void
read_pool_tls(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_reading *reading = self;

    (void)r;
    reading->tls = value;
}

/* A context for all of a pool, if an endpoint asks for one. */
static void
make_tls(struct pool_reading *reading, const struct yaml *node)
{
    struct gen_pool *p = reading->pool;
    bool wants = false;

    for (size_t i = 0; i < p->n_endpoints; i++)
        wants |= p->endpoints[i].is_tls;
    if (wants)
        load_pool_tls(reading->l, reading->tls ? reading->tls : node,
                      reading->tls != NULL, p);
    else if (reading->tls && p->n_endpoints) {
        yaml_problem(reading->l->r.problems, reading->tls,
                     "`tls`, but none of the endpoints is https://");
        problem_remedy(reading->l->r.problems,
                       "write the endpoints as https://, or take it away");
    }
}

static void
find_version(struct pool_reading *reading, const struct yaml *node)
{
    struct gen_pool *p = reading->pool;
    struct problems *problems = reading->l->r.problems;

    p->version = -1;
    if (!p->api && !reading->version) {
        if (reading->media) {
            yaml_problem(problems, reading->media,
                         "`media` of a plain pool, whose bodies are not read");
            problem_remedy(problems, "say `api` and `version` as well");
        }
        return;
    }
    if (!p->api || !reading->version) {
        yaml_problem(problems, node, "`api` and `version` go together");
        problem_remedy(problems, "say both, or neither for a plain pool");
        return;
    }
    if (!p->api->lens)
        return; /* a broken api has been said */
    p->version = lens_version_of(p->api->lens, reading->version->text);
    if (p->version >= 0)
        return;
    yaml_problem(problems, reading->version, "api `%.*s` has no version `%.*s`",
                 SPAN_FMT(p->api->name), SPAN_FMT(reading->version->text));
    problem_remedy(problems, "its versions are in its api.yaml");
}

void
load_pools(struct loader *l)
{
    static const struct reader_word words[] = {
        {"api", read_api, false},
        {"version", read_version, false},
        {"endpoints", read_endpoints, true},
        {"check", read_check, false},
        {"balance", read_balance, false},
        {"eject", read_eject, false},
        {"slow_start", read_slow_start, false},
        {"requests", read_requests, false},
        {"http", read_http, false},
        {"media", read_media, false},
        {"build_header", read_build_header, false},
        {"tls", read_pool_tls, false},
    };
    struct gen_pool *pools;
    struct section s;

    if (!section_map(l, "pools", &s) || s.n == 0)
        return;
    if (!(pools = reader_array(&l->r, s.values[0], s.n, sizeof(*pools))))
        return;
    l->g->pools = pools;
    l->g->n_pools = s.n;
    for (size_t i = 0; i < s.n; i++) {
        struct pool_reading reading = {.l = l, .pool = &pools[i]};

        pools[i].name = s.keys[i]->text;
        pools[i].eject = (struct gen_eject){5, 10000, 500000};
        loader_name(l, &l->pools, s.keys[i], &pools[i], "pool");
        reader_map(&l->r, s.values[i], "a pool", words, COUNT(words), &reading);
        make_tls(&reading, s.values[i]);
        /* An api that is not there is one problem, not two. */
        if (pools[i].api || !yaml_get(s.values[i], "api"))
            find_version(&reading, s.values[i]);
    }
}
