/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/plan/forms.h"

#include "tests/test.h"

struct tally {
    size_t documents;
    size_t done;
};

static const struct forms all_forms[] = {
    {true, true}, {true, false}, {false, true}};

/* A document, and the same with bytes that do not belong there. */
static void
compare(struct arena *a, uint64_t *seed, const struct lens_api *api,
        size_t from, size_t to, struct tally *t)
{
    const struct plan *plan = NULL;
    struct err e;
    assert_int_equal(plan_build(a, api, from, to, &plan, &e), OK);
    for (size_t i = 0; i < 12; i++) {
        span json = chain_document(a, seed, false);
        span body = {0};
        if (!forms_pack(a, json, &body))
            continue;
        for (size_t n = 0; n < 3 * COUNT(all_forms); n++) {
            struct forms forms = all_forms[n / 3];
            size_t wild = n % 3;
            span good = forms.comes_packed ? body : json;
            char *at = arena_room(a, good.len);
            assert_non_null(at);
            memcpy(at, good.at, good.len);
            if (wild)
                at[chain_dice(seed, good.len)] = (char)chain_dice(seed, 256);
            span is = span_of(at, good.len - (wild == 2));
            struct chain_result r = forms_compare(a, api, plan, from, to,
                                                  i % 2 == 0, forms, is, seed);
            if (r.difference.len)
                fail_msg("%zu to %zu: %.*s (%zu): %.*s", from, to,
                         SPAN_FMT(json), n, SPAN_FMT(r.difference));
            t->documents += r.planned && !wild;
            t->done += r.done && !wild;
        }
    }
}

TEST(messagepack_comes_to_what_the_reference_says_of_it_as_json)
{
    uint64_t seed = 11;
    struct tally t = {0};
    for (size_t i = 0; i < 60; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api = chain_api(a, &seed, i % 3 ? 4 : 12);
        if (api) {
            compare(a, &seed, api, 0, api->n_versions - 1, &t);
            compare(a, &seed, api, api->n_versions - 1, 0, &t);
        }
        arena_free(&a);
    }
    print_message("%zu documents, %zu done\n", t.documents, t.done);
    assert_true(t.done * 4 > t.documents);
}
