/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/json/tree.h"

#include "proxy/base/utf8.h"
#include "translators/json/index.h"

#include <assert.h>

#define FIRST_ROOM ((size_t)4)

/* NOLINTBEGIN(misc-no-recursion): a tree is as deep as the limit of its parser
 * and the places of a table let it be. */

const char *
json_kind_word(enum json_kind kind)
{
    static const char *const words[] = {
#define X(name, word) [name] = (word),
        JSON_KINDS(X)
#undef X
    };

    assert((size_t)kind < COUNT(words));
    return words[kind];
}

void
json_touch(struct json *node)
{
    for (; node && !node->touched; node = node->parent) {
        node->touched = true;
        node->source = (span){0};
    }
}

/* ---- making ---- */

static struct json *
make(struct arena *a, enum json_kind kind)
{
    struct json *node = arena_alloc(a, sizeof(*node));

    if (!node)
        return NULL;
    node->kind = kind;
    node->touched = true;
    return node;
}

struct json *
json_new_null(struct arena *a)
{
    return make(a, JSON_NULL);
}

struct json *
json_new_bool(struct arena *a, bool truth)
{
    struct json *node = make(a, JSON_BOOL);

    if (node)
        node->truth = truth;
    return node;
}

struct json *
json_new_number(struct arena *a, span number)
{
    struct json *node = make(a, JSON_NULL);

    return node && json_set_number(a, node, number) ? node : NULL;
}

struct json *
json_new_text(struct arena *a, span utf8)
{
    struct json *node = make(a, JSON_NULL);

    return node && json_set_text(a, node, utf8) ? node : NULL;
}

struct json *
json_new_list(struct arena *a)
{
    return make(a, JSON_LIST);
}

struct json *
json_new_object(struct arena *a)
{
    return make(a, JSON_OBJECT);
}

static bool
copy_members(struct arena *a, const struct json *from, struct json *to)
{
    to->members = arena_array(a, from->n, sizeof(*to->members));
    to->room = to->members ? from->n : 0;
    to->n = 0;
    to->index = NULL;
    if (!to->members || !json_index_fit(a, to))
        return false;
    for (; to->n < from->n; to->n++) {
        struct json_member *m = &to->members[to->n];

        *m = from->members[to->n];
        m->value = json_clone(a, m->value);
        if (!m->value)
            return false;
        m->value->parent = to;
    }
    return true;
}

struct json *
json_clone(struct arena *a, const struct json *node)
{
    struct json *copy = arena_alloc(a, sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *node;
    copy->parent = NULL;
    if (json_is_container(node) && !copy_members(a, node, copy))
        return NULL;
    return copy;
}

/* ---- changing ---- */

static bool
make_room(struct arena *a, struct json *c)
{
    if (c->n < c->room)
        return true;

    size_t room = c->room < FIRST_ROOM ? FIRST_ROOM : c->room * 2;
    struct json_member *members =
        arena_grow(a, c->members, c->n, room, sizeof(*members));
    if (!members)
        return false;
    c->members = members;
    c->room = room;
    if (json_index_fit(a, c))
        return true;
    c->room = c->n; /* members and index have room for the same */
    return false;
}

/* How a key is spelled: mostly as it is. */
static bool
spell(struct arena *a, span utf8, span *out, span *raw)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    json_escape(&b, utf8);

    bool fits = !buf_failed(&b) && span_dup(a, utf8, out);
    if (!fits)
        arena_fill(a);
    *raw = *out;
    if (fits && buf_len(&b) != utf8.len)
        fits = span_dup(a, buf_span(&b), raw);
    buf_fini(&b);
    return fits;
}

static bool
insert(struct arena *a, struct json *c, size_t at, struct json_member m)
{
    assert(at <= c->n);
    assert(!m.value->parent);
    if (!make_room(a, c))
        return false;
    memmove(&c->members[at + 1], &c->members[at],
            (c->n - at) * sizeof(*c->members));
    c->members[at] = m;
    c->n++;
    m.value->parent = c;
    if (at + 1 == c->n)
        json_index_appended(c);
    else
        json_index_stale(c);
    json_touch(c);
    return true;
}

bool
json_insert(struct arena *a, struct json *object, size_t at, span key,
            struct json *value)
{
    struct json_member m = {.value = value};

    assert(object->kind == JSON_OBJECT);
    return spell(a, key, &m.key, &m.raw) && insert(a, object, at, m);
}

bool
json_append(struct arena *a, struct json *object, span key, struct json *value)
{
    return json_insert(a, object, object->n, key, value);
}

bool
json_set(struct arena *a, struct json *object, span key, struct json *value)
{
    size_t at = json_find(object, key);

    if (at == JSON_NONE)
        return json_append(a, object, key, value);
    json_replace_at(object, at, value);
    return true;
}

