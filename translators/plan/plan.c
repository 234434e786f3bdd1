/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/plan/plan.h"

#include "translators/compose/lower.h"
#include "translators/plan/build.h"

/* ---- the chain ------------------------------------------------------------------ */

size_t
build_version(const struct build *b, size_t step)
{
    return b->from < b->to ? b->from + step : b->from - step;
}

const struct lens_block *
build_block(const struct build *b, size_t step, size_t type)
{
    size_t at = build_version(b, step);
    return b->api->tables[b->from < b->to ? at : at - 1].blocks[type];
}

const struct lens_type_at *
build_type_at(const struct build *b, size_t step, size_t type)
{
    return &b->api->types[type].at[build_version(b, step)];
}

const struct lens_arrow *
build_arrow(const struct lens_block *block, enum lens_side side, span key)
{
    for (size_t i = 0; block && i < block->n_arrows; i++)
        if (build_is_on(&block->arrows[i], side) &&
            span_eq(build_name(&block->arrows[i], side), key))
            return &block->arrows[i];
    return NULL;
}

bool
build_tell(struct build *b, enum plan_notice_kind kind,
           const struct lens_origin *origin, size_t step, size_t *out)
{
    for (size_t i = 0; i < b->n_tells; i++) {
        *out = i;
        if (b->tells[i].kind == kind && b->tells[i].origin == origin &&
            b->tells[i].step == step)
            return true;
    }
    if (b->n_tells == b->room_tells) {
        size_t more = b->room_tells ? b->room_tells * 2 : 16;
        void *grown =
            arena_grow(b->a, b->tells, b->n_tells, more, sizeof(*b->tells));
        if (!grown)
            return false;
        b->tells = grown;
        b->room_tells = more;
    }
    *out = b->n_tells;
    b->tells[b->n_tells++] = (struct plan_tell){kind, origin, step};
    return true;
}

/* ---- the class ------------------------------------------------------------------ */

static bool
is_constant(const struct lens_value *v)
{
    return v->kind == LENS_VALUE_UNSAID || v->kind == LENS_VALUE_ABSENT ||
           v->kind == LENS_VALUE_LITERAL;
}

static bool
is_key(const struct lens_place *place)
{
    return place->n == 1 && place->steps[0].kind == LENS_KEY;
}

static bool
allows_way(const struct build *b, const struct lens_arrow *arrow)
{
    const struct lens_way *way = &arrow->ways[0];
    for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++)
        if (build_is_on(arrow, side) &&
            (!way->has[side] || !is_key(&way->place[side]) ||
             way->shape[side].said || way->shape[side].constant ||
             way->shape[side].has_inside || way->shape[side].n_tags))
            return false;
    struct folds folds = {0};
    struct build probe = *b;
    return !way->drop_doubles && way->rest.kind != LENS_REST_STASH &&
           fold_stages(&probe, &folds, &way->stages);
}

static bool
allows_arrow(struct build *b, const struct lens_arrow *arrow)
{
    if (arrow->n_facts || arrow->when[0].said || arrow->when[1].said ||
        arrow->joint || arrow->n_ways != 1 || arrow->has_cases ||
        arrow->has_stash || !allows_way(b, arrow))
        return false;
    if (arrow->kind == LENS_MAP)
        return !arrow->omit[b->write] && !arrow->null[b->write] &&
               is_constant(&arrow->absent[b->read]);
    bool judges =
        arrow->write == LENS_WRITE_REFUSE || arrow->write == LENS_WRITE_SAME;
    if (arrow->kind == LENS_ADD && judges)
        b->guards = true;
    return arrow->ways[0].stages.n == 0 && is_constant(&arrow->fill) &&
           !(arrow->kind == LENS_DROP && judges);
}

static bool
allows_markers(const struct lens_type_at *a, const struct lens_type_at *b)
{
    if (a->n_markers != b->n_markers || a->n_constants || b->n_constants)
        return false;
    for (size_t i = 0; i < a->n_markers; i++)
        if (!is_key(&a->markers[i]) ||
            !lens_place_same(&a->markers[i], &b->markers[i]))
            return false;
    return true;
}

/* Keys and stars alone, of one type whatever the value. */
static bool
allows_place(const struct lens_place *place)
{
    for (size_t i = 0; i < place->n; i++)
        if (place->steps[i].kind != LENS_KEY &&
            place->steps[i].kind != LENS_EACH)
            return false;
    return place->n > 0;
}

bool
build_allows(struct build *b, size_t step, size_t type)
{
    const struct lens_block *block = build_block(b, step, type);
    const struct lens_type_at *at = build_type_at(b, step, type);
    const struct lens_type_at *next =
        &b->api->types[type].at[build_version(b, step + 1)];
    if (!allows_markers(at, next) || (block && block->n_choices))
        return false;
    for (size_t i = 0; block && i < block->n_arrows; i++)
        if (!allows_arrow(b, &block->arrows[i]))
            return false;
    for (size_t i = 0; i < at->n_children; i++) {
        const struct lens_child *c = &at->children[i];
        if (c->through || c->when.said || c->guard.said ||
            !allows_place(&c->place))
            return false;
    }
    return true;
}

