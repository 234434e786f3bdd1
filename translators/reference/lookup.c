/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: references to elements of a list, by index, by key, or the element itself in
 * place of a reference.
 *
 * What a reference points at is found as the object came, by identity; what it becomes is
 * told of the element as translated. What is written must be read back as the same
 * element, or the message fails. Where one side has elements in place of references, the
 * other side's list is made of them, and taken apart again.
 */
#include "proxy/base/map.h"
#include "translators/reference/frame.h"

#include <assert.h>

/* A list of the object, and what points into it. */
struct looked {
    const struct lens_way *way; /* the first of its arrows */
    const struct lens_lookup *lookup;
    /* The side read has the list: its elements, and which of them a key means. */
    struct json **elements;
    size_t n;
    struct map keys;
    struct pointers pointed; /* elements that something points at */
    struct json **order;     /* and they in that order */
    size_t n_order;
    size_t room_order;
    /* The side written has it: where elements stand there, and which one a key means. */
    bool is_numbered;
    struct pointers positions;
    struct map written;
    /* It is made here: */
    size_t list; /* its take; SIZE_MAX: it is not */
};

/* ---- which one ------------------------------------------------------------------- */

static bool
is_same_list(const struct looked *l, const struct lens_way *way)
{
    const struct lens_lookup *a = l->lookup, *b = lens_way_lookup(way);
    return a == b || (a->is_alone && b->is_alone && a->list == b->list &&
                      lens_place_same(&a->in[a->list], &b->in[b->list]));
}

static struct looked *
looked_of(struct frame *f, const struct lens_way *way)
{
    for (size_t i = 0; i < f->n_looked; i++)
        if (is_same_list(&f->looked[i], way))
            return &f->looked[i];
    return NULL;
}

static struct looked *
looked_new(struct frame *f, const struct lens_way *way)
{
    void *grown = RUN_GROW(f->run, f->looked, f->n_looked, f->room_looked);
    if (!grown)
        return NULL;
    f->looked = grown;
    struct looked *l = &f->looked[f->n_looked++];
    *l = (struct looked){
        .way = way, .lookup = lens_way_lookup(way), .list = SIZE_MAX};
    map_init(&l->keys, f->run->scratch);
    map_init(&l->written, f->run->scratch);
    return l;
}

/* ---- keys ------------------------------------------------------------------------ */

/* What the element is called by; NULL: nothing that a reference can be. */
static bool
key_of(struct frame *f, const struct lens_lookup *lookup, struct json *element,
       struct json **out)
{
    *out = NULL;
    if (!place_get(f->run, element, &lookup->by, out))
        return false;
    if (*out && (json_is_container(*out) || (*out)->kind == JSON_NULL ||
                 spot_is_empty(*out)))
        *out = NULL;
    return !*out || spot_is_readable(f->run, *out);
}

/* The first element that has a key is what it means. */
static bool
put_key(struct frame *f, const struct lens_lookup *lookup, struct map *keys,
        struct json *element)
{
    struct json *key = NULL;
    if (!key_of(f, lookup, element, &key) || !key)
        return !f->run->failed;
    span text = form_compact(f->run, key);
    return text.at && (map_put(keys, text, element, NULL) || run_full(f->run));
}

/* ---- before anything is taken ------------------------------------------------------ */

/* A list that has no place in the other version must be one; null is lost. */
static bool
check_list(struct frame *f, const struct looked *l, const struct lens_place *in,
           const struct json *list)
{
    struct bindings found = {0};
    const struct lens_origin *origin = &l->way->origin;
    if (l->lookup->how[f->leg->write] != LENS_BY_ITSELF || !list)
        return true;
    if (list->kind != JSON_NULL)
        return run_fail(f->run, FAULT_CARRY, list, origin,
                        "a list was expected, not %s",
                        json_kind_word(list->kind));
    return place_bind(f->run, f->root, in, &found) &&
           frame_take_of(f, TAKE_ELEMENT, l->way, &found.at[0]) &&
           run_notice(f->run, NOTICE_LOSSY, origin, list);
}

