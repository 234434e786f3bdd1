/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: what waits for the end of its object, as the machine runs it.
 *
 * What it is made of was noted: scalars, and containers whole. What guards ask of it,
 * what terms make and what nodes hold is worked out then, of that alone. All of it
 * lives with the program.
 */
#pragma once

#include "translators/compose/lowering.h"

#define LATER_NONE UINT32_MAX

struct later_source {
    enum source_kind kind;
    uint32_t parent; /* LATER_NONE: the object that ends */
    uint32_t input; /* what was noted of it; LATER_NONE: it is in its parent, if
                        that is there */
    span key;
    const struct lens_step *step;
};

struct later_atom {
    enum atom_kind kind;
    uint32_t source;
    uint32_t term;
    uint32_t other;
    uint32_t guard; /* of elements */
    const struct json *value;
    span text;
    size_t n;
    const span *keys; /* OTHERS, UNKNOWN: all but these */
    size_t n_keys;
};

struct later_guard {
    uint32_t atom;
    uint32_t yes; /* 0: never, 1: always; else index + 2 */
    uint32_t no;
};

struct later_part {
    uint32_t when;
    uint32_t term; /* NORMAL_NONE: `text` */
    span text;
};

struct later_term {
    enum term_kind kind;
    uint32_t of;
    uint32_t source;
    const struct json *value;
    struct lens_symbols symbols;
    const struct lens_form *from;
    const struct lens_form *to;
    const struct lens_pattern *pattern;
    enum lens_pick pick;
    const struct later_node *tree;
    const struct later_part *parts;
    size_t n_parts;
    size_t n;
};

struct later_alt {
    uint32_t when;
    enum alt_kind kind;
    uint32_t source;
    uint32_t term;
    bool is_list;
    bool turned;
    struct normal_order order;
    uint32_t at_slot;      /* of what is turned: the source of its slot */
    const span *known;     /* SOURCE: of an object the keys that are known, */
    const uint32_t *slots; /* and the slot of each */
    size_t n_known;
};

struct later_node {
    span key;
    bool is_each;
    uint32_t each;
    const struct lens_step *element;
    uint32_t keyed;
    const struct later_node *others; /* NULL: they stay */
    const struct later_node *const *kids;
    size_t n_kids;
    const struct later_alt *alts;
    size_t n_alts;
    const struct later *state; /* what an object here runs through, or NULL */
};

/* What fails or is told, in each of some elements within each other. */
struct later_rule {
    uint32_t when;
    const uint32_t *each; /* sources, outer ones first */
    size_t n_each;
    bool fails;
    size_t note; /* of the op */
};

/* What is made at the end of an object, or of an object of a state in it. */
struct later {
    const struct lens_api *api;
    const struct later_source *sources;
    size_t n_sources;
    const struct later_atom *atoms;
    const struct later_guard *guards;
    const struct later_term *terms;
    const struct later_node *node; /* what is written; NULL: nothing */
    const struct later_rule *rules;
    size_t n_rules;
    size_t n_inputs;
};

/* An engine_several_fn; `arg` is a struct later. */
enum engine_formed later_run(const void *arg, const span *noted,
                             struct arena *scratch, struct buf *out,
                             size_t *told);

/* ---- as it is run (later_run.c, later_value.c, later_emit.c) ---- */

struct later_work {
    const struct later *l;
    const span *noted;
    struct arena *scratch;
    struct json *root;    /* of a state: its object; NULL: the one that ends */
    size_t *told;         /* NULL: nothing is */
    struct json **inputs; /* that were looked at */
    struct json **at;     /* by source: the element at hand */
    bool bad;             /* something could not be worked out: go aside */
};

bool later_holds(struct later_work *w, uint32_t guard);
/* An object of a state becomes what that makes of it; NULL: it goes. */
struct json *later_state(struct later_work *w, const struct later *state,
                         struct json *object);
/* What came at a source, what a term makes; NULL: nothing. Nothing of it may be put
 * anywhere: it may be asked again. */
struct json *later_came(struct later_work *w, uint32_t source);
/* And at what that is in. */
struct json *later_host(struct later_work *w, uint32_t source);
struct json *later_value(struct later_work *w, uint32_t term);
/* The form that an atom asks about: does it read its value, and respell it? False: it
 * does not. */
bool later_form(struct later_work *w, const struct later_term *t,
                bool *respelt);
