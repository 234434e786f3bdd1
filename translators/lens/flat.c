/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flat: `flatten: older`, a list of lists on that side and one list on the other.
 */
#include "translators/lens/build.h"

static const struct lens_words side_words =
    LENS_WORDS("`flatten`", "older", "newer");

static bool
wrong(struct lens_builder *b, const struct yaml *node)
{
    yaml_problem(b->problems, node,
                 "nothing says where one list ends on the way back");
    problem_remedy(b->problems,
                   "say back: one (they are one list), back: each (a list for "
                   "each element) or back: by k (neighbours with the same k)");
    return false;
}

static bool
read_back(struct lens_builder *b, const struct yaml *node,
          const struct yaml *arrow, struct lens_stage *out)
{
    out->back = LENS_FLAT_KEY;
    if (!node || node->kind != YAML_SCALAR)
        return wrong(b, node ? node : arrow);
    if (span_is(node->text, "one"))
        out->back = LENS_FLAT_ONE;
    else if (span_is(node->text, "each"))
        out->back = LENS_FLAT_EACH;
    if (out->back != LENS_FLAT_KEY)
        return true;
    if (!span_starts(node->text, SPAN("by ")))
        return wrong(b, node);
    if (!lens_place_parse(b, node, span_trim(span_skip(node->text, 3)),
                          &out->key))
        return false;
    for (size_t i = 0; i < out->key.n; i++)
        if (out->key.steps[i].kind != LENS_KEY)
            return wrong(b, node);
    return true;
}

bool
lens_flat_read(struct lens_builder *b, const struct yaml *arrow,
               struct lens_vec *stages)
{
    const struct yaml *said = yaml_get(arrow, "flatten");
    struct lens_stage one = {.kind = LENS_STAGE_FLAT};
    if (!said)
        return lens_misplaced(b, arrow, "back",
                              "`flatten`, or several lists and one");
    int side = lens_words_one(b, said, &side_words);
    one.nested = side == 0 ? LENS_OLDER : LENS_NEWER;
    if (side < 0 || !read_back(b, yaml_get(arrow, "back"), said, &one))
        return false;
    struct lens_stage *slot = lens_vec_add(b, stages, sizeof(one));
    if (slot)
        *slot = one;
    return slot != NULL;
}
