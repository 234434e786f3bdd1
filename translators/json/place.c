/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where in a document something is, for people and for RFC 6901.
 */
#include "translators/json/text.h"

void
json_pointer_step(struct buf *b, span key)
{
    buf_byte(b, '/');
    for (size_t i = 0; i < key.len; i++) {
        if (key.at[i] == '~')
            buf_str(b, "~0");
        else if (key.at[i] == '/')
            buf_str(b, "~1");
        else
            buf_byte(b, key.at[i]);
    }
}

void
json_pointer_position(struct buf *b, size_t at)
{
    buf_byte(b, '/');
    buf_u64(b, at);
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than the tree */
void
json_pointer_of(struct buf *b, const struct json *node)
{
    const struct json *parent = node->parent;

    if (!parent)
        return;
    json_pointer_of(b, parent);

    size_t at = json_position(node);
    if (parent->kind == JSON_LIST)
        json_pointer_position(b, at);
    else
        json_pointer_step(b, parent->members[at].key);
}

/* NOLINTEND(misc-no-recursion) */

/* ---- the place of an offset ---- */

struct level {
    size_t len; /* of the pointer to the container itself */
    size_t position;
    bool is_list;
    bool in_value; /* of an object: behind a key */
};

struct walk {
    struct buf *b;
    span text;
    size_t offset;
    size_t at;
    size_t depth; /* levels[1] to levels[depth] are open */
    struct level levels[JSON_DEPTH_MAX + 1];
};

static void
enter(struct walk *w, bool is_list)
{
    if (w->depth == JSON_DEPTH_MAX) {
        w->at = w->offset; /* no deeper: the pointer ends here */
        return;
    }
    w->levels[++w->depth] =
        (struct level){.len = buf_len(w->b), .is_list = is_list};
    if (is_list)
        json_pointer_position(w->b, 0);
}

static void
leave(struct walk *w)
{
    if (w->depth == 0)
        return;
    buf_truncate(w->b, w->levels[w->depth].len);
    w->depth--;
}

static void
next_member(struct walk *w)
{
    struct level *l = &w->levels[w->depth];

    if (w->depth == 0)
        return;
    buf_truncate(w->b, l->len);
    l->in_value = false;
    if (l->is_list)
        json_pointer_position(w->b, ++l->position);
}

/* Behind the opening quote: what is in it, or up to the offset. */
static span
quoted(struct walk *w)
{
    size_t start = w->at;

    while (w->at < w->offset && w->text.at[w->at] != '"')
        w->at += w->text.at[w->at] == '\\' ? 2 : 1;

    span raw = span_of(w->text.at + start, w->at - start);
    w->at++;
    return raw;
}

static void
step_into(struct walk *w, span raw)
{
    struct buf key;
    bool clean;

    buf_init(&key, SIZE_MAX / 2);

    char *out = buf_reserve(&key, raw.len + 1);
    if (out) {
        size_t n = json_text_decode(raw, out, &clean);

        json_pointer_step(w->b, span_of(out, n));
    }
    buf_fini(&key);
}

static void
pass_text(struct walk *w)
{
    struct level *l = &w->levels[w->depth];
    span raw = quoted(w);

    if (w->depth == 0 || l->is_list || l->in_value || w->at > w->offset)
        return;
    l->in_value = true;
    step_into(w, raw);
}

static void
pass_byte(struct walk *w)
{
    switch (w->text.at[w->at++]) {
    case '{':
        enter(w, false);
        return;
    case '[':
        enter(w, true);
        return;
    case '}':
    case ']':
        leave(w);
        return;
    case ',':
        next_member(w);
        return;
    case '"':
        pass_text(w);
        return;
    default:
        return;
    }
}

void
json_pointer_at(struct buf *b, span text, size_t offset)
{
    struct walk w = {.b = b, .text = text};

    w.offset = offset < text.len ? offset : text.len;
    while (w.at < w.offset)
        pass_byte(&w);
}

void
json_line_of(span text, size_t offset, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.at[i] == '\n') {
            (*line)++;
            *column = 1;
        } else {
            (*column)++;
        }
    }
}