/* What is the same in all elements, or what is made of what is not. */
struct json *later_common(struct later_work *w, const struct later_term *t,
                          bool *unequal, bool *unclean);
/* The element of a list that a step finds, or NULL; *fails: there are two, or what it
 * asks cannot be told. */
struct json *later_found(const struct json *list, const struct lens_step *step,
                         bool *fails);
/* The member at hand of what an EACH is in; NULL: none. */
const struct json_member *later_at_hand(struct later_work *w, uint32_t each);
bool later_is_known(span key, const span *keys, size_t n);
/* What stands at a node, fresh; NULL: nothing. */
struct json *later_emit(struct later_work *w, const struct later_node *node);

/* What was made, if there was room. */
static inline struct json *
later_made(struct later_work *w, struct json *made)
{
    w->bad = w->bad || !made;
    return made;
}

/* ---- how it is drawn (later_plan.c) ---- */

/* What the plans of one op share: states that are drawn, and what is told. */
struct later_op {
    const struct normal_state **states;
    const struct later **drawn; /* by state */
    size_t n_states, room_states, room_drawn;
    struct engine_notes *notes;
    size_t n_notes, room_notes;
};

struct later_plan {
    struct lowering *l;
    struct later_op *op;
    uint32_t end;    /* the object */
    bool is_state;   /* it is one of a state, and all there */
    uint32_t absent; /* what is not there when it ends; or NORMAL_NONE */
    struct later *out;
    struct later_source *sources;
    uint32_t *of_source; /* as the builder has it */
    bool *reads;         /* is it asked for itself? */
    size_t n_sources, room_sources, room_of_source, room_reads;
    uint32_t *inputs; /* sources of the builder */
    size_t n_inputs, room_inputs;
    struct later_atom *atoms;
    size_t n_atoms, room_atoms;
    struct later_guard *guards;
    guard *of_guard; /* by guard of `guards` */
    size_t n_guards, room_guards, room_of_guard;
    struct later_term *terms;
    uint32_t *of_term;
    size_t n_terms, room_terms, room_of_term;
    struct later_rule *rules;
    size_t n_rules, room_rules;
};

#define PLAN_GROW(p, array, n, room)                                           \
    compose_grow((p)->l->c, (array), (n), &(room), sizeof(*(array)))

/* Always false. */
bool later_no_plan(struct later_plan *p);
/* A guard where the object is at hand. */
guard later_as_here(struct later_plan *p, guard g);

/* The parts of a plan (later_want.c; sources and nodes: later_plan.c). False: there is
 * none, or no room. A literal, or a step, that outlives the builder. */
MUST_CHECK bool later_want_value(struct later_plan *p, const struct json *value,
                                 const struct json **out);
MUST_CHECK bool later_want_step(struct later_plan *p,
                                const struct lens_step *from,
                                const struct lens_step **to);
/* It is asked for; of a value all there is of it is noted, and of elements all of what
 * they are in. */
MUST_CHECK bool later_want_source(struct later_plan *p, uint32_t source,
                                  bool is_value, uint32_t *out);
/* The keys of the first `n` kids of a source; `slots` may be NULL. */
MUST_CHECK bool later_want_keys(struct later_plan *p, uint32_t source, size_t n,
                                const span **keys, const uint32_t **slots,
                                size_t *n_keys);
MUST_CHECK bool later_want_term(struct later_plan *p, uint32_t term,
                                uint32_t *out);
MUST_CHECK bool later_want_guard(struct later_plan *p, guard g, uint32_t *out);
MUST_CHECK bool later_want_node(struct later_plan *p,
                                const struct normal_node *node,
                                const struct later_node **out);

/* Something is written at the end, or asked; false: it cannot be. Of all that is read as
 * a value the spots say so. */
MUST_CHECK bool later_plan_node(struct later_plan *p,
                                const struct normal_node *node);
MUST_CHECK bool later_plan_check(struct later_plan *p, guard when,
                                 uint32_t scope);
MUST_CHECK bool later_plan_notice(struct later_plan *p, guard when,
                                  const struct normal_notice *notice);
/* When it is known which values are noted whole: what is to be noted. */
MUST_CHECK bool later_plan_inputs(struct later_plan *p);
/* All of it, where the program lives. */
MUST_CHECK bool later_plan_keep(struct later_plan *p);
