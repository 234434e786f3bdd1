/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry: what becomes of a member, when it is met.
 */
#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

const struct engine_entry lower_plain = {.action = ENGINE_KEEP,
                                         .bit = ENGINE_NONE,
                                         .twice = ENGINE_NONE,
                                         .fault = LOWER_ASIDE,
                                         .slot = ENGINE_NONE,
                                         .note = ENGINE_NONE};

/* ---- entries ---------------------------------------------------------------------------- */

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
        if (alt && lower_is_above(l, alt->source, l->c->sources[source].parent))
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
    if ((node->n_kids == 0 && !node->others) ||
        (node->n_kids && node->kids[0]->element))
        return true;
    struct engine_state *child = arena_alloc(l->to, sizeof(*child));
    if (!child)
        return lower_no_room(l);
    e->child = child;
    if (node->n_kids == 0 || !node->kids[0]->is_each)
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
    if (!lower_value(l, each->each, element))
        return later_wait(l, node);
    if (!lower_child(l, each->each, each, element))
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
    const struct source *s = &l->c->sources[source];
    struct normal_node others = {.is_each = true, .each = s->each};
    struct normal_node nothing = {.each = NORMAL_NONE};
    bool is_asked = s->each != NORMAL_NONE && s->each < l->n->n_sources &&
                    class_is_asked(l, s->each);
    bool is_set = is_asked && l->c->sources[s->each].of_object;
    bool is_list = is_asked && !is_set;
    if (is_set)
        nothing.others = &others;
    if (!is_asked && (s->n_kids == 0 || s->kids[0] >= l->n->n_sources))
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
        ((node->n_kids == 0 && !node->others) ||
         (is_one && lower_stays(l, node, source))))
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

bool
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
/* NOLINTEND(misc-no-recursion) */
