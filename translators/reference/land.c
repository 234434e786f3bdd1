/* SPDX-License-Identifier: Apache-2.0 */
/*
 * land: strangers are refused or dropped, and what was brought is written,
 * outer places before inner.
 */
#include "proxy/base/map.h"
#include "translators/reference/frame.h"

/* ---- strangers -------------------------------------------------------------------- */

/* May it stand where this active leads? */
static bool
is_left(const struct frame *f, const struct json *node, size_t active)
{
    size_t by = pointers_get(&f->left, node, 0);
    return by == LEFT_BY_ALL || (by != SIZE_MAX && by == active);
}

static enum lens_collide
collide_of(const struct frame *f, size_t active)
{
    return active == SIZE_MAX ? LENS_COLLIDE_UNSAID
                              : f->actives[active].arrow->collide;
}

/* Does an arrow bring just this? */
static bool
is_brought(struct frame *f, const struct json *stranger,
           const struct json *brought, bool *same)
{
    *same = false;
    return !brought || spot_equal(f->run, stranger, brought, same);
}

/*
 * Something stands where an arrow leads. *stays: it may, and what the arrow
 * brings goes.
 */
static bool
meet(struct frame *f, struct json *stranger, const struct json *brought,
     size_t active, const struct lens_origin *origin,
     const struct lens_place *place, span source, size_t hint, bool *stays)
{
    struct run *r = f->run;
    enum lens_collide collide = collide_of(f, active);
    bool same = false;
    *stays = false;
    if (!is_brought(f, stranger, brought, &same))
        return false;
    if (collide == LENS_COLLIDE_KEEP && !same) {
        *stays = true;
        return frame_leave(f, stranger) &&
               (!brought || run_notice(r, NOTICE_LOSSY, origin, brought));
    }
    bool drops = same || collide == LENS_COLLIDE_DROP ||
                 (collide == LENS_COLLIDE_UNSAID && !r->is_request);
    if (!drops && source.len)
        return run_fail(r, FAULT_CARRY, stranger, origin,
                        "\"%.*s\" becomes \"%.*s\", and that is already there",
                        SPAN_FMT(source), SPAN_FMT(place->text));
    if (!drops)
        return run_fail(r, FAULT_CARRY, stranger, origin,
                        "\"%.*s\" has a meaning of its own in the other "
                        "version, and is already there",
                        SPAN_FMT(place->text));
    struct json *hole = NULL;
    f->cursor = (struct cursor){0};
    return run_notice(r, NOTICE_STRANGER, origin, stranger) &&
           spot_cut(r, stranger, hint, &hole);
}

/* The take of this active at these stars that leads to this place, or NULL. Those of one
 * active stand together. */
static struct take *
take_to(struct frame *f, size_t active, const struct lens_place *place,
        const struct binding *b)
{
    const void *star = frame_star(f, b);
    size_t at = pointers_get(&f->by_star, star, active);
    for (; at < f->n_takes && f->takes[at].active == active; at++) {
        struct take *t = &f->takes[at];
        if (frame_star(f, &t->from) != star)
            return NULL;
        if (t->leads && lens_place_same(&t->target, place))
            return t;
    }
    return NULL;
}

/* The same; one that spreads is of fewer stars. */
static struct take *
take_of(struct frame *f, size_t active, const struct lens_place *place,
        const struct binding *b)
{
    const struct lens_joint *j = f->actives[active].arrow->joint;
    struct binding outer = *b;
    if (j && j->kind == LENS_JOINT_EACH)
        outer.n_stars = joint_stars(j);
    return take_to(f, active, place, &outer);
}

/* What a fill would write at these stars. */
static bool
filled(struct frame *f, size_t active, const struct binding *b,
       struct json **out)
{
    const struct active *a = &f->actives[active];
    struct stage_asker asker = {&a->arrow->origin, LENS_OUTSIDE_FAIL,
                                LENS_REST_UNSAID};
    *out = NULL;
    if (!a->fill.value || a->arrow->kind == LENS_MAP)
        return true;
    return value_give(f, &a->fill, b->stars, b->n_stars, &asker, out);
}

static span
source_text(const struct frame *f, size_t active)
{
    const struct lens_arrow *arrow = f->actives[active].arrow;
    for (size_t w = 0; w < arrow->n_ways; w++)
        if (arrow->ways[w].has[f->leg->read])
            return arrow->ways[w].place[f->leg->read].text;
    return (span){0};
}

