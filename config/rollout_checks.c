/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_checks: what a rollout that was read must be before it is one.
 */
#include "config/rollout_reading.h"

#include "proxy/base/hash.h"
#include "routing/route.h"
#include "routing/split.h"
#include "routing/subject.h"
#include "translators/lens/lens.h"

/* The change's own manifest, if the rollout names one. */
static void
take_manifest(struct rollout_reading *reading)
{
    struct gen_manifest *m = &reading->r->manifest;
    struct problems *p = reading->l->r.problems;
    const struct gen_api *api =
        reading->r->canary.pool ? reading->r->canary.pool->api : NULL;

    if (m->change.len == 0) {
        if (m->why.len)
            return;
        yaml_problem(p, reading->node,
                     "a rollout says why, and how to go back");
        problem_remedy(p, "name a `change:` of the api, or add `manifest: "
                          "{why, owner, guarantee, backout}`");
        return;
    }
    for (size_t i = 0; api && api->lens && i < api->lens->n_changes; i++) {
        const struct lens_change *c = &api->lens->changes[i];
        if (!span_eq(c->name, m->change))
            continue;
        m->owner = c->owner;
        m->guarantee = span_str(lens_guarantee_word(c->guarantee));
        m->why = c->why;
        m->backout = c->backout;
        reading->watch = c->watch;
        reading->n_watch = c->n_watch;
        if (m->why.len == 0 || m->backout.len == 0)
            yaml_problem(p, reading->node,
                         "the manifest of change `%.*s` lacks `%s`",
                         SPAN_FMT(m->change), m->why.len ? "backout" : "why");
        return;
    }
    yaml_problem(p, reading->node, "there is no change `%.*s` between them",
                 SPAN_FMT(m->change));
}

/* Which routes: those that were named, or the api's that lead to the baseline. */
static void
find_routes(struct rollout_reading *reading)
{
    struct gen_rollout *r = reading->r;
    struct generation *g = reading->l->g;

    if (r->routes || !reading->match)
        return;
    const struct gen_route **routes = reader_array(
        &reading->l->r, reading->node, g->n_routes, sizeof(void *));
    for (size_t i = 0; routes && i < g->n_routes; i++)
        if (g->routes[i].pool == r->baseline &&
            (!reading->api || g->routes[i].api == reading->api))
            routes[r->n_routes++] = &g->routes[i];
    r->routes = routes;
}

static void
check_route(struct rollout_reading *reading, const struct gen_route *route)
{
    const struct gen_rollout *r = reading->r;
    struct problems *p = reading->l->r.problems;
    const struct yaml *node = reading->node;

    if (route->canary) {
        yaml_problem(p, node,
                     "route `%.*s` has a canary by hand: one or the other",
                     SPAN_FMT(route->name));
        problem_remedy(p, "take its `canary` away");
    }
    if (route->pool != r->baseline)
        yaml_problem(p, node, "route `%.*s` does not lead to the baseline",
                     SPAN_FMT(route->name));
    if (!route->subject) {
        yaml_problem(p, node, "route `%.*s` does not say who sticks together",
                     SPAN_FMT(route->name));
        problem_remedy(p, "add `subject: [header:X-Account]` to it");
    }
    if (r->n_platforms && route->platform_header.len == 0) {
        yaml_problem(p, node, "route `%.*s` does not know platforms",
                     SPAN_FMT(route->name));
        problem_remedy(p, "add `platform: {header: X-Platform}` to it");
    }
    if (route->api && r->canary.pool->api != route->api)
        yaml_problem(p, node, "pool `%.*s` does not speak api `%.*s`",
                     SPAN_FMT(r->canary.pool->name),
                     SPAN_FMT(route->api->name));
    else
        check_writes(reading->l, node, &reading->l->specs[route->index], route,
                     r->canary.pool);
}

static bool
is_within(const struct gen_network *in, const struct gen_network *one)
{
    unsigned whole = in->prefix_bits / 8, rest = in->prefix_bits % 8;

    if (one->prefix_bits < in->prefix_bits ||
        memcmp(in->bytes, one->bytes, whole) != 0)
        return false;
    return rest == 0 ||
           (in->bytes[whole] ^ one->bytes[whole]) >> (8 - rest) == 0;
}

