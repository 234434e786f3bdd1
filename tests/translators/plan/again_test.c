/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that go again: what comes out is what the reference makes of the whole.
 */
#include "tests/translators/plan/chains.h"

#include "proxy/base/problem.h"
#include "tests/test.h"
#include "tests/translators/compose/generate.h"
#include "tests/translators/reference/gen.h"
#include "translators/plan/program.h"

struct tally {
    size_t chains;
    size_t planned;
    size_t again; /* programs in which a value does */
    size_t documents;
    size_t done;
    size_t refused; /* by both */
};

typedef span (*document_fn)(struct arena *a, uint64_t *seed,
                            const struct lens_api *api, size_t version);

static void
try_api(struct arena *a, const struct lens_api *api, document_fn document,
        span text, uint64_t *seed, struct tally *t)
{
    static const struct lens_place whole = {0};
    for (size_t way = 0; way < 4; way++) {
        size_t from = way & 1 ? api->n_versions - 1 : 0;
        size_t to = api->n_versions - 1 - from;
        bool is_request = way & 2;
        const struct plan *plan = NULL;
        struct err e;
        assert_int_equal(plan_build(a, api, from, to, &plan, &e), OK);
        const struct plan_entry *entry = plan_find(plan, &whole, 0, is_request);
        t->chains++;
        t->planned += entry != NULL;
        t->again += entry && entry->goes_again;
        for (size_t i = 0; entry && entry->goes_again && i < 8; i++) {
            span body = document(a, seed, api, from);
            struct chain_result r =
                chain_compare(a, api, plan, from, to, is_request, body);
            t->documents++;
            t->done += r.done;
            t->refused += !r.done && r.fails;
            if (!r.difference.len)
                continue;
            print_error("%.*s\n", SPAN_FMT(text));
            fail_msg("%zu to %zu, %s: %.*s: %.*s", from, to,
                     is_request ? "request" : "answer", SPAN_FMT(body),
                     SPAN_FMT(r.difference));
        }
    }
}

static span
generated(struct arena *a, uint64_t *seed, const struct lens_api *api,
          size_t version)
{
    (void)api;
    (void)version;
    return generate_document(a, seed);
}

static span
lawful(struct arena *a, uint64_t *seed, const struct lens_api *api,
       size_t version)
{
    struct gen g = {.seed = *seed};
    span out = gen_document(&g, a, api, version, gen_pick(&g, 3));
    *seed = g.seed;
    return out;
}

TEST(a_program_with_values_that_go_again_says_what_the_reference_says)
{
    const char *asked = getenv("STILE_CHAINS");
    const char *first = getenv("STILE_SEED");
    size_t n = asked ? strtoul(asked, NULL, 10) : 60;
    uint64_t seed = first ? strtoul(first, NULL, 10) : 3;
    struct tally tally[2] = {{0}};
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        span text = {0};
        const struct lens_api *api = generate_api(a, &seed, &text);
        if (api)
            try_api(a, api, generated, text, &seed, &tally[0]);
        struct gen g = {.seed = seed};
        api = gen_api(&g, a);
        seed = g.seed;
        if (api)
            try_api(a, api, lawful, g.told, &seed, &tally[1]);
        arena_free(&a);
    }
    assert_true(asked || tally[0].done > 0);
    for (size_t i = 0; i < COUNT(tally); i++)
        print_message("%zu chains, %zu planned, %zu with such values; %zu "
                      "documents, %zu done, %zu refused\n",
                      tally[i].chains, tally[i].planned, tally[i].again,
                      tally[i].documents, tally[i].done, tally[i].refused);
}

/* ---- by hand --------------------------------------------------------------------- */

/* What a line may have is sorted, so lines go again; and so do boxes as a whole. */
static const char api_yaml[] =
    "api: shop\nversions: {v1: {}, v2: {}}\n"
    "detect: [{header: V}]\nmissing: v1\nunknown: refuse\n"
    "types:\n  Order: {at: POST /orders}\n  Line: {at: \"lines/* of Order\"}\n"
    "  Box: {at: \"data/* of GET /boxes\"}\n";

