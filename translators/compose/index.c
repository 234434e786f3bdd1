/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: a list as a map by a key of its elements, and back.
 *
 * What becomes of all elements is said of the one at hand, and so is what its key
 * is: a term of it. A list that became a map and a list again has its keys back as
 * members that came in. A member of such a map that a place names by its key is an
 * element of the list that its key finds.
 */
#include "translators/compose/joint.h"
#include "translators/compose/turning.h"

bool
node_is_turned(const struct normal_node *n)
{
    for (size_t i = 0; i < n->n_alts; i++)
        if (n->alts[i].turned)
            return true;
    return false;
}

bool
node_is_turned_list(const struct normal_node *n)
{
    for (size_t i = 0; i < n->n_alts; i++)
        if (n->alts[i].turned && n->alts[i].is_list)
            return true;
    return false;
}

bool
turning_refuse(const struct turning *t, guard when, uint32_t scope,
               const char *what)
{
    return say_check(t->c, when, scope, t->s->origin, what);
}

/* ---- members of an element ------------------------------------------------------ */

bool
turning_member(const struct turning *t, struct normal_node *element,
               uint32_t scope, const struct lens_place *place, guard when,
               struct spot *out)
{
    const struct object o = {.scope = scope, .about = t->s->origin};
    return spot_read(t->c, &o, element, place, when, out);
}

/* Take it out, and the objects on the way that are empty then. */
static bool
cut(const struct turning *t, struct spot *at)
{
    struct compose *c = t->c;
    if (!node_cut(c, at->node))
        return false;
    for (size_t i = at->place->n; i-- > 1;) {
        struct normal_node *host = at->path[i];
        guard empty =
            both(c, node_types(c, host, LENS_OBJECT), node_void(c, host));
        node_limit(c, host, guard_not(&c->guards, empty));
    }
    return !c->full && !c->state->stop.why;
}

/* The value of a node, whichever alternative holds. */
static uint32_t
term_of(struct compose *c, const struct normal_node *n)
{
    if (n->n_alts == 1)
        return node_term(c, n, &n->alts[0]);
    return join_term(c, n);
}

/* ---- an element that becomes a member ------------------------------------------------ */

/* Its key must be a text that can be read. */
static bool
read_key(const struct turning *t, struct normal_node *element, uint32_t scope,
         struct spot *at, uint32_t *key)
{
    struct compose *c = t->c;
    guard there = node_present(c, element);
    guard object = there;
    if (t->stage->key.n)
        object = node_types(c, element, LENS_OBJECT);
    if (!turning_refuse(
            t, without(c, there, object), scope,
            "an element without a key has no place in the map of the other "
            "version") ||
        !turning_member(t, element, scope, &t->stage->key, object, at))
        return false;
    guard text = node_types(c, at->node, LENS_STRING);
    if (!turning_refuse(
            t, without(c, object, text), scope,
            "an element whose key is no text has no place in the map of "
            "the other version"))
        return false;
    *key = 0;
    node_limit(c, element, text);
    if (at->node->n_alts == 0)
        return true;
    *key = term_of(c, at->node);
    return *key != NORMAL_NONE &&
           say_check(c, both(c, text, ask_unclean(c, *key)), scope, NULL,
                     "a text holds a lone surrogate");
}

/* What `map(v)` leaves of an element. */
static bool
lose_rest(const struct turning *t, struct normal_node *element, uint32_t scope)
{
    struct compose *c = t->c;
    guard left = without(c, node_present(c, element), node_void(c, element));
    guard refused = both(c, left, ask(c, (struct atom){.kind = ATOM_REQUEST}));
    if (t->s->rest == LENS_REST_LOSE)
        refused = GUARD_NEVER;
    if (t->s->rest == LENS_REST_REFUSE)
        refused = left;
    return turning_refuse(
               t, refused, scope,
               "an element has members that the map of the other version "
               "does not hold") &&
           say_notice(c, without(c, left, refused), scope, NOTICE_LOSSY,
                      t->s->origin) &&
           node_gone(c, element, scope);
}

