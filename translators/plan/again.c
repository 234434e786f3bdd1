/* SPDX-License-Identifier: Apache-2.0 */
/*
 * again: a value of a body that the reference translates, alone, for the machine.
 *
 * What it says besides is told with the body's place before its own; losses are
 * counted by kind and arrow, as the program counts its own.
 */
#include "translators/plan/program.h"

#include "translators/json/carried.h"
#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

static void
close_agains(void *p)
{
    struct plan_agains *g = p;
    buf_fini(&g->json);
    buf_fini(&g->made);
    arena_free(&g->scratch);
}

struct plan_agains *
plan_agains_new(struct arena *a, const struct plan_entry *entry,
                const struct plan_how *how)
{
    const struct reference_facts plain = {.is_request = !how->is_answer};
    struct plan_agains *g = arena_alloc(a, sizeof(*g));
    if (!g)
        return NULL;
    g->arena = a;
    g->api = entry->api;
    g->facts = how->facts ? *how->facts : plain;
    g->facts.depth_max = how->depth_max;
    g->comes_packed = how->comes_packed;
    g->goes_packed = how->goes_packed;
    g->facts.comes_packed = how->comes_packed;
    g->facts.goes_packed = how->goes_packed;
    buf_init(&g->json, arena_limit(a));
    buf_init(&g->made, arena_limit(a));
    return arena_defer(a, close_agains, g) ? g : NULL;
}

/* ---- told -------------------------------------------------------------------------- */

/* Where it is in the body: the value's place, and that in it. *out is in the run's arena. */
static bool
place_of(struct plan_agains *g, span inside, span *out)
{
    struct buf b;
    buf_init(&b, arena_limit(g->arena));
    engine_here(g->machine, &b);
    buf_add(&b, inside);
    bool ok = !buf_failed(&b) && span_dup(g->arena, buf_span(&b), out);
    buf_fini(&b);
    return ok;
}

static bool
count(struct plan_agains *g, const struct translation_notice *n, size_t offset)
{
    for (size_t i = 0; i < g->n_told; i++) {
        struct plan_told *t = &g->told[i];
        if (t->kind == n->kind && t->origin == n->origin) {
            t->n += n->n;
            return true;
        }
    }
    if (g->n_told == g->room_told) {
        size_t room = g->room_told ? 2 * g->room_told : 8;
        void *grown =
            arena_grow(g->arena, g->told, g->n_told, room, sizeof(*g->told));
        if (!grown)
            return false;
        g->told = grown;
        g->room_told = room;
    }
    struct plan_told *t = &g->told[g->n_told++];
    *t = (struct plan_told){
        .kind = n->kind, .origin = n->origin, .at = offset, .n = n->n};
    return place_of(g, n->pointer, &t->pointer);
}

static bool
count_all(struct plan_agains *g, const struct reference_report *report,
          const struct engine_whole *whole)
{
    for (size_t i = 0; i < report->n_notices; i++) {
        const struct translation_notice *n = &report->notices[i];
        size_t inside = g->comes_packed ? 0 : n->offset; /* of JSON */
        if (!count(g, n, (size_t)whole->offset + inside))
            return false;
    }
    return true;
}

/* ---- failing ----------------------------------------------------------------------- */

static enum engine_answer
no_room(struct plan_agains *g)
{
    g->failed = true;
    g->fault =
        (struct translation_fault){.status = g->facts.is_request ? 500 : 502};
    (void)err_set(&g->fault.err, ERR_LIMIT,
                  "the message needs more memory than a request may use");
    return ENGINE_UNANSWERED;
}

static enum engine_answer
no_form(struct plan_agains *g, span inside, const char *words)
{
    g->failed = true;
    g->fault =
        (struct translation_fault){.status = g->facts.is_request ? 422 : 502};
    (void)err_set(&g->fault.err, ERR_INVALID, "%s", words);
    (void)place_of(g, inside, &g->fault.pointer);
    return ENGINE_UNANSWERED;
}

