/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node: what stands at a place of a document that is not there.
 *
 * Always true: whenever an alternative of a kid holds, one of its parent holds
 * that is an object (for `*`, a container); and for each known key every
 * alternative of the parent has been asked what it has there.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

struct normal_node *
node_new(struct compose *c, struct normal_node *parent, span key)
{
    struct normal_node *n = arena_alloc(c->a, sizeof(*n));
    if (!n) {
        compose_full(c);
        return NULL;
    }
    *n = (struct normal_node){.key = key,
                              .parent = parent,
                              .each = NORMAL_NONE,
                              .keyed = NORMAL_NONE};
    return n;
}

bool
node_push_kid(struct compose *c, struct normal_node *n, struct normal_node *kid)
{
    void *grown = compose_grow(c, n->kids, n->n_kids, &n->room_kids,
                               sizeof(struct normal_node *));
    if (!grown)
        return false;
    n->kids = grown;
    n->kids[n->n_kids++] = kid;
    return true;
}

bool
node_push(struct compose *c, struct normal_node *n, struct normal_alt alt)
{
    if (alt.when == GUARD_NEVER)
        return true;
    void *grown = COMPOSE_GROW(c, n->alts, n->n_alts, n->room_alts);
    if (!grown)
        return false;
    n->alts = grown;
    n->alts[n->n_alts++] = alt;
    return true;
}

/* ---- what an alternative has below it ------------------------------------------ */

static bool
is_object_form(enum lens_form_kind kind)
{
    return kind == LENS_AS_JSON || kind == LENS_AS_KEYS;
}

/* Can the value of a term hold members that are not its node's kids? */
static bool
may_hold(const struct compose *c, uint32_t term)
{
    const struct term *t = &c->terms[term];
    switch (t->kind) {
    case TERM_CONST:
        return json_is_container(t->value) && t->value->n;
    case TERM_ENUM: /* containers pass in an alternative of their own */
    case TERM_JOIN:
    case TERM_PART:
    case TERM_TEXT:
    case TERM_COUNT:
    case TERM_KEY:
        return false;
    case TERM_FORM:
        return is_object_form(t->to->kind);
    case TERM_SOURCE:
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_TREE:
    case TERM_FIRST:
    case TERM_COMMON:
        break;
    }
    return true;
}

/* A literal object becomes one that is made of its members. */
static bool
open_constant(struct compose *c, struct normal_node *n, size_t at)
{
    const struct json *value = c->terms[n->alts[at].term].value;
    guard when = n->alts[at].when;
    n->alts[at].kind = ALT_MADE;
    for (size_t i = 0; i < value->n; i++) {
        struct normal_node *kid = node_kid(c, n, value->members[i].key);
        struct normal_alt alt = {
            .when = when,
            .kind = ALT_TERM,
            .term = term_const(c, value->members[i].value),
            .order = {.step = 0, .slot = NORMAL_NONE, .nth = (uint32_t)i}};
        if (!kid || !node_add(c, kid, alt))
            return false;
    }
    return true;
}

