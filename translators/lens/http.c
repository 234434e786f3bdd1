/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: arrows on query, header and status of a message.
 *
 * They are arrows like others, on the message as an object. This build moves a
 * parameter to a parameter and a field to a field; `path`, `body` and `method`
 * are refused by name.
 */
#include "translators/lens/build.h"

static const struct lens_words http_words =
    LENS_WORDS("a block of `http`", "map", "add", "drop");

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(b->problems, at, "%s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

/* ---- places ---- */

enum root { ROOT_QUERY, ROOT_HEADER, ROOT_STATUS, ROOT_LATER, ROOT_NONE };

static enum root
root_of(const struct lens_place *p)
{
    static const char *const names[] = {"query", "header", "status"};
    static const char *const later[] = {"path", "body", "method"};
    if (p->n == 0 || p->steps[0].kind != LENS_KEY)
        return ROOT_NONE;
    for (size_t i = 0; i < COUNT(names); i++)
        if (span_is(p->steps[0].key, names[i]))
            return (enum root)i;
    for (size_t i = 0; i < COUNT(later); i++)
        if (span_is(p->steps[0].key, later[i]))
            return ROOT_LATER;
    return ROOT_NONE;
}

static bool
check_place(struct lens_builder *b, const struct yaml *at,
            const struct lens_place *p, enum root root)
{
    if (root == ROOT_LATER) {
        char name[16];
        snprintf(name, sizeof(name), "%.*s", SPAN_FMT(p->steps[0].key));
        lens_words_refuse(b, at, name);
        return false;
    }
    bool good = root == ROOT_STATUS ? p->n == 1
                                    : p->n == 2 && p->steps[1].kind == LENS_KEY;
    if (root != ROOT_NONE && good)
        return true;
    yaml_problem(b->problems, at, "`%.*s` is no place of a message",
                 SPAN_FMT(p->text));
    problem_remedy(b->problems, "it can be query/name, header/Name or status");
    return false;
}

/* Field names have no case. */
static bool
lower_header(struct lens_builder *b, struct lens_place *p)
{
    struct lens_step *steps = lens_array(b, 2, sizeof(*steps));
    char *name = lens_array(b, p->steps[1].key.len, 1);
    if (!steps || !name)
        return false;
    span key = p->steps[1].key;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        name[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    steps[0] = p->steps[0];
    steps[1] = p->steps[1];
    steps[1].key = span_of(name, key.len);
    p->steps = steps;
    return true;
}

/* ---- arrows ---- */

static bool
check_way(struct lens_builder *b, const struct yaml *at, struct lens_way *w)
{
    enum root root[2] = {ROOT_NONE, ROOT_NONE};
    for (size_t side = 0; side < 2; side++) {
        if (!w->has[side])
            continue;
        root[side] = root_of(&w->place[side]);
        if (!check_place(b, at, &w->place[side], root[side]) ||
            (root[side] == ROOT_HEADER && !lower_header(b, &w->place[side])))
            return false;
    }
    if (w->has[0] && w->has[1] && root[0] != root[1])
        return wrong(b, at,
                     "an arrow between different parts of a message is of the "
                     "language, and this build does not translate it yet",
                     "lead from query to query or from header to header");
    return true;
}

static bool
check_stages(struct lens_builder *b, const struct yaml *at,
             const struct lens_way *w)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_LIST ||
            w->stages.at[i].kind == LENS_STAGE_INDEX)
            return wrong(b, at, "a parameter or field is no list here",
                         "leave the form of lists out");
    return true;
}

static bool
check_arrow(struct lens_builder *b, const struct yaml *at, struct lens_arrow *a)
{
    if (a->has_cases || a->has_stash || a->joint || a->ways[0].rest.kind ||
        a->ways[0].drop_doubles)
        return wrong(b, at,
                     "an arrow of `http` has no `cases`, `stash`, `rest`, "
                     "`double` or several places in this build",
                     "use to, as, enum, absent, omit, when");
    struct lens_way *w = lens_array(b, 1, sizeof(*w));
    if (!w)
        return false;
    *w = a->ways[0];
    a->ways = w;
    if (!check_way(b, at, w) || !check_stages(b, at, w))
        return false;
    bool is_status = root_of(&w->place[w->has[0] ? 0 : 1]) == ROOT_STATUS;
    if (is_status && a->kind != LENS_MAP)
        return wrong(b, at, "every answer has a status",
                     "map it: status: {enum: {422: 451}}");
    return true;
}

static bool
is_status(const struct yaml_entry *e)
{
    return e->key->kind == YAML_SCALAR && span_is(e->key->text, "status");
}

static void
read_arrows(struct lens_builder *b, enum lens_arrow_kind kind,
            const struct yaml *map, struct lens_draft *out)
{
    if (!map)
        return;
    if (map->kind != YAML_MAP) {
        (void)wrong(b, map, "this is a map of places",
                    "write query/old: query/new");
        return;
    }
    for (size_t i = 0; i < map->n && !b->full; i++) {
        struct lens_arrow one;
        const struct yaml_entry *e = &map->entries[i];
        b->texts = !is_status(e);
        bool good = lens_arrow_read(b, kind, e, &one);
        b->texts = false;
        if (!good || !check_arrow(b, e->key, &one))
            continue;
        struct lens_arrow *slot = lens_vec_add(b, &out->arrows, sizeof(one));
        if (slot)
            *slot = one;
    }
}

static bool
read_message(struct lens_builder *b, const struct yaml *key,
             struct lens_message *out)
{
    span text;
    if (!lens_words_text(b, key, "a route", &text))
        return false;
    if (span_is(text, "*")) {
        *out = (struct lens_message){.text = text,
                                     .ways = LENS_REQUEST | LENS_ANSWER};
        return true;
    }
    if (!lens_message_read(b, key, text, out))
        return false;
    return out->n_statuses == 0 || wrong(b, key, "`http` is keyed by routes",
                                         "write GET /orders or \"*\"");
}

void
lens_http_read(struct lens_builder *b, const struct yaml_entry *entry,
               struct lens_vec *out)
{
    struct lens_message message;
    struct lens_draft draft = {0};
    if (!read_message(b, entry->key, &message))
        return;
    if (entry->value->kind == YAML_MAP && yaml_get(entry->value, "to")) {
        (void)wrong(b, yaml_find(entry->value, SPAN("to"))->key,
                    "a route that moves is of the language, and this build "
                    "does not translate it yet",
                    "keep the route in both versions");
        return;
    }
    if (!lens_words_check(b, entry->value, &http_words))
        return;
    read_arrows(b, LENS_MAP, yaml_get(entry->value, "map"), &draft);
    read_arrows(b, LENS_ADD, yaml_get(entry->value, "add"), &draft);
    read_arrows(b, LENS_DROP, yaml_get(entry->value, "drop"), &draft);

    struct lens_block *block = lens_block_finish(b, &draft);
    struct lens_http *slot = block ? lens_vec_add(b, out, sizeof(*slot)) : NULL;
    if (slot)
        *slot = (struct lens_http){message, block};
}
