/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: tests of terms as guards.
 *
 * Tests of one term exclude each other where they can: null is asked before an
 * object, that before a list, a list before a text, and a symbol only where those that were
 * met before it did not fit. So guards know that a value has one type and one
 * value. A test of an enum's image is pulled back to the symbols it came from.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a chain has enums of one value */

/* ---- presence ---- */

guard
ask_present(struct compose *c, uint32_t source)
{
    const struct source *s = &c->sources[source];
    if (s->kind == SOURCE_ROOT)
        return GUARD_ALWAYS;
    if (s->kind ==
        SOURCE_EACH) /* while it is at hand, what it is in is there */
        return ask_types(c, term_of_source(c, s->parent),
                         LENS_OBJECT | LENS_LIST);
    uint32_t parent = term_of_source(c, s->parent);
    s = &c->sources[source];
    guard in = ask_types(c, parent,
                         s->kind == SOURCE_ELEMENT ? LENS_LIST : LENS_OBJECT);
    return both(c, in,
                ask(c, (struct atom){.kind = ATOM_PRESENT, .source = source}));
}

/* ---- constants ------------------------------------------------------------------- */

static unsigned
types_of(const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        return LENS_NULL;
    case JSON_BOOL:
        return LENS_BOOL;
    case JSON_NUMBER:
        for (size_t i = 0; i < value->text.len; i++)
            if (span_find(SPAN(".eE"), value->text.at[i]) >= 0)
                return LENS_NUMBER;
        return LENS_NUMBER | LENS_INTEGER;
    case JSON_TEXT:
        return LENS_STRING;
    case JSON_LIST:
        return LENS_LIST;
    case JSON_OBJECT:
        return LENS_OBJECT;
    }
    return 0;
}

static guard
constant(bool holds)
{
    return holds ? GUARD_ALWAYS : GUARD_NEVER;
}

/* ---- an enum's image ---- */

/* What is asked of it. */
struct question {
    guard (*of)(struct compose *c, uint32_t term, const struct question *q);
    bool (*fits)(const struct json *value, const struct question *q);
    unsigned types;
    const struct json *value;
    span text;
    size_t n;
};

/* The symbols whose rows answer the question otherwise than they would themselves; all, where
 * what has no row is replaced. */
static guard
ask_rows(struct compose *c, const struct term *t, const struct question *q,
         bool replaces, bool does)
{
    const struct lens_symbols *s = t->symbols;
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct lens_symbol *row = &s->rows[i];
        if (!row->to /* it went */ || q->fits(row->to, q) != does ||
            (!replaces && q->fits(row->from, q) == does))
            continue;
        void *grown = compose_grow(c, c->symbols, n, &c->room_symbols,
                                   sizeof(const struct json *));
        if (!grown)
            return GUARD_NEVER;
        c->symbols = grown;
        c->symbols[n++] = row->from;
    }
    return ask_one_of(c, t->of, c->symbols, n);
}

/* The question of what came, but for the rows that answer it otherwise. */
static guard
ask_enum(struct compose *c, const struct term *t, const struct question *q)
{
    const struct lens_symbols *s = t->symbols;
    bool replaces = s->unlisted == LENS_UNLISTED_IS && s->image;
    guard is = replaces ? constant(q->fits(s->image, q)) : q->of(c, t->of, q);
    is = either(c, is, ask_rows(c, t, q, replaces, true));
    return without(c, is, ask_rows(c, t, q, replaces, false));
}

/* ---- types ---- */