/* A member where an open set leads, and no arrow of its own: it is refused like others,
 * or taken for one of the set. */
static bool
foreign(struct frame *f, size_t active, const struct lens_way *way,
        struct binding *b, const struct map *brought)
{
    const struct star *star = &b->stars[b->n_stars - 1];
    struct take *t = map_get(brought, star->key);
    bool stays = false;
    if (!t && way->open->foreign)
        return frame_leave(f, b->node) &&
               run_notice(f->run, NOTICE_LOSSY, &way->origin, b->node);
    if (!meet(f, b->node, t ? t->image.value : NULL, active, &way->origin,
              &way->place[f->leg->write], (span){0}, star->at, &stays))
        return false;
    if (stays && t)
        t->leads = false;
    return true;
}

static bool
foreigners(struct frame *f, size_t active, const struct lens_way *way)
{
    struct bindings found = {0};
    struct map brought;
    if (!open_bind(f, way, f->leg->write, &found) ||
        !open_brought(f, active, &brought))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct binding *b = &found.at[i];
        bool passes = false;
        if (!b->node || is_left(f, b->node, active) || !b->node->parent ||
            trail_of(b->node).writer == f->id)
            continue;
        if (!open_is_bag(f, way, b->node, b->stars[b->n_stars - 1].key,
                         &passes))
            return false;
        if (!passes && !foreign(f, active, way, b, &brought))
            return false;
    }
    return true;
}

/* Where an arrow leads to the value itself (`.` in a case at a type) all that was taken
 * out of the object has gone: what is left stands beside the value. */
static bool
beside(struct frame *f, const struct lens_way *way)
{
    struct run *r = f->run;
    const struct lens_place *from = &way->place[f->leg->read];
    if (spot_is_empty(f->root) || spot_is_void(f->root))
        return true;
    if (way->rest.kind == LENS_REST_REFUSE ||
        (way->rest.kind == LENS_REST_UNSAID && r->is_request))
        return run_fail(r, FAULT_CARRY, f->root, &way->origin,
                        "beside \"%.*s\" stands something that this version "
                        "cannot hold",
                        SPAN_FMT(from->text));
    if (!run_notice(r, NOTICE_LOSSY, &way->origin, f->root))
        return false;
    for (size_t i = f->root->n; i-- > 0;)
        if (!spot_is_empty(f->root->members[i].value))
            (void)json_remove(f->root, i);
    return true;
}

static bool
strangers_at(struct frame *f, size_t active, const struct lens_place *place,
             const struct lens_origin *origin)
{
    struct bindings found = {0};
    if (!place_bind(f->run, f->root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct binding *b = &found.at[i];
        struct json *brought = NULL;
        bool stays = false;
        if (!b->node || is_left(f, b->node, active) || !b->node->parent ||
            trail_of(b->node).writer == f->id)
            continue;
        struct take *t = take_of(f, active, place, b);
        bool leaves = false;
        if (t && !joint_leaves(f, t, &leaves))
            return false;
        if (leaves) {
            if (!frame_leave(f, b->node))
                return false;
            continue;
        }
        if (t)
            brought = t->image.value;
        else if (!filled(f, active, b, &brought))
            return false;
        span source = source_text(f, active);
        size_t hint = b->n_stars ? b->stars[b->n_stars - 1].at : 0;
        if (!meet(f, b->node, brought, active, origin, place, source, hint,
                  &stays))
            return false;
        if (stays && t)
            t->leads = false;
    }
    return true;
}

/* How many of its steps look for an element by its members. */
static size_t
finds_of(const struct lens_place *place)
{
    size_t n = 0;
    for (size_t i = 0; i < place->n; i++)
        n += place->steps[i].kind == LENS_FIND;
    return n;
}

/* Is it inside what another arrow may bring? */
static bool
is_inside_another(const struct frame *f, const struct lens_place *place)
{
    for (size_t i = 0; i < f->n_actives; i++) {
        const struct lens_arrow *arrow = f->actives[i].arrow;
        for (size_t w = 0; w < arrow->n_ways; w++) {
            const struct lens_place *outer =
                &arrow->ways[w].place[f->leg->write];
            if (!arrow->ways[w].has[f->leg->write] || outer->n >= place->n)
                continue;
            struct lens_place begin = place_prefix(place, outer->n);
            if (lens_place_same(outer, &begin))
                return true;
        }
    }
    return false;
}

/* Is what stands there known only now, when others have been written? */
static bool
is_known_late(const struct frame *f, const struct lens_place *place)
{
    return finds_of(place) > 0 || is_inside_another(f, place);
}

/* `late`: those that are known only now, when others have been written. */
static bool
strangers_of(struct frame *f, size_t active, bool late)
{
    const struct lens_arrow *arrow = f->actives[active].arrow;
    enum lens_side write = f->leg->write;
    enum lens_side own = arrow->kind == LENS_DROP ? LENS_OLDER : LENS_NEWER;
    if (arrow->kind != LENS_MAP && write != own && !arrow->has_stash)
        return true;
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        const struct lens_place *place = &way->place[write];
        if (way->has[write] && place->n == 0) {
            if (!late && !beside(f, way))
                return false;
            continue;
        }
        if (way->has[write] && way->open) {
            if ((!late || is_known_late(f, place)) &&
                !foreigners(f, active, way))
                return false;
            continue;
        }
        if (way->has[write] && (!late || is_known_late(f, place)) &&
            !strangers_at(f, active, place, &way->origin))
            return false;
        const struct lens_lookup *lookup = lens_way_lookup(way);
        if (lookup && lookup->is_alone && lookup->list == write && !late &&
            !strangers_at(f, active, &lookup->in[write], &way->origin))
            return false;
        if (way->rest.kind == LENS_REST_STASH && lens_rest_side(way) == write &&
            (!late || is_known_late(f, &way->rest.stash)) &&
            !strangers_at(f, active, &way->rest.stash, &way->origin))
            return false;
    }
    return true;
}

