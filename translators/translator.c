/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translator: what of an API is prepared before the first message.
 */
#include "translators/program.h"

#include "proxy/base/hash.h"

/* ---- what can change ----------------------------------------------------------- */

static bool
build_changes(struct arena *a, const struct lens_api *api, bool up,
              const bool **out)
{
    size_t n = api->n_types;
    size_t tables = api->n_versions ? api->n_versions - 1 : 0;
    bool *changes = arena_array(a, n * tables + 1, sizeof(*changes));
    for (size_t i = 0; changes && i < tables; i++)
        for (size_t type = 0; type < n; type++)
            changes[i * n + type] =
                reference_changes(api, type, up ? i : i + 1, up ? i + 1 : i);
    *out = changes;
    return changes != NULL;
}

/* ---- elements that say their own version ------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): each type once */
static bool
says_below(const struct lens_api *api, size_t version, size_t type, bool *seen)
{
    const struct lens_type_at *at = &api->types[type].at[version];
    if (seen[type])
        return false;
    seen[type] = true;
    for (size_t i = 0; i < at->n_children; i++)
        if (api->types[at->children[i].type].has_version_at ||
            says_below(api, version, at->children[i].type, seen))
            return true;
    return false;
}
/* NOLINTEND(misc-no-recursion) */

static bool
build_says(struct arena *a, struct translator *t)
{
    const struct lens_api *api = t->api;
    size_t n = api->n_types;
    for (size_t i = 0; i < n; i++)
        t->has_version_at |= api->types[i].has_version_at;
    if (!t->has_version_at)
        return true;
    bool *says = arena_array(a, n * api->n_versions, sizeof(*says));
    bool *seen = arena_array(a, n, sizeof(*seen));
    for (size_t v = 0; says && seen && v < api->n_versions; v++)
        for (size_t type = 0; type < n; type++) {
            memset(seen, 0, n * sizeof(*seen));
            says[v * n + type] = says_below(api, v, type, seen);
        }
    t->says_below = says;
    return says && seen;
}

/* ---- sites ------------------------------------------------------------------------ */

/* Of one message, at one place, whatever is there. */
static bool
is_same_site(const struct lens_site *x, const struct lens_site *y)
{
    return x->type == y->type && !x->when.said && !y->when.said &&
           x->message.ways == y->message.ways &&
           x->message.path == y->message.path &&
           span_eq(x->message.method, y->message.method) &&
           span_eq(x->message.text, y->message.text) &&
           lens_place_same(&x->place, &y->place);
}

/* Where messages have types at neighbouring versions is mostly the same. */
static bool
build_same_sites(struct arena *a, const struct lens_api *api, const bool **out)
{
    bool *same = arena_array(a, api->n_versions + 1, sizeof(*same));
    *out = same;
    for (size_t v = 0; same && v + 1 < api->n_versions; v++) {
        size_t n = api->n_sites[v];
        same[v] = n == api->n_sites[v + 1];
        for (size_t i = 0; same[v] && i < n; i++)
            same[v] = is_same_site(&api->sites[v][i], &api->sites[v + 1][i]);
    }
    return same != NULL;
}

/* ---- identity --------------------------------------------------------------------- */

static uint64_t
hash_shape(uint64_t h, const struct lens_shape *s)
{
    for (size_t i = 0; i < s->n_tags; i++)
        h = hash64_seeded(s->tags[i].place.text, h);
    for (size_t i = 0; i < s->n_conditions; i++)
        h = hash64_seeded(s->conditions[i].place.text, h);
    return h;
}

/* NOLINTBEGIN(misc-no-recursion): cases nest as deep as the file does */
static uint64_t
hash_block(uint64_t h, const struct lens_block *b)
{
    for (size_t i = 0; b && i < b->n_arrows; i++)
        for (size_t w = 0; w < b->arrows[i].n_ways; w++) {
            const struct lens_way *way = &b->arrows[i].ways[w];
            h = hash64_seeded(way->place[LENS_OLDER].text,
                              h + way->origin.line);
            h = hash64_seeded(way->place[LENS_NEWER].text, h);
        }
    for (size_t i = 0; b && i < b->n_choices; i++)
        for (size_t k = 0; k < b->choices[i].n_cases; k++) {
            const struct lens_case *c = &b->choices[i].cases[k];
            h = hash_shape(h + c->origin.line, &c->shape[LENS_OLDER]);
            h = hash_block(hash_shape(h, &c->shape[LENS_NEWER]), c->block);
        }
    return h;
}
/* NOLINTEND(misc-no-recursion) */