static const char change_yaml[] =
    "change: count\nfrom: v1\nto: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map: {old: new}\n"
    "Line:\n  map: {kind: {enum: {p: q}, other: fail}, z: {order: by k}}\n"
    "  add: {n: {up: {count: parts}, write: lose}}\n"
    "  drop: {gone: {down: 0, write: ignore}}\n"
    "Box:\n  map: {z: {order: by k}}\n"
    "  add: {n: {up: {count: parts}, write: lose}}\n";

struct shop {
    struct arena *a;
    const struct lens_api *api;
    const struct plan_entry *order; /* in requests */
    const struct plan_entry *boxes; /* a list of them in answers */
    struct buf out;
};

static void
open_shop(struct shop *s)
{
    static const struct lens_place whole = {0};
    const struct lens_text changes[] = {
        {SPAN("1.yaml"), span_str(change_yaml)}};
    struct problems problems;
    const struct plan *plan = NULL;
    struct err e;
    *s = (struct shop){.a = arena_new(CHAIN_ROOM)};
    problems_init(&problems, s->a);
    assert_int_equal(
        lens_load_text(s->a,
                       (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)},
                       changes, COUNT(changes), &problems, &s->api),
        OK);
    assert_int_equal(plan_build(s->a, s->api, 0, 1, &plan, &e), OK);
    size_t order = (size_t)lens_type_of(s->api, SPAN("Order"));
    size_t box = (size_t)lens_type_of(s->api, SPAN("Box"));
    s->order = plan_find(plan, &whole, order, true);
    for (size_t i = 0; i < s->api->n_sites[0]; i++)
        if (s->api->sites[0][i].type == box)
            s->boxes = plan_find(plan, &s->api->sites[0][i].place, box, false);
    assert_non_null(s->order);
    assert_non_null(s->boxes);
    /* A whole body that goes again is the reference's. */
    assert_null(plan_find(plan, &whole, box, false));
    buf_init(&s->out, CHAIN_ROOM);
}

static void
close_shop(struct shop *s)
{
    buf_fini(&s->out);
    arena_free(&s->a);
}

static struct plan_run *
run_order(struct shop *s, span body, size_t held_max, enum plan_step *step)
{
    const struct plan_how how = {.depth_max = JSON_DEPTH_DEFAULT,
                                 .held_max = held_max};
    buf_clear(&s->out);
    struct plan_run *r = plan_run_new(s->a, s->order, &how, &s->out);
    *step = r ? plan_run_feed(r, body, true) : PLAN_ASIDE;
    return r;
}

TEST(around_a_value_that_goes_again_all_bytes_stay)
{
    struct shop s;
    enum plan_step step;
    open_shop(&s);
    run_order(&s,
              SPAN("{ \"old\" : 1e0 , \"lines\": [ {\"parts\":[1,2] }, 7 ,\n"
                   "{\"kind\":\"p\"} ] }"),
              0, &step);
    assert_int_equal(step, PLAN_DONE);
    assert_span(buf_span(&s.out),
                "{ \"new\" : 1e0 , \"lines\": [ {\"parts\":[1,2],\"n\":2}, 7 "
                ",\n{\"kind\":\"q\"} ] }");
    close_shop(&s);
}

TEST(what_a_value_that_goes_again_loses_is_told_where_the_body_has_it)
{
    struct shop s;
    enum plan_step step;
    size_t told = 0;
    open_shop(&s);
    struct plan_run *r = run_order(
        &s, SPAN("{\"lines\":[{},{\"gone\":1},{\"parts\":[],\"gone\":2}]}"), 0,
        &step);
    assert_int_equal(step, PLAN_DONE);
    for (size_t i = 0; i < plan_run_notices_max(r); i++) {
        struct plan_notice n = plan_run_notice(r, i);
        if (!n.n || n.kind != NOTICE_LOSSY)
            continue;
        told++;
        assert_int_equal(n.n, 2);
        assert_int_equal(n.at, 21);
        assert_int_equal(n.origin->line, 10);
        buf_clear(&s.out);
        plan_run_notice_at(r, &n, &s.out);
        assert_span(buf_span(&s.out), "/lines/1/gone");
    }
    assert_int_equal(told, 1);
    close_shop(&s);
}

