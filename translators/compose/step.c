/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: SEMANTICS.md's "One step" on an object that is not there, in its order:
 * choose, take, inner, prune, bring, refuse, write, fill, mark.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): typed values lie in typed values */

/* An arrow that may hold, and what it takes and brings. */
struct take {
    const struct lens_arrow *arrow;
    const struct lens_way *way;
    guard when;    /* the arrow holds */
    bool has_from; /* it has a place on the side that is read */
    struct spot from;
    struct normal_node
        *value; /* what was taken, in no place; never NULL then */
    struct normal_node *as_it_came;
    guard taken; /* something was there, or its box was emptied */
    bool leads;  /* to `way->place[write]` */
    bool is_own; /* `add` or `drop`, on the side that has the place */
    struct captured *fill;
};

struct step {
    struct compose *c;
    struct object *o;
    struct take *takes;
    size_t n;
    size_t room;
};

/* ---- 1. choose ----------------------------------------------------------------- */

static bool
is_on(const struct lens_arrow *arrow, enum lens_side side)
{
    return arrow->kind == LENS_MAP ||
           side == (arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER);
}

/* Why an arrow has no normal form yet; NULL: it has. */
static const char *
unknown_kind(const struct compose *c, const struct lens_arrow *arrow)
{
    const struct lens_way *way = &arrow->ways[0];
    if (arrow->joint)
        return "an arrow over several places";
    if (arrow->has_cases || arrow->n_ways != 1)
        return "cases at a place";
    if (way->open)
        return "an open set";
    if (arrow->has_stash || way->rest.kind == LENS_REST_STASH)
        return "a stash";
    if (way->hide == LENS_HIDE_VALUE && way->hidden.kind != LENS_VALUE_LITERAL)
        return "an expression for what is hidden";
    if (way->drop_doubles)
        return "doubles that are dropped";
    for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++)
        if (is_on(arrow, side) &&
            (!way->has[side] || way->place[side].n == 0 ||
             way->shape[side].said || way->shape[side].constant))
            return "a shape of the value";
    (void)c;
    return NULL;
}

static guard
facts(struct compose *c, const struct lens_arrow *arrow)
{
    guard is = GUARD_ALWAYS;
    for (size_t i = 0; i < arrow->n_facts; i++)
        is = both(
            c, is,
            ask(c, (struct atom){.kind = ATOM_FACT, .fact = &arrow->facts[i]}));
    return is;
}

/* An old client's PUT erases what it cannot see. */
static bool
may_replace(struct compose *c, const struct object *o,
            const struct lens_arrow *arrow, guard when)
{
    if (arrow->kind != LENS_ADD || c->read != LENS_OLDER || arrow->has_stash)
        return true;
    guard replaces = ask(c, (struct atom){.kind = ATOM_REPLACES});
    if (arrow->write != LENS_WRITE_REFUSE)
        replaces =
            both(c, replaces, ask(c, (struct atom){.kind = ATOM_NEVER_ERASES}));
    return say_check(c, both(c, when, replaces), o->scope, &arrow->origin,
                     "replacing this would erase what this version does not "
                     "show");
}

static bool
choose_place(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct lens_arrow *arrow = t->arrow;
    bool on_read = is_on(arrow, c->read);
    t->leads = is_on(arrow, c->write);
    t->is_own = on_read && !t->leads;
    t->has_from = on_read;
    if (on_read && !spot_read(c, s->o, s->o->root, &t->way->place[c->read],
                              t->when, &t->from))
        return false;
    const struct lens_value *fill = arrow->kind == LENS_MAP
                                        ? &arrow->absent[c->read]
                                    : on_read ? NULL
                                              : &arrow->fill;
    return !fill || captured_read(c, s->o, fill, t->when,
                                  on_read ? &t->from : NULL, &t->fill);
}

static bool
choose(struct step *s, const struct lens_arrow *arrow)
{
    struct compose *c = s->c;
    const char *unknown = unknown_kind(c, arrow);
    guard when = both(c, s->o->when, facts(c, arrow));
    guard holds = GUARD_ALWAYS;
    s->o->about = &arrow->origin;
    if (unknown)
        return compose_stop(c, &arrow->origin, unknown);
    if (arrow->when[c->read].said &&
        !shape_fits(c, s->o, s->o->root, &arrow->when[c->read], when, &holds))
        return false;
    when = both(c, when, holds);
    void *grown = COMPOSE_GROW(c, s->takes, s->n, s->room);
    if (!grown)
        return false;
    s->takes = grown;
    struct take *t = &s->takes[s->n++];
    *t = (struct take){.arrow = arrow, .way = &arrow->ways[0], .when = when};
    return choose_place(s, t) && may_replace(c, s->o, arrow, when);
}

