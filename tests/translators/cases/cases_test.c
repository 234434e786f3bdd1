/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file of cases may say, and what is said of one that does not hold:
 * files.txt has a file of cases, `---`, and every problem with it.
 */
#include "tests/test.h"

#include "proxy/base/problem.h"
#include "translators/cases/cases.h"
#include "translators/cases/proof.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <stdio.h>

#define ROOM  ((size_t)64 << 20)
#define FILES STILE_SOURCE "/tests/translators/cases/files.txt"

static const struct lens_api *
shop(struct arena *a, const struct translator **t)
{
    static const char api[] =
        "api: shop\n"
        "versions: {v1: {}, v2: {}, v3: {}}\n"
        "types:\n"
        "  Order: {at: [\"* /orders/{id}\", POST /orders]}\n";
    static const char change[] =
        "change: c\n"
        "from: v1\n"
        "to: v2\n"
        "manifest: {title: t, owner: o, guarantee: none}\n"
        "Order:\n"
        "  map:\n"
        "    customer: customer_id\n"
        "    status: {enum: {open: pending}, other: fail}\n"
        "  drop: {old: {down: absent, write: refuse}}\n"
        "http:\n"
        "  GET /orders/{id}: {map: {query/x: query/y, header/A: header/B}}\n"
        "  POST /orders: {map: {status: {enum: {422: 451}}}}\n";
    const struct lens_text changes[] = {
        {SPAN("changes/c.yaml"), span_str(change)}};
    const struct lens_api *out = NULL;
    struct problems p;
    struct err e;
    problems_init(&p, a);
    assert_int_equal(
        lens_load_text(a, (struct lens_text){SPAN("api.yaml"), span_str(api)},
                       changes, COUNT(changes), &p, &out),
        OK);
    assert_int_equal(translator_build(a, out, t, &e), OK);
    return out;
}

/* Lines up to one that is `stop`, which goes too. */
static span
until(span *rest, const char *stop)
{
    span start = *rest;
    while (rest->len) {
        size_t n = start.len - rest->len;
        if (span_is(span_cut(rest, '\n'), stop))
            return span_take(start, n);
    }
    return start;
}

static span
problems_with(struct arena *a, const struct lens_api *api,
              const struct translator *t, span text)
{
    struct problems p;
    struct cases_tally tally = {0};
    struct buf b;
    span out;
    problems_init(&p, a);
    enum err_code code =
        cases_run_text(a, api, t, SPAN("c.yaml"), text, &p, &tally);
    assert_int_equal(code == OK, problems_none(&p));
    problems_sort(&p);
    buf_init(&b, ROOM);
    problems_print(&p, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(a_file_of_cases_is_read_strictly_and_a_false_claim_is_told_with_its_place)
{
    struct arena *a = arena_new(ROOM);
    const struct translator *t = NULL;
    const struct lens_api *api = shop(a, &t);
    span rest = test_file(a, FILES);
    size_t n = 0, n_wrong = 0;
    (void)until(&rest, "====");
    for (; rest.len; n++) {
        span text = until(&rest, "---");
        span ought = until(&rest, "====");
        span is = problems_with(a, api, t, text);
        if (span_eq(is, ought))
            continue;
        n_wrong++;
        fprintf(stderr, "%.*sis\n%.*sought\n%.*s\n", SPAN_FMT(text),
                SPAN_FMT(is), SPAN_FMT(ought));
    }
    assert_int_equal(n_wrong, 0);
    assert_true(n > 15);
    arena_free(&a);
}

/* What arrows on whole messages can say, as an api with cases of its own. */
TEST(a_message_is_an_object_and_its_arrows_are_arrows)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = NULL;
    struct problems p;
    struct cases_tally tally = {0};
    problems_init(&p, a);
    assert_int_equal(
        lens_load(a, STILE_SOURCE "/tests/translators/cases/http", &p, &api),
        OK);
    enum err_code code = cases_run(a, api, &p, &tally);
    for (size_t i = 0; i < p.n; i++)
        fprintf(stderr, "%.*s:%zu: %.*s\n", SPAN_FMT(p.at[i].file),
                p.at[i].line, SPAN_FMT(p.at[i].text));
    assert_int_equal(code, OK);
    assert_true(tally.n_cases >= 43);
    arena_free(&a);
}

TEST(the_cases_beside_an_api_are_tried)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = NULL;
    struct problems p;
    struct cases_tally tally = {0};
    problems_init(&p, a);
    assert_int_equal(
        lens_load(a, STILE_SOURCE "/config/examples/shop", &p, &api), OK);
    assert_int_equal(cases_run(a, api, &p, &tally), OK);
    assert_int_equal(tally.n_files, 2);
    assert_true(tally.n_cases >= 6);
    arena_free(&a);
}