TEST(why_a_value_that_goes_again_fails_is_said_with_its_change)
{
    struct shop s;
    enum plan_step step;
    open_shop(&s);
    struct plan_run *r =
        run_order(&s, SPAN("{\"lines\":[{},{\"kind\":\"x\"}]}"), 0, &step);
    assert_int_equal(step, PLAN_ASIDE);
    const struct translation_fault *f = plan_run_again_fault(r);
    assert_non_null(f);
    assert_span(f->change, "count");
    assert_span(f->pointer, "/lines/1/kind");
    assert_int_equal(f->line, 8);
    assert_int_equal(f->status, 422);
    assert_int_equal(f->err.offset, 21);
    close_shop(&s);
}

TEST(a_value_is_held_up_to_the_limit_and_no_further)
{
    span line = SPAN("{\"parts\":[1,2,3]}");
    struct shop s;
    enum plan_step step;
    open_shop(&s);
    span body = arena_fmt(s.a, "{\"lines\":[%.*s,%.*s]}", SPAN_FMT(line),
                          SPAN_FMT(line));
    run_order(&s, body, line.len, &step);
    assert_int_equal(step, PLAN_DONE);
    struct plan_run *r = run_order(&s, body, line.len - 1, &step);
    assert_int_equal(step, PLAN_ASIDE);
    assert_int_equal(plan_run_fault(r)->why, ENGINE_TOO_LONG);
    assert_int_equal(plan_run_fault(r)->offset, 10);
    assert_null(plan_run_again_fault(r));
    close_shop(&s);
}

/* However long the list is, one of them is held. */
TEST(a_list_of_values_that_go_again_streams)
{
    static const char box[] = "{\"parts\":[1,2,3]},";
    const struct plan_how how = {.depth_max = JSON_DEPTH_DEFAULT,
                                 .held_max = sizeof(box),
                                 .is_answer = true};
    struct shop s;
    size_t n = 0, written = 0;
    open_shop(&s);
    struct plan_run *r = plan_run_new(s.a, s.boxes, &how, &s.out);
    assert_non_null(r);
    assert_int_equal(plan_run_feed(r, SPAN("{\"data\":["), false), PLAN_MORE);
    for (; n < 20000; n++) {
        assert_int_equal(plan_run_feed(r, span_str(box), false), PLAN_MORE);
        written += buf_len(&s.out);
        buf_consume(&s.out, buf_len(&s.out));
        assert_true(plan_run_held_bytes(r) < 4096);
    }
    assert_int_equal(plan_run_feed(r, SPAN("{}]}"), true), PLAN_DONE);
    written += buf_len(&s.out);
    assert_int_equal(written, strlen("{\"data\":[{}]}") +
                                  n * (strlen(box) + strlen(",\"n\":3")));
    close_shop(&s);
}

TEST(without_memory_a_value_that_goes_again_fails_and_nothing_crashes)
{
    span body = SPAN("{\"lines\":[{\"parts\":[1]},{\"gone\":1}]}");
    struct shop s;
    enum plan_step step = PLAN_ASIDE;
    open_shop(&s);
    for (size_t n = 1; step != PLAN_DONE && n < 400; n++) {
        arena_fail_after(n);
        (void)run_order(&s, body, 0, &step);
        arena_fail_after(0);
        if (step == PLAN_DONE)
            assert_span(buf_span(&s.out),
                        "{\"lines\":[{\"parts\":[1],\"n\":1},{}]}");
    }
    assert_int_equal(step, PLAN_DONE);
    close_shop(&s);
}
