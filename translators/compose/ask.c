/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: sources, terms, and tests of terms as guards.
 *
 * Tests of one term exclude each other where they can: null is asked before an
 * object, that before a list, a list before a text, and a symbol only where those that were
 * met before it did not fit. So guards know that a value has one type and one
 * value. A test of an enum's image is pulled back to the symbols it came from.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a chain has enums of one value */

/* ---- tables ------------------------------------------------------------------ */

void *
compose_grow(struct compose *c, void *array, size_t n, size_t *room,
             size_t size)
{
    if (n < *room)
        return array;
    size_t more = *room ? *room * 2 : 8;
    void *grown = arena_grow(c->a, array, n, more, size);
    if (!grown) {
        compose_full(c);
        return NULL;
    }
    *room = more;
    return grown;
}

static uint64_t
mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

static uint64_t
mix_pointer(uint64_t h, const void *p)
{
    return mix(h, (uint64_t)(uintptr_t)p);
}

/* Double a table of 1 + index, and put all n back by their hash. */
static bool
rehash(struct compose *c, uint32_t **slots, size_t *n_slots, size_t n,
       uint64_t (*hash)(const struct compose *c, size_t i))
{
    size_t more = *n_slots ? *n_slots * 2 : 256;
    uint32_t *table = arena_array(c->a, more, sizeof(*table));
    if (!table)
        return compose_full(c);
    for (size_t i = 0; i < n; i++) {
        size_t at = hash(c, i) & (more - 1);
        while (table[at])
            at = (at + 1) & (more - 1);
        table[at] = (uint32_t)i + 1;
    }
    *slots = table;
    *n_slots = more;
    return true;
}

/* ---- sources ------------------------------------------------------------------ */

uint32_t
source_new(struct compose *c, struct source source)
{
    void *grown = COMPOSE_GROW(c, c->sources, c->n_sources, c->room_sources);
    if (!grown)
        return 0;
    c->sources = grown;
    uint32_t self = (uint32_t)c->n_sources++;
    source.term = NORMAL_NONE;
    source.each = NORMAL_NONE;
    source.element = NORMAL_NONE;
    source.beside = NORMAL_NONE;
    source.last = self;
    source.root = self;
    if (source.parent != NORMAL_NONE) {
        source.root = c->sources[source.parent].root;
        struct source *root = &c->sources[source.root];
        c->sources[root->last].beside = self;
        root->last = self;
    }
    c->sources[self] = source;
    return self;
}

uint32_t
source_root(struct compose *c)
{
    uint32_t self = (uint32_t)c->n_sources;
    return source_new(c, (struct source){.kind = SOURCE_ROOT,
                                         .parent = NORMAL_NONE,
                                         .scope = self});
}

uint32_t
source_kid(struct compose *c, uint32_t source, span key)
{
    const struct source *s = &c->sources[source];
    for (uint32_t i = 0; i < s->n_kids; i++)
        if (key_eq(c->sources[s->kids[i]].key, key))
            return s->kids[i];
    uint32_t kid = source_new(c, (struct source){.kind = SOURCE_KEY,
                                                 .parent = source,
                                                 .key = key,
                                                 .scope = s->scope});
    struct source *host = &c->sources[source];
    void *grown = COMPOSE_GROW(c, host->kids, host->n_kids, host->room);
    if (!grown)
        return 0;
    host->kids = grown;
    host->kids[host->n_kids++] = kid;
    return kid;
}

uint32_t
source_each(struct compose *c, uint32_t source)
{
    if (c->sources[source].each != NORMAL_NONE)
        return c->sources[source].each;
    uint32_t each = (uint32_t)c->n_sources;
    each = source_new(
        c,
        (struct source){.kind = SOURCE_EACH, .parent = source, .scope = each});
    c->sources[source].each = each;
    return each;
}

/* ---- terms ----------------------------------------------------------------------- */

static uint64_t
term_hash(const struct compose *c, size_t i)
{
    const struct term *t = &c->terms[i];
    uint64_t h = mix(mix(mix(1, t->kind), t->of), t->source);
    h = mix_pointer(mix_pointer(mix_pointer(h, t->value), t->symbols), t->from);
    h = mix_pointer(mix_pointer(mix(h, t->pick), t->tree), t->parts);
    return mix_pointer(mix(h, t->n), t->pattern);
}

