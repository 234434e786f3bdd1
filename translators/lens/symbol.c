/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol: `enum:`, symbols of one side paired with symbols of the other, as one
 * table for each direction.
 */
#include "translators/lens/build.h"

static const struct lens_words unlisted_words =
    LENS_WORDS("`other`", "pass", "fail");

struct pair {
    const struct json *from;
    const struct json *to; /* NULL: hide */
    const struct yaml *at;
};

struct pairs {
    struct pair *at;
    size_t n;
};

/* ---- reading maps of symbols ---- */

static bool
is_hide(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
           span_is(node->text, "hide");
}

static bool
read_pair(struct lens_builder *b, const struct yaml_entry *e,
          enum lens_side from, struct pair *out)
{
    out->at = e->key;
    lens_literal_of_side(b, from);
    out->from = lens_literal_scalar(b, e->key, "a symbol");
    lens_literal_of_side(b, lens_other(from));
    if (!out->from)
        return false;
    if (is_hide(e->value))
        return true;
    out->to = lens_literal_scalar(b, e->value, "a symbol");
    return out->to != NULL;
}

static bool
read_pairs(struct lens_builder *b, const struct yaml *node, const char *word,
           enum lens_side from, struct pairs *out)
{
    *out = (struct pairs){0};
    if (!node)
        return true;
    if (node->kind != YAML_MAP || node->n == 0 || node->n > LENS_ROWS_MAX) {
        yaml_problem(b->problems, node, "`%s` is a map of up to %d symbols",
                     word, LENS_ROWS_MAX);
        problem_remedy(b->problems, "write {%s: {old: new}}", word);
        return false;
    }
    out->at = lens_array(b, node->n, sizeof(struct pair));
    for (size_t i = 0; out->at && i < node->n; i++)
        if (!read_pair(b, &node->entries[i], from, &out->at[out->n++]))
            return false;
    lens_literal_typed(b);
    return out->at != NULL;
}

/* ---- sets of symbols ---- */

static bool
has(const struct lens_vec *set, const struct json *symbol)
{
    const struct json *const *all = set->at;
    for (size_t i = 0; i < set->n; i++)
        if (json_alike(all[i], symbol))
            return true;
    return false;
}

static bool
put(struct lens_builder *b, struct lens_vec *set, const struct json *symbol)
{
    if (!symbol || has(set, symbol))
        return true;
    const struct json **slot = lens_vec_add(b, set, sizeof(struct json *));
    if (slot)
        *slot = symbol;
    return slot != NULL;
}

static bool
put_all(struct lens_builder *b, const struct pairs *p, struct lens_vec *from,
        struct lens_vec *to)
{
    for (size_t i = 0; i < p->n; i++)
        if (!put(b, from, p->at[i].from) || !put(b, to, p->at[i].to))
            return false;
    return true;
}

/* ---- rows ---- */

static const struct lens_symbol *
row_of(const struct lens_vec *rows, const struct json *symbol)
{
    const struct lens_symbol *all = rows->at;
    for (size_t i = 0; i < rows->n; i++)
        if (json_alike(all[i].from, symbol))
            return &all[i];
    return NULL;
}

static bool
add_row(struct lens_builder *b, struct lens_vec *rows, const struct json *from,
        const struct json *to)
{
    struct lens_symbol *slot = lens_vec_add(b, rows, sizeof(*slot));
    if (slot)
        *slot = (struct lens_symbol){.from = from, .to = to};
    return slot != NULL;
}

static bool
add_pairs(struct lens_builder *b, const struct pairs *p,
          struct lens_vec rows[2])
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pair *one = &p->at[i];
        if (!add_row(b, &rows[LENS_OLDER], one->from, one->to))
            return false;
        /* Many to one: the first pair is the way back. */
        if (one->to && !row_of(&rows[LENS_NEWER], one->to) &&
            !add_row(b, &rows[LENS_NEWER], one->to, one->from))
            return false;
    }
    return true;
}

/* `older:` or `newer:`: symbols of one side without partner. */
static bool
add_extras(struct lens_builder *b, const struct pairs *p, struct lens_vec *rows)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct pair *one = &p->at[i];
        if (row_of(rows, one->from)) {
            yaml_problem(b->problems, one->at, "`%.*s` has a partner already",
                         SPAN_FMT(one->at->text));
            problem_remedy(b->problems, "name it once, here or under `enum`");
            return false;
        }
        if (!add_row(b, rows, one->from, one->to))
            return false;
    }
    return true;
}

static void
mark_lossy(struct lens_vec rows[2])
{
    for (size_t side = 0; side < 2; side++) {
        struct lens_symbol *all = rows[side].at;
        for (size_t i = 0; i < rows[side].n; i++) {
            const struct lens_symbol *back =
                all[i].to ? row_of(&rows[1 - side], all[i].to) : NULL;
            all[i].lossy =
                !back || !back->to || !json_alike(back->to, all[i].from);
        }
    }
}

