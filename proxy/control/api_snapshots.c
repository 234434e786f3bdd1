/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls about snapshots: what held at a revision, and putting it back.
 */
#include "proxy/control/api_call.h"

#include "proxy/control/snapshots.h"

/* The snapshot that the path names; NULL: answered. */
static json_t *
snapshot_of(struct call *c)
{
    uint64_t revision = 0;
    json_t *json = NULL;
    struct err e;

    if (!span_to_u64(c->rest, &revision)) {
        api_problem(c->out, 404,
                    "a snapshot is called by its revision: '%.*s' "
                    "is none",
                    SPAN_FMT(c->rest));
        return NULL;
    }
    enum err_code code = snapshot_read(c->control->store, revision, &json, &e);
    if (code)
        api_problem(c->out, call_status_of(code), "%s", e.text);
    return json;
}

void
get_snapshot(struct call *c)
{
    json_t *json = snapshot_of(c);

    if (json)
        call_answer(c->out, 200, json);
}

/* Is the journal where the caller saw it? False: answered. */
static bool
is_expected(struct call *c)
{
    uint64_t now = store_sequence(c->control->store), expected;
    bool expects;

    if (!call_if_match(c, &expects, &expected))
        return false;
    if (!expects || expected == now)
        return true;
    api_problem(c->out, 412, "the journal is at revision %llu, not %llu",
                (unsigned long long)now, (unsigned long long)expected);
    return false;
}

/* It was made under this key: nothing is moved, and the journal stands where it does. */
static void
answer_again(struct call *c)
{
    call_answer(c->out, 200,
                json_pack("{s:b, s:I, s:[], s:[]}", "dry_run", 0, "revision",
                          (json_int_t)store_sequence(c->control->store),
                          "moved", "left"));
}

static void
put_back(struct call *c, const json_t *snapshot, span reason, bool dry)
{
    struct snapshot_restored done;
    span as_at =
        arena_fmt(c->arena, "as at revision %.*s: ", SPAN_FMT(c->rest));
    struct snapshot_order order = {
        .actor = span_str(c->request->who->actor),
        .reason =
            arena_fmt(c->arena, "%.*s%.*s", SPAN_FMT(as_at), SPAN_FMT(reason)),
        .now_ms = c->request->wall_ms,
        .dry = dry};
    struct err e;

    if (!as_at.at || !order.reason.at) {
        api_problem(c->out, 500, "no memory for the reason");
        return;
    }
    switch (call_key_said(c, SNAPSHOT_KIND, as_at, &order.key)) {
    case KEY_NEW:
        break;
    case KEY_SAME:
        answer_again(c);
        return;
    case KEY_ANOTHER_S:
        return;
    }
    if (!is_expected(c))
        return;
    enum err_code code = snapshot_restore(&c->control->slots, c->control->store,
                                          snapshot, &order, &done, &e);
    if (code)
        api_problem(c->out, call_status_of(code), "%s", e.text);
    else
        call_answer(c->out, 200,
                    json_pack("{s:b, s:I, s:o, s:o}", "dry_run", dry,
                              "revision", (json_int_t)done.revision, "moved",
                              done.moved, "left", done.left));
}

void
post_snapshot(struct call *c)
{
    static const char *const members[] = {"reason", "dry_run"};
    json_t *snapshot = snapshot_of(c);
    json_t *json = snapshot ? call_body(c, members, COUNT(members)) : NULL;
    span reason;
    bool dry;

    if (json && call_reason(c, json, &reason) && call_dry(c, json, &dry))
        put_back(c, snapshot, reason, dry);
    json_decref(json);
    json_decref(snapshot);
}
