/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: going to where an arrow reads, and to where it writes.
 */
#include "translators/compose/build.h"

/* ---- what is said of a message -------------------------------------------------- */

bool
say_check(struct compose *c, guard when, uint32_t scope,
          const struct lens_origin *origin, const char *what)
{
    struct normal_state *s = c->state;
    if (when == GUARD_NEVER)
        return true;
    if (c->asks && origin) {
        c->fails = either(c, c->fails, when);
        return true;
    }
    void *grown = COMPOSE_GROW(c, s->checks, s->n_checks, s->room_checks);
    if (!grown)
        return false;
    s->checks = grown;
    s->checks[s->n_checks++] = (struct normal_check){
        .when = when, .scope = scope, .origin = origin, .what = what};
    return true;
}

bool
say_notice(struct compose *c, guard when, uint32_t scope, enum notice_kind kind,
           const struct lens_origin *origin)
{
    struct normal_state *s = c->state;
    if (when == GUARD_NEVER || c->asks)
        return true;
    void *grown = COMPOSE_GROW(c, s->notices, s->n_notices, s->room_notices);
    if (!grown)
        return false;
    s->notices = grown;
    s->notices[s->n_notices++] =
        (struct normal_notice){when, scope, kind, origin};
    return true;
}

/* ---- reading ----------------------------------------------------------------------- */

/* A doubled key is refused where it is read. */
static bool
refuse_doubled(struct compose *c, const struct normal_node *n, span key,
               guard when)
{
    for (size_t i = 0; i < n->n_alts; i++) {
        if (n->alts[i].kind != ALT_SOURCE)
            continue;
        uint32_t kid = source_kid(c, n->alts[i].source, key);
        guard asked = both(c, when, n->alts[i].when);
        guard new = without(c, asked, c->sources[kid].asked);
        if (new == GUARD_NEVER)
            continue;
        c->sources[kid].asked = either(c, asked, c->sources[kid].asked);
        guard doubled =
            ask(c, (struct atom){.kind = ATOM_DOUBLED, .source = kid});
        if (!say_check(c, both(c, new, doubled),
                       c->sources[n->alts[i].source].scope, NULL,
                       "a key occurs twice"))
            return false;
    }
    return true;
}

bool
read_members(struct compose *c, const struct normal_node *n, guard when)
{
    for (size_t i = 0; i < n->n_alts; i++) {
        if (n->alts[i].kind != ALT_SOURCE)
            continue;
        uint32_t source = n->alts[i].source;
        guard asked = both(c, when, n->alts[i].when);
        guard new = without(c, asked, c->sources[source].asked_any);
        if (new == GUARD_NEVER)
            continue;
        c->sources[source].asked_any =
            either(c, asked, c->sources[source].asked_any);
        guard doubled =
            ask(c, (struct atom){.kind = ATOM_ANY_DOUBLED, .source = source});
        if (!say_check(c, both(c, new, doubled), c->sources[source].scope, NULL,
                       "a key occurs twice"))
            return false;
    }
    return true;
}

static bool
cross_star(struct compose *c, const struct object *o, struct spot *s)
{
    if (s->n_stars == STARS_MAX)
        return compose_stop(c, o->about, "a place has too many stars");
    s->stars[s->n_stars++] = s->node;
    if (s->node->each != NORMAL_NONE)
        s->scope = s->node->each;
    return true;
}

static bool
step_kid(struct compose *c, const struct object *o,
         const struct lens_step *step, struct spot *s)
{
    s->host = s->node;
    switch (step->kind) {
    case LENS_KEY:
        s->node = node_kid(c, s->host, step->key);
        return s->node != NULL;
    case LENS_EACH:
        s->node = node_each(c, s->host);
        return s->node && cross_star(c, o, s);
    case LENS_INDEX:
    case LENS_LAST:
    case LENS_ONLY:
    case LENS_FIND:
        s->node = node_element(c, s->host, step);
        return s->node != NULL;
    case LENS_EACH_FIND:
        return compose_stop(c, o->about, "a step looks for elements");
    }
    return false;
}

static bool
begin(struct compose *c, const struct object *o, struct normal_node *from,
      const struct lens_place *place, struct spot *out)
{
    *out = (struct spot){.place = place, .node = from, .scope = o->scope};
    return place->n <= STEPS_MAX ||
           compose_stop(c, o->about, "a place has too many steps");
}

/* What is asked of what a step leads through. */
static bool
read_step(struct compose *c, const struct normal_node *n,
          const struct lens_step *step, guard when)
{
    if (step->kind == LENS_KEY)
        return refuse_doubled(c, n, step->key, when);
    if (step->kind == LENS_EACH || step->kind == LENS_EACH_FIND)
        return read_members(c, n, when);
    return element_read(c, n, step, when);
}

bool
spot_read(struct compose *c, const struct object *o, struct normal_node *from,
          const struct lens_place *place, guard when, struct spot *out)
{
    if (!begin(c, o, from, place, out))
        return false;
    for (size_t i = 0; i < place->n; i++) {
        const struct lens_step *step = &place->steps[i];
        out->path[i] = out->node;
        if (!read_step(c, out->node, step, when) || !step_kid(c, o, step, out))
            return false;
    }
    return true;
}

/* Are the stars of `a` those of `b`? One that was taken left a hole of its list. */
bool
spot_same_stars(const struct spot *a, const struct spot *b)
{
    for (size_t i = 0; i < a->n_stars; i++)
        if (i >= b->n_stars || (a->stars[i] != b->stars[i] &&
                                (a->stars[i]->each == NORMAL_NONE ||
                                 a->stars[i]->each != b->stars[i]->each)))
            return false;
    return true;
}

