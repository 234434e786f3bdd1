/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contrary: tables that say one thing and undo it.
 *
 * Each would load, and no document that meets it would come back as it was.
 */
#include "translators/lens/build.h"

struct checking {
    struct lens_builder *b;
    size_t table;
    size_t type;
    struct lens_vec ways; /* const struct lens_way *, cases included */
};

/* ---- gathering ---- */

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
gather(struct lens_builder *b, const struct lens_block *block,
       struct lens_vec *out)
{
    for (size_t i = 0; block && i < block->n_arrows; i++)
        for (size_t k = 0; k < block->arrows[i].n_ways; k++) {
            const struct lens_way **slot =
                lens_vec_add(b, out, sizeof(struct lens_way *));
            if (slot)
                *slot = &block->arrows[i].ways[k];
        }
    for (size_t i = 0; block && i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *c = &block->choices[i].cases[k];
            if (k == 0 || c->block != c[-1].block)
                gather(b, c->block, out);
        }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- a tag that is rewritten ---- */

/* The test of `step` on the other side as well, in one of its steps; the same tag must
 * then find the element in both versions. */
static bool
finds_the_same(const struct lens_place *other, const struct lens_step *step)
{
    for (size_t i = 0; i < other->n; i++)
        if (other->steps[i].n_finds && lens_step_same(&other->steps[i], step))
            return true;
    return false;
}

/* Is the member at steps[from...] of `place`, and is it another thing, or spelt
 * otherwise, on the other side? */
static bool
rewrites(const struct lens_way *w, size_t side, size_t from,
         const struct lens_place *member)
{
    const struct lens_place *p = &w->place[side];
    if (!w->has[side] || p->n != from + member->n)
        return false;
    for (size_t i = 0; i < member->n; i++)
        if (!lens_step_same(&p->steps[from + i], &member->steps[i]))
            return false;
    if (!w->has[1 - side] || w->stages.n)
        return true;
    const struct lens_place *o = &w->place[1 - side];
    for (size_t i = 0; o->n >= member->n && i < member->n; i++)
        if (!lens_step_same(&o->steps[o->n - member->n + i], &member->steps[i]))
            return true;
    return o->n < member->n;
}

/* Does `w` lead through elements of the list that `place` has `n` steps down? */
static bool
is_of_list(const struct lens_way *w, size_t side,
           const struct lens_place *place, size_t n)
{
    const struct lens_place *p = &w->place[side];
    if (!w->has[side] || p->n <= n + 1 || p->steps[n].kind == LENS_KEY)
        return false;
    for (size_t i = 0; i <= n; i++)
        if (!lens_step_may_meet(&p->steps[i], &place->steps[i]))
            return false;
    return true;
}

/* The arrow that rewrites a member of these elements, or NULL. */
static const struct lens_way *
rewriter(struct checking *c, size_t side, const struct lens_place *place,
         size_t n, const struct lens_place *member)
{
    const struct lens_way *const *all = c->ways.at;
    for (size_t i = 0; i < c->ways.n; i++)
        if (is_of_list(all[i], side, place, n) &&
            rewrites(all[i], side, n + 1, member))
            return all[i];
    const struct lens_type_at *at =
        &c->b->types[c->type].at[c->table + (side == LENS_NEWER)];
    for (size_t i = 0; i < at->n_children; i++) {
        const struct lens_child *child = &at->children[i];
        struct lens_vec inner = {0};
        if (child->place.n != n + 1 || child->place.steps[n].kind == LENS_KEY)
            continue;
        bool same = true;
        for (size_t k = 0; k <= n; k++)
            same = same &&
                   lens_step_may_meet(&child->place.steps[k], &place->steps[k]);
        if (same)
            gather(c->b, c->b->blocks[c->table][child->type], &inner);
        const struct lens_way *const *ways = inner.at;
        for (size_t k = 0; k < inner.n; k++)
            if (rewrites(ways[k], side, 0, member))
                return ways[k];
    }
    return NULL;
}

static void
check_tags(struct checking *c, const struct lens_way *w, size_t side)
{
    const struct lens_place *p = &w->place[side];
    for (size_t n = 0; n < p->n; n++)
        for (size_t i = 0; i < p->steps[n].n_finds; i++) {
            const struct lens_find *f = &p->steps[n].finds[i];
            const struct lens_way *by =
                f->kind == LENS_EQUALS &&
                        finds_the_same(&w->place[1 - side], &p->steps[n])
                    ? rewriter(c, side, p, n, &f->member)
                    : NULL;
            if (!by || by == w)
                continue;
            lens_problem(c->b, &w->origin,
                         "say on each side what the element has there, or "
                         "find it by another member",
                         "`%.*s` finds an element by `%.*s` in both versions, "
                         "and the arrow at line %u rewrites that",
                         SPAN_FMT(p->text), SPAN_FMT(f->member.text),
                         by->origin.line);
            return;
        }
}

/* ---- a position that is the value ---- */

static void
check_position(struct checking *c, const struct lens_way *w, size_t side)
{
    const struct lens_place *p = &w->place[side];
    enum lens_step_kind last = p->n ? p->steps[p->n - 1].kind : LENS_KEY;
    if (last != LENS_INDEX && last != LENS_LAST)
        return;
    lens_problem(c->b, &w->origin,
                 "say `as: one <> list` with `pick`, or name a member of the "
                 "element",
                 "`%.*s` takes an element out of its list, and then another "
                 "stands at that position",
                 SPAN_FMT(p->text));
}

/* ---- an object that is kept and a value in the other version ---- */

static void
check_keeps(struct checking *c, const struct lens_way *w, size_t side)
{
    const struct lens_type_at *at =
        &c->b->types[c->type].at[c->table + (side == LENS_NEWER)];
    const struct lens_place *bare = &w->place[1 - side];
    for (size_t i = 0; i < at->n_keeps; i++) {
        const struct lens_place *keep = &at->keeps[i];
        if (!w->has[0] || !w->has[1] || w->place[side].n <= keep->n ||
            !lens_place_same(bare, keep) ||
            !lens_place_starts(&w->place[side], keep))
            continue;
        lens_problem(
            c->b, &w->origin, "leave it out of `keep:`",
            "`%.*s` stays when it is empty (`keep:`), and in the other "
            "version it is the value that it holds",
            SPAN_FMT(keep->text));
        return;
    }
}

/* ---- a list that has members ---- */

/* Is what the arrow has at its place on this side a list, or refused? */
static bool
is_list(const struct lens_way *w, size_t side)
{
    const struct lens_stages *s = &w->stages;
    if (!w->has[side] || s->n == 0)
        return false;
    const struct lens_stage *at = &s->at[side == LENS_OLDER ? 0 : s->n - 1];
    return at->kind == LENS_STAGE_ORDER || at->kind == LENS_STAGE_FLAT ||
           (at->kind == LENS_STAGE_LIST && at->one != (enum lens_side)side) ||
           (at->kind == LENS_STAGE_INDEX && at->list == (enum lens_side)side);
}

static void
check_members(struct checking *c, const struct lens_way *w, size_t side)
{
    const struct lens_way *const *all = c->ways.at;
    const struct lens_place *list = &w->place[side];
    for (size_t i = 0; is_list(w, side) && i < c->ways.n; i++) {
        const struct lens_place *p = &all[i]->place[side];
        if (!all[i]->has[side] || p->n <= list->n ||
            p->steps[list->n].kind != LENS_KEY || !lens_place_starts(p, list))
            continue;
        lens_problem(
            c->b, &w->origin,
            "name its elements (`*`, `[0]`, `[k=v]`), or another place",
            "`%.*s` is a list, and the arrow at line %u has a member "
            "of it, `%.*s`",
            SPAN_FMT(list->text), all[i]->origin.line, SPAN_FMT(p->text));
        return;
    }
}

/* ---- a list that stays where an open set leads ---- */

static bool
is_excepted(const struct checking *c, const struct lens_way *set, size_t side,
            const struct lens_place *list)
{
    const struct lens_way *const *all = c->ways.at;
    span key = list->steps[list->n - 1].key;
    for (size_t i = 0; i < set->open->n_except; i++)
        if (span_eq(set->open->except[i], key))
            return true;
    for (size_t i = 0; i < c->ways.n; i++)
        if (all[i]->has[side] && lens_place_starts(&all[i]->place[side], list))
            return true;
    return false;
}

/* Elements that all have one value stay when it is taken from them (`one <> each`): in
 * the other version, too, where nothing but an open set says what they are. */
static void
check_spread(struct checking *c, const struct lens_arrow *a,
             const struct lens_place *place)
{
    const struct lens_way *const *all = c->ways.at;
    size_t side = a->joint->one;
    size_t n = 0;
    while (n < place->n && place->steps[n].kind == LENS_KEY)
        n++;
    struct lens_place list = {place->steps, n, place->text};
    for (size_t i = 0; n > 0 && i < c->ways.n; i++) {
        const struct lens_place *set = &all[i]->place[side];
        if (!all[i]->open || !all[i]->has[side] || set->n != n ||
            is_excepted(c, all[i], side, &list))
            continue;
        bool same = true;
        for (size_t k = 0; k + 1 < n; k++)
            same = same && lens_step_same(&set->steps[k], &list.steps[k]);
        if (!same)
            continue;
        lens_problem(c->b, &a->origin, "put it into the set's `except:`",
                     "the elements of `%.*s` stay when `%.*s` is taken from "
                     "them, and the open set `%.*s` (line %u) has every name "
                     "there",
                     SPAN_FMT(list.steps[n - 1].key), SPAN_FMT(place->text),
                     SPAN_FMT(set->text), all[i]->origin.line);
        return;
    }
}

static void
check_spreads(struct checking *c, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_joint *j = block->arrows[i].joint;
        if (!j || j->kind != LENS_JOINT_EACH)
            continue;
        for (size_t k = 0; k < j->n[1 - j->one]; k++)
            check_spread(c, &block->arrows[i], &j->places[1 - j->one][k]);
    }
}

