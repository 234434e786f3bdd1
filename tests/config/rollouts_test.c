/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rollout in the configuration: what is read, and what is refused with a word
 * about why. One that could pass without being judged is never loaded.
 */
#include "config/generation.h"
#include "proxy/base/buf.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct loaded {
    struct arena *a;
    struct problems problems;
    struct generation *g;
    struct buf said;
    const char *text;
};

static enum err_code
load_text(struct loaded *l, const struct buf *text)
{
    char path[] = "/tmp/stile-rollout-XXXXXX";
    int fd = mkstemp(path);
    span all = buf_span(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, all.at, all.len), (ssize_t)all.len);
    close(fd);
    l->a = arena_new(1 << 26);
    l->g = NULL;
    problems_init(&l->problems, l->a);
    buf_init(&l->said, 1 << 20);
    enum err_code code = generation_load(path, NULL, &l->problems, &l->g);
    (void)unlink(path);
    problems_print(&l->problems, &l->said);
    buf_byte(&l->said, '\0');
    l->text = buf_span(&l->said).at ? buf_span(&l->said).at : "";
    return code;
}

static enum err_code
load(struct loaded *l, const char *rollout, const char *route)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_fmt(&text,
            "listen: [{at: \"127.0.0.1:1\"}]\ntrust: [10.0.0.0/8]\n"
            "admin: {socket: a.sock, users: [{name: anna, uid: 7, "
            "roles: [approver], groups: [release]}]}\n"
            "pools: {b: {endpoints: [\"http://x\"]}, "
            "g: {endpoints: [\"http://y\"]}}\n"
            "routes: [{name: r, pool: b, %s}]\n"
            "rollouts: {one: {%s}}\n",
            route, rollout);
    enum err_code code = load_text(l, &text);
    buf_fini(&text);
    return code;
}

static void
unload(struct loaded *l)
{
    generation_free(&l->g);
    buf_fini(&l->said);
    arena_free(&l->a);
}

#define WHY                                                                    \
    "manifest: {why: w, owner: o, guarantee: full, backout: weights to 0}, "
#define POOLS "match: {routes: [r]}, baseline: b, canary: g, salt: s, "
#define STEPS                                                                  \
    "steps: [{weight: 1%, hold: 1h, min_requests: 2000, at_most: 24h}, "       \
    "{weight: 100%, hold: 30m}], "
#define GATES "gates: {errors: {ratio: 5, alpha: 1e-4}}"
#define WHOLE WHY POOLS STEPS GATES
#define ROUTE "subject: [header:X-A], platform: {header: X-P}"

TEST(all_that_a_rollout_can_say_is_read)
{
    struct loaded l;

    if (load(&l,
             WHY "match: {routes: [r], platform: [ios, android]}, baseline: b, "
                 "canary: g, salt: s, " STEPS
                 "approvals: {need: 2, of: [release], not: author}, "
                 "require: {baseline_capacity: 80%}, no_data: hold, "
                 "on_fail: pause, requests_a_day: 300000, "
                 "windows: {forbid: [\"Fri 16:00 - Mon 08:00\"], zone: "
                 "\"+02:00\"}, "
                 "gates: {errors: {ratio: 4, alpha: 1e-4}, latency: {quantile: "
                 "0.95, max_ratio: 1.5, min_samples: 100}, translate: "
                 "{max_rate: 0.1%}, burst: {errors: 20, within: 1s}, window: "
                 "5m}",
             ROUTE))
        fail_msg("%s", l.text);
    const struct gen_rollout *r = generation_rollout(l.g, SPAN("one"));
    assert_non_null(r);
    assert_span(r->manifest.backout, "weights to 0");
    assert_span(r->canary.slot_name, "rollout/one");
    assert_int_equal(r->plan.n_steps, 2);
    assert_int_equal(r->plan.steps[0].at_most_ms, 86400000);
    assert_int_equal(r->plan.approvals_need, 2);
    assert_true(r->author_may_not);
    assert_int_equal(r->capacity_ppm, 800000);
    assert_int_equal(r->plan.on_fail, ON_FAIL_PAUSE);
    assert_int_equal(r->plan.zone.east, 120);
    assert_int_equal(zone_east(&r->plan.zone, 0), 120);
    assert_int_equal(r->plan.cell.burst_errors, 20);
    assert_int_equal(r->plan.cell.translate_ppm, 1000);
    assert_int_equal(r->plan.cell.window_ms, 300000);
    assert_int_equal(r->plan.latency.min_samples, 100);
    /* Two platforms: each has its cell, and half of alpha. */
    assert_int_equal(r->cells_platforms, 2);
    assert_true(r->plan.cell.errors.alpha == 0.5e-4);
    const struct gen_route *route = &l.g->routes[0];
    assert_ptr_equal(gen_route_canary(route, SPAN("android")), &r->canary);
    assert_null(gen_route_canary(route, SPAN("web")));
    assert_int_equal(gen_rollout_cell(r, route, -1, SPAN("android")), 1);
    assert_int_equal(l.g->users[0].uid, 7);
    assert_true(l.g->users[0].is_approver && !l.g->users[0].is_operator);
    unload(&l);
}

