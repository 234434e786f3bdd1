/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest: what stands beside a value that leaves its box or its list.
 *
 * Said of a way as `rest: lose`, `refuse` or `{stash: q}`. A stash holds the
 * whole box or list as JSON text, so that on the way back it can be told
 * whether it still fits: its image must be what is visible.
 */
#include "translators/json/carried.h"
#include "translators/reference/frame.h"

#include <assert.h>

/* The stage that is run first on `side`. */
static const struct lens_stage *
first_stage(const struct lens_way *way, enum lens_side side)
{
    if (way->stages.n == 0)
        return NULL;
    return &way->stages.at[side == LENS_OLDER ? 0 : way->stages.n - 1];
}

enum rest_of { REST_NONE, REST_OF_LIST, REST_OF_BOX };

/* Has the value of this way, on this side, a rest that `rest:` speaks of? The rest
 * beside `.` in a case's shape is bring.c's. */
static enum rest_of
rest_on(const struct lens_way *way, enum lens_side side)
{
    if (way->rest.kind == LENS_REST_UNSAID || !way->has[side] ||
        side == lens_rest_side(way) || way->shape[side].has_inside ||
        way->place[lens_other(side)].n == 0) /* land.c */
        return REST_NONE;
    const struct lens_stage *stage = first_stage(way, side);
    for (size_t i = 0; i < way->stages.n; i++)
        if (way->stages.at[i].kind == LENS_STAGE_INDEX ||
            way->stages.at[i].kind == LENS_STAGE_LOOKUP)
            return REST_NONE; /* index.c, lookup.c ask for it */
    if (stage && stage->kind == LENS_STAGE_LIST)
        return REST_OF_LIST;
    return way->place[side].n < 2 ? REST_NONE : REST_OF_BOX;
}

/* How many steps lead to the box: to where the bare value stands on the other side, or
 * to the element that was found. */
static size_t
box_steps(const struct lens_way *way, enum lens_side side)
{
    const struct lens_place *box = &way->place[side];
    const struct lens_place *bare = &way->place[lens_other(side)];
    if (bare->n > 0 && bare->n < box->n) {
        struct lens_place begin = place_prefix(box, bare->n);
        if (lens_place_same(&begin, bare))
            return bare->n;
    }
    size_t element = lens_way_element(box);
    return element ? element : box->n - 1;
}

/* ---- before anything is cut ----------------------------------------------------- */

static bool
prepare_read(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    if (t->way->rest.kind != LENS_REST_STASH)
        return true;
    struct json *whole = NULL;
    if (rest_on(t->way, f->leg->read) == REST_OF_LIST)
        whole = t->from.node;
    if (rest_on(t->way, f->leg->read) == REST_OF_BOX)
        whole = t->from.path[box_steps(t->way, f->leg->read)];
    if (!whole)
        return true;
    t->box = json_clone(r->scratch, whole);
    return t->box || run_full(r);
}

/* `rest: keep` on a request that takes the place of a whole document: what is beside the
 * value is in the store alone. */
static bool
may_replace_rest(struct frame *f, const struct take *t)
{
    struct run *r = f->run;
    bool has_rest = rest_on(t->way, f->leg->write) != REST_NONE ||
                    t->way->shape[f->leg->write].has_inside;
    if (!has_rest || !r->is_request || !r->replaces || r->may_erase)
        return true;
    return run_fail(r, FAULT_CARRY, t->from.node, t->origin,
                    "replacing this would erase what stands beside \"%.*s\", "
                    "which only the stored document has",
                    SPAN_FMT(t->way->place[f->leg->write].text));
}

