/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_plan: what waits, drawn from the normal form with numbers of its own.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms, guards and places are */

static bool want_state(struct later_plan *p, const struct normal_state *s,
                       const struct later **out);

/* ---- sources -------------------------------------------------------------------- */

static bool
is_below(const struct later_plan *p, uint32_t source, uint32_t top)
{
    while (source != NORMAL_NONE && source != top)
        source = p->l->c->sources[source].parent;
    return top != NORMAL_NONE && source == top;
}

/* The number of one in the object that ends, and of what it is in. */
static bool
number_of(struct later_plan *p, uint32_t source, uint32_t *out)
{
    const struct source *s = &p->l->c->sources[source];
    struct later_source made = {
        .kind = s->kind, .parent = LATER_NONE, .input = LATER_NONE};
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->of_source[i] == source) {
            *out = (uint32_t)i;
            return true;
        }
    bool is_root = s->kind == SOURCE_ROOT && source == p->end && p->is_state;
    if (!is_root && (s->kind == SOURCE_ROOT || source == p->end))
        return later_no_plan(p);
    if (!is_root && s->parent != p->end &&
        !number_of(p, s->parent, &made.parent))
        return false;
    if (s->kind == SOURCE_KEY && !span_dup(p->l->to, s->key, &made.key))
        return lower_no_room(p->l);
    if (!later_want_step(p, s->step, &made.step))
        return false;
    void *sources = PLAN_GROW(p, p->sources, p->n_sources, p->room_sources);
    void *of = PLAN_GROW(p, p->of_source, p->n_sources, p->room_of_source);
    void *reads = PLAN_GROW(p, p->reads, p->n_sources, p->room_reads);
    if (!sources || !of || !reads)
        return false;
    p->sources = sources;
    p->of_source = of;
    p->reads = reads;
    p->sources[p->n_sources] = made;
    p->of_source[p->n_sources] = source;
    p->reads[p->n_sources] = false;
    *out = (uint32_t)p->n_sources++;
    return true;
}

/* It is asked for; of a value all there is of it is noted, and of elements all of what
 * they are in. */
bool
later_want_source(struct later_plan *p, uint32_t source, bool is_value,
                  uint32_t *out)
{
    const struct source *all = p->l->c->sources;
    uint32_t whole = is_value ? source : NORMAL_NONE;
    if (source == NORMAL_NONE || !number_of(p, source, out))
        return source == NORMAL_NONE ? later_no_plan(p) : false;
    if (is_below(p, source, p->absent))
        return true;
    p->reads[*out] = true;
    for (uint32_t at = source; at != p->end; at = all[at].parent)
        if (all[at].kind != SOURCE_KEY)
            whole = all[at].parent;
    if (whole == p->end && !p->is_state)
        return later_no_plan(p);
    if (whole != NORMAL_NONE && !p->is_state)
        p->l->spots[whole].is_valued = true;
    return true;
}

/* The keys of the first `n` kids of a source. */
bool
later_want_keys(struct later_plan *p, uint32_t source, size_t n,
                const span **keys, const uint32_t **slots, size_t *n_keys)
{
    const struct source *s = &p->l->c->sources[source];
    size_t known = n < s->n_kids ? n : s->n_kids;
    span *k = arena_array(p->l->to, known + 1, sizeof(*k));
    uint32_t *at = arena_array(p->l->to, known + 1, sizeof(*at));
    if (!k || !at)
        return lower_no_room(p->l);
    *n_keys = 0;
    for (size_t i = 0; i < known && s->kids[i] < p->l->n->n_sources; i++) {
        at[*n_keys] = s->kids[i];
        if (!span_dup(p->l->to, p->l->c->sources[s->kids[i]].key,
                      &k[(*n_keys)++]))
            return lower_no_room(p->l);
    }
    *keys = k;
    if (slots)
        *slots = at;
    return true;
}

/* ---- nodes ------------------------------------------------------------------------ */

