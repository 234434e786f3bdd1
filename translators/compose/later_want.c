/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_want: literals, terms and guards of what waits, drawn with numbers of its own.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms and guards are */

bool
later_no_plan(struct later_plan *p)
{
    return lower_stop(p->l, "what waits is made of what its object has not");
}

guard
later_as_here(struct later_plan *p, guard g)
{
    return class_inside(p->l, lower_guard(p->l, g), p->end);
}

/* ---- what outlives the builder ---------------------------------------------------- */

/* A literal that outlives the builder. */
bool
later_want_value(struct later_plan *p, const struct json *value,
                 const struct json **out)
{
    struct buf b;
    struct json *copy = NULL;
    struct err e;
    span text = {0};
    if (!value)
        return true;
    buf_init(&b, arena_limit(p->l->to));
    json_print(value, &b);
    bool ok = !buf_failed(&b) && span_dup(p->l->to, buf_span(&b), &text) &&
              json_parse(p->l->to, text, JSON_DEPTH_MAX, &copy, &e) == OK;
    buf_fini(&b);
    *out = copy;
    return ok || lower_no_room(p->l);
}

static bool
want_place(struct later_plan *p, const struct lens_place *from,
           struct lens_place *to)
{
    struct lens_step *steps =
        lower_kept(p->l, from->steps, from->n, sizeof(*steps));
    for (size_t i = 0; steps && i < from->n; i++)
        if (!span_dup(p->l->to, from->steps[i].key, &steps[i].key))
            return lower_no_room(p->l);
    *to = (struct lens_place){.steps = steps, .n = from->n};
    return steps || lower_no_room(p->l);
}

/* A step that counts or looks for an element. */
bool
later_want_step(struct later_plan *p, const struct lens_step *from,
                const struct lens_step **to)
{
    *to = NULL;
    if (!from)
        return true;
    struct lens_step *step = arena_alloc(p->l->to, sizeof(*step));
    struct lens_find *finds =
        lower_kept(p->l, from->finds, from->n_finds, sizeof(*finds));
    if (!step || !finds)
        return lower_no_room(p->l);
    for (size_t i = 0; i < from->n_finds; i++)
        if (!want_place(p, &from->finds[i].member, &finds[i].member) ||
            !later_want_value(p, from->finds[i].value, &finds[i].value))
            return false;
    *step = (struct lens_step){.kind = from->kind,
                               .index = from->index,
                               .finds = finds,
                               .n_finds = from->n_finds};
    *to = step;
    return true;
}

/* ---- terms ----------------------------------------------------------------------- */

static bool
want_symbols(struct later_plan *p, const struct lens_symbols *from,
             struct lens_symbols *to)
{
    *to = *from;
    to->rows = lower_kept(p->l, from->rows, from->n_rows, sizeof(*from->rows));
    return to->rows || lower_no_room(p->l);
}

static bool want_parts(struct later_plan *p, const struct term *t,
                       struct later_term *out);

/* What a term is made of. */
static bool
want_inside(struct later_plan *p, const struct term *t, struct later_term *made)
{
    switch (t->kind) {
    case TERM_SOURCE:
        return later_want_source(p, t->source, true, &made->source);
    case TERM_CONST:
        return later_want_value(p, t->value, &made->value);
    case TERM_ENUM:
        return want_symbols(p, t->symbols, &made->symbols) &&
               later_want_term(p, t->of, &made->of);
    case TERM_FORM:
        if (t->from->kind == LENS_AS_BIN || t->to->kind == LENS_AS_BIN)
            return later_no_plan(p);
        return later_want_term(p, t->of, &made->of);
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
    case TERM_COUNT:
        return later_want_term(p, t->of, &made->of);
    case TERM_JOIN:
    case TERM_FIRST:
    case TERM_TEXT:
        return want_parts(p, t, made);
    case TERM_TREE:
        return later_want_node(p, t->tree, &made->tree);
    case TERM_COMMON:
        return later_want_source(p, t->source, false, &made->source) &&
               later_want_term(p, t->of, &made->of);
    case TERM_KEY:
        return later_want_source(p, t->source, false, &made->source);
    }
    return later_no_plan(p);
}

bool
later_want_term(struct later_plan *p, uint32_t term, uint32_t *out)
{
    const struct term t = p->l->c->terms[term];
    struct later_term made = {.kind = t.kind,
                              .from = t.from,
                              .to = t.to,
                              .pattern = t.pattern,
                              .pick = t.pick,
                              .n = t.n};
    for (size_t i = 0; i < p->n_terms; i++)
        if (p->of_term[i] == term) {
            *out = (uint32_t)i;
            return true;
        }
    if (!want_inside(p, &t, &made))
        return false;
    void *grown = PLAN_GROW(p, p->terms, p->n_terms, p->room_terms);
    void *of = PLAN_GROW(p, p->of_term, p->n_terms, p->room_of_term);
    if (!grown || !of)
        return false;
    p->terms = grown;
    p->of_term = of;
    p->of_term[p->n_terms] = term;
    p->terms[p->n_terms] = made;
    *out = (uint32_t)p->n_terms++;
    return true;
}

