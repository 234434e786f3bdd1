/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: an arrow over several places: what it reads, and what it brings.
 *
 * For every element that its stars meet it has a take for each place that it
 * reads (a part) and one for each that it writes, side by side. The parts are cut
 * like other values and their types translated; then the arrow is asked once, of
 * all of them together.
 */
#include "translators/reference/joint.h"

#include <assert.h>

/* ---- choosing ---------------------------------------------------------------- */

/* The way of this arrow for place `i` of a side. */
static const struct lens_way *
way_for(const struct lens_arrow *arrow, enum lens_side side, size_t i)
{
    const struct lens_joint *j = arrow->joint;
    if (j->kind == LENS_JOINT_EACH)
        return &arrow->ways[0];
    if (j->kind == LENS_JOINT_COPY || j->kind == LENS_JOINT_CONCAT)
        return &arrow->ways[j->n[side] > 1 ? i : 0];
    return &arrow->ways[(side == LENS_NEWER ? j->n[LENS_OLDER] : 0) + i];
}

bool
joint_add_part(struct frame *f, const struct lens_arrow *arrow, size_t i,
               size_t part, const struct binding *at)
{
    struct take *t =
        frame_take_of(f, TAKE_PART, way_for(arrow, f->leg->read, i), at);
    if (!t)
        return false;
    t->origin = &arrow->origin;
    t->part = part;
    return true;
}

/* What they will become, for these stars. */
bool
joint_add_joined(struct frame *f, const struct lens_arrow *arrow,
                 const struct binding *at, size_t n_stars)
{
    const struct lens_joint *j = arrow->joint;
    enum lens_side write = f->leg->write;
    struct binding stars = *at;
    stars.place = NULL;
    stars.node = NULL;
    stars.n_stars = n_stars;
    for (size_t i = 0; i < j->n[write]; i++) {
        struct take *t =
            frame_take_of(f, TAKE_JOINED, way_for(arrow, write, i), &stars);
        if (!t)
            return false;
        t->origin = &arrow->origin;
        t->part = i;
        t->leads = true;
        t->target = j->places[write][i];
        t->image.kind = IMAGE_ABSENT;
    }
    return true;
}

bool
joint_choose(struct frame *f, const struct lens_arrow *arrow)
{
    struct run *r = f->run;
    const struct lens_joint *j = arrow->joint;
    enum lens_side read = f->leg->read;
    if (j->kind == LENS_JOINT_EACH)
        return each_choose(f, arrow);
    struct bindings *found =
        arena_array(r->scratch, j->n[read], sizeof(*found));
    if (!found)
        return run_full(r);
    for (size_t i = 0; i < j->n[read]; i++)
        if (!place_bind(r, f->root, &j->places[read][i], &found[i]))
            return false;
    /* All places lie in the same elements, so they have as many bindings. */
    for (size_t at = 0; at < found[0].n; at++) {
        size_t n_untold = 0;
        for (size_t i = 0; i < j->n[read]; i++) {
            assert(found[i].n == found[0].n);
            n_untold += frame_is_untold(f, &found[i].at[at]);
        }
        if (n_untold == j->n[read])
            continue;
        for (size_t i = 0; i < j->n[read]; i++) {
            if (!joint_add_part(f, arrow, i, i, &found[i].at[at]))
                return false;
        }
        if (!joint_add_joined(f, arrow, &found[0].at[at],
                              found[0].at[at].n_stars))
            return false;
    }
    return true;
}

/* ---- bringing ------------------------------------------------------------------- */

struct take *
joining_part(const struct joining *g, size_t i)
{
    return &g->f->takes[g->first + i];
}

struct take *
joining_joined(const struct joining *g, size_t i)
{
    return &g->f->takes[g->first + g->n_read + i];
}

/* A node near which this arrow works, for sentences. */
const struct json *
joining_somewhere(const struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i])
            return g->values[i];
    return g->f->root;
}

bool
joining_is_nothing(const struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i])
            return false;
    return true;
}

bool
joining_lossy(const struct joining *g)
{
    return run_notice(g->f->run, NOTICE_LOSSY, &g->arrow->origin,
                      joining_somewhere(g));
}

/* ---- one value at several places --------------------------------------------------- */

/* The first place that has something decides; *all: they say the same. */
bool
joining_agree(struct joining *g, size_t *first, bool *all)
{
    *first = SIZE_MAX;
    *all = true;
    for (size_t i = 0; i < g->n_read; i++) {
        bool same = false;
        if (g->values[i] && *first == SIZE_MAX) {
            *first = i;
            *all = i == 0;
            continue;
        }
        if (*first != SIZE_MAX && g->values[i] &&
            !spot_equal(g->f->run, g->values[*first], g->values[i], &same))
            return false;
        *all = *all && same;
    }
    return true;
}

