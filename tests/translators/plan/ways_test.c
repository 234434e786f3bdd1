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

/* ---- of several types, each touched now and then -------------------------------------------- */

static const char *const arrows[] = {
    "  map: {a: b}\n",
    "  map: {b: a}\n",
    "  map: {a: {enum: {p: q, q: p}}}\n",
    "  map: {c: {enum: {p: q, r: p}}}\n",
    "  map: {c: d, d: c}\n",
    "  map: {d: {as: minor(2) <> decimal(2)}}\n",
    "  add: {e: {up: 1, write: lose}}\n",
    "  drop: {f: {down: 1, write: ignore}}\n",
};

static void
touch(struct buf *b, uint64_t *seed, const char *type)
{
    buf_fmt(b, "%s:\n%s", type, arrows[chain_dice(seed, COUNT(arrows))]);
}

/* In each step mostly one of three types, of which one lies in another. */
static const struct lens_api *
now_and_then(struct arena *a, uint64_t *seed, size_t n_changes)
{
    span changes[16] = {{0}};
    assert_true(n_changes <= COUNT(changes));
    for (size_t i = 0; i < n_changes; i++) {
        struct buf b;
        buf_init(&b, CHAIN_ROOM);
        size_t what = chain_dice(seed, 6);
        if (what == 0 || what == 5)
            touch(&b, seed, "Doc");
        if (what == 1 || what == 5)
            touch(&b, seed, "Item");
        if (what > 1 && what < 5)
            touch(&b, seed, "Other");
        assert_true(span_dup(a, buf_span(&b), &changes[i]));
        buf_fini(&b);
    }
    return bench_api(a,
                     SPAN("Doc: {at: \"* /doc\"}\n"
                          "Item: {at: \"items/* of Doc\"}\n"
                          "Other: {at: \"* /other\"}\n"),
                     changes, n_changes, "now and then");
}

/* For some messages of some pairs. */
static void
compare_some(struct arena *a, const struct lens_api *api, uint64_t *seed,
             struct tally *t)
{
    size_t n = api->n_versions;
    size_t few = 1 + chain_dice(seed, 5);
    uint8_t *wanted = arena_array(a, n * n, sizeof(*wanted));
    const struct plan **plans =
        arena_array(a, n * n, sizeof(const struct plan *));
    struct err e;
    for (size_t i = 0; i < n * n; i++)
        wanted[i] = chain_dice(seed, few) ? 0 : (uint8_t)chain_dice(seed, 4);
    assert_int_equal(plan_build_all(a, api, wanted, plans, &e), OK);
    for (size_t i = 0; i < n * n; i++) {
        const struct plan *alone = NULL;
        size_t from = i / n, to = i % n;
        if (from == to || !wanted[i])
            continue;
        assert_int_equal(plan_build(a, api, from, to, &alone, &e), OK);
        t->pairs++;
        for (size_t k = 0; k < 8; k++) {
            bool is_request = k % 2;
            span body = planned(a, seed, api, from);
            if (!(wanted[i] & (is_request ? PLAN_REQUESTS : PLAN_ANSWERS)))
                continue;
            struct chain_result is =
                chain_compare(a, api, plans[i], from, to, is_request, body);
            struct chain_result should =
                chain_compare(a, api, alone, from, to, is_request, body);
            assert_span(is.difference, "");
            t->documents++;
            t->planned += is.planned;
            t->done += is.done;
            /* What nothing is done to needs no program. */
            bool needed = is.planned;
            for (size_t at = from; !needed && at != to;) {
                size_t next = at < to ? at + 1 : at - 1;
                needed = reference_changes(api, 0, at, next);
                at = next;
            }
            t->others += needed && (is.planned != should.planned ||
                                    is.done != should.done);
        }
    }
}

TEST(a_type_to_which_the_first_step_does_nothing_has_the_next_ones_program)
{
    uint64_t seed = 17;
    struct tally t = {0};
    for (size_t i = 0; i < 60; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api =
            now_and_then(a, &seed, 2 + chain_dice(&seed, 9));
        assert_non_null(api);
        compare_some(a, api, &seed, &t);
        arena_free(&a);
    }
    tell("now and then", &t);
    assert_int_equal(t.others, 0);
    assert_true(t.planned * 2 > t.documents && t.done * 4 > t.documents);
}

/* ---- of a size --------------------------------------------------------------------------------- */

/* A symbol becomes another in each version. */
static const struct lens_api *
dense_enum(struct arena *a, size_t n_changes)
{
    span *changes = arena_array(a, n_changes, sizeof(*changes));
    assert_non_null(changes);
    for (size_t i = 0; i < n_changes; i++)
        changes[i] = arena_fmt(
            a, "T:\n  map: {n%zu: n%zu, state: {enum: {s%zu: s%zu}}}\n", i,
            i + 1, i, i + 1);
    return bench_api(a, SPAN("T: {at: \"* /t\"}\n"), changes, n_changes, NULL);
}

TEST(a_symbol_that_moves_on_in_each_of_many_versions_is_one_map)
{
    enum { CHANGES = 80 };
    struct arena *a = arena_new(CHAIN_ROOM);
    const struct lens_api *api = dense_enum(a, CHANGES);
    size_t done = 0;
    assert_non_null(api);
    for (size_t up = 0; up < 2; up++) {
        size_t from = up ? 0 : CHANGES, to = CHANGES - from;
        const struct plan *plan = NULL;
        struct err e;
        assert_int_equal(plan_build(a, api, from, to, &plan, &e), OK);
        for (size_t i = 0; i <= CHANGES + 1; i++) {
            span body =
                arena_fmt(a, "{\"n%zu\":1,\"state\":\"s%zu\"}", from, i);
            for (size_t is_request = 0; is_request < 2; is_request++) {
                struct chain_result is =
                    chain_compare(a, api, plan, from, to, is_request, body);
                assert_true(is.planned);
                assert_span(is.difference, "");
                done += is.done;
            }
        }
    }
    assert_true(done >= 4);
    arena_free(&a);
}

TEST(plans_that_find_no_room_are_left_to_the_reference_the_farthest_first)
{
    enum { VERSIONS = 31 };
    struct arena *a = arena_new(CHAIN_ROOM);
    const struct lens_api *api = dense_enum(a, VERSIONS - 1);
    struct arena *few = arena_new((size_t)192 * 1024);
    uint8_t wanted[VERSIONS * VERSIONS] = {0};
    const struct plan *plans[VERSIONS * VERSIONS] = {0};
    struct err e;
    size_t n = 0;
    for (size_t from = 1; from < VERSIONS; from++)
        wanted[from * VERSIONS] = PLAN_REQUESTS;
    assert_int_equal(plan_build_all(few, api, wanted, plans, &e), OK);
    while (n + 1 < VERSIONS && plans[(n + 1) * VERSIONS])
        n++;
    assert_true(n > 2 && n + 1 < VERSIONS);
    for (size_t from = n + 1; from < VERSIONS; from++)
        assert_null(plans[from * VERSIONS]);
    assert_false(arena_is_full(few));
    arena_free(&few);
    arena_free(&a);
}
