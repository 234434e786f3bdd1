/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending: what is written, told and asked when an object ends.
 */
#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long and guards ask atoms */

struct ops {
    struct engine_op *at;
    size_t n;
    size_t room;
};

static struct engine_op *
add_op(struct lowering *l, struct ops *ops, enum engine_op_kind kind)
{
    void *grown = COMPOSE_GROW(l->c, ops->at, ops->n, ops->room);
    if (!grown)
        return NULL;
    ops->at = grown;
    ops->at[ops->n] = (struct engine_op){.kind = kind};
    return &ops->at[ops->n++];
}

/* Seen bits of an object that must be set, and that must not. */
struct seen {
    uint64_t needs[ENGINE_WORDS];
    uint64_t unless[ENGINE_WORDS];
};

static const struct seen nothing_seen;

static void
want(struct seen *s, uint16_t bit, bool is)
{
    uint64_t *words = is ? s->needs : s->unless;
    words[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

/* What follows is left out if this bit is, or is not, set. */
static bool
leave_out(struct lowering *l, struct ops *ops, unsigned word, uint64_t bit,
          bool is)
{
    struct engine_op *op = add_op(l, ops, ENGINE_OP_JUMP);
    if (!op)
        return false;
    op->word = (uint8_t)word;
    op->needs = is ? bit : 0;
    op->unless = is ? 0 : bit;
    op->jump = 1;
    return true;
}

/* An op asks bits of one word; those of others are asked one by one before it. */
static bool
op_seen(struct lowering *l, const struct seen *s, const struct engine_op *model,
        struct ops *ops)
{
    unsigned own = 0;
    while (own + 1 < ENGINE_WORDS && !s->needs[own] && !s->unless[own])
        own++;
    size_t first = ops->n;
    for (unsigned w = own + 1; w < ENGINE_WORDS; w++)
        for (unsigned i = 0; i < 64; i++) {
            uint64_t bit = (uint64_t)1 << i;
            if (((s->needs[w] & bit) && !leave_out(l, ops, w, bit, false)) ||
                ((s->unless[w] & bit) && !leave_out(l, ops, w, bit, true)))
                return false;
        }
    for (size_t i = first; i < ops->n; i++)
        ops->at[i].jump = (uint16_t)(ops->n - i);
    struct engine_op *op = add_op(l, ops, model->kind);
    if (!op)
        return false;
    *op = *model;
    op->word = (uint8_t)own;
    op->needs = s->needs[own];
    op->unless = s->unless[own];
    return true;
}

static bool op_when(struct lowering *l, uint32_t source, guard g,
                    const struct seen *seen, const struct engine_op *model,
                    struct ops *ops);

/* Members besides the first `n` that are known: one of the others that are, or one
 * that is not. */
static bool
op_others(struct lowering *l, uint32_t source, const struct guard_node *node,
          size_t n, const struct seen *seen, const struct engine_op *model,
          struct ops *ops)
{
    const struct source *s = &l->c->sources[source];
    struct level *level = &l->levels[source];
    struct seen none = *seen;
    if (level->other_bit == ENGINE_NONE && level->n_bits == ENGINE_BITS_MAX)
        return lower_stop(l, "an object of too many known keys");
    if (level->other_bit == ENGINE_NONE)
        level->other_bit = level->n_bits++;
    for (size_t i = n; i <= s->n_kids; i++) {
        uint16_t bit =
            i == s->n_kids ? level->other_bit : l->spots[s->kids[i]].bit;
        struct seen one = none;
        if (bit == ENGINE_NONE)
            continue; /* known only to another chain: it is one that is not */
        want(&one, bit, true);
        want(&none, bit, false);
        if (!op_when(l, source, node->yes, &one, model, ops))
            return false;
    }
    return op_when(l, source, node->no, &none, model, ops);
}

/* One op for each way a guard holds, if it asks for nothing but what was seen in the
 * object at `source`. */
static bool
op_when(struct lowering *l, uint32_t source, guard g, const struct seen *seen,
        const struct engine_op *model, struct ops *ops)
{
    if (g == GUARD_NEVER)
        return true;
    if (g == GUARD_ALWAYS)
        return op_seen(l, seen, model, ops);
    struct guard_node node = l->c->guards.at[g];
    const struct atom *a = &l->c->atoms[node.atom];
    if (a->kind == ATOM_OTHERS && a->source == source)
        return op_others(l, source, &node, a->n, seen, model, ops);
    if (a->kind != ATOM_PRESENT || l->c->sources[a->source].parent != source ||
        l->spots[a->source].bit == ENGINE_NONE)
        return lower_stop(l, "what is filled in waits for a value");
    struct seen yes = *seen;
    struct seen no = *seen;
    want(&yes, l->spots[a->source].bit, true);
    want(&no, l->spots[a->source].bit, false);
    return op_when(l, source, node.yes, &yes, model, ops) &&
           op_when(l, source, node.no, &no, model, ops);
}

/* An object stands here: the earliest that something in it came. */
static bool
earliest(struct lowering *l, const struct normal_node *node,
         const struct normal_order **out)
{
    *out = NULL;
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        if (lower_guard(l, alt->when) == GUARD_NEVER || alt->order.step == 0)
            continue;
        if (!*out || order_before(&alt->order, *out))
            *out = &alt->order;
    }
    return *out != NULL;
}

static bool
comes_before(const struct normal_order *a, const struct normal_order *b)
{
    if (order_before(a, b))
        return true;
    return !order_before(b, a) && a->nth < b->nth;
}

static bool lower_arrivals(struct lowering *l, uint32_t source,
                           const struct normal_node *node, struct ops *ops);

/* Of the source that moves to this node; NORMAL_NONE: none does. */
static uint32_t
mover_to(struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        if (lower_guard(l, node->alts[i].when) != GUARD_NEVER &&
            node->alts[i].order.step > 0 &&
            lower_source_of(l, &node->alts[i], &source) &&
            source != NORMAL_NONE)
            return source;
    }
    return NORMAL_NONE;
}

