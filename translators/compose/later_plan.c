/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_plan: what waits, drawn from the normal form with numbers of its own.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms, guards and places are */

#define PLAN_GROW(p, array, n, room)                                           \
    compose_grow((p)->l->c, (array), (n), &(room), sizeof(*(array)))

static bool
no_plan(struct later_plan *p)
{
    return lower_stop(p->l, "what waits is made of what its object has not");
}

static bool want_state(struct later_plan *p, const struct normal_state *s,
                       const struct later **out);
static bool want_guard(struct later_plan *p, guard g, uint32_t *out);
static bool want_node(struct later_plan *p, const struct normal_node *node,
                      const struct later_node **out);

/* Where the object is at hand. */
static guard
as_here(struct later_plan *p, guard g)
{
    return class_inside(p->l, lower_guard(p->l, g), p->end);
}

/* ---- what outlives the builder ---------------------------------------------------- */

/* A literal that outlives the builder. */
static bool
want_value(struct later_plan *p, const struct json *value,
           const struct json **out)
{
    struct buf b;
    struct json *copy = NULL;
    struct err e;
    span text = {0};
    if (!value)
        return true;
    buf_init(&b, arena_limit(p->l->to));
    json_print(value, &b);
    bool ok = !buf_failed(&b) && span_dup(p->l->to, buf_span(&b), &text) &&
              json_parse(p->l->to, text, JSON_DEPTH_MAX, &copy, &e) == OK;
    buf_fini(&b);
    *out = copy;
    return ok || lower_no_room(p->l);
}

static bool
want_place(struct later_plan *p, const struct lens_place *from,
           struct lens_place *to)
{
    struct lens_step *steps =
        lower_kept(p->l, from->steps, from->n, sizeof(*steps));
    for (size_t i = 0; steps && i < from->n; i++)
        if (!span_dup(p->l->to, from->steps[i].key, &steps[i].key))
            return lower_no_room(p->l);
    *to = (struct lens_place){.steps = steps, .n = from->n};
    return steps || lower_no_room(p->l);
}

/* A step that counts or looks for an element. */
static bool
want_step(struct later_plan *p, const struct lens_step *from,
          const struct lens_step **to)
{
    *to = NULL;
    if (!from)
        return true;
    struct lens_step *step = arena_alloc(p->l->to, sizeof(*step));
    struct lens_find *finds =
        lower_kept(p->l, from->finds, from->n_finds, sizeof(*finds));
    if (!step || !finds)
        return lower_no_room(p->l);
    for (size_t i = 0; i < from->n_finds; i++)
        if (!want_place(p, &from->finds[i].member, &finds[i].member) ||
            !want_value(p, from->finds[i].value, &finds[i].value))
            return false;
    *step = (struct lens_step){.kind = from->kind,
                               .index = from->index,
                               .finds = finds,
                               .n_finds = from->n_finds};
    *to = step;
    return true;
}

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
        return no_plan(p);
    if (!is_root && s->parent != p->end &&
        !number_of(p, s->parent, &made.parent))
        return false;
    if (s->kind == SOURCE_KEY && !span_dup(p->l->to, s->key, &made.key))
        return lower_no_room(p->l);
    if (!want_step(p, s->step, &made.step))
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
static bool
want_source(struct later_plan *p, uint32_t source, bool is_value, uint32_t *out)
{
    const struct source *all = p->l->c->sources;
    uint32_t whole = is_value ? source : NORMAL_NONE;
    if (source == NORMAL_NONE || !number_of(p, source, out))
        return source == NORMAL_NONE ? no_plan(p) : false;
    if (is_below(p, source, p->absent))
        return true;
    p->reads[*out] = true;
    for (uint32_t at = source; at != p->end; at = all[at].parent)
        if (all[at].kind != SOURCE_KEY)
            whole = all[at].parent;
    if (whole == p->end && !p->is_state)
        return no_plan(p);
    if (whole != NORMAL_NONE && !p->is_state)
        p->l->spots[whole].is_valued = true;
    return true;
}

/* The keys of the first `n` kids of a source. */
static bool
want_keys(struct later_plan *p, uint32_t source, size_t n, const span **keys,
          const uint32_t **slots, size_t *n_keys)
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

/* ---- terms ----------------------------------------------------------------------- */

