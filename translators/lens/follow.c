/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: typed places of the newest version, followed back through the arrows.
 *
 * An arrow that brings a place (or something above it) to the newer version
 * says where it is in the older one. With guards, cases and element steps one
 * place may have several: every element of `users` was also `owner` where an arrow
 * says `owner: users/[0]`.
 */
#include "translators/lens/build.h"

#define CHILDREN_MAX 4096 /* of one type at one version */

struct following {
    struct lens_builder *b;
    size_t table;
    const struct lens_child *child; /* at the newer version */
    struct lens_vec *out;           /* struct lens_child, at the older */
};

/* ---- shapes ---- */

/* A shape as a plain test: tags are conditions, what sits inside is not asked. */
static struct lens_shape
tested(struct lens_builder *b, const struct lens_shape *s)
{
    struct lens_shape out = *s;
    if (!s->said || s->n_tags == 0)
        return out;
    size_t n = s->n_conditions + s->n_tags;
    struct lens_condition *all = lens_array(b, n, sizeof(*all));
    struct lens_test *tests = lens_array(b, s->n_tags, sizeof(*tests));
    if (!all || !tests)
        return out;
    if (s->n_conditions)
        memcpy(all, s->conditions, s->n_conditions * sizeof(*all));
    for (size_t i = 0; i < s->n_tags; i++) {
        tests[i] = (struct lens_test){
            .kind = LENS_TEST_IS, .values = &s->tags[i].value, .n_values = 1};
        all[s->n_conditions + i] =
            (struct lens_condition){s->tags[i].place, &tests[i], 1};
    }
    out.conditions = all;
    out.n_conditions = n;
    out.tags = NULL;
    out.n_tags = 0;
    return out;
}

/* ---- places ---- */

/* What the arrow's way names on a side, down to where the value sits. */
static bool
reach(struct lens_builder *b, const struct lens_way *w, enum lens_side side,
      struct lens_place *out)
{
    const struct lens_lookup *lookup = lens_way_lookup(w);
    bool in_list = lookup && lookup->is_alone && lookup->list == side;
    *out = in_list ? lookup->each[side] : w->place[side];
    if (!w->shape[side].has_inside || w->shape[side].inside.n == 0)
        return true;
    return lens_place_join(b, &w->place[side], &w->shape[side].inside, 0, out);
}

static bool
covers(const struct lens_place *child, const struct lens_place *arrow)
{
    if (arrow->n > child->n)
        return false;
    for (size_t i = 0; i < arrow->n; i++)
        if (!lens_step_covers(&child->steps[i], &arrow->steps[i]))
            return false;
    return true;
}

/* The length of the longest place that `block`'s own arrows take the child from. */
static size_t
longest(struct following *f, const struct lens_block *block)
{
    size_t best = 0;
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        for (size_t k = 0; a->kind != LENS_DROP && k < a->n_ways; k++) {
            struct lens_place newer;
            if (!a->ways[k].has[LENS_NEWER] ||
                !reach(f->b, &a->ways[k], LENS_NEWER, &newer))
                continue;
            if (newer.n > best && lens_place_starts(&f->child->place, &newer))
                best = newer.n;
        }
    }
    return best;
}

/* ---- one image ---- */

static const struct lens_stage *
stage_of(const struct lens_way *w, enum lens_stage_kind kind)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == kind)
            return &w->stages.at[i];
    return NULL;
}

static const struct lens_form *
older_form(const struct lens_way *w, enum lens_form_kind kind)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_FORM &&
            w->stages.at[i].form[LENS_OLDER].kind == kind)
            return &w->stages.at[i].form[LENS_OLDER];
    return NULL;
}

/* Below `keys(snake) <> keys(camel)` the older side spells the steps its way. */
static bool
respell(struct lens_builder *b, const struct lens_form *form,
        struct lens_step *steps, size_t n)
{
    unsigned level = 0;
    for (size_t i = 0; i < n; i++) {
        if (steps[i].kind != LENS_KEY)
            continue;
        if (form->depth && ++level > form->depth)
            return true;
        struct buf name;
        buf_init(&name, 4096);
        lens_spell(steps[i].key, form->spelling, &name);
        bool good = span_dup(b->arena, buf_span(&name), &steps[i].key);
        buf_fini(&name);
        if (!good)
            return false;
    }
    return true;
}

