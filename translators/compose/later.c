/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: what several values decide or make waits for the end of the object that
 * holds them.
 *
 * The machine notes the values that it is made of as they pass: scalars, and containers
 * whole, of which then nothing is known but at that end. A state is lowered as if nothing
 * waited; what cannot be decided as it comes is then said to wait, and the state is
 * lowered again.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are */

/* ---- who waits ------------------------------------------------------------------- */

bool
later_is(const struct lowering *l, const struct normal_node *node)
{
    for (size_t i = 0; i < l->n_later; i++)
        if (l->later[i] == node)
            return true;
    return false;
}

/* What stands at a node: what came at `came`, or what is made; `other`: something else
 * may. */
struct host {
    uint32_t came;
    bool made;
    bool other;
};

static struct host
host_of(struct lowering *l, const struct normal_node *node)
{
    struct host h = {.came = NORMAL_NONE};
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        if (lower_guard(l, alt->when) == GUARD_NEVER)
            continue;
        bool is = alt->kind == ALT_SOURCE;
        h.other = h.other || alt->kind == ALT_TERM || alt->turned ||
                  alt->is_list || (is && h.came != NORMAL_NONE);
        h.made = h.made || alt->kind == ALT_MADE;
        h.came = is ? alt->source : h.came;
    }
    h.other = h.other || (h.made && (node->is_each || node->element));
    h.other = h.other || (h.came != NORMAL_NONE &&
                          l->c->sources[h.came].kind == SOURCE_ELEMENT);
    return h;
}

bool
later_ends(struct lowering *l, const struct normal_node *node,
           struct later_ends *out)
{
    uint32_t absent = NORMAL_NONE;
    *out = (struct later_ends){0};
    for (node = node->parent; node; node = node->parent) {
        struct host h = host_of(l, node);
        if (h.other || out->n == LATER_ENDS_MAX)
            return false;
        if (h.came != NORMAL_NONE) {
            out->at[out->n] = h.came;
            out->absent[out->n++] = absent;
            absent = h.came;
        }
        if (!h.made)
            return h.came != NORMAL_NONE;
    }
    return false;
}

/* What is at a key can, and all that is in it with it. */
static bool
can_wait(struct lowering *l, const struct normal_node *node)
{
    struct later_ends ends;
    return node->parent && !node->is_each && !node->element &&
           later_ends(l, node, &ends);
}

bool
later_is_in(const struct normal_node *node, const struct normal_node *top)
{
    while (node && node != top)
        node = node->parent;
    return node == top;
}

bool
later_wait(struct lowering *l, const struct normal_node *node)
{
    while (node && !can_wait(l, node))
        node = node->parent;
    if (l->in_gone || !node || later_is(l, node))
        return false;
    size_t n = 0; /* what is in it waits with it */
    for (size_t i = 0; i < l->n_later; i++)
        if (!later_is_in(l->later[i], node))
            l->later[n++] = l->later[i];
    l->n_later = n;
    void *grown = compose_grow(l->c, l->later, l->n_later, &l->room_later,
                               sizeof(struct normal_node *));
    if (!grown)
        return false;
    l->later = grown;
    l->later[l->n_later++] = node;
    l->once_more = true;
    return false;
}

/* ---- what is held whole -------------------------------------------------------------- */

uint32_t
later_whole(const struct lowering *l, uint32_t source)
{
    uint32_t whole = NORMAL_NONE;
    for (; source != NORMAL_NONE; source = l->c->sources[source].parent)
        if (l->spots[source].is_valued)
            whole = source;
    return whole;
}

bool
later_is_inside(const struct lowering *l, const struct atom *a)
{
    const struct source *all = l->c->sources;
    uint32_t source = a->source;
    if (l->in_held)
        return true;
    if (a->kind == ATOM_UNCLEAN)
        source = class_bottom(l, a->term);
    if (source == NORMAL_NONE)
        return false;
    if (all[source].kind == SOURCE_ELEMENT)
        return true;
    if (a->kind != ATOM_ANY_DOUBLED)
        source = all[source].parent;
    return source != NORMAL_NONE && later_whole(l, source) != NORMAL_NONE;
}

