/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/lower.h"

#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

#define DRAFTS_MAX ((size_t)64 * 1024 * 1024)

const struct engine_entry lower_plain = {.action = ENGINE_KEEP,
                                         .bit = ENGINE_NONE,
                                         .twice = ENGINE_NONE,
                                         .fault = LOWER_ASIDE,
                                         .slot = ENGINE_NONE,
                                         .note = ENGINE_NONE};

/* ---- who uses what --------------------------------------------------------------- */

static bool
add_use(struct lowering *l, uint32_t source, struct use use)
{
    struct uses *u = &l->spots[source].uses;
    void *grown = COMPOSE_GROW(l->c, u->at, u->n, u->room);
    if (!grown)
        return false;
    u->at = grown;
    u->at[u->n++] = use;
    return true;
}

bool
lower_source_of(struct lowering *l, const struct normal_alt *alt, uint32_t *out)
{
    *out = NORMAL_NONE;
    if (alt->turned)
        return lower_stop(l, "a list as a map");
    if (alt->kind == ALT_MADE)
        return alt->order.step > 0 ||
               lower_stop(l, "an object that was made of one that came");
    if (alt->kind == ALT_SOURCE) {
        *out = alt->source;
        return true;
    }
    for (uint32_t term = alt->term;;) {
        const struct term *t = &l->c->terms[term];
        switch (t->kind) {
        case TERM_SOURCE:
            *out = t->source;
            return true;
        case TERM_ENUM:
        case TERM_FORM:
            term = t->of;
            continue;
        case TERM_CONST:
            if (term != alt->term)
                return lower_stop(l, "a constant in a form");
            if (alt->order.step == 0)
                *out = alt->order.slot;
            return alt->order.step > 0 || *out != NORMAL_NONE ||
                   lower_stop(l, "an object of a literal that changed");
        case TERM_WRAP:
            if (term != alt->term || alt->order.step > 0)
                return lower_stop(l, "a value that is wrapped, and moves");
            term = t->of;
            continue;
        case TERM_PICK:
        case TERM_JOIN:
        case TERM_TREE:
        case TERM_FIRST:
        case TERM_PART:
        case TERM_TEXT:
        case TERM_COMMON:
        case TERM_COUNT:
        case TERM_KEY:
            return lower_stop(l, "a value that is made of a whole one");
        }
    }
}

static bool
is_ancestor(const struct lowering *l, uint32_t above, uint32_t below)
{
    while (below != NORMAL_NONE && below != above)
        below = l->c->sources[below].parent;
    return below == above;
}

/* Does it come from outside the elements that the node is in? It would be there once. */
static bool
spreads(const struct lowering *l, uint32_t source,
        const struct normal_node *node)
{
    for (; node; node = node->parent)
        if (node->is_each && node->each != NORMAL_NONE &&
            !is_ancestor(l, node->each, source))
            return true;
    return false;
}

/* Is it of an element that a step finds? */
static bool
is_found(const struct lowering *l, uint32_t source)
{
    for (; source != NORMAL_NONE; source = l->c->sources[source].parent)
        if (l->c->sources[source].kind == SOURCE_ELEMENT)
            return true;
    return false;
}

static bool stays(struct lowering *l, const struct normal_node *node,
                  uint32_t source);

