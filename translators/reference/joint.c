/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: an arrow over several places: what it reads, and what it brings.
 *
 * For every element that its stars meet it has a take for each place that it
 * reads (a part) and one for each that it writes, side by side. The parts are cut
 * like other values and their types translated; then the arrow is asked once, of
 * all of them together.
 */
#include "translators/reference/decimal.h"
#include "translators/reference/frame.h"

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

static bool
add_part(struct frame *f, const struct lens_arrow *arrow, size_t i, size_t part,
         const struct binding *at)
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
static bool
add_joined(struct frame *f, const struct lens_arrow *arrow,
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

size_t
joint_stars(const struct lens_joint *j)
{
    const struct lens_place *one = &j->places[j->one][0];
    size_t n = 0;
    for (size_t i = 0; i < one->n; i++)
        n += place_is_star(&one->steps[i]);
    return n;
}

/* The elements under one star of the place that has one value are one group; they come
 * together. */
static bool
choose_each(struct frame *f, const struct lens_arrow *arrow)
{
    const struct lens_joint *j = arrow->joint;
    struct bindings found = {0};
    size_t n_stars = joint_stars(j);
    if (!place_bind(f->run, f->root, &j->places[f->leg->read][0], &found))
        return false;
    for (size_t at = 0; at < found.n;) {
        const struct binding *first = &found.at[at];
        size_t part = 0;
        if (frame_is_untold(f, first)) {
            at++;
            continue;
        }
        for (; at < found.n &&
               place_same_stars(first->stars, n_stars, found.at[at].stars,
                                n_stars) &&
               (part == 0 || f->leg->read != j->one);
             at++)
            if (!add_part(f, arrow, 0, part++, &found.at[at]))
                return false;
        if (!add_joined(f, arrow, first, n_stars))
            return false;
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
        return choose_each(f, arrow);
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
            if (!add_part(f, arrow, i, i, &found[i].at[at]))
                return false;
        }
        if (!add_joined(f, arrow, &found[0].at[at], found[0].at[at].n_stars))
            return false;
    }
    return true;
}

/* ---- bringing ------------------------------------------------------------------- */

struct joining {
    struct frame *f;
    const struct lens_arrow *arrow;
    const struct lens_joint *joint;
    size_t
        first; /* take of the first part; those that are written follow them */
    size_t n_read;
    size_t n_write;
    struct json **values; /* of the parts; NULL is ⊥ */
};

static struct take *
part(const struct joining *g, size_t i)
{
    return &g->f->takes[g->first + i];
}

static struct take *
joined(const struct joining *g, size_t i)
{
    return &g->f->takes[g->first + g->n_read + i];
}

/* A node near which this arrow works, for sentences. */
static const struct json *
somewhere(const struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i])
            return g->values[i];
    return g->f->root;
}

static bool
is_nothing(const struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i])
            return false;
    return true;
}

static bool
lossy(const struct joining *g)
{
    return run_notice(g->f->run, NOTICE_LOSSY, &g->arrow->origin, somewhere(g));
}

/* ---- one value at several places --------------------------------------------------- */

/* The first place that has something decides; *all: they say the same. */
static bool
agree(struct joining *g, size_t *first, bool *all)
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
    if (is_nothing(g))
        return true; /* `absent:` may fill it */
    if (!agree(g, &first, &all))
        return false;
    if (!all && g->joint->differ_refuse)
        return run_fail(r, FAULT_CARRY, g->values[first], &g->arrow->origin,
                        "\"%.*s\" and \"%.*s\" are one thing in the other "
                        "version, and they differ",
                        SPAN_FMT(part(g, 0)->from.place->text),
                        SPAN_FMT(part(g, 1)->from.place->text));
    if (!all && !lossy(g))
        return false;

    struct active active = f->actives[part(g, 0)->active];
    struct image image = {0};
    struct json *hole = part(g, first)->hole;
    if (!bring_value(f, &active, joined(g, 0)->way, g->values[first], &image))
        return false;
    for (size_t i = 0; i < g->n_write; i++) {
        struct take *t = joined(g, i);
        t->done = true;
        t->image = image;
        if (i == 0)
            t->hole = hole;
        if (i > 0 && image.value) {
            t->image.value = json_copy(r->arena, image.value);
            if (!t->image.value)
                return run_full(r);
        }
    }
    return true;
}

/* ---- one value in every element ------------------------------------------------------ */

