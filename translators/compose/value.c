/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: `up:`, `down:`, `absent:` and the like, as nodes in no place.
 *
 * What a value reads is captured as the object is before anything is taken; its
 * stages run each time it is given.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as the file has `else:` */

struct captured {
    const struct lens_value *value;
    struct normal_node *node; /* what was found; its stages have not run */
    struct captured *otherwise;
};

static bool
is_plain(const struct normal_node *n)
{
    return n->n_kids == 0 && !n->others && !n->state;
}

/* Is something typed in what stands there? */
static bool
is_typed(const struct object *o, const struct lens_place *place)
{
    for (size_t i = 0; i < o->at->n_children; i++) {
        const struct lens_place *p = &o->at->children[i].place;
        struct lens_place begin = {p->steps, place->n, p->text};
        if (p->n >= place->n && lens_place_same(&begin, place))
            return true;
    }
    return false;
}

static bool
read_place(struct compose *c, const struct object *o,
           const struct lens_place *place, guard when, const struct spot *at,
           struct spot *out)
{
    if (is_typed(o, place)) {
        compose_stop(c, o->about, "a value copies an object of a type");
        return false;
    }
    if (!spot_read(c, o, o->root, place, when, out))
        return false;
    if (out->n_stars == 0 || (at && spot_same_stars(out, at)))
        return true;
    compose_stop(c, o->about, "a value is read from another list's elements");
    return false;
}

static bool
constant(struct compose *c, struct normal_node *n, const struct json *value,
         guard when)
{
    return node_add(c, n,
                    (struct normal_alt){.when = when,
                                        .kind = ALT_TERM,
                                        .term = term_const(c, value)});
}

/* What is at the first of the places where something is, or the tag of it. */
static bool
first_of(struct compose *c, const struct object *o, const struct lens_value *v,
         guard when, const struct spot *at, struct normal_node *out)
{
    guard before = GUARD_NEVER;
    for (size_t i = 0; i < v->n_places; i++) {
        struct spot from;
        if (!read_place(c, o, &v->places[i], when, at, &from))
            return false;
        guard here = node_present(c, from.node);
        if (v->kind == LENS_VALUE_WHICH) {
            if (!constant(c, out, v->tags[i], without(c, here, before)))
                return false;
            before = either(c, before, here);
            continue;
        }
        if (!is_plain(from.node) && v->n_places == 1) {
            struct normal_node *copy = node_copy(c, from.node);
            if (!copy)
                return false;
            *out = *copy;
            for (size_t k = 0; k < out->n_kids; k++)
                out->kids[k]->parent = out;
            out->key = (span){0};
            return true;
        }
        if (!is_plain(from.node))
            return compose_stop(c, o->about, "a value is one of two objects");
        for (size_t k = 0; k < from.node->n_alts; k++) {
            struct normal_alt alt = from.node->alts[k];
            alt.when = without(c, alt.when, before);
            alt.made = false;
            if (!node_add(c, out, alt))
                return false;
        }
        before = either(c, before, here);
    }
    return true;
}

/* Are the elements that stand there those that came, all of them? */
static bool
all_stay(struct compose *c, const struct normal_node *n,
         const struct normal_alt *alt)
{
    const struct normal_node *each = n->n_kids ? n->kids[0] : NULL;
    if (alt->kind != ALT_SOURCE || (each && !each->is_each))
        return false;
    if (!each)
        return true;
    bool is_alone = n->n_kids == 1 && each->n_alts == 1 &&
                    each->each == source_each(c, alt->source);
    guard came = both(c, alt->when, ask_present(c, each->each));
    return is_alone && guard_implies(&c->guards, came, node_present(c, each)) &&
           !(each->state && each->state->may_vanish);
}

/* How many elements or members it has: as they came if all of them stay, else as they stand
 * then. */
static bool
count_of(struct compose *c, const struct object *o, const struct lens_value *v,
         guard when, const struct spot *at, struct normal_node *out)
{
    struct spot from;
    if (!spot_read(c, o, o->root, &v->places[0], when, &from))
        return false;
    if (from.n_stars && !(at && spot_same_stars(&from, at)))
        return compose_stop(c, o->about,
                            "a value is read from another list's elements");
    const struct normal_node *n = from.node;
    for (size_t i = 0; i < n->n_alts; i++) {
        const struct normal_alt *alt = &n->alts[i];
        bool stay = all_stay(c, n, alt);
        if (!stay && (n->state || node_has_states(n)))
            return compose_stop(c, o->about,
                                "elements of a type are counted that may go");
        uint32_t of =
            stay ? term_of_source(c, alt->source) : node_term(c, n, alt);
        if (of == NORMAL_NONE)
            return false;
        guard has =
            both(c, alt->when, ask_types(c, of, LENS_LIST | LENS_OBJECT));
        uint32_t term =
            term_make(c, (struct term){.kind = TERM_COUNT, .of = of});
        if (!node_add(c, out,
                      (struct normal_alt){
                          .when = has, .kind = ALT_TERM, .term = term}))
            return false;
    }
    return true;
}

