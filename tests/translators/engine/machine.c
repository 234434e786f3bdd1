/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/engine/machine.h"

#include "tests/test.h"
#include "tests/translators/engine/packed.h"

#include <stdlib.h>

static bool
says(span value, span word)
{
    for (; value.len >= word.len; value = span_skip(value, 1))
        if (span_starts(value, word))
            return true;
    return false;
}

/* Somebody who has an answer to any value. */
struct answerer {
    struct arena *a;
    bool comes_packed;
    bool goes_packed;
};

static enum engine_answer
answer(void *arg, const struct engine_again *again,
       const struct engine_whole *whole, struct buf *out)
{
    const struct answerer *who = arg;
    span value = whole->value;
    assert_non_null(again);
    if (says(value, SPAN("gone")))
        return ENGINE_VANISHED;
    if (says(value, SPAN("bad")))
        return ENGINE_UNANSWERED;
    if (who->comes_packed && !who->goes_packed)
        assert_true(packed_as_json(who->a, value, &value));
    if (!who->comes_packed && who->goes_packed)
        assert_true(packed_of(who->a, value, &value));
    buf_add(out, who->goes_packed ? SPAN("\x92") : SPAN("["));
    buf_add(out, value);
    buf_add(out, who->goes_packed ? SPAN("") : SPAN(","));
    buf_add(out, value);
    buf_add(out, who->goes_packed ? SPAN("") : SPAN("]"));
    return ENGINE_ANSWERED;
}

static struct engine *
new_machine(struct arena *a, const struct engine_program *p,
            enum engine_level level, bool crosses, struct engine_pool *pool,
            struct buf *out)
{
    struct engine_limits limits = {
        .depth_max = 128, .held_max = 4096, .crosses = crosses, .pool = pool};
    struct engine *m = engine_new(a, p, &limits, out);
    assert_non_null(m);
    struct answerer *who = arena_alloc(a, sizeof(*who));
    assert_non_null(who);
    *who = (struct answerer){a, p->is_packed != crosses, p->is_packed};
    const struct engine_handler handler = {.fn = answer, .arg = who};
    assert_true(engine_on_again(m, &handler));
    engine_use(m, level);
    return m;
}

static span
kept(struct arena *a, const struct buf *b)
{
    span out = {0};
    assert_true(span_dup(a, buf_span(b), &out));
    return out;
}

static void
take_notices(struct arena *a, const struct engine *m, struct ran *r)
{
    for (size_t i = 0; i < COUNT(r->told); i++) {
        uint64_t offset = 0;
        struct buf b;
        buf_init(&b, ROOM);
        r->told[i] = engine_told(m, i, &offset);
        if (r->told[i])
            engine_told_at(m, i, &b);
        r->told_at[i] = kept(a, &b);
        buf_fini(&b);
    }
}

static struct ran
run(struct arena *a, const struct engine_program *p, enum engine_level level,
    bool crosses, struct engine_pool *pool, span body, size_t n, bool takes)
{
    struct ran r = {.verdict = ENGINE_MORE};
    struct buf out;
    struct buf all;
    struct buf pointer;
    struct arena *own = arena_new(ROOM);
    buf_init(&out, ROOM);
    buf_init(&all, ROOM);
    buf_init(&pointer, ROOM);
    struct engine *m = new_machine(own, p, level, crosses, pool, &out);
    for (size_t at = 0; r.verdict == ENGINE_MORE; at += n) {
        /* Of its own size, so that a read behind it is seen. */
        span piece = span_take(span_skip(body, at), n);
        bool is_end = at + piece.len == body.len;
        char *copy = malloc(piece.len + 1);
        assert_non_null(copy);
        if (piece.len)
            memcpy(copy, piece.at, piece.len);
        char *exact = realloc(copy, piece.len ? piece.len : 1);
        assert_non_null(exact);
        r.verdict = engine_feed(m, span_of(exact, piece.len), is_end);
        free(exact);
        if (takes) {
            buf_add(&all, buf_span(&out));
            buf_consume(&out, buf_len(&out));
        }
        if (is_end)
            assert_int_not_equal(r.verdict, ENGINE_MORE);
    }
    buf_add(&all, buf_span(&out));
    r.out = kept(a, &all);
    if (r.verdict == ENGINE_FAILED) {
        r.fault = *engine_fault(m);
        engine_pointer(m, &pointer);
    }
    r.pointer = kept(a, &pointer);
    take_notices(a, m, &r);
    buf_fini(&out);
    buf_fini(&all);
    buf_fini(&pointer);
    arena_free(&own);
    return r;
}

struct ran
run_cut(struct arena *a, const struct engine_program *p,
        enum engine_level level, span body, size_t n, bool takes)
{
    return run(a, p, level, false, NULL, body, n, takes);
}

struct ran
run_crossing(struct arena *a, const struct engine_program *p,
             enum engine_level level, span body, size_t n)
{
    return run(a, p, level, true, NULL, body, n, false);
}

struct ran
run_pooled(struct arena *a, struct engine_pool *pool,
           const struct engine_program *p, enum engine_level level, span body,
           size_t n)
{
    return run(a, p, level, false, pool, body, n, false);
}

struct ran
run_whole(struct arena *a, const struct engine_program *p, span body)
{
    return run_cut(a, p, ENGINE_PLAIN, body, body.len + 1, false);
}

static bool
alike(span a, span b)
{
    return a.at && b.at && span_eq(a, b);
}

static void
assert_same(const struct ran *is, const struct ran *should, span body,
            int level, size_t n)
{
    bool same = is->verdict == should->verdict &&
                is->fault.why == should->fault.why &&
                is->fault.fault == should->fault.fault &&
                is->fault.offset == should->fault.offset &&
                alike(is->pointer, should->pointer);
    if (is->verdict == ENGINE_DONE)
        same = same && alike(is->out, should->out);
    for (size_t i = 0; i < COUNT(is->told); i++)
        same = same && is->told[i] == should->told[i] &&
               alike(is->told_at[i], should->told_at[i]);
    if (!same)
        fail_msg("level %d, pieces of %zu: %.*s\nis %d (%d %u at %llu, %.*s): "
                 "%.*s\nshould be %d (%d %u at %llu, %.*s): %.*s",
                 level, n, SPAN_FMT(span_take(body, 400)), is->verdict,
                 is->fault.why, is->fault.fault,
                 (unsigned long long)is->fault.offset, SPAN_FMT(is->pointer),
                 SPAN_FMT(is->out), should->verdict, should->fault.why,
                 should->fault.fault, (unsigned long long)should->fault.offset,
                 SPAN_FMT(should->pointer), SPAN_FMT(should->out));
}

struct ran
run_all(struct arena *a, const struct engine_program *p, span body)
{
    static const size_t cuts[] = {
        1,   2,   3,   5,   7,   16,   31,   33,   64,    65,          100,
        256, 511, 512, 513, 700, 1000, 1460, 4096, 16384, SIZE_MAX / 4};
    struct ran whole = run_whole(a, p, body);
    for (int level = 0; level < ENGINE_LEVELS; level++) {
        if (!engine_has_level((enum engine_level)level))
            continue;
        for (size_t i = 0; i < COUNT(cuts); i++) {
            struct ran r =
                run_cut(a, p, (enum engine_level)level, body, cuts[i], i % 2);
            assert_same(&r, &whole, body, level, cuts[i]);
            if (cuts[i] > body.len)
                break;
        }
    }
    packed_agrees(a, p, body);
    return whole;
}
