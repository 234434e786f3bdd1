/* SPDX-License-Identifier: Apache-2.0 */
/*
 * land: what stands where an arrow leads, and what it brings there.
 */
#include "translators/compose/step.h"

/* ---- 5. refuse ------------------------------------------------------------------- */

/*
 * Something may stand where an arrow leads. `brought`: what the arrow brings, in
 * no place; NULL: nothing.
 */
static bool
meet(struct step *s, const struct take *t, const struct spot *at,
     struct normal_node *brought)
{
    struct compose *c = s->c;
    struct normal_node *there = at->node;
    guard stands = both(c, node_present(c, there), t->when);
    guard same = GUARD_NEVER;
    if (stands == GUARD_NEVER)
        return true;
    if (brought && !nodes_same(c, there, brought, t->when, at->scope, &same))
        return false;
    guard other = without(c, stands, same);
    guard dropped = same;
    const struct lens_origin *origin = &t->way->origin;
    guard request = ask(c, (struct atom){.kind = ATOM_REQUEST});
    switch (t->arrow->collide) {
    case LENS_COLLIDE_KEEP:
        if (brought) {
            guard lost = both(c, other, node_present(c, brought));
            if (!say_notice(c, lost, at->scope, NOTICE_LOSSY, origin))
                return false;
            node_limit(c, brought, guard_not(&c->guards, other));
        }
        break;
    case LENS_COLLIDE_DROP:
        dropped = stands;
        break;
    case LENS_COLLIDE_UNSAID:
        dropped = either(c, same, without(c, other, request));
        if (!say_check(c, both(c, other, request), at->scope, origin,
                       "something stands where this arrow leads"))
            return false;
        break;
    case LENS_COLLIDE_REFUSE:
        if (!say_check(c, other, at->scope, origin,
                       "something stands where this arrow leads"))
            return false;
        break;
    }
    if (!say_notice(c, dropped, at->scope, NOTICE_STRANGER, origin))
        return false;
    guard goes = t->arrow->collide == LENS_COLLIDE_KEEP ? same : stands;
    struct normal_node *gone = node_copy(c, there);
    if (!gone)
        return false;
    node_limit(c, gone, goes);
    node_limit(c, there, guard_not(&c->guards, goes));
    return node_gone(c, gone, at->scope);
}

/* What the arrow brings there, for those who compare; NULL in *out: nothing. */
static bool
brought_by(struct step *s, const struct take *t, const struct spot *at,
           struct normal_node **out)
{
    *out = t->value && t->leads ? t->value : NULL;
    if (t->arrow->kind == LENS_MAP || !t->fill)
        return true;
    guard stands = both(s->c, t->when, node_present(s->c, at->node));
    return stands == GUARD_NEVER ||
           captured_give(s->c, t->fill, &t->arrow->origin, at->scope, stands,
                         out);
}

bool
step_strangers(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    struct spot at;
    struct normal_node *brought = NULL;
    s->o->about = &t->arrow->origin;
    if (!spot_read(c, s->o, s->o->root, &t->way->place[c->write], t->when, &at))
        return false;
    if (!brought_by(s, t, &at, &brought))
        return false;
    /* To the elements of a list that is a stranger itself, it brings nothing. */
    if (t->has_from && !spot_same_stars(&at, &t->from))
        brought = NULL;
    return meet(s, t, &at, brought);
}

/* Does it lead into what another arrow may bring? */
static bool
is_inside_another(const struct step *s, const struct take *t)
{
    enum lens_side write = s->c->write;
    const struct lens_place *place = &t->way->place[write];
    for (size_t i = 0; i < s->n; i++) {
        const struct take *other = &s->takes[i];
        const struct lens_place *outer = &other->way->place[write];
        if (!other->leads || outer->n >= place->n)
            continue;
        struct lens_place begin = {place->steps, outer->n, place->text};
        if (lens_place_same(outer, &begin))
            return true;
    }
    return false;
}

/* ---- 6. write --------------------------------------------------------------------- */

bool
step_is_dead(const struct normal_node *n)
{
    return n->n_alts == 0;
}

/* Put `value` where the dead `slot` is. */
void
step_replace(struct normal_node *host, struct normal_node *slot,
             struct normal_node *value)
{
    for (size_t i = 0; i < host->n_kids; i++)
        if (host->kids[i] == slot)
            host->kids[i] = value;
    value->key = slot->key;
    value->parent = host;
}

/* All alternatives of `value` at `to`, which has some of its own. */
bool
step_merge(struct compose *c, struct normal_node *to, struct normal_node *value)
{
    if (to->state != value->state || to->n_steps != value->n_steps ||
        to->is_each || value->is_each || (to->n_kids && value->n_kids))
        return compose_stop(c, NULL, "two objects may stand at one place");
    struct normal_node *stays = value->n_kids ? value : to;
    const struct normal_node *other = value->n_kids ? to : value;
    for (size_t i = 0; i < other->n_alts; i++)
        if (!node_add(c, stays, other->alts[i]))
            return false;
    if (stays == value)
        step_replace(to->parent, to, value);
    return true;
}

static bool
put(struct step *s, struct take *t, struct spot *to)
{
    struct compose *c = s->c;
    struct normal_node *value = t->value;
    struct normal_order order = order_of(c, &t->way->origin);
    bool in_slot = t->from.host == to->host;
    for (size_t i = 0; i < value->n_alts; i++) {
        value->alts[i].made = false;
        if (!in_slot)
            value->alts[i].order = order;
    }
    if (value->is_each != to->node->is_each)
        return compose_stop(c, &t->arrow->origin,
                            "elements become a member, or a member elements");
    if (!step_is_dead(to->node))
        return step_merge(c, to->node, value);
    step_replace(to->host, to->node, value);
    return true;
}

static bool
land_one(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    struct spot to;
    if (!t->value || !t->leads)
        return true;
    s->o->about = &t->arrow->origin;
    if (is_inside_another(s, t) && !step_strangers(s, t))
        return false;
    if (step_is_dead(t->value))
        return true;
    return spot_make(c, s->o, &t->way->place[c->write], &t->from,
                     node_present(c, t->value), &t->way->origin, &to) &&
           put(s, t, &to);
}

/* Outer places before inner, then by the names of changes and the order of arrows. */
static bool
lands_before(const struct step *s, const struct take *x, const struct take *y)
{
    size_t n = x->way->place[s->c->write].n;
    size_t m = y->way->place[s->c->write].n;
    if (n != m)
        return n < m;
    struct normal_order a = order_of(s->c, &x->way->origin);
    struct normal_order b = order_of(s->c, &y->way->origin);
    return order_before(&a, &b);
}

bool
step_land(struct step *s)
{
    size_t *order = arena_array(s->c->a, s->n + 1, sizeof(*order));
    if (!order)
        return compose_full(s->c);
    for (size_t i = 0; i < s->n; i++) {
        size_t at = i;
        for (;
             at > 0 && lands_before(s, &s->takes[i], &s->takes[order[at - 1]]);
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < s->n; i++)
        if (!land_one(s, &s->takes[order[i]]))
            return false;
    for (size_t i = 0; i < s->n; i++)
        if (!s->takes[i].has_from && is_inside_another(s, &s->takes[i]) &&
            !step_strangers(s, &s->takes[i]))
            return false;
    return true;
}
