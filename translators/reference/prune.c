/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: made objects that were emptied go, innermost first, in what was cut
 * as well. One that came empty stays, and so does an element that is counted
 * (by its number, by a star) while another stands behind it.
 */
#include "translators/reference/frame.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as tags may lie */

/* A container from which something was cut, and the place it was reached by. */
struct candidate {
    struct json *node;
    const struct lens_place *place; /* of the arrow */
    size_t n;                       /* its steps up to the container */
    size_t hint;                    /* its slot, if it is an element */
    size_t depth;
    size_t order;
};

struct candidates {
    struct candidate *at;
    size_t n;
    size_t room;
    struct pointers seen; /* a list is above all its elements: once is enough */
};

static bool
add_candidate(struct frame *f, struct candidates *c, const struct binding *b,
              size_t n)
{
    struct json *node = b->path[n];
    size_t hint = 0;
    bool was = false;
    if (!pointers_put(f->run, &c->seen, node, (size_t)(b->place->steps + n), 0,
                      &was))
        return false;
    if (was)
        return true;
    for (size_t i = 0; i < b->n_stars; i++)
        if (b->stars[i].node == node)
            hint = b->stars[i].at;
    void *grown = RUN_GROW(f->run, c->at, c->n, c->room);
    if (!grown)
        return false;
    c->at = grown;
    c->at[c->n] =
        (struct candidate){node, b->place, n, hint, spot_depth(node), c->n};
    c->n++;
    return true;
}

static bool
candidates_of(struct frame *f, struct candidates *out)
{
    for (size_t i = 0; i < f->n_takes; i++) {
        const struct take *t = &f->takes[i];
        const struct binding *b = &t->from;
        if (!b->place || (!t->value && !t->box_emptied))
            continue;
        for (size_t n = 1; n < b->place->n; n++)
            if (b->path[n] && json_is_container(b->path[n]) &&
                !add_candidate(f, out, b, n))
                return false;
    }
    return true;
}

/* The deepest first; inside a cut value depth counts from its own top. */
static int
deepest_first(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x->order > y->order ? -1 : x->order < y->order;
}

/* ---- is it empty? --------------------------------------------------------------- */

static bool
is_tag_leaf(const struct lens_step *step, const span *way, size_t n,
            const struct json *leaf)
{
    for (size_t i = 0; i < step->n_finds; i++) {
        const struct lens_find *find = &step->finds[i];
        if (find->kind != LENS_EQUALS || find->member.n != n)
            continue;
        size_t same = 0;
        while (same < n && span_eq(find->member.steps[same].key, way[same]))
            same++;
        if (same == n && json_alike(leaf, find->value))
            return true;
    }
    return false;
}

#define TAG_DEPTH_MAX 16 /* tags lie this deep in an element at most */

/* Is every leaf below `node` one that the step's tests name? */
static bool
only_tag(const struct lens_step *step, const struct json *node, span *way,
         size_t n)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct json_member *m = &node->members[i];
        if (spot_is_empty(m->value))
            continue;
        if (n == TAG_DEPTH_MAX)
            return false;
        way[n] = m->key;
        if (is_tag_leaf(step, way, n + 1, m->value))
            continue;
        if (m->value->kind != JSON_OBJECT || spot_count(m->value) == 0 ||
            !only_tag(step, m->value, way, n + 1))
            return false;
    }
    return true;
}

static bool
is_emptied(const struct candidate *c)
{
    const struct lens_step *step = &c->place->steps[c->n - 1];
    span way[TAG_DEPTH_MAX];
    if (spot_is_void(c->node))
        return true;
    return c->node->kind == JSON_OBJECT &&
           (step->kind == LENS_FIND || step->kind == LENS_EACH_FIND) &&
           only_tag(step, c->node, way, 0);
}

