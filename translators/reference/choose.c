/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose: which cases and arrows hold for this object, where they read, and
 * what their values read. Everything here sees the object as it came.
 */
#include "translators/reference/frame.h"

/* NOLINTBEGIN(misc-no-recursion): cases nest as deep as the file does */

struct take *
frame_take(struct frame *f)
{
    void *grown = RUN_GROW(f->run, f->takes, f->n_takes, f->room_takes);
    if (!grown)
        return NULL;
    f->takes = grown;
    struct take *t = &f->takes[f->n_takes++];
    *t = (struct take){.active = SIZE_MAX};
    return t;
}

bool
frame_leave(struct frame *f, struct json *node)
{
    bool was = false;
    return pointers_put(f->run, &f->left, node, 0, LEFT_BY_ALL, &was);
}

/* Where the arrow that no case of fits leads, what passes may stand; where another one
 * leads it is a stranger. */
static bool
leave_by_active(struct frame *f, struct json *node)
{
    bool was = false;
    return pointers_put(f->run, &f->left, node, 0, f->n_actives - 1, &was);
}

/* ---- cases at the type -------------------------------------------------------- */

static bool
add_block(struct frame *f, const struct lens_block *block)
{
    void *grown =
        RUN_GROW_POINTERS(f->run, f->blocks, f->n_blocks, f->room_blocks);
    if (!grown)
        return false;
    f->blocks = grown;
    f->blocks[f->n_blocks++] = block;
    return true;
}

/* No case fits: the value passes, unless it looks like a case that only the other
 * side tells by its tags. */
static bool
no_case(struct frame *f, const struct lens_choice *choice)
{
    for (size_t i = 0; i < choice->n_cases; i++) {
        const struct lens_case *c = &choice->cases[i];
        bool fits = false;
        if (!c->has[f->leg->write] || c->shape[f->leg->write].n_tags == 0)
            continue;
        if (!test_shape(f->run, f->root, &c->shape[f->leg->write], &fits))
            return false;
        if (fits)
            return run_fail(f->run, FAULT_CARRY, f->root, &c->origin,
                            "this is a case that only the other version has");
    }
    return true;
}

static bool
find_case(struct frame *f, const struct lens_choice *choice,
          const struct lens_case **out)
{
    *out = NULL;
    for (size_t i = 0; i < choice->n_cases; i++) {
        const struct lens_case *c = &choice->cases[i];
        bool fits = false;
        if (!c->has[f->leg->read])
            continue;
        if (!test_shape(f->run, f->root, &c->shape[f->leg->read], &fits))
            return false;
        if (fits) {
            *out = c;
            return true;
        }
    }
    return no_case(f, choice);
}

/* A case that the other side has not. */
static enum frame_end
one_sided(struct frame *f, const struct lens_case *c)
{
    struct run *r = f->run;
    struct pending value;
    struct json *hidden = NULL;
    struct stage_asker asker = {&c->origin, LENS_OUTSIDE_FAIL,
                                LENS_REST_UNSAID};
    switch (c->hide) {
    case LENS_HIDE_DROP:
        return run_notice(r, NOTICE_HIDDEN, &c->origin, f->root) ? FRAME_HIDDEN
                                                                 : FRAME_FAILED;
    case LENS_HIDE_VALUE:
        break;
    case LENS_HIDE_UNSAID:
    case LENS_HIDE_FAIL:
        run_fail(r, FAULT_CARRY, f->root, &c->origin,
                 "the other version has no form for this case");
        return FRAME_FAILED;
    }
    if (!value_prepare(f, &c->hidden, &value) ||
        !value_give(f, &value, NULL, 0, &asker, &hidden) ||
        !run_notice(r, NOTICE_HIDDEN, &c->origin, f->root))
        return FRAME_FAILED;
    if (!hidden)
        return FRAME_HIDDEN;
    spot_replace(f->run, f->root, hidden);
    f->root = hidden;
    f->n_blocks = 0; /* nothing else holds for it */
    f->n_cases = 0;
    f->typed.n = 0;
    return FRAME_DONE;
}

