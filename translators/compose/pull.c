/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/pull.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long and guards ask atoms */

/* ---- sources ----------------------------------------------------------------------- */

/* The kid for the source; *other: the step went into the same object or list in another
 * way. */
static struct normal_node *
known_kid(const struct normal_node *n, const struct source *s, bool *other)
{
    struct normal_node *found = NULL;
    for (size_t i = 0; i < n->n_kids; i++) {
        struct normal_node *kid = n->kids[i];
        if (kid->element || s->kind == SOURCE_ELEMENT ||
            kid->is_each != (s->kind == SOURCE_EACH))
            *other = true;
        else if (kid->is_each || span_eq(kid->key, s->key))
            found = kid;
    }
    return found;
}

/* What was never looked at, in what moved. */
static struct normal_node *
new_kid(struct pull *k, struct normal_node *n, const struct source *s)
{
    struct normal_node *kid = s->kind == SOURCE_EACH ? node_each(k->c, n)
                              : s->kind == SOURCE_KEY
                                  ? node_kid(k->c, n, s->key)
                                  : NULL;
    if (!kid)
        (void)pull_fails(k);
    return kid;
}

/* Is at the node what came at the source, and that alone, whenever it came? */
static bool
is_as_it_came(struct compose *c, const struct normal_node *n, uint32_t source)
{
    const struct normal_alt *alt = n->alts;
    return n->n_alts == 1 && alt->kind == ALT_SOURCE && alt->source == source &&
           !alt->turned && alt->order.step == 0 && alt->order.slot == source &&
           alt->when == ask_present(c, source) &&
           (!n->is_each || n->each == source);
}

/* The root of what the step did to an object whose ROOT this is; NULL: nothing. */
static struct normal_node *
root_of(const struct compose *c, uint32_t source)
{
    for (size_t type = 0; type < c->api->n_types; type++)
        if (c->own[type] == source && c->fresh[type])
            return c->fresh[type]->root;
    return NULL;
}

static struct pulled_spot
find_spot(struct pull *k, uint32_t source)
{
    struct compose *c = k->c;
    struct source s = c->sources[source];
    if (s.kind == SOURCE_ROOT)
        return (struct pulled_spot){.node = root_of(c, source)};
    bool moved = false;
    struct normal_node *host = pull_spot(k, s.parent, &moved);
    if (!host || k->fails)
        return (struct pulled_spot){0};
    bool other = false;
    struct normal_node *n = known_kid(host, &s, &other);
    if (other)
        (void)pull_fails(k);
    if (k->fails || (!n && !moved))
        return (struct pulled_spot){0};
    if (!n)
        n = new_kid(k, host, &s);
    return (struct pulled_spot){
        .moved = moved || (n && !is_as_it_came(c, n, source)), .node = n};
}

struct normal_node *
pull_spot(struct pull *k, uint32_t source, bool *moved)
{
    if (source >=
        k->n_spots) { /* known since the pull began: before the step alone */
        *moved = false;
        return NULL;
    }
    if (!k->spots[source].known) {
        struct pulled_spot found = find_spot(k, source);
        found.known = !k->fails;
        k->spots[source] = found;
    }
    *moved = k->spots[source].moved;
    return k->spots[source].node;
}

/* The one thing that stands at a node, which came as it is; NORMAL_NONE: it is not so. */
static uint32_t
only_source(const struct normal_node *n)
{
    return n->n_alts == 1 && n->alts->kind == ALT_SOURCE && !n->alts->turned
               ? n->alts->source
               : NORMAL_NONE;
}

uint32_t
pull_source(struct pull *k, uint32_t source)
{
    bool moved = false;
    const struct normal_node *n = pull_spot(k, source, &moved);
    if (!moved || !n)
        return source;
    return only_source(n);
}

/* Did the step go into the value? Then it is not the same as a whole. */
static bool
is_entered(const struct normal_node *n)
{
    return n && (n->n_kids || n->state);
}

/* ---- terms --------------------------------------------------------------------------- */

uint32_t
pull_bottom(const struct compose *c, uint32_t term)
{
    for (;;) {
        const struct term *t = &c->terms[term];
        switch (t->kind) {
        case TERM_SOURCE:
            return t->source;
        case TERM_ENUM:
        case TERM_FORM:
        case TERM_WRAP:
        case TERM_PICK:
        case TERM_PART:
            term = t->of;
            continue;
        case TERM_CONST:
        case TERM_JOIN:
        case TERM_TREE:
        case TERM_FIRST:
        case TERM_TEXT:
        case TERM_COMMON:
        case TERM_KEY:
            return NORMAL_NONE;
        }
    }
}