/* ---- what is noted ---------------------------------------------------------------------- */

static unsigned
levels_between(const struct lowering *l, uint32_t inner, uint32_t outer)
{
    unsigned n = 0;
    for (; inner != outer; inner = l->c->sources[inner].parent)
        if (inner == NORMAL_NONE || ++n == UINT8_MAX)
            return UINT8_MAX;
    return n;
}

/* In a slot of the object that ends; of two that ask for it, of the outer one. */
static bool
note_source(struct lowering *l, uint32_t end, uint32_t source)
{
    struct spot_of *s = &l->spots[source];
    if (s->note != ENGINE_NONE &&
        levels_between(l, end, s->note_owner) != UINT8_MAX)
        return true;
    if (s->note != ENGINE_NONE &&
        levels_between(l, s->note_owner, end) == UINT8_MAX)
        return lower_stop(l, "a value waits for the ends of two objects");
    if (l->levels[end].n_slots == ENGINE_SLOTS_MAX ||
        levels_between(l, source, end) == UINT8_MAX)
        return lower_stop(l, "too many values wait");
    s->note = l->levels[end].n_slots++;
    s->note_owner = end;
    return true;
}

static bool
note_inputs(struct later_plan *p)
{
    if (!later_plan_inputs(p))
        return false;
    for (size_t i = 0; i < p->n_inputs; i++)
        if (!note_source(p->l, p->end, p->inputs[i]))
            return false;
    return true;
}

static bool
new_plan(struct lowering *l, struct later_op *op, uint32_t end, uint32_t absent,
         struct later_plan *p)
{
    *op = (struct later_op){0};
    *p = (struct later_plan){.l = l, .op = op, .end = end, .absent = absent};
    p->out = arena_alloc(l->to, sizeof(*p->out));
    return p->out || lower_no_room(l);
}

/* One that waits at one of its ends: when values are marked as such, and when they are
 * noted. What it cannot be made of there may be there for what holds it. */
static bool
note_node(struct lowering *l, const struct normal_node *node, bool marks)
{
    struct later_ends ends;
    if (!later_ends(l, node, &ends))
        return lower_stop(l, "a value waits in what may be closed");
    for (size_t i = 0; i < ends.n; i++) {
        struct later_op op;
        struct later_plan p;
        if (!new_plan(l, &op, ends.at[i], ends.absent[i], &p))
            return false;
        if (!later_plan_node(&p, node) || (!marks && !note_inputs(&p)))
            return l->once_more || l->full || l->c->full
                       ? false
                       : later_wait(l, node->parent);
    }
    return true;
}

uint32_t
later_end_of_rule(const struct lowering *l, uint32_t scope)
{
    uint32_t whole = later_whole(l, scope);
    return whole == NORMAL_NONE ? scope : l->c->sources[whole].parent;
}

static bool
note_rule(struct lowering *l, guard when, uint32_t scope, bool marks)
{
    struct later_op op;
    struct later_plan p;
    uint32_t end = later_end_of_rule(l, scope);
    /* An element that is no object has no end. */
    guard object = ask_types(l->c, term_of_source(l->c, end), LENS_OBJECT);
    if (end == scope && !guard_implies(&l->c->guards, when, object))
        return lower_stop(l, "a check that no value decides");
    return new_plan(l, &op, end, NORMAL_NONE, &p) &&
           later_plan_check(&p, when, scope) && (marks || note_inputs(&p));
}

static bool
note_rules(struct lowering *l, bool marks)
{
    const struct normal_state *s = l->state;
    for (size_t i = 0; i < s->n_checks; i++)
        if (l->check_waits[i] &&
            !note_rule(l, lower_guard(l, s->checks[i].when), s->checks[i].scope,
                       marks))
            return false;
    for (size_t i = 0; i < s->n_notices; i++)
        if (l->notice_waits[i] &&
            !note_rule(l, lower_guard(l, s->notices[i].when),
                       s->notices[i].scope, marks))
            return false;
    return true;
}