bool
json_rename(struct arena *a, struct json *object, size_t at, span key)
{
    span copy;
    span raw;

    assert(object->kind == JSON_OBJECT);
    assert(at < object->n);
    if (!spell(a, key, &copy, &raw))
        return false;
    object->members[at].key = copy;
    object->members[at].raw = raw;
    json_index_renamed(object, at);
    json_touch(object);
    return true;
}

bool
json_list_insert(struct arena *a, struct json *list, size_t at,
                 struct json *value)
{
    assert(list->kind == JSON_LIST);
    return insert(a, list, at, (struct json_member){.value = value});
}

bool
json_list_append(struct arena *a, struct json *list, struct json *value)
{
    return json_list_insert(a, list, list->n, value);
}

struct json *
json_remove(struct json *container, size_t at)
{
    assert(json_is_container(container));
    assert(at < container->n);

    struct json *value = container->members[at].value;
    container->n--;
    memmove(&container->members[at], &container->members[at + 1],
            (container->n - at) * sizeof(*container->members));
    value->parent = NULL;
    json_index_stale(container);
    json_touch(container);
    return value;
}

void
json_remove_if(struct json *container, bool (*goes)(const struct json *value))
{
    assert(json_is_container(container));

    size_t kept = 0;
    for (size_t i = 0; i < container->n; i++) {
        struct json_member *m = &container->members[i];
        if (goes(m->value))
            m->value->parent = NULL;
        else
            container->members[kept++] = *m;
    }
    if (kept == container->n)
        return;
    container->n = kept;
    json_index_stale(container);
    json_touch(container);
}

size_t
json_position(const struct json *node)
{
    const struct json *parent = node->parent;

    for (size_t i = 0; parent && i < parent->n; i++) {
        if (parent->members[i].value == node)
            return i;
    }
    return JSON_NONE;
}

void
json_detach(struct json *node)
{
    if (node->parent)
        json_remove(node->parent, json_position(node));
}

struct json *
json_replace_at(struct json *container, size_t at, struct json *value)
{
    assert(json_is_container(container));
    assert(at < container->n);
    assert(!value->parent);

    struct json *old = container->members[at].value;
    old->parent = NULL;
    value->parent = container;
    container->members[at].value = value;
    json_touch(container);
    return old;
}

void
json_replace(struct json *old, struct json *value)
{
    assert(old->parent);
    json_replace_at(old->parent, json_position(old), value);
}

/* Let go of what it held and be another kind; nothing is in text or members. */
static void
become(struct json *node, enum json_kind kind)
{
    for (size_t i = 0; json_is_container(node) && i < node->n; i++)
        node->members[i].value->parent = NULL;
    node->members = NULL;
    node->n = 0;
    node->room = 0;
    node->index = NULL;
    node->unclean = false;
    node->kind = kind;
    json_touch(node);
}

void
json_set_null(struct json *node)
{
    become(node, JSON_NULL);
}

void
json_set_bool(struct json *node, bool truth)
{
    become(node, JSON_BOOL);
    node->truth = truth;
}

bool
json_set_number(struct arena *a, struct json *node, span number)
{
    span copy;

    assert(json_is_number(number));
    if (!span_dup(a, number, &copy))
        return false;
    become(node, JSON_NUMBER);
    node->text = copy;
    node->raw = copy;
    return true;
}

bool
json_set_text(struct arena *a, struct json *node, span utf8)
{
    span text;
    span raw;

    if (!spell(a, utf8, &text, &raw))
        return false;
    become(node, JSON_TEXT);
    node->text = text;
    node->raw = raw;
    node->unclean = utf8_good(text) != text.len;
    return true;
}

/* ---- alike ---- */

static bool alike(const struct json *a, const struct json *b, bool strict);

static bool
alike_in_order(const struct json *a, const struct json *b, bool strict)
{
    for (size_t i = 0; i < a->n; i++) {
        if (!span_eq(a->members[i].key, b->members[i].key) ||
            !alike(a->members[i].value, b->members[i].value, strict))
            return false;
    }
    return true;
}

static bool
alike_as_maps(const struct json *a, const struct json *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct json *other = json_get(b, a->members[i].key);

        if (!other || !alike(a->members[i].value, other, false))
            return false;
    }
    return true;
}

static bool
alike(const struct json *a, const struct json *b, bool strict)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->truth == b->truth;
    case JSON_NUMBER:
    case JSON_TEXT:
        return span_eq(a->text, b->text);
    case JSON_LIST:
    case JSON_OBJECT:
        break;
    }
    if (a->n != b->n)
        return false;
    if (strict || a->kind == JSON_LIST || json_first_duplicate(a) != JSON_NONE)
        return alike_in_order(a, b, strict);
    return alike_as_maps(a, b);
}

bool
json_alike(const struct json *a, const struct json *b)
{
    return alike(a, b, false);
}

bool
json_alike_strict(const struct json *a, const struct json *b)
{
    return alike(a, b, true);
}
/* NOLINTEND(misc-no-recursion) */
