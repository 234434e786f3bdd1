/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/patch/apply.h"

#include "tests/test.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

static struct json *
copy_of(struct arena *a, const struct json *node)
{
    struct json *copy = json_clone(a, node);
    assert_non_null(copy);
    return copy;
}

/* ---- RFC 7396 ---------------------------------------------------------------------- */

struct json *
apply_merge(struct arena *a, struct json *target, const struct json *patch)
{
    if (patch->kind != JSON_OBJECT)
        return copy_of(a, patch);
    if (!target || target->kind != JSON_OBJECT)
        target = json_new_object(a);
    assert_non_null(target);
    for (size_t i = 0; i < patch->n; i++) {
        span key = patch->members[i].key;
        const struct json *value = patch->members[i].value;
        size_t at = json_find(target, key);
        struct json *old = at == JSON_NONE ? NULL : json_get(target, key);
        if (value->kind == JSON_NULL) {
            if (old)
                (void)json_remove(target, at);
            continue;
        }
        if (old)
            old = copy_of(a, old);
        assert_true(json_set(a, target, key, apply_merge(a, old, value)));
    }
    return target;
}

/* ---- RFC 6902 ---------------------------------------------------------------------- */

struct pointer {
    struct json *parent; /* NULL: the whole document */
    span key;            /* the last token, decoded */
};

static span
decode(struct arena *a, span token)
{
    char *text = arena_array(a, token.len + 1, 1);
    size_t n = 0;
    assert_non_null(text);
    for (size_t i = 0; i < token.len; i++)
        text[n++] = (char)(token.at[i] != '~'     ? token.at[i]
                           : token.at[++i] == '0' ? '~'
                                                  : '/');
    return (span){text, n};
}

/* An array index: digits without leading zeros. */
static bool
index_of(span token, size_t *out)
{
    uint64_t n = 0;
    if (token.len > 1 && token.at[0] == '0')
        return false;
    if (!span_to_u64(token, &n))
        return false;
    *out = (size_t)n;
    return true;
}

static struct json *
child(struct json *node, span key)
{
    size_t at = 0;
    if (node->kind == JSON_OBJECT)
        return json_get(node, key);
    if (node->kind != JSON_LIST || !index_of(key, &at) || at >= node->n)
        return NULL;
    return node->members[at].value;
}

/* Everything but the last token must be there. */
static bool
resolve(struct arena *a, struct json *root, span text, struct pointer *out)
{
    *out = (struct pointer){0};
    if (text.len == 0)
        return true;
    span rest = span_skip(text, 1);
    out->parent = root;
    for (;;) {
        bool last = span_find(rest, '/') < 0;
        span token = decode(a, span_cut(&rest, '/'));
        if (last) {
            out->key = token;
            return json_is_container(out->parent);
        }
        out->parent = child(out->parent, token);
        if (!out->parent)
            return false;
    }
}

static struct json *
value_at(struct arena *a, struct json *root, span text)
{
    struct pointer p;
    if (!resolve(a, root, text, &p))
        return NULL;
    return p.parent ? child(p.parent, p.key) : root;
}

static bool
add(struct arena *a, struct json **root, span text, struct json *value)
{
    struct pointer p;
    size_t at = 0;
    if (!resolve(a, *root, text, &p))
        return false;
    if (!p.parent) {
        *root = value;
        return true;
    }
    if (p.parent->kind == JSON_OBJECT)
        return json_set(a, p.parent, p.key, value);
    if (span_is(p.key, "-"))
        return json_list_append(a, p.parent, value);
    return index_of(p.key, &at) && at <= p.parent->n &&
           json_list_insert(a, p.parent, at, value);
}

static bool
take(struct arena *a, struct json *root, span text)
{
    struct json *node = value_at(a, root, text);
    if (!node || node == root)
        return false;
    json_detach(node);
    return true;
}

static bool
replace(struct arena *a, struct json **root, span text, struct json *value)
{
    struct json *node = value_at(a, *root, text);
    if (!node)
        return false;
    if (node == *root)
        *root = value;
    else
        json_replace(node, value);
    return true;
}

static bool
apply_one(struct arena *a, struct json **root, const struct json *o)
{
    span op = json_get(o, SPAN("op"))->text;
    span path = json_get(o, SPAN("path"))->text;
    const struct json *value = json_get(o, SPAN("value"));
    const struct json *from = json_get(o, SPAN("from"));
    struct json *node;
    if (span_is(op, "add"))
        return add(a, root, path, copy_of(a, value));
    if (span_is(op, "replace"))
        return replace(a, root, path, copy_of(a, value));
    if (span_is(op, "remove"))
        return take(a, *root, path);
    if (span_is(op, "test")) {
        node = value_at(a, *root, path);
        return node && json_alike(node, value);
    }
    node = value_at(a, *root, from->text);
    if (!node)
        return false;
    node = copy_of(a, node);
    if (span_is(op, "move") && !span_eq(from->text, path) &&
        !take(a, *root, from->text))
        return false;
    return add(a, root, path, node);
}

struct json *
apply_operations(struct arena *a, struct json *document,
                 const struct json *patch)
{
    for (size_t i = 0; i < patch->n; i++)
        if (!apply_one(a, &document, patch->members[i].value))
            return NULL;
    return document;
}
/* NOLINTEND(misc-no-recursion) */
