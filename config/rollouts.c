/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollouts: which routes move, by what plan, and why.
 */
#include "config/rollout_reading.h"

#define NAME_MAX_BYTES 50 /* its slot has 63 bytes */
#define ROLLOUTS_MAX                                                           \
    128u /* an old generation's gates have a place beside the new one's */

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
        read_text_into(r, value,                                               \
                       &((struct rollout_reading *)self)->r->manifest.field);  \
    }

MANIFEST_READER(why)
MANIFEST_READER(owner)
MANIFEST_READER(guarantee)
MANIFEST_READER(backout)

READS(read_watch)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->watch =
        loader_names(reading->l, value, "`watch`", &reading->n_watch);
}

READS(read_manifest)
{
    static const struct reader_word words[] = {
        {"why", read_why, true},
        {"owner", read_owner, true},
        {"guarantee", read_guarantee, true},
        {"backout", read_backout, true},
        {"watch", read_watch, false}};
    struct rollout_reading *reading = self;

    reader_map(r, value, "a manifest", words, COUNT(words), reading);
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

READS(read_matrix)
{
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (!span_is(text, "proven"))
        yaml_problem(r->problems, value, "`matrix` is proven, not `%.*s`",
                     SPAN_FMT(text));
    ((struct rollout_reading *)self)->r->require.matrix = true;
}

READS(read_new_differences)
{
    reader_count(r, value, 1000000,
                 &((struct gen_require *)self)->new_differences);
}

READS(read_require_shadow)
{
    static const struct reader_word words[] = {
        {"new_differences", read_new_differences, true}};
    struct gen_require *require = &((struct rollout_reading *)self)->r->require;

    require->shadow = true;
    reader_map(r, value, "`shadow`", words, COUNT(words), require);
}

READS(read_shadow)
{
    struct rollout_reading *reading = self;

    (void)r;
    reading->r->canary.shadow = load_shadow(reading->l, value);
}

READS(read_capacity)
{
    reader_share(r, value, &((struct rollout_reading *)self)->r->capacity_ppm);
}

READS(read_require)
{
    static const struct reader_word words[] = {
        {"matrix", read_matrix, false},
        {"shadow", read_require_shadow, false},
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

    ((struct rollout_reading *)self)->approvals = value;
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
    struct rollout_reading *reading = self;
    struct rollout_plan *plan = &reading->r->plan;

    reading->steps = value;
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
        {"shadow", read_shadow, false},
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
    rollout_check(reading);
    if (l->r.problems->total > before)
        return;
    r->canary.rollout = r;
    r->canary.slot_name =
        arena_fmt(l->g->arena, "rollout/%.*s", SPAN_FMT(r->name));
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
    l->proofs =
        reader_array(&l->r, s.values[0], l->g->n_apis, sizeof(*l->proofs));
    if (!all || !l->proofs)
        return;
    map_init(&names, l->r.arena);
    for (size_t i = 0; i < s.n; i++)
        read_rollout(l, &names, &s, i, &all[i]);
    rollout_proofs_free(l);
    l->g->rollouts = all;
    l->g->n_rollouts = s.n;
    l->g->n_canaries += s.n;
    if (l->r.problems->total > before)
        return;
    for (size_t i = 0; i < l->g->n_routes; i++)
        rollout_give_route(l, &l->route_at[i], &s);
}