/* Symbols of the other side that the side being read has no meaning for. */
static bool
set_foreign(struct lens_builder *b, const struct lens_vec *read,
            const struct lens_vec *other, struct lens_symbols *out)
{
    const struct json *const *all = other->at;
    struct lens_vec foreign = {0};
    for (size_t i = 0; i < other->n; i++)
        if (!has(read, all[i]) && !put(b, &foreign, all[i]))
            return false;
    out->foreign = foreign.at;
    out->n_foreign = foreign.n;
    return true;
}

/* ---- `other:` ---- */

static bool
set_unlisted(struct lens_builder *b, const struct yaml *node,
             const struct lens_vec sets[2], struct lens_symbols out[2])
{
    if (!node)
        return true;
    int word = lens_words_find(node, &unlisted_words);
    if (word >= 0) {
        out[0].unlisted = out[1].unlisted =
            word == 0 ? LENS_UNLISTED_PASS : LENS_UNLISTED_FAIL;
        return true;
    }
    b->texts = b->in_http && b->side_texts[0] && b->side_texts[1];
    const struct json *image = lens_literal_scalar(b, node, "`other`");
    lens_literal_typed(b);
    if (!image)
        return false;
    bool used = false;
    for (size_t side = 0; side < 2; side++) {
        if (!has(&sets[1 - side], image))
            continue;
        out[side].unlisted = LENS_UNLISTED_IS;
        out[side].image = image;
        used = true;
    }
    for (size_t side = 0; side < 2; side++)
        out[side].passes_lossy = out[side].unlisted == LENS_UNLISTED_PASS;
    if (used)
        return true;
    yaml_problem(b->problems, node, "`other: %.*s` is no symbol of either side",
                 SPAN_FMT(node->text));
    problem_remedy(b->problems, "it can be pass, fail, or a symbol that "
                                "`enum` names");
    return false;
}

/* ---- the two doors ---- */

static bool
finish(struct lens_builder *b, struct lens_vec rows[2],
       const struct lens_vec sets[2], struct lens_stage *out)
{
    for (size_t side = 0; side < 2; side++) {
        out->symbols[side].rows = rows[side].at;
        out->symbols[side].n_rows = rows[side].n;
        if (!set_foreign(b, &sets[side], &sets[1 - side], &out->symbols[side]))
            return false;
    }
    return true;
}

static bool
push(struct lens_builder *b, struct lens_vec *stages,
     const struct lens_stage *one)
{
    struct lens_stage *slot = lens_vec_add(b, stages, sizeof(*slot));
    if (slot)
        *slot = *one;
    return slot != NULL;
}

bool
lens_symbol_read(struct lens_builder *b, const struct yaml *arrow,
                 bool has_extras, struct lens_vec *stages)
{
    struct pairs both, older = {0}, newer = {0};
    if (!read_pairs(b, yaml_get(arrow, "enum"), "enum", LENS_OLDER, &both))
        return false;
    if (has_extras &&
        (!read_pairs(b, yaml_get(arrow, "older"), "older", LENS_OLDER,
                     &older) ||
         !read_pairs(b, yaml_get(arrow, "newer"), "newer", LENS_NEWER, &newer)))
        return false;

    struct lens_vec rows[2] = {{0}, {0}};
    struct lens_vec sets[2] = {{0}, {0}};
    struct lens_stage out = {.kind = LENS_STAGE_ENUM};
    if (!add_pairs(b, &both, rows) ||
        !add_extras(b, &older, &rows[LENS_OLDER]) ||
        !add_extras(b, &newer, &rows[LENS_NEWER]) ||
        !put_all(b, &both, &sets[LENS_OLDER], &sets[LENS_NEWER]) ||
        !put_all(b, &older, &sets[LENS_OLDER], &sets[LENS_NEWER]) ||
        !put_all(b, &newer, &sets[LENS_NEWER], &sets[LENS_OLDER]))
        return false;
    mark_lossy(rows);
    return finish(b, rows, sets, &out) &&
           set_unlisted(b, yaml_get(arrow, "other"), sets, out.symbols) &&
           push(b, stages, &out);
}

bool
lens_symbol_read_one_way(struct lens_builder *b, const struct yaml *value,
                         enum lens_side read, struct lens_vec *stages)
{
    struct pairs pairs;
    if (!read_pairs(b, yaml_get(value, "enum"), "enum", read, &pairs))
        return false;
    struct lens_vec rows[2] = {{0}, {0}};
    struct lens_vec sets[2] = {{0}, {0}};
    struct lens_stage out = {.kind = LENS_STAGE_ENUM};
    if (!add_extras(b, &pairs, &rows[read]) ||
        !put_all(b, &pairs, &sets[read], &sets[lens_other(read)]))
        return false;

    /* Any literal may stand for the unlisted: there is no way back to ask. */
    const struct yaml *other = yaml_get(value, "other");
    const struct json *image = NULL;
    if (other && lens_words_find(other, &unlisted_words) < 0) {
        lens_literal_of_side(b, lens_other(read));
        image = lens_literal_scalar(b, other, "`other`");
        lens_literal_typed(b);
        if (!image || !put(b, &sets[lens_other(read)], image))
            return false;
    }
    return finish(b, rows, sets, &out) &&
           set_unlisted(b, other, sets, out.symbols) && push(b, stages, &out);
}