/* What alternative `at` of `n` has under a key goes to that kid. */
static bool
bring_down(struct compose *c, struct normal_node *n, size_t at,
           struct normal_node *kid)
{
    struct normal_alt alt = n->alts[at];
    if (alt.kind == ALT_MADE)
        return true;
    if (alt.kind == ALT_TERM) {
        if (!may_hold(c, alt.term))
            return true;
        const struct term *t = &c->terms[alt.term];
        bool is_key = !kid->is_each && !kid->element;
        if (t->kind == TERM_CONST && t->value->kind == JSON_OBJECT && is_key)
            return open_constant(c, n, at);
        if (t->kind == TERM_CONST &&
            t->value->kind == (is_key ? JSON_LIST : JSON_OBJECT) &&
            !kid->is_each)
            return true;
        return compose_stop(c, NULL,
                            "a later change looks into a value that an "
                            "earlier one made");
    }
    if (kid->element) {
        uint32_t element = source_element(c, alt.source, kid->element);
        guard there = both(c, alt.when, ask_present(c, element));
        return node_add(c, kid,
                        (struct normal_alt){.when = there,
                                            .kind = ALT_SOURCE,
                                            .source = element,
                                            .known = NORMAL_NONE,
                                            .order = {.slot = element}});
    }
    if (kid->is_each) {
        uint32_t each = source_each(c, alt.source);
        if (c->sources[each].of_object)
            return compose_stop(c, NULL,
                                "a place names both every member and one of "
                                "them");
        if (kid->each != NORMAL_NONE && kid->each != each)
            return compose_stop(c, NULL,
                                "elements of two lists stand at one place");
        kid->each = each;
        return node_add(
            c, kid,
            (struct normal_alt){.when = both(c, alt.when, ask_present(c, each)),
                                .kind = ALT_SOURCE,
                                .source = each,
                                .known = NORMAL_NONE,
                                .order = {.slot = each}});
    }
    if (n->others)
        return others_member(c, n, at, kid);
    uint32_t source = source_kid(c, alt.source, kid->key);
    return node_add(
        c, kid,
        (struct normal_alt){.when = both(c, alt.when, ask_present(c, source)),
                            .kind = ALT_SOURCE,
                            .source = source,
                            .known = NORMAL_NONE,
                            .order = {.slot = source}});
}

bool
node_add(struct compose *c, struct normal_node *n, struct normal_alt alt)
{
    size_t at = n->n_alts;
    if (alt.when == GUARD_NEVER)
        return true;
    if (!node_push(c, n, alt))
        return false;
    size_t n_kids = n->n_kids;
    for (size_t i = 0; i < n_kids; i++)
        if (n->alts[at].kind != ALT_MADE && !bring_down(c, n, at, n->kids[i]))
            return false;
    return true;
}

bool
node_add_kid(struct compose *c, struct normal_node *n, struct normal_node *kid)
{
    if (!node_push_kid(c, n, kid))
        return false;
    size_t n_alts = n->n_alts;
    for (size_t i = 0; i < n_alts; i++)
        if (!bring_down(c, n, i, kid))
            return false;
    return true;
}

/* What a state does is not looked into. */
static bool
is_open(struct compose *c, const struct normal_node *n)
{
    return !n->state ||
           compose_stop(c, NULL,
                        "an arrow leads into an object of a type that "
                        "holds itself");
}

static bool
is_member(const struct normal_node *kid, span key)
{
    return !kid->is_each && !kid->element && key_eq(kid->key, key);
}

struct normal_node *
node_kid(struct compose *c, struct normal_node *n, span key)
{
    if (!is_open(c, n))
        return NULL;
    bool turned = node_is_turned(n);
    struct key_cell *cell = key_cell(c, (uintptr_t)n, key);
    if (!turned && key_is_at(cell, (uintptr_t)n, key) &&
        cell->nth < n->n_kids && is_member(n->kids[cell->nth], key))
        return n->kids[cell->nth];
    for (size_t i = 0; i < n->n_kids; i++) {
        bool every = n->kids[i]->is_each || n->kids[i]->element;
        if (every && !turned) {
            compose_stop(c, NULL,
                         "a place names both every member and one of them");
            return NULL;
        }
        if (is_member(n->kids[i], key) && !node_is_turned_list(n)) {
            *cell = (struct key_cell){(uintptr_t)n, key, i};
            return n->kids[i];
        }
    }
    if (turned)
        return index_member(c, n, key);
    struct normal_node *kid = node_new(c, n, key);
    return kid && node_add_kid(c, n, kid) ? kid : NULL;
}

