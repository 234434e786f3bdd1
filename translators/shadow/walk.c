/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/shadow/walk.h"

#include "proxy/base/map.h"

static void
tell(struct walk *w, enum shadow_kind kind, const struct json *baseline,
     const struct json *other)
{
    if (buf_failed(w->place))
        w->full = true;
    else
        w->differs(w->arg, buf_span(w->place), kind, baseline, other);
}

/* Two documents are gone down together, as deep as was parsed: rules.depth_max. */
/* NOLINTBEGIN(misc-no-recursion): the parser has a limit */

/* Both below one step; either may be NULL. */
static void
walk_both(struct walk *w, const struct json *baseline, const struct json *other)
{
    if (!other)
        tell(w, SHADOW_MISSING, baseline, NULL);
    else if (!baseline)
        tell(w, SHADOW_EXTRA, NULL, other);
    else
        walk_values(w, baseline, other);
}

static void
walk_member(struct walk *w, span key, const struct json *baseline,
            const struct json *other)
{
    size_t outer = buf_len(w->place);
    json_pointer_step(w->place, key);
    walk_both(w, baseline, other);
    buf_truncate(w->place, outer);
}

/* Of a doubled key the first counts, as for most who read it. */
static void
walk_objects(struct walk *w, const struct json *baseline,
             const struct json *other)
{
    for (size_t i = 0; i < baseline->n; i++)
        if (json_find(baseline, baseline->members[i].key) == i)
            walk_member(w, baseline->members[i].key, baseline->members[i].value,
                        json_get(other, baseline->members[i].key));
    for (size_t i = 0; i < other->n; i++)
        if (json_find(baseline, other->members[i].key) == JSON_NONE &&
            json_find(other, other->members[i].key) == i)
            walk_member(w, other->members[i].key, NULL,
                        other->members[i].value);
}

/* ---- lists ---- */

/* The member that tells the elements of the list at this place apart, or empty. */
static span
key_of_place(const struct walk *w)
{
    span any = {0};

    for (size_t i = 0; i < w->rules->n_keys; i++) {
        const struct shadow_key *key = &w->rules->keys[i];
        if (span_eq(key->place, buf_span(w->place)) && key->place.len)
            return key->member;
        if (key->place.len == 0)
            any = key->member;
    }
    return any;
}

/* The text by which an element is known; empty if it has none. */
static span
identity(const struct json *element, span member)
{
    const struct json *value = json_get(element, member);
    if (!value || json_is_container(value))
        return (span){0};
    return value->kind == JSON_TEXT || value->kind == JSON_NUMBER ? value->text
                                                                  : (span){0};
}

/* Every element by its identity; false if one has none, or two have the same. */
static bool
index_list(struct walk *w, const struct json *list, span member, struct map *m)
{
    map_init(m, w->scratch);
    for (size_t i = 0; i < list->n; i++) {
        void *was = NULL;
        span id = identity(list->members[i].value, member);
        if (id.len == 0)
            return false;
        if (!map_put(m, id, list->members[i].value, &was)) {
            w->full = true;
            return false;
        }
        if (was)
            return false;
    }
    return true;
}

static void
walk_by_key(struct walk *w, const struct map *baseline, const struct map *other)
{
    for (size_t i = 0; i < baseline->n; i++)
        walk_both(w, baseline->entries[i].value,
                  map_get(other, baseline->entries[i].key));
    for (size_t i = 0; i < other->n; i++)
        if (!map_get(baseline, other->entries[i].key))
            walk_both(w, NULL, other->entries[i].value);
}

static void
walk_by_position(struct walk *w, const struct json *baseline,
                 const struct json *other)
{
    size_t n = baseline->n > other->n ? baseline->n : other->n;
    for (size_t i = 0; i < n; i++)
        walk_both(w, i < baseline->n ? baseline->members[i].value : NULL,
                  i < other->n ? other->members[i].value : NULL);
}

static void
walk_lists(struct walk *w, const struct json *baseline,
           const struct json *other)
{
    struct map left, right;
    span member = key_of_place(w);
    size_t outer = buf_len(w->place);
    buf_str(w->place, "/*");
    if (member.len && index_list(w, baseline, member, &left) &&
        index_list(w, other, member, &right))
        walk_by_key(w, &left, &right);
    else
        walk_by_position(w, baseline, other);
    buf_truncate(w->place, outer);
}

void
walk_values(struct walk *w, const struct json *baseline,
            const struct json *other)
{
    if (baseline->kind != other->kind)
        tell(w, SHADOW_TYPE, baseline, other);
    else if (baseline->kind == JSON_OBJECT)
        walk_objects(w, baseline, other);
    else if (baseline->kind == JSON_LIST)
        walk_lists(w, baseline, other);
    else if (!json_alike(baseline, other))
        tell(w, SHADOW_VALUE, baseline, other);
}
/* NOLINTEND(misc-no-recursion) */