/* ---- 2. take ------------------------------------------------------------------- */

/* Takes by how deep they cut, deepest first. */
static size_t *
deepest_first(struct step *s)
{
    size_t *order = arena_array(s->c->a, s->n + 1, sizeof(*order));
    size_t n = 0;
    if (!order) {
        compose_full(s->c);
        return NULL;
    }
    for (size_t depth = STEPS_MAX + 1; depth-- > 0;)
        for (size_t i = 0; i < s->n; i++)
            if (s->takes[i].has_from && s->takes[i].from.place->n == depth)
                order[n++] = i;
    return order;
}

/* Does anything typed, which is translated later, lie in it? */
static bool
holds_inner(const struct normal_node *n, struct normal_node *const *inner,
            size_t n_inner)
{
    for (size_t i = 0; i < n_inner; i++)
        for (const struct normal_node *at = inner[i]; at; at = at->parent)
            if (at == n)
                return true;
    return false;
}

static bool
take_one(struct step *s, struct take *t, struct normal_node *const *inner,
         size_t n_inner)
{
    struct compose *c = s->c;
    struct normal_node *n = t->from.node;
    guard left = without(c, node_present(c, n), t->when);
    t->taken = both(c, node_present(c, n), t->when);
    if (t->is_own) {
        t->as_it_came = node_copy(c, n);
        if (!t->as_it_came)
            return false;
        node_limit(c, t->as_it_came, t->when);
    }
    t->value = n;
    struct normal_node *stays = NULL;
    if (left != GUARD_NEVER) {
        for (size_t i = 0; i < s->n; i++)
            for (size_t k = 0; s->takes[i].has_from && &s->takes[i] != t &&
                               k < s->takes[i].from.place->n;
                 k++)
                if (s->takes[i].from.path[k] == n)
                    return compose_stop(c, &t->arrow->origin,
                                        "an object moves only sometimes, and "
                                        "parts of it by themselves");
        if (holds_inner(n, inner, n_inner))
            return compose_stop(c, &t->arrow->origin,
                                "an object of a type moves only sometimes");
        stays = node_copy(c, n);
        if (!stays)
            return false;
        node_limit(c, stays, left);
        node_limit(c, n, t->when);
    }
    if (!node_cut(c, n))
        return false;
    for (size_t i = 0; stays && i < t->from.host->n_kids; i++) {
        struct normal_node *hole = t->from.host->kids[i];
        if (hole->is_each == n->is_each && span_eq(hole->key, n->key) &&
            hole->n_alts == 0) {
            t->from.host->kids[i] = stays;
            stays->parent = t->from.host;
        }
    }
    return true;
}

static bool
take_all(struct step *s, struct normal_node *const *inner, size_t n_inner)
{
    size_t *order = deepest_first(s);
    if (!order)
        return false;
    for (size_t i = 0, n = 0; i < s->n; i++)
        if (s->takes[i].has_from &&
            !take_one(s, &s->takes[order[n++]], inner, n_inner))
            return false;
    return true;
}

/* ---- the rest of a box ------------------------------------------------------------ */

static bool
begins_with_list(const struct compose *c, const struct lens_way *way)
{
    size_t first = c->read == LENS_OLDER ? 0 : way->stages.n - 1;
    return way->stages.n && way->stages.at[first].kind == LENS_STAGE_LIST;
}

/* How many steps lead to the box of this way: to where the bare value stands on the
 * other side, else to the innermost object. */
static size_t
box_steps(const struct compose *c, const struct lens_way *way)
{
    const struct lens_place *box = &way->place[c->read];
    const struct lens_place *bare = &way->place[c->write];
    struct lens_place begin = {box->steps, bare->n, box->text};
    if (bare->n > 0 && bare->n < box->n && lens_place_same(&begin, bare))
        return bare->n;
    return box->n - 1;
}