/* What a map holds under a key is, in the list, the element or its member. False: it is
 * nowhere. */
static bool
index_tail(struct lens_builder *b, const struct lens_stage *index,
           const struct lens_place *child, size_t from, struct lens_place *out)
{
    const struct lens_place *v = &index->value;
    size_t n = child->n - from;
    struct lens_place below = {child->steps + from, n, child->text};
    if (n == 0 || index->held == LENS_HELD_NONE)
        return false;
    if (index->held != LENS_HELD_VALUE)
        return lens_place_make(b, below.steps, n, out);
    struct lens_place first = {below.steps, 1, child->text};
    struct lens_place rest = {below.steps + 1, n - 1, child->text};
    struct lens_place head;
    if (index->list == LENS_OLDER)
        return lens_place_join(b, &first, v, 0, &head) &&
               lens_place_join(b, &head, &rest, 0, out);
    return lens_place_starts(&rest, v) &&
           lens_place_join(b, &first, &rest, v->n, out);
}

/* The steps below the arrow's place, as the older side has them. */
static bool
tail(struct lens_builder *b, const struct lens_way *w,
     const struct lens_place *child, size_t from, struct lens_place *out)
{
    const struct lens_stage *list = stage_of(w, LENS_STAGE_LIST);
    const struct lens_form *keys = older_form(w, LENS_AS_KEYS);
    const struct lens_stage *index = stage_of(w, LENS_STAGE_INDEX);
    const struct lens_stage *flat = stage_of(w, LENS_STAGE_FLAT);
    size_t n = child->n - from;
    if (index)
        return index_tail(b, index, child, from, out);
    struct lens_step *steps = lens_array(b, n + 1, sizeof(*steps));
    if (!steps)
        return false;
    size_t at = 0;
    bool deeper = (list && list->one == LENS_NEWER) ||
                  (flat && flat->nested == LENS_OLDER && n > 0);
    if (deeper)
        steps[at++].kind = LENS_EACH;
    /* The one of an older side is any element of the newer's list, and the one list of
     * its elements all of those in the newer's lists. */
    bool higher = (list && list->one == LENS_OLDER) ||
                  (flat && flat->nested == LENS_NEWER);
    size_t skip = higher && n > 0 ? 1 : 0;
    if (n > skip)
        memcpy(steps + at, child->steps + from + skip,
               (n - skip) * sizeof(*steps));
    if (keys && !respell(b, keys, steps + at, n - skip))
        return false;
    return lens_place_make(b, steps, at + n - skip, out);
}

static bool
is_known(const struct following *f, const struct lens_child *one)
{
    const struct lens_child *all = f->out->at;
    for (size_t i = 0; i < f->out->n; i++)
        if (all[i].type == one->type && all[i].through == one->through &&
            lens_place_same(&all[i].place, &one->place) &&
            lens_place_same(&all[i].inside, &one->inside) &&
            all[i].guard.said == one->guard.said)
            return true;
    return false;
}

static void
emit(struct following *f, const struct lens_child *one)
{
    if (f->out->n >= CHILDREN_MAX || is_known(f, one))
        return;
    struct lens_child *slot = lens_vec_add(f->b, f->out, sizeof(*slot));
    if (slot)
        *slot = *one;
}

static void
emit_way(struct following *f, const struct lens_way *w, size_t from,
         const struct lens_shape *guard)
{
    struct lens_child one = *f->child;
    struct lens_place older, below;
    if (!w->has[LENS_OLDER] || !reach(f->b, w, LENS_OLDER, &older) ||
        !tail(f->b, w, &f->child->place, from, &below))
        return;
    if (guard->said)
        one.guard = tested(f->b, guard);
    if (!one.when.said && w->shape[LENS_OLDER].said &&
        !w->shape[LENS_OLDER].has_inside && below.n == 0)
        one.when = tested(f->b, &w->shape[LENS_OLDER]);
    if (older_form(w, LENS_AS_JSON_TEXT) && !one.through) {
        one.through = w;
        one.place = older;
        one.inside = below;
        emit(f, &one);
        return;
    }
    if (lens_place_join(f->b, &older, &below, 0, &one.place))
        emit(f, &one);
}

