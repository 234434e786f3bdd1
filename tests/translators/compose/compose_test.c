/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/interpret.h"

#include "tests/test.h"
#include "tests/translators/plan/chains.h"
#include "tests/translators/reference/gen.h"

struct tally {
    size_t documents;
    size_t composed; /* without `again` at the root */
    size_t again;
    size_t refused;
};

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

static span
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

/* Where normal form and reference differ; empty: they do not. */
static span
compare(struct arena *a, const struct normal *n, const struct lens_api *api,
        size_t type, bool is_request, span body, struct tally *t)
{
    struct bench_result should =
        bench_run(a, api, type, n->from, n->to, is_request, body);
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
    if (!is.document || !json_equal_strict(is.document, written))
        return arena_fmt(a, "%.*s, should be %.*s",
                         SPAN_FMT(print(a, is.document)),
                         SPAN_FMT(should.text));
    return notices_differ(a, &is, &should.report);
}

static const struct normal *
composed(struct arena *a, const struct lens_api *api, size_t type, size_t from,
         size_t to)
{
    struct compose *c = NULL;
    const struct normal *n = NULL;
    struct err e;
    assert_int_equal(compose_begin(a, api, from, to > from, &c, &e), OK);
    for (size_t at = from; at != to; at += to > from ? 1 : (size_t)-1)
        assert_int_equal(compose_step(c, &e), OK);
    assert_int_equal(compose_take(c, type, &n, &e), OK);
    return n;
}

static size_t
asked(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

TEST(a_normal_form_says_what_the_reference_says_step_after_step)
{
    size_t n = asked("STILE_CHAINS", 300);
    struct gen g = {.seed = asked("STILE_SEED", 7)};
    struct tally t = {0};
    size_t chains = 0, whole = 0;
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        bool plain = i % 2;
        const struct lens_api *api =
            plain ? chain_api(a, &g.seed, 6) : gen_api(&g, a);
        size_t from = 0, to = api ? api->n_versions - 1 : 0;
        for (size_t way = 0; api && way < 2; way++) {
            const struct normal *f = composed(a, api, 0, from, to);
            chains++;
            whole += f->root->stop.why == NULL;
            if (f->root->stop.why && getenv("STILE_WHY"))
                print_message("stop: %s\n", f->root->stop.why);
            for (size_t d = 0; d < 8; d++) {
                span body = plain ? chain_document(a, &g.seed, false)
                                  : gen_document(&g, a, api, from, d / 2);
                span differs = compare(a, f, api, 0, d % 2 == 0, body, &t);
                if (!differs.len)
                    continue;
                for (size_t k = 0; k < api->n_changes; k++)
                    print_error("%.*s\n", SPAN_FMT(api->changes[k].name));
                fail_msg("chain %zu, %zu to %zu, %s %.*s: %.*s", i, from, to,
                         d % 2 ? "answer" : "request", SPAN_FMT(body),
                         SPAN_FMT(differs));
            }
            size_t swap = from;
            from = to;
            to = swap;
        }
        arena_free(&a);
    }
    print_message("%zu chains, %zu composed; %zu documents, %zu refused, %zu "
                  "with `again`\n",
                  chains, whole, t.documents, t.refused, t.again);
}
