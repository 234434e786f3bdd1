/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine does by a lowered program is what the reference does, however
 * the document is cut: or it goes aside.
 */
#include "translators/compose/lower.h"

#include "tests/test.h"
#include "tests/translators/compose/compare.h"
#include "tests/translators/compose/generate.h"
#include "tests/translators/plan/chains.h"
#include "tests/translators/reference/gen.h"
#include "translators/engine/engine.h"

struct count {
    size_t chains;
    size_t lowered;
    size_t documents;
    size_t refused; /* by the reference */
    size_t done;
};

static void
lower(struct arena *a, const struct lens_api *api, size_t from, size_t to,
      bool is_request, struct lowered *out)
{
    struct compose *c = NULL;
    struct err e;
    assert_int_equal(compose_begin(a, api, from, to > from, &c, &e), OK);
    for (size_t at = from; at != to; at += to > from ? 1 : (size_t)-1)
        assert_int_equal(compose_step(c, &e), OK);
    assert_int_equal(compose_lower(c, a, 0, is_request, out, &e), OK);
}

static enum engine_verdict
run_machine(struct arena *a, const struct lowered *l, span body, uint64_t *seed,
            struct buf *out, struct engine **m)
{
    struct engine_limits limits = {.depth_max = JSON_DEPTH_DEFAULT};
    enum engine_verdict v = ENGINE_MORE;
    *m = engine_new(a, &l->program, &limits, out);
    assert_non_null(*m);
    for (size_t at = 0; v == ENGINE_MORE && at < body.len;) {
        size_t n = seed ? 1 + (size_t)(test_random(seed) % 9) : body.len;
        n = n < body.len - at ? n : body.len - at;
        v = engine_feed(*m, span_of(body.at + at, n), at + n == body.len);
        at += n;
    }
    return v;
}

static span
differs(struct arena *a, const struct lowered *l, struct engine *m, span is,
        const struct bench_result *should)
{
    struct interpreted told = {0};
    struct json *x = NULL, *y = NULL;
    struct err e;
    if (should->code != OK)
        return arena_fmt(a, "done, and should fail: %s",
                         should->report.fault.err.text);
    if (json_parse(a, is, JSON_DEPTH_MAX, &x, &e) != OK)
        return arena_fmt(a, "no JSON: %.*s", SPAN_FMT(is));
    assert_int_equal(json_parse(a, should->text, JSON_DEPTH_MAX, &y, &e), OK);
    if (!json_equal(x, y))
        return arena_fmt(a, "%.*s, should be %.*s", SPAN_FMT(is),
                         SPAN_FMT(should->text));
    for (size_t i = 0; i < l->n_tells; i++) {
        size_t times = 0;
        for (size_t k = 0; k < l->tells[i].n_notices; k++) {
            uint64_t at = 0;
            times += engine_told(m, l->tells[i].notices[k], &at);
        }
        struct translation_notice n = {.kind = l->tells[i].kind,
                                       .change =
                                           l->tells[i].origin->change->name,
                                       .line = l->tells[i].origin->line,
                                       .n = times};
        if (n.n)
            interpret_tell(a, &told, &n);
    }
    return notices_differ(a, &told, &should->report);
}

static void
try_document(struct arena *a, const struct lens_api *api,
             const struct lowered *l, size_t from, size_t to, bool is_request,
             span body, span text, uint64_t *seed, struct count *c)
{
    struct bench_result should =
        bench_run(a, api, 0, from, to, is_request, body);
    struct engine *m = NULL;
    struct buf whole, pieces;
    buf_init(&whole, BENCH_ROOM);
    buf_init(&pieces, BENCH_ROOM);
    enum engine_verdict v = run_machine(a, l, body, NULL, &whole, &m);
    c->documents++;
    c->refused += should.code != OK;
    c->done += v == ENGINE_DONE;
    span difference = {0};
    if (v == ENGINE_DONE)
        difference = differs(a, l, m, buf_span(&whole), &should);
    enum engine_verdict w = run_machine(a, l, body, seed, &pieces, &m);
    if (w != v ||
        (v == ENGINE_DONE && !span_eq(buf_span(&whole), buf_span(&pieces))))
        difference = SPAN("cut it is another");
    if (difference.len) {
        print_error("%.*s\n", SPAN_FMT(text));
        print_error("%s %.*s\n", is_request ? "request" : "answer",
                    SPAN_FMT(body));
        fail_msg("%zu to %zu: %.*s", from, to, SPAN_FMT(difference));
    }
    buf_fini(&whole);
    buf_fini(&pieces);
}

typedef span (*document_fn)(struct arena *a, uint64_t *seed,
                            const struct lens_api *api, size_t version);

static void
try_api(const struct lens_api *api, struct arena *a, document_fn document,
        span text, uint64_t *seed, struct count *c)
{
    for (size_t way = 0; way < 4; way++) {
        size_t from = way & 1 ? api->n_versions - 1 : 0;
        size_t to = api->n_versions - 1 - from;
        bool is_request = way & 2;
        struct lowered l;
        lower(a, api, from, to, is_request, &l);
        c->chains++;
        if (l.why && getenv("STILE_WHY"))
            print_message("stop: %s\n", l.why);
        if (l.why)
            continue;
        c->lowered++;
        for (size_t d = 0; d < 6; d++)
            try_document(a, api, &l, from, to, is_request,
                         document(a, seed, api, from), text, seed, c);
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
    struct count count[3] = {{0}};
    for (size_t i = 0; i < n; i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        span text = {0};
        const struct lens_api *api = chain_api(a, &seed, 6);
        if (api)
            try_api(api, a, chained, text, &seed, &count[0]);
        api = generate_api(a, &seed, &text);
        if (api)
            try_api(api, a, generated, text, &seed, &count[1]);
        struct gen g = {.seed = seed};
        api = gen_api(&g, a);
        seed = g.seed;
        if (api)
            try_api(api, a, lawful, (span){0}, &seed, &count[2]);
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
        enum err_code code = compose_begin(b, api, 0, true, &c, &e);
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
