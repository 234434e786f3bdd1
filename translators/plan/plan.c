/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/plan/plan.h"

#include "translators/compose/lower.h"
#include "translators/engine/packed.h"
#include "translators/plan/program.h"

#define SCRATCH_MAX ((size_t)256 * 1024 * 1024)

/* ---- where a body begins --------------------------------------------------------- */

/* The fault of a program is the same wherever it begins. */
static const struct engine_entry plain = {.action = ENGINE_KEEP,
                                          .bit = ENGINE_NONE,
                                          .twice = ENGINE_NONE,
                                          .fault = LOWER_ASIDE,
                                          .slot = ENGINE_NONE,
                                          .note = ENGINE_NONE};

/* Members and elements on the way to a typed value. */
static bool
allows_place(const struct lens_place *place)
{
    for (size_t i = 0; i < place->n; i++)
        if (place->steps[i].kind != LENS_KEY &&
            place->steps[i].kind != LENS_EACH)
            return false;
    return true;
}

/* What is known of a value whose kid at `step` is `kid`. NULL: no room. */
static struct engine_state *
around(struct arena *a, const struct lens_step *step,
       const struct engine_entry *kid)
{
    struct engine_state *s = arena_alloc(a, sizeof(*s));
    if (!s)
        return NULL;
    if (step->kind == LENS_EACH) {
        s->each = kid;
        return s;
    }
    s->entries = kid;
    return engine_table_build(a, &step->key, 1, &s->keys) ? s : NULL;
}

/* The entry of a document that has a value as `value` says at the place. NULL: no room. */
static const struct engine_entry *
lead(struct arena *a, const struct lens_place *place,
     const struct engine_entry *value)
{
    const struct engine_state *state = value->child;
    for (size_t i = place->n;; i--) {
        struct engine_entry *e = arena_alloc(a, sizeof(*e));
        if (!e)
            return NULL;
        *e = i == place->n ? *value : plain;
        e->child = state;
        if (i < place->n && place->steps[i].kind == LENS_EACH)
            e->refused = ENGINE_OBJECT; /* of which a star means the members */
        if (i > 0 && place->steps[i - 1].kind == LENS_KEY) {
            e->bit = 0;
            e->twice = LOWER_ASIDE;
        }
        engine_entry_settle(e);
        if (i == 0)
            return e;
        state = around(a, &place->steps[i - 1], e);
        if (!state)
            return NULL;
    }
}

/* ---- entries ---------------------------------------------------------------------- */

/* A type in one kind of message, as it was made last. */
struct plan_group {
    unsigned form; /* of the builder's */
    bool known;    /* there is a program, or all of a value goes again */
    bool is_again;
    struct plan_entry whole;
    const struct plan_entry **entries; /* by place, as they were asked for */
    size_t n;
    size_t room;
};

static const struct lens_place nowhere;

/* All of a value goes again. NULL: no room. */
static const struct engine_entry *
again(struct arena *a, const struct lower_again *whole)
{
    struct engine_entry *e = arena_alloc(a, sizeof(*e));
    if (!e)
        return NULL;
    *e = plain;
    e->again = &whole->asked;
    e->when = whole->asked.vanishes ? &engine_always : NULL;
    return e;
}

/* What the builder's steps so far do to a type. NULL: no room. */
static struct plan_group *
make_group(struct plan_maker *m, size_t type, bool is_request)
{
    struct lowered l;
    struct err e;
    struct plan_group *g = arena_alloc(m->kept, sizeof(*g));
    if (!g || compose_lower(m->c, m->a, type, is_request, &l, &e) != OK)
        return NULL;
    g->form = compose_form(m->c, type);
    g->known = !l.why || l.whole;
    g->is_again = l.why;
    g->whole = (struct plan_entry){.api = m->api,
                                   .place = &nowhere,
                                   .type = type,
                                   .is_request = is_request,
                                   .guards = l.guards && !l.why,
                                   .waits = l.waits,
                                   .goes_again = l.why || l.n_agains,
                                   .tells = l.tells,
                                   .n_tells = l.n_tells,
                                   .program = l.program};
    if (g->known && l.why)
        g->whole.program.root = again(m->a, l.whole);
    return !g->known || g->whole.program.root ? g : NULL;
}

/* The program, of a document that has its value at a place. NULL: no room. */
static const struct plan_entry *
entry_at(struct plan_maker *m, struct plan_group *g,
         const struct lens_place *place)
{
    for (size_t i = 0; i < g->n; i++)
        if (lens_place_same(g->entries[i]->place, place))
            return g->entries[i];
    struct plan_entry *e = arena_alloc(m->a, sizeof(*e));
    if (g->n == g->room) {
        size_t room = g->room ? 2 * g->room : 4;
        void *grown = arena_grow(m->kept, g->entries, g->n, room,
                                 sizeof(struct plan_entry *));
        if (!grown)
            return NULL;
        g->entries = grown;
        g->room = room;
    }
    if (!e)
        return NULL;
    *e = g->whole;
    e->place = place;
    e->program.root =
        place->n ? lead(m->a, place, g->whole.program.root) : e->program.root;
    if (!e->program.root || !engine_pack(m->packer, &e->program, &e->packed))
        return NULL;
    return g->entries[g->n++] = e;
}

static bool
add_entry(struct plan_maker *m, struct plan_group *g,
          const struct lens_place *place, struct plan *p)
{
    const struct plan_entry *e = entry_at(m, g, place);
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i] == e)
            return e != NULL;
    p->entries[p->n_entries] = e;
    p->n_entries += e != NULL;
    return e != NULL;
}

/* Of a type, as a whole body and wherever messages of this version have it: but for a
 * whole body that goes again, which is the reference's. */
