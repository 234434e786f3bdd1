/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulled: the nodes and states of a way, with one step more before it.
 */
#include "translators/compose/pull.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

/* ---- alternatives ----------------------------------------------------------------------- */

/* Of what never left its slot: the one that this had before the step. */
static bool
pull_slot(struct pull *k, struct normal_order *order)
{
    bool moved = false;
    if (order->step || order->slot == NORMAL_NONE)
        return true;
    const struct normal_node *n = pull_spot(k, order->slot, &moved);
    if (!moved || !n)
        return !k->fails;
    for (size_t i = 1; i < n->n_alts; i++)
        if (n->alts[i].order.step != n->alts[0].order.step ||
            n->alts[i].order.slot != n->alts[0].order.slot)
            return pull_fails(k);
    if (n->n_alts == 0)
        return pull_fails(k);
    *order = n->alts[0].order;
    return true;
}

/* The place of what came at `source`, which the step made `made`. */
static bool
pull_order(struct pull *k, struct normal_order *order, uint32_t source,
           const struct normal_alt *made)
{
    if (order->step || order->slot != source)
        return pull_slot(k, order);
    *order = made->order;
    return true;
}

/* An alternative of a source, as what the step made of it. */
static bool
pull_sources(struct pull *k, const struct normal_alt *alt, guard when,
             struct normal_node *out)
{
    bool moved = false;
    const struct normal_node *n = pull_spot(k, alt->source, &moved);
    struct normal_alt is = *alt;
    is.when = when;
    is.known = k->c->sources[alt->source].n_kids;
    if (!moved || !n)
        return node_push(k->c, out, is);
    for (size_t i = 0; i < n->n_alts; i++) {
        const struct normal_alt *made = &n->alts[i];
        is = *made;
        is.when = both(k->c, when, made->when);
        is.order = alt->order;
        is.made = alt->made || made->made;
        if (made->turned || made->is_list)
            return pull_fails(k);
        if (!pull_order(k, &is.order, alt->source, made))
            return false;
        if (made->kind == ALT_SOURCE)
            is.known = k->c->sources[made->source].n_kids;
        if (!node_push(k->c, out, is))
            return false;
    }
    return true;
}

/* An alternative that is a term. */
static bool
pull_terms(struct pull *k, const struct normal_alt *alt, guard when,
           struct normal_node *out)
{
    struct compose *c = k->c;
    uint32_t bottom = pull_bottom(c, alt->term);
    bool moved = false;
    const struct normal_node *n =
        bottom == NORMAL_NONE ? NULL : pull_spot(k, bottom, &moved);
    struct normal_alt is = *alt;
    is.when = when;
    if (bottom == NORMAL_NONE ? pull_is_moved(k, alt->term)
                              : pull_is_torn(k, alt->term, bottom))
        return pull_fails(k);
    if (!moved || !n)
        return pull_slot(k, &is.order) && node_push(c, out, is);
    for (size_t i = 0; i < n->n_alts; i++) {
        const struct normal_alt *made = &n->alts[i];
        is.when = both(c, when, made->when);
        if (is.when == GUARD_NEVER)
            continue;
        is.term = pull_term(k, alt->term, made);
        is.order = alt->order;
        if (made->turned || k->fails)
            return pull_fails(k);
        if (!pull_order(k, &is.order, bottom, made) || !node_push(c, out, is))
            return false;
    }
    return true;
}

static bool
pull_alt(struct pull *k, const struct normal_alt *alt, struct normal_node *out)
{
    guard when = pull_guard(k, alt->when);
    if (when == GUARD_NEVER || k->fails)
        return !k->fails;
    if (alt->turned)
        return pull_fails(k);
    switch (alt->kind) {
    case ALT_SOURCE:
        return pull_sources(k, alt, when, out);
    case ALT_TERM:
        return pull_terms(k, alt, when, out);
    case ALT_MADE:
        break;
    }
    struct normal_alt is = *alt;
    is.when = when;
    return pull_slot(k, &is.order) && node_push(k->c, out, is);
}

/* ---- nodes -------------------------------------------------------------------------------- */

static bool
has_key(const struct normal_node *n, const struct normal_node *kid)
{
    for (size_t i = 0; i < n->n_kids; i++)
        if (n->kids[i]->is_each == kid->is_each &&
            (kid->is_each || span_eq(n->kids[i]->key, kid->key)))
            return true;
    return false;
}

