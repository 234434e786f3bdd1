/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: which objects a table makes, as prefixes of the places it names.
 */
#include "translators/lens/build.h"

static bool
among(const struct lens_place *places, size_t n, const struct lens_place *p)
{
    for (size_t i = 0; i < n; i++)
        if (lens_place_same(&places[i], p))
            return true;
    return false;
}

bool
lens_is_made(const struct lens_block *const *blocks, size_t n,
             enum lens_side side, const struct lens_place *place)
{
    bool own = false;
    enum lens_side other = lens_other(side);
    for (size_t i = 0; i < n; i++) {
        own = own || among(blocks[i]->prefixes[side],
                           blocks[i]->n_prefixes[side], place);
        if (among(blocks[i]->prefixes[other], blocks[i]->n_prefixes[other],
                  place))
            return false;
    }
    return own;
}

/* All proper prefixes of `p`. */
static void
add(struct lens_builder *b, struct lens_vec *to, const struct lens_place *p)
{
    for (size_t n = 1; n < p->n; n++) {
        struct lens_place prefix = {.steps = p->steps, .n = n};
        if (among(to->at, to->n, &prefix))
            continue;
        struct lens_place *slot = lens_vec_add(b, to, sizeof(*slot));
        if (!slot || !lens_place_make(b, p->steps, n, slot))
            return;
    }
}

static void
add_arrow(struct lens_builder *b, struct lens_vec to[2],
          const struct lens_arrow *a)
{
    for (size_t i = 0; i < a->n_ways; i++) {
        const struct lens_way *w = &a->ways[i];
        for (size_t side = 0; side < 2; side++)
            if (w->has[side])
                add(b, &to[side], &w->place[side]);
        if (w->rest.kind == LENS_REST_STASH)
            add(b, &to[lens_rest_side(w)], &w->rest.stash);
        const struct lens_lookup *lookup = lens_way_lookup(w);
        if (lookup && lookup->is_alone)
            add(b, &to[lookup->list], &lookup->each[lookup->list]);
    }
}

enum lens_side
lens_rest_side(const struct lens_way *w)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_LIST)
            return w->stages.at[i].one;
    bool newer_boxes =
        lens_way_boxes(w, LENS_NEWER) ||
        (w->shape[LENS_NEWER].has_inside && w->shape[LENS_NEWER].inside.n > 0);
    return newer_boxes ? LENS_OLDER : LENS_NEWER;
}

static int
shorter_first(const void *a, const void *b)
{
    size_t x = ((const struct lens_place *)a)->n;
    size_t y = ((const struct lens_place *)b)->n;
    return x < y ? -1 : x > y;
}

static void
finish(struct lens_vec from[2], struct lens_block *block)
{
    for (size_t side = 0; side < 2; side++) {
        if (from[side].n)
            qsort(from[side].at, from[side].n, sizeof(struct lens_place),
                  shorter_first);
        block->prefixes[side] = from[side].at;
        block->n_prefixes[side] = from[side].n;
    }
}

void
lens_made_case(struct lens_builder *b, struct lens_block *block,
               const struct lens_shape shape[2])
{
    struct lens_vec to[2] = {{0}, {0}};
    for (size_t i = 0; i < block->n_arrows; i++)
        add_arrow(b, to, &block->arrows[i]);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < shape[side].n_tags; i++)
            add(b, &to[side], &shape[side].tags[i].place);
    finish(to, block);
}

static void
add_children(struct lens_builder *b, struct lens_vec *to,
             const struct lens_type_at *at)
{
    for (size_t i = 0; i < at->n_children; i++)
        add(b, to, &at->children[i].place);
}

static void
fill_block(struct lens_builder *b, size_t table, size_t type)
{
    struct lens_block *block = b->blocks[table][type];
    struct lens_vec to[2] = {{0}, {0}};
    if (!block)
        return;
    for (size_t i = 0; i < block->n_arrows; i++)
        add_arrow(b, to, &block->arrows[i]);
    add_children(b, &to[LENS_OLDER], &b->type_at[type][table]);
    add_children(b, &to[LENS_NEWER], &b->type_at[type][table + 1]);
    finish(to, block);
}

void
lens_made_fill(struct lens_builder *b)
{
    for (size_t t = 0; t + 1 < b->api->n_versions; t++)
        for (size_t i = 0; i < b->api->n_types && !b->full; i++)
            fill_block(b, t, i);
}