struct normal_node *
node_each(struct compose *c, struct normal_node *n)
{
    if (!is_open(c, n))
        return NULL;
    bool came = n->others != NULL;
    if (came) {
        compose_stop(c, NULL,
                     "a place names both every member and one of them");
        return NULL;
    }
    for (size_t i = 0; i < n->n_alts; i++)
        came = came || n->alts[i].kind == ALT_SOURCE;
    for (size_t i = 1; node_is_turned(n) && i < n->n_kids; i++)
        if (n->kids[i]->n_alts) {
            compose_stop(c, NULL,
                         "a place names both every member and one of them");
            return NULL;
        }
    for (size_t i = 0; i < n->n_kids; i++) {
        if (n->kids[i]->is_each)
            return n->kids[i];
        if (came || n->kids[i]->n_alts || n->kids[i]->element) {
            compose_stop(c, NULL,
                         "a place names both every member and one of them");
            return NULL;
        }
    }
    struct normal_node *kid = node_new(c, n, (span){0});
    if (!kid)
        return NULL;
    kid->is_each = true;
    n->n_kids = 0; /* keys without anything */
    return node_add_kid(c, n, kid) ? kid : NULL;
}

bool
node_has_states(const struct normal_node *n)
{
    if (n->state && n->n_alts)
        return true;
    for (size_t i = 0; i < n->n_kids; i++)
        if (node_has_states(n->kids[i]))
            return true;
    return false;
}

/* ---- copies ---- */

static struct normal_state *
freeze_state(struct compose *c, struct normal_state *s)
{
    if (s->frozen && s->frozen_at == s->n_steps)
        return s->frozen;
    if (s->busy && !s->stop.why) {
        compose_stop(c, NULL, "an object is compared with one of its own type");
        return NULL;
    }
    struct normal_state *f = arena_alloc(c->a, sizeof(*f));
    if (!f) {
        compose_full(c);
        return NULL;
    }
    *f = *s;
    f->frozen = f;
    f->frozen_at = f->n_steps;
    s->frozen = f;
    s->frozen_at = s->n_steps;
    for (; !s->stop.why && s->n_frozen < s->n_gone; s->n_frozen++) {
        struct normal_node *gone = node_freeze(c, s->gone[s->n_frozen].node);
        if (!gone)
            break;
        s->gone[s->n_frozen].node = gone;
    }
    /* What it has said is only added to, behind its end. */
    f->room_checks = f->n_checks;
    f->room_notices = f->n_notices;
    f->room_gone = f->n_gone;
    f->n_frozen = f->n_gone;
    if (s->stop.why)
        return f;
    struct normal_state *outer = c->state;
    c->state = s;
    f->root = node_freeze(c, s->root);
    c->state = outer;
    f->stop = s->stop;
    return f->root || s->stop.why ? f : NULL;
}

/* Mostly they stand in the order in which they are asked for: *next is where the last was. */
static bool
has_kid(const struct normal_node *n, span key, size_t *next)
{
    for (size_t i = 0; i < n->n_kids; i++) {
        size_t at = (*next + i) % n->n_kids;
        if (key_eq(n->kids[at]->key, key)) {
            *next = at + 1;
            return true;
        }
    }
    return false;
}

/* As node_know; but what is frozen is looked into no more, and stops at nothing. */
static bool
freeze_keys(struct compose *c, struct normal_node *n)
{
    for (size_t i = 0; node_has_keys(n) && i < n->n_alts; i++) {
        const struct normal_alt alt = n->alts[i];
        size_t next = 0;
        for (uint32_t k = 0; alt.kind == ALT_SOURCE && k < alt.known; k++) {
            uint32_t source = c->sources[alt.source].kids[k];
            if (has_kid(n, c->sources[source].key, &next))
                continue;
            struct normal_node *kid = node_new(c, n, c->sources[source].key);
            if (!kid || !node_push_kid(c, n, kid) || !bring_down(c, n, i, kid))
                return false;
            for (size_t at = 0; at < kid->n_alts; at++)
                kid->alts[at].known = c->sources[kid->alts[at].source].n_kids;
        }
    }
    return true;
}

