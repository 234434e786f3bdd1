/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: the way to where a value is written, and the order of what comes in.
 *
 * Members that came into an object in this version step stand behind those that
 * were there, by the names of changes and the order of their arrows; a parent
 * that had to be made stands where the first of its values would.
 */
#include "translators/reference/frame.h"

/* ---- order of what comes in ------------------------------------------------ */

struct arrival
arrival_of(const struct lens_origin *origin)
{
    return (struct arrival){origin->change ? origin->change->name : (span){0},
                            (uint64_t)origin->line << 32 | origin->column};
}

static bool
is_before(const struct arrival *a, const struct trail *b)
{
    int by_change = span_cmp(a->change, b->change);
    return by_change < 0 || (by_change == 0 && a->order < b->order);
}

/* Where among the members something new goes: before what came in later by order. */
static size_t
slot_for(const struct run *r, const struct json *object,
         const struct arrival *arrival)
{
    size_t at = object->n;
    while (at > 0) {
        struct trail other = trail_of(object->members[at - 1].value);
        if (other.step != r->step || !is_before(arrival, &other))
            break;
        at--;
    }
    return at;
}

static bool
arrive(struct frame *f, struct json *object, span key, struct json *value,
       const struct lens_origin *origin, bool made)
{
    struct run *r = f->run;
    struct arrival arrival = arrival_of(origin);
    struct trail trail = trail_of(value);
    trail.step = r->step;
    trail.change = arrival.change;
    trail.order = arrival.order;
    trail.writer = f->id;
    trail.made = made;
    trail.partial = trail.partial || (made && trail_of(object).partial);
    if (!trail_set(r, value, trail))
        return false;
    return json_insert(r->arena, object, slot_for(r, object, &arrival), key,
                       value) ||
           run_full(r);
}

/* A parent made for one value, through which an earlier one goes: it moves up. */
static bool
come_earlier(struct frame *f, struct json *node,
             const struct lens_origin *origin)
{
    struct arrival arrival = arrival_of(origin);
    struct trail trail = trail_of(node);
    struct json *parent = node->parent;
    if (!trail.made || trail.step != f->run->step ||
        !is_before(&arrival, &trail) || parent->kind != JSON_OBJECT)
        return true;
    size_t at = json_position(node);
    span key = parent->members[at].key;
    (void)json_remove(parent, at);
    return arrive(f, parent, key, node, origin, true);
}

/* ---- making what is missing --------------------------------------------------- */

/* A container of the kind that `next` is a step of. */
static struct json *
make_host(struct frame *f, const struct lens_step *next,
          const struct star *star)
{
    struct run *r = f->run;
    bool list = next->kind != LENS_KEY && !(next->kind == LENS_EACH && star &&
                                            star->host->kind == JSON_OBJECT);
    struct json *host =
        list ? json_new_list(r->arena) : json_new_object(r->arena);
    if (!host)
        run_full(r);
    return host;
}

/* The members that a step's tests name, in a made element: its tag. */
static bool
make_tag(struct frame *f, struct json *element, const struct lens_find *find)
{
    struct run *r = f->run;
    if (find->kind != LENS_EQUALS)
        return true;
    struct json *at = element;
    for (size_t i = 0; i + 1 < find->member.n; i++) {
        struct json *next = json_get(at, find->member.steps[i].key);
        if (!next) {
            next = json_new_object(r->arena);
            if (!next ||
                !json_append(r->arena, at, find->member.steps[i].key, next))
                return run_full(r);
        }
        if (next->kind != JSON_OBJECT)
            return run_fail(r, FAULT_CARRY, next, NULL,
                            "an element cannot be given its tag: \"%.*s\" is "
                            "no object",
                            SPAN_FMT(find->member.steps[i].key));
        at = next;
    }
    span key = find->member.steps[find->member.n - 1].key;
    if (json_get(at, key))
        return true;
    struct json *value = stage_literal(r, find->value, run_origin(f->root));
    return value && (json_append(r->arena, at, key, value) || run_full(r));
}