/* ---- states --------------------------------------------------------------------- */

/* Of those on the way some may have arrived: a type begins, and its typed places are
 * ahead. Two things known of one value at once are not planned. */
static bool
arrive(struct build *b, size_t step, struct known *k)
{
    size_t arrived = SIZE_MAX;
    for (size_t i = 0; i < k->n_spots; i++)
        if (k->spots[i].n == k->spots[i].place->n)
            arrived = k->spots[i].type;
    if (arrived == SIZE_MAX)
        return true;
    const struct lens_type_at *at = build_type_at(b, step, arrived);
    if (k->n_spots != 1 || at->n_children > PLAN_SPOTS_MAX ||
        !build_allows(b, step, arrived))
        return false;
    *k = (struct known){.type = arrived};
    for (size_t i = 0; i < at->n_children; i++)
        k->spots[k->n_spots++] =
            (struct spot){&at->children[i].place, 0, at->children[i].type};
    return true;
}

static bool
is_same(const struct build *b, const struct known *x, const struct known *y)
{
    for (size_t step = 0; step < b->n_steps; step++) {
        const struct known *k = &x[step];
        const struct known *m = &y[step];
        if (k->type != m->type || k->n_spots != m->n_spots)
            return false;
        for (size_t i = 0; i < k->n_spots; i++)
            if (k->spots[i].place != m->spots[i].place ||
                k->spots[i].n != m->spots[i].n)
                return false;
    }
    return true;
}

bool
build_state(struct build *b, struct known *at, const struct plan_state **out)
{
    bool any = false;
    *out = NULL;
    for (size_t step = 0; step < b->n_steps; step++) {
        if (!arrive(b, step, &at[step]))
            return false;
        any = any || at[step].type != SIZE_MAX || at[step].n_spots;
    }
    if (!any)
        return true;
    for (size_t i = 0; i < b->n_states; i++)
        if (is_same(b, b->states[i].at, at)) {
            *out = b->states[i].out;
            return true;
        }
    struct plan_state *new = arena_alloc(b->a, sizeof(*new));
    if (!new || b->n_states == PLAN_STATES_MAX)
        return false;
    new->lowered = arena_alloc(b->a, sizeof(*new->lowered));
    if (!new->lowered)
        return false;
    b->states[b->n_states++] = (struct build_state){at, new};
    *out = new;
    return true;
}

bool
build_leads(const struct known *at, span key)
{
    for (size_t i = 0; i < at->n_spots; i++) {
        const struct lens_step *next =
            &at->spots[i].place->steps[at->spots[i].n];
        if (next->kind == LENS_KEY && span_eq(next->key, key))
            return true;
    }
    return false;
}

/* Elements; a type that begins here says nothing of a list. */
static bool
elements(struct build *b, const struct build_state *s)
{
    struct known *each = arena_array(b->scratch, b->n_steps, sizeof(*each));
    if (!each)
        return false;
    for (size_t step = 0; step < b->n_steps; step++) {
        const struct known *here = &s->at[step];
        each[step].type = SIZE_MAX;
        for (size_t i = 0; i < here->n_spots; i++) {
            struct spot spot = here->spots[i];
            if (spot.place->steps[spot.n].kind != LENS_EACH)
                continue;
            s->out->aside_object = true;
            spot.n++;
            if (here->type == SIZE_MAX)
                each[step].spots[each[step].n_spots++] = spot;
        }
    }
    return build_state(b, each, &s->out->each);
}

static bool
build_all(struct build *b)
{
    while (b->n_done < b->n_states) {
        const struct build_state *s = &b->states[b->n_done++];
        span **names = NULL;
        if (!elements(b, s) || !build_keys(b, s, &names) ||
            !build_fills(b, s, names))
            return false;
    }
    return true;
}

/* ---- entries --------------------------------------------------------------------- */

#define SCRATCH_MAX ((size_t)64 * 1024 * 1024)

/* The program, or nothing if it is not of the class. */
static void
build_entry(const struct build *chain, const struct lens_place *place,
            size_t type, struct plan *p, struct plan_entry *e)
{
    struct build *b = arena_alloc(chain->scratch, sizeof(*b));
    struct known *at = arena_array(chain->scratch, chain->n_steps, sizeof(*at));
    if (!b || !at)
        return;
    *b = *chain;
    for (size_t step = 0; step < b->n_steps; step++)
        at[step] = (struct known){
            .type = SIZE_MAX, .n_spots = 1, .spots = {{place, 0, type}}};
    *e = (struct plan_entry){.place = place, .type = type};
    if ((place->n && !allows_place(place)) || !build_state(b, at, &e->state) ||
        !build_all(b))
        return;
    e->guards = b->guards;
    e->tells = b->tells;
    e->n_tells = b->n_tells;
    p->n_entries += build_lower(b, e);
}

/* ---- composed ------------------------------------------------------------------- */

#define COMPOSED_STEPS_MAX 32 /* longer chains would be long to compose */