/* Do all who may come to this route come from whom is trusted? */
static bool
is_behind_trust(const struct generation *g, const struct gen_route *route)
{
    for (size_t i = 0; i < route->n_allow; i++) {
        bool is_in = false;
        for (size_t j = 0; j < g->n_trust; j++)
            is_in |= is_within(&g->trust[j], &route->allow[i]);
        if (!is_in)
            return false;
    }
    return route->n_allow > 0;
}

/* A subject that anybody can make up is as many subjects as he likes: then so are his errors. */
static void
check_subject(struct rollout_reading *reading, const struct gen_route *route)
{
    struct problems *p = reading->l->r.problems;
    const struct subject_spec *s = route->subject;
    bool is_certain =
        reading->r->plan.by_network || is_behind_trust(reading->l->g, route);

    for (size_t i = 0; !is_certain && s && i < s->n_sources; i++)
        if (s->sources[i].kind != SUBJECT_CERTIFICATE) {
            problem_warn(p, reading->node->file, reading->node->line,
                         reading->node->column,
                         "anybody can make up a subject of route `%.*s`, and "
                         "errors of many halt the rollout",
                         SPAN_FMT(route->name));
            problem_remedy(
                p, "add `gates: {distinct: network}`, or to the route `allow:` "
                   "with networks of `trust:`, or `subject: [certificate]`");
            return;
        }
}

static void
check_routes(struct rollout_reading *reading)
{
    const struct gen_rollout *r = reading->r;
    struct problems *p = reading->l->r.problems;

    if (r->n_routes == 0)
        yaml_problem(p, reading->node, "no route is covered by it");
    for (size_t i = 0; i < r->n_routes; i++) {
        check_route(reading, r->routes[i]);
        check_subject(reading, r->routes[i]);
        if (r->routes[i]->api != r->routes[0]->api)
            yaml_problem(p, reading->node, "its routes have several apis");
    }
}

static uint32_t
versions_of(const struct gen_rollout *r)
{
    const struct gen_api *api = r->routes[0]->api;

    return api && api->lens ? (uint32_t)api->lens->n_versions + 1 : 1;
}

/* Where a gate halts its cell alone, which those are is no detail. */
static void
check_cells(const struct rollout_reading *reading)
{
    const struct gen_rollout *r = reading->r;
    struct problems *p = reading->l->r.problems;
    uint32_t versions = versions_of(r), routes = (uint32_t)r->n_routes;
    uint32_t n = r->cells_routes * r->cells_versions * r->cells_platforms;

    if (!r->plan.halts_cell)
        return;
    if (n == 1) {
        yaml_problem(p, reading->node,
                     "`gates: {halt: cell}`, and there is one cell: all of it");
        problem_remedy(p, "take `halt` away, or name several routes or "
                          "platforms in `match`");
    } else if (r->cells_routes < routes || r->cells_versions < versions) {
        problem_warn(
            p, reading->node->file, reading->node->line, reading->node->column,
            "%u cells are kept apart at most: %s one cell, and a halt "
            "is of all of them",
            ROLLOUT_CELLS_MAX,
            r->cells_versions < versions ? "its routes and versions are"
                                         : "its routes are");
        problem_remedy(p, "make several rollouts of it, or cover fewer");
    }
}

/* Too many to keep apart: then routes are one, then versions. */
static void
count_cells(struct gen_rollout *r)
{
    uint32_t versions = versions_of(r), routes = (uint32_t)r->n_routes;
    uint32_t platforms = r->n_platforms ? (uint32_t)r->n_platforms : 1;

    if (versions * routes * platforms > ROLLOUT_CELLS_MAX)
        routes = 1;
    if (versions * platforms > ROLLOUT_CELLS_MAX)
        versions = 1;
    r->cells_routes = routes;
    r->cells_versions = versions;
    r->cells_platforms = platforms;
    double n = (double)(routes * versions * platforms);
    r->plan.cell.errors.alpha /= n;
    r->plan.latency.alpha /= n;
}

