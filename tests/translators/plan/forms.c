/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/plan/forms.h"

#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"
#include "translators/plan/program.h"

#include <stdlib.h>

/* ---- brought over ---------------------------------------------------------------- */

bool
forms_pack(struct arena *a, span json, span *out)
{
    struct buf b;
    struct pack *k = pack_new(a, CHAIN_ROOM);
    buf_init(&b, CHAIN_ROOM);
    bool ok = k && pack_feed(k, json) == PACK_OK && pack_end(k, &b) == PACK_OK;
    ok = ok && span_dup(a, buf_span(&b), out);
    buf_fini(&b);
    return ok;
}

bool
forms_unpack(struct arena *a, span packed, span *out, bool *bad)
{
    struct buf b;
    struct unpack *u = unpack_new(a, JSON_DEPTH_DEFAULT);
    buf_init(&b, CHAIN_ROOM);
    enum unpack_verdict v = u ? unpack_feed(u, packed, &b) : UNPACK_NO_ROOM;
    if (v == UNPACK_OK)
        v = unpack_end(u);
    *bad = v == UNPACK_BAD;
    bool ok = v == UNPACK_OK && span_dup(a, buf_span(&b), out);
    buf_fini(&b);
    return ok;
}

/* The same document, spelt as what was MessagePack once is. */
static bool
respell(struct arena *a, span json, span *out)
{
    span packed = {0};
    bool bad = false;
    return forms_pack(a, json, &packed) && forms_unpack(a, packed, out, &bad);
}

/* ---- runs ------------------------------------------------------------------------ */

struct outcome {
    enum plan_step step;
    struct engine_fault fault;
    span pointer;
    span out;
    struct plan_run *run; /* for its notices */
    bool waits;           /* where values waited members may stand otherwise */
};

static struct outcome
run(struct arena *a, const struct plan_entry *entry, bool is_request,
    struct forms forms, span body, uint64_t *seed)
{
    struct outcome r = {.step = PLAN_ASIDE};
    struct buf out;
    struct buf pointer;
    buf_init(&out, CHAIN_ROOM);
    buf_init(&pointer, CHAIN_ROOM);
    r.waits = entry->waits;
    r.run = plan_run_new(a, entry,
                         &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT,
                                            .is_answer = !is_request,
                                            .comes_packed = forms.comes_packed,
                                            .goes_packed = forms.goes_packed},
                         &out);
    if (r.run)
        r.step = PLAN_MORE;
    while (r.step == PLAN_MORE) {
        /* Mostly a few bytes, so that heads and texts are cut as well. */
        size_t n = body.len;
        if (seed)
            n = (size_t)chain_dice(seed, chain_dice(seed, 4) ? 6 : 400);
        span piece = span_take(body, n);
        char *own = malloc(piece.len + !piece.len);
        if (!own)
            abort();
        if (piece.len)
            memcpy(own, piece.at, piece.len);
        body = span_skip(body, piece.len);
        r.step = plan_run_feed(r.run, span_of(own, piece.len), body.len == 0);
        free(own);
    }
    if (r.run && r.step == PLAN_ASIDE) {
        r.fault = *plan_run_fault(r.run);
        plan_run_fault_at(r.run, &pointer);
    }
    if (!span_dup(a, buf_span(&out), &r.out) ||
        !span_dup(a, buf_span(&pointer), &r.pointer))
        abort();
    buf_fini(&out);
    buf_fini(&pointer);
    return r;
}

static span
cuts_differ(struct arena *a, const struct outcome *cut,
            const struct outcome *whole)
{
    if (cut->step != whole->step)
        return arena_fmt(a, "cut: verdict %d, should be %d", cut->step,
                         whole->step);
    if (cut->step == PLAN_DONE)
        return span_eq(cut->out, whole->out) ? (span){0}
                                             : arena_fmt(a, "cut: other bytes");
    if (cut->fault.why != whole->fault.why ||
        cut->fault.offset != whole->fault.offset ||
        !span_eq(cut->pointer, whole->pointer))
        return arena_fmt(a, "cut: %d at %zu (%.*s), should be %d at %zu (%.*s)",
                         cut->fault.why, (size_t)cut->fault.offset,
                         SPAN_FMT(cut->pointer), whole->fault.why,
                         (size_t)whole->fault.offset, SPAN_FMT(whole->pointer));
    return (span){0};
}

