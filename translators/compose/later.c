/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: what several values decide or make waits for the end of the object that
 * holds them.
 *
 * The machine notes the scalars that it is made of as they pass; what is read as a
 * whole value and is a container goes aside. A state is lowered as if nothing
 * waited; what cannot be decided as it comes is then said to wait, and the state is
 * lowered again.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms and guards */

/* ---- who waits ------------------------------------------------------------------- */

bool
later_is(const struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < l->n_later; i++)
        if (l->later[i] == node)
            return true;
    return false;
}

/* The object at whose end it is written: the nearest around it that came. One that comes
 * or is made ends here or there. */
uint32_t
later_end_of(struct lowering *l, const struct normal_node *node)
{
    for (node = node->parent; node; node = node->parent) {
        uint32_t came = NORMAL_NONE;
        bool made = false, other = false;
        for (size_t i = 0; i < node->n_alts; i++) {
            const struct normal_alt *alt = &node->alts[i];
            if (lower_guard(l, alt->when) == GUARD_NEVER)
                continue;
            other = other || alt->kind == ALT_TERM ||
                    (alt->kind == ALT_SOURCE && came != NORMAL_NONE);
            made = made || alt->kind == ALT_MADE;
            if (alt->kind == ALT_SOURCE)
                came = alt->source;
        }
        if (other || (made && came != NORMAL_NONE))
            return NORMAL_NONE;
        if (came != NORMAL_NONE)
            return came;
    }
    return NORMAL_NONE;
}

/* A scalar at a key can. */
static bool
can_wait(struct lowering *l, const struct normal_node *node)
{
    if (!node->parent || node->is_each || node->element || node->state ||
        later_end_of(l, node) == NORMAL_NONE)
        return false;
    for (size_t i = 0; i < node->n_kids; i++)
        for (size_t k = 0; k < node->kids[i]->n_alts; k++)
            if (lower_guard(l, node->kids[i]->alts[k].when) != GUARD_NEVER)
                return false;
    for (size_t i = 0; i < node->n_alts; i++)
        if (node->alts[i].kind == ALT_MADE &&
            lower_guard(l, node->alts[i].when) != GUARD_NEVER)
            return false;
    return true;
}

bool
later_wait(struct lowering *l, const struct normal_node *node)
{
    if (l->in_gone || later_is(l, node) || !can_wait(l, node))
        return false;
    void *grown = compose_grow(l->c, l->later, l->n_later, &l->room_later,
                               sizeof(struct normal_node *));
    if (!grown)
        return false;
    l->later = grown;
    l->later[l->n_later++] = node;
    l->once_more = true;
    return false;
}

/* ---- what it is made of ------------------------------------------------------------- */

/* Everything that one op is made of, with numbers of its own. */
struct plan {
    struct lowering *l;
    uint32_t end; /* the object */
    struct later *out;
    uint32_t *sources; /* by input */
    size_t n_sources, room_sources;
    struct later_atom *atoms;
    size_t n_atoms, room_atoms;
    struct later_guard *guards;
    guard *of_guard; /* by guard of `guards` */
    size_t n_guards, room_guards, room_of;
    struct later_term *terms;
    uint32_t *of_term;
    size_t n_terms, room_terms, room_of_term;
};

#define PLAN_GROW(p, array, n, room)                                           \
    compose_grow((p)->l->c, (array), (n), &(room), sizeof(*(array)))

static bool
no_plan(struct plan *p)
{
    return lower_stop(p->l, "what waits is more than a few scalars");
}

/* A member of the object that ends, or of one in it; its number among the inputs. */
static bool
want_source(struct plan *p, uint32_t source, uint32_t *out)
{
    const struct source *all = p->l->c->sources;
    const struct source *s = &all[source];
    bool direct = s->kind == SOURCE_KEY && s->parent == p->end;
    bool below = s->kind == SOURCE_KEY && !direct &&
                 all[s->parent].kind == SOURCE_KEY &&
                 all[s->parent].parent == p->end;
    if (!direct && !below)
        return no_plan(p);
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->sources[i] == source) {
            *out = (uint32_t)i;
            return true;
        }
    void *grown = PLAN_GROW(p, p->sources, p->n_sources, p->room_sources);
    if (!grown)
        return false;
    p->sources = grown;
    *out = (uint32_t)p->n_sources;
    p->sources[p->n_sources++] = source;
    return true;
}

static bool want_guard(struct plan *p, guard g, uint32_t *out);

static bool want_parts(struct plan *p, const struct term *t,
                       struct later_term *out);

static bool
want_symbols(struct plan *p, const struct lens_symbols *from,
             struct lens_symbols *to)
{
    *to = *from;
    to->rows = lower_kept(p->l, from->rows, from->n_rows, sizeof(*from->rows));
    return to->rows || lower_no_room(p->l);
}

static bool
is_of_scalars(const struct lens_form *form)
{
    return form->kind != LENS_AS_JSON && form->kind != LENS_AS_JSON_TEXT &&
           form->kind != LENS_AS_KEYS && form->kind != LENS_AS_BIN;
}

