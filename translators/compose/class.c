/* SPDX-License-Identifier: Apache-2.0 */
/*
 * class: what must be held, and for how long.
 *
 * A value streams if it stays in its slot and nothing but itself decides what
 * becomes of it. One that goes elsewhere waits for the end of its object, and
 * one that another value decides waits for that. What waits is a value (D), or a
 * list or an object with lists (B), as far as a change or a type names them.
 */
#include "translators/compose/compose.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places and types */

struct look {
    const struct normal *n;
    const struct normal_state *seen[32];
    size_t n_seen;
    struct normal_held held;
};

/* ---- lists ------------------------------------------------------------------- */

static bool state_has_list(struct look *l, const struct normal_state *s);

static bool
node_has_list(struct look *l, const struct normal_node *node)
{
    if (node->is_each || (node->state && state_has_list(l, node->state)))
        return true;
    for (size_t i = 0; i < node->n_kids; i++)
        if (node_has_list(l, node->kids[i]))
            return true;
    return false;
}

/* A type that holds itself may be of any size. */
static bool
state_has_list(struct look *l, const struct normal_state *s)
{
    for (size_t i = 0; i < l->n_seen; i++)
        if (l->seen[i] == s)
            return true;
    if (l->n_seen == sizeof(l->seen) / sizeof(l->seen[0]) || !s->root)
        return true;
    l->seen[l->n_seen++] = s;
    bool has = node_has_list(l, s->root);
    l->n_seen--;
    return has;
}

static bool
source_has_list(const struct normal *n, uint32_t source)
{
    const struct source *s = &n->sources[source];
    if (s->each != NORMAL_NONE && s->each < n->n_sources)
        return true;
    for (uint32_t i = 0; i < s->n_kids; i++)
        if (s->kids[i] < n->n_sources && source_has_list(n, s->kids[i]))
            return true;
    return false;
}

/* ---- who decides -------------------------------------------------------------- */

static bool
is_in(const struct normal *n, uint32_t source, uint32_t top)
{
    for (; source != NORMAL_NONE; source = n->sources[source].parent)
        if (source == top)
            return true;
    return false;
}

/* What decides `own`, and may come after it; NORMAL_NONE: nothing. */
static uint32_t term_waits(const struct normal *n, uint32_t term, uint32_t own);

static uint32_t
source_waits(const struct normal *n, uint32_t source, uint32_t own)
{
    return is_in(n, own, source) || is_in(n, source, own) ? NORMAL_NONE
                                                          : source;
}

/* The same of what an atom asks. */
static uint32_t
atom_waits(const struct normal *n, const struct atom *atom, uint32_t own)
{
    switch (atom->kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return NORMAL_NONE;
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
    case ATOM_OTHERS:
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
    case ATOM_MERGED:
        return source_waits(n, atom->source, own);
    case ATOM_SAME: {
        uint32_t first = term_waits(n, atom->term, own);
        return first != NORMAL_NONE ? first : term_waits(n, atom->other, own);
    }
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
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
        return term_waits(n, atom->term, own);
    }
    return NORMAL_NONE;
}

/* A guard that this walk has seen has nothing to say. */
static uint32_t
walk_guard(const struct normal *n, guard g, uint32_t own, uint32_t walk)
{
    if (g <= GUARD_ALWAYS || n->marks[g] == walk)
        return NORMAL_NONE;
    n->marks[g] = walk;
    const struct guard_node *node = &n->guards[g];
    uint32_t found = atom_waits(n, &n->atoms[node->atom], own);
    if (found == NORMAL_NONE)
        found = walk_guard(n, node->yes, own, walk);
    return found == NORMAL_NONE ? walk_guard(n, node->no, own, walk) : found;
}

static uint32_t
guard_waits(const struct normal *n, guard g, uint32_t own)
{
    return walk_guard(n, g, own, ++*n->n_walks);
}

