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

/* Why an arrow has no normal form yet; NULL: it has. */
static const char *
unknown_kind(const struct compose *c, const struct lens_arrow *arrow)
{
    const struct lens_way *way = &arrow->ways[0];
    if (arrow->joint)
        return "an arrow over several places";
    if (way->open)
        return "an open set";
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

bool
step_choose(struct step *s, const struct lens_arrow *arrow)
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
    return choose_place(s, t) && may_replace(c, s->o, arrow, when) &&
           step_keep_rest(s, t);
}
