/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: objects above a place that one side of a table has and the other has
 * not. A place has a counterpart on the other side: what an arrow on it or above
 * it makes of it, else the place of the same name, unless that is what an arrow
 * makes of something else. Cases that fit have a say, so it holds under a guard.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as cases hold at once */

/* The blocks that hold at once. */
struct together {
    struct compose *c;
    const struct object *o;
    struct lens_place place;
    const struct lens_block **at;
    size_t n;
};

/* The first `n` steps of `place`. */
static struct lens_place
prefix_of(const struct lens_place *place, size_t n)
{
    return (struct lens_place){place->steps, n, place->text};
}

/* The deepest arrow whose place on this side is `place` or lies above it. */
static const struct lens_way *
arrow_over(const struct together *t, enum lens_side side)
{
    const struct lens_way *best = NULL;
    for (size_t b = 0; b < t->n; b++)
        for (size_t i = 0; i < t->at[b]->n_arrows; i++) {
            const struct lens_arrow *arrow = &t->at[b]->arrows[i];
            for (size_t w = 0; arrow->kind == LENS_MAP && w < arrow->n_ways;
                 w++) {
                const struct lens_way *way = &arrow->ways[w];
                if (!way->has[0] || !way->has[1] ||
                    way->place[side].n > t->place.n)
                    continue;
                struct lens_place begin =
                    prefix_of(&t->place, way->place[side].n);
                if (lens_place_same(&begin, &way->place[side]) &&
                    (!best || best->place[side].n < way->place[side].n))
                    best = way;
            }
        }
    return best;
}

/* Does this side name something below `head` followed by `tail`? */
static bool
is_above(const struct together *t, enum lens_side side,
         const struct lens_place *head, const struct lens_place *tail)
{
    for (size_t b = 0; b < t->n; b++)
        for (size_t i = 0; i < t->at[b]->n_prefixes[side]; i++) {
            const struct lens_place *p = &t->at[b]->prefixes[side][i];
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

static bool
is_made(const struct together *t)
{
    static const struct lens_place nothing = {0};
    enum lens_side read = t->c->read, write = t->c->write;
    const struct lens_way *way = arrow_over(t, read);
    if (!way)
        return arrow_over(t, write) != NULL ||
               !is_above(t, write, &t->place, &nothing);
    size_t over = way->place[read].n;
    struct lens_place below = {t->place.steps + over, t->place.n - over,
                               t->place.text};
    return !is_above(t, write, &way->place[write], &below);
}

/* Of all sets of the blocks from `next` on that may hold at once while `when` does. */
static guard
made_when(struct together *t, size_t next, guard when)
{
    if (when == GUARD_NEVER)
        return GUARD_NEVER;
    if (next == t->o->n_blocks)
        return is_made(t) ? when : GUARD_NEVER;
    const struct held_block *b = &t->o->blocks[next];
    guard without_it = made_when(t, next + 1, without(t->c, when, b->when));
    t->at[t->n++] = b->of;
    guard with_it = made_when(t, next + 1, both(t->c, when, b->when));
    t->n--;
    return either(t->c, with_it, without_it);
}

guard
object_makes(struct compose *c, const struct object *o,
             const struct lens_place *place, size_t n)
{
    struct together t = {.c = c, .o = o, .place = prefix_of(place, n)};
    if (is_kept(o, &t.place))
        return GUARD_NEVER;
    t.at = arena_array(c->a, o->n_blocks + 1, sizeof(struct lens_block *));
    if (!t.at) {
        compose_full(c);
        return GUARD_NEVER;
    }
    return made_when(&t, 0, GUARD_ALWAYS);
}
/* NOLINTEND(misc-no-recursion) */
