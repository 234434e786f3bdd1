/* SPDX-License-Identifier: Apache-2.0 */
#include "config/reader.h"

#include "proxy/base/map.h"
#include "proxy/base/quantity.h"

#include <stdlib.h>

static const struct reader_word *
word_of(const struct reader_word *words, size_t n, span key)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(key, words[i].name))
            return &words[i];
    return NULL;
}

static void
unknown_word(struct reader *r, const struct yaml *key, const char *what,
             const struct reader_word *words, size_t n)
{
    const char *near = NULL;
    unsigned best = 3;

    for (size_t i = 0; i < n; i++) {
        unsigned d = edit_distance(key->text, span_str(words[i].name));

        if (d < best && d < key->text.len) {
            best = d;
            near = words[i].name;
        }
    }
    yaml_problem(r->problems, key, "%s has no word `%.*s`", what,
                 SPAN_FMT(key->text));
    if (near)
        problem_remedy(r->problems, "did you mean `%s`?", near);
    else
        problem_remedy(r->problems, "take it away");
}

void
reader_map(struct reader *r, const struct yaml *map, const char *what,
           const struct reader_word *words, size_t n, void *self)
{
    if (!reader_is_map(r, map, what))
        return;
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *key = map->entries[i].key;
        const struct reader_word *w =
            key->kind == YAML_SCALAR ? word_of(words, n, key->text) : NULL;

        if (w)
            w->read(r, map->entries[i].value, self);
        else
            unknown_word(r, key, what, words, n);
    }
    for (size_t i = 0; i < n; i++)
        if (words[i].required && !yaml_get(map, words[i].name)) {
            yaml_problem(r->problems, map, "%s needs `%s`", what,
                         words[i].name);
            problem_remedy(r->problems, "add `%s: ...`", words[i].name);
        }
}

static void
wrong(struct reader *r, const struct yaml *node, const char *want,
      const char *example)
{
    if (node->kind == YAML_SCALAR)
        yaml_problem(r->problems, node, "`%.*s` is not %s",
                     SPAN_FMT(node->text), want);
    else
        yaml_problem(r->problems, node, "%s stands where %s is meant",
                     yaml_what(node), want);
    problem_remedy(r->problems, "write it like `%s`", example);
}

bool
reader_text(struct reader *r, const struct yaml *node, span *out)
{
    if (node->kind != YAML_SCALAR || node->text.len == 0) {
        wrong(r, node, "a text", "name");
        return false;
    }
    *out = node->text;
    return true;
}

bool
reader_bool(struct reader *r, const struct yaml *node, bool *out)
{
    if (node->kind != YAML_SCALAR || node->literal != YAML_BOOL) {
        wrong(r, node, "true or false", "true");
        return false;
    }
    *out = span_is(node->text, "true");
    return true;
}

bool
reader_count(struct reader *r, const struct yaml *node, uint64_t max,
             uint64_t *out)
{
    uint64_t n;

    if (node->kind != YAML_SCALAR || !span_to_u64(node->text, &n) || n > max) {
        yaml_problem(r->problems, node,
                     "a whole number from 0 to %llu is meant",
                     (unsigned long long)max);
        return false;
    }
    *out = n;
    return true;
}

bool
reader_ms(struct reader *r, const struct yaml *node, uint32_t *out)
{
    uint64_t ms;

    if (node->kind != YAML_SCALAR || !quantity_ms(node->text, &ms) ||
        ms > UINT32_MAX) {
        wrong(r, node, "a duration", "250ms, 15s, 5m");
        return false;
    }
    *out = (uint32_t)ms;
    return true;
}

bool
reader_bytes(struct reader *r, const struct yaml *node, uint64_t *out)
{
    if (node->kind != YAML_SCALAR || !quantity_bytes(node->text, out)) {
        wrong(r, node, "a size", "64KiB, 1MiB");
        return false;
    }
    return true;
}

bool
reader_share(struct reader *r, const struct yaml *node, uint32_t *out)
{
    if (node->kind != YAML_SCALAR || !quantity_share(node->text, out)) {
        wrong(r, node, "a share", "12.5%, 100ppm, 0");
        return false;
    }
    return true;
}

bool
reader_is_list(struct reader *r, const struct yaml *node, const char *what)
{
    if (node->kind == YAML_LIST)
        return true;
    yaml_problem(r->problems, node, "%s is a list, and here is %s", what,
                 yaml_what(node));
    problem_remedy(r->problems, "put it in `[...]` or under dashes");
    return false;
}

bool
reader_is_map(struct reader *r, const struct yaml *node, const char *what)
{
    if (node->kind == YAML_MAP)
        return true;
    yaml_problem(r->problems, node, "%s is a map, and here is %s", what,
                 yaml_what(node));
    problem_remedy(r->problems, "write `word: value` lines or `{word: value}`");
    return false;
}

void *
reader_array(struct reader *r, const struct yaml *at, size_t n, size_t size)
{
    void *p = arena_array(r->arena, n, size);

    if (!p)
        yaml_problem(r->problems, at, "the configuration is too big");
    return p;
}

const char *
reader_path(struct reader *r, const struct yaml *node, span path)
{
    size_t slash = node->file.len;

    if (path.len && path.at[0] == '/')
        return arena_str(r->arena, path);
    while (slash && node->file.at[slash - 1] != '/')
        slash--;

    span whole = arena_fmt(r->arena, "%.*s%.*s", (int)slash, node->file.at,
                           SPAN_FMT(path));
    return whole.at;
}

bool
reader_is_token(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f ||
            strchr("\"(),/:;<=>?@[\\]{}", s.at[i]))
            return false;
    return s.len > 0;
}
