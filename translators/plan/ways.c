/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ways: plans of many pairs of versions, each made of its neighbour's.
 *
 * A builder that goes on from a version makes all chains that begin there; one that goes
 * back from a version all that end there. Each pair is made by whichever makes more.
 */
#include "translators/plan/program.h"

struct ways {
    struct arena *a;
    const struct lens_api *api;
    const uint8_t *wanted;
    const struct plan **plans;
    bool up;
    size_t
        *begin;  /* by version: how many wanted chains begin there, this way */
    size_t *end; /* and end */
    bool full;   /* no room in `a` */
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

/* Is it made by going back from its end? */
static bool
is_of_end(const struct ways *w, size_t from, size_t to)
{
    return w->end[to] > 1 && w->end[to] >= w->begin[from];
}

static void
count(struct ways *w)
{
    size_t n = w->api->n_versions;
    memset(w->begin, 0, n * sizeof(*w->begin));
    memset(w->end, 0, n * sizeof(*w->end));
    for (size_t from = 0; from < n; from++)
        for (size_t to = 0; to < n; to++) {
            w->begin[from] += is_wanted(w, from, to);
            w->end[to] += is_wanted(w, from, to);
        }
}

static bool
take(struct ways *w, struct plan_maker *m, size_t from, size_t to)
{
    size_t at = pair(w, from, to);
    w->plans[at] = plan_take(m, from, w->wanted[at]);
    w->full = !w->plans[at];
    return !w->full;
}

/* The farthest version, of those in which `is` is so; `at` itself: none. */
static size_t
farthest(const struct ways *w, size_t at, bool of_end)
{
    size_t far = at;
    for (size_t i = 0; i < w->api->n_versions; i++) {
        size_t from = of_end ? i : at;
        size_t to = of_end ? at : i;
        bool is = is_wanted(w, from, to) && is_of_end(w, from, to) == of_end;
        bool is_farther = of_end == w->up ? i < far : i > far;
        if (is && (far == at || is_farther))
            far = i;
    }
    return far;
}

/* All that begin at a version. */
static void
go_on(struct ways *w, size_t from)
{
    struct plan_maker m;
    struct err none;
    size_t last = farthest(w, from, false);
    if (last == from)
        return;
    w->full = !plan_maker_init(&m, w->a, w->api);
    bool goes = !w->full && compose_begin(m.scratch, w->api, from, w->up, &m.c,
                                          &none) == OK;
    for (size_t at = from; goes && at != last;) {
        goes = compose_step(m.c, &none) == OK;
        at = w->up ? at + 1 : at - 1;
        if (goes && is_wanted(w, from, at) && !is_of_end(w, from, at))
            goes = take(w, &m, from, at);
    }
    plan_maker_fini(&m);
}

/* From version `at` back to the last that is wanted, as far as there is room: that one is in
 * *reached. */
static void
go_back_from(struct ways *w, size_t at, size_t to, size_t last, size_t *reached)
{
    struct plan_maker m;
    struct err none;
    w->full = !plan_maker_init(&m, w->a, w->api);
    bool goes = !w->full && compose_begin_to(m.scratch, w->api, at, to, w->up,
                                             &m.c, &none) == OK;
    *reached = at;
    while (goes && at != last) {
        goes = compose_prepend(m.c, &none) == OK;
        at = w->up ? at - 1 : at + 1;
        if (goes && is_wanted(w, at, to) && is_of_end(w, at, to))
            goes = take(w, &m, at, to);
        *reached = goes ? at : *reached;
    }
    plan_maker_fini(&m);
}

/* All that end at a version. A builder that finds no more room begins anew where it was. */
static void
go_back(struct ways *w, size_t to)
{
    size_t last = farthest(w, to, true);
    for (size_t at = to; at != last && !w->full;) {
        size_t reached = at;
        go_back_from(w, at, to, last, &reached);
        if (reached == at)
            return;
        at = reached;
    }
}

enum err_code
plan_build_all(struct arena *a, const struct lens_api *api,
               const uint8_t *wanted, const struct plan **plans, struct err *e)
{
    size_t n = api->n_versions;
    struct arena *scratch = arena_new(2 * (n + 1) * sizeof(size_t) + 4096);
    struct ways w = {.a = a, .api = api, .wanted = wanted, .plans = plans};
    if (scratch) {
        w.begin = arena_array(scratch, n + 1, sizeof(*w.begin));
        w.end = arena_array(scratch, n + 1, sizeof(*w.end));
    }
    w.full = !w.begin || !w.end;
    for (unsigned up = 0; up < 2 && !w.full; up++) {
        w.up = up;
        count(&w);
        for (size_t at = 0; at < n && !w.full; at++)
            go_on(&w, at);
        for (size_t at = 0; at < n && !w.full; at++)
            go_back(&w, at);
    }
    arena_free(&scratch);
    return w.full ? err_set(e, ERR_LIMIT, "no room for a plan") : OK;
}
