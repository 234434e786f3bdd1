/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: a document that is not there goes through the chain. This room's own.
 *
 * For each type there is a state whose nodes are what stands in an object of it
 * after the steps so far; a step changes them as SEMANTICS.md's "One step" would
 * change the object, once for all documents: where that depends on the
 * document, an alternative is split by a guard.
 *
 * A function that returns NULL or false has either filled the arena (`full`) or
 * stopped the state at hand (`stop`), and everybody above returns. Guards,
 * terms, sources and atoms are numbers and always answer; ask `full` at the end.
 */
#pragma once

#include "translators/compose/compose.h"
#include "translators/json/tree.h"

/* What a term has been compared with (equal.c). */
struct equals {
    struct equal *first; /* in the order in which they were met */
    struct equal *last;
};

struct compose {
    struct arena *a;
    const struct lens_api *api;
    size_t from;
    size_t at; /* the version reached; in a step, the one that is read */
    bool up;
    enum lens_side read;
    enum lens_side write;
    unsigned step;     /* number of the version step, from 1 */
    bool touched_only; /* nobody asks for types that the first leaves alone */

    struct guards guards;
    struct source *sources;
    size_t n_sources;
    size_t room_sources;
    struct term *terms;
    struct equals *equals;    /* by term */
    struct types_cell *types; /* what ask_types was asked last */
    struct key_cell *keys;    /* and where a key was */
    size_t n_terms;
    size_t room_terms;
    uint32_t *term_slots;
    size_t n_term_slots;
    struct atom *atoms;
    size_t n_atoms;
    size_t room_atoms;
    uint32_t *atom_slots;
    size_t n_atom_slots;
    struct equal **equal_slots;
    size_t n_equal_slots;
    size_t n_equal;
    const struct json **symbols; /* a set of values, while it is gathered */
    size_t room_symbols;
    unsigned n_marked; /* sets that were asked for */
    bool full;

    /* What lowering needs, for the next: guards, and by source spots and levels. */
    struct assumed *assumed;
    size_t room_assumed;
    unsigned lowerings;
    struct class_cell
        *classes; /* what a guard is of a class, the last time asked */
    void *spots;
    void *levels;
    size_t room_spots;

    struct take *takes; /* room for those of a step, while none is at hand */
    size_t room_takes;

    const bool
        *reaches; /* [type * n_types + inner]: an arrow of it leads into one */
    struct normal_state **roots; /* by type */
    struct normal_state **fresh; /* by type: begun in this step */
    struct normal_state *state;  /* at hand */
    unsigned *forms;             /* by type: see compose_form */
    bool *touched; /* by type: the step at hand may do something to one */

    uint32_t n_arrived;
    uint32_t *marks; /* of all normal forms that were taken */
    size_t room_marks;
    uint32_t n_walks;
    bool
        asks; /* nothing that an arrow says is told: what would fail is in `fails` */
    guard fails;
};

/* The state at hand has no normal form. Always false. */
bool compose_stop(struct compose *c, const struct lens_origin *origin,
                  const char *why);
/* The arena is full. Always false. */
bool compose_full(struct compose *c);

/* Room for one more; NULL when full. */
void *compose_grow(struct compose *c, void *array, size_t n, size_t *room,
                   size_t size);
#define COMPOSE_GROW(c, array, n, room)                                        \
    compose_grow((c), (array), (n), &(room), sizeof(*(array)))

/* A hash goes on. */
static inline uint64_t
compose_mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

/* ---- chains (chain.c) ---- */

/* Which types the step at hand may do something to (touch.c). */
void touch_find(struct compose *c);

/* Keys of one object that are of one length mostly differ at their end. */
static inline bool
key_eq(span x, span y)
{
    return x.len == y.len &&
           (x.len == 0 ||
            (x.at[x.len - 1] == y.at[x.len - 1] && span_eq(x, y)));
}

/* A step asks for the places of its arrows several times: which kid a key was last, by where the
 * key is written, of a source (as 1 + its number) or of a node. It may be that no more. */
#define KEY_CELLS 256u

struct key_cell {
    uintptr_t in;
    span key;
    size_t nth;
};

static inline struct key_cell *
key_cell(struct compose *c, uintptr_t in, span key)
{
    uint64_t h = (in ^ (uintptr_t)key.at << 7) * 0x9E3779B97F4A7C15u;
    return &c->keys[h >> 32 & (KEY_CELLS - 1)];
}

static inline bool
key_is_at(const struct key_cell *cell, uintptr_t in, span key)
{
    return cell->in == in && cell->key.at == key.at && cell->key.len == key.len;
}

