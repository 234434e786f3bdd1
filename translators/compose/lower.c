/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/lower.h"

#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

static const struct engine_entry plain = {.action = ENGINE_KEEP,
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

/* The source that an alternative is of: what it is made from, or whose slot it has. */
static bool
source_of(struct lowering *l, const struct normal_alt *alt, uint32_t *out)
{
    *out = NORMAL_NONE;
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
        case TERM_PICK:
        case TERM_JOIN:
        case TERM_TREE:
        case TERM_FIRST:
            return lower_stop(l, "a value that is made of a whole one");
        }
    }
}

static bool
find_uses(struct lowering *l, const struct normal_node *node)
{
    uint32_t first = NORMAL_NONE;
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        if (lower_guard(l, node->alts[i].when) == GUARD_NEVER)
            continue;
        if (!source_of(l, &node->alts[i], &source))
            return false;
        first = first == NORMAL_NONE ? source : first;
    }
    for (size_t i = 0; i < node->n_alts; i++) {
        uint32_t source = NORMAL_NONE;
        guard when = lower_guard(l, node->alts[i].when);
        if (when == GUARD_NEVER)
            continue;
        if (!source_of(l, &node->alts[i], &source))
            return false;
        /* A constant that stands for a value that is there is of that value. */
        if (source == NORMAL_NONE && node->alts[i].kind == ALT_TERM &&
            first != NORMAL_NONE && class_needs(l, when, first))
            source = first;
        if (source != NORMAL_NONE &&
            !add_use(l, source, (struct use){node, &node->alts[i]}))
            return false;
    }
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
    for (size_t i = 0; i < node->n_kids; i++)
        if (!find_uses(l, node->kids[i]))
            return false;
    return true;
}

/* ---- checks and notices ------------------------------------------------------------ */

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
    for (size_t i = 0; i < COUNT(types); i++)
        for (unsigned form = FORM_IN; form <= FORM_OUT; form++) {
            struct value_class k = {source, types[i], NULL,
                                    (enum form_case)form};
            enum truth is = class_truth(l, g, &k);
            if (is == IS_OPEN && exact)
                return UINT32_MAX;
            bool expected = is_expected(l, source, types[i]);
            if (is == IS_OPEN || form == FORM_IN)
                cost += is == IS_NEVER ? 0 : expected ? 100 : 1;
        }
    return used ? cost : cost / 64; /* nobody misses it */
}

