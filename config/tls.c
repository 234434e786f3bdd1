/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: a listener's certificates, read here and never again.
 */
#include "config/loader.h"

#include "certs/store.h"

#include <time.h>

struct tls_reading {
    struct loader *l;
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
read_certs(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"chain", read_chain, true},
                                               {"key", read_key, true}};
    struct tls_reading *reading = self;

    if (!reader_is_list(r, value, "`certs`"))
        return;
    reading->specs = reader_array(r, value, value->n, sizeof(*reading->specs));
    if (!reading->specs)
        return;
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

const struct certs_store *
load_tls(struct loader *l, const struct yaml *node)
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
        reading.specs[i].tickets = l->tickets;
    }
    if (certs_store_build(l->g->arena, reading.specs, reading.n,
                          (int64_t)time(NULL), NULL, NULL, &store, &which,
                          &e)) {
        yaml_problem(l->r.problems, node, "%s", e.text);
        return NULL;
    }
    return store;
}
