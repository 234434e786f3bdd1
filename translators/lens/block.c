/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block: the arrows of one type, and its cases with blocks of their own.
 */
#include "translators/lens/build.h"

static const struct lens_words block_words =
    LENS_WORDS("a type's block", "map", "add", "drop", "cases", "overlap");
static const struct lens_words case_words =
    LENS_WORDS("a case at a type", "older", "newer", "both", "hide", "map",
               "add", "drop", "cases", "overlap", "rest");
static const struct lens_words rest_words =
    LENS_WORDS("`rest` of a case at a type", "lose", "refuse");
static const struct lens_words first_word = LENS_WORDS("`overlap`", "first");

void
lens_block_arrows(struct lens_builder *b, enum lens_arrow_kind kind,
                  const struct yaml *map, struct lens_draft *out)
{
    static const char *const names[] = {"map", "add", "drop"};
    if (!map)
        return;
    if (map->kind != YAML_MAP) {
        yaml_problem(b->problems, map,
                     "`%s` is a map of places, and this is %s", names[kind],
                     yaml_what(map));
        problem_remedy(b->problems, kind == LENS_MAP ? "write old/place: "
                                                       "new/place"
                                                     : "write place: {...}");
        return;
    }
    for (size_t i = 0; i < map->n && !b->full; i++) {
        struct lens_arrow one;
        if (!lens_arrow_read(b, kind, &map->entries[i], &one))
            continue;
        struct lens_arrow *slot = lens_vec_add(b, &out->arrows, sizeof(one));
        if (slot)
            *slot = one;
    }
}

struct lens_block *
lens_block_finish(struct lens_builder *b, const struct lens_draft *draft)
{
    struct lens_block *out = lens_array(b, 1, sizeof(*out));
    if (!out)
        return NULL;
    out->arrows = draft->arrows.at;
    out->n_arrows = draft->arrows.n;
    out->choices = draft->choices.at;
    out->n_choices = draft->choices.n;
    return out;
}

/* Cases hold blocks that may hold cases, as deep as the file nests. */
/* NOLINTBEGIN(misc-no-recursion) */

static void read_parts(struct lens_builder *b, const struct yaml *node,
                       struct lens_draft *out);

/* Without `.` a case at a type renames and moves members; it makes no other kind of
 * value. */
static bool
check_kind(struct lens_builder *b, const struct yaml *node,
           const struct lens_case *c)
{
    const struct lens_shape *older = &c->shape[LENS_OLDER];
    const struct lens_shape *newer = &c->shape[LENS_NEWER];
    bool dot = older->has_inside || newer->has_inside;
    bool other_kind =
        older->types && newer->types && !(older->types & newer->types);
    if (dot || !other_kind)
        return true;
    yaml_problem(b->problems, node,
                 "nothing says how a value of the older side's type becomes "
                 "one of the newer side's");
    problem_remedy(b->problems, "say with `.` where it sits there: {older: "
                                "string, newer: {type: token, id: .}}");
    return false;
}

static bool
check_sides(struct lens_builder *b, const struct yaml *node,
            const struct lens_case *c)
{
    for (size_t side = 0; side < 2; side++) {
        if (c->shape[side].said || !c->has[side])
            continue;
        yaml_problem(b->problems, node,
                     "a case at a type has a shape for "
                     "each side, and this has none for "
                     "the %s",
                     side == LENS_OLDER ? "older" : "newer");
        problem_remedy(b->problems, "say `both`, `older` and `newer`, or what "
                                    "to `hide` the one side's with");
        return false;
    }
    if (!c->shape[0].constant && !c->shape[1].constant)
        return check_kind(b, node, c);
    yaml_problem(b->problems, node, "a type's value is no constant");
    problem_remedy(b->problems, "test a member: {kind: gift}");
    return false;
}

static bool
read_variant(struct lens_builder *b, const struct yaml *node, size_t variant,
             const struct lens_case_reader *reader, struct lens_block *block,
             struct lens_vec *cases)
{
    struct lens_case one = {.block = block};
    one.origin = lens_origin_at(b, node);
    if (!lens_case_shapes(b, node, variant, one.shape, one.has) ||
        !check_sides(b, node, &one))
        return false;
    enum lens_side only = one.has[LENS_OLDER] ? LENS_OLDER : LENS_NEWER;
    if (!lens_arrow_hide(b, yaml_get(node, "hide"), only, &one.hide,
                         &one.hidden) ||
        (reader->check && !reader->check(b, node, &one)))
        return false;
    if (variant == 0) /* all variants name the same places */
        lens_made_case(b, block, one.shape);
    struct lens_case *slot = lens_vec_add(b, cases, sizeof(one));
    if (slot)
        *slot = one;
    return slot != NULL;
}

