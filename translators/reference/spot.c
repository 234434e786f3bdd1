/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/spot.h"

#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

bool
spot_is_empty(const struct json *node)
{
    return !node || (node->note && ((const struct trail *)node->note)->hole);
}

bool
spot_is_void(const struct json *container)
{
    for (size_t i = 0; json_is_container(container) && i < container->n; i++)
        if (!spot_is_empty(container->members[i].value))
            return false;
    return true;
}

size_t
spot_count(const struct json *container)
{
    size_t n = 0;
    for (size_t i = 0; json_is_container(container) && i < container->n; i++)
        n += !spot_is_empty(container->members[i].value);
    return n;
}

bool
spot_member(struct run *r, const struct json *object, span key,
            struct json **out)
{
    *out = NULL;
    if (!object || object->kind != JSON_OBJECT)
        return true;
    size_t at = json_find(object, key);
    if (at == JSON_NONE)
        return true;
    if (!json_duplicate_of(object, key)) { /* a hole has a key, too */
        struct json *only = object->members[at].value;
        *out = spot_is_empty(only) ? NULL : only;
        return true;
    }
    for (size_t i = at; i < object->n; i++) {
        const struct json_member *m = &object->members[i];
        if (spot_is_empty(m->value) || !span_eq(m->key, key))
            continue;
        if (*out)
            return run_fail(r, FAULT_READ, m->value, NULL,
                            "the key \"%.*s\" occurs twice", SPAN_FMT(key));
        *out = m->value;
    }
    return true;
}

struct json *
spot_element(const struct json *list, size_t index)
{
    for (size_t i = 0; json_is_container(list) && i < list->n; i++) {
        if (spot_is_empty(list->members[i].value))
            continue;
        if (index-- == 0)
            return list->members[i].value;
    }
    return NULL;
}

/* On from where the seat is; false: it is not there. */
static bool
count_on(struct seat *s, const struct json *node)
{
    const struct json *list = s->list;
    for (; s->at < list->n; s->at++) {
        if (list->members[s->at].value == node)
            return true;
        s->index += !spot_is_empty(list->members[s->at].value);
    }
    return false;
}

/* The seat of the object at hand. */
static const struct seat *
seat_of(struct run *r, const struct json *node)
{
    static const struct seat nowhere;
    const struct seat first = {.list = node->parent, .step = r->step};
    struct seat *s = run_seat(r);
    if (!node->parent)
        return &nowhere;
    if (s->list != first.list || s->step != first.step)
        *s = first;
    if (!count_on(s, node)) { /* it is before the last one */
        *s = first;
        (void)count_on(s, node);
    }
    return s;
}

size_t
spot_index(struct run *r, const struct json *node)
{
    return seat_of(r, node)->index;
}

size_t
spot_slot(struct run *r, const struct json *node)
{
    return seat_of(r, node)->at;
}

void
spot_replace(struct run *r, struct json *node, struct json *value)
{
    (void)json_replace_at(node->parent, spot_slot(r, node), value);
}

size_t
spot_position(const struct json *node, size_t hint)
{
    const struct json *parent = node->parent;
    if (hint < parent->n && parent->members[hint].value == node)
        return hint;
    return json_position(node);
}

bool
spot_cut(struct run *r, struct json *node, size_t hint, struct json **hole)
{
    *hole = json_new_null(r->arena);
    if (!*hole)
        return run_full(r);
    struct trail trail = {.origin = run_origin(node), .hole = true};
    if (!trail_set(r, *hole, trail))
        return false;
    (void)json_replace_at(node->parent, spot_position(node, hint), *hole);
    return true;
}

void
spot_purge(struct json *node)
{
    if (!json_is_container(node))
        return;
    json_remove_if(node, spot_is_empty);
    for (size_t i = 0; i < node->n; i++)
        spot_purge(node->members[i].value);
}

bool
spot_equal(struct run *r, const struct json *a, const struct json *b,
           bool *equal)
{
    *equal = false;
    if (a->kind != b->kind)
        return true;
    if (!json_is_container(a)) {
        *equal = json_alike(a, b);
        return spot_is_readable(r, a) && spot_is_readable(r, b);
    }
    struct json *x = json_clone(r->scratch, a);
    struct json *y = json_clone(r->scratch, b);
    if (!x || !y)
        return run_full(r);
    spot_purge(x);
    spot_purge(y);
    *equal = json_alike(x, y);
    return true;
}

bool
spot_is_readable(struct run *r, const struct json *node)
{
    if (json_text_is_clean(node))
        return true;
    if (form_is_carried(r, node))
        return run_fail(r, FAULT_READ, node, NULL,
                        "bytes stand where a text is read");
    return run_fail(r, FAULT_READ, node, NULL,
                    "a text that must be read holds a lone surrogate");
}

size_t
spot_depth(const struct json *node)
{
    size_t depth = 0;
    while ((node = node->parent))
        depth++;
    return depth;
}

bool
spot_is_in(const struct json *node, const struct json *top)
{
    while (node && node != top)
        node = node->parent;
    return node == top;
}
/* NOLINTEND(misc-no-recursion) */
