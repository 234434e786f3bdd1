/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach: which types an outer type's arrows lead into, in any version: their objects
 * have no state there.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): types lie in types, and cases in cases */

static bool
leads_into(const struct lens_place *child, const struct lens_place *place)
{
    if (child->n >= place->n)
        return false;
    struct lens_place begin = {place->steps, child->n, place->text};
    return lens_place_same(child, &begin);
}

struct reach {
    struct arena *a;
    const struct lens_api *api;
    bool *reaches;
    bool full;
    size_t type;
    size_t table;
};

static void
reach(const struct reach *r, const struct lens_place *place)
{
    const struct lens_type *type = &r->api->types[r->type];
    for (size_t v = r->table; v <= r->table + 1; v++)
        for (size_t i = 0; i < type->at[v].n_children; i++) {
            const struct lens_child *child = &type->at[v].children[i];
            if (leads_into(&child->place, place))
                r->reaches[r->type * r->api->n_types + child->type] = true;
        }
}

static void
reach_value(const struct reach *r, const struct lens_value *v)
{
    for (; v; v = v->otherwise) {
        for (size_t i = 0; i < v->n_places; i++)
            reach(r, &v->places[i]);
        for (size_t i = 0; i < v->n_parts; i++)
            reach(r, &v->parts[i].place);
    }
}

static void
reach_shape(const struct reach *r, const struct lens_shape *shape)
{
    for (size_t i = 0; i < shape->n_conditions; i++) {
        const struct lens_condition *k = &shape->conditions[i];
        reach(r, &k->place);
        for (size_t t = 0; t < k->n_tests; t++)
            if (k->tests[t].kind == LENS_TEST_SAME)
                reach(r, &k->tests[t].place);
    }
}

/* The key of a list's elements lies in them. */
static void
reach_keys(struct reach *r, const struct lens_way *way)
{
    for (size_t i = 0; i < way->stages.n; i++)
        for (size_t side = 0; side < 2; side++) {
            const struct lens_place *p = &way->place[side];
            const struct lens_place *key = &way->stages.at[i].key;
            size_t n = p->n + 1 + key->n;
            if (way->stages.at[i].kind != LENS_STAGE_INDEX || !key->n)
                continue;
            struct lens_step *steps = arena_array(r->a, n, sizeof(*steps));
            if (!steps) {
                r->full = true;
                return;
            }
            if (p->n)
                memcpy(steps, p->steps, p->n * sizeof(*steps));
            steps[p->n].kind = LENS_EACH;
            memcpy(steps + p->n + 1, key->steps, key->n * sizeof(*steps));
            reach(r, &(struct lens_place){steps, n, p->text});
        }
}

static void
reach_block(struct reach *r, const struct lens_block *block)
{
    for (size_t i = 0; block && i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *one = &block->choices[i].cases[k];
            for (size_t side = 0; side < 2; side++) {
                reach_shape(r, &one->shape[side]);
                for (size_t t = 0; t < one->shape[side].n_tags; t++)
                    reach(r, &one->shape[side].tags[t].place);
            }
            reach_block(r, one->block);
        }
    for (size_t i = 0; block && i < block->n_arrows; i++) {
        const struct lens_arrow *arrow = &block->arrows[i];
        for (size_t w = 0; w < arrow->n_ways; w++)
            reach_keys(r, &arrow->ways[w]);
        for (size_t side = 0; side < 2; side++) {
            for (size_t w = 0; w < arrow->n_ways; w++)
                if (arrow->ways[w].has[side])
                    reach(r, &arrow->ways[w].place[side]);
            reach_shape(r, &arrow->when[side]);
            reach_value(r, &arrow->absent[side]);
        }
        reach_value(r, &arrow->fill);
    }
}

/* Does `from` reach `to`, by one or several? */
static bool
is_reached(const struct reach *r, size_t from, size_t to, bool *seen)
{
    size_t n = r->api->n_types;
    if (seen[from])
        return false;
    seen[from] = true;
    for (size_t i = 0; i < n; i++)
        if (r->reaches[from * n + i] && (i == to || is_reached(r, i, to, seen)))
            return true;
    return false;
}

/* What holds itself stays a state: it is not looked into. */
static void
cut_circles(const struct reach *r, bool *circles, bool *seen)
{
    size_t n = r->api->n_types;
    for (size_t i = 0; i < n * n; i++) {
        if (!r->reaches[i])
            continue;
        memset(seen, 0, n * sizeof(*seen));
        circles[i] = i / n == i % n || is_reached(r, i % n, i / n, seen);
    }
    for (size_t i = 0; i < n * n; i++)
        r->reaches[i] = r->reaches[i] && !circles[i];
}

const bool *
compose_reach(struct arena *a, const struct lens_api *api)
{
    size_t n = api->n_types;
    bool *seen = arena_array(a, n + 1, sizeof(*seen));
    bool *circles = arena_array(a, n * n + 1, sizeof(*circles));
    struct reach r = {.a = a, .api = api};
    r.reaches = arena_array(a, n * n + 1, sizeof(*r.reaches));
    if (!r.reaches || !seen || !circles)
        return NULL;
    for (r.type = 0; r.type < n; r.type++)
        for (r.table = 0; r.table + 1 < api->n_versions; r.table++) {
            const struct lens_type_at *at = &api->types[r.type].at[r.table];
            reach_block(&r, api->tables[r.table].blocks[r.type]);
            for (size_t i = 0; i < at->n_markers; i++)
                reach(&r, &at->markers[i]);
        }
    cut_circles(&r, circles, seen);
    return r.full ? NULL : r.reaches;
}
/* NOLINTEND(misc-no-recursion) */
