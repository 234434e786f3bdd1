/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: the tree of a patch, its parts and its leaves.
 */
#include "translators/patch/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

bool
part_is(const struct json *node)
{
    return node->kind == JSON_OBJECT && trail_of(node).partial;
}

bool
part_is_erased(const struct json *node)
{
    return node->kind == JSON_NULL && trail_of(node).erased;
}

bool
part_set(struct run *r, struct json *node)
{
    struct trail trail = trail_of(node);
    trail.partial = true;
    return trail_set(r, node, trail);
}

static bool
set_erased(struct run *r, struct json *node)
{
    struct trail trail = trail_of(node);
    trail.erased = true;
    return trail_set(r, node, trail);
}

bool
part_set_all(struct run *r, struct json *node)
{
    if (node->kind == JSON_NULL)
        return set_erased(r, node);
    if (node->kind != JSON_OBJECT)
        return true;
    if (!part_set(r, node))
        return false;
    for (size_t i = 0; i < node->n; i++)
        if (!part_set_all(r, node->members[i].value))
            return false;
    return true;
}

bool
part_new_erased(struct run *r, const struct json *about, struct json **out)
{
    *out = json_new_null(r->arena);
    return *out ? run_derive(r, *out, run_origin(about)) && set_erased(r, *out)
                : run_full(r);
}

bool
part_new(struct run *r, const struct json *about, struct json **out)
{
    *out = json_new_object(r->arena);
    return *out ? run_derive(r, *out, run_origin(about)) && part_set(r, *out)
                : run_full(r);
}

bool
part_put(struct run *r, struct json *part, const span *keys, size_t n,
         struct json *value)
{
    for (size_t i = 0; i + 1 < n; i++) {
        struct json *next = json_get(part, keys[i]);
        if (!next && (!part_new(r, value, &next) ||
                      !json_append(r->arena, part, keys[i], next)))
            return run_full(r);
        if (!part_is(next))
            return run_fail(r, FAULT_CARRY, value, NULL,
                            "the patch changes \"%.*s\" and what is in it",
                            SPAN_FMT(keys[i]));
        part = next;
    }
    return json_append(r->arena, part, keys[n - 1], value) || run_full(r);
}

struct json *
part_get(struct json *part, const span *keys, size_t n)
{
    for (size_t i = 0; part && i < n; i++)
        part = part_is(part) ? json_get(part, keys[i]) : NULL;
    return part;
}

bool
part_is_in(const struct json *node, const struct json *top)
{
    while (node && node != top)
        node = node->parent;
    return node != NULL;
}

bool
patch_needs_document(struct run *r)
{
    r->fault.needs_document = true;
    return false;
}
/* NOLINTEND(misc-no-recursion) */
