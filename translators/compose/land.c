/* SPDX-License-Identifier: Apache-2.0 */
/*
 * land: what stands where an arrow leads, and what it brings there.
 */
#include "translators/compose/step.h"

/* ---- 5. refuse ------------------------------------------------------------------- */

/* What no case of an arrow fits stays, and is no stranger to it. */
static guard
stays_at(const struct step *s, const struct lens_arrow *arrow,
         const struct lens_place *place)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < s->n; i++)
        if (s->takes[i].stays && s->takes[i].arrow == arrow &&
            lens_place_same(s->takes[i].from.place, place))
            is = either(s->c, is, s->takes[i].when);
    return is;
}

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
    guard stands = both(c, node_present(c, there),
                        without(c, t->when, stays_at(s, t->arrow, at->place)));
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

bool
step_meet(struct step *s, const struct take *t, const struct spot *at)
{
    return meet(s, t, at, NULL);
}

/* What the arrow brings there, for those who compare; NULL in *out: nothing. */
static bool
brought_by(struct step *s, const struct take *t, const struct spot *at,
           struct normal_node **out)
{
    *out = t->value && t->leads ? t->value : NULL;
    if (t->arrow->kind == LENS_MAP || !t->fill)
        return true;
    *out = NULL;
    guard stands = both(s->c, t->when, node_present(s->c, at->node));
    return stands == GUARD_NEVER ||
           captured_give(s->c, t->fill, &t->arrow->origin, at->scope, stands,
                         out);
}

/* Where a stash comes back, what it brings is met, or else what is made up. */
static bool
meet_stash(struct step *s, const struct take *t, const struct spot *at)
{
    struct normal_node *fill = NULL;
    guard back = node_present(s->c, t->value);
    struct take one = *t;
    one.when = both(s->c, t->when, back);
    if (!meet(s, &one, at, t->value))
        return false;
    one.when = without(s->c, t->when, back);
    return brought_by(s, &one, at, &fill) && meet(s, &one, at, fill);
}

/* Strangers at one place where an arrow leads, whatever this take of it brings. */
static bool
strangers_at(struct step *s, const struct take *t,
             const struct lens_place *place)
{
    struct compose *c = s->c;
    struct spot at;
    struct normal_node *brought = NULL;
    bool is_own = t->leads && lens_place_same(place, t->target);
    if (!spot_read(c, s->o, s->o->root, place, t->when, &at))
        return false;
    if (is_own && t->is_back && t->value)
        return meet_stash(s, t, &at);
    if (is_own && !brought_by(s, t, &at, &brought))
        return false;
    /* To the elements of a list that is a stranger itself, it brings nothing. */
    if (t->has_from && !spot_same_stars(&at, &t->from))
        brought = NULL;
    return meet(s, t, &at, brought);
}

bool
step_strangers(struct step *s, const struct take *t)
{
    enum lens_side write = s->c->write;
    const struct lens_arrow *arrow = t->arrow;
    s->o->about = &arrow->origin;
    if (t->meets && t->way->open)
        return step_open_strangers(s, t);
    if (t->role == TAKE_JOINED)
        return strangers_at(s, t, t->target);
    for (size_t i = 0; t->meets && i < arrow->n_ways; i++) {
        const struct lens_place *place = &arrow->ways[i].place[write];
        bool seen = !arrow->ways[i].has[write];
        for (size_t k = 0; k < i; k++)
            seen =
                seen || (arrow->ways[k].has[write] &&
                         lens_place_same(place, &arrow->ways[k].place[write]));
        if (!seen && !strangers_at(s, t, place))
            return false;
    }
    return true;
}

