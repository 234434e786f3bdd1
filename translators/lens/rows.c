/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: the rows of a table between several places, and which of them are of use.
 */
#include "translators/lens/build.h"

static const struct lens_words row_words =
    LENS_WORDS("a row of `table`", "row", "only");
static const struct lens_words only_words = LENS_WORDS("`only`", "up", "down");
static const struct lens_words cell_words =
    LENS_WORDS("a cell", "any", "absent", "same");
static const struct lens_words is_word = LENS_WORDS("a cell", "is");

/* ---- cells ---- */

static bool
values(struct lens_builder *b, const struct yaml *const *nodes, size_t n,
       struct lens_cell *out)
{
    const struct json **all = lens_array(b, n, sizeof(struct json *));
    if (!all)
        return false;
    for (size_t i = 0; i < n; i++) {
        all[i] = lens_literal_scalar(b, nodes[i], "a cell");
        if (!all[i])
            return false;
    }
    out->values = (const struct json *const *)all;
    out->n_values = n;
    return true;
}

static bool
read_cell(struct lens_builder *b, const struct yaml *node,
          struct lens_cell *out)
{
    static const enum lens_cell_kind kinds[] = {LENS_CELL_ANY, LENS_CELL_ABSENT,
                                                LENS_CELL_SAME};
    int word = lens_words_find(node, &cell_words);
    if (word >= 0) {
        out->kind = kinds[word];
        return true;
    }
    out->kind = LENS_CELL_IS;
    if (node->kind == YAML_LIST && node->n > 0)
        return values(b, (const struct yaml *const *)node->items, node->n, out);
    if (node->kind == YAML_MAP && !lens_words_check(b, node, &is_word))
        return false;
    const struct yaml *is =
        node->kind == YAML_MAP ? yaml_get(node, "is") : node;
    return values(b, &is, 1, out);
}

/* The so many-th `same` of one side is that of the other. */
static bool
pair_same(struct lens_builder *b, const struct yaml *node,
          const struct lens_joint *j, struct lens_cell *cells[2])
{
    size_t n[2] = {0, 0};
    size_t columns[2][64];
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < j->n[side]; i++)
            if (cells[side][i].kind == LENS_CELL_SAME)
                columns[side][n[side]++] = i;
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; n[0] == n[1] && i < n[side]; i++)
            cells[side][columns[side][i]].same = columns[1 - side][i];
    if (n[0] == n[1])
        return true;
    yaml_problem(b->problems, node,
                 "`same` stands %zu times on the older side of this row and "
                 "%zu times on the newer",
                 n[0], n[1]);
    problem_remedy(b->problems, "each `same` has a partner");
    return false;
}

/* ---- rows ---- */

static bool
read_cells(struct lens_builder *b, const struct yaml *node,
           const struct lens_joint *j, struct lens_row *out)
{
    size_t n = j->n[0] + j->n[1];
    if (node->kind != YAML_LIST || node->n != n) {
        yaml_problem(b->problems, node,
                     "a row has a cell for each place: %zu older and %zu newer",
                     j->n[0], j->n[1]);
        problem_remedy(b->problems, "write [older, ..., newer, ...]");
        return false;
    }
    struct lens_cell *cells[2];
    for (size_t side = 0; side < 2; side++) {
        cells[side] = lens_array(b, j->n[side], sizeof(struct lens_cell));
        for (size_t i = 0; cells[side] && i < j->n[side]; i++)
            if (!read_cell(b, node->items[(side ? j->n[0] : 0) + i],
                           &cells[side][i]))
                return false;
        out->cells[side] = cells[side];
    }
    return cells[0] && cells[1] && pair_same(b, node, j, cells);
}

static bool
read_row(struct lens_builder *b, const struct yaml *node,
         const struct lens_joint *j, struct lens_row *out)
{
    const struct yaml *cells = node;
    int only = -1;
    if (node->kind == YAML_MAP) {
        cells = yaml_get(node, "row");
        if (!lens_words_check(b, node, &row_words) ||
            !lens_word_read(b, node, "only", &only_words, &only))
            return false;
    }
    out->line = (unsigned)node->line;
    out->column = (unsigned)node->column;
    out->is_read[LENS_OLDER] = only != 1;
    out->is_read[LENS_NEWER] = only != 0;
    return read_cells(b, cells ? cells : node, j, out);
}

/* ---- rows that are never taken ---- */

static bool
holds_value(const struct lens_cell *c, const struct json *value)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (json_alike(c->values[i], value))
            return true;
    return false;
}

/* Does `a` fit all that `b` fits? */
static bool
covers(const struct lens_cell *a, const struct lens_cell *b)
{
    if (a->kind == LENS_CELL_ANY || a->kind == LENS_CELL_SAME)
        return true;
    if (a->kind != b->kind)
        return false;
    for (size_t i = 0; i < b->n_values; i++)
        if (!holds_value(a, b->values[i]))
            return false;
    return true;
}

static bool
row_covers(const struct lens_joint *j, const struct lens_row *a,
           const struct lens_row *b, size_t side)
{
    for (size_t i = 0; i < j->n[side]; i++)
        if (!covers(&a->cells[side][i], &b->cells[side][i]))
            return false;
    return a->is_read[side] && b->is_read[side];
}

