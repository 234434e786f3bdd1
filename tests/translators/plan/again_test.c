/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that go again: what comes out is what the reference makes of the whole.
 */
#include "tests/translators/plan/chains.h"

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