/* What the step did to members of what came at `alt`, of which the way knows nothing. */
static bool
add_steps_kids(struct pull *k, const struct normal_alt *alt, guard when,
               struct normal_node *out)
{
    bool moved = false;
    struct normal_node *n = pull_spot(k, alt->source, &moved);
    for (size_t i = 0; n && i < n->n_kids; i++) {
        if (has_key(out, n->kids[i]))
            continue;
        if (n->kids[i]->element || node_has_states(n->kids[i]) ||
            (out->n_kids && out->kids[0]->is_each != n->kids[i]->is_each))
            return pull_fails(k);
        struct normal_node *kid = node_freeze(k->c, n->kids[i]);
        if (!kid || !node_push_kid(k->c, out, kid))
            return false;
        kid->parent = out;
        node_limit(k->c, kid, when);
    }
    return true;
}

/* The state of objects at a node: they were of its type before the step, too, and nothing
 * else stands there. */
static bool
pull_inner(struct pull *k, const struct normal_node *n, struct normal_node *out)
{
    const struct compose *c = k->c;
    size_t type = c->api->n_types;
    for (size_t i = 0; i < n->n_alts; i++) {
        bool moved = false;
        const struct normal_node *was =
            n->alts[i].kind == ALT_SOURCE
                ? pull_spot(k, n->alts[i].source, &moved)
                : NULL;
        const struct normal_state *s = was ? was->state : NULL;
        if ((s != NULL) != (n->state != NULL))
            return pull_fails(k);
        if (!s)
            continue;
        if (s != c->fresh[s->type] || n->state != k->was[s->type])
            return pull_fails(k);
        type = s->type;
    }
    if (!n->state)
        return true;
    if (type == c->api->n_types)
        return n->n_alts == 0 || pull_fails(k);
    out->state = pull_state(k, type);
    if (!out->state)
        return false;
    out->n_steps = out->state->n_steps;
    return true;
}

/* The element at hand. */
static bool
pull_each(struct pull *k, const struct normal_node *n, struct normal_node *out)
{
    out->is_each = n->is_each;
    out->each = n->each;
    if (n->element || n->keyed != NORMAL_NONE)
        return pull_fails(k);
    if (n->each != NORMAL_NONE)
        out->each = pull_source(k, n->each);
    return !k->fails && (n->each == NORMAL_NONE || out->each != NORMAL_NONE ||
                         pull_fails(k));
}

static struct normal_node *
pull_node(struct pull *k, const struct normal_node *n)
{
    struct normal_node *out = node_new(k->c, NULL, n->key);
    size_t n_came = 0;
    if (!out || !pull_each(k, n, out) || !pull_inner(k, n, out))
        return NULL;
    for (size_t i = 0; i < n->n_alts; i++) {
        n_came += n->alts[i].kind == ALT_SOURCE;
        if (!pull_alt(k, &n->alts[i], out))
            return NULL;
    }
    for (size_t i = 0; i < n->n_kids; i++) {
        struct normal_node *kid = pull_node(k, n->kids[i]);
        if (!kid || !node_push_kid(k->c, out, kid))
            return NULL;
        kid->parent = out;
    }
    for (size_t i = 0; !n->state && i < n->n_alts; i++) {
        size_t n_kids = out->n_kids;
        if (n->alts[i].kind != ALT_SOURCE)
            continue;
        if (!add_steps_kids(k, &n->alts[i], pull_guard(k, n->alts[i].when),
                            out))
            return NULL;
        if (out->n_kids > n_kids && n_came > 1) { /* whose kid is it? */
            (void)pull_fails(k);
            return NULL;
        }
    }
    return node_know_frozen(k->c, out) ? out : NULL;
}

/* ---- states ------------------------------------------------------------------------------- */

static uint32_t
pull_scope(struct pull *k, uint32_t scope)
{
    uint32_t is = pull_source(k, scope);
    if (is == NORMAL_NONE)
        (void)pull_fails(k);
    return is;
}

/* A doubled key that the step refuses already. */
static bool
is_refused(struct pull *k, const struct normal_state *step,
           const struct normal_check *check)
{
    for (size_t i = 0; i < step->n_checks; i++)
        if (!step->checks[i].origin && !check->origin &&
            step->checks[i].scope == check->scope &&
            guard_implies(&k->c->guards, check->when, step->checks[i].when))
            return true;
    return false;
}

