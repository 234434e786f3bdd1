/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern: a text and its parts.
 *
 * Every part but the last is the shortest text that lets the rest fit. What fits
 * from where is found from the end first, so that the time is that of the text
 * times the parts, whatever the text.
 */
#include "translators/reference/form.h"

/* fits[piece][at]: do the pieces from there on make up the text from `at` on? */
struct table {
    const struct lens_pattern *pattern;
    span text;
    bool *fits;
};

static bool *
cell(const struct table *t, size_t piece, size_t at)
{
    return &t->fits[piece * (t->text.len + 1) + at];
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
piece_fits(const struct table *t, size_t i, size_t at)
{
    const struct lens_piece *p = &t->pattern->pieces[i];
    span rest = span_skip(t->text, at);
    if (p->name == SIZE_MAX)
        return span_starts(rest, p->text) && *cell(t, i + 1, at + p->text.len);
    if (p->digits) /* one at least */
        return rest.len > 0 && is_digit(rest.at[0]) &&
               (*cell(t, i + 1, at + 1) || *cell(t, i, at + 1));
    return *cell(t, i + 1, at) || (rest.len > 0 && *cell(t, i, at + 1));
}

static bool
fill(struct run *r, struct table *t)
{
    size_t n = t->pattern->n;
    t->fits = arena_array(r->scratch, (n + 1) * (t->text.len + 1), 1);
    if (!t->fits)
        return run_full(r);
    *cell(t, n, t->text.len) = true;
    for (size_t i = n; i-- > 0;)
        for (size_t at = t->text.len + 1; at-- > 0;)
            *cell(t, i, at) = piece_fits(t, i, at);
    return true;
}

bool
pattern_match(struct run *r, const struct lens_pattern *p, span text,
              span *parts, bool *matches)
{
    struct table t = {.pattern = p, .text = text};
    *matches = false;
    if (!fill(r, &t))
        return false;
    if (!*cell(&t, 0, 0))
        return true;
    size_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t from = at;
        if (p->pieces[i].name == SIZE_MAX) {
            at += p->pieces[i].text.len;
            continue;
        }
        at += p->pieces[i].digits;
        while (!*cell(&t, i + 1, at))
            at++;
        parts[p->pieces[i].name] = span_of(text.at + from, at - from);
    }
    *matches = true;
    return true;
}

bool
pattern_join(struct run *r, const struct lens_pattern *p, const span *parts,
             span *out, bool *fits)
{
    struct buf b;
    span *back = arena_array(r->scratch, p->n_names, sizeof(*back));
    if (!back)
        return run_full(r);
    buf_init(&b, arena_limit(r->arena));
    for (size_t i = 0; i < p->n; i++)
        buf_add(&b, p->pieces[i].name == SIZE_MAX ? p->pieces[i].text
                                                  : parts[p->pieces[i].name]);
    bool ok = !buf_failed(&b) && span_dup(r->arena, buf_span(&b), out);
    buf_fini(&b);
    if (!ok)
        return run_full(r);
    if (!pattern_match(r, p, *out, back, fits))
        return false;
    for (size_t i = 0; *fits && i < p->n_names; i++)
        *fits = span_eq(back[i], parts[i]);
    return true;
}