static enum frame_end
choose_cases(struct frame *f, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_choices; i++) {
        const struct lens_case *c = NULL;
        if (!find_case(f, &block->choices[i], &c))
            return FRAME_FAILED;
        if (!c)
            continue;
        if (!c->has[f->leg->write])
            return one_sided(f, c);
        void *grown =
            RUN_GROW_POINTERS(f->run, f->cases, f->n_cases, f->room_cases);
        if (!grown)
            return FRAME_FAILED;
        f->cases = grown;
        f->cases[f->n_cases++] = c;
        if (!add_block(f, c->block))
            return FRAME_FAILED;
        enum frame_end end = choose_cases(f, c->block);
        if (end != FRAME_DONE || f->n_blocks == 0)
            return end;
    }
    return FRAME_DONE;
}

/* ---- tags of those cases: taken on the side read, written on the other ---------- */

static const struct lens_tag *
same_place(const struct lens_shape *shape, const struct lens_tag *tag)
{
    for (size_t i = 0; i < shape->n_tags; i++)
        if (lens_place_same(&shape->tags[i].place, &tag->place))
            return &shape->tags[i];
    return NULL;
}

static bool
take_tag(struct frame *f, const struct lens_case *c,
         const struct lens_tag *read, const struct lens_tag *write)
{
    struct run *r = f->run;
    if (read && write && json_alike(read->value, write->value))
        return true;
    struct take *t = frame_take(f);
    if (!t)
        return false;
    t->kind = TAKE_TAG;
    t->origin = &c->origin;
    t->done = true;
    if (read) {
        struct bindings found = {0};
        if (!place_bind(r, f->root, &read->place, &found))
            return false;
        if (found.n)
            t->from = found.at[0];
    }
    if (!write)
        return true;
    t->leads = true;
    t->target = write->place;
    t->image.value = stage_literal(
        r, write->value, run_origin(t->from.node ? t->from.node : f->root));
    return t->image.value != NULL;
}

static bool
take_tags(struct frame *f, const struct lens_case *c)
{
    const struct lens_shape *read = &c->shape[f->leg->read];
    const struct lens_shape *write = &c->shape[f->leg->write];
    for (size_t i = 0; i < read->n_tags; i++)
        if (!take_tag(f, c, &read->tags[i], same_place(write, &read->tags[i])))
            return false;
    for (size_t i = 0; i < write->n_tags; i++)
        if (!same_place(read, &write->tags[i]) &&
            !take_tag(f, c, NULL, &write->tags[i]))
            return false;
    return true;
}

/* ---- arrows ------------------------------------------------------------------------ */

bool
frame_facts_hold(const struct run *r, const struct lens_arrow *arrow)
{
    for (size_t i = 0; i < arrow->n_facts; i++) {
        const struct lens_fact *fact = &arrow->facts[i];
        span is = span_is(fact->name, "platform") ? r->platform : r->method;
        if (!span_eq(is, fact->value))
            return false;
    }
    return true;
}

const void *
frame_star(const struct frame *f, const struct binding *b)
{
    return b->n_stars ? (const void *)b->stars[b->n_stars - 1].node : f;
}

/* Bindings of all ways that name the same elements. */
struct group {
    struct binding *by_way; /* place NULL: none */
};

struct groups {
    struct group *at;
    size_t n;
    size_t room;
    struct pointers by_star;
};

