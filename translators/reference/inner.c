/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner: typed values inside an object.
 *
 * They are found before anything is taken, by identity, and translated after,
 * wherever they are then: in the rest or in what was cut. What went into a
 * stash, or was lost with a `rest:`, stays as it came.
 */
#include "translators/reference/frame.h"

#include <assert.h>

/* NOLINTBEGIN(misc-no-recursion): typed values lie as deep as a document may be */

bool
typed_add(struct run *r, struct typed_list *list, struct json *node,
          size_t type, size_t at)
{
    bool was = false;
    if (!pointers_put(r, &list->seen, node, 0, list->n, &was))
        return false;
    if (was)
        return true;
    void *grown = RUN_GROW(r, list->at, list->n, list->room);
    if (!grown)
        return false;
    list->at = grown;
    list->at[list->n++] = (struct typed){node, type, at, NULL};
    return true;
}

static bool
find_at(struct run *r, struct json *root, const struct lens_place *place,
        const struct lens_child *child, struct typed_list *out)
{
    struct bindings found = {0};
    if (!place_bind(r, root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct json *node = found.at[i].node;
        bool fits = true;
        if (!node || node == root)
            continue;
        if (child->when.said && !test_shape(r, node, &child->when, &fits))
            return false;
        const struct binding *b = &found.at[i];
        size_t at = b->n_stars ? b->stars[b->n_stars - 1].at : 0;
        if (fits && !typed_add(r, out, node, child->type, at))
            return false;
    }
    return true;
}

bool
inner_place(struct run *r, struct json *root, const struct lens_child *child,
            struct typed_list *out)
{
    return find_at(r, root, &child->place, child, out);
}

bool
inner_find(struct frame *f, const struct typed_list *extra)
{
    struct run *r = f->run;
    for (size_t i = 0; f->at && i < f->at->n_children; i++) {
        const struct lens_child *child = &f->at->children[i];
        bool holds = true;
        if (child->through)
            continue;
        if (!test_guard(r, f->root, &child->guard, &holds))
            return false;
        if (holds && !find_at(r, f->root, &child->place, child, &f->typed))
            return false;
    }
    for (size_t i = 0; extra && i < extra->n; i++) {
        size_t before = f->typed.n;
        if (!typed_add(r, &f->typed, extra->at[i].node, extra->at[i].type,
                       extra->at[i].at))
            return false;
        if (f->typed.n > before)
            f->typed.at[before].inner = extra->at[i].inner;
    }
    return true;
}

/* ---- translating ---------------------------------------------------------------- */

static struct take *
take_of(struct frame *f, const struct json *top)
{
    size_t at = pointers_get(&f->owners, top, 0);
    return at == SIZE_MAX ? NULL : &f->takes[at];
}

/* The take whose value the node is in, or NULL if it is in the rest. *gone: it stays
 * as it came. */
static struct take *
owner_of(struct frame *f, const struct json *node, bool *gone)
{
    const struct json *top = node;
    *gone = false;
    while (top->parent && top != f->root)
        top = top->parent;
    if (top == f->root)
        return NULL;
    struct take *t = take_of(f, top);
    *gone = !t || (t->kind == TAKE_OWN && t->leads) || t->done;
    return t;
}

/* A typed value of which a `hide` speaks: the arrow on the value itself. */
static const struct lens_way *
hiding_way(const struct take *t, const struct json *node)
{
    if (!t || t->kind != TAKE_MAP || t->value != node)
        return NULL;
    return t->way->hide == LENS_HIDE_DROP || t->way->hide == LENS_HIDE_VALUE
               ? t->way
               : NULL;
}

/* It has no form there: the take brings nothing, or what `hide:` says. */
static bool
hide_take(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    struct pending value = {0};
    struct stage_asker asker = {t->origin, LENS_OUTSIDE_FAIL, LENS_REST_UNSAID};
    if (!run_notice(r, NOTICE_HIDDEN, t->origin, t->value))
        return false;
    t->done = true;
    t->image = (struct image){IMAGE_HIDDEN, NULL};
    if (t->way->hide != LENS_HIDE_VALUE)
        return true;
    if (!value_prepare(f, &t->way->hidden, &value) ||
        !value_give(f, &value, t->from.stars, t->from.n_stars, &asker,
                    &t->image.value))
        return false;
    t->image.kind = t->image.value ? IMAGE_VALUE : IMAGE_HIDDEN;
    return true;
}

/* What was told inside a value that then goes as a whole is taken back. */
static bool
keep_notices(struct run *r, struct notice_entry **told)
{
    *told = arena_array(r->scratch, r->n_notices + 1, sizeof(**told));
    if (!*told)
        return run_full(r);
    if (r->n_notices)
        memcpy(*told, r->notices, r->n_notices * sizeof(**told));
    return true;
}

/* Translate one typed value; one that was cut out stands in a holder meanwhile. */
static enum frame_end
translate(struct frame *f, struct typed *typed)
{
    struct run *r = f->run;
    if (typed->node->parent)
        return frame_run(r, f->leg, typed->type, &typed->node, typed->inner);
    struct json *holder = json_new_list(r->arena);
    if (!holder || !json_list_append(r->arena, holder, typed->node)) {
        run_full(r);
        return FRAME_FAILED;
    }
    enum frame_end end =
        frame_run(r, f->leg, typed->type, &typed->node, typed->inner);
    if (typed->node->parent == holder)
        json_detach(typed->node);
    return end;
}

/* Number the elements of a list that are not hidden. */
static void
number(const struct json *list)
{
    size_t index = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct json *element = list->members[i].value;
        element->mark = (uint32_t)index;
        index += !trail_of(element).gone;
    }
}