static bool
note_all(struct lowering *l)
{
    for (unsigned marks = 2; marks-- > 0;) {
        for (size_t i = 0; i < l->n_later; i++)
            if (!note_node(l, l->later[i], marks))
                return false;
        if (!note_rules(l, marks))
            return false;
    }
    return true;
}

bool
later_note_all(struct lowering *l)
{
    struct arena *to = l->to;
    l->to = l->drafts;
    bool ok = note_all(l);
    arena_reset(l->drafts);
    l->to = to;
    return ok;
}

/* ---- the op ------------------------------------------------------------------------------ */

static bool
as_op(struct later_plan *p, struct engine_op *op)
{
    struct lowering *l = p->l;
    struct engine_several *several = arena_alloc(l->to, sizeof(*several));
    if (!several || !later_plan_inputs(p) || !later_plan_keep(p))
        return several ? false : lower_no_room(l);
    struct engine_where *of = arena_array(l->to, p->n_inputs + 1, sizeof(*of));
    if (!of)
        return lower_no_room(l);
    for (size_t i = 0; i < p->n_inputs; i++) {
        const struct spot_of *s = &l->spots[p->inputs[i]];
        if (s->note == ENGINE_NONE)
            return lower_stop(l, "a value waits where it is not seen");
        of[i] = (struct engine_where){
            .up = (uint8_t)levels_between(l, p->end, s->note_owner),
            .slot = s->note};
    }
    struct engine_notes *notes =
        lower_kept(l, p->op->notes, p->op->n_notes, sizeof(*notes));
    if (!notes)
        return lower_no_room(l);
    *several = (struct engine_several){later_run,   p->out, of,
                                       p->n_inputs, notes,  p->op->n_notes};
    *op = (struct engine_op){
        .kind = ENGINE_OP_VALUE, .fault = LOWER_ASIDE, .several = several};
    return true;
}

bool
later_op(struct lowering *l, const struct normal_node *node, uint32_t end,
         struct engine_op *op)
{
    struct later_op shared;
    struct later_plan p;
    struct later_ends ends;
    static const struct json nothing = {.kind = JSON_NULL, .touched = true};
    size_t i = 0;
    if (!later_ends(l, node, &ends))
        return lower_stop(l, "a value waits in what may be closed");
    while (i < ends.n && ends.at[i] != end)
        i++;
    if (i == ends.n)
        return lower_stop(l, "a value waits where it is not seen");
    if (!new_plan(l, &shared, end, ends.absent[i], &p) ||
        !later_plan_node(&p, node) || !as_op(&p, op) ||
        !lower_text(l, node->key, &nothing, &op->text))
        return false;
    op->text.len -= 4; /* the null */
    return true;
}

/* All that is told or fails at the end of the object. */
bool
later_op_rules(struct lowering *l, uint32_t end, struct engine_op *op,
               bool *has)
{
    const struct normal_state *s = l->state;
    struct later_op shared;
    struct later_plan p;
    if (!new_plan(l, &shared, end, NORMAL_NONE, &p))
        return false;
    for (size_t i = 0; i < s->n_checks; i++) {
        if (!l->check_waits[i] ||
            later_end_of_rule(l, s->checks[i].scope) != end)
            continue;
        if (!later_plan_check(&p, l->check_when[i], s->checks[i].scope))
            return false;
        l->check_done[i] = true;
    }
    for (size_t i = 0; i < s->n_notices; i++) {
        if (!l->notice_waits[i] || l->notice_done[i] ||
            later_end_of_rule(l, s->notices[i].scope) != end)
            continue;
        if (!later_plan_notice(&p, l->notice_when[i], &s->notices[i]))
            return false;
        l->notice_done[i] = true;
    }
    *has = p.n_rules > 0;
    return !*has || as_op(&p, op);
}

/* ---- the entry of what is noted ------------------------------------------------------------ */

void
later_entry(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    struct spot_of *s = &l->spots[source];
    if (s->note == ENGINE_NONE)
        return;
    s->is_noted = true;
    e->note = s->note;
    e->note_up = (uint8_t)(levels_between(l, source, s->note_owner) - 1);
    if (s->is_valued)
        e->again = &engine_notes_whole;
}
/* NOLINTEND(misc-no-recursion) */
