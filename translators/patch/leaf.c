/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/patch/leaf.h"

#include <assert.h>

/* ---- what the arrow does to values ------------------------------------------------ */

/* May a value that is there have no image? */
static bool
may_vanish(const struct judge *j, const struct lens_arrow *arrow,
           const struct lens_way *way)
{
    const struct lens_shape *shape = &way->shape[j->leg->write];
    if (arrow->has_cases || arrow->omit[j->leg->write] || shape->said ||
        way->outside == LENS_OUTSIDE_ABSENT || way->hide == LENS_HIDE_DROP ||
        !way->has[j->leg->write])
        return true;
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        const struct lens_symbols *symbols = &stage->symbols[j->leg->read];
        if (stage->kind == LENS_STAGE_LIST && stage->empty_absent)
            return true;
        for (size_t k = 0;
             stage->kind == LENS_STAGE_ENUM && k < symbols->n_rows; k++)
            if (!symbols->rows[k].to)
                return true;
    }
    return false;
}

/* May what else a list holds go? What is stashed of it has been told, too. */
static bool
may_lose(const struct lens_way *way)
{
    return way->rest.kind == LENS_REST_LOSE ||
           way->rest.kind == LENS_REST_STASH;
}

/* The value itself may be an object that the other side has not, once it is empty. */
static bool
goes_when_emptied(const struct judge *j, const struct json *node)
{
    return pointers_get(&j->frail, node, 0) != SIZE_MAX;
}

/* Is nothing a value of this arrow, so that removing one makes another? */
static bool
means_absent(const struct judge *j, const struct lens_arrow *arrow)
{
    for (size_t w = 0; arrow->has_cases && w < arrow->n_ways; w++)
        if (arrow->ways[w].shape[j->leg->read].types & LENS_ABSENT)
            return true;
    return false;
}

bool
leaf_same_stars(const struct judge *j, const struct lens_way *way)
{
    const struct lens_place *from = &way->place[j->leg->read];
    const struct lens_place *to = &way->place[j->leg->write];
    size_t n = 0;
    for (size_t i = 0; i < from->n; i++)
        if (place_is_star(&from->steps[i]))
            n = i + 1;
    if (place_has_star(to, n < to->n ? n : to->n) || n > to->n)
        return n == 0 && !place_has_star(to, 0);
    struct lens_place x = place_prefix(from, n);
    struct lens_place y = place_prefix(to, n);
    /* An element that moves as a whole is counted anew. */
    bool whole = n > 0 && (n == from->n || n == to->n);
    return lens_place_same(&x, &y) && (!whole || from->n == to->n);
}

/* The place is an element, found by its index: none may be hidden before it. */
static bool
may_shift(const struct judge *j, const struct lens_arrow *arrow,
          const struct lens_way *way, const struct met *m)
{
    const struct lens_place *from = &way->place[j->leg->read];
    if (m->kind != MET_LEAF || from->n == 0 ||
        !place_is_star(&from->steps[from->n - 1]) ||
        !judge_may_be_index(j, m->keys[from->n - 1]))
        return false;
    return may_vanish(j, arrow, way) || way->hide != LENS_HIDE_UNSAID ||
           way->drop_doubles || arrow->otherwise == LENS_ELSE_HIDE;
}

/* ---- where it leads ------------------------------------------------------------------ */

struct target {
    const struct lens_place *place;
    const struct lens_origin *origin;
    bool is_hosted; /* whenever the parent was there, the parent is there */
    bool is_clean;  /* and removing leaves or makes no object */
};

static bool
target_of(struct judge *j, const struct scene *s,
          const struct lens_arrow *arrow, const struct lens_way *way,
          const struct met *m, struct target *out)
{
    const struct lens_place *from = &way->place[j->leg->read];
    const struct lens_place *to = &way->place[j->leg->write];
    if (arrow->collide == LENS_COLLIDE_KEEP)
        return patch_falls(j, m->node, &arrow->origin,
                           "whether \"%.*s\" is what stood there before is not "
                           "known",
                           SPAN_FMT(to->text));
    if (from->n == 0 || to->n == 0 || place_counts(to, 0))
        return patch_falls(j, m->node, &arrow->origin,
                           "it becomes a part of an element at \"%.*s\", and "
                           "the others are not known",
                           SPAN_FMT(to->text));
    if (!leaf_same_stars(j, way) || may_shift(j, arrow, way, m))
        return patch_falls(j, m->node, &arrow->origin,
                           "at which place of \"%.*s\" it stands in the other "
                           "version is not known",
                           SPAN_FMT(to->text));
    bool agrees = m->kind == MET_LEAF && hosts_agree(s, from, to) &&
                  !judge_is_frail(j, m->node->parent);
    *out = (struct target){
        .place = to,
        .origin = &way->origin,
        .is_hosted = agrees || to->n == 1,
        .is_clean = m->kind == MET_LEAF ? hosts_clean(s, from, to) : to->n == 1,
    };
    return true;
}