/* Do all members, elements that are known stay as they came? */
static bool
kids_stay(struct lowering *l, const struct normal_node *node,
          const struct normal_alt *alt)
{
    const struct source *s = &l->c->sources[alt->source];
    size_t known = alt->known < s->n_kids ? alt->known : s->n_kids;
    if (node->n_kids == 0)
        return true;
    if (node->kids[0]->is_each)
        return stays(l, node->kids[0], s->each);
    if (node->kids[0]->element)
        return node->kids[0]->n_alts == 1 &&
               stays(l, node->kids[0], node->kids[0]->alts[0].source);
    for (size_t i = 0; i < known && s->kids[i] < l->n->n_sources; i++) {
        size_t k = 0;
        while (k < node->n_kids && !stays(l, node->kids[k], s->kids[i]))
            k++;
        if (k == node->n_kids)
            return false;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        for (size_t k = 0; k < node->kids[i]->n_alts; k++)
            if (node->kids[i]->alts[k].kind != ALT_SOURCE)
                return false;
    return true;
}

/* Is it what came at this source, whenever that is there, and nothing else? */
static bool
stays(struct lowering *l, const struct normal_node *node, uint32_t source)
{
    const struct normal_alt *only = NULL;
    for (size_t i = 0; i < node->n_alts; i++) {
        if (lower_guard(l, node->alts[i].when) == GUARD_NEVER)
            continue;
        if (only)
            return false;
        only = &node->alts[i];
    }
    if (!only || node->state || only->kind != ALT_SOURCE ||
        only->source != source || only->order.step || source == NORMAL_NONE)
        return false;
    const struct source *s = &l->c->sources[source];
    guard when = lower_guard(l, only->when);
    return (s->kind != SOURCE_KEY || span_eq(s->key, node->key)) &&
           guard_implies(&l->c->guards, ask_present(l->c, source), when) &&
           kids_stay(l, node, only);
}

static bool
find_uses(struct lowering *l, const struct normal_node *node)
{
    uint32_t first = NORMAL_NONE;
    if (later_is(l, node))
        return true; /* its sources are noted */
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        if (lower_guard(l, node->alts[i].when) == GUARD_NEVER)
            continue;
        if (!lower_source_of(l, &node->alts[i], &source))
            return later_wait(l, node);
        if (is_found(l, source)) {
            (void)later_wait(l, node);
            return lower_stop(l, "an element that a step finds");
        }
        first = first == NORMAL_NONE ? source : first;
    }
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        guard when = lower_guard(l, node->alts[i].when);
        if (when == GUARD_NEVER)
            continue;
        if (!lower_source_of(l, &node->alts[i], &source))
            return false;
        /* A constant that stands for a value that is there is of that value. */
        if (source == NORMAL_NONE && node->alts[i].kind == ALT_TERM &&
            first != NORMAL_NONE && class_needs(l, when, first))
            source = first;
        if (node->is_each &&
            (node->alts[i].kind == ALT_MADE ||
             (source != NORMAL_NONE && source != node->each))) {
            (void)later_wait(l, node);
            return lower_stop(l, "an element that is made of what is in it");
        }
        if (source == NORMAL_NONE)
            continue;
        if (spreads(l, source, node)) {
            (void)later_wait(l, node);
            return lower_stop(l, "a value goes to every element");
        }
        if (!add_use(l, source, (struct use){node, &node->alts[i]}))
            return false;
    }
    if (node->n_kids && node->kids[0]->element && node->n_alts == 1 &&
        stays(l, node, node->alts[0].source))
        return true;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!find_uses(l, node->kids[i]))
            return false;
    return true;
}

/* Of what goes: whenever it is there its objects run through their states. */
static bool
find_gone(struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        guard when = lower_guard(l, alt->when);
        if (when == GUARD_NEVER)
            continue;
        guard there = ask_present(l->c, alt->source);
        if (alt->kind != ALT_SOURCE || l->spots[alt->source].uses.n ||
            l->spots[alt->source].gone || when != there)
            return lower_stop(l, "an object of a type sometimes goes");
        l->spots[alt->source].gone = node;
    }
    l->in_gone = true;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!find_uses(l, node->kids[i]))
            return false;
    l->in_gone = false;
    return true;
}

/* ---- entries ---------------------------------------------------------------------------- */

static bool lower_object(struct lowering *l, uint32_t source,
                         const struct normal_node *node,
                         struct engine_state *out);

/* How many open containers lie between a value's own and the object at `owner`. */
static unsigned
levels_up(const struct lowering *l, uint32_t source, uint32_t owner)
{
    unsigned up = 0;
    uint32_t at = l->c->sources[source].parent;
    for (; at != NORMAL_NONE && at != owner; at = l->c->sources[at].parent)
        up++;
    return at == owner ? up : UINT8_MAX;
}

const struct normal_alt *
lower_source_alt(struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++)
        if (node->alts[i].kind == ALT_SOURCE &&
            lower_guard(l, node->alts[i].when) != GUARD_NEVER)
            return &node->alts[i];
    return NULL;
}

/* The object that is still open when the source is met, and that its place is in. */
static uint32_t
owner_of(struct lowering *l, uint32_t source, const struct normal_node *node)
{
    for (node = node->parent; node; node = node->parent) {
        const struct normal_alt *alt = lower_source_alt(l, node);
        if (alt && is_ancestor(l, alt->source, l->c->sources[source].parent))
            return alt->source;
    }
    return NORMAL_NONE;
}

