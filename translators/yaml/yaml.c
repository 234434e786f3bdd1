/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/yaml/yaml.h"

#include <stdarg.h>
#include <stdio.h>

#define SENTENCE_MAX 1024

const struct yaml_entry *
yaml_find(const struct yaml *map, span key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *k = map->entries[i].key;

        if (k->kind == YAML_SCALAR && span_eq(k->text, key))
            return &map->entries[i];
    }
    return NULL;
}

const struct yaml *
yaml_get(const struct yaml *map, const char *key)
{
    const struct yaml_entry *entry = yaml_find(map, span_str(key));

    return entry ? entry->value : NULL;
}

static const char *
scalar_word(enum yaml_literal literal)
{
    switch (literal) {
    case YAML_TEXT:
        return "a text";
    case YAML_NULL:
        return "null";
    case YAML_BOOL:
        return "true or false";
    case YAML_NUMBER:
        return "a number";
    }
    return "a text";
}

const char *
yaml_what(const struct yaml *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        return scalar_word(node->literal);
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    return "a map";
}

void
yaml_problem(struct problems *p, const struct yaml *node, const char *fmt, ...)
{
    char text[SENTENCE_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    problem_add(p, node->file, node->line, node->column, "%s", text);
}
