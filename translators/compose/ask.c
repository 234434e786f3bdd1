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
        if (span_eq(c->sources[s->kids[i]].key, key))
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
        void *equals = arena_grow(c->a, c->equals, c->n_terms, more,
                                  sizeof(struct equal *));
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
    c->equals[c->n_terms] = NULL;
    c->term_slots[at] = (uint32_t)c->n_terms + 1;
    return (uint32_t)c->n_terms++;
}

uint32_t
term_of_source(struct compose *c, uint32_t source)
{
    return term_make(c, (struct term){.kind = TERM_SOURCE, .source = source});
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

static uint32_t
atom_make(struct compose *c, struct atom atom)
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
    return guard_of(&c->guards, atom_make(c, atom));
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

/* ---- types ------------------------------------------------------------------------ */

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

/* What is asked of an enum's image. */
struct question {
    guard (*of)(struct compose *c, uint32_t term, const struct question *q);
    unsigned types;
    const struct json *value;
    span text;
    size_t n;
};

/* The question of what came, but for the rows that answer it otherwise. */
static guard
ask_enum(struct compose *c, const struct term *t, const struct question *q)
{
    const struct lens_symbols *s = t->symbols;
    bool replaces = s->unlisted == LENS_UNLISTED_IS && s->image;
    guard is = q->of(c, replaces ? term_const(c, s->image) : t->of, q);
    for (size_t i = 0; i < s->n_rows; i++) {
        if (!s->rows[i].to)
            continue; /* it went */
        guard would =
            replaces ? is : q->of(c, term_const(c, s->rows[i].from), q);
        guard does = q->of(c, term_const(c, s->rows[i].to), q);
        if (would == does && !replaces)
            continue;
        guard here = ask_equals(c, t->of, s->rows[i].from);
        is = does == GUARD_ALWAYS ? either(c, is, here) : without(c, is, here);
    }
    return is;
}

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

guard
ask_types(struct compose *c, uint32_t term, unsigned types)
{
    struct term t = c->terms[term];
    struct question q = {ask_types_of, types, NULL, {0}, 0};
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

/* ---- equality ---- */

static guard
ask_equals_of(struct compose *c, uint32_t term, const struct question *q)
{
    return ask_equals(c, term, q->value);
}

/* Not one of those that were met before, and this one. */
static guard
equals_in_order(struct compose *c, uint32_t term, const struct json *value)
{
    guard before = GUARD_ALWAYS;
    struct equal **at = &c->equals[term];
    for (; *at; at = &(*at)->next) {
        if ((*at)->value->kind != value->kind)
            continue;
        guard met = guard_of(&c->guards, (*at)->atom);
        if (json_alike((*at)->value, value))
            return both(c, (*at)->before, met);
        before = without(c, (*at)->before, met);
    }
    struct equal *new = arena_alloc(c->a, sizeof(*new));
    if (!new) {
        compose_full(c);
        return GUARD_NEVER;
    }
    *new = (struct equal){value,
                          atom_make(c, (struct atom){.kind = ATOM_EQUALS,
                                                     .term = term,
                                                     .value = value}),
                          before, NULL};
    *at = new;
    return both(c, before, guard_of(&c->guards, new->atom));
}

guard
ask_equals(struct compose *c, uint32_t term, const struct json *value)
{
    struct term t = c->terms[term];
    struct question q = {ask_equals_of, 0, value, {0}, 0};
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
    return both(c, of_type, equals_in_order(c, term, value));
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

guard
ask_starts(struct compose *c, uint32_t term, span text)
{
    struct term t = c->terms[term];
    struct question q = {ask_starts_of, 0, NULL, text, 0};
    if (t.kind == TERM_CONST)
        return constant(t.value->kind == JSON_TEXT &&
                        span_starts(t.value->text, text));
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

guard
ask_lines(struct compose *c, uint32_t term, size_t n)
{
    struct term t = c->terms[term];
    struct question q = {ask_lines_of, 0, NULL, {0}, n};
    if (t.kind == TERM_CONST)
        return constant(t.value->kind == JSON_TEXT &&
                        lines_of(t.value->text) == n);
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
