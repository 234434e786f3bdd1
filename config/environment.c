/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment: ${NAME} in the values of a configuration.
 *
 * It is put in after the YAML is read, so what a variable holds is a value and
 * never more structure; a value that is one variable may be a number or true,
 * as if it had been written there. `$${` is the text `${`. Keys are left alone.
 */
#include "config/loader.h"

#include "proxy/base/utf8.h"
#include "translators/yaml/literal.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 127u
#define VALUE_MAX      ((size_t)65536)

static size_t
name_len(span s)
{
    size_t n = 0;

    while (n < s.len && (s.at[n] == '_' || (s.at[n] >= 'A' && s.at[n] <= 'Z') ||
                         (s.at[n] >= 'a' && s.at[n] <= 'z') ||
                         (n > 0 && s.at[n] >= '0' && s.at[n] <= '9')))
        n++;
    return n;
}

/* `rest` begins behind "${". False after a problem. */
static bool
put_variable(struct loader *l, const struct yaml *node, span *rest,
             struct buf *out)
{
    char name[NAME_MAX_BYTES + 1];
    size_t n = name_len(*rest);

    if (n == 0 || n > NAME_MAX_BYTES || n == rest->len || rest->at[n] != '}') {
        yaml_problem(l->r.problems, node,
                     "`${` is not followed by a name "
                     "and `}`");
        problem_remedy(l->r.problems,
                       "write it like ${PORT}, or $${ for the text ${");
        return false;
    }
    memcpy(name, rest->at, n);
    name[n] = '\0';
    *rest = span_skip(*rest, n + 1);
    const char *value = getenv(name);
    if (!value) {
        yaml_problem(l->r.problems, node, "the environment has no `%s`", name);
        problem_remedy(l->r.problems, "set it before Stile is started, or "
                                      "write $${ for the text ${");
        return false;
    }
    buf_str(out, value);
    return true;
}

static bool
put_all(struct loader *l, const struct yaml *node, struct buf *out)
{
    span rest = node->text;

    while (rest.len) {
        if (span_starts(rest, SPAN("$${"))) {
            buf_str(out, "${");
            rest = span_skip(rest, 3);
        } else if (span_starts(rest, SPAN("${"))) {
            rest = span_skip(rest, 2);
            if (!put_variable(l, node, &rest, out))
                return false;
        } else {
            buf_byte(out, rest.at[0]);
            rest = span_skip(rest, 1);
        }
    }
    return true;
}

static void
expand_text(struct loader *l, struct yaml *node)
{
    struct buf b;

    if (span_find(node->text, '$') < 0)
        return;
    /* In `{...}` YAML itself wants quotes around it: that makes it no text. */
    span rest = span_starts(node->text, SPAN("${")) ? span_skip(node->text, 2)
                                                    : node->text;
    bool is_one = name_len(rest) + 3 == node->text.len;
    buf_init(&b, VALUE_MAX);
    if (put_all(l, node, &b)) {
        span all = buf_span(&b);

        if (buf_failed(&b) || utf8_good(all) != all.len ||
            !span_dup(l->r.arena, all, &node->text)) {
            yaml_problem(l->r.problems, node,
                         "what the environment holds is too long, or no text");
            problem_remedy(l->r.problems, "it is UTF-8 of at most 64 KiB");
        } else if (node->style == YAML_PLAIN || is_one) {
            node->literal = yaml_literal_of(node->text);
        }
    }
    buf_fini(&b);
}

/* NOLINTBEGIN(misc-no-recursion): a tree is as deep as YAML_DEPTH_MAX */
const struct yaml *
load_environment(struct loader *l, const struct yaml *node)
{
    struct yaml *copy = reader_array(&l->r, node, 1, sizeof(*copy));

    if (!copy)
        return node;
    *copy = *node;
    switch (node->kind) {
    case YAML_SCALAR:
        expand_text(l, copy);
        return copy;
    case YAML_LIST:
        copy->items =
            reader_array(&l->r, node, node->n, sizeof(const struct yaml *));
        for (size_t i = 0; copy->items && i < node->n; i++)
            copy->items[i] = load_environment(l, node->items[i]);
        return copy->items ? copy : node;
    case YAML_MAP:
        copy->entries =
            reader_array(&l->r, node, node->n, sizeof(*copy->entries));
        for (size_t i = 0; copy->entries && i < node->n; i++)
            copy->entries[i] = (struct yaml_entry){
                node->entries[i].key,
                load_environment(l, node->entries[i].value)};
        return copy->entries ? copy : node;
    }
    return copy;
}
/* NOLINTEND(misc-no-recursion) */