/* ---- guards, shortly ---- */

static inline guard
both(struct compose *c, guard x, guard y)
{
    return guard_and(&c->guards, x, y);
}

static inline guard
either(struct compose *c, guard x, guard y)
{
    return guard_or(&c->guards, x, y);
}

static inline guard
without(struct compose *c, guard x, guard y)
{
    return guard_without(&c->guards, x, y);
}

/* ---- sources and terms (tables.c) ---- */

uint32_t source_root(struct compose *c);
uint32_t source_kid(struct compose *c, uint32_t source, span key);
uint32_t source_each(struct compose *c, uint32_t source);
uint32_t source_element(struct compose *c, uint32_t list,
                        const struct lens_step *step);
uint32_t source_new(struct compose *c, struct source source);

uint32_t term_of_source(struct compose *c, uint32_t source);
uint32_t term_const(struct compose *c, const struct json *value);
uint32_t term_make(struct compose *c, struct term term);

/* Room for what was answered, before anything is asked. False: full. */
MUST_CHECK bool ask_room(struct compose *c);

/* ---- questions about terms; a term that is asked is there ---- */

uint32_t ask_atom(struct compose *c, struct atom atom);
guard ask(struct compose *c, struct atom atom);
guard ask_present(struct compose *c, uint32_t source);
guard ask_types(struct compose *c, uint32_t term, unsigned types);
guard ask_equals(struct compose *c, uint32_t term, const struct json *value);
/* It is one of these. */
guard ask_one_of(struct compose *c, uint32_t term,
                 const struct json *const *values, size_t n);
guard ask_same(struct compose *c, uint32_t term, uint32_t other);
guard ask_starts(struct compose *c, uint32_t term, span text);
guard ask_lines(struct compose *c, uint32_t term, size_t n);
guard ask_unclean(struct compose *c, uint32_t term);

/* ---- texts and numbers that a term is compared with (equal.c) ---- */

struct equal {
    const struct json *value;
    uint32_t term;
    uint32_t atom;
    guard before; /* it is none of its kind that was met earlier */
    unsigned mark;
    struct equal *earlier;
    struct equal *next;
};

/* It is this value, and none of its kind that was met earlier. */
guard equal_in_order(struct compose *c, uint32_t term,
                     const struct json *value);
/* Put it into the set of this mark. False: full. */
MUST_CHECK bool equal_mark(struct compose *c, uint32_t term,
                           const struct json *value, unsigned mark);
/* It is one of those of the set that are of this kind. */
guard equal_marked(struct compose *c, uint32_t term, enum json_kind kind,
                   unsigned mark);

/* ---- nodes (node.c) ---- */

struct normal_node *node_new(struct compose *c, struct normal_node *parent,
                             span key);

/* The kid of this key, made if it was not known. NULL: see above. */
struct normal_node *node_kid(struct compose *c, struct normal_node *n,
                             span key);

/* What stands for each member that no place names (open.c). NULL: see above. */
struct normal_node *node_others(struct compose *c, struct normal_node *n);
/* Of the others of an object, whose EACH this is, such a one is there. */
guard others_some(struct compose *c, uint32_t each, guard is);
/* A member of an object whose others have been spoken of becomes known (instance.c). */
void others_become(struct compose *c, uint32_t each, uint32_t one);
/* What alternative `at` has under a key that becomes known: what was said of the
 * others, said of that one (instance.c). */
MUST_CHECK bool others_member(struct compose *c, struct normal_node *n,
                              size_t at, struct normal_node *kid);

/* It is a kid already; what the alternatives have there it knows. */
MUST_CHECK bool node_push_kid(struct compose *c, struct normal_node *n,
                              struct normal_node *kid);

/* All keys of what came that are known anywhere are known here. */
MUST_CHECK bool node_know(struct compose *c, struct normal_node *n);

/* What stands for all elements. */
struct normal_node *node_each(struct compose *c, struct normal_node *n);

/* Another kid, with what all alternatives have there. */
MUST_CHECK bool node_add_kid(struct compose *c, struct normal_node *n,
                             struct normal_node *kid);

/* One more alternative; the kids that are known get theirs. */
MUST_CHECK bool node_add(struct compose *c, struct normal_node *n,
                         struct normal_alt alt);

/* ---- what is asked of a node (node_ask.c) ---- */

/* Has `n` members of its own by name? One that has none, or all by a star, has not. */
bool node_has_keys(const struct normal_node *n);

/* The guard under which something, an object, a list is there. */
guard node_present(struct compose *c, const struct normal_node *n);
guard node_types(struct compose *c, struct normal_node *n, unsigned types);
guard node_equals(struct compose *c, struct normal_node *n,
                  const struct json *value);

