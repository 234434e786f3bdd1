/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: libyaml's events to our tree, with a sentence for all we do not take.
 *
 * What is merely refused (an anchor, a doubled key, a strange number) is noted
 * and reading goes on, so that one reading finds all of it. `broken` says that
 * there is no going on: bad syntax, too deep, no memory.
 */
#include "translators/yaml/yaml.h"

#include "proxy/base/map.h"
#include "proxy/base/utf8.h"
#include "translators/yaml/literal.h"

#include <stdio.h>
#include <yaml.h>

#define FIRST_ROOM ((size_t)8)
#define SHOWN_MAX  40 /* bytes of a scalar that a sentence shows */

struct reader {
    struct arena *arena;
    struct problems *problems;
    span file;
    span text;
    yaml_parser_t parser;
    yaml_event_t event;
    bool broken;
    bool literals; /* the map that follows has literals as keys */
    size_t depth;
    size_t index;  /* a place in `text`, in characters as libyaml counts */
    size_t offset; /* the same place in bytes */
};

/* ---- complaints ---- */

#define say(r, mark, ...)                                                      \
    problem_add((r)->problems, (r)->file, (mark).line + 1, (mark).column + 1,  \
                __VA_ARGS__)

static void
say_full(struct reader *r)
{
    r->broken = true;
    say(r, r->event.start_mark,
        "the file does not fit into the memory it may have");
}

/* Where a byte is, from zero. What is before it is UTF-8. */
static yaml_mark_t
mark_of(span text, size_t offset)
{
    yaml_mark_t m = {0};

    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.at[i] == '\n') {
            m.line++;
            m.column = 0;
        } else if ((text.at[i] & 0xC0) != 0x80) {
            m.column++;
        }
    }
    return m;
}

static const char *
remedy_of(const char *problem)
{
    static const struct {
        const char *problem;
        const char *remedy;
    } known[] = {
        {"found character that cannot start any token",
         "indent with spaces, and quote a text that begins with %, @ or `"},
        {"found a tab character that violates indentation",
         "indent with spaces"},
        {"found a tab character where an indentation space is expected",
         "indent with spaces"},
        {"mapping values are not allowed in this context",
         "quote a text that holds `: `, or indent what belongs to the key"},
        {"could not find expected ':'", "put `:` and a space behind the key"},
        {"found unexpected end of stream", "close the quotes"},
        {"found unexpected document indicator", "close the quotes"},
        {"control characters are not allowed", "write it as \"\\xNN\""},
    };

    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(problem, known[i].problem) == 0)
            return known[i].remedy;
    }
    return "check the indentation, the quotes and the brackets";
}

static void
say_syntax(struct reader *r)
{
    const yaml_parser_t *y = &r->parser;
    const char *problem = y->problem ? y->problem : "this is not YAML";
    yaml_mark_t at = y->problem_mark;

    r->broken = true;
    if (y->error == YAML_MEMORY_ERROR) {
        say_full(r);
        return;
    }
    if (y->error == YAML_READER_ERROR)
        at = mark_of(r->text, y->problem_offset);
    if (y->context)
        say(r, at, "%s %s from line %zu", problem, y->context,
            y->context_mark.line + 1);
    else
        say(r, at, "%s", problem);
    problem_remedy(r->problems, "%s", remedy_of(problem));
}

/* ---- events ---- */

/* The next event, over the one before it; false if there is none to go on with. */
static bool
next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (r->broken)
        return false;
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    say_syntax(r);
    return false;
}

/* The byte that the event starts with; events come in the order of the text. */
static char
first_byte(struct reader *r)
{
    while (r->index < r->event.start_mark.index && r->offset < r->text.len) {
        r->offset += utf8_char(span_skip(r->text, r->offset));
        r->index++;
    }
    if (r->offset == r->text.len)
        return '\0';
    return r->text.at[r->offset];
}

static struct yaml *
node(struct reader *r, enum yaml_kind kind)
{
    struct yaml *n = arena_alloc(r->arena, sizeof(*n));

    if (!n) {
        say_full(r);
        return NULL;
    }
    n->kind = kind;
    n->file = r->file;
    n->line = r->event.start_mark.line + 1;
    n->column = r->event.start_mark.column + 1;
    return n;
}

static void
refuse_properties(struct reader *r, const yaml_char_t *anchor,
                  const yaml_char_t *tag)
{
    if (anchor) {
        say(r, r->event.start_mark, "`&%.*s` is an anchor", SHOWN_MAX,
            (const char *)anchor);
        problem_remedy(r->problems,
                       "write the value out at each place that needs it");
    }
    if (tag) {
        say(r, r->event.start_mark, "`%.*s` is a tag", SHOWN_MAX,
            (const char *)tag);
        problem_remedy(r->problems, "remove it, and quote what is a text");
    }
}

/* ---- scalars ---- */

