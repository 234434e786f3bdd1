/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: arrows over several places: all that one reads must be told.
 */
#include "translators/patch/leaf.h"

static bool
is_inside(const struct judge *j, const struct scene *s,
          const struct lens_joint *joint, const struct met *m)
{
    enum lens_side read = j->leg->read;
    struct lens_place above = place_prefix(&joint->places[read][0], m->steps);
    size_t n = hosts_image_steps(s, &above);
    for (size_t i = 0; i < joint->n[read]; i++) {
        struct lens_place begin =
            place_prefix(&joint->places[read][i], m->steps);
        if (joint->places[read][i].n <= m->steps ||
            !lens_place_same(&begin, &above))
            return false;
    }
    for (size_t i = 0; i < joint->n[lens_other(read)]; i++) {
        const struct lens_place *to = &joint->places[lens_other(read)][i];
        struct lens_place begin = place_prefix(to, n);
        if (to->n <= n || !hosts_is_image(s, &above, &begin))
            return false;
    }
    return true;
}

static bool
not_all(struct judge *j, const struct met *m, const struct lens_arrow *arrow,
        const struct lens_place *place)
{
    return patch_falls(j, m->node, &arrow->origin,
                       "it is written together with \"%.*s\", which the patch "
                       "does not tell as a whole",
                       SPAN_FMT(place->text));
}

static bool
wish_all(struct judge *j, const struct scene *s, const struct lens_arrow *arrow,
         const struct met *m)
{
    const struct lens_joint *joint = arrow->joint;
    const struct lens_place *from = &joint->places[j->leg->read][0];
    for (size_t i = 0; i < joint->n[j->leg->write]; i++) {
        const struct lens_place *to = &joint->places[j->leg->write][i];
        bool is_hosted = to->n == 1 || hosts_agree(s, from, to);
        struct wish wish = {.root = s->frame.root,
                            .n = to->n,
                            .may_erase = to->n == 1 || hosts_clean(s, from, to),
                            .origin = &arrow->origin,
                            .about = m->node};
        if (j->mode != PART_MERGE && !is_hosted)
            return patch_falls(j, m->node, &arrow->origin,
                               "whether the object around \"%.*s\" is there "
                               "is not known",
                               SPAN_FMT(to->text));
        if (!hosts_keys(j->run, from, m, to, &wish.keys) ||
            !judge_wish(j, wish))
            return false;
    }
    return true;
}

/* All are leaves: what is erased is absent; nothing at all is nothing. */
static bool
judge_leaves(struct judge *j, const struct scene *s,
             const struct lens_arrow *arrow, const struct mets *found)
{
    enum lens_side read = j->leg->read;
    const struct lens_value *absent = &arrow->absent[read];
    size_t n = arrow->joint->n[read];
    size_t n_erased = 0;
    for (size_t i = 0; i < n; i++) {
        struct json *leaf = found[i].at[0].node;
        bool erased = part_is_erased(leaf);
        n_erased += erased;
        if (!judge_settled(j, leaf) || (erased && !judge_deed(j, leaf, NULL)))
            return false;
    }
    bool means = arrow->joint->kind == LENS_JOINT_TABLE ||
                 (absent->kind != LENS_VALUE_UNSAID &&
                  absent->kind != LENS_VALUE_ABSENT);
    if (n_erased == n && means)
        return patch_falls(j, found[0].at[0].node, &arrow->origin,
                           "what leaving all of it out means is not known");
    j->unsure = true;
    return wish_all(j, s, arrow, &found[0].at[0]);
}

/* ---- one value for every element ---------------------------------------------------- */

/* Up to the star of the elements that are spoken of together. */
static struct lens_place
list_of(const struct lens_joint *joint, const struct lens_place *place)
{
    size_t stars = joint_stars(joint);
    size_t n = 0;
    while (!place_is_star(&place->steps[n]) || stars-- > 0)
        n++;
    return place_prefix(place, n);
}

