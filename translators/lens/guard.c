/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: a guard that is said once asks both sides the same question.
 *
 * `when: {kind: gift}` holds going up and going down, each time of the object as it
 * came. Where the table takes what it asks elsewhere, or spells it otherwise, the
 * other side would answer otherwise and the arrow would not lead back: the two sides
 * must be told apart.
 */
#include "translators/lens/build.h"

/* Does every test only ask whether something is there? */
static bool
asks_presence(const struct lens_condition *c)
{
    for (size_t i = 0; i < c->n_tests; i++)
        if (c->tests[i].kind != LENS_TEST_TYPE ||
            (c->tests[i].types != LENS_ABSENT &&
             c->tests[i].types != LENS_PRESENT))
            return false;
    return true;
}

/* Is what is asked another place, or another value, on one side? */
static bool
way_changes(const struct lens_way *w, const struct lens_place *asked,
            bool presence)
{
    bool stays =
        w->has[0] && w->has[1] && lens_place_same(&w->place[0], &w->place[1]);
    for (size_t side = 0; side < 2; side++) {
        if (!w->has[side] || !lens_place_starts(asked, &w->place[side]))
            continue;
        if (!stays || (w->stages.n > 0 && !presence))
            return true;
    }
    return false;
}

static bool
block_changes(const struct lens_block *block, const struct lens_place *asked,
              bool presence)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        for (size_t w = 0; w < block->arrows[i].n_ways; w++)
            if (way_changes(&block->arrows[i].ways[w], asked, presence))
                return true;
    return false;
}

/* The place of this condition that is not the same on both sides, or NULL. */
static const struct lens_place *
changing(const struct lens_block *const blocks[2],
         const struct lens_condition *c)
{
    for (size_t k = 0; k < 2; k++) {
        if (block_changes(blocks[k], &c->place, asks_presence(c)))
            return &c->place;
        for (size_t i = 0; i < c->n_tests; i++)
            if (c->tests[i].kind == LENS_TEST_SAME &&
                block_changes(blocks[k], &c->tests[i].place, false))
                return &c->tests[i].place;
    }
    return NULL;
}

void
lens_guard_check(struct lens_builder *b, const struct lens_block *outer,
                 const struct lens_block *own, const struct lens_arrow *a)
{
    const struct lens_shape *when = &a->when[LENS_OLDER];
    if (!when->said || when->conditions != a->when[LENS_NEWER].conditions)
        return;
    const struct lens_block *const blocks[2] = {own, outer};
    for (size_t i = 0; i < when->n_conditions; i++) {
        const struct lens_place *p = changing(blocks, &when->conditions[i]);
        if (!p)
            continue;
        lens_problem(b, &a->origin,
                     "say when: {older: {...}, newer: {...}}, each side as it "
                     "has it",
                     "the guard asks `%.*s`, which is not the same on both "
                     "sides",
                     SPAN_FMT(p->text));
        return;
    }
}
