/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: a builder and its states, step by step.
 *
 * A typed value has a state; all values that come to a type untouched in one
 * step share one, so recursion of types closes on itself. A type whose objects
 * an outer type's arrows lead into has no state there: its nodes stand among
 * the outer's own.
 */
#include "translators/compose/build.h"

#include <assert.h>

/* NOLINTBEGIN(misc-no-recursion): types lie in types */

bool
compose_stop(struct compose *c, const struct lens_origin *origin,
             const char *why)
{
    if (!c->state->stop.why)
        c->state->stop = (struct normal_stop){why, origin};
    return false;
}

bool
compose_full(struct compose *c)
{
    c->full = true;
    return false;
}

/* ---- states ------------------------------------------------------------------------ */

static struct normal_state *
state_new(struct compose *c, size_t type)
{
    struct normal_state *s = arena_alloc(c->a, sizeof(*s));
    if (!s) {
        compose_full(c);
        return NULL;
    }
    *s = (struct normal_state){.type = type, .first = c->at, .last = c->at};
    s->source = source_root(c);
    s->root = node_new(c, NULL, (span){0});
    if (!s->root ||
        !node_add(c, s->root,
                  (struct normal_alt){.when = GUARD_ALWAYS,
                                      .kind = ALT_SOURCE,
                                      .source = s->source,
                                      .known = NORMAL_NONE,
                                      .order = {.slot = s->source}}))
        return NULL;
    return s;
}

static size_t
next_version(const struct compose *c)
{
    return c->up ? c->at + 1 : c->at - 1;
}

/* The same for a step in all chains that go its way, and growing on the way. */
static unsigned
step_number(const struct compose *c)
{
    return (unsigned)(c->up ? c->at + 1 : c->api->n_versions - c->at);
}

static bool
state_step(struct compose *c, struct normal_state *s, size_t type)
{
    const struct lens_type *t = &c->api->types[type];
    size_t table = c->up ? c->at : c->at - 1;
    struct object o = {.type = t,
                       .type_index = type,
                       .at = &t->at[c->at],
                       .next = &t->at[next_version(c)],
                       .block = c->api->tables[table].blocks[type],
                       .root = s->root,
                       .scope = s->source,
                       .when = GUARD_ALWAYS};
    struct normal_state *outer = c->state;
    s->stepped = c->step;
    s->stepped_as = type;
    s->mixed = s->mixed || type != s->type;
    s->n_steps++;
    s->last = next_version(c);
    if (s->stop.why)
        return true;
    c->state = s;
    s->busy = true;
    bool ok = step_object(c, &o);
    s->busy = false;
    c->state = outer;
    assert(ok || c->full || s->stop.why);
    return !c->full;
}

static struct normal_state *
state_fresh(struct compose *c, size_t type)
{
    if (c->fresh[type])
        return c->fresh[type];
    struct normal_state *s = state_new(c, type);
    c->fresh[type] = s;
    return s && state_step(c, s, type) ? s : NULL;
}

/* An object that may be hidden: only of elements it is not asked whether they are
 * there. */
static bool
may_stand(struct compose *c, const struct normal_node *n)
{
    return !n->state->may_vanish || n->is_each ||
           compose_stop(c, NULL, "an object of a type may be hidden");
}

bool
inner_state(struct compose *c, struct normal_node *n, size_t type)
{
    if (n->n_alts == 0)
        return true;
    struct normal_state *s = n->state;
    if (!s) {
        if (n->n_kids)
            return compose_stop(c, NULL,
                                "an object has a type only further on");
        s = state_fresh(c, type);
        if (!s)
            return false;
        n->state = s;
        n->n_steps = s->n_steps;
        return may_stand(c, n);
    }
    bool done = s->stepped == c->step;
    /* What a step leaves as it is was read in an earlier one. */
    if (!done && !c->touched[type] && s->stepped_as == type &&
        n->n_steps == s->n_steps)
        return may_stand(c, n);
    if (done ? s->stepped_as != type || n->n_steps + 1 != s->n_steps
             : n->n_steps != s->n_steps)
        return compose_stop(
            c, NULL, "one value is of two types at once along the chain");
    if (!done && !state_step(c, s, type))
        return false;
    n->n_steps = s->n_steps;
    return may_stand(c, n);
}