/* The whole list is in the patch: then all that it becomes is known. */
static bool
each_to_one(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct mets *found)
{
    enum lens_side write = j->leg->write;
    const struct lens_place *from = &arrow->joint->places[j->leg->read][0];
    const struct lens_place *to = &arrow->joint->places[write][0];
    struct lens_place list = list_of(arrow->joint, from);
    if (found->n != 1 || found->at[0].kind != MET_INSIDE ||
        found->at[0].steps > list.n || to->n != 1 || j->mode == PART_TEST ||
        judge_names(j))
        return not_all(j, &found->at[0], arrow, from);
    struct wish wish = {.root = s->frame.root,
                        .n = to->n,
                        .may_erase = true,
                        .origin = &arrow->origin,
                        .about = found->at[0].node};
    j->unsure = true;
    return hosts_keys(j->run, from, &found->at[0], to, &wish.keys) &&
           judge_wish(j, wish);
}

/* The value, and the whole list that it goes into. */
static bool
one_to_each(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct mets *found)
{
    const struct lens_place *to = &arrow->joint->places[j->leg->write][0];
    struct json *leaf = found->at[0].node;
    struct mets list;
    if (!meet(j->run, s->frame.root, to, &list))
        return false;
    if (found->n != 1 || found->at[0].kind != MET_LEAF || list.n != 1 ||
        list.at[0].kind != MET_INSIDE || list.at[0].node->kind != JSON_LIST)
        return not_all(j, &found->at[0], arrow, to);
    return judge_settled(j, leaf) &&
           (!part_is_erased(leaf) || judge_deed(j, leaf, NULL));
}

static bool
judge_each(struct judge *j, const struct scene *s,
           const struct lens_arrow *arrow)
{
    const struct lens_joint *joint = arrow->joint;
    struct mets found;
    const struct lens_place *from = &joint->places[j->leg->read][0];
    if (j->leg->read != joint->one) {
        struct lens_place list = list_of(joint, from);
        if (!meet(j->run, s->frame.root, &list, &found))
            return false;
        for (size_t i = 0; i < found.n; i++)
            if (found.at[i].kind == MET_PART)
                return not_all(j, &found.at[i], arrow, from);
    }
    if (!meet(j->run, s->frame.root, from, &found))
        return false;
    if (found.n == 0)
        return true;
    if (!judge_told(j, s, arrow))
        return false;
    if (found.n == 1 && found.at[0].kind == MET_INSIDE &&
        is_inside(j, s, joint, &found.at[0]))
        return true;
    return j->leg->read == joint->one ? one_to_each(j, s, arrow, &found)
                                      : each_to_one(j, s, arrow, &found);
}

bool
judge_joint(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    const struct lens_joint *joint = arrow->joint;
    enum lens_side read = j->leg->read;
    struct mets *found =
        arena_array(j->run->arena, joint->n[read], sizeof(*found));
    const struct met *inside = NULL;
    const struct met *first = NULL;
    bool any = false, leaves = true;
    if (joint->kind == LENS_JOINT_EACH)
        return judge_each(j, s, arrow);
    if (!found)
        return run_full(j->run);
    for (size_t i = 0; i < joint->n[read]; i++) {
        if (!meet(j->run, s->frame.root, &joint->places[read][i], &found[i]))
            return false;
        any = any || found[i].n;
        if (found[i].n && !first)
            first = &found[i].at[0];
        for (size_t k = 0; k < found[i].n; k++)
            if (found[i].at[k].kind == MET_INSIDE)
                inside = &found[i].at[k];
        leaves = leaves && found[i].n == 1 && found[i].at[0].kind == MET_LEAF &&
                 !place_has_star(&joint->places[read][i], 0);
    }
    if (any && !judge_told(j, s, arrow))
        return false;
    if (any && joint->kind == LENS_JOINT_CONCAT)
        return patch_falls(j, first->node, &arrow->origin,
                           "where one of several lists ends is not known");
    if (!any || (inside && is_inside(j, s, joint, inside)))
        return true;
    /* Where one list ends in another is not told by any patch. */
    bool joins = joint->kind == LENS_JOINT_CONCAT;
    if (!leaves || joins || j->mode == PART_TEST || judge_names(j))
        return not_all(j, first, arrow, &joint->places[read][0]);
    return judge_leaves(j, s, arrow, found);
}
