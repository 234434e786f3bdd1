/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollouts: which routes move, by what plan, and why.
 */
#include "config/loader.h"

#include "proxy/base/hash.h"
#include "routing/route.h"
#include "routing/split.h"
#include "translators/lens/lens.h"

#define NAME_MAX_BYTES 50 /* its slot has 63 bytes */
#define ROLLOUTS_MAX                                                           \
    128u /* an old generation's gates have a place beside the new one's */

struct rollout_reading {
    struct loader *l;
    const struct yaml *node;
    struct gen_rollout *r;
    const struct gen_api *api; /* of `match` */
    span salt;
    const struct yaml *match;
};

#define READS(name)                                                            \
    static void name(struct reader *r, const struct yaml *value, void *self)

/* ------------------------------------------------------------------ what is said */

static void
read_text_into(struct reader *r, const struct yaml *value, span *out)
{
    reader_text(r, value, out);
}

#define MANIFEST_READER(field)                                                 \
    READS(read_##field)                                                        \
    {                                                                          \
        read_text_into(r, value, &((struct gen_manifest *)self)->field);       \
    }

MANIFEST_READER(why)
MANIFEST_READER(owner)
MANIFEST_READER(guarantee)
MANIFEST_READER(backout)

READS(read_manifest)
{
    static const struct reader_word words[] = {
        {"why", read_why, true},
        {"owner", read_owner, true},
        {"guarantee", read_guarantee, true},
        {"backout", read_backout, true}};
    struct rollout_reading *reading = self;

    reader_map(r, value, "a manifest", words, COUNT(words),
               &reading->r->manifest);
}

READS(read_change)
{
    struct rollout_reading *reading = self;

    read_text_into(r, value, &reading->r->manifest.change);
}

READS(read_api)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->api = loader_find(reading->l, &reading->l->apis, value, "api");
}

READS(read_platform)
{
    struct rollout_reading *reading = self;

    (void)r;
    if (value->kind == YAML_LIST) {
        reading->r->platforms = loader_names(reading->l, value, "`platform`",
                                             &reading->r->n_platforms);
        return;
    }
    span *one = reader_array(r, value, 1, sizeof(*one));
    if (one && reader_text(r, value, one)) {
        reading->r->platforms = one;
        reading->r->n_platforms = 1;
    }
}

READS(read_routes)
{
    struct rollout_reading *reading = self;

    if (!reader_is_list(r, value, "`routes`"))
        return;
    const struct gen_route **routes =
        reader_array(r, value, value->n, sizeof(void *));
    for (size_t i = 0; routes && i < value->n; i++) {
        routes[reading->r->n_routes] = loader_find(
            reading->l, &reading->l->routes, value->items[i], "route");
        reading->r->n_routes += routes[reading->r->n_routes] != NULL;
    }
    reading->r->routes = routes;
}

READS(read_match)
{
    static const struct reader_word words[] = {
        {"api", read_api, false},
        {"platform", read_platform, false},
        {"routes", read_routes, false}};
    struct rollout_reading *reading = self;

    reading->match = value;
    reader_map(r, value, "`match`", words, COUNT(words), self);
}

READS(read_baseline)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->r->baseline =
        loader_find(reading->l, &reading->l->pools, value, "pool");
}

READS(read_canary)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->r->canary.pool =
        loader_find(reading->l, &reading->l->pools, value, "pool");
}

READS(read_salt)
{
    read_text_into(r, value, &((struct rollout_reading *)self)->salt);
}

/* What nobody can show yet must not be passed. */
READS(refuse_require)
{
    (void)self;
    yaml_problem(r->problems, value,
                 "this precondition cannot be judged yet, and would always "
                 "pass");
    problem_remedy(r->problems, "take it away; `baseline_capacity` there is");
}

READS(read_capacity)
{
    reader_share(r, value, &((struct rollout_reading *)self)->r->capacity_ppm);
}

