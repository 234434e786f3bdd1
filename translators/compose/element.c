/* SPDX-License-Identifier: Apache-2.0 */
/*
 * element: steps that count elements of a list or look for one.
 *
 * One element of a list is a node of its own, as long as nothing else in the chain
 * speaks of that list's elements: the step was asked of the list as it came, and another
 * that is asked when elements have gone or come would find another one.
 */
#include "translators/compose/build.h"

static bool
step_same(const struct lens_step *a, const struct lens_step *b)
{
    const struct lens_place x = {.steps = a, .n = 1};
    const struct lens_place y = {.steps = b, .n = 1};
    return a == b || lens_place_same(&x, &y);
}

uint32_t
source_element(struct compose *c, uint32_t list, const struct lens_step *step)
{
    for (uint32_t at = c->sources[list].element; at != NORMAL_NONE;
         at = c->sources[at].next)
        if (step_same(c->sources[at].step, step))
            return at;
    uint32_t at =
        source_new(c, (struct source){.kind = SOURCE_ELEMENT,
                                      .parent = list,
                                      .step = step,
                                      .next = c->sources[list].element,
                                      .scope = c->sources[list].scope});
    c->sources[list].element = at;
    return at;
}

/* When the lists of `n` as they came have the element. */
static guard
came(struct compose *c, const struct normal_node *n,
     const struct lens_step *step)
{
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < n->n_alts; i++)
        if (n->alts[i].kind == ALT_SOURCE)
            is = either(c, is,
                        both(c, n->alts[i].when,
                             ask_present(c, source_element(c, n->alts[i].source,
                                                           step))));
    return is;
}

/* Is it all that came, and as it came? */
static bool
is_untouched(struct compose *c, const struct normal_node *n,
             const struct normal_node *element)
{
    for (size_t i = 0; i < element->n_kids; i++) {
        guard there = GUARD_NEVER;
        const struct normal_node *kid = element->kids[i];
        for (size_t k = 0; k < kid->n_alts; k++)
            if (kid->alts[k].kind != ALT_SOURCE || kid->alts[k].order.step)
                return false;
        for (size_t k = 0; k < element->n_alts; k++) {
            uint32_t source = source_kid(c, element->alts[k].source, kid->key);
            there =
                either(c, there,
                       both(c, element->alts[k].when, ask_present(c, source)));
        }
        if (kid->n_kids || node_present(c, kid) != there)
            return false;
    }
    for (size_t i = 0; i < element->n_alts; i++)
        if (element->alts[i].kind != ALT_SOURCE)
            return false;
    return node_present(c, element) == came(c, n, element->element);
}

/* The element that is known, if this is what the step finds; false: it may not be. */
static bool
known_element(struct compose *c, struct normal_node *n,
              const struct lens_step *step, struct normal_node **out)
{
    for (size_t i = 0; i < n->n_kids; i++) {
        struct normal_node *kid = n->kids[i];
        bool here = kid->element && step_same(kid->element, step);
        guard left = here ? came(c, n, step) : GUARD_NEVER;
        for (size_t k = 0; here && k < kid->n_alts; k++)
            if (kid->alts[k].kind == ALT_SOURCE)
                left = without(c, left, kid->alts[k].when);
        if (here && left == GUARD_NEVER &&
            (kid->met == c->step || is_untouched(c, n, kid))) {
            kid->met = c->step;
            *out = kid;
        } else if (kid->n_alts || kid->element) {
            return compose_stop(c, NULL,
                                "two steps lead to elements of one list");
        }
    }
    return true;
}

struct normal_node *
node_element(struct compose *c, struct normal_node *n,
             const struct lens_step *step)
{
    struct normal_node *element = NULL;
    if (n->state) {
        compose_stop(c, NULL,
                     "an arrow leads into an object of a type that holds "
                     "itself");
        return NULL;
    }
    if (!known_element(c, n, step, &element))
        return NULL;
    if (element)
        return element;
    element = node_new(c, n, (span){0});
    if (!element)
        return NULL;
    element->element = step;
    element->met = c->step;
    n->n_kids = 0; /* keys without anything */
    return node_add_kid(c, n, element) ? element : NULL;
}

bool
element_read(struct compose *c, const struct normal_node *list,
             const struct lens_step *step, guard when)
{
    for (size_t i = 0; i < list->n_alts; i++) {
        if (list->alts[i].kind != ALT_SOURCE)
            continue;
        uint32_t source = source_element(c, list->alts[i].source, step);
        uint32_t term = term_of_source(c, list->alts[i].source);
        guard asked = both(c, when, list->alts[i].when);
        guard new = without(c, asked, c->sources[source].asked);
        c->sources[source].asked = either(c, asked, c->sources[source].asked);
        guard is_list = both(c, new, ask_types(c, term, LENS_LIST));
        guard fails = GUARD_NEVER;
        if (step->kind == LENS_ONLY)
            fails = ask(c, (struct atom){.kind = ATOM_SEVERAL, .term = term});
        if (step->kind == LENS_FIND)
            fails =
                ask(c, (struct atom){.kind = ATOM_DOUBLED, .source = source});
        if (!say_check(c, both(c, is_list, fails), c->sources[source].scope,
                       NULL, "two elements are what one step may lead to"))
            return false;
    }
    return true;
}

