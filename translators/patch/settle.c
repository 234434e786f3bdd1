/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle: after the step, what was wished for stands or is erased, and nothing
 * has come to stand where only the document could tell what stands there.
 */
#include "translators/patch/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

/* ---- wishes ------------------------------------------------------------------------ */

/* Is the part still in the tree? *dropped: it went with what its client alone has. */
static bool
is_there(const struct judge *j, const struct json *part, bool *dropped)
{
    *dropped = false;
    for (; part; part = part->parent) {
        if (part == j->holder)
            return true;
        *dropped = *dropped || judge_is_settled(j, part);
    }
    return false;
}

/* What a merge patch cannot say. */
static bool
judge_stored(struct judge *j, const struct json *node,
             const struct lens_origin *origin)
{
    if (j->mode != PART_MERGE || part_is(node) || part_is_erased(node))
        return true;
    if (node->kind == JSON_NULL)
        return patch_falls(j, node, origin,
                           "in the other version null is stored there, which a "
                           "merge patch cannot do");
    if (node->kind == JSON_OBJECT)
        return patch_falls(j, node, origin,
                           "in the other version it is an object, which a "
                           "merge patch cannot replace as a whole");
    return true;
}

/* The list holds the one value that is shown: its first element. */
static bool
unwrap(struct judge *j, struct json *list)
{
    struct run *r = j->run;
    struct json *part = NULL;
    if (list->kind != JSON_LIST || list->n != 1)
        return true;
    if (!part_new(r, list, &part))
        return false;
    struct json *value = json_remove(list, 0);
    json_replace(list, part);
    return json_append(r->arena, part, SPAN("0"), value) || run_full(r);
}

static bool
vanished(struct judge *j, const struct wish *w)
{
    struct json *erased = w->put;
    if (!erased && !w->may_erase)
        return patch_falls(j, w->about, w->origin,
                           "it has no form in the other version, and what "
                           "stood there before is not known");
    if (!erased && !part_new_erased(j->run, w->about, &erased))
        return false;
    return part_put(j->run, w->root, w->keys, w->n, erased);
}

static bool
grant(struct judge *j, const struct wish *w)
{
    bool dropped = false;
    if (!is_there(j, w->root, &dropped))
        return dropped || patch_falls(j, w->about, w->origin,
                                      "whether the object around it is there "
                                      "is not known");
    struct json *node = part_get(w->root, w->keys, w->n);
    if (!node)
        return vanished(j, w);
    if (part_is(node))
        return patch_falls(j, w->about, w->origin,
                           "it becomes an object of which the patch tells "
                           "other members, and what else is in it is not "
                           "known");
    return judge_stored(j, node, w->origin) && (!w->unwrap || unwrap(j, node));
}

/* ---- what an object that the patch may make would be given ---------------------------- */

static bool
judge_host(struct judge *j, struct json *host, const struct lens_place *place,
           size_t at, const struct lens_origin *origin)
{
    for (; at + 1 < place->n; at++) {
        const struct lens_step *step = &place->steps[at];
        if (!part_is(host))
            return true;
        if (step->kind == LENS_EACH) {
            for (size_t i = 0; i < host->n; i++)
                if (!judge_host(j, host->members[i].value, place, at + 1,
                                origin))
                    return false;
            return true;
        }
        if (step->kind != LENS_KEY || !(host = json_get(host, step->key)))
            return true;
    }
    const struct lens_step *last = &place->steps[at];
    if (!part_is(host) || host->parent == j->holder || last->kind != LENS_KEY ||
        json_get(host, last->key))
        return true;
    return patch_falls(j, host, origin,
                       "whether the object is there already is not known, and "
                       "a new one would be given \"%.*s\"",
                       SPAN_FMT(place->text));
}

/* Does the arrow write something where nothing was? */
static bool
is_filled(const struct judge *j, const struct lens_arrow *arrow,
          const struct lens_way *way)
{
    enum lens_side read = j->leg->read;
    enum lens_side own = arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
    const struct lens_value *v = &arrow->absent[read];
    if (arrow->kind != LENS_MAP)
        v = &arrow->fill;
    if (!way->has[j->leg->write] ||
        (arrow->kind != LENS_MAP && own != j->leg->write))
        return false;
    if (v->kind != LENS_VALUE_UNSAID && v->kind != LENS_VALUE_ABSENT)
        return true;
    return (arrow->joint && arrow->joint->kind == LENS_JOINT_TABLE) ||
           way->shape[read].types & LENS_ABSENT ||
           (way->shape[j->leg->write].constant && !way->shape[read].said);
}

/* Where the arrow leads stands a leaf, or something inside one: is it known? */
static bool
judge_inside(struct judge *j, const struct scene *s,
             const struct lens_arrow *arrow, const struct lens_way *way)
{
    const struct lens_place *place = &way->place[j->leg->write];
    bool brings = arrow->kind == LENS_MAP || arrow->has_stash ||
                  arrow->host_make || j->mode == PART_TEST || judge_names(j);
    struct mets found;
    if (!way->has[j->leg->write])
        return true;
    if (pointers_get(&j->told, arrow, s->number) != SIZE_MAX)
        return true;
    if (!meet(j->run, s->frame.root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        if (found.at[i].kind == MET_COUNTED)
            return patch_falls(j, found.at[i].node, &arrow->origin,
                               "the other version has an element more, at "
                               "\"%.*s\", and where is not known",
                               SPAN_FMT(place->text));
        else if (brings && found.at[i].kind == MET_INSIDE)
            return patch_falls(j, found.at[i].node, &arrow->origin,
                               "\"%.*s\" stands in it in the other version, "
                               "and what that is, is not known",
                               SPAN_FMT(place->text));
    return true;
}

static bool
judge_after(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow)
{
    if (!frame_facts_hold(j->run, arrow))
        return true;
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        if (!judge_inside(j, s, arrow, way))
            return false;
        if (j->mode == PART_MERGE && is_filled(j, arrow, way) &&
            !judge_host(j, s->frame.root, &way->place[j->leg->write], 0,
                        &arrow->origin))
            return false;
    }
    return true;
}

static bool
settle_scene(struct judge *j, const struct scene *s)
{
    const struct lens_type_at *at = &s->frame.type->at[j->leg->to];
    bool dropped = false;
    if (!is_there(j, s->frame.root, &dropped))
        return true;
    for (size_t i = 0; s->frame.n_blocks && i < s->frame.blocks[0]->n_arrows;
         i++)
        if (!judge_after(j, s, &s->frame.blocks[0]->arrows[i]))
            return false;
    for (size_t i = 0; j->mode == PART_MERGE && i < at->n_constants; i++)
        if (!judge_host(j, s->frame.root, &at->constants[i].place, 0, NULL))
            return false;
    return true;
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool
all_stored(struct judge *j, const struct json *part)
{
    for (size_t i = 0; i < part->n; i++) {
        const struct json *child = part->members[i].value;
        if (part_is(child) ? !all_stored(j, child)
                           : !judge_stored(j, child, NULL))
            return false;
    }
    return true;
}

bool
settle_all(struct judge *j)
{
    for (size_t i = 0; i < j->n_wishes; i++)
        if (!grant(j, &j->wishes[i]))
            return false;
    for (size_t i = 0; i < j->n_scenes; i++)
        if (!settle_scene(j, &j->scenes[i]))
            return false;
    const struct json *root = j->holder->members[0].value;
    return !part_is(root) || all_stored(j, root);
}
/* NOLINTEND(misc-no-recursion) */
