/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: a patch and an arrow with `lookup:`.
 *
 * Which element a reference means, and what it is called, is in the document; so a patch
 * that tells of a reference, or of which elements the list has and how they are called,
 * falls back. What else an element of a list that both sides have holds is not asked.
 */
#include "translators/patch/leaf.h"

static bool
falls(struct judge *j, const struct json *node, const struct lens_way *way)
{
    return patch_falls(j, node, &way->origin,
                       "which element \"%.*s\" points at is not known without "
                       "the document",
                       SPAN_FMT(way->place[j->leg->read].text));
}

/* A part of one element of the list: is it what elements are called by? */
static bool
judge_element(struct judge *j, const struct lens_way *way,
              const struct lens_lookup *lookup, struct json *element)
{
    struct mets found;
    if (lookup->is_alone || !part_is(element))
        return falls(j, element, way);
    if (lookup->by.n == 0)
        return true;
    if (!meet(j->run, element, &lookup->by, &found))
        return false;
    return found.n == 0 || falls(j, found.at[0].node, way);
}

static bool
judge_list(struct judge *j, const struct scene *s, const struct lens_way *way,
           const struct lens_place *in)
{
    const struct lens_lookup *lookup = lens_way_lookup(way);
    struct mets found;
    if (in->n == 0)
        return true;
    if (!meet(j->run, s->frame.root, in, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct json *list = found.at[i].node;
        if (found.at[i].kind != MET_PART)
            return falls(j, list, way);
        for (size_t k = 0; k < list->n; k++)
            if (!judge_element(j, way, lookup, list->members[k].value))
                return false;
    }
    return true;
}

bool
judge_lookup(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    const struct lens_way *way = &arrow->ways[0];
    const struct lens_lookup *lookup = lens_way_lookup(way);
    bool told = false;
    if (!arrow_is_told(j, s, arrow, &told))
        return false;
    if (told)
        return falls(j, j->seen, way);
    return judge_list(j, s, way, &lookup->in[j->leg->read]) &&
           judge_list(j, s, way, &lookup->in[j->leg->write]);
}