static bool
is_json(enum lens_form_kind kind)
{
    return kind == LENS_AS_JSON || kind == LENS_AS_JSON_TEXT ||
           kind == LENS_AS_KEYS;
}

/* Is a term made of an object or a list as a whole, if its source is one? */
static bool
is_of_whole(const struct compose *c, uint32_t term)
{
    bool whole = c->terms[term].kind == TERM_SOURCE;
    for (;; term = c->terms[term].of) {
        const struct term *t = &c->terms[term];
        whole = whole || t->kind == TERM_WRAP || t->kind == TERM_PICK ||
                (t->kind == TERM_FORM &&
                 (is_json(t->from->kind) || is_json(t->to->kind)));
        if (t->kind == TERM_SOURCE)
            return whole;
    }
}

bool
pull_is_torn(struct pull *k, uint32_t term, uint32_t source)
{
    bool moved = false;
    return is_of_whole(k->c, term) && is_entered(pull_spot(k, source, &moved));
}

static bool guard_is_moved(struct pull *k, guard g);

static bool
tree_is_moved(struct pull *k, const struct normal_node *n)
{
    for (size_t i = 0; i < n->n_alts; i++) {
        const struct normal_alt *alt = &n->alts[i];
        bool moved = false;
        if (alt->kind == ALT_TERM)
            moved = pull_is_moved(k, alt->term);
        else if (alt->kind == ALT_SOURCE)
            (void)pull_spot(k, alt->source, &moved);
        if (moved || guard_is_moved(k, alt->when))
            return true;
    }
    for (size_t i = 0; i < n->n_kids; i++)
        if (tree_is_moved(k, n->kids[i]))
            return true;
    return false;
}

bool
pull_is_moved(struct pull *k, uint32_t term)
{
    struct term t = k->c->terms[term];
    bool moved = false;
    switch (t.kind) {
    case TERM_CONST:
        return false;
    case TERM_SOURCE:
        return is_entered(pull_spot(k, t.source, &moved)) || moved;
    case TERM_ENUM:
    case TERM_FORM:
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
        return pull_is_moved(k, t.of);
    case TERM_TREE:
        return tree_is_moved(k, t.tree);
    case TERM_KEY:
    case TERM_COMMON:
        (void)pull_spot(k, t.source, &moved);
        return moved || (t.kind == TERM_COMMON && pull_is_moved(k, t.of));
    case TERM_JOIN:
    case TERM_FIRST:
    case TERM_TEXT:
        for (size_t i = 0; i < t.n_parts; i++)
            if (guard_is_moved(k, t.parts[i].when) ||
                (t.parts[i].term != NORMAL_NONE &&
                 pull_is_moved(k, t.parts[i].term)))
                return true;
        return false;
    }
    return true;
}

/* Whoever lowers an image knows its symbols by their having been asked for. */
static uint32_t
asked_image(struct compose *c, const struct lens_symbols *symbols, uint32_t of)
{
    uint32_t image = term_image(c, symbols, of);
    struct term t = c->terms[image];
    for (size_t i = 0; t.kind == TERM_ENUM && i < t.symbols->n_rows; i++)
        (void)ask_equals(c, t.of, t.symbols->rows[i].from);
    return image;
}

uint32_t
pull_term(struct pull *k, uint32_t term, const struct normal_alt *alt)
{
    struct compose *c = k->c;
    struct term t = c->terms[term];
    uint32_t of = NORMAL_NONE;
    if (t.kind == TERM_SOURCE) {
        of = node_scalar(c, alt);
    } else if (t.kind == TERM_ENUM) {
        of = pull_term(k, t.of, alt);
        if (of != NORMAL_NONE)
            return asked_image(c, t.symbols, of);
    } else if (alt->kind == ALT_SOURCE) {
        of = pull_term(k, t.of, alt);
        if (of != NORMAL_NONE) {
            t.of = of;
            return term_make(c, t);
        }
    }
    if (of == NORMAL_NONE)
        (void)pull_fails(k);
    return of;
}

/* ---- atoms ------------------------------------------------------------------------------ */

