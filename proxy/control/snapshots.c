/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/snapshots.h"

#include "proxy/base/quantity.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what held ----------------------------------------------------------------- */

struct reading {
    uint64_t revision;
    size_t n_known; /* slots that the store knows: no more are looked for */
    json_t *slots;
    uint64_t time_ms;
    bool met; /* the revision itself */
    bool full;
};

/* Newest first: what was said of a slot already is later. */
static bool
read_revision(void *arg, const struct store_revision *r)
{
    struct reading *s = arg;

    if (!s->met) {
        s->met = r->sequence == s->revision;
        s->time_ms = r->time_ms;
    }
    if (!s->met)
        return false;
    json_t *after = json_loadb(r->after.at, r->after.len, 0, NULL);
    const char *slot = json_string_value(json_object_get(after, "slot"));
    if (slot && !json_object_get(s->slots, slot)) {
        (void)json_object_del(after, "evidence");
        s->full = json_object_set_new(after, "revision",
                                      json_integer((json_int_t)r->sequence)) ||
                  json_object_set(s->slots, slot, after);
    }
    json_decref(after);
    return !s->full && json_object_size(s->slots) < s->n_known;
}

enum err_code
snapshot_read(struct store *store, uint64_t revision, json_t **out,
              struct err *e)
{
    struct reading s = {.revision = revision, .slots = json_object()};
    enum err_code code = OK;

    (void)store_weights(store, &s.n_known);
    *out = NULL;
    if (s.slots && revision > 0 && revision <= store_sequence(store))
        code = store_revisions(store, revision + 1, SIZE_MAX, read_revision, &s,
                               e);
    if (code == OK && !s.met)
        code = err_set(e, ERR_NOT_FOUND,
                       "there is no revision %llu: the newest is %llu",
                       (unsigned long long)revision,
                       (unsigned long long)store_sequence(store));
    if (code == OK && !s.full)
        *out = json_pack("{s:I, s:I, s:O}", "revision", (json_int_t)revision,
                         "time_ms", (json_int_t)s.time_ms, "slots", s.slots);
    json_decref(s.slots);
    if (code == OK && !*out)
        code = err_set(e, ERR_LIMIT, "no memory for a snapshot");
    return code;
}

/* ---- putting it back ------------------------------------------------------------- */

struct restoring {
    struct slots *slots;
    struct store *store;
    const json_t *was; /* slots of the snapshot */
    struct snapshot_restored *out;
    struct slot_move *moves;
    const struct slot **at;
    size_t n;
};

static bool
leave(struct restoring *r, const struct slot *slot, const char *why)
{
    span name = slot->canary->slot_name;

    return json_array_append_new(r->out->left,
                                 json_pack("{s:s%, s:s}", "slot", name.at,
                                           name.len, "why", why)) == 0;
}

/* A rollout that stands where it stood is no matter. */
static bool
see_rollout(struct restoring *r, const struct slot *slot, const json_t *was)
{
    const struct store_record *now =
        store_record(r->store, slot->canary->slot_name);
    char why[128];
    const char *state = json_string_value(json_object_get(was, "state"));
    json_t *is = now ? json_loadb(now->json.at, now->json.len, 0, NULL) : NULL;
    bool same =
        json_equal(json_object_get(was, "state"),
                   json_object_get(is, "state")) &&
        json_equal(json_object_get(was, "step"), json_object_get(is, "step"));

    json_decref(is);
    if (same || (!state && !now))
        return true;
    (void)snprintf(why, sizeof(why),
                   "a rollout is not put back: it was %s, step %lld; its own "
                   "edges move it",
                   state ? state : "not begun",
                   (long long)json_integer_value(json_object_get(was, "step")));
    return leave(r, slot, why);
}

static bool
see_slot(struct restoring *r, const struct slot *slot,
         const struct snapshot_order *order)
{
    span name = slot->canary->slot_name;
    const json_t *was = json_object_getn(r->was, name.at, name.len);
    const struct store_weight *now = store_weight(r->store, name);

    if (slot->canary->rollout)
        return see_rollout(r, slot, was);
    const json_t *weight = json_object_get(was, "weight_ppm");
    json_int_t ppm = json_integer_value(weight);
    if (!now || !json_is_integer(weight) || ppm < 0 || ppm > SHARE_ALL)
        return leave(r, slot, "it had no weight yet");
    if (now->weight_ppm == (uint64_t)ppm)
        return true;
    r->at[r->n] = slot;
    r->moves[r->n++] = (struct slot_move){.weight_ppm = (uint32_t)ppm,
                                          .actor = order->actor,
                                          .reason = order->reason,
                                          .kind = SPAN(SNAPSHOT_KIND),
                                          .now_ms = order->now_ms};
    return json_array_append_new(r->out->moved,
                                 json_pack("{s:s%, s:I, s:I}", "slot", name.at,
                                           name.len, "was_ppm",
                                           (json_int_t)now->weight_ppm,
                                           "weight_ppm", ppm)) == 0;
}

static enum err_code
restore(struct restoring *r, const struct snapshot_order *order, struct err *e)
{
    const char *refuses = store_refuses(r->store);

    if (order->dry && refuses)
        return err_set(e, ERR_CONFLICT, "%s", refuses);
    for (size_t i = 0; i < r->slots->n; i++)
        if (!see_slot(r, &r->slots->at[i], order))
            return err_set(e, ERR_LIMIT, "no memory for a restore");
    if (r->n) /* the newest of its revisions stands for all */
        r->moves[r->n - 1].key = order->key;
    if (!order->dry && r->n &&
        slots_move_all(r->slots, r->store, r->at, r->moves, r->n, e))
        return e->code;
    r->out->revision = store_sequence(r->store);
    return OK;
}

enum err_code
snapshot_restore(struct slots *s, struct store *store, const json_t *snapshot,
                 const struct snapshot_order *order,
                 struct snapshot_restored *out, struct err *e)
{
    struct restoring r = {.slots = s,
                          .store = store,
                          .was = json_object_get(snapshot, "slots"),
                          .out = out,
                          .moves = calloc(s->n + 1, sizeof(*r.moves)),
                          .at = calloc(s->n + 1, sizeof(const struct slot *))};

    *out =
        (struct snapshot_restored){.moved = json_array(), .left = json_array()};
    enum err_code code = r.moves && r.at && out->moved && out->left
                             ? restore(&r, order, e)
                             : err_set(e, ERR_LIMIT, "no memory for a restore");
    free(r.moves);
    free(r.at);
    if (code) {
        json_decref(out->moved);
        json_decref(out->left);
        *out = (struct snapshot_restored){0};
    }
    return code;
}
