/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/patch/operation.h"

/* X(word, value, from, mode of path, mode of from): RFC 6902 §4.1 to 4.6. */
#define OPERATIONS(X)                                                          \
    X("add", true, false, PART_ADD, PART_ADD)                                  \
    X("replace", true, false, PART_REPLACE, PART_ADD)                          \
    X("remove", false, false, PART_REMOVE, PART_ADD)                           \
    X("test", true, false, PART_TEST, PART_ADD)                                \
    X("move", false, true, PART_GIVE, PART_TAKE)                               \
    X("copy", false, true, PART_GIVE, PART_READ)

struct kind {
    const char *word;
    bool has_value;
    bool has_from;
    enum part_mode path;
    enum part_mode from;
};

static const struct kind kinds[] = {
#define X(word, value, from, path_mode, from_mode)                             \
    {word, value, from, path_mode, from_mode},
    OPERATIONS(X)
#undef X
};

static const struct kind *
kind_of(span word)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(word, kinds[i].word))
            return &kinds[i];
    return NULL;
}

/* ---- pointers (RFC 6901) ----------------------------------------------------------- */

static bool
unescape(struct run *r, const struct json *node, span token, span *out)
{
    char *text = arena_array(r->arena, token.len + 1, 1);
    size_t n = 0;
    if (!text)
        return run_full(r);
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (c == '~') {
            char next = (char)(i + 1 < token.len ? token.at[i + 1] : '\0');
            if (next != '0' && next != '1')
                return run_fail(r, FAULT_READ, node, NULL,
                                "\"~\" in a pointer is written ~0, and \"/\" "
                                "in a key ~1");
            c = next == '0' ? '~' : '/';
            i++;
        }
        text[n++] = c;
    }
    *out = (span){text, n};
    return true;
}

static bool
read_pointer(struct run *r, const struct json *node, struct op_target *t)
{
    if (!spot_is_readable(r, node))
        return false;
    span rest = node->text;
    size_t n = 0;
    for (size_t i = 0; i < rest.len; i++)
        n += rest.at[i] == '/';
    if (rest.len && rest.at[0] != '/')
        return run_fail(r, FAULT_READ, node, NULL,
                        "a pointer begins with \"/\", or is empty");
    if (n > r->depth_max)
        return run_fail(r, FAULT_READ, node, NULL,
                        "the pointer is deeper than the %zu levels that a "
                        "document may have",
                        r->depth_max);
    span *keys = arena_array(r->arena, n + 1, sizeof(*keys));
    if (!keys)
        return run_full(r);
    rest = rest.len ? span_skip(rest, 1) : rest;
    for (size_t i = 0; i < n; i++)
        if (!unescape(r, node, span_cut(&rest, '/'), &keys[i]))
            return false;
    t->keys = keys;
    t->n_keys = n;
    return true;
}

/* ---- a tree with one leaf -------------------------------------------------------------- */

static bool
grow(struct run *r, struct op_target *t, const struct json *path,
     struct json *leaf)
{
    struct json *root = leaf;
    t->leaf = leaf;
    t->holder = json_new_list(r->arena);
    if (!t->holder)
        return run_full(r);
    if (t->n_keys && (!part_new(r, path, &root) ||
                      !part_put(r, root, t->keys, t->n_keys, leaf)))
        return false;
    return json_list_append(r->arena, t->holder, root) || run_full(r);
}

/* The leaf: the value, a member that goes, or something that stands for a value. */
static bool
new_leaf(struct run *r, const struct kind *kind, const struct json *path,
         const struct json *value, struct json **out)
{
    if (value) {
        *out = json_clone(r->arena, value);
        return *out || run_full(r);
    }
    if (kind->path == PART_REMOVE)
        return part_new_erased(r, path, out);
    *out = json_new_text(r->arena, SPAN(""));
    return *out ? run_derive(r, *out, run_origin(path)) : run_full(r);
}

/* ---- one operation ------------------------------------------------------------------------- */

static bool
read_text(struct run *r, const struct json *node, span key, struct json **out)
{
    if (!spot_member(r, node, key, out))
        return false;
    if (*out && (*out)->kind == JSON_TEXT)
        return true;
    return run_fail(r, FAULT_READ, *out ? *out : node, NULL,
                    "an operation has a \"%.*s\", which is a text",
                    SPAN_FMT(key));
}

static bool
is_prefix(const struct op_target *a, const struct op_target *b)
{
    if (a->n_keys >= b->n_keys)
        return false;
    for (size_t i = 0; i < a->n_keys; i++)
        if (!span_eq(a->keys[i], b->keys[i]))
            return false;
    return true;
}

static bool
read_target(struct run *r, struct operation *o, const struct kind *kind,
            span key, const struct json *value)
{
    struct op_target *t = &o->targets[o->n_targets++];
    struct json *pointer = NULL;
    struct json *leaf = NULL;
    t->mode = span_is(key, "from") ? kind->from : kind->path;
    return read_text(r, o->node, key, &pointer) &&
           read_pointer(r, pointer, t) &&
           new_leaf(r, kind, pointer, value, &leaf) &&
           grow(r, t, pointer, leaf);
}

static bool
read_operation(struct run *r, struct operation *o)
{
    struct json *word = NULL;
    struct json *value = NULL;
    if (o->node->kind != JSON_OBJECT)
        return run_fail(r, FAULT_READ, o->node, NULL,
                        "an operation is an object, not %s",
                        json_kind_word(o->node->kind));
    if (!read_text(r, o->node, SPAN("op"), &word))
        return false;
    const struct kind *kind = kind_of(word->text);
    if (!kind)
        return run_fail(r, FAULT_READ, word, NULL,
                        "an operation is add, remove, replace, move, copy or "
                        "test");
    if (!spot_member(r, o->node, SPAN("value"), &value))
        return false;
    if (kind->has_value && !value)
        return run_fail(r, FAULT_READ, o->node, NULL, "\"%s\" has a \"value\"",
                        kind->word);
    if (kind->has_from && !read_target(r, o, kind, SPAN("from"), NULL))
        return false;
    if (!read_target(r, o, kind, SPAN("path"), kind->has_value ? value : NULL))
        return false;
    if (kind->path == PART_GIVE && kind->from == PART_TAKE &&
        is_prefix(&o->targets[0], &o->targets[1]))
        return run_fail(r, FAULT_READ, o->node, NULL,
                        "nothing can be moved into itself");
    return true;
}

bool
operations_read(struct run *r, struct json *root, struct operations *out)
{
    if (root->kind != JSON_LIST)
        return run_fail(r, FAULT_READ, root, NULL,
                        "a JSON Patch is a list of operations, not %s",
                        json_kind_word(root->kind));
    if (root->n > PATCH_OPERATIONS_MAX)
        return run_fail(r, FAULT_LIMIT, root, NULL,
                        "the patch has %zu operations, and %d are the limit",
                        root->n, PATCH_OPERATIONS_MAX);
    out->at = arena_array(r->arena, root->n, sizeof(*out->at));
    if (!out->at)
        return run_full(r);
    for (size_t i = 0; i < root->n; i++) {
        struct operation *o = &out->at[out->n++];
        *o = (struct operation){.node = root->members[i].value};
        if (!read_operation(r, o))
            return false;
    }
    return true;
}
