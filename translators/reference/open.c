/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: the members of an open set, and where they lead.
 *
 * A member belongs to it if it has no meaning where it stands. Under its key (as
 * the other side spells it) it must have none there either.
 */
#include "translators/reference/frame.h"

#include "proxy/base/map.h"

/* ---- which names have a meaning -------------------------------------------------- */

/* Does `place` name the member `key` of what is at `host`, or something in it? */
static bool
names(const struct lens_place *place, const struct lens_place *host, span key)
{
    if (place->n <= host->n || place->steps[host->n].kind != LENS_KEY ||
        !span_eq(place->steps[host->n].key, key))
        return false;
    struct lens_place begin = place_prefix(place, host->n);
    return lens_place_same(&begin, host);
}

static bool
arrow_names(const struct lens_arrow *arrow, enum lens_side side,
            const struct lens_place *host, span key)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        if (way->has[side] && names(&way->place[side], host, key))
            return true;
        if (way->rest.kind == LENS_REST_STASH && lens_rest_side(way) == side &&
            names(&way->rest.stash, host, key))
            return true;
        const struct lens_lookup *lookup = lens_way_lookup(way);
        if (lookup && names(&lookup->in[side], host, key))
            return true;
    }
    return false;
}

static bool
type_names(const struct lens_type_at *at, const struct lens_place *host,
           span key)
{
    for (size_t i = 0; i < at->n_children; i++)
        if (names(&at->children[i].place, host, key))
            return true;
    for (size_t i = 0; i < at->n_markers; i++)
        if (names(&at->markers[i], host, key))
            return true;
    for (size_t i = 0; i < at->n_constants; i++)
        if (names(&at->constants[i].place, host, key))
            return true;
    return false;
}

bool
open_is_known(const struct frame *f, const struct lens_way *way,
              enum lens_side side, span key)
{
    const struct lens_open *open = way->open;
    struct lens_place host =
        place_prefix(&way->place[side], way->place[side].n - 1);
    size_t version = side == f->leg->read ? f->leg->from : f->leg->to;
    enum lens_side other = lens_other(side);
    bool above = !way->has[other] || way->place[side].n <= way->place[other].n;
    for (size_t i = 0; above && i < open->n_except; i++)
        if (span_eq(open->except[i], key))
            return true;
    for (size_t i = 0; i < f->n_blocks; i++)
        for (size_t k = 0; k < f->blocks[i]->n_arrows; k++)
            if (arrow_names(&f->blocks[i]->arrows[k], side, &host, key))
                return true;
    for (size_t i = 0; i < f->n_cases; i++)
        for (size_t k = 0; k < f->cases[i]->shape[side].n_tags; k++)
            if (names(&f->cases[i]->shape[side].tags[k].place, &host, key))
                return true;
    return f->type && type_names(&f->type->at[version], &host, key);
}

/* ---- spelling of keys ---- */

static bool
spell(struct run *r, span key, enum lens_spelling spelling, span *out)
{
    struct buf b;
    buf_init(&b, arena_limit(r->arena));
    lens_spell(key, spelling, &b);
    bool ok = !buf_failed(&b) && span_dup(r->arena, buf_span(&b), out);
    buf_fini(&b);
    return ok || run_full(r);
}

static bool
lower(struct run *r, span key, span *out)
{
    char *text = arena_array(r->arena, key.len + 1, 1);
    if (!text)
        return run_full(r);
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    *out = span_of(text, key.len);
    return true;
}

/* `key` of the side that is written, as it would come back. */
static bool
spell_back(struct frame *f, const struct lens_open *open, span key, span *out)
{
    *out = key;
    switch (open->respell) {
    case LENS_RESPELL_NOT:
        return true;
    case LENS_RESPELL_KEYS:
        return spell(f->run, key, open->spelling[f->leg->read], out);
    case LENS_RESPELL_LOWER:
        return f->leg->write != open->any || lower(f->run, key, out);
    }
    return true;
}

/* ---- empty ones ---- */

