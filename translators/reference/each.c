/* SPDX-License-Identifier: Apache-2.0 */
/*
 * each: one value / the same in every element.
 */
#include "translators/reference/each.h"

#include "translators/reference/decimal.h"
#include "translators/reference/joint.h"

/* ---- choosing ---------------------------------------------------------------- */

size_t
joint_stars(const struct lens_joint *j)
{
    const struct lens_place *one = &j->places[j->one][0];
    size_t n = 0;
    for (size_t i = 0; i < one->n; i++)
        n += place_is_star(&one->steps[i]);
    return n;
}

/* The elements under one star of the place that has one value are one group; they come
 * together. */
bool
each_choose(struct frame *f, const struct lens_arrow *arrow)
{
    const struct lens_joint *j = arrow->joint;
    struct bindings found = {0};
    size_t n_stars = joint_stars(j);
    if (!place_bind(f->run, f->root, &j->places[f->leg->read][0], &found))
        return false;
    for (size_t at = 0; at < found.n;) {
        const struct binding *first = &found.at[at];
        size_t part = 0;
        if (frame_is_untold(f, first)) {
            at++;
            continue;
        }
        for (; at < found.n &&
               place_same_stars(first->stars, n_stars, found.at[at].stars,
                                n_stars) &&
               (part == 0 || f->leg->read != j->one);
             at++)
            if (!joint_add_part(f, arrow, 0, part++, &found.at[at]))
                return false;
        if (!joint_add_joined(f, arrow, first, n_stars))
            return false;
    }
    return true;
}

/* ---- one value in every element ------------------------------------------------------ */

/* Less, equal or more; false: they have no order. */
static bool
compare(struct arena *a, const struct json *x, const struct json *y, int *out)
{
    struct decimal one, two;
    if (x->kind == JSON_TEXT && y->kind == JSON_TEXT) {
        *out = span_cmp(x->text, y->text);
        return true;
    }
    if (x->kind != JSON_NUMBER || y->kind != JSON_NUMBER ||
        !decimal_read(a, x->text, &one) || !decimal_read(a, y->text, &two))
        return false;
    *out = decimal_compare(&one, &two);
    return true;
}

/* The least or the greatest that is there; NULL: they have no order. */
static struct json *
extreme(struct arena *a, struct json *const *values, size_t n, int sign)
{
    struct json *best = NULL;
    for (size_t i = 0; i < n; i++) {
        int c = 0;
        if (!values[i])
            continue;
        if (!compare(a, best ? best : values[i], values[i], &c))
            return NULL;
        if (!best || sign * c > 0)
            best = values[i];
    }
    return best;
}

static struct json *
sum(struct arena *a, struct json *const *values, size_t n)
{
    struct decimal all = {0};
    for (size_t i = 0; i < n; i++) {
        struct decimal one;
        const struct json *v = values[i];
        if (!v)
            continue;
        if (v->kind != JSON_NUMBER || !decimal_read(a, v->text, &one) ||
            !decimal_add(a, &all, &one, &all))
            return NULL;
    }
    span text = decimal_print(a, &all);
    return text.at ? json_new_number(a, text) : NULL;
}

struct json *
each_of(struct arena *a, struct json *const *values, size_t n,
        enum lens_unequal how)
{
    if (how == LENS_UNEQUAL_SUM)
        return sum(a, values, n);
    return extreme(a, values, n, how == LENS_UNEQUAL_MIN ? 1 : -1);
}

static struct json *
null(struct joining *g)
{
    return json_new_null(g->f->run->arena);
}

/* They stay where they are. */
static void
put_back(struct joining *g)
{
    for (size_t i = 0; i < g->n_read; i++)
        if (g->values[i] && joining_part(g, i)->hole->parent)
            json_replace(joining_part(g, i)->hole, g->values[i]);
}

/* What unequal elements become; *out is NULL: they have been put back. */
static bool
settle_unequal(struct joining *g, size_t first, struct json **out)
{
    struct run *r = g->f->run;
    switch (g->joint->unequal) {
    case LENS_UNEQUAL_FIRST:
        *out = g->values[first];
        break;
    case LENS_UNEQUAL_MIN:
    case LENS_UNEQUAL_MAX:
    case LENS_UNEQUAL_SUM:
        *out = each_of(r->arena, g->values, g->n_read, g->joint->unequal);
        break;
    case LENS_UNEQUAL_NULL:
        *out = null(g);
        break;
    case LENS_UNEQUAL_KEEP:
        put_back(g);
        *out = NULL;
        return true;
    case LENS_UNEQUAL_FAIL:
        *out = NULL;
        break;
    }
    if (!*out)
        return run_fail(r, FAULT_CARRY, g->values[first], &g->arrow->origin,
                        "\"%.*s\" is not the same in every element, and the "
                        "other version has one value",
                        SPAN_FMT(joining_part(g, 0)->from.place->text));
    return joining_lossy(g) &&
           run_derive(r, *out, run_origin(g->values[first]));
}

