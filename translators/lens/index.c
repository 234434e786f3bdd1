/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: `as: list(k) <> map`, a list and the same elements by their key.
 */
#include "translators/lens/build.h"

static const struct lens_words twice_words =
    LENS_WORDS("`double` of `list(k) <> map`", "fail", "first", "last");

static bool
is_call(span text, const char *word)
{
    return span_starts(text, span_str(word)) && text.at[text.len - 1] == ')';
}

static bool
is_list(span text)
{
    return is_call(text, "list(");
}

static bool
is_map(span text)
{
    return span_is(text, "map") || is_call(text, "map(");
}

bool
lens_index_is(span x, span y)
{
    return (is_list(x) && is_map(y)) || (is_map(x) && is_list(y));
}

/* What stands in the parentheses: a place of keys. */
static bool
read_inside(struct lens_builder *b, const struct yaml *node, span call,
            size_t skip, struct lens_place *out)
{
    span inside = span_trim(span_of(call.at + skip, call.len - skip - 1));
    if (inside.len > 0 && !lens_place_parse(b, node, inside, out))
        return false;
    for (size_t i = 0; i < out->n; i++)
        if (out->steps[i].kind != LENS_KEY)
            inside.len = 0;
    if (inside.len > 0)
        return true;
    yaml_problem(b->problems, node, "`%.*s` names no member of an element",
                 SPAN_FMT(span_take(call, 80)));
    problem_remedy(b->problems, "write list(name) <> map(status)");
    return false;
}

static bool
check(struct lens_builder *b, const struct yaml *node, bool texts, bool whole,
      const struct lens_stage *s)
{
    if (texts && (whole || s->value.n)) {
        yaml_problem(b->problems, node,
                     "`list(.)` is a list of texts, and has nothing for a map "
                     "to hold");
        problem_remedy(b->problems, "write as: list(.) <> map, value: true");
        return false;
    }
    if (!s->value.n || (!lens_place_starts(&s->value, &s->key) &&
                        !lens_place_starts(&s->key, &s->value)))
        return true;
    yaml_problem(b->problems, node,
                 "the key and the value are one member, or one lies in the "
                 "other");
    problem_remedy(b->problems, "name two members: list(name) <> map(status)");
    return false;
}

bool
lens_index_read(struct lens_builder *b, const struct yaml *node, span x, span y,
                struct lens_stage *out)
{
    bool newer_list = is_list(y);
    span list = newer_list ? y : x;
    span map = newer_list ? x : y;
    out->kind = LENS_STAGE_INDEX;
    out->list = newer_list ? LENS_NEWER : LENS_OLDER;
    if (!read_inside(b, node, list, 5, &out->key))
        return false;
    if (map.len > 3 && !read_inside(b, node, map, 4, &out->value))
        return false;
    bool texts = out->key.n == 0;
    bool whole = map.len > 3 && out->value.n == 0;
    out->held = texts          ? LENS_HELD_NONE
                : whole        ? LENS_HELD_WHOLE
                : out->value.n ? LENS_HELD_VALUE
                               : LENS_HELD_REST;
    return check(b, node, texts, whole, out);
}

const struct lens_stage *
lens_index_of(const struct lens_stages *stages)
{
    for (size_t i = 0; i < stages->n; i++)
        if (stages->at[i].kind == LENS_STAGE_INDEX)
            return &stages->at[i];
    return NULL;
}

/* What a map holds under a key that is all the list has. */
static bool
read_unit(struct lens_builder *b, const struct yaml *node, struct lens_stage *s)
{
    const struct yaml *value = yaml_get(node, "value");
    if (!s || s->held != LENS_HELD_NONE)
        return lens_misplaced(b, node, "value", "`as: list(.) <> map`");
    if (!value) {
        yaml_problem(b->problems, node,
                     "nothing says what a map of these texts holds");
        problem_remedy(b->problems, "say value: true");
        return false;
    }
    s->unit = lens_literal_any(b, value);
    return s->unit != NULL;
}

bool
lens_index_words(struct lens_builder *b, const struct yaml *node,
                 const struct lens_vec *stages)
{
    struct lens_stage *all = stages->at;
    struct lens_stage *s = NULL;
    int twice;
    for (size_t i = 0; i < stages->n; i++)
        if (all[i].kind == LENS_STAGE_INDEX)
            s = &all[i];
    if (!read_unit(b, node, s))
        return false;
    if (!s)
        return true;
    if (!lens_word_read(b, node, "double", &twice_words, &twice))
        return false;
    s->twice = twice < 0 ? LENS_TWICE_FAIL : (enum lens_twice)twice;
    return true;
}

bool
lens_index_empty(struct lens_builder *b, const struct yaml *node,
                 struct lens_arrow *out)
{
    const struct yaml *empty = yaml_get(node, "empty");
    const struct lens_stage *s = lens_index_of(&out->ways[0].stages);
    if (!empty || !s)
        return true;
    enum lens_side map = lens_other(s->list);
    const char *said = map == LENS_NEWER ? "[] <> absent" : "absent <> []";
    bool taken = out->absent[map].kind != LENS_VALUE_UNSAID || out->omit[map];
    if (taken || empty->kind != YAML_SCALAR || !span_is(empty->text, said)) {
        yaml_problem(b->problems, empty,
                     taken ? "`empty` says what `absent` or `omit` says"
                           : "`empty` is no word for a list and its map");
        problem_remedy(b->problems,
                       "write empty: \"%s\", and nothing beside it", said);
        return false;
    }
    const struct json *none = json_new_object(b->arena);
    if (!none) {
        b->full = true;
        return false;
    }
    out->absent[map] =
        (struct lens_value){.kind = LENS_VALUE_LITERAL, .literal = none};
    out->omit[map] = none;
    return true;
}
