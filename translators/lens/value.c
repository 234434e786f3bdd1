/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: what may stand after `up:`, `down:`, `absent:`, `else:`.
 */
#include "translators/lens/build.h"

#define PARTS_MAX 64

static const struct lens_words value_words =
    LENS_WORDS("a value", "value", "from", "first", "which", "text", "count",
               "position_of", "in", "by", "enum", "other", "as", "else");

/* The word that says what kind it is, and the words that may stand beside it. */
static const struct {
    const char *word;
    enum lens_value_kind kind;
    const char *beside[5];
} kinds[] = {
    {"value", LENS_VALUE_LITERAL, {NULL}},
    {"from", LENS_VALUE_FROM, {"enum", "other", "as", "else", NULL}},
    {"first", LENS_VALUE_FIRST, {"enum", "other", "as", "else", NULL}},
    {"which", LENS_VALUE_WHICH, {"else", NULL}},
    {"text", LENS_VALUE_TEXT, {"else", NULL}},
    {"count", LENS_VALUE_COUNT, {"else", NULL}},
    {"position_of", LENS_VALUE_POSITION, {"in", "by", "else", NULL}},
};

/* ---- places ---- */

static bool
one_place(struct lens_builder *b, const struct yaml *node,
          struct lens_place *out)
{
    if (!lens_place_read(b, node, out))
        return false;
    if (lens_place_stars(out) == 0)
        return true;
    yaml_problem(b->problems, node,
                 "a value is read from one place, and `%.*s` is many",
                 SPAN_FMT(out->text));
    problem_remedy(b->problems, "name an element: [0], [last] or [kind=gift]");
    return false;
}

static struct lens_place *
places(struct lens_builder *b, size_t n, struct lens_value *out)
{
    struct lens_place *all = lens_array(b, n, sizeof(*all));
    out->places = all;
    out->n_places = n;
    return all;
}

static bool
read_from(struct lens_builder *b, const struct yaml *node,
          struct lens_value *out)
{
    struct lens_place *all = places(b, 1, out);
    return all && one_place(b, node, all);
}

static bool
read_first(struct lens_builder *b, const struct yaml *node,
           struct lens_value *out)
{
    if (node->kind != YAML_LIST || node->n == 0) {
        yaml_problem(b->problems, node, "`first` is a list of places");
        problem_remedy(b->problems, "write {first: [a, b/c]}");
        return false;
    }
    struct lens_place *all = places(b, node->n, out);
    for (size_t i = 0; all && i < node->n; i++)
        if (!one_place(b, node->items[i], &all[i]))
            return false;
    return all != NULL;
}

static bool
read_which(struct lens_builder *b, const struct yaml *node,
           struct lens_value *out)
{
    if (node->kind != YAML_MAP || node->n == 0) {
        yaml_problem(b->problems, node, "`which` is a map of tags and places");
        problem_remedy(b->problems, "write {which: {card: card_id}}");
        return false;
    }
    struct lens_place *all = places(b, node->n, out);
    const struct json **tags = lens_array(b, node->n, sizeof(struct json *));
    if (!all || !tags)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        tags[i] = lens_literal_scalar(b, node->entries[i].key, "a tag");
        if (!tags[i] || !one_place(b, node->entries[i].value, &all[i]))
            return false;
    }
    out->tags = tags;
    return true;
}

/* ---- texts: "{a}-{index:000}"; {{ and }} are the braces themselves ---- */

static bool
wrong_text(struct lens_builder *b, const struct yaml *node, const char *what)
{
    yaml_problem(b->problems, node, "the text %s", what);
    problem_remedy(b->problems,
                   "write {place}, {index} or {index:000}, and {{ for a brace");
    return false;
}

static bool
brace_part(struct lens_builder *b, const struct yaml *node, span in,
           struct lens_part *out)
{
    span word = in;
    span pad = {0};
    if (span_find(in, ':') >= 0) {
        pad = in;
        word = span_cut(&pad, ':');
    }
    if (!span_is(word, "index")) {
        out->kind = LENS_PART_PLACE;
        return lens_place_parse(b, node, in, &out->place);
    }
    for (size_t i = 0; i < pad.len; i++)
        if (pad.at[i] != '0' || pad.len > 9)
            return wrong_text(b, node, "pads an index with more than zeros");
    out->kind = LENS_PART_INDEX;
    out->digits = (unsigned)pad.len;
    return true;
}

static bool
next_part(struct lens_builder *b, const struct yaml *node, span *rest,
          struct lens_part *out)
{
    char c = rest->at[0];
    if (rest->len > 1 && (c == '{' || c == '}') && rest->at[1] == c) {
        out->text = span_take(*rest, 1);
        *rest = span_skip(*rest, 2);
        return true;
    }
    if (c == '}')
        return wrong_text(b, node, "has a `}` without `{`");
    if (c != '{') {
        size_t n = 0;
        while (n < rest->len && rest->at[n] != '{' && rest->at[n] != '}')
            n++;
        out->text = span_take(*rest, n);
        *rest = span_skip(*rest, n);
        return true;
    }
    ssize_t end = span_find(*rest, '}');
    if (end <= 1)
        return wrong_text(b, node, "has a `{` without a place and `}`");
    span in = span_of(rest->at + 1, (size_t)end - 1);
    *rest = span_skip(*rest, (size_t)end + 1);
    return brace_part(b, node, in, out);
}

