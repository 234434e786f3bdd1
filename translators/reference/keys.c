/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the keys of an object in another spelling.
 *
 * A key that would not come back as it was is outside; two keys that would become
 * one are refused.
 */
#include "translators/reference/form.h"

#include "proxy/base/buf.h"
#include "translators/reference/spot.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

/* `key` spelt so, in the arena. */
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

/* No two members that are there have one key. */
static bool
all_differ(struct run *r, const struct json *object)
{
    struct json *there = json_new_object(r->scratch);
    if (!there)
        return run_full(r);
    for (size_t i = 0; i < object->n; i++) {
        const struct json_member *m = &object->members[i];
        struct json *unit = json_new_null(r->scratch);
        if (spot_is_empty(m->value))
            continue;
        if (!unit || !json_append(r->scratch, there, m->key, unit))
            return run_full(r);
    }
    size_t doubled = json_first_duplicate(there);
    if (doubled == JSON_NONE)
        return true;
    return run_fail(r, FAULT_READ, object, NULL,
                    "two keys are the same in this spelling: \"%.*s\"",
                    SPAN_FMT(there->members[doubled].key));
}

static enum form_result
spell_object(struct run *r, enum lens_spelling from, enum lens_spelling to,
             struct json *object)
{
    for (size_t i = 0; i < object->n; i++) {
        span was = object->members[i].key;
        span key = {0};
        span back = {0};
        if (spot_is_empty(object->members[i].value))
            continue; /* it has been taken: its key is nobody's */
        if (!spell(r, was, to, &key) || !spell(r, key, from, &back))
            return FORM_FAILED;
        if (!span_eq(back, was))
            return FORM_OUTSIDE;
        if (!span_eq(key, was) && !json_rename(r->arena, object, i, key)) {
            run_full(r);
            return FORM_FAILED;
        }
    }
    return all_differ(r, object) ? FORM_DONE : FORM_FAILED;
}

enum form_result
form_spell_keys(struct run *r, enum lens_spelling from, enum lens_spelling to,
                unsigned depth, struct json *value)
{
    if (!json_is_container(value))
        return FORM_DONE;
    if (value->kind == JSON_OBJECT) {
        enum form_result done = spell_object(r, from, to, value);
        if (done != FORM_DONE || depth == 1)
            return done;
        depth -= depth > 0;
    }
    for (size_t i = 0; i < value->n; i++) {
        enum form_result done =
            form_spell_keys(r, from, to, depth, value->members[i].value);
        if (done != FORM_DONE)
            return done;
    }
    return FORM_DONE;
}
/* NOLINTEND(misc-no-recursion) */