static bool
make_tags(struct frame *f, struct json *element, const struct lens_step *step)
{
    for (size_t i = 0; i < step->n_finds; i++)
        if (!make_tag(f, element, &step->finds[i]))
            return false;
    return true;
}

static bool
remember(struct frame *f, const struct lens_step *step, struct json *list,
         struct json *element, const struct lens_origin *origin)
{
    void *grown = RUN_GROW(f->run, f->made, f->n_made, f->room_made);
    if (!grown)
        return false;
    f->made = grown;
    f->made[f->n_made++] =
        (struct made_element){step, list, element, origin, f->run->sought};
    return true;
}

static bool
step_same(const struct lens_step *a, const struct lens_step *b)
{
    struct lens_place x = {.steps = a, .n = 1};
    struct lens_place y = {.steps = b, .n = 1};
    return a == b || lens_place_same(&x, &y);
}

/* ---- one step -------------------------------------------------------------------- */

/* The element at `index` among those that are there; asked in order, it is near. */
static struct json *
element_at(struct frame *f, const struct json *host, size_t index)
{
    struct cursor *c = &f->cursor;
    if (c->host != host || index < c->index) {
        c->host = host;
        c->index = c->at = 0;
    }
    for (; c->at < host->n; c->at++) {
        struct json *element = host->members[c->at].value;
        if (spot_is_empty(element))
            continue;
        if (c->index == index)
            return element;
        c->index++;
    }
    return NULL;
}

size_t
walk_count(struct frame *f, const struct json *host)
{
    if (f->cursor.counted != host) {
        f->cursor.counted = host;
        f->cursor.n = spot_count(host);
    }
    return f->cursor.n;
}

/* The element that a star of the source stands for in this host. */
static bool
star_element(struct frame *f, struct json *host, const struct lens_step *step,
             const struct star *star, struct json **out)
{
    *out = NULL;
    if (!star)
        return true;
    if (star->node->parent == host && !spot_is_empty(star->node)) {
        *out = star->node;
        return true;
    }
    if (host->kind == JSON_OBJECT)
        return spot_member(f->run, host, star->key, out);
    if (step->kind == LENS_EACH) {
        *out = element_at(f, host, star->index);
        return true;
    }
    size_t index = star->index; /* the so many-th that passes */
    for (size_t i = 0; i < host->n; i++) {
        struct json *element = host->members[i].value;
        bool passes = false;
        if (spot_is_empty(element))
            continue;
        if (!place_finds(f->run, element, step, &passes))
            return false;
        if (passes && index-- == 0)
            *out = element;
    }
    return true;
}

static struct json *
remembered(struct frame *f, struct json *list, const struct lens_step *step)
{
    for (size_t i = 0; i < f->n_made; i++)
        if (f->made[i].list == list && step_same(f->made[i].step, step))
            return f->made[i].element;
    return NULL;
}

/* What this step leads to from `host`, or NULL. */
static bool
look(struct frame *f, struct json *host, const struct lens_step *step,
     const struct star *star, struct json **out)
{
    struct run *r = f->run;
    size_t n = 0;
    *out = NULL;
    switch (step->kind) {
    case LENS_KEY:
        return spot_member(r, host, step->key, out);
    case LENS_EACH:
    case LENS_EACH_FIND:
        return star_element(f, host, step, star, out);
    case LENS_FIND:
        *out = remembered(f, host, step);
        return *out || place_find_one(r, host, step, out);
    case LENS_INDEX:
        *out = spot_element(host, step->index);
        return true;
    case LENS_LAST:
        n = spot_count(host);
        *out = n ? spot_element(host, n - 1) : NULL;
        return true;
    case LENS_ONLY:
        if (spot_count(host) > 1)
            return run_fail(r, FAULT_CARRY, host, NULL,
                            "the list has %zu elements, and \"%.*s\" allows "
                            "one",
                            spot_count(host), SPAN_FMT(r->sought));
        *out = spot_element(host, 0);
        return true;
    }
    return true;
}

