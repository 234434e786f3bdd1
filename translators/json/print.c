/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/json/tree.h"

/* NOLINTBEGIN(misc-no-recursion): a tree is as deep as the limit of its parser
 * and the places of a table let it be. */

static void
print_members(const struct json *c, struct buf *b)
{
    bool is_list = c->kind == JSON_LIST;

    buf_byte(b, is_list ? '[' : '{');
    for (size_t i = 0; i < c->n; i++) {
        if (i)
            buf_byte(b, ',');
        if (!is_list) {
            buf_byte(b, '"');
            buf_add(b, c->members[i].raw);
            buf_str(b, "\":");
        }
        json_print(c->members[i].value, b);
    }
    buf_byte(b, is_list ? ']' : '}');
}

void
json_print(const struct json *node, struct buf *b)
{
    if (!node->touched) {
        buf_add(b, node->source);
        return;
    }
    switch (node->kind) {
    case JSON_NULL:
        buf_str(b, "null");
        return;
    case JSON_BOOL:
        buf_str(b, node->truth ? "true" : "false");
        return;
    case JSON_NUMBER:
        buf_add(b, node->text);
        return;
    case JSON_TEXT:
        buf_byte(b, '"');
        buf_add(b, node->raw);
        buf_byte(b, '"');
        return;
    case JSON_LIST:
    case JSON_OBJECT:
        print_members(node, b);
        return;
    }
}
/* NOLINTEND(misc-no-recursion) */
