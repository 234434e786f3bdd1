/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape: guards and shapes of the language, as guards on the document as it
 * came: moved places are looked for where they came from, because that is what
 * their nodes say.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): tests nest as deep as the file does */

/* Where a shape is asked: of the value at `node`, in `scope`, while `when`. */
struct asking {
    struct compose *c;
    const struct object *o;
    struct normal_node *root;
    uint32_t scope;
    guard when;
};

/* A text that is looked at must be one. */
static bool
must_read(const struct asking *q, struct normal_node *n)
{
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t term = node_scalar(q->c, &n->alts[i]);
        guard read = both(q->c, q->when, n->alts[i].when);
        if (term == NORMAL_NONE || read == GUARD_NEVER)
            continue;
        if (!say_check(q->c, both(q->c, read, ask_unclean(q->c, term)),
                       q->scope, NULL, "a text holds a lone surrogate"))
            return false;
    }
    return true;
}

static guard
one_of(const struct asking *q, struct normal_node *n, const struct lens_test *t)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < t->n_values; i++)
        is = either(q->c, is, node_equals(q->c, n, t->values[i]));
    return is;
}

static guard
on_texts(const struct asking *q, struct normal_node *n,
         const struct lens_test *t)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < n->n_alts; i++) {
        uint32_t term = node_scalar(q->c, &n->alts[i]);
        if (term == NORMAL_NONE)
            continue;
        guard here = t->kind == LENS_TEST_STARTS
                         ? ask_starts(q->c, term, t->text)
                         : ask_lines(q->c, term, t->n);
        is = either(q->c, is, both(q->c, n->alts[i].when, here));
    }
    return is;
}

static bool
same_as(const struct asking *q, struct normal_node *n,
        const struct lens_test *t, guard *out)
{
    struct compose *c = q->c;
    struct spot other;
    *out = GUARD_NEVER;
    if (!spot_read(c, q->o, q->root, &t->place, q->when, &other))
        return false;
    if (n->n_kids || other.node->n_kids || n->state || other.node->state ||
        n->others || other.node->others)
        return compose_stop(c, q->o->about, "objects are compared as a whole");
    for (size_t i = 0; i < n->n_alts; i++)
        for (size_t k = 0; k < other.node->n_alts; k++) {
            const struct normal_alt *x = &n->alts[i];
            const struct normal_alt *y = &other.node->alts[k];
            guard meet = both(c, x->when, y->when);
            uint32_t a = node_term(c, n, x);
            uint32_t b = node_term(c, other.node, y);
            if (meet == GUARD_NEVER || a == NORMAL_NONE || b == NORMAL_NONE)
                continue;
            *out = either(c, *out, both(c, meet, ask_same(c, a, b)));
        }
    return true;
}

static bool
test_one(const struct asking *q, struct normal_node *n,
         const struct lens_test *t, guard *passes)
{
    struct compose *c = q->c;
    if (t->kind != LENS_TEST_TYPE && !must_read(q, n))
        return false;
    switch (t->kind) {
    case LENS_TEST_TYPE:
        *passes = node_types(c, n, t->types);
        return true;
    case LENS_TEST_IS:
    case LENS_TEST_IN:
        *passes = one_of(q, n, t);
        return true;
    case LENS_TEST_NOT:
        *passes = GUARD_NEVER;
        for (size_t i = 0; i < t->n_inner; i++) {
            guard inner = GUARD_NEVER;
            if (!test_one(q, n, &t->inner[i], &inner))
                return false;
            *passes = either(c, *passes, guard_not(&c->guards, inner));
        }
        return true;
    case LENS_TEST_STARTS:
    case LENS_TEST_LINES:
        *passes = on_texts(q, n, t);
        return true;
    case LENS_TEST_SAME:
        return same_as(q, n, t, passes);
    }
    return true;
}

/* Narrow `fits` (and what is asked next) by all tests of one condition. */
static bool
condition(struct asking *q, const struct lens_condition *k, guard *fits)
{
    struct compose *c = q->c;
    struct spot at;
    if (!spot_read(c, q->o, q->root, &k->place, both(c, q->when, *fits), &at))
        return false;
    if (at.n_stars)
        return compose_stop(c, q->o->about, "a guard asks every element");
    for (size_t i = 0; i < k->n_tests; i++) {
        guard passes = GUARD_NEVER;
        struct asking narrow = *q;
        narrow.when = both(c, q->when, *fits);
        if (!test_one(&narrow, at.node, &k->tests[i], &passes))
            return false;
        *fits = both(c, *fits, passes);
    }
    return true;
}

static bool
tag(struct asking *q, const struct lens_tag *t, guard *fits)
{
    struct compose *c = q->c;
    struct spot at;
    struct asking narrow = *q;
    narrow.when = both(c, q->when, *fits);
    if (!spot_read(c, q->o, q->root, &t->place, narrow.when, &at) ||
        !must_read(&narrow, at.node))
        return false;
    *fits = both(c, *fits, node_equals(c, at.node, t->value));
    return true;
}

bool
shape_fits(struct compose *c, const struct object *o, struct normal_node *node,
           const struct lens_shape *shape, guard when, guard *out)
{
    struct asking q = {c, o, node, o->scope, when};
    *out = node_present(c, node);
    if (!shape->said)
        return true;
    if (shape->types)
        *out = node_types(c, node, shape->types);
    if (shape->constant) {
        struct asking narrow = q;
        narrow.when = both(c, when, *out);
        if (!must_read(&narrow, node))
            return false;
        *out = both(c, *out, node_equals(c, node, shape->constant));
    }
    for (size_t i = 0; i < shape->n_tags; i++)
        if (!tag(&q, &shape->tags[i], out))
            return false;
    for (size_t i = 0; i < shape->n_conditions; i++)
        if (!condition(&q, &shape->conditions[i], out))
            return false;
    if (shape->has_inside) {
        struct spot at;
        if (!spot_read(c, o, node, &shape->inside, both(c, when, *out), &at))
            return false;
        *out = both(c, *out, node_present(c, at.node));
    }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