/* A document as JSON. */
static bool
as_json(struct arena *a, bool is_packed, span body, span *out, bool *bad)
{
    *bad = false;
    *out = body;
    return !is_packed || forms_unpack(a, body, out, bad);
}

/* What was accepted, beside what the reference says of it as JSON. */
static span
reference_differs(struct arena *a, const struct lens_api *api, size_t from,
                  size_t to, bool is_request, struct forms forms, span json,
                  const struct outcome *is)
{
    struct reference_report report = {0};
    struct buf b;
    span out = {0};
    span should = {0};
    span why = {0};
    bool bad = false;
    buf_init(&b, CHAIN_ROOM);
    if (chain_reference(a, api, from, to, is_request, json, &b, &report) != OK)
        why = arena_fmt(a, "done, and should fail: %s", report.fault.err.text);
    else if (!as_json(a, forms.goes_packed, is->out, &out, &bad))
        why = arena_fmt(a, "what came out is no document");
    else if (!respell(a, buf_span(&b), &should))
        why = arena_fmt(a, "done, and cannot be said");
    else
        why = chain_documents_differ(a, out, should, is->waits);
    buf_fini(&b);
    return why.len ? why : chain_notices_differ(a, is->run, &report);
}

/* Of MessagePack that JSON has no form for, or that is none. */
static span
foreign_differs(struct arena *a, struct forms forms, bool bad,
                const struct outcome *is)
{
    span json = {0};
    bool made_bad = false;
    if (is->step != PLAN_DONE)
        return (span){0};
    if (bad)
        return arena_fmt(a, "done, and is no MessagePack");
    if (!forms.goes_packed)
        return arena_fmt(a, "done, and JSON has no form for it");
    if (!forms_unpack(a, is->out, &json, &made_bad) && made_bad)
        return arena_fmt(a, "what came out is no MessagePack");
    return (span){0};
}

struct chain_result
forms_compare(struct arena *a, const struct lens_api *api,
              const struct plan *plan, size_t from, size_t to, bool is_request,
              struct forms forms, span body, uint64_t *seed)
{
    static const struct lens_place nowhere = {0};
    const struct plan_entry *entry = plan_find(plan, &nowhere, 0, is_request);
    struct chain_result r = {.planned = entry != NULL};
    span json = {0};
    bool bad = false;
    if (!entry)
        return r;
    struct outcome whole = run(a, entry, is_request, forms, body, NULL);
    struct outcome cut = run(a, entry, is_request, forms, body, seed);
    r.done = whole.step == PLAN_DONE;
    r.difference = cuts_differ(a, &cut, &whole);
    if (r.difference.len)
        return r;
    if (!as_json(a, forms.comes_packed, body, &json, &bad)) {
        r.difference = foreign_differs(a, forms, bad, &whole);
        return r;
    }
    struct outcome plain =
        run(a, entry, is_request, (struct forms){0}, json, NULL);
    r.fails = plain.step != PLAN_DONE;
    /* JSON is written as in two passes, byte for byte. */
    if (r.done && !forms.goes_packed && !span_eq(whole.out, plain.out))
        r.difference = arena_fmt(a, "%.*s, in two passes %.*s",
                                 SPAN_FMT(whole.out), SPAN_FMT(plain.out));
    else if (r.done)
        r.difference = reference_differs(a, api, from, to, is_request, forms,
                                         json, &whole);
    /* How long a token is, and what can be said, depends on the form. */
    else if (!r.fails && whole.fault.why != ENGINE_NO_FORM &&
             whole.fault.why != ENGINE_SURROGATE &&
             whole.fault.why != ENGINE_TOO_LONG)
        r.difference = arena_fmt(a, "aside, but not as JSON");
    return r;
}