static bool
add_elements(struct frame *f, struct looked *l, const struct lens_place *in)
{
    struct run *r = f->run;
    enum lens_side read = f->leg->read;
    struct json *list = NULL;
    if (!place_get(r, f->root, in, &list))
        return false;
    if (!list || list->kind != JSON_LIST)
        return check_list(f, l, in, list);
    l->elements = arena_array(r->scratch, list->n + 1, sizeof(struct json *));
    if (!l->elements)
        return run_full(r);
    for (size_t i = 0; i < list->n; i++) {
        struct json *element = list->members[i].value;
        if (spot_is_empty(element))
            continue;
        l->elements[l->n++] = element;
        if (l->lookup->how[read] == LENS_BY_KEY &&
            !put_key(f, l->lookup, &l->keys, element))
            return false;
    }
    return true;
}

/* The side written has no list: its elements are taken away. */
static bool
take_elements(struct frame *f, const struct looked *l,
              const struct lens_place *each)
{
    struct bindings found = {0};
    if (l->n == 0)
        return true;
    if (!place_bind(f->run, f->root, each, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        if (found.at[i].node &&
            !frame_take_of(f, TAKE_ELEMENT, l->way, &found.at[i]))
            return false;
    return true;
}

/* The side written has one: where it goes. An empty one that stands there is none. */
static bool
lead_list(struct frame *f, struct looked *l, const struct lens_place *in)
{
    struct bindings found = {0};
    if (!place_bind(f->run, f->root, in, &found))
        return false;
    struct binding at = found.at[0]; /* of keys alone there is one */
    if (at.node && (at.node->kind != JSON_LIST || spot_count(at.node) > 0))
        at.node = NULL;
    l->list = f->n_takes;
    struct take *t = frame_take_of(f, TAKE_LIST, l->way, &at);
    if (!t)
        return false;
    t->leads = true;
    t->target = *in;
    t->done = true;
    t->image.kind = IMAGE_ABSENT;
    return true;
}

bool
lookup_choose(struct frame *f, const struct lens_way *way)
{
    enum lens_side read = f->leg->read, write = f->leg->write;
    if (looked_of(f, way))
        return true;
    struct looked *l = looked_new(f, way);
    if (!l)
        return false;
    const struct lens_lookup *lookup = l->lookup;
    if (lookup->how[read] == LENS_BY_ITSELF)
        return lead_list(f, l, &lookup->in[write]);
    return add_elements(f, l, &lookup->in[read]) &&
           (lookup->how[write] != LENS_BY_ITSELF ||
            take_elements(f, l, &lookup->each[read]));
}

/* ---- what a reference points at ----------------------------------------------------- */

static bool
read_index(const struct json *value, size_t *out)
{
    span text = value->text;
    if (value->kind != JSON_NUMBER || text.len > 9 ||
        (text.len > 1 && text.at[0] == '0'))
        return false;
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *out = *out * 10 + (size_t)(text.at[i] - '0');
    }
    return true;
}

static bool
find(struct frame *f, const struct looked *l, const struct json *value,
     struct json **out)
{
    size_t index = 0;
    *out = NULL;
    if (l->lookup->how[f->leg->read] == LENS_BY_INDEX) {
        if (read_index(value, &index) && index < l->n)
            *out = l->elements[index];
        return true;
    }
    if (json_is_container(value))
        return true;
    if (!spot_is_readable(f->run, value))
        return false;
    span text = form_compact(f->run, value);
    *out = text.at ? map_get(&l->keys, text) : NULL;
    return text.at != NULL;
}

/* The element as it is now; NULL: it has gone. */
static struct json *
translated(const struct frame *f, struct json *element)
{
    size_t typed = pointers_get(&f->typed.seen, element, 0);
    struct json *now = typed == SIZE_MAX ? element : f->typed.at[typed].node;
    size_t owner = pointers_get(&f->owners, now, 0);
    if (owner == SIZE_MAX)
        owner = pointers_get(&f->owners, element, 0);
    bool taken = owner != SIZE_MAX;
    if (trail_of(now).gone || (taken && f->takes[owner].done) ||
        (!taken && !now->parent))
        return NULL;
    return now;
}

static bool
note_order(struct frame *f, struct looked *l, struct json *element)
{
    struct run *r = f->run;
    bool was = false;
    bool keyed = l->lookup->how[f->leg->read] == LENS_BY_KEY;
    if (!pointers_put(r, &l->pointed, element, 0, 0, &was))
        return false;
    if (was && keyed)
        return true; /* one element, however often it is named */
    void *grown = RUN_GROW_POINTERS(r, l->order, l->n_order, l->room_order);
    if (!grown)
        return false;
    l->order = grown;
    l->order[l->n_order++] = element;
    return true;
}

/* ---- what it becomes ----------------------------------------------------------------- */

/* Where elements will stand, and what a key will mean there. */
static bool
number(struct frame *f, struct looked *l)
{
    size_t index = 0;
    bool keyed = l->lookup->how[f->leg->write] == LENS_BY_KEY;
    for (size_t i = 0; i < l->n; i++) {
        bool was = false;
        struct json *now = translated(f, l->elements[i]);
        if (!now)
            continue;
        if (!pointers_put(f->run, &l->positions, now, 0, index++, &was) ||
            (keyed && !put_key(f, l->lookup, &l->written, now)))
            return false;
    }
    l->is_numbered = true;
    return true;
}

static bool
write_index(struct frame *f, size_t index, const struct json *about,
            struct json **out)
{
    struct run *r = f->run;
    span text = arena_fmt(r->arena, "%zu", index);
    *out = text.at ? json_new_number(r->arena, text) : NULL;
    return *out ? run_derive(r, *out, run_origin(about)) : run_full(r);
}

static bool
write_key(struct frame *f, const struct looked *l, const struct json *key,
          const struct json *about, struct json **out)
{
    struct run *r = f->run;
    if (!key)
        return run_fail(r, FAULT_CARRY, about, &l->way->origin,
                        "the element has no \"%.*s\" to be called by",
                        SPAN_FMT(l->lookup->by.text));
    *out = json_clone(r->arena, key);
    return *out ? run_derive(r, *out, run_origin(about)) : run_full(r);
}

static bool
copy_element(struct frame *f, const struct json *element, struct json **out)
{
    *out = json_clone(f->run->arena, element);
    return *out ? run_derive(f->run, *out, run_origin(element))
                : run_full(f->run);
}

static bool
bring_reference(struct frame *f, struct looked *l, const struct lens_way *way,
                struct json *value, struct json **out)
{
    struct run *r = f->run;
    struct json *element = NULL, *key = NULL;
    if (!find(f, l, value, &element))
        return false;
    if (!element)
        return run_fail(r, FAULT_CARRY, value, &way->origin,
                        "this points at no element of \"%.*s\"",
                        SPAN_FMT(l->lookup->in[f->leg->read].text));
    if (!note_order(f, l, element) || (!l->is_numbered && !number(f, l)))
        return false;
    struct json *now = translated(f, element);
    if (!now)
        return run_fail(r, FAULT_CARRY, value, &way->origin,
                        "this points at an element that has no form in the "
                        "other version");
    switch (l->lookup->how[f->leg->write]) {
    case LENS_BY_ITSELF: /* null would come back as a reference that is null */
        if (now->kind == JSON_NULL)
            return run_fail(r, FAULT_CARRY, value, &way->origin,
                            "this points at null, which is no element");
        return copy_element(f, now, out);
    case LENS_BY_INDEX:
        return write_index(f, pointers_get(&l->positions, now, 0), value, out);
    case LENS_BY_KEY:
        break;
    }
    if (!key_of(f, l->lookup, now, &key) || !write_key(f, l, key, value, out))
        return false;
    span text = form_compact(r, key);
    return text.at &&
           (map_get(&l->written, text) == now ||
            run_fail(r, FAULT_CARRY, value, &way->origin,
                     "an element before it has the same \"%.*s\", and this "
                     "would point at that one",
                     SPAN_FMT(l->lookup->by.text)));
}

/* ---- a list of what was pointed at ----------------------------------------------------- */

static bool
append(struct frame *f, const struct looked *l, struct json *value,
       size_t *index)
{
    struct run *r = f->run;
    struct image *image = &f->takes[l->list].image;
    if (!image->value) {
        image->kind = IMAGE_VALUE;
        image->value = json_new_list(r->arena);
        if (!image->value || !run_derive(r, image->value, run_origin(value)))
            return run_full(r);
    }
    *index = image->value->n;
    return json_list_append(r->arena, image->value, value) || run_full(r);
}

/* Two that are called the same are one. */
static bool
append_keyed(struct frame *f, struct looked *l, const struct lens_way *way,
             struct json *value, struct json **out)
{
    struct run *r = f->run;
    struct json *key = NULL;
    void *was = NULL;
    size_t index;
    bool same = false;
    if (!key_of(f, l->lookup, value, &key) || !write_key(f, l, key, value, out))
        return false;
    span text = form_compact(r, key);
    if (!text.at || !map_put(&l->written, text, value, &was))
        return run_full(r);
    if (!was)
        return append(f, l, value, &index);
    return spot_equal(r, value, was, &same) &&
           (same || run_fail(r, FAULT_CARRY, value, &way->origin,
                             "another element with the same \"%.*s\" is not "
                             "equal to it",
                             SPAN_FMT(l->lookup->by.text)));
}

static bool
bring_element(struct frame *f, struct looked *l, const struct lens_way *way,
              struct json *value, struct json **out)
{
    size_t index = 0;
    if (l->lookup->how[f->leg->write] == LENS_BY_KEY)
        return append_keyed(f, l, way, value, out);
    return append(f, l, value, &index) && write_index(f, index, value, out);
}

bool
lookup_bring(struct frame *f, const struct lens_way *way, struct json *value,
             struct image *out)
{
    struct looked *l = looked_of(f, way);
    assert(l); /* since lookup_choose */
    *out = (struct image){IMAGE_VALUE, value};
    if (value->kind == JSON_NULL)
        return true; /* it points at nothing, on either side */
    return l->lookup->how[f->leg->read] == LENS_BY_ITSELF
               ? bring_element(f, l, way, value, &out->value)
               : bring_reference(f, l, way, value, &out->value);
}

/* ---- what nothing pointed at ------------------------------------------------------------ */

/* Would the list be made again as it was? */
static bool
finish_elements(struct frame *f, const struct looked *l)
{
    struct run *r = f->run;
    size_t at = 0;
    bool same = true;
    for (size_t i = 0; i < l->n; i++) {
        struct json *element = l->elements[i];
        if (!translated(f, element))
            continue; /* told where it went */
        bool pointed = pointers_get(&l->pointed, element, 0) != SIZE_MAX;
        if (!pointed && l->way->rest.kind == LENS_REST_REFUSE)
            return run_fail(r, FAULT_CARRY, element, &l->way->origin,
                            "nothing points at this element, and this version "
                            "has no other place for it");
        same = same && at < l->n_order && l->order[at++] == element;
    }
    return (same && at == l->n_order) ||
           run_notice(r, NOTICE_LOSSY, &l->way->origin, l->elements[0]);
}

bool
lookup_finish(struct frame *f)
{
    for (size_t i = 0; i < f->n_looked; i++) {
        const struct looked *l = &f->looked[i];
        if (l->list != SIZE_MAX) {
            struct take *t = &f->takes[l->list];
            if (t->value && !t->image.value) /* it came empty, and stays */
                t->image = (struct image){IMAGE_VALUE, t->value};
        } else if (l->n && l->lookup->is_alone && !finish_elements(f, l)) {
            return false;
        }
    }
    return true;
}
