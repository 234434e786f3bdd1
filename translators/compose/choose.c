/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose: which arrows may hold, where they read, and what their values read.
 */
#include "translators/compose/step.h"

/* ---- 1. choose ----------------------------------------------------------------- */

static bool
is_on(const struct lens_arrow *arrow, enum lens_side side)
{
    return arrow->kind == LENS_MAP ||
           side == (arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER);
}

/* Does the place name the very member whose value finds its element? */
static bool
is_tag(const struct lens_place *place)
{
    size_t n = lens_way_element(place);
    const struct lens_step *step = n ? &place->steps[n - 1] : NULL;
    for (size_t i = 0; step && i < step->n_finds; i++) {
        const struct lens_find *find = &step->finds[i];
        if (find->kind == LENS_EQUALS &&
            span_eq(find->member.steps[0].key, place->steps[n].key))
            return true;
    }
    return false;
}

/* Why an arrow has no normal form yet; NULL: it has. */
static const char *
unknown_way(const struct lens_arrow *arrow, const struct lens_way *way)
{
    if (way->open && arrow->kind == LENS_MAP)
        return "an open set";
    if (way->rest.kind == LENS_REST_STASH)
        return "a stash";
    if (way->hide == LENS_HIDE_VALUE && way->hidden.kind != LENS_VALUE_LITERAL)
        return "an expression for what is hidden";
    if (way->drop_doubles && arrow->n_ways > 1)
        return "doubles of several cases that are dropped";
    for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++) {
        const struct lens_place *place = &way->place[side];
        if (!is_on(arrow, side) || !way->has[side])
            continue;
        if (place->n == 0)
            return "an arrow of the object itself";
        if (place->steps[place->n - 1].kind != LENS_KEY &&
            place->steps[place->n - 1].kind != LENS_EACH)
            return "an element itself moves";
        if (is_tag(place))
            return "an element's tag moves";
    }
    return NULL;
}