/* What the map holds for it; *element may become another node. */
static bool
hold(const struct turning *t, struct normal_node **element, uint32_t scope,
     struct spot *key)
{
    struct compose *c = t->c;
    struct normal_node *e = *element;
    struct spot at;
    if (t->stage->held == LENS_HELD_WHOLE)
        return true;
    if (t->stage->held == LENS_HELD_NONE) {
        struct normal_alt unit = {.when = node_present(c, e),
                                  .kind = ALT_TERM,
                                  .term = term_const(c, t->stage->unit)};
        e->n_alts = e->n_kids = 0;
        return node_push(c, e, unit);
    }
    if (!cut(t, key))
        return false;
    if (t->stage->held == LENS_HELD_REST)
        return true;
    guard there = node_present(c, e);
    if (!turning_member(t, e, scope, &t->stage->value, there, &at) ||
        !turning_refuse(
            t, without(c, there, node_present(c, at.node)), scope,
            "an element has nothing that the map of the other version "
            "could hold") ||
        !cut(t, &at) || !lose_rest(t, e, scope))
        return false;
    *element = at.node;
    return node_inherit(c, at.node, e);
}

/* Two elements of one key. */
static bool
doubles(const struct turning *t, struct normal_node *element, uint32_t key)
{
    struct compose *c = t->c;
    uint32_t each = element->each;
    guard there = node_present(c, element);
    struct atom atom = {
        .kind = ATOM_TWICE, .source = each, .term = key, .n = there};
    if (t->stage->twice == LENS_TWICE_FAIL) {
        guard list = GUARD_NEVER;
        for (size_t i = 0; i < t->value->n_alts; i++)
            if (t->value->alts[i].turned)
                list = either(c, list, t->value->alts[i].when);
        return turning_refuse(
            t, both(c, list, ask(c, atom)), t->s->scope,
            "two elements have one key, and the map of the other "
            "version holds one");
    }
    atom.kind = ATOM_EARLIER;
    guard later = both(c, there, ask(c, atom));
    if (!say_notice(c, later, each, NOTICE_LOSSY, t->s->origin))
        return false;
    struct normal_node *gone = node_copy(c, element);
    if (!gone)
        return false;
    node_limit(c, gone, later);
    node_limit(c, element, guard_not(&c->guards, later));
    return node_gone(c, gone, each);
}

static bool
to_member(const struct turning *t, struct normal_node **element)
{
    struct spot at;
    uint32_t key = 0;
    uint32_t scope = (*element)->each;
    if (!read_key(t, *element, scope, &at, &key) ||
        !hold(t, element, scope, &at))
        return false;
    (*element)->keyed = key;
    return doubles(t, *element, key);
}

/* ---- the list or map itself -------------------------------------------------------------- */

/* Of what is no list (or map) a null stays. */
static bool
turn(const struct turning *t)
{
    struct compose *c = t->c;
    struct normal_node *value = t->value;
    size_t n_alts = value->n_alts;
    guard turned = GUARD_NEVER;
    for (size_t i = 0; i < n_alts; i++) {
        struct normal_alt alt = value->alts[i];
        guard null = GUARD_NEVER;
        guard right = alt.is_list == t->is_list ? alt.when : GUARD_NEVER;
        if (alt.kind == ALT_MADE && alt.is_list && !alt.turned)
            return compose_stop(c, t->s->origin,
                                "a list that an earlier change made");
        if (alt.kind != ALT_MADE) {
            uint32_t term = node_scalar(c, &alt);
            unsigned type = t->is_list ? LENS_LIST : LENS_OBJECT;
            null = both(c, alt.when, ask_types(c, term, LENS_NULL));
            right = both(c, alt.when, ask_types(c, term, type));
        }
        if (alt.kind == ALT_TERM && right != GUARD_NEVER)
            return compose_stop(c, t->s->origin,
                                "a list that an earlier change made");
        if (!turning_refuse(
                t, without(c, without(c, alt.when, null), right), t->s->scope,
                t->is_list ? "a list was expected" : "an object was expected"))
            return false;
        value->alts[i].when = null;
        turned = either(c, turned, right);
        if (alt.kind == ALT_MADE && !alt.turned)
            alt.source = NORMAL_NONE;
        alt.kind = ALT_MADE;
        alt.turned = true;
        alt.is_list = !t->is_list;
        alt.when = right;
        if (!node_push(c, value, alt))
            return false;
    }
    for (size_t i = 0; i < value->n_kids; i++)
        node_limit(c, value->kids[i], turned);
    size_t kept = 0;
    for (size_t i = 0; i < value->n_alts; i++)
        if (value->alts[i].when != GUARD_NEVER)
            value->alts[kept++] = value->alts[i];
    value->n_alts = kept;
    return true;
}

