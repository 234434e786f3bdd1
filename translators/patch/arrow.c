/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow: what an arrow between two places makes of what a patch tells of them.
 *
 * SEMANTICS.md's two tables of "Patches", arrow by arrow: what is not said here to
 * be exact falls back.
 */
#include "translators/patch/leaf.h"

/* ---- a part stands at the place -------------------------------------------------- */

/* The one element that a list shows as a value on the other side. */
static bool
judge_element(struct judge *j, const struct scene *s,
              const struct lens_arrow *arrow, const struct lens_way *way,
              const struct met *m)
{
    struct run *r = j->run;
    const struct lens_stage *list = way_list(way);
    const struct json_member *member = &m->node->members[0];
    bool sets = j->mode == PART_REPLACE || j->mode == PART_ADD;
    if (m->node->n != 1 || part_is(member->value) || !sets ||
        list->pick != LENS_PICK_FIRST || way->rest.kind != LENS_REST_LOSE ||
        way->stages.n > 1 || !judge_may_be_index(j, member->key) ||
        span_is(member->key, "-"))
        return patch_falls(j, m->node, &arrow->origin,
                           "\"%.*s\" shows one element of a list, and which "
                           "it would be afterwards is not known",
                           SPAN_FMT(way->place[j->leg->read].text));
    if (!judge_settled(j, member->value))
        return false;
    if (!span_is(member->key, "0")) /* the other side does not show it */
        return run_notice(r, NOTICE_LOSSY, &arrow->origin, member->value) &&
               judge_deed(j, m->node, NULL);
    struct json *whole = json_new_list(r->arena);
    struct json *copy = json_clone(r->arena, member->value);
    if (!whole || !copy || !run_derive(r, whole, run_origin(member->value)) ||
        !json_list_append(r->arena, whole, copy))
        return run_full(r);
    struct met at = {MET_LEAF, whole, m->steps, m->keys};
    return judge_deed(j, m->node, whole) && leaf_set(j, s, arrow, way, &at);
}

static bool
judge_part(struct judge *j, const struct scene *s,
           const struct lens_arrow *arrow, const struct lens_way *way,
           const struct met *m)
{
    const struct lens_place *from = &way->place[j->leg->read];
    const struct lens_stage *list = way_list(way);
    const struct lens_value *absent = &arrow->absent[j->leg->read];
    /* Emptied by what leaves it, it would be absent, and that means something. */
    if (absent->kind != LENS_VALUE_UNSAID && absent->kind != LENS_VALUE_ABSENT)
        return patch_falls(j, m->node, &arrow->origin,
                           "whether \"%.*s\" is left out in the end is not "
                           "known, and that has a meaning",
                           SPAN_FMT(from->text));
    if (list && list->one != j->leg->read && !arrow->has_cases &&
        j->mode != PART_MERGE)
        return judge_element(j, s, arrow, way, m);
    if (!way_is_plain(arrow, way))
        return patch_falls(j, m->node, &arrow->origin,
                           "what is inside \"%.*s\" is written otherwise in "
                           "the other version, as a whole",
                           SPAN_FMT(from->text));
    if (from->n == 0 || place_counts(&way->place[j->leg->write], 0) ||
        way->rest.kind == LENS_REST_STASH ||
        arrow->collide == LENS_COLLIDE_KEEP || !leaf_same_stars(j, way))
        return patch_falls(j, m->node, &arrow->origin,
                           "where what is inside \"%.*s\" leads is not known",
                           SPAN_FMT(from->text));
    if (way->stages.n && judge_names(j))
        j->term.way = way;
    return way->stages.n == 0 || settle_below_part(j, m->node);
}

/* ---- a leaf stands above the place -------------------------------------------------- */

/* Does the arrow stay inside what the leaf becomes? */
static bool
stays_inside(struct judge *j, const struct scene *s, const struct lens_way *way,
             const struct met *m)
{
    const struct lens_place *from = &way->place[j->leg->read];
    const struct lens_place *to = &way->place[j->leg->write];
    struct lens_place above = place_prefix(from, m->steps);
    size_t n = hosts_image_steps(s, &above);
    if (!way->has[j->leg->write] || to->n <= n)
        return false;
    struct lens_place there = place_prefix(to, n);
    return hosts_is_image(s, &above, &there);
}

/* What the leaf holds at the place, or NULL. */
static bool
inside(struct judge *j, const struct lens_way *way, const struct met *m,
       struct json **out)
{
    const struct lens_place *from = &way->place[j->leg->read];
    struct lens_place below = {from->steps + m->steps, from->n - m->steps,
                               from->text};
    return place_get(j->run, m->node, &below, out);
}

