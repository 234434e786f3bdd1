/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill: what is made up, markers, and what was lost.
 */
#include "translators/compose/step.h"

/* ---- 7. fill ------------------------------------------------------------------------ */

static bool
fill_at(struct step *s, struct take *t, guard when, struct normal_node *value)
{
    struct compose *c = s->c;
    const struct lens_place *place = t->target;
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
    if (!step_is_dead(to.node))
        return node_merge(c, to.node, value);
    if (to.node->is_each)
        return compose_stop(c, origin, "an element would have to be made");
    step_replace(to.host, to.node, value);
    return true;
}

/* Of an arrow with cases, the way whose shape the literal has. */
static bool
way_for(struct step *s, struct take *t, struct normal_node *value)
{
    struct compose *c = s->c;
    const struct lens_arrow *arrow = t->arrow;
    guard there = node_present(c, value);
    for (size_t i = 0; arrow->has_cases && i < arrow->n_ways; i++) {
        const struct lens_way *way = &arrow->ways[i];
        guard fits = GUARD_NEVER;
        if (!way->has[c->read] || !way->has[c->write])
            continue;
        if (!shape_fits(c, s->o, value, &way->shape[c->read], GUARD_NEVER,
                        &fits))
            return false;
        fits = both(c, fits, there);
        if (fits == there) {
            t->way = way;
            t->target = &way->place[c->write];
            return true;
        }
        if (fits != GUARD_NEVER)
            return compose_stop(c, &arrow->origin,
                                "which case a made up value is of");
    }
    return true;
}

static bool
fill(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    struct normal_node *value = NULL;
    guard when = t->when;
    uint32_t scope;
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
        if (!spot_read(c, s->o, s->o->root, t->target, when, &at))
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
        (!way_for(s, t, value) ||
         !bring(c, s->o, t->arrow, t->way, scope, &value)))
        return false;
    return fill_at(s, t, when, value);
}

bool
step_fill(struct step *s)
{
    for (size_t depth = 1; depth <= STEPS_MAX; depth++)
        for (unsigned own = 0; own < 2; own++)
            for (size_t i = 0; i < s->n; i++) {
                struct take *t = &s->takes[i];
                if (!t->leads || t->target->n != depth ||
                    (t->arrow->kind != LENS_MAP) != own)
                    continue;
                if (!fill(s, t))
                    return false;
            }
    return true;
}

/* ---- 8. mark ------------------------------------------------------------------------- */

const char normal_wrong_marker[] = "the document says another version";

bool
step_mark_read(struct step *s)
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

bool
step_mark_write(struct step *s)
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
        n->others = NULL;
    }
    return true;
}

/* ---- what was lost --------------------------------------------------------------------- */

/*
 * What the other side would make up for what was taken, asked of the object as it is
 * now; nothing is told of it, and where it fails nothing is made up.
 */
static bool
give_back(struct step *s, const struct take *t, guard when,
          struct normal_node **out)
{
    struct compose *c = s->c;
    struct object back = *s->o;
    struct captured *fill = NULL;
    back.at = s->o->next;
    back.next = s->o->at;
    *out = NULL;
    if (!captured_read(c, &back, &t->arrow->fill, when, &t->from, &fill))
        return false;
    return !fill ||
           captured_give(c, fill, &t->way->origin, t->from.scope, when, out);
}

static bool
made_up(struct step *s, const struct take *t, guard when, guard *same)
{
    struct compose *c = s->c;
    struct normal_node *fill = NULL;
    enum lens_side read = c->read;
    guard fails = c->fails;
    bool asks = c->asks;
    *same = GUARD_NEVER;
    if (when == GUARD_NEVER)
        return true;
    c->asks = true;
    c->fails = GUARD_NEVER;
    c->read = c->write;
    c->write = read;
    bool ok = give_back(s, t, when, &fill);
    if (ok && fill)
        node_limit(c, fill, guard_not(&c->guards, c->fails));
    c->write = c->read;
    c->read = read;
    c->asks = asks;
    c->fails = fails;
    return ok && (!fill || nodes_same(c, t->as_it_came, fill, when,
                                      t->from.scope, same));
}

bool
step_settle(struct step *s, const struct take *t)
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
    if (!made_up(s, t, there, &same))
        return false;
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

bool
step_stash(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct lens_arrow *arrow = t->arrow;
    struct staging st = {.stages = &t->way->stages,
                         .outside = t->way->outside,
                         .rest = LENS_REST_UNSAID,
                         .origin = &t->way->origin,
                         .scope = t->from.scope};
    guard there = node_present(c, t->value);
    guard refused = GUARD_NEVER;
    s->o->about = &arrow->origin;
    /* In a stash nothing is translated. */
    if (node_has_states(t->value) || s->o->n_inline)
        return compose_stop(c, &arrow->origin,
                            "an object of a type is stashed");
    if (arrow->kind == LENS_DROP && arrow->write == LENS_WRITE_REFUSE)
        refused = both(c, there, ask(c, (struct atom){.kind = ATOM_REQUEST}));
    if (!say_check(c, refused, t->from.scope, &t->way->origin,
                   "this can no longer be written"))
        return false;
    /* What the other side makes up need not be kept. */
    if (arrow->fill.kind == LENS_VALUE_LITERAL)
        node_limit(c, t->value,
                   guard_not(&c->guards,
                             node_equals(c, t->value, arrow->fill.literal)));
    return stage_all(c, &st, t->value);
}

/* Does an object of a type of this side stand where it comes back, or in it? It is what it
 * was when it was stashed: only what follows translates it. */
static bool
is_typed(const struct object *o, const struct lens_place *place)
{
    for (size_t i = 0; i < o->next->n_children; i++) {
        const struct lens_place *child = &o->next->children[i].place;
        size_t n = child->n < place->n ? child->n : place->n;
        struct lens_place x = {child->steps, n, child->text};
        struct lens_place y = {place->steps, n, place->text};
        if (child->n >= place->n && lens_place_same(&x, &y))
            return true;
    }
    return false;
}

bool
step_unstash(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct staging st = {.stages = &t->way->stages,
                               .outside = LENS_OUTSIDE_FAIL,
                               .rest = LENS_REST_UNSAID,
                               .origin = &t->way->origin,
                               .scope = t->from.scope,
                               .hide = LENS_HIDE_DROP,
                               .goes_as = NOTICE_UNREADABLE};
    s->o->about = &t->arrow->origin;
    if (node_has_states(t->value) || s->o->n_inline ||
        is_typed(s->o, t->target))
        return compose_stop(c, &t->arrow->origin,
                            "an object of a type comes back");
    return stage_all(c, &st, t->value);
}