static struct group *
group_of(struct frame *f, struct groups *g, const struct lens_arrow *arrow,
         const struct binding *b)
{
    struct run *r = f->run;
    bool was = false;
    const void *key = frame_star(f, b);
    if (!pointers_put(r, &g->by_star, key, 0, g->n, &was))
        return NULL;
    if (was)
        return &g->at[pointers_get(&g->by_star, key, 0)];
    void *grown = RUN_GROW(r, g->at, g->n, g->room);
    if (!grown)
        return NULL;
    g->at = grown;
    struct group *group = &g->at[g->n++];
    *group = (struct group){0};
    group->by_way =
        arena_array(r->scratch, arrow->n_ways, sizeof(*group->by_way));
    if (!group->by_way) {
        run_full(r);
        return NULL;
    }
    return group;
}

static bool
bind_way(struct frame *f, const struct lens_way *way, struct bindings *out)
{
    enum lens_side read = f->leg->read;
    return way->open ? open_bind(f, way, read, out)
                     : place_bind(f->run, f->root, &way->place[read], out);
}

static bool
group_bindings(struct frame *f, const struct lens_arrow *arrow,
               struct groups *out)
{
    enum lens_side read = f->leg->read;
    for (size_t w = 0; w < arrow->n_ways; w++) {
        struct bindings found = {0};
        const struct lens_way *way = &arrow->ways[w];
        if (!way->has[read])
            continue;
        if (!bind_way(f, way, &found))
            return false;
        for (size_t i = 0; i < found.n; i++) {
            struct group *group = group_of(f, out, arrow, &found.at[i]);
            if (!group)
                return false;
            if (!group->by_way[w].place)
                group->by_way[w] = found.at[i];
        }
    }
    return true;
}

/* Does the value have this case's shape? Where it is written as it is, it must have the
 * shape of the other side too, or it would come back as another case. */
static bool
way_fits(struct frame *f, const struct lens_way *way, struct json *value,
         bool *fits)
{
    const struct lens_shape *read = &way->shape[f->leg->read];
    const struct lens_shape *write = &way->shape[f->leg->write];
    if (!test_shape(f->run, value, read, fits) || !*fits)
        return !f->run->failed;
    bool as_it_is = way->stages.n == 0 && way->has[f->leg->write] &&
                    read->n_tags + write->n_tags == 0 && !read->constant &&
                    !write->constant && !read->has_inside && !write->has_inside;
    return !as_it_is || !write->said || test_shape(f->run, value, write, fits);
}

/* The first way whose shape fits what is there; SIZE_MAX if none does. */
static bool
fitting_way(struct frame *f, const struct lens_arrow *arrow,
            const struct group *group, size_t *out)
{
    *out = SIZE_MAX;
    for (size_t w = 0; w < arrow->n_ways; w++) {
        bool fits = false;
        if (!group->by_way[w].place)
            continue;
        if (!way_fits(f, &arrow->ways[w], group->by_way[w].node, &fits))
            return false;
        if (fits) {
            *out = w;
            return true;
        }
    }
    return true;
}

struct take *
frame_take_of(struct frame *f, enum take_kind kind, const struct lens_way *way,
              const struct binding *from)
{
    struct take *t = frame_take(f);
    if (!t)
        return NULL;
    t->kind = kind;
    t->active = f->n_actives - 1;
    t->way = way;
    t->origin = &way->origin;
    t->from = *from;
    bool was = false;
    if (!pointers_put(f->run, &f->by_star, frame_star(f, from), t->active,
                      f->n_takes - 1, &was))
        return NULL;
    return t;
}

/* A value is there, and no case fits it. */
static bool
no_way(struct frame *f, const struct lens_arrow *arrow,
       const struct binding *from)
{
    struct run *r = f->run;
    struct take *t = NULL;
    switch (arrow->otherwise) {
    case LENS_ELSE_FAIL:
        return run_fail(r, FAULT_CARRY, from->node, &arrow->origin,
                        "no case of this arrow fits %s",
                        json_kind_word(from->node->kind));
    case LENS_ELSE_PASS:
        return leave_by_active(f, from->node);
    case LENS_ELSE_HIDE:
        t = frame_take_of(f, TAKE_MAP, &arrow->ways[0], from);
        if (!t)
            return false;
        t->done = true;
        t->image.kind = IMAGE_HIDDEN;
        return run_notice(r, NOTICE_HIDDEN, &arrow->origin, from->node);
    }
    return true;
}

