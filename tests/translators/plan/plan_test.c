/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/plan/chains.h"

#include "proxy/base/problem.h"
#include "tests/test.h"
#include "tests/translators/json/texts.h"
#include "translators/json/tree.h"

struct tally {
    size_t chains;
    size_t planned;
    size_t again; /* in which values go again */
    size_t documents;
    size_t done;
    size_t refused; /* by both */
};

static void
compare_all(struct arena *a, uint64_t *seed, const struct lens_api *api,
            size_t from, size_t to, struct tally *t)
{
    const struct plan *plan = NULL;
    struct err e;
    assert_int_equal(plan_build(a, api, from, to, &plan, &e), OK);
    t->chains++;
    for (size_t i = 0; i < 12; i++) {
        bool wild = i % 4 == 3;
        span body = chain_document(a, seed, wild);
        struct chain_result r =
            chain_compare(a, api, plan, from, to, i % 2 == 0, body);
        if (r.difference.len)
            fail_msg("%zu to %zu: %.*s: %.*s", from, to, SPAN_FMT(body),
                     SPAN_FMT(r.difference));
        t->planned += i == 0 && r.planned;
        t->again += i == 0 && r.again;
        t->documents += r.planned && !wild;
        t->done += r.done && !wild;
        t->refused += r.planned && !r.done && r.fails && !wild;
    }
}

TEST(a_plan_says_what_the_reference_says_however_the_body_is_cut)
{
    const char *asked = getenv("STILE_CHAINS");
    size_t n = asked ? strtoul(asked, NULL, 10) : 150;
    uint64_t seed = 7;
    struct tally t = {0};
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api = chain_api(a, &seed, i % 3 ? 4 : 20);
        if (api) {
            compare_all(a, &seed, api, 0, api->n_versions - 1, &t);
            compare_all(a, &seed, api, api->n_versions - 1, 0, &t);
            compare_all(a, &seed, api, 0, 1, &t);
        }
        arena_free(&a);
    }
    print_message("%zu chains, %zu planned, %zu with values that go again; "
                  "%zu documents, %zu done, %zu refused, %zu for the "
                  "reference\n",
                  t.chains, t.planned, t.again, t.documents, t.done, t.refused,
                  t.documents - t.done - t.refused);
    assert_true(t.planned * 5 > t.chains * 2);
    assert_true(t.again * 20 > t.chains);
    assert_true(t.done * 4 > t.documents);
}

/* ---- by hand --------------------------------------------------------------------- */

static const char api_yaml[] =
    "api: shop\nversions: {v1: {}, v2: {}, v3: {}}\n"
    "detect: [{header: V}]\nmissing: v1\nunknown: refuse\n"
    "types:\n  Order: {at: POST /orders}\n  Line: {at: \"rows/* of Order\"}\n";

static const char first_yaml[] =
    "change: first\nfrom: v1\nto: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map: {old: new, lines: rows, kind: {enum: {p: q}}}\n"
    "  add: {late: {up: 1, write: lose}}\n"
    "  drop: {gone: {down: 0, write: ignore}}\n"
    "Line:\n  map: {sku: code}\n";

static const char second_yaml[] =
    "change: second\nfrom: v2\nto: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map: {new: newest, late: latest, kind: {enum: {q: z}}}\n";

struct shop {
    struct arena *a;
    const struct lens_api *api;
    const struct plan *plan;
    const struct plan_entry *order; /* in requests */
    const struct plan_entry *answer;
    struct buf out;
};

static void
open_shop_of(struct shop *s, const char *api)
{
    static const struct lens_place whole = {0};
    struct problems problems;
    struct err e;
    const struct lens_text changes[] = {
        {SPAN("1.yaml"), span_str(first_yaml)},
        {SPAN("2.yaml"), span_str(second_yaml)}};
    *s = (struct shop){.a = arena_new(CHAIN_ROOM)};
    problems_init(&problems, s->a);
    assert_int_equal(
        lens_load_text(s->a,
                       (struct lens_text){SPAN("api.yaml"), span_str(api)},
                       changes, COUNT(changes), &problems, &s->api),
        OK);
    assert_int_equal(plan_build(s->a, s->api, 0, 2, &s->plan, &e), OK);
    size_t type = (size_t)lens_type_of(s->api, SPAN("Order"));
    s->order = plan_find(s->plan, &whole, type, true);
    s->answer = plan_find(s->plan, &whole, type, false);
    assert_non_null(s->order);
    assert_non_null(s->answer);
    buf_init(&s->out, CHAIN_ROOM);
}

static void
open_shop(struct shop *s)
{
    open_shop_of(s, api_yaml);
}

static void
close_shop(struct shop *s)
{
    buf_fini(&s->out);
    arena_free(&s->a);
}

