/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: objects above a place that one side of a table has and the other has
 * not. A place has a counterpart on the other side: what an arrow on it or above
 * it makes of it, else the place of the same name, unless that is what an arrow
 * makes of something else.
 */
#include "translators/compose/build.h"

/* The first `n` steps of `place`. */
static struct lens_place
prefix_of(const struct lens_place *place, size_t n)
{
    return (struct lens_place){place->steps, n, place->text};
}

/* The deepest arrow whose place on this side is `place` or lies above it. */
static const struct lens_way *
arrow_over(const struct object *o, enum lens_side side,
           const struct lens_place *place)
{
    const struct lens_way *best = NULL;
    for (size_t i = 0; o->block && i < o->block->n_arrows; i++) {
        const struct lens_arrow *arrow = &o->block->arrows[i];
        for (size_t w = 0; arrow->kind == LENS_MAP && w < arrow->n_ways; w++) {
            const struct lens_way *way = &arrow->ways[w];
            if (!way->has[0] || !way->has[1] || way->place[side].n > place->n)
                continue;
            struct lens_place begin = prefix_of(place, way->place[side].n);
            if (lens_place_same(&begin, &way->place[side]) &&
                (!best || best->place[side].n < way->place[side].n))
                best = way;
        }
    }
    return best;
}

/* Does this side name something below `head` followed by `tail`? */
static bool
is_above(const struct object *o, enum lens_side side,
         const struct lens_place *head, const struct lens_place *tail)
{
    for (size_t i = 0; o->block && i < o->block->n_prefixes[side]; i++) {
        const struct lens_place *p = &o->block->prefixes[side][i];
        if (p->n != head->n + tail->n)
            continue;
        struct lens_place first = prefix_of(p, head->n);
        struct lens_place last = {p->steps + head->n, tail->n, p->text};
        if (lens_place_same(&first, head) && lens_place_same(&last, tail))
            return true;
    }
    return false;
}

static bool
is_kept(const struct object *o, const struct lens_place *place)
{
    for (size_t i = 0; i < o->at->n_keeps; i++)
        if (lens_place_same(&o->at->keeps[i], place))
            return true;
    return false;
}

bool
object_makes(const struct compose *c, const struct object *o,
             const struct lens_place *place, size_t n)
{
    static const struct lens_place nothing = {0};
    struct lens_place host = prefix_of(place, n);
    if (is_kept(o, &host))
        return false;
    const struct lens_way *way = arrow_over(o, c->read, &host);
    if (!way)
        return arrow_over(o, c->write, &host) != NULL ||
               !is_above(o, c->write, &host, &nothing);
    size_t over = way->place[c->read].n;
    struct lens_place below = {host.steps + over, host.n - over, host.text};
    return !is_above(o, c->write, &way->place[c->write], &below);
}
