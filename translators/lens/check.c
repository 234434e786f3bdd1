/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: a loss needs a word, an overlap needs a word, a claim must hold, and
 * what is declared must be used.
 */
#include "translators/lens/build.h"
#include "translators/lens/report.h"

/* ---- words for losses ---- */

static void
check_add(struct lens_builder *b, const struct lens_arrow *a)
{
    bool filled = a->fill.kind > LENS_VALUE_ABSENT;
    if (filled || a->has_stash || a->write != LENS_WRITE_UNSAID)
        return;
    lens_problem(b, &a->origin,
                 "say `up: VALUE`, `stash: place`, `write: lose` "
                 "or `write: refuse`",
                 "`%.*s` is hidden from older clients, and nothing says what "
                 "their writes do to it",
                 SPAN_FMT(a->ways[0].place[LENS_NEWER].text));
}

static void
check_drop(struct lens_builder *b, const struct lens_arrow *a)
{
    span place = a->ways[0].place[LENS_OLDER].text;
    if (a->fill.kind == LENS_VALUE_UNSAID && !a->has_stash) {
        lens_problem(b, &a->origin, "say `down: VALUE` or `down: absent`",
                     "`%.*s` is gone in the newer version, and nothing says "
                     "what older clients are shown",
                     SPAN_FMT(place));
    }
    if (a->write == LENS_WRITE_UNSAID && !a->has_stash) {
        lens_problem(b, &a->origin,
                     "say `write: ignore`, `write: refuse`, `write: same` or "
                     "`stash: place`",
                     "`%.*s` is gone in the newer version, and nothing says "
                     "what becomes of it when an older client writes it",
                     SPAN_FMT(place));
    }
}

static bool
loses_elements(const struct lens_way *w)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_LIST &&
            w->stages.at[i].pick != LENS_PICK_ONLY)
            return true;
    return false;
}

static void
check_way(struct lens_builder *b, const struct lens_way *w)
{
    if (w->rest.kind != LENS_REST_UNSAID)
        return;
    const struct lens_lookup *lookup = lens_way_lookup(w);
    if (lookup && lookup->is_alone) {
        lens_problem(b, &w->origin, "say `rest: lose` or `rest: refuse`",
                     "`%.*s` is on one side alone, and nothing says what "
                     "becomes of elements that nothing points at",
                     SPAN_FMT(lookup->in[lookup->list].text));
        return;
    }
    if (loses_elements(w)) {
        lens_problem(b, &w->origin,
                     "say `rest: lose`, `rest: refuse`, `rest: "
                     "{stash: place}` or `pick: only`",
                     "one element is taken of a list, and nothing says what "
                     "becomes of the others");
        return;
    }
    for (size_t side = 0; side < 2; side++) {
        if (!lens_way_boxes(w, (enum lens_side)side))
            continue;
        lens_problem(b, &w->origin,
                     "say `rest: lose`, `rest: refuse` or "
                     "`rest: {stash: place}`",
                     "`%.*s` is one member of a box that the other side has "
                     "not, and nothing says what becomes of the others",
                     SPAN_FMT(w->place[side].text));
        return;
    }
}

/* ---- overlaps ---- */

static void
say_overlap(struct lens_builder *b, const struct lens_origin *first,
            const struct lens_origin *second, size_t side)
{
    lens_problem(b, second,
                 "tell them apart by a tag, or say `overlap: "
                 "first` beside `cases`",
                 "this case and the one at line %u may both fit one value of "
                 "the %s side",
                 first->line, side == LENS_OLDER ? "older" : "newer");
}

static bool
ways_overlap(const struct lens_way *x, const struct lens_way *y, size_t side)
{
    /* Cases spread from lists come from one line: the first is the way back. */
    bool one_line = x->origin.line == y->origin.line &&
                    x->origin.column == y->origin.column;
    return !one_line && x->has[side] && y->has[side] &&
           lens_place_same(&x->place[side], &y->place[side]) &&
           !lens_shape_disjoint(&x->shape[side], &y->shape[side]);
}

static void
check_ways(struct lens_builder *b, const struct lens_arrow *a)
{
    if (a->overlap_first)
        return;
    for (size_t i = 1; i < a->n_ways; i++)
        for (size_t k = 0; k < i; k++)
            for (size_t side = 0; side < 2; side++) {
                if (!ways_overlap(&a->ways[k], &a->ways[i], side))
                    continue;
                say_overlap(b, &a->ways[k].origin, &a->ways[i].origin, side);
                return;
            }
}

static bool
cases_overlap(const struct lens_case *x, const struct lens_case *y, size_t side)
{
    return x->block != y->block && x->has[side] && y->has[side] &&
           !lens_shape_disjoint(&x->shape[side], &y->shape[side]);
}

static void
check_choice(struct lens_builder *b, const struct lens_choice *c)
{
    if (c->overlap_first)
        return;
    for (size_t i = 1; i < c->n_cases; i++)
        for (size_t k = 0; k < i; k++)
            for (size_t side = 0; side < 2; side++) {
                if (!cases_overlap(&c->cases[k], &c->cases[i], side))
                    continue;
                say_overlap(b, &c->cases[k].origin, &c->cases[i].origin, side);
                return;
            }
}

/* ---- blocks ---- */