static bool
want_term(struct plan *p, uint32_t term, uint32_t *out)
{
    const struct term t = p->l->c->terms[term];
    struct later_term made = {.kind = t.kind,
                              .value = t.value,
                              .from = t.from,
                              .to = t.to,
                              .pattern = t.pattern,
                              .n = t.n};
    for (size_t i = 0; i < p->n_terms; i++)
        if (p->of_term[i] == term) {
            *out = (uint32_t)i;
            return true;
        }
    switch (t.kind) {
    case TERM_SOURCE:
        if (!want_source(p, t.source, &made.input))
            return false;
        p->l->spots[t.source].is_valued = true;
        break;
    case TERM_CONST:
        break;
    case TERM_FORM:
        if (!is_of_scalars(t.from) || !is_of_scalars(t.to))
            return no_plan(p);
        if (!want_term(p, t.of, &made.of))
            return false;
        break;
    case TERM_ENUM:
        if (!want_symbols(p, t.symbols, &made.symbols) ||
            !want_term(p, t.of, &made.of))
            return false;
        break;
    case TERM_PART:
        if (!want_term(p, t.of, &made.of))
            return false;
        break;
    case TERM_JOIN:
    case TERM_FIRST:
    case TERM_TEXT:
        if (!want_parts(p, &t, &made))
            return false;
        break;
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_TREE:
    case TERM_COMMON:
    case TERM_KEY:
        return no_plan(p);
    }
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
want_parts(struct plan *p, const struct term *t, struct later_term *out)
{
    struct later_part *parts =
        arena_array(p->l->to, t->n_parts + 1, sizeof(*parts));
    if (!parts)
        return lower_no_room(p->l);
    size_t n = 0;
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct term_part *from = &t->parts[i];
        guard when = lower_guard(p->l, from->when);
        bool chosen = t->kind == TERM_FIRST;
        if (chosen && (when == GUARD_NEVER || from->term == NORMAL_NONE))
            continue;
        parts[n] = (struct later_part){1, NORMAL_NONE, {0}};
        if (!span_dup(p->l->to, from->text, &parts[n].text))
            return lower_no_room(p->l);
        if ((chosen && !want_guard(p, when, &parts[n].when)) ||
            (from->term != NORMAL_NONE &&
             !want_term(p, from->term, &parts[n].term)))
            return false;
        n++;
    }
    out->parts = parts;
    out->n_parts = n;
    return true;
}

/* Those that the machine sees to itself never hold. */
static bool
is_of_machine(enum atom_kind kind)
{
    return kind == ATOM_DOUBLED || kind == ATOM_ANY_DOUBLED ||
           kind == ATOM_UNCLEAN;
}

static bool
want_atom(struct plan *p, const struct atom *a, struct later_atom *out)
{
    *out = (struct later_atom){
        .kind = a->kind, .value = a->value, .text = a->text, .n = a->n};
    switch (a->kind) {
    case ATOM_PRESENT:
        return want_source(p, a->source, &out->input);
    case ATOM_SAME:
        return want_term(p, a->term, &out->term) &&
               want_term(p, a->other, &out->other);
    case ATOM_NULL:
    case ATOM_OBJECT:
    case ATOM_LIST:
    case ATOM_STRING:
    case ATOM_NUMBER:
    case ATOM_INTEGER:
    case ATOM_TRUE:
    case ATOM_EQUALS:
    case ATOM_STARTS:
    case ATOM_LINES:
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
        return want_term(p, a->term, &out->term);
    default:
        return no_plan(p);
    }
}

static bool
want_guard(struct plan *p, guard g, uint32_t *out)
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
    if (is_of_machine(atom.kind))
        return want_guard(p, node.no, out);
    if (!want_atom(p, &atom, &asks) || !want_guard(p, node.yes, &made.yes) ||
        !want_guard(p, node.no, &made.no))
        return false;
    void *atoms = PLAN_GROW(p, p->atoms, p->n_atoms, p->room_atoms);
    void *guards = PLAN_GROW(p, p->guards, p->n_guards, p->room_guards);
    void *of = PLAN_GROW(p, p->of_guard, p->n_guards, p->room_of);
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

/* ---- what is noted -------------------------------------------------------------------- */

/* Each source that is asked is noted, in a slot of the object that ends; of the objects
 * on the way to it, whether they came. */
static bool
note_source(struct lowering *l, uint32_t end, uint32_t source)
{
    struct spot_of *s = &l->spots[source];
    uint32_t parent = l->c->sources[source].parent;
    if (parent != end) {
        l->spots[parent].is_host = true;
        if (!note_source(l, end, parent))
            return false;
    }
    if (s->note != ENGINE_NONE)
        return s->note_owner == end ||
               lower_stop(l, "a value waits for the ends of two objects");
    if (l->levels[end].n_slots == ENGINE_SLOTS_MAX)
        return lower_stop(l, "too many values wait");
    s->note = l->levels[end].n_slots++;
    s->note_owner = end;
    return true;
}

