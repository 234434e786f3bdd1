/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: bytes to a tree, RFC 8259 to the letter.
 *
 * No recursion: the open containers are the stack, each found by its child's
 * `parent`; the members of all of them wait in one buffer, where a container
 * that closes takes its own, the last `n`, and copies them to their place.
 */
#include "translators/json/tree.h"

#include "proxy/base/utf8.h"
#include "translators/json/index.h"

#include <assert.h>

struct parser {
    struct arena *arena;
    span text;
    size_t at;
    size_t depth;
    size_t depth_max;
    struct json *open;  /* the innermost open container, or NULL */
    struct buf waiting; /* struct json_member of all that are open */
    struct err *e;
};

/* ---- complaints ---- */

static enum err_code
full(struct parser *p)
{
    return err_at(p->e, ERR_LIMIT, p->at,
                  "the document does not fit into the memory it may have");
}

static enum err_code
unexpected(struct parser *p, const char *wanted)
{
    if (p->at >= p->text.len)
        return err_at(p->e, ERR_INVALID, p->at,
                      "the document ends where %s should be", wanted);

    unsigned char c = (unsigned char)p->text.at[p->at];
    if (c > 0x20 && c < 0x7F)
        return err_at(p->e, ERR_INVALID, p->at, "`%c` where %s should be", c,
                      wanted);
    return err_at(p->e, ERR_INVALID, p->at, "byte 0x%02x where %s should be", c,
                  wanted);
}

/* ---- bytes ---- */

static int
peek(const struct parser *p)
{
    return p->at < p->text.len ? (unsigned char)p->text.at[p->at] : -1;
}

static bool
take(struct parser *p, char c)
{
    if (peek(p) != (unsigned char)c)
        return false;
    p->at++;
    return true;
}

static void
skip_space(struct parser *p)
{
    int c = peek(p);

    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        p->at++;
        c = peek(p);
    }
}

/* ---- scalars ---- */

static struct json *
node_at(struct parser *p, enum json_kind kind, size_t start)
{
    struct json *node = arena_alloc(p->arena, sizeof(*node));

    if (!node)
        return NULL;
    node->kind = kind;
    node->offset = start;
    node->parent = p->open;
    node->source = span_of(p->text.at + start, p->at - start);
    return node;
}

static bool
is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

static enum err_code
skip_escape(struct parser *p)
{
    int c = peek(p);

    if (c == 'u') {
        p->at++;
        for (int i = 0; i < 4; i++, p->at++) {
            if (!is_hex(peek(p)))
                return unexpected(p, "a hexadecimal digit");
        }
        return OK;
    }
    if (c <= 0 || !strchr("\"\\/bfnrt", c))
        return unexpected(p, "an escape");
    p->at++;
    return OK;
}

/* Behind the opening quote; leaves behind the closing one. */
static enum err_code
read_quoted(struct parser *p, span *raw)
{
    size_t start = p->at;

    for (;;) {
        int c = peek(p);

        if (c == '"')
            break;
        if (c < 0x20)
            return unexpected(p, c < 0 ? "the closing quote"
                                       : "an escape of a control character");
        if (c == '\\') {
            p->at++;
            if (skip_escape(p))
                return ERR_INVALID;
            continue;
        }

        size_t n = utf8_char(span_skip(p->text, p->at));
        if (n == 0)
            return unexpected(p, "UTF-8");
        p->at += n;
    }
    *raw = span_of(p->text.at + start, p->at - start);
    p->at++;
    return OK;
}

static enum err_code
read_text(struct parser *p, struct json **out)
{
    size_t start = p->at++;
    span raw;
    bool clean;
    enum err_code code = read_quoted(p, &raw);

    if (code)
        return code;

    struct json *node = node_at(p, JSON_TEXT, start);
    if (!node || !json_unescape(p->arena, raw, &node->text, &clean))
        return full(p);
    node->raw = raw;
    node->unclean = !clean;
    *out = node;
    return OK;
}

static enum err_code
skip_digits(struct parser *p)
{
    size_t start = p->at;

    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at > start ? OK : unexpected(p, "a digit");
}

static enum err_code
skip_number(struct parser *p)
{
    take(p, '-');
    if (!take(p, '0') && skip_digits(p))
        return ERR_INVALID;
    if (take(p, '.') && skip_digits(p))
        return ERR_INVALID;
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+'))
            take(p, '-');
        return skip_digits(p);
    }
    return OK;
}

static enum err_code
read_number(struct parser *p, struct json **out)
{
    size_t start = p->at;
    enum err_code code = skip_number(p);

    if (code)
        return code;

    struct json *node = node_at(p, JSON_NUMBER, start);
    if (!node)
        return full(p);
    node->text = node->source;
    node->raw = node->source;
    *out = node;
    return OK;
}

static enum err_code
read_word(struct parser *p, const char *word, enum json_kind kind,
          struct json **out)
{
    size_t start = p->at;

    for (const char *c = word; *c; c++) {
        if (!take(p, *c))
            return unexpected(p, "a JSON value");
    }