static void
check_arrow(struct lens_builder *b, const struct lens_arrow *a)
{
    if (a->kind == LENS_ADD) {
        check_add(b, a);
        return;
    }
    if (a->kind == LENS_DROP) {
        check_drop(b, a);
        return;
    }
    if (a->joint)
        return;
    for (size_t i = 0; i < a->n_ways; i++)
        check_way(b, &a->ways[i]);
    check_ways(b, a);
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
check_block(struct lens_builder *b, const struct lens_block *outer,
            const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        check_arrow(b, &block->arrows[i]);
        lens_guard_check(b, outer, block, &block->arrows[i]);
    }
    for (size_t i = 0; i < block->n_choices; i++) {
        const struct lens_choice *c = &block->choices[i];
        check_choice(b, c);
        for (size_t k = 0; k < c->n_cases; k++)
            if (k == 0 || c->cases[k].block != c->cases[k - 1].block)
                check_block(b, outer, c->cases[k].block);
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- guarantees ---- */

static void
refuse_claim(struct lens_builder *b, const struct lens_change *c,
             const struct lens_loss *losses, size_t n,
             const struct lens_loss *l)
{
    static const char *const words[] = {
#define X(name, says) says,
        LENS_LOSSES(X)
#undef X
    };
    problem_add(b->problems, c->path, c->line, c->column,
                "`guarantee: %s` does not hold: %s %.*s (line %u)",
                lens_guarantee_word(c->guarantee), words[l->kind],
                SPAN_FMT(l->what), l->origin.line);
    problem_remedy(b->problems, "what holds is `guarantee: %s`",
                   lens_guarantee_word(lens_guarantee_of(losses, n)));
}

/* The losses of one change, over all types and its http blocks. */
bool
lens_losses_of_change(struct lens_builder *b, const struct lens_api *api,
                      const struct lens_change *c, struct lens_vec *out)
{
    for (size_t i = 0; i <= api->n_types; i++) {
        const struct lens_loss *all;
        size_t n;
        if (lens_losses_of(b->arena, api, c->table, i, &all, &n)) {
            b->full = true;
            return false;
        }
        for (size_t k = 0; k < n; k++) {
            if (all[k].origin.change != c)
                continue;
            struct lens_loss *slot = lens_vec_add(b, out, sizeof(*slot));
            if (!slot)
                return false;
            *slot = all[k];
        }
    }
    return true;
}

static void
check_claim(struct lens_builder *b, const struct lens_change *c)
{
    struct lens_vec losses = {0};
    if (!lens_losses_of_change(b, b->api, c, &losses))
        return;
    const struct lens_loss *l =
        lens_guarantee_breaker(losses.at, losses.n, c->guarantee);
    if (l)
        refuse_claim(b, c, losses.at, losses.n, l);
}

/* ---- types that nothing reaches ---- */

static bool
reach_children(struct lens_builder *b, bool *reached, size_t type)
{
    bool more = false;
    for (size_t v = 0; v < b->api->n_versions; v++) {
        const struct lens_type_at *at = &b->type_at[type][v];
        for (size_t i = 0; i < at->n_children; i++) {
            more = more || !reached[at->children[i].type];
            reached[at->children[i].type] = true;
        }
    }
    return more;
}

static void
check_used(struct lens_builder *b)
{
    size_t n = b->api->n_types;
    bool *reached = lens_array(b, n, sizeof(*reached));
    if (!reached)
        return;
    const struct lens_site *sites = b->sites.at;
    for (size_t i = 0; i < b->sites.n; i++)
        reached[sites[i].type] = true;
    bool more = true;
    for (size_t round = 0; more && round <= n; round++) {
        more = false;
        for (size_t i = 0; i < n; i++)
            if (reached[i] && reach_children(b, reached, i))
                more = true;
    }
    for (size_t i = 0; i < n; i++) {
        if (reached[i])
            continue;
        problem_add(b->problems, b->api->file, b->types[i].line,
                    b->types[i].column, "type `%.*s` stands in no message",
                    SPAN_FMT(b->types[i].name));
        problem_remedy(b->problems, "say where: `at: GET /orders/{id}`, or "
                                    "leave the type out");
    }
}

/* ---- where a record says its version ---- */

static bool
names(const struct lens_way *w, const struct lens_place *place)
{
    for (size_t side = 0; side < 2; side++)
        if (w->has[side] && (lens_place_starts(place, &w->place[side]) ||
                             lens_place_starts(&w->place[side], place)))
            return true;
    return false;
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
check_stays(struct lens_builder *b, const struct lens_block *block,
            const struct lens_type *type)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        for (size_t k = 0; k < block->arrows[i].n_ways; k++) {
            const struct lens_way *w = &block->arrows[i].ways[k];
            if (!names(w, &type->version_at))
                continue;
            lens_problem(b, &w->origin,
                         "keep it where it is in all versions, or use `marker`",
                         "`%.*s` is where a record says its version, which is "
                         "read before it is known what else moved",
                         SPAN_FMT(type->version_at.text));
        }
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++)
            check_stays(b, block->choices[i].cases[k].block, type);
}
/* NOLINTEND(misc-no-recursion) */

static void
check_versions_at(struct lens_builder *b, size_t type)
{
    for (size_t t = 0; t + 1 < b->api->n_versions; t++)
        if (b->types[type].has_version_at && b->blocks[t][type])
            check_stays(b, b->blocks[t][type], &b->types[type]);
}

void
lens_loss_check(struct lens_builder *b)
{
    bool is_whole = b->problems->total == b->problems_before;
    for (size_t t = 0; t + 1 < b->api->n_versions; t++) {
        for (size_t i = 0; i < b->api->n_types; i++)
            if (b->blocks[t][i])
                check_block(b, b->blocks[t][i], b->blocks[t][i]);
        for (size_t i = 0; i < b->tables[t].n_http; i++)
            check_block(b, b->tables[t].http[i].block,
                        b->tables[t].http[i].block);
    }
    for (size_t i = 0; i < b->api->n_types; i++)
        check_versions_at(b, i);
    for (size_t i = 0; i < b->api->n_changes && !b->full; i++)
        check_claim(b, &b->api->changes[i]);
    if (is_whole && !b->full)
        check_used(b);
}