TEST(a_gate_halts_the_rollout_or_if_asked_its_cell)
{
    struct loaded l;

    if (load(&l,
             WHY "match: {routes: [r], platform: [ios, android]}, baseline: b, "
                 "canary: g, salt: s, " STEPS
                 "gates: {errors: {ratio: 5}, halt: cell}",
             ROUTE))
        fail_msg("%s", l.text);
    const struct gen_rollout *r = generation_rollout(l.g, SPAN("one"));
    struct gen_cell names;
    assert_true(r->plan.halts_cell);
    gen_rollout_cell_names(r, 1, &names);
    assert_span(names.route, "r");
    assert_null(names.version.at);
    assert_span(names.platform, "android");
    assert_int_equal(gen_rollout_cells_like(r, &names), 2);
    names.platform = (span){0};
    assert_int_equal(gen_rollout_cells_like(r, &names), 3);
    names.route = SPAN("other");
    assert_int_equal(gen_rollout_cells_like(r, &names), 0);
    unload(&l);
    assert_int_equal(load(&l, WHOLE, ROUTE), OK);
    assert_false(generation_rollout(l.g, SPAN("one"))->plan.halts_cell);
    unload(&l);
}

TEST(what_a_manifest_says_to_watch_is_carried)
{
    struct loaded l;

    if (load(
            &l,
            "manifest: {why: w, owner: o, guarantee: full, backout: x, watch: "
            "[errors, translate_failures, stile_upstream_errors_total]}, " POOLS
                STEPS GATES ", windows: {forbid: [], zone: Europe/Berlin}",
            ROUTE))
        fail_msg("%s", l.text);
    const struct gen_rollout *r = generation_rollout(l.g, SPAN("one"));
    assert_int_equal(r->manifest.n_watch, 3);
    assert_false(r->manifest.watch[0].is_metric);
    assert_int_equal(r->manifest.watch[1].metric, METRIC_TRANSLATE_FAILURES);
    assert_int_equal(r->manifest.watch[2].metric, METRIC_UPSTREAM_ERRORS);
    /* A winter and a summer. */
    assert_int_equal(zone_east(&r->plan.zone, UINT64_C(1768521600000)), 60);
    assert_int_equal(zone_east(&r->plan.zone, UINT64_C(1784160000000)), 120);
    unload(&l);
}