static uint32_t
term_waits(const struct normal *n, uint32_t term, uint32_t own)
{
    const struct term *t = &n->terms[term];
    uint32_t found = NORMAL_NONE;
    switch (t->kind) {
    case TERM_CONST:
        return NORMAL_NONE;
    case TERM_SOURCE: /* what it is in is open, its own type is known */
    case TERM_KEY:
        return source_waits(n, t->source, own);
    case TERM_ENUM:
    case TERM_FORM:
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
    case TERM_COMMON:
    case TERM_COUNT:
        return term_waits(n, t->of, own);
    case TERM_TREE:
        return t->tree->n_alts == 1 && t->tree->alts[0].kind == ALT_SOURCE
                   ? source_waits(n, t->tree->alts[0].source, own)
                   : NORMAL_NONE;
    case TERM_JOIN:
    case TERM_TEXT:
    case TERM_FIRST:
        for (size_t i = 0; found == NORMAL_NONE && i < t->n_parts; i++)
            if (t->parts[i].term != NORMAL_NONE)
                found = term_waits(n, t->parts[i].term, own);
        return found;
    }
    return NORMAL_NONE;
}

/* ---- one alternative ------------------------------------------------------------ */

static uint32_t
term_source(const struct normal *n, uint32_t term)
{
    for (;;) {
        const struct term *t = &n->terms[term];
        switch (t->kind) {
        case TERM_SOURCE:
        case TERM_KEY:
            return t->source;
        case TERM_ENUM:
        case TERM_FORM:
        case TERM_WRAP:
        case TERM_PICK:
        case TERM_PART:
        case TERM_COMMON:
        case TERM_COUNT:
            term = t->of;
            continue;
        case TERM_TREE:
            return t->tree->n_alts && t->tree->alts[0].kind == ALT_SOURCE
                       ? t->tree->alts[0].source
                       : NORMAL_NONE;
        case TERM_FIRST:
        case TERM_JOIN:
        case TERM_TEXT:
            for (size_t i = 0; i < t->n_parts; i++)
                if (t->parts[i].term != NORMAL_NONE)
                    return term_source(n, t->parts[i].term);
            return NORMAL_NONE;
        case TERM_CONST:
            return NORMAL_NONE;
        }
    }
}

static void
look_at(struct look *l, const struct normal_node *node,
        const struct normal_alt *alt)
{
    const struct normal *n = l->n;
    uint32_t source = NORMAL_NONE;
    if (alt->kind == ALT_TERM)
        source = term_source(n, alt->term);
    else if (alt->kind == ALT_SOURCE || alt->turned)
        source = alt->source;
    if (source == NORMAL_NONE)
        return; /* what is written at the end of its object waits for nothing */
    uint32_t until = guard_waits(n, alt->when, source);
    if (until == NORMAL_NONE && alt->kind == ALT_TERM)
        until = term_waits(n, alt->term, source);
    bool moves = alt->order.step > 0 && !node->is_each;
    if (!moves && until == NORMAL_NONE)
        return;
    bool list = node_has_list(l, node) || source_has_list(n, source);
    enum normal_class class = list ? NORMAL_BUFFERS : NORMAL_DELAYS;
    if (class > l->held.class)
        l->held = (struct normal_held){.class = class,
                                       .source = source,
                                       .until = moves ? NORMAL_NONE : until};
}

static void
look_in(struct look *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++)
        look_at(l, node, &node->alts[i]);
    for (size_t i = 0; i < node->n_kids; i++)
        look_in(l, node->kids[i]);
}

struct normal_held
normal_class_of(const struct normal *n, const struct normal_state *s)
{
    struct look l = {.n = n, .held = {.source = NORMAL_NONE}};
    if (s->stop.why)
        return (struct normal_held){.class = NORMAL_BUFFERS,
                                    .source = s->source};
    look_in(&l, s->root);
    return l.held;
}
/* NOLINTEND(misc-no-recursion) */
