/* SPDX-License-Identifier: Apache-2.0 */
/*
 * each: one value / the same in every element.
 */
#include "translators/compose/joint.h"

/* The step at which place's star number `n` stands. */
static size_t
step_of_star(const struct lens_place *place, size_t n)
{
    size_t at = 0;
    while (at < place->n && (place->steps[at].kind != LENS_EACH || n-- > 0))
        at++;
    return at;
}

/* All elements that came are there now, and no others. */
static bool
are_all(struct compose *c, struct normal_node *list, struct normal_node *each)
{
    guard came = GUARD_NEVER;
    for (size_t i = 0; i < list->n_alts; i++)
        if (list->alts[i].kind == ALT_SOURCE)
            came = either(
                c, came,
                both(c, list->alts[i].when,
                     ask_present(c, source_each(c, list->alts[i].source))));
    return node_present(c, each) == came &&
           node_types(c, list, LENS_OBJECT | LENS_LIST) == came &&
           !(each->state && each->state->may_vanish);
}

/* ---- one value in every element ------------------------------------------------------ */

bool
join_spread(struct joining *g)
{
    struct compose *c = g->s->c;
    struct take *t = &g->joined[0];
    struct normal_node *value = g->parts[0].value;
    if (node_has_states(value))
        return compose_stop(c, &g->arrow->origin,
                            "an object of a type goes to every element");
    if (g->arrow->collide == LENS_COLLIDE_KEEP)
        return compose_stop(c, &g->arrow->origin,
                            "elements keep what stands where a value goes");
    if (!bring(c, g->s->o, g->arrow, t->way, g->scope, &value))
        return false;
    t->value = value;
    return true;
}

/* Lists without an element, of what is at `list`. */
static guard
nothing_in(struct compose *c, const struct normal_node *list)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < list->n_alts; i++) {
        const struct normal_alt *alt = &list->alts[i];
        if (alt->kind != ALT_SOURCE)
            continue;
        uint32_t term = term_of_source(c, alt->source);
        guard empty =
            both(c, ask_types(c, term, LENS_LIST),
                 ask(c, (struct atom){.kind = ATOM_EMPTY, .term = term}));
        guard bare = without(
            c, ask_types(c, term, LENS_OBJECT),
            ask(c, (struct atom){.kind = ATOM_OTHERS, .source = alt->source}));
        is = either(c, is, both(c, alt->when, either(c, empty, bare)));
    }
    return is;
}

bool
step_land_spread(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct lens_origin *origin = &t->arrow->origin;
    size_t at = step_of_star(t->target, t->from.n_stars);
    struct lens_place above = {t->target->steps, at, t->target->text};
    struct spot list, to;
    if (step_is_dead(t->value))
        return true;
    if (step_of_star(t->target, t->from.n_stars + 1) < t->target->n)
        return compose_stop(c, origin, "a value goes to elements of elements");
    if (!spot_read(c, s->o, s->o->root, &above, GUARD_NEVER, &list))
        return false;
    struct normal_node *each = node_each(c, list.node);
    if (!each)
        return false;
    if (!are_all(c, list.node, each))
        return compose_stop(c, origin, "a value goes to elements that may go");
    guard there = node_present(c, t->value);
    guard some = without(c, node_present(c, each), nothing_in(c, list.node));
    guard none = without(c, there, some);
    if (!(t->arrow->joint->none_refuse
              ? say_check(c, none, t->from.scope, origin,
                          "this is in every element, and there is none")
              : say_notice(c, none, t->from.scope, NOTICE_LOSSY, origin)))
        return false;
    node_limit(c, t->value, node_present(c, each));
    return spot_make(c, s->o, t->target, NULL, node_present(c, t->value),
                     origin, &to) &&
           step_put(s, t, &to);
}

/* ---- the same in every element: one value --------------------------------------------- */

