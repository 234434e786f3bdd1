/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flat: a list of lists as one list, and back.
 *
 * The way back is asked on the way there, too: where it would part the list
 * otherwise, that is told. Null passes; an element without the key that parts
 * the list is of no list.
 */
#include "translators/reference/spot.h"
#include "translators/reference/stage.h"

struct flattening {
    struct run *r;
    const struct lens_stage *stage;
    const struct stage_asker *asker;
};

static bool
expect_list(const struct flattening *f, const struct json *value)
{
    if (value->kind == JSON_LIST)
        return true;
    return run_fail(f->r, FAULT_CARRY, value, f->asker->origin,
                    "a list was expected, not %s", json_kind_word(value->kind));
}

static bool
key_of(const struct flattening *f, struct json *element, struct json **out)
{
    struct json *at = element;
    for (size_t i = 0; at && i < f->stage->key.n; i++)
        if (!spot_member(f->r, at, f->stage->key.steps[i].key, &at))
            return false;
    *out = at;
    if (at)
        return spot_is_readable(f->r, at);
    return run_fail(f->r, FAULT_CARRY, element, f->asker->origin,
                    "an element without \"%.*s\" is of no list in the other "
                    "version",
                    SPAN_FMT(f->stage->key.text));
}

/* Does a list begin with `element`, which stands behind `before`? */
static bool
begins(const struct flattening *f, struct json *before, struct json *element,
       bool *is)
{
    struct json *x = NULL, *y = NULL;
    bool same = false;
    *is = !before;
    switch (f->stage->back) {
    case LENS_FLAT_ONE:
        return true;
    case LENS_FLAT_EACH:
        *is = true;
        return true;
    case LENS_FLAT_KEY:
        break;
    }
    if (!key_of(f, element, &y) || (before && !key_of(f, before, &x)))
        return false;
    if (before && !spot_equal(f->r, x, y, &same))
        return false;
    *is = !same;
    return true;
}

/* A list at the end of `to`, made of what is at the origin of `from`. */
static struct json *
new_list(const struct flattening *f, const struct json *from, struct json *to)
{
    struct json *list = json_new_list(f->r->arena);
    bool ok = list && run_derive(f->r, list, run_origin(from)) &&
              (!to || json_list_append(f->r->arena, to, list));
    if (!ok)
        run_full(f->r);
    return ok ? list : NULL;
}

/* The elements of a list, which lets go of them; NULL: full. */
static struct json **
emptied(const struct flattening *f, struct json *list, size_t *n)
{
    spot_purge(list);
    *n = list->n;
    struct json **all =
        arena_array(f->r->scratch, *n + 1, sizeof(struct json *));
    for (size_t i = *n; all && i-- > 0;)
        all[i] = json_remove(list, i);
    if (!all)
        run_full(f->r);
    return all;
}

static bool
flatten_one(const struct flattening *f, struct json *inner, struct json *out,
            bool *lossy)
{
    size_t n = 0;
    if (!expect_list(f, inner))
        return false;
    struct json **all = emptied(f, inner, &n);
    *lossy = *lossy || n == 0;
    for (size_t i = 0; all && i < n; i++) {
        struct json *before = out->n ? out->members[out->n - 1].value : NULL;
        bool is = false;
        if (!begins(f, before, all[i], &is))
            return false;
        *lossy = *lossy || is != (i == 0);
        if (!json_list_append(f->r->arena, out, all[i]))
            return run_full(f->r);
    }
    return all != NULL;
}

static bool
flatten(const struct flattening *f, struct json *value, struct json **out)
{
    bool lossy = false;
    size_t n = 0;
    struct json **all = emptied(f, value, &n);
    *out = all ? new_list(f, value, NULL) : NULL;
    for (size_t i = 0; *out && i < n; i++)
        if (!flatten_one(f, all[i], *out, &lossy))
            return false;
    return *out &&
           (!lossy || run_notice(f->r, NOTICE_LOSSY, f->asker->origin, *out));
}

static bool
part(const struct flattening *f, struct json *value, struct json **out)
{
    size_t n = 0;
    struct json *list = NULL;
    struct json **all = emptied(f, value, &n);
    *out = all ? new_list(f, value, NULL) : NULL;
    for (size_t i = 0; *out && i < n; i++) {
        bool is = false;
        if (!begins(f, i ? all[i - 1] : NULL, all[i], &is))
            return false;
        if (is)
            list = new_list(f, all[i], *out);
        if (!list || !json_list_append(f->r->arena, list, all[i]))
            return f->r->failed ? run_never() : run_full(f->r);
    }
    return *out != NULL;
}

bool
stage_flat(struct run *r, const struct lens_stage *stage, enum lens_side read,
           const struct stage_asker *asker, struct json *value,
           struct image *out)
{
    const struct flattening f = {r, stage, asker};
    if (value->kind == JSON_NULL)
        return true;
    if (!expect_list(&f, value))
        return false;
    return read == stage->nested ? flatten(&f, value, &out->value)
                                 : part(&f, value, &out->value);
}
