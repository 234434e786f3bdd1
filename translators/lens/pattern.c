/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern: the parts of a text, `"{a}:{b:digits}"`.
 */
#include "translators/lens/build.h"

#define PIECES_MAX 32

struct reading {
    struct lens_builder *b;
    const struct yaml *node;
    struct lens_vec pieces; /* struct lens_piece */
    struct lens_vec names;  /* span */
};

static bool
wrong(struct reading *r, span at, const char *what, const char *remedy)
{
    yaml_problem(r->b->problems, r->node, "`%.*s` %s",
                 SPAN_FMT(span_take(at, 80)), what);
    problem_remedy(r->b->problems, "%s", remedy);
    return false;
}

static bool
add_piece(struct reading *r, struct lens_piece one)
{
    struct lens_piece *all = r->pieces.at;
    const struct lens_piece *before =
        r->pieces.n ? &all[r->pieces.n - 1] : NULL;
    bool is_any = one.name != SIZE_MAX && !one.digits;
    if (is_any && before && before->name != SIZE_MAX && !before->digits)
        return wrong(r, one.text, "follows a part that may be any text, too",
                     "put a text between them: {a}-{b}");
    if (r->pieces.n == PIECES_MAX)
        return wrong(r, one.text, "is one part too many", "32 are the limit");
    struct lens_piece *slot = lens_vec_add(r->b, &r->pieces, sizeof(one));
    if (slot)
        *slot = one;
    return slot != NULL;
}

/* `{a}` or `{b:digits}`, without its braces. */
static bool
read_name(struct reading *r, span text)
{
    struct lens_piece one = {.name = r->names.n};
    span kind = text;
    one.text = span_trim(span_cut(&kind, ':'));
    bool has_kind = one.text.len < span_trim(text).len;
    kind = span_trim(kind);
    one.digits = has_kind && span_is(kind, "digits");
    if (has_kind && !one.digits)
        return wrong(r, kind, "is no kind of part",
                     "write {b:digits}, or {b} for any text");
    if (one.text.len == 0)
        return wrong(r, text, "is a part without a name", "write {name}");
    const span *all = r->names.at;
    for (size_t i = 0; i < r->names.n; i++)
        if (span_eq(all[i], one.text))
            return wrong(r, one.text, "is named twice",
                         "give each part a name of its own");
    span *slot = lens_vec_add(r->b, &r->names, sizeof(*slot));
    if (!slot)
        return false;
    *slot = one.text;
    return add_piece(r, one);
}

bool
lens_pattern_read(struct lens_builder *b, const struct yaml *node, span text,
                  const struct lens_pattern **out)
{
    struct reading r = {.b = b, .node = node};
    span rest = text;
    while (rest.len > 0) {
        size_t n = 0;
        while (n < rest.len && rest.at[n] != '{' && rest.at[n] != '}')
            n++;
        if (n > 0 && !add_piece(&r, (struct lens_piece){span_take(rest, n),
                                                        SIZE_MAX, false}))
            return false;
        rest = span_skip(rest, n);
        if (rest.len == 0)
            break;
        ssize_t end = span_find(rest, '}');
        if (rest.at[0] == '}' || end < 0)
            return wrong(&r, text, "has a brace that has no partner",
                         "write \"{a}-{b}\"");
        if (!read_name(&r, span_of(rest.at + 1, (size_t)end - 1)))
            return false;
        rest = span_skip(rest, (size_t)end + 1);
    }
    if (r.names.n == 0)
        return wrong(&r, text, "has no part with a name", "write \"{a}-{b}\"");
    struct lens_pattern *p = lens_array(b, 1, sizeof(*p));
    if (!p)
        return false;
    *p = (struct lens_pattern){text, r.pieces.at, r.pieces.n, r.names.at,
                               r.names.n};
    *out = p;
    return true;
}

/* Which of `other`'s names is name `i`; SIZE_MAX: none. */
static size_t
partner(const struct lens_pattern *other, span name)
{
    for (size_t i = 0; i < other->n_names; i++)
        if (span_eq(other->names[i], name))
            return i;
    return SIZE_MAX;
}

bool
lens_pattern_pair(struct lens_builder *b, const struct yaml *node,
                  struct lens_form f[2])
{
    for (size_t side = 0; side < 2; side++) {
        const struct lens_pattern *own = f[side].pattern;
        const struct lens_pattern *other = f[1 - side].pattern;
        if (!own)
            continue;
        size_t n = other ? other->n_names : 1;
        size_t *order = lens_array(b, own->n_names, sizeof(*order));
        if (!order)
            return false;
        for (size_t i = 0; i < own->n_names; i++)
            order[i] = other ? partner(other, own->names[i]) : 0;
        for (size_t i = 0; i < own->n_names; i++) {
            if (n == own->n_names && order[i] != SIZE_MAX)
                continue;
            yaml_problem(b->problems, node,
                         "the part `%.*s` is on one side only",
                         SPAN_FMT(own->names[i]));
            problem_remedy(b->problems, "name the same parts on both sides; "
                                        "`split` leads them to places");
            return false;
        }
        f[side].order = order;
    }
    return true;
}
