/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document: a YAML value as the JSON document that it stands for. JSON's own
 * spelling is YAML too, so a document can be pasted as it is.
 */
#include "translators/cases/build.h"

/* YAML nests as deep as YAML_DEPTH_MAX lets it. */
/* NOLINTBEGIN(misc-no-recursion) */

static struct json *
scalar(struct arena *a, const struct yaml *node)
{
    switch (node->literal) {
    case YAML_TEXT:
        break;
    case YAML_NULL:
        return json_new_null(a);
    case YAML_BOOL:
        return json_new_bool(a, span_is(node->text, "true"));
    case YAML_NUMBER:
        return json_new_number(a, node->text);
    }
    return json_new_text(a, node->text);
}

static struct json *
list(struct arena *a, const struct yaml *node, struct problems *p)
{
    struct json *out = json_new_list(a);
    for (size_t i = 0; out && i < node->n; i++) {
        struct json *item = case_document(a, node->items[i], p);
        if (!item || !json_list_append(a, out, item))
            return NULL;
    }
    return out;
}

static struct json *
object(struct arena *a, const struct yaml *node, struct problems *p)
{
    struct json *out = json_new_object(a);
    for (size_t i = 0; out && i < node->n; i++) {
        const struct yaml *key = node->entries[i].key;
        if (key->kind != YAML_SCALAR) {
            yaml_problem(p, key, "a member's key is a text, and this is %s",
                         yaml_what(key));
            return NULL;
        }
        struct json *value = case_document(a, node->entries[i].value, p);
        if (!value || !json_append(a, out, key->text, value))
            return NULL;
    }
    return out;
}

/* The tree never writes through a note; it only carries it. */
static void
set_note(struct json *node, const struct yaml *from)
{
    union {
        const void *in;
        void *out;
    } note = {.in = from};
    node->note = note.out;
}

struct json *
case_document(struct arena *a, const struct yaml *node, struct problems *p)
{
    struct json *out = node->kind == YAML_LIST  ? list(a, node, p)
                       : node->kind == YAML_MAP ? object(a, node, p)
                                                : scalar(a, node);
    if (out)
        set_note(out, node);
    return out;
}

/* NOLINTEND(misc-no-recursion) */
