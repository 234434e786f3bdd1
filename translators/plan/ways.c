/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ways: plans of many pairs of versions. A builder that goes on from a version makes all
 * chains that begin there, each of the one before.
 *
 * Builders begin at one version after another, against the way they go: a type to which the first
 * step of one does nothing has the programs of the one before, and is not composed again.
 */
#include "translators/plan/program.h"

/* Plans are made ahead of need: of what room is left in their arena they take one part in so
 * many, half of it for each direction, whose builders make at most so many guards (some
 * seconds' work). The others are not made. */
#define ROOM_PARTS 2
#define GUARDS_MAX ((size_t)1 << 23)

/* What was made last of chains to one version. */
struct last {
    size_t n;                   /* so many begin somewhere */
    struct plan_group **groups; /* NULL: only one does */
    size_t from;
    bool made; /* of the chain that begins at `from` */
};

struct ways {
    struct plan_maker m;
    const struct lens_api *api;
    const uint8_t *wanted;
    const struct plan **plans;
    struct last *lasts; /* by the version that is led to */
    bool up;
    size_t used_max; /* of the arena of the plans */
    size_t n_guards; /* of builders that are done, this way */
    bool enough;
    bool full; /* no room in the arena of the plans */
};

static size_t
pair(const struct ways *w, size_t from, size_t to)
{
    return from * w->api->n_versions + to;
}

static bool
is_wanted(const struct ways *w, size_t from, size_t to)
{
    return from != to && (from < to) == w->up && w->wanted[pair(w, from, to)];
}

static size_t
next_of(const struct ways *w, size_t at)
{
    return w->up ? at + 1 : at - 1;
}

/* The farthest version that is wanted; `from` itself: none. */
static size_t
farthest(const struct ways *w, size_t from)
{
    size_t far = from;
    for (size_t to = 0; to < w->api->n_versions; to++)
        if (is_wanted(w, from, to) &&
            (far == from || (w->up ? to > far : to < far)))
            far = to;
    return far;
}

/* Were all chains that are wanted made from the next version as well, for the same kinds? */
static bool
is_made_from(const struct ways *w, size_t from, size_t next)
{
    for (size_t to = 0; to < w->api->n_versions; to++) {
        if (to == next || !is_wanted(w, from, to))
            continue;
        uint8_t kinds = w->wanted[pair(w, from, to)];
        const struct last *last = &w->lasts[to];
        if (!last->made || last->from != next ||
            (w->wanted[pair(w, next, to)] & kinds) != kinds)
            return false;
    }
    return true;
}

static bool
take(struct ways *w, size_t from, size_t to)
{
    size_t at = pair(w, from, to);
    struct last *last = &w->lasts[to];
    if (last->n > 1 && !last->groups)
        last->groups = plan_groups_new(&w->m);
    w->plans[at] = plan_take(&w->m, from, w->wanted[at], last->groups);
    last->from = from;
    last->made = last->groups != NULL;
    w->full = !w->plans[at];
    w->enough = w->full || arena_used(w->m.a) > w->used_max ||
                w->n_guards + compose_size(w->m.c) > GUARDS_MAX;
    return !w->enough;
}

/* All that begin at a version. */
static void
go_on(struct ways *w, size_t from)
{
    struct err none;
    size_t last = farthest(w, from);
    if (last == from)
        return;
    bool goes = plan_begin(&w->m, from, w->up);
    if (goes && is_made_from(w, from, next_of(w, from)))
        compose_touched_only(w->m.c);
    for (size_t at = from; goes && at != last;) {
        goes = compose_step(w->m.c, &none) == OK;
        at = next_of(w, at);
        if (goes && is_wanted(w, from, at))
            goes = take(w, from, at);
    }
    if (w->m.c)
        w->n_guards += compose_size(w->m.c);
}

static void
go_one_way(struct ways *w)
{
    size_t n = w->api->n_versions;
    w->n_guards = 0;
    w->enough = false;
    memset(w->lasts, 0, n * sizeof(*w->lasts));
    for (size_t from = 0; from < n; from++)
        for (size_t to = 0; to < n; to++)
            w->lasts[to].n += is_wanted(w, from, to);
    for (size_t i = 0; i < n && !w->enough; i++)
        go_on(w, w->up ? n - 1 - i : i);
}

enum err_code
plan_build_all(struct arena *a, const struct lens_api *api,
               const uint8_t *wanted, const struct plan **plans, struct err *e)
{
    size_t share = (arena_limit(a) - arena_used(a)) / ROOM_PARTS / 2;
    struct ways w = {.api = api, .wanted = wanted, .plans = plans};
    bool ok = plan_maker_init(&w.m, a, api);
    w.lasts = ok ? arena_array(w.m.kept, api->n_versions + 1, sizeof(*w.lasts))
                 : NULL;
    ok = w.lasts != NULL;
    for (unsigned up = 0; ok && !w.full && up < 2; up++) {
        w.up = up;
        w.used_max = arena_used(a) + share;
        go_one_way(&w);
    }
    plan_maker_fini(&w.m);
    return ok && !w.full ? OK : err_set(e, ERR_LIMIT, "no room for a plan");
}