static const struct {
    const char *rollout, *route, *says;
} faults[] = {
    {POOLS STEPS GATES, ROUTE, "a rollout says why, and how to go back"},
    {"manifest: {why: w, owner: o, guarantee: full}, " POOLS STEPS GATES, ROUTE,
     "a manifest needs `backout`"},
    {"change: c, " POOLS STEPS GATES, ROUTE, "there is no change `c`"},
    {WHOLE, "write: {\"PUT /**\": refuse}", "who sticks together"},
    {WHOLE, ROUTE ", canary: {pool: g, weight: 0, salt: x}",
     "has a canary by hand"},
    {WHY "match: {routes: [r]}, baseline: b, canary: b, salt: s, " STEPS GATES,
     ROUTE, "baseline and canary are one pool"},
    {WHY "match: {routes: [r]}, baseline: g, canary: b, salt: s, " STEPS GATES,
     ROUTE, "does not lead to the baseline"},
    {WHY "match: {routes: [x]}, baseline: b, canary: g, salt: s, " STEPS GATES,
     ROUTE, "there is no route `x`"},
    {WHY "match: {routes: [r]}, baseline: b, canary: z, salt: s, " STEPS GATES,
     ROUTE, "there is no pool `z`"},
    {WHY "match: {routes: [r], platform: ios}, baseline: b, canary: g, salt: "
         "s, " STEPS GATES,
     "subject: [header:X-A]", "does not know platforms"},
    {WHY POOLS GATES, ROUTE, "a rollout needs `steps`"},
    {WHY POOLS
     "steps: [{weight: 60%, hold: 1h}, {weight: 101%, hold: 1h}], " GATES,
     ROUTE, "`101%` is not a share"},
    {WHY POOLS
     "steps: [{weight: 5%, hold: 1h}, {weight: 5%, hold: 1h}], " GATES,
     ROUTE, "step 2 goes nowhere"},
    {WHY POOLS "steps: [{weight: 5%, hold: 2h, at_most: 1h}], " GATES, ROUTE,
     "step 1 cannot conclude: `at_most` ends before `hold`"},
    {WHOLE ", requests_a_day: 129600", ROUTE,
     "step 1 cannot conclude: it needs 2000 canary requests; 0.9 a minute at "
     "1% make that 37 h, more than `at_most` 24 h"},
    {WHY POOLS STEPS "gates: {errors: {}, contract: {new_kinds: 0}}", ROUTE,
     "there is no gate `contract` yet"},
    {WHY POOLS STEPS "gates: {burst: {errors: 20, within: 1s}}", ROUTE,
     "the gate `errors` is missing"},
    {WHY POOLS STEPS "gates: {errors: {alpha: 0.5}}", ROUTE,
     "`0.5` is no number between"},
    {WHY POOLS STEPS "gates: {errors: {ratio: 1}}", ROUTE,
     "`1` is no number between"},
    {WHY POOLS STEPS "gates: {errors: {}, burst: {errors: 2, within: 1s}}",
     ROUTE, "one subject could halt it"},
    {WHOLE ", require: {matrix: proven}", ROUTE, "the canary speaks no api"},
    {WHOLE ", require: {matrix: likely}", ROUTE, "`matrix` is proven"},
    {WHOLE ", require: {shadow: {new_differences: 0}}", ROUTE,
     "nothing is mirrored"},
    {WHOLE ", require: {shadow: {}}, shadow: {share: 1%}", ROUTE,
     "needs `new_differences`"},
    {WHY POOLS STEPS "gates: {errors: {}, distinct: account}", ROUTE,
     "`account` is not subject or network"},
    {WHY POOLS STEPS "gates: {errors: {}, halt: route}", ROUTE,
     "`route` is not cell or rollout"},
    {WHY POOLS STEPS "gates: {errors: {}, halt: cell}", ROUTE,
     "there is one cell: all of it"},
    {"manifest: {why: w, owner: o, guarantee: full, backout: x, watch: "
     "[contract_violations]}, " POOLS STEPS GATES,
     ROUTE, "watch `contract_violations`, and there is no such gate or metric"},
    {"manifest: {why: w, owner: o, guarantee: full, backout: x, watch: "
     "[latency]}, " POOLS STEPS GATES,
     ROUTE, "watch the gate `latency`, and has none"},
    {WHOLE ", no_data: pass", ROUTE, "`no_data` is hold"},
    {WHOLE ", on_fail: shrug", ROUTE, "`shrug` is not rollback or pause"},
    {WHOLE ", windows: {forbid: [always]}", ROUTE, "`always` is no window"},
    {WHOLE ", windows: {forbid: [\"Fri 16:00 - Mon 08:00\"], zone: Nowhere}",
     ROUTE, "`Nowhere` is no zone"},
    {WHOLE ", windows: {forbid: [\"Fri 16:00 - Mon 08:00\"], zone: "
           "../../../etc/passwd}",
     ROUTE, "no zone is called so"},
    {WHOLE ", windows: {forbid: [\"Fri 16:00 - Mon 08:00\"], zone: \"+15:00\"}",
     ROUTE, "is no zone"},
    {WHOLE "}, two: {" WHOLE, ROUTE, "covers the same requests"},
};