static bool
all_strangers(struct frame *f, bool late)
{
    for (size_t i = 0; i < f->n_actives; i++)
        if (!strangers_of(f, i, late))
            return false;
    return true;
}

bool
land_strangers(struct frame *f)
{
    return all_strangers(f, false);
}

/* ---- writing --------------------------------------------------------------------------- */

/* Outer places before inner; and what is found by its members waits for them. */
static int
by_target(const void *a, const void *b, void *arg)
{
    const struct frame *f = arg;
    size_t i = *(const size_t *)a;
    size_t k = *(const size_t *)b;
    const struct take *x = &f->takes[i];
    const struct take *y = &f->takes[k];
    size_t x_finds = finds_of(&x->target), y_finds = finds_of(&y->target);
    bool x_spreads = joint_spreads(f, x), y_spreads = joint_spreads(f, y);
    if (x_spreads != y_spreads) /* when all elements are there */
        return x_spreads ? 1 : -1;
    if (x_finds != y_finds)
        return x_finds < y_finds ? -1 : 1;
    if (x->target.n != y->target.n)
        return x->target.n < y->target.n ? -1 : 1;
    struct arrival here = arrival_of(x->origin);
    struct arrival there = arrival_of(y->origin);
    int by_name = span_cmp(here.change, there.change);
    if (by_name)
        return by_name;
    if (here.order != there.order)
        return here.order < there.order ? -1 : 1;
    return i < k ? -1 : i > k;
}

/* It was to be written into an element that has gone. */
static bool
leads_nowhere(const struct take *t)
{
    for (size_t i = 0; i < t->from.n_stars; i++)
        if (trail_of(t->from.stars[i].node).gone)
            return true;
    return false;
}

/* What stands at the inner place of what an outer arrow brought is a stranger too. */
static bool
inner_stranger(struct frame *f, struct take *t, bool *stays)
{
    struct landing to;
    bool found = false;
    *stays = false;
    if (!is_known_late(f, &t->target))
        return true;
    if (!walk_to(f, &t->target, t->from.stars, t->from.n_stars, false,
                 t->origin, &to, &found))
        return false;
    if (!found || !to.there || is_left(f, to.there, t->active) ||
        trail_of(to.there).writer == f->id)
        return true;
    span source = t->active == SIZE_MAX ? (span){0} : source_text(f, t->active);
    return meet(f, to.there, t->image.value, t->active, t->origin, &t->target,
                source, 0, stays);
}

/* A star that names the values themselves counts those that were written. */
static void
close_ranks(struct frame *f, const struct take *t, struct landing *to,
            struct star *here)
{
    const struct lens_place *from = t->from.place;
    if (!to->star || to->parent->kind != JSON_LIST || !from || !from->n ||
        !place_is_star(&from->steps[from->n - 1]))
        return;
    *here = *to->star;
    size_t n = walk_count(f, to->parent);
    here->index = here->index < n ? here->index : n;
    to->star = here;
}