static bool
lower_slot(struct lowering *l, uint32_t source, uint32_t mover,
           const struct normal_node *node, struct ops *ops)
{
    const struct spot_of *s = &l->spots[mover];
    if (s->slot == ENGINE_NONE) /* it is never brought */
        return true;
    uint32_t owner = s->slot_owner;
    unsigned up = 0;
    uint32_t at = source;
    for (; at != NORMAL_NONE && at != owner; at = l->c->sources[at].parent)
        up++;
    if (at != owner || up > UINT8_MAX)
        return lower_stop(l, "a value waits where it is not seen");
    struct engine_op *op = add_op(l, ops, ENGINE_OP_SLOT);
    if (!op)
        return false;
    op->up = (uint8_t)up;
    op->slot = s->slot;
    static const struct json nothing = {.kind = JSON_NULL, .touched = true};
    if (!lower_text(l, node->key, &nothing, &op->text))
        return false;
    op->text.len -= 4; /* the null */
    return true;
}

static bool
lower_constants(struct lowering *l, uint32_t source,
                const struct normal_node *node, struct ops *ops)
{
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        guard when = class_inside(l, lower_guard(l, alt->when), source);
        if (when == GUARD_NEVER || alt->kind != ALT_TERM ||
            l->c->terms[alt->term].kind != TERM_CONST || alt->order.step == 0)
            continue;
        uint32_t mover = mover_to(l, node);
        if (mover != NORMAL_NONE &&
            class_needs(l, lower_guard(l, alt->when), mover))
            continue; /* it is a row of that value */
        if (node->n_kids || node->state)
            return lower_stop(l, "an object that is filled in changes");
        struct engine_op model = {.kind = ENGINE_OP_MEMBER};
        if (!lower_text(l, node->key, l->c->terms[alt->term].value,
                        &model.text) ||
            !op_when(l, source, when, &nothing_seen, &model, ops))
            return false;
    }
    return true;
}

/* When an object is made though nothing comes to stand in it. */
static guard
made_empty(struct lowering *l, uint32_t source, const struct normal_node *node)
{
    struct guards *all = &l->c->guards;
    guard made = GUARD_NEVER, filled = GUARD_NEVER;
    for (size_t i = 0; i < node->n_alts; i++)
        if (node->alts[i].kind == ALT_MADE)
            made = guard_or(all, made, lower_guard(l, node->alts[i].when));
    for (size_t i = 0; i < node->n_kids; i++)
        for (size_t k = 0; k < node->kids[i]->n_alts; k++)
            filled = guard_or(all, filled,
                              lower_guard(l, node->kids[i]->alts[k].when));
    return class_inside(l, guard_without(all, made, filled), source);
}

