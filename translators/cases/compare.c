/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: equal documents (LANGUAGE.md, Words), or where they part first.
 *
 * First means: in the order of the document that the case gives, so that what
 * is told stands nearest to its beginning.
 */
#include "translators/cases/build.h"

struct comparison {
    bool exact;
    struct buf pointer;
    struct case_difference *out;
};

static bool
part(struct comparison *c, const struct json *is, const struct json *ought,
     const struct json *near)
{
    c->out->is = is;
    c->out->ought = ought;
    c->out->near = near;
    return true;
}

/* Documents nest as deep as they may be parsed. */
/* NOLINTBEGIN(misc-no-recursion) */

static bool differs(struct comparison *c, const struct json *is,
                    const struct json *ought);

/* Below a step that is in the pointer while it is looked at, and stays if it differs. */
static bool
step(struct comparison *c, const struct json_member *key, size_t at,
     const struct json *is, const struct json *ought, const struct json *above)
{
    size_t before = buf_len(&c->pointer);
    if (key)
        json_pointer_step(&c->pointer, key->key);
    else
        json_pointer_position(&c->pointer, at);
    bool parts =
        is && ought ? differs(c, is, ought) : part(c, is, ought, above);
    if (!parts)
        buf_truncate(&c->pointer, before);
    return parts;
}

static bool
objects_differ(struct comparison *c, const struct json *is,
               const struct json *ought)
{
    for (size_t i = 0; i < ought->n; i++) {
        const struct json_member *m = &ought->members[i];
        if (step(c, m, 0, json_get(is, m->key), m->value, ought))
            return true;
    }
    for (size_t i = 0; i < is->n; i++) {
        const struct json_member *m = &is->members[i];
        bool twice = json_find(is, m->key) != i;
        if ((twice || !json_get(ought, m->key)) &&
            step(c, m, 0, m->value, NULL, ought))
            return true;
    }
    for (size_t i = 0; c->exact && i < ought->n; i++)
        if (!span_eq(is->members[i].key, ought->members[i].key)) {
            c->out->order = true;
            return part(c, is, ought, ought);
        }
    return false;
}

static bool
lists_differ(struct comparison *c, const struct json *is,
             const struct json *ought)
{
    size_t n = is->n > ought->n ? is->n : ought->n;
    for (size_t i = 0; i < n; i++)
        if (step(c, NULL, i, i < is->n ? is->members[i].value : NULL,
                 i < ought->n ? ought->members[i].value : NULL, ought))
            return true;
    return false;
}

static bool
differs(struct comparison *c, const struct json *is, const struct json *ought)
{
    if (is->kind == ought->kind && is->kind == JSON_OBJECT)
        return objects_differ(c, is, ought);
    if (is->kind == ought->kind && is->kind == JSON_LIST)
        return lists_differ(c, is, ought);
    return json_alike(is, ought) ? false : part(c, is, ought, ought);
}
/* NOLINTEND(misc-no-recursion) */

bool
case_differs(struct arena *a, const struct json *is, const struct json *ought,
             bool exact, struct case_difference *out)
{
    struct comparison c = {.exact = exact, .out = out};
    *out = (struct case_difference){0};
    buf_init(&c.pointer, arena_limit(a));
    bool parts = differs(&c, is, ought);
    if (parts && (buf_failed(&c.pointer) ||
                  !span_dup(a, buf_span(&c.pointer), &out->pointer)))
        out->pointer = (span){0};
    buf_fini(&c.pointer);
    return parts;
}