/* A kid for the members that no place names, before those by name. */
static bool
add_unknown(const struct turning *t)
{
    struct compose *c = t->c;
    struct normal_node *value = t->value;
    struct normal_node *each = node_new(c, value, (span){0});
    if (!each || !node_know(c, value))
        return false;
    each->is_each = true;
    for (size_t i = 0; i < value->n_alts; i++) {
        struct normal_alt alt = value->alts[i];
        if (alt.kind != ALT_SOURCE)
            continue;
        uint32_t at = source_each(c, alt.source);
        if (each->each != NORMAL_NONE && each->each != at)
            return compose_stop(c, t->s->origin,
                                "elements of two lists stand at one place");
        each->each = at;
        guard unknown =
            ask(c, (struct atom){.kind = ATOM_UNKNOWN,
                                 .source = at,
                                 .n = c->sources[alt.source].n_kids});
        alt.when = both(c, both(c, alt.when, ask_present(c, at)), unknown);
        alt.source = at;
        alt.known = NORMAL_NONE;
        alt.order = (struct normal_order){.slot = at};
        if (!node_push(c, each, alt))
            return false;
    }
    struct normal_node **kids =
        arena_array(c->a, value->n_kids + 1, sizeof(struct normal_node *));
    if (!kids)
        return compose_full(c);
    kids[0] = each;
    if (value->n_kids)
        memcpy(kids + 1, value->kids,
               value->n_kids * sizeof(struct normal_node *));
    value->kids = kids;
    value->room_kids = ++value->n_kids;
    return true;
}

/* The kid of all members is the first, before those by name. */
static bool
know_members(const struct turning *t)
{
    struct normal_node *value = t->value;
    if (node_is_turned(value))
        return true;
    if (value->n_kids == 0 || value->kids[0]->is_each)
        return node_each(t->c, value) != NULL;
    return value->kids[0]->element
               ? compose_stop(t->c, t->s->origin, "an element of a map")
               : add_unknown(t);
}

/* Elements of a list that was a map, which had keys by name, have them again. */
static bool
to_named(const struct turning *t, struct normal_node *value)
{
    struct compose *c = t->c;
    uint32_t of_others = value->kids[0]->keyed;
    for (size_t i = 1; i < value->n_kids; i++) {
        struct normal_node *kid = value->kids[i];
        struct spot at;
        uint32_t key = 0;
        if (kid->n_alts == 0)
            continue;
        if (t->stage->held == LENS_HELD_VALUE)
            return compose_stop(c, t->s->origin,
                                "an element with a name of its own is a box");
        if (!read_key(t, kid, t->s->scope, &at, &key))
            return false;
        const struct term *own = &c->terms[key];
        if (own->kind != TERM_CONST || own->value->kind != JSON_TEXT ||
            !span_eq(own->value->text, kid->key) ||
            (value->kids[0]->n_alts && c->terms[of_others].kind != TERM_KEY))
            return compose_stop(c, t->s->origin,
                                "an element with a name of its own has another "
                                "one");
        if (!hold(t, &kid, t->s->scope, &at))
            return false;
    }
    return true;
}

bool
index_turn(struct compose *c, const struct staging *s,
           struct normal_node *value)
{
    const struct lens_stage *stage = &s->stages->at[0];
    struct turning t = {.c = c,
                        .s = s,
                        .stage = stage,
                        .value = value,
                        .is_list = c->read == stage->list};
    if (value->n_alts == 0)
        return true;
    if (s->stages->n > 1)
        return compose_stop(c, s->origin, "a list as a map, and another form");
    if (s->hide == LENS_HIDE_DROP || s->hide == LENS_HIDE_VALUE)
        return compose_stop(c, s->origin, "a list that fails is hidden");
    if (stage->twice == LENS_TWICE_LAST)
        return compose_stop(c, s->origin, "the last of several of one key");
    if (value->state || value->others)
        return compose_stop(c, s->origin, "a map is an object of a type");
    if (!t.is_list)
        /* All its keys are read. */
        return read_members(c, value, node_types(c, value, LENS_OBJECT)) &&
               know_members(&t) && turn(&t) && turning_to_elements(&t);
    struct normal_node *each =
        node_is_turned(value) ? value->kids[0] : node_each(c, value);
    if (!each || !turn(&t))
        return false;
    if (each->n_alts && !to_member(&t, &each))
        return false;
    value->kids[0] = each;
    each->parent = value;
    return to_named(&t, value);
}
