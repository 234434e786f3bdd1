/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: `order: by k`, a list and the same list sorted.
 */
#include "translators/lens/build.h"

static const struct lens_words side_words =
    LENS_WORDS("`order`", "older", "newer");

static bool
wrong(struct lens_builder *b, const struct yaml *node)
{
    yaml_problem(b->problems, node, "`order` names what a list is sorted by");
    problem_remedy(b->problems,
                   "write order: by name, or order: {older: by name} where the "
                   "older side is sorted");
    return false;
}

bool
lens_order_read(struct lens_builder *b, const struct yaml *node,
                struct lens_vec *stages)
{
    struct lens_stage one = {.kind = LENS_STAGE_ORDER, .sorted = LENS_NEWER};
    if (!node)
        return true;
    if (node->kind == YAML_MAP) {
        if (!lens_words_check(b, node, &side_words))
            return false;
        if (node->n != 1)
            return wrong(b, node);
        one.sorted = yaml_get(node, "older") ? LENS_OLDER : LENS_NEWER;
        node = node->entries[0].value;
    }
    if (node->kind != YAML_SCALAR || !span_starts(node->text, SPAN("by ")))
        return wrong(b, node);
    if (!lens_place_parse(b, node, span_trim(span_skip(node->text, 3)),
                          &one.key))
        return false;
    for (size_t i = 0; i < one.key.n; i++)
        if (one.key.steps[i].kind != LENS_KEY)
            return wrong(b, node);
    struct lens_stage *slot = lens_vec_add(b, stages, sizeof(one));
    if (slot)
        *slot = one;
    return slot != NULL;
}
