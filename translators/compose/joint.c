/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/joint.h"

/* ---- choosing ------------------------------------------------------------------ */

/* The way of this arrow for place `i` of a side. */
static const struct lens_way *
way_for(const struct lens_arrow *arrow, enum lens_side side, size_t i)
{
    const struct lens_joint *j = arrow->joint;
    switch (j->kind) {
    case LENS_JOINT_EACH:
        return &arrow->ways[0];
    case LENS_JOINT_COPY:
    case LENS_JOINT_CONCAT:
        return &arrow->ways[j->n[side] > 1 ? i : 0];
    case LENS_JOINT_SPLIT:
    case LENS_JOINT_TABLE:
        break;
    }
    return &arrow->ways[(side == LENS_NEWER ? j->n[LENS_OLDER] : 0) + i];
}

static bool
add_part(struct step *s, const struct lens_arrow *arrow, size_t i, guard when)
{
    struct compose *c = s->c;
    struct take *t =
        step_add_take(s, (struct take){.arrow = arrow,
                                       .way = way_for(arrow, c->read, i),
                                       .when = when,
                                       .has_from = true,
                                       .role = TAKE_PART,
                                       .part = i,
                                       .n_parts = arrow->joint->n[c->read]});
    return t && spot_read(c, s->o, s->o->root,
                          &arrow->joint->places[c->read][i], when, &t->from);
}

size_t
join_stars(const struct lens_joint *j)
{
    const struct lens_place *one = &j->places[j->one][0];
    size_t n = 0;
    for (size_t i = 0; i < one->n; i++)
        n += one->steps[i].kind == LENS_EACH;
    return n;
}

/* Of the stars that the part has, those that the one place has too. */
static void
trim_stars(const struct object *o, const struct lens_joint *j, struct spot *at)
{
    if (j->kind != LENS_JOINT_EACH)
        return;
    at->n_stars = join_stars(j);
    at->scope = at->n_stars ? at->stars[at->n_stars - 1]->each : o->scope;
}

static bool
add_joined(struct step *s, const struct lens_arrow *arrow, size_t i, guard when,
           const struct spot *from)
{
    struct compose *c = s->c;
    const struct lens_joint *j = arrow->joint;
    const struct lens_place *target = &j->places[c->write][i];
    struct take *t =
        step_add_take(s, (struct take){.arrow = arrow,
                                       .way = way_for(arrow, c->write, i),
                                       .when = when,
                                       .leads = true,
                                       .target = target,
                                       .meets = true,
                                       .role = TAKE_JOINED,
                                       .part = i,
                                       .n_parts = j->n[c->read],
                                       .from = *from});
    if (!t)
        return false;
    t->spreads = j->kind == LENS_JOINT_EACH && c->read == j->one;
    t->from.node = NULL; /* of it the stars alone are asked */
    t->from.host = NULL;
    trim_stars(s->o, j, &t->from);
    return captured_read(c, s->o, &arrow->absent[c->read], when, &t->from,
                         &t->fill);
}

bool
step_choose_joint(struct step *s, const struct lens_arrow *arrow, guard when)
{
    struct compose *c = s->c;
    const struct lens_joint *j = arrow->joint;
    size_t first = s->n;
    if (j->kind == LENS_JOINT_CONCAT)
        return compose_stop(c, &arrow->origin, "lists one after another");
    if (j->kind == LENS_JOINT_EACH && j->unequal == LENS_UNEQUAL_KEEP)
        return compose_stop(c, &arrow->origin,
                            "elements keep what is not the same in all");
    for (size_t i = 0; i < j->n[c->read]; i++)
        if (!add_part(s, arrow, i, when))
            return false;
    const struct spot from = s->takes[first].from;
    for (size_t i = 0; i < j->n[c->write]; i++)
        if (!add_joined(s, arrow, i, when, &from))
            return false;
    return true;
}

/* ---- what is said of all of them ------------------------------------------------- */

bool
join_give(const struct joining *g, size_t i, guard when, uint32_t term)
{
    struct compose *c = g->s->c;
    return node_add(
        c, g->joined[i].value,
        (struct normal_alt){.when = when,
                            .kind = ALT_TERM,
                            .term = term,
                            .order = {.step = c->step, .slot = NORMAL_NONE}});
}

bool
join_fails(const struct joining *g, guard when, const char *what)
{
    return say_check(g->s->c, when, g->scope, &g->arrow->origin, what);
}

bool
join_lossy(const struct joining *g, guard when)
{
    return say_notice(g->s->c, when, g->scope, NOTICE_LOSSY, &g->arrow->origin);
}

bool
join_reads(const struct joining *g, const struct normal_node *n, guard when)
{
    struct compose *c = g->s->c;
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t term = node_scalar(c, &n->alts[i]);
        if (term == NORMAL_NONE)
            continue;
        guard read = both(c, when, n->alts[i].when);
        if (!say_check(c, both(c, read, ask_unclean(c, term)), g->scope, NULL,
                       "a text holds a lone surrogate"))
            return false;
    }
    return true;
}

uint32_t
join_term(struct compose *c, const struct normal_node *n)
{
    struct term_part *choice =
        arena_array(c->a, n->n_alts + 1, sizeof(*choice));
    if (!choice) {
        compose_full(c);
        return NORMAL_NONE;
    }
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t term = node_term(c, n, &n->alts[i]);
        if (term == NORMAL_NONE)
            return NORMAL_NONE;
        choice[i] = (struct term_part){n->alts[i].when, term, {0}};
    }
    return term_make(c, (struct term){.kind = TERM_FIRST,
                                      .parts = choice,
                                      .n_parts = n->n_alts});
}