/* All that two generations must agree on to go on with one rollout. */
static void
take_shape(struct rollout_reading *reading)
{
    struct gen_rollout *r = reading->r;
    span all = arena_fmt(reading->l->r.arena, "%.*s>%.*s/%.*s %u %u %u %g %g",
                         SPAN_FMT(r->name), SPAN_FMT(r->canary.pool->name),
                         SPAN_FMT(reading->salt), r->cells_routes,
                         r->cells_versions, r->cells_platforms,
                         r->plan.cell.errors.alpha, r->plan.cell.errors.ratio);

    for (size_t i = 0; i < r->n_routes; i++)
        all = arena_fmt(reading->l->r.arena, "%.*s,%.*s", SPAN_FMT(all),
                        SPAN_FMT(r->routes[i]->name));
    for (size_t i = 0; i < r->n_platforms; i++)
        all = arena_fmt(reading->l->r.arena, "%.*s;%.*s", SPAN_FMT(all),
                        SPAN_FMT(r->platforms[i]));
    for (uint32_t i = 0; i < r->plan.n_steps; i++)
        all = arena_fmt(reading->l->r.arena, "%.*s %u", SPAN_FMT(all),
                        r->plan.steps[i].weight_ppm);
    r->shape = hash64(all);
}

/* ---------------------------------------------------------------- preconditions */

static void
check_require(struct rollout_reading *reading)
{
    const struct gen_rollout *r = reading->r;

    if (r->require.shadow && !r->canary.shadow) {
        yaml_problem(reading->l->r.problems, reading->node,
                     "`require: shadow`, and nothing is mirrored");
        problem_remedy(reading->l->r.problems,
                       "add `shadow: {share: 1%%}` to the rollout");
    }
    rollout_prove(reading);
}

/* Each step where it stands: is it one, and can it conclude? */
static bool
check_steps(struct rollout_reading *reading)
{
    const struct gen_rollout *r = reading->r;
    bool all_are = true;
    struct err e;

    for (uint32_t i = 0; i < r->plan.n_steps; i++) {
        enum err_code code = plan_step_check(&r->plan, i, &e);
        if (!code && r->requests_a_day)
            code = plan_step_concludes(&r->plan, i, r->requests_a_day, &e);
        if (code)
            yaml_problem(reading->l->r.problems, reading->steps->items[i], "%s",
                         e.text);
        all_are &= code == OK;
    }
    return all_are;
}

static bool
is_of_group(const struct gen_user *user, const span *groups, size_t n)
{
    for (size_t i = 0; i < user->n_groups * n; i++)
        if (span_eq(user->groups[i / n], groups[i % n]))
            return true;
    return n == 0;
}

/* A warning, since whoever may not approve any more must be taken out at once. */
static void
check_approvals(struct rollout_reading *reading)
{
    const struct generation *g = reading->l->g;
    const struct gen_rollout *r = reading->r;
    const struct yaml *at = reading->approvals;
    uint32_t n = 0;

    for (size_t i = 0; i < g->n_users; i++)
        n += g->users[i].is_approver &&
             is_of_group(&g->users[i], r->approvers, r->n_approvers);
    if (at && n < r->plan.approvals_need)
        problem_warn(reading->l->r.problems, at->file, at->line, at->column,
                     "it needs %u approvals, and %u of `admin.users` may give "
                     "one: it cannot begin",
                     r->plan.approvals_need, n);
}

static void
check_whole(struct rollout_reading *reading)
{
    struct gen_rollout *r = reading->r;
    struct problems *p = reading->l->r.problems;
    struct err e;

    if (r->platforms && r->n_platforms > ROLLOUT_CELLS_MAX)
        yaml_problem(p, reading->node, "a rollout has at most %u platforms",
                     ROLLOUT_CELLS_MAX);
    if (r->canary.pool == r->baseline)
        yaml_problem(p, reading->node, "baseline and canary are one pool");
    if (split_build(reading->l->r.arena, reading->salt, &r->canary.split, &e))
        yaml_problem(p, reading->node, "%s", e.text);
    take_manifest(reading);
    rollout_check_watch(reading);
    check_routes(reading);
    if (check_steps(reading) && plan_check(&r->plan, &e))
        yaml_problem(p, reading->node, "%s", e.text);
    check_approvals(reading);
}

void
rollout_check(struct rollout_reading *reading)
{
    size_t before = reading->l->r.problems->total;

    find_routes(reading);
    check_whole(reading);
    if (reading->l->r.problems->total > before)
        return;
    check_require(reading);
    count_cells(reading->r);
    check_cells(reading);
    take_shape(reading);
}
