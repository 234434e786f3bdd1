/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that are made of their neighbours' say what those say that are made alone.
 */
#include "tests/translators/plan/chains.h"

#include "tests/test.h"
#include "tests/translators/compose/generate.h"
#include "tests/translators/reference/gen.h"

struct tally {
    size_t pairs;
    size_t planned;
    size_t documents;
    size_t done;
    size_t
        others; /* one has a program where the other has none, or goes aside */
};

typedef span (*document_fn)(struct arena *a, uint64_t *seed,
                            const struct lens_api *api, size_t from);

/* The chains to one version from all others, made of one another. */
static const struct plan **
plans_to(struct arena *a, const struct lens_api *api, size_t to)
{
    size_t n = api->n_versions;
    uint8_t *wanted = arena_array(a, n * n, sizeof(*wanted));
    const struct plan **plans =
        arena_array(a, n * n, sizeof(const struct plan *));
    struct err e;
    assert_true(wanted && plans);
    for (size_t from = 0; from < n; from++)
        wanted[from * n + to] = from == to ? 0 : PLAN_BOTH;
    assert_int_equal(plan_build_all(a, api, wanted, plans, &e), OK);
    for (size_t from = 0; from < n; from++)
        assert_int_equal(plans[from * n + to] != NULL, from != to);
    return plans;
}

static void
compare_pair(struct arena *a, const struct lens_api *api, size_t from,
             size_t to, const struct plan *shared, document_fn document,
             uint64_t *seed, struct tally *t)
{
    const struct plan *alone = NULL;
    struct err e;
    assert_int_equal(plan_build(a, api, from, to, &alone, &e), OK);
    t->pairs++;
    for (size_t i = 0; i < 8; i++) {
        span body = document(a, seed, api, from);
        struct chain_result is =
            chain_compare(a, api, shared, from, to, i % 2, body);
        struct chain_result should =
            chain_compare(a, api, alone, from, to, i % 2, body);
        if (is.difference.len && !should.difference.len)
            fail_msg("%zu to %zu: %.*s: %.*s", from, to, SPAN_FMT(body),
                     SPAN_FMT(is.difference));
        t->planned += i == 0 && is.planned;
        t->documents += is.planned;
        t->done += is.done;
        t->others += is.planned != should.planned || is.again != should.again ||
                     is.done != should.done;
    }
}

static void
compare_api(struct arena *a, const struct lens_api *api, document_fn document,
            uint64_t *seed, struct tally *t)
{
    size_t n = api->n_versions;
    size_t ends[] = {0, n - 1, n / 2};
    for (size_t i = 0; i < COUNT(ends); i++) {
        const struct plan **plans = plans_to(a, api, ends[i]);
        for (size_t from = 0; from < n; from++)
            if (from != ends[i])
                compare_pair(a, api, from, ends[i], plans[from * n + ends[i]],
                             document, seed, t);
    }
}

static void
tell(const char *of, const struct tally *t)
{
    print_message("%s: %zu pairs, %zu planned; %zu documents, %zu done, %zu "
                  "otherwise than alone\n",
                  of, t->pairs, t->planned, t->documents, t->done, t->others);
}

/* ---- of which there are programs ------------------------------------------------------ */

static span
planned(struct arena *a, uint64_t *seed, const struct lens_api *api,
        size_t from)
{
    (void)api;
    (void)from;
    return chain_document(a, seed, chain_dice(seed, 4) == 0);
}

TEST(a_chain_made_of_its_neighbours_is_the_chain)
{
    uint64_t seed = 11;
    struct tally t = {0};
    for (size_t i = 0; i < 60; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api = chain_api(a, &seed, i % 3 ? 4 : 10);
        if (api)
            compare_api(a, api, planned, &seed, &t);
        arena_free(&a);
    }
    tell("chains", &t);
    assert_int_equal(t.others, 0);
    assert_true(t.done * 4 > t.documents);
}

