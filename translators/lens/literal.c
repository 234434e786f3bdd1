/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literal: values of documents as change files write them.
 */
#include "translators/lens/build.h"

bool
lens_place_is_text(const struct lens_place *place)
{
    static const char *const heads[] = {"path", "query", "header", "method"};
    for (size_t i = 0; place->n && i < COUNT(heads); i++)
        if (place->steps[0].kind == LENS_KEY &&
            span_is(place->steps[0].key, heads[i]))
            return true;
    return false;
}

void
lens_literal_of_side(struct lens_builder *b, enum lens_side side)
{
    b->texts = b->in_http && b->side_texts[side];
}

void
lens_literal_of_place(struct lens_builder *b, const struct lens_place *place)
{
    b->texts = b->in_http && lens_place_is_text(place);
}

void
lens_literal_typed(struct lens_builder *b)
{
    b->texts = false;
}

/* Literals of files nest as deep as YAML_DEPTH_MAX lets them. */
/* NOLINTBEGIN(misc-no-recursion) */

static const struct json *
keep(struct lens_builder *b, const struct json *value)
{
    if (!value)
        b->full = true;
    return value;
}

const struct json *
lens_literal_text(struct lens_builder *b, span text)
{
    return keep(b, json_new_text(b->arena, text));
}

const struct json *
lens_literal_plain(struct lens_builder *b, span text)
{
    if (b->texts)
        return lens_literal_text(b, text);
    if (span_is(text, "null"))
        return keep(b, json_new_null(b->arena));
    if (span_is(text, "true") || span_is(text, "false"))
        return keep(b, json_new_bool(b->arena, text.at[0] == 't'));
    if (json_is_number(text))
        return keep(b, json_new_number(b->arena, text));
    return lens_literal_text(b, text);
}

static struct json *literal(struct lens_builder *b, const struct yaml *node);

static struct json *
list(struct lens_builder *b, const struct yaml *node)
{
    struct json *out = json_new_list(b->arena);
    for (size_t i = 0; out && i < node->n; i++) {
        struct json *item = literal(b, node->items[i]);
        if (!item || !json_list_append(b->arena, out, item))
            return NULL;
    }
    return out;
}

static struct json *
object(struct lens_builder *b, const struct yaml *node)
{
    struct json *out = json_new_object(b->arena);
    for (size_t i = 0; out && i < node->n; i++) {
        const struct yaml *key_node = node->entries[i].key;
        if (key_node->kind != YAML_SCALAR)
            yaml_problem(b->problems, key_node, "a member's key is a text");
        struct json *value = literal(b, node->entries[i].value);
        span key = key_node->text;
        if (!value || !json_append(b->arena, out, key, value))
            return NULL;
    }
    return out;
}

static struct json *
scalar(struct lens_builder *b, const struct yaml *node)
{
    if (b->texts)
        return json_new_text(b->arena, node->text);
    switch (node->literal) {
    case YAML_TEXT:
        break;
    case YAML_NULL:
        return json_new_null(b->arena);
    case YAML_BOOL:
        return json_new_bool(b->arena, span_is(node->text, "true"));
    case YAML_NUMBER:
        return json_new_number(b->arena, node->text);
    }
    return json_new_text(b->arena, node->text);
}

static struct json *
literal(struct lens_builder *b, const struct yaml *node)
{
    if (node->kind == YAML_LIST)
        return list(b, node);
    if (node->kind == YAML_MAP)
        return object(b, node);
    return scalar(b, node);
}

const struct json *
lens_literal_any(struct lens_builder *b, const struct yaml *node)
{
    return keep(b, literal(b, node));
}

const struct json *
lens_literal_scalar(struct lens_builder *b, const struct yaml *node,
                    const char *what)
{
    if (node->kind != YAML_SCALAR) {
        yaml_problem(b->problems, node,
                     "%s is a text, a number, true, false or null, and this "
                     "is %s",
                     what, yaml_what(node));
        return NULL;
    }
    return keep(b, scalar(b, node));
}

/* NOLINTEND(misc-no-recursion) */

span
lens_literal_show(struct lens_builder *b, const struct json *value)
{
    struct buf text;
    buf_init(&text, 200);
    json_print(value, &text);
    span out = {0};
    if (buf_failed(&text))
        out = SPAN("a long value");
    else if (!span_dup(b->arena, buf_span(&text), &out))
        b->full = true;
    buf_fini(&text);
    return out;
}

bool
lens_literal_is_scalar(const struct json *value)
{
    return value->kind != JSON_LIST && value->kind != JSON_OBJECT;
}
