/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/slots.h"

#include "proxy/control/weights.h"
#include "proxy/observe/log.h"

#include <assert.h>
#include <stdlib.h>

static_assert(STORE_SLOT_MAX == SEGMENT_NAME_MAX - 1, "one limit on names");
static_assert(WEIGHTS_SLOTS <= STORE_SLOTS_MAX, "what lives can be stored");

static enum err_code
add_slot(struct slots *s, const struct gen_canary *canary,
         const struct gen_route *route, struct err *e)
{
    struct slot *slot = &s->at[s->n];

    *slot = (struct slot){.canary = canary, .route = route};
    if (weights_claim(s->weights, s->latches, canary->slot_name, s->gen->number,
                      &slot->at, e))
        return e->code;
    s->n++;
    return OK;
}

enum err_code
slots_init(struct slots *s, struct arena *a, const struct generation *gen,
           struct weights *weights, struct latches *latches, struct err *e)
{
    *s = (struct slots){.gen = gen, .weights = weights, .latches = latches};
    s->at = arena_array(a, gen->n_routes + gen->n_rollouts, sizeof(*s->at));
    if (!s->at)
        return err_set(e, ERR_LIMIT, "no room for the slots");
    for (size_t i = 0; i < gen->n_routes; i++)
        if (gen->routes[i].canary &&
            add_slot(s, gen->routes[i].canary, &gen->routes[i], e))
            return e->code;
    for (size_t i = 0; i < gen->n_rollouts; i++)
        if (add_slot(s, &gen->rollouts[i].canary, gen->rollouts[i].routes[0],
                     e))
            return e->code;
    return OK;
}

const struct slot *
slots_find(const struct slots *s, span name)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_eq(s->at[i].canary->slot_name, name) ||
            (!s->at[i].canary->rollout && span_eq(s->at[i].route->name, name)))
            return &s->at[i];
    return NULL;
}

static struct store_weight
store_weight_of(span slot, uint32_t ppm, uint32_t file_ppm, uint32_t run)
{
    struct store_weight w = {
        .weight_ppm = ppm, .file_ppm = file_ppm, .run = run};

    memcpy(w.slot, slot.at,
           slot.len < STORE_SLOT_MAX ? slot.len : STORE_SLOT_MAX);
    return w;
}

static void
apply(struct slots *s, const struct slot *slot, uint32_t ppm, uint32_t run)
{
    weights_set(s->weights, slot->at, (struct weight){.ppm = ppm, .run = run});
}

/* What the file says anew, as a revision. */
static enum err_code
journal(struct store *store, const struct weight_action *a, uint64_t now_ms,
        struct err *e)
{
    bool is_new = a->verdict == WEIGHT_NEW;
    struct store_weight w =
        store_weight_of(a->slot, a->weight_ppm, a->file_ppm, a->run);
    struct store_change c = {
        .actor = SPAN("config"),
        .reason = is_new ? SPAN("the configuration has a new slot")
                         : SPAN("the configuration says another weight"),
        .kind = is_new ? SPAN("weight.new") : SPAN("weight.file"),
        .time_ms = now_ms,
        .weight = &w,
    };
    uint64_t sequence;

    if (store_commit(store, &c, &sequence, e))
        return e->code;
    log_info("weight_from_config", "slot=%s was_ppm=%u ppm=%u revision=%llu",
             w.slot, a->was_ppm, a->weight_ppm, (unsigned long long)sequence);
    return OK;
}

/* One slot; a store that refuses keeps what it has, which is said in the log. */
static void
reconcile_one(struct slots *s, struct store *store, const struct slot *slot,
              const struct weight_action *a, uint64_t now_ms)
{
    struct err e;
    uint32_t ppm = a->weight_ppm;

    if (a->verdict != WEIGHT_KEEP && journal(store, a, now_ms, &e)) {
        ppm = a->was_ppm;
        log_error("weight_not_stored", "slot=%.*s ppm=%u error=\"%s\"",
                  SPAN_FMT(a->slot), ppm, e.text);
    }
    apply(s, slot, ppm, a->run);
}

enum err_code
slots_reconcile(struct slots *s, struct store *store, uint64_t now_ms,
                struct err *e)
{
    struct arena *a = arena_new((size_t)1 << 20);
    size_t n_stored;
    const struct store_weight *stored = store_weights(store, &n_stored);
    struct weight_file *file =
        a ? arena_array(a, s->n, sizeof(struct weight_file)) : NULL;
    struct weight_action *actions =
        a ? arena_array(a, s->n, sizeof(struct weight_action)) : NULL;
    enum err_code code = OK;