/* While `when` holds all that is left in the object goes. */
static bool
empty_box(struct compose *c, struct normal_node *box, guard when)
{
    size_t n_alts = box->n_alts;
    for (size_t i = 0; i < n_alts; i++) {
        struct normal_alt alt = box->alts[i];
        guard emptied = both(c, alt.when, when);
        if (alt.kind == ALT_MADE || emptied == GUARD_NEVER)
            continue;
        box->alts[i].when = without(c, alt.when, when);
        alt.kind = ALT_MADE;
        alt.when = emptied;
        if (!node_add(c, box, alt))
            return false;
    }
    for (size_t i = 0; i < box->n_kids; i++)
        node_limit(c, box->kids[i], guard_not(&c->guards, when));
    return true;
}

/* `rest: lose` or `refuse`: what is in the box besides what was taken. */
static bool
cut_box(struct step *s, struct take *t, struct normal_node *const *inner,
        size_t n_inner)
{
    struct compose *c = s->c;
    const struct lens_way *way = t->way;
    if (way->rest.kind == LENS_REST_UNSAID || !t->has_from || !t->leads ||
        lens_rest_side(way) == c->read || begins_with_list(c, way) ||
        way->place[c->read].n < 2)
        return true;
    struct normal_node *box = t->from.path[box_steps(c, way)];
    guard object = both(c, t->when, node_types(c, box, LENS_OBJECT));
    guard others = without(c, object, node_void(c, box));
    const struct lens_origin *origin = &way->origin;
    if (way->rest.kind == LENS_REST_REFUSE)
        return say_check(c, others, t->from.scope, origin,
                         "beside what is taken stands something that this "
                         "version cannot hold");
    if (holds_inner(box, inner, n_inner))
        return compose_stop(c, origin,
                            "an object of a type is lost with a box");
    t->taken = either(c, t->taken, others);
    return say_notice(c, others, t->from.scope, NOTICE_LOSSY, origin) &&
           empty_box(c, box, others);
}

/* ---- 4. prune ------------------------------------------------------------------- */

struct candidate {
    struct normal_node *node;
    const struct lens_place *place;
    size_t n;
    guard cut; /* something was taken out of it */
};

static bool
candidates(struct step *s, struct candidate **out, size_t *n_out)
{
    struct candidate *found =
        arena_array(s->c->a, s->n * STEPS_MAX + 1, sizeof(*found));
    size_t n_found = 0;
    if (!found)
        return compose_full(s->c);
    for (size_t i = 0; i < s->n; i++) {
        const struct take *t = &s->takes[i];
        for (size_t n = 1; t->has_from && n < t->from.place->n; n++) {
            size_t k = 0;
            while (k < n_found && found[k].node != t->from.path[n])
                k++;
            if (k == n_found)
                found[n_found++] = (struct candidate){
                    t->from.path[n], t->from.place, n, GUARD_NEVER};
            found[k].cut = either(s->c, found[k].cut, t->taken);
        }
    }
    *out = found;
    *n_out = n_found;
    return true;
}

static bool
prune(struct step *s)
{
    struct compose *c = s->c;
    struct candidate *found = NULL;
    size_t n = 0;
    if (!candidates(s, &found, &n))
        return false;
    for (size_t depth = STEPS_MAX; depth-- > 1;)
        for (size_t i = 0; i < n; i++) {
            struct candidate *k = &found[i];
            const struct lens_step *next = &k->place->steps[k->n];
            if (k->n != depth || k->cut == GUARD_NEVER ||
                !object_makes(c, s->o, k->place, k->n))
                continue;
            if (k->node->is_each)
                return compose_stop(c, s->o->about,
                                    "elements that are emptied go");
            if (next->kind != LENS_KEY)
                continue; /* a list whose elements stay is not empty */
            guard emptied = both(c, k->cut, node_void(c, k->node));
            node_limit(c, k->node, guard_not(&c->guards, emptied));
        }
    return true;
}

/* ---- 5. refuse ------------------------------------------------------------------- */

/* When both are there and equal. */
static bool
when_same(struct compose *c, const struct normal_node *x,
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
            guard texts = both(c, ask_types(c, a, LENS_STRING),
                               ask_types(c, b, LENS_STRING));
            guard unclean = either(c, ask_unclean(c, a), ask_unclean(c, b));
            if (!say_check(c, both(c, both(c, meet, texts), unclean), scope,
                           NULL, "a text holds a lone surrogate"))
                return false;
            *out = either(c, *out, both(c, meet, ask_same(c, a, b)));
        }
    return true;
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
    guard stands = both(c, node_present(c, there), t->when);
    guard same = GUARD_NEVER;
    if (stands == GUARD_NEVER)
        return true;
    if (brought && !when_same(c, there, brought, t->when, at->scope, &same))
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