/* The types of a term that is no constant, one after another. */
static guard
types_in_order(struct compose *c, uint32_t term, unsigned types)
{
    static const struct {
        enum atom_kind kind;
        unsigned type;
    } order[] = {{ATOM_NULL, LENS_NULL},
                 {ATOM_OBJECT, LENS_OBJECT},
                 {ATOM_LIST, LENS_LIST},
                 {ATOM_STRING, LENS_STRING},
                 {ATOM_NUMBER, LENS_NUMBER}};
    guard is = constant(types & LENS_BOOL);
    for (size_t i = COUNT(order); i-- > 0;) {
        guard this = ask(c, (struct atom){.kind = order[i].kind, .term = term});
        guard then = constant(types & order[i].type);
        if (order[i].type == LENS_NUMBER && !(types & LENS_NUMBER) &&
            types & LENS_INTEGER)
            then = ask(c, (struct atom){.kind = ATOM_INTEGER, .term = term});
        is = guard_choose(&c->guards, this, then, is);
    }
    return is;
}

static guard
ask_types_of(struct compose *c, uint32_t term, const struct question *q)
{
    return ask_types(c, term, q->types);
}

static bool
has_type(const struct json *value, const struct question *q)
{
    return types_of(value) & q->types;
}

static guard
find_types(struct compose *c, uint32_t term, unsigned types)
{
    struct term t = c->terms[term];
    struct question q = {.of = ask_types_of, .fits = has_type, .types = types};
    switch (t.kind) {
    case TERM_CONST:
        return constant(types_of(t.value) & types);
    case TERM_ENUM:
        return ask_enum(c, &t, &q);
    case TERM_WRAP:
        return constant(types & LENS_LIST);
    case TERM_COUNT:
        return constant(types & (LENS_NUMBER | LENS_INTEGER));
    case TERM_JOIN:
    case TERM_PART:
    case TERM_TEXT:
    case TERM_KEY:
        return constant(types & LENS_STRING);
    case TERM_SOURCE: {
        if (c->sources[t.source].kind == SOURCE_ROOT)
            return constant(types & LENS_OBJECT); /* a state is of objects */
        /* What is present is asked first, and of the present only. */
        guard there = ask_present(c, t.source);
        return both(c, there, types_in_order(c, term, types));
    }
    case TERM_FORM:
    case TERM_PICK:
    case TERM_TREE:
    case TERM_FIRST:
    case TERM_COMMON:
        break;
    }
    return types_in_order(c, term, types);
}

/* Each step asks the same of the same terms, several times. */
#define TYPES_CELLS 1024u

struct types_cell {
    uint32_t term; /* 1 + */
    unsigned types;
    guard is;
};

bool
ask_room(struct compose *c)
{
    c->types = arena_array(c->a, TYPES_CELLS, sizeof(*c->types));
    c->keys = arena_array(c->a, KEY_CELLS, sizeof(*c->keys));
    return c->types && c->keys;
}

guard
ask_types(struct compose *c, uint32_t term, unsigned types)
{
    struct types_cell *cell =
        &c->types[compose_mix(term, types) >> 8 & (TYPES_CELLS - 1)];
    if (cell->term != term + 1 || cell->types != types)
        *cell =
            (struct types_cell){term + 1, types, find_types(c, term, types)};
    return cell->is;
}

/* ---- equality ---- */

static guard
ask_equals_of(struct compose *c, uint32_t term, const struct question *q)
{
    return ask_equals(c, term, q->value);
}

static bool
is_value(const struct json *value, const struct question *q)
{
    return json_alike(value, q->value);
}

guard
ask_equals(struct compose *c, uint32_t term, const struct json *value)
{
    struct term t = c->terms[term];
    struct question q = {.of = ask_equals_of, .fits = is_value, .value = value};
    if (t.kind == TERM_CONST)
        return constant(json_alike(t.value, value));
    if (t.kind == TERM_ENUM)
        return ask_enum(c, &t, &q);
    unsigned type = types_of(value) & ~(unsigned)LENS_INTEGER;
    guard of_type = ask_types(c, term, type);
    if (value->kind == JSON_NULL || of_type == GUARD_NEVER)
        return of_type;
    if (value->kind == JSON_BOOL) {
        guard yes = ask(c, (struct atom){.kind = ATOM_TRUE, .term = term});
        return value->truth ? both(c, of_type, yes) : without(c, of_type, yes);
    }
    return both(c, of_type, equal_in_order(c, term, value));
}

