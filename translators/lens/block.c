/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block: the arrows of one type, and its cases with blocks of their own.
 */
#include "translators/lens/build.h"

static const struct lens_words block_words =
    LENS_WORDS("a type's block", "map", "add", "drop", "cases", "overlap");
static const struct lens_words case_words =
    LENS_WORDS("a case at a type", "older", "newer", "both", "hide", "map",
               "add", "drop", "cases", "overlap");
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

/* A case at a type renames and moves members; it makes no other kind of value. */
static bool
check_kind(struct lens_builder *b, const struct yaml *node,
           const struct lens_case *c)
{
    const struct lens_shape *older = &c->shape[LENS_OLDER];
    const struct lens_shape *newer = &c->shape[LENS_NEWER];
    bool dot = older->has_inside || newer->has_inside;
    bool other_kind =
        older->types && newer->types && !(older->types & newer->types);
    if (!dot && !other_kind)
        return true;
    yaml_problem(b->problems, node,
                 dot ? "`.` in a case at a type is of the language, and this "
                       "build does not translate it yet"
                     : "nothing says how a value of the older side's type "
                       "becomes one of the newer side's");
    problem_remedy(b->problems, "write `cases` at the places of the type");
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
             struct lens_block *block, struct lens_vec *cases)
{
    struct lens_case one = {.block = block};
    one.origin = lens_origin_at(b, node);
    if (!lens_case_shapes(b, node, variant, one.shape, one.has) ||
        !check_sides(b, node, &one))
        return false;
    enum lens_side only = one.has[LENS_OLDER] ? LENS_OLDER : LENS_NEWER;
    if (!lens_arrow_hide(b, yaml_get(node, "hide"), only, &one.hide,
                         &one.hidden))
        return false;
    if (variant == 0) /* all variants name the same places */
        lens_made_case(b, block, one.shape);
    struct lens_case *slot = lens_vec_add(b, cases, sizeof(one));
    if (slot)
        *slot = one;
    return slot != NULL;
}

static void
read_case(struct lens_builder *b, const struct yaml *node,
          struct lens_choice *choice, struct lens_vec *cases)
{
    if (!lens_words_check(b, node, &case_words))
        return;
    bool first = false;
    struct lens_draft draft = {0};
    read_parts(b, node, &draft);
    struct lens_block *block = lens_block_finish(b, &draft);
    size_t width = block ? lens_case_width(b, node) : 0;
    for (size_t i = 0; i < width; i++)
        if (!read_variant(b, node, i, block, cases))
            return;
    /* Where nested cases are, `overlap` is theirs. */
    if (!yaml_get(node, "cases") &&
        lens_flag_read(b, node, "overlap", &first_word, &first))
        choice->overlap_first = choice->overlap_first || first;
}

static void
read_choice(struct lens_builder *b, const struct yaml *node,
            const struct yaml *parent, struct lens_draft *out)
{
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
        read_case(b, node->items[i], &choice, &cases);
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
    read_choice(b, yaml_get(node, "cases"), node, out);
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
