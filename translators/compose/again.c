/* SPDX-License-Identifier: Apache-2.0 */
/*
 * again: states that go through the versions one after another, where nothing else does
 * (SEMANTICS.md, rule 9).
 *
 * An object of such a state is held whole and translated by the reference, by itself:
 * nobody around it looks into it, or it would be no state. What stands around it must
 * not ask whether it is still there, and it must not ask where it stands. Where that is
 * not so the state around it goes again, and so on outwards.
 */
#include "translators/compose/lowering.h"

#include "proxy/base/buf.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as cases and types */

/* ---- what the reference may do alone ------------------------------------------------- */

static bool
asks_where(const struct lens_value *v)
{
    for (; v; v = v->otherwise)
        for (size_t i = 0; i < v->n_parts; i++)
            if (v->parts[i].kind == LENS_PART_INDEX)
                return true;
    return false;
}

static bool
arrow_asks_where(const struct lens_arrow *arrow)
{
    bool asks = asks_where(&arrow->fill) || asks_where(&arrow->absent[0]) ||
                asks_where(&arrow->absent[1]);
    for (size_t i = 0; i < arrow->n_ways; i++)
        asks = asks || asks_where(&arrow->ways[i].hidden);
    return asks;
}

/* What the blocks of a type say of it as a whole, all cases together. */
struct whole {
    bool asks_where;  /* its place in a list is asked */
    bool may_vanish;  /* a case of it has no form on the other side */
    bool may_be_else; /* there are cases: of what is no object, too */
};

static void
look_at(const struct lens_block *block, enum lens_side write, struct whole *w)
{
    for (size_t i = 0; block && i < block->n_arrows; i++)
        w->asks_where = w->asks_where || arrow_asks_where(&block->arrows[i]);
    for (size_t i = 0; block && i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *one = &block->choices[i].cases[k];
            w->may_be_else = true;
            w->may_vanish = w->may_vanish || !one->has[write];
            w->asks_where = w->asks_where || asks_where(&one->hidden);
            look_at(one->block, write, w);
        }
}

static struct whole
whole_of(const struct lowering *l, const struct normal_state *s)
{
    const struct lens_api *api = l->n->api;
    struct whole w = {0};
    size_t low = s->first < s->last ? s->first : s->last;
    size_t high = s->first < s->last ? s->last : s->first;
    for (size_t table = low; table < high; table++)
        look_at(api->tables[table].blocks[s->type], l->c->write, &w);
    return w;
}

/* Was it of one type in all steps from its first to its last? */
static bool
is_of_one(const struct normal_state *s)
{
    size_t n = s->first < s->last ? s->last - s->first : s->first - s->last;
    return !s->mixed && s->n_steps == n && n > 0;
}

bool
lower_again(struct lowering *l, size_t state, const char *why,
            const struct lens_origin *origin)
{
    const struct normal_state *s = l->n->states[state];
    struct whole w = whole_of(l, s);
    l->stuck[state] = !is_of_one(s) || w.asks_where;
    struct lower_again *new = arena_alloc(l->to, sizeof(*new));
    if (!new)
        return lower_no_room(l);
    *new = (struct lower_again){.type = s->type,
                                .from = s->first,
                                .to = s->last,
                                .why = why,
                                .origin = origin};
    new->asked = (struct engine_again){.what = new,
                                       .fault = LOWER_ASIDE,
                                       .vanishes = w.may_vanish,
                                       .shapes = w.may_be_else ? ENGINE_SHAPES
                                                               : ENGINE_OBJECT};
    l->again[state] = new;
    return true;
}

/* ---- entries that lead there --------------------------------------------------------- */

bool
lower_lead(struct lowering *l, size_t state, uint32_t source,
           const struct normal_node *node, struct engine_entry *e)
{
    void *grown = COMPOSE_GROW(l->c, l->leads, l->n_leads, l->room_leads);
    if (!grown)
        return false;
    l->leads = grown;
    l->leads[l->n_leads++] = (struct lead){.entry = e,
                                           .node = node,
                                           .source = source,
                                           .from = l->at,
                                           .to = state,
                                           .goes = l->spots[source].goes};
    e->child = l->states[state];
    return true;
}

