/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms: law 3, formats agree. A document comes as JSON or as MessagePack and goes
 * as either: what comes out is the same document, or in no form is there any.
 */
#include "tests/laws/law.h"

#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#define JSON "application/json"
#define PACK "application/msgpack"

static bool
packed(struct arena *a, span json, span *out)
{
    struct buf b;
    struct json *tree;
    if (json_parse(a, json, JSON_DEPTH_MAX, &tree, NULL) != OK)
        return false;
    struct pack *k = pack_new(a, BENCH_ROOM);
    assert_non_null(k);
    buf_init(&b, BENCH_ROOM);
    bool ok = pack_feed(k, json) == PACK_OK && pack_end(k, &b) == PACK_OK;
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return ok;
}

static bool
unpacked(struct arena *a, span in, span *out)
{
    struct buf b;
    struct unpack *u = unpack_new(a, JSON_DEPTH_MAX);
    assert_non_null(u);
    buf_init(&b, BENCH_ROOM);
    bool ok = unpack_feed(u, in, &b) == UNPACK_OK && unpack_end(u) == UNPACK_OK;
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return ok;
}

/* Spelt as what was MessagePack once. False: MessagePack cannot say it. */
static bool
respelt(struct arena *a, span json, span *out)
{
    span in;
    return packed(a, json, &in) && unpacked(a, in, out);
}

static enum law_verdict
agrees(const struct law_case *c, span *why, const char *from, const char *to,
       span body, const struct law_result *should)
{
    bool is_packed = strcmp(to, PACK) == 0;
    const char *what = arena_str(c->a, arena_fmt(c->a, "%s to %s", from, to));
    struct law_result is =
        law_in_form(c, c->from, c->to, from, to, body, LAW_DICE);
    span text = is.text;
    span says = should->text;
    if (!is.code != !should->code)
        return law_differs(c, why, what, is.code ? is.sentence : is.text,
                           should->code ? should->sentence : should->text);
    if (is.code)
        return LAW_HOLDS;
    if (is_packed && (!unpacked(c->a, is.text, &text) ||
                      !respelt(c->a, should->text, &says)))
        return law_differs(c, why, what, is.text, should->text);
    /* What goes aside in one form alone has its members in another order. */
    if (!span_eq(text, says) && !law_same_document(c, text, says))
        return law_differs(c, why, what, text, says);
    return is.n_notices == should->n_notices
               ? LAW_HOLDS
               : law_differs(c, why, "how much is told", text, says);
}

enum law_verdict
law_forms(const struct law_case *c, span *why)
{
    span json, body, out;
    if (!packed(c->a, c->x, &body) || !unpacked(c->a, body, &json))
        return LAW_SILENT;
    struct law_result should =
        law_translate(c, c->from, c->to, json, LAW_WHOLE);
    if (!should.code && !respelt(c->a, should.text, &out))
        return LAW_SILENT;
    enum law_verdict v = agrees(c, why, PACK, PACK, body, &should);
    if (v == LAW_HOLDS)
        v = agrees(c, why, PACK, JSON, body, &should);
    if (v == LAW_HOLDS)
        v = agrees(c, why, JSON, PACK, json, &should);
    return v;
}