static bool
has_entry(const struct plan *p, size_t type)
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i].type == type && p->entries[i].place->n == 0)
            return true;
    return false;
}

/* NULL in *out: it has no program. False: no room. */
static bool
compose_entry(struct arena *a, struct compose *c, size_t type, bool is_request,
              const struct plan_entry **out)
{
    static const struct lens_place whole = {0};
    static const enum plan_notice_kind kinds[] = {
        [NOTICE_LOSSY] = PLAN_LOSSY,       [NOTICE_HIDDEN] = PLAN_HIDDEN,
        [NOTICE_DEFAULTED] = PLAN_FILLED,  [NOTICE_RESPELT] = PLAN_RESPELT,
        [NOTICE_STRANGER] = PLAN_STRANGER, [NOTICE_STALE] = PLAN_LOSSY,
        [NOTICE_UNREADABLE] = PLAN_LOSSY};
    struct lowered l;
    struct err e;
    if (compose_lower(c, type, is_request, &l, &e) != OK)
        return false;
    if (l.why)
        return true;
    struct plan_entry *entry = arena_alloc(a, sizeof(*entry));
    struct plan_tell *tells = arena_array(a, l.n_tells + 1, sizeof(*tells));
    if (!entry || !tells)
        return false;
    for (size_t i = 0; i < l.n_tells; i++)
        tells[i] = (struct plan_tell){.kind = kinds[l.tells[i].kind],
                                      .origin = l.tells[i].origin};
    *entry = (struct plan_entry){.place = &whole,
                                 .type = type,
                                 .guards = l.guards,
                                 .tells = tells,
                                 .n_tells = l.n_tells,
                                 .program = l.program};
    *out = entry;
    return true;
}

/* What the class has no entry for, as far as there is room. */
static void
compose_entries(const struct build *chain, struct plan *p)
{
    const struct lens_api *api = chain->api;
    struct compose *c = NULL;
    struct err e;
    bool all = true;
    for (size_t type = 0; type < api->n_types; type++)
        all = all && has_entry(p, type);
    const struct plan_entry **composed = arena_array(
        chain->a, 2 * api->n_types + 1, sizeof(const struct plan_entry *));
    if (all || !composed || chain->n_steps > COMPOSED_STEPS_MAX ||
        compose_begin(chain->a, api, chain->from, chain->to > chain->from, &c,
                      &e) != OK)
        return;
    for (size_t step = 0; step < chain->n_steps; step++)
        if (compose_step(c, &e) != OK)
            return;
    p->composed = composed;
    for (size_t type = 0; type < api->n_types; type++)
        for (size_t way = 0; !has_entry(p, type) && way < 2; way++)
            if (!compose_entry(chain->a, c, type, way == 0,
                               &composed[2 * type + way]))
                return;
}

static bool
is_known_site(const struct lens_api *api, size_t version, size_t site)
{
    const struct lens_site *s = &api->sites[version][site];
    for (size_t i = 0; i < site; i++)
        if (api->sites[version][i].type == s->type &&
            lens_place_same(&api->sites[version][i].place, &s->place))
            return true;
    return s->place.n == 0; /* every type has an entry of its own */
}

enum err_code
plan_build(struct arena *a, const struct lens_api *api, size_t from, size_t to,
           const struct plan **out, struct err *e)
{
    static const struct lens_place whole = {0};
    struct arena *scratch = arena_new(SCRATCH_MAX);
    struct plan *p = arena_alloc(a, sizeof(*p));
    struct plan_entry *entries =
        arena_array(a, api->n_types + api->n_sites[from] + 1, sizeof(*entries));
    if (!scratch || !p || !entries) {
        arena_free(&scratch);
        return err_set(e, ERR_LIMIT, "no room for a plan");
    }
    struct build chain = {.a = a,
                          .scratch = scratch,
                          .api = api,
                          .from = from,
                          .to = to,
                          .n_steps = from < to ? to - from : from - to,
                          .read = from < to ? LENS_OLDER : LENS_NEWER,
                          .write = from < to ? LENS_NEWER : LENS_OLDER};
    p->entries = entries;
    for (size_t type = 0; type < api->n_types; type++) {
        build_entry(&chain, &whole, type, p, &entries[p->n_entries]);
        arena_reset(scratch);
    }
    for (size_t i = 0; i < api->n_sites[from]; i++) {
        const struct lens_site *s = &api->sites[from][i];
        if (!is_known_site(api, from, i))
            build_entry(&chain, &s->place, s->type, p, &entries[p->n_entries]);
        arena_reset(scratch);
    }
    compose_entries(&chain, p);
    arena_free(&scratch);
    *out = p;
    return OK;
}

const struct plan_entry *
plan_find(const struct plan *p, const struct lens_place *place, size_t type)
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i].type == type &&
            lens_place_same(p->entries[i].place, place))
            return &p->entries[i];
    return NULL;
}

const struct plan_entry *
plan_find_composed(const struct plan *p, size_t type, bool is_request)
{
    return p->composed ? p->composed[2 * type + !is_request] : NULL;
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