/* Less, equal or more; false: they have no order. */
static bool
compare(struct joining *g, const struct json *x, const struct json *y, int *out)
{
    struct arena *a = g->f->run->scratch;
    struct decimal one, two;
    if (x->kind == JSON_TEXT && y->kind == JSON_TEXT) {
        *out = span_cmp(x->text, y->text);
        return true;
    }
    if (x->kind != JSON_NUMBER || y->kind != JSON_NUMBER ||
        !decimal_read(a, x->text, &one) || !decimal_read(a, y->text, &two))
        return false;
    *out = decimal_compare(&one, &two);
    return true;
}

/* The least or the greatest that is there; NULL: they have no order. */
static struct json *
extreme(struct joining *g)
{
    int sign = g->joint->unequal == LENS_UNEQUAL_MIN ? 1 : -1;
    struct json *best = NULL;
    for (size_t i = 0; i < g->n_read; i++) {
        int c = 0;
        if (!g->values[i])
            continue;
        if (!compare(g, best ? best : g->values[i], g->values[i], &c))
            return NULL;
        if (!best || sign * c > 0)
            best = g->values[i];
    }
    return best;
}

static struct json *
sum(struct joining *g)
{
    struct run *r = g->f->run;
    struct decimal all = {0};
    for (size_t i = 0; i < g->n_read; i++) {
        struct decimal one;
        const struct json *v = g->values[i];
        if (!v)
            continue;
        if (v->kind != JSON_NUMBER ||
            !decimal_read(r->scratch, v->text, &one) ||
            !decimal_add(r->scratch, &all, &one, &all))
            return NULL;
    }
    span text = decimal_print(r->scratch, &all);
    return text.at ? json_new_number(r->arena, text) : NULL;
}

static struct json *
null(struct joining *g)
{
    return json_new_null(g->f->run->arena);
}

/* They stay where they are. */
static void
put_back(struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i] && part(g, i)->hole->parent)
            json_replace(part(g, i)->hole, g->values[i]);
}

/* What unequal elements become; *out is NULL: they have been put back. */
static bool
settle_unequal(struct joining *g, size_t first, struct json **out)
{
    struct run *r = g->f->run;
    switch (g->joint->unequal) {
    case LENS_UNEQUAL_FIRST:
        *out = g->values[first];
        break;
    case LENS_UNEQUAL_MIN:
    case LENS_UNEQUAL_MAX:
        *out = extreme(g);
        break;
    case LENS_UNEQUAL_SUM:
        *out = sum(g);
        break;
    case LENS_UNEQUAL_NULL:
        *out = null(g);
        break;
    case LENS_UNEQUAL_KEEP:
        put_back(g);
        *out = NULL;
        return true;
    case LENS_UNEQUAL_FAIL:
        *out = NULL;
        break;
    }
    if (!*out)
        return run_fail(r, FAULT_CARRY, g->values[first], &g->arrow->origin,
                        "\"%.*s\" is not the same in every element, and the "
                        "other version has one value",
                        SPAN_FMT(part(g, 0)->from.place->text));
    return lossy(g) && run_derive(r, *out, run_origin(g->values[first]));
}

static bool
bring_each(struct joining *g)
{
    size_t first = SIZE_MAX;
    bool all = true;
    struct image image = {0};
    struct take *t = joined(g, 0);
    struct active active = g->f->actives[t->active];
    if (is_nothing(g))
        return true;
    if (!agree(g, &first, &all))
        return false;
    struct json *value = g->values[first];
    if (!all && !settle_unequal(g, first, &value))
        return false;
    if (!value) {
        t->done = true;
        return true;
    }
    if (!bring_value(g->f, &active, t->way, value, &image))
        return false;
    t = joined(g, 0);
    t->done = true;
    t->image = image;
    return true;
}

bool
joint_spreads(const struct frame *f, const struct take *t)
{
    if (t->kind != TAKE_JOINED)
        return false;
    const struct lens_joint *j = f->actives[t->active].arrow->joint;
    return j->kind == LENS_JOINT_EACH && f->leg->read == j->one;
}

/* The step at which place's star number `n` stands. */
static size_t
step_of_star(const struct lens_place *place, size_t n)
{
    size_t at = 0;
    while (at < place->n && (!place_is_star(&place->steps[at]) || n-- > 0))
        at++;
    return at;
}

