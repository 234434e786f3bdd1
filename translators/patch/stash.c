/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stash: the rest of a list or box, kept beside the value that is shown of it.
 */
#include "translators/patch/leaf.h"

/* The side with the bare value keeps the stash: both must be told. */
static bool
stash_beside(struct judge *j, const struct scene *s, const struct lens_way *way,
             bool any)
{
    struct mets q;
    if (!meet(j->run, s->frame.root, &way->rest.stash, &q))
        return false;
    if (!any && q.n == 0)
        return true;
    if (!any || q.n != 1 || q.at[0].kind != MET_LEAF)
        return patch_falls(j, s->frame.root, &way->origin,
                           "\"%.*s\" and what is stashed at \"%.*s\" belong "
                           "together, and it does not tell both",
                           SPAN_FMT(way->place[j->leg->read].text),
                           SPAN_FMT(way->rest.stash.text));
    return judge_settled(j, q.at[0].node) &&
           (!part_is_erased(q.at[0].node) || judge_deed(j, q.at[0].node, NULL));
}

/* The side with the list or box is read: the stash is written anew. */
static bool
stash_of(struct judge *j, const struct scene *s, const struct lens_way *way)
{
    struct mets found;
    if (!meet(j->run, s->frame.root, &way->place[j->leg->read], &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        const struct met *m = &found.at[i];
        const struct lens_place *q = &way->rest.stash;
        bool whole =
            m->kind == MET_INSIDE || (m->kind == MET_LEAF && way_list(way));
        struct wish wish = {.root = s->frame.root,
                            .n = q->n,
                            .may_erase = q->n == 1,
                            .origin = &way->origin,
                            .about = m->node};
        if (!whole || j->mode == PART_TEST || judge_names(j))
            return patch_falls(j, m->node, &way->origin,
                               "what stands beside \"%.*s\", and is stashed, "
                               "is not known",
                               SPAN_FMT(way->place[j->leg->read].text));
        if (j->mode != PART_MERGE && q->n > 1)
            return patch_falls(j, m->node, &way->origin,
                               "whether the object around \"%.*s\" is there "
                               "is not known",
                               SPAN_FMT(q->text));
        j->unsure = true;
        if (!hosts_keys(j->run, &way->place[j->leg->read], m, q, &wish.keys) ||
            !judge_wish(j, wish))
            return false;
    }
    return true;
}

bool
leaf_stash(struct judge *j, const struct scene *s,
           const struct lens_arrow *arrow, bool any)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        if (way->rest.kind != LENS_REST_STASH)
            continue;
        if (lens_rest_side(way) == j->leg->read
                ? !stash_beside(j, s, way, any)
                : way->has[j->leg->read] && !stash_of(j, s, way))
            return false;
    }
    return true;
}