/* ---- the builder ---------------------------------------------------------------------- */

static enum err_code
too_much(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no room for a chain's normal form");
}

/* By type. */
static bool
make_states(struct compose *c)
{
    size_t n = c->api->n_types + 1;
    c->roots = arena_array(c->a, n, sizeof(struct normal_state *));
    c->fresh = arena_array(c->a, n, sizeof(struct normal_state *));
    c->forms = arena_array(c->a, n, sizeof(*c->forms));
    c->touched = arena_array(c->a, n, sizeof(*c->touched));
    return c->roots && c->fresh && c->forms && c->touched;
}

enum err_code
compose_begin(struct arena *a, const struct lens_api *api, const bool *reaches,
              size_t from, bool up, struct compose **out, struct err *e)
{
    struct compose *c = arena_alloc(a, sizeof(*c));
    if (!c)
        return too_much(e);
    *c = (struct compose){.a = a,
                          .api = api,
                          .from = from,
                          .at = from,
                          .up = up,
                          .read = up ? LENS_OLDER : LENS_NEWER,
                          .write = up ? LENS_NEWER : LENS_OLDER,
                          .reaches = reaches ? reaches : compose_reach(a, api)};
    if (!c->reaches || !make_states(c) || !guards_init(&c->guards, a) ||
        !ask_room(c))
        return too_much(e);
    /* The first of each kind is what stands for those that find no room. */
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    (void)source_root(c);
    (void)term_const(c, &null);
    (void)ask(c, (struct atom){.kind = ATOM_REQUEST});
    if (c->full || c->guards.full)
        return too_much(e);
    *out = c;
    return OK;
}

void
compose_touched_only(struct compose *c)
{
    assert(c->at == c->from);
    c->touched_only = true;
}

size_t
compose_size(const struct compose *c)
{
    return c->guards.n;
}

/* What went in this step is as it is after it. */
static bool
settle_gone(struct compose *c, struct normal_state *s)
{
    struct normal_state *outer = c->state;
    c->state = s;
    for (; !s->stop.why && s->n_frozen < s->n_gone; s->n_frozen++) {
        struct normal_node *frozen = node_freeze(c, s->gone[s->n_frozen].node);
        if (!frozen)
            break;
        s->gone[s->n_frozen].node = frozen;
    }
    c->state = outer;
    return !c->full;
}

static bool
settle_node(struct compose *c, struct normal_node *n)
{
    struct normal_state *s = n->state;
    if (s && s->settled != c->step) {
        s->settled = c->step;
        if (!settle_gone(c, s) || !settle_node(c, s->root))
            return false;
    }
    for (size_t i = 0; i < n->n_kids; i++)
        if (!settle_node(c, n->kids[i]))
            return false;
    return true;
}

/* What went in this step of one state, and of all in it. */
static bool
settle(struct compose *c, struct normal_state *s)
{
    if (s->settled == c->step)
        return true;
    s->settled = c->step;
    return settle_gone(c, s) && settle_node(c, s->root);
}

static bool
go_further(struct compose *c)
{
    c->step = step_number(c);
    memset(c->fresh, 0, c->api->n_types * sizeof(struct normal_state *));
    for (size_t type = 0; type < c->api->n_types; type++) {
        struct normal_state *s = c->roots[type];
        if (c->at == c->from && (c->touched[type] || !c->touched_only))
            c->roots[type] = state_fresh(c, type);
        else if (s && s->stepped != c->step && c->touched[type])
            (void)state_step(c, s, type);
        if (c->full || c->guards.full)
            return false;
    }
    for (size_t type = 0; type < c->api->n_types; type++)
        if (c->roots[type] && c->touched[type] && !settle(c, c->roots[type]))
            return false;
    c->at = next_version(c);
    return !c->full && !c->guards.full;
}

enum err_code
compose_step(struct compose *c, struct err *e)
{
    assert(c->up ? c->at + 1 < c->api->n_versions : c->at > 0);
    bool first = c->at == c->from;
    touch_find(c);
    for (size_t type = 0; type < c->api->n_types; type++)
        c->forms[type] += (first && !c->touched_only) ||
                          (c->touched[type] && (first || c->roots[type]));
    return go_further(c) ? OK : too_much(e);
}