static unsigned
type_of_atom(enum atom_kind kind)
{
    switch (kind) {
    case ATOM_NULL:
        return LENS_NULL;
    case ATOM_OBJECT:
        return LENS_OBJECT;
    case ATOM_LIST:
        return LENS_LIST;
    case ATOM_STRING:
        return LENS_STRING;
    case ATOM_NUMBER:
        return LENS_NUMBER;
    case ATOM_INTEGER:
        return LENS_INTEGER;
    default:
        return 0;
    }
}

/* Of a term of which one thing alone stands at the bottom: said of that. */
static guard
atom_of_one(struct pull *k, struct atom a, const struct normal_alt *alt)
{
    struct compose *c = k->c;
    a.term = pull_term(k, a.term, alt);
    if (k->fails)
        return GUARD_NEVER;
    return a.kind == ATOM_EQUALS ? ask_equals(c, a.term, a.value) : ask(c, a);
}

/* Of a value that has become one of several. */
static guard
atom_of_node(struct pull *k, const struct atom *a, struct normal_node *n)
{
    static const struct json yes = {
        .kind = JSON_BOOL, .truth = true, .touched = true};
    struct compose *c = k->c;
    unsigned type = type_of_atom(a->kind);
    guard is = GUARD_NEVER;
    if (c->terms[a->term].kind != TERM_SOURCE)
        return pull_fails(k);
    if (type)
        return node_types(c, n, type);
    if (a->kind == ATOM_TRUE)
        return node_equals(c, n, &yes);
    if (a->kind == ATOM_EQUALS && !json_is_container(a->value))
        return node_equals(c, n, a->value);
    if (a->kind != ATOM_UNCLEAN)
        return pull_fails(k);
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t term = node_scalar(c, &n->alts[i]);
        if (term != NORMAL_NONE)
            is = either(c, is, both(c, n->alts[i].when, ask_unclean(c, term)));
    }
    return is;
}

/* Do all elements of the list stay, as elements? */
static bool
keeps_elements(struct compose *c, const struct normal_node *list)
{
    for (size_t i = 0; i < list->n_kids; i++) {
        const struct normal_node *kid = list->kids[i];
        if (kid->element ||
            (kid->is_each &&
             (kid->each == NORMAL_NONE || !is_as_it_came(c, kid, kid->each) ||
              (kid->state && kid->state->may_vanish))))
            return false;
    }
    return true;
}

/* Is the answer another where something inside of the value is? */
static bool
asks_inside(struct compose *c, const struct atom *a,
            const struct normal_node *n)
{
    switch (a->kind) {
    case ATOM_EQUALS:
        if (json_is_container(a->value))
            return true;
        break;
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        return !keeps_elements(c, n);
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
        return is_of_whole(c, a->term);
    default:
        break;
    }
    return c->terms[a->term].kind != TERM_SOURCE && is_of_whole(c, a->term);
}

static guard
atom_of_term(struct pull *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    uint32_t bottom = pull_bottom(c, a.term);
    bool moved = false;
    if (bottom == NORMAL_NONE) {
        if (pull_is_moved(k, a.term))
            return pull_fails(k);
        return guard_of(&c->guards, at);
    }
    struct normal_node *n = pull_spot(k, bottom, &moved);
    if (is_entered(n) && asks_inside(c, &a, n))
        return pull_fails(k);
    if (!moved || !n)
        return guard_of(&c->guards, at);
    if (n->n_alts == 0)
        return GUARD_NEVER; /* nothing is there, and nothing of it is asked */
    if (only_source(n) != NORMAL_NONE)
        return both(c, n->alts->when, atom_of_one(k, a, n->alts));
    return atom_of_node(k, &a, n);
}

/* Members besides the first `n` of the source: those that nobody knew, and what the step
 * brought. */
static guard
others(struct pull *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    bool moved = false;
    struct normal_node *n = pull_spot(k, a.source, &moved);
    if (!n || (!moved && n->n_kids == 0))
        return guard_of(&c->guards, at);
    guard is = GUARD_NEVER;
    if (!node_know(c, n) ||
        (n->n_kids && (n->kids[0]->is_each || n->kids[0]->element)))
        return pull_fails(k);
    for (size_t i = 0; i < n->n_alts; i++) {
        const struct normal_alt alt = n->alts[i];
        if (alt.kind == ALT_TERM || alt.turned)
            return pull_fails(k);
        if (alt.kind != ALT_SOURCE)
            continue;
        guard unknown =
            ask(c, (struct atom){.kind = ATOM_OTHERS,
                                 .source = alt.source,
                                 .n = c->sources[alt.source].n_kids});
        is = either(c, is, both(c, alt.when, unknown));
    }
    for (size_t i = 0; i < n->n_kids; i++) {
        bool known = false;
        for (size_t s = 0; !known && s < a.n; s++)
            known = span_eq(c->sources[c->sources[a.source].kids[s]].key,
                            n->kids[i]->key);
        if (!known)
            is = either(c, is, node_present(c, n->kids[i]));
    }
    return is;
}

