/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: several values / several, by the rows of a table, each under the guard
 * that it is the first that fits.
 */
#include "translators/compose/joint.h"

/* What a row writes in a column. */
struct written {
    const struct json *is;    /* or */
    struct normal_node *part; /* whatever is there; both NULL: nothing */
};

static struct written
written_by(const struct lens_cell *cell, struct normal_node *const *parts)
{
    switch (cell->kind) {
    case LENS_CELL_IS:
        return (struct written){cell->values[0], NULL};
    case LENS_CELL_SAME:
        return (struct written){NULL, parts[cell->same]};
    case LENS_CELL_ABSENT:
    case LENS_CELL_ANY:
        break;
    }
    return (struct written){NULL, NULL};
}

static guard
constant(bool is)
{
    return is ? GUARD_ALWAYS : GUARD_NEVER;
}

static guard
is_there(struct compose *c, const struct written *w)
{
    return w->part ? node_present(c, w->part) : constant(w->is);
}

static guard
equals(struct compose *c, const struct written *w, const struct json *value)
{
    if (w->part)
        return node_equals(c, w->part, value);
    return constant(w->is && json_alike(w->is, value));
}

/* ---- which row fits ---------------------------------------------------------------- */

static guard
cell_fits(struct compose *c, const struct lens_cell *cell,
          const struct written *w)
{
    guard is = GUARD_NEVER;
    switch (cell->kind) {
    case LENS_CELL_ANY:
    case LENS_CELL_SAME:
        return GUARD_ALWAYS;
    case LENS_CELL_ABSENT:
        return guard_not(&c->guards, is_there(c, w));
    case LENS_CELL_IS:
        break;
    }
    for (size_t i = 0; i < cell->n_values; i++)
        is = either(c, is, equals(c, w, cell->values[i]));
    return is;
}

/* Nothing at all is nothing, unless a row says `absent` of each place. */
static guard
row_fits(struct compose *c, const struct lens_joint *j,
         const struct lens_row *row, enum lens_side side,
         const struct written *values)
{
    guard is = constant(row->is_read[side]);
    guard any = GUARD_NEVER;
    bool said = true;
    for (size_t i = 0; i < j->n[side]; i++) {
        const struct lens_cell *cell = &row->cells[side][i];
        is = both(c, is, cell_fits(c, cell, &values[i]));
        any = either(c, any, is_there(c, &values[i]));
        said = said && cell->kind == LENS_CELL_ABSENT;
    }
    return said ? is : both(c, is, any);
}

/* ---- what it writes ------------------------------------------------------------------ */

/* The column has a place that is read as well, or it is one on each side: then a value
 * keeps the slot of what was there. */
static const struct take *
slot_of(const struct joining *g, size_t column)
{
    const struct take *found =
        g->n_read == 1 && g->n_write == 1 ? g->parts : NULL;
    for (size_t i = 0; !found && i < g->n_read; i++)
        if (lens_place_same(g->parts[i].from.place, g->joined[column].target))
            found = &g->parts[i];
    return found;
}

/* One alternative for each slot that it may stand in, and one that comes in. */
static bool
give(const struct joining *g, size_t column, guard when, uint32_t term)
{
    struct compose *c = g->s->c;
    const struct take *slot = slot_of(g, column);
    const struct normal_node *there = slot ? slot->as_it_came : NULL;
    for (size_t i = 0; there && i < there->n_alts; i++) {
        if (!node_add(
                c, g->joined[column].value,
                (struct normal_alt){.when = both(c, when, there->alts[i].when),
                                    .kind = ALT_TERM,
                                    .term = term,
                                    .order = there->alts[i].order}))
            return false;
        when = without(c, when, there->alts[i].when);
    }
    return join_give(g, column, when, term);
}

static bool
give_part(const struct joining *g, size_t column, guard when,
          const struct normal_node *part)
{
    struct compose *c = g->s->c;
    for (size_t i = 0; i < part->n_alts; i++) {
        guard here = both(c, when, part->alts[i].when);
        uint32_t term =
            here == GUARD_NEVER ? 0 : node_term(c, part, &part->alts[i]);
        if (term == NORMAL_NONE ||
            (here != GUARD_NEVER && !give(g, column, here, term)))
            return false;
    }
    return true;
}

