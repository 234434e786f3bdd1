/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables: sources, terms and atoms, each once.
 */
#include "translators/compose/build.h"

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
mix_pointer(uint64_t h, const void *p)
{
    return compose_mix(h, (uint64_t)(uintptr_t)p);
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
    struct key_cell *cell = key_cell(c, (uintptr_t)source + 1, key);
    if (key_is_at(cell, (uintptr_t)source + 1, key) &&
        key_eq(c->sources[cell->nth].key, key))
        return (uint32_t)cell->nth;
    for (uint32_t i = 0; i < s->n_kids; i++)
        if (key_eq(c->sources[s->kids[i]].key, key)) {
            *cell = (struct key_cell){(uintptr_t)source + 1, key, s->kids[i]};
            return s->kids[i];
        }
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
    if (host->each != NORMAL_NONE && c->sources[host->each].of_object)
        others_become(c, host->each, kid);
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
    uint64_t h =
        compose_mix(compose_mix(compose_mix(1, t->kind), t->of), t->source);
    h = mix_pointer(mix_pointer(mix_pointer(h, t->value), t->symbols), t->from);
    h = mix_pointer(mix_pointer(compose_mix(h, t->pick), t->tree), t->parts);
    return mix_pointer(compose_mix(h, t->n), t->pattern);
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
    uint64_t h =
        compose_mix(compose_mix(compose_mix(2, t->kind), t->source), t->term);
    h = mix_pointer(
        mix_pointer(compose_mix(compose_mix(h, t->other), t->n), t->value),
        t->fact);
    return compose_mix(compose_mix(h, t->text.len),
                       t->text.len ? (uint64_t)t->text.at[0] : 0);
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
