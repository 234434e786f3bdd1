/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: objects and lists that one side of a table has and the other has not.
 *
 * A place above others is the same thing on both sides if it has a counterpart:
 * what an arrow on it, or above it, makes of it; else the place of the same name,
 * unless that is what an arrow makes of something else. It is *made* if it has
 * no counterpart that the other side names above a place of its own.
 */
#include "translators/reference/frame.h"

/* An arrow's place that is `place` or lies above it: the deepest. */
static const struct lens_way *
covering(const struct frame *f, enum lens_side side,
         const struct lens_place *place)
{
    const struct lens_way *best = NULL;
    for (size_t i = 0; i < f->n_blocks; i++)
        for (size_t k = 0; k < f->blocks[i]->n_arrows; k++) {
            const struct lens_arrow *arrow = &f->blocks[i]->arrows[k];
            for (size_t w = 0; w < arrow->n_ways; w++) {
                const struct lens_way *way = &arrow->ways[w];
                if (arrow->kind != LENS_MAP || !way->has[0] || !way->has[1] ||
                    way->place[side].n > place->n ||
                    (best && best->place[side].n >= way->place[side].n))
                    continue;
                struct lens_place begin =
                    place_prefix(place, way->place[side].n);
                if (lens_place_same(&begin, &way->place[side]))
                    best = way;
            }
        }
    return best;
}

/* Does the other side name something below this place? `rest` follows on `place`. */
static bool
is_named(const struct frame *f, enum lens_side side,
         const struct lens_place *place, const struct lens_step *rest,
         size_t n_rest)
{
    for (size_t i = 0; i < f->n_blocks; i++)
        for (size_t k = 0; k < f->blocks[i]->n_prefixes[side]; k++) {
            const struct lens_place *p = &f->blocks[i]->prefixes[side][k];
            if (p->n != place->n + n_rest)
                continue;
            struct lens_place head = place_prefix(p, place->n);
            struct lens_place tail = {p->steps + place->n, n_rest, p->text};
            struct lens_place wanted = {rest, n_rest, p->text};
            if (lens_place_same(&head, place) &&
                lens_place_same(&tail, &wanted))
                return true;
        }
    return false;
}

bool
frame_is_made(const struct frame *f, enum lens_side side,
              const struct lens_place *place)
{
    enum lens_side other = lens_other(side);
    const struct lens_way *way = covering(f, side, place);
    if (way) {
        size_t n = way->place[side].n;
        return !is_named(f, other, &way->place[other], place->steps + n,
                         place->n - n);
    }
    return covering(f, other, place) != NULL ||
           !is_named(f, other, place, NULL, 0);
}
