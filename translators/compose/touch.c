/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch: which types a step may do something to.
 *
 * A type that has no arrows in a step, and in which the same types lie before it and
 * after it, is left as it is; one that holds a touched one is touched.
 */
#include "translators/compose/build.h"

/* Are they of the same types, whatever stands there? */
static bool
same_children(const struct lens_type_at *a, const struct lens_type_at *b)
{
    if (a->n_children != b->n_children)
        return false;
    for (size_t i = 0; i < a->n_children; i++) {
        const struct lens_child *x = &a->children[i];
        const struct lens_child *y = &b->children[i];
        bool asks = x->when.said || y->when.said || x->guard.said ||
                    y->guard.said || x->through || y->through;
        if (asks || x->type != y->type ||
            !lens_place_same(&x->place, &y->place))
            return false;
    }
    return true;
}

static bool
same_markers(const struct lens_type_at *a, const struct lens_type_at *b)
{
    if (a->n_markers != b->n_markers || a->n_constants || b->n_constants)
        return false;
    for (size_t i = 0; i < a->n_markers; i++)
        if (!lens_place_same(&a->markers[i], &b->markers[i]) ||
            !json_alike(a->marks[i], b->marks[i]))
            return false;
    return true;
}

void
touch_find(struct compose *c)
{
    const struct lens_api *api = c->api;
    size_t table = c->up ? c->at : c->at - 1;
    for (size_t i = 0; i < api->n_types; i++) {
        const struct lens_block *block = api->tables[table].blocks[i];
        const struct lens_type_at *at = api->types[i].at;
        c->touched[i] = (block && (block->n_arrows || block->n_choices)) ||
                        !same_children(&at[table], &at[table + 1]) ||
                        !same_markers(&at[table], &at[table + 1]);
    }
    /* Outwards, until nothing more is touched. */
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < api->n_types; i++) {
            const struct lens_type_at *at = &api->types[i].at[table];
            bool was = c->touched[i];
            for (size_t k = 0; !c->touched[i] && k < at->n_children; k++)
                c->touched[i] = c->touched[at->children[k].type];
            more = more || (c->touched[i] && !was);
        }
    }
}