/* The stash that may hold the rest of what this take brings. */
static bool
prepare_write(struct frame *f, size_t at)
{
    struct run *r = f->run;
    struct take *t = &f->takes[at];
    if (t->way->rest.kind == LENS_REST_KEEP && t->from.node)
        return may_replace_rest(f, t);
    if (t->way->rest.kind != LENS_REST_STASH)
        return true;
    if (rest_on(t->way, f->leg->write) == REST_NONE &&
        !t->way->shape[f->leg->write].has_inside)
        return true;
    struct bindings found = {0};
    if (!place_bind(r, f->root, &t->way->rest.stash, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        if (!found.at[i].node ||
            !place_same_stars(found.at[i].stars, found.at[i].n_stars,
                              t->from.stars, t->from.n_stars))
            continue;
        if (t->from.node) {
            t->as_it_came = json_clone(r->scratch, t->from.node);
            if (!t->as_it_came)
                return run_full(r);
        }
        const struct lens_way *way = t->way;
        size_t active = t->active;
        t->rest = f->n_takes;
        struct take *q = frame_take(f);
        if (!q)
            return false;
        q->kind = TAKE_REST;
        q->active = active;
        q->way = way;
        q->origin = &way->origin;
        q->from = found.at[i];
        q->done = true;
        q->image.kind = IMAGE_ABSENT;
        return true;
    }
    return true;
}

bool
rest_prepare(struct frame *f)
{
    size_t n = f->n_takes;
    for (size_t i = 0; i < n; i++) {
        struct take *t = &f->takes[i];
        if (t->kind != TAKE_MAP || t->done)
            continue;
        if (t->from.place && !prepare_read(f, t))
            return false;
        if (!prepare_write(f, i))
            return false;
    }
    return true;
}

/* ---- after ------------------------------------------------------------------------ */

/* Keep what goes at the stash's place. */
static bool
stash(struct frame *f, size_t at)
{
    struct run *r = f->run;
    struct take *t = &f->takes[at];
    span text = form_compact(r, t->box);
    unsigned state = 0;
    if ((r->comes_packed || r->goes_packed) && carried_is_in(text, &state))
        return run_fail(r, FAULT_CARRY, t->box, t->origin,
                        "bytes have no form in a text that is stashed");
    struct json *node = text.at ? json_new_text(r->arena, text) : NULL;
    if (!node || !run_derive(r, node, run_origin(t->box)))
        return run_full(r);
    const struct lens_way *way = t->way;
    struct binding from = t->from;
    size_t active = t->active;
    struct take *q = frame_take(f);
    if (!q)
        return false;
    *q = (struct take){.kind = TAKE_REST,
                       .active = active,
                       .origin = &way->origin,
                       .way = way,
                       .leads = true,
                       .target = way->rest.stash,
                       .image = {IMAGE_VALUE, node},
                       .done = true};
    q->from = from; /* its stars */
    q->from.place = NULL;
    q->from.node = NULL;
    return true;
}

/* Something goes that `rest:` speaks of. */
static bool
say(struct frame *f, size_t at, const struct json *what)
{
    const struct take *t = &f->takes[at];
    switch (t->way->rest.kind) {
    case LENS_REST_REFUSE:
        return run_fail(f->run, FAULT_CARRY, what, t->origin,
                        "beside \"%.*s\" stands something that this version "
                        "cannot hold",
                        SPAN_FMT(t->from.place->text));
    case LENS_REST_STASH:
        return stash(f, at);
    case LENS_REST_KEEP:
        if (f->run->is_request)
            return run_fail(
                f->run, FAULT_CARRY, what, t->origin,
                "beside \"%.*s\" stands something that this version "
                "cannot hold",
                SPAN_FMT(t->from.place->text));
        break;
    case LENS_REST_LOSE:
    case LENS_REST_UNSAID:
        break;
    }
    return run_notice(f->run, NOTICE_LOSSY, t->origin, what);
}

/* Of a list that becomes one value the others go before they are translated. */
static bool
cut_list(struct frame *f, size_t at)
{
    struct take *t = &f->takes[at];
    struct json *list = t->value;
    const struct lens_stage *stage = first_stage(t->way, f->leg->read);
    assert(stage);
    enum lens_pick pick = stage->pick;
    if (list->kind != JSON_LIST || pick == LENS_PICK_ONLY ||
        spot_count(list) < 2)
        return true;
    struct json *one =
        spot_element(list, pick == LENS_PICK_LAST ? spot_count(list) - 1 : 0);
    if (!say(f, at, list))
        return false;
    for (size_t i = list->n; i-- > 0;)
        if (list->members[i].value != one)
            (void)json_remove(list, i);
    return true;
}

/* Are the members that are left only those that the step's tests name, and what was
 * emptied on the way to the value, which `next` leads into? */
static bool
only_tags(const struct json *box, const struct lens_step *step,
          const struct lens_step *next)
{
    for (size_t i = 0; i < box->n; i++) {
        const struct json *value = box->members[i].value;
        bool is_tag =
            spot_is_empty(value) ||
            (json_is_container(value) && spot_is_void(value) &&
             next->kind == LENS_KEY && span_eq(next->key, box->members[i].key));
        for (size_t k = 0; k < step->n_finds; k++)
            is_tag = is_tag || (step->finds[k].kind == LENS_EQUALS &&
                                span_eq(step->finds[k].member.steps[0].key,
                                        box->members[i].key));
        if (!is_tag)
            return false;
    }
    return true;
}

static bool
cut_box(struct frame *f, size_t at)
{
    struct take *t = &f->takes[at];
    size_t n = box_steps(t->way, f->leg->read);
    struct json *box = t->from.path[n];
    if (!box || box->kind != JSON_OBJECT || spot_is_empty(box))
        return true; /* what is no object is no box */
    if (only_tags(box, &t->from.place->steps[n - 1], &t->from.place->steps[n]))
        return true;
    if (!say(f, at, box))
        return false;
    for (size_t i = box->n; i-- > 0;)
        (void)json_remove(box, i);
    f->takes[at].box_emptied = true; /* and prune removes it */
    return true;
}

bool
rest_cut(struct frame *f)
{
    size_t n = f->n_takes;
    for (size_t i = 0; i < n; i++) {
        struct take *t = &f->takes[i];
        if (t->kind != TAKE_MAP || !t->from.place || t->done)
            continue;
        enum rest_of rest = rest_on(t->way, f->leg->read);
        if (rest == REST_OF_LIST && t->value && !cut_list(f, i))
            return false;
        if (rest == REST_OF_BOX && !cut_box(f, i))
            return false;
    }
    return true;
}

/* ---- on the way back ------------------------------------------------------------------ */

/* What the stashed value shows on the side being read: f of the other direction. */
static bool
image_of(struct frame *f, const struct take *t, const struct json *whole,
         struct json **out)
{
    struct run *r = f->run;
    struct leg back = leg_back(f->leg);
    struct image image = {0};
    struct json *copy = json_clone(r->arena, whole);
    struct stage_asker asker = {t->origin, t->way->outside, LENS_REST_LOSE};
    *out = NULL;
    if (!copy)
        return run_full(r);
    r->muted++;
    bool ok = inner_under(r, &back, f->type_index, &t->target, copy) &&
              stage_run(r, &t->way->stages, back.read, &asker, copy, &image);
    r->muted--;
    if (ok && image.kind == IMAGE_VALUE)
        *out = image.value;
    return ok || run_forgive(r); /* a stash that has no image does not fit */
}

static bool
fits(struct frame *f, const struct take *t, const struct json *part, bool *out)
{
    struct json *image = NULL;
    *out = !part && !t->as_it_came; /* the rest of a box without the value */
    if (!part || !t->as_it_came)
        return true;
    if (!image_of(f, t, part, &image))
        return false;
    *out = image && json_alike(image, t->as_it_came);
    return true;
}

/* A box comes back around the value: what was beside it is written first. */
static bool
restore_box(struct frame *f, size_t at, struct json *box)
{
    struct take t = f->takes[at];
    struct take *q = frame_take(f);
    if (!q)
        return false;
    *q = (struct take){.kind = TAKE_REST,
                       .active = t.active,
                       .origin = t.origin,
                       .way = t.way,
                       .from = t.from,
                       .image = {IMAGE_VALUE, box},
                       .done = true};
    q->from.place = NULL;
    q->from.node = NULL;
    q->leads = true;
    q->target = place_prefix(&t.target, box_steps(t.way, f->leg->write));
    return true;
}

/* The stash of this rest, read; NULL: it cannot be. */
static bool
read_stash(struct run *r, const struct json *q, enum json_kind kind,
           struct json **out)
{
    *out = NULL;
    if (q->kind == JSON_TEXT && (!spot_is_readable(r, q) ||
                                 !form_parse(r, q->text, run_origin(q), out)))
        return false;
    if (*out && (*out)->kind != kind)
        *out = NULL;
    return true;
}

/* Where in the stashed box the value stands. */
static struct json *
part_of(const struct frame *f, const struct take *t, struct json *box)
{
    for (size_t i = box_steps(t->way, f->leg->write); box && i < t->target.n;
         i++)
        box = json_get(box, t->target.steps[i].key);
    return box;
}

/* What is visible changed, and the stash stands all the same. */
static bool
overrule(struct frame *f, size_t at)
{
    struct take *t = &f->takes[at];
    t->image = (struct image){IMAGE_ABSENT, NULL};
    t->leads = false;
    t->done = true;
    return !t->value || run_notice(f->run, NOTICE_LOSSY, t->origin, t->value);
}

bool
rest_restore(struct frame *f, size_t at)
{
    struct run *r = f->run;
    struct take t = f->takes[at];
    const struct json *q = f->takes[t.rest].value;
    struct json *whole = NULL;
    bool fit = false;
    if (!q)
        return true;
    bool is_list = rest_on(t.way, f->leg->write) == REST_OF_LIST;
    if (!read_stash(r, q, is_list ? JSON_LIST : JSON_OBJECT, &whole))
        return false;
    if (!whole)
        return run_notice(r, NOTICE_UNREADABLE, t.origin, q);

    struct json *part = is_list ? whole : part_of(f, &t, whole);
    if (!fits(f, &t, part, &fit))
        return false;
    if (!fit && !t.way->rest.wins)
        return run_notice(r, NOTICE_STALE, t.origin, q);
    if (!fit && !overrule(f, at))
        return false;
    if (!is_list) {
        /* What is visible goes back into the slot that it had there. */
        if (fit && part && !spot_cut(r, part, 0, &f->takes[at].hole))
            return false;
        return restore_box(f, at, whole);
    }
    f->takes[at].image = (struct image){IMAGE_VALUE, whole};
    f->takes[at].leads = true;
    f->takes[at].done = true;
    return true;
}