static bool
strangers(struct step *s, const struct take *t)
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

static bool
is_dead(const struct normal_node *n)
{
    return n->n_alts == 0;
}

/* Put `value` where the dead `slot` is. */
static void
replace(struct normal_node *host, struct normal_node *slot,
        struct normal_node *value)
{
    for (size_t i = 0; i < host->n_kids; i++)
        if (host->kids[i] == slot)
            host->kids[i] = value;
    value->key = slot->key;
    value->parent = host;
}

/* All alternatives of `value` at `to`, which has some of its own. */
static bool
merge(struct compose *c, struct normal_node *to, struct normal_node *value)
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
        replace(to->parent, to, value);
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
    if (!is_dead(to->node))
        return merge(c, to->node, value);
    replace(to->host, to->node, value);
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
    if (is_inside_another(s, t) && !strangers(s, t))
        return false;
    if (is_dead(t->value))
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

static bool
land_all(struct step *s)
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
            !strangers(s, &s->takes[i]))
            return false;
    return true;
}

/* ---- 7. fill ------------------------------------------------------------------------ */

static bool
fill_at(struct step *s, struct take *t, guard when, struct normal_node *value)
{
    struct compose *c = s->c;
    const struct lens_place *place = &t->way->place[c->write];
    const struct lens_origin *origin = &t->way->origin;
    struct spot to;
    if (!spot_read(c, s->o, s->o->root, place, when, &to))
        return false;
    if (t->has_from && !spot_same_stars(&to, &t->from))
        return compose_stop(c, origin,
                            "values go from the elements of one list to "
                            "those of another");
    guard empty = without(c, node_present(c, value), node_present(c, to.node));
    if (t->arrow->host_make) {
        if (!spot_make(c, s->o, place, t->has_from ? &t->from : NULL, empty,
                       origin, &to))
            return false;
    } else {
        unsigned host = to.node->is_each ? (unsigned)(LENS_OBJECT | LENS_LIST)
                                         : (unsigned)LENS_OBJECT;
        empty = both(c, empty, node_types(c, to.host, host));
    }
    node_limit(c, value, empty);
    guard filled = node_present(c, value);
    struct normal_order order = order_of(c, origin);
    for (size_t i = 0; i < value->n_alts; i++) {
        value->alts[i].order = order;
        value->alts[i].made = false;
    }
    if (!say_notice(c, filled, to.scope, NOTICE_DEFAULTED, origin))
        return false;
    if (filled == GUARD_NEVER)
        return true;
    if (!is_dead(to.node))
        return merge(c, to.node, value);
    if (to.node->is_each)
        return compose_stop(c, origin, "an element would have to be made");
    replace(to.host, to.node, value);
    return true;
}

static bool
fill(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    struct normal_node *value = NULL;
    guard when = t->when;
    uint32_t scope = s->o->scope;
    struct spot at = {0};
    if (!t->fill)
        return true;
    s->o->about = &t->arrow->origin;
    if (t->arrow->kind == LENS_MAP) {
        /* ⊥ was there, or what was there became ⊥ when it was emptied. */
        guard there = node_present(c, t->as_it_came);
        when = without(c, when, there);
        scope = t->from.scope;
        for (size_t i = 0; i < t->from.n_stars; i++)
            when = both(c, when, node_present(c, t->from.stars[i]));
    } else {
        if (!spot_read(c, s->o, s->o->root, &t->way->place[c->write], when,
                       &at))
            return false;
        when = without(c, when, node_present(c, at.node));
        scope = at.scope;
        for (size_t i = 0; i < at.n_stars; i++)
            when = both(c, when, node_present(c, at.stars[i]));
    }
    if (when == GUARD_NEVER)
        return true;
    if (!captured_give(c, t->fill, &t->way->origin, scope, when, &value))
        return false;
    /* A literal is spelt as the side read spells it, so it runs through the arrow. */
    if (t->arrow->kind == LENS_MAP &&
        t->arrow->absent[c->read].kind == LENS_VALUE_LITERAL &&
        !bring(c, s->o, t->arrow, t->way, scope, value))
        return false;
    return fill_at(s, t, when, value);
}

