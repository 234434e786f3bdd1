/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow: one entry of `map`, `add` or `drop`.
 */
#include "translators/lens/build.h"

static const struct lens_words map_words = LENS_WORDS(
    "an arrow of `map`", "to", "as", "enum", "older", "newer", "other",
    "double", "cases", "else", "overlap", "when", "for", "absent", "omit",
    "null", "rest", "outside", "hide", "collide", "host", "style", "pick",
    "empty", "differ", "unequal", "none", "value", "except", "keys", "deep",
    "foreign", "order", "flatten", "back", "lookup", "in", "by");
static const struct lens_words add_words =
    LENS_WORDS("an arrow of `add`", "up", "stash", "as", "write", "when", "for",
               "host", "wins", "outside", "collide", "style", "except");
static const struct lens_words drop_words =
    LENS_WORDS("an arrow of `drop`", "down", "stash", "as", "write", "when",
               "for", "host", "wins", "outside", "collide", "style", "except");
static const struct lens_words collide_words =
    LENS_WORDS("`collide`", "refuse", "drop", "keep");
static const struct lens_words write_add =
    LENS_WORDS("`write` of `add`", "lose", "refuse");
static const struct lens_words write_drop =
    LENS_WORDS("`write` of `drop`", "ignore", "refuse", "same");
static const struct lens_words make_word = LENS_WORDS("`host`", "make");
static const struct lens_words stash_word = LENS_WORDS("`wins`", "stash");
static const struct lens_words fact_words =
    LENS_WORDS("`for`", "platform", "method");
static const struct lens_words side_words =
    LENS_WORDS("a side", "older", "newer");
static const struct lens_words style_words =
    LENS_WORDS("`style`", "repeat", "index", "brackets", "comma");

/* ---- guards and absence ---- */

static bool
read_facts(struct lens_builder *b, const struct yaml *node,
           struct lens_arrow *out)
{
    if (!node)
        return true;
    if (!lens_words_check(b, node, &fact_words))
        return false;
    struct lens_fact *facts = lens_array(b, node->n, sizeof(*facts));
    for (size_t i = 0; facts && i < node->n; i++) {
        facts[i].name = node->entries[i].key->text;
        if (!lens_words_text(b, node->entries[i].value, "a fact",
                             &facts[i].value))
            return false;
    }
    out->facts = facts;
    out->n_facts = node->n;
    return facts != NULL;
}

static bool
read_guards(struct lens_builder *b, const struct yaml *node,
            struct lens_arrow *out)
{
    const struct yaml *when = yaml_get(node, "when");
    return (!when || lens_shape_when(b, when, out->when)) &&
           read_facts(b, yaml_get(node, "for"), out);
}

/* A constant, `{value: ...}` for lists and objects. */
static const struct json *
read_constant(struct lens_builder *b, const struct yaml *node, const char *word)
{
    const struct yaml *value =
        node->kind == YAML_MAP && node->n == 1 ? yaml_get(node, "value") : NULL;
    if (value)
        return lens_literal_any(b, value);
    return lens_literal_scalar(b, node, word);
}

static bool
read_absence_of(struct lens_builder *b, const struct yaml *node,
                const char *word, size_t side, struct lens_arrow *out)
{
    lens_literal_of_side(b, (enum lens_side)side);
    if (span_is(span_str(word), "absent"))
        return lens_value_read(b, node, (enum lens_side)side,
                               &out->absent[side]);
    const struct json *value = read_constant(b, node, word);
    lens_literal_typed(b);
    if (span_is(span_str(word), "omit"))
        out->omit[side] = value;
    else
        out->null[side] = value;
    return value != NULL;
}

static bool
read_absence(struct lens_builder *b, const struct yaml *node, const char *word,
             struct lens_arrow *out)
{
    const struct yaml *said = yaml_get(node, word);
    if (!said)
        return true;
    if (said->kind != YAML_MAP || said->n == 0) {
        yaml_problem(b->problems, said, "`%s` names a side", word);
        problem_remedy(b->problems, "write {older: value} or {newer: value}");
        return false;
    }
    if (!lens_words_check(b, said, &side_words))
        return false;
    for (size_t i = 0; i < said->n; i++) {
        size_t side = span_is(said->entries[i].key->text, "newer");
        if (!read_absence_of(b, said->entries[i].value, word, side, out))
            return false;
    }
    return true;
}

