/* SPDX-License-Identifier: Apache-2.0 */
/*
 * take: cut the value at every source place out of the object, inner places
 * before outer. Each leaves a hole in its slot.
 */
#include "translators/reference/frame.h"

/* Takes by the depth of what they cut, deepest first, then as they stand. */
struct by_depth {
    size_t take;
    size_t depth;
};

static int
deeper_first(const void *a, const void *b)
{
    const struct by_depth *x = a;
    const struct by_depth *y = b;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x->take < y->take ? -1 : x->take > y->take;
}

static bool
take_one(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    struct json *node = t->from.node;
    if (!node->parent)
        return run_fail(r, FAULT_CARRY, node, t->origin,
                        "two arrows take the same value");
    /* The original keeps its place in the tree for those that compare. */
    if (t->kind == TAKE_OWN || (t->way && t->way->drop_doubles)) {
        t->as_it_came = json_clone(r->scratch, node);
        if (!t->as_it_came)
            return run_full(r);
    }
    bool is_root = node == f->root;
    bool was = false;
    size_t hint = t->from.n_stars ? t->from.stars[t->from.n_stars - 1].at : 0;
    if (is_root)
        hint = spot_slot(r, node);
    if (!spot_cut(r, node, hint, &t->hole) ||
        !pointers_put(r, &f->owners, node, 0, (size_t)(t - f->takes), &was))
        return false;
    if (is_root)
        f->root = t->hole;
    t->value = node;
    if (t->kind == TAKE_OWN)
        return run_touch(r, t->origin, t->from.place,
                         t->leads ? "stashed" : "dropped", node);
    return true;
}

bool
take_all(struct frame *f)
{
    struct run *r = f->run;
    if (!rest_prepare(f))
        return false;
    struct by_depth *order =
        arena_array(r->scratch, f->n_takes, sizeof(*order));
    if (!order)
        return run_full(r);
    size_t n = 0;
    for (size_t i = 0; i < f->n_takes; i++)
        if (f->takes[i].from.node)
            order[n++] =
                (struct by_depth){i, spot_depth(f->takes[i].from.node)};
    if (n)
        qsort(order, n, sizeof(*order), deeper_first);
    for (size_t i = 0; i < n; i++)
        if (!take_one(f, &f->takes[order[i].take]))
            return false;
    return rest_cut(f);
}
