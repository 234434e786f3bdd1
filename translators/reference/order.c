/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: a list sorted by a member of its elements; back it is as it is.
 *
 * Null, truths, numbers, texts, in this order; then what has no order among itself,
 * then elements without the member. What is equal keeps its place.
 */
#include "translators/reference/decimal.h"
#include "translators/reference/spot.h"
#include "translators/reference/stage.h"

struct sortable {
    struct json *element;
    const struct json *key;
    struct decimal number;
    unsigned rank;
    size_t at;
};

static int
by_key(const void *a, const void *b)
{
    const struct sortable *x = a;
    const struct sortable *y = b;
    int c = 0;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->key && x->key->kind == JSON_NUMBER)
        c = decimal_compare(&x->number, &y->number);
    else if (x->key && x->key->kind == JSON_TEXT)
        c = span_cmp(x->key->text, y->key->text);
    else if (x->key && x->key->kind == JSON_BOOL)
        c = (int)x->key->truth - (int)y->key->truth;
    if (c)
        return c;
    return x->at < y->at ? -1 : x->at > y->at;
}

static unsigned
rank_of(const struct json *key)
{
    static const unsigned ranks[] = {
        [JSON_NULL] = 0, [JSON_BOOL] = 1, [JSON_NUMBER] = 2,
        [JSON_TEXT] = 3, [JSON_LIST] = 4, [JSON_OBJECT] = 4};
    return key ? ranks[key->kind] : 5;
}

static bool
read_key(struct run *r, const struct lens_stage *stage, struct sortable *s)
{
    struct json *at = s->element;
    for (size_t i = 0; at && i < stage->key.n; i++)
        if (!spot_member(r, at, stage->key.steps[i].key, &at))
            return false;
    s->key = at;
    s->rank = rank_of(at);
    if (at && !spot_is_readable(r, at))
        return false;
    if (at && at->kind == JSON_NUMBER &&
        !decimal_read(r->scratch, at->text, &s->number))
        s->rank = 4; /* too long to compare */
    return true;
}

bool
stage_order(struct run *r, const struct lens_stage *stage, enum lens_side read,
            const struct stage_asker *asker, struct json *value)
{
    if (value->kind == JSON_NULL)
        return true;
    if (value->kind != JSON_LIST)
        return run_fail(r, FAULT_CARRY, value, asker->origin,
                        "a list was expected, not %s",
                        json_kind_word(value->kind));
    spot_purge(value);
    size_t n = value->n;
    bool moved = false;
    struct sortable *all = arena_array(r->scratch, n + 1, sizeof(*all));
    if (!all)
        return run_full(r);
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct sortable){.element = value->members[i].value, .at = i};
        if (!read_key(r, stage, &all[i]))
            return false;
    }
    if (n)
        qsort(all, n, sizeof(*all), by_key);
    for (size_t i = 0; i < n; i++)
        moved = moved || all[i].at != i;
    if (!moved)
        return true;
    if (read == stage->sorted) /* it would come back sorted */
        return run_notice(r, NOTICE_LOSSY, asker->origin, value);
    while (value->n)
        (void)json_remove(value, value->n - 1);
    for (size_t i = 0; i < n; i++)
        if (!json_list_append(r->arena, value, all[i].element))
            return run_full(r);
    return run_notice(r, NOTICE_LOSSY, asker->origin, value);
}
