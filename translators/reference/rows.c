/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: several values / several, by the rows of a table.
 */
#include "translators/reference/joint.h"

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
        if (json_alike(value, c->values[i]))
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
               ? json_clone(r->arena, is)
               : stage_literal(r, is, run_origin(joining_somewhere(g)));
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
        *same = value && g->values[c] ? json_alike(value, g->values[c])
                                      : value == g->values[c];
    }
    return true;
}

/* A member that has the same place on both sides never left its object. */
static void
keep_slot(struct joining *g, size_t column)
{
    struct take *t = joining_joined(g, column);
    for (size_t i = 0; i < g->n_read; i++)
        if (joining_part(g, i)->from.place &&
            lens_place_same(joining_part(g, i)->from.place, &t->target))
            t->hole = joining_part(g, i)->hole;
    if (g->n_read == 1 && g->n_write == 1)
        t->hole = joining_part(g, 0)->hole;
}

bool
rows_bring(struct joining *g)
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
    if (!row && joining_is_nothing(g))
        return true; /* nothing is there, and no row says what that means */
    if (!row)
        return run_fail(r, FAULT_CARRY, joining_somewhere(g), &g->arrow->origin,
                        "no row of the table has what is at \"%.*s\"%s",
                        SPAN_FMT(joining_part(g, 0)->from.place->text),
                        g->n_read > 1 ? " and beside it" : "");
    for (size_t c = 0; c < g->n_write; c++) {
        if (!cell_value(g, &row->cells[g->f->leg->write][c], g->values,
                        &written[c]))
            return false;
        if (written[c])
            (void)joining_give(g, c, written[c]);
        keep_slot(g, c);
    }
    return comes_back(g, written, &same) && (same || joining_lossy(g));
}
