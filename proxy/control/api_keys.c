/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that is asked for again under its key is not made again.
 */
#include "proxy/control/api_call.h"

/* The revision that was made under the key. */
struct made {
    json_t *of;
    const char *kind;
    span said; /* how its reason begins */
    bool is_it;
};

static bool
is_it(void *arg, const struct store_revision *r)
{
    struct made *m = arg;
    json_t *after = json_loadb(r->after.at, r->after.len, 0, NULL);
    const char *name;
    json_t *value;

    m->is_it = span_is(r->kind, m->kind) && span_starts(r->reason, m->said);
    json_object_foreach(m->of, name, value)
    {
        m->is_it &= json_equal(json_object_get(after, name), value) != 0;
    }
    json_decref(after);
    return false;
}

static enum key_is
find(struct call *c, struct made *m, span key)
{
    uint64_t revision;
    struct err e;

    if (!m->of) {
        api_problem(c->out, 500, "no memory for the key");
        return KEY_ANOTHER_S;
    }
    if (key.len == 0 || store_key(c->control->store, key, &revision, &e))
        return KEY_NEW;
    if (store_revisions(c->control->store, revision + 1, 1, is_it, m, &e) ==
            OK &&
        m->is_it)
        return KEY_SAME;
    api_problem(c->out, 409, "this Idempotency-Key was another change's");
    return KEY_ANOTHER_S;
}

static enum key_is
look_up(struct call *c, struct made *m, span *key)
{
    const struct field *field =
        head_get(c->request->head, SPAN("idempotency-key"));

    *key = field ? field->value : (span){0};
    enum key_is is = find(c, m, *key);
    json_decref(m->of);
    return is;
}

enum key_is
call_key(struct call *c, json_t *of, const char *kind, span *key)
{
    struct made m = {.of = of, .kind = kind};

    return look_up(c, &m, key);
}

enum key_is
call_key_said(struct call *c, const char *kind, span said, span *key)
{
    struct made m = {.of = json_object(), .kind = kind, .said = said};

    return look_up(c, &m, key);
}

json_t *
call_key_slot(span slot)
{
    return json_pack("{s:s%}", "slot", slot.at, slot.len);
}

bool
call_dry(struct call *c, const json_t *json, bool *dry)
{
    const json_t *value = json_object_get(json, "dry_run");

    *dry = json_is_true(value);
    if (!value || json_is_boolean(value))
        return true;
    api_problem(c->out, 400, "'dry_run' is true or false");
    return false;
}
