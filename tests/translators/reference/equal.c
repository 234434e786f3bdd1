/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/reference/equal.h"

#include "tests/test.h"
#include "translators/json/tree.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as the dice make documents */

/* An element that holds its tag alone: filled by an arrow, it is absent on the way back. */
static bool
is_tag_alone(const struct json *list, const struct json *node)
{
    return list->kind == JSON_LIST && node->kind == JSON_OBJECT &&
           node->n == 1 && span_is(node->members[0].key, "k");
}

/* An object or list that is empty, as JSON in a text, too: what came so and was
 * filled by an arrow is absent on the way back. */
static bool
is_empty(const struct json *node)
{
    if (json_is_container(node))
        return node->n == 0;
    return node->kind == JSON_TEXT &&
           (span_is(node->text, "{}") || span_is(node->text, "[]"));
}

/* What counts as absent goes: empty objects and lists, innermost first. */
static void
without_empty(struct json *node)
{
    for (size_t i = json_is_container(node) ? node->n : 0; i-- > 0;) {
        struct json *child = node->members[i].value;
        without_empty(child);
        if (is_empty(child) || is_tag_alone(node, child))
            (void)json_remove(node, i);
    }
}

static struct json *
parse(struct arena *a, span text)
{
    struct json *out = NULL;
    struct err e;
    if (json_parse(a, text, JSON_DEPTH_DEFAULT, &out, &e) != OK)
        fail_msg("%.*s: %s", SPAN_FMT(text), e.text);
    return out;
}

/* Do they hold the same, elements that were made being last? */
static bool
same_value(const struct json *x, const struct json *y)
{
    if (x->kind != y->kind || !json_is_container(x))
        return json_alike(x, y);
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        bool found = false;
        for (size_t k = 0; !found && k < y->n; k++)
            found = span_eq(x->members[i].key, y->members[k].key) &&
                    same_value(x->members[i].value, y->members[k].value);
        if (!found)
            return false;
    }
    return true;
}

bool
equal_documents(struct arena *a, span x, span y)
{
    struct json *one = parse(a, x);
    struct json *two = parse(a, y);
    without_empty(one);
    without_empty(two);
    return same_value(one, two);
}

/* NOLINTEND(misc-no-recursion) */
