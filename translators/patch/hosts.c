/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts: whether the object around a value is there, on both sides alike.
 */
#include "translators/patch/build.h"

bool
way_is_plain(const struct lens_arrow *arrow, const struct lens_way *way)
{
    if (arrow->kind != LENS_MAP || arrow->joint || arrow->has_cases ||
        !way->has[LENS_OLDER] || !way->has[LENS_NEWER])
        return false;
    for (int side = 0; side < 2; side++)
        if (way->shape[side].said)
            return false;
    for (size_t i = 0; i < way->stages.n; i++)
        if (way->stages.at[i].kind != LENS_STAGE_FORM ||
            way->stages.at[i].form[LENS_OLDER].kind != LENS_AS_KEYS)
            return false;
    return true;
}

const struct lens_stage *
way_list(const struct lens_way *way)
{
    for (size_t i = 0; i < way->stages.n; i++)
        if (way->stages.at[i].kind == LENS_STAGE_LIST)
            return &way->stages.at[i];
    return NULL;
}

static bool
is_prefix(const struct lens_place *prefix, const struct lens_place *place)
{
    if (prefix->n > place->n)
        return false;
    struct lens_place begin = place_prefix(place, prefix->n);
    return lens_place_same(prefix, &begin);
}

/* The arrow that moves what is at `place`, or above it: the deepest. */
static const struct lens_arrow *
covering(const struct scene *s, const struct lens_place *place)
{
    const struct lens_arrow *best = NULL;
    enum lens_side read = s->frame.leg->read;
    for (size_t b = 0; b < s->frame.n_blocks; b++)
        for (size_t i = 0; i < s->frame.blocks[b]->n_arrows; i++) {
            const struct lens_arrow *a = &s->frame.blocks[b]->arrows[i];
            for (size_t w = 0; a->kind == LENS_MAP && w < a->n_ways; w++)
                if (a->ways[w].has[read] &&
                    is_prefix(&a->ways[w].place[read], place) &&
                    (!best ||
                     best->ways[0].place[read].n < a->ways[w].place[read].n))
                    best = a;
        }
    return best;
}

size_t
hosts_image_steps(const struct scene *s, const struct lens_place *place)
{
    const struct lens_arrow *a = covering(s, place);
    if (!a)
        return place->n;
    const struct lens_way *way = &a->ways[0];
    return way->place[s->frame.leg->write].n + place->n -
           way->place[s->frame.leg->read].n;
}

bool
hosts_is_image(const struct scene *s, const struct lens_place *place,
               const struct lens_place *image)
{
    const struct lens_arrow *a = covering(s, place);
    if (!a)
        return lens_place_same(place, image);
    const struct lens_way *way = &a->ways[0];
    if (!way_is_plain(a, way) || way->stages.n || a->when[LENS_OLDER].said ||
        a->when[LENS_NEWER].said || !frame_facts_hold(s->frame.run, a))
        return false;
    const struct lens_place *from = &way->place[s->frame.leg->read];
    const struct lens_place *to = &way->place[s->frame.leg->write];
    if (image->n != to->n + place->n - from->n || !is_prefix(to, image))
        return false;
    struct lens_place tail = {place->steps + from->n, place->n - from->n,
                              place->text};
    struct lens_place other = {image->steps + to->n, image->n - to->n,
                               image->text};
    return lens_place_same(&tail, &other);
}

bool
hosts_agree(const struct scene *s, const struct lens_place *from,
            const struct lens_place *to)
{
    struct lens_place x = place_prefix(from, from->n - 1);
    struct lens_place y = place_prefix(to, to->n - 1);
    return hosts_is_image(s, &x, &y);
}

bool
hosts_clean(const struct scene *s, const struct lens_place *from,
            const struct lens_place *to)
{
    if (hosts_agree(s, from, to))
        return true;
    if (s->frame.type && s->frame.type->empty_hosts_same)
        return true;
    struct lens_place host = place_prefix(from, from->n - 1);
    return to->n == 1 && (from->n == 1 ||
                          !frame_is_made(&s->frame, s->frame.leg->read, &host));
}

bool
hosts_keys(struct run *r, const struct lens_place *from, const struct met *met,
           const struct lens_place *place, const span **out)
{
    span *keys = arena_array(r->arena, place->n + 1, sizeof(*keys));
    size_t star = 0;
    if (!keys)
        return run_full(r);
    for (size_t i = 0; i < place->n; i++) {
        keys[i] = place->steps[i].key;
        if (place->steps[i].kind != LENS_EACH)
            continue;
        /* The so many-th star here is the so many-th there. */
        size_t at = 0;
        for (size_t n = 0; at < met->steps; at++)
            if (from->steps[at].kind == LENS_EACH && n++ == star)
                break;
        if (at == met->steps)
            return run_fail(r, FAULT_CARRY, met->node, NULL,
                            "the elements that \"%.*s\" speaks of are not in "
                            "the patch",
                            SPAN_FMT(place->text));
        keys[i] = met->keys[at];
        star++;
    }
    *out = keys;
    return true;
}