bool
each_bring(struct joining *g)
{
    size_t first = SIZE_MAX;
    bool all = true;
    struct image image = {0};
    struct take *t = joining_joined(g, 0);
    struct active active = g->f->actives[t->active];
    if (joining_is_nothing(g))
        return true;
    if (!joining_agree(g, &first, &all))
        return false;
    struct json *value = g->values[first];
    if (!all && !settle_unequal(g, first, &value))
        return false;
    if (!value) {
        t->done = true;
        return true;
    }
    if (!bring_value(g->f, &active, t->way, value, &image))
        return false;
    t = joining_joined(g, 0);
    t->done = true;
    t->image = image;
    return true;
}

bool
joint_spreads(const struct frame *f, const struct take *t)
{
    if (t->kind != TAKE_JOINED)
        return false;
    const struct lens_joint *j = f->actives[t->active].arrow->joint;
    return j->kind == LENS_JOINT_EACH && f->leg->read == j->one;
}

/* The step at which place's star number `n` stands. */
static size_t
step_of_star(const struct lens_place *place, size_t n)
{
    size_t at = 0;
    while (at < place->n && (!place_is_star(&place->steps[at]) || n-- > 0))
        at++;
    return at;
}

bool
joint_elements(struct frame *f, const struct take *t, struct bindings *out)
{
    struct run *r = f->run;
    size_t n_outer = t->from.n_stars;
    size_t at = step_of_star(&t->target, n_outer);
    struct lens_place above = place_prefix(&t->target, at);
    struct lens_place below = {t->target.steps + at, t->target.n - at,
                               t->target.text};
    struct landing host;
    bool found = false;
    if (!walk_to(f, &above, t->from.stars, n_outer, false, t->origin, &host,
                 &found))
        return false;
    if (!found || !host.there)
        return true;
    if (!place_bind(r, host.there, &below, out))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct binding *b = &out->at[i];
        struct star *stars =
            arena_array(r->scratch, n_outer + b->n_stars, sizeof(*stars));
        if (!stars)
            return run_full(r);
        if (n_outer)
            memcpy(stars, t->from.stars, n_outer * sizeof(*stars));
        memcpy(stars + n_outer, b->stars, b->n_stars * sizeof(*stars));
        b->stars = stars;
        b->n_stars += n_outer;
    }
    return true;
}

/* Has every element the same? Then it would come back as the one value. */
static bool
all_agree(struct frame *f, const struct bindings *b, bool *agreed)
{
    *agreed = b->n > 0;
    for (size_t i = 0; *agreed && i < b->n; i++) {
        *agreed = b->at[i].node && !spot_is_empty(b->at[i].node);
        if (*agreed &&
            !spot_equal(f->run, b->at[0].node, b->at[i].node, agreed))
            return false;
    }
    return true;
}

bool
joint_leaves(struct frame *f, struct take *t, bool *leaves)
{
    *leaves = false;
    if (!joint_spreads(f, t) || t->image.kind == IMAGE_VALUE ||
        f->actives[t->active].arrow->joint->unequal != LENS_UNEQUAL_KEEP)
        return true;
    if (!t->asked) { /* of all elements at once */
        struct bindings elements = {0};
        if (!joint_elements(f, t, &elements) ||
            !all_agree(f, &elements, &t->agreed))
            return false;
        t->asked = elements.n > 0;
    }
    *leaves = !t->agreed;
    return true;
}

bool
joint_has_none(struct frame *f, const struct take *t)
{
    struct run *r = f->run;
    if (f->actives[t->active].arrow->joint->none_refuse)
        return run_fail(r, FAULT_CARRY, t->image.value, t->origin,
                        "\"%.*s\" is in every element, and there is none",
                        SPAN_FMT(t->target.text));
    return run_notice(r, NOTICE_LOSSY, t->origin, t->image.value);
}
