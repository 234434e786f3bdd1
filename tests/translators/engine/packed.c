/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/engine/packed.h"

#include "tests/test.h"
#include "tests/translators/engine/machine.h"
#include "translators/engine/packed.h"
#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

bool
packed_of(struct arena *a, span json, span *out)
{
    struct buf b;
    struct json *tree;
    struct pack *k = pack_new(a, ROOM);
    if (json_parse(a, json, 1000, &tree, NULL) != OK)
        return false;
    assert_non_null(k);
    buf_init(&b, ROOM);
    bool ok = pack_feed(k, json) == PACK_OK && pack_end(k, &b) == PACK_OK;
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return ok;
}

bool
packed_as_json(struct arena *a, span packed, span *out)
{
    struct buf b;
    struct unpack *u = unpack_new(a, 1000);
    assert_non_null(u);
    buf_init(&b, ROOM);
    bool ok =
        unpack_feed(u, packed, &b) == UNPACK_OK && unpack_end(u) == UNPACK_OK;
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return ok;
}

struct engine_program
packed_program(struct arena *a, const struct engine_program *p)
{
    struct engine_program packed;
    struct engine_packer *k = engine_packer_new(a, a);
    assert_non_null(k);
    assert_true(engine_pack(k, p, &packed));
    return packed;
}

/* The same document, spelt as what comes back is. */
static span
canonical(struct arena *a, span json)
{
    span packed = {0}, out = {0};
    if (!packed_of(a, json, &packed) || !packed_as_json(a, packed, &out))
        fail_msg("%.*s", SPAN_FMT(json));
    return out;
}

static void
assert_alike(struct arena *a, const struct ran *is, bool is_packed,
             const struct ran *should, span json)
{
    span out = is->out;
    bool same = is->verdict == should->verdict;
    if (same && is->verdict == ENGINE_FAILED)
        same = is->fault.why == should->fault.why &&
               is->fault.fault == should->fault.fault &&
               span_eq(is->pointer, should->pointer);
    if (same && is->verdict == ENGINE_DONE)
        same = is_packed ? packed_as_json(a, is->out, &out) &&
                               span_eq(out, canonical(a, should->out))
                         : span_eq(out, should->out);
    for (size_t i = 0; i < COUNT(is->told); i++)
        same = same && is->told[i] == should->told[i] &&
               span_eq(is->told_at[i], should->told_at[i]);
    if (!same)
        fail_msg("MessagePack of %.*s\nis %d (%d %u, %.*s): %.*s\n"
                 "should be %d (%d %u, %.*s): %.*s",
                 SPAN_FMT(span_take(json, 400)), is->verdict, is->fault.why,
                 is->fault.fault, SPAN_FMT(is->pointer), SPAN_FMT(out),
                 should->verdict, should->fault.why, should->fault.fault,
                 SPAN_FMT(should->pointer), SPAN_FMT(should->out));
}

static const size_t cuts[] = {SIZE_MAX / 4, 1,   2,   3,   7,   33,
                              64,           100, 513, 700, 4096};

static bool
has_no_form(const struct ran *r)
{
    return r->verdict == ENGINE_FAILED && r->fault.why == ENGINE_NO_FORM;
}

/* What becomes MessagePack must be said there: each token is held. */
static bool
cannot_be_said(const struct ran *r)
{
    return has_no_form(r) ||
           (r->verdict == ENGINE_FAILED && (r->fault.why == ENGINE_SURROGATE ||
                                            r->fault.why == ENGINE_TOO_LONG));
}

/* It comes in one form and goes in the other: as in two passes, in JSON byte for
 * byte. */
static void
crossing_agrees(struct arena *a, const struct engine_program *p, span body,
                bool goes_packed, const struct ran *should, span json)
{
    struct ran whole = {0};
    for (size_t i = 0; i < COUNT(cuts); i++)
        for (int level = ENGINE_PLAIN; level <= ENGINE_AVX2; level++) {
            if (!engine_has_level((enum engine_level)level))
                continue;
            struct ran is =
                run_crossing(a, p, (enum engine_level)level, body, cuts[i]);
            if (cannot_be_said(&is))
                return;
            assert_alike(a, &is, goes_packed, should, json);
            if (!whole.out.at)
                whole = is;
            assert_int_equal(is.fault.offset, whole.fault.offset);
            if (is.verdict == ENGINE_DONE && !span_eq(is.out, whole.out))
                fail_msg("pieces of %zu: %.*s", cuts[i], SPAN_FMT(json));
        }
}

void
packed_agrees(struct arena *a, const struct engine_program *p, span json)
{
    span body = {0};
    if (!packed_of(a, json, &body))
        return;
    json = canonical(a, json);
    struct ran should = run_whole(a, p, json);
    /* How long a text is differs, and so does where there is no room. */
    bool is_bound = should.verdict == ENGINE_FAILED &&
                    (should.fault.why == ENGINE_TOO_LONG ||
                     should.fault.why == ENGINE_NO_ROOM);
    if (is_bound)
        return;
    struct engine_program packed = packed_program(a, p);
    crossing_agrees(a, p, body, false, &should, json);
    crossing_agrees(a, &packed, json, true, &should, json);
    struct ran whole = run_whole(a, &packed, body);
    if (has_no_form(&whole))
        return;
    for (size_t i = 0; i < COUNT(cuts); i++) {
        bool is_wide = i % 2 && engine_has_level(ENGINE_AVX2);
        enum engine_level level = is_wide ? ENGINE_AVX2 : ENGINE_PLAIN;
        size_t n = cuts[i];
        struct ran cut = run_cut(a, &packed, level, body, n, i % 4 < 2);
        assert_int_equal(cut.verdict, whole.verdict);
        if (cut.verdict == ENGINE_FAILED)
            assert_int_equal(cut.fault.offset, whole.fault.offset);
        else if (!span_eq(cut.out, whole.out))
            fail_msg("pieces of %zu: %.*s", n, SPAN_FMT(json));
        assert_alike(a, &cut, true, &should, json);
    }
}