static bool lower_lost(struct lowering *l, uint32_t source,
                       struct engine_entry *e);

/* All elements go, each read as far as it is known. */
static bool
lower_lost_each(struct lowering *l, uint32_t each, struct engine_state *list)
{
    struct engine_entry *element = arena_alloc(l->to, sizeof(*element));
    if (!element)
        return lower_no_room(l);
    *element = lower_plain;
    element->action = ENGINE_DROP;
    list->each = element;
    return lower_value(l, each, element) && lower_lost(l, each, element);
}

/* Its object, its elements, its type. */
static bool
lower_child(struct lowering *l, uint32_t source, const struct normal_node *node,
            struct engine_entry *e)
{
    if (node->state) {
        size_t i = 0;
        while (l->n->states[i] != node->state)
            i++;
        return lower_lead(l, i, source, node, e);
    }
    if (node->n_kids == 0 || node->kids[0]->element)
        return true;
    struct engine_state *child = arena_alloc(l->to, sizeof(*child));
    if (!child)
        return lower_no_room(l);
    e->child = child;
    if (!node->kids[0]->is_each)
        return lower_object(l, source, node, child);
    /* Members of an object under a star would all have to be known. */
    e->refused |= ENGINE_OBJECT;
    const struct normal_node *each = node->kids[0];
    if (each->each == NORMAL_NONE)
        return true;
    if (l->spots[each->each].uses.n == 0)
        return lower_lost_each(l, each->each, child);
    struct engine_entry *element = arena_alloc(l->to, sizeof(*element));
    if (!element)
        return lower_no_room(l);
    *element = lower_plain;
    if (!lower_value(l, each->each, element) ||
        !lower_child(l, each->each, each, element))
        return false;
    if (l->spots[each->each].goes != GUARD_NEVER) {
        (void)later_wait(l, node);
        return lower_stop(l, "elements that are emptied go");
    }
    engine_entry_settle(element);
    child->each = element;
    return true;
}

/* What goes is read as far as it is known: its keys may be doubled, its values refused. */
static bool
lower_lost(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    static const struct normal_node nothing = {.each = NORMAL_NONE};
    const struct source *s = &l->c->sources[source];
    bool is_list = s->each != NORMAL_NONE && s->each < l->n->n_sources &&
                   class_is_asked(l, s->each);
    if (!is_list && (s->n_kids == 0 || s->kids[0] >= l->n->n_sources))
        return true;
    struct engine_state *child = arena_alloc(l->to, sizeof(*child));
    if (!child)
        return lower_no_room(l);
    e->child = child;
    if (is_list) {
        e->refused |= ENGINE_OBJECT; /* of which a star means the members */
        return lower_lost_each(l, s->each, child);
    }
    return lower_object(l, source, &nothing, child);
}

/* Does it stay in its slot? */
static bool
is_in_slot(const struct use *u)
{
    return u->alt->order.step == 0;
}

static bool
lower_moving(struct lowering *l, uint32_t source, const struct use *u,
             struct engine_entry *e)
{
    struct spot_of *s = &l->spots[source];
    uint32_t owner = owner_of(l, source, u->node);
    if (owner == NORMAL_NONE)
        return lower_stop(l, "a value goes into an object that may be closed");
    unsigned up = levels_up(l, source, owner);
    if (up == UINT8_MAX || l->levels[owner].n_slots == ENGINE_SLOTS_MAX)
        return lower_stop(l, "too many values wait");
    if (s->slot == ENGINE_NONE) {
        s->slot = l->levels[owner].n_slots++;
        s->slot_owner = owner;
    }
    e->action = ENGINE_CAPTURE;
    e->up = (uint8_t)up;
    e->slot = s->slot;
    return true;
}

/* An object that may go: those around it ask whether it did. */
static bool
lower_going(struct lowering *l, uint32_t source)
{
    struct spot_of *s = &l->spots[source];
    struct level *around = &l->levels[l->c->sources[source].parent];
    if (s->goes == GUARD_NEVER)
        return true;
    if (around->n_bits == ENGINE_BITS_MAX)
        return lower_stop(l, "an object of too many known keys");
    s->gone_bit = around->n_bits++;
    return true;
}