/* May what stands around it let it go again? */
static bool
is_alone(const struct lowering *l, const struct lead *lead)
{
    return !l->stuck[lead->to] && lead->goes == GUARD_NEVER &&
           lead->node->n_steps == l->n->states[lead->to]->n_steps &&
           (lead->node->is_each || !l->again[lead->to]->asked.vanishes);
}

/* Outwards, until all that go again may: all that there is, in the end. */
static bool
spread(struct lowering *l)
{
    for (size_t i = 0; i < l->n_leads; i++) {
        const struct lead *lead = &l->leads[i];
        const struct lower_again *inner = l->again[lead->to];
        if (!inner || l->again[lead->from] || is_alone(l, lead))
            continue;
        if (!lower_again(l, lead->from, inner->why, inner->origin))
            return false;
        i = SIZE_MAX; /* from the beginning */
    }
    return !l->again[0] || lower_stop(l, l->again[0]->why);
}

/* ---- what is told of them ------------------------------------------------------------ */

/* Where the state is met first, from the root's object on. */
static bool
place_of(struct lowering *l, const struct lead **way, size_t n, span *out)
{
    struct buf b;
    buf_init(&b, arena_limit(l->c->a));
    while (n-- > 0) {
        if (buf_len(&b))
            buf_byte(&b, '/');
        normal_place(l->n, way[n]->source, &b);
    }
    bool ok = !buf_failed(&b) && span_dup(l->to, buf_span(&b), out);
    buf_fini(&b);
    return ok || lower_no_room(l);
}

/* States that are met, by the lead that met them first; the root's is its own. */
struct met {
    const struct lead **by;
    bool *is;
};

static void
meet(const struct lowering *l, struct met *met)
{
    met->is[0] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < l->n_leads; i++) {
            const struct lead *lead = &l->leads[i];
            if (met->is[lead->to] || !met->is[lead->from] ||
                l->again[lead->from])
                continue;
            met->is[lead->to] = more = true;
            met->by[lead->to] = lead;
        }
    }
}

static bool
tell(struct lowering *l, const struct met *met)
{
    size_t n_states = l->n->n_states;
    const struct lower_again **all =
        arena_array(l->to, n_states + 1, sizeof(struct lower_again *));
    const struct lead **way =
        arena_array(l->c->a, n_states + 1, sizeof(struct lead *));
    if (!all || !way)
        return lower_no_room(l);
    l->out->agains = all;
    for (size_t i = 0; i < n_states; i++) {
        size_t n = 0;
        if (!l->again[i] || !met->is[i])
            continue;
        for (size_t at = i; at; at = met->by[at]->from)
            way[n++] = met->by[at];
        if (!place_of(l, way, n, &l->again[i]->place))
            return false;
        all[l->out->n_agains++] = l->again[i];
    }
    return true;
}

bool
lower_agains(struct lowering *l)
{
    size_t n = l->n->n_states;
    struct met met = {.by = arena_array(l->c->a, n + 1, sizeof(struct lead *)),
                      .is = arena_array(l->c->a, n + 1, sizeof(bool))};
    if (!met.by || !met.is)
        return lower_no_room(l);
    if (!spread(l))
        return false;
    for (size_t i = 0; i < l->n_leads; i++) {
        const struct lower_again *again = l->again[l->leads[i].to];
        struct engine_entry *e = l->leads[i].entry;
        if (!again)
            continue;
        e->again = &again->asked;
        e->child = NULL;
        if (again->asked.vanishes)
            e->when = &engine_always;
        engine_entry_settle(e);
    }
    meet(l, &met);
    return tell(l, &met);
}
/* NOLINTEND(misc-no-recursion) */