/* Names, lines and places of all arrows of a table. */
static uint64_t
hash_table(const struct lens_api *api, size_t table)
{
    const struct lens_table *t = &api->tables[table];
    uint64_t h = table;
    for (size_t i = 0; i < api->n_changes; i++)
        if (api->changes[i].table == table)
            h = hash64_seeded(api->changes[i].name, h);
    for (size_t type = 0; type < api->n_types; type++)
        h = hash_block(h + type, t->blocks[type]);
    for (size_t k = 0; k < t->n_http; k++) {
        h = hash_block(h + k + t->http[k].gone, t->http[k].block);
        h = hash64_seeded(t->http[k].route[LENS_NEWER].text, h);
    }
    return h;
}

/* Of all tables below a version, so that those between two are a difference. */
static bool
build_tables(struct arena *a, const struct lens_api *api, const uint64_t **out)
{
    uint64_t *below = arena_array(a, api->n_versions + 1, sizeof(*below));
    *out = below;
    for (size_t v = 0; below && v + 1 < api->n_versions; v++)
        below[v + 1] = below[v] + hash_table(api, v);
    return below != NULL;
}

uint64_t
translator_identity(const struct translator *t, size_t from, size_t to)
{
    const struct lens_api *api = t->api;
    size_t low = from < to ? from : to;
    size_t high = from < to ? to : from;
    uint64_t h = hash64_pair(api->name, api->versions[from].label);
    h += t->tables_below[high] - t->tables_below[low];
    return hash64_seeded(api->versions[to].label, h);
}

/* ---- plans ------------------------------------------------------------------------ */

/* Beyond this only what leads to or from versions that servers speak is planned ahead; where
 * that is not known, the newest. */
#define PLANNED_VERSIONS_MAX 8

/* Programs for which messages between two versions, of enum plan_kind. */
static uint8_t
wanted_of(const struct lens_api *api, const bool *spoken, size_t from,
          size_t to)
{
    size_t n = api->n_versions;
    if (n <= PLANNED_VERSIONS_MAX)
        return PLAN_BOTH;
    if (!spoken)
        return from + 1 == n || to + 1 == n ? PLAN_BOTH : 0;
    return (uint8_t)((spoken[to] ? PLAN_REQUESTS : 0) |
                     (spoken[from] ? PLAN_ANSWERS : 0));
}

static enum err_code
build_plans(struct arena *a, struct translator *t, const bool *spoken,
            struct err *e)
{
    const struct lens_api *api = t->api;
    size_t n = api->n_versions;
    const struct plan **plans =
        arena_array(a, n * n + 1, sizeof(const struct plan *));
    uint8_t *wanted = arena_array(a, n * n + 1, sizeof(*wanted));
    if (!plans || !wanted)
        return err_set(e, ERR_LIMIT, "no room for a translator");
    for (size_t from = 0; from < n; from++)
        for (size_t to = 0; to < n; to++)
            wanted[from * n + to] = wanted_of(api, spoken, from, to);
    t->plans = plans;
    if (plan_build_all(a, api, wanted, plans, e) != OK)
        return e->code;
    for (size_t i = 0; i < n * n; i++) {
        bool is_wanted = wanted[i] && i / n != i % n;
        t->n_wanted += is_wanted;
        t->n_planned += is_wanted && plans[i];
    }
    return OK;
}

enum err_code
translator_build_for(struct arena *a, const struct lens_api *api,
                     const bool *spoken, const struct translator **out,
                     struct err *e)
{
    struct translator *t = arena_alloc(a, sizeof(*t));
    if (t)
        t->api = api;
    if (!t || !build_says(a, t) ||
        !build_changes(a, api, true, &t->changes[0]) ||
        !build_changes(a, api, false, &t->changes[1]) ||
        !build_same_sites(a, api, &t->same_sites) ||
        !build_tables(a, api, &t->tables_below))
        return err_set(e, ERR_LIMIT, "no room for a translator");
    *out = t;
    return build_plans(a, t, spoken, e);
}

size_t
translator_unplanned(const struct translator *t, size_t *of)
{
    *of = t->n_wanted;
    return t->n_wanted - t->n_planned;
}

enum err_code
translator_build(struct arena *a, const struct lens_api *api,
                 const struct translator **out, struct err *e)
{
    return translator_build_for(a, api, NULL, out, e);
}

bool
translator_reads_versions(const struct translator *t)
{
    return t->has_version_at;
}