/* ---- all images ---- */

static void
follow_way(struct following *f, const struct lens_way *w, size_t best,
           const struct lens_shape *guard)
{
    struct lens_place newer;
    if (!w->has[LENS_NEWER] || !reach(f->b, w, LENS_NEWER, &newer))
        return;
    bool exact = lens_place_starts(&f->child->place, &newer);
    if (exact ? newer.n == best : covers(&f->child->place, &newer))
        emit_way(f, w, newer.n, guard);
}

static void
follow_arrows(struct following *f, const struct lens_block *block, size_t best,
              const struct lens_shape *guard)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        if (a->kind != LENS_MAP)
            continue;
        bool guarded = a->when[LENS_OLDER].said;
        for (size_t k = 0; k < a->n_ways; k++)
            follow_way(f, &a->ways[k], best,
                       guarded ? &a->when[LENS_OLDER] : guard);
    }
}

static bool
always_holds(const struct lens_arrow *a)
{
    return !a->when[LENS_OLDER].said && !a->when[LENS_NEWER].said &&
           a->n_facts == 0;
}

/* Does the arrow bring the child to the newer version? Then it is nowhere else. */
static bool
brings(struct following *f, const struct lens_arrow *a, size_t best)
{
    for (size_t k = 0; a->kind != LENS_DROP && best > 0 && k < a->n_ways; k++) {
        struct lens_place newer;
        if (a->ways[k].has[LENS_NEWER] &&
            reach(f->b, &a->ways[k], LENS_NEWER, &newer) && newer.n == best &&
            lens_place_starts(&f->child->place, &newer))
            return true;
    }
    return false;
}

/* Is what stands there in the older version another thing of the same name, which
 * the arrow takes elsewhere? */
static bool
takes_name(const struct following *f, const struct lens_arrow *a)
{
    for (size_t k = 0; a->kind != LENS_ADD && k < a->n_ways; k++) {
        const struct lens_way *w = &a->ways[k];
        const struct lens_lookup *lookup = lens_way_lookup(w);
        bool list = lookup && lookup->is_alone && lookup->list == LENS_OLDER;
        if (w->has[LENS_OLDER] &&
            (lens_place_starts(&f->child->place, &w->place[LENS_OLDER]) ||
             (list &&
              lens_place_starts(&f->child->place, &lookup->each[LENS_OLDER]))))
            return true;
    }
    return false;
}

/* Is the child not at its own place in the older version? */
static bool
is_taken(struct following *f, const struct lens_block *block, size_t best)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        if (always_holds(a) && (brings(f, a, best) || takes_name(f, a)))
            return true;
    }
    return false;
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
follow_cases(struct following *f, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *c = &block->choices[i].cases[k];
            follow_arrows(f, c->block, longest(f, c->block),
                          &c->shape[LENS_OLDER]);
            follow_cases(f, c->block);
        }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- what is asked of the value there ---- */

static const struct lens_symbols *
symbols_of(const struct lens_way *w)
{
    return w->stages.n == 1 && w->stages.at[0].kind == LENS_STAGE_ENUM
               ? &w->stages.at[0].symbols[LENS_NEWER]
               : NULL;
}

/* The plain arrow that brings exactly this place, or NULL. */
static const struct lens_way *
bringer(const struct lens_block *block, const struct lens_place *place)
{
    for (size_t i = 0; block && i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        if (a->kind == LENS_MAP && !a->has_cases &&
            lens_place_same(&a->ways[0].place[LENS_NEWER], place))
            return &a->ways[0];
    }
    return NULL;
}

static const struct json *
older_symbol(const struct lens_symbols *s, const struct json *value)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].to && json_alike(s->rows[i].from, value))
            return s->rows[i].to;
    return value;
}

