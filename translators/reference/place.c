/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/place.h"

#include "proxy/base/map.h"

/* NOLINTBEGIN(misc-no-recursion): as many stars and tests as a place has */

/* A walk down one place: what has been met so far. */
struct walk {
    struct run *run;
    const struct lens_place *place;
    struct bindings *out;
    struct star *stars;
    size_t n_stars;
    struct json **path;
};

static bool
find_passes(struct run *r, struct json *element, const struct lens_find *find,
            bool *passes)
{
    struct json *member = NULL;
    if (!place_get(r, element, &find->member, &member))
        return false;
    switch (find->kind) {
    case LENS_HAS:
        *passes = member != NULL;
        return true;
    case LENS_LACKS:
        *passes = member == NULL;
        return true;
    case LENS_EQUALS:
        if (member && !spot_is_readable(r, member))
            return false;
        *passes = member && json_alike(member, find->value);
        return true;
    }
    return true;
}

bool
place_finds(struct run *r, struct json *element, const struct lens_step *step,
            bool *passes)
{
    *passes = element->kind == JSON_OBJECT;
    for (size_t i = 0; *passes && i < step->n_finds; i++)
        if (!find_passes(r, element, &step->finds[i], passes))
            return false;
    return true;
}

bool
place_find_one(struct run *r, struct json *list, const struct lens_step *step,
               struct json **out)
{
    *out = NULL;
    for (size_t i = 0; i < list->n; i++) {
        struct json *element = list->members[i].value;
        bool passes = false;
        if (spot_is_empty(element))
            continue;
        if (!place_finds(r, element, step, &passes))
            return false;
        if (!passes)
            continue;
        if (*out)
            return run_fail(r, FAULT_CARRY, element, NULL,
                            "two elements of the list are what \"%.*s\" "
                            "names, and one may be",
                            SPAN_FMT(r->sought));
        *out = element;
    }
    return true;
}

/* One step that meets at most one thing. */
static bool
step_one(struct run *r, struct json *node, const struct lens_step *step,
         struct json **out)
{
    *out = NULL;
    if (step->kind == LENS_KEY)
        return spot_member(r, node, step->key, out);
    if (node->kind != JSON_LIST)
        return true;

    size_t n = spot_count(node);
    switch (step->kind) {
    case LENS_INDEX:
        *out = spot_element(node, step->index);
        return true;
    case LENS_LAST:
        *out = n ? spot_element(node, n - 1) : NULL;
        return true;
    case LENS_ONLY:
        if (n > 1)
            return run_fail(r, FAULT_CARRY, node, NULL,
                            "the list has %zu elements, and \"%.*s\" allows "
                            "one",
                            n, SPAN_FMT(r->sought));
        *out = spot_element(node, 0);
        return true;
    case LENS_FIND:
        return place_find_one(r, node, step, out);
    case LENS_KEY:
    case LENS_EACH:
    case LENS_EACH_FIND:
        return true;
    }
    return true;
}

/* Has the node what this star runs over? */
static bool
has_elements(const struct json *node, const struct lens_step *star)
{
    return node->kind == JSON_LIST ||
           (node->kind == JSON_OBJECT && star->kind == LENS_EACH);
}

static bool
walk_ends(struct walk *w)
{
    struct run *r = w->run;
    void *grown = RUN_GROW(r, w->out->at, w->out->n, w->out->room);
    if (!grown)
        return false;
    w->out->at = grown;

    size_t n = w->place->n;
    struct binding *b = &w->out->at[w->out->n++];
    *b = (struct binding){.place = w->place, .n_stars = w->n_stars};
    b->path = arena_array(r->scratch, n + 1, sizeof(struct json *));
    b->stars = arena_array(r->scratch, n + 1, sizeof(*b->stars));
    if (!b->path || !b->stars)
        return run_full(r);
    memcpy(b->path, w->path, (n + 1) * sizeof(struct json *));
    memcpy(b->stars, w->stars, w->n_stars * sizeof(*b->stars));
    b->node = b->path[n];
    return true;
}

static bool walk_from(struct walk *w, size_t at);

/* No two members that are there have one key. A hole has a key as well, and what was
 * written beside it may have the same. */
static bool
all_differ(struct run *r, const struct json *object)
{
    struct map seen;
    if (json_first_duplicate(object) == JSON_NONE)
        return true;
    map_init(&seen, r->scratch);
    for (size_t i = 0; i < object->n; i++) {
        const struct json_member *m = &object->members[i];
        void *was = NULL;
        if (spot_is_empty(m->value))
            continue;
        if (!map_put(&seen, m->key, m->value, &was))
            return run_full(r);
        if (was)
            return run_fail(r, FAULT_READ, m->value, NULL,
                            "the key \"%.*s\" occurs twice", SPAN_FMT(m->key));
    }
    return true;
}

/* A star: go on below each element or member, in order. */
static bool
walk_star(struct walk *w, size_t at)
{
    struct run *r = w->run;
    struct json *host = w->path[at];
    const struct lens_step *step = &w->place->steps[at];
    size_t index = 0;

    if (host->kind == JSON_OBJECT && !all_differ(r, host))
        return false;
    for (size_t i = 0; i < host->n; i++) {
        struct json_member *m = &host->members[i];
        bool passes = true;
        if (spot_is_empty(m->value))
            continue;
        if (step->kind == LENS_EACH_FIND &&
            !place_finds(r, m->value, step, &passes))
            return false;
        if (!passes)
            continue;
        w->stars[w->n_stars++] =
            (struct star){m->value, host, index++, i, m->key};
        w->path[at + 1] = m->value;
        if (!walk_from(w, at + 1))
            return false;
        w->n_stars--;
    }
    return true;
}

static bool
walk_from(struct walk *w, size_t at)
{
    for (; at < w->place->n; at++) {
        const struct lens_step *step = &w->place->steps[at];
        struct json *node = w->path[at];
        w->path[at + 1] = NULL;
        if (place_is_star(step))
            /* What is not there has no elements: no binding. */
            return !node || !has_elements(node, step) || walk_star(w, at);
        if (node && !step_one(w->run, node, step, &w->path[at + 1]))
            return false;
    }
    return walk_ends(w);
}

bool
place_bind(struct run *r, struct json *root, const struct lens_place *place,
           struct bindings *out)
{
    struct walk w = {.run = r, .place = place, .out = out};
    w.path = arena_array(r->scratch, place->n + 1, sizeof(struct json *));
    w.stars = arena_array(r->scratch, place->n + 1, sizeof(*w.stars));
    if (!w.path || !w.stars)
        return run_full(r);
    w.path[0] = spot_is_empty(root) ? NULL : root;
    span sought = r->sought; /* a test in a step looks for a place of its own */
    r->sought = place->text;
    bool ok = walk_from(&w, 0);
    r->sought = sought;
    return ok;
}

bool
place_get(struct run *r, struct json *root, const struct lens_place *place,
          struct json **out)
{
    *out = NULL;
    struct bindings found = {0};
    if (!place_bind(r, root, place, &found))
        return false;
    if (found.n)
        *out = found.at[0].node;
    return true;
}

bool
place_same_stars(const struct star *a, size_t n_a, const struct star *b,
                 size_t n_b)
{
    for (size_t i = 0; i < n_a && i < n_b; i++)
        if (a[i].node != b[i].node)
            return false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
