/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: open sets, key by key.
 *
 * A member of one moves as it stands, erased or not, and the reference spells its
 * key; the bag as a whole is not known.
 */
#include "translators/patch/leaf.h"

static bool
not_plain(struct judge *j, const struct lens_arrow *arrow,
          const struct lens_way *way)
{
    bool absent = arrow->absent[j->leg->read].kind != LENS_VALUE_UNSAID;
    return absent || arrow->omit[j->leg->write] || way->stages.n ||
           way->hide != LENS_HIDE_UNSAID || arrow->null[LENS_OLDER] ||
           arrow->null[LENS_NEWER] || way->shape[LENS_OLDER].said ||
           way->shape[LENS_NEWER].said || arrow->has_cases ||
           arrow->collide == LENS_COLLIDE_KEEP;
}

static bool
judge_member(struct judge *j, const struct lens_arrow *arrow,
             const struct lens_way *way, const struct json_member *m)
{
    const struct lens_open *open = way->open;
    size_t host = way->place[j->leg->write].n - 1;
    bool lowers = open->respell == LENS_RESPELL_LOWER;
    if (not_plain(j, arrow, way) || judge_may_be_index(j, m->key) ||
        (lowers && (part_is_erased(m->value) || j->mode != PART_MERGE)))
        return patch_falls(j, m->value, &arrow->origin,
                           "what \"%.*s\" is among the members of \"%.*s\" is "
                           "not known",
                           SPAN_FMT(m->key),
                           SPAN_FMT(way->place[j->leg->read].text));
    /* Nor is it when it goes: what the bag has by that name may have come with it. */
    bool asks = j->mode == PART_ADD || j->mode == PART_GIVE ||
                j->mode == PART_TAKE || part_is_erased(m->value);
    if (asks && host > 0)
        return patch_falls(j, m->value, &arrow->origin,
                           "whether the object around \"%.*s\" is there is not "
                           "known",
                           SPAN_FMT(way->place[j->leg->write].text));
    if (open->deep && judge_names(j))
        j->term.way = way;
    if (open->deep && j->mode == PART_TEST && json_is_container(m->value))
        return patch_falls(j, m->value, &arrow->origin,
                           "its keys are spelt otherwise in the other version");
    if (part_is(m->value))
        return !open->deep || settle_below_part(j, m->value);
    return judge_settled(j, m->value);
}

bool
judge_set(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    const struct lens_way *way = &arrow->ways[0];
    const struct lens_place *from = &way->place[j->leg->read];
    struct lens_place bag = place_prefix(from, from->n - 1);
    struct mets found;
    if (!meet(j->run, s->frame.root, &bag, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct json *part = found.at[i].node;
        if (found.at[i].kind != MET_PART)
            return patch_falls(j, part, &arrow->origin,
                               "which members \"%.*s\" has is not known",
                               SPAN_FMT(from->text));
        for (size_t k = 0; k < part->n; k++)
            if (!open_is_known(&s->frame, way, j->leg->read,
                               part->members[k].key) &&
                !judge_member(j, arrow, way, &part->members[k]))
                return false;
    }
    return true;
}
