/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserved: names that a version does not have, and that a chain from it gives a
 * meaning on its way, if only in between. A request that has a member of its own
 * there is refused, an answer loses it.
 */
#include "translators/lens/build.h"
#include "translators/lens/report.h"

struct reserving {
    struct lens_builder *b;
    struct lens_vec own;      /* places that the version itself may have */
    struct lens_vec reserved; /* struct lens_place, in the order they are met */
};

static bool
is_among(const struct lens_vec *places, const struct lens_place *p)
{
    const struct lens_place *all = places->at;
    for (size_t i = 0; i < places->n; i++)
        if (lens_place_same(&all[i], p))
            return true;
    return false;
}

static void
put(struct reserving *r, struct lens_vec *to, const struct lens_place *p)
{
    if (p->n == 0 || is_among(&r->own, p) || is_among(&r->reserved, p))
        return;
    struct lens_place *slot = lens_vec_add(r->b, to, sizeof(*slot));
    if (slot)
        *slot = *p;
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
put_block(struct reserving *r, const struct lens_block *block,
          enum lens_side side, struct lens_vec *to)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        for (size_t w = 0; w < block->arrows[i].n_ways; w++) {
            const struct lens_way *way = &block->arrows[i].ways[w];
            const struct lens_lookup *lookup = lens_way_lookup(way);
            if (way->has[side] && !way->open)
                put(r, to, &way->place[side]);
            if (lookup)
                put(r, to, &lookup->in[side]);
        }
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++)
            put_block(r, block->choices[i].cases[k].block, side, to);
}
/* NOLINTEND(misc-no-recursion) */

bool
lens_reserved_find(struct lens_builder *b, const struct lens_api *api,
                   struct lens_report *out, enum lens_side read)
{
    struct reserving r = {.b = b};
    size_t n = out->newer - out->older;
    for (size_t i = 0; i < n; i++) {
        size_t t = read == LENS_OLDER ? out->older + i : out->newer - 1 - i;
        const struct lens_block *block = api->tables[t].blocks[out->type];
        if (!block)
            continue;
        put_block(&r, block, read, &r.own);
        put_block(&r, block, lens_other(read), &r.reserved);
    }
    out->reserved[read] = r.reserved.at;
    out->n_reserved[read] = r.reserved.n;
    return !b->full;
}