static bool
want_alt(struct later_plan *p, const struct normal_node *node,
         const struct normal_alt *alt, guard when, struct later_alt *out)
{
    *out = (struct later_alt){.kind = alt->kind,
                              .source = LATER_NONE,
                              .is_list = alt->is_list,
                              .turned = alt->turned,
                              .order = alt->order,
                              .at_slot = LATER_NONE};
    bool turned = node->parent && node_is_turned(node->parent);
    if (turned && alt->order.step == 0 && alt->order.slot != NORMAL_NONE &&
        !later_want_source(p, alt->order.slot, false, &out->at_slot))
        return false;
    if (!later_want_guard(p, when, &out->when))
        return false;
    if (alt->kind == ALT_TERM)
        return later_want_term(p, alt->term, &out->term);
    if (alt->source != NORMAL_NONE &&
        (alt->kind == ALT_SOURCE || alt->turned) &&
        !later_want_source(p, alt->source, true, &out->source))
        return false;
    return alt->kind != ALT_SOURCE ||
           later_want_keys(p, alt->source, alt->known, &out->known, &out->slots,
                           &out->n_known);
}

static bool
want_alts(struct later_plan *p, const struct normal_node *node,
          struct later_node *out)
{
    struct later_alt *alts =
        arena_array(p->l->to, node->n_alts + 1, sizeof(*alts));
    if (!alts)
        return lower_no_room(p->l);
    for (size_t i = 0; i < node->n_alts; i++) {
        guard when = later_as_here(p, node->alts[i].when);
        if (when != GUARD_NEVER &&
            !want_alt(p, node, &node->alts[i], when, &alts[out->n_alts++]))
            return false;
    }
    out->alts = alts;
    return true;
}

bool
later_want_node(struct later_plan *p, const struct normal_node *node,
                const struct later_node **out)
{
    struct later_node *made = arena_alloc(p->l->to, sizeof(*made));
    const struct later_node **kids = arena_array(
        p->l->to, node->n_kids + 1, sizeof(const struct later_node *));
    if (!made || !kids)
        return lower_no_room(p->l);
    *made = (struct later_node){.is_each = node->is_each,
                                .each = LATER_NONE,
                                .keyed = LATER_NONE,
                                .kids = kids,
                                .n_kids = node->n_kids};
    *out = made;
    if (!span_dup(p->l->to, node->key, &made->key))
        return lower_no_room(p->l);
    if (!later_want_step(p, node->element, &made->element))
        return false;
    if (node->is_each && node->each != NORMAL_NONE &&
        !later_want_source(p, node->each, false, &made->each))
        return false;
    if (node->is_each && node->parent && node_is_turned(node->parent) &&
        !node_is_turned_list(node->parent) &&
        !later_want_term(p, node->keyed, &made->keyed))
        return false;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!later_want_node(p, node->kids[i], &kids[i]))
            return false;
    if (node->others && !later_want_node(p, node->others, &made->others))
        return false;
    return want_alts(p, node, made) &&
           (!node->state || want_state(p, node->state, &made->state));
}

bool
later_plan_node(struct later_plan *p, const struct normal_node *node)
{
    return later_want_node(p, node, &p->out->node);
}

static bool
add_rule(struct later_plan *p, guard when, uint32_t scope, bool fails,
         size_t note)
{
    const struct source *all = p->l->c->sources;
    struct later_rule made = {.fails = fails, .note = note};
    uint32_t *each = arena_array(p->l->to, STARS_MAX + 1, sizeof(*each));
    if (!each)
        return lower_no_room(p->l);
    for (uint32_t at = scope; at != p->end; at = all[at].parent) {
        if (at == NORMAL_NONE || made.n_each == STARS_MAX)
            return later_no_plan(p);
        if (all[at].kind != SOURCE_EACH)
            continue;
        memmove(each + 1, each, made.n_each * sizeof(*each));
        if (!later_want_source(p, at, false, &each[0]))
            return false;
        made.n_each++;
    }
    made.each = each;
    if (!later_want_guard(p, later_as_here(p, when), &made.when))
        return false;
    void *grown = PLAN_GROW(p, p->rules, p->n_rules, p->room_rules);
    if (!grown)
        return false;
    p->rules = grown;
    p->rules[p->n_rules++] = made;
    return true;
}

bool
later_plan_check(struct later_plan *p, guard when, uint32_t scope)
{
    return add_rule(p, when, scope, true, 0);
}

bool
later_plan_notice(struct later_plan *p, guard when,
                  const struct normal_notice *notice)
{
    struct later_op *op = p->op;
    void *grown = PLAN_GROW(p, op->notes, op->n_notes, op->room_notes);
    if (!grown)
        return false;
    op->notes = grown;
    return lower_note(p->l, notice, &op->notes[op->n_notes]) &&
           add_rule(p, when, notice->scope, false, op->n_notes++);
}