static bool
text_of(struct compose *c, const struct object *o, const struct lens_value *v,
        guard when, const struct spot *at, struct normal_node *out)
{
    struct term_part *parts = arena_array(c->a, v->n_parts, sizeof(*parts));
    guard whole = GUARD_ALWAYS;
    if (!parts)
        return compose_full(c);
    for (size_t i = 0; i < v->n_parts; i++) {
        const struct lens_part *part = &v->parts[i];
        struct spot from;
        parts[i] = (struct term_part){GUARD_ALWAYS, NORMAL_NONE, part->text};
        if (part->kind == LENS_PART_TEXT)
            continue;
        if (part->kind == LENS_PART_INDEX)
            return compose_stop(c, o->about, "a text counts elements");
        if (!read_place(c, o, &part->place, when, at, &from))
            return false;
        whole = both(
            c, whole,
            node_types(c, from.node, LENS_BOOL | LENS_NUMBER | LENS_STRING));
        size_t n = from.node->n_alts;
        struct term_part *choice = arena_array(c->a, n, sizeof(*choice));
        if (!choice)
            return compose_full(c);
        for (size_t k = 0; k < n; k++)
            choice[k] = (struct term_part){from.node->alts[k].when,
                                           node_scalar(c, &from.node->alts[k]),
                                           {0}};
        parts[i].term = term_make(
            c,
            (struct term){.kind = TERM_FIRST, .parts = choice, .n_parts = n});
    }
    uint32_t term = term_make(c, (struct term){.kind = TERM_JOIN,
                                               .parts = parts,
                                               .n_parts = v->n_parts});
    return node_add(
        c, out,
        (struct normal_alt){.when = whole, .kind = ALT_TERM, .term = term});
}

bool
captured_read(struct compose *c, const struct object *o,
              const struct lens_value *v, guard when, const struct spot *at,
              struct captured **out)
{
    *out = NULL;
    if (v->kind == LENS_VALUE_UNSAID)
        return true;
    struct captured *made = arena_alloc(c->a, sizeof(*made));
    if (!made)
        return compose_full(c);
    made->value = v;
    made->node = node_new(c, NULL, (span){0});
    if (!made->node || (v->otherwise && !captured_read(c, o, v->otherwise, when,
                                                       at, &made->otherwise)))
        return false;
    *out = made;
    switch (v->kind) {
    case LENS_VALUE_UNSAID:
    case LENS_VALUE_ABSENT:
        return true;
    case LENS_VALUE_LITERAL:
        return constant(c, made->node, v->literal, GUARD_ALWAYS);
    case LENS_VALUE_FROM:
    case LENS_VALUE_FIRST:
    case LENS_VALUE_WHICH:
        return first_of(c, o, v, when, at, made->node);
    case LENS_VALUE_TEXT:
        return text_of(c, o, v, when, at, made->node);
    case LENS_VALUE_COUNT:
        return count_of(c, o, v, when, at, made->node);
    case LENS_VALUE_POSITION:
        return compose_stop(c, o->about, "a value looks for a position");
    }
    return true;
}

bool
captured_give(struct compose *c, const struct captured *v,
              const struct lens_origin *origin, uint32_t scope, guard when,
              struct normal_node **out)
{
    struct staging s = {.stages = &v->value->stages,
                        .outside = LENS_OUTSIDE_FAIL,
                        .rest = LENS_REST_UNSAID,
                        .origin = origin,
                        .scope = scope};
    struct normal_node *node = node_copy(c, v->node);
    *out = node;
    if (!node)
        return false;
    node_limit(c, node, when);
    bool staged =
        v->value->kind == LENS_VALUE_FROM || v->value->kind == LENS_VALUE_FIRST;
    if (staged && !stage_all(c, &s, node))
        return false;
    if (!v->otherwise)
        return true;
    struct normal_node *other = NULL;
    guard missing = without(c, when, node_present(c, node));
    if (!captured_give(c, v->otherwise, origin, scope, missing, &other))
        return false;
    if (!is_plain(node) || !is_plain(other))
        return other->n_alts == 0 ||
               compose_stop(c, origin, "a value is one of two objects");
    for (size_t i = 0; i < other->n_alts; i++)
        if (!node_add(c, node, other->alts[i]))
            return false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
