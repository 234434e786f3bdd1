/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lowering: what the parts of lower share.
 *
 * A *class* of values at a source is one that the machine tells when it meets it:
 * a symbol that something compares with, or all others of a type. For each class of
 * a source a guard holds, does not, or is open: something else decides.
 */
#pragma once

#include "translators/compose/build.h"
#include "translators/compose/lower.h"

enum truth { IS_OPEN, IS_NEVER, IS_ALWAYS };

struct uint16_list {
    uint16_t *at;
    size_t n;
    size_t room;
};

/* Where the value of a source goes: an alternative. */
struct use {
    const struct normal_node *node;
    const struct normal_alt *alt;
};

struct uses {
    struct use *at;
    size_t n;
    size_t room;
};

/* What the machine has of a source that is a key (or an element). */
struct spot_of {
    struct uses uses;
    const struct normal_node *gone; /* it goes, and is read all the same */
    bool is_read;                   /* a text here must be one */
    uint16_t bit;                   /* seen, in its object */
    uint16_t gone_bit;   /* it was an object, and went; or ENGINE_NONE */
    guard goes;          /* when an object here goes, as is known at its end */
    uint16_t slot;       /* where it waits, or ENGINE_NONE */
    uint32_t slot_owner; /* the object whose slot that is */
    uint16_t note;       /* where its scalar is noted, or ENGINE_NONE */
    uint32_t note_owner;
    bool is_noted; /* an entry sees to it */
    bool
        is_valued; /* it is read for more than what it is: a container is held and
                       noted whole, and nothing in it is met */
    struct uint16_list notices; /* of the state, told where this is met */
    struct uint16_list checks;
    guard fails; /* when one of them does */
};

/* What is known of a guard. */
struct assumed {
    unsigned when; /* the lowering that asked: of others `is` says nothing */
    guard is;      /* in this kind of message */
    enum truth
        asks_forms; /* does it ask how a form reads something? OPEN: not known */
};

/* One object of one state. */
struct level {
    uint16_t n_slots;
    uint16_t n_bits;
    uint16_t
        other_bit; /* seen when a key that is not known came; or ENGINE_NONE */
};

/* An entry of one state that leads to an object of another. */
struct lead {
    struct engine_entry *entry;
    const struct normal_node *node;
    uint32_t source;
    size_t from; /* states, as the normal form has them */
    size_t to;
    guard goes; /* when the object goes, as is known at its end */
};

struct lowering {
    struct compose *c;    /* its arena holds what only the work needs */
    struct arena *to;     /* of the program */
    struct arena *drafts; /* of what is drawn to see what it needs */
    const struct normal *n;
    struct lowered *out;
    bool is_request;
    bool full;                    /* no room in `to` */
    struct engine_state **states; /* by state of the normal form */
    struct lower_again **again;   /* likewise; NULL: it is lowered */
    bool *
        stuck; /* likewise: it would go again, but cannot without what is around */
    struct lead *leads;
    size_t n_leads;
    size_t room_leads;
    struct assumed *assumed; /* by guard */
    size_t n_assumed;

    /* Of the state at hand. */
    size_t at;
    const struct normal_state *state;
    guard *notice_when; /* as this kind of message has them */
    guard *check_when;
    bool *notice_done;
    bool *check_done;
    bool *check_waits; /* for the end of its scope */
    bool *notice_waits;
    const struct normal_node **later; /* what waits for the end of its object */
    size_t n_later;
    size_t room_later;
    bool
        once_more; /* something was found to wait: the state is lowered again */
    bool in_gone;  /* at hand is what goes, */
    bool in_held;  /* or an object of a state in what is held */
    struct spot_of *spots; /* by source */
    struct level *levels;  /* by source */

    /* What is told, and of each notice of the program which of it. */
    struct lower_tell *tells;
    size_t n_tells;
    size_t room_tells;
    uint16_t *alone; /* by tell: 1 + the notice that tells it alone, or 0 */
    uint16_t *tell_slots; /* 1 + index, by hash */
    size_t n_tell_slots;  /* a power of two, or 0 */
    struct uint16_list *told;
    size_t n_told;
    size_t room_told;
};