/* A way without a place on the side that is written leads where the first one does that
 * has one. */
static bool
target_of(const struct lens_arrow *arrow, const struct lens_way *way,
          enum lens_side write, struct lens_place *out)
{
    size_t w = 0;
    while (!way->has[write] && w < arrow->n_ways)
        way = &arrow->ways[w++];
    if (way->has[write])
        *out = way->place[write];
    return way->has[write];
}

/* Another case's place of the same arrow holds something too: it has no place on the
 * other side, for the arrow leads there with one value. */
static bool
left_over(struct frame *f, const struct lens_arrow *arrow,
          const struct binding *from)
{
    struct run *r = f->run;
    if (r->is_request && !arrow->overlap_first)
        return run_fail(r, FAULT_CARRY, from->node, &arrow->origin,
                        "two cases of one arrow are there at once");
    struct take *t = frame_take_of(f, TAKE_MAP, &arrow->ways[0], from);
    if (!t)
        return false;
    t->done = true;
    t->image.kind = IMAGE_HIDDEN;
    return run_notice(r, NOTICE_LOSSY, &arrow->origin, from->node);
}

static bool
left_overs(struct frame *f, const struct lens_arrow *arrow,
           const struct group *group, size_t taken)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        struct json *node = group->by_way[w].node;
        bool seen = node == group->by_way[taken].node;
        for (size_t k = 0; k < w; k++)
            seen = seen || node == group->by_way[k].node;
        if (node && !seen && !left_over(f, arrow, &group->by_way[w]))
            return false;
    }
    return true;
}

bool
frame_is_untold(const struct frame *f, const struct binding *b)
{
    size_t n = 0;
    if (b->node || !trail_of(f->root).partial)
        return false;
    while (n < b->place->n && b->path[n + 1])
        n++;
    return trail_of(b->path[n]).partial;
}

static bool
choose_group(struct frame *f, const struct lens_arrow *arrow,
             const struct group *group)
{
    size_t fits = SIZE_MAX;
    const struct binding *there = NULL;
    size_t absent_way = 0;
    if (!fitting_way(f, arrow, group, &fits))
        return false;
    for (size_t w = arrow->n_ways; w-- > 0;) {
        if (group->by_way[w].node)
            there = &group->by_way[w];
        else if (group->by_way[w].place)
            absent_way = w;
    }
    if (fits == SIZE_MAX && there)
        return no_way(f, arrow, there);
    size_t w = fits != SIZE_MAX ? fits : absent_way;
    if (frame_is_untold(f, &group->by_way[w]))
        return true;
    struct take *t =
        frame_take_of(f, TAKE_MAP, &arrow->ways[w], &group->by_way[w]);
    if (!t)
        return false;
    t->leads = target_of(arrow, t->way, f->leg->write, &t->target);
    return left_overs(f, arrow, group, w);
}

static bool
choose_map(struct frame *f, const struct lens_arrow *arrow)
{
    struct groups groups = {0};
    size_t first = f->n_takes;
    if (!group_bindings(f, arrow, &groups))
        return false;
    for (size_t i = 0; i < groups.n; i++)
        if (!choose_group(f, arrow, &groups.at[i]))
            return false;
    /* A patch that tells of a reference falls back, so nothing is looked up in one. */
    if (lens_way_lookup(&arrow->ways[0]))
        return trail_of(f->root).partial || lookup_choose(f, &arrow->ways[0]);
    return !arrow->ways[0].open || open_lead(f, first);
}

