/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: `up:`, `down:`, `absent:` and the like.
 *
 * A value reads the object as it came, so all it may need is copied before
 * anything is taken; what it gives is made of those copies when it is needed.
 */
#include "translators/reference/frame.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

/* ---- capturing -------------------------------------------------------------- */

/* The typed nodes below `node`, by walking it beside its copy. */
static bool
copy_types(struct run *r, const struct typed_list *types,
           const struct json *node, struct json *copy, struct typed_list *out)
{
    size_t at = pointers_get(&types->seen, node, 0);
    if (at != SIZE_MAX && !typed_add(r, out, copy, types->at[at].type, 0))
        return false;
    for (size_t i = 0; json_is_container(node) && i < node->n; i++)
        if (!copy_types(r, types, node->members[i].value,
                        copy->members[i].value, out))
            return false;
    return true;
}

static bool
capture(struct frame *f, const struct lens_place *place, struct bindings *out,
        struct typed_list *types)
{
    struct run *r = f->run;
    if (!place_bind(r, f->root, place, out))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct json *node = out->at[i].node;
        if (!node)
            continue;
        struct json *copy = json_clone(r->scratch, node);
        if (!copy)
            return run_full(r);
        if (!run_derive(r, copy, run_origin(node)))
            return false;
        if (!copy_types(r, &f->typed, node, copy, types))
            return false;
        out->at[i].node = copy;
    }
    return true;
}

/* Which binding is the first under each star, so that many are found at once. */
static bool
number_stars(struct run *r, const struct bindings *b, struct pointers *out)
{
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->at[i].n_stars; k++) {
            bool was = false;
            if (!pointers_put(r, out, b->at[i].stars[k].node, k, i, &was))
                return false;
        }
    return true;
}

/* The list in which positions are counted. */
static bool
capture_list(struct frame *f, const struct lens_value *value,
             struct pending *out)
{
    struct run *r = f->run;
    struct bindings found = {0};
    struct typed_list unused = {0};
    if (!capture(f, &value->in, &found, &unused))
        return false;
    struct json *list = found.n ? found.at[0].node : NULL;
    if (!list || list->kind != JSON_LIST)
        return true;
    out->in = arena_alloc(r->scratch, sizeof(*out->in));
    return out->in ? keyed_build(r, list, &value->by, out->in) : run_full(r);
}

static bool
counts_itself(const struct lens_value *v)
{
    for (size_t i = 0; v->kind == LENS_VALUE_TEXT && i < v->n_parts; i++)
        if (v->parts[i].kind == LENS_PART_INDEX)
            return true;
    return false;
}

/* The places a value reads: those of its parts are beside, in their own array. */
static const struct lens_place *
place_of(const struct lens_value *v, size_t i)
{
    return v->kind == LENS_VALUE_TEXT ? &v->parts[i].place : &v->places[i];
}

static size_t
places_of(const struct lens_value *v)
{
    return v->kind == LENS_VALUE_TEXT ? v->n_parts : v->n_places;
}

bool
value_prepare(struct frame *f, const struct lens_value *value,
              struct pending *out)
{
    struct run *r = f->run;
    *out = (struct pending){.value = value};
    size_t n = places_of(value);
    if (counts_itself(value))
        out->index = spot_index(r, f->root);
    if (value->otherwise) {
        out->otherwise = arena_alloc(r->scratch, sizeof(*out->otherwise));
        if (!out->otherwise)
            return run_full(r);
        if (!value_prepare(f, value->otherwise, out->otherwise))
            return false;
    }
    if (value->kind == LENS_VALUE_UNSAID || value->kind == LENS_VALUE_ABSENT ||
        value->kind == LENS_VALUE_LITERAL)
        return true;
    out->found = arena_array(r->scratch, n, sizeof(*out->found));
    out->by_star = arena_array(r->scratch, n, sizeof(*out->by_star));
    if (!out->found || !out->by_star)
        return run_full(r);
    for (size_t i = 0; i < n; i++) {
        if (value->kind == LENS_VALUE_TEXT &&
            value->parts[i].kind != LENS_PART_PLACE)
            continue;
        if (!capture(f, place_of(value, i), &out->found[i], &out->typed) ||
            !number_stars(r, &out->found[i], &out->by_star[i]))
            return false;
    }
    return value->kind != LENS_VALUE_POSITION || capture_list(f, value, out);
}

/* ---- giving -------------------------------------------------------------------- */

/* What place `i` named for these stars; NULL is ⊥. */
static struct json *
found_at(const struct pending *p, size_t i, const struct star *stars,
         size_t n_stars)
{
    const struct bindings *b = &p->found[i];
    size_t n = b->n && b->at[0].n_stars < n_stars ? b->at[0].n_stars : n_stars;
    if (!b->n || !n)
        return b->n ? b->at[0].node : NULL;
    size_t at = pointers_get(&p->by_star[i], stars[n - 1].node, n - 1);
    return at == SIZE_MAX ? NULL : b->at[at].node;
}

/* A copy of a captured node, its typed values translated. Nothing is told: the
 * same values are translated where they stand, and told of there. */
