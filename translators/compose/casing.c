/* SPDX-License-Identifier: Apache-2.0 */
/*
 * casing: what is around a value in a case's shape: its tags, and the object that
 * holds it (`.`). They are taken away on the side that is read, and written on the other.
 */
#include "translators/compose/build.h"

/* ---- away ---------------------------------------------------------------------- */

/* Beside what a case holds stands something else. */
static bool
rest_beside(struct compose *c, const struct casing *k, struct normal_node *rest,
            guard *fails)
{
    const struct lens_way *way = k->way;
    guard request = ask(c, (struct atom){.kind = ATOM_REQUEST});
    guard left = without(c, node_present(c, rest), node_void(c, rest));
    guard refused = GUARD_NEVER;
    if (way->rest.kind == LENS_REST_REFUSE)
        refused = left;
    else if (way->rest.kind != LENS_REST_LOSE)
        refused = both(c, left, request);
    *fails = either(c, *fails, refused);
    return say_notice(c, without(c, left, refused), k->scope, NOTICE_LOSSY,
                      &way->origin) &&
           node_gone(c, rest, k->scope);
}

bool
casing_off(struct compose *c, const struct casing *k,
           struct normal_node **value, guard *fails)
{
    const struct lens_shape *shape = &k->way->shape[c->read];
    struct normal_node *rest = *value;
    struct spot at;
    *fails = GUARD_NEVER;
    for (size_t i = 0; i < shape->n_tags; i++) {
        const struct lens_place *tag = &shape->tags[i].place;
        if (!spot_read(c, k->o, rest, tag, GUARD_NEVER, &at) ||
            (tag->n && !node_cut(c, at.node)))
            return false;
    }
    if (!shape->has_inside || shape->inside.n == 0)
        return true;
    if (!spot_read(c, k->o, rest, &shape->inside, GUARD_NEVER, &at) ||
        !node_cut(c, at.node))
        return false;
    *value = at.node;
    return node_inherit(c, at.node, rest) && rest_beside(c, k, rest, fails);
}

/* ---- on ------------------------------------------------------------------------- */

/* All that may be there becomes one alternative of `kind`. */
static struct normal_node *
made_of(struct compose *c, const struct normal_node *n, enum alt_kind kind,
        uint32_t term)
{
    struct normal_node *out = node_new(c, NULL, (span){0});
    if (!out)
        return NULL;
    out->is_each = n->is_each;
    out->each = n->each;
    for (size_t i = 0; i < n->n_alts; i++)
        if (!node_add(c, out,
                      (struct normal_alt){.when = n->alts[i].when,
                                          .kind = kind,
                                          .term = term,
                                          .order = n->alts[i].order}))
            return NULL;
    return out;
}

/* What is no object becomes one, of tags alone. */
static bool
make_objects(struct compose *c, struct normal_node *n)
{
    size_t n_alts = n->n_alts;
    for (size_t i = 0; i < n_alts; i++) {
        struct normal_alt alt = n->alts[i];
        if (alt.kind == ALT_MADE)
            continue;
        guard object =
            both(c, alt.when, ask_types(c, node_scalar(c, &alt), LENS_OBJECT));
        n->alts[i].when = object;
        alt.when = without(c, alt.when, object);
        alt.kind = ALT_MADE;
        if (!node_add(c, n, alt))
            return false;
    }
    node_limit(c, n, GUARD_ALWAYS); /* what never holds goes */
    return true;
}

/* Where a tag or the value goes in an object that is being built, `nth` of it. */
static bool
build_at(struct compose *c, struct normal_node *object,
         const struct lens_place *place, uint32_t nth, struct normal_node **out,
         guard *fails)
{
    struct normal_node *n = object;
    guard when = node_present(c, object);
    struct normal_order order = {
        .step = c->step, .slot = NORMAL_NONE, .nth = nth};
    for (size_t i = 0; i < place->n; i++) {
        guard object_here = node_types(c, n, LENS_OBJECT);
        guard missing = without(c, when, node_present(c, n));
        if (i > 0 &&
            !node_add(c, n,
                      (struct normal_alt){
                          .when = missing, .kind = ALT_MADE, .order = order}))
            return false;
        *fails = either(c, *fails,
                        without(c, without(c, when, object_here), missing));
        n = node_kid(c, n, place->steps[i].key);
        if (!n)
            return false;
    }
    *fails = either(c, *fails, both(c, when, node_present(c, n)));
    *out = n;
    return true;
}

static bool
write_tags(struct compose *c, const struct lens_shape *shape,
           struct normal_node *object, guard *fails)
{
    for (size_t i = 0; i < shape->n_tags; i++) {
        struct normal_node *tag = NULL;
        guard taken = *fails;
        if (!build_at(c, object, &shape->tags[i].place, (uint32_t)i, &tag,
                      &taken))
            return false;
        *fails = taken;
        guard when = without(c, node_present(c, object), node_present(c, tag));
        if (!node_add(
                c, tag,
                (struct normal_alt){.when = when,
                                    .kind = ALT_TERM,
                                    .term = term_const(c, shape->tags[i].value),
                                    .order = {.step = c->step,
                                              .slot = NORMAL_NONE,
                                              .nth = (uint32_t)i}}))
            return false;
    }
    return true;
}

/* The value, where it sits in the object. */
static bool
write_inside(struct compose *c, const struct lens_shape *shape,
             struct normal_node *object, struct normal_node *value,
             guard *fails)
{
    struct normal_node *slot = NULL;
    if (!build_at(c, object, &shape->inside, (uint32_t)shape->n_tags, &slot,
                  fails))
        return false;
    value->is_each = false;
    for (size_t i = 0; i < value->n_alts; i++) {
        value->alts[i].made = false;
        value->alts[i].order =
            (struct normal_order){.step = c->step,
                                  .slot = NORMAL_NONE,
                                  .nth = (uint32_t)shape->n_tags};
    }
    return node_merge(c, slot, value);
}

bool
casing_on(struct compose *c, const struct casing *k, struct normal_node **value,
          guard *fails)
{
    const struct lens_shape *shape = &k->way->shape[c->write];
    bool inside = shape->has_inside && shape->inside.n > 0;
    struct normal_node *was = *value;
    *fails = GUARD_NEVER;
    if (shape->constant || (shape->said && shape->types == LENS_ABSENT)) {
        uint32_t term = shape->constant ? term_const(c, shape->constant) : 0;
        *value = made_of(c, was, ALT_TERM, term);
        if (*value && !shape->constant)
            (*value)->n_alts = 0;
        return *value && node_gone(c, was, k->scope);
    }
    /* What is written must be of the type its case has there, or it would come back as
     * another. */
    if (shape->said && shape->types && !(shape->types & LENS_ABSENT) &&
        !shape->n_tags && !shape->has_inside)
        *fails =
            without(c, node_present(c, was), node_types(c, was, shape->types));
    if (shape->n_tags == 0 && !inside)
        return true;
    if (inside)
        *value = made_of(c, was, ALT_MADE, 0);
    if (!*value || (!inside && !make_objects(c, was)))
        return false;
    return write_tags(c, shape, *value, fails) &&
           (!inside || write_inside(c, shape, *value, was, fails));
}