/* A doubled key, of whichever it came from. */
static guard
doubled(struct pull *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    bool moved = false;
    const struct normal_node *n = pull_spot(k, a.source, &moved);
    guard is = GUARD_NEVER;
    if (!moved || !n)
        return guard_of(&c->guards, at);
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t source = n->alts[i].kind == ALT_SOURCE ? n->alts[i].source
                          : n->alts[i].kind == ALT_TERM
                              ? pull_bottom(c, n->alts[i].term)
                              : NORMAL_NONE;
        if (source == NORMAL_NONE)
            continue;
        guard twice = ask(c, (struct atom){.kind = a.kind, .source = source});
        is = either(c, is, both(c, n->alts[i].when, twice));
    }
    return is;
}

/* What a term may have become: one of these. */
struct may_be {
    const struct normal_alt *at; /* NULL: what it was */
    size_t n;
};

static bool
find_may_be(struct pull *k, uint32_t term, struct may_be *out)
{
    struct compose *c = k->c;
    uint32_t bottom = pull_bottom(c, term);
    bool moved = false;
    *out = (struct may_be){.n = 1};
    if (bottom == NORMAL_NONE)
        return !pull_is_moved(k, term) || pull_fails(k);
    const struct normal_node *n = pull_spot(k, bottom, &moved);
    if (is_entered(n))
        return pull_fails(k);
    if (!moved || !n)
        return !k->fails;
    out->at = n->alts;
    out->n = n->n_alts;
    return true;
}

/* Two terms are equal, whichever they are. */
static guard
same(struct pull *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    struct may_be x, y;
    guard is = GUARD_NEVER;
    if (!find_may_be(k, a.term, &x) || !find_may_be(k, a.other, &y))
        return GUARD_NEVER;
    for (size_t i = 0; i < x.n; i++)
        for (size_t j = 0; j < y.n; j++) {
            guard when = both(c, x.at ? x.at[i].when : GUARD_ALWAYS,
                              y.at ? y.at[j].when : GUARD_ALWAYS);
            if (when == GUARD_NEVER)
                continue;
            uint32_t one = x.at ? pull_term(k, a.term, &x.at[i]) : a.term;
            uint32_t two = y.at ? pull_term(k, a.other, &y.at[j]) : a.other;
            if (k->fails)
                return GUARD_NEVER;
            is = either(c, is, both(c, when, ask_same(c, one, two)));
        }
    return is;
}

static guard
pull_atom(struct pull *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    bool moved = false;
    struct normal_node *n = NULL;
    switch (a.kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        break;
    case ATOM_PRESENT:
        n = pull_spot(k, a.source, &moved);
        if (moved && n)
            return node_present(c, n);
        break;
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
        return doubled(k, at);
    case ATOM_OTHERS:
        return others(k, at);
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
        return atom_of_term(k, at);
    case ATOM_SAME:
        return same(k, at);
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
        if (pull_is_moved(k, a.term))
            return pull_fails(k);
        break;
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
        n = pull_spot(k, a.source, &moved);
        if (moved || (a.kind == ATOM_UNKNOWN && n) ||
            (a.kind != ATOM_UNKNOWN && guard_is_moved(k, (guard)a.n)))
            return pull_fails(k);
        break;
    case ATOM_TWICE:
    case ATOM_EARLIER:
        (void)pull_spot(k, a.source, &moved);
        if (moved || pull_is_moved(k, a.term) || guard_is_moved(k, (guard)a.n))
            return pull_fails(k);
        break;
    }
    return guard_of(&c->guards, at);
}

/* ---- guards ------------------------------------------------------------------------------ */

/*
 * Most guards speak of members that a step does nothing to, nor to what is in them. Members of
 * an object share the bits of a mask, so a guard with none of the step's bits stays what it is.
 */
#define SPEAKS_KNOWN ((uint64_t)1 << 63)
#define SPEAKS_ANY   UINT64_MAX

static uint64_t
bit_of(const struct compose *c, uint32_t source)
{
    uint32_t member = source;
    for (; c->sources[source].parent != NORMAL_NONE;
         source = c->sources[source].parent)
        member = source;
    return (uint64_t)1 << (member * 0x9E3779B1u >> 16) % 63;
}

