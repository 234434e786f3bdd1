/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: a list as a map by a key of its elements, and back.
 *
 * Null passes. What has no key, or one that another has, has no form in a map;
 * what a map holds that is no such element has none in a list.
 */
#include "translators/reference/stage.h"

#include "proxy/base/map.h"
#include "translators/reference/spot.h"

struct turning {
    struct run *r;
    const struct lens_stage *stage;
    const struct stage_asker *asker;
    struct json *out;
    struct map seen; /* key to the member's value */
};

static bool
refuse(const struct turning *t, const struct json *node, const char *what)
{
    return run_fail(t->r, FAULT_CARRY, node, t->asker->origin, "%s", what);
}

/* ---- members of an element ---------------------------------------------------- */

/* What is at a place of keys; *host holds it. */
static bool
member_at(const struct turning *t, struct json *element,
          const struct lens_place *place, struct json **out)
{
    struct json *at = element;
    for (size_t i = 0; at && i < place->n; i++)
        if (!spot_member(t->r, at, place->steps[i].key, &at))
            return false;
    *out = at;
    return true;
}

/* Take it out, and the objects on the way that are empty then. */
static void
cut(struct json *node, const struct json *element)
{
    struct json *host = node->parent;
    json_detach(node);
    while (host != element && host->n == 0) {
        struct json *outer = host->parent;
        json_detach(host);
        host = outer;
    }
}

static bool
put(const struct turning *t, struct json *element,
    const struct lens_place *place, struct json *value)
{
    struct run *r = t->r;
    for (size_t i = 0; i + 1 < place->n; i++) {
        span key = place->steps[i].key;
        struct json *next = json_get(element, key);
        if (!next) {
            next = json_new_object(r->arena);
            if (!next || !run_derive(r, next, run_origin(value)) ||
                !json_append(r->arena, element, key, next))
                return run_full(r);
        }
        if (next->kind != JSON_OBJECT)
            return refuse(t, next,
                          "the key of this element has a place in no object");
        element = next;
    }
    return json_append(r->arena, element, place->steps[place->n - 1].key,
                       value) ||
           run_full(r);
}

/* ---- a list as a map -------------------------------------------------------------- */

/* The key of an element, a text that can be read. */
static bool
key_of(const struct turning *t, struct json *element, struct json **out)
{
    *out = NULL;
    if (element->kind != JSON_OBJECT && t->stage->key.n)
        return refuse(t, element,
                      "an element without a key has no place in "
                      "the map of the other version");
    if (!member_at(t, element, &t->stage->key, out))
        return false;
    if (!*out || (*out)->kind != JSON_TEXT)
        return refuse(t, element,
                      "an element whose key is no text has no "
                      "place in the map of the other version");
    return spot_is_readable(t->r, *out);
}

/* What `map(v)` leaves of an element. */
static bool
say_rest(const struct turning *t, const struct json *element)
{
    bool lost = t->asker->rest == LENS_REST_LOSE ||
                (t->asker->rest != LENS_REST_REFUSE && !t->r->is_request);
    if (spot_count(element) == 0)
        return true;
    if (!lost)
        return refuse(t, element,
                      "an element has members that the map of the "
                      "other version does not hold");
    return run_notice(t->r, NOTICE_LOSSY, t->asker->origin, element);
}

/* What the map holds for it. */
static bool
held(const struct turning *t, struct json *element, struct json *key,
     struct json **out)
{
    struct run *r = t->r;
    *out = element;
    switch (t->stage->held) {
    case LENS_HELD_WHOLE:
        return true;
    case LENS_HELD_REST:
        cut(key, element);
        return true;
    case LENS_HELD_NONE:
        *out = stage_literal(r, t->stage->unit, run_origin(element));
        return *out != NULL;
    case LENS_HELD_VALUE:
        break;
    }
    cut(key, element);
    if (!member_at(t, element, &t->stage->value, out))
        return false;
    if (!*out)
        return refuse(t, element,
                      "an element has nothing that the map of the "
                      "other version could hold");
    cut(*out, element);
    return say_rest(t, element);
}

static bool
add_member(struct turning *t, span key, struct json *value)
{
    struct run *r = t->r;
    struct json *first = map_get(&t->seen, key);
    void *was = NULL;
    if (first && t->stage->twice == LENS_TWICE_FAIL)
        return refuse(t, value,
                      "two elements have one key, and the map of the "
                      "other version holds one");
    if (first && !run_notice(r, NOTICE_LOSSY, t->asker->origin, value))
        return false;
    if (first && t->stage->twice == LENS_TWICE_FIRST)
        return true;
    if (first)
        json_replace(first, value);
    else if (!json_append(r->arena, t->out, key, value))
        return run_full(r);
    return map_put(&t->seen, key, value, &was) || run_full(r);
}