/* What stands nowhere but is noted. Its members are read: what one of them is told of
 * stands nowhere else. */
static bool
lower_noted(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    const struct spot_of *s = &l->spots[source];
    if (s->gone)
        return lower_stop(l, "an object of a type goes, and is asked");
    later_entry(l, source, e);
    return (!s->is_read || lower_read_only(l, &e->map)) &&
           (s->is_valued || lower_lost(l, source, e));
}

/* What stays, and is held whole: nothing in it may change. */
static bool
lower_held(struct lowering *l, uint32_t source, const struct normal_node *node)
{
    bool is_one = node->n_alts == 1;
    if (l->spots[source].goes == GUARD_NEVER && !node->state &&
        (node->n_kids == 0 || (is_one && stays(l, node, source))))
        return true;
    (void)later_wait(l, node);
    return lower_stop(l, "a value that changes is asked as a whole");
}

/* A value stands at several places: at one it may stay, at the others it is written when
 * its object ends. */
static bool
wait_elsewhere(struct lowering *l, const struct spot_of *s)
{
    const struct use *stays = &s->uses.at[0];
    for (size_t i = 0; i < s->uses.n; i++)
        if (!is_in_slot(stays) && is_in_slot(&s->uses.at[i]))
            stays = &s->uses.at[i];
    for (size_t i = 0; i < s->uses.n; i++)
        if (s->uses.at[i].node != stays->node)
            (void)later_wait(l, s->uses.at[i].node);
    if (!l->once_more)
        (void)later_wait(l, stays->node);
    return lower_stop(l, "a value that stands here or there");
}

static bool
lower_key(struct lowering *l, uint32_t source, uint16_t bit,
          struct engine_entry *e)
{
    struct spot_of *s = &l->spots[source];
    *e = lower_plain;
    e->bit = bit;
    s->bit = bit;
    e->twice = LOWER_ASIDE;
    if (s->uses.n == 0) {
        e->action = ENGINE_DROP;
        if (s->note != ENGINE_NONE)
            return lower_noted(l, source, e);
        struct engine_entry drop = *e;
        if (lower_value(l, source, &drop)) {
            *e = drop;
            return s->gone ? lower_child(l, source, s->gone, e)
                           : lower_lost(l, source, e);
        }
        if (l->full || l->c->full)
            return false;
        /* Whenever it is there somebody else must see to it. */
        l->out->why = NULL;
        e->action = ENGINE_REFUSE;
        return true;
    }
    const struct use *first = &s->uses.at[0];
    for (size_t i = 1; i < s->uses.n; i++)
        if (s->uses.at[i].node != first->node ||
            is_in_slot(&s->uses.at[i]) != is_in_slot(first))
            return wait_elsewhere(l, s);
    if (!is_in_slot(first) && !lower_moving(l, source, first, e))
        return false;
    span key = first->node->key;
    if (is_in_slot(first) && !span_eq(key, l->c->sources[source].key) &&
        !lower_text(l, key, NULL, &e->to))
        return false;
    if (!lower_value(l, source, e))
        return later_wait(l, first->node);
    if (e->again && s->note != ENGINE_NONE) {
        (void)later_wait(l, first->node);
        return lower_stop(l, "a value that changes is asked as a whole");
    }
    later_entry(l, source, e);
    if (e->again == &engine_notes_whole)
        return lower_held(l, source, first->node);
    if (!lower_going(l, source) || !lower_child(l, source, first->node, e))
        return false;
    if (s->goes != GUARD_NEVER)
        e->when = &engine_always;
    return true;
}

/* ---- objects -------------------------------------------------------------------------------- */

void *
lower_kept(struct lowering *l, const void *array, size_t n, size_t size)
{
    void *out = arena_array(l->to, n + 1, size);
    if (out && n)
        memcpy(out, array, n * size);
    return out;
}

