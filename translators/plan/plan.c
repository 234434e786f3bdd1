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
        if (i == 0)
            return e;
        if (place->steps[i - 1].kind == LENS_KEY) {
            e->bit = 0;
            e->twice = LOWER_ASIDE;
        }
        state = around(a, &place->steps[i - 1], e);
        if (!state)
            return NULL;
    }
}

/* ---- entries ---------------------------------------------------------------------- */

/* The same program, of a document that has its value at another place. */
static bool
add_entry(struct arena *a, struct plan *p, const struct lens_place *place,
          const struct plan_entry *whole)
{
    struct plan_entry *e = &p->entries[p->n_entries];
    *e = *whole;
    e->place = place;
    e->program.root = lead(a, place, whole->program.root);
    p->n_entries += e->program.root != NULL;
    return e->program.root != NULL;
}

static bool
is_known(const struct plan *p, const struct plan_entry *whole,
         const struct lens_place *place)
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i].type == whole->type &&
            p->entries[i].is_request == whole->is_request &&
            lens_place_same(p->entries[i].place, place))
            return true;
    return false;
}

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

/* Of a type, as a whole body and wherever messages of this version have it: but for a
 * whole body that goes again, which is the reference's. */
static bool
add_type(struct arena *a, struct compose *c, const struct lens_api *api,
         size_t from, struct plan_entry *whole, struct plan *p)
{
    static const struct lens_place nowhere = {0};
    struct lowered l;
    struct err e;
    if (compose_lower(c, a, whole->type, whole->is_request, &l, &e) != OK)
        return false;
    if (l.why && !l.whole)
        return true;
    whole->api = api;
    whole->place = &nowhere;
    whole->guards = l.guards && !l.why;
    whole->waits = l.waits;
    whole->goes_again = l.why || l.n_agains;
    whole->tells = l.tells;
    whole->n_tells = l.n_tells;
    whole->program = l.program;
    if (l.why)
        whole->program.root = again(a, l.whole);
    else
        p->entries[p->n_entries++] = *whole;
    if (!whole->program.root)
        return false;
    for (size_t i = 0; i < api->n_sites[from]; i++) {
        const struct lens_site *s = &api->sites[from][i];
        if (s->type == whole->type && allows_place(&s->place) &&
            (s->place.n || !l.why) && !is_known(p, whole, &s->place) &&
            !add_entry(a, p, &s->place, whole))
            return false;
    }
    return true;
}

/* Each over MessagePack as well; what programs share is copied once. */
static bool
pack(struct arena *a, struct plan *p)
{
    struct arena *scratch = arena_new(SCRATCH_MAX);
    struct engine_packer *k = scratch ? engine_packer_new(a, scratch) : NULL;
    bool ok = k != NULL;
    for (size_t i = 0; ok && i < p->n_entries; i++)
        ok = engine_pack(k, &p->entries[i].program, &p->entries[i].packed);
    arena_free(&scratch);
    return ok;
}

/* What the builder's steps so far come to. NULL: no room. */
static const struct plan *
take(struct arena *a, struct compose *c, const struct lens_api *api,
     size_t from, unsigned kinds)
{
    struct plan *p = arena_alloc(a, sizeof(*p));
    if (!p)
        return NULL;
    p->entries = arena_array(a, 2 * (api->n_types + api->n_sites[from]) + 1,
                             sizeof(*p->entries));
    for (size_t i = 0; p->entries && i < 2 * api->n_types; i++) {
        struct plan_entry whole = {.type = i / 2, .is_request = i % 2};
        if (!(kinds & (whole.is_request ? PLAN_REQUESTS : PLAN_ANSWERS)))
            continue;
        if (!add_type(a, c, api, from, &whole, p))
            break; /* the reference has the others */
    }
    return p->entries && pack(a, p) ? p : NULL;
}

/* ---- chains ----------------------------------------------------------------------- */

enum err_code
plan_build_way(struct arena *a, const struct lens_api *api, size_t from,
               bool up, const uint8_t *wanted, const struct plan **plans,
               struct err *e)
{
    struct arena *scratch = arena_new(SCRATCH_MAX);
    struct compose *c = NULL;
    struct err none;
    bool ok = scratch != NULL;
    size_t last = from;
    for (size_t at = from; at != (up ? api->n_versions - 1 : 0);) {
        at = up ? at + 1 : at - 1;
        last = wanted[at] ? at : last;
    }
    bool goes = ok && last != from &&
                compose_begin(scratch, api, from, up, &c, &none) == OK;
    for (size_t at = from; ok && goes && at != last;) {
        goes = compose_step(c, &none) == OK;
        at = up ? at + 1 : at - 1;
        if (goes && wanted[at])
            ok = (plans[at] = take(a, c, api, from, wanted[at])) != NULL;
    }
    arena_free(&scratch);
    return ok ? OK : err_set(e, ERR_LIMIT, "no room for a plan");
}

enum err_code
plan_build(struct arena *a, const struct lens_api *api, size_t from, size_t to,
           const struct plan **out, struct err *e)
{
    static const struct plan nothing = {0};
    struct arena *scratch = arena_new(SCRATCH_MAX);
    struct compose *c = NULL;
    struct err none;
    *out = &nothing;
    bool ok = scratch != NULL;
    bool goes =
        ok && compose_begin(scratch, api, from, to > from, &c, &none) == OK;
    for (size_t at = from; goes && at != to; at = to > from ? at + 1 : at - 1)
        goes = compose_step(c, &none) == OK;
    if (goes)
        ok = (*out = take(a, c, api, from, PLAN_BOTH)) != NULL;
    arena_free(&scratch);
    return ok ? OK : err_set(e, ERR_LIMIT, "no room for a plan");
}

const struct plan_entry *
plan_find(const struct plan *p, const struct lens_place *place, size_t type,
          bool is_request)
{
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct plan_entry *e = &p->entries[i];
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