static const char *
unknown_kind(const struct lens_arrow *arrow)
{
    const char *unknown = NULL;
    for (size_t i = 0; !unknown && i < arrow->n_ways; i++)
        unknown = unknown_way(arrow, &arrow->ways[i]);
    return unknown;
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

struct take *
step_add_take(struct step *s, struct take take)
{
    void *grown = COMPOSE_GROW(s->c, s->takes, s->n, s->room);
    if (!grown)
        return NULL;
    s->takes = grown;
    s->takes[s->n] = take;
    return &s->takes[s->n++];
}

static bool
capture_fill(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct lens_arrow *arrow = t->arrow;
    const struct lens_value *fill = arrow->kind == LENS_MAP
                                        ? &arrow->absent[c->read]
                                    : t->is_own ? NULL
                                                : &arrow->fill;
    bool is_there = t->has_from && !t->is_back;
    return !fill || captured_read(c, s->o, fill, t->when,
                                  is_there ? &t->from : NULL, &t->fill);
}

static bool
choose_place(struct step *s, const struct lens_arrow *arrow, guard when)
{
    struct compose *c = s->c;
    const struct lens_way *way = &arrow->ways[0];
    struct take *t = step_add_take(
        s, (struct take){.arrow = arrow,
                         .way = way,
                         .when = when,
                         .has_from = is_on(arrow, c->read) || arrow->has_stash,
                         .leads = is_on(arrow, c->write) || arrow->has_stash});
    if (!t)
        return false;
    t->meets = t->leads;
    t->target = t->leads ? &way->place[c->write] : NULL;
    t->is_own = is_on(arrow, c->read) && !is_on(arrow, c->write);
    t->is_back = !is_on(arrow, c->read) && arrow->has_stash;

    if (t->has_from &&
        !spot_read(c, s->o, s->o->root, &way->place[c->read], when, &t->from))
        return false;
    return capture_fill(s, t) && may_replace(c, s->o, arrow, when) &&
           step_keep_rest(s, t);
}

/* ---- cases ------------------------------------------------------------------------- */

/* All ways of one arrow, and what is there. */
struct ways {
    struct step *s;
    const struct lens_arrow *arrow;
    struct spot *spots; /* of the ways that have a place */
    guard *taken;       /* the way is the one whose shape fits */
    guard there;        /* something is, at some place */
    size_t first;       /* way with a place */
};

/* The shape of the side that is read; and where the value is written as it is, that of
 * the other side, or it would come back as another case. */
static bool
way_fits(const struct ways *w, size_t i, guard when, guard *fits)
{
    struct compose *c = w->s->c;
    const struct lens_way *way = &w->arrow->ways[i];
    const struct lens_shape *read = &way->shape[c->read];
    const struct lens_shape *write = &way->shape[c->write];
    struct normal_node *n = w->spots[i].node;
    bool as_it_is = way->stages.n == 0 && way->has[c->write] &&
                    read->n_tags + write->n_tags == 0 && !read->constant &&
                    !write->constant && !read->has_inside && !write->has_inside;
    guard also = GUARD_ALWAYS;
    if (!shape_fits(c, w->s->o, n, read, when, fits))
        return false;
    when = both(c, when, *fits);
    if (as_it_is && write->said &&
        !shape_fits(c, w->s->o, n, write, when, &also))
        return false;
    *fits = both(c, *fits, also);
    return true;
}

static bool
read_ways(struct ways *w, guard when, guard *left)
{
    struct compose *c = w->s->c;
    *left = when;
    w->first = w->arrow->n_ways;
    for (size_t i = w->arrow->n_ways; i-- > 0;) {
        const struct lens_way *way = &w->arrow->ways[i];
        if (!way->has[c->read])
            continue;
        if (!spot_read(c, w->s->o, w->s->o->root, &way->place[c->read], when,
                       &w->spots[i]))
            return false;
        w->there = either(c, w->there, node_present(c, w->spots[i].node));
        w->first = i;
    }
    for (size_t i = w->first; i < w->arrow->n_ways; i++) {
        guard fits = GUARD_NEVER;
        if (!w->arrow->ways[i].has[c->read])
            continue;
        if (!way_fits(w, i, *left, &fits))
            return false;
        w->taken[i] = both(c, *left, fits);
        *left = without(c, *left, fits);
    }
    return true;
}

/* A way without a place on the side that is written leads where the first one does that
 * has one. */
static const struct lens_place *
target_of(const struct compose *c, const struct lens_arrow *arrow, size_t way)
{
    size_t i = way;
    for (size_t k = 0; !arrow->ways[i].has[c->write] && k < arrow->n_ways; k++)
        i = k;
    return arrow->ways[i].has[c->write] ? &arrow->ways[i].place[c->write]
                                        : NULL;
}

static bool
take_way(const struct ways *w, size_t i, guard when)
{
    struct step *s = w->s;
    const struct lens_place *target = target_of(s->c, w->arrow, i);
    struct take *t = step_add_take(s, (struct take){.arrow = w->arrow,
                                                    .way = &w->arrow->ways[i],
                                                    .when = when,
                                                    .has_from = true,
                                                    .from = w->spots[i],
                                                    .meets = true,
                                                    .leads = target != NULL,
                                                    .target = target});
    return t && capture_fill(s, t) && step_keep_rest(s, t);
}

/* What is at another case's place of the arrow has none on the other side. */
static bool
leave_over(const struct ways *w, size_t taken, guard when)
{
    struct compose *c = w->s->c;
    guard request = ask(c, (struct atom){.kind = ATOM_REQUEST});
    for (size_t i = 0; i < w->arrow->n_ways; i++) {
        const struct normal_node *n = w->spots[i].node;
        bool seen = !n || n == w->spots[taken].node;
        for (size_t k = 0; k < i; k++)
            seen = seen || n == w->spots[k].node;
        if (seen)
            continue;
        guard here = both(c, when, node_present(c, n));
        if (!w->arrow->overlap_first &&
            !say_check(c, both(c, here, request), w->spots[i].scope,
                       &w->arrow->origin,
                       "two cases of one arrow are there at once"))
            return false;
        if (here != GUARD_NEVER &&
            !step_add_take(w->s, (struct take){.arrow = w->arrow,
                                               .way = &w->arrow->ways[0],
                                               .when = here,
                                               .has_from = true,
                                               .from = w->spots[i],
                                               .is_lost = true}))
            return false;
    }
    return true;
}

/* Something is there, and no case fits it. */
static bool
take_none(const struct ways *w, guard when)
{
    struct compose *c = w->s->c;
    const struct lens_arrow *arrow = w->arrow;
    struct take t = {
        .arrow = arrow, .way = &arrow->ways[0], .when = when, .meets = true};
    for (size_t i = w->first; i < arrow->n_ways; i++)
        if (w->spots[i].node && w->spots[i].node != w->spots[w->first].node &&
            arrow->otherwise != LENS_ELSE_FAIL)
            return compose_stop(c, &arrow->origin,
                                "cases at several places, and one that fits "
                                "none");
    t.from = w->spots[w->first];
    switch (arrow->otherwise) {
    case LENS_ELSE_FAIL:
        return say_check(c, when, t.from.scope, &arrow->origin,
                         "no case of this arrow fits");
    case LENS_ELSE_PASS:
        t.stays = true;
        break;
    case LENS_ELSE_HIDE:
        t.has_from = true;
        t.is_hidden = true;
        break;
    }
    return when == GUARD_NEVER || step_add_take(w->s, t);
}

static bool
choose_ways(struct step *s, const struct lens_arrow *arrow, guard when)
{
    struct compose *c = s->c;
    struct ways w = {.s = s, .arrow = arrow};
    guard left = GUARD_NEVER;
    w.spots = arena_array(c->a, arrow->n_ways, sizeof(*w.spots));
    w.taken = arena_array(c->a, arrow->n_ways, sizeof(*w.taken));
    if (!w.spots || !w.taken)
        return compose_full(c);
    if (!read_ways(&w, when, &left))
        return false;
    if (w.first == arrow->n_ways)
        return true;
    /* Nothing is there, and no case says what that is: the first may fill it. */
    w.taken[w.first] = either(c, w.taken[w.first], without(c, left, w.there));
    for (size_t i = w.first; i < arrow->n_ways; i++)
        if (w.taken[i] != GUARD_NEVER &&
            (!take_way(&w, i, w.taken[i]) || !leave_over(&w, i, w.taken[i])))
            return false;
    return take_none(&w, both(c, left, w.there));
}

bool
step_choose(struct step *s, const struct lens_arrow *arrow)
{
    struct compose *c = s->c;
    const char *unknown = unknown_kind(arrow);
    guard when = both(c, s->o->when, facts(c, arrow));
    guard holds = GUARD_ALWAYS;
    s->o->about = &arrow->origin;
    if (unknown)
        return compose_stop(c, &arrow->origin, unknown);
    if (arrow->when[c->read].said &&
        !shape_fits(c, s->o, s->o->root, &arrow->when[c->read], when, &holds))
        return false;
    when = both(c, when, holds);
    if (arrow->ways[0].open)
        return step_choose_open(s, arrow, when);
    if (arrow->joint)
        return step_choose_joint(s, arrow, when);
    return arrow->has_cases || arrow->n_ways > 1 ? choose_ways(s, arrow, when)
                                                 : choose_place(s, arrow, when);
}
