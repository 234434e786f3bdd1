/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told: at which value a check or a notice of a normal form is decided.
 *
 * What is always told together is one notice of the machine.
 */
#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a guard asks atoms */

static bool
add_number(struct lowering *l, struct uint16_list *list, size_t number)
{
    void *grown = COMPOSE_GROW(l->c, list->at, list->n, list->room);
    if (!grown)
        return false;
    list->at = grown;
    list->at[list->n++] = (uint16_t)number;
    return true;
}

/* Of a source with known members an object is expected, and so on. */
static bool
is_expected(const struct lowering *l, uint32_t source, unsigned type)
{
    const struct source *s = &l->c->sources[source];
    if (s->n_kids && s->kids[0] < l->n->n_sources)
        return type == LENS_OBJECT;
    if (s->each != NORMAL_NONE && s->each < l->n->n_sources)
        return type == LENS_LIST;
    return true;
}

/* How many classes of values of this source a guard may hold for: the fewer the better
 * to go aside for. Many: it may for all, and the value is used. */
static unsigned
cost_of(struct lowering *l, guard g, uint32_t source, bool exact)
{
    static const unsigned types[] = {LENS_STRING, LENS_NUMBER, LENS_OBJECT,
                                     LENS_LIST};
    unsigned cost = 0;
    bool used = l->spots[source].uses.n > 0;
    bool forms = class_asks_forms(l, g);
    for (size_t i = 0; i < COUNT(types); i++) {
        enum truth is = IS_OPEN;
        for (unsigned form = FORM_IN; form <= FORM_OUT; form++) {
            struct value_class k = {source, types[i], NULL,
                                    (enum form_case)form};
            if (forms || form == FORM_IN)
                is = class_truth(l, g, &k);
            if (is == IS_OPEN && exact)
                return UINT32_MAX;
            bool expected = is_expected(l, source, types[i]);
            if (is == IS_OPEN || form == FORM_IN)
                cost += is == IS_NEVER ? 0 : expected ? 100 : 1;
        }
    }
    return used ? cost : cost / 64; /* nobody misses it */
}

/* It stands nowhere, and what it decides waits. */
static bool
is_only_noted(const struct lowering *l, uint32_t source)
{
    const struct spot_of *s = &l->spots[source];
    return s->note != ENGINE_NONE && s->uses.n == 0;
}

/* Is it in a value that is held whole? Nothing is met there; of that value itself only
 * what it is. */
static bool
is_held(struct lowering *l, guard g, uint32_t source)
{
    uint32_t whole = later_whole(l, source);
    return whole != NORMAL_NONE &&
           (whole != source || cost_of(l, g, source, true) == UINT32_MAX);
}

/* The one that a guard asks whether it is there, and nothing else; NORMAL_NONE: it is no such
 * guard. */
static uint32_t
only_asked(const struct lowering *l, guard g)
{
    const struct guard_node *node = &l->c->guards.at[g];
    if (g <= GUARD_ALWAYS || node->yes != GUARD_ALWAYS ||
        node->no != GUARD_NEVER)
        return NORMAL_NONE;
    const struct atom *a = &l->c->atoms[node->atom];
    return a->kind == ATOM_PRESENT ? a->source : NORMAL_NONE;
}

/* The source at which a guard is best decided; NORMAL_NONE: at none. */
static uint32_t
best_source(struct lowering *l, guard g, bool exact)
{
    uint32_t only = only_asked(l, g);
    if (only != NORMAL_NONE)
        return is_only_noted(l, only) || is_held(l, g, only) ? NORMAL_NONE
                                                             : only;
    uint32_t best = NORMAL_NONE;
    unsigned lowest = UINT32_MAX;
    for (guard at = g; at > GUARD_ALWAYS;) {
        /* What it needs is asked on every way that holds: follow one. */
        const struct guard_node *node = &l->c->guards.at[at];
        const struct atom *a = &l->c->atoms[node->atom];
        if (a->kind == ATOM_PRESENT && class_needs(l, g, a->source) &&
            !is_only_noted(l, a->source) && !is_held(l, g, a->source)) {
            unsigned cost = cost_of(l, g, a->source, exact);
            if (cost < lowest || best == NORMAL_NONE) {
                bool fits = cost != UINT32_MAX;
                best = fits ? a->source : best;
                lowest = fits ? cost : lowest;
            }
        }
        at = node->yes != GUARD_NEVER ? node->yes : node->no;
    }
    /* An element is there while it is at hand. */
    return best;
}

/* A list of several is none of bytes, though nobody's either. */
static bool
asks_several(const struct lowering *l, guard g)
{
    if (g <= GUARD_ALWAYS)
        return false;
    const struct guard_node *node = &l->c->guards.at[g];
    return l->c->atoms[node->atom].kind == ATOM_SEVERAL ||
           asks_several(l, node->yes) || asks_several(l, node->no);
}

static bool
is_of_bytes(const struct lowering *l, const struct normal_check *k)
{
    return k->origin == NULL && k->what != normal_wrong_marker &&
           !asks_several(l, k->when);
}