static bool
wish_for(struct judge *j, const struct scene *s, const struct lens_way *way,
         const struct met *m, const struct target *t, struct wish *out)
{
    assert(t->place);
    *out = (struct wish){.root = s->frame.root,
                         .n = t->place->n,
                         .may_erase = t->is_hosted,
                         .origin = t->origin,
                         .about = m->node};
    return hosts_keys(j->run, &way->place[j->leg->read], m, t->place,
                      &out->keys);
}

/* The first way that leads to this place stands for all that do. */
static bool
leads_first(const struct judge *j, const struct lens_arrow *arrow, size_t w)
{
    enum lens_side write = j->leg->write;
    for (size_t k = 0; k < w; k++)
        if (arrow->ways[k].has[write] &&
            lens_place_same(&arrow->ways[k].place[write],
                            &arrow->ways[w].place[write]))
            return false;
    return arrow->ways[w].has[write];
}

typedef bool (*target_fn)(struct judge *j, const struct lens_arrow *arrow,
                          const struct lens_way *way, const struct met *m,
                          const struct target *t, struct wish *wish);

/* Ask of every place that this value, or the one before it, may lead to. */
static bool
each_target(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct lens_way *way,
            const struct met *m, target_fn fn)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        struct target t = {0};
        struct wish wish = {0};
        const struct lens_way *one = &arrow->ways[w];
        if (!leads_first(j, arrow, w) || (!arrow->has_cases && one != way))
            continue;
        struct lens_way pair = *one; /* the case may have another place here */
        pair.place[j->leg->read] = way->place[j->leg->read];
        if (!target_of(j, s, arrow, &pair, m, &t) ||
            !wish_for(j, s, way, m, &t, &wish))
            return false;
        wish.origin = &one->origin;
        if (!fn(j, arrow, one, m, &t, &wish) || !judge_wish(j, wish))
            return false;
    }
    return true;
}

static bool
no_host(struct judge *j, const struct met *m, const struct target *t)
{
    return patch_falls(j, m->node, t->origin,
                       "whether the object around \"%.*s\" is there is not "
                       "known",
                       SPAN_FMT(t->place->text));
}

/* ---- a test ------------------------------------------------------------------------------ */

static bool
one_symbol(const struct lens_symbols *s, const struct json *value)
{
    const struct json *image = value;
    size_t n = 0;
    if (s->unlisted == LENS_UNLISTED_IS || s->passes_lossy)
        return false;
    for (size_t i = 0; i < s->n_rows; i++)
        if (json_alike(value, s->rows[i].from)) {
            image = s->rows[i].to;
            if (!image || s->rows[i].lossy)
                return false;
        }
    for (size_t i = 0; i < s->n_rows; i++)
        n += s->rows[i].to && json_alike(image, s->rows[i].to);
    return n <= 1;
}

/* Has the image no other value behind it? */
static bool
is_one_to_one(const struct judge *j, const struct lens_arrow *arrow,
              const struct lens_way *way, const struct json *value)
{
    if (arrow->has_cases || arrow->null[LENS_OLDER] ||
        arrow->null[LENS_NEWER] || way->outside != LENS_OUTSIDE_FAIL ||
        way->shape[0].said || way->shape[1].said || json_is_container(value))
        return false;
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        enum lens_form_kind form = stage->form[LENS_OLDER].kind;
        switch (stage->kind) {
        case LENS_STAGE_ENUM:
            if (way->stages.n > 1 ||
                !one_symbol(&stage->symbols[j->leg->read], value))
                return false;
            break;
        case LENS_STAGE_INDEX:
        case LENS_STAGE_ORDER:
        case LENS_STAGE_PATHS:
        case LENS_STAGE_FLAT:
        case LENS_STAGE_LOOKUP:
            return false;
        case LENS_STAGE_LIST:
            if (stage->one != j->leg->read || value->kind == JSON_NULL)
                return false;
            break;
        case LENS_STAGE_FORM:
            if (form == LENS_AS_JSON || form == LENS_AS_JSON_TEXT ||
                form == LENS_AS_KEYS || form == LENS_AS_LOWER ||
                form == LENS_AS_UPPER)
                return false;
            break;
        }
    }
    return true;
}

/* ---- it is set ------------------------------------------------------------------------ */