static bool
settle_unequal(struct joining *g, guard some, uint32_t term, guard unequal)
{
    struct compose *c = g->s->c;
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    guard bad = GUARD_NEVER;
    switch (g->joint->unequal) {
    case LENS_UNEQUAL_FAIL:
        bad = unequal;
        break;
    case LENS_UNEQUAL_NULL:
        if (!join_give(g, 0, unequal, term_const(c, &null)))
            return false;
        some = without(c, some, unequal);
        break;
    case LENS_UNEQUAL_FIRST:
    case LENS_UNEQUAL_KEEP: /* has stopped */
        break;
    case LENS_UNEQUAL_MIN:
    case LENS_UNEQUAL_MAX:
    case LENS_UNEQUAL_SUM:
        bad = both(c, unequal,
                   ask(c, (struct atom){.kind = ATOM_OUTSIDE, .term = term}));
        break;
    }
    return join_fails(g, bad,
                      "this is not the same in every element, and "
                      "the other version has one value") &&
           join_lossy(g, without(c, unequal, bad)) &&
           join_give(g, 0, without(c, some, bad), term);
}

bool
join_gather(struct joining *g)
{
    struct compose *c = g->s->c;
    struct take *t = &g->joined[0];
    struct take *part = &g->parts[0];
    const struct spot *from = &part->from;
    const struct lens_origin *origin = &g->arrow->origin;
    if (from->n_stars != t->from.n_stars + 1)
        return compose_stop(c, origin, "one value of elements of elements");
    struct normal_node *each = from->stars[t->from.n_stars];
    struct normal_node *list =
        from->path[step_of_star(from->place, t->from.n_stars)];
    if (node_has_states(part->value))
        return compose_stop(c, origin,
                            "objects of a type become one in all elements");
    t->value = node_new(c, NULL, (span){0});
    t->as_it_came = node_new(c, NULL, (span){0});
    part->as_it_came = t->as_it_came;
    if (!t->value || !t->as_it_came)
        return false;
    if (each->each == NORMAL_NONE) /* no list ever came here */
        return true;
    if (!are_all(c, list, each))
        return compose_stop(c, origin, "one value of elements that may go");
    uint32_t inner = join_term(c, part->value);
    if (inner == NORMAL_NONE)
        return false;
    uint32_t term = term_make(c, (struct term){.kind = TERM_COMMON,
                                               .of = inner,
                                               .source = each->each,
                                               .n = g->joint->unequal});
    guard listed = both(c, part->when, node_present(c, each));
    guard some =
        both(c, listed, ask(c, (struct atom){.kind = ATOM_SOME, .term = term}));
    guard unequal = both(
        c, some, ask(c, (struct atom){.kind = ATOM_UNEQUAL, .term = term}));
    guard unclean = both(
        c, some, ask(c, (struct atom){.kind = ATOM_UNREADABLE, .term = term}));
    g->there = some;
    if (!node_add(c, t->as_it_came,
                  (struct normal_alt){.when = some, .kind = ALT_MADE}) ||
        !say_check(c, unclean, g->scope, NULL,
                   "a text holds a lone surrogate") ||
        !settle_unequal(g, some, term, unequal))
        return false;
    return bring(c, g->s->o, g->arrow, t->way, g->scope, &t->value);
}

/* What has one value in all its elements is there whatever they hold, and so are they. */
guard
step_stands(const struct step *s, const struct normal_node *n)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < s->n; i++) {
        const struct take *t = &s->takes[i];
        if (t->role != TAKE_PART || t->arrow->joint->kind != LENS_JOINT_EACH ||
            s->c->read == t->arrow->joint->one)
            continue;
        size_t first = step_of_star(t->from.place, join_stars(t->arrow->joint));
        size_t last = t->from.place->n;
        while (last > 0 && t->from.place->steps[last - 1].kind != LENS_EACH)
            last--;
        for (size_t k = first; k <= last; k++)
            if (t->from.path[k] == n)
                is = either(s->c, is, t->when);
    }
    return is;
}