/* What chains lost once: symbols that one step renames and the next turns, what is in a value that
 * an element gives away, and what is told of a list that also stays what it is. */
static const struct {
    const char *first, *second;
    size_t from;
    const char *body;
} fixed[] = {
    {"{c: a}", "{a: {enum: {p: q, q: p}}}", 0, "{\"c\":\"q\"}"},
    {"{c: a}", "{a: {enum: {p: q, q: p}}}", 0, "{\"c\":\"r\"}"},
    {"{c: a}", "{a: {enum: {p: q, q: p}}}", 2, "{\"a\":\"q\"}"},
    {"{b/h/a: {enum: {p: q}}}", "{b: \"l/[0]/g\"}", 2,
     "{\"l\":[{\"g\":{\"h\":{\"a\":\"q\"}}}]}"},
    {"{b/h/a: {as: minor(2) <> decimal(2)}}", "{b: \"l/[k=h]/g\"}", 2,
     "{\"l\":[{\"g\":{\"h\":{\"a\":\"12.34\"}},\"k\":\"h\"}]}"},
    {"{d/h/d: {to: g, as: one <> list, rest: lose}}",
     "{? [g, b] : {to: c, differ: first}}", 2, "{\"c\":[1,{}]}"},
    {"{d/h/d: {to: g, as: one <> list, rest: lose}}",
     "{? [g, b] : {to: c, differ: first}}", 2, "{\"c\":[1]}"},
};

TEST(what_one_step_moves_and_another_changes_is_changed)
{
    for (size_t i = 0; i < 2 * COUNT(fixed); i++) {
        size_t from = fixed[i / 2].from, to = 2 - from;
        struct arena *a = arena_new(CHAIN_ROOM);
        span changes[] = {arena_fmt(a, "T:\n  map: %s\n", fixed[i / 2].first),
                          arena_fmt(a, "T:\n  map: %s\n", fixed[i / 2].second)};
        const struct lens_api *api =
            bench_api(a, SPAN("T: {at: \"* /t\"}\n"), changes, 2, NULL);
        assert_non_null(api);
        const struct plan **plans = plans_to(a, api, to);
        struct chain_result is =
            chain_compare(a, api, plans[from * 3 + to], from, to, i % 2,
                          span_str(fixed[i / 2].body));
        assert_true(is.planned && is.done);
        assert_span(is.difference, "");
        arena_free(&a);
    }
}

/* ---- of all kinds ---------------------------------------------------------------------- */

static span
generated(struct arena *a, uint64_t *seed, const struct lens_api *api,
          size_t from)
{
    (void)api;
    (void)from;
    return generate_document(a, seed);
}

TEST(so_it_is_of_long_chains_of_changes_that_meet)
{
    uint64_t seed = 5;
    struct tally t = {0};
    for (size_t i = 0; i < 120; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        span text;
        const struct lens_api *api = generate_api(a, &seed, &text);
        if (api)
            compare_api(a, api, generated, &seed, &t);
        arena_free(&a);
    }
    tell("changes that meet", &t);
    assert_true(t.done * 2 > t.documents && t.others * 30 < t.documents);
}

static span
lawful(struct arena *a, uint64_t *seed, const struct lens_api *api, size_t from)
{
    struct gen g = {.seed = *seed, .lists = true, .named = true};
    span body = gen_document(&g, a, api, from, gen_pick(&g, 3));
    *seed = g.seed;
    return body;
}

TEST(so_it_is_of_all_arrows)
{
    uint64_t seed = 3;
    struct tally t = {0};
    for (size_t i = 0; i < 120; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        struct gen g = {.seed = seed + i * 1000,
                        .lists = i % 2,
                        .named = i % 3 > 0,
                        .marked = i % 5 == 0};
        const struct lens_api *api = gen_api(&g, a);
        if (api)
            compare_api(a, api, lawful, &seed, &t);
        arena_free(&a);
    }
    tell("all arrows", &t);
    assert_true(t.done * 2 > t.documents && t.others * 30 < t.documents);
}