static enum plan_step
run(struct shop *s, span body)
{
    buf_clear(&s->out);
    struct plan_run *r = plan_run_new(
        s->a, s->order, &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT},
        &s->out);
    assert_non_null(r);
    return plan_run_feed(r, body, true);
}

TEST(edits_leave_all_other_bytes_as_they_came)
{
    static const struct {
        const char *body;
        const char *out;
    } cases[] = {
        {"{}", "{\"latest\":1}"},
        {" { } ", " {\"latest\":1 } "},
        {"{\"gone\":0}", "{\"latest\":1}"},
        {"{ \"gone\" : [1] , \"x\" : 1e0 }", "{  \"x\" : 1e0,\"latest\":1 }"},
        {"{\"x\":1, \"gone\":{\"old\":2} ,\"y\":2}",
         "{\"x\":1 ,\"y\":2,\"latest\":1}"},
        {"{\"x\":1, \"gone\":3 }", "{\"x\":1,\"latest\":1 }"},
        {"{\"old\":{\"old\":1}}", "{\"newest\":{\"old\":1},\"latest\":1}"},
        {"{\"kind\":\"p\"}", "{\"kind\":\"z\",\"latest\":1}"},
        {"{\"kind\":\"other\"}", "{\"kind\":\"other\",\"latest\":1}"},
        {"{\"lines\":[{\"s\\u006bu\":1,\"\\u0073\":2},3]}",
         "{\"rows\":[{\"code\":1,\"\\u0073\":2},3],\"latest\":1}"},
        {"{\"kind\":\"\\u0070\"}", "{\"kind\":\"z\",\"latest\":1}"},
        {"{\"lines\":[{\"sku\":1,\"s\":2},3,[{\"sku\":1}]]}",
         "{\"rows\":[{\"code\":1,\"s\":2},3,[{\"sku\":1}]],\"latest\":1}"},
        {"[{\"old\":1}]", "[{\"old\":1}]"},
        {"\"old\"", "\"old\""},
    };
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(run(&s, span_str(cases[i].body)), PLAN_DONE);
        assert_span(buf_span(&s.out), cases[i].out);
    }
    close_shop(&s);
}

TEST(what_the_program_cannot_know_goes_aside)
{
    static const char *const bodies[] = {
        "{\"new\":1}",                 /* occupied in v2 */
        "{\"latest\":2}",              /* occupied in v3 */
        "{\"late\":2}",                /* made up in v2 alone */
        "{\"old\":1,\"old\":2}",       /* doubled */
        "{\"old\":1,\"\\u006fld\":1}", /* doubled, spelt in two ways */
        "{\"kind\":\"q\"}",            /* a symbol of v2 only */
        "{\"kind\":\"\\ud800\"}",      /* half a pair */
        "{\"lines\":{\"a\":{}}}",      /* members for elements */
        "{\"lines\":[{\"code\":1}]}",
    };
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(bodies); i++)
        if (run(&s, span_str(bodies[i])) != PLAN_ASIDE)
            fail_msg("done: %s", bodies[i]);
    close_shop(&s);
}

TEST(in_an_answer_a_stranger_goes_with_a_notice)
{
    static const struct {
        const char *body;
        const char *out;
        const char *at;
    } cases[] = {
        {"{\"new\":{\"old\":1},\"x\":2}", "{\"x\":2,\"latest\":1}", "/new"},
        {"{\"x\":2 , \"newest\":1}", "{\"x\":2,\"latest\":1}", "/newest"},
        {"{\"lines\":[{},{\"code\":1,\"sku\":2}]}",
         "{\"rows\":[{},{\"code\":2}],\"latest\":1}", "/lines/1/code"},
    };
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t strangers = 0;
        buf_clear(&s.out);
        struct plan_run *r =
            plan_run_new(s.a, s.answer,
                         &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT,
                                            .is_answer = true},
                         &s.out);
        assert_non_null(r);
        assert_int_equal(plan_run_feed(r, span_str(cases[i].body), true),
                         PLAN_DONE);
        assert_span(buf_span(&s.out), cases[i].out);
        for (size_t k = 0; k < plan_run_notices_max(r); k++) {
            struct plan_notice n = plan_run_notice(r, k);
            if (n.kind != NOTICE_STRANGER || !n.n)
                continue;
            strangers++;
            buf_clear(&s.out);
            plan_run_notice_at(r, &n, &s.out);
            assert_span(buf_span(&s.out), cases[i].at);
        }
        assert_int_equal(strangers, 1);
    }
    close_shop(&s);
}