READS(read_require)
{
    static const struct reader_word words[] = {
        {"matrix", refuse_require, false},
        {"shadow", refuse_require, false},
        {"baseline_capacity", read_capacity, false}};

    reader_map(r, value, "`require`", words, COUNT(words), self);
}

/* ------------------------------------------------------------------- approvals */

READS(read_need)
{
    uint64_t n;

    if (reader_count(r, value, 100, &n))
        ((struct rollout_reading *)self)->r->plan.approvals_need = (uint32_t)n;
}

READS(read_of)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->r->approvers =
        loader_names(reading->l, value, "`of`", &reading->r->n_approvers);
}

READS(read_not)
{
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (!span_is(text, "author"))
        yaml_problem(r->problems, value, "`%.*s` is not author",
                     SPAN_FMT(text));
    ((struct rollout_reading *)self)->r->author_may_not = true;
}

READS(read_approvals)
{
    static const struct reader_word words[] = {{"need", read_need, true},
                                               {"of", read_of, false},
                                               {"not", read_not, false}};

    reader_map(r, value, "`approvals`", words, COUNT(words), self);
}

/* ----------------------------------------------------------------------- steps */

READS(read_weight)
{
    reader_share(r, value, &((struct rollout_step *)self)->weight_ppm);
}

READS(read_hold)
{
    uint32_t ms;

    if (reader_ms(r, value, &ms))
        ((struct rollout_step *)self)->hold_ms = ms;
}

READS(read_min_requests)
{
    reader_count(r, value, 1000000000000,
                 &((struct rollout_step *)self)->min_requests);
}

READS(read_at_most)
{
    uint32_t ms;

    if (reader_ms(r, value, &ms))
        ((struct rollout_step *)self)->at_most_ms = ms;
}

READS(read_approve)
{
    reader_bool(r, value, &((struct rollout_step *)self)->approve);
}

READS(read_steps)
{
    static const struct reader_word words[] = {
        {"weight", read_weight, true},
        {"hold", read_hold, true},
        {"min_requests", read_min_requests, false},
        {"at_most", read_at_most, false},
        {"approve", read_approve, false}};
    struct rollout_plan *plan = &((struct rollout_reading *)self)->r->plan;

    if (!reader_is_list(r, value, "`steps`"))
        return;
    if (value->n > ROLLOUT_STEPS_MAX) {
        yaml_problem(r->problems, value, "a rollout has at most %u steps",
                     ROLLOUT_STEPS_MAX);
        return;
    }
    struct rollout_step *steps =
        reader_array(r, value, value->n, sizeof(*steps));
    for (size_t i = 0; steps && i < value->n; i++)
        reader_map(r, value->items[i], "a step", words, COUNT(words),
                   &steps[i]);
    plan->steps = steps;
    plan->n_steps = steps ? (uint32_t)value->n : 0;
}

READS(read_gates)
{
    struct rollout_reading *reading = self;

    (void)r;
    load_rollout_gates(reading->l, value, &reading->r->plan);
}

READS(read_windows)
{
    struct rollout_reading *reading = self;

    (void)r;
    load_rollout_windows(reading->l, value, &reading->r->plan);
}

READS(read_no_data)
{
    span text;

    (void)self;
    if (!reader_text(r, value, &text) || span_is(text, "hold"))
        return;
    yaml_problem(r->problems, value,
                 "`no_data` is hold: no traffic is neither well nor ill");
}

READS(read_on_fail)
{
    struct rollout_plan *plan = &((struct rollout_reading *)self)->r->plan;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (span_is(text, "pause"))
        plan->on_fail = ON_FAIL_PAUSE;
    else if (!span_is(text, "rollback"))
        yaml_problem(r->problems, value, "`%.*s` is not rollback or pause",
                     SPAN_FMT(text));
}

READS(read_requests)
{
    reader_count(r, value, 1000000000000,
                 &((struct rollout_reading *)self)->r->requests_a_day);
}

/* ----------------------------------------------------------------------- checks */

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

