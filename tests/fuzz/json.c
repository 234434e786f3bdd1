/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: either refused inside the text, or printed as they came; and what
 * is printed after a touch reads back as the same document.
 */
#include "translators/json/tree.h"

#include <assert.h>

#define ROOM ((size_t)32 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
point(span text, size_t offset)
{
    struct buf b;

    buf_init(&b, ROOM);
    assert(offset <= text.len);
    json_pointer_at(&b, text, offset);
    assert(!buf_failed(&b));
    buf_fini(&b);
}

static void
touch_all(struct arena *a, struct json *node)
{
    /* The first leaf is enough: touching goes up. */
    while (json_is_container(node) && node->n)
        node = node->members[0].value;
    json_touch(node);
    assert(json_clone(a, node));
}

static void
read_back(struct arena *a, span text, struct json *root)
{
    struct json *back = NULL;
    struct buf b;

    buf_init(&b, ROOM);
    json_print(root, &b);
    assert(span_eq(buf_span(&b), text));
    touch_all(a, root);
    buf_clear(&b);
    json_print(root, &b);
    enum err_code code =
        json_parse(a, buf_span(&b), JSON_DEPTH_DEFAULT, &back, NULL);
    assert(code == OK);
    assert(json_alike_strict(root, back));
    assert(json_alike(root, back));
    buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    span text = span_of((const char *)bytes, len);
    struct arena *a = arena_new(ROOM);
    struct json *root = NULL;
    struct err e = {0};

    if (json_parse(a, text, JSON_DEPTH_DEFAULT, &root, &e))
        point(text, e.offset);
    else
        read_back(a, text, root);
    arena_free(&a);
    return 0;
}
