/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fills: members that a step makes up, followed through the steps after it.
 *
 * They stand at the end of their object, by the step that made them, then as
 * their arrows stand (change, line, column), as LANGUAGE.md orders keys.
 */
#include "translators/plan/build.h"

#define FILLS_MAX 64 /* of one object */

struct filled {
    span name;
    struct json *value;
    uint64_t unless;
    const struct lens_origin *origin;
    size_t notices[2]; /* made up; dropped again */
    size_t n_notices;
    bool gone;
};

struct filling {
    struct build *b;
    const struct build_state *state;
    span *const *names;
    struct filled at[FILLS_MAX];
    size_t n;
};

/* ---- through a later step ------------------------------------------------------ */

static bool
drop(struct filling *f, struct filled *one, size_t step,
     const struct lens_arrow *arrow)
{
    one->gone = true;
    if (arrow->fill.kind == LENS_VALUE_LITERAL &&
        json_equal(one->value, arrow->fill.literal))
        return true;
    return build_tell(f->b, PLAN_LOSSY, &arrow->ways[0].origin, step,
                      &one->notices[one->n_notices++]);
}

static bool
change(struct filling *f, const struct lens_arrow *arrow, struct json **value)
{
    struct folds folds = {0};
    if (!fold_stages(f->b, &folds, &arrow->ways[0].stages))
        return false;
    if (!folds.n)
        return true;
    if (json_is_container(*value))
        return false;
    const struct json *image = fold_value(&folds, *value);
    *value = image ? json_copy(f->b->a, image) : NULL;
    return *value != NULL;
}

static bool
is_marker(const struct filling *f, size_t step, size_t type, span name)
{
    const struct lens_type_at *at = build_type_at(f->b, step, type);
    for (size_t i = 0; i < at->n_markers; i++)
        if (span_eq(at->markers[i].steps[0].key, name))
            return true;
    return false;
}

static bool
advance(struct filling *f, struct filled *one, size_t step)
{
    struct build *b = f->b;
    const struct known *at = &f->state->at[step];
    if (one->gone)
        return true;
    if (json_is_container(one->value) && build_leads(at, one->name))
        return false;
    if (at->type == SIZE_MAX)
        return true;
    const struct lens_block *block = build_block(b, step, at->type);
    const struct lens_arrow *arrow = build_arrow(block, b->read, one->name);
    if (is_marker(f, step, at->type, one->name))
        return false;
    if (!arrow)
        return build_arrow(block, b->write, one->name) == NULL;
    if (arrow->kind != LENS_MAP)
        return drop(f, one, step, arrow);
    one->name = build_name(arrow, b->write);
    return change(f, arrow, &one->value);
}

/* ---- made by a step -------------------------------------------------------------- */

/* Is a name there at this step already, made up by an earlier one? */
static bool
is_filled(const struct filling *f, size_t n_before, span name)
{
    for (size_t i = 0; i < n_before; i++)
        if (!f->at[i].gone && span_eq(f->at[i].name, name))
            return true;
    return false;
}

/* The key that has this name at this step: it is not made up beside it. */
static uint64_t
worn_by(const struct filling *f, size_t step, span name)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < f->state->out->n_keys; i++)
        if (f->names[i][step].at && span_eq(f->names[i][step], name))
            bits |= (uint64_t)1 << i;
    return bits;
}

static bool
fill(struct filling *f, size_t step, const struct lens_arrow *arrow,
     const struct lens_value *value, size_t n_before)
{
    struct build *b = f->b;
    bool is_map = arrow->kind == LENS_MAP;
    if (value->kind != LENS_VALUE_LITERAL)
        return true;
    if (is_map && is_filled(f, n_before, build_name(arrow, b->read)))
        return true;
    if (f->n == FILLS_MAX || is_marker(f, step, f->state->at[step].type,
                                       build_name(arrow, b->write)))
        return false;
    struct filled *one = &f->at[f->n++];
    *one = (struct filled){.name = build_name(arrow, b->write),
                           .origin = &arrow->ways[0].origin,
                           .value = json_copy(b->a, value->literal)};
    if (is_map)
        one->unless = worn_by(f, step, build_name(arrow, b->read));
    return one->value && (!is_map || change(f, arrow, &one->value)) &&
           build_tell(b, PLAN_FILLED, one->origin, step,
                      &one->notices[one->n_notices++]);
}

static int
by_arrival(const void *a, const void *b)
{
    const struct lens_origin *x = ((const struct filled *)a)->origin;
    const struct lens_origin *y = ((const struct filled *)b)->origin;
    int name = span_cmp(x->change ? x->change->name : (span){0},
                        y->change ? y->change->name : (span){0});
    if (name)
        return name;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static bool
fill_step(struct filling *f, size_t step)
{
    struct build *b = f->b;
    size_t type = f->state->at[step].type;
    size_t before = f->n;
    const struct lens_block *block =
        type == SIZE_MAX ? NULL : build_block(b, step, type);
    /* An arrow reads those that are there under the names they had. */
    for (size_t i = 0; block && i < block->n_arrows; i++) {
        const struct lens_arrow *arrow = &block->arrows[i];
        if (!build_is_on(arrow, b->write))
            continue;
        const struct lens_value *value =
            arrow->kind == LENS_MAP ? &arrow->absent[b->read] : &arrow->fill;
        if (!fill(f, step, arrow, value, before))
            return false;
    }
    for (size_t i = 0; i < before; i++)
        if (!advance(f, &f->at[i], step))
            return false;
    if (f->n > before)
        qsort(f->at + before, f->n - before, sizeof(f->at[0]), by_arrival);
    return true;
}

/* ---- written --------------------------------------------------------------------- */

static bool
member(struct build *b, const struct filled *one, span *out)
{
    struct buf text;
    buf_init(&text, arena_limit(b->a));
    buf_byte(&text, '"');
    json_escape(&text, one->name);
    buf_str(&text, "\":");
    json_print(one->value, &text);
    bool ok = !buf_failed(&text) && span_dup(b->a, buf_span(&text), out);
    buf_fini(&text);
    return ok;
}

static bool
write(struct build *b, const struct filled *one, struct plan_fill *out)
{
    size_t *notices = arena_array(b->a, one->n_notices + 1, sizeof(*notices));
    if (!notices || (!one->gone && !member(b, one, &out->member)))
        return false;
    memcpy(notices, one->notices, one->n_notices * sizeof(*notices));
    out->notices = notices;
    out->n_notices = one->n_notices;
    out->unless = one->unless;
    return true;
}

bool
build_fills(struct build *b, const struct build_state *s, span *const *names)
{
    struct filling *f = arena_alloc(b->scratch, sizeof(*f));
    if (!f)
        return false;
    *f = (struct filling){.b = b, .state = s, .names = names};
    for (size_t step = 0; step < b->n_steps; step++)
        if (!fill_step(f, step))
            return false;
    struct plan_fill *fills = arena_array(b->a, f->n + 1, sizeof(*fills));
    if (!fills)
        return false;
    for (size_t i = 0; i < f->n; i++)
        if (!write(b, &f->at[i], &fills[i]))
            return false;
    s->out->fills = fills;
    s->out->n_fills = f->n;
    return true;
}
