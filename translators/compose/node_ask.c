/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_ask: what is asked of a node: whether something is there, what it is, and
 * whether it is the same as what stands at another.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): what is there is known by its keys, which are nodes */

/* ---- questions ---- */

guard
node_present(struct compose *c, const struct normal_node *n)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < n->n_alts; i++)
        is = either(c, is, n->alts[i].when);
    return is;
}

static guard
alt_types(struct compose *c, const struct normal_alt *alt, unsigned types)
{
    if (alt->kind == ALT_MADE)
        return types & (alt->is_list ? LENS_LIST : LENS_OBJECT) ? GUARD_ALWAYS
                                                                : GUARD_NEVER;
    uint32_t term =
        alt->kind == ALT_TERM ? alt->term : term_of_source(c, alt->source);
    return ask_types(c, term, types);
}

guard
node_types(struct compose *c, struct normal_node *n, unsigned types)
{
    guard is = GUARD_NEVER;
    guard there = GUARD_NEVER;
    for (size_t i = 0; i < n->n_alts; i++) {
        guard when = n->alts[i].when;
        is = either(c, is, both(c, when, alt_types(c, &n->alts[i], types)));
        there = either(c, there, when);
    }
    if (types & LENS_ABSENT)
        is = either(c, is, guard_not(&c->guards, there));
    return is;
}

uint32_t
node_scalar(struct compose *c, const struct normal_alt *alt)
{
    if (alt->kind == ALT_SOURCE)
        return term_of_source(c, alt->source);
    return alt->kind == ALT_TERM ? alt->term : NORMAL_NONE;
}

guard
node_equals(struct compose *c, struct normal_node *n, const struct json *value)
{
    guard is = GUARD_NEVER;
    size_t n_alts = n->n_alts;
    bool whole = json_is_container(value);
    if (whole && node_has_states(n)) {
        compose_stop(c, NULL, "an object of a type is compared as a whole");
        return GUARD_NEVER;
    }
    for (size_t i = 0; i < n_alts; i++) {
        uint32_t term =
            whole ? node_term(c, n, &n->alts[i]) : node_scalar(c, &n->alts[i]);
        if (term == NORMAL_NONE)
            continue;
        is =
            either(c, is, both(c, n->alts[i].when, ask_equals(c, term, value)));
    }
    return is;
}

bool
node_has_keys(const struct normal_node *n)
{
    return n->n_kids > 0 && !n->kids[0]->is_each && !n->kids[0]->element;
}

/* What stands elsewhere too may have been looked into there: all keys of what came that
 * are known are known here. */
bool
node_know(struct compose *c, struct normal_node *n)
{
    for (size_t i = 0; node_has_keys(n) && i < n->n_alts; i++) {
        const struct normal_alt alt = n->alts[i];
        if (alt.kind != ALT_SOURCE)
            continue;
        for (uint32_t k = 0; k < c->sources[alt.source].n_kids; k++) {
            uint32_t source = c->sources[alt.source].kids[k];
            if (!node_kid(c, n, c->sources[source].key))
                return false;
        }
    }
    return true;
}

/* Has it members besides those `known`, and do they stay? */
static guard
others_stand(struct compose *c, const struct normal_node *n, uint32_t source,
             size_t known)
{
    if (!n->others)
        return ask(c, (struct atom){
                          .kind = ATOM_OTHERS, .source = source, .n = known});
    return others_some(c, n->others->each, node_present(c, n->others));
}

guard
node_void(struct compose *c, struct normal_node *n)
{
    return node_void_but(c, n, NULL);
}

guard
node_void_but(struct compose *c, struct normal_node *n,
              const struct normal_node *kid)
{
    guard is = GUARD_NEVER;
    if (!node_know(c, n))
        return GUARD_NEVER;
    for (size_t i = 0; i < n->n_alts; i++) {
        guard here = n->alts[i].when;
        uint32_t source = n->alts[i].source;
        if (n->alts[i].kind == ALT_TERM)
            continue; /* what is void came so, or is no container */
        if (n->alts[i].turned && n->alts[i].source != NORMAL_NONE) {
            here = both(c, here, index_alone(c, n));
        } else if (n->alts[i].kind == ALT_SOURCE && n->n_kids &&
                   n->kids[0]->element) {
            here = both(c, here, element_alone(c, &n->alts[i], n->kids[0]));
        } else if (n->alts[i].kind == ALT_SOURCE) {
            size_t known = node_has_keys(n) ? c->sources[source].n_kids : 0;
            here = without(c, here, others_stand(c, n, source, known));
        }
        is = either(c, is, here);
    }
    bool turned = node_is_turned(n);
    for (size_t i = 0; i < n->n_kids; i++)
        if (n->kids[i] != kid && !(turned && n->kids[i]->is_each))
            is = without(c, is, node_present(c, n->kids[i]));
    return is;
}

static bool
may_be_text(const struct compose *c, uint32_t term)
{
    const struct term *t = &c->terms[term];
    return t->kind != TERM_CONST || t->value->kind == JSON_TEXT;
}

/* Two texts are compared: neither may hold a lone surrogate. */
static bool
refuse_unclean(struct compose *c, uint32_t a, uint32_t b, guard when,
               uint32_t scope)
{
    guard texts =
        both(c, ask_types(c, a, LENS_STRING), ask_types(c, b, LENS_STRING));
    guard unclean = either(c, ask_unclean(c, a), ask_unclean(c, b));
    return say_check(c, both(c, both(c, when, texts), unclean), scope, NULL,
                     "a text holds a lone surrogate");
}

bool
nodes_same(struct compose *c, const struct normal_node *x,
           const struct normal_node *y, guard when, uint32_t scope, guard *out)
{
    *out = GUARD_NEVER;
    for (size_t i = 0; i < x->n_alts; i++)
        for (size_t k = 0; k < y->n_alts; k++) {
            guard meet =
                both(c, both(c, x->alts[i].when, y->alts[k].when), when);
            if (meet == GUARD_NEVER)
                continue;
            uint32_t a = node_term(c, x, &x->alts[i]);
            uint32_t b = node_term(c, y, &y->alts[k]);
            if (a == NORMAL_NONE || b == NORMAL_NONE)
                return false;
            if (may_be_text(c, a) && may_be_text(c, b) &&
                !refuse_unclean(c, a, b, meet, scope))
                return false;
            *out = either(c, *out, both(c, meet, ask_same(c, a, b)));
        }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