/* The row before this one that takes all that it would, or NULL. */
static const struct lens_row *
taker(const struct lens_joint *j, size_t row, size_t side)
{
    for (size_t k = 0; k < row; k++)
        if (row_covers(j, &j->rows[k], &j->rows[row], side))
            return &j->rows[k];
    return NULL;
}

static bool
check_doubled(struct lens_builder *b, const struct lens_joint *j)
{
    static const char *const ways[] = {"up", "down"};
    bool good = true;
    for (size_t i = 0; i < j->n_rows; i++)
        for (size_t side = 0; side < 2; side++) {
            const struct lens_row *first = taker(j, i, side);
            if (!first)
                continue;
            problem_add(b->problems, b->change->path, j->rows[i].line,
                        j->rows[i].column,
                        "this row is never taken going %s: the one at line %u, "
                        "column %u takes what it would",
                        ways[side], first->line, first->column);
            problem_remedy(b->problems, "say {row: [...], only: %s}",
                           ways[1 - side]);
            good = false;
        }
    return good;
}

bool
lens_rows_read(struct lens_builder *b, const struct yaml *node,
               struct lens_joint *out)
{
    if (node->kind != YAML_LIST || node->n == 0 || node->n > LENS_ROWS_MAX) {
        yaml_problem(b->problems, node, "`table` is a list of 1 to %d rows",
                     LENS_ROWS_MAX);
        problem_remedy(b->problems, "write [[older, ..., newer, ...], ...]");
        return false;
    }
    struct lens_row *rows = lens_array(b, node->n, sizeof(*rows));
    if (!rows)
        return false;
    for (size_t i = 0; i < node->n; i++)
        if (!read_row(b, node->items[i], out, &rows[i]))
            return false;
    out->rows = rows;
    out->n_rows = node->n;
    return check_doubled(b, out);
}

/* ---- rows that are missing ---- */

#define COMBINATIONS_MAX 256 /* that are tried */

/* What a column is said to hold, in the order it is said; NULL stands for ⊥. */
static bool
listed(struct lens_builder *b, const struct lens_joint *j, size_t side,
       size_t column, struct lens_vec *out)
{
    bool absent = false;
    for (size_t i = 0; i < j->n_rows; i++) {
        const struct lens_cell *c = &j->rows[i].cells[side][column];
        absent = absent || c->kind == LENS_CELL_ABSENT;
        for (size_t k = 0; k < c->n_values; k++) {
            const struct json *const *all = out->at;
            bool known = false;
            for (size_t m = 0; m < out->n; m++)
                known = known || json_alike(all[m], c->values[k]);
            const struct json **slot =
                known ? NULL : lens_vec_add(b, out, sizeof(struct json *));
            if (slot)
                *slot = c->values[k];
        }
    }
    const struct json **slot =
        absent ? lens_vec_add(b, out, sizeof(struct json *)) : NULL;
    if (slot)
        *slot = NULL;
    return !b->full;
}

static bool
fits(const struct lens_cell *c, const struct json *value)
{
    if (c->kind == LENS_CELL_ANY || c->kind == LENS_CELL_SAME)
        return true;
    return value ? c->kind == LENS_CELL_IS && holds_value(c, value)
                 : c->kind == LENS_CELL_ABSENT;
}

static bool
has_row(const struct lens_joint *j, size_t side, const struct lens_vec *columns,
        size_t combination)
{
    for (size_t i = 0; i < j->n_rows; i++) {
        size_t rest = combination;
        bool all = j->rows[i].is_read[side];
        for (size_t c = 0; all && c < j->n[side]; c++) {
            const struct json *const *of = columns[c].at;
            all = fits(&j->rows[i].cells[side][c], of[rest % columns[c].n]);
            rest /= columns[c].n;
        }
        if (all)
            return true;
    }
    return false;
}

static span
show(struct lens_builder *b, const struct lens_joint *j, size_t side,
     const struct lens_vec *columns, size_t combination)
{
    span out = {0};
    size_t rest = combination;
    for (size_t c = 0; c < j->n[side]; c++) {
        const struct json *const *of = columns[c].at;
        const struct json *value = of[rest % columns[c].n];
        rest /= columns[c].n;
        out = lens_fmt(
            b, "%.*s%s%.*s=%.*s", SPAN_FMT(out), c ? ", " : "",
            SPAN_FMT(j->places[side][c].text),
            SPAN_FMT(value ? lens_literal_show(b, value) : SPAN("absent")));
    }
    return out;
}

span
lens_rows_missing(struct lens_builder *b, const struct lens_joint *j,
                  enum lens_side side, size_t *from)
{
    struct lens_vec *columns = lens_array(b, j->n[side], sizeof(*columns));
    size_t n = columns ? 1 : 0;
    for (size_t c = 0; n && c < j->n[side]; c++) {
        if (!listed(b, j, side, c, &columns[c]))
            return (span){0};
        if (!columns[c].n) { /* it takes whatever there is */
            const struct json **slot =
                lens_vec_add(b, &columns[c], sizeof(struct json *));
            if (!slot)
                return (span){0};
            *slot = NULL;
        }
        n *= columns[c].n;
        n = n > COMBINATIONS_MAX ? 0 : n;
    }
    for (; *from < n; ++*from)
        if (!has_row(j, side, columns, *from))
            return show(b, j, side, columns, (*from)++);
    return (span){0};
}