/* Is the element counted, and does another stand behind it? */
static bool
is_counted(const struct candidate *c)
{
    const struct lens_step *step = &c->place->steps[c->n - 1];
    const struct json *list = c->node->parent;
    if (!list || list->kind != JSON_LIST)
        return false;
    size_t at = spot_position(c->node, c->hint);
    bool behind = false;
    for (size_t i = at + 1; !behind && i < list->n; i++)
        behind = !spot_is_empty(list->members[i].value);
    switch (step->kind) {
    case LENS_INDEX:
    case LENS_EACH:
    case LENS_EACH_FIND:
        return behind;
    case LENS_LAST:
        return behind || spot_count(list) > 1;
    case LENS_KEY:
    case LENS_ONLY:
    case LENS_FIND:
        return false;
    }
    return false;
}

/* Elements that are shared where a star names them, and into which an arrow brings a
 * value that came from them, are not empty for long. */
static bool
refilled_by(struct frame *f, const struct take *t, struct pointers *out)
{
    size_t star = 0;
    bool was = false;
    for (size_t n = 0; n + 1 < t->from.place->n; n++) {
        if (!place_is_star(&t->from.place->steps[n]))
            continue;
        struct lens_place prefix = place_prefix(t->from.place, n + 1);
        const struct json *element = t->from.stars[star++].node;
        if (!frame_is_made(f, f->leg->read, &prefix) &&
            !pointers_put(f->run, out, element, 0, 0, &was))
            return false;
    }
    return true;
}

/* A list whose elements all have one value, and they, are there whatever they hold. */
static bool
stand(struct frame *f, const struct take *t, struct pointers *out)
{
    const struct lens_joint *j = f->actives[t->active].arrow->joint;
    const struct lens_place *place = t->from.place;
    bool was = false;
    size_t last = place->n;
    if (j->kind != LENS_JOINT_EACH || f->leg->read == j->one)
        return true;
    while (last > 0 && !place_is_star(&place->steps[last - 1]))
        last--;
    size_t stars = 0;
    for (size_t n = 0; n <= last; n++) {
        struct json *node = t->from.path[n];
        bool is_list = n < last && place_is_star(&place->steps[n]);
        bool below =
            stars > joint_stars(j) || (stars == joint_stars(j) && is_list);
        stars += is_list;
        if (below && node && !pointers_put(f->run, out, node, 0, 0, &was))
            return false;
    }
    return true;
}

static bool
refilled(struct frame *f, struct pointers *out)
{
    for (size_t i = 0; i < f->n_takes; i++) {
        const struct take *t = &f->takes[i];
        if (t->kind == TAKE_PART && !stand(f, t, out))
            return false;
        if (t->value && t->leads && t->from.place && !refilled_by(f, t, out))
            return false;
    }
    return true;
}

/* ---- removing --------------------------------------------------------------------- */

static void
remove_from(struct frame *f, const struct candidate *c)
{
    struct json *node = c->node;
    if (node->parent) {
        (void)json_remove(node->parent, spot_position(node, c->hint));
        return;
    }
    size_t take = pointers_get(&f->owners, node, 0);
    if (take != SIZE_MAX && f->takes[take].value == node)
        f->takes[take].value = NULL; /* a cut value that is emptied is ⊥ */
}

bool
prune(struct frame *f)
{
    struct candidates c = {0};
    struct pointers full = {0};
    if (!candidates_of(f, &c) || !refilled(f, &full))
        return false;
    if (c.n)
        qsort(c.at, c.n, sizeof(*c.at), deepest_first);
    for (size_t i = 0; i < c.n; i++) {
        struct lens_place place = place_prefix(c.at[i].place, c.at[i].n);
        if (!is_emptied(&c.at[i]) || is_counted(&c.at[i]) ||
            frame_keeps(f, &place) ||
            pointers_get(&full, c.at[i].node, 0) != SIZE_MAX)
            continue;
        if (!frame_is_made(f, f->leg->read, &place))
            continue;
        remove_from(f, &c.at[i]);
    }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
