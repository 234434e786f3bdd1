/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ways: plans of many pairs of versions. A builder that goes on from a version makes all
 * chains that begin there, each of the one before.
 */
#include "translators/plan/program.h"

struct ways {
    struct arena *a;
    const struct lens_api *api;
    const uint8_t *wanted;
    const struct plan **plans;
    bool up;
    bool full; /* no room in `a` */
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

static bool
take(struct ways *w, struct plan_maker *m, size_t from, size_t to)
{
    size_t at = pair(w, from, to);
    w->plans[at] = plan_take(m, from, w->wanted[at]);
    w->full = !w->plans[at];
    return !w->full;
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

/* All that begin at a version. */
static void
go_on(struct ways *w, size_t from)
{
    struct plan_maker m;
    struct err none;
    size_t last = farthest(w, from);
    if (last == from)
        return;
    w->full = !plan_maker_init(&m, w->a, w->api);
    bool goes = !w->full && compose_begin(m.scratch, w->api, from, w->up, &m.c,
                                          &none) == OK;
    for (size_t at = from; goes && at != last;) {
        goes = compose_step(m.c, &none) == OK;
        at = w->up ? at + 1 : at - 1;
        if (goes && is_wanted(w, from, at))
            goes = take(w, &m, from, at);
    }
    plan_maker_fini(&m);
}

enum err_code
plan_build_all(struct arena *a, const struct lens_api *api,
               const uint8_t *wanted, const struct plan **plans, struct err *e)
{
    struct ways w = {.a = a, .api = api, .wanted = wanted, .plans = plans};
    for (unsigned up = 0; up < 2; up++) {
        w.up = up;
        for (size_t from = 0; from < api->n_versions && !w.full; from++)
            go_on(&w, from);
    }
    return w.full ? err_set(e, ERR_LIMIT, "no room for a plan") : OK;
}