/* ---- one value at several places ---------------------------------------------------- */

/* Where the first that is there is not what all others are. */
static bool
differing(const struct joining *g, guard *out)
{
    struct compose *c = g->s->c;
    guard before = GUARD_NEVER;
    guard all = GUARD_ALWAYS;
    for (size_t i = 0; i < g->n_read; i++) {
        const struct normal_node *first = g->parts[i].value;
        guard here = without(c, node_present(c, first), before);
        if (i == 0)
            all = here;
        for (size_t k = i + 1; k < g->n_read; k++) {
            guard same = GUARD_NEVER;
            if (!nodes_same(c, first, g->parts[k].value, here, g->scope, &same))
                return false;
            if (i == 0)
                all = both(c, all, same);
        }
        before = either(c, before, here);
    }
    *out = without(c, g->there, all);
    return true;
}

/* The first that is there: all that may stand at one place. */
static bool
first_there(const struct joining *g, struct normal_node **out)
{
    struct compose *c = g->s->c;
    struct normal_node *value = g->parts[0].value;
    for (size_t i = 1; i < g->n_read; i++) {
        struct normal_node *next = g->parts[i].value;
        node_limit(c, next, guard_not(&c->guards, node_present(c, value)));
        if (!node_merge(c, value, next))
            return false;
    }
    *out = value;
    return true;
}

static bool
bring_copies(struct joining *g)
{
    struct compose *c = g->s->c;
    struct normal_node *value = NULL;
    guard differ = GUARD_NEVER;
    for (size_t i = 0; g->n_read + g->n_write > 2 && i < g->n_read; i++)
        if (node_has_states(g->parts[i].value))
            return compose_stop(c, &g->arrow->origin,
                                "an object of a type is copied");
    if (g->n_read > 1 && !differing(g, &differ))
        return false;
    if (!(g->joint->differ_refuse
              ? join_fails(g, differ,
                           "what is one thing in the other version differs")
              : join_lossy(g, differ)))
        return false;
    if (!first_there(g, &value) ||
        !bring(c, g->s->o, g->arrow, g->joined[0].way, g->scope, &value))
        return false;
    for (size_t i = 1; i < g->n_write; i++) {
        g->joined[i].value = node_copy(c, value);
        if (!g->joined[i].value)
            return false;
    }
    g->joined[0].value = value;
    return true;
}

/* ---- all of them ---------------------------------------------------------------------- */

/* When something was there, and in which slot. */
static bool
remember(struct compose *c, struct take *t)
{
    t->as_it_came = node_new(c, NULL, (span){0});
    for (size_t i = 0; t->as_it_came && i < t->value->n_alts; i++)
        if (!node_add(c, t->as_it_came,
                      (struct normal_alt){.when = t->value->alts[i].when,
                                          .kind = ALT_MADE,
                                          .order = t->value->alts[i].order}))
            return false;
    return t->as_it_came != NULL;
}

static bool
begin(struct joining *g)
{
    struct compose *c = g->s->c;
    for (size_t i = 0; i < g->n_read; i++) {
        if (!remember(c, &g->parts[i]))
            return false;
        g->there = either(c, g->there, node_present(c, g->parts[i].value));
    }
    for (size_t i = 0; i < g->n_write; i++) {
        struct take *t = &g->joined[i];
        t->value = node_new(c, NULL, (span){0});
        t->as_it_came = node_new(c, NULL, (span){0});
        if (!t->value || !t->as_it_came ||
            !node_add(c, t->as_it_came,
                      (struct normal_alt){.when = g->there, .kind = ALT_MADE}))
            return false;
    }
    return true;
}

bool
step_bring_joint(struct step *s, struct take *first)
{
    const struct lens_joint *j = first->arrow->joint;
    struct joining g = {.s = s,
                        .arrow = first->arrow,
                        .joint = j,
                        .parts = first,
                        .n_read = j->n[s->c->read],
                        .joined = first + j->n[s->c->read],
                        .n_write = j->n[s->c->write]};
    g.scope = g.joined->from.scope;
    s->o->about = &first->arrow->origin;
    if (j->kind == LENS_JOINT_EACH)
        return s->c->read == j->one ? begin(&g) && join_spread(&g)
                                    : join_gather(&g);
    if (!begin(&g))
        return false;
    switch (j->kind) {
    case LENS_JOINT_COPY:
        return bring_copies(&g);
    case LENS_JOINT_SPLIT:
        return join_parts(&g);
    case LENS_JOINT_TABLE:
        return join_rows(&g);
    case LENS_JOINT_EACH:
    case LENS_JOINT_CONCAT:
        break;
    }
    return true;
}

/* ---- slots ------------------------------------------------------------------------------- */

static bool
same_order(const struct normal_order *a, const struct normal_order *b)
{
    return a->step == b->step && a->slot == b->slot && a->arrow == b->arrow &&
           a->nth == b->nth && span_eq(a->change, b->change);
}

bool
step_joined_in_slot(const struct take *t, const struct normal_alt *alt,
                    const struct normal_node *host)
{
    const struct take *parts = t - t->part - t->n_parts;
    if (t->arrow->joint->kind == LENS_JOINT_COPY && t->part > 0)
        return false;
    for (size_t i = 0; i < t->n_parts; i++)
        for (size_t k = 0; k < parts[i].as_it_came->n_alts; k++)
            if (same_order(&parts[i].as_it_came->alts[k].order, &alt->order) &&
                parts[i].from.host == host)
                return true;
    return false;
}