static void
translate_tests(struct lens_builder *b, const struct lens_symbols *s,
                struct lens_condition *c)
{
    struct lens_test *tests = lens_array(b, c->n_tests, sizeof(*tests));
    for (size_t i = 0; tests && i < c->n_tests; i++) {
        tests[i] = c->tests[i];
        size_t n = tests[i].n_values;
        const struct json **values = lens_array(b, n, sizeof(struct json *));
        for (size_t k = 0; values && k < n; k++)
            values[k] = older_symbol(s, tests[i].values[k]);
        tests[i].values = (const struct json *const *)values;
    }
    if (tests)
        c->tests = tests;
}

/* `when: {object: invoice}` reads the child's own members: they moved, too. */
static void
follow_when(struct lens_builder *b, size_t table, struct lens_child *child)
{
    const struct lens_block *block = b->blocks[table][child->type];
    size_t n = child->when.n_conditions;
    if (!block || n == 0)
        return;
    struct lens_condition *all = lens_array(b, n, sizeof(*all));
    if (!all)
        return;
    for (size_t i = 0; i < n; i++) {
        all[i] = child->when.conditions[i];
        const struct lens_way *w = bringer(block, &all[i].place);
        if (!w)
            continue;
        all[i].place = w->place[LENS_OLDER];
        if (symbols_of(w))
            translate_tests(b, symbols_of(w), &all[i]);
    }
    child->when.conditions = all;
}

/* ---- types ---- */

static void
follow_child(struct lens_builder *b, size_t table, size_t parent,
             const struct lens_child *child, struct lens_vec *out)
{
    struct lens_child own = *child;
    follow_when(b, table, &own);
    struct following f = {b, table, &own, out};
    const struct lens_block *block = b->blocks[table][parent];
    if (!block) {
        emit(&f, &own);
        return;
    }
    const struct lens_shape always = {0};
    size_t best = longest(&f, block);
    if (!is_taken(&f, block, best))
        emit(&f, &own);
    follow_arrows(&f, block, best, &always);
    follow_cases(&f, block);
}

static void
add_roots(struct lens_builder *b, size_t type, size_t version,
          struct lens_vec *out)
{
    const struct lens_root *roots = b->roots.at;
    for (size_t i = 0; i < b->roots.n; i++) {
        if (roots[i].parent != b->as[type][version] ||
            roots[i].version != version)
            continue;
        struct following f = {.b = b, .child = &roots[i].child, .out = out};
        emit(&f, &roots[i].child);
    }
}

static void
follow_type(struct lens_builder *b, size_t type)
{
    struct lens_vec newer = {0};
    for (size_t v = b->api->n_versions; v-- > 0 && !b->full;) {
        struct lens_vec own = {0};
        const struct lens_child *all = newer.at;
        for (size_t i = 0; i < newer.n; i++)
            follow_child(b, v, type, &all[i], &own);
        add_roots(b, type, v, &own);
        b->type_at[type][v].children = own.at;
        b->type_at[type][v].n_children = own.n;
        newer = own;
    }
}

/* ---- kept objects ---- */

static void
follow_keep(struct lens_builder *b, size_t table, size_t type,
            const struct lens_place *keep, struct lens_vec *out)
{
    struct lens_child as_child = {.place = *keep, .type = type};
    struct lens_vec images = {0};
    follow_child(b, table, type, &as_child, &images);
    const struct lens_child *all = images.at;
    for (size_t i = 0; i < images.n; i++) {
        struct lens_place *slot =
            all[i].through ? NULL : lens_vec_add(b, out, sizeof(*slot));
        if (slot)
            *slot = all[i].place;
    }
}

static void
follow_keeps(struct lens_builder *b, size_t type)
{
    for (size_t v = b->api->n_versions - 1; v-- > 0 && !b->full;) {
        const struct lens_type_at *newer = &b->type_at[type][v + 1];
        struct lens_vec own = {0};
        for (size_t i = 0; i < newer->n_keeps; i++)
            follow_keep(b, v, type, &newer->keeps[i], &own);
        b->type_at[type][v].keeps = own.at;
        b->type_at[type][v].n_keeps = own.n;
    }
}

void
lens_follow_types(struct lens_builder *b)
{
    for (size_t i = 0; i < b->api->n_types && !b->full; i++) {
        follow_type(b, i);
        follow_keeps(b, i);
    }
}