/* ---- style ---- */

static bool
read_style_of(struct lens_builder *b, const struct yaml *node, span word,
              enum lens_style *out)
{
    for (size_t i = 0; i < style_words.n; i++)
        if (span_is(word, style_words.known[i])) {
            *out = (enum lens_style)(i + 1);
            return true;
        }
    lens_words_unknown(b, node, &style_words);
    return false;
}

/* `style: repeat`, or `style: repeat <> index`, of the sides that are in a query. */
static bool
read_style(struct lens_builder *b, const struct yaml *node,
           struct lens_arrow *out)
{
    const struct yaml *said = yaml_get(node, "style");
    if (!said)
        return true;
    if (!b->in_http)
        return lens_misplaced(b, node, "style", "a list in a query, query/id");
    if (said->kind != YAML_SCALAR) {
        lens_words_unknown(b, said, &style_words);
        return false;
    }
    span rest = said->text;
    const char *mid = memmem(rest.at, rest.len, "<>", 2);
    span older = mid ? span_take(rest, (size_t)(mid - rest.at)) : rest;
    span newer = mid ? span_skip(rest, older.len + 2) : rest;
    return read_style_of(b, said, span_trim(older), &out->style[LENS_OLDER]) &&
           read_style_of(b, said, span_trim(newer), &out->style[LENS_NEWER]);
}

/* ---- the three kinds ---- */

/* What every arrow may say. */
static bool
read_common(struct lens_builder *b, const struct yaml *node,
            struct lens_arrow *out)
{
    int collide;
    if (!read_guards(b, node, out) || !read_style(b, node, out) ||
        !lens_flag_read(b, node, "host", &make_word, &out->host_make) ||
        !lens_word_read(b, node, "collide", &collide_words, &collide))
        return false;
    out->collide = (enum lens_collide)(collide + 1);
    return true;
}

bool
lens_arrow_common(struct lens_builder *b, const struct yaml *node,
                  struct lens_arrow *out)
{
    return read_common(b, node, out) && read_absence(b, node, "absent", out) &&
           read_absence(b, node, "omit", out) &&
           read_absence(b, node, "null", out);
}

static struct lens_way *
single_way(struct lens_builder *b, struct lens_arrow *out)
{
    struct lens_way *w = lens_array(b, 1, sizeof(*w));
    if (!w)
        return NULL;
    w->origin = out->origin;
    out->ways = w;
    out->n_ways = 1;
    return w;
}

static bool
map_to(struct lens_builder *b, const struct yaml_entry *e,
       struct lens_arrow *out, struct lens_place place[2])
{
    struct lens_way *w = single_way(b, out);
    if (!w)
        return false;
    w->has[0] = w->has[1] = true;
    w->place[0] = place[0];
    w->place[1] = place[1];
    if (e->value->kind == YAML_MAP && !lens_way_read(b, e->value, true, w))
        return false;
    return lens_open_read(b, e, out, w) &&
           lens_way_check(b, e->value->kind == YAML_SCALAR ? e->value : e->key,
                          w);
}

static bool
read_map(struct lens_builder *b, const struct yaml_entry *e,
         struct lens_arrow *out, struct lens_place own)
{
    const struct yaml *node = e->value;
    struct lens_place place[2] = {own, own};
    if (node->kind != YAML_MAP)
        return lens_to_read(b, node, &place[LENS_NEWER]) &&
               map_to(b, e, out, place);

    const struct yaml *to = yaml_get(node, "to");
    if (!lens_words_check(b, node, &map_words) ||
        (to && !lens_to_read(b, to, &place[LENS_NEWER])) ||
        !lens_misplaced(b, node, "differ", "several places on one side") ||
        !lens_misplaced(b, node, "unequal", "`as: one <> each`") ||
        !lens_misplaced(b, node, "none", "`as: one <> each`") ||
        !lens_arrow_common(b, node, out))
        return false;
    if (yaml_get(node, "cases"))
        return lens_cases_read(b, node, place, out);
    return lens_misplaced(b, node, "else", "`cases`") &&
           lens_misplaced(b, node, "overlap", "`cases`") &&
           map_to(b, e, out, place) && lens_index_empty(b, node, out) &&
           lens_lookup_absence(b, node, out);
}