/* An object that is made here, unless one came. */
static bool
lower_made(struct lowering *l, uint32_t source, const struct normal_node *node,
           struct ops *ops)
{
    static const struct json open = {.kind = JSON_NULL, .touched = true};
    bool made = false;
    for (size_t i = 0; i < node->n_alts; i++)
        made = made || (node->alts[i].kind == ALT_MADE &&
                        lower_guard(l, node->alts[i].when) != GUARD_NEVER);
    if (!made)
        return true;
    const struct normal_alt *came = lower_source_alt(l, node);
    if (came && (l->c->sources[came->source].parent != source ||
                 l->spots[came->source].bit == ENGINE_NONE))
        return lower_stop(l, "an object that comes from elsewhere or is made");
    struct seen stays = {0};
    if (came)
        want(&stays, l->spots[came->source].bit, true);
    if (came && l->spots[came->source].goes != GUARD_NEVER)
        want(&stays, l->spots[came->source].gone_bit, false);
    size_t jump = ops->n;
    const struct engine_op model = {.kind = ENGINE_OP_JUMP};
    if (came && !op_seen(l, &stays, &model, ops))
        return false;
    if (came)
        jump = ops->n - 1;
    struct engine_op *op = add_op(l, ops, ENGINE_OP_OPEN);
    if (!op || !lower_text(l, node->key, &open, &op->text))
        return false;
    op->text.len -= 4;
    span text = op->text;
    /* The text is ours, made by lower_text. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    char *bracket = (char *)(uintptr_t)text.at + text.len;
    *bracket = '{';
    ops->at[ops->n - 1].text.len++;
    const struct engine_op empty = {.kind = ENGINE_OP_MADE};
    if (!op_when(l, source, made_empty(l, source, node), &nothing_seen, &empty,
                 ops) ||
        !lower_arrivals(l, source, node, ops))
        return false;
    op = add_op(l, ops, ENGINE_OP_SHUT);
    if (!op || !engine_text(l->to, SPAN("}"), &op->text))
        return op == NULL ? false : lower_no_room(l);
    if (came)
        ops->at[jump].jump = (uint16_t)(ops->n - jump - 1);
    return true;
}

/* What waits and had a slot of its own: it comes before all that comes in. */
static bool
is_displaced(struct lowering *l, const struct normal_node *node)
{
    bool had = false;
    for (size_t i = 0; i < node->n_alts; i++)
        had = had || (node->alts[i].order.step == 0 &&
                      lower_guard(l, node->alts[i].when) != GUARD_NEVER);
    return had && later_is(l, node);
}

/* A member that several values decide or make. */
static bool
lower_later(struct lowering *l, uint32_t source, const struct normal_node *node,
            struct ops *ops)
{
    struct engine_op made;
    if (!later_op(l, node, source, &made))
        return false;
    struct engine_op *op = add_op(l, ops, ENGINE_OP_VALUE);
    if (op)
        *op = made;
    return op != NULL;
}

/* Checks and notices that wait for this end. */
static bool
lower_waiting(struct lowering *l, uint32_t source, struct ops *ops)
{
    struct engine_op made;
    bool has = false;
    if (!later_op_rules(l, source, &made, &has))
        return false;
    if (!has)
        return true;
    struct engine_op *op = add_op(l, ops, ENGINE_OP_VALUE);
    if (op)
        *op = made;
    return op != NULL;
}

/* Members that come in, in their order; `source` is the object that ends. */
static bool
lower_arrivals(struct lowering *l, uint32_t source,
               const struct normal_node *node, struct ops *ops)
{
    const struct normal_order *last = NULL;
    for (size_t i = 0; i < node->n_kids; i++)
        if (is_displaced(l, node->kids[i]) &&
            !lower_later(l, source, node->kids[i], ops))
            return false;
    for (;;) {
        const struct normal_node *next = NULL;
        const struct normal_order *first = NULL;
        for (size_t i = 0; i < node->n_kids; i++) {
            const struct normal_order *order = NULL;
            if (node->kids[i]->is_each || is_displaced(l, node->kids[i]) ||
                !earliest(l, node->kids[i], &order) ||
                (last && !comes_before(last, order)))
                continue;
            if (!first || comes_before(order, first)) {
                first = order;
                next = node->kids[i];
            }
        }
        if (!next)
            return true;
        last = first;
        if (later_is(l, next)) {
            if (!lower_later(l, source, next, ops))
                return false;
            continue;
        }
        uint32_t mover = mover_to(l, next);
        if (mover != NORMAL_NONE && !lower_slot(l, source, mover, next, ops))
            return false;
        if (!lower_constants(l, source, next, ops) ||
            !lower_made(l, source, next, ops))
            return l->once_more || l->full ? false : later_wait(l, next);
    }
}

/* A notice that no value tells is told by the innermost object whose members it
 * asks. */
static bool
is_told_by(struct lowering *l, size_t notice, uint32_t source, guard inside)
{
    if (l->notice_done[notice] || !class_is_of_members(l, inside, source))
        return false;
    if (source == l->state->notices[notice].scope)
        return true;
    guard object = ask_types(l->c, term_of_source(l->c, source), LENS_OBJECT);
    return inside > GUARD_ALWAYS &&
           guard_implies(&l->c->guards, l->notice_when[notice], object);
}

/* Those that are told at once are told as one. */
static bool
lower_told(struct lowering *l, uint32_t source, struct ops *ops)
{
    size_t n = l->state->n_notices;
    guard *inside = arena_array(l->c->a, n + 1, sizeof(*inside));
    uint16_t *at_once = arena_array(l->c->a, n + 1, sizeof(*at_once));
    if (!inside || !at_once)
        return lower_no_room(l);
    for (size_t i = 0; i < n; i++)
        if (!l->notice_done[i])
            inside[i] = class_inside(l, l->notice_when[i], source);
    for (size_t i = 0; i < n; i++) {
        struct engine_op model = {.kind = ENGINE_OP_NOTE};
        size_t n_at_once = 0;
        if (l->notice_done[i])
            continue;
        for (size_t k = i; k < n; k++) {
            if (inside[k] != inside[i] || !is_told_by(l, k, source, inside[k]))
                continue;
            at_once[n_at_once++] = (uint16_t)k;
            l->notice_done[k] = true;
        }
        if (n_at_once &&
            (!lower_notes(l, at_once, n_at_once, &model.notes) ||
             !op_when(l, source, inside[i], &nothing_seen, &model, ops)))
            return false;
    }
    return true;
}

/* What waited for an object that had ended before it came. */
static bool
lower_late(struct lowering *l, uint32_t source, struct ops *ops)
{
    if (l->levels[source].n_slots == 0)
        return true;
    for (uint32_t i = l->state->source; i != NORMAL_NONE;
         i = lower_next(l, i)) {
        const struct spot_of *s = &l->spots[i];
        if (s->slot == ENGINE_NONE || s->slot_owner != source)
            continue;
        struct engine_op *op = add_op(l, ops, ENGINE_OP_FULL);
        if (!op)
            return false;
        op->slot = s->slot;
        op->fault = LOWER_ASIDE;
    }
    return true;
}
/* Of an object that may go: whether it does. */
static bool
lower_end(struct lowering *l, uint32_t source, struct ops *ops)
{
    const struct spot_of *s = &l->spots[source];
    const struct engine_op model = {.kind = ENGINE_OP_PRUNE,
                                    .slot = s->gone_bit};
    return op_when(l, source, s->goes, &nothing_seen, &model, ops);
}

/* All other keys stay, and are told to have come. */
static bool
lower_others(struct lowering *l, const struct normal_node *node, uint16_t bit,
             struct engine_state *out)
{
    struct engine_entry *other = arena_alloc(l->to, sizeof(*other));
    if (!other)
        return lower_no_room(l);
    *other = lower_plain;
    other->bit = bit;
    out->other = other;
    if (!node->others || node->others->each == NORMAL_NONE)
        return true;
    uint32_t each = node->others->each;
    other->once = true; /* all keys of it are read */
    other->twice = LOWER_ASIDE;
    bool goes = l->spots[each].uses.n == 0;
    other->action = goes ? ENGINE_DROP : ENGINE_KEEP;
    struct engine_entry as_it_is = *other;
    if (!lower_value(l, each, other)) {
        if (!goes || l->full || l->c->full)
            return later_wait(l, node);
        /* Whenever one is there somebody else must see to it. */
        l->out->why = NULL;
        *other = as_it_is;
        other->action = ENGINE_REFUSE;
    }
    engine_entry_settle(other);
    return true;
}

bool
lower_ending(struct lowering *l, uint32_t source,
             const struct normal_node *node, struct engine_state *out)
{
    struct level *level = &l->levels[source];
    struct ops ops = {0};
    if (!lower_waiting(l, source, &ops) ||
        !lower_arrivals(l, source, node, &ops) ||
        !lower_told(l, source, &ops) || !lower_late(l, source, &ops) ||
        !lower_end(l, source, &ops))
        return false;
    if ((level->other_bit != ENGINE_NONE || node->others) &&
        !lower_others(l, node, level->other_bit, out))
        return false;
    out->prunes = l->spots[source].goes != GUARD_NEVER;
    out->n_slots = level->n_slots;
    out->n_ops = ops.n;
    out->ops = lower_kept(l, ops.at, ops.n, sizeof(*ops.at));
    return out->ops ? true : lower_no_room(l);
}
/* NOLINTEND(misc-no-recursion) */