/* A value becomes a list of which the client sees one element. */
static bool
becomes_list(struct judge *j, const struct lens_way *way, const struct met *m,
             struct wish *wish)
{
    const struct lens_stage *list = way_list(way);
    size_t last = j->leg->read == LENS_OLDER ? way->stages.n - 1 : 0;
    bool loses = may_lose(way);
    bool points = (j->mode == PART_REPLACE || j->mode == PART_TEST) &&
                  m->kind == MET_LEAF && m->node->kind != JSON_NULL;
    if (points && list == &way->stages.at[last] &&
        list->pick != LENS_PICK_LAST) {
        wish->unwrap = true;
        return true;
    }
    if (loses && j->mode != PART_TEST && j->mode != PART_ADD)
        return true;
    return patch_falls(j, m->node, &way->origin,
                       "\"%.*s\" may hold more than this one value",
                       SPAN_FMT(way->place[j->leg->write].text));
}

static bool
set_at(struct judge *j, const struct lens_arrow *arrow,
       const struct lens_way *way, const struct met *m, const struct target *t,
       struct wish *wish)
{
    const struct lens_stage *list = way_list(way);
    if (list && list->one == j->leg->read && !becomes_list(j, way, m, wish))
        return false;
    switch (j->mode) {
    case PART_MERGE:
        break;
    case PART_TEST:
        wish->may_erase = false;
        break;
    case PART_ADD:
    case PART_REMOVE:
        return t->is_hosted || no_host(j, m, t);
    case PART_REPLACE:
        if (m->kind == MET_LEAF && !may_vanish(j, arrow, way) &&
            !goes_when_emptied(j, m->node))
            return true; /* it is there, so its image is */
        j->unsure = true;
        return t->is_hosted || no_host(j, m, t);
    case PART_TAKE:
    case PART_READ:
    case PART_GIVE:
        break; /* leaf_name's */
    }
    return true;
}

/* `patch: strict`: what is only filled in on the other side does not count as there. */
static bool
judge_strict(struct judge *j, const struct lens_arrow *arrow,
             const struct met *m)
{
    const struct lens_value *absent = &arrow->absent[j->leg->read];
    bool needs = j->mode == PART_REPLACE || j->mode == PART_REMOVE ||
                 j->mode == PART_TEST;
    if (!j->options->strict || !needs || absent->kind == LENS_VALUE_UNSAID ||
        absent->kind == LENS_VALUE_ABSENT)
        return true;
    return run_fail(j->run, FAULT_CARRY, m->node, &arrow->origin,
                    "whether this applies at the client's version is not "
                    "known, and the route's patches are strict");
}

bool
leaf_set(struct judge *j, const struct scene *s, const struct lens_arrow *arrow,
         const struct lens_way *way, const struct met *m)
{
    const struct lens_place *from = &way->place[j->leg->read];
    if (m->kind == MET_LEAF && !judge_settled(j, m->node))
        return false;
    if (!judge_strict(j, arrow, m))
        return false;
    for (size_t w = 0; w < arrow->n_ways; w++)
        if (arrow->has_cases && arrow->otherwise == LENS_ELSE_PASS &&
            (!arrow->ways[w].has[j->leg->write] ||
             !lens_place_same(from, &arrow->ways[w].place[j->leg->write])))
            return patch_falls(j, m->node, &arrow->origin,
                               "whether what it replaces was a case of this "
                               "arrow is not known");
    if (j->mode == PART_TEST && !is_one_to_one(j, arrow, way, m->node))
        return patch_falls(j, m->node, &arrow->origin,
                           "other values of \"%.*s\" look the same in the "
                           "other version",
                           SPAN_FMT(from->text));
    return each_target(j, s, arrow, way, m, set_at);
}

/* ---- it is erased ------------------------------------------------------------------------ */

/* Where the box stands that holds the value on the other side, if all of it may go. */
static bool
is_box(const struct judge *j, const struct lens_way *way,
       struct lens_place *box)
{
    const struct lens_place *bare = &way->place[j->leg->read];
    const struct lens_place *to = &way->place[j->leg->write];
    if (way->rest.kind != LENS_REST_LOSE || way_list(way) ||
        lens_rest_side(way) != j->leg->read || to->n < 2)
        return false;
    *box = place_prefix(to, to->n - 1);
    if (bare->n < to->n) {
        struct lens_place begin = place_prefix(to, bare->n);
        if (lens_place_same(&begin, bare))
            *box = begin;
    }
    return box->n == 1;
}

static bool
erased_at(struct judge *j, const struct lens_arrow *arrow,
          const struct lens_way *way, const struct met *m,
          const struct target *t, struct wish *wish)
{
    const struct lens_stage *list = way_list(way);
    struct lens_place box;
    if (list && list->one == j->leg->read && !may_lose(way))
        return patch_falls(j, m->node, &way->origin,
                           "\"%.*s\" may hold more than the one value that "
                           "goes",
                           SPAN_FMT(t->place->text));
    if (m->kind == MET_INSIDE || may_vanish(j, arrow, way) ||
        goes_when_emptied(j, m->node))
        j->unsure = true;
    wish->may_erase = true;
    if (t->is_clean)
        return t->is_hosted || j->mode == PART_MERGE || !j->unsure ||
               no_host(j, m, t);
    if (is_box(j, way, &box)) {
        wish->n = box.n;
        return true;
    }
    return patch_falls(j, m->node, t->origin,
                       "it would leave an empty object around \"%.*s\", or "
                       "make one, where there may be none",
                       SPAN_FMT(way->place[j->leg->read].text));
}