/* ---- order of what comes in ---------------------------------------------------------- */

struct normal_order
order_of(struct compose *c, const struct lens_origin *origin)
{
    return (struct normal_order){
        .step = c->step,
        .change = origin->change ? origin->change->name : (span){0},
        .arrow = (uint64_t)origin->line << 32 | origin->column,
        .nth = c->n_arrived++};
}

bool
order_before(const struct normal_order *a, const struct normal_order *b)
{
    if (a->step != b->step)
        return a->step < b->step;
    int by_name = span_cmp(a->change, b->change);
    if (by_name)
        return by_name < 0;
    return a->arrow < b->arrow;
}

/* ---- writing ---------------------------------------------------------------------------- */

/* A parent that was made in this step for a later arrow comes earlier. */
static bool
come_earlier(struct compose *c, struct normal_node *n, guard when,
             const struct normal_order *order)
{
    size_t n_alts = n->n_alts;
    for (size_t i = 0; i < n_alts; i++) {
        struct normal_alt alt = n->alts[i];
        guard earlier = both(c, alt.when, when);
        if (!alt.made || alt.order.step != c->step || earlier == GUARD_NEVER ||
            !order_before(order, &alt.order))
            continue;
        n->alts[i].when = without(c, alt.when, when);
        alt.when = earlier;
        alt.order = *order;
        if (!node_add(c, n, alt))
            return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n->n_alts; i++)
        if (n->alts[i].when != GUARD_NEVER)
            n->alts[kept++] = n->alts[i];
    n->n_alts = kept;
    return true;
}

/* An element is made, last in its list: what lies before it must be there. */
static bool
make_element(struct compose *c, struct normal_node *n, guard missing,
             uint32_t scope, const struct lens_origin *origin)
{
    const struct normal_node *list = n->parent;
    const struct lens_step *step = n->element;
    guard fits = GUARD_NEVER;
    if (step->kind == LENS_INDEX && step->index > 0) {
        for (size_t i = 0; i < list->n_alts; i++)
            if (list->alts[i].kind == ALT_SOURCE)
                fits = either(
                    c, fits,
                    both(c, list->alts[i].when,
                         ask(c, (struct atom){.kind = ATOM_BEYOND,
                                              .term = term_of_source(
                                                  c, list->alts[i].source),
                                              .n = step->index - 1})));
        if (!say_check(c, without(c, missing, fits), scope, origin,
                       "an element would have to be made, and those before it "
                       "are not there"))
            return false;
    }
    return element_tag(c, n, missing, origin);
}

/* While `when` holds, `n` must be what `next` is a step of, and is made if missing. */
static bool
make_host(struct compose *c, const struct object *o, struct normal_node *n,
          const struct lens_step *next, guard when,
          const struct normal_order *order, const struct lens_origin *origin,
          uint32_t scope)
{
    bool finds = next->kind != LENS_KEY && next->kind != LENS_EACH;
    unsigned types = next->kind == LENS_KEY ? (unsigned)LENS_OBJECT
                     : finds                ? (unsigned)LENS_LIST
                             : (unsigned)(LENS_OBJECT | LENS_LIST);
    guard there = node_present(c, n);
    guard good = node_types(c, n, types);
    guard wrong = without(c, both(c, when, there), good);
    guard missing = without(c, when, there);
    if (!say_check(c, wrong, scope, origin,
                   "on the way to what must be written stands something that "
                   "is no object"))
        return false;
    if (!come_earlier(c, n, when, order))
        return false;
    if (missing == GUARD_NEVER)
        return true;
    /* An element that was taken leaves room for one in its place. */
    if (n->is_each &&
        (n->each == NORMAL_NONE ||
         !guard_implies(&c->guards, missing, ask_present(c, n->each))))
        return compose_stop(c, o->about, "an element would have to be made");
    if (next->kind == LENS_EACH)
        return compose_stop(c, o->about, "a list would have to be made");
    if (n->element && !make_element(c, n, missing, scope, origin))
        return false;
    return node_add(c, n,
                    (struct normal_alt){.when = missing,
                                        .kind = ALT_MADE,
                                        .order = *order,
                                        .made = true,
                                        .is_list = finds});
}

/* Does an element itself go into one that is made in its place, at the first `n` steps? Of
 * a type it must not be. */
static bool
is_own_element(const struct object *o, const struct lens_place *place, size_t n,
               const struct spot *from)
{
    struct lens_place at = {place->steps, n, place->text};
    const struct lens_place *own = from ? from->place : NULL;
    if (!own || !own->n || own->steps[own->n - 1].kind != LENS_EACH)
        return false;
    for (size_t i = 0; i < o->next->n_children; i++)
        if (lens_place_same(&o->next->children[i].place, &at))
            return false;
    return true;
}

bool
spot_make(struct compose *c, const struct object *o,
          const struct lens_place *place, const struct spot *from, guard when,
          const struct lens_origin *origin, struct spot *out)
{
    struct normal_order order = order_of(c, origin);
    if (!begin(c, o, o->root, place, out))
        return false;
    for (size_t i = 0; i < place->n; i++) {
        const struct lens_step *step = &place->steps[i];
        out->path[i] = out->node;
        if (out->node->is_each && !is_own_element(o, place, i, from) &&
            !guard_implies(&c->guards, when, node_present(c, out->node)))
            return compose_stop(c, origin, "an element would have to be made");
        if (i > 0 &&
            !make_host(c, o, out->node, step, when, &order, origin, out->scope))
            return false;
        if (!step_kid(c, o, step, out))
            return false;
    }
    return !from || spot_same_stars(out, from) ||
           compose_stop(c, origin,
                        "values go from the elements of one list to those of "
                        "another");
}