static bool
want_symbols(struct later_plan *p, const struct lens_symbols *from,
             struct lens_symbols *to)
{
    *to = *from;
    to->rows = lower_kept(p->l, from->rows, from->n_rows, sizeof(*from->rows));
    return to->rows || lower_no_room(p->l);
}

static bool want_parts(struct later_plan *p, const struct term *t,
                       struct later_term *out);

static bool want_term(struct later_plan *p, uint32_t term, uint32_t *out);

/* What a term is made of. */
static bool
want_inside(struct later_plan *p, const struct term *t, struct later_term *made)
{
    switch (t->kind) {
    case TERM_SOURCE:
        return want_source(p, t->source, true, &made->source);
    case TERM_CONST:
        return want_value(p, t->value, &made->value);
    case TERM_ENUM:
        return want_symbols(p, t->symbols, &made->symbols) &&
               want_term(p, t->of, &made->of);
    case TERM_FORM:
        if (t->from->kind == LENS_AS_BIN || t->to->kind == LENS_AS_BIN)
            return no_plan(p);
        return want_term(p, t->of, &made->of);
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
    case TERM_COUNT:
        return want_term(p, t->of, &made->of);
    case TERM_JOIN:
    case TERM_FIRST:
    case TERM_TEXT:
        return want_parts(p, t, made);
    case TERM_TREE:
        return want_node(p, t->tree, &made->tree);
    case TERM_COMMON:
        return want_source(p, t->source, false, &made->source) &&
               want_term(p, t->of, &made->of);
    case TERM_KEY:
        return want_source(p, t->source, false, &made->source);
    }
    return no_plan(p);
}

static bool
want_term(struct later_plan *p, uint32_t term, uint32_t *out)
{
    const struct term t = p->l->c->terms[term];
    struct later_term made = {.kind = t.kind,
                              .from = t.from,
                              .to = t.to,
                              .pattern = t.pattern,
                              .pick = t.pick,
                              .n = t.n};
    for (size_t i = 0; i < p->n_terms; i++)
        if (p->of_term[i] == term) {
            *out = (uint32_t)i;
            return true;
        }
    if (!want_inside(p, &t, &made))
        return false;
    void *grown = PLAN_GROW(p, p->terms, p->n_terms, p->room_terms);
    void *of = PLAN_GROW(p, p->of_term, p->n_terms, p->room_of_term);
    if (!grown || !of)
        return false;
    p->terms = grown;
    p->of_term = of;
    p->of_term[p->n_terms] = term;
    p->terms[p->n_terms] = made;
    *out = (uint32_t)p->n_terms++;
    return true;
}

static bool
want_parts(struct later_plan *p, const struct term *t, struct later_term *out)
{
    struct later_part *parts =
        arena_array(p->l->to, t->n_parts + 1, sizeof(*parts));
    if (!parts)
        return lower_no_room(p->l);
    size_t n = 0;
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct term_part *from = &t->parts[i];
        bool chosen = t->kind == TERM_FIRST;
        guard when = chosen ? as_here(p, from->when) : GUARD_ALWAYS;
        if (when == GUARD_NEVER || (chosen && from->term == NORMAL_NONE))
            continue;
        parts[n] = (struct later_part){1, NORMAL_NONE, {0}};
        if (!span_dup(p->l->to, from->text, &parts[n].text))
            return lower_no_room(p->l);
        if (!want_guard(p, when, &parts[n].when) ||
            (from->term != NORMAL_NONE &&
             !want_term(p, from->term, &parts[n].term)))
            return false;
        n++;
    }
    out->parts = parts;
    out->n_parts = n;
    return true;
}

/* ---- guards ----------------------------------------------------------------------- */

/* Those that the machine sees to itself never hold, but in what it does not look
 * into. */
static bool
is_of_machine(const struct later_plan *p, const struct atom *a)
{
    return (a->kind == ATOM_DOUBLED || a->kind == ATOM_ANY_DOUBLED ||
            a->kind == ATOM_UNCLEAN) &&
           !later_is_inside(p->l, a);
}