/* Of an alternative that is known to be a scalar; NORMAL_NONE if it cannot be one. */
uint32_t node_scalar(struct compose *c, const struct normal_alt *alt);

/* The value of an alternative as it stands now. NORMAL_NONE: stopped or full. */
uint32_t node_term(struct compose *c, const struct normal_node *n,
                   const struct normal_alt *alt);

/* Only while `when` holds does `n`, with all in it, stand. */
void node_limit(struct compose *c, struct normal_node *n, guard when);

/* A copy of all in it, in no place. States in it are kept as they are. */
struct normal_node *node_copy(struct compose *c, const struct normal_node *n);

/* The same, frozen: it does not change when the builder goes on. */
struct normal_node *node_freeze(struct compose *c, const struct normal_node *n);

/* The same, where the kids have theirs already. */
MUST_CHECK bool node_push(struct compose *c, struct normal_node *n,
                          struct normal_alt alt);

/* All that may stand at `value`, which is in no place, may stand at `to` as well
 * (merge.c). */
MUST_CHECK bool node_merge(struct compose *c, struct normal_node *to,
                           struct normal_node *value);

/* The value stands in the slot of what held it. */
MUST_CHECK bool node_inherit(struct compose *c, struct normal_node *value,
                             const struct normal_node *outer);

/* Take it out of its parent, in which an empty node keeps the key. */
MUST_CHECK bool node_cut(struct compose *c, struct normal_node *n);

/* Is nothing in this object? Asked of what is one. */
guard node_void(struct compose *c, struct normal_node *n);
/* The same, whatever is at this kid. */
guard node_void_but(struct compose *c, struct normal_node *n,
                    const struct normal_node *kid);

/* What goes may run through states: keep it for their checks. */
MUST_CHECK bool node_gone(struct compose *c, struct normal_node *n,
                          uint32_t scope);

/* ---- lists as maps (index.c) ---- */

/* Is it a list that became a map, or a map that became a list? */
bool node_is_turned(const struct normal_node *n);
bool node_is_turned_list(const struct normal_node *n);
/* The member of this key in a list that became a map. NULL: see above. */
struct normal_node *index_member(struct compose *c, struct normal_node *n,
                                 span key);
/* All members of `n` but the one by name are none. */
guard index_alone(struct compose *c, const struct normal_node *n);

/* ---- elements that a step counts or looks for (element.c) ---- */

/* The kid that is the element of a list; NULL: see above. */
struct normal_node *node_element(struct compose *c, struct normal_node *n,
                                 const struct lens_step *step);
/* It is looked for while `when` holds: it must be one at most. */
MUST_CHECK bool element_read(struct compose *c, const struct normal_node *list,
                             const struct lens_step *step, guard when);
/* Nothing but it is in this list, or nothing at all. */
guard element_alone(struct compose *c, const struct normal_alt *list,
                    const struct normal_node *element);
/* It is counted, and another stands behind it. */
guard element_counted(struct compose *c, const struct normal_node *list,
                      const struct lens_step *step);
guard element_void(struct compose *c, struct normal_node *element);
/* While `when` holds it was made: its tag, and that it is what its step finds. */
MUST_CHECK bool element_tag(struct compose *c, struct normal_node *element,
                            guard when, const struct lens_origin *origin);
MUST_CHECK bool element_is_found(struct compose *c, struct normal_node *element,
                                 guard when, uint32_t scope,
                                 const struct lens_origin *origin);

/* ---- places ---- */

#define STARS_MAX 4
#define STEPS_MAX 16

struct spot {
    const struct lens_place *place;
    struct normal_node *node;
    struct normal_node *host;            /* its parent */
    struct normal_node *path[STEPS_MAX]; /* path[i]: before step i */
    struct normal_node *stars[STARS_MAX];
    size_t n_stars;
    uint32_t scope; /* the innermost element that it is in */
    bool is_others; /* the node is of all members that no place names */
};

/* What holds of an object while a case fits. */
struct held_block {
    const struct lens_block *of;
    guard when;
};

struct held_case {
    const struct lens_case *of;
    guard when;
};

/* An object of a type in a step, and what holds of it all. */
struct object {
    const struct lens_type *type;
    size_t type_index;
    const struct lens_type_at *at;   /* at the version read */
    const struct lens_type_at *next; /* at the version written */
    const struct lens_block *block;  /* or NULL */
    struct normal_node *root;
    uint32_t scope;
    guard when;
    struct held_block *blocks; /* the type's own, and those of cases that fit */
    size_t n_blocks;
    size_t room_blocks;
    struct held_case *cases;
    size_t n_cases;
    size_t room_cases;
    size_t n_inline;                 /* objects of a type among its own nodes */
    const struct lens_origin *about; /* for compose_stop */
};