/* Leaving it out says something: it is written. */
static bool
write_meaning(struct judge *j, const struct scene *s,
              const struct lens_arrow *arrow, const struct lens_way *way,
              const struct met *m)
{
    const struct lens_value *absent = &arrow->absent[j->leg->read];
    struct target t;
    if (absent->kind != LENS_VALUE_LITERAL || arrow->has_cases ||
        m->kind != MET_LEAF)
        return patch_falls(j, m->node, &arrow->origin,
                           "what leaving out \"%.*s\" means is made of other "
                           "members",
                           SPAN_FMT(way->place[j->leg->read].text));
    if (!target_of(j, s, arrow, way, m, &t))
        return false;
    if (!t.is_hosted)
        return no_host(j, m, &t);
    struct json *value =
        stage_literal(j->run, absent->literal, run_origin(m->node));
    struct met at = {MET_LEAF, value, m->steps, m->keys};
    return value && judge_deed(j, m->node, value) &&
           leaf_set(j, s, arrow, way, &at);
}

static bool
erase(struct judge *j, const struct scene *s, const struct lens_arrow *arrow,
      const struct lens_way *way, const struct met *m)
{
    const struct lens_value *absent = &arrow->absent[j->leg->read];
    if (means_absent(j, arrow))
        return patch_falls(j, m->node, &arrow->origin,
                           "leaving it out is a case of its own");
    if (absent->kind != LENS_VALUE_UNSAID && absent->kind != LENS_VALUE_ABSENT)
        return write_meaning(j, s, arrow, way, m);
    return each_target(j, s, arrow, way, m, erased_at);
}

bool
leaf_erased(struct judge *j, const struct scene *s,
            const struct lens_arrow *arrow, const struct lens_way *way,
            const struct met *m)
{
    if (!judge_strict(j, arrow, m) || !judge_settled(j, m->node))
        return false;
    size_t n = j->n_deeds;
    if (!erase(j, s, arrow, way, m))
        return false;
    return j->n_deeds > n || judge_deed(j, m->node, NULL);
}

bool
leaf_lacking(struct judge *j, const struct scene *s,
             const struct lens_arrow *arrow, const struct lens_way *way,
             const struct met *m)
{
    const struct lens_place *to = &way->place[j->leg->write];
    const struct lens_place *from = &way->place[j->leg->read];
    struct lens_place above = place_prefix(from, m->steps);
    if (!erase(j, s, arrow, way, m))
        return false;
    /* Where it is brought to is where it stood in: only that is erased. */
    if (part_is_erased(m->node) && way->has[j->leg->write] &&
        lens_place_same(&above, to))
        return judge_settled(j, m->node) && judge_deed(j, m->node, NULL);
    return true;
}

/* ---- it is named ---------------------------------------------------------------------------- */

static bool
named_at(struct judge *j, const struct lens_arrow *arrow,
         const struct lens_way *way, const struct met *m,
         const struct target *t, struct wish *wish)
{
    (void)arrow;
    (void)way;
    wish->put = m->node;
    if (j->mode == PART_GIVE && !t->is_hosted)
        return no_host(j, m, t);
    if (j->mode == PART_TAKE && !t->is_clean)
        return patch_falls(j, m->node, t->origin,
                           "moving it away would leave an empty object around "
                           "\"%.*s\"",
                           SPAN_FMT(t->place->text));
    return true;
}

bool
leaf_name(struct judge *j, const struct scene *s,
          const struct lens_arrow *arrow, const struct lens_way *way,
          const struct met *m)
{
    const struct lens_value *absent = &arrow->absent[j->leg->read];
    if (arrow->has_cases || way_list(way) || may_vanish(j, arrow, way) ||
        way->rest.kind == LENS_REST_STASH ||
        (absent->kind != LENS_VALUE_UNSAID &&
         absent->kind != LENS_VALUE_ABSENT))
        return patch_falls(j, m->node, &arrow->origin,
                           "the value is not in the patch, and \"%.*s\" is "
                           "written otherwise in the other version",
                           SPAN_FMT(way->place[j->leg->read].text));
    bool same = way->stages.n == 0 && !arrow->null[LENS_OLDER] &&
                !arrow->null[LENS_NEWER];
    j->term.way = same ? NULL : way;
    return judge_settled(j, m->node) && judge_deed(j, m->node, NULL) &&
           each_target(j, s, arrow, way, m, named_at);
}