static bool
want_atom(struct later_plan *p, const struct atom *a, struct later_atom *out)
{
    uint32_t host = NORMAL_NONE;
    *out = (struct later_atom){.kind = a->kind, .n = a->n};
    if (!span_dup(p->l->to, a->text, &out->text))
        return lower_no_room(p->l);
    switch (a->kind) {
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
        return want_source(p, a->source, false, &out->source);
    case ATOM_OTHERS:
        return want_source(p, a->source, true, &out->source) &&
               want_keys(p, a->source, a->n, &out->keys, NULL, &out->n_keys);
    case ATOM_UNKNOWN:
        host = p->l->c->sources[a->source].parent;
        return want_source(p, a->source, false, &out->source) &&
               want_keys(p, host, a->n, &out->keys, NULL, &out->n_keys);
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
        return want_source(p, a->source, false, &out->source) &&
               want_guard(p, as_here(p, (guard)a->n), &out->guard);
    case ATOM_TWICE:
    case ATOM_EARLIER:
        return want_source(p, a->source, false, &out->source) &&
               want_guard(p, as_here(p, (guard)a->n), &out->guard) &&
               want_term(p, a->term, &out->term);
    case ATOM_SAME:
        return want_term(p, a->term, &out->term) &&
               want_term(p, a->other, &out->other);
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return no_plan(p);
    default:
        return want_value(p, a->value, &out->value) &&
               want_term(p, a->term, &out->term);
    }
}

static bool
want_guard(struct later_plan *p, guard g, uint32_t *out)
{
    *out = g;
    if (g <= GUARD_ALWAYS)
        return true;
    for (size_t i = 0; i < p->n_guards; i++)
        if (p->of_guard[i] == g) {
            *out = (uint32_t)i + 2;
            return true;
        }
    const struct guard_node node = p->l->c->guards.at[g];
    const struct atom atom = p->l->c->atoms[node.atom];
    struct later_guard made = {0};
    struct later_atom asks = {0};
    if (is_of_machine(p, &atom))
        return want_guard(p, node.no, out);
    if (!want_atom(p, &atom, &asks) || !want_guard(p, node.yes, &made.yes) ||
        !want_guard(p, node.no, &made.no))
        return false;
    void *atoms = PLAN_GROW(p, p->atoms, p->n_atoms, p->room_atoms);
    void *guards = PLAN_GROW(p, p->guards, p->n_guards, p->room_guards);
    void *of = PLAN_GROW(p, p->of_guard, p->n_guards, p->room_of_guard);
    if (!atoms || !guards || !of)
        return false;
    p->atoms = atoms;
    p->guards = guards;
    p->of_guard = of;
    made.atom = (uint32_t)p->n_atoms;
    p->atoms[p->n_atoms++] = asks;
    p->of_guard[p->n_guards] = g;
    p->guards[p->n_guards] = made;
    *out = (uint32_t)p->n_guards++ + 2;
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
        !want_source(p, alt->order.slot, false, &out->at_slot))
        return false;
    if (!want_guard(p, when, &out->when))
        return false;
    if (alt->kind == ALT_TERM)
        return want_term(p, alt->term, &out->term);
    if (alt->source != NORMAL_NONE &&
        (alt->kind == ALT_SOURCE || alt->turned) &&
        !want_source(p, alt->source, true, &out->source))
        return false;
    return alt->kind != ALT_SOURCE ||
           want_keys(p, alt->source, alt->known, &out->known, &out->slots,
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
        guard when = as_here(p, node->alts[i].when);
        if (when != GUARD_NEVER &&
            !want_alt(p, node, &node->alts[i], when, &alts[out->n_alts++]))
            return false;
    }
    out->alts = alts;
    return true;
}

static bool
want_node(struct later_plan *p, const struct normal_node *node,
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
    if (!want_step(p, node->element, &made->element))
        return false;
    if (node->is_each && node->each != NORMAL_NONE &&
        !want_source(p, node->each, false, &made->each))
        return false;
    if (node->is_each && node->parent && node_is_turned(node->parent) &&
        !node_is_turned_list(node->parent) &&
        !want_term(p, node->keyed, &made->keyed))
        return false;
    for (size_t i = 0; i < node->n_kids; i++)
        if (!want_node(p, node->kids[i], &kids[i]))
            return false;
    return want_alts(p, node, made) &&
           (!node->state || want_state(p, node->state, &made->state));
}

bool
later_plan_node(struct later_plan *p, const struct normal_node *node)
{
    return want_node(p, node, &p->out->node);
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
            return no_plan(p);
        if (all[at].kind != SOURCE_EACH)
            continue;
        memmove(each + 1, each, made.n_each * sizeof(*each));
        if (!want_source(p, at, false, &each[0]))
            return false;
        made.n_each++;
    }
    made.each = each;
    if (!want_guard(p, as_here(p, when), &made.when))
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
