/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/plan/chains.h"

#include "tests/test.h"
#include "translators/json/tree.h"

struct tally {
    size_t chains;
    size_t planned;
    size_t documents;
    size_t done;
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
        t->documents += r.planned && !wild;
        t->done += r.done && !wild;
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
    print_message("%zu chains, %zu planned; %zu documents, %zu done\n",
                  t.chains, t.planned, t.documents, t.done);
    assert_true(t.planned * 2 > t.chains);
    assert_true(t.done * 4 > t.documents);
}
