/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classes: guards, of one value at a time.
 */
#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a guard asks atoms */

bool
lower_stop(struct lowering *l, const char *why)
{
    if (!l->out->why)
        l->out->why = why;
    return false;
}

/* ---- what kind of message ---- */

/* A request or an answer, that replaces no whole document. */
guard
lower_guard(struct lowering *l, guard g)
{
    struct guards *all = &l->c->guards;
    if (g <= GUARD_ALWAYS)
        return g;
    if (g < l->n_assumed && l->assumed[g].when == l->c->lowerings)
        return l->assumed[g].is;
    struct guard_node node = all->at[g];
    guard yes = lower_guard(l, node.yes);
    guard no = lower_guard(l, node.no);
    guard is = g;
    switch (l->c->atoms[node.atom].kind) {
    case ATOM_REQUEST:
        is = l->is_request ? yes : no;
        break;
    case ATOM_REPLACES:
        l->out->guards = l->out->guards || yes != no;
        is = no;
        break;
    default:
        if (yes == node.yes && no == node.no)
            break;
        guard atom = guard_of(all, node.atom);
        is = guard_or(all, guard_and(all, atom, yes),
                      guard_without(all, no, atom));
    }
    if (g < l->n_assumed)
        l->assumed[g] =
            (struct assumed){l->c->lowerings, is, l->assumed[g].asks_forms};
    return is;
}

/* ---- what is known of an atom ---- */

static bool
is_in(const struct lowering *l, uint32_t source, uint32_t top)
{
    while (source != NORMAL_NONE && source != top)
        source = l->c->sources[source].parent;
    return source == top;
}

uint32_t
class_bottom(const struct lowering *l, uint32_t term)
{
    for (;;) {
        const struct term *t = &l->c->terms[term];
        if (t->kind == TERM_SOURCE)
            return t->source;
        if (t->kind != TERM_ENUM && t->kind != TERM_FORM)
            return NORMAL_NONE;
        term = t->of;
    }
}

static enum truth
of_bool(bool is)
{
    return is ? IS_ALWAYS : IS_NEVER;
}

/* Of what the value at hand is in: an object, or for an element a list. */
static enum truth
type_above(const struct lowering *l, enum atom_kind kind, uint32_t source,
           uint32_t below)
{
    uint32_t at = below;
    while (l->c->sources[at].parent != source)
        at = l->c->sources[at].parent;
    const struct source *s = &l->c->sources[at];
    bool list = s->kind == SOURCE_EACH && !s->of_object;
    return of_bool(kind == (list ? ATOM_LIST : ATOM_OBJECT));
}

static enum truth
type_here(enum atom_kind kind, const struct value_class *k)
{
    if (!k->type)
        return IS_OPEN;
    switch (kind) {
    case ATOM_NULL:
        return of_bool(k->type == LENS_NULL);
    case ATOM_OBJECT:
        return of_bool(k->type == LENS_OBJECT);
    case ATOM_LIST:
        return of_bool(k->type == LENS_LIST);
    case ATOM_STRING:
        return of_bool(k->type == LENS_STRING);
    case ATOM_NUMBER:
        return of_bool(k->type == LENS_NUMBER);
    case ATOM_TRUE:
        return k->value ? of_bool(k->value->truth) : IS_OPEN;
    default: /* INTEGER: of a number nothing more is known */
        return IS_OPEN;
    }
}

static enum truth
equals_here(const struct atom *a, const struct value_class *k)
{
    if (!k->type)
        return IS_OPEN;
    if (json_is_container(a->value))
        return k->type & (LENS_OBJECT | LENS_LIST) ? IS_OPEN : IS_NEVER;
    return of_bool(k->value && json_alike(k->value, a->value));
}

static enum truth
term_truth(const struct lowering *l, const struct atom *a,
           const struct value_class *k)
{
    const struct term *t = &l->c->terms[a->term];
    if (t->kind != TERM_SOURCE)
        return IS_OPEN;
    bool here = t->source == k->source;
    bool above = !here && is_in(l, k->source, t->source);
    switch (a->kind) {
    case ATOM_NULL:
    case ATOM_OBJECT:
    case ATOM_LIST:
    case ATOM_STRING:
    case ATOM_NUMBER:
    case ATOM_INTEGER:
    case ATOM_TRUE:
        if (above)
            return type_above(l, a->kind, t->source, k->source);
        return here ? type_here(a->kind, k) : IS_OPEN;
    case ATOM_EQUALS:
        return here ? equals_here(a, k) : IS_OPEN;
    case ATOM_EMPTY: /* how many there are is known at its end */
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        return here && k->type && k->type != LENS_LIST ? IS_NEVER : IS_OPEN;
    default: /* asks a text for more than its symbol */
        return here && k->type && k->type != LENS_STRING ? IS_NEVER : IS_OPEN;
    }
}

/* How the form that an atom asks about reads a value of this class: of a scalar none
 * reads an object or a list. */