/* Of all alternatives of a node, or of one guard. */
static bool
draw(struct plan *p, const struct normal_node *node, guard when)
{
    struct lowering *l = p->l;
    size_t n = 0;
    p->out->api = l->n->api;
    if (!node)
        return want_guard(p, class_inside(l, when, p->end), &p->out->when);
    struct later_alt *alts =
        arena_array(l->to, node->n_alts + 1, sizeof(*alts));
    if (!alts)
        return lower_no_room(l);
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        guard here = class_inside(l, lower_guard(l, alt->when), p->end);
        if (here == GUARD_NEVER)
            continue;
        uint32_t term = alt->kind == ALT_TERM
                            ? alt->term
                            : term_of_source(l->c, alt->source);
        if (!want_guard(p, here, &alts[n].when) ||
            !want_term(p, term, &alts[n].term))
            return false;
        n++;
    }
    p->out->alts = alts;
    p->out->n_alts = n;
    return true;
}

static bool
draw_all(struct plan *p, const struct normal_node *node, guard when)
{
    p->out = arena_alloc(p->l->to, sizeof(*p->out));
    if (!p->out)
        return lower_no_room(p->l);
    *p->out = (struct later){0};
    if (!draw(p, node, when))
        return false;
    for (size_t i = 0; i < p->n_sources; i++)
        if (!note_source(p->l, p->end, p->sources[i]))
            return false;
    return true;
}

bool
later_note(struct lowering *l, const struct normal_node *node)
{
    struct plan p = {.l = l, .end = later_end_of(l, node)};
    return draw_all(&p, node, GUARD_NEVER);
}

bool
later_note_guard(struct lowering *l, guard when, uint32_t end)
{
    struct plan p = {.l = l, .end = end};
    /* An element that is no object has no end. */
    guard object = ask_types(l->c, term_of_source(l->c, end), LENS_OBJECT);
    if (!guard_implies(&l->c->guards, when, object))
        return lower_stop(l, "a check that no value decides");
    return draw_all(&p, NULL, when);
}

/* ---- the op ------------------------------------------------------------------------------ */

static bool
keep_plan(struct plan *p)
{
    struct lowering *l = p->l;
    p->out->atoms = lower_kept(l, p->atoms, p->n_atoms, sizeof(*p->atoms));
    p->out->guards = lower_kept(l, p->guards, p->n_guards, sizeof(*p->guards));
    p->out->terms = lower_kept(l, p->terms, p->n_terms, sizeof(*p->terms));
    p->out->n_inputs = p->n_sources;
    return (p->out->atoms && p->out->guards && p->out->terms) ||
           lower_no_room(l);
}

static bool
as_op(struct plan *p, struct engine_op *op)
{
    struct lowering *l = p->l;
    struct engine_several *several = arena_alloc(l->to, sizeof(*several));
    struct engine_where *of = arena_array(l->to, p->n_sources + 1, sizeof(*of));
    if (!several || !of)
        return lower_no_room(l);
    for (size_t i = 0; i < p->n_sources; i++) {
        const struct spot_of *s = &l->spots[p->sources[i]];
        bool direct = l->c->sources[p->sources[i]].parent == p->end;
        of[i] = (struct engine_where){.slot = s->note,
                                      .bit = direct ? s->bit : ENGINE_NONE};
    }
    *several = (struct engine_several){later_run, p->out, of, p->n_sources};
    *op = (struct engine_op){
        .kind = ENGINE_OP_VALUE, .fault = LOWER_ASIDE, .several = several};
    return keep_plan(p);
}

bool
later_op(struct lowering *l, const struct normal_node *node,
         struct engine_op *op)
{
    struct plan p = {.l = l, .end = later_end_of(l, node)};
    static const struct json nothing = {.kind = JSON_NULL, .touched = true};
    if (!draw_all(&p, node, GUARD_NEVER) || !as_op(&p, op) ||
        !lower_text(l, node->key, &nothing, &op->text))
        return false;
    op->text.len -= 4; /* the null */
    return true;
}

bool
later_op_guard(struct lowering *l, guard when, uint32_t end, bool fails,
               struct engine_op *op)
{
    struct plan p = {.l = l, .end = end};
    if (!draw_all(&p, NULL, when) || !as_op(&p, op))
        return false;
    p.out->fails = fails;
    return true;
}

/* ---- the entry of what is noted ------------------------------------------------------------ */

void
later_entry(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    struct spot_of *s = &l->spots[source];
    uint32_t parent = l->c->sources[source].parent;
    bool direct = parent == s->note_owner;
    if (s->note == ENGINE_NONE)
        return;
    s->is_noted = true;
    e->note = s->note;
    e->note_up = direct ? 0 : 1;
    if (s->is_valued || !direct || s->is_host)
        e->refused |= ENGINE_LIST;
    if ((s->is_valued && !s->is_host) || !direct)
        e->refused |= ENGINE_OBJECT;
}
/* NOLINTEND(misc-no-recursion) */
