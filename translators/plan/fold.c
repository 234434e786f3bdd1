/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: enum after enum, and markers, as one table of spellings.
 *
 * What would be a notice, a failure or a value that goes is no row: aside.
 */
#include "translators/plan/build.h"

static bool
add(struct build *b, struct folds *f, struct fold fold)
{
    if (f->n == f->room) {
        size_t more = f->room ? f->room * 2 : 8;
        void *grown = arena_grow(b->scratch, f->at, f->n, more, sizeof(*f->at));
        if (!grown)
            return false;
        f->at = grown;
        f->room = more;
    }
    f->at[f->n++] = fold;
    return true;
}

bool
fold_stages(struct build *b, struct folds *f, const struct lens_stages *stages)
{
    for (size_t i = 0; i < stages->n; i++) {
        bool up = b->read == LENS_OLDER;
        const struct lens_stage *s = &stages->at[up ? i : stages->n - 1 - i];
        if (s->kind != LENS_STAGE_ENUM ||
            !add(b, f, (struct fold){.symbols = &s->symbols[b->read]}))
            return false;
    }
    return true;
}

bool
fold_mark(struct build *b, struct folds *f, const struct json *is,
          const struct json *becomes)
{
    return !json_is_container(is) && !json_is_container(becomes) &&
           add(b, f, (struct fold){.is = is, .becomes = becomes});
}

static const struct json *
symbol_image(const struct lens_symbols *s, const struct json *value)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (json_equal(value, s->rows[i].from))
            return s->rows[i].lossy ? NULL : s->rows[i].to;
    if (s->unlisted != LENS_UNLISTED_PASS)
        return NULL;
    for (size_t i = 0; i < s->n_foreign; i++)
        if (json_equal(value, s->foreign[i]))
            return NULL;
    return value;
}

const struct json *
fold_value(const struct folds *f, const struct json *value)
{
    for (size_t i = 0; value && i < f->n; i++) {
        const struct fold *fold = &f->at[i];
        if (fold->symbols)
            value = symbol_image(fold->symbols, value);
        else
            value = json_equal(value, fold->is) ? fold->becomes : NULL;
    }
    return value;
}

bool
fold_print(struct build *b, const struct json *value, span *out)
{
    struct buf text;
    buf_init(&text, arena_limit(b->a));
    json_print(value, &text);
    bool ok = !buf_failed(&text) && span_dup(b->a, buf_span(&text), out);
    buf_fini(&text);
    return ok;
}

/* ---- rows ---- */

struct rows {
    struct plan_row at[PLAN_ROWS_MAX];
    size_t n;
};

static bool
add_row(struct build *b, const struct folds *f, const struct json *from,
        struct rows *rows)
{
    struct json *fresh = json_copy(b->a, from);
    span text = {0};
    span image = {0};
    if (!fresh || json_is_container(from))
        return false;
    json_touch(fresh); /* minimally escaped: what is spelt otherwise has a \ */
    if (!fold_print(b, fresh, &text))
        return false;
    for (size_t i = 0; i < rows->n; i++)
        if (span_eq(rows->at[i].from, text))
            return true;
    const struct json *to = fold_value(f, from);
    if (rows->n == PLAN_ROWS_MAX || (to && !fold_print(b, to, &image)))
        return false;
    rows->at[rows->n++] = (struct plan_row){text, image};
    return true;
}

static bool
rows_of(struct build *b, const struct folds *f, const struct fold *fold,
        struct rows *rows)
{
    const struct lens_symbols *s = fold->symbols;
    if (!s)
        return add_row(b, f, fold->is, rows);
    for (size_t i = 0; i < s->n_rows; i++)
        if (!add_row(b, f, s->rows[i].from, rows))
            return false;
    for (size_t i = 0; i < s->n_foreign; i++)
        if (!add_row(b, f, s->foreign[i], rows))
            return false;
    return true;
}

bool
fold_rows(struct build *b, const struct folds *f, struct plan_key *out)
{
    if (f->n == 0)
        return true;
    struct rows *rows = arena_alloc(b->scratch, sizeof(*rows));
    if (!rows)
        return false;
    out->has_rows = true;
    out->passes = true;
    for (size_t i = 0; i < f->n; i++) {
        const struct lens_symbols *s = f->at[i].symbols;
        out->passes = out->passes && s && s->unlisted == LENS_UNLISTED_PASS;
        if (!rows_of(b, f, &f->at[i], rows))
            return false;
    }
    struct plan_row *kept = arena_array(b->a, rows->n + 1, sizeof(*kept));
    if (!kept)
        return false;
    memcpy(kept, rows->at, rows->n * sizeof(*kept));
    out->rows = kept;
    out->n_rows = rows->n;
    return true;
}