static enum form_case
form_here(const struct lowering *l, const struct atom *a,
          const struct value_class *k)
{
    enum lens_form_kind kind = l->c->terms[a->term].from->kind;
    bool any = kind == LENS_AS_JSON || kind == LENS_AS_KEYS;
    return k->type & (LENS_OBJECT | LENS_LIST) && !any ? FORM_OUT : k->form;
}

/* Can a value of this class have anything at a source below its own? */
static bool
may_have(const struct lowering *l, const struct value_class *k, uint32_t below)
{
    while (l->c->sources[below].parent != k->source)
        below = l->c->sources[below].parent;
    bool is_key = l->c->sources[below].kind == SOURCE_KEY;
    return !k->type || k->type == LENS_OBJECT ||
           (k->type == LENS_LIST && !is_key);
}

static enum truth
present_truth(const struct lowering *l, uint32_t source,
              const struct value_class *k)
{
    if (is_in(l, k->source, source))
        return IS_ALWAYS;
    return is_in(l, source, k->source) && !may_have(l, k, source) ? IS_NEVER
                                                                  : IS_OPEN;
}

static enum truth
atom_truth(const struct lowering *l, const struct atom *a,
           const struct value_class *k)
{
    switch (a->kind) {
    case ATOM_PRESENT:
        return present_truth(l, a->source, k);
    case ATOM_DOUBLED: /* the machine refuses these by itself, where it looks */
    case ATOM_ANY_DOUBLED:
    case ATOM_UNCLEAN:
        return later_is_inside(l, a) ? IS_OPEN : IS_NEVER;
    case ATOM_OUTSIDE:
        if (!k->type || class_bottom(l, a->term) != k->source)
            return IS_OPEN;
        return of_bool(form_here(l, a, k) == FORM_OUT);
    case ATOM_RESPELT:
        if (!k->type || class_bottom(l, a->term) != k->source)
            return IS_OPEN;
        return of_bool(form_here(l, a, k) == FORM_BENT);
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
    case ATOM_SAME:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
    case ATOM_MERGED:
        return IS_OPEN;
    case ATOM_UNKNOWN: /* the entry of others is of them alone (others.c) */
        return a->source == k->source && l->c->sources[a->source].of_object
                   ? IS_ALWAYS
                   : IS_OPEN;
    case ATOM_OTHERS:
        return a->source == k->source && k->type && k->type != LENS_OBJECT
                   ? IS_NEVER
                   : IS_OPEN;
    default:
        return term_truth(l, a, k);
    }
}

static enum truth
find_truth(const struct lowering *l, guard g, const struct value_class *k)
{
    if (g <= GUARD_ALWAYS)
        return of_bool(g == GUARD_ALWAYS);
    const struct guard_node *node = &l->c->guards.at[g];
    enum truth atom = atom_truth(l, &l->c->atoms[node->atom], k);
    if (atom != IS_OPEN)
        return find_truth(l, atom == IS_ALWAYS ? node->yes : node->no, k);
    enum truth yes = find_truth(l, node->yes, k);
    return yes == find_truth(l, node->no, k) ? yes : IS_OPEN;
}

/* Chains that grow ask the same of the same classes again and again. */
#define CLASS_CELLS_LOG2 11

struct class_cell {
    guard g;
    uint32_t source;
    const struct json *value;
    uint16_t type;
    uint8_t form;
    uint8_t is; /* an enum truth */
};

bool
class_room(struct compose *c)
{
    if (!c->classes)
        c->classes = arena_array(c->a, (size_t)1 << CLASS_CELLS_LOG2,
                                 sizeof(*c->classes));
    return c->classes || compose_full(c);
}

enum truth
class_truth(const struct lowering *l, guard g, const struct value_class *k)
{
    if (g <= GUARD_ALWAYS)
        return of_bool(g == GUARD_ALWAYS);
    uint64_t h = (uint64_t)g << 32 | k->source;
    h ^= (uint64_t)(uintptr_t)k->value << 8 ^ k->type << 2 ^ k->form;
    h *= 0x9E3779B97F4A7C15u;
    struct class_cell *cell = &l->c->classes[h >> (64 - CLASS_CELLS_LOG2)];
    if (cell->g == g && cell->source == k->source && cell->type == k->type &&
        cell->value == k->value && cell->form == k->form)
        return (enum truth)cell->is;
    enum truth is = find_truth(l, g, k);
    *cell = (struct class_cell){.g = g,
                                .source = k->source,
                                .value = k->value,
                                .type = (uint16_t)k->type,
                                .form = (uint8_t)k->form,
                                .is = (uint8_t)is};
    return is;
}