static bool
lower_object(struct lowering *l, uint32_t source,
             const struct normal_node *node, struct engine_state *out)
{
    uint32_t n = 0;
    const struct source *s = &l->c->sources[source];
    for (uint32_t i = 0; i < s->n_kids; i++)
        n += s->kids[i] < l->n->n_sources;
    struct engine_entry *entries = arena_array(l->to, n + 1, sizeof(*entries));
    span *names = arena_array(l->c->a, n + 1, sizeof(*names));
    if (!entries || !names)
        return lower_no_room(l);
    if (n + 1 > ENGINE_BITS_MAX)
        return lower_stop(l, "an object of too many known keys");
    l->levels[source].n_bits = (uint16_t)n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t kid = l->c->sources[source].kids[i];
        names[i] = l->c->sources[kid].key;
        if (!lower_key(l, kid, (uint16_t)i, &entries[i]))
            return false;
    }
    if (!engine_table_build(l->to, names, n, &out->keys))
        return lower_no_room(l);
    out->entries = entries;
    if (!lower_ending(l, source, node, out))
        return false;
    for (uint32_t i = 0; i < n; i++)
        engine_entry_settle(&entries[i]);
    return true;
}

/* All that waits or is noted has somebody who sees to it. */
static bool
is_complete(struct lowering *l)
{
    const struct normal_state *s = l->state;
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i))
        if (l->spots[i].note != ENGINE_NONE && !l->spots[i].is_noted)
            return lower_stop(l, "a value waits where it is not seen");
    for (size_t i = 0; i < s->n_checks; i++)
        if (l->check_waits[i] && !l->check_done[i])
            return lower_stop(l, "a check that no value decides");
    for (size_t i = 0; i < s->n_notices; i++) {
        if (l->notice_done[i])
            continue;
        if (l->notice_waits[i]) /* in vain: nobody would tell it */
            return lower_stop(l, "a notice that no value decides");
        l->once_more = l->notice_waits[i] = true;
    }
    return !l->once_more || lower_stop(l, "a notice that waits");
}

/* What stands elsewhere, or of its own, but came in what is held whole, waits as well. */
static bool
find_held_uses(struct lowering *l)
{
    for (uint32_t i = l->state->source; i != NORMAL_NONE;
         i = lower_next(l, i)) {
        const struct uses *u = &l->spots[i].uses;
        bool is_met = u->n || l->spots[i].gone;
        uint32_t whole = is_met ? later_whole(l, i) : NORMAL_NONE;
        if (whole != NORMAL_NONE && l->spots[i].gone)
            return lower_stop(l, "an object of a type goes, and is asked");
        for (size_t k = 0; whole != NORMAL_NONE && whole != i && k < u->n;
             k++) {
            const struct uses *held = &l->spots[whole].uses;
            bool is_there =
                held->n && later_is_in(u->at[k].node, held->at[0].node);
            if (is_there)
                continue;
            (void)later_wait(l, u->at[k].node);
            return lower_stop(l, "a value that came in what is held");
        }
    }
    return true;
}

/* As far as it is known what waits. */
static bool
lower_state_once(struct lowering *l, const struct normal_state *s,
                 struct engine_state *out)
{
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i)) {
        l->spots[i] = (struct spot_of){.slot = ENGINE_NONE,
                                       .bit = ENGINE_NONE,
                                       .gone_bit = ENGINE_NONE,
                                       .note = ENGINE_NONE};
        l->levels[i] = (struct level){.other_bit = ENGINE_NONE};
    }
    if (!find_uses(l, s->root))
        return false;
    for (size_t i = 0; i < s->n_gone; i++)
        if (!find_gone(l, s->gone[i].node))
            return false;
    return later_note_all(l) && find_held_uses(l) && lower_place_checks(l) &&
           lower_place_notices(l) && lower_object(l, s->source, s->root, out) &&
           is_complete(l);
}

static bool
tell_held(struct lowering *l)
{
    struct buf b;
    for (uint32_t i = 0; i < l->n->n_sources; i++) {
        if (!l->spots[i].is_noted || !l->spots[i].is_valued || l->out->held.len)
            continue;
        buf_init(&b, arena_limit(l->to));
        normal_place(l->n, i, &b);
        bool ok =
            !buf_failed(&b) && span_dup(l->to, buf_span(&b), &l->out->held);
        buf_fini(&b);
        if (!ok)
            return lower_no_room(l);
    }
    return true;
}