static bool
land_one(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    struct landing to;
    struct star here;
    bool found = false;
    bool stays = false;
    if (!t->leads || leads_nowhere(t))
        return true;
    if (!inner_stranger(f, t, &stays))
        return false;
    if (stays || t->image.kind != IMAGE_VALUE)
        return true;
    if (!walk_to(f, &t->target, t->from.stars, t->from.n_stars, true, t->origin,
                 &to, &found))
        return false;
    bool own_slot = t->hole && t->hole->parent == to.parent;
    bool is_star = to.step && place_is_star(to.step);
    if (to.there && to.step && !(own_slot && is_star) &&
        !is_left(f, to.there, t->active)) {
        span source =
            t->active == SIZE_MAX ? (span){0} : source_text(f, t->active);
        if (!meet(f, to.there, t->image.value, t->active, t->origin, &t->target,
                  source, 0, &stays))
            return false;
        if (stays)
            return true;
    }
    if (!own_slot)
        close_ranks(f, t, &to, &here);
    const char *what = t->kind == TAKE_OWN || t->kind == TAKE_REST ? "stashed"
                       : t->kind == TAKE_STASH                     ? "restored"
                       : t->kind == TAKE_TAG                       ? "tagged"
                       : own_slot && to.step && !is_star && t->from.place &&
                               span_eq(t->from.place->text, t->target.text)
                           ? "rewritten"
                           : "moved";
    return walk_put(f, &to, t->image.value, t->hole, t->origin) &&
           run_touch(r, t->origin, &t->target, what, t->image.value);
}

static bool
land_spread(struct frame *f, const struct take *t)
{
    struct run *r = f->run;
    struct bindings elements = {0};
    if (!t->leads || leads_nowhere(t) || t->image.kind != IMAGE_VALUE)
        return true;
    if (!joint_elements(f, t, &elements))
        return false;
    if (elements.n == 0)
        return joint_has_none(f, t);
    for (size_t i = 0; i < elements.n; i++) {
        struct take one = *t;
        one.from.stars = elements.at[i].stars;
        one.from.n_stars = elements.at[i].n_stars;
        if (i > 0)
            one.image.value = json_clone(r->arena, t->image.value);
        if (!one.image.value)
            return run_full(r);
        if (!land_one(f, &one))
            return false;
    }
    return true;
}

/* Elements that became equal: the later ones go. */
static bool
drop_double(struct frame *f, struct map *seen, struct take *t)
{
    struct run *r = f->run;
    span text = form_compact(r, t->image.value);
    void *was = NULL;
    struct json *hole = NULL;
    if (!text.at || !map_put(seen, text, t, &was))
        return run_full(r);
    const struct take *first = was;
    if (!first || json_alike(first->as_it_came, t->as_it_came))
        return true;
    size_t hint = t->from.n_stars ? t->from.stars[t->from.n_stars - 1].at : 0;
    return run_notice(r, NOTICE_LOSSY, t->origin, t->image.value) &&
           spot_cut(r, t->image.value, hint, &hole);
}

static bool
drop_doubles(struct frame *f)
{
    struct map seen;
    const struct json *list = NULL;
    for (size_t i = 0; i < f->n_takes; i++) {
        struct take *t = &f->takes[i];
        if (!t->way || !t->way->drop_doubles || !t->image.value ||
            !t->as_it_came || !t->image.value->parent)
            continue;
        if (t->image.value->parent != list)
            map_init(&seen, f->run->scratch);
        list = t->image.value->parent;
        if (!drop_double(f, &seen, t))
            return false;
    }
    return true;
}

bool
land_all(struct frame *f)
{
    size_t *order = arena_array(f->run->scratch, f->n_takes, sizeof(*order));
    if (!order)
        return run_full(f->run);
    for (size_t i = 0; i < f->n_takes; i++)
        order[i] = i;
    if (f->n_takes)
        qsort_r(order, f->n_takes, sizeof(*order), by_target, f);
    for (size_t i = 0; i < f->n_takes; i++) {
        struct take *t = &f->takes[order[i]];
        if (!(joint_spreads(f, t) ? land_spread(f, t) : land_one(f, t)))
            return false;
    }
    return all_strangers(f, true) && drop_doubles(f);
}