/* Does the place lead on, over that member, into a container like this one? */
static bool
leads_into(const struct lens_way *way, const struct lens_place *place,
           const struct lens_place *host, const struct json *node)
{
    size_t next = host->n + 1;
    if (place->n <= next)
        return false;
    switch (place->steps[next].kind) {
    case LENS_KEY:
        return node->kind == JSON_OBJECT;
    case LENS_EACH:
        return node->kind == JSON_OBJECT || !way->open || next + 1 < place->n;
    case LENS_INDEX:
    case LENS_LAST:
    case LENS_ONLY:
    case LENS_FIND:
    case LENS_EACH_FIND:
        return node->kind == JSON_LIST;
    }
    return false;
}

static bool
is_made_by(const struct lens_arrow *arrow, enum lens_side side,
           const struct lens_place *host, span key, const struct json *node)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        const struct lens_place *stash = &way->rest.stash;
        if (way->has[side] && names(&way->place[side], host, key) &&
            leads_into(way, &way->place[side], host, node))
            return true;
        if (way->rest.kind == LENS_REST_STASH && lens_rest_side(way) == side &&
            names(stash, host, key) && leads_into(way, stash, host, node))
            return true;
    }
    return false;
}

/* What an arrow took from the very place of the bag is what the bag is. */
static bool
took_no_object(const struct frame *f, const struct lens_place *bag)
{
    for (size_t i = 0; i < f->n_takes; i++) {
        const struct take *t = &f->takes[i];
        if (t->from.place && t->value && t->value->kind != JSON_OBJECT &&
            lens_place_same(t->from.place, bag))
            return true;
    }
    return false;
}