/* The sources of the state at hand, one after another, from its ROOT to NORMAL_NONE. */
static inline uint32_t
lower_next(const struct lowering *l, uint32_t source)
{
    return l->c->sources[source].beside;
}

/* Always false: an arena is full. */
static inline bool
lower_no_room(struct lowering *l)
{
    l->full = true;
    return false;
}

/* Always false. */
bool lower_stop(struct lowering *l, const char *why);

/* ---- what several values decide or make (later.c) ---- */

bool later_is(const struct lowering *l, const struct normal_node *node);
bool later_is_in(const struct normal_node *node, const struct normal_node *top);
/* What cannot be decided as it comes waits, if it may. Always false: the state is
 * lowered again (`once_more`), or not at all. */
bool later_wait(struct lowering *l, const struct normal_node *node);
/* All that waits is noted: to be said before entries are made. */
MUST_CHECK bool later_note_all(struct lowering *l);
/* What happens at the end: a member is written; what fails or is told, if there is any. */
MUST_CHECK bool later_op(struct lowering *l, const struct normal_node *node,
                         uint32_t end, struct engine_op *op);
MUST_CHECK bool later_op_rules(struct lowering *l, uint32_t end,
                               struct engine_op *op, bool *has);

/* The objects at whose ends a node that waits is written, one of them: the one that came
 * to hold it, or those around what is made to, where what else could have come is not
 * there (`absent`, or NORMAL_NONE). */
#define LATER_ENDS_MAX 8
struct later_ends {
    uint32_t at[LATER_ENDS_MAX];
    uint32_t absent[LATER_ENDS_MAX];
    size_t n;
};
MUST_CHECK bool later_ends(struct lowering *l, const struct normal_node *node,
                           struct later_ends *out);
/* The object at whose end a check or notice of this scope is decided, if it waits. */
uint32_t later_end_of_rule(const struct lowering *l, uint32_t scope);

/* The outermost value that is held whole, of those that a source is in; or NORMAL_NONE. */
uint32_t later_whole(const struct lowering *l, uint32_t source);
/* Does an atom of the kinds that the machine sees to ask what is in such a value? */
bool later_is_inside(const struct lowering *l, const struct atom *a);
/* The entry of a source that is noted, if it is. */
void later_entry(struct lowering *l, uint32_t source, struct engine_entry *e);

/* ---- where what came goes (uses.c) ---- */

/* Is one source in the other, or the same? */
bool lower_is_above(const struct lowering *l, uint32_t above, uint32_t below);
/* Is it what came at this source, whenever that is there, and nothing else? */
bool lower_stays(struct lowering *l, const struct normal_node *node,
                 uint32_t source);
/* Who stands at a node, and at all in it, is a use of what it is of. */
MUST_CHECK bool lower_uses(struct lowering *l, const struct normal_node *node);
/* Of what goes: whenever it is there its objects run through their states. */
MUST_CHECK bool lower_gone(struct lowering *l, const struct normal_node *node);

/* ---- sources and objects (lower.c; entry.c: their members) ---- */

MUST_CHECK bool lower_object(struct lowering *l, uint32_t source,
                             const struct normal_node *node,
                             struct engine_state *out);
MUST_CHECK bool lower_key(struct lowering *l, uint32_t source, uint16_t bit,
                          struct engine_entry *e);

/* The source that an alternative is of: what it is made from, or whose slot it has;
 * NORMAL_NONE: of none. */
MUST_CHECK bool lower_source_of(struct lowering *l,
                                const struct normal_alt *alt, uint32_t *out);
/* The alternative of a node that came as it is, or NULL. */
const struct normal_alt *lower_source_alt(struct lowering *l,
                                          const struct normal_node *node);
/* An entry that keeps its value. */
extern const struct engine_entry lower_plain;
/* What grew in the builder's arena, where the program lives. NULL: no room. */
void *lower_kept(struct lowering *l, const void *array, size_t n, size_t size);

/* ---- states that go again (again.c) ---- */

