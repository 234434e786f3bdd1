/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: law 2. What the proxy runs says what the reference says, and that what
 * the changes say one after another.
 */
#include "tests/laws/law.h"

static size_t
told(const struct translation_notice *all, size_t n,
     const struct translation_notice *like)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].kind == like->kind && all[i].line == like->line &&
            span_eq(all[i].change, like->change))
            sum += all[i].n;
    return sum;
}

static bool
tells_all(const struct law_result *r, const struct law_result *of)
{
    for (size_t i = 0; i < of->n_notices; i++)
        if (told(r->notices, r->n_notices, &of->notices[i]) !=
            told(of->notices, of->n_notices, &of->notices[i]))
            return false;
    return true;
}

/* Members by key, those of one key as they came: an object with doubles is else compared
 * in its order, and what waited for a value may stand elsewhere. */
/* NOLINTBEGIN(misc-no-recursion): as deep as documents */
static void
sort_members(struct json *at)
{
    if (!json_is_container(at))
        return;
    for (size_t i = 0; i < at->n; i++)
        sort_members(at->members[i].value);
    for (size_t i = 1; at->kind == JSON_OBJECT && i < at->n; i++)
        for (size_t k = i;
             k > 0 && span_cmp(at->members[k].key, at->members[k - 1].key) < 0;
             k--) {
            struct json_member m = at->members[k];
            at->members[k] = at->members[k - 1];
            at->members[k - 1] = m;
        }
}
/* NOLINTEND(misc-no-recursion) */

bool
law_same_document(const struct law_case *c, span is, span should)
{
    struct json *x = NULL, *y = NULL;
    struct err e;
    if (json_parse(c->a, is, JSON_DEPTH_DEFAULT, &x, &e) != OK ||
        json_parse(c->a, should, JSON_DEPTH_DEFAULT, &y, &e) != OK)
        return false;
    sort_members(x);
    sort_members(y);
    return json_alike_strict(x, y);
}

static enum law_verdict
compare(const struct law_case *c, span *why, const char *what,
        const struct law_result *is, const struct law_result *should)
{
    if (!is->code != !should->code)
        return law_differs(c, why, what, is->code ? is->sentence : is->text,
                           should->code ? should->sentence : should->text);
    if (is->code)
        return LAW_HOLDS;
    if (!law_same_document(c, is->text, should->text))
        return law_differs(c, why, what, is->text, should->text);
    if (!tells_all(is, should) || !tells_all(should, is))
        return law_differs(c, why,
                           arena_fmt(c->a, "%s: other notices", what).at,
                           is->text, should->text);
    return LAW_HOLDS;
}

static struct law_result
by_reference(const struct law_case *c, size_t from, size_t to, span x)
{
    struct bench_result r =
        bench_run(c->a, c->api, 0, from, to, c->is_request, x);
    struct law_result out = {.code = r.code,
                             .text = r.text,
                             .notices = r.report.notices,
                             .n_notices = r.report.n_notices};
    if (r.code)
        out.sentence = arena_fmt(c->a, "%s", r.report.fault.err.text);
    return out;
}

/* One change after another, printed and read in between. */
static struct law_result
step_by_step(const struct law_case *c)
{
    struct law_result r = {.text = c->x};
    struct translation_notice *all = NULL;
    size_t n = 0;
    for (size_t at = c->from; at != c->to && !r.code;) {
        size_t next = c->from < c->to ? at + 1 : at - 1;
        r = by_reference(c, at, next, r.text);
        all = arena_grow(c->a, all, n, n + r.n_notices + 1, sizeof(*all));
        assert_non_null(all);
        for (size_t i = 0; i < r.n_notices; i++)
            all[n++] = r.notices[i];
        at = next;
    }
    r.notices = all;
    r.n_notices = n;
    return r;
}

enum law_verdict
law_chain(const struct law_case *c, span *why)
{
    struct law_result is = law_translate(c, c->from, c->to, c->x, LAW_WHOLE);
    struct law_result should = by_reference(c, c->from, c->to, c->x);
    struct law_result steps = step_by_step(c);
    enum law_verdict v =
        compare(c, why, "the program, and the reference", &is, &should);
    return v == LAW_BROKEN
               ? v
               : compare(c, why, "at once, and step by step", &should, &steps);
}