/* Where the bag is no object, its members cannot come back to it. */
static bool
has_bags(struct frame *f, const struct lens_way *way, bool *has)
{
    const struct lens_place *set = &way->place[f->leg->read];
    struct lens_place bag = place_prefix(set, set->n ? set->n - 1 : 0);
    struct bindings found = {0};
    *has = true;
    if (!way->has[f->leg->read])
        return true; /* that side has no set: what came empty passes so */
    *has = !took_no_object(f, &bag);
    if (!place_bind(f->run, f->root, &bag, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        *has = *has &&
               (!found.at[i].node || found.at[i].node->kind == JSON_OBJECT);
    return true;
}

bool
open_is_bag(struct frame *f, const struct lens_way *way,
            const struct json *node, span key, bool *is)
{
    const struct lens_place *set = &way->place[f->leg->write];
    struct lens_place host = place_prefix(set, set->n - 1);
    bool made = false;
    *is = false;
    if (!json_is_container(node) || !spot_is_void(node))
        return true;
    /* In a patch it would set what the bag has by that name. */
    if (trail_of(node->parent).partial)
        return true;
    for (size_t i = 0; i < f->n_blocks; i++)
        for (size_t k = 0; k < f->blocks[i]->n_arrows; k++)
            made = made || is_made_by(&f->blocks[i]->arrows[k], f->leg->read,
                                      &host, key, node);
    span back;
    if (!spell_back(f, way->open, key, &back))
        return false;
    if (open_is_known(f, way, f->leg->read, back))
        return true; /* it would be refused there */
    return !made || has_bags(f, way, is);
}

/* ---- its members --------------------------------------------------------------------- */

static struct star *
last_star(const struct binding *b)
{
    return &b->stars[b->n_stars - 1];
}

bool
open_bind(struct frame *f, const struct lens_way *way, enum lens_side side,
          struct bindings *out)
{
    size_t n = 0;
    if (!place_bind(f->run, f->root, &way->place[side], out))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        const struct star *star = last_star(&out->at[i]);
        if (star->host->kind == JSON_OBJECT &&
            !open_is_known(f, way, side, star->key))
            out->at[n++] = out->at[i];
    }
    out->n = n;
    return true;
}

/* ---- their keys on the other side ------------------------------------------------------ */

/* `key` as the side that is written spells it. */
static bool
respell(struct frame *f, const struct lens_way *way, const struct json *node,
        span *key)
{
    struct run *r = f->run;
    const struct lens_open *open = way->open;
    span was = *key;
    span back = {0};
    if (open->respell == LENS_RESPELL_NOT ||
        (open->respell == LENS_RESPELL_LOWER && f->leg->read != open->any))
        return true;
    if (open->respell == LENS_RESPELL_LOWER)
        return lower(r, was, key) &&
               (span_eq(*key, was) ||
                run_notice(r, NOTICE_RESPELT, &way->origin, node));
    if (!spell(r, was, open->spelling[f->leg->write], key) ||
        !spell(r, *key, open->spelling[f->leg->read], &back))
        return false;
    if (span_eq(back, was))
        return true;
    return run_fail(r, FAULT_CARRY, node, &way->origin,
                    "the key \"%.*s\" would not come back as it is spelt",
                    SPAN_FMT(was));
}

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */
static bool
respell_below(struct frame *f, const struct lens_way *way, struct json *value)
{
    struct run *r = f->run;
    for (size_t i = 0; json_is_container(value) && i < value->n; i++) {
        struct json_member *m = &value->members[i];
        span key = m->key;
        if (spot_is_empty(m->value))
            continue;
        if (value->kind == JSON_OBJECT) {
            if (!respell(f, way, m->value, &key))
                return false;
            if (!span_eq(key, m->key) && !json_rename(r->arena, value, i, key))
                return run_full(r);
        }
        if (!respell_below(f, way, value->members[i].value))
            return false;
    }
    size_t doubled =
        value->kind == JSON_OBJECT ? json_first_duplicate(value) : JSON_NONE;
    if (doubled == JSON_NONE)
        return true;
    return run_fail(r, FAULT_CARRY, value->members[doubled].value, &way->origin,
                    "two keys are the same in this spelling: \"%.*s\"",
                    SPAN_FMT(value->members[doubled].key));
}
/* NOLINTEND(misc-no-recursion) */

bool
open_bring(struct frame *f, const struct lens_way *way, struct json *value)
{
    if (!way->open || !way->open->deep)
        return true;
    spot_purge(value);
    return respell_below(f, way, value);
}

/* Under its key something else is meant there: as occupied. */
static bool
has_meaning(struct frame *f, struct take *t, span key)
{
    struct run *r = f->run;
    enum lens_collide collide = f->actives[t->active].arrow->collide;
    bool drops = collide == LENS_COLLIDE_DROP ||
                 (collide == LENS_COLLIDE_UNSAID && !r->is_request);
    if (!drops)
        return run_fail(r, FAULT_CARRY, t->from.node, t->origin,
                        "\"%.*s\" has a meaning of its own in the other "
                        "version, and here it is one of many",
                        SPAN_FMT(key));
    t->leads = false;
    t->done = true;
    t->image = (struct image){IMAGE_HIDDEN, NULL};
    return run_notice(r, NOTICE_STRANGER, t->origin, t->from.node);
}

bool
open_lead(struct frame *f, size_t first)
{
    struct run *r = f->run;
    struct map seen;
    const struct json *host = NULL;
    map_init(&seen, r->scratch);
    for (size_t i = first; i < f->n_takes; i++) {
        struct take *t = &f->takes[i];
        struct star *star = last_star(&t->from);
        void *was = NULL;
        if (star->host != host)
            map_init(&seen, r->scratch);
        host = star->host;
        if (!respell(f, t->way, t->from.node, &star->key))
            return false;
        if (!map_put(&seen, star->key, t, &was))
            return run_full(r);
        if (was)
            return run_fail(r, FAULT_CARRY, t->from.node, t->origin,
                            "two keys are the same in this spelling: \"%.*s\"",
                            SPAN_FMT(star->key));
        if (open_is_known(f, t->way, f->leg->write, star->key) &&
            !has_meaning(f, t, star->key))
            return false;
    }
    return true;
}

/* ---- what stands where they lead ----------------------------------------------------------- */

bool
open_brought(struct frame *f, size_t active, struct map *out)
{
    map_init(out, f->run->scratch);
    for (size_t i = 0; i < f->n_takes; i++) {
        struct take *t = &f->takes[i];
        void *was = NULL;
        if (t->active == active && t->leads && t->from.n_stars &&
            !map_put(out, last_star(&t->from)->key, t, &was))
            return run_full(f->run);
    }
    return true;
}
