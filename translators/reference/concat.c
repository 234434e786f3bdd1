/* SPDX-License-Identifier: Apache-2.0 */
/*
 * concat: several lists one after another, and back by what tells their elements.
 *
 * What would not come back as it was, in an empty list or another place, is told.
 */
#include "translators/reference/frame.h"

struct chain_of {
    struct frame *f;
    const struct lens_arrow *arrow;
    struct take *joined;
    size_t n_lists;
};

static bool
expect_list(const struct chain_of *c, const struct json *value)
{
    if (!value || value->kind == JSON_LIST)
        return true;
    return run_fail(c->f->run, FAULT_CARRY, value, &c->arrow->origin,
                    "a list was expected, not %s", json_kind_word(value->kind));
}

/* Which list an element goes back to; n_lists: none. */
static bool
list_of(const struct chain_of *c, struct json *element, size_t *out)
{
    const struct lens_joint *j = c->arrow->joint;
    bool fits = false;
    for (*out = 0; *out < c->n_lists; ++*out) {
        const struct lens_back *back = &j->backs[*out];
        bool ok = back->find
                      ? place_finds(c->f->run, element, back->find, &fits)
                      : test_shape(c->f->run, element, &back->shape, &fits);
        if (!ok)
            return false;
        if (fits)
            return true;
    }
    return true;
}

static struct json *
new_list(const struct chain_of *c, struct take *t, const struct json *from)
{
    struct run *r = c->f->run;
    struct json *list = json_new_list(r->arena);
    if (!list || !run_derive(r, list, run_origin(from)))
        return NULL;
    t->image = (struct image){IMAGE_VALUE, list};
    return list;
}

/* The elements of a list that lets go of them; NULL: full. */
static struct json **
emptied(const struct chain_of *c, struct json *list, size_t *n)
{
    spot_purge(list);
    *n = list->n;
    struct json **all =
        arena_array(c->f->run->scratch, *n + 1, sizeof(struct json *));
    for (size_t i = *n; all && i-- > 0;)
        all[i] = json_remove(list, i);
    return all;
}

static bool
add(const struct chain_of *c, struct json *list, struct json *element)
{
    return json_list_append(c->f->run->arena, list, element) ||
           run_full(c->f->run);
}

/* Is one of the lists from `i` on there? Then an empty one before it is lost. */
static bool
any(const struct chain_of *c, struct json *const *values, size_t i)
{
    for (; i < c->n_lists; i++)
        if (values[i])
            return true;
    return false;
}

static bool
join(struct chain_of *c, struct json *const *values)
{
    struct run *r = c->f->run;
    struct json *out = NULL;
    bool lossy = false;
    for (size_t i = 0; i < c->n_lists; i++) {
        size_t n = 0;
        if (!expect_list(c, values[i]))
            return false;
        if (!values[i])
            continue;
        if (!out)
            out = new_list(c, &c->joined[0], values[i]);
        struct json **all = emptied(c, values[i], &n);
        if (!out || !all)
            return run_full(r);
        lossy = lossy || (n == 0 && (i > 0 || any(c, values, 1)));
        for (size_t k = 0; k < n; k++) {
            size_t back = 0;
            if (!list_of(c, all[k], &back) || !add(c, out, all[k]))
                return false;
            lossy = lossy || back != i;
        }
    }
    return !lossy || run_notice(r, NOTICE_LOSSY, &c->arrow->origin, out);
}

static bool
part(struct chain_of *c, struct json *value)
{
    struct run *r = c->f->run;
    size_t n = 0;
    size_t last = 0;
    bool mixed = false;
    if (!expect_list(c, value))
        return false;
    struct json **all = emptied(c, value, &n);
    if (!all)
        return run_full(r);
    if (n == 0)
        return new_list(c, &c->joined[0], value) != NULL || run_full(r);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        if (!list_of(c, all[i], &at))
            return false;
        if (at == c->n_lists)
            return run_fail(r, FAULT_CARRY, all[i], &c->arrow->origin,
                            "nothing says which list of the other version this "
                            "element is of");
        mixed = mixed || at < last;
        last = at;
        struct take *t = &c->joined[at];
        struct json *list = t->image.kind == IMAGE_VALUE
                                ? t->image.value
                                : new_list(c, t, value);
        if (!list)
            return run_full(r);
        if (!add(c, list, all[i]))
            return false;
    }
    return !mixed || run_notice(r, NOTICE_LOSSY, &c->arrow->origin, value);
}

bool
concat_bring(struct frame *f, const struct lens_arrow *arrow,
             struct take *parts, struct json *const *values, size_t n)
{
    const struct lens_joint *j = arrow->joint;
    struct chain_of c = {.f = f,
                         .arrow = arrow,
                         .joined = parts + n, /* they follow the parts */
                         .n_lists = j->n[lens_other(j->one)]};
    return f->leg->read == j->one ? part(&c, values[0]) : join(&c, values);
}