/* Members go into an object, elements into a list. */
static bool
is_host(const struct json *node, const struct lens_step *step,
        const struct star *star)
{
    if (step->kind == LENS_KEY)
        return node->kind == JSON_OBJECT;
    if (step->kind == LENS_EACH && star)
        return node->kind == star->host->kind;
    if (step->kind == LENS_EACH)
        return json_is_container(node);
    return node->kind == JSON_LIST;
}

/* A number asks for an element: what lies before it must be there. */
static bool
may_append(struct frame *f, struct json *list, const struct lens_step *step,
           const struct star *star, const struct lens_origin *origin)
{
    size_t asked = 0;
    if (step->kind == LENS_INDEX)
        asked = step->index;
    else if (step->kind == LENS_EACH && star)
        asked = star->index;
    size_t n = asked ? walk_count(f, list) : 0;
    if (asked <= n)
        return true;
    return run_fail(f->run, FAULT_CARRY, list, origin,
                    "element %zu of a list would have to be made, and there "
                    "are only %zu",
                    asked, n);
}

/* Put a new value at this step of `host`. */
static bool
put(struct frame *f, struct json *host, const struct lens_step *step,
    const struct star *star, struct json *value,
    const struct lens_origin *origin, bool made)
{
    struct run *r = f->run;
    if (host->kind == JSON_OBJECT)
        return arrive(f, host, step->kind == LENS_KEY ? step->key : star->key,
                      value, origin, made);
    if (!may_append(f, host, step, star, origin))
        return false;
    if (step->n_finds && value->kind == JSON_OBJECT &&
        !make_tags(f, value, step))
        return false;
    struct trail trail = trail_of(value);
    trail.writer = f->id;
    trail.made = made;
    if (f->cursor.counted == host)
        f->cursor.n++;
    return trail_set(r, value, trail) &&
           (json_list_append(r->arena, host, value) || run_full(r)) &&
           (step->kind != LENS_FIND || remember(f, step, host, value, origin));
}

bool
walk_made_are_found(struct frame *f)
{
    for (size_t i = 0; i < f->n_made; i++) {
        const struct made_element *m = &f->made[i];
        bool passes = false;
        if (!place_finds(f->run, m->element, m->step, &passes))
            return false;
        if (!passes)
            return run_fail(f->run, FAULT_CARRY, m->element, m->origin,
                            "\"%.*s\" is in no element that is there, and one "
                            "made for it would not be what its step looks for",
                            SPAN_FMT(m->place));
    }
    return true;
}

/* The elements that stood before this one were emptied and removed: make them again. */
static bool
pad(struct frame *f, struct json *host, const struct lens_step *step,
    const struct star *star, const struct lens_step *next,
    const struct star *next_star)
{
    if (host->kind != JSON_LIST || step->kind != LENS_EACH || !star)
        return true;
    while (walk_count(f, host) < star->index) {
        struct json *element = make_host(f, next, next_star);
        if (!element)
            return false;
        if (!run_derive(f->run, element, run_origin(host)) ||
            !json_list_append(f->run->arena, host, element))
            return run_full(f->run);
        f->cursor.n++;
    }
    return true;
}

/* ---- the whole way -------------------------------------------------------------- */

struct trip {
    struct frame *f;
    const struct lens_place *place;
    const struct star *stars;
    size_t n_stars;
    bool make;
    const struct lens_origin *origin;
};

/* The star that belongs to step `at`, or NULL. */
static const struct star *
star_at(const struct trip *t, size_t at)
{
    size_t n = 0;
    for (size_t i = 0; i < at; i++)
        n += place_is_star(&t->place->steps[i]);
    return place_is_star(&t->place->steps[at]) && n < t->n_stars ? &t->stars[n]
                                                                 : NULL;
}

