/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meet: where a place of the lens meets what a patch tells.
 */
#include "translators/patch/build.h"

/* NOLINTBEGIN(misc-no-recursion): as many stars as a place has */

struct meeting {
    struct run *run;
    const struct lens_place *place;
    struct mets *out;
    span *keys;
};

static bool
add(struct meeting *m, enum met_kind kind, struct json *node, size_t steps)
{
    struct run *r = m->run;
    void *grown = RUN_KEEP(r, m->out->at, m->out->n, m->out->room);
    span *keys = arena_array(r->arena, steps + 1, sizeof(*keys));
    if (!grown)
        return false;
    if (!keys)
        return run_full(r);
    if (steps)
        memcpy(keys, m->keys, steps * sizeof(*keys));
    m->out->at = grown;
    m->out->at[m->out->n++] = (struct met){kind, node, steps, keys};
    return true;
}

static bool
walk(struct meeting *m, struct json *node, size_t at)
{
    for (; at < m->place->n; at++) {
        const struct lens_step *step = &m->place->steps[at];
        if (!part_is(node))
            return add(m, MET_INSIDE, node, at);
        if (step->kind == LENS_EACH) {
            for (size_t i = 0; i < node->n; i++) {
                m->keys[at] = node->members[i].key;
                if (!walk(m, node->members[i].value, at + 1))
                    return false;
            }
            return true;
        }
        if (step->kind != LENS_KEY)
            return add(m, MET_COUNTED, node, at);
        struct json *next = NULL;
        if (!spot_member(m->run, node, step->key, &next))
            return false;
        if (!next)
            return true;
        m->keys[at] = step->key;
        node = next;
    }
    return add(m, part_is(node) ? MET_PART : MET_LEAF, node, at);
}

bool
meet(struct run *r, struct json *root, const struct lens_place *place,
     struct mets *out)
{
    struct meeting m = {.run = r, .place = place, .out = out};
    *out = (struct mets){0};
    m.keys = arena_array(r->arena, place->n + 1, sizeof(*m.keys));
    return m.keys ? walk(&m, root, 0) : run_full(r);
}

bool
place_counts(const struct lens_place *place, size_t at)
{
    for (; at < place->n; at++)
        if (place->steps[at].kind != LENS_KEY &&
            place->steps[at].kind != LENS_EACH)
            return true;
    return false;
}

bool
place_has_star(const struct lens_place *place, size_t at)
{
    for (; at < place->n; at++)
        if (place_is_star(&place->steps[at]))
            return true;
    return false;
}
/* NOLINTEND(misc-no-recursion) */