static bool
lower_state(struct lowering *l, const struct normal_state *s,
            struct engine_state *out)
{
    l->state = s;
    l->n_later = 0;
    l->check_waits = arena_array(l->c->a, s->n_checks + 1, sizeof(bool));
    l->notice_waits = arena_array(l->c->a, s->n_notices + 1, sizeof(bool));
    if (!l->check_waits || !l->notice_waits)
        return lower_no_room(l);
    if (s->stop.why)
        return lower_stop(l, s->stop.why);
    size_t n_leads = l->n_leads;
    /* Each time something more waits. */
    for (;;) {
        l->n_leads = n_leads;
        l->once_more = false;
        if (lower_state_once(l, s, out)) {
            l->out->waits = l->out->waits || l->n_later;
            return tell_held(l);
        }
        if (!l->once_more || l->full || l->c->full)
            return false;
        l->out->why = NULL;
    }
}

/* Room for what is known by guard and by source: kept, as chains are lowered again
 * and again while they grow. Sources are only made by steps. */
static bool
make_room(struct lowering *l)
{
    struct compose *c = l->c;
    if (c->room_assumed < c->guards.n) {
        c->room_assumed = 2 * c->guards.n;
        c->assumed = arena_array(c->a, c->room_assumed, sizeof(*c->assumed));
    }
    if (c->room_spots < c->n_sources + 1) {
        c->room_spots = 2 * c->n_sources + 1;
        c->spots = arena_array(c->a, c->room_spots, sizeof(*l->spots));
        c->levels = arena_array(c->a, c->room_spots, sizeof(*l->levels));
    }
    if (!c->assumed || !c->spots || !c->levels || !class_room(c))
        return lower_no_room(l);
    l->assumed = c->assumed;
    l->n_assumed = c->guards.n;
    c->lowerings++;
    l->spots = c->spots;
    l->levels = c->levels;
    return true;
}

/* A state; or, if it cannot be, and is not all there is, its objects go again. */
static bool
lower_one(struct lowering *l, const struct normal_state *s)
{
    if (lower_state(l, s, l->states[l->at]))
        return true;
    if (l->full || l->c->full)
        return false;
    const char *why = l->out->why ? l->out->why : "it cannot be lowered";
    bool ok = lower_again(l, l->at, why, s->stop.origin);
    l->out->why = l->at ? NULL : why;
    return ok && l->at;
}

static bool
lower_all(struct lowering *l)
{
    if (!make_room(l))
        return false;
    l->states =
        arena_array(l->c->a, l->n->n_states + 1, sizeof(struct engine_state *));
    l->again =
        arena_array(l->c->a, l->n->n_states + 1, sizeof(struct lower_again *));
    l->stuck = arena_array(l->c->a, l->n->n_states + 1, sizeof(*l->stuck));
    struct engine_entry *root = arena_alloc(l->to, sizeof(*root));
    if (!l->states || !l->again || !l->stuck || !root)
        return lower_no_room(l);
    for (size_t i = 0; i < l->n->n_states; i++) {
        l->states[i] = arena_alloc(l->to, sizeof(*l->states[i]));
        if (!l->states[i])
            return lower_no_room(l);
    }
    for (l->at = 0; l->at < l->n->n_states; l->at++)
        if (!lower_one(l, l->n->states[l->at]))
            return false;
    if (!lower_agains(l))
        return false;
    *root = lower_plain;
    root->child = l->states[0];
    if (!lower_tells(l))
        return false;
    l->out->program =
        (struct engine_program){.root = root, .n_notices = l->n_told};
    return true;
}

enum err_code
compose_lower(struct compose *c, struct arena *a, size_t type, bool is_request,
              struct lowered *out, struct err *e)
{
    struct lowering l = {.c = c, .to = a, .out = out, .is_request = is_request};
    *out = (struct lowered){0};
    enum err_code code = compose_take(c, type, &l.n, e);
    if (code != OK)
        return code;
    l.drafts = arena_new(DRAFTS_MAX);
    if (!l.drafts)
        return err_set(e, ERR_LIMIT, "no room for a program");
    bool ok = lower_all(&l);
    arena_free(&l.drafts);
    if (l.full || c->full || c->guards.full)
        return err_set(e, ERR_LIMIT, "no room for a program");
    if (!ok && !out->why)
        out->why = "it cannot be lowered";
    if (!ok && !l.stuck[0])
        out->whole = l.again[0];
    return OK;
}
/* NOLINTEND(misc-no-recursion) */