    struct json *node = node_at(p, kind, start);
    if (!node)
        return full(p);
    node->truth = kind == JSON_BOOL && word[0] == 't';
    *out = node;
    return OK;
}

/* ---- containers ---- */

static enum err_code
open_container(struct parser *p, enum json_kind kind, struct json **out)
{
    if (p->depth == p->depth_max)
        return err_at(p->e, ERR_LIMIT, p->at,
                      "the document is nested deeper than %zu", p->depth_max);

    struct json *node = node_at(p, kind, p->at);
    if (!node)
        return full(p);
    p->at++;
    *out = node;
    return OK;
}

/* The members of the open container are all there and it gets them. */
static enum err_code
close_container(struct parser *p)
{
    struct json *c = p->open;
    size_t bytes = c->n * sizeof(struct json_member);
    span all = buf_span(&p->waiting);

    p->at++;
    c->members = arena_array(p->arena, c->n, sizeof(*c->members));
    if (!c->members)
        return full(p);
    if (all.at && bytes)
        memcpy(c->members, all.at + (all.len - bytes), bytes);
    buf_truncate(&p->waiting, all.len - bytes);
    c->room = c->n;
    if (!json_index_fit(p->arena, c))
        return full(p);
    c->source = span_of(p->text.at + c->offset, p->at - c->offset);
    p->open = c->parent;
    p->depth--;
    return OK;
}

static enum err_code
read_value(struct parser *p, struct json **out)
{
    switch (peek(p)) {
    case '{':
        return open_container(p, JSON_OBJECT, out);
    case '[':
        return open_container(p, JSON_LIST, out);
    case '"':
        return read_text(p, out);
    case 't':
        return read_word(p, "true", JSON_BOOL, out);
    case 'f':
        return read_word(p, "false", JSON_BOOL, out);
    case 'n':
        return read_word(p, "null", JSON_NULL, out);
    case '-':
    case '0' ... '9':
        return read_number(p, out);
    default:
        return unexpected(p, "a JSON value");
    }
}

/* The key of the next member; an item of a list has none. */
static enum err_code
read_key(struct parser *p, struct json_member *m)
{
    bool clean;

    if (!p->open || p->open->kind == JSON_LIST)
        return OK;
    if (!take(p, '"'))
        return unexpected(p, "a quoted key");

    enum err_code code = read_quoted(p, &m->raw);
    if (code)
        return code;
    if (!json_unescape(p->arena, m->raw, &m->key, &clean))
        return full(p);
    skip_space(p);
    if (!take(p, ':'))
        return unexpected(p, "`:`");
    skip_space(p);
    return OK;
}

/* One value with its key, entered in the container around it; a container is
 * then the open one, its members still to come. */
static enum err_code
read_member(struct parser *p, struct json **out)
{
    struct json_member m = {0};
    enum err_code code = read_key(p, &m);

    if (!code)
        code = read_value(p, &m.value);
    if (code)
        return code;
    assert(m.value);
    *out = m.value;
    if (p->open) {
        buf_add(&p->waiting, span_of((const char *)&m, sizeof(m)));
        p->open->n++;
    }
    if (json_is_container(m.value)) {
        p->open = m.value;
        p->depth++;
    }
    return buf_failed(&p->waiting) ? full(p) : OK;
}

/*
 * Behind a value, or behind the bracket of a container that is still empty:
 * close what closes here. *more says that another member follows.
 */
static enum err_code
close_what_ends(struct parser *p, bool empty, bool *more)
{
    while (p->open) {
        bool is_list = p->open->kind == JSON_LIST;

        skip_space(p);
        if (peek(p) != (is_list ? ']' : '}')) {
            *more = true;
            if (empty)
                return OK;
            if (!take(p, ','))
                return unexpected(p, is_list ? "`,` or `]`" : "`,` or `}`");
            skip_space(p);
            return OK;
        }
        enum err_code code = close_container(p);
        if (code)
            return code;
        empty = false;
    }
    *more = false;
    return OK;
}

static enum err_code
read_document(struct parser *p, struct json **out)
{
    struct json *value = NULL;
    struct json *root = NULL;
    bool more = true;

    if (span_starts(p->text, SPAN("\xEF\xBB\xBF")))
        return err_at(p->e, ERR_INVALID, 0,
                      "a byte order mark, which JSON does not have");
    skip_space(p);
    while (more) {
        enum err_code code = read_member(p, &value);

        if (!root)
            root = value;
        if (!code)
            code = close_what_ends(p, p->open == value, &more);
        if (code)
            return code;
    }
    skip_space(p);
    if (p->at < p->text.len)
        return unexpected(p, "the end of the document");
    root->source = p->text; /* the space around it is part of what came */
    *out = root;
    return OK;
}

enum err_code
json_parse(struct arena *a, span text, size_t depth_max, struct json **out,
           struct err *e)
{
    struct parser p = {.arena = a, .text = text, .e = e};

    p.depth_max = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX;
    buf_init(&p.waiting, SIZE_MAX / 2);

    enum err_code code = read_document(&p, out);
    buf_fini(&p.waiting);
    return code;
}
