/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill: `up:`, `down:` and `absent:` at places that are still ⊥, where the
 * parent is there.
 */
#include "translators/reference/frame.h"

/* One place to fill, outer places first. */
struct gap {
    size_t active;
    const struct lens_place *place;
    const struct lens_way *way;
    const struct star *stars;
    size_t n_stars;
};

struct gaps {
    struct gap *at;
    size_t n;
    size_t room;
};

static bool
add_gap(struct frame *f, struct gaps *g, struct gap gap)
{
    void *grown = RUN_GROW(f->run, g->at, g->n, g->room);
    if (!grown)
        return false;
    g->at = grown;
    g->at[g->n++] = gap;
    return true;
}

/* What was ⊥ and means something, in every element that is there now. */
static bool
gaps_of_each(struct frame *f, const struct take *t, const struct gap *whole,
             struct gaps *g)
{
    struct bindings elements = {0};
    if (!joint_elements(f, t, &elements))
        return false;
    for (size_t i = 0; i < elements.n; i++) {
        struct gap gap = *whole;
        gap.stars = elements.at[i].stars;
        gap.n_stars = elements.at[i].n_stars;
        if (!add_gap(f, g, gap))
            return false;
    }
    return true;
}

/* What was ⊥ and means something. */
static bool
gaps_of_map(struct frame *f, struct gaps *g)
{
    for (size_t i = 0; i < f->n_takes; i++) {
        const struct take *t = &f->takes[i];
        if ((t->kind != TAKE_MAP && t->kind != TAKE_JOINED) || t->value ||
            t->done || !t->leads || t->image.kind == IMAGE_VALUE ||
            !f->actives[t->active].fill.value)
            continue;
        struct gap gap = {t->active, &t->target, t->way, t->from.stars,
                          t->from.n_stars};
        if (joint_spreads(f, t) ? !gaps_of_each(f, t, &gap, g)
                                : !add_gap(f, g, gap))
            return false;
    }
    return true;
}

/* What one side alone has, at every element that is there now. */
static bool
gaps_of_own(struct frame *f, size_t active, struct gaps *g)
{
    const struct lens_arrow *arrow = f->actives[active].arrow;
    const struct lens_way *way = &arrow->ways[0];
    struct bindings found = {0};
    if (arrow->kind == LENS_MAP || !f->actives[active].fill.value)
        return true;
    const struct lens_place *place = &way->place[f->leg->write];
    if (!place_bind(f->run, f->root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct gap gap = {active, place, way, found.at[i].stars,
                          found.at[i].n_stars};
        if (!found.at[i].node && !add_gap(f, g, gap))
            return false;
    }
    return true;
}

static int
outer_first(const void *a, const void *b)
{
    const struct gap *x = a;
    const struct gap *y = b;
    if (x->place->n != y->place->n)
        return x->place->n < y->place->n ? -1 : 1;
    return x->active < y->active ? -1 : x->active > y->active;
}

/* Of an arrow with cases, the way whose shape fits what is filled in. */
static bool
way_for(struct frame *f, const struct gap *gap, struct json *value,
        const struct lens_way **way)
{
    const struct lens_arrow *arrow = f->actives[gap->active].arrow;
    *way = gap->way;
    for (size_t w = 0; arrow->has_cases && w < arrow->n_ways; w++) {
        bool fits = false;
        if (!arrow->ways[w].has[f->leg->read] ||
            !arrow->ways[w].has[f->leg->write])
            continue;
        if (!test_shape(f->run, value, &arrow->ways[w].shape[f->leg->read],
                        &fits))
            return false;
        if (fits) {
            *way = &arrow->ways[w];
            return true;
        }
    }
    return true;
}

/* A literal of `absent:` is spelt as the side read spells it, so it runs through the
 * arrow; an expression gives what is written. */
static bool
meaning_of_absence(struct frame *f, struct gap *gap, struct json *value,
                   struct image *out)
{
    const struct active *active = &f->actives[gap->active];
    const struct lens_way *way = NULL;
    *out = (struct image){IMAGE_VALUE, value};
    if (active->arrow->kind != LENS_MAP ||
        active->fill.value->kind != LENS_VALUE_LITERAL)
        return true;
    if (!way_for(f, gap, value, &way))
        return false;
    if (way->has[f->leg->write])
        gap->place = &way->place[f->leg->write];
    return bring_value(f, active, way, value, out);
}

static bool
fill_one(struct frame *f, struct gap *gap)
{
    struct run *r = f->run;
    const struct active *active = &f->actives[gap->active];
    const struct lens_origin *origin =
        active->arrow->joint ? &active->arrow->origin : &gap->way->origin;
    struct stage_asker asker = {origin, LENS_OUTSIDE_FAIL, LENS_REST_UNSAID};
    struct json *value = NULL;
    struct image image;
    struct landing to;
    bool found = false;
    if (!value_give(f, &active->fill, gap->stars, gap->n_stars, &asker, &value))
        return false;
    if (!value)
        return true;
    if (!meaning_of_absence(f, gap, value, &image))
        return false;
    if (image.kind != IMAGE_VALUE)
        return true;
    if (!walk_to(f, gap->place, gap->stars, gap->n_stars,
                 active->arrow->host_make, origin, &to, &found))
        return false;
    /* In a patch nothing is filled but what it brings whole. */
    if (!found || to.there || trail_of(to.parent).partial)
        return true;
    return walk_put(f, &to, image.value, NULL, origin) &&
           run_notice(r, NOTICE_DEFAULTED, origin, f->root) &&
           run_touch(r, origin, gap->place, "filled", NULL);
}

bool
fill_all(struct frame *f)
{
    struct gaps g = {0};
    if (!gaps_of_map(f, &g))
        return false;
    for (size_t i = 0; i < f->n_actives; i++)
        if (!gaps_of_own(f, i, &g))
            return false;
    if (g.n)
        qsort(g.at, g.n, sizeof(*g.at), outer_first);
    for (size_t i = 0; i < g.n; i++)
        if (!fill_one(f, &g.at[i]))
            return false;
    return true;
}