    if (file && actions) {
        for (size_t i = 0; i < s->n; i++)
            file[i] = (struct weight_file){s->at[i].canary->slot_name,
                                           s->at[i].canary->weight_ppm};
        weights_reconcile(stored, n_stored, file, s->n, actions);
        for (size_t i = 0; i < s->n; i++)
            reconcile_one(s, store, &s->at[i], &actions[i], now_ms);
    } else {
        code = err_set(e, ERR_LIMIT, "no memory to reconcile the weights");
    }
    arena_free(&a);
    return code;
}

enum err_code
slots_keep(const struct slots *s, const struct store *store, struct arena *a,
           struct store_weight **kept, struct err *e)
{
    *kept = arena_array(a, s->n, sizeof(**kept));
    if (!*kept)
        return err_set(e, ERR_LIMIT, "no room to keep the weights");
    for (size_t i = 0; i < s->n; i++) {
        const struct store_weight *w =
            store_weight(store, s->at[i].canary->slot_name);
        /* What a rollout did meanwhile stays done. */
        if (w && !s->at[i].canary->rollout)
            (*kept)[i] = *w; /* else its slot is empty */
    }
    return OK;
}

static void
put_back(struct store *store, const struct store_weight *w, uint64_t now_ms)
{
    struct store_change c = {
        .actor = SPAN("config"),
        .reason = SPAN("the configuration that moved it did not come to be"),
        .kind = SPAN("weight.file"),
        .time_ms = now_ms,
        .weight = w};
    uint64_t sequence;
    struct err e;

    if (store_commit(store, &c, &sequence, &e))
        log_error("weight_not_stored", "slot=%s ppm=%u error=\"%s\"", w->slot,
                  w->weight_ppm, e.text);
}

void
slots_restore(struct slots *s, struct store *store,
              const struct store_weight *kept, uint64_t now_ms)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct store_weight *w =
            store_weight(store, span_str(kept[i].slot));
        if (!w)
            continue;
        if (w->weight_ppm != kept[i].weight_ppm ||
            w->file_ppm != kept[i].file_ppm || w->run != kept[i].run)
            put_back(store, &kept[i], now_ms);
        apply(s, &s->at[i], kept[i].weight_ppm, kept[i].run);
    }
}

void
slots_state(const struct slots *s, const struct store *store,
            const struct slot *slot, struct slot_state *out)
{
    struct weight now = weights_get(s->weights, slot->at);
    const struct store_weight *w = store_weight(store, slot->canary->slot_name);

    *out = (struct slot_state){
        .file_ppm = slot->canary->weight_ppm,
        .weight_ppm = w ? w->weight_ppm : now.ppm,
        .effective_ppm = weights_effective(s->weights, s->latches, slot->at),
        .run = now.run,
        .halted = latches_get(s->latches, slot->at).run == now.run,
        .revision = w ? w->revision : 0,
    };
}

/* What a move is to the store; `w` is its weight, and lives as long. */
static struct store_change
change_of(const struct slots *s, const struct slot *slot,
          const struct slot_move *move, struct store_weight *w)
{
    const struct gen_canary *canary = slot->canary;

    *w =
        store_weight_of(canary->slot_name, move->weight_ppm, canary->weight_ppm,
                        weights_get(s->weights, slot->at).run);
    return (struct store_change){.actor = move->actor,
                                 .reason = move->reason,
                                 .kind = move->kind,
                                 .time_ms = move->now_ms,
                                 .weight = w,
                                 .key = move->key,
                                 .expects = move->expects,
                                 .expected = move->expected};
}

enum err_code
slots_move_all(struct slots *s, struct store *store,
               const struct slot *const *at, const struct slot_move *moves,
               size_t n, struct err *e)
{
    struct store_weight *w = calloc(n, sizeof(*w));
    struct store_change *changes = calloc(n, sizeof(*changes));
    uint64_t sequence;

    if (!w || !changes) {
        free(w);
        free(changes);
        return err_set(e, ERR_LIMIT, "no memory for the weights");
    }
    for (size_t i = 0; i < n; i++)
        changes[i] = change_of(s, at[i], &moves[i], &w[i]);
    enum err_code code = store_commit_all(store, changes, n, &sequence, e);
    for (size_t i = 0; i < n && code == OK; i++) {
        apply(s, at[i], w[i].weight_ppm, w[i].run);
        log_info("weight_set", "slot=%s ppm=%u revision=%llu", w[i].slot,
                 w[i].weight_ppm, (unsigned long long)(sequence - (n - 1 - i)));
    }
    free(w);
    free(changes);
    return code;
}

enum err_code
slots_move(struct slots *s, struct store *store, const struct slot *slot,
           const struct slot_move *move, struct err *e)
{
    return slots_move_all(s, store, &slot, move, 1, e);
}
