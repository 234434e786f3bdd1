/* SPDX-License-Identifier: Apache-2.0 */
/*
 * equal: what a term is compared with, one value after another.
 *
 * A value is asked for where none of its kind that was met earlier fits, so that guards know that
 * a term has one value; and as their atoms are numbered in that order, a set of values is a
 * guard that is made from its end, each value once.
 */
#include "proxy/base/hash.h"
#include "translators/compose/build.h"

#define SLOTS 256

static uint64_t
hash(uint32_t term, const struct json *value)
{
    uint64_t h = (uint64_t)term << 3 | value->kind;
    bool has_text = value->kind == JSON_TEXT || value->kind == JSON_NUMBER;
    return hash64_seeded(has_text ? value->text : (span){0}, h);
}

/* Where it is, or would be. */
static struct equal **
slot_of(const struct compose *c, uint32_t term, const struct json *value)
{
    size_t at = hash(term, value) & (c->n_equal_slots - 1);
    for (;; at = (at + 1) & (c->n_equal_slots - 1)) {
        struct equal *e = c->equal_slots[at];
        if (!e || (e->term == term && json_alike(e->value, value)))
            return &c->equal_slots[at];
    }
}

static bool
make_room(struct compose *c)
{
    if (2 * c->n_equal < c->n_equal_slots)
        return true;
    size_t n = c->n_equal_slots;
    struct equal **old = c->equal_slots;
    c->n_equal_slots = n ? 2 * n : SLOTS;
    c->equal_slots =
        arena_array(c->a, c->n_equal_slots, sizeof(struct equal *));
    if (!c->equal_slots)
        return compose_full(c);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *slot_of(c, old[i]->term, old[i]->value) = old[i];
    return true;
}

static guard
met(struct compose *c, const struct equal *e)
{
    return guard_of(&c->guards, e->atom);
}

/* Not one of those that were met before. */
static guard
none_before(struct compose *c, const struct equals *all, enum json_kind kind)
{
    const struct equal *e = all->last;
    while (e && e->value->kind != kind)
        e = e->earlier;
    return e ? without(c, e->before, met(c, e)) : GUARD_ALWAYS;
}

static struct equal *
equal_of(struct compose *c, uint32_t term, const struct json *value)
{
    if (c->full || !make_room(c))
        return NULL;
    struct equal **at = slot_of(c, term, value);
    if (*at)
        return *at;
    struct equals *all = &c->equals[term];
    struct equal *e = arena_alloc(c->a, sizeof(*e));
    if (!e) {
        compose_full(c);
        return NULL;
    }
    *e = (struct equal){.value = value,
                        .term = term,
                        .atom = ask_atom(c, (struct atom){.kind = ATOM_EQUALS,
                                                          .term = term,
                                                          .value = value}),
                        .before = none_before(c, all, value->kind),
                        .earlier = all->last};
    *(all->last ? &all->last->next : &all->first) = e;
    all->last = *at = e;
    c->n_equal++;
    return e;
}

guard
equal_in_order(struct compose *c, uint32_t term, const struct json *value)
{
    const struct equal *e = equal_of(c, term, value);
    return e ? both(c, e->before, met(c, e)) : GUARD_NEVER;
}

bool
equal_mark(struct compose *c, uint32_t term, const struct json *value,
           unsigned mark)
{
    struct equal *e = equal_of(c, term, value);
    if (e)
        e->mark = mark;
    return e != NULL;
}

guard
equal_marked(struct compose *c, uint32_t term, enum json_kind kind,
             unsigned mark)
{
    guard is = GUARD_NEVER;
    for (const struct equal *e = c->equals[term].last; e; e = e->earlier)
        if (e->value->kind == kind)
            is = guard_if(&c->guards, e->atom,
                          e->mark == mark ? GUARD_ALWAYS : GUARD_NEVER, is);
    return is;
}