static bool
bring_copies(struct joining *g)
{
    struct frame *f = g->f;
    struct run *r = f->run;
    size_t first = SIZE_MAX;
    bool all = true;
    if (joining_is_nothing(g))
        return true; /* `absent:` may fill it */
    if (!joining_agree(g, &first, &all))
        return false;
    if (!all && g->joint->differ_refuse)
        return run_fail(r, FAULT_CARRY, g->values[first], &g->arrow->origin,
                        "\"%.*s\" and \"%.*s\" are one thing in the other "
                        "version, and they differ",
                        SPAN_FMT(joining_part(g, 0)->from.place->text),
                        SPAN_FMT(joining_part(g, 1)->from.place->text));
    if (!all && !joining_lossy(g))
        return false;

    struct active active = f->actives[joining_part(g, 0)->active];
    struct image image = {0};
    struct json *hole = joining_part(g, first)->hole;
    if (!bring_value(f, &active, joining_joined(g, 0)->way, g->values[first],
                     &image))
        return false;
    for (size_t i = 0; i < g->n_write; i++) {
        struct take *t = joining_joined(g, i);
        t->done = true;
        t->image = image;
        if (i == 0)
            t->hole = hole;
        if (i > 0 && image.value) {
            t->image.value = json_clone(r->arena, image.value);
            if (!t->image.value)
                return run_full(r);
        }
    }
    return true;
}

/* ---- a text and its parts ------------------------------------------------------------- */

static struct json *
text_node(struct joining *g, span text)
{
    struct run *r = g->f->run;
    struct json *out = json_new_text(r->arena, text);
    if (!out)
        run_full(r);
    return out && run_derive(r, out, run_origin(joining_somewhere(g))) ? out
                                                                       : NULL;
}

bool
joining_give(struct joining *g, size_t i, struct json *value)
{
    if (value)
        joining_joined(g, i)->image = (struct image){IMAGE_VALUE, value};
    return value != NULL;
}

/* Null stands for a null on the other side. */
static bool
give_nulls(struct joining *g)
{
    struct run *r = g->f->run;
    for (size_t i = 0; i < g->n_write; i++) {
        struct json *null = json_new_null(r->arena);
        if (!null || !run_derive(r, null, run_origin(joining_somewhere(g))))
            return run_full(r);
        if (!joining_give(g, i, null))
            return false;
    }
    return true;
}

static bool
all_null(const struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (!g->values[i] || g->values[i]->kind != JSON_NULL)
            return false;
    return true;
}

static bool
split(struct joining *g, span *parts)
{
    struct run *r = g->f->run;
    const struct lens_pattern *p = g->joint->pattern;
    struct json *text = g->values[0];
    bool matches = false;
    if (text->kind == JSON_TEXT &&
        (!spot_is_readable(r, text) ||
         !pattern_match(r, p, text->text, parts, &matches)))
        return false;
    if (!matches && g->joint->outside_absent)
        return joining_lossy(g);
    if (!matches)
        return run_fail(r, FAULT_CARRY, text, &g->arrow->origin,
                        "\"%.*s\" is not of the form \"%.*s\"",
                        SPAN_FMT(joining_part(g, 0)->from.place->text),
                        SPAN_FMT(p->text));
    for (size_t i = 0; i < g->n_write; i++)
        if (!joining_give(g, i, text_node(g, parts[i])))
            return false;
    return true;
}

static bool
join(struct joining *g, span *parts)
{
    struct run *r = g->f->run;
    const struct lens_pattern *p = g->joint->pattern;
    span text = {0};
    bool fits = true;
    for (size_t i = 0; fits && i < g->n_read; i++) {
        fits = g->values[i] && g->values[i]->kind == JSON_TEXT;
        if (fits && !spot_is_readable(r, g->values[i]))
            return false;
        if (fits)
            parts[i] = g->values[i]->text;
    }
    if (fits && !pattern_join(r, p, parts, &text, &fits))
        return false;
    if (!fits)
        return run_fail(r, FAULT_CARRY, joining_somewhere(g), &g->arrow->origin,
                        "the parts of \"%.*s\" cannot be written as \"%.*s\"",
                        SPAN_FMT(joining_joined(g, 0)->target.text),
                        SPAN_FMT(p->text));
    return joining_give(g, 0, text_node(g, text));
}

static bool
bring_parts(struct joining *g)
{
    struct run *r = g->f->run;
    if (all_null(g))
        return give_nulls(g);
    span *parts =
        arena_array(r->scratch, g->joint->pattern->n_names, sizeof(*parts));
    if (!parts)
        return run_full(r);
    return g->f->leg->read == g->joint->one ? split(g, parts) : join(g, parts);
}

/* ---- all of them -------------------------------------------------------------------------- */

bool
joint_bring(struct frame *f, size_t first)
{
    const struct lens_arrow *arrow = f->actives[f->takes[first].active].arrow;
    const struct lens_joint *j = arrow->joint;
    struct joining g = {.f = f,
                        .arrow = arrow,
                        .joint = j,
                        .first = first,
                        .n_write = j->n[f->leg->write]};
    while (f->takes[first + g.n_read].kind == TAKE_PART)
        g.n_read++; /* what they become follows */
    g.values = arena_array(f->run->scratch, g.n_read, sizeof(struct json *));
    if (!g.values)
        return run_full(f->run);
    for (size_t i = 0; i < g.n_read; i++) {
        const struct take *t = joining_part(&g, i);
        bool hidden = t->image.kind == IMAGE_HIDDEN;
        g.values[i] = hidden || spot_is_empty(t->value) ? NULL : t->value;
    }
    switch (j->kind) {
    case LENS_JOINT_COPY:
        return bring_copies(&g);
    case LENS_JOINT_EACH:
        return each_bring(&g);
    case LENS_JOINT_CONCAT:
        return joining_is_nothing(&g) ||
               concat_bring(f, arrow, &f->takes[first], g.values, g.n_read);
    case LENS_JOINT_SPLIT:
        return joining_is_nothing(&g) || bring_parts(&g);
    case LENS_JOINT_TABLE:
        return rows_bring(&g);
    }
    return true;
}
