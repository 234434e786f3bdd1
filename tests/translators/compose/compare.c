/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/compare.h"

#include "tests/test.h"

const struct normal *
composed(struct arena *a, const struct lens_api *api, size_t type, size_t from,
         size_t to)
{
    struct compose *c = NULL;
    const struct normal *n = NULL;
    struct err e;
    assert_int_equal(compose_begin(a, api, NULL, from, to > from, &c, &e), OK);
    for (size_t at = from; at != to; at += to > from ? 1 : (size_t)-1)
        assert_int_equal(compose_step(c, &e), OK);
    assert_int_equal(compose_take(c, type, &n, &e), OK);
    return n;
}

static span
print(struct arena *a, const struct json *node)
{
    struct buf b;
    span out = SPAN("nothing");
    buf_init(&b, 1 << 26);
    if (node)
        json_print(node, &b);
    if (node)
        assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

span
notices_differ(struct arena *a, struct interpreted *is,
               const struct reference_report *should)
{
    struct interpreted added = {0};
    for (size_t i = 0; i < should->n_notices; i++)
        interpret_tell(a, &added, &should->notices[i]);
    for (size_t pass = 0; pass < 2; pass++) {
        const struct interpreted *x = pass ? is : &added;
        const struct interpreted *y = pass ? &added : is;
        for (size_t i = 0; i < x->n_notices; i++) {
            const struct translation_notice *n = &x->notices[i];
            size_t k = 0;
            while (k < y->n_notices &&
                   !(y->notices[k].kind == n->kind &&
                     y->notices[k].line == n->line &&
                     span_eq(y->notices[k].change, n->change)))
                k++;
            if (k == y->n_notices || y->notices[k].n != n->n)
                return arena_fmt(
                    a, "%s of %.*s:%u: %zu, and %zu in the %s",
                    notice_word(n->kind), SPAN_FMT(n->change), n->line, n->n,
                    k == y->n_notices ? (size_t)0 : y->notices[k].n,
                    pass ? "reference" : "normal form");
        }
    }
    return (span){0};
}

span
compare(struct arena *a, const struct normal *n, size_t type, bool is_request,
        span body, struct tally *t)
{
    struct bench_result should =
        bench_run(a, n->api, type, n->from, n->to, is_request, body);
    struct reference_facts facts = {.is_request = is_request,
                                    .method = SPAN("POST"),
                                    .platform = SPAN("ios"),
                                    .depth_max = JSON_DEPTH_DEFAULT};
    struct interpreted is = {0};
    struct json *document = NULL;
    struct json *written = NULL;
    struct err e;
    t->documents++;
    if (json_parse(a, body, JSON_DEPTH_DEFAULT, &document, &e) != OK)
        return (span){0};
    interpret(a, n, &facts, document, &is);
    t->again += is.n_again > 0;
    t->refused += should.code != OK;
    if ((is.refused != NULL) != (should.code != OK))
        return arena_fmt(
            a, "refused: %s; reference: %s", is.refused ? is.refused : "no",
            should.code != OK ? should.report.fault.err.text : "no");
    if (is.refused)
        return (span){0};
    if (is.broken)
        return arena_fmt(a, "%s", is.broken);
    assert_int_equal(json_parse(a, should.text, JSON_DEPTH_MAX, &written, &e),
                     OK);
    if (!is.document || !json_alike_strict(is.document, written))
        return arena_fmt(a, "%.*s, should be %.*s",
                         SPAN_FMT(print(a, is.document)),
                         SPAN_FMT(should.text));
    return notices_differ(a, &is, &should.report);
}