static bool
translated(struct frame *f, const struct pending *p, const struct json *node,
           struct json **out)
{
    struct run *r = f->run;
    struct typed_list types = {0};
    struct json *holder = json_new_list(r->arena);
    struct json *copy = json_clone(r->arena, node);
    if (!holder || !copy || !json_list_append(r->arena, holder, copy))
        return run_full(r);
    if (!copy_types(r, &p->typed, node, copy, &types))
        return false;
    bool ok = true;
    r->muted++;
    for (size_t i = 0; ok && i < types.n; i++) {
        enum frame_end end =
            frame_run(r, f->leg, types.at[i].type, &types.at[i].node, NULL);
        ok = end == FRAME_DONE ||
             (end == FRAME_HIDDEN && frame_hide(r, types.at[i].node));
    }
    r->muted--;
    if (!ok)
        return false;
    spot_purge(holder);
    *out = holder->n ? json_remove(holder, 0) : NULL;
    return true;
}

static bool
give_found(struct frame *f, const struct pending *p, struct json *node,
           const struct stage_asker *asker, struct json **out)
{
    struct image image = {0};
    struct json *copy = NULL;
    if (!translated(f, p, node, &copy))
        return false;
    if (!copy)
        return true;
    if (!stage_run(f->run, &p->value->stages, f->leg->read, asker, copy,
                   &image))
        return false;
    *out = image.kind == IMAGE_VALUE ? image.value : NULL;
    return true;
}

static bool
give_first(struct frame *f, const struct pending *p, const struct star *stars,
           size_t n_stars, const struct stage_asker *asker, struct json **out)
{
    for (size_t i = 0; i < p->value->n_places; i++) {
        struct json *node = found_at(p, i, stars, n_stars);
        if (!node)
            continue;
        if (p->value->kind != LENS_VALUE_WHICH)
            return give_found(f, p, node, asker, out);
        *out = stage_literal(f->run, p->value->tags[i], run_origin(f->root));
        return *out != NULL;
    }
    return true;
}

/* A scalar as text; false if it is none. */
static bool
scalar_text(const struct json *node, span *out)
{
    if (!node || json_is_container(node) || node->kind == JSON_NULL)
        return false;
    if (node->kind == JSON_BOOL)
        *out = node->truth ? SPAN("true") : SPAN("false");
    else
        *out = node->text;
    return true;
}

static bool
give_text(struct frame *f, const struct pending *p, const struct star *stars,
          size_t n_stars, struct json **out)
{
    struct run *r = f->run;
    struct buf b;
    bool whole = true;
    buf_init(&b, arena_limit(r->arena));
    for (size_t i = 0; whole && i < p->value->n_parts; i++) {
        const struct lens_part *part = &p->value->parts[i];
        span text = part->text;
        if (part->kind == LENS_PART_INDEX) {
            size_t index = n_stars ? stars[n_stars - 1].index : p->index;
            buf_fmt(&b, "%0*zu", (int)part->digits, index);
            continue;
        }
        if (part->kind == LENS_PART_PLACE)
            whole = scalar_text(found_at(p, i, stars, n_stars), &text);
        if (whole)
            buf_add(&b, text);
    }
    bool full = buf_failed(&b);
    if (whole && !full)
        *out = json_new_text(r->arena, buf_span(&b));
    full = full || (whole && !*out);
    buf_fini(&b);
    return !full || run_full(r);
}

static bool
give_number(struct frame *f, size_t n, struct json **out)
{
    span text = arena_fmt(f->run->arena, "%zu", n);
    *out = text.at ? json_new_number(f->run->arena, text) : NULL;
    return *out || run_full(f->run);
}

static bool
give_count(struct frame *f, const struct pending *p, const struct star *stars,
           size_t n_stars, struct json **out)
{
    const struct json *node = found_at(p, 0, stars, n_stars);
    if (!node || !json_is_container(node))
        return true;
    return give_number(f, spot_count(node), out);
}

static bool
give_position(struct frame *f, const struct pending *p,
              const struct star *stars, size_t n_stars, struct json **out)
{
    const struct json *key = found_at(p, 0, stars, n_stars);
    size_t at = JSON_NONE;
    if (!key || !p->in)
        return true;
    if (!keyed_find(f->run, p->in, key, &at))
        return false;
    return at == JSON_NONE || give_number(f, at, out);
}

static bool
give(struct frame *f, const struct pending *p, const struct star *stars,
     size_t n_stars, const struct stage_asker *asker, struct json **out)
{
    const struct lens_value *v = p->value;
    switch (v->kind) {
    case LENS_VALUE_UNSAID:
    case LENS_VALUE_ABSENT:
        return true;
    case LENS_VALUE_LITERAL:
        *out = stage_literal(f->run, v->literal, run_origin(f->root));
        return *out != NULL;
    case LENS_VALUE_FROM:
    case LENS_VALUE_FIRST:
    case LENS_VALUE_WHICH:
        return give_first(f, p, stars, n_stars, asker, out);
    case LENS_VALUE_TEXT:
        return give_text(f, p, stars, n_stars, out);
    case LENS_VALUE_COUNT:
        return give_count(f, p, stars, n_stars, out);
    case LENS_VALUE_POSITION:
        return give_position(f, p, stars, n_stars, out);
    }
    return true;
}

bool
value_give(struct frame *f, const struct pending *p, const struct star *stars,
           size_t n_stars, const struct stage_asker *asker, struct json **out)
{
    *out = NULL;
    if (!p->value)
        return true;
    if (!give(f, p, stars, n_stars, asker, out))
        return false;
    if (*out || !p->otherwise)
        return !*out || run_derive(f->run, *out, run_origin(f->root));

    return value_give(f, p->otherwise, stars, n_stars, asker, out);
}
/* NOLINTEND(misc-no-recursion) */
