/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/keyed.h"

#include "translators/reference/form.h"

static bool
add(struct run *r, struct keyed *k, struct json_member *m)
{
    struct json *key = NULL;
    if (!place_get(r, m->value, k->by, &key) || !key)
        return !r->failed;
    if (json_is_container(key)) {
        k->has_others = true;
        return true;
    }
    span text = form_compact(r, key);
    return text.at && (map_put(&k->scalars, text, m, NULL) || run_full(r));
}

bool
keyed_build(struct run *r, struct json *list, const struct lens_place *by,
            struct keyed *out)
{
    *out = (struct keyed){.list = list, .by = by};
    map_init(&out->scalars, r->scratch);
    for (size_t i = 0; i < list->n; i++)
        if (!spot_is_empty(list->members[i].value) &&
            !add(r, out, &list->members[i]))
            return false;
    return true;
}

static bool
search(struct run *r, const struct keyed *k, const struct json *key,
       size_t *slot)
{
    for (size_t i = 0; i < k->list->n; i++) {
        struct json *element = k->list->members[i].value, *other = NULL;
        bool same = false;
        if (spot_is_empty(element))
            continue;
        if (!place_get(r, element, k->by, &other) ||
            (other && !spot_equal(r, other, key, &same)))
            return false;
        if (same) {
            *slot = i;
            return true;
        }
    }
    return true;
}

bool
keyed_find(struct run *r, const struct keyed *k, const struct json *key,
           size_t *slot)
{
    *slot = JSON_NONE;
    if (json_is_container(key))
        return !k->has_others || search(r, k, key, slot);
    span text = form_compact(r, key);
    if (!text.at)
        return false;
    const struct json_member *m = map_get(&k->scalars, text);
    if (m)
        *slot = (size_t)(m - k->list->members);
    return true;
}