static bool
read_stash(struct lens_builder *b, const struct yaml *node,
           struct lens_arrow *out, struct lens_way *w, enum lens_side lacks)
{
    const struct yaml *stash = yaml_get(node, "stash");
    if (!stash)
        return lens_misplaced(b, node, "as", "`stash`") &&
               lens_misplaced(b, node, "wins", "`stash`") &&
               lens_misplaced(b, node, "outside", "`stash`");
    out->has_stash = true;
    w->has[lacks] = true;
    return lens_place_read(b, stash, &w->place[lacks]) &&
           lens_flag_read(b, node, "wins", &stash_word, &out->stash_wins) &&
           lens_stages_read(b, node, false, w);
}

static bool
read_write(struct lens_builder *b, const struct yaml *node,
           struct lens_arrow *out)
{
    const struct yaml *write = yaml_get(node, "write");
    if (!write)
        return true;
    if (write->kind == YAML_SCALAR && span_is(write->text, "merge")) {
        yaml_problem(b->problems, write,
                     "`write: merge` is of the language, and this build does "
                     "not translate it yet");
        problem_remedy(b->problems, "say lose or refuse");
        return false;
    }
    static const enum lens_write add[] = {LENS_WRITE_LOSE, LENS_WRITE_REFUSE};
    static const enum lens_write drop[] = {LENS_WRITE_IGNORE, LENS_WRITE_REFUSE,
                                           LENS_WRITE_SAME};
    bool is_add = out->kind == LENS_ADD;
    int i = lens_words_one(b, write, is_add ? &write_add : &write_drop);
    if (i < 0)
        return false;
    out->write = is_add ? add[i] : drop[i];
    return true;
}

static bool
read_one_sided(struct lens_builder *b, const struct yaml_entry *e,
               struct lens_arrow *out, struct lens_place own)
{
    const struct yaml *node = e->value;
    bool is_add = out->kind == LENS_ADD;
    enum lens_side has = is_add ? LENS_NEWER : LENS_OLDER;
    if (!lens_words_check(b, node, is_add ? &add_words : &drop_words))
        return false;
    struct lens_way *w = single_way(b, out);
    if (!w)
        return false;
    w->has[has] = true;
    w->place[has] = own;

    const struct yaml *fill = yaml_get(node, is_add ? "up" : "down");
    lens_literal_of_side(b, has);
    bool filled =
        !fill || lens_value_read(b, fill, lens_other(has), &out->fill);
    lens_literal_typed(b);
    return filled && read_common(b, node, out) && read_write(b, node, out) &&
           read_stash(b, node, out, w, lens_other(has)) &&
           lens_open_read(b, e, out, w) && lens_way_check(b, e->key, w);
}

bool
lens_arrow_read(struct lens_builder *b, enum lens_arrow_kind kind,
                const struct yaml_entry *e, struct lens_arrow *out)
{
    *out = (struct lens_arrow){.kind = kind};
    out->origin = lens_origin_at(b, e->key);
    if (kind == LENS_MAP && lens_joint_is(e))
        return lens_joint_read(b, e, out);
    if (e->key->kind != YAML_SCALAR) {
        yaml_problem(b->problems, e->key,
                     "several places are for an arrow of `map`");
        problem_remedy(b->problems, "name one place");
        return false;
    }
    struct lens_place own;
    if (!lens_place_read(b, e->key, &own))
        return false;
    if (own.n == 0) {
        yaml_problem(b->problems, e->key,
                     "`.` is the object itself, and an "
                     "arrow leads between places in it");
        problem_remedy(b->problems, "use `cases` at the type");
        return false;
    }
    return kind == LENS_MAP ? read_map(b, e, out, own)
                            : read_one_sided(b, e, out, own);
}