/* Does it lead into what another arrow may bring? */
static bool
is_inside_another(const struct step *s, const struct take *t)
{
    const struct lens_place *place = t->target;
    for (size_t i = 0; i < s->n; i++) {
        const struct take *other = &s->takes[i];
        const struct lens_place *outer = other->target;
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

/* What lands in the place of an element, and was in it, finds those before it there, or is
 * refused. */
static bool
lands_behind(struct step *s, const struct take *t, const struct spot *to)
{
    struct compose *c = s->c;
    const struct lens_place *from = t->from.place;
    struct normal_node *each = to->node;
    if (!each->is_each || !t->has_from || !from || from->n == 0 ||
        from->steps[from->n - 1].kind == LENS_EACH ||
        t->from.n_stars != to->n_stars)
        return true;
    if (each->met != c->step || to->n_stars > 1)
        return compose_stop(c, &t->arrow->origin,
                            "elements in elements go and come");
    guard here = either(c, node_present(c, each), node_present(c, t->value));
    guard before = ask(c, (struct atom){.kind = ATOM_BEFORE,
                                        .source = each->each,
                                        .n = without(c, each->stood, here)});
    guard lands = both(c, node_present(c, t->value),
                       node_types(c, each->parent, LENS_LIST));
    return say_check(c, both(c, lands, before), to->scope, &t->way->origin,
                     "an element would have to be made, and those before it "
                     "are not there");
}

/* Does it keep the slot that it had? */
static bool
is_in_slot(const struct take *t, const struct normal_alt *alt,
           const struct normal_node *host)
{
    return t->role == TAKE_JOINED ? step_joined_in_slot(t, alt, host)
                                  : t->from.host == host;
}

bool
step_put(struct step *s, struct take *t, struct spot *to)
{
    struct compose *c = s->c;
    struct normal_node *value = t->value;
    struct normal_order order = order_of(c, &t->way->origin);
    for (size_t i = 0; i < value->n_alts; i++) {
        value->alts[i].made = false;
        if (!is_in_slot(t, &value->alts[i], to->host) ||
            value->alts[i].order.step == c->step)
            value->alts[i].order = order;
    }
    if (!lands_behind(s, t, to))
        return false;
    if (value->is_each != to->node->is_each) {
        /* In the same elements: an element goes into the one made in its place, or comes
         * out of it. */
        if (!spot_same_stars(to, &t->from) || !spot_same_stars(&t->from, to))
            return compose_stop(c, &t->arrow->origin,
                                "elements become a member, or a member "
                                "elements");
        value->is_each = to->node->is_each;
        value->each = to->node->each;
    }
    value->keyed = to->node->keyed;
    if (!step_is_dead(to->node))
        return node_merge(c, to->node, value);
    step_replace(to->host, to->node, value);
    return true;
}

static bool
ends_in_star(const struct lens_place *place)
{
    return place->n && place->steps[place->n - 1].kind == LENS_EACH;
}

static bool
land_one(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    struct spot to;
    if (!t->value || !t->leads)
        return true;
    s->o->about = &t->arrow->origin;
    if ((t->is_tag || is_inside_another(s, t)) &&
        !strangers_at(s, t, t->target))
        return false;
    if (t->spreads)
        return step_land_spread(s, t);
    if (step_is_dead(t->value))
        return true;
    if (t->has_from && t->from.place &&
        ends_in_star(t->from.place) != ends_in_star(t->target) &&
        is_inside_another(s, t))
        return compose_stop(c, &t->arrow->origin,
                            "elements go into what another arrow brings");
    if (both(c, node_present(c, t->value), stays_at(s, t->arrow, t->target)) !=
        GUARD_NEVER)
        return compose_stop(c, &t->arrow->origin,
                            "what fits no case stays where an arrow leads");
    return spot_make(c, s->o, t->target, &t->from, node_present(c, t->value),
                     &t->way->origin, &to) &&
           step_put(s, t, &to);
}

/* Outer places before inner, then by the names of changes and the order of arrows. */
static bool
lands_before(const struct step *s, const struct take *x, const struct take *y)
{
    size_t n = x->leads ? x->target->n : 0;
    size_t m = y->leads ? y->target->n : 0;
    if (x->spreads != y->spreads) /* when all elements are there */
        return y->spreads;
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
        if (!s->takes[i].has_from && s->takes[i].role == TAKE_ALONE &&
            s->takes[i].leads && is_inside_another(s, &s->takes[i]) &&
            !strangers_at(s, &s->takes[i], s->takes[i].target))
            return false;
    for (size_t i = 0; i < s->n; i++)
        if (s->takes[i].way->drop_doubles && s->takes[i].value &&
            !step_drop_doubles(s, &s->takes[i]))
            return false;
    return true;
}