/* Go to a place that is read while `when` holds: doubled keys on the way are refused
 * then. */
MUST_CHECK bool spot_read(struct compose *c, const struct object *o,
                          struct normal_node *from,
                          const struct lens_place *place, guard when,
                          struct spot *out);

/* All members of an object here are read while `when` holds. */
MUST_CHECK bool read_members(struct compose *c, const struct normal_node *n,
                             guard when);

/* Do the places lie in the same elements, as far as the first has stars? */
bool spot_same_stars(const struct spot *a, const struct spot *b);

/* Does what stands here run through states? */
bool node_has_states(const struct normal_node *n);

/* ---- what is said of a message ---- */

MUST_CHECK bool say_check(struct compose *c, guard when, uint32_t scope,
                          const struct lens_origin *origin, const char *what);
MUST_CHECK bool say_notice(struct compose *c, guard when, uint32_t scope,
                           enum notice_kind kind,
                           const struct lens_origin *origin);

/* Does the value at `node`, in the object, have this shape (shape.c)? `when` it is
 * asked. Unsaid: it is there. */
MUST_CHECK bool shape_fits(struct compose *c, const struct object *o,
                           struct normal_node *node,
                           const struct lens_shape *shape, guard when,
                           guard *out);

/* When both are there and equal, while `when` holds: texts that are compared must be
 * texts. */
MUST_CHECK bool nodes_same(struct compose *c, const struct normal_node *x,
                           const struct normal_node *y, guard when,
                           uint32_t scope, guard *out);

/* ---- one step of one object (step.c, its parts beside it) ---- */

MUST_CHECK bool step_object(struct compose *c, struct object *o);

/* What a taken value becomes (bring.c): its alternatives are changed in place, or another
 * node stands for it. */
MUST_CHECK bool bring(struct compose *c, const struct object *o,
                      const struct lens_arrow *arrow,
                      const struct lens_way *way, uint32_t scope,
                      struct normal_node **value);

/* The shape that a case has around a value (casing.c): off on the side that is read, on
 * on the other. *value may become another node; *fails is when it cannot be. */
struct casing {
    const struct object *o;
    const struct lens_way *way;
    uint32_t scope;
};

MUST_CHECK bool casing_off(struct compose *c, const struct casing *k,
                           struct normal_node **value, guard *fails);
MUST_CHECK bool casing_on(struct compose *c, const struct casing *k,
                          struct normal_node **value, guard *fails);

/* A value of the change file (value.c): what it reads is captured as the object is now;
 * given, it is a node in no place, whose stages have run, while `when` holds. */
struct captured;
MUST_CHECK bool captured_read(struct compose *c, const struct object *o,
                              const struct lens_value *value, guard when,
                              const struct spot *at, struct captured **out);
MUST_CHECK bool captured_give(struct compose *c, const struct captured *v,
                              const struct lens_origin *origin, uint32_t scope,
                              guard when, struct normal_node **out);

/* Stages of an arrow or value on all alternatives of a node. */
struct staging {
    const struct lens_stages *stages;
    enum lens_outside outside;
    enum lens_rest_kind rest;
    const struct lens_origin *origin;
    uint32_t scope;
    bool tells_hidden;
    enum lens_hide hide;      /* of what fails, */
    enum notice_kind goes_as; /* and what is told of it, if it goes */
    const struct json *hidden;
};

MUST_CHECK bool stage_all(struct compose *c, const struct staging *s,
                          struct normal_node *value);
/* The one stage that makes a map of a list, or a list of a map. */
MUST_CHECK bool index_turn(struct compose *c, const struct staging *s,
                           struct normal_node *value);

/* Where an arrow stands among those of its step. */
struct normal_order order_of(struct compose *c,
                             const struct lens_origin *origin);
bool order_before(const struct normal_order *a, const struct normal_order *b);

/* Go to where a value is written while `when` holds, making what is missing. */
MUST_CHECK bool spot_make(struct compose *c, const struct object *o,
                          const struct lens_place *place,
                          const struct spot *from, guard when,
                          const struct lens_origin *origin, struct spot *out);

/* Typed places in the object, and translating them (chain.c). */
MUST_CHECK bool inner_state(struct compose *c, struct normal_node *n,
                            size_t type);

/* When a place above others is a made object on the side that is read (made.c). */
guard object_makes(struct compose *c, const struct object *o,
                   const struct lens_place *place, size_t n);