static bool
term_same(const struct term *a, const struct term *b)
{
    return a->kind == b->kind && a->of == b->of && a->source == b->source &&
           a->value == b->value && a->symbols == b->symbols &&
           a->from == b->from && a->to == b->to && a->pick == b->pick &&
           a->tree == b->tree && a->parts == b->parts && a->n == b->n &&
           a->pattern == b->pattern;
}

uint32_t
term_make(struct compose *c, struct term term)
{
    void *grown = NULL;
    if (c->n_terms == c->room_terms) {
        size_t more = c->room_terms ? c->room_terms * 2 : 64;
        grown = arena_grow(c->a, c->terms, c->n_terms, more, sizeof(term));
        void *equals =
            arena_grow(c->a, c->equals, c->n_terms, more, sizeof(*c->equals));
        if (!grown || !equals) {
            compose_full(c);
            return 0;
        }
        c->terms = grown;
        c->equals = equals;
        c->room_terms = more;
    }
    if (c->n_terms * 2 >= c->n_term_slots &&
        !rehash(c, &c->term_slots, &c->n_term_slots, c->n_terms, term_hash))
        return 0;
    c->terms[c->n_terms] = term;
    size_t at = term_hash(c, c->n_terms) & (c->n_term_slots - 1);
    for (; c->term_slots[at]; at = (at + 1) & (c->n_term_slots - 1))
        if (term_same(&c->terms[c->term_slots[at] - 1], &term))
            return c->term_slots[at] - 1;
    c->equals[c->n_terms] = (struct equals){0};
    c->term_slots[at] = (uint32_t)c->n_terms + 1;
    return (uint32_t)c->n_terms++;
}

uint32_t
term_of_source(struct compose *c, uint32_t source)
{
    uint32_t term = c->sources[source].term;
    if (term == NORMAL_NONE) {
        term =
            term_make(c, (struct term){.kind = TERM_SOURCE, .source = source});
        c->sources[source].term = term;
    }
    return term;
}

uint32_t
term_const(struct compose *c, const struct json *value)
{
    return term_make(c, (struct term){.kind = TERM_CONST, .value = value});
}

/* ---- atoms ------------------------------------------------------------------------ */

static uint64_t
atom_hash(const struct compose *c, size_t i)
{
    const struct atom *t = &c->atoms[i];
    uint64_t h = mix(mix(mix(2, t->kind), t->source), t->term);
    h = mix_pointer(mix_pointer(mix(mix(h, t->other), t->n), t->value),
                    t->fact);
    return mix(mix(h, t->text.len), t->text.len ? (uint64_t)t->text.at[0] : 0);
}

static bool
atom_same(const struct atom *a, const struct atom *b)
{
    return a->kind == b->kind && a->source == b->source && a->term == b->term &&
           a->other == b->other && a->value == b->value && a->fact == b->fact &&
           a->n == b->n && span_eq(a->text, b->text);
}

uint32_t
ask_atom(struct compose *c, struct atom atom)
{
    void *grown = COMPOSE_GROW(c, c->atoms, c->n_atoms, c->room_atoms);
    if (!grown)
        return 0;
    c->atoms = grown;
    if (c->n_atoms * 2 >= c->n_atom_slots &&
        !rehash(c, &c->atom_slots, &c->n_atom_slots, c->n_atoms, atom_hash))
        return 0;
    c->atoms[c->n_atoms] = atom;
    size_t at = atom_hash(c, c->n_atoms) & (c->n_atom_slots - 1);
    for (; c->atom_slots[at]; at = (at + 1) & (c->n_atom_slots - 1))
        if (atom_same(&c->atoms[c->atom_slots[at] - 1], &atom))
            return c->atom_slots[at] - 1;
    c->atom_slots[at] = (uint32_t)c->n_atoms + 1;
    return (uint32_t)c->n_atoms++;
}

guard
ask(struct compose *c, struct atom atom)
{
    return guard_of(&c->guards, ask_atom(c, atom));
}

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
        is = either(c, both(c, this, then), without(c, is, this));
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
    return c->types != NULL;
}

guard
ask_types(struct compose *c, uint32_t term, unsigned types)
{
    struct types_cell *cell =
        &c->types[mix(term, types) >> 8 & (TYPES_CELLS - 1)];
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