static bool
judge_inside(struct judge *j, const struct scene *s,
             const struct lens_arrow *arrow, const struct lens_way *way,
             const struct met *m)
{
    const struct lens_place *from = &way->place[j->leg->read];
    struct json *node = NULL;
    if (j->mode == PART_TEST || judge_names(j))
        return patch_falls(j, m->node, &arrow->origin,
                           "\"%.*s\" stands in it, and elsewhere in the other "
                           "version",
                           SPAN_FMT(from->text));
    if (stays_inside(j, s, way, m))
        return true;
    if (place_has_star(from, m->steps))
        return patch_falls(j, m->node, &arrow->origin,
                           "its elements leave it for \"%.*s\", where others "
                           "may stand",
                           SPAN_FMT(way->place[j->leg->write].text));
    if (!inside(j, way, m, &node))
        return false;
    struct met at = {MET_INSIDE, node ? node : m->node, m->steps, m->keys};
    return node ? leaf_set(j, s, arrow, way, &at)
                : leaf_lacking(j, s, arrow, way, &at);
}

/* ---- what the arrow asks besides ---------------------------------------------------- */

/* A place of the arrow on this side, or else on the other. */
static span
arrow_text(const struct lens_arrow *arrow, enum lens_side side)
{
    for (size_t w = 0; w < arrow->n_ways; w++)
        if (arrow->ways[w].has[side])
            return arrow->ways[w].place[side].text;
    return arrow->ways[0].place[lens_other(side)].text;
}

static bool
is_told(struct judge *j, const struct scene *s, const struct lens_place *place,
        bool *told)
{
    struct mets found;
    if (*told)
        return true;
    if (!meet(j->run, s->frame.root, place, &found))
        return false;
    *told = found.n > 0;
    if (*told)
        j->seen = found.at[0].node;
    return true;
}

bool
shape_is_told(struct judge *j, const struct scene *s,
              const struct lens_shape *shape, bool *told)
{
    for (size_t i = 0; i < shape->n_conditions; i++) {
        const struct lens_condition *c = &shape->conditions[i];
        if (!is_told(j, s, &c->place, told))
            return false;
        for (size_t k = 0; k < c->n_tests; k++)
            if (c->tests[k].kind == LENS_TEST_SAME &&
                !is_told(j, s, &c->tests[k].place, told))
                return false;
    }
    for (size_t i = 0; i < shape->n_tags; i++)
        if (!is_told(j, s, &shape->tags[i].place, told))
            return false;
    return !shape->has_inside || is_told(j, s, &shape->inside, told);
}

bool
arrow_is_told(struct judge *j, const struct scene *s,
              const struct lens_arrow *arrow, bool *told)
{
    for (size_t w = 0; w < arrow->n_ways; w++)
        for (int side = 0; side < 2; side++) {
            const struct lens_way *way = &arrow->ways[w];
            if (way->has[side] && !is_told(j, s, &way->place[side], told))
                return false;
        }
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; arrow->joint && i < arrow->joint->n[side]; i++)
            if (!is_told(j, s, &arrow->joint->places[side][i], told))
                return false;
    return true;
}

/* A guard that the patch may turn, or under which it changes something. */
static bool
judge_guard(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow)
{
    const struct lens_shape *guard = &arrow->when[j->leg->read];
    bool told = false;
    if (!guard->said)
        return true;
    if ((!judge_reads(j) && !shape_is_told(j, s, guard, &told)) ||
        !arrow_is_told(j, s, arrow, &told))
        return false;
    return !told || patch_falls(j, j->seen, &arrow->origin,
                                "whether the `when` of \"%.*s\" holds is not "
                                "known",
                                SPAN_FMT(arrow_text(arrow, j->leg->read)));
}

static bool
value_is_told(struct judge *j, const struct scene *s,
              const struct lens_value *v, bool *told)
{
    for (; v && !*told; v = v->otherwise) {
        for (size_t i = 0; i < v->n_places; i++)
            if (!is_told(j, s, &v->places[i], told))
                return false;
        for (size_t i = 0; i < v->n_parts; i++)
            if (v->parts[i].kind == LENS_PART_PLACE &&
                !is_told(j, s, &v->parts[i].place, told))
                return false;
        if (v->kind == LENS_VALUE_POSITION && !is_told(j, s, &v->in, told))
            return false;
    }
    return true;
}

/* What is filled in on the other side is made of what the patch changes. */
static bool
judge_fill(struct judge *j, const struct scene *s,
           const struct lens_arrow *arrow)
{
    enum lens_side own = arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
    const struct lens_value *fill = arrow->kind == LENS_MAP
                                        ? &arrow->absent[j->leg->read]
                                    : j->leg->write == own ? &arrow->fill
                                                           : NULL;
    bool told = false;
    if (!judge_reads(j) && !value_is_told(j, s, fill, &told))
        return false;
    return !told || patch_falls(j, j->seen, &arrow->origin,
                                "\"%.*s\" is made of what this changes where "
                                "it was not there, and that is not known",
                                SPAN_FMT(arrow_text(arrow, j->leg->write)));
}

