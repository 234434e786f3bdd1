/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trip: law 1, there and back; and with a change in between.
 */
#include "tests/laws/law.h"

/* What was filled in there is no loss: it goes on the way back. */
static bool
is_lossy(const struct law_result *r)
{
    for (size_t i = 0; i < r->n_notices; i++)
        if (r->notices[i].kind != NOTICE_DEFAULTED)
            return true;
    return false;
}

/* A shared parent that had to be made there has no way back, over what is no object
 * here: a law's exception, and what came is kept. */
static bool
is_blocked(const struct law_case *c, const struct law_result *back)
{
    static const char words[] = "must be written, and on its way there is";
    return back->code && (c->api->n_versions > 2 ||
                          memmem(back->sentence.at, back->sentence.len, words,
                                 sizeof(words) - 1) != NULL);
}

/*
 * x there and back. What a notice tells is declared as lost, so then nothing is
 * said. In a chain a name may be free in one table and an object's in the next.
 */
static enum law_verdict
trip(const struct law_case *c, size_t from, size_t to, span x, span *why)
{
    struct law_result there = law_translate(c, from, to, x, LAW_WHOLE);
    if (there.code || is_lossy(&there) || !c->gen->exact)
        return LAW_SILENT;
    struct law_result back = law_translate(c, to, from, there.text, LAW_WHOLE);
    if (back.n_notices || is_blocked(c, &back))
        return LAW_SILENT;
    if (!back.code && equal_documents(c->a, x, back.text))
        return LAW_HOLDS;
    return law_differs(c, why,
                       arena_fmt(c->a, "v%zu -> v%zu -> v%zu, by %.*s",
                                 from + 1, to + 1, from + 1,
                                 SPAN_FMT(there.text))
                           .at,
                       back.code ? back.sentence : back.text, x);
}

static struct json *
parse(const struct law_case *c, span text)
{
    struct json *out = NULL;
    struct err e;
    assert_int_equal(json_parse(c->a, text, JSON_DEPTH_DEFAULT, &out, &e), OK);
    return out;
}

static span
printed(const struct law_case *c, const struct json *root)
{
    struct buf b;
    span out = {0};
    buf_init(&b, BENCH_ROOM);
    json_print(root, &b);
    assert_true(span_dup(c->a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

/* Less of a document that is refused: the member goes in which that was seen, or any. What
 * is no JSON stays. */
static span
without_some(const struct law_case *c, span x, size_t offset)
{
    struct json *root = NULL;
    struct err e;
    size_t at = 0;
    if (json_parse(c->a, x, JSON_DEPTH_DEFAULT, &root, &e) != OK ||
        !json_is_container(root) || root->n == 0)
        return x;
    if (offset == 0)
        at = gen_pick(c->gen, root->n);
    while (offset && at + 1 < root->n &&
           root->members[at + 1].value->offset <= offset)
        at++;
    json_detach(root->members[at].value);
    return printed(c, root);
}

/* Of a document of which law 1 says nothing: what came back of it, else less of it. */
static span
lighter(const struct law_case *c, size_t from, size_t to, span x)
{
    struct law_result there = law_translate(c, from, to, x, LAW_WHOLE);
    if (there.code)
        return without_some(c, x, there.offset);
    struct law_result back = law_translate(c, to, from, there.text, LAW_WHOLE);
    return back.code || span_eq(back.text, x) ? without_some(c, x, 0)
                                              : back.text;
}

#define TRIPS_MAX 6 /* of lighter and lighter documents */

enum law_verdict
law_round_trip(const struct law_case *c, span *why)
{
    span x = c->x;
    for (size_t i = 0; c->gen->exact && i < TRIPS_MAX; i++) {
        enum law_verdict v = trip(c, c->from, c->to, x, why);
        if (v != LAW_SILENT)
            return v;
        span less = lighter(c, c->from, c->to, x);
        if (span_eq(less, x))
            break;
        x = less;
    }
    return LAW_SILENT;
}

/* ---- changed in the middle -------------------------------------------------------- */

/* Another scalar somewhere: what an old client does to what it was shown. */
static span
change_some(const struct law_case *c, span text)
{
    static const char *const scalars[] = {"\"x\"", "\"Y\"", "1",
                                          "false", "\"7\"", "[]"};
    struct json *root = parse(c, text);
    struct json *at = root;
    while (json_is_container(at) && at->n)
        at = at->members[gen_pick(c->gen, at->n)].value;
    if (at == root)
        return text;
    json_replace(at,
                 parse(c, span_str(scalars[gen_pick(c->gen, COUNT(scalars))])));
    return printed(c, root);
}

/* Does a member that no arrow names change alone when it is changed alone? */
static enum law_verdict
frame(const struct law_case *c, span *why)
{
    if (!c->gen->named)
        return LAW_SILENT; /* an open set names every member */
    struct law_result one =
        law_translate(c, c->from, c->to, law_with(c, "\"zz\":1"), LAW_WHOLE);
    struct law_result two = law_translate(
        c, c->from, c->to, law_with(c, "\"zz\":{\"z\":[2]}"), LAW_WHOLE);
    if (one.code != two.code)
        return law_differs(c, why, "another verdict by another stranger",
                           two.sentence, one.sentence);
    if (one.code)
        return LAW_SILENT;
    struct json *should = parse(c, one.text);
    struct json *z = json_get(should, SPAN("zz"));
    if (!z)
        return law_differs(c, why, "the stranger is gone", one.text, c->x);
    json_replace(z, parse(c, SPAN("{\"z\":[2]}")));
    if (json_alike_strict(parse(c, two.text), should))
        return LAW_HOLDS;
    return law_differs(c, why, "another stranger changes more than itself",
                       two.text, printed(c, should));
}

enum law_verdict
law_middle(const struct law_case *c, span *why)
{
    struct law_result there = law_translate(c, c->from, c->to, c->x, LAW_WHOLE);
    enum law_verdict v = frame(c, why);
    if (v == LAW_BROKEN || there.code)
        return v;
    enum law_verdict w =
        trip(c, c->to, c->from, change_some(c, there.text), why);
    return w == LAW_SILENT ? v : w;
}
