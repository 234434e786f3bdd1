/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any two bodies, cut at the first zero byte: what differs one way differs the other
 * way, with missing and extra changed about; a body does not differ from itself; a
 * place and kind are told once.
 */
#include "translators/shadow/shadow.h"
#include "translators/json/tree.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static enum err_code
compare(struct arena *a, span baseline, span other, struct shadow_found **out)
{
    static const struct shadow_key keys[] = {{SPAN("/a"), SPAN("k")},
                                             {SPAN(""), SPAN("id")}};
    const struct shadow_rules rules = {keys, COUNT(keys), 64};
    const struct shadow_answer left = {200, baseline};
    const struct shadow_answer right = {200, other};
    struct err e;

    *out = NULL;
    return shadow_compare(a, &rules, &left, &right, out, &e);
}

static enum shadow_kind
turned(enum shadow_kind kind)
{
    return kind == SHADOW_MISSING ? SHADOW_EXTRA
           : kind == SHADOW_EXTRA ? SHADOW_MISSING
                                  : kind;
}

static size_t
count(const struct shadow_found *all, span place, enum shadow_kind kind)
{
    size_t n = 0;

    for (; all; all = all->next)
        n += all->kind == kind && span_eq(all->place, place);
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena *a = arena_new((size_t)64 << 20);
    span all = span_of((const char *)bytes, n);
    ssize_t cut = span_find(all, '\0');
    struct shadow_found *there, *back, *same;

    if (cut < 0)
        cut = (ssize_t)n;
    span one = span_take(all, (size_t)cut);
    span two = span_skip(all, (size_t)cut + ((size_t)cut < n));
    enum err_code code = compare(a, one, two, &there);
    assert(compare(a, two, one, &back) == code);
    assert(compare(a, one, one, &same) != OK || !same);
    for (const struct shadow_found *f = there; code == OK && f; f = f->next) {
        assert(count(there, f->place, f->kind) == 1);
        assert(count(back, f->place, turned(f->kind)) == 1);
    }
    arena_free(&a);
    return 0;
}