bool
judge_asked(struct judge *j, struct scene *s, const struct lens_arrow *arrow,
            bool *speaks)
{
    *speaks = frame_facts_hold(j->run, arrow);
    return !*speaks || (judge_guard(j, s, arrow) && judge_fill(j, s, arrow));
}

/* ---- the arrow ------------------------------------------------------------------------ */

static bool
judge_met(struct judge *j, struct scene *s, const struct lens_arrow *arrow,
          const struct lens_way *way, const struct met *m)
{
    switch (m->kind) {
    case MET_COUNTED:
        return patch_falls(j, m->node, &arrow->origin,
                           "which element \"%.*s\" means is not known without "
                           "the document",
                           SPAN_FMT(way->place[j->leg->read].text));
    case MET_PART:
        return judge_part(j, s, arrow, way, m);
    case MET_INSIDE:
        return judge_inside(j, s, arrow, way, m);
    case MET_LEAF:
        break;
    }
    if (judge_names(j))
        return leaf_name(j, s, arrow, way, m);
    return part_is_erased(m->node) ? leaf_erased(j, s, arrow, way, m)
                                   : leaf_set(j, s, arrow, way, m);
}

/* Cases at several places: what is there now decides, so all must be told. */
static bool
all_ways_told(struct judge *j, const struct scene *s,
              const struct lens_arrow *arrow, bool any)
{
    enum lens_side read = j->leg->read;
    for (size_t w = 0; any && w < arrow->n_ways; w++) {
        bool told = false;
        if (!arrow->ways[w].has[read])
            continue;
        if (!is_told(j, s, &arrow->ways[w].place[read], &told))
            return false;
        if (!told)
            return patch_falls(j, s->frame.root, &arrow->origin,
                               "which case this is depends on \"%.*s\", which "
                               "it does not tell",
                               SPAN_FMT(arrow->ways[w].place[read].text));
    }
    return true;
}

/* What else is in a box goes as its `rest:` says, which the reference sees to where
 * the value itself is told. */
static bool
judge_box(struct judge *j, const struct scene *s, const struct lens_way *way,
          bool told)
{
    enum lens_side read = j->leg->read;
    const struct lens_place *from = &way->place[read];
    const struct lens_place *bare = &way->place[j->leg->write];
    struct mets found;
    if (way->rest.kind == LENS_REST_UNSAID || !way->has[read] || from->n < 2 ||
        lens_rest_side(way) == read || way_list(way))
        return true;
    struct lens_place box = place_prefix(from, from->n - 1);
    struct lens_place begin = place_prefix(from, bare->n);
    if (bare->n && bare->n < from->n && lens_place_same(&begin, bare))
        box = begin;
    if (!meet(j->run, s->frame.root, &box, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        struct json *part = found.at[i].node;
        for (size_t k = 0; found.at[i].kind == MET_PART && k < part->n; k++) {
            struct json *child = part->members[k].value;
            if (span_eq(part->members[k].key, from->steps[box.n].key))
                continue;
            if (!told)
                return patch_falls(j, child, &way->origin,
                                   "it stands beside \"%.*s\", which it does "
                                   "not tell",
                                   SPAN_FMT(from->text));
            if (part_is(child) ? !settle_below_part(j, child)
                               : !judge_settled(j, child))
                return false;
        }
    }
    return true;
}

bool
judge_map(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    enum lens_side read = j->leg->read;
    struct mets *found =
        arena_array(j->run->arena, arrow->n_ways, sizeof(*found));
    bool any = false;
    if (!found)
        return run_full(j->run);
    for (size_t w = 0; w < arrow->n_ways; w++) {
        const struct lens_way *way = &arrow->ways[w];
        if (way->has[read] &&
            !meet(j->run, s->frame.root, &way->place[read], &found[w]))
            return false;
        any = any || found[w].n;
    }
    for (size_t w = 0; w < arrow->n_ways; w++)
        for (size_t i = 0; i < found[w].n; i++)
            if ((found[w].at[i].kind == MET_LEAF ||
                 found[w].at[i].kind == MET_INSIDE) &&
                !judge_told(j, s, arrow))
                return false;
    if (!all_ways_told(j, s, arrow, any) || !leaf_stash(j, s, arrow, any))
        return false;
    for (size_t w = 0; w < arrow->n_ways; w++)
        if (!judge_box(j, s, &arrow->ways[w], found[w].n > 0))
            return false;
    for (size_t w = 0; w < arrow->n_ways; w++) {
        bool seen = false; /* cases of one place are one */
        for (size_t k = 0; k < w && arrow->ways[w].has[read]; k++)
            seen = seen || (arrow->ways[k].has[read] &&
                            lens_place_same(&arrow->ways[k].place[read],
                                            &arrow->ways[w].place[read]));
        for (size_t i = 0; !seen && i < found[w].n; i++)
            if (!judge_met(j, s, arrow, &arrow->ways[w], &found[w].at[i]))
                return false;
    }
    return true;
}