static bool
add_type(struct plan_maker *m, struct plan_group *g, size_t from,
         struct plan *p)
{
    if (!g->known)
        return true;
    if (!g->is_again && !add_entry(m, g, &nowhere, p))
        return false;
    for (size_t i = 0; i < m->api->n_sites[from]; i++) {
        const struct lens_site *s = &m->api->sites[from][i];
        if (s->type == g->whole.type && allows_place(&s->place) &&
            (s->place.n || !g->is_again) && !add_entry(m, g, &s->place, p))
            return false;
    }
    return true;
}

/* ---- plans ------------------------------------------------------------------------ */

struct plan_group **
plan_groups_new(struct plan_maker *m)
{
    return arena_array(m->kept, 2 * m->api->n_types + 1,
                       sizeof(struct plan_group *));
}

/* The types that messages have at a place where programs begin; others are met in objects of
 * these alone. */
static const bool *
find_asked(struct arena *a, const struct lens_api *api)
{
    bool *asked = arena_array(a, api->n_types + 1, sizeof(*asked));
    for (size_t v = 0; asked && v < api->n_versions; v++)
        for (size_t i = 0; i < api->n_sites[v]; i++) {
            const struct lens_site *s = &api->sites[v][i];
            asked[s->type] = asked[s->type] || allows_place(&s->place);
        }
    return asked;
}

bool
plan_maker_init(struct plan_maker *m, struct arena *a,
                const struct lens_api *api)
{
    *m = (struct plan_maker){.a = a, .api = api};
    m->kept = arena_new(SCRATCH_MAX);
    m->scratch = arena_new(SCRATCH_MAX);
    if (!m->kept || !m->scratch)
        return false;
    m->reaches = compose_reach(m->kept, api);
    m->packer = engine_packer_new(a, m->kept);
    m->groups = plan_groups_new(m);
    m->asked = find_asked(m->kept, api);
    return m->reaches && m->asked && m->packer && m->groups;
}

void
plan_maker_fini(struct plan_maker *m)
{
    arena_free(&m->scratch);
    arena_free(&m->kept);
}

bool
plan_begin(struct plan_maker *m, size_t from, bool up)
{
    struct err none;
    m->c = NULL;
    arena_reset(m->scratch);
    memset(m->groups, 0, 2 * m->api->n_types * sizeof(struct plan_group *));
    return compose_begin(m->scratch, m->api, m->reaches, from, up, &m->c,
                         &none) == OK;
}

/* As the builder has it now; or, if it knows nothing of it, as it was made before. *room: false
 * if there was none. */
static struct plan_group *
group_of(struct plan_maker *m, size_t i, struct plan_group **shared, bool *room)
{
    struct plan_group *g = m->groups[i];
    unsigned form = compose_form(m->c, i / 2);
    if (!form)
        return shared ? shared[i] : NULL;
    if (!g || g->form != form)
        g = m->groups[i] = make_group(m, i / 2, i % 2);
    *room = g != NULL;
    if (shared)
        shared[i] = g;
    return g;
}

const struct plan *
plan_take(struct plan_maker *m, size_t from, unsigned kinds,
          struct plan_group **shared)
{
    const struct lens_api *api = m->api;
    struct plan *p = arena_alloc(m->a, sizeof(*p));
    const struct plan_entry **entries =
        arena_array(m->scratch, 2 * (api->n_types + api->n_sites[from]) + 1,
                    sizeof(const struct plan_entry *));
    bool room = p && entries;
    if (!room)
        return NULL;
    p->entries = entries;
    for (size_t i = 0; i < 2 * api->n_types && room; i++) {
        if (!m->asked[i / 2] ||
            !(kinds & (i % 2 ? PLAN_REQUESTS : PLAN_ANSWERS)))
            continue;
        struct plan_group *g = group_of(m, i, shared, &room);
        if (g && !add_type(m, g, from, p))
            return NULL;
    }
    if (!room &&
        shared) /* the reference has the others, and what leans on them */
        memset(shared, 0, 2 * api->n_types * sizeof(struct plan_group *));
    const struct plan_entry **kept =
        arena_array(m->a, p->n_entries + 1, sizeof(const struct plan_entry *));
    if (kept && p->n_entries)
        memcpy(kept, p->entries,
               p->n_entries * sizeof(const struct plan_entry *));
    p->entries = kept;
    return kept ? p : NULL;
}

enum err_code
plan_build(struct arena *a, const struct lens_api *api, size_t from, size_t to,
           const struct plan **out, struct err *e)
{
    static const struct plan nothing = {0};
    struct plan_maker m;
    struct err none;
    *out = &nothing;
    bool ok = plan_maker_init(&m, a, api);
    bool goes = ok && plan_begin(&m, from, to > from);
    for (size_t at = from; goes && at != to; at = to > from ? at + 1 : at - 1)
        goes = compose_step(m.c, &none) == OK;
    if (goes)
        ok = (*out = plan_take(&m, from, PLAN_BOTH, NULL)) != NULL;
    plan_maker_fini(&m);
    return ok ? OK : err_set(e, ERR_LIMIT, "no room for a plan");
}

const struct plan_entry *
plan_find(const struct plan *p, const struct lens_place *place, size_t type,
          bool is_request)
{
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct plan_entry *e = p->entries[i];
        if (e->type == type && e->is_request == is_request &&
            lens_place_same(e->place, place))
            return e;
    }
    return NULL;
}

bool
plan_entry_guards(const struct plan_entry *entry)
{
    return entry->guards;
}

const struct engine_program *
plan_entry_program(const struct plan_entry *entry)
{
    return &entry->program;
}
