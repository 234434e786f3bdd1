/* SPDX-License-Identifier: Apache-2.0 */
/*
 * way: the ways from all versions to one, each made of its neighbour's.
 *
 * A way is one step and the way behind it, pulled back through that step (pull.h). What
 * cannot be pulled back is composed from its beginning: then all types that lie in one
 * another are, so that the states of a way are of one making.
 */
#include "translators/compose/pull.h"

#include <assert.h>

/* ---- types that lie in one another ------------------------------------------------- */

static void
join(size_t *group, size_t n, size_t a, size_t b)
{
    size_t from = group[a];
    size_t to = group[b];
    for (size_t i = 0; from != to && i < n; i++)
        group[i] = group[i] == from ? to : group[i];
}

/* By type, a number that those have in common which lie in one another in any version. */
static bool
find_groups(struct compose *c)
{
    const struct lens_api *api = c->api;
    c->groups = arena_array(c->a, api->n_types + 1, sizeof(*c->groups));
    if (!c->groups)
        return compose_full(c);
    for (size_t i = 0; i < api->n_types; i++)
        c->groups[i] = i;
    for (size_t v = 0; v < api->n_versions; v++)
        for (size_t i = 0; i < api->n_types; i++) {
            const struct lens_type_at *at = &api->types[i].at[v];
            for (size_t k = 0; k < at->n_children; k++)
                join(c->groups, api->n_types, i, at->children[k].type);
        }
    return true;
}

/* ---- the builder ---------------------------------------------------------------------- */

enum err_code
compose_begin_to(struct arena *a, const struct lens_api *api, size_t at,
                 size_t to, bool up, struct compose **out, struct err *e)
{
    enum err_code code = compose_begin(a, api, at, up, out, e);
    if (code != OK)
        return code;
    struct compose *c = *out;
    size_t n = api->n_types + 1;
    c->to = to;
    c->own = arena_array(a, n, sizeof(*c->own));
    c->ahead = arena_array(a, n, sizeof(struct normal_state *));
    if (!c->own || !c->ahead || !find_groups(c))
        return err_set(e, ERR_LIMIT, "no room for a way");
    for (size_t type = 0; type < api->n_types; type++)
        c->own[type] = NORMAL_NONE;
    return OK;
}

/* Doubled keys are refused in each way anew. */
static void
forget_asked(struct compose *c)
{
    for (size_t i = 0; i < c->n_sources; i++)
        c->sources[i].asked = c->sources[i].asked_any = GUARD_NEVER;
    memset(c->roots, 0, c->api->n_types * sizeof(struct normal_state *));
}

static bool
begin_pull(struct pull *k)
{
    struct compose *c = k->c;
    size_t n = c->api->n_types;
    k->n_spots = c->n_sources;
    k->n_guards = c->guards.n;
    k->spots = arena_array(c->a, k->n_spots + 1, sizeof(*k->spots));
    k->now = arena_array(c->a, n + 1, sizeof(struct normal_state *));
    if (c->room_pulled < k->n_guards) {
        c->room_pulled = 2 * k->n_guards;
        c->pulled = arena_array(c->a, c->room_pulled, sizeof(*c->pulled));
    }
    if (!k->spots || !k->now || !c->pulled)
        return compose_full(c);
    if (!pull_touches(k))
        return false;
    c->pull++;
    assert(c->ahead);
    k->was = c->ahead;
    for (size_t type = 0; type < n; type++)
        k->now[type] = c->touched[type] ? NULL : k->was[type];
    return true;
}

/* All types of a group; or, where one cannot be, none. */
static bool
pull_group(struct pull *k, size_t group)
{
    struct compose *c = k->c;
    assert(k->was); /* begin_pull */
    k->fails = false;
    for (size_t type = 0; type < c->api->n_types; type++)
        if (c->groups[type] == group && (!k->was[type] || !pull_state(k, type)))
            return false;
    return true;
}

/* Ways of the types that could not be pulled back, from their beginning. */
static bool
compose_whole(struct compose *c, const bool *wanted)
{
    size_t at = c->at;
    forget_asked(c);
    while (c->at != c->to)
        if (!compose_further(c, wanted))
            return false;
    c->at = at;
    for (size_t type = 0; type < c->api->n_types; type++) {
        if (!wanted[type])
            continue;
        c->ahead[type] = compose_frozen(c, c->roots[type]);
        c->forms[type]++;
        if (!c->ahead[type])
            return false;
    }
    return true;
}

/* One step alone: what it does to each type that it touches, and to what lies in it. */
static bool
step_alone(struct compose *c)
{
    size_t at = c->at;
    forget_asked(c);
    bool ok = compose_further(c, c->touched);
    c->at = at;
    return ok;
}

static bool
prepend(struct compose *c)
{
    size_t n = c->api->n_types;
    struct pull k = {.c = c};
    bool *whole = arena_array(c->a, n + 1, sizeof(*whole));
    bool any = false;
    if (!whole || !step_alone(c) || !begin_pull(&k))
        return false;
    for (size_t type = 0; type < n; type++) {
        size_t group = c->groups[type];
        if (group != type || pull_group(&k, group))
            continue;
        for (size_t i = 0; i < n; i++)
            whole[i] = whole[i] || c->groups[i] == group;
        any = true;
    }
    for (size_t type = 0; type < n; type++) {
        if (whole[type])
            continue;
        c->ahead[type] = k.now[type];
        c->forms[type] += c->touched[type];
    }
    return !c->full && !c->guards.full && (!any || compose_whole(c, whole));
}

enum err_code
compose_prepend(struct compose *c, struct err *e)
{
    assert(c->up ? c->at > 0 : c->at + 1 < c->api->n_versions);
    c->at = c->up ? c->at - 1 : c->at + 1;
    touch_find(c);
    bool ok = prepend(c) && !c->full && !c->guards.full;
    return ok ? OK : err_set(e, ERR_LIMIT, "no room for a way");
}