/* Has a list as it came more than `n` elements? */
static guard
has_more(struct compose *c, uint32_t list, size_t n)
{
    return ask(c, (struct atom){.kind = ATOM_BEYOND,
                                .term = term_of_source(c, list),
                                .n = n});
}

guard
element_alone(struct compose *c, const struct normal_alt *list,
              const struct normal_node *element)
{
    uint32_t source = source_element(c, list->source, element->element);
    guard is = both(c, ask_present(c, source),
                    guard_not(&c->guards, has_more(c, list->source, 1)));
    return either(c, is, guard_not(&c->guards, has_more(c, list->source, 0)));
}

/* One that is counted stays while another stands behind it. */
guard
element_counted(struct compose *c, const struct normal_node *list,
                const struct lens_step *step)
{
    guard is = GUARD_NEVER;
    size_t n = step->kind == LENS_INDEX ? step->index + 1 : 1;
    if (step->kind != LENS_INDEX && step->kind != LENS_LAST)
        return is;
    for (size_t i = 0; i < list->n_alts; i++)
        if (list->alts[i].kind == ALT_SOURCE)
            is = either(c, is,
                        both(c, list->alts[i].when,
                             has_more(c, list->alts[i].source, n)));
    return is;
}

/* Does the element, as it is now, pass the tests of its step? */
static bool
passes(struct compose *c, struct normal_node *element, guard *out)
{
    const struct lens_step *step = element->element;
    *out = node_types(c, element, LENS_OBJECT);
    for (size_t i = 0; i < step->n_finds; i++) {
        const struct lens_find *find = &step->finds[i];
        struct normal_node *n = element;
        for (size_t k = 0; n && k < find->member.n; k++)
            n = node_kid(c, n, find->member.steps[k].key);
        if (!n)
            return false;
        guard is = node_present(c, n);
        if (find->kind == LENS_LACKS)
            is = guard_not(&c->guards, is);
        if (find->kind == LENS_EQUALS)
            is = node_equals(c, n, find->value);
        *out = both(c, *out, is);
    }
    return true;
}

bool
element_is_found(struct compose *c, struct normal_node *element, guard when,
                 uint32_t scope, const struct lens_origin *origin)
{
    guard is = GUARD_NEVER;
    return passes(c, element, &is) &&
           say_check(c, without(c, when, is), scope, origin,
                     "an element that was made is not what its step looks for");
}

/* The members that its step's tests name: its tag. */
bool
element_tag(struct compose *c, struct normal_node *element, guard when,
            const struct lens_origin *origin)
{
    const struct lens_step *step = element->element;
    for (size_t i = 0; i < step->n_finds; i++) {
        const struct lens_find *find = &step->finds[i];
        if (find->kind != LENS_EQUALS)
            continue;
        if (find->member.n != 1)
            return compose_stop(c, origin, "an element's tag lies deeper");
        struct normal_node *tag =
            node_kid(c, element, find->member.steps[0].key);
        if (!tag ||
            !node_add(c, tag,
                      (struct normal_alt){
                          .when = without(c, when, node_present(c, tag)),
                          .kind = ALT_TERM,
                          .term = term_const(c, find->value),
                          .order = {.step = c->step,
                                    .slot = NORMAL_NONE,
                                    .nth = (uint32_t)i}}))
            return false;
    }
    return true;
}

/* Is nothing left in it but its tag? */
guard
element_void(struct compose *c, struct normal_node *element)
{
    const struct lens_step *step = element->element;
    for (size_t i = 0; i < step->n_finds; i++)
        if (step->finds[i].member.n == 1 &&
            !node_kid(c, element, step->finds[i].member.steps[0].key))
            return GUARD_NEVER;
    guard is = node_void(c, element);
    if (step->kind != LENS_FIND)
        return is;
    struct normal_node bare = *element;
    struct normal_node **kids =
        arena_array(c->a, element->n_kids + 1, sizeof(struct normal_node *));
    if (!kids) {
        compose_full(c);
        return GUARD_NEVER;
    }
    bare.kids = kids;
    bare.room_kids = element->n_kids + 1;
    for (size_t i = 0; i < element->n_kids; i++) {
        struct normal_node *kid = node_copy(c, element->kids[i]);
        if (!kid)
            return GUARD_NEVER;
        kids[i] = kid;
        for (size_t k = 0; k < step->n_finds; k++)
            if (step->finds[k].kind == LENS_EQUALS &&
                step->finds[k].member.n == 1 &&
                span_eq(step->finds[k].member.steps[0].key, kid->key))
                node_limit(
                    c, kid,
                    guard_not(&c->guards,
                              node_equals(c, kid, step->finds[k].value)));
    }
    return either(c, is, node_void(c, &bare));
}