TEST(an_arena_that_is_too_small_is_told_and_nothing_else)
{
    struct arena *big = arena_new(ROOM);
    const struct translator *t = NULL;
    const struct lens_api *api = shop(big, &t);
    span text = SPAN("- {case: a, type: Order, older: {customer: x}, newer: "
                     "{customer_id: x}}\n");
    bool was_ok = false;
    for (size_t n = 1; n < 400 && !was_ok; n++) {
        struct arena *a = arena_new(ROOM);
        struct arena *list = arena_new(ROOM);
        struct problems p;
        struct cases_tally tally = {0};
        problems_init(&p, list);
        arena_fail_after(n);
        enum err_code code =
            cases_run_text(a, api, t, SPAN("c.yaml"), text, &p, &tally);
        arena_fail_after(0);
        was_ok = code == OK;
        assert_true(was_ok || code == ERR_LIMIT || !problems_none(&p));
        arena_free(&list);
        arena_free(&a);
    }
    assert_true(was_ok);
    arena_free(&big);
}

/* ---- what they prove ---- */

static enum cases_verdict
verdict(const struct cases_proof *proof, const struct lens_api *api,
        const char *client, const char *pool)
{
    char why[256];
    int from = lens_version_of(api, span_str(client));
    int to = lens_version_of(api, span_str(pool));

    assert_true(from >= 0 && to >= 0);
    return cases_verdict_of(proof, api, (size_t)from, (size_t)to, why,
                            sizeof(why));
}

TEST(what_no_case_was_touched_by_is_unknown_and_one_that_fails_refutes)
{
    static const span wrong =
        SPAN("- case: a cent too many\n"
             "  type: Order\n"
             "  from: v2a\n"
             "  older: {id: o-3, total_cents: 100, currency: EUR}\n"
             "  newer: {id: o-3, amounts: {total: \"1.01\", currency: EUR}}\n");
    struct arena *a = arena_new(ROOM);
    const struct translator *t = NULL;
    const struct lens_api *api = NULL;
    struct problems p;
    struct cases_step step;
    struct cases_tally tally = {.proof = cases_proof_new(a)};
    struct err e;

    problems_init(&p, a);
    assert_int_equal(
        lens_load(a, STILE_SOURCE "/config/examples/shop", &p, &api), OK);
    assert_int_equal(translator_build(a, api, &t, &e), OK);
    assert_non_null(tally.proof);
    cases_step_of(tally.proof, api, 2, &step);
    assert_true(step.n_arrows > 0 && step.open && step.n_up == 0);
    assert_int_equal(verdict(tally.proof, api, "v2a", "v3"), CASES_UNKNOWN);
    assert_int_equal(verdict(tally.proof, api, "v3", "v3"), CASES_YES);

    assert_int_equal(cases_run(a, api, &p, &tally), OK);
    cases_step_of(tally.proof, api, 2, &step);
    assert_null(step.open);
    assert_int_equal(step.n_up, step.n_arrows);
    assert_int_equal(step.n_down, step.n_arrows);
    assert_int_equal(verdict(tally.proof, api, "v2a", "v3"), CASES_YES);
    assert_int_equal(verdict(tally.proof, api, "v3", "v2a"), CASES_YES);
    assert_int_equal(verdict(tally.proof, api, "v1", "v3"), CASES_UNKNOWN);

    assert_int_equal(
        cases_run_text(a, api, t, SPAN("c.yaml"), wrong, &p, &tally),
        ERR_INVALID);
    assert_int_equal(verdict(tally.proof, api, "v2a", "v3"), CASES_NO);
    assert_int_equal(verdict(tally.proof, api, "v1", "v3"), CASES_NO);
    assert_int_equal(verdict(tally.proof, api, "v1", "v2"), CASES_UNKNOWN);
    arena_free(&a);
}