unsigned
compose_form(const struct compose *c, size_t type)
{
    return c->forms[type];
}

/* ---- taking ------------------------------------------------------------------------------ */

struct found {
    struct compose *c;
    const struct normal_state **at;
    size_t n;
    size_t room;
    bool mixed;
    bool hidden; /* one stands where it is asked whether it is there */
};

static bool find_in(struct found *f, const struct normal_node *n);

static bool
find_state(struct found *f, const struct normal_state *s)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->at[i] == s)
            return true;
    void *grown = compose_grow(f->c, f->at, f->n, &f->room,
                               sizeof(struct normal_state *));
    if (!grown)
        return false;
    f->at = grown;
    f->at[f->n++] = s;
    f->mixed = f->mixed || (s->stop.why && s->mixed);
    if (s->stop.why)
        return true;
    for (size_t i = 0; i < s->n_gone; i++)
        if (!find_in(f, s->gone[i].node))
            return false;
    return find_in(f, s->root);
}

static bool
find_in(struct found *f, const struct normal_node *n)
{
    f->hidden = f->hidden ||
                (n->n_alts && n->state && n->state->may_vanish && !n->is_each);
    if (n->n_alts && n->state && !find_state(f, n->state))
        return false;
    for (size_t i = 0; i < n->n_kids; i++)
        if (!find_in(f, n->kids[i]))
            return false;
    for (size_t i = 0; i < n->n_alts; i++)
        for (uint32_t term = n->alts[i].term; n->alts[i].kind == ALT_TERM;) {
            const struct term *t = &f->c->terms[term];
            if (t->kind == TERM_TREE && !find_in(f, t->tree))
                return false;
            if (t->kind != TERM_ENUM && t->kind != TERM_FORM &&
                t->kind != TERM_WRAP && t->kind != TERM_PICK)
                break;
            term = t->of;
        }
    return true;
}

/* Frozen with all it reaches; one that stops stands for itself. */
static struct normal_state *
freeze_root(struct compose *c, struct normal_state *s)
{
    struct normal_node holder = {.key = {0}, .each = NORMAL_NONE};
    holder.state = s;
    holder.n_steps = s->n_steps;
    struct normal_state *outer = c->state;
    c->state = s;
    struct normal_node *frozen = node_freeze(c, &holder);
    c->state = outer;
    if (frozen)
        return frozen->state;
    if (!s->stop.why)
        return NULL;
    frozen = node_freeze(c, &holder); /* now as one that stops */
    return frozen ? frozen->state : NULL;
}

/* Whoever walks over guards marks them; normal forms of one builder share the marks. */
static bool
make_marks(struct compose *c)
{
    size_t room = c->room_marks ? c->room_marks : 64;
    if (c->guards.n <= c->room_marks)
        return true;
    while (room < c->guards.n)
        room *= 2;
    c->marks = arena_array(c->a, room, sizeof(*c->marks));
    c->room_marks = room;
    return c->marks || compose_full(c);
}

enum err_code
compose_take(struct compose *c, size_t type, const struct normal **out,
             struct err *e)
{
    assert(c->at != c->from);
    struct normal_state *root = freeze_root(c, c->roots[type]);
    struct normal *n = arena_alloc(c->a, sizeof(*n));
    struct found found = {.c = c};
    if (!root || !n || !make_marks(c) || !find_state(&found, root))
        return too_much(e);
    if ((root->may_vanish || found.hidden) && !root->stop.why) {
        root->stop.why = "an object that is no element may be hidden";
        found.n = 1;
    }
    if (found.mixed && !root->stop.why) {
        root->stop.why = "one value is of two types along the chain";
        found.n = 1;
    }
    *n = (struct normal){.api = c->api,
                         .from = c->from,
                         .to = c->at,
                         .root = root,
                         .states = found.at,
                         .n_states = found.n,
                         .sources = c->sources,
                         .n_sources = c->n_sources,
                         .terms = c->terms,
                         .atoms = c->atoms,
                         .guards = c->guards.at,
                         .n_atoms = c->n_atoms,
                         .marks = c->marks,
                         .n_walks = &c->n_walks};
    *out = n;
    return OK;
}
/* NOLINTEND(misc-no-recursion) */