/* The source at which a guard is best decided; NORMAL_NONE: at none. */
static uint32_t
best_source(struct lowering *l, guard g, bool exact)
{
    uint32_t best = NORMAL_NONE;
    unsigned lowest = UINT32_MAX;
    for (guard at = g; at > GUARD_ALWAYS;) {
        /* What it needs is asked on every way that holds: follow one. */
        const struct guard_node *node = &l->c->guards.at[at];
        const struct atom *a = &l->c->atoms[node->atom];
        if (a->kind == ATOM_PRESENT && class_needs(l, g, a->source)) {
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

static bool
is_of_bytes(struct lowering *l, const struct normal_check *k)
{
    return k->origin == NULL && k->what != normal_wrong_marker &&
           l->state != NULL;
}

static uint32_t
in_scope(struct lowering *l, guard g, uint32_t scope, bool exact)
{
    uint32_t at = best_source(l, g, exact);
    if (at == NORMAL_NONE && l->c->sources[scope].kind == SOURCE_EACH &&
        cost_of(l, g, scope, exact) != UINT32_MAX)
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

static bool
place_checks(struct lowering *l)
{
    const struct normal_state *s = l->state;
    l->check_when = arena_array(l->c->a, s->n_checks + 1, sizeof(guard));
    if (!l->check_when)
        return lower_no_room(l);
    for (size_t i = 0; i < s->n_checks; i++) {
        guard g = lower_guard(l, s->checks[i].when);
        l->check_when[i] = g;
        if (is_of_bytes(l, &s->checks[i])) {
            mark_read(l, g); /* the machine sees to it, and to doubled keys */
            continue;
        }
        if (g == GUARD_NEVER)
            continue;
        uint32_t at = in_scope(l, g, s->checks[i].scope, false);
        if (at == NORMAL_NONE)
            return lower_stop(l, "a check that no value decides");
        if (!add_number(l, &l->spots[at].checks, i))
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

static bool
place_notices(struct lowering *l)
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

static const struct normal_alt *
source_alt(struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++)
        if (node->alts[i].kind == ALT_SOURCE &&
            lower_guard(l, node->alts[i].when) != GUARD_NEVER)
            return &node->alts[i];
    return NULL;
}

static bool
is_ancestor(const struct lowering *l, uint32_t above, uint32_t below)
{
    while (below != NORMAL_NONE && below != above)
        below = l->c->sources[below].parent;
    return below == above;
}

/* The object that is still open when the source is met, and that its place is in. */
static uint32_t
owner_of(struct lowering *l, uint32_t source, const struct normal_node *node)
{
    for (node = node->parent; node; node = node->parent) {
        const struct normal_alt *alt = source_alt(l, node);
        if (alt && is_ancestor(l, alt->source, l->c->sources[source].parent))
            return alt->source;
    }
    return NORMAL_NONE;
}

/* Its object, its elements, its type. */
static bool
lower_child(struct lowering *l, uint32_t source, const struct normal_node *node,
            struct engine_entry *e)
{
    if (node->state) {
        for (size_t i = 0; i < l->n->n_states; i++)
            if (l->n->states[i] == node->state)
                e->child = l->states[i];
        return true;
    }
    if (node->n_kids == 0)
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
    struct engine_entry *element = arena_alloc(l->to, sizeof(*element));
    if (!element)
        return lower_no_room(l);
    *element = plain;
    if (l->spots[each->each].uses.n == 0)
        return lower_stop(l, "elements that all go");
    if (!lower_value(l, each->each, element) ||
        !lower_child(l, each->each, each, element))
        return false;
    if (l->spots[each->each].goes != GUARD_NEVER)
        return lower_stop(l, "elements that are emptied go");
    child->each = element;
    return true;
}

/* What goes is read as far as it is known: its keys may be doubled, its values refused. */
static bool
lower_lost(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    static const struct normal_node nothing = {.each = NORMAL_NONE};
    const struct source *s = &l->c->sources[source];
    if (s->each != NORMAL_NONE && s->each < l->n->n_sources)
        return lower_stop(l, "elements that all go");
    if (s->n_kids == 0 || s->kids[0] >= l->n->n_sources)
        return true;
    struct engine_state *child = arena_alloc(l->to, sizeof(*child));
    if (!child)
        return lower_no_room(l);
    e->child = child;
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

static bool
lower_key(struct lowering *l, uint32_t source, uint16_t bit,
          struct engine_entry *e)
{
    struct spot_of *s = &l->spots[source];
    *e = plain;
    e->bit = bit;
    s->bit = bit;
    e->twice = LOWER_ASIDE;
    if (s->uses.n == 0) {
        e->action = ENGINE_DROP;
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
            return lower_stop(l, "a value that stands here or there");
    if (!is_in_slot(first) && !lower_moving(l, source, first, e))
        return false;
    span key = first->node->key;
    if (is_in_slot(first) && !span_eq(key, l->c->sources[source].key) &&
        !lower_text(l, key, NULL, &e->to))
        return false;
    if (!lower_value(l, source, e) || !lower_going(l, source) ||
        !lower_child(l, source, first->node, e))
        return false;
    if (s->goes != GUARD_NEVER)
        e->when = &engine_always;
    return true;
}

/* ---- what is written when an object ends ---------------------------------------------- */

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
    struct seen none = *seen;
    for (size_t i = n; i <= s->n_kids; i++) {
        uint16_t bit = i == s->n_kids ? l->levels[source].other_bit
                                      : l->spots[s->kids[i]].bit;
        struct seen one = none;
        if (bit == ENGINE_NONE && i < s->n_kids)
            continue; /* known only to another chain: it is one that is not */
        if (bit == ENGINE_NONE)
            return lower_stop(l, "what is filled in waits for all members");
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
            source_of(l, &node->alts[i], &source) && source != NORMAL_NONE)
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
    const struct normal_alt *came = source_alt(l, node);
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
    if (!lower_arrivals(l, source, node, ops))
        return false;
    op = add_op(l, ops, ENGINE_OP_SHUT);
    if (!op || !engine_text(l->to, SPAN("}"), &op->text))
        return op == NULL ? false : lower_no_room(l);
    if (came)
        ops->at[jump].jump = (uint16_t)(ops->n - jump - 1);
    return true;
}

/* Members that come in, in their order; `source` is the object that ends. */
static bool
lower_arrivals(struct lowering *l, uint32_t source,
               const struct normal_node *node, struct ops *ops)
{
    const struct normal_order *last = NULL;
    for (;;) {
        const struct normal_node *next = NULL;
        const struct normal_order *first = NULL;
        for (size_t i = 0; i < node->n_kids; i++) {
            const struct normal_order *order = NULL;
            if (node->kids[i]->is_each || !earliest(l, node->kids[i], &order) ||
                (last && !comes_before(last, order)))
                continue;
            if (!first || comes_before(order, first)) {
                first = order;
                next = node->kids[i];
            }
        }
        if (!next)
            return true;
        uint32_t mover = mover_to(l, next);
        if (mover != NORMAL_NONE && !lower_slot(l, source, mover, next, ops))
            return false;
        if (!lower_constants(l, source, next, ops) ||
            !lower_made(l, source, next, ops))
            return false;
        last = first;
    }
}

/* Notices that no value tells: when the object of their scope ends. */
static bool
lower_told(struct lowering *l, uint32_t source, struct ops *ops)
{
    for (size_t i = 0; i < l->state->n_notices; i++) {
        guard when = l->notice_when[i];
        if (l->notice_done[i])
            continue;
        /* Of the innermost object whose keys it asks. */
        guard inside = class_inside(l, when, source);
        guard left = inside;
        bool here = true;
        uint32_t scope = l->state->notices[i].scope;
        while (left > GUARD_ALWAYS && here) {
            const struct atom *a = &l->c->atoms[l->c->guards.at[left].atom];
            here = a->kind == ATOM_PRESENT &&
                   l->c->sources[a->source].parent == source;
            left = l->c->guards.at[left].yes > GUARD_ALWAYS
                       ? l->c->guards.at[left].yes
                       : l->c->guards.at[left].no;
        }
        if (!here || (source != scope && inside <= GUARD_ALWAYS))
            continue;
        if (source != scope && !class_needs(l, when, source))
            continue;
        uint16_t notice = (uint16_t)i;
        struct engine_op model = {.kind = ENGINE_OP_NOTE};
        l->notice_done[i] = true;
        if (!lower_notes(l, &notice, 1, &model.notes) ||
            !op_when(l, source, inside, &nothing_seen, &model, ops))
            return false;
    }
    return true;
}

/* What waited for an object that had ended before it came. */
static bool
lower_late(struct lowering *l, uint32_t source, struct ops *ops)
{
    for (size_t i = 0; i < l->c->n_sources; i++) {
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

/* ---- objects -------------------------------------------------------------------------------- */

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
lower_others(struct lowering *l, uint16_t bit, struct engine_state *out)
{
    struct engine_entry *other = arena_alloc(l->to, sizeof(*other));
    if (!other)
        return lower_no_room(l);
    *other = plain;
    other->bit = bit;
    out->other = other;
    return true;
}

/* What grew in the builder's arena, where the program lives. NULL: no room. */
static void *
kept(struct lowering *l, const void *array, size_t n, size_t size)
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
    struct ops ops = {0};
    if (!entries || !names)
        return lower_no_room(l);
    if (n + 1 > ENGINE_BITS_MAX)
        return lower_stop(l, "an object of too many known keys");
    struct level *level = &l->levels[source];
    level->n_bits = (uint16_t)n;
    if (l->spots[source].goes != GUARD_NEVER) {
        level->other_bit = level->n_bits++;
        if (!lower_others(l, level->other_bit, out))
            return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t kid = l->c->sources[source].kids[i];
        names[i] = l->c->sources[kid].key;
        if (!lower_key(l, kid, (uint16_t)i, &entries[i]))
            return false;
    }
    if (!engine_table_build(l->to, names, n, &out->keys))
        return lower_no_room(l);
    out->entries = entries;
    if (!lower_arrivals(l, source, node, &ops) ||
        !lower_told(l, source, &ops) || !lower_late(l, source, &ops) ||
        !lower_end(l, source, &ops))
        return false;
    out->prunes = l->spots[source].goes != GUARD_NEVER;
    out->n_ops = ops.n;
    out->ops = kept(l, ops.at, ops.n, sizeof(*ops.at));
    if (!out->ops)
        return lower_no_room(l);
    out->n_slots = l->levels[source].n_slots;
    return true;
}

static bool
lower_state(struct lowering *l, const struct normal_state *s,
            struct engine_state *out)
{
    size_t n = l->c->n_sources;
    l->state = s;
    if (s->stop.why)
        return lower_stop(l, s->stop.why);
    l->spots = arena_array(l->c->a, n + 1, sizeof(*l->spots));
    l->levels = arena_array(l->c->a, n + 1, sizeof(*l->levels));
    if (!l->spots || !l->levels)
        return lower_no_room(l);
    for (size_t i = 0; i < n; i++)
        l->spots[i].slot = l->spots[i].bit = l->spots[i].gone_bit = ENGINE_NONE;
    for (size_t i = 0; i < n; i++)
        l->levels[i].other_bit = ENGINE_NONE;
    if (!find_uses(l, s->root))
        return false;
    for (size_t i = 0; i < s->n_gone; i++)
        if (!find_gone(l, s->gone[i].node))
            return false;
    if (!place_checks(l) || !place_notices(l) ||
        !lower_object(l, s->source, s->root, out))
        return false;
    for (size_t i = 0; i < s->n_notices; i++)
        if (!l->notice_done[i])
            return lower_stop(l, "a notice that no value decides");
    return true;
}

static bool
lower_all(struct lowering *l)
{
    l->states =
        arena_array(l->c->a, l->n->n_states + 1, sizeof(struct engine_state *));
    struct engine_entry *root = arena_alloc(l->to, sizeof(*root));
    if (!l->states || !root)
        return lower_no_room(l);
    for (size_t i = 0; i < l->n->n_states; i++) {
        l->states[i] = arena_alloc(l->to, sizeof(*l->states[i]));
        if (!l->states[i])
            return lower_no_room(l);
    }
    for (size_t i = 0; i < l->n->n_states; i++)
        if (!lower_state(l, l->n->states[i], l->states[i]))
            return false;
    *root = plain;
    root->child = l->states[0];
    l->out->tells =
        kept(l, l->out->tells, l->out->n_tells, sizeof(*l->out->tells));
    if (!l->out->tells)
        return lower_no_room(l);
    l->out->program = (struct engine_program){root, l->out->n_tells};
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
    bool ok = lower_all(&l);
    if (l.full || c->full || c->guards.full)
        return err_set(e, ERR_LIMIT, "no room for a program");
    if (!ok && !out->why)
        out->why = "it cannot be lowered";
    return OK;
}
/* NOLINTEND(misc-no-recursion) */