/* `add` and `drop`: the place is on one side, its stash, if any, on the other. */
static bool
choose_own(struct frame *f, const struct lens_arrow *arrow, enum lens_side own)
{
    const struct lens_way *way = &arrow->ways[0];
    enum lens_side read = f->leg->read;
    struct bindings found = {0};
    if (read != own && !arrow->has_stash)
        return true;
    if (!bind_way(f, way, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        if (!found.at[i].node)
            continue;
        struct take *t = frame_take_of(f, read == own ? TAKE_OWN : TAKE_STASH,
                                       way, &found.at[i]);
        if (!t)
            return false;
        t->leads = read != own || arrow->has_stash;
        if (t->leads)
            t->target = way->place[f->leg->write];
    }
    return true;
}

/* An old client's PUT erases what it cannot see: `write: refuse` says no. */
static bool
may_replace(struct frame *f, const struct lens_arrow *arrow)
{
    struct run *r = f->run;
    bool is_head = f->type_index == SIZE_MAX &&
                   lens_place_is_text(&arrow->ways[0].place[LENS_NEWER]);
    if (!r->is_request || !r->replaces || r->may_erase || is_head ||
        trail_of(f->root).partial || f->leg->read != LENS_OLDER ||
        arrow->has_stash)
        return true;
    if (!r->never_erase && arrow->write != LENS_WRITE_REFUSE)
        return true;
    return run_fail(r, FAULT_CARRY, f->root, &arrow->origin,
                    "replacing this would erase \"%.*s\", which this version "
                    "does not show",
                    SPAN_FMT(arrow->ways[0].place[LENS_NEWER].text));
}

static bool
choose_held(struct frame *f, const struct lens_arrow *arrow)
{
    enum lens_side read = f->leg->read;
    bool holds = true;
    if (!test_guard(f->run, f->root, &arrow->when[read], &holds))
        return false;
    if (!holds)
        return true;

    void *grown = RUN_GROW(f->run, f->actives, f->n_actives, f->room_actives);
    if (!grown)
        return false;
    f->actives = grown;
    struct active *active = &f->actives[f->n_actives++];
    *active = (struct active){.arrow = arrow};
    enum lens_side own = arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
    const struct lens_value *fill = arrow->kind == LENS_MAP
                                        ? &arrow->absent[read]
                                    : read != own ? &arrow->fill
                                                  : NULL;
    if (fill && fill->kind != LENS_VALUE_UNSAID &&
        !value_prepare(f, fill, &active->fill))
        return false;
    if (arrow->joint)
        return joint_choose(f, arrow);
    if (arrow->kind == LENS_MAP)
        return choose_map(f, arrow);
    return (arrow->kind != LENS_ADD || may_replace(f, arrow)) &&
           choose_own(f, arrow, own);
}

static bool
choose_arrow(struct frame *f, const struct lens_arrow *arrow)
{
    const struct lens_origin *about = f->run->about;
    f->run->about = &arrow->origin;
    bool ok = !frame_facts_hold(f->run, arrow) || choose_held(f, arrow);
    f->run->about = about;
    return ok;
}

enum frame_end
choose(struct frame *f)
{
    /* Whoever lets a patch through has made sure that no case at the type minds. */
    bool partial = trail_of(f->root).partial;
    size_t n = f->n_blocks; /* those of cases come behind */
    for (size_t i = 0; i < n && f->n_blocks && !partial; i++) {
        enum frame_end end = choose_cases(f, f->blocks[i]);
        if (end != FRAME_DONE)
            return end;
    }
    /* What is no object passes; only a case may say something of it. */
    if (f->root->kind != JSON_OBJECT && f->n_cases == 0)
        f->n_blocks = 0;
    for (size_t i = 0; i < f->n_cases; i++)
        if (!take_tags(f, f->cases[i]))
            return FRAME_FAILED;
    for (size_t i = 0; i < f->n_blocks; i++)
        for (size_t k = 0; k < f->blocks[i]->n_arrows; k++)
            if (!choose_arrow(f, &f->blocks[i]->arrows[k]))
                return FRAME_FAILED;
    return FRAME_DONE;
}
/* NOLINTEND(misc-no-recursion) */
