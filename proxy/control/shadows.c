/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/shadows.h"

#include "proxy/observe/mirrored.h"

#define ROUTE_BYTES ((size_t)4 << 20) /* of places and samples, a route */

static void
free_arena(void *arena)
{
    struct arena *a = arena;

    arena_free(&a);
}

/* An arena of its own, so that one route's places leave the others their room. */
static struct shadow *
new_counts(struct arena *a, const struct gen_shadow *spec)
{
    struct arena *own = arena_new(ROUTE_BYTES);

    if (!own || !arena_defer(a, free_arena, own)) {
        arena_free(&own);
        return NULL;
    }
    return shadow_new(own, (size_t)spec->places_max, spec->answers_min);
}

enum err_code
shadows_open(struct shadows *s, struct arena *a, const struct generation *gen,
             struct err *e)
{
    s->gen = gen;
    s->by_route = arena_array(a, gen->n_routes ? gen->n_routes : 1,
                              sizeof(struct shadow *));
    if (!s->by_route)
        return err_set(e, ERR_LIMIT, "no memory for mirrored requests");
    for (size_t i = 0; i < gen->n_routes; i++) {
        const struct gen_canary *canary = gen_route_shadow(&gen->routes[i]);

        if (canary && !(s->by_route[i] = new_counts(a, canary->shadow)))
            return err_set(e, ERR_LIMIT, "no memory for mirrored requests");
    }
    return OK;
}

static struct shadow *
counts_of(const struct shadows *s, span route, const struct gen_route **out)
{
    for (size_t i = 0; s->by_route && i < s->gen->n_routes; i++)
        if (span_eq(s->gen->routes[i].name, route)) {
            *out = &s->gen->routes[i];
            return s->by_route[i];
        }
    return NULL;
}

const struct shadow *
shadows_find(const struct shadows *s, span route, const struct gen_route **out)
{
    return counts_of(s, route, out);
}

/* The differences of a datagram as a list; false: one of them is none. */
static bool
read_found(struct arena *a, span datagram, struct shadow_found **out)
{
    struct mirrored_difference d;

    while (mirrored_next(&datagram, &d)) {
        struct shadow_found *f = arena_alloc(a, sizeof(*f));

        if (!f || d.kind >= SHADOW_KINDS_N)
            return false;
        *f = (struct shadow_found){.place = d.place,
                                   .kind = d.kind,
                                   .baseline = d.baseline,
                                   .other = d.other};
        *out = f;
        out = &f->next;
    }
    return datagram.len == 0;
}

bool
shadows_take(struct shadows *s, span datagram)
{
    const struct gen_route *route;
    struct shadow_found *found = NULL;
    struct mirrored m;

    if (!mirrored_take(&datagram, &m))
        return false;
    struct shadow *counts = counts_of(s, m.route, &route);
    if (!counts || m.pair >= SHADOW_PAIRS_N)
        return true; /* another generation's, or damaged */
    struct arena *a = arena_new((size_t)4 << 20);
    if (!m.is_skipped && a && read_found(a, datagram, &found))
        shadow_count(counts, (enum shadow_pair)m.pair, found);
    else
        shadow_skip(counts, (enum shadow_pair)m.pair);
    arena_free(&a);
    return true;
}