TEST(no_body_that_ends_early_is_done)
{
    span body = SPAN("{\"old\":[1.5e+3,true,null],\"kind\":\"p\",\"lines\":"
                     "[{\"sku\":\"h\xC3\xA9\\u00e9\"}],\"gone\":{\"a\":-1}}");
    struct shop s;
    open_shop(&s);
    assert_int_equal(run(&s, body), PLAN_DONE);
    for (size_t n = 0; n < body.len; n++)
        assert_int_equal(run(&s, span_take(body, n)), PLAN_ASIDE);
    close_shop(&s);
}

static const char nest_yaml[] =
    "change: nest\nfrom: v1\nto: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map:\n    name: ship/name\n"
    "    total: {to: sum, as: minor(2) <> decimal(2)}\n";

static const char rename_yaml[] =
    "change: again\nfrom: v2\nto: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map: {ship/name: ship/who, sum: amount}\n";

/* What the composed program writes, or NULL text where it goes aside. */
static span
run_composed(struct arena *a, const struct plan *p, bool is_request, span body)
{
    static const struct lens_place whole = {0};
    const struct plan_entry *entry = plan_find(p, &whole, 0, is_request);
    struct buf out;
    span text = {0};
    assert_non_null(entry);
    buf_init(&out, CHAIN_ROOM);
    struct plan_run *r =
        plan_run_new(a, entry,
                     &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT,
                                        .is_answer = !is_request},
                     &out);
    assert_non_null(r);
    if (plan_run_feed(r, body, true) == PLAN_DONE)
        assert_true(span_dup(a, buf_span(&out), &text));
    buf_fini(&out);
    return text;
}

TEST(values_leave_their_objects_and_come_back_to_them)
{
    const struct lens_text changes[] = {
        {SPAN("1.yaml"), span_str(nest_yaml)},
        {SPAN("2.yaml"), span_str(rename_yaml)}};
    struct lens_text api_text = {SPAN("api.yaml"), span_str(api_yaml)};
    struct arena *a = arena_new(CHAIN_ROOM);
    const struct lens_api *api = NULL;
    const struct plan *p = NULL;
    struct problems problems;
    struct err e;
    problems_init(&problems, a);
    assert_int_equal(
        lens_load_text(a, api_text, changes, COUNT(changes), &problems, &api),
        OK);
    assert_int_equal(plan_build(a, api, 0, 2, &p, &e), OK);
    assert_span(run_composed(a, p, true,
                             SPAN("{\"name\":\"Ada\",\"total\":1299,\"x\":1}")),
                "{\"amount\":\"12.99\",\"x\":1,\"ship\":{\"who\":\"Ada\"}}");
    assert_span(run_composed(a, p, false, SPAN("{\"amount\":1}")), "{}");
    assert_null(run_composed(a, p, true, SPAN("{\"amount\":1}")).at);
    assert_null(run_composed(a, p, true, SPAN("{\"total\":\"x\"}")).at);
    /* The host that its last member leaves goes with it. */
    assert_int_equal(plan_build(a, api, 2, 0, &p, &e), OK);
    assert_span(
        run_composed(a, p, true, SPAN("{\"ship\":{\"who\":\"Ada\"},\"x\":1}")),
        "{\"x\":1,\"name\":\"Ada\"}");
    assert_span(
        run_composed(a, p, true,
                     SPAN("{\"ship\":{\"k\":0,\"who\":\"Ada\"},\"x\":1}")),
        "{\"ship\":{\"k\":0},\"x\":1,\"name\":\"Ada\"}");
    assert_span(run_composed(a, p, true, SPAN("{\"ship\":{},\"x\":1}")),
                "{\"ship\":{},\"x\":1}");
    arena_free(&a);
}

static const char form_yaml[] =
    "change: form\nfrom: v1\nto: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  map: {a: {to: b, as: int <> string}}\n";

static const char drop_yaml[] =
    "change: drop\nfrom: v2\nto: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n  drop: {b: {down: \"1\", write: ignore}}\n";

/* SEMANTICS.md, pitfall 6: and a spelling that is not written is told. */
TEST(what_goes_is_read_by_its_form_all_the_same)
{
    static const char *const bodies[] = {"{\"a\":7}", "{\"a\":1.0}",
                                         "{\"a\":\"x\"}", "{\"a\":true}", "{}"};
    const struct lens_text changes[] = {{SPAN("1.yaml"), span_str(form_yaml)},
                                        {SPAN("2.yaml"), span_str(drop_yaml)}};
    struct lens_text api_text = {SPAN("api.yaml"), span_str(api_yaml)};
    struct arena *a = arena_new(CHAIN_ROOM);
    const struct lens_api *api = NULL;
    const struct plan *p = NULL;
    struct problems problems;
    struct err e;
    problems_init(&problems, a);
    assert_int_equal(
        lens_load_text(a, api_text, changes, COUNT(changes), &problems, &api),
        OK);
    assert_int_equal(plan_build(a, api, 0, 2, &p, &e), OK);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct chain_result r =
            chain_compare(a, api, p, 0, 2, true, span_str(bodies[i]));
        assert_true(r.planned);
        if (r.difference.len)
            fail_msg("%s: %.*s", bodies[i], SPAN_FMT(r.difference));
    }
    arena_free(&a);
}

