/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed: members of a map that becomes a list, each with its key in it.
 */
#include "translators/compose/turning.h"

/* The key goes into the object, last; objects on the way are made. */
static bool
put_key(const struct turning *t, struct normal_node *member, uint32_t scope,
        const struct lens_place *place, struct normal_node *value, guard when)
{
    struct compose *c = t->c;
    struct normal_order order = {
        .step = c->step, .slot = NORMAL_NONE, .nth = c->n_arrived++};
    struct normal_node *n = member;
    for (size_t i = 0; i < place->n; i++) {
        guard there = node_present(c, n);
        if (i > 0 &&
            (!turning_refuse(
                 t,
                 both(c, when,
                      without(c, there, node_types(c, n, LENS_OBJECT))),
                 scope, "the key of this element has a place in no object") ||
             !node_add(c, n,
                       (struct normal_alt){.when = without(c, when, there),
                                           .kind = ALT_MADE,
                                           .order = order})))
            return false;
        n = node_kid(c, n, place->steps[i].key);
        if (!n)
            return false;
    }
    for (size_t i = 0; i < value->n_alts; i++) {
        value->alts[i].order = order;
        value->alts[i].made = false;
    }
    node_limit(c, value, without(c, when, node_present(c, n)));
    return node_merge(c, n, value);
}

static struct normal_node *
key_node(struct compose *c, uint32_t key, guard when)
{
    struct normal_node *n = node_new(c, NULL, (span){0});
    struct normal_alt alt = {.when = when, .kind = ALT_TERM, .term = key};
    return n && node_add(c, n, alt) ? n : NULL;
}

/* What is there says another key, or one where it should say none. */
static bool
own_key(const struct turning *t, struct normal_node *member, uint32_t scope,
        uint32_t key, guard object)
{
    struct compose *c = t->c;
    struct spot own;
    if (!turning_member(t, member, scope, &t->stage->key, object, &own))
        return false;
    guard there = node_present(c, own.node);
    if (t->stage->held == LENS_HELD_REST) {
        node_limit(c, own.node, GUARD_NEVER);
        return turning_refuse(
            t, there, scope,
            "what a map holds has a key of its own, which is the "
            "other version's");
    }
    guard same = GUARD_NEVER;
    for (size_t i = 0; i < own.node->n_alts; i++) {
        uint32_t term = node_scalar(c, &own.node->alts[i]);
        if (term != NORMAL_NONE)
            same = either(c, same,
                          both(c, own.node->alts[i].when,
                               both(c, ask_types(c, term, LENS_STRING),
                                    ask_same(c, term, key))));
    }
    return turning_refuse(t, without(c, object, same), scope,
                          "what a map holds does not say its key");
}

/* `map(v)`: an object of the key and what the map holds. */
static bool
make_element(const struct turning *t, struct normal_node **member,
             uint32_t scope, uint32_t key)
{
    struct compose *c = t->c;
    struct normal_node *value = *member;
    struct normal_node *made = node_new(c, NULL, value->key);
    struct normal_node *own = key_node(c, key, node_present(c, value));
    guard when = node_present(c, value);
    if (!made || !own)
        return false;
    for (size_t i = 0; i < value->n_alts; i++) {
        struct normal_alt alt = value->alts[i];
        alt.kind = ALT_MADE;
        alt.turned = alt.is_list = false;
        if (!node_push(c, made, alt))
            return false;
    }
    made->is_each = value->is_each;
    made->each = value->each;
    value->is_each = false;
    value->each = NORMAL_NONE;
    *member = made;
    return put_key(t, made, scope, &t->stage->key, own, when) &&
           put_key(t, made, scope, &t->stage->value, value, when);
}

static bool
to_element(const struct turning *t, struct normal_node **member, uint32_t scope,
           uint32_t key)
{
    struct compose *c = t->c;
    struct normal_node *m = *member;
    guard there = node_present(c, m);
    if (t->stage->held == LENS_HELD_NONE) {
        guard unit = node_equals(c, m, t->stage->unit);
        struct normal_alt text = {.when = there, .kind = ALT_TERM, .term = key};
        if (m->n_alts)
            text.order = m->alts[0].order;
        if (m->n_alts > 1 && !m->is_each)
            return compose_stop(c, t->s->origin,
                                "a member that comes or stays becomes a key");
        m->n_alts = m->n_kids = 0;
        return turning_refuse(
                   t, without(c, there, unit), scope,
                   "a map of this version holds one value alone, and this "
                   "is another") &&
               node_push(c, m, text);
    }
    if (t->stage->held == LENS_HELD_VALUE)
        return make_element(t, member, scope, key);
    guard object = node_types(c, m, LENS_OBJECT);
    if (!turning_refuse(
            t, without(c, there, object), scope,
            "what a map holds is no object, and an element of the other "
            "version is one") ||
        !own_key(t, m, scope, key, object))
        return false;
    if (t->stage->held == LENS_HELD_WHOLE)
        return true;
    struct normal_node *own = key_node(c, key, object);
    return own && put_key(t, m, scope, &t->stage->key, own, object);
}

static uint32_t
text_term(struct compose *c, span text)
{
    struct json *value = json_new_text(c->a, text);
    if (!value) {
        compose_full(c);
        return 0;
    }
    return term_const(c, value);
}

bool
turning_to_elements(const struct turning *t)
{
    struct compose *c = t->c;
    struct normal_node *value = t->value;
    for (size_t i = 0; i < value->n_kids; i++) {
        struct normal_node *kid = value->kids[i];
        uint32_t scope = t->s->scope;
        uint32_t key = 0;
        if (kid->is_each) {
            scope = kid->each;
            key = kid->keyed;
            if (key == NORMAL_NONE)
                key = term_make(
                    c, (struct term){.kind = TERM_KEY, .source = kid->each});
        } else {
            key = text_term(c, kid->key);
        }
        if (kid->n_alts && !to_element(t, &kid, scope, key))
            return false;
        value->kids[i] = kid;
        kid->parent = value;
        kid->keyed = NORMAL_NONE;
    }
    return true;
}
