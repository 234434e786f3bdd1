/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/lowered.h"

#include "tests/test.h"
#include "translators/engine/engine.h"

void
lowered_chain(struct arena *a, const struct lens_api *api, size_t from,
              size_t to, bool is_request, struct lowered *out)
{
    struct compose *c = NULL;
    struct err e;
    assert_int_equal(compose_begin(a, api, NULL, from, to > from, &c, &e), OK);
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
    if (!json_alike(x, y))
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

span
lowered_compare(struct arena *a, const struct lens_api *api,
                const struct lowered *l, size_t from, size_t to,
                bool is_request, span body, uint64_t *seed,
                struct lowered_count *c)
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
    buf_fini(&whole);
    buf_fini(&pieces);
    return difference;
}