/* Elements have gone: those behind them count so many less. */
static void
renumber(struct frame *f)
{
    const struct json *done = NULL;
    for (size_t i = 0; i < f->n_takes; i++) {
        struct take *t = &f->takes[i];
        for (size_t k = 0; k < t->from.n_stars; k++) {
            struct star *star = &t->from.stars[k];
            const struct json *host = star->host;
            assert(host);
            if (host != done)
                number(host);
            done = host;
            if (star->at < host->n)
                star->index = host->members[star->at].value->mark;
        }
    }
}

/* An element goes; its slot stays until the step is done, so that others keep theirs. */
static bool
hide_element(struct frame *f, struct typed *typed)
{
    struct run *r = f->run;
    struct json *node = typed->node;
    struct json *hole = NULL;
    if (!spot_cut(r, node, typed->at, &hole))
        return false;
    f->n_hidden++;
    struct trail trail = trail_of(hole);
    trail.gone = true;
    if (!trail_set(r, hole, trail))
        return false;
    trail = trail_of(node);
    trail.gone = true;
    return trail_set(r, node, trail);
}

static bool
inner_one(struct frame *f, struct typed *typed)
{
    struct run *r = f->run;
    struct notice_entry *told = NULL;
    size_t n_told = r->n_notices;
    bool gone = false;
    struct take *t = owner_of(f, typed->node, &gone);
    if (gone)
        return true;
    bool was_cut = t && t->value == typed->node;
    const struct lens_way *hides = hiding_way(t, typed->node);
    if (hides && !keep_notices(r, &told))
        return false;
    enum frame_end end = translate(f, typed);
    if (end == FRAME_FAILED && hides && run_forgive(r)) {
        if (n_told)
            memcpy(r->notices, told, n_told * sizeof(*told));
        r->n_notices = n_told;
        return hide_take(f, t);
    }
    if (end == FRAME_FAILED)
        return false;
    if (was_cut)
        t->value = typed->node;
    if (end == FRAME_DONE)
        return true;
    if (!was_cut)
        return hide_element(f, typed);
    t->done = true;
    t->image = (struct image){IMAGE_HIDDEN, NULL};
    return true;
}

bool
inner_run(struct frame *f)
{
    for (size_t i = 0; i < f->typed.n; i++)
        if (!inner_one(f, &f->typed.at[i]))
            return false;
    if (f->n_hidden)
        renumber(f);
    return true;
}

/* ---- values that stand for a place --------------------------------------------------- */

static bool
run_found(struct run *r, const struct leg *leg, struct typed_list *found)
{
    for (size_t i = 0; i < found->n; i++) {
        enum frame_end end =
            frame_run(r, leg, found->at[i].type, &found->at[i].node, NULL);
        if (end == FRAME_FAILED)
            return false;
        if (end == FRAME_HIDDEN && !frame_hide(r, found->at[i].node))
            return false;
    }
    return true;
}

static bool
is_prefix(const struct lens_place *prefix, const struct lens_place *place)
{
    if (prefix->n >= place->n)
        return false;
    struct lens_place begin = place_prefix(place, prefix->n);
    return lens_place_same(prefix, &begin);
}

bool
inner_under(struct run *r, const struct leg *leg, size_t type,
            const struct lens_place *place, struct json *node)
{
    struct typed_list found = {0};
    if (type == SIZE_MAX)
        return true;
    const struct lens_type_at *at = &r->api->types[type].at[leg->from];
    for (size_t i = 0; i < at->n_children; i++) {
        const struct lens_child *child = &at->children[i];
        if (child->through || !is_prefix(place, &child->place))
            continue;
        struct lens_place below = {child->place.steps + place->n,
                                   child->place.n - place->n,
                                   child->place.text};
        if (!find_at(r, node, &below, child, &found))
            return false;
    }
    return run_found(r, leg, &found);
}

bool
inner_through(struct frame *f, const struct lens_way *way, struct json **value)
{
    struct run *r = f->run;
    for (size_t i = 0; f->at && i < f->at->n_children; i++) {
        const struct lens_child *child = &f->at->children[i];
        struct typed_list found = {0};
        if (child->through != way)
            continue;
        /* A holder, since the whole value may be what is typed. */
        struct json *holder = json_new_list(r->arena);
        if (!holder || !json_list_append(r->arena, holder, *value))
            return run_full(r);
        bool ok = child->inside.n
                      ? find_at(r, *value, &child->inside, child, &found)
                      : typed_add(r, &found, *value, child->type, 0);
        ok = ok && run_found(r, f->leg, &found);
        if (!ok)
            return false;
        *value = holder->n ? json_remove(holder, 0) : NULL;
        if (!*value)
            return true;
    }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