static struct normal_node *
copy(struct compose *c, const struct normal_node *n, bool freeze)
{
    struct normal_node *out = node_new(c, NULL, n->key);
    if (!out)
        return NULL;
    out->is_each = n->is_each;
    out->each = n->each;
    out->element = n->element;
    out->keyed = n->keyed;
    out->met = n->met;
    out->stood = n->stood;
    out->state = n->state;
    out->n_steps = n->n_steps;
    if (freeze && n->state) {
        if (!n->state->stop.why && n->n_steps != n->state->n_steps) {
            compose_stop(c, NULL,
                         "one value is of two types at once along the chain");
            return NULL;
        }
        out->state = freeze_state(c, n->state);
        if (!out->state)
            return NULL;
    }
    for (size_t i = 0; i < n->n_alts; i++) {
        struct normal_alt alt = n->alts[i];
        if (freeze && alt.kind == ALT_SOURCE && alt.known == NORMAL_NONE)
            alt.known = c->sources[alt.source].n_kids;
        if (!node_push(c, out, alt))
            return NULL;
    }
    for (size_t i = 0; i < n->n_kids; i++) {
        struct normal_node *kid = copy(c, n->kids[i], freeze);
        if (!kid || !node_push_kid(c, out, kid))
            return NULL;
        kid->parent = out;
    }
    if (n->others) {
        out->others = copy(c, n->others, freeze);
        if (!out->others)
            return NULL;
        out->others->parent = out;
    }
    return !freeze || freeze_keys(c, out) ? out : NULL;
}

struct normal_node *
node_copy(struct compose *c, const struct normal_node *n)
{
    return copy(c, n, false);
}

struct normal_node *
node_freeze(struct compose *c, const struct normal_node *n)
{
    return copy(c, n, true);
}

uint32_t
node_term(struct compose *c, const struct normal_node *n,
          const struct normal_alt *alt)
{
    bool plain = n->state == NULL && n->n_kids == 0 && !n->others;
    if (alt->kind == ALT_TERM && plain)
        return alt->term;
    if (alt->kind == ALT_SOURCE && plain)
        return term_of_source(c, alt->source);
    struct normal_node one = *n;
    struct normal_alt only = *alt;
    one.alts = &only;
    one.n_alts = 1;
    struct normal_node *tree = node_freeze(c, &one);
    return tree ? term_make(c, (struct term){.kind = TERM_TREE, .tree = tree})
                : NORMAL_NONE;
}

void
node_limit(struct compose *c, struct normal_node *n, guard when)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->n_alts; i++) {
        n->alts[i].when = both(c, n->alts[i].when, when);
        if (n->alts[i].when != GUARD_NEVER)
            n->alts[kept++] = n->alts[i];
    }
    n->n_alts = kept;
    for (size_t i = 0; i < n->n_kids; i++)
        node_limit(c, n->kids[i], when);
    if (n->others)
        node_limit(c, n->others, when);
}

bool
node_cut(struct compose *c, struct normal_node *n)
{
    struct normal_node *parent = n->parent;
    struct normal_node *hole = node_new(c, parent, n->key);
    if (!hole)
        return false;
    hole->is_each = n->is_each;
    hole->each = n->each;
    hole->element = n->element;
    hole->keyed = n->keyed;
    hole->met = n->met;
    hole->stood = n->stood;
    if (parent->others == n)
        parent->others = hole;
    for (size_t i = 0; i < parent->n_kids; i++)
        if (parent->kids[i] == n)
            parent->kids[i] = hole;
    n->parent = NULL;
    return true;
}

bool
node_gone(struct compose *c, struct normal_node *n, uint32_t scope)
{
    struct normal_state *s = c->state;
    if (!node_has_states(n))
        return true;
    struct normal_node *frozen = node_copy(c, n); /* when the step is done */
    void *grown = COMPOSE_GROW(c, s->gone, s->n_gone, s->room_gone);
    if (!frozen || !grown)
        return false;
    s->gone = grown;
    s->gone[s->n_gone++] = (struct normal_gone){frozen, scope};
    return true;
}
/* NOLINTEND(misc-no-recursion) */