static void
check_plain(struct reader *r, const struct yaml *n)
{
    if (n->text.len == 0) {
        say(r, r->event.start_mark, "an empty value");
        problem_remedy(r->problems, "write null, or quote it: \"\"");
    } else if (span_is(n->text, "~")) {
        say(r, r->event.start_mark, "`~` is null to YAML alone");
        problem_remedy(r->problems, "write null, or quote it: \"~\"");
    } else if (yaml_is_foreign_number(n->text)) {
        span shown = span_take(n->text, SHOWN_MAX);

        say(r, r->event.start_mark,
            "`%.*s` is a number to YAML and none to JSON", SPAN_FMT(shown));
        problem_remedy(r->problems,
                       "write a JSON number, or quote it: \"%.*s\"",
                       SPAN_FMT(shown));
    }
}

static enum yaml_style
style_of(yaml_scalar_style_t style)
{
    if (style == YAML_PLAIN_SCALAR_STYLE)
        return YAML_PLAIN;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        return YAML_BLOCK;
    return YAML_QUOTED;
}

/* libyaml keeps the tag `!` of a scalar to itself; its first byte tells. */
static const yaml_char_t *
scalar_tag(struct reader *r)
{
    const yaml_char_t *tag = r->event.data.scalar.tag;

    return !tag && first_byte(r) == '!' ? (const yaml_char_t *)"!" : tag;
}

static struct yaml *
read_scalar(struct reader *r)
{
    span text = span_of((const char *)r->event.data.scalar.value,
                        r->event.data.scalar.length);
    struct yaml *n = node(r, YAML_SCALAR);

    if (!n)
        return NULL;
    refuse_properties(r, r->event.data.scalar.anchor, scalar_tag(r));
    n->style = style_of(r->event.data.scalar.style);
    if (!span_dup(r->arena, text, &n->text)) {
        say_full(r);
        return NULL;
    }
    if (span_find(text, '\0') >= 0) {
        say(r, r->event.start_mark, "a text with a NUL in it");
        problem_remedy(r->problems, "remove the `\\0`");
    }
    if (n->style == YAML_PLAIN) {
        n->literal = yaml_literal_of(n->text);
        check_plain(r, n);
    }
    return n;
}

static struct yaml *
read_alias(struct reader *r)
{
    say(r, r->event.start_mark, "`*%.*s` is an alias", SHOWN_MAX,
        (const char *)r->event.data.alias.anchor);
    problem_remedy(r->problems, "write the value out, or quote it");
    return node(r, YAML_SCALAR);
}

/* ---- lists and maps ---- */

/* NOLINTBEGIN(misc-no-recursion): no deeper than YAML_DEPTH_MAX */

static struct yaml *read_node(struct reader *r);

static void *
grown(struct reader *r, void *items, size_t n, size_t size)
{
    bool is_full = n == 0 || (n >= FIRST_ROOM && (n & (n - 1)) == 0);

    if (!is_full)
        return items;

    void *more = arena_grow(r->arena, items, n, n ? n * 2 : FIRST_ROOM, size);
    if (!more)
        say_full(r);
    return more;
}

static struct yaml *
read_list(struct reader *r)
{
    struct yaml *list = node(r, YAML_LIST);

    if (!list)
        return NULL;
    refuse_properties(r, r->event.data.sequence_start.anchor,
                      r->event.data.sequence_start.tag);
    while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        struct yaml *item = read_node(r);

        list->items =
            item ? grown(r, list->items, list->n, sizeof(void *)) : NULL;
        if (!list->items)
            return NULL;
        list->items[list->n++] = item;
    }
    return r->broken ? NULL : list;
}

/* What tells a key apart; a list's begins with two NULs, a literal's with one: no
 * scalar has any. */
static bool
name_of(struct reader *r, const struct yaml *key, bool literals, span *out)
{
    struct buf b;
    bool is_literal = key->kind == YAML_SCALAR && key->literal != YAML_TEXT;

    if (key->kind == YAML_SCALAR && !(literals && is_literal)) {
        *out = key->text;
        return true;
    }
    buf_init(&b, SIZE_MAX / 2);
    buf_byte(&b, '\0');
    if (key->kind == YAML_SCALAR)
        buf_add(&b, key->text);
    for (size_t i = 0; i < key->n; i++) {
        buf_byte(&b, '\0');
        buf_add(&b, key->items[i]->text);
    }
    bool fits = !buf_failed(&b) && span_dup(r->arena, buf_span(&b), out);
    buf_fini(&b);
    return fits;
}

/* A scalar or a list of scalars: nothing else is a key. */
static bool
is_key(const struct yaml *key)
{
    if (key->kind == YAML_MAP)
        return false;
    for (size_t i = 0; key->kind == YAML_LIST && i < key->n; i++) {
        if (key->items[i]->kind != YAML_SCALAR)
            return false;
    }
    return true;
}

/* LANGUAGE.md: keys are texts, but in the maps below these words: there 1 is not "1". */
static bool
has_literals(const struct yaml *key)
{
    static const char *const words[] = {"enum", "older", "newer", "which"};
    for (size_t i = 0; key->kind == YAML_SCALAR && i < COUNT(words); i++)
        if (span_is(key->text, words[i]))
            return true;
    return false;
}