static bool
wrong_host(struct trip *t, const struct json *node,
           const struct lens_step *step, const struct star *star)
{
    bool object =
        step->kind == LENS_KEY || (star && star->host->kind == JSON_OBJECT);
    return run_fail(t->f->run, FAULT_CARRY, node, t->origin,
                    "\"%.*s\" must be written, and on its way there is %s "
                    "%s",
                    SPAN_FMT(t->place->text), json_kind_word(node->kind),
                    object ? "where an object should be"
                           : "where a list should be");
}

/* The root may have been taken as a whole: make another. */
static bool
root_of(struct trip *t, struct json **out)
{
    struct frame *f = t->f;
    *out = spot_is_empty(f->root) ? NULL : f->root;
    if (*out || !t->make)
        return true;
    struct json *host = make_host(f, &t->place->steps[0], star_at(t, 0));
    if (!host || !run_derive(f->run, host, run_origin(f->root)))
        return false;
    spot_replace(f->run, f->root, host);
    *out = f->root = host;
    return true;
}

/* From `host` over step `at`, which is not the last, making what is missing. */
static bool
cross(struct trip *t, struct json *host, size_t at, struct json **out)
{
    const struct lens_step *step = &t->place->steps[at];
    const struct lens_step *next = step + 1;
    const struct star *star = star_at(t, at);
    if (!look(t->f, host, step, star, out))
        return false;
    if (*out)
        return !t->make || come_earlier(t->f, *out, t->origin);
    if (!t->make)
        return true;
    if (!pad(t->f, host, step, star, next, star_at(t, at + 1)))
        return false;
    *out = make_host(t->f, next, star_at(t, at + 1));
    return *out && run_derive(t->f->run, *out, run_origin(host)) &&
           put(t->f, host, step, star, *out, t->origin, true);
}

static bool
travel(struct trip *t, struct landing *out, bool *found)
{
    struct frame *f = t->f;
    const struct lens_place *place = t->place;
    struct json *node = NULL;
    *out = (struct landing){0};
    *found = false;
    if (place->n == 0) {
        *out =
            (struct landing){.parent = f->root->parent,
                             .there = spot_is_empty(f->root) ? NULL : f->root};
        *found = true;
        return true;
    }
    if (!root_of(t, &node))
        return false;
    for (size_t i = 0; node && i < place->n; i++) {
        const struct lens_step *step = &place->steps[i];
        if (!is_host(node, step, star_at(t, i)))
            return !t->make || wrong_host(t, node, step, star_at(t, i));
        if (i + 1 == place->n) {
            *out = (struct landing){node, step, star_at(t, i), NULL};
            *found = true;
            return look(f, node, step, out->star, &out->there);
        }
        if (!cross(t, node, i, &node))
            return false;
    }
    return true;
}

bool
walk_to(struct frame *f, const struct lens_place *place,
        const struct star *stars, size_t n_stars, bool make,
        const struct lens_origin *origin, struct landing *out, bool *found)
{
    struct run *r = f->run;
    struct trip t = {f, place, stars, n_stars, make, origin};
    const struct lens_origin *about = r->about;
    r->about = origin;
    r->sought = place->text;
    bool ok = travel(&t, out, found);
    r->about = about;
    return ok;
}

bool
walk_put(struct frame *f, const struct landing *to, struct json *value,
         struct json *hole, const struct lens_origin *origin)
{
    struct run *r = f->run;
    if (!to->step) { /* `.` */
        spot_replace(r, f->root, value);
        f->root = value;
        return true;
    }
    if (!hole || hole->parent != to->parent)
        return put(f, to->parent, to->step, to->star, value, origin, false);

    /* It never left its object: its slot waits for it. */
    struct trail trail = trail_of(value);
    trail.writer = f->id;
    trail.step = 0;
    if (!trail_set(r, value, trail))
        return false;
    size_t at = spot_position(hole, to->star ? to->star->at : 0);
    json_replace_at(to->parent, at, value);
    f->cursor.counted = NULL;
    if (to->step->kind != LENS_KEY ||
        span_eq(to->parent->members[at].key, to->step->key))
        return true;
    return json_rename(r->arena, to->parent, at, to->step->key) || run_full(r);
}