bool
class_asks_forms(const struct lowering *l, guard g)
{
    if (g <= GUARD_ALWAYS)
        return false;
    struct assumed *known = g < l->n_assumed ? &l->assumed[g] : NULL;
    if (known && known->asks_forms != IS_OPEN)
        return known->asks_forms == IS_ALWAYS;
    const struct guard_node *node = &l->c->guards.at[g];
    enum atom_kind kind = l->c->atoms[node->atom].kind;
    bool asks = kind == ATOM_OUTSIDE || kind == ATOM_RESPELT ||
                class_asks_forms(l, node->yes) || class_asks_forms(l, node->no);
    if (known)
        known->asks_forms = of_bool(asks);
    return asks;
}

bool
class_needs(struct lowering *l, guard g, uint32_t source)
{
    return guard_implies(&l->c->guards, g, ask_present(l->c, source));
}

guard
class_inside(struct lowering *l, guard g, uint32_t source)
{
    struct guards *all = &l->c->guards;
    if (g <= GUARD_ALWAYS)
        return g;
    struct guard_node node = all->at[g];
    struct value_class k = {source, LENS_OBJECT, NULL, FORM_IN};
    enum truth known = atom_truth(l, &l->c->atoms[node.atom], &k);
    if (known != IS_OPEN)
        return class_inside(l, known == IS_ALWAYS ? node.yes : node.no, source);
    guard yes = class_inside(l, node.yes, source);
    guard no = class_inside(l, node.no, source);
    guard atom = guard_of(all, node.atom);
    return guard_or(all, guard_and(all, atom, yes),
                    guard_without(all, no, atom));
}

bool
class_is_of_members(const struct lowering *l, guard g, uint32_t source)
{
    if (g <= GUARD_ALWAYS)
        return true;
    const struct guard_node *node = &l->c->guards.at[g];
    const struct atom *a = &l->c->atoms[node->atom];
    bool is = a->kind == ATOM_PRESENT
                  ? l->c->sources[a->source].parent == source
                  : a->kind == ATOM_OTHERS && a->source == source;
    return is && class_is_of_members(l, node->yes, source) &&
           class_is_of_members(l, node->no, source);
}

/* ---- what is asked at all ---- */

static bool
term_is_below(const struct lowering *l, uint32_t term, uint32_t top)
{
    uint32_t bottom = class_bottom(l, term);
    return bottom == NORMAL_NONE ? l->c->terms[term].kind != TERM_CONST
                                 : is_in(l, bottom, top);
}

static bool
atom_is_below(const struct lowering *l, const struct atom *a, uint32_t top)
{
    switch (a->kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return false;
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
    case ATOM_OTHERS:
        return is_in(l, a->source, top);
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
    case ATOM_UNCLEAN:
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        return term_is_below(l, a->term, top);
    case ATOM_SAME:
        return term_is_below(l, a->term, top) ||
               term_is_below(l, a->other, top);
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
    case ATOM_MERGED:
        break; /* of several: it may */
    }
    return true;
}

static bool
guard_is_below(const struct lowering *l, guard g, uint32_t top, uint32_t walk)
{
    if (g <= GUARD_ALWAYS || l->n->marks[g] == walk)
        return false;
    l->n->marks[g] = walk;
    const struct guard_node *node = &l->c->guards.at[g];
    return atom_is_below(l, &l->c->atoms[node->atom], top) ||
           guard_is_below(l, node->yes, top, walk) ||
           guard_is_below(l, node->no, top, walk);
}

bool
class_is_asked(const struct lowering *l, uint32_t source)
{
    const struct normal_state *s = l->state;
    uint32_t walk = ++*l->n->n_walks;
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i))
        if ((l->spots[i].uses.n || l->spots[i].note != ENGINE_NONE) &&
            is_in(l, i, source))
            return true;
    for (size_t i = 0; i < s->n_checks; i++)
        if (guard_is_below(l, s->checks[i].when, source, walk))
            return true;
    for (size_t i = 0; i < s->n_notices; i++)
        if (guard_is_below(l, s->notices[i].when, source, walk))
            return true;
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i))
        for (size_t k = 0; k < l->spots[i].uses.n; k++)
            if (guard_is_below(l, l->spots[i].uses.at[k].alt->when, source,
                               walk))
                return true;
    return false;
}

/* ---- symbols ------------------------------------------------------------------- */

static const struct json words[] = {
    {.kind = JSON_NULL, .touched = true},
    {.kind = JSON_BOOL, .touched = true, .truth = true},
    {.kind = JSON_BOOL, .touched = true}};

bool
class_symbols(struct lowering *l, uint32_t source, const struct json ***out,
              size_t *n)
{
    uint32_t term = term_of_source(l->c, source);
    size_t count = COUNT(words);
    for (const struct equal *e = l->c->equals[term].first; e; e = e->next)
        count++;
    const struct json **symbols =
        arena_array(l->c->a, count, sizeof(const struct json *));
    if (!symbols)
        return lower_no_room(l);
    *n = 0;
    for (size_t i = 0; i < COUNT(words); i++)
        symbols[(*n)++] = &words[i];
    for (const struct equal *e = l->c->equals[term].first; e; e = e->next)
        if (!json_is_container(e->value))
            symbols[(*n)++] = e->value;
    *out = symbols;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