static bool
add_element(struct turning *t, struct json *element)
{
    struct json *key = NULL;
    struct json *value = NULL;
    if (!key_of(t, element, &key))
        return false;
    span text = key->text;
    return held(t, element, key, &value) && add_member(t, text, value);
}

/* ---- a map as a list ---------------------------------------------------------------- */

/* The element has its key already: then it must be that one. */
static bool
has_key(const struct turning *t, struct json *element, span key, bool *has)
{
    struct json *own = NULL;
    if (!member_at(t, element, &t->stage->key, &own))
        return false;
    *has = own != NULL;
    if (!own || (own->kind == JSON_TEXT && span_eq(own->text, key)))
        return true;
    return refuse(t, own,
                  "what a map holds says another key than the one it "
                  "stands under");
}

static bool
element_of(const struct turning *t, span key, struct json *value,
           struct json **out)
{
    struct run *r = t->r;
    bool has = false;
    bool same = false;
    *out = value;
    struct json *own = json_new_text(r->arena, key);
    if (!own || !run_derive(r, own, run_origin(value)))
        return run_full(r);
    if (t->stage->held == LENS_HELD_NONE) {
        if (!spot_equal(r, value, t->stage->unit, &same))
            return false;
        *out = own;
        return same || refuse(t, value,
                              "a map of this version holds one value "
                              "alone, and this is another");
    }
    if (t->stage->held == LENS_HELD_VALUE) {
        *out = json_new_object(r->arena);
        if (!*out || !run_derive(r, *out, run_origin(value)))
            return run_full(r);
        return put(t, *out, &t->stage->key, own) &&
               put(t, *out, &t->stage->value, value);
    }
    if (value->kind != JSON_OBJECT)
        return refuse(t, value,
                      "what a map holds is no object, and an element "
                      "of the other version is one");
    if (!has_key(t, value, key, &has))
        return false;
    if (has && t->stage->held == LENS_HELD_WHOLE)
        return true;
    if (has)
        return refuse(t, value,
                      "what a map holds has a key of its own, which "
                      "is the other version's");
    if (t->stage->held == LENS_HELD_WHOLE)
        return refuse(t, value, "what a map holds does not say its key");
    return put(t, value, &t->stage->key, own);
}

static bool
add_back(struct turning *t, span key, struct json *value)
{
    struct json *element = NULL;
    return element_of(t, key, value, &element) &&
           (json_list_append(t->r->arena, t->out, element) || run_full(t->r));
}

/* ---- both ----------------------------------------------------------------------------- */

static bool
turn(struct turning *t, struct json *value, bool is_list)
{
    struct run *r = t->r;
    size_t n = value->n;
    struct json_member *all = arena_array(r->scratch, n + 1, sizeof(*all));
    if (!all)
        return run_full(r);
    if (n)
        memcpy(all, value->members, n * sizeof(*all));
    while (value->n)
        (void)json_remove(value, value->n - 1);
    for (size_t i = 0; i < n; i++)
        if (!(is_list ? add_element(t, all[i].value)
                      : add_back(t, all[i].key, all[i].value)))
            return false;
    return true;
}

bool
stage_index(struct run *r, const struct lens_stage *stage, enum lens_side read,
            const struct stage_asker *asker, struct json *value,
            struct image *out)
{
    bool is_list = read == stage->list;
    struct turning t = {.r = r, .stage = stage, .asker = asker};
    if (value->kind == JSON_NULL)
        return true;
    spot_purge(value);
    if (value->kind != (is_list ? JSON_LIST : JSON_OBJECT))
        return run_fail(
            r, FAULT_CARRY, value, asker->origin, "%s was expected, not %s",
            is_list ? "a list" : "an object", json_kind_word(value->kind));
    size_t doubled = is_list ? JSON_NONE : json_first_duplicate(value);
    if (doubled != JSON_NONE)
        return run_fail(r, FAULT_READ, value->members[doubled].value, NULL,
                        "the key \"%.*s\" occurs twice",
                        SPAN_FMT(value->members[doubled].key));
    map_init(&t.seen, r->scratch);
    t.out = is_list ? json_new_object(r->arena) : json_new_list(r->arena);
    if (!t.out || !run_derive(r, t.out, run_origin(value)))
        return run_full(r);
    out->value = t.out;
    return turn(&t, value, is_list);
}
