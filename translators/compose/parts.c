/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts: a text and its parts, and back.
 *
 * Parts of what was joined by the same pattern, and what joins all parts of one
 * text, cancel: that the text matched stands as a check.
 */
#include "translators/compose/joint.h"

static bool
pattern_same(const struct lens_pattern *x, const struct lens_pattern *y)
{
    bool same = x->n == y->n && x->n_names == y->n_names;
    for (size_t i = 0; same && i < x->n; i++)
        same = x->pieces[i].name == y->pieces[i].name &&
               x->pieces[i].digits == y->pieces[i].digits &&
               span_eq(x->pieces[i].text, y->pieces[i].text);
    return same;
}

/* Of a choice the one alternative that may be a text, as it is where it is joined. */
static uint32_t
only_text(struct compose *c, uint32_t term)
{
    struct term t = c->terms[term];
    uint32_t only = NORMAL_NONE;
    if (t.kind != TERM_FIRST)
        return term;
    for (size_t i = 0; i < t.n_parts; i++) {
        if (t.parts[i].term == NORMAL_NONE ||
            both(c, t.parts[i].when,
                 ask_types(c, t.parts[i].term, LENS_STRING)) == GUARD_NEVER)
            continue;
        if (only != NORMAL_NONE)
            return term;
        only = t.parts[i].term;
    }
    return only == NORMAL_NONE ? term : only;
}

/* ---- one text to its parts --------------------------------------------------------- */

/* Part `i` of a text; *out: where it does not match. */
static uint32_t
part_of(struct compose *c, uint32_t text, const struct lens_pattern *p,
        size_t i, guard *out)
{
    struct term t = c->terms[text];
    *out = GUARD_NEVER;
    if (t.kind == TERM_TEXT && pattern_same(t.pattern, p))
        return t.parts[i].term;
    uint32_t term = term_make(
        c, (struct term){.kind = TERM_PART, .of = text, .pattern = p, .n = i});
    uint32_t first = term_make(
        c, (struct term){.kind = TERM_PART, .of = text, .pattern = p});
    *out = ask(c, (struct atom){.kind = ATOM_OUTSIDE, .term = first});
    return term;
}

/* One alternative of the text; `bad` grows by what has no parts. */
static bool
split_one(struct joining *g, const struct normal_alt *alt, guard *bad)
{
    struct compose *c = g->s->c;
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    uint32_t text = node_scalar(c, alt);
    if (text == NORMAL_NONE) { /* an object that was made */
        *bad = either(c, *bad, alt->when);
        return true;
    }
    guard nulls = both(c, alt->when, ask_types(c, text, LENS_NULL));
    guard texts = both(c, alt->when, ask_types(c, text, LENS_STRING));
    guard out = GUARD_NEVER;
    for (size_t i = 0; i < g->n_write; i++) {
        uint32_t term = part_of(c, text, g->joint->pattern, i, &out);
        out = both(c, texts, out);
        if (!join_give(g, i, without(c, texts, out), term) ||
            !join_give(g, i, nulls, term_const(c, &null)))
            return false;
    }
    guard good = either(c, nulls, without(c, texts, out));
    *bad = either(c, *bad, without(c, alt->when, good));
    return true;
}

static bool
split(struct joining *g)
{
    const struct normal_node *n = g->parts[0].value;
    guard bad = GUARD_NEVER;
    if (!join_reads(g, n, GUARD_ALWAYS))
        return false;
    for (size_t i = 0; i < n->n_alts; i++)
        if (!split_one(g, &n->alts[i], &bad))
            return false;
    return g->joint->outside_absent
               ? join_lossy(g, bad)
               : join_fails(g, bad,
                            "this text has not the form that it "
                            "should have");
}

/* ---- parts to one text ----------------------------------------------------------------- */

/* The text that these are all parts of, by the same pattern; NORMAL_NONE: none. */
static uint32_t
whole_of(const struct compose *c, const struct term_part *parts, size_t n,
         const struct lens_pattern *p)
{
    uint32_t of = NORMAL_NONE;
    for (size_t i = 0; i < n; i++) {
        const struct term *t = &c->terms[parts[i].term];
        if (t->kind != TERM_PART || t->n != i || !pattern_same(t->pattern, p) ||
            (i > 0 && t->of != of))
            return NORMAL_NONE;
        of = t->of;
    }
    return of;
}

static bool
join(struct joining *g)
{
    struct compose *c = g->s->c;
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    struct term_part *parts = arena_array(c->a, g->n_read + 1, sizeof(*parts));
    guard texts = GUARD_ALWAYS, nulls = GUARD_ALWAYS, out = GUARD_NEVER;
    if (!parts)
        return compose_full(c);
    for (size_t i = 0; i < g->n_read; i++) {
        struct normal_node *n = g->parts[i].value;
        guard text = node_types(c, n, LENS_STRING);
        uint32_t term = join_term(c, n);
        if (term == NORMAL_NONE || !join_reads(g, n, texts))
            return false;
        parts[i] = (struct term_part){GUARD_ALWAYS, only_text(c, term), {0}};
        texts = both(c, texts, text);
        nulls = both(c, nulls, node_types(c, n, LENS_NULL));
    }
    uint32_t term = whole_of(c, parts, g->n_read, g->joint->pattern);
    if (term == NORMAL_NONE) {
        term = term_make(c, (struct term){.kind = TERM_TEXT,
                                          .parts = parts,
                                          .n_parts = g->n_read,
                                          .pattern = g->joint->pattern});
        out = both(c, texts,
                   ask(c, (struct atom){.kind = ATOM_OUTSIDE, .term = term}));
    }
    guard good = without(c, texts, out);
    return join_give(g, 0, good, term) &&
           join_give(g, 0, nulls, term_const(c, &null)) &&
           join_fails(g, without(c, without(c, g->there, nulls), good),
                      "these parts cannot be written as one text");
}

bool
join_parts(struct joining *g)
{
    struct compose *c = g->s->c;
    for (size_t i = 0; i < g->n_read; i++)
        if (node_has_states(g->parts[i].value))
            return compose_stop(c, &g->arrow->origin,
                                "an object of a type stands where a text "
                                "should");
    return c->read == g->joint->one ? split(g) : join(g);
}