/* Does it ask for bytes of what is held whole? */
static bool
asks_inside(const struct lowering *l, guard g)
{
    if (g <= GUARD_ALWAYS)
        return false;
    const struct guard_node *node = &l->c->guards.at[g];
    const struct atom *a = &l->c->atoms[node->atom];
    bool is_of_bytes = a->kind == ATOM_DOUBLED || a->kind == ATOM_ANY_DOUBLED ||
                       a->kind == ATOM_UNCLEAN;
    return (is_of_bytes && later_is_inside(l, a)) ||
           asks_inside(l, node->yes) || asks_inside(l, node->no);
}

static uint32_t
in_scope(struct lowering *l, guard g, uint32_t scope, bool exact)
{
    uint32_t at = NORMAL_NONE;
    if (asks_inside(l, g))
        return at;
    at = best_source(l, g, exact);
    if (at == NORMAL_NONE && l->c->sources[scope].kind == SOURCE_EACH &&
        !is_held(l, g, scope) && cost_of(l, g, scope, exact) != UINT32_MAX)
        at = scope;
    return at;
}

/* Texts that a check of their bytes asks. */
static void
mark_read(struct lowering *l, guard g)
{
    if (g <= GUARD_ALWAYS)
        return;
    struct guard_node node = l->c->guards.at[g];
    const struct atom *a = &l->c->atoms[node.atom];
    uint32_t term = a->term;
    if (a->kind == ATOM_UNCLEAN)
        while (l->c->terms[term].kind == TERM_ENUM ||
               l->c->terms[term].kind == TERM_FORM)
            term = l->c->terms[term].of;
    if (a->kind == ATOM_UNCLEAN && l->c->terms[term].kind == TERM_SOURCE)
        l->spots[l->c->terms[term].source].is_read = true;
    mark_read(l, node.yes);
    mark_read(l, node.no);
}

bool
lower_place_checks(struct lowering *l)
{
    const struct normal_state *s = l->state;
    l->check_when = arena_array(l->c->a, s->n_checks + 1, sizeof(guard));
    l->check_done = arena_array(l->c->a, s->n_checks + 1, sizeof(bool));
    if (!l->check_when || !l->check_done)
        return lower_no_room(l);
    for (size_t i = 0; i < s->n_checks; i++) {
        guard g = lower_guard(l, s->checks[i].when);
        l->check_when[i] = g;
        bool of_bytes = is_of_bytes(l, &s->checks[i]);
        if (of_bytes)
            mark_read(l, g); /* the machine sees to it, and to doubled keys, */
        if (g == GUARD_NEVER || l->check_waits[i] ||
            (of_bytes && !asks_inside(l, g))) /* but in what is held */
            continue;
        uint32_t at =
            of_bytes ? NORMAL_NONE : in_scope(l, g, s->checks[i].scope, false);
        if (at == NORMAL_NONE) {
            l->check_waits[i] = l->once_more = true;
            return lower_stop(l, "a check that no value decides");
        }
        struct spot_of *spot = &l->spots[at];
        spot->fails = guard_or(&l->c->guards, spot->fails, g);
        if (!add_number(l, &spot->checks, i))
            return false;
    }
    return true;
}

/* Does it ask for more than what is there? */
static bool
asks_more(const struct lowering *l, guard g)
{
    if (g <= GUARD_ALWAYS)
        return false;
    const struct guard_node *node = &l->c->guards.at[g];
    enum atom_kind kind = l->c->atoms[node->atom].kind;
    return (kind != ATOM_PRESENT && kind != ATOM_NULL && kind != ATOM_OBJECT &&
            kind != ATOM_LIST) ||
           asks_more(l, node->yes) || asks_more(l, node->no);
}

bool
lower_place_notices(struct lowering *l)
{
    const struct normal_state *s = l->state;
    l->notice_when = arena_array(l->c->a, s->n_notices + 1, sizeof(guard));
    l->notice_done = arena_array(l->c->a, s->n_notices + 1, sizeof(bool));
    if (!l->notice_when || !l->notice_done)
        return lower_no_room(l);
    for (size_t i = 0; i < s->n_notices; i++) {
        guard g = lower_guard(l, s->notices[i].when);
        l->notice_when[i] = g;
        l->notice_done[i] = g == GUARD_NEVER;
        uint32_t scope = s->notices[i].scope;
        if (l->notice_waits[i])
            continue;
        uint32_t at =
            g == GUARD_NEVER ? NORMAL_NONE : in_scope(l, g, scope, true);
        if (at == NORMAL_NONE && asks_more(l, g))
            at = in_scope(l, g, scope, false); /* aside where it is open */
        if (at == NORMAL_NONE)
            continue; /* at the end of its object */
        l->notice_done[i] = true;
        if (!add_number(l, &l->spots[at].notices, i))
            return false;
    }
    return true;
}
/* ---- what is told together --------------------------------------------------- */

