/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: which cases at the type fit, and what they bring: blocks that hold while they
 * fit, tags, and what the other side has no form for.
 */
#include "translators/compose/step.h"

/* NOLINTBEGIN(misc-no-recursion): cases nest as deep as the file does */

bool
step_add_block(struct step *s, const struct lens_block *block, guard when)
{
    struct object *o = s->o;
    void *grown = COMPOSE_GROW(s->c, o->blocks, o->n_blocks, o->room_blocks);
    if (!grown)
        return false;
    o->blocks = grown;
    o->blocks[o->n_blocks++] = (struct held_block){block, when};
    return true;
}

/* ---- what is no object ------------------------------------------------------------ */

static bool
needs_something(const struct lens_condition *k)
{
    for (size_t i = 0; i < k->n_tests; i++) {
        const struct lens_test *t = &k->tests[i];
        if (t->kind == LENS_TEST_TYPE ? !(t->types & LENS_ABSENT)
                                      : t->kind != LENS_TEST_NOT)
            return true;
    }
    return false;
}

/* Does nothing but an object have this shape? */
static bool
needs_object(const struct lens_shape *shape)
{
    bool needs = shape->types == LENS_OBJECT || shape->n_tags > 0 ||
                 (shape->has_inside && shape->inside.n > 0);
    for (size_t i = 0; i < shape->n_conditions; i++)
        needs = needs || needs_something(&shape->conditions[i]);
    return needs && !shape->constant;
}

/* ---- a case that the other side has not ------------------------------------------------ */

/* While `when` holds the object goes, or something else stands for it. */
static bool
replace_object(struct step *s, const struct lens_case *k, guard when)
{
    struct compose *c = s->c;
    struct normal_node *root = s->o->root;
    size_t n_alts = root->n_alts;
    struct normal_alt *alts = arena_array(c->a, n_alts + 1, sizeof(*alts));
    if (!alts)
        return compose_full(c);
    memcpy(alts, root->alts, n_alts * sizeof(*alts));
    node_limit(c, root, guard_not(&c->guards, when));
    for (size_t i = 0; k->hide == LENS_HIDE_VALUE && i < n_alts; i++) {
        alts[i].when = both(c, alts[i].when, when);
        alts[i].kind = ALT_TERM;
        alts[i].term = term_const(c, k->hidden.literal);
        if (!node_add(c, root, alts[i]))
            return false;
    }
    return true;
}

static bool
one_sided(struct step *s, const struct lens_case *k, guard when)
{
    struct compose *c = s->c;
    struct object *o = s->o;
    if (k->hide != LENS_HIDE_DROP && k->hide != LENS_HIDE_VALUE)
        return say_check(c, when, o->scope, &k->origin,
                         "the other version has no form for this case");
    if (k->hide == LENS_HIDE_VALUE &&
        (k->hidden.kind != LENS_VALUE_LITERAL || o->next->n_markers))
        return compose_stop(c, &k->origin, "an expression for what is hidden");
    bool is_state = o->root == c->state->root;
    if (k->hide == LENS_HIDE_DROP && !is_state &&
        (!o->root->is_each || !o->root->parent))
        return compose_stop(c, &k->origin, "an object that is hidden");
    if (k->hide == LENS_HIDE_DROP && is_state)
        c->state->may_vanish = true;
    o->when = without(c, o->when, when);
    return say_notice(c, when, o->scope, NOTICE_HIDDEN, &k->origin) &&
           replace_object(s, k, when);
}

/* ---- tags --------------------------------------------------------------------------------- */

/* An arrow that takes a tag away, and one that writes it. */
static const struct lens_arrow *
tag_arrow(struct compose *c, const struct lens_case *k,
          const struct lens_tag *read, const struct lens_tag *write)
{
    struct lens_arrow *arrow = arena_alloc(c->a, sizeof(*arrow));
    struct lens_way *way = arena_alloc(c->a, sizeof(*way));
    if (!arrow || !way) {
        compose_full(c);
        return NULL;
    }
    *way = (struct lens_way){.origin = k->origin};
    way->has[c->read] = read != NULL;
    way->has[c->write] = write != NULL;
    if (read)
        way->place[c->read] = read->place;
    if (write)
        way->place[c->write] = write->place;
    *arrow = (struct lens_arrow){
        .origin = k->origin, .kind = LENS_MAP, .ways = way, .n_ways = 1};
    return arrow;
}

static bool
take_tag(struct step *s, const struct lens_case *k, const struct lens_tag *read,
         const struct lens_tag *write, guard when)
{
    struct compose *c = s->c;
    if (read && write && json_alike(read->value, write->value))
        return true;
    const struct lens_arrow *arrow = tag_arrow(c, k, read, write);
    struct take t = {.arrow = arrow,
                     .when = when,
                     .has_from = read != NULL,
                     .leads = write != NULL,
                     .is_tag = true,
                     .tag_of = k};
    if (!arrow)
        return false;
    t.way = &arrow->ways[0];
    t.target = write ? &t.way->place[c->write] : NULL;
    t.tag = write ? write->value : NULL;
    t.from.scope = s->o->scope;
    if (read && !spot_read(c, s->o, s->o->root, &read->place, when, &t.from))
        return false;
    return step_add_take(s, t) != NULL;
}

