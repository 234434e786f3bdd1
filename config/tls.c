/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: the certificates of listeners and towards pools, read here and never
 * again.
 */
#include "config/loader.h"

#include "certs/client.h"
#include "certs/store.h"

#include <time.h>

struct tls_reading {
    struct loader *l;
    const struct yaml *list; /* `certs` */
    struct certs_load_spec *specs;
    size_t n;
    const char *clients;
    bool failed;
};

static void
read_file_name(struct reader *r, const struct yaml *value, const char **out)
{
    span text;

    if (reader_text(r, value, &text))
        *out = reader_path(r, value, text);
}

static void
read_chain(struct reader *r, const struct yaml *value, void *self)
{
    struct certs_load_spec *spec = self;

    read_file_name(r, value, &spec->chain);
}

static void
read_key(struct reader *r, const struct yaml *value, void *self)
{
    struct certs_load_spec *spec = self;

    read_file_name(r, value, &spec->key);
}

static void
read_staple(struct reader *r, const struct yaml *value, void *self)
{
    struct certs_load_spec *spec = self;

    read_file_name(r, value, &spec->staple);
}

static void
read_certs(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"chain", read_chain, true},
                                               {"key", read_key, true},
                                               {"staple", read_staple, false}};
    struct tls_reading *reading = self;

    if (!reader_is_list(r, value, "`certs`"))
        return;
    reading->specs = reader_array(r, value, value->n, sizeof(*reading->specs));
    if (!reading->specs)
        return;
    reading->list = value;
    reading->n = value->n;
    for (size_t i = 0; i < value->n; i++) {
        reader_map(r, value->items[i], "a certificate", words, COUNT(words),
                   &reading->specs[i]);
        reading->failed |= !reading->specs[i].chain || !reading->specs[i].key;
    }
}

static void
read_clients(struct reader *r, const struct yaml *value, void *self)
{
    struct tls_reading *reading = self;

    read_file_name(r, value, &reading->clients);
}

/* Certificates that end soon, staples that are over: loaded, and told. */
static void
warn(void *ctx, size_t which, const char *sentence)
{
    const struct tls_reading *reading = ctx;
    const struct yaml *at = reading->list->items[which];

    problem_warn(reading->l->r.problems, at->file, at->line, at->column, "%s",
                 sentence);
}

const struct certs_store *
load_tls(struct loader *l, const struct yaml *node, bool for_admin)
{
    static const struct reader_word words[] = {
        {"certs", read_certs, true}, {"clients", read_clients, false}};
    struct tls_reading reading = {.l = l};
    const struct certs_store *store = NULL;
    struct err e = {0};
    size_t which = 0;

    reader_map(&l->r, node, "`tls`", words, COUNT(words), &reading);
    if (reading.failed || !reading.specs)
        return NULL;
    if (reading.n == 0) {
        yaml_problem(l->r.problems, node, "`certs` lists no certificate");
        problem_remedy(l->r.problems, "add {chain: x.pem, key: x.key}");
        return NULL;
    }
    for (size_t i = 0; i < reading.n; i++) {
        reading.specs[i].clients = reading.clients;
        reading.specs[i].clients_may = reading.specs[i].h1_alone = for_admin;
        reading.specs[i].tickets = for_admin ? NULL : l->tickets;
    }
    if (certs_store_build(l->g->arena, reading.specs, reading.n,
                          (int64_t)time(NULL), warn, &reading, &store, &which,
                          &e)) {
        yaml_problem(l->r.problems, reading.list->items[which], "%s", e.text);
        return NULL;
    }
    return store;
}

/* ── towards a pool ──────────────────────────────────────────────────────── */

struct pool_tls {
    struct certs_client_spec spec;
    struct certs_load_spec own; /* its chain and key */
    struct gen_pool *pool;
};

static void
read_authorities(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_tls *reading = self;

    read_file_name(r, value, &reading->spec.authorities);
}

static void
read_name(struct reader *r, const struct yaml *value, void *self)
{
    struct pool_tls *reading = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == ':' ||
            text.at[i] == '/') {
            yaml_problem(r->problems, value, "`%.*s` is no host name",
                         SPAN_FMT(text));
            problem_remedy(r->problems, "write it like api.internal");
            return;
        }
    reading->pool->tls_name = text;
}

static void
read_own(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"chain", read_chain, true},
                                               {"key", read_key, true}};
    struct pool_tls *reading = self;

    reader_map(r, value, "`cert`", words, COUNT(words), &reading->own);
    reading->spec.chain = reading->own.chain;
    reading->spec.key = reading->own.key;
}

static void
on_arena_end(void *ctx)
{
    certs_unload((struct ssl_ctx_st **)&ctx);
}

void
load_pool_tls(struct loader *l, const struct yaml *node, bool is_said,
              struct gen_pool *pool)
{
    static const struct reader_word words[] = {{"ca", read_authorities, false},
                                               {"name", read_name, false},
                                               {"cert", read_own, false}};
    struct pool_tls reading = {.pool = pool};
    struct ssl_ctx_st *ctx = NULL;
    struct err warning = {0}, e = {0};

    if (is_said)
        reader_map(&l->r, node, "a pool's `tls`", words, COUNT(words),
                   &reading);
    if (reading.spec.chain && !reading.spec.key)
        return; /* that has been said */
    reading.spec.h1 = pool->http != GEN_HTTP_2;
    reading.spec.h2 = pool->http != GEN_HTTP_1;
    if (certs_client_load(&reading.spec, (int64_t)time(NULL), &ctx, &warning,
                          &e)) {
        yaml_problem(l->r.problems, node, "%s", e.text);
        if (!reading.spec.authorities)
            problem_remedy(l->r.problems,
                           "name the authorities: tls: {ca: ca.pem}");
        return;
    }
    if (warning.code)
        problem_warn(l->r.problems, node->file, node->line, node->column, "%s",
                     warning.text);
    if (!arena_defer(l->g->arena, on_arena_end, ctx)) {
        certs_unload(&ctx);
        yaml_problem(l->r.problems, node, "the configuration is too big");
        return;
    }
    pool->tls = ctx;
}