TEST(a_rollout_that_could_go_wrong_unseen_is_refused)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct loaded l;
        if (load(&l, faults[i].rollout, faults[i].route) != ERR_INVALID ||
            !strstr(l.text, faults[i].says))
            fail_msg("row %zu: \"%s\" is not in:\n%s", i, faults[i].says,
                     l.text);
        unload(&l);
    }
}

TEST(a_subject_that_anybody_can_make_up_is_told_and_not_refused)
{
    static const struct {
        const char *gates, *route;
        bool warns;
    } cases[] = {
        {GATES, ROUTE, true},
        {"gates: {errors: {}, distinct: network}", ROUTE, false},
        {"gates: {errors: {}, distinct: subject}", ROUTE, true},
        {GATES, ROUTE ", allow: [10.1.0.0/16]", false},
        {GATES, ROUTE ", allow: [10.0.0.0/8, 11.0.0.0/8]", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char rollout[512];
        struct loaded l;
        (void)snprintf(rollout, sizeof(rollout), "%s%s", WHY POOLS STEPS,
                       cases[i].gates);
        if (load(&l, rollout, cases[i].route))
            fail_msg("row %zu: %s", i, l.text);
        if (!!strstr(l.text, "anybody can make up") != cases[i].warns)
            fail_msg("row %zu: %s", i, l.text);
        unload(&l);
    }
}

/* So many rollouts, each on a route of its own. */
static enum err_code
load_many(struct loaded *l, size_t n)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_fmt(&text, "listen: [{at: \"127.0.0.1:1\"}]\n"
                   "admin: {socket: a.sock}\n"
                   "pools: {b: {endpoints: [\"http://x\"]}, "
                   "g: {endpoints: [\"http://y\"]}}\nroutes:\n");
    for (size_t i = 0; i < n; i++)
        buf_fmt(&text,
                "  - {name: r%zu, match: {path: /%zu}, pool: b, "
                "subject: [header:X-A]}\n",
                i, i);
    buf_fmt(&text, "rollouts:\n");
    for (size_t i = 0; i < n; i++)
        buf_fmt(&text,
                "  n%zu: {match: {routes: [r%zu]}, baseline: b, canary: g, "
                "salt: s, %s}\n",
                i, i, WHY STEPS GATES);
    enum err_code code = load_text(l, &text);
    buf_fini(&text);
    return code;
}

TEST(as_many_rollouts_as_there_are_places_for_and_no_more)
{
    struct loaded l;

    if (load_many(&l, 128))
        fail_msg("%s", l.text);
    unload(&l);
    assert_int_equal(load_many(&l, 129), ERR_INVALID);
    assert_non_null(strstr(l.text, "more than 128 rollouts"));
    unload(&l);
}

TEST(a_step_that_is_wrong_is_told_where_it_stands)
{
    struct loaded l;

    assert_int_equal(
        load(&l,
             WHY POOLS "steps: [{weight: 5%, hold: 1h}, {weight: 4%, hold: 1h},"
                       "\n  {weight: 50%, hold: 2h, at_most: 1h}], " GATES,
             ROUTE),
        ERR_INVALID);
    assert_non_null(strstr(l.text, ":7:3: step 3 cannot conclude"));
    assert_non_null(strstr(l.text, ": step 2 goes nowhere"));
    unload(&l);
}

TEST(approvals_that_nobody_can_give_are_warned_of)
{
    static const struct {
        const char *approvals, *says;
    } all[] = {
        {"approvals: {need: 1}", NULL},
        {"approvals: {need: 1, of: [sales, release]}", NULL},
        {"approvals: {need: 0, of: [sales]}", NULL},
        {"approvals: {need: 2}", "it needs 2 approvals, and 1 of"},
        {"approvals: {need: 1, of: [sales]}", "and 0 of `admin.users`"},
    };

    for (size_t i = 0; i < COUNT(all); i++) {
        struct loaded l;
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s, %s", WHOLE, all[i].approvals);
        assert_int_equal(load(&l, text, ROUTE), OK);
        bool is_told = strstr(l.text, "it cannot begin") != NULL;
        if (is_told != (all[i].says != NULL) ||
            (is_told && !strstr(l.text, all[i].says)))
            fail_msg("%s: %s", all[i].approvals, l.text);
        unload(&l);
    }
}