static const struct lens_tag *
same_place(const struct lens_shape *shape, const struct lens_tag *tag)
{
    for (size_t i = 0; i < shape->n_tags; i++)
        if (lens_place_same(&shape->tags[i].place, &tag->place))
            return &shape->tags[i];
    return NULL;
}

static bool
take_tags(struct step *s, const struct lens_case *k, guard when)
{
    const struct lens_shape *read = &k->shape[s->c->read];
    const struct lens_shape *write = &k->shape[s->c->write];
    for (size_t i = 0; i < read->n_tags; i++)
        if (!take_tag(s, k, &read->tags[i], same_place(write, &read->tags[i]),
                      when))
            return false;
    for (size_t i = 0; i < write->n_tags; i++)
        if (!same_place(read, &write->tags[i]) &&
            !take_tag(s, k, NULL, &write->tags[i], when))
            return false;
    return true;
}

bool
step_bring_tag(struct step *s, struct take *t)
{
    struct compose *c = s->c;
    struct normal_node *value = node_new(c, NULL, (span){0});
    if (!value)
        return false;
    struct normal_alt alt = {.when = t->when,
                             .kind = ALT_TERM,
                             .term = t->tag ? term_const(c, t->tag) : 0,
                             .order = {.step = c->step, .slot = NORMAL_NONE}};
    for (size_t i = 0; t->value && i < t->value->n_alts; i++) {
        struct normal_alt kept = alt;
        kept.when = both(c, t->value->alts[i].when, t->when);
        kept.order = t->value->alts[i].order;
        alt.when = without(c, alt.when, kept.when);
        if (!node_add(c, value, kept))
            return false;
    }
    t->value = value;
    return !t->leads || node_add(c, value, alt);
}

/* ---- which fit ------------------------------------------------------------------------------- */

static bool choose_cases(struct step *s, const struct lens_block *block,
                         guard when);

static bool
hold(struct step *s, const struct lens_case *k, guard when)
{
    struct object *o = s->o;
    if (!k->has[s->c->write])
        return one_sided(s, k, when);
    void *grown = COMPOSE_GROW(s->c, o->cases, o->n_cases, o->room_cases);
    if (!grown)
        return false;
    o->cases = grown;
    o->cases[o->n_cases++] = (struct held_case){k, when};
    return step_add_block(s, k->block, when) && choose_cases(s, k->block, when);
}

/* No case fits: the object passes, unless it looks like a case that only the other side
 * tells by its tags. */
static bool
no_case(struct step *s, const struct lens_choice *choice, guard when)
{
    struct compose *c = s->c;
    guard left = when;
    for (size_t i = 0; i < choice->n_cases; i++) {
        const struct lens_case *k = &choice->cases[i];
        guard fits = GUARD_NEVER;
        if (!k->has[c->write] || k->shape[c->write].n_tags == 0)
            continue;
        if (!shape_fits(c, s->o, s->o->root, &k->shape[c->write], left, &fits))
            return false;
        fits = both(c, fits, left);
        left = without(c, left, fits);
        if (!say_check(c, fits, s->o->scope, &k->origin,
                       "this is a case that only the other version has"))
            return false;
    }
    return true;
}

static bool
choose_cases(struct step *s, const struct lens_block *block, guard when)
{
    struct compose *c = s->c;
    for (size_t i = 0; i < block->n_choices; i++) {
        const struct lens_choice *choice = &block->choices[i];
        guard left = both(c, when, s->o->when);
        for (size_t k = 0; k < choice->n_cases; k++) {
            const struct lens_case *one = &choice->cases[k];
            guard fits = GUARD_NEVER;
            if (!one->has[c->read])
                continue;
            if (!needs_object(&one->shape[c->read]))
                return compose_stop(c, &one->origin,
                                    "cases of what is no object");
            if (!shape_fits(c, s->o, s->o->root, &one->shape[c->read], left,
                            &fits))
                return false;
            fits = both(c, fits, left);
            left = without(c, left, fits);
            if (fits != GUARD_NEVER && !hold(s, one, fits))
                return false;
        }
        if (!no_case(s, choice, left))
            return false;
    }
    return true;
}

bool
step_choose_cases(struct step *s)
{
    struct object *o = s->o;
    if (!o->block)
        return true;
    if (!step_add_block(s, o->block, GUARD_ALWAYS) ||
        !choose_cases(s, o->block, o->when))
        return false;
    for (size_t i = 0; i < o->n_cases; i++)
        if (!take_tags(s, o->cases[i].of,
                       both(s->c, o->cases[i].when, o->when)))
            return false;
    return true;
}

/* What was made of a case must have its shape on the other side, or it would come back
 * as none of them. */
bool
step_keep_shapes(struct step *s)
{
    struct compose *c = s->c;
    struct object *o = s->o;
    for (size_t i = 0; i < o->n_cases; i++) {
        const struct lens_case *k = o->cases[i].of;
        guard when = both(c, o->cases[i].when, o->when);
        guard fits = GUARD_NEVER;
        if (!shape_fits(c, o, o->root, &k->shape[c->write], when, &fits) ||
            !say_check(c, without(c, when, fits), o->scope, &k->origin,
                       "what this case makes has not the shape that it has in "
                       "the other version"))
            return false;
    }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
