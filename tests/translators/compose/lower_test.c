/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine does by a lowered program is what the reference does, however
 * the document is cut: or it goes aside.
 */
#include "tests/translators/compose/lowered.h"

#include "tests/test.h"
#include "tests/translators/compose/generate.h"
#include "tests/translators/plan/chains.h"
#include "tests/translators/reference/gen.h"

typedef span (*document_fn)(struct arena *a, uint64_t *seed,
                            const struct lens_api *api, size_t version);

static void
try_api(const struct lens_api *api, struct arena *a, document_fn document,
        span text, uint64_t *seed, struct lowered_count *c)
{
    for (size_t way = 0; way < 4; way++) {
        size_t from = way & 1 ? api->n_versions - 1 : 0;
        size_t to = api->n_versions - 1 - from;
        bool is_request = way & 2;
        struct lowered l;
        lowered_chain(a, api, from, to, is_request, &l);
        c->chains++;
        if (l.why && getenv("STILE_WHY"))
            print_message("stop: %s\n", l.why);
        if (l.why)
            continue;
        c->lowered++;
        for (size_t d = 0; d < 6; d++) {
            span body = document(a, seed, api, from);
            span differs = lowered_compare(a, api, &l, from, to, is_request,
                                           body, seed, c);
            if (!differs.len)
                continue;
            print_error("%.*s\n", SPAN_FMT(text));
            print_error("%s %.*s\n", is_request ? "request" : "answer",
                        SPAN_FMT(body));
            fail_msg("%zu to %zu: %.*s", from, to, SPAN_FMT(differs));
        }
    }
}

static span
chained(struct arena *a, uint64_t *seed, const struct lens_api *api,
        size_t version)
{
    (void)api;
    (void)version;
    return chain_document(a, seed, false);
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

TEST(the_machine_does_what_the_reference_does_or_goes_aside)
{
    const char *asked = getenv("STILE_CHAINS");
    const char *first = getenv("STILE_SEED");
    size_t n = asked ? strtoul(asked, NULL, 10) : 60;
    uint64_t seed = first ? strtoul(first, NULL, 10) : 11;
    struct lowered_count count[3] = {{0}};
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        span text = {0};
        const struct lens_api *api = chain_api(a, &seed, 6);
        if (api)
            try_api(api, a, chained, text, &seed, &count[0]);
        api = generate_api(a, &seed, &text);
        if (api)
            try_api(api, a, generated, text, &seed, &count[1]);
        struct gen g = {.seed = seed, .sets = true};
        api = gen_api(&g, a);
        seed = g.seed;
        if (api)
            try_api(api, a, lawful, g.told, &seed, &count[2]);
        arena_free(&a);
    }
    for (size_t i = 0; i < COUNT(count); i++)
        print_message("%zu chains, %zu lowered; %zu documents, %zu refused, "
                      "%zu done\n",
                      count[i].chains, count[i].lowered, count[i].documents,
                      count[i].refused, count[i].done);
    assert_true(count[0].lowered * 4 > count[0].chains);
    assert_true(count[0].done * 3 > count[0].documents);
}

/* The machine does at once what an entry says of a scalar, if nothing else is asked. */
TEST(an_entry_of_what_goes_again_says_so_in_its_way)
{
    struct arena *a = arena_new(BENCH_ROOM);
    const span change = SPAN("U: {map: {z: {order: by k}}}");
    const struct lens_api *api = bench_api(
        a, SPAN("T: {at: \"* /t\"}\nU: {at: u of T}\n"), &change, 1, "again");
    struct lowered l;
    assert_non_null(api);
    lowered_chain(a, api, 0, 1, true, &l);
    assert_null(l.why);
    assert_int_equal(l.n_agains, 1);
    const struct engine_entry *u = &l.program.root->child->entries[0];
    assert_non_null(u->again);
    assert_int_equal(u->way, ENGINE_GENERAL);
    arena_free(&a);
}

TEST(without_memory_there_is_an_error_and_no_crash)
{
    uint64_t seed = 5;
    struct arena *a = arena_new(BENCH_ROOM);
    span text = {0};
    const struct lens_api *api = generate_api(a, &seed, &text);
    bool whole = false;
    assert_non_null(api);
    for (size_t n = 1; !whole && n < 4000; n += 1 + n / 40) {
        struct arena *b = arena_new(BENCH_ROOM);
        struct compose *c = NULL;
        struct lowered l;
        struct err e;
        arena_fail_after(n);
        enum err_code code = compose_begin(b, api, NULL, 0, true, &c, &e);
        for (size_t v = 1; code == OK && v < api->n_versions; v++)
            code = compose_step(c, &e);
        if (code == OK)
            code = compose_lower(c, a, 0, true, &l, &e);
        arena_fail_after(0);
        assert_true(code == OK || code == ERR_LIMIT);
        whole = code == OK;
        arena_free(&b);
    }
    arena_free(&a);
}