/* Where it is among all that is told, or would be: *slot is empty then. */
static uint16_t *
tell_slot(const struct lowering *l, enum notice_kind kind,
          const struct lens_origin *origin)
{
    uint64_t h = ((uint64_t)(uintptr_t)origin + kind) * 0x9E3779B97F4A7C15u;
    for (size_t at = h >> 32;; at++) {
        uint16_t *slot = &l->tell_slots[at & (l->n_tell_slots - 1)];
        if (!*slot || (l->tells[*slot - 1].kind == kind &&
                       l->tells[*slot - 1].origin == origin))
            return slot;
    }
}

static bool
grow_tells(struct lowering *l)
{
    if (2 * (l->n_tells + 1) > l->n_tell_slots) {
        size_t n = l->n_tell_slots ? 2 * l->n_tell_slots : 32;
        l->tell_slots = arena_array(l->c->a, n, sizeof(*l->tell_slots));
        l->alone = arena_grow(l->c->a, l->alone, l->n_tells, n / 2 + 1,
                              sizeof(*l->alone));
        l->n_tell_slots = n;
        if (!l->tell_slots || !l->alone)
            return lower_no_room(l);
        for (size_t i = 0; i < l->n_tells; i++)
            *tell_slot(l, l->tells[i].kind, l->tells[i].origin) =
                (uint16_t)(i + 1);
    }
    void *grown = COMPOSE_GROW(l->c, l->tells, l->n_tells, l->room_tells);
    if (grown)
        l->tells = grown;
    return grown != NULL;
}

/* Its number among all that is told. */
static bool
tell_of(struct lowering *l, const struct normal_notice *k, uint16_t *out)
{
    if (!grow_tells(l))
        return false;
    uint16_t *slot = tell_slot(l, k->kind, k->origin);
    if (!*slot) {
        if (l->n_tells + 1 >= ENGINE_NONE)
            return lower_stop(l, "too many notices");
        l->tells[l->n_tells++] =
            (struct lower_tell){.kind = k->kind, .origin = k->origin};
        *slot = (uint16_t)l->n_tells;
    }
    *out = (uint16_t)(*slot - 1);
    return true;
}

static bool
same_list(const struct uint16_list *a, const struct uint16_list *b)
{
    return a->n == b->n && a->at[0] == b->at[0] &&
           memcmp(a->at, b->at, a->n * sizeof(*a->at)) == 0;
}

static bool
notes_of(struct lowering *l, struct uint16_list *list, struct engine_notes *out)
{
    uint16_t *alone = list->n == 1 ? &l->alone[list->at[0]] : NULL;
    size_t told = !alone ? 0 : *alone ? *alone - 1u : l->n_told;
    while (told < l->n_told && !same_list(&l->told[told], list))
        told++;
    if (alone)
        *alone = (uint16_t)(told + 1);
    if (told == l->n_told) {
        void *grown = COMPOSE_GROW(l->c, l->told, l->n_told, l->room_told);
        if (!grown)
            return false;
        if (told >= ENGINE_NONE)
            return lower_stop(l, "too many notices");
        l->told = grown;
        l->told[l->n_told++] = *list;
    }
    uint16_t *at = arena_alloc(l->to, sizeof(*at));
    if (!at)
        return lower_no_room(l);
    *at = (uint16_t)told;
    *out = (struct engine_notes){at, 1};
    return true;
}

bool
lower_notes(struct lowering *l, const uint16_t *notices, size_t n,
            struct engine_notes *out)
{
    struct uint16_list list = {0};
    *out = (struct engine_notes){0};
    for (size_t i = 0; i < n; i++) {
        uint16_t tell = 0;
        if (!tell_of(l, &l->state->notices[notices[i]], &tell) ||
            !add_number(l, &list, tell))
            return false;
    }
    return n == 0 || notes_of(l, &list, out);
}

bool
lower_note(struct lowering *l, const struct normal_notice *notice,
           struct engine_notes *out)
{
    struct uint16_list list = {0};
    uint16_t tell = 0;
    return tell_of(l, notice, &tell) && add_number(l, &list, tell) &&
           notes_of(l, &list, out);
}

bool
lower_tells(struct lowering *l)
{
    for (size_t i = 0; i < l->n_told; i++)
        for (size_t k = 0; k < l->told[i].n; k++)
            l->tells[l->told[i].at[k]].n_notices++;
    for (size_t i = 0; i < l->n_tells; i++) {
        l->tells[i].notices =
            arena_array(l->to, l->tells[i].n_notices + 1, sizeof(uint16_t));
        if (!l->tells[i].notices)
            return lower_no_room(l);
        l->tells[i].n_notices = 0;
    }
    for (size_t i = 0; i < l->n_told; i++)
        for (size_t k = 0; k < l->told[i].n; k++) {
            struct lower_tell *t = &l->tells[l->told[i].at[k]];
            /* The list is ours. NOLINTNEXTLINE(performance-no-int-to-ptr) */
            uint16_t *at = (uint16_t *)(uintptr_t)t->notices;
            at[t->n_notices++] = (uint16_t)i;
        }
    l->out->tells = lower_kept(l, l->tells, l->n_tells, sizeof(*l->tells));
    l->out->n_tells = l->n_tells;
    return l->out->tells ? true : lower_no_room(l);
}
/* NOLINTEND(misc-no-recursion) */
