/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: what only one side has (`add`, `drop`), and its stash on the other.
 */
#include "translators/patch/leaf.h"

/* A test of what the other side makes up: it holds here, or never. */
static bool
test_here(struct judge *j, const struct lens_arrow *arrow, const struct met *m)
{
    bool same = false;
    if (m->kind != MET_LEAF || arrow->fill.kind != LENS_VALUE_LITERAL)
        return patch_falls(j, m->node, &arrow->origin,
                           "what \"%.*s\" is for this client is not known",
                           SPAN_FMT(arrow->ways[0].place[j->leg->read].text));
    if (!spot_equal(j->run, m->node, arrow->fill.literal, &same))
        return false;
    if (!same)
        return run_fail(j->run, FAULT_CARRY, m->node, &arrow->origin,
                        "the test fails: \"%.*s\" is always another value "
                        "for this client",
                        SPAN_FMT(arrow->ways[0].place[j->leg->read].text));
    j->gone = true;
    return judge_settled(j, m->node);
}

static bool
wish_at(struct judge *j, const struct scene *s, const struct lens_arrow *arrow,
        const struct met *m)
{
    const struct lens_way *way = &arrow->ways[0];
    const struct lens_place *from = &way->place[j->leg->read];
    const struct lens_place *to = &way->place[j->leg->write];
    bool agrees = m->kind == MET_LEAF && hosts_agree(s, from, to);
    struct wish wish = {.root = s->frame.root,
                        .n = to->n,
                        .may_erase = agrees || to->n == 1,
                        .origin = &arrow->origin,
                        .about = m->node};
    if (j->mode != PART_MERGE && !wish.may_erase)
        return patch_falls(j, m->node, &arrow->origin,
                           "whether the object around \"%.*s\" is there is not "
                           "known",
                           SPAN_FMT(to->text));
    j->unsure = true; /* a stash may be missing */
    return hosts_keys(j->run, from, m, to, &wish.keys) && judge_wish(j, wish);
}

static bool
judge_taken(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct met *m)
{
    const struct lens_way *way = &arrow->ways[0];
    const struct lens_place *from = &way->place[j->leg->read];
    bool asks = arrow->kind == LENS_DROP && arrow->write == LENS_WRITE_SAME &&
                arrow->fill.kind != LENS_VALUE_LITERAL;
    if (j->mode == PART_TEST)
        return test_here(j, arrow, m);
    if (judge_names(j) || m->kind == MET_COUNTED || asks)
        return patch_falls(j, m->node, &arrow->origin,
                           "the other version has no \"%.*s\", and what it is "
                           "for this client is not known",
                           SPAN_FMT(from->text));
    if (m->kind == MET_PART && arrow->has_stash)
        return patch_falls(j, m->node, &arrow->origin,
                           "\"%.*s\" is stashed as a whole, and the rest of it "
                           "is not known",
                           SPAN_FMT(from->text));
    if (m->kind == MET_PART)
        return settle_below_part(j, m->node);
    if (m->kind == MET_LEAF && !judge_settled(j, m->node))
        return false;
    if (!arrow->has_stash)
        return true;
    if (m->kind == MET_INSIDE && place_has_star(from, m->steps))
        return patch_falls(j, m->node, &arrow->origin,
                           "where \"%.*s\" is stashed is not known",
                           SPAN_FMT(from->text));
    return wish_at(j, s, arrow, m) &&
           (m->kind != MET_LEAF || !part_is_erased(m->node) ||
            judge_deed(j, m->node, NULL));
}

/* The stash is told: what it holds is what the other side has. */
static bool
judge_stash(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct met *m)
{
    bool fills = arrow->fill.kind != LENS_VALUE_UNSAID &&
                 arrow->fill.kind != LENS_VALUE_ABSENT;
    bool erased = m->kind == MET_LEAF && part_is_erased(m->node);
    if (m->kind != MET_LEAF || (erased && fills) || j->mode == PART_TEST ||
        judge_names(j))
        return patch_falls(j, m->node, &arrow->origin,
                           "what is stashed at \"%.*s\" is not known",
                           SPAN_FMT(arrow->ways[0].place[j->leg->read].text));
    return judge_settled(j, m->node) && wish_at(j, s, arrow, m) &&
           (!erased || judge_deed(j, m->node, NULL));
}

/* A whole value from an older client erases what it cannot see in it. */
static bool
judge_hidden(struct judge *j, const struct scene *s,
             const struct lens_arrow *arrow)
{
    struct run *r = j->run;
    const struct lens_place *place = &arrow->ways[0].place[LENS_NEWER];
    struct mets found;
    if (arrow->kind != LENS_ADD || j->leg->read != LENS_OLDER ||
        !r->is_request || !r->replaces || r->may_erase ||
        (!r->never_erase && arrow->write != LENS_WRITE_REFUSE))
        return true;
    if (!meet(r, s->frame.root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        if (found.at[i].kind == MET_INSIDE && !part_is_erased(found.at[i].node))
            return run_fail(r, FAULT_CARRY, found.at[i].node, &arrow->origin,
                            "replacing this would erase \"%.*s\", which this "
                            "version does not show",
                            SPAN_FMT(place->text));
    return true;
}

bool
judge_own(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    enum lens_side own = arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
    bool takes = j->leg->read == own;
    struct mets found;
    if (!takes && !arrow->has_stash)
        return judge_hidden(j, s, arrow);
    if (!meet(j->run, s->frame.root, &arrow->ways[0].place[j->leg->read],
              &found))
        return false;
    if (found.n && !judge_told(j, s, arrow))
        return false;
    for (size_t i = 0; i < found.n; i++)
        if (takes ? !judge_taken(j, s, arrow, &found.at[i])
                  : !judge_stash(j, s, arrow, &found.at[i]))
            return false;
    return true;
}