/* Objects of this state go again; where they cannot alone, what is around them does.
 * False: no room. */
MUST_CHECK bool lower_again(struct lowering *l, size_t state, const char *why,
                            const struct lens_origin *origin);
/* The entry of the node's value, which came at `source`, leads to a state. */
MUST_CHECK bool lower_lead(struct lowering *l, size_t state, uint32_t source,
                           const struct normal_node *node,
                           struct engine_entry *e);
/* When all states are lowered, or go again: their entries, and what is told of them. */
MUST_CHECK bool lower_agains(struct lowering *l);

/* ---- checks and notices (told.c) ---- */

MUST_CHECK bool lower_place_checks(struct lowering *l);
MUST_CHECK bool lower_place_notices(struct lowering *l);
/* As one notice of the program. */
MUST_CHECK bool lower_notes(struct lowering *l, const uint16_t *notices,
                            size_t n, struct engine_notes *out);
MUST_CHECK bool lower_note(struct lowering *l,
                           const struct normal_notice *notice,
                           struct engine_notes *out);
/* What all of the program's notices tell. */
MUST_CHECK bool lower_tells(struct lowering *l);

/* ---- the end of the object at `source` (ending.c) ---- */

MUST_CHECK bool lower_ending(struct lowering *l, uint32_t source,
                             const struct normal_node *node,
                             struct engine_state *out);

/* ---- classes (classes.c) ---- */

enum form_case { FORM_IN, FORM_BENT, FORM_OUT };

struct value_class {
    uint32_t source;
    unsigned type;            /* one of enum lens_types; 0: any */
    const struct json *value; /* NULL: any other of this type */
    enum form_case form;
};

/* A guard as this kind of message has it. */
guard lower_guard(struct lowering *l, guard g);
/* The source a term is made of, by enums and forms alone; or NORMAL_NONE. */
uint32_t class_bottom(const struct lowering *l, uint32_t term);
enum truth class_truth(const struct lowering *l, guard g,
                       const struct value_class *k);
/* Room for what was asked, before anything is. False: full. */
MUST_CHECK bool class_room(struct compose *c);
/* May it make a difference to the guard how a form reads a value? */
bool class_asks_forms(const struct lowering *l, guard g);
/* Does it hold only where this source is there? */
bool class_needs(struct lowering *l, guard g, uint32_t source);
/* The guard where the object at `source` is at hand. */
guard class_inside(struct lowering *l, guard g, uint32_t source);

/* Is it decided at the end of the object at `source`, by which of its members came? */
bool class_is_of_members(const struct lowering *l, guard g, uint32_t source);

/* Does anything in the state at hand speak of what came here, or of what is in it? It may be
 * known to other chains alone. */
bool class_is_asked(const struct lowering *l, uint32_t source);

/* All symbols that something compares the source with; with null, true and false. */
MUST_CHECK bool class_symbols(struct lowering *l, uint32_t source,
                              const struct json ***out, size_t *n);

/* ---- values (values.c) ---- */

/* What becomes of scalars at a source whose uses all stand at one place; `e` has its
 * notes, map and refused shapes then. */
MUST_CHECK bool lower_value(struct lowering *l, uint32_t source,
                            struct engine_entry *e);
/* A map that asks nothing but that a text is one. */
MUST_CHECK bool lower_read_only(struct lowering *l,
                                const struct engine_map **out);
/* JSON as it is written. */
MUST_CHECK bool lower_text(struct lowering *l, span key,
                           const struct json *value, span *out);
/* What a scalar becomes that forms may read: a term, a constant, or what it is. */
struct form_of {
    uint32_t term;               /* NORMAL_NONE: none */
    const struct json *constant; /* NULL: none */
    bool fails;                  /* what a form does not read: it fails, */
    bool passes;                 /* or stays as it came */
    const uint16_t *notices;     /* told of it, however it is spelt */
    size_t n_notices;
};

/* As a function of the machine, with all that checks and notices ask of its forms:
 * forms.c. */
MUST_CHECK bool lower_form(struct lowering *l, const struct value_class *k,
                           const struct form_of *what, struct engine_form *out);