/* The rows that write one constant in a column are one alternative. */
static bool
write_column(const struct joining *g, size_t column, const guard *taken,
             struct normal_node *const *parts)
{
    struct compose *c = g->s->c;
    const struct lens_joint *j = g->joint;
    for (size_t i = 0; i < j->n_rows; i++) {
        struct written w =
            written_by(&j->rows[i].cells[c->write][column], parts);
        guard when = taken[i];
        bool seen = false;
        for (size_t k = 0; w.is && k < j->n_rows; k++) {
            struct written other =
                written_by(&j->rows[k].cells[c->write][column], parts);
            if (k == i || !other.is || !json_alike_strict(w.is, other.is))
                continue;
            seen = seen || k < i;
            when = either(c, when, taken[k]);
        }
        if (seen || when == GUARD_NEVER)
            continue;
        if (w.is ? !give(g, column, when, term_const(c, w.is))
                 : w.part && !give_part(g, column, when, w.part))
            return false;
    }
    return true;
}

/* ---- would it come back? ---------------------------------------------------------------- */

/* Is what a row of the way back writes what was read there? */
static bool
same_again(const struct joining *g, const struct written *back,
           struct normal_node *part, guard when, guard *out)
{
    struct compose *c = g->s->c;
    guard neither = guard_not(
        &c->guards, either(c, is_there(c, back), node_present(c, part)));
    guard same = GUARD_NEVER;
    if (back->is)
        *out = node_equals(c, part, back->is);
    else if (!back->part)
        *out = neither;
    else if (back->part == part)
        *out = GUARD_ALWAYS;
    else if (!nodes_same(c, back->part, part, when, g->scope, &same))
        return false;
    else
        *out = either(c, neither, same);
    return true;
}

/* Where row `i` is taken: is it the row that the way back takes, too, or one that gives
 * the same? */
static bool
comes_back(const struct joining *g, size_t i, guard taken,
           struct normal_node *const *parts, guard *out)
{
    struct compose *c = g->s->c;
    const struct lens_joint *j = g->joint;
    struct written *there = arena_array(c->a, g->n_write + 1, sizeof(*there));
    guard left = taken;
    *out = GUARD_NEVER;
    if (!there)
        return compose_full(c);
    for (size_t w = 0; w < g->n_write; w++)
        there[w] = written_by(&j->rows[i].cells[c->write][w], parts);
    for (size_t k = 0; left != GUARD_NEVER && k < j->n_rows; k++) {
        guard fits =
            both(c, left, row_fits(c, j, &j->rows[k], c->write, there));
        guard same = fits;
        left = without(c, left, fits);
        for (size_t r = 0; same != GUARD_NEVER && r < g->n_read; r++) {
            const struct lens_cell *cell = &j->rows[k].cells[c->read][r];
            struct written back = {0};
            guard is = GUARD_NEVER;
            if (cell->kind == LENS_CELL_SAME)
                back = there[cell->same];
            else
                back = written_by(cell, NULL);
            if (!same_again(g, &back, parts[r], fits, &is))
                return false;
            same = both(c, same, is);
        }
        *out = either(c, *out, same);
    }
    return true;
}

/* ---- all rows ------------------------------------------------------------------------- */

bool
join_rows(struct joining *g)
{
    struct compose *c = g->s->c;
    const struct lens_joint *j = g->joint;
    struct normal_node **parts =
        arena_array(c->a, g->n_read + 1, sizeof(struct normal_node *));
    struct written *values = arena_array(c->a, g->n_read + 1, sizeof(*values));
    guard *taken = arena_array(c->a, j->n_rows + 1, sizeof(*taken));
    guard left = g->parts[0].when;
    guard lost = GUARD_NEVER;
    if (!parts || !values || !taken)
        return compose_full(c);
    for (size_t i = 0; i < g->n_read; i++) {
        parts[i] = g->parts[i].value;
        values[i] = (struct written){NULL, parts[i]};
        if (node_has_states(parts[i]))
            return compose_stop(c, &g->arrow->origin,
                                "an object of a type stands in a table");
        if (!join_reads(g, parts[i], GUARD_ALWAYS))
            return false;
    }
    for (size_t i = 0; i < g->joined->from.n_stars; i++)
        left = both(c, left, node_present(c, g->joined->from.stars[i]));
    for (size_t i = 0; i < j->n_rows; i++) {
        guard back = GUARD_NEVER;
        taken[i] = both(c, left, row_fits(c, j, &j->rows[i], c->read, values));
        left = without(c, left, taken[i]);
        if (!comes_back(g, i, taken[i], parts, &back))
            return false;
        lost = either(c, lost, without(c, taken[i], back));
    }
    for (size_t column = 0; column < g->n_write; column++)
        if (!write_column(g, column, taken, parts))
            return false;
    return join_lossy(g, lost) &&
           join_fails(g, both(c, left, g->there),
                      "no row of the table has what is there");
}