/* ---- what no case fits, where one fits all ---- */

static void
check_else(struct lens_builder *b, const struct lens_arrow *a)
{
    if (!a->has_cases || a->otherwise != LENS_ELSE_PASS)
        return;
    for (size_t i = 0; i < a->n_ways; i++)
        for (size_t side = 0; side < 2; side++) {
            if (!a->ways[i].has[side] || a->ways[i].shape[side].said)
                continue;
            lens_problem(b, &a->ways[i].origin,
                         "leave `else` out, or give the case a shape",
                         "this case fits everything on the %s side, and what "
                         "`else: pass` lets by would come back as one",
                         side == LENS_OLDER ? "older" : "newer");
            return;
        }
}

/* NOLINTBEGIN(misc-no-recursion): as above */
static void
check_elses(struct lens_builder *b, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        check_else(b, &block->arrows[i]);
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++)
            check_elses(b, block->choices[i].cases[k].block);
}
/* NOLINTEND(misc-no-recursion) */

static void
check_type(struct lens_builder *b, size_t table, size_t type)
{
    struct checking c = {.b = b, .table = table, .type = type};
    if (!b->blocks[table][type])
        return;
    gather(b, b->blocks[table][type], &c.ways);
    const struct lens_way *const *all = c.ways.at;
    for (size_t i = 0; i < c.ways.n; i++)
        for (size_t side = 0; side < 2; side++) {
            if (!all[i]->has[side])
                continue;
            check_position(&c, all[i], side);
            check_keeps(&c, all[i], side);
            check_members(&c, all[i], side);
            if (all[i]->has[1 - side])
                check_tags(&c, all[i], side);
        }
    check_elses(b, b->blocks[table][type]);
    check_spreads(&c, b->blocks[table][type]);
    lens_lookup_check(b, all, c.ways.n, false);
}

static void
check_http(struct lens_builder *b, const struct lens_http *h)
{
    struct lens_vec ways = {0};
    gather(b, h->block, &ways);
    lens_lookup_check(b, ways.at, ways.n, true);
}

void
lens_contrary_check(struct lens_builder *b)
{
    for (size_t t = 0; t + 1 < b->api->n_versions; t++) {
        for (size_t i = 0; i < b->api->n_types && !b->full; i++)
            check_type(b, t, i);
        for (size_t i = 0; i < b->tables[t].n_http && !b->full; i++)
            check_http(b, &b->tables[t].http[i]);
    }
}
