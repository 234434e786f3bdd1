/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: SEMANTICS.md's "One step" on an object that is not there, in its order:
 * choose, take, inner, prune, bring, refuse, write, fill, mark.
 */
#include "translators/compose/step.h"

/* NOLINTBEGIN(misc-no-recursion): typed values lie in typed values */

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
    o.when = both(c, o.when, s->o->when);
    return step_object(c, &o);
}

/* What goes since no case fits it, or another's value was taken. */
static bool
lose(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    enum notice_kind kind = t->is_lost ? NOTICE_LOSSY : NOTICE_HIDDEN;
    return say_notice(c, node_present(c, t->value), t->from.scope, kind,
                      &t->arrow->origin) &&
           node_gone(c, t->value, t->from.scope);
}

/* A case of a constant is written where nothing is, too. */
static bool
bring_constant(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    const struct json *constant = t->way->shape[c->write].constant;
    guard missing = without(c, t->when, node_present(c, t->as_it_came));
    if (!constant)
        return true;
    t->fill = NULL;
    for (size_t i = 0; i < t->from.n_stars; i++)
        missing = both(c, missing, node_present(c, t->from.stars[i]));
    return node_add(
        c, t->value,
        (struct normal_alt){.when = missing,
                            .kind = ALT_TERM,
                            .term = term_const(c, constant),
                            .order = {.step = c->step, .slot = NORMAL_NONE}});
}

/* f: what a take brings. */
static bool
bring_take(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    if (t->is_tag)
        return step_bring_tag(s, t);
    if (t->is_lost || t->is_hidden)
        return lose(s, t);
    if (t->role == TAKE_PART)
        return t->part > 0 || step_bring_joint(s, t);
    if (t->role == TAKE_JOINED)
        return true; /* with its parts */
    if (!t->value || !t->leads)
        return true;
    if (t->is_own)
        return step_stash(s, t);
    if (t->is_back)
        return step_unstash(s, t);
    t->came = t->as_it_came;
    t->as_it_came = node_new(c, NULL, (span){0}); /* its presence is asked */
    if (!t->as_it_came)
        return false;
    for (size_t k = 0; k < t->value->n_alts; k++)
        if (!node_add(c, t->as_it_came,
                      (struct normal_alt){.when = t->value->alts[k].when,
                                          .kind = ALT_MADE}))
            return false;
    s->o->about = &t->arrow->origin;
    return bring(c, s->o, t->arrow, t->way, t->from.scope, &t->value) &&
           bring_constant(s, t);
}

/* An element that had to be made must be what its step looks for, or the way back would
 * not find it. */
static bool
made_are_found(struct step *s)
{
    struct compose *c = s->c;
    for (size_t i = 0; i < s->n; i++) {
        const struct take *t = &s->takes[i];
        struct spot at;
        if (!t->leads ||
            !spot_read(c, s->o, s->o->root, t->target, GUARD_NEVER, &at))
            continue;
        for (size_t n = 1; n < t->target->n; n++) {
            struct normal_node *node = at.path[n];
            guard made = GUARD_NEVER;
            for (size_t k = 0; node->element && k < node->n_alts; k++)
                if (node->alts[k].made && node->alts[k].order.step == c->step)
                    made = either(c, made, node->alts[k].when);
            if (made != GUARD_NEVER && node->element->kind == LENS_FIND &&
                !element_is_found(c, node, made, at.scope, &t->arrow->origin))
                return false;
        }
    }
    return !c->full && !c->state->stop.why;
}

/* The arrow of a tag is the builder's own, and what was said of it outlives that. */
static const struct lens_origin *
lasting(const struct step *s, const struct lens_origin *origin)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct take *t = &s->takes[i];
        if (t->is_tag &&
            (origin == &t->arrow->origin || origin == &t->arrow->ways->origin))
            return &t->tag_of->origin;
    }
    return origin;
}

static void
name_tags(const struct step *s, size_t n_checks, size_t n_notices)
{
    struct normal_state *state = s->c->state;
    for (size_t i = n_checks; i < state->n_checks; i++)
        state->checks[i].origin = lasting(s, state->checks[i].origin);
    for (size_t i = n_notices; i < state->n_notices; i++)
        state->notices[i].origin = lasting(s, state->notices[i].origin);
    if (state->stop.why)
        state->stop.origin = lasting(s, state->stop.origin);
}

/* 1. Cases, then arrows of all blocks that may hold. */
static bool
choose_all(struct step *s)
{
    struct object *o = s->o;
    if (!step_choose_cases(s))
        return false;
    guard when = o->when;
    bool ok = true;
    for (size_t b = 0; ok && b < o->n_blocks; b++) {
        o->when = both(s->c, when, o->blocks[b].when);
        for (size_t i = 0; ok && i < o->blocks[b].of->n_arrows; i++)
            ok = step_choose(s, &o->blocks[b].of->arrows[i]);
    }
    o->when = when;
    return ok;
}

static bool
run_step(struct step *s)
{
    struct compose *c = s->c;
    struct object *o = s->o;
    size_t n_children = o->at->n_children;
    struct inner *found = arena_array(c->a, n_children + 1, sizeof(*found));
    struct normal_node **nodes =
        arena_array(c->a, n_children + 1, sizeof(struct normal_node *));
    size_t n = 0;
    size_t n_inline = 0;
    if (!found || !nodes)
        return compose_full(c);
    if (!step_mark_read(s) || !inner_find(s, found, nodes, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_inline(s, found[i].type)) {
            nodes[n_inline] = found[i].node;
            found[n_inline++] = found[i];
        } else if (!inner_state(c, found[i].node, found[i].type)) {
            return false;
        }
    }
    o->n_inline = n_inline;
    s->takes = c->takes;
    s->room = c->room_takes;
    c->takes = NULL; /* objects lie in objects: theirs are others */
    c->room_takes = 0;
    if (!choose_all(s))
        return false;
    if (!step_take(s, nodes, n_inline))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!step_cut_box(s, &s->takes[i], nodes, n_inline))
            return false;
    for (size_t i = 0; i < n_inline; i++)
        if (!inner_object(s, &found[i]))
            return false;
    if (!step_prune(s))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!bring_take(s, &s->takes[i]))
            return false;
    for (size_t i = 0; i < s->n; i++)
        if (!step_strangers(s, &s->takes[i]))
            return false;
    if (!step_land(s) || !step_fill(s) || !made_are_found(s) ||
        !step_mark_write(s) || !step_keep_shapes(s))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (s->takes[i].is_own && !s->takes[i].leads &&
            !step_settle(s, &s->takes[i]))
            return false;
    return true;
}

bool
step_object(struct compose *c, struct object *o)
{
    struct step s = {.c = c, .o = o};
    size_t n_checks = c->state->n_checks;
    size_t n_notices = c->state->n_notices;
    bool ok = run_step(&s);
    name_tags(&s, n_checks, n_notices);
    if (s.takes) {
        c->takes = s.takes;
        c->room_takes = s.room;
    }
    return ok;
}
/* NOLINTEND(misc-no-recursion) */