static enum engine_answer
refused(struct plan_agains *g, const struct reference_report *report,
        const struct engine_whole *whole)
{
    size_t inside = g->comes_packed ? 0 : report->fault.err.offset;
    g->failed = true;
    g->fault = report->fault;
    g->fault.err.offset = (size_t)whole->offset + inside;
    if (!place_of(g, report->fault.pointer, &g->fault.pointer))
        g->fault.pointer = (span){0};
    return ENGINE_UNANSWERED;
}

/* ---- translated -------------------------------------------------------------------- */

static enum engine_answer
translate(struct plan_agains *g, const struct lower_again *is,
          const struct engine_whole *whole, span json, struct buf *out)
{
    const struct reference_chain chain = {
        .api = g->api, .from = is->from, .to = is->to};
    struct reference_facts facts = g->facts;
    struct reference_report report = {0};
    bool gone = false;
    facts.depth_max -= facts.depth_max > whole->depth ? whole->depth : 0;
    if (reference_value(g->scratch, &chain, &facts, is->type, json, out, &gone,
                        &report) != OK)
        return refused(g, &report, whole);
    if (!count_all(g, &report, whole))
        return no_room(g);
    return gone ? ENGINE_VANISHED : ENGINE_ANSWERED;
}

static enum engine_answer
pack(struct plan_agains *g, struct buf *out)
{
    struct pack *k = pack_new(g->scratch, arena_limit(g->arena));
    if (!k)
        return no_room(g);
    pack_carries(k);
    if (pack_feed(k, buf_span(&g->made)) != PACK_OK ||
        pack_end(k, out) != PACK_OK)
        return no_form(g, (span){0}, pack_words(k));
    return ENGINE_ANSWERED;
}

/* A value of MessagePack as JSON. */
static enum engine_answer
unpack(struct plan_agains *g, span value)
{
    struct unpack *u = unpack_new(g->scratch, g->facts.depth_max);
    if (!u)
        return no_room(g);
    if (g->goes_packed || g->api->has_bytes)
        unpack_carries(u);
    buf_clear(&g->json);
    if (unpack_feed(u, value, &g->json) == UNPACK_OK &&
        unpack_end(u) == UNPACK_OK)
        return ENGINE_ANSWERED;
    struct buf pointer;
    buf_init(&pointer, arena_limit(g->arena));
    unpack_pointer(u, &pointer);
    enum engine_answer none = no_form(g, buf_span(&pointer), unpack_words(u));
    buf_fini(&pointer);
    return none;
}

static enum engine_answer
answer(struct plan_agains *g, const struct lower_again *is,
       const struct engine_whole *whole, struct buf *out)
{
    span json = whole->value;
    unsigned state = 0;
    if (!g->comes_packed && g->goes_packed && carried_is_in(json, &state))
        return no_form(g, (span){0}, "half a surrogate pair");
    if (g->comes_packed) {
        enum engine_answer came = unpack(g, whole->value);
        if (came != ENGINE_ANSWERED)
            return came;
        json = buf_span(&g->json);
    }
    if (!g->comes_packed && !g->goes_packed)
        return translate(g, is, whole, json, out);
    buf_clear(&g->made);
    enum engine_answer made = translate(g, is, whole, json, &g->made);
    if (made != ENGINE_ANSWERED || g->goes_packed)
        return made == ENGINE_ANSWERED ? pack(g, out) : made;
    if (carried_is_in(buf_span(&g->made), &state))
        return no_form(g, (span){0}, "bytes that are no text");
    buf_add(out, buf_span(&g->made));
    return made;
}

enum engine_answer
plan_again(void *arg, const struct engine_again *again,
           const struct engine_whole *whole, struct buf *out)
{
    struct plan_agains *g = arg;
    if (!g->scratch && !(g->scratch = arena_new(arena_limit(g->arena))))
        return no_room(g);
    enum engine_answer is = answer(g, again->what, whole, out);
    arena_reset(g->scratch);
    return is;
}