static void
check_key(struct reader *r, struct map *seen, bool literals, struct yaml *key)
{
    void *was = NULL;
    span name;

    if (!is_key(key)) {
        yaml_problem(r->problems, key, "%s as a key",
                     key->kind == YAML_MAP ? "a map"
                                           : "a list of lists or maps");
        problem_remedy(r->problems, "a key is a text, or a list of texts");
        return;
    }
    if (!name_of(r, key, literals, &name) || !map_put(seen, name, key, &was)) {
        say_full(r);
        return;
    }
    if (was) {
        const struct yaml *first = was;
        span shown = key->kind == YAML_SCALAR ? key->text : SPAN("this list");

        yaml_problem(r->problems, key,
                     "`%.*s` is a key twice, first on line %zu",
                     SPAN_FMT(span_take(shown, SHOWN_MAX)), first->line);
        problem_remedy(r->problems, "remove or rename one of them");
    }
}

static bool
read_entry(struct reader *r, struct yaml *map, struct map *seen, bool literals)
{
    struct yaml *key = read_node(r);

    if (!key || !next(r))
        return false;
    check_key(r, seen, literals, key);
    r->literals = has_literals(key);

    struct yaml_entry entry = {key, read_node(r)};
    if (!entry.value)
        return false;
    map->entries = grown(r, map->entries, map->n, sizeof(entry));
    if (!map->entries)
        return false;
    map->entries[map->n++] = entry;
    return true;
}

static struct yaml *
read_map(struct reader *r)
{
    struct yaml *map = node(r, YAML_MAP);
    struct map seen;
    bool literals = r->literals;

    if (!map)
        return NULL;
    refuse_properties(r, r->event.data.mapping_start.anchor,
                      r->event.data.mapping_start.tag);
    map_init(&seen, r->arena);
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        if (!read_entry(r, map, &seen, literals))
            return NULL;
    }
    return r->broken ? NULL : map;
}

static struct yaml *
read_container(struct reader *r)
{
    if (r->depth == YAML_DEPTH_MAX) {
        say(r, r->event.start_mark, "lists and maps nested deeper than %d",
            YAML_DEPTH_MAX);
        problem_remedy(r->problems, "no such file needs that much");
        r->broken = true;
        return NULL;
    }
    r->depth++;

    struct yaml *n =
        r->event.type == YAML_SEQUENCE_START_EVENT ? read_list(r) : read_map(r);
    r->depth--;
    return n;
}

/* The node that the event starts; NULL if reading is broken. */
static struct yaml *
read_node(struct reader *r)
{
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_container(r);
    default:
        return read_alias(r); /* no other event stands for a node */
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- the file ---- */

static const struct yaml *
read_document(struct reader *r)
{
    if (!next(r)) /* the stream's start */
        return NULL;
    if (!next(r)) /* the document's */
        return NULL;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        problem_add(r->problems, r->file, 1, 1, "the file is empty");
        return NULL;
    }
    if (r->event.data.document_start.version_directive ||
        r->event.data.document_start.tag_directives.start !=
            r->event.data.document_start.tag_directives.end) {
        say(r, r->event.start_mark, "a directive");
        problem_remedy(r->problems, "remove the line that begins with %%");
    }

    const struct yaml *root = next(r) ? read_node(r) : NULL;
    if (!root || !next(r)) /* the document's end */
        return NULL;
    if (!next(r)) /* what follows */
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT) {
        say(r, r->event.start_mark, "a second document in one file");
        problem_remedy(r->problems, "put it into a file of its own");
    }
    return root;
}

/* What libyaml would take for something else, or answer with less of a sentence. */
static bool
bytes_are_good(struct reader *r, size_t bytes_max)
{
    span text = r->text;
    ssize_t nul = span_find(text, '\0');
    size_t good = text.len > bytes_max ? 0 : utf8_good(text);

    if (text.len > bytes_max) {
        problem_add(r->problems, r->file, 0, 0,
                    "the file has %zu bytes, and %zu are allowed", text.len,
                    bytes_max);
        problem_remedy(r->problems, "split it");
    } else if (good != text.len) {
        say(r, mark_of(text, good), "byte 0x%02x is not UTF-8",
            (unsigned char)text.at[good]);
        problem_remedy(r->problems, "save the file as UTF-8");
    } else if (nul >= 0) {
        say(r, mark_of(text, (size_t)nul), "a NUL byte");
        problem_remedy(r->problems, "remove it");
    } else if (span_starts(text, SPAN("\xEF\xBB\xBF"))) {
        problem_add(r->problems, r->file, 1, 1, "a byte order mark");
        problem_remedy(r->problems, "save the file without it");
    } else {
        return true;
    }
    return false;
}

const struct yaml *
yaml_parse(struct arena *a, span file, span text, size_t bytes_max,
           struct problems *p)
{
    struct reader r = {.arena = a, .problems = p, .file = file, .text = text};

    if (!bytes_are_good(&r, bytes_max))
        return NULL;
    if (!yaml_parser_initialize(&r.parser)) {
        say_full(&r);
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const yaml_char_t *)text.at,
                                 text.len);

    const struct yaml *root = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return root;
}