static bool
read_text(struct lens_builder *b, const struct yaml *node,
          struct lens_value *out)
{
    span rest;
    if (!lens_words_text(b, node, "`text`", &rest))
        return false;
    struct lens_vec parts = {0};
    while (rest.len > 0) {
        struct lens_part one = {.kind = LENS_PART_TEXT};
        if (!next_part(b, node, &rest, &one))
            return false;
        struct lens_part *slot = lens_vec_add(b, &parts, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
        if (parts.n > PARTS_MAX)
            return wrong_text(b, node, "has more than 64 parts");
    }
    out->parts = parts.at;
    out->n_parts = parts.n;
    return true;
}

/* ---- the rest ---- */

static bool
read_position(struct lens_builder *b, const struct yaml *node,
              struct lens_value *out)
{
    const struct yaml *in = yaml_get(node, "in");
    const struct yaml *by = yaml_get(node, "by");
    if (!in || !by) {
        yaml_problem(b->problems, node,
                     "`position_of` needs the list and the member to look by");
        problem_remedy(b->problems,
                       "write {position_of: item_id, in: items, by: id}");
        return false;
    }
    return read_from(b, yaml_get(node, "position_of"), out) &&
           one_place(b, in, &out->in) && one_place(b, by, &out->by);
}

static bool
read_stages(struct lens_builder *b, const struct yaml *node,
            enum lens_side read, struct lens_value *out)
{
    struct lens_vec stages = {0};
    const struct yaml *as = yaml_get(node, "as");
    if (as && yaml_get(node, "enum")) {
        yaml_problem(b->problems, as,
                     "`as` and `enum` stand beside each other");
        problem_remedy(b->problems, "say one of them");
        return false;
    }
    if (as && !lens_form_read(b, as, &stages))
        return false;
    if (lens_index_of(&(struct lens_stages){stages.at, stages.n})) {
        yaml_problem(b->problems, as,
                     "a list as a map by key is a form of a place, not of a "
                     "value that is made up");
        problem_remedy(b->problems, "say it on an arrow of `map`");
        return false;
    }
    if (yaml_get(node, "enum") &&
        !lens_symbol_read_one_way(b, node, read, &stages))
        return false;
    out->stages.at = stages.at;
    out->stages.n = stages.n;
    return true;
}

static bool
read_kind(struct lens_builder *b, const struct yaml *node,
          const struct yaml *value, struct lens_value *out)
{
    switch (out->kind) {
    case LENS_VALUE_LITERAL:
        out->literal = lens_literal_any(b, value);
        return out->literal != NULL;
    case LENS_VALUE_FROM:
    case LENS_VALUE_COUNT:
        return read_from(b, value, out);
    case LENS_VALUE_FIRST:
        return read_first(b, value, out);
    case LENS_VALUE_WHICH:
        return read_which(b, value, out);
    case LENS_VALUE_TEXT:
        return read_text(b, value, out);
    case LENS_VALUE_POSITION:
        return read_position(b, node, out);
    case LENS_VALUE_UNSAID:
    case LENS_VALUE_ABSENT:
        break;
    }
    return false;
}

static bool
may_stand(size_t kind, span word)
{
    if (span_is(word, kinds[kind].word))
        return true;
    for (size_t i = 0; kinds[kind].beside[i]; i++)
        if (span_is(word, kinds[kind].beside[i]))
            return true;
    return false;
}

/* Which kind the map says; -1 after a problem. */
static int
kind_of(struct lens_builder *b, const struct yaml *node)
{
    int kind = -1;
    for (size_t i = 0; i < COUNT(kinds) && kind < 0; i++)
        if (yaml_get(node, kinds[i].word))
            kind = (int)i;
    if (kind < 0) {
        yaml_problem(b->problems, node, "this map says no value");
        problem_remedy(b->problems,
                       "write {value: ...} for a literal, or {from: place}");
        return -1;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml *key = node->entries[i].key;
        if (may_stand((size_t)kind, key->text))
            continue;
        yaml_problem(b->problems, key, "`%.*s` does not go with `%s`",
                     SPAN_FMT(key->text), kinds[kind].word);
        problem_remedy(b->problems, "leave one of them out");
        return -1;
    }
    return kind;
}

/* `else:` is a value in a value, as deep as the file nests. */
/* NOLINTBEGIN(misc-no-recursion) */

static bool
read_else(struct lens_builder *b, const struct yaml *node, enum lens_side read,
          struct lens_value *out)
{
    if (!node)
        return true;
    struct lens_value *otherwise = lens_array(b, 1, sizeof(*otherwise));
    if (!otherwise || !lens_value_read(b, node, read, otherwise))
        return false;
    out->otherwise = otherwise;
    return true;
}

static bool
value_map(struct lens_builder *b, const struct yaml *node, enum lens_side read,
          struct lens_value *out)
{
    if (!lens_words_check(b, node, &value_words))
        return false;
    int kind = kind_of(b, node);
    if (kind < 0)
        return false;
    out->kind = kinds[kind].kind;
    return read_kind(b, node, yaml_get(node, kinds[kind].word), out) &&
           read_stages(b, node, read, out) &&
           read_else(b, yaml_get(node, "else"), read, out);
}

bool
lens_value_read(struct lens_builder *b, const struct yaml *node,
                enum lens_side read, struct lens_value *out)
{
    *out = (struct lens_value){0};
    if (node->kind == YAML_MAP)
        return value_map(b, node, read, out);
    if (node->kind == YAML_LIST) {
        yaml_problem(b->problems, node, "a list is no value here");
        problem_remedy(b->problems, "write {value: [...]} for a literal");
        return false;
    }
    if (node->style == YAML_PLAIN && span_is(node->text, "absent")) {
        out->kind = LENS_VALUE_ABSENT;
        return true;
    }
    out->kind = LENS_VALUE_LITERAL;
    out->literal = lens_literal_scalar(b, node, "a value");
    return out->literal != NULL;
}

/* NOLINTEND(misc-no-recursion) */
