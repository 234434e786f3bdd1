/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: a list in a query is several parameters, or one, by its `style`.
 *
 * Before a step the parameters of a style become one list where the first of
 * them stood; after it a list becomes parameters. Their texts ride along, so
 * one that is written as it was keeps its bytes. An empty list and none are the
 * same in a query.
 */
#include "translators/reference/message.h"

/* The index in `id[12]` of the parameter `id`; false for another name. */
static bool
indexed(span key, span name, uint64_t *index)
{
    if (!span_starts(key, name) || key.len < name.len + 3 ||
        key.at[name.len] != '[' || key.at[key.len - 1] != ']')
        return false;
    span digits = span_of(key.at + name.len + 1, key.len - name.len - 2);
    return span_to_u64(digits, index) && *index <= UINT32_MAX;
}

static bool
is_of(enum lens_style style, span key, span name, uint64_t *index)
{
    *index = 0;
    switch (style) {
    case LENS_STYLE_NONE:
        return false;
    case LENS_STYLE_REPEAT:
    case LENS_STYLE_COMMA:
        return span_eq(key, name);
    case LENS_STYLE_INDEX:
        return indexed(key, name, index);
    case LENS_STYLE_BRACKETS:
        return key.len == name.len + 2 && span_starts(key, name) &&
               span_ends(key, SPAN("[]"));
    }
    return false;
}

/* ---- parameters to a list ---- */

static bool
split(struct run *r, struct json *list, const struct json *value)
{
    span rest = value->text;
    size_t at = run_origin(value);
    while (rest.len) {
        bool more = span_find(rest, ',') >= 0;
        struct json *item = json_new_text(r->arena, span_cut(&rest, ','));
        if (!item || !json_list_append(r->arena, list, item) ||
            !run_derive(r, item, at))
            return run_full(r);
        if (more && rest.len == 0) { /* "a," ends in an empty one */
            item = json_new_text(r->arena, SPAN(""));
            if (!item || !json_list_append(r->arena, list, item))
                return run_full(r);
        }
    }
    return true;
}

/* Where an element with this index goes: behind all that are not greater. */
static size_t
slot_of(const uint64_t *indices, size_t n, uint64_t index)
{
    while (n > 0 && indices[n - 1] > index)
        n--;
    return n;
}

static bool
gather(struct run *r, struct json *query, enum lens_style style, span name)
{
    struct json *list = NULL;
    uint64_t *indices = arena_array(r->scratch, query->n + 1, sizeof(*indices));
    size_t first = query->n, n = 0;
    uint64_t index;
    if (!indices || !(list = json_new_list(r->arena)))
        return run_full(r);
    for (size_t i = 0; i < query->n;) {
        if (!is_of(style, query->members[i].key, name, &index)) {
            i++;
            continue;
        }
        first = n == 0 ? i : first;
        struct json *value = json_remove(query, i);
        size_t at = slot_of(indices, n, index);
        memmove(indices + at + 1, indices + at, (n - at) * sizeof(*indices));
        indices[at] = index;
        n++;
        if (style == LENS_STYLE_COMMA
                ? !split(r, list, value)
                : !json_list_insert(r->arena, list, at, value))
            return r->failed ? false : run_full(r);
    }
    return n == 0 || json_insert(r->arena, query, first, name, list) ||
           run_full(r);
}

/* ---- a list to parameters ---- */

static span
name_of(struct run *r, enum lens_style style, span name, size_t i)
{
    if (style == LENS_STYLE_INDEX)
        return arena_fmt(r->arena, "%.*s[%zu]", SPAN_FMT(name), i);
    if (style == LENS_STYLE_BRACKETS)
        return arena_fmt(r->arena, "%.*s[]", SPAN_FMT(name));
    return name;
}

static bool
join(struct run *r, const struct json *list, span name, span *out)
{
    struct buf b;
    bool ok = true;
    buf_init(&b, arena_limit(r->arena));
    for (size_t i = 0; ok && i < list->n; i++) {
        const struct json *item = list->members[i].value;
        span text;
        ok = message_text_of(item, &text) ||
             message_no_text(r, item, "query", name);
        if (ok && span_find(text, ',') >= 0)
            ok = run_fail(r, FAULT_CARRY, item, NULL,
                          "an element of \"query/%.*s\" holds a comma, which "
                          "parts them there",
                          SPAN_FMT(name));
        if (ok && i)
            buf_byte(&b, ',');
        if (ok)
            buf_add(&b, text);
    }
    ok = ok && (span_dup(r->arena, buf_span(&b), out) || run_full(r));
    buf_fini(&b);
    return ok;
}

static bool
put_joined(struct run *r, struct json *query, size_t at, span name,
           const struct json *list)
{
    span text = {0};
    if (list->n == 0)
        return true;
    if (!join(r, list, name, &text))
        return false;
    struct json *value = json_new_text(r->arena, text);
    return (value && json_insert(r->arena, query, at, name, value) &&
            run_derive(r, value, run_origin(list))) ||
           run_full(r);
}

static bool
put_each(struct run *r, struct json *query, size_t at, enum lens_style style,
         span name, struct json *list)
{
    for (size_t i = 0; list->n; i++) {
        struct json *item = json_remove(list, 0);
        span key = name_of(r, style, name, i), text;
        if (!message_text_of(item, &text))
            return message_no_text(r, item, "query", name);
        if (!key.at || !json_insert(r->arena, query, at + i, key, item))
            return run_full(r);
    }
    return true;
}

static bool
spread(struct run *r, struct json *query, enum lens_style style, span name)
{
    struct json *list = NULL;
    if (!spot_member(r, query, name, &list))
        return false;
    if (!list || list->kind != JSON_LIST)
        return true;
    size_t at = json_position(list);
    (void)json_remove(query, at);
    return style == LENS_STYLE_COMMA
               ? put_joined(r, query, at, name, list)
               : put_each(r, query, at, style, name, list);
}

/* ---- all that have a style ---- */

static bool
each_style(struct message_run *m, const struct reference_heads *heads,
           enum lens_side side, bool before)
{
    struct json *query = json_get(m->root, SPAN("query"));
    for (size_t i = 0; query && i < heads->n; i++) {
        const struct lens_block *b = heads->at[i]->parts[m->chain->kind];
        for (size_t k = 0; k < b->n_arrows; k++) {
            enum lens_style style = b->arrows[k].style[side];
            const struct lens_place *p = &b->arrows[k].ways[0].place[side];
            if (!style)
                continue;
            span name = p->steps[1].key;
            if (before ? !gather(m->run, query, style, name)
                       : !spread(m->run, query, style, name))
                return false;
        }
    }
    return true;
}

bool
message_gather(struct message_run *m, const struct leg *leg,
               const struct reference_heads *heads)
{
    return each_style(m, heads, leg->read, true);
}

bool
message_spread(struct message_run *m, const struct leg *leg,
               const struct reference_heads *heads)
{
    return each_style(m, heads, leg->write, false);
}