guard
ask_one_of(struct compose *c, uint32_t term, const struct json *const *values,
           size_t n)
{
    guard is = GUARD_NEVER;
    unsigned mark = ++c->n_marked;
    unsigned marked = 0;
    enum term_kind kind = c->terms[term].kind;
    for (size_t i = 0; i < n; i++) {
        const struct json *v = values[i];
        bool ordered = v->kind == JSON_TEXT || v->kind == JSON_NUMBER;
        if (n == 1 || !ordered || kind == TERM_CONST || kind == TERM_ENUM)
            is = either(c, is, ask_equals(c, term, v));
        else if (equal_mark(c, term, v, mark))
            marked |= 1u << v->kind;
    }
    if (marked & 1u << JSON_TEXT)
        is = either(c, is,
                    both(c, ask_types(c, term, LENS_STRING),
                         equal_marked(c, term, JSON_TEXT, mark)));
    if (marked & 1u << JSON_NUMBER)
        is = either(c, is,
                    both(c, ask_types(c, term, LENS_NUMBER),
                         equal_marked(c, term, JSON_NUMBER, mark)));
    return is;
}

guard
ask_same(struct compose *c, uint32_t term, uint32_t other)
{
    if (term == other)
        return GUARD_ALWAYS;
    if (c->terms[other].kind == TERM_CONST)
        return ask_equals(c, term, c->terms[other].value);
    if (c->terms[term].kind == TERM_CONST)
        return ask_equals(c, other, c->terms[term].value);
    return ask(c, (struct atom){.kind = ATOM_SAME,
                                .term = term < other ? term : other,
                                .other = term < other ? other : term});
}

/* ---- texts ---- */

static size_t
lines_of(span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static guard
ask_starts_of(struct compose *c, uint32_t term, const struct question *q)
{
    return ask_starts(c, term, q->text);
}

static bool
starts(const struct json *value, const struct question *q)
{
    return value->kind == JSON_TEXT && span_starts(value->text, q->text);
}

guard
ask_starts(struct compose *c, uint32_t term, span text)
{
    struct term t = c->terms[term];
    struct question q = {.of = ask_starts_of, .fits = starts, .text = text};
    if (t.kind == TERM_CONST)
        return constant(starts(t.value, &q));
    if (t.kind == TERM_ENUM)
        return ask_enum(c, &t, &q);
    return both(
        c, ask_types(c, term, LENS_STRING),
        ask(c, (struct atom){.kind = ATOM_STARTS, .term = term, .text = text}));
}

static guard
ask_lines_of(struct compose *c, uint32_t term, const struct question *q)
{
    return ask_lines(c, term, q->n);
}

static bool
has_lines(const struct json *value, const struct question *q)
{
    return value->kind == JSON_TEXT && lines_of(value->text) == q->n;
}

guard
ask_lines(struct compose *c, uint32_t term, size_t n)
{
    struct term t = c->terms[term];
    struct question q = {.of = ask_lines_of, .fits = has_lines, .n = n};
    if (t.kind == TERM_CONST)
        return constant(has_lines(t.value, &q));
    if (t.kind == TERM_ENUM)
        return ask_enum(c, &t, &q);
    return both(
        c, ask_types(c, term, LENS_STRING),
        ask(c, (struct atom){.kind = ATOM_LINES, .term = term, .n = n}));
}

guard
ask_unclean(struct compose *c, uint32_t term)
{
    struct term t = c->terms[term];
    if (t.kind == TERM_ENUM) /* what is no symbol passes as it is */
        return ask_unclean(c, t.of);
    if (t.kind != TERM_SOURCE && t.kind != TERM_PICK && t.kind != TERM_FIRST &&
        t.kind != TERM_TREE && t.kind != TERM_COMMON && t.kind != TERM_KEY)
        return GUARD_NEVER;
    return both(c, ask_types(c, term, LENS_STRING),
                ask(c, (struct atom){.kind = ATOM_UNCLEAN, .term = term}));
}
/* NOLINTEND(misc-no-recursion) */