/* A text may hold a NUL. */
static span
around(struct shop *s, const char *before, span text, const char *after)
{
    struct buf b;
    span out = {0};
    buf_init(&b, CHAIN_ROOM);
    buf_str(&b, before);
    buf_add(&b, text);
    buf_str(&b, after);
    assert_true(span_dup(s->a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(what_the_rfc_allows_passes_byte_for_byte_and_nothing_else)
{
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(accepted); i++) {
        span body = around(&s, "[", accepted[i], "]");
        assert_int_equal(run(&s, body), PLAN_DONE);
        span out = buf_span(&s.out);
        assert_true(out.at && body.at && span_eq(out, body));
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        span body = around(&s, "{\"x\":", refused[i], "}");
        if (run(&s, refused[i]) != PLAN_ASIDE || run(&s, body) != PLAN_ASIDE)
            fail_msg("done: %.*s", SPAN_FMT(refused[i]));
    }
    close_shop(&s);
}

TEST(depth_is_held_at_its_limit_and_one_above_goes_aside)
{
    static char body[2 * JSON_DEPTH_DEFAULT + 2];
    struct shop s;
    open_shop(&s);
    for (size_t depth = JSON_DEPTH_DEFAULT; depth <= JSON_DEPTH_DEFAULT + 1;
         depth++) {
        memset(body, '[', depth);
        memset(body + depth, ']', depth);
        assert_int_equal(run(&s, span_of(body, 2 * depth)),
                         depth == JSON_DEPTH_DEFAULT ? PLAN_DONE : PLAN_ASIDE);
    }
    close_shop(&s);
}

TEST(a_run_takes_no_memory_but_for_its_output)
{
    span body = SPAN("{\"old\":1,\"lines\":[{\"sku\":1},{\"sku\":2}]}");
    struct shop s;
    open_shop(&s);
    struct plan_run *r = plan_run_new(
        s.a, s.order, &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT},
        &s.out);
    assert_non_null(r);
    arena_fail_after(1);
    enum plan_step step = plan_run_feed(r, body, true);
    arena_fail_after(0);
    assert_int_equal(step, PLAN_DONE);
    close_shop(&s);
}

/* Wherever messages have a type, its program begins there. */
TEST(a_program_is_led_to_the_places_of_its_type)
{
    static const char text[] =
        "api: shop\nversions: {v1: {}, v2: {}, v3: {}}\n"
        "detect: [{header: V}]\nmissing: v1\nunknown: refuse\n"
        "types:\n  Order: {at: \"data/* of GET /orders\"}\n"
        "  Line: {at: \"rows/* of Order\"}\n";
    static const struct {
        const char *body;
        const char *out; /* NULL: aside */
    } cases[] = {
        {"{\"data\":[{\"old\":1},2,{\"old\":[]}],\"old\":3}",
         "{\"data\":[{\"newest\":1,\"latest\":1},2,{\"newest\":[],\"latest\":1}"
         "],"
         "\"old\":3}"},
        {"{\"data\":7}", "{\"data\":7}"},
        {"[{\"data\":[{\"old\":1}]}]", "[{\"data\":[{\"old\":1}]}]"},
        {"{\"data\":{\"a\":{\"old\":1}}}", NULL},
        {"{\"data\":[],\"data\":[]}", NULL},
    };
    struct shop s;
    open_shop_of(&s, text);
    const struct lens_site *site = &s.api->sites[0][0];
    s.order = plan_find(s.plan, &site->place, site->type, false);
    assert_non_null(s.order);
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum plan_step step = run(&s, span_str(cases[i].body));
        assert_int_equal(step, cases[i].out ? PLAN_DONE : PLAN_ASIDE);
        if (cases[i].out)
            assert_span(buf_span(&s.out), cases[i].out);
    }
    close_shop(&s);
}

TEST(a_type_that_is_not_there_has_no_entry_and_no_memory_is_no_crash)
{
    static const struct lens_place whole = {0};
    struct shop s;
    open_shop(&s);
    assert_null(plan_find(s.plan, &whole, 99, true));
    for (size_t n = 1; n < 200; n++) {
        const struct plan *p = NULL;
        struct err e;
        struct arena *a = arena_new(CHAIN_ROOM);
        arena_fail_after(n);
        enum err_code code = plan_build(a, s.api, 0, 2, &p, &e);
        arena_fail_after(0);
        assert_true(code == OK || code == ERR_LIMIT);
        arena_free(&a);
    }
    close_shop(&s);
}