bool
joint_elements(struct frame *f, const struct take *t, struct bindings *out)
{
    struct run *r = f->run;
    size_t n_outer = t->from.n_stars;
    size_t at = step_of_star(&t->target, n_outer);
    struct lens_place above = place_prefix(&t->target, at);
    struct lens_place below = {t->target.steps + at, t->target.n - at,
                               t->target.text};
    struct landing host;
    bool found = false;
    if (!walk_to(f, &above, t->from.stars, n_outer, false, t->origin, &host,
                 &found))
        return false;
    if (!found || !host.there)
        return true;
    if (!place_bind(r, host.there, &below, out))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct binding *b = &out->at[i];
        struct star *stars =
            arena_array(r->scratch, n_outer + b->n_stars, sizeof(*stars));
        if (!stars)
            return run_full(r);
        if (n_outer)
            memcpy(stars, t->from.stars, n_outer * sizeof(*stars));
        memcpy(stars + n_outer, b->stars, b->n_stars * sizeof(*stars));
        b->stars = stars;
        b->n_stars += n_outer;
    }
    return true;
}

/* Has every element the same? Then it would come back as the one value. */
static bool
all_agree(struct frame *f, const struct bindings *b, bool *agreed)
{
    *agreed = b->n > 0;
    for (size_t i = 0; *agreed && i < b->n; i++) {
        *agreed = b->at[i].node && !spot_is_empty(b->at[i].node);
        if (*agreed &&
            !spot_equal(f->run, b->at[0].node, b->at[i].node, agreed))
            return false;
    }
    return true;
}

bool
joint_leaves(struct frame *f, struct take *t, bool *leaves)
{
    *leaves = false;
    if (!joint_spreads(f, t) || t->image.kind == IMAGE_VALUE ||
        f->actives[t->active].arrow->joint->unequal != LENS_UNEQUAL_KEEP)
        return true;
    if (!t->asked) { /* of all elements at once */
        struct bindings elements = {0};
        if (!joint_elements(f, t, &elements) ||
            !all_agree(f, &elements, &t->agreed))
            return false;
        t->asked = elements.n > 0;
    }
    *leaves = !t->agreed;
    return true;
}

bool
joint_has_none(struct frame *f, const struct take *t)
{
    struct run *r = f->run;
    if (f->actives[t->active].arrow->joint->none_refuse)
        return run_fail(r, FAULT_CARRY, t->image.value, t->origin,
                        "\"%.*s\" is in every element, and there is none",
                        SPAN_FMT(t->target.text));
    return run_notice(r, NOTICE_LOSSY, t->origin, t->image.value);
}

/* ---- a text and its parts ------------------------------------------------------------- */

static struct json *
text_node(struct joining *g, span text)
{
    struct run *r = g->f->run;
    struct json *out = json_new_text(r->arena, text);
    if (!out)
        run_full(r);
    return out && run_derive(r, out, run_origin(somewhere(g))) ? out : NULL;
}

static bool
give(struct joining *g, size_t i, struct json *value)
{
    if (value)
        joined(g, i)->image = (struct image){IMAGE_VALUE, value};
    return value != NULL;
}

