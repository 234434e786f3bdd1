/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls about weights that no rollout moves: look, move one.
 */
#include "proxy/control/api_call.h"

#include "proxy/base/quantity.h"
#include "proxy/control/api_view.h"

#include <stdio.h>

void
get_weights(struct call *c)
{
    call_answer(c->out, 200, view_weights(c->control));
}

static const struct slot *
find_slot(struct call *c)
{
    const struct slot *slot = slots_find(&c->control->slots, c->rest);

    if (!slot)
        api_problem(c->out, 404, "no route with a canary is called '%.*s'",
                    SPAN_FMT(c->rest));
    return slot;
}

static void
answer_weight(struct call *c, const struct slot *slot)
{
    struct slot_state s;

    slots_state(&c->control->slots, c->control->store, slot, &s);
    (void)snprintf(c->out->etag, sizeof(c->out->etag), "\"%llu\"",
                   (unsigned long long)s.revision);
    call_answer(c->out, 200, view_weight(c->control, slot));
}

void
get_weight(struct call *c)
{
    const struct slot *slot = find_slot(c);

    if (slot)
        answer_weight(c, slot);
}

/* `weight`: a share as text or parts per million as a number. */
static bool
read_weight(struct call *c, const json_t *json, uint32_t *ppm)
{
    const json_t *weight = json_object_get(json, "weight");
    json_int_t n = json_integer_value(weight);

    if (json_is_integer(weight) && n >= 0 && n <= SHARE_ALL) {
        *ppm = (uint32_t)n;
        return true;
    }
    if (json_is_string(weight) &&
        quantity_share(span_str(json_string_value(weight)), ppm))
        return true;
    api_problem(c->out, 400,
                "'weight' is a share like \"12.5%%\" (at most four decimals) "
                "or a number of parts per million from 0 to 1000000");
    return false;
}

/* What it would be; refused as it would be. */
static void
answer_would(struct call *c, const struct slot *slot,
             const struct slot_move *move)
{
    struct store *store = c->control->store;
    struct slot_state s;
    char share[16];

    slots_state(&c->control->slots, store, slot, &s);
    if (store_refuses(store)) {
        api_problem(c->out, 409, "%s", store_refuses(store));
        return;
    }
    if (move->expects && move->expected != s.revision) {
        api_problem(c->out, 412, "it is at revision %llu, not %llu",
                    (unsigned long long)s.revision,
                    (unsigned long long)move->expected);
        return;
    }
    quantity_share_text(move->weight_ppm, share, sizeof(share));
    json_t *json = view_weight(c->control, slot);
    if (json &&
        (json_object_set_new(json, "dry_run", json_true()) ||
         json_object_set_new(json, "was_ppm", json_integer(s.weight_ppm)) ||
         json_object_set_new(json, "weight_ppm",
                             json_integer(move->weight_ppm)) ||
         json_object_set_new(json, "weight", json_string(share)))) {
        json_decref(json);
        json = NULL;
    }
    call_answer(c->out, 200, json);
}

static void
move_weight(struct call *c, const struct slot *slot, const json_t *json)
{
    const struct gen_rollout *rollout = slot->canary->rollout;
    span name = slot->canary->slot_name;
    struct slot_move move = {.actor = span_str(c->request->who->actor),
                             .kind = SPAN("weight.set"),
                             .now_ms = c->request->wall_ms};
    struct err e;
    bool dry;

    if (!call_if_match(c, &move.expects, &move.expected) ||
        !read_weight(c, json, &move.weight_ppm) ||
        !call_reason(c, json, &move.reason) || !call_dry(c, json, &dry))
        return;
    if (rollout) {
        api_problem(c->out, 409,
                    "rollout '%.*s' moves this weight: pause, promote or abort "
                    "it",
                    SPAN_FMT(rollout->name));
        return;
    }
    switch (call_key(c,
                     json_pack("{s:s%, s:I}", "slot", name.at, name.len,
                               "weight_ppm", (json_int_t)move.weight_ppm),
                     "weight.set", &move.key)) {
    case KEY_NEW:
        break;
    case KEY_SAME:
        answer_weight(c, slot);
        return;
    case KEY_ANOTHER_S:
        return;
    }
    if (dry) {
        answer_would(c, slot, &move);
        return;
    }
    enum err_code code =
        slots_move(&c->control->slots, c->control->store, slot, &move, &e);
    if (code == OK)
        answer_weight(c, slot);
    else if (code == ERR_CONFLICT && !store_refuses(c->control->store) &&
             move.expects)
        api_problem(c->out, 412, "%s", e.text);
    else
        api_problem(c->out, call_status_of(code), "%s", e.text);
}

void
put_weight(struct call *c)
{
    static const char *const members[] = {"weight", "reason", "dry_run"};
    const struct slot *slot = find_slot(c);
    json_t *json = slot ? call_body(c, members, COUNT(members)) : NULL;

    if (json)
        move_weight(c, slot, json);
    json_decref(json);
}