static uint64_t
term_speaks(const struct compose *c, uint32_t term)
{
    uint32_t bottom = pull_bottom(c, term);
    if (bottom != NORMAL_NONE)
        return bit_of(c, bottom);
    return c->terms[term].kind == TERM_CONST ? 0 : SPEAKS_ANY;
}

static uint64_t
atom_speaks(const struct compose *c, const struct atom *a)
{
    switch (a->kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return 0;
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
        return bit_of(c, a->source);
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
    case ATOM_UNCLEAN:
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        return term_speaks(c, a->term);
    case ATOM_SAME:
        return term_speaks(c, a->term) | term_speaks(c, a->other);
    case ATOM_OTHERS:
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
        break; /* of what has no name of its own */
    }
    return SPEAKS_ANY;
}

static uint64_t
guard_speaks(struct compose *c, guard g)
{
    if (g <= GUARD_ALWAYS || c->speaks[g])
        return g <= GUARD_ALWAYS ? 0 : c->speaks[g];
    struct guard_node node = c->guards.at[g];
    c->speaks[g] = SPEAKS_KNOWN | atom_speaks(c, &c->atoms[node.atom]) |
                   guard_speaks(c, node.yes) | guard_speaks(c, node.no);
    return c->speaks[g];
}

/* What the step did to members of an object; of the object itself a guard may speak, too. */
static uint64_t
tree_touches(struct compose *c, uint32_t root, const struct normal_node *n)
{
    uint64_t is = bit_of(c, root);
    for (size_t i = 0; i < n->n_kids; i++) {
        const struct normal_node *kid = n->kids[i];
        if (kid->is_each || kid->element)
            return SPEAKS_ANY;
        uint32_t source = source_kid(c, root, kid->key);
        if (!is_as_it_came(c, kid, source) || is_entered(kid))
            is |= bit_of(c, source);
    }
    return is;
}

bool
pull_touches(struct pull *k)
{
    struct compose *c = k->c;
    size_t room = 2 * c->guards.n;
    if (c->room_speaks < c->guards.n) {
        c->speaks = arena_grow(c->a, c->speaks, c->room_speaks, room,
                               sizeof(*c->speaks));
        c->room_speaks = room;
    }
    if (!c->speaks)
        return compose_full(c);
    k->touched = 0;
    for (size_t type = 0; type < c->api->n_types; type++)
        if (c->own[type] != NORMAL_NONE && c->fresh[type])
            k->touched |= tree_touches(c, c->own[type], c->fresh[type]->root);
    return true;
}

/* Does an atom speak of one source, to which and in which the step did nothing? Most do. */
static bool
is_of_untouched(struct pull *k, const struct atom *a)
{
    uint32_t source = a->source;
    bool moved = false;
    switch (a->kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return true;
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
        break;
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
    case ATOM_UNCLEAN:
        if (k->c->terms[a->term].kind != TERM_SOURCE)
            return false;
        source = k->c->terms[a->term].source;
        break;
    case ATOM_OTHERS:
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
    case ATOM_SAME:
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
        return false;
    }
    const struct normal_node *n = pull_spot(k, source, &moved);
    return !moved && !is_entered(n) && !k->fails;
}

guard
pull_guard(struct pull *k, guard g)
{
    struct compose *c = k->c;
    if (g <= GUARD_ALWAYS || k->fails || g >= k->n_guards ||
        !(guard_speaks(c, g) & k->touched & ~SPEAKS_KNOWN))
        return g;
    struct pulled *known = &c->pulled[g];
    if (known->when == c->pull)
        return known->is;
    struct guard_node node = c->guards.at[g];
    guard yes = pull_guard(k, node.yes);
    guard no = pull_guard(k, node.no);
    bool stays = is_of_untouched(k, &c->atoms[node.atom]);
    guard is = g;
    if (!stays || yes != node.yes || no != node.no) {
        guard atom =
            stays ? guard_of(&c->guards, node.atom) : pull_atom(k, node.atom);
        is = either(c, both(c, atom, yes), without(c, no, atom));
    }
    if (!k->fails)
        c->pulled[g] = (struct pulled){c->pull, is};
    return is;
}

static bool
guard_is_moved(struct pull *k, guard g)
{
    return pull_guard(k, g) != g;
}
/* NOLINTEND(misc-no-recursion) */