static void
check_routes(struct rollout_reading *reading)
{
    const struct gen_rollout *r = reading->r;
    struct problems *p = reading->l->r.problems;

    if (r->n_routes == 0)
        yaml_problem(p, reading->node, "no route is covered by it");
    for (size_t i = 0; i < r->n_routes; i++) {
        check_route(reading, r->routes[i]);
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

static void
check_rollout(struct rollout_reading *reading)
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
    check_routes(reading);
    bool is_plan = plan_check(&r->plan, &e) == OK;
    if (!is_plan)
        yaml_problem(p, reading->node, "%s", e.text);
    if (is_plan && r->requests_a_day &&
        plan_concludes(&r->plan, r->requests_a_day, &e))
        yaml_problem(p, reading->node, "%s", e.text);
}

static void
load_rollout(struct rollout_reading *reading)
{
    static const struct reader_word words[] = {
        {"change", read_change, false},
        {"manifest", read_manifest, false},
        {"match", read_match, true},
        {"baseline", read_baseline, true},
        {"canary", read_canary, true},
        {"salt", read_salt, true},
        {"require", read_require, false},
        {"approvals", read_approvals, false},
        {"steps", read_steps, true},
        {"gates", read_gates, true},
        {"no_data", read_no_data, false},
        {"on_fail", read_on_fail, false},
        {"windows", read_windows, false},
        {"requests_a_day", read_requests, false}};
    struct gen_rollout *r = reading->r;
    struct loader *l = reading->l;
    size_t before = l->r.problems->total;

    rollout_gates_preset(&r->plan);
    reader_map(&l->r, reading->node, "a rollout", words, COUNT(words), reading);
    if (!r->baseline || !r->canary.pool || l->r.problems->total > before)
        return;
    find_routes(reading);
    check_rollout(reading);
    if (l->r.problems->total > before)
        return;
    count_cells(r);
    take_shape(reading);
    r->canary.rollout = r;
    r->canary.slot_name =
        arena_fmt(l->g->arena, "rollout/%.*s", SPAN_FMT(r->name));
}

/* ------------------------------------------------------------- which is whose */

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

/* The rollouts of one route; two for the same requests are refused. */
static void
give_route(struct loader *l, struct gen_route *route, struct section *s)
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
}

static void
read_rollout(struct loader *l, struct map *names, struct section *s, size_t i,
             struct gen_rollout *r)
{
    struct rollout_reading reading = {.l = l, .node = s->values[i], .r = r};

    r->index = i;
    r->canary.index = l->g->n_routes + i;
    r->name = s->keys[i]->text;
    loader_name(l, names, s->keys[i], r, "rollout");
    if (r->name.len > NAME_MAX_BYTES)
        yaml_problem(l->r.problems, s->keys[i],
                     "a rollout's name has at most %d bytes", NAME_MAX_BYTES);
    load_rollout(&reading);
}

void
load_rollouts(struct loader *l)
{
    size_t before = l->r.problems->total;
    struct section s;
    struct map names;

    l->g->n_canaries = l->g->n_routes;
    if (!section_map(l, "rollouts", &s) || s.n == 0)
        return;
    if (s.n > ROLLOUTS_MAX) {
        yaml_problem(l->r.problems, s.keys[ROLLOUTS_MAX],
                     "more than %u rollouts", ROLLOUTS_MAX);
        problem_remedy(l->r.problems, "take away those that are over");
        return;
    }
    struct gen_rollout *all =
        reader_array(&l->r, s.values[0], s.n, sizeof(*all));
    if (!all)
        return;
    map_init(&names, l->r.arena);
    for (size_t i = 0; i < s.n; i++)
        read_rollout(l, &names, &s, i, &all[i]);
    l->g->rollouts = all;
    l->g->n_rollouts = s.n;
    l->g->n_canaries += s.n;
    if (l->r.problems->total > before)
        return;
    for (size_t i = 0; i < l->g->n_routes; i++)
        give_route(l, &l->route_at[i], &s);
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