static bool
fill_all(struct step *s)
{
    for (size_t depth = 1; depth <= STEPS_MAX; depth++)
        for (unsigned own = 0; own < 2; own++)
            for (size_t i = 0; i < s->n; i++) {
                struct take *t = &s->takes[i];
                if (!t->leads || t->way->place[s->c->write].n != depth ||
                    (t->arrow->kind != LENS_MAP) != own)
                    continue;
                if (!fill(s, t))
                    return false;
            }
    return true;
}

/* ---- 8. mark ------------------------------------------------------------------------- */

const char normal_wrong_marker[] = "the document says another version";

static bool
mark_read(struct step *s)
{
    struct compose *c = s->c;
    for (size_t i = 0; i < s->o->at->n_markers; i++) {
        struct spot at;
        if (!spot_read(c, s->o, s->o->root, &s->o->at->markers[i], s->o->when,
                       &at))
            return false;
        guard wrong = without(c, node_present(c, at.node),
                              node_equals(c, at.node, s->o->at->marks[i]));
        if (!say_check(c, both(c, s->o->when, wrong), s->o->scope, NULL,
                       normal_wrong_marker))
            return false;
    }
    return true;
}

static bool
mark_write(struct step *s)
{
    struct compose *c = s->c;
    const struct lens_type_at *read = s->o->at;
    const struct lens_type_at *write = s->o->next;
    bool moves = read->n_markers != write->n_markers;
    if (read->n_constants || write->n_constants)
        return compose_stop(c, NULL, "constants of a version");
    for (size_t i = 0; !moves && i < read->n_markers; i++)
        moves = !lens_place_same(&read->markers[i], &write->markers[i]);
    if (moves)
        return compose_stop(c, NULL, "a marker moves");
    for (size_t i = 0; i < write->n_markers; i++) {
        struct spot at;
        if (!spot_read(c, s->o, s->o->root, &write->markers[i], s->o->when,
                       &at))
            return false;
        guard same = node_equals(c, at.node, write->marks[i]);
        struct normal_node *n = at.node;
        guard before = node_present(c, n);
        if (guard_implies(&c->guards, before, same))
            continue;
        if (json_is_container(write->marks[i]) || n->state)
            return compose_stop(c, NULL, "a marker that is no scalar");
        uint32_t term = term_const(c, write->marks[i]);
        for (size_t k = 0; k < n->n_alts; k++) {
            n->alts[k].kind = ALT_TERM;
            n->alts[k].term = term;
        }
        n->n_kids = 0;
    }
    return true;
}

/* ---- what was lost --------------------------------------------------------------------- */

static bool
settle(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    const struct lens_arrow *arrow = t->arrow;
    const struct lens_origin *origin = &t->way->origin;
    guard request = ask(c, (struct atom){.kind = ATOM_REQUEST});
    guard there = node_present(c, t->as_it_came);
    guard same = GUARD_NEVER;
    uint32_t scope = t->from.scope;
    s->o->about = &arrow->origin;
    if (arrow->kind == LENS_DROP && arrow->write == LENS_WRITE_REFUSE &&
        !say_check(c, both(c, there, request), scope, origin,
                   "this can no longer be written"))
        return false;
    if (arrow->fill.kind == LENS_VALUE_LITERAL)
        same = node_equals(c, t->as_it_came, arrow->fill.literal);
    else if (arrow->fill.kind != LENS_VALUE_UNSAID &&
             arrow->fill.kind != LENS_VALUE_ABSENT)
        return compose_stop(c, origin,
                            "what is dropped is compared with a value that "
                            "the other side makes up");
    if (arrow->fill.kind == LENS_VALUE_LITERAL &&
        arrow->fill.literal->kind == JSON_TEXT)
        for (size_t i = 0; i < t->as_it_came->n_alts; i++) {
            const struct normal_alt *alt = &t->as_it_came->alts[i];
            uint32_t term = node_scalar(c, alt);
            if (term != NORMAL_NONE &&
                !say_check(c, both(c, alt->when, ask_unclean(c, term)), scope,
                           NULL, "a text holds a lone surrogate"))
                return false;
        }
    guard lost = without(c, there, same);
    guard refused = arrow->kind == LENS_DROP && arrow->write == LENS_WRITE_SAME
                        ? both(c, lost, request)
                        : GUARD_NEVER;
    return say_check(c, refused, scope, origin,
                     "this can no longer be written") &&
           say_notice(c, without(c, lost, refused), scope, NOTICE_LOSSY,
                      origin) &&
           node_gone(c, t->value, scope);
}

