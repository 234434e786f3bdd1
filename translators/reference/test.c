/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/test.h"

/* NOLINTBEGIN(misc-no-recursion): tests nest as deep as the file does */

unsigned
test_types(const struct json *node)
{
    if (!node || spot_is_empty(node))
        return LENS_ABSENT;
    switch (node->kind) {
    case JSON_NULL:
        return LENS_NULL;
    case JSON_BOOL:
        return LENS_BOOL;
    case JSON_NUMBER:
        for (size_t i = 0; i < node->text.len; i++)
            if (span_find(SPAN(".eE"), node->text.at[i]) >= 0)
                return LENS_NUMBER;
        return LENS_NUMBER | LENS_INTEGER;
    case JSON_TEXT:
        return LENS_STRING;
    case JSON_LIST:
        return LENS_LIST;
    case JSON_OBJECT:
        return LENS_OBJECT;
    }
    return LENS_ABSENT;
}

static size_t
lines_of(span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static bool
is_one_of(const struct json *node, const struct lens_test *t)
{
    for (size_t i = 0; i < t->n_values; i++)
        if (json_alike(node, t->values[i]))
            return true;
    return false;
}

/* One test of a value; `root` is where the places of `same` start. */
static bool
test_one(struct run *r, struct json *root, struct json *node,
         const struct lens_test *t, bool *passes)
{
    struct json *other = NULL;
    if (t->kind != LENS_TEST_TYPE && node && !spot_is_readable(r, node))
        return false;
    switch (t->kind) {
    case LENS_TEST_TYPE:
        *passes = test_types(node) & t->types;
        return true;
    case LENS_TEST_IS:
    case LENS_TEST_IN:
        *passes = node && is_one_of(node, t);
        return true;
    case LENS_TEST_NOT:
        *passes = false;
        for (size_t i = 0; i < t->n_inner; i++) {
            bool inner = false;
            if (!test_one(r, root, node, &t->inner[i], &inner))
                return false;
            *passes = *passes || !inner;
        }
        return true;
    case LENS_TEST_STARTS:
        *passes =
            node && node->kind == JSON_TEXT && span_starts(node->text, t->text);
        return true;
    case LENS_TEST_LINES:
        *passes =
            node && node->kind == JSON_TEXT && lines_of(node->text) == t->n;
        return true;
    case LENS_TEST_SAME:
        if (!place_get(r, root, &t->place, &other))
            return false;
        *passes = node && other && json_alike(node, other);
        return true;
    }
    return true;
}

/* All tests of one condition, at every binding of its place; ⊥ where there is none. */
static bool
test_condition(struct run *r, struct json *root, const struct lens_condition *c,
               bool *holds)
{
    struct bindings found = {0};
    if (!place_bind(r, root, &c->place, &found))
        return false;
    *holds = true;
    for (size_t i = 0; i < found.n || i == 0; i++) {
        struct json *node = found.n ? found.at[i].node : NULL;
        for (size_t k = 0; *holds && k < c->n_tests; k++)
            if (!test_one(r, root, node, &c->tests[k], holds))
                return false;
    }
    return true;
}

static bool
test_tag(struct run *r, struct json *value, const struct lens_tag *tag,
         bool *holds)
{
    struct json *there = NULL;
    if (!place_get(r, value, &tag->place, &there))
        return false;
    if (there && !spot_is_readable(r, there))
        return false;
    *holds = there && json_alike(there, tag->value);
    return true;
}

static bool
test_parts(struct run *r, struct json *value, const struct lens_shape *shape,
           bool *fits)
{
    for (size_t i = 0; *fits && i < shape->n_tags; i++)
        if (!test_tag(r, value, &shape->tags[i], fits))
            return false;
    for (size_t i = 0; *fits && i < shape->n_conditions; i++)
        if (!test_condition(r, value, &shape->conditions[i], fits))
            return false;
    struct json *inside = NULL;
    if (!*fits || !shape->has_inside)
        return true;
    if (!place_get(r, value, &shape->inside, &inside))
        return false;
    *fits = inside != NULL;
    return true;
}

bool
test_shape(struct run *r, struct json *value, const struct lens_shape *shape,
           bool *fits)
{
    value = spot_is_empty(value) ? NULL : value;
    *fits = value != NULL;
    if (!shape->said)
        return true;
    if (shape->types)
        *fits = test_types(value) & shape->types;
    if (*fits && shape->constant) {
        if (value && !spot_is_readable(r, value))
            return false;
        *fits = value && json_alike(value, shape->constant);
    }
    return !*fits || test_parts(r, value, shape, fits);
}

bool
test_guard(struct run *r, struct json *object, const struct lens_shape *guard,
           bool *holds)
{
    *holds = true;
    return !guard->said || test_shape(r, object, guard, holds);
}
/* NOLINTEND(misc-no-recursion) */