static bool
want_parts(struct later_plan *p, const struct term *t, struct later_term *out)
{
    struct later_part *parts =
        arena_array(p->l->to, t->n_parts + 1, sizeof(*parts));
    if (!parts)
        return lower_no_room(p->l);
    size_t n = 0;
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct term_part *from = &t->parts[i];
        bool chosen = t->kind == TERM_FIRST;
        guard when = chosen ? later_as_here(p, from->when) : GUARD_ALWAYS;
        if (when == GUARD_NEVER || (chosen && from->term == NORMAL_NONE))
            continue;
        parts[n] = (struct later_part){1, NORMAL_NONE, {0}};
        if (!span_dup(p->l->to, from->text, &parts[n].text))
            return lower_no_room(p->l);
        if (!later_want_guard(p, when, &parts[n].when) ||
            (from->term != NORMAL_NONE &&
             !later_want_term(p, from->term, &parts[n].term)))
            return false;
        n++;
    }
    out->parts = parts;
    out->n_parts = n;
    return true;
}

/* ---- guards ----------------------------------------------------------------------- */

/* Those that the machine sees to itself never hold, but in what it does not look
 * into. */
static bool
is_of_machine(const struct later_plan *p, const struct atom *a)
{
    return (a->kind == ATOM_DOUBLED || a->kind == ATOM_ANY_DOUBLED ||
            a->kind == ATOM_UNCLEAN) &&
           !later_is_inside(p->l, a);
}

static bool
want_atom(struct later_plan *p, const struct atom *a, struct later_atom *out)
{
    uint32_t host = NORMAL_NONE;
    *out = (struct later_atom){.kind = a->kind, .n = a->n};
    if (!span_dup(p->l->to, a->text, &out->text))
        return lower_no_room(p->l);
    switch (a->kind) {
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
        return later_want_source(p, a->source, false, &out->source);
    case ATOM_OTHERS:
        return later_want_source(p, a->source, true, &out->source) &&
               later_want_keys(p, a->source, a->n, &out->keys, NULL,
                               &out->n_keys);
    case ATOM_UNKNOWN:
        host = p->l->c->sources[a->source].parent;
        return later_want_source(p, a->source, false, &out->source) &&
               later_want_keys(p, host,
                               p->l->c->sources[a->source].of_object ? SIZE_MAX
                                                                     : a->n,
                               &out->keys, NULL, &out->n_keys);
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
        return later_want_source(p, a->source, false, &out->source) &&
               later_want_guard(p, later_as_here(p, (guard)a->n), &out->guard);
    case ATOM_TWICE:
    case ATOM_EARLIER:
        return later_want_source(p, a->source, false, &out->source) &&
               later_want_guard(p, later_as_here(p, (guard)a->n),
                                &out->guard) &&
               later_want_term(p, a->term, &out->term);
    case ATOM_MERGED:
        return later_want_source(p, a->source, false, &out->source) &&
               later_want_guard(p, later_as_here(p, (guard)a->n),
                                &out->guard) &&
               later_want_term(p, a->term, &out->term) &&
               later_want_term(p, a->other, &out->other);
    case ATOM_SAME:
        return later_want_term(p, a->term, &out->term) &&
               later_want_term(p, a->other, &out->other);
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return later_no_plan(p);
    default:
        return later_want_value(p, a->value, &out->value) &&
               later_want_term(p, a->term, &out->term);
    }
}

bool
later_want_guard(struct later_plan *p, guard g, uint32_t *out)
{
    *out = g;
    if (g <= GUARD_ALWAYS)
        return true;
    for (size_t i = 0; i < p->n_guards; i++)
        if (p->of_guard[i] == g) {
            *out = (uint32_t)i + 2;
            return true;
        }
    const struct guard_node node = p->l->c->guards.at[g];
    const struct atom atom = p->l->c->atoms[node.atom];
    struct later_guard made = {0};
    struct later_atom asks = {0};
    if (is_of_machine(p, &atom))
        return later_want_guard(p, node.no, out);
    if (!want_atom(p, &atom, &asks) ||
        !later_want_guard(p, node.yes, &made.yes) ||
        !later_want_guard(p, node.no, &made.no))
        return false;
    void *atoms = PLAN_GROW(p, p->atoms, p->n_atoms, p->room_atoms);
    void *guards = PLAN_GROW(p, p->guards, p->n_guards, p->room_guards);
    void *of = PLAN_GROW(p, p->of_guard, p->n_guards, p->room_of_guard);
    if (!atoms || !guards || !of)
        return false;
    p->atoms = atoms;
    p->guards = guards;
    p->of_guard = of;
    made.atom = (uint32_t)p->n_atoms;
    p->atoms[p->n_atoms++] = asks;
    p->of_guard[p->n_guards] = g;
    p->guards[p->n_guards] = made;
    *out = (uint32_t)p->n_guards++ + 2;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
