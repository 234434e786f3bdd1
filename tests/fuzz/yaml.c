/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: a tree, or a problem, or both; and a tree without problems keeps
 * what yaml.h promises.
 */
#include "translators/yaml/yaml.h"

#include "proxy/base/utf8.h"

#include <assert.h>

#define ROOM ((size_t)32 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* NOLINTBEGIN(misc-no-recursion): no deeper than YAML_DEPTH_MAX */
static void
walk(const struct yaml *node, size_t depth)
{
    assert(node->line >= 1);
    assert(node->column >= 1);
    assert(depth <= YAML_DEPTH_MAX);
    if (node->kind == YAML_SCALAR) {
        assert(utf8_good(node->text) == node->text.len);
        assert(span_find(node->text, '\0') < 0);
        assert(node->style == YAML_PLAIN || node->literal == YAML_TEXT);
        assert(node->style != YAML_PLAIN || node->text.len > 0);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        if (node->kind == YAML_LIST) {
            walk(node->items[i], depth + 1);
            continue;
        }
        const struct yaml_entry *entry = &node->entries[i];
        walk(entry->key, depth + 1);
        walk(entry->value, depth + 1);
        if (entry->key->kind == YAML_SCALAR)
            assert(yaml_find(node, entry->key->text) == entry);
    }
}
/* NOLINTEND(misc-no-recursion) */

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    struct buf b;

    problems_init(&p, a);
    const struct yaml *root =
        yaml_parse(a, SPAN("fuzz.yaml"), span_of((const char *)bytes, len),
                   YAML_BYTES_DEFAULT, &p);
    assert(root || !problems_none(&p));
    if (root && problems_none(&p))
        walk(root, 0);
    buf_init(&b, ROOM);
    problems_sort(&p);
    problems_print(&p, &b);
    assert(!buf_failed(&b));
    buf_fini(&b);
    arena_free(&a);
    return 0;
}
