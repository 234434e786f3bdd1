/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_routes: which rollout a request is of, and which of its cells.
 */
#include "config/rollout_reading.h"

#include "translators/lens/lens.h"

static bool
overlap(const struct gen_rollout *a, const struct gen_rollout *b)
{
    if (a->n_platforms == 0 || b->n_platforms == 0)
        return a->n_platforms == b->n_platforms;
    for (size_t i = 0; i < a->n_platforms; i++)
        for (size_t j = 0; j < b->n_platforms; j++)
            if (span_eq(a->platforms[i], b->platforms[j]))
                return true;
    return false;
}

static bool
covers(const struct gen_rollout *r, const struct gen_route *route)
{
    for (size_t i = 0; i < r->n_routes; i++)
        if (r->routes[i] == route)
            return true;
    return false;
}

/* A route tells its differences under its name, so one alone may be told. */
static void
check_shadows(struct loader *l, const struct gen_route *route,
              const struct yaml *node)
{
    size_t n = 0;

    for (size_t i = 0; route->rollouts && i < route->n_rollouts; i++)
        n += route->rollouts[i]->canary.shadow != NULL;
    if (n > 1)
        yaml_problem(l->r.problems, node,
                     "two rollouts mirror requests of route `%.*s`",
                     SPAN_FMT(route->name));
}

void
rollout_give_route(struct loader *l, struct gen_route *route, struct section *s)
{
    const struct gen_rollout *all = l->g->rollouts;
    const struct gen_rollout **mine =
        reader_array(&l->r, s->values[0], s->n, sizeof(void *));

    for (size_t i = 0; mine && i < s->n; i++) {
        if (!covers(&all[i], route))
            continue;
        for (size_t j = 0; j < route->n_rollouts; j++)
            if (overlap(&all[i], mine[j]))
                yaml_problem(l->r.problems, s->values[i],
                             "rollout `%.*s` covers the same requests of "
                             "route `%.*s`",
                             SPAN_FMT(mine[j]->name), SPAN_FMT(route->name));
        mine[route->n_rollouts++] = &all[i];
    }
    route->rollouts = mine;
    check_shadows(l, route, s->values[0]);
}

/* --------------------------------------------------------------------- questions */

static size_t
place_of(const span *all, size_t n, span one)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(all[i], one))
            return i;
    return n;
}

const struct gen_canary *
gen_route_canary(const struct gen_route *route, span platform)
{
    const struct gen_canary *any = route->canary;

    for (size_t i = 0; i < route->n_rollouts; i++) {
        const struct gen_rollout *r = route->rollouts[i];
        if (r->n_platforms == 0)
            any = &r->canary;
        else if (place_of(r->platforms, r->n_platforms, platform) <
                 r->n_platforms)
            return &r->canary;
    }
    return any;
}

const struct gen_canary *
gen_route_shadow(const struct gen_route *route)
{
    if (route->canary)
        return route->canary->shadow ? route->canary : NULL;
    for (size_t i = 0; i < route->n_rollouts; i++)
        if (route->rollouts[i]->canary.shadow)
            return &route->rollouts[i]->canary;
    return NULL;
}

uint32_t
gen_rollout_cell(const struct gen_rollout *r, const struct gen_route *route,
                 int client, span platform)
{
    uint32_t i = 0, version = (uint32_t)(client + 1);

    for (uint32_t n = 0; r->cells_routes > 1 && n < r->n_routes; n++)
        if (r->routes[n] == route)
            i = n;
    i *= r->cells_versions;
    if (r->cells_versions > 1 && version < r->cells_versions)
        i += version;
    i *= r->cells_platforms;
    if (r->cells_platforms > 1)
        i += (uint32_t)place_of(r->platforms, r->n_platforms - 1, platform);
    return i;
}

uint32_t
gen_rollout_cells_n(const struct gen_rollout *r)
{
    return r->cells_routes * r->cells_versions * r->cells_platforms;
}

void
gen_rollout_cell_names(const struct gen_rollout *r, uint32_t i,
                       struct gen_cell *out)
{
    uint32_t version = i / r->cells_platforms % r->cells_versions;
    const struct gen_api *api = r->routes[0]->api;

    *out = (struct gen_cell){0};
    if (r->cells_routes > 1 || r->n_routes == 1)
        out->route =
            r->routes[i / r->cells_platforms / r->cells_versions]->name;
    if (r->cells_versions > 1)
        out->version =
            version ? api->lens->versions[version - 1].label : SPAN("");
    if (r->n_platforms)
        out->platform = r->platforms[i % r->cells_platforms];
}

static bool
is_like(span a, span b)
{
    return !a.at || !b.at || span_eq(a, b);
}

uint32_t
gen_rollout_cells_like(const struct gen_rollout *r,
                       const struct gen_cell *names)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < gen_rollout_cells_n(r); i++) {
        struct gen_cell one;
        gen_rollout_cell_names(r, i, &one);
        if (is_like(one.route, names->route) &&
            is_like(one.version, names->version) &&
            is_like(one.platform, names->platform))
            bits |= UINT32_C(1) << i;
    }
    return bits;
}

void
gen_rollout_cell_text(const struct gen_rollout *r, uint32_t i, char *out,
                      size_t size)
{
    uint32_t platform = i % r->cells_platforms;
    uint32_t version = i / r->cells_platforms % r->cells_versions;
    uint32_t route = i / r->cells_platforms / r->cells_versions;
    const struct gen_api *api = r->routes[0]->api;
    span label = SPAN("any version");
    span name = SPAN("all routes");

    if (version > 0)
        label = api->lens->versions[version - 1].label;
    if (r->cells_routes > 1 || r->n_routes == 1)
        name = r->routes[route]->name;
    (void)snprintf(
        out, size, "%.*s, %.*s%s%.*s", SPAN_FMT(name), SPAN_FMT(label),
        r->n_platforms ? ", " : "",
        SPAN_FMT(r->n_platforms ? r->platforms[platform] : (span){0}));
}