/* ---- states ------------------------------------------------------------------------ */

static bool
draw_state(struct later_plan *p, const struct normal_state *s)
{
    for (size_t i = 0; i < s->n_checks; i++) {
        guard when = lower_guard(p->l, s->checks[i].when);
        if (when != GUARD_NEVER &&
            !later_plan_check(p, when, s->checks[i].scope))
            return false;
    }
    for (size_t i = 0; i < s->n_notices; i++) {
        guard when = lower_guard(p->l, s->notices[i].when);
        if (when != GUARD_NEVER && !later_plan_notice(p, when, &s->notices[i]))
            return false;
    }
    return later_plan_node(p, s->root) && later_plan_keep(p);
}

/* Nothing of its objects is met: all that is asked of them is asked then. */
static bool
want_state(struct later_plan *p, const struct normal_state *s,
           const struct later **out)
{
    struct later_op *op = p->op;
    for (size_t i = 0; i < op->n_states; i++)
        if (op->states[i] == s) {
            *out = op->drawn[i];
            return true;
        }
    if (s->stop.why || s->n_gone)
        return lower_stop(p->l, "an object of a type is in what waits");
    struct later *made = arena_alloc(p->l->to, sizeof(*made));
    void *states =
        compose_grow(p->l->c, op->states, op->n_states, &op->room_states,
                     sizeof(const struct normal_state *));
    void *drawn = compose_grow(p->l->c, op->drawn, op->n_states,
                               &op->room_drawn, sizeof(const struct later *));
    if (!made)
        return lower_no_room(p->l);
    if (!states || !drawn)
        return false;
    op->states = states;
    op->drawn = drawn;
    op->states[op->n_states] = s;
    op->drawn[op->n_states++] = made;
    *out = made;
    struct later_plan inner = {.l = p->l,
                               .op = op,
                               .end = s->source,
                               .is_state = true,
                               .absent = NORMAL_NONE,
                               .out = made};
    bool in_held = p->l->in_held;
    p->l->in_held = true;
    bool ok = draw_state(&inner, s);
    p->l->in_held = in_held;
    return ok;
}

/* ---- what is noted ----------------------------------------------------------------- */

static bool
add_input(struct later_plan *p, uint32_t source, uint32_t number)
{
    for (size_t i = 0; i < p->n_inputs; i++)
        if (p->inputs[i] == source)
            return true;
    void *grown = PLAN_GROW(p, p->inputs, p->n_inputs, p->room_inputs);
    if (!grown)
        return false;
    p->inputs = grown;
    p->sources[number].input = (uint32_t)p->n_inputs;
    p->inputs[p->n_inputs++] = source;
    return true;
}

bool
later_plan_inputs(struct later_plan *p)
{
    for (size_t i = 0; i < p->n_sources; i++) {
        uint32_t number = (uint32_t)i;
        uint32_t top = later_whole(p->l, p->of_source[i]);
        if (!p->reads[i])
            continue;
        if (top != NORMAL_NONE && is_below(p, p->end, top))
            return lower_stop(p->l, "an object ends in what is held");
        while (top != NORMAL_NONE && p->of_source[number] != top)
            number = p->sources[number].parent;
        if (!add_input(p, p->of_source[number], number))
            return false;
    }
    return true;
}

bool
later_plan_keep(struct later_plan *p)
{
    struct lowering *l = p->l;
    struct later *out = p->out;
    out->api = l->n->api;
    out->sources = lower_kept(l, p->sources, p->n_sources, sizeof(*p->sources));
    out->atoms = lower_kept(l, p->atoms, p->n_atoms, sizeof(*p->atoms));
    out->guards = lower_kept(l, p->guards, p->n_guards, sizeof(*p->guards));
    out->terms = lower_kept(l, p->terms, p->n_terms, sizeof(*p->terms));
    out->rules = lower_kept(l, p->rules, p->n_rules, sizeof(*p->rules));
    out->n_sources = p->n_sources;
    out->n_rules = p->n_rules;
    out->n_inputs = p->n_inputs;
    return (out->sources && out->atoms && out->guards && out->terms &&
            out->rules) ||
           lower_no_room(l);
}
/* NOLINTEND(misc-no-recursion) */