static bool
pull_checks(struct pull *k, const struct normal_state *was,
            const struct normal_state *step, struct normal_state *out)
{
    size_t n = step->n_checks;
    out->checks =
        arena_array(k->c->a, n + was->n_checks + 1, sizeof(*out->checks));
    if (!out->checks)
        return compose_full(k->c);
    if (n)
        memcpy(out->checks, step->checks, n * sizeof(*out->checks));
    for (size_t i = 0; i < was->n_checks; i++) {
        struct normal_check check = was->checks[i];
        guard when = check.when;
        check.when = pull_guard(k, when);
        check.scope = pull_scope(k, check.scope);
        if (k->fails)
            return false;
        if (check.when == GUARD_NEVER ||
            (check.when != when && is_refused(k, step, &check)))
            continue;
        out->checks[n++] = check;
    }
    out->n_checks = out->room_checks = n;
    return true;
}

static bool
pull_notices(struct pull *k, const struct normal_state *was,
             const struct normal_state *step, struct normal_state *out)
{
    size_t n = step->n_notices;
    out->notices =
        arena_array(k->c->a, n + was->n_notices + 1, sizeof(*out->notices));
    if (!out->notices)
        return compose_full(k->c);
    if (n)
        memcpy(out->notices, step->notices, n * sizeof(*out->notices));
    for (size_t i = 0; i < was->n_notices; i++) {
        struct normal_notice notice = was->notices[i];
        notice.when = pull_guard(k, notice.when);
        notice.scope = pull_scope(k, notice.scope);
        if (k->fails)
            return false;
        if (notice.when != GUARD_NEVER)
            out->notices[n++] = notice;
    }
    out->n_notices = out->room_notices = n;
    return true;
}

static bool
pull_gone(struct pull *k, const struct normal_state *was,
          const struct normal_state *step, struct normal_state *out)
{
    size_t n = step->n_gone + was->n_gone;
    out->gone = arena_array(k->c->a, n + 1, sizeof(*out->gone));
    if (!out->gone)
        return compose_full(k->c);
    for (size_t i = 0; i < step->n_gone; i++) {
        out->gone[i] = step->gone[i];
        out->gone[i].node = node_freeze(k->c, step->gone[i].node);
        if (!out->gone[i].node)
            return pull_fails(k);
    }
    for (size_t i = 0; i < was->n_gone; i++) {
        struct normal_gone *gone = &out->gone[step->n_gone + i];
        gone->node = pull_node(k, was->gone[i].node);
        gone->scope = pull_scope(k, was->gone[i].scope);
        if (!gone->node || k->fails)
            return false;
    }
    out->n_gone = out->room_gone = out->n_frozen = n;
    return true;
}

static bool
pull_all(struct pull *k, const struct normal_state *was,
         const struct normal_state *step, struct normal_state *out)
{
    if (was->stop.why || step->may_vanish)
        return pull_fails(k); /* what it stopped at may not be there any more */
    out->root = pull_node(k, was->root);
    return out->root && pull_checks(k, was, step, out) &&
           pull_notices(k, was, step, out) && pull_gone(k, was, step, out) &&
           !k->fails && !step->stop.why && !k->c->full;
}

struct normal_state *
pull_state(struct pull *k, size_t type)
{
    struct compose *c = k->c;
    const struct normal_state *was = k->was[type];
    struct normal_state *step = c->fresh[type];
    struct normal_state *outer = c->state;
    if (k->now[type])
        return k->now[type];
    struct normal_state *s = arena_alloc(c->a, sizeof(*s));
    if (!s) {
        compose_full(c);
        return NULL;
    }
    *s = *was;
    s->first = step->first;
    s->n_steps = was->n_steps + 1;
    s->mixed = was->mixed || step->mixed;
    s->frozen = s;
    s->frozen_at = s->n_steps;
    k->now[type] = s; /* types may hold themselves */
    c->state = step;
    bool ok = true;
    if (step->stop.why)
        s->stop = step->stop;
    else
        ok = pull_all(k, was, step, s);
    c->state = outer;
    if (ok)
        return s;
    k->now[type] = NULL;
    return NULL;
}
/* NOLINTEND(misc-no-recursion) */
