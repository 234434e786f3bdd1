/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uses: where what came goes: which alternatives of which nodes are of a source.
 */
#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

/* ---- who uses what --------------------------------------------------------------- */

static bool
add_use(struct lowering *l, uint32_t source, struct use use)
{
    struct uses *u = &l->spots[source].uses;
    void *grown = COMPOSE_GROW(l->c, u->at, u->n, u->room);
    if (!grown)
        return false;
    u->at = grown;
    u->at[u->n++] = use;
    return true;
}

bool
lower_source_of(struct lowering *l, const struct normal_alt *alt, uint32_t *out)
{
    *out = NORMAL_NONE;
    if (alt->turned)
        return lower_stop(l, "a list as a map");
    if (alt->is_list)
        return lower_stop(l, "a list that is made");
    if (alt->kind == ALT_MADE)
        return alt->order.step > 0 ||
               lower_stop(l, "an object that was made of one that came");
    if (alt->kind == ALT_SOURCE) {
        *out = alt->source;
        return true;
    }
    for (uint32_t term = alt->term;;) {
        const struct term *t = &l->c->terms[term];
        switch (t->kind) {
        case TERM_SOURCE:
            *out = t->source;
            return true;
        case TERM_ENUM:
        case TERM_FORM:
            term = t->of;
            continue;
        case TERM_CONST:
            if (term != alt->term)
                return lower_stop(l, "a constant in a form");
            if (alt->order.step == 0)
                *out = alt->order.slot;
            return alt->order.step > 0 || *out != NORMAL_NONE ||
                   lower_stop(l, "an object of a literal that changed");
        case TERM_WRAP:
            if (term != alt->term || alt->order.step > 0)
                return lower_stop(l, "a value that is wrapped, and moves");
            term = t->of;
            continue;
        case TERM_PICK:
        case TERM_JOIN:
        case TERM_TREE:
        case TERM_FIRST:
        case TERM_PART:
        case TERM_TEXT:
        case TERM_COMMON:
        case TERM_COUNT:
        case TERM_KEY:
            return lower_stop(l, "a value that is made of a whole one");
        }
    }
}

bool
lower_is_above(const struct lowering *l, uint32_t above, uint32_t below)
{
    while (below != NORMAL_NONE && below != above)
        below = l->c->sources[below].parent;
    return below == above;
}

/* Does it come from outside the elements that the node is in? It would be there once. */
static bool
spreads(const struct lowering *l, uint32_t source,
        const struct normal_node *node)
{
    for (; node; node = node->parent)
        if (node->is_each && node->each != NORMAL_NONE &&
            !lower_is_above(l, node->each, source))
            return true;
    return false;
}

/* Is it of an element that a step finds? */
static bool
is_found(const struct lowering *l, uint32_t source)
{
    for (; source != NORMAL_NONE; source = l->c->sources[source].parent)
        if (l->c->sources[source].kind == SOURCE_ELEMENT)
            return true;
    return false;
}

/* Do all members, elements that are known stay as they came? */
static bool
kids_stay(struct lowering *l, const struct normal_node *node,
          const struct normal_alt *alt)
{
    const struct source *s = &l->c->sources[alt->source];
    size_t known = alt->known < s->n_kids ? alt->known : s->n_kids;
    if (node->others)
        return false;
    if (node->n_kids == 0)
        return true;
    if (node->kids[0]->is_each)
        return lower_stays(l, node->kids[0], s->each);
    if (node->kids[0]->element)
        return node->kids[0]->n_alts == 1 &&
               lower_stays(l, node->kids[0], node->kids[0]->alts[0].source);
    for (size_t i = 0; i < known && s->kids[i] < l->n->n_sources; i++) {
        size_t k = 0;
        while (k < node->n_kids && !lower_stays(l, node->kids[k], s->kids[i]))
            k++;
        if (k == node->n_kids)
            return false;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        for (size_t k = 0; k < node->kids[i]->n_alts; k++)
            if (node->kids[i]->alts[k].kind != ALT_SOURCE)
                return false;
    return true;
}

/* Is it what came at this source, whenever that is there, and nothing else? */
bool
lower_stays(struct lowering *l, const struct normal_node *node, uint32_t source)
{
    const struct normal_alt *only = NULL;
    for (size_t i = 0; i < node->n_alts; i++) {
        if (lower_guard(l, node->alts[i].when) == GUARD_NEVER)
            continue;
        if (only)
            return false;
        only = &node->alts[i];
    }
    if (!only || node->state || only->kind != ALT_SOURCE ||
        only->source != source || only->order.step || source == NORMAL_NONE)
        return false;
    const struct source *s = &l->c->sources[source];
    guard when = lower_guard(l, only->when);
    return (s->kind != SOURCE_KEY || span_eq(s->key, node->key)) &&
           guard_implies(&l->c->guards, ask_present(l->c, source), when) &&
           kids_stay(l, node, only);
}

bool
lower_uses(struct lowering *l, const struct normal_node *node)
{
    uint32_t first = NORMAL_NONE;
    if (later_is(l, node))
        return true; /* its sources are noted */
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        if (lower_guard(l, node->alts[i].when) == GUARD_NEVER)
            continue;
        if (!lower_source_of(l, &node->alts[i], &source))
            return later_wait(l, node);
        if (is_found(l, source)) {
            (void)later_wait(l, node);
            return lower_stop(l, "an element that a step finds");
        }
        first = first == NORMAL_NONE ? source : first;
    }
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        guard when = lower_guard(l, node->alts[i].when);
        if (when == GUARD_NEVER)
            continue;
        if (!lower_source_of(l, &node->alts[i], &source))
            return false;
        /* A constant that stands for a value that is there is of that value. */
        if (source == NORMAL_NONE && node->alts[i].kind == ALT_TERM &&
            first != NORMAL_NONE && class_needs(l, when, first))
            source = first;
        if (node->is_each &&
            (node->alts[i].kind == ALT_MADE ||
             (source != NORMAL_NONE && source != node->each))) {
            (void)later_wait(l, node);
            return lower_stop(l, "an element that is made of what is in it");
        }
        if (source == NORMAL_NONE)
            continue;
        if (spreads(l, source, node)) {
            (void)later_wait(l, node);
            return lower_stop(l, "a value goes to every element");
        }
        if (!add_use(l, source, (struct use){node, &node->alts[i]}))
            return false;
    }
    if (node->n_kids && node->kids[0]->element && node->n_alts == 1 &&
        lower_stays(l, node, node->alts[0].source))
        return true;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!lower_uses(l, node->kids[i]))
            return false;
    return !node->others || lower_uses(l, node->others);
}

/* Of what goes: whenever it is there its objects run through their states. */
bool
lower_gone(struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        guard when = lower_guard(l, alt->when);
        if (when == GUARD_NEVER)
            continue;
        guard there = ask_present(l->c, alt->source);
        if (alt->kind != ALT_SOURCE || l->spots[alt->source].uses.n ||
            l->spots[alt->source].gone || when != there)
            return lower_stop(l, "an object of a type sometimes goes");
        l->spots[alt->source].gone = node;
    }
    l->in_gone = true;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!lower_uses(l, node->kids[i]))
            return false;
    l->in_gone = false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