/* ---- 3. inner ---------------------------------------------------------------------------- */

struct inner {
    struct normal_node *node;
    size_t type;
    uint32_t scope;
};

static bool
inner_find(struct step *s, struct inner *found, struct normal_node **nodes,
           size_t *n_found)
{
    struct compose *c = s->c;
    for (size_t i = 0; i < s->o->at->n_children; i++) {
        const struct lens_child *child = &s->o->at->children[i];
        struct spot at;
        guard typed = GUARD_ALWAYS;
        if (child->through)
            return compose_stop(c, NULL, "a type inside a text");
        if (child->guard.said)
            return compose_stop(c, NULL, "a type while a case fits");
        if (!spot_read(c, s->o, s->o->root, &child->place, s->o->when, &at))
            return false;
        if (child->when.said) {
            if (!shape_fits(c, s->o, at.node, &child->when, s->o->when, &typed))
                return false;
            if (!guard_implies(&c->guards, node_present(c, at.node), typed))
                return compose_stop(c, NULL, "a type of some values only");
        }
        bool known = at.node == s->o->root;
        for (size_t k = 0; k < *n_found; k++)
            known = known || nodes[k] == at.node;
        if (known)
            continue;
        nodes[*n_found] = at.node;
        found[(*n_found)++] = (struct inner){at.node, child->type, at.scope};
    }
    return true;
}

static bool
is_inline(const struct step *s, size_t type)
{
    const struct compose *c = s->c;
    return c->reaches[s->o->type_index * c->api->n_types + type];
}

static bool
inner_object(struct step *s, const struct inner *in)
{
    struct compose *c = s->c;
    const struct lens_type *type = &c->api->types[in->type];
    size_t table = c->up ? c->at : c->at - 1;
    struct object o = {.type = type,
                       .type_index = in->type,
                       .at = &type->at[c->at],
                       .next = &type->at[c->up ? c->at + 1 : c->at - 1],
                       .block = c->api->tables[table].blocks[in->type],
                       .root = in->node,
                       .scope = in->scope,
                       .when = node_types(c, in->node, LENS_OBJECT)};
    return step_object(c, &o);
}

bool
step_object(struct compose *c, struct object *o)
{
    struct step s = {.c = c, .o = o};
    size_t n_children = o->at->n_children;
    struct inner *found = arena_array(c->a, n_children + 1, sizeof(*found));
    struct normal_node **nodes =
        arena_array(c->a, n_children + 1, sizeof(struct normal_node *));
    size_t n = 0;
    size_t n_inline = 0;
    if (!found || !nodes)
        return compose_full(c);
    if (o->block && o->block->n_choices)
        return compose_stop(c, &o->block->choices[0].origin, "cases at a type");
    if (!mark_read(&s) || !inner_find(&s, found, nodes, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_inline(&s, found[i].type)) {
            nodes[n_inline] = found[i].node;
            found[n_inline++] = found[i];
        } else if (!inner_state(c, found[i].node, found[i].type)) {
            return false;
        }
    }
    o->n_inline = n_inline;
    for (size_t i = 0; o->block && i < o->block->n_arrows; i++)
        if (!choose(&s, &o->block->arrows[i]))
            return false;
    if (!take_all(&s, nodes, n_inline))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!cut_box(&s, &s.takes[i], nodes, n_inline))
            return false;
    for (size_t i = 0; i < n_inline; i++)
        if (!inner_object(&s, &found[i]))
            return false;
    if (!prune(&s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        struct take *t = &s.takes[i];
        if (!t->value || !t->leads)
            continue;
        t->as_it_came =
            node_new(c, NULL, (span){0}); /* its presence is asked */
        if (!t->as_it_came)
            return false;
        for (size_t k = 0; k < t->value->n_alts; k++)
            if (!node_add(c, t->as_it_came,
                          (struct normal_alt){.when = t->value->alts[k].when,
                                              .kind = ALT_MADE}))
                return false;
        o->about = &t->arrow->origin;
        if (!bring(c, o, t->arrow, t->way, t->from.scope, t->value))
            return false;
    }
    for (size_t i = 0; i < s.n; i++)
        if (s.takes[i].leads && !strangers(&s, &s.takes[i]))
            return false;
    if (!land_all(&s) || !fill_all(&s) || !mark_write(&s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.takes[i].is_own && !settle(&s, &s.takes[i]))
            return false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