/* `.`: the value of the one side sits there in the other's. It is an arrow like others,
 * between that place and the value itself. */
static bool
read_inside(struct lens_builder *b, const struct yaml *node,
            struct lens_draft *out)
{
    struct lens_shape shape[2] = {0};
    bool has[2];
    int rest;
    if (!lens_case_shapes(b, node, 0, shape, has))
        return false;
    if (shape[LENS_OLDER].has_inside == shape[LENS_NEWER].has_inside &&
        !lens_misplaced(b, node, "rest", "`.` in one shape of the case"))
        return false; /* where both have it, other members stay */
    if (!shape[LENS_OLDER].has_inside && !shape[LENS_NEWER].has_inside)
        return true;
    if (!has[LENS_OLDER] || !has[LENS_NEWER])
        return lens_misplaced(b, node, "hide", "a case that one side has not");
    struct lens_way *w = lens_array(b, 1, sizeof(*w));
    struct lens_arrow *slot = lens_vec_add(b, &out->arrows, sizeof(*slot));
    if (!w || !slot || !lens_word_read(b, node, "rest", &rest_words, &rest))
        return false;
    *w = (struct lens_way){.origin = lens_origin_at(b, node),
                           .has = {true, true}};
    for (size_t side = 0; side < 2; side++)
        w->place[side] = shape[side].has_inside
                             ? shape[side].inside
                             : (struct lens_place){.text = SPAN(".")};
    if (rest >= 0)
        w->rest.kind = rest == 0 ? LENS_REST_LOSE : LENS_REST_REFUSE;
    *slot = (struct lens_arrow){
        .origin = w->origin, .kind = LENS_MAP, .ways = w, .n_ways = 1};
    return true;
}

static bool
read_in_type(struct lens_builder *b, const struct yaml *node,
             struct lens_draft *out)
{
    if (!read_inside(b, node, out))
        return false;
    read_parts(b, node, out);
    return true;
}

static const struct lens_case_reader in_type = {.words = &case_words,
                                                .arrows = read_in_type};

static void
read_case(struct lens_builder *b, const struct yaml *node,
          const struct lens_case_reader *reader, struct lens_choice *choice,
          struct lens_vec *cases)
{
    if (!lens_words_check(b, node, reader->words))
        return;
    bool first = false;
    struct lens_draft draft = {0};
    size_t width = lens_case_width(b, node);
    if (!width || !reader->arrows(b, node, &draft))
        return;
    struct lens_block *block = lens_block_finish(b, &draft);
    width = block ? width : 0;
    for (size_t i = 0; i < width; i++)
        if (!read_variant(b, node, i, reader, block, cases))
            return;
    /* Where nested cases are, `overlap` is theirs. */
    if (!yaml_get(node, "cases") &&
        lens_flag_read(b, node, "overlap", &first_word, &first))
        choice->overlap_first = choice->overlap_first || first;
}

void
lens_choice_read(struct lens_builder *b, const struct yaml *parent,
                 const struct lens_case_reader *reader, struct lens_draft *out)
{
    const struct yaml *node = yaml_get(parent, "cases");
    if (!node)
        return;
    if (node->kind != YAML_LIST || node->n == 0) {
        yaml_problem(b->problems, node, "`cases` is a list of cases");
        problem_remedy(b->problems, "write - {both: {kind: gift}, map: {...}}");
        return;
    }
    struct lens_choice choice = {.origin = lens_origin_at(b, node)};
    struct lens_vec cases = {0};
    for (size_t i = 0; i < node->n && !b->full; i++)
        read_case(b, node->items[i], reader, &choice, &cases);
    bool first = false;
    if (!lens_flag_read(b, parent, "overlap", &first_word, &first))
        return;
    choice.overlap_first = choice.overlap_first || first;
    choice.cases = cases.at;
    choice.n_cases = cases.n;
    struct lens_choice *slot =
        cases.n ? lens_vec_add(b, &out->choices, sizeof(choice)) : NULL;
    if (slot)
        *slot = choice;
}

static void
read_parts(struct lens_builder *b, const struct yaml *node,
           struct lens_draft *out)
{
    lens_block_arrows(b, LENS_MAP, yaml_get(node, "map"), out);
    lens_block_arrows(b, LENS_ADD, yaml_get(node, "add"), out);
    lens_block_arrows(b, LENS_DROP, yaml_get(node, "drop"), out);
    lens_choice_read(b, node, &in_type, out);
}

/* NOLINTEND(misc-no-recursion) */

void
lens_block_read(struct lens_builder *b, const struct yaml *node,
                struct lens_draft *out)
{
    if (!lens_words_check(b, node, &block_words))
        return;
    if (yaml_get(node, "cases") ||
        lens_misplaced(b, node, "overlap", "`cases`"))
        read_parts(b, node, out);
}