/* Null stands for a null on the other side. */
static bool
give_nulls(struct joining *g)
{
    struct run *r = g->f->run;
    for (size_t i = 0; i < g->n_write; i++) {
        struct json *null = json_new_null(r->arena);
        if (!null || !run_derive(r, null, run_origin(somewhere(g))))
            return run_full(r);
        if (!give(g, i, null))
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
        return lossy(g);
    if (!matches)
        return run_fail(r, FAULT_CARRY, text, &g->arrow->origin,
                        "\"%.*s\" is not of the form \"%.*s\"",
                        SPAN_FMT(part(g, 0)->from.place->text),
                        SPAN_FMT(p->text));
    for (size_t i = 0; i < g->n_write; i++)
        if (!give(g, i, text_node(g, parts[i])))
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
        return run_fail(r, FAULT_CARRY, somewhere(g), &g->arrow->origin,
                        "the parts of \"%.*s\" cannot be written as \"%.*s\"",
                        SPAN_FMT(joined(g, 0)->target.text), SPAN_FMT(p->text));
    return give(g, 0, text_node(g, text));
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

/* ---- a table ---------------------------------------------------------------------------- */

static bool
cell_fits(const struct lens_cell *c, const struct json *value)
{
    switch (c->kind) {
    case LENS_CELL_ANY:
    case LENS_CELL_SAME:
        return true;
    case LENS_CELL_ABSENT:
        return value == NULL;
    case LENS_CELL_IS:
        break;
    }
    for (size_t i = 0; value && i < c->n_values; i++)
        if (json_equal(value, c->values[i]))
            return true;
    return false;
}

/* Nothing at all is nothing, unless a row says `absent` of each place. */
static bool
row_fits(const struct lens_joint *j, const struct lens_row *row,
         enum lens_side side, struct json *const *values)
{
    bool any = false;
    bool said = true;
    for (size_t c = 0; c < j->n[side]; c++) {
        const struct lens_cell *cell = &row->cells[side][c];
        if (!cell_fits(cell, values[c]))
            return false;
        any = any || values[c];
        said = said && cell->kind == LENS_CELL_ABSENT;
    }
    return row->is_read[side] && (any || said);
}

static const struct lens_row *
row_of(const struct lens_joint *j, enum lens_side side,
       struct json *const *values)
{
    for (size_t i = 0; i < j->n_rows; i++)
        if (row_fits(j, &j->rows[i], side, values))
            return &j->rows[i];
    return NULL;
}

/* What a row writes in a column; *out is NULL for ⊥. */
static bool
cell_value(struct joining *g, const struct lens_cell *c,
           struct json *const *values, struct json **out)
{
    struct run *r = g->f->run;
    const struct json *is = NULL;
    *out = NULL;
    if (c->kind == LENS_CELL_SAME)
        is = values[c->same];
    if (c->kind == LENS_CELL_IS)
        is = c->values[0];
    if (!is)
        return true;
    *out = c->kind == LENS_CELL_SAME
               ? json_copy(r->arena, is)
               : stage_literal(r, is, run_origin(somewhere(g)));
    return *out || run_full(r);
}

/* Would the values that were written come back as those that were read? */
static bool
comes_back(struct joining *g, struct json *const *written, bool *same)
{
    const struct lens_joint *j = g->joint;
    enum lens_side read = g->f->leg->read;
    enum lens_side write = g->f->leg->write;
    const struct lens_row *back = row_of(j, write, written);
    *same = back != NULL;
    for (size_t c = 0; *same && c < j->n[read]; c++) {
        struct json *value = NULL;
        if (!cell_value(g, &back->cells[read][c], written, &value))
            return false;
        *same = value && g->values[c] ? json_equal(value, g->values[c])
                                      : value == g->values[c];
    }
    return true;
}

/* A member that has the same place on both sides never left its object. */
static void
keep_slot(struct joining *g, size_t column)
{
    struct take *t = joined(g, column);
    for (size_t i = 0; i < g->n_read; i++)
        if (part(g, i)->from.place &&
            lens_place_same(part(g, i)->from.place, &t->target))
            t->hole = part(g, i)->hole;
    if (g->n_read == 1 && g->n_write == 1)
        t->hole = part(g, 0)->hole;
}

static bool
bring_row(struct joining *g)
{
    struct run *r = g->f->run;
    const struct lens_joint *j = g->joint;
    bool same = false;
    struct json **written =
        arena_array(r->scratch, g->n_write, sizeof(struct json *));
    if (!written)
        return run_full(r);
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i] && !spot_is_readable(r, g->values[i]))
            return false;
    const struct lens_row *row = row_of(j, g->f->leg->read, g->values);
    if (!row && is_nothing(g))
        return true; /* nothing is there, and no row says what that means */
    if (!row)
        return run_fail(r, FAULT_CARRY, somewhere(g), &g->arrow->origin,
                        "no row of the table has what is at \"%.*s\"%s",
                        SPAN_FMT(part(g, 0)->from.place->text),
                        g->n_read > 1 ? " and beside it" : "");
    for (size_t c = 0; c < g->n_write; c++) {
        if (!cell_value(g, &row->cells[g->f->leg->write][c], g->values,
                        &written[c]))
            return false;
        if (written[c])
            (void)give(g, c, written[c]);
        keep_slot(g, c);
    }
    return comes_back(g, written, &same) && (same || lossy(g));
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
        const struct take *t = part(&g, i);
        bool hidden = t->image.kind == IMAGE_HIDDEN;
        g.values[i] = hidden || spot_is_empty(t->value) ? NULL : t->value;
    }
    switch (j->kind) {
    case LENS_JOINT_COPY:
        return bring_copies(&g);
    case LENS_JOINT_EACH:
        return bring_each(&g);
    case LENS_JOINT_CONCAT:
        return is_nothing(&g) ||
               concat_bring(f, arrow, &f->takes[first], g.values, g.n_read);
    case LENS_JOINT_SPLIT:
        return is_nothing(&g) || bring_parts(&g);
    case LENS_JOINT_TABLE:
        return bring_row(&g);
    }
    return true;
}
