/* SPDX-License-Identifier: Apache-2.0 */
/*
 * normal: what a chain of version steps does, in one (SEMANTICS.md, "Normal
 * form"): everything is said of the document as it came.
 *
 * A state is one object of one type. Its *nodes* are what stands in the object
 * at the end of the chain; each has *alternatives*, of which at most one holds
 * at a time. Its checks say when the message is refused, its notices when a
 * loss is told, once for each object of their scope. Guards, terms and sources
 * are shared by all states of a builder.
 *
 * Immutable; lives in the arena of its builder.
 */
#pragma once

#include "translators/compose/guard.h"
#include "translators/lens/lens.h"
#include "translators/reference/report.h"

#define NORMAL_NONE UINT32_MAX

/* ---- where something was in the object as it came --------------------------- */

enum source_kind {
    SOURCE_ROOT,    /* the object of the state */
    SOURCE_KEY,     /* a member */
    SOURCE_ELEMENT, /* the element of a list that `step` finds */
    SOURCE_EACH     /* the element at hand, of a list or an object */
};

struct source {
    enum source_kind kind;
    uint32_t parent;
    span key;
    uint32_t scope; /* the EACH or ROOT it is in; of an EACH: itself */
    uint32_t root;  /* of a ROOT: itself */
    uint32_t
        beside; /* the one of the same ROOT that was met after it, or NORMAL_NONE */
    uint32_t last;   /* of a ROOT: the one that was met last */
    uint32_t *kids;  /* keys that are known, in the order they were met */
    uint32_t n_kids; /* as far as the builder went; see normal_alt.known */
    size_t room;
    uint32_t each;  /* or NORMAL_NONE */
    bool of_object; /* of an EACH: a member that no place names, of an object */
    const struct lens_step *step; /* of an ELEMENT */
    uint32_t next;                /* ELEMENT of the same list, or NORMAL_NONE */
    uint32_t element;             /* the first of them */
    uint32_t term;                /* builder: of it, or NORMAL_NONE */
    guard asked; /* builder: a doubled key is refused when this holds */
    guard asked_any;
};

/* ---- values ------------------------------------------------------------------ */

enum term_kind {
    TERM_SOURCE, /* what came at `source` */
    TERM_CONST,  /* `value` */
    TERM_ENUM,   /* the image of `of` under `symbols` */
    TERM_FORM,   /* `of`, read as `from` and written as `to` */
    TERM_WRAP,   /* [of]; null is [] */
    TERM_PICK,   /* one element of `of` */
    TERM_JOIN,   /* the texts of `parts`, one after another */
    TERM_TREE,   /* what `tree` says */
    TERM_FIRST,  /* the first of `parts` whose guard holds */
    TERM_PART,   /* part `n` of the text `of`, by `pattern` */
    TERM_TEXT,   /* the text whose parts, by `pattern`, are `parts` */
    TERM_COMMON, /* of what `of` is in the elements at `source` (an EACH) that have
                    it: what all have, else what `n`, an enum lens_unequal, says */
    TERM_COUNT, /* how many elements or members `of` has, which is one that has some */
    TERM_KEY /* the key of the member at hand, of the EACH at `source` */
};

struct term_part {
    guard when;
    uint32_t term; /* NORMAL_NONE: `text` */
    span text;
};

struct term {
    enum term_kind kind;
    uint32_t of;
    uint32_t source;
    const struct json *value;
    const struct lens_symbols *symbols;
    const struct lens_form *from;
    const struct lens_form *to;
    enum lens_pick pick;
    const struct term_part *parts;
    size_t n_parts;
    const struct normal_node *tree;
    const struct lens_pattern *pattern;
    size_t n;
};

/* ---- tests --------------------------------------------------------------------- */

enum atom_kind {
    ATOM_REQUEST,  /* the message is a request */
    ATOM_REPLACES, /* it replaces a whole document, and may not erase */
    ATOM_NEVER_ERASES,
    ATOM_FACT,    /* `fact` of the request holds */
    ATOM_PRESENT, /* something is at `source` */
    ATOM_NULL,    /* the term is null; and so on, each asked of what is none */
    ATOM_OBJECT,  /* of those before it */
    ATOM_LIST,
    ATOM_STRING,
    ATOM_NUMBER,
    ATOM_INTEGER, /* of a number */
    ATOM_TRUE,    /* of what is none of these: a bool */
    ATOM_EQUALS,  /* the term is `value` */
    ATOM_STARTS,  /* a text that starts with `text` */
    ATOM_LINES,   /* a text of `n` lines */
    ATOM_SAME,    /* the terms are equal */
    ATOM_OUTSIDE, /* a form does not read it, or cannot write it; of a PART, TEXT
                     or COMMON: it cannot be made */
    ATOM_RESPELT, /* read in a spelling that is not written */
    ATOM_UNCLEAN, /* a text with a lone surrogate */
    ATOM_DOUBLED, /* the key of `source` occurs twice, or what its step looks for
                         does or cannot be looked for */
    ATOM_ANY_DOUBLED, /* some key of the object at `source` does */
    ATOM_OTHERS, /* the object at `source` has members besides its first `n` kids */
    ATOM_EMPTY,      /* a list without elements */
    ATOM_SEVERAL,    /* a list of more than one */
    ATOM_BEYOND,     /* a list of more than `n` */
    ATOM_SOME,       /* COMMON: some element has it */
    ATOM_UNEQUAL,    /* COMMON: not all have it, or not the same */
    ATOM_UNREADABLE, /* COMMON: a text that is compared has a lone surrogate */
    ATOM_UNKNOWN, /* the key of the member at hand, of the EACH at `source`, is none of
                         the first `n` kids of what that is in; of the others of an object:
                         of all that the normal form knows */
    ATOM_ANY, /* for some element of the EACH at `source` the guard `n` holds */
    ATOM_BEFORE,  /* for some before the element at hand */
    ATOM_BEHIND,  /* and behind it */
    ATOM_TWICE,   /* two of those elements are the same by `term` */
    ATOM_EARLIER, /* and one that is before the element at hand is, as it is */
    ATOM_MERGED /* the first of those that is as it is by `term` is not by `other` */
};

struct atom {
    enum atom_kind kind;
    uint32_t source;
    uint32_t term;
    uint32_t other; /* SAME, MERGED: the second term */
    const struct json *value;
    const struct lens_fact *fact;
    span text;
    size_t n;
};

/* ---- what stands where ---------------------------------------------------------- */

/* Where a value stands among the members of its object. */
struct normal_order {
    uint32_t
        step; /* 0: it never left, and has the slot of `slot`; else it came in
                      at this version step, the others following */
    uint32_t slot; /* a source */
    span change;
    uint64_t arrow;
    uint32_t nth; /* of what came in at once */
};

enum alt_kind {
    ALT_SOURCE, /* what came at `source`; of an object its unknown members, and the
                   node's kids for those that are known */
    ALT_TERM, /* `term` */
    ALT_MADE  /* an object made of the node's kids */
};

struct normal_alt {
    guard when;
    enum alt_kind kind;
    uint32_t source;
    uint32_t term;
    uint32_t known; /* ALT_SOURCE: so many kids of the source are known */
    bool made;      /* a parent that the step of `order` had to make */
    bool is_list;   /* ALT_MADE: of its one element */
    bool
        turned; /* ALT_MADE: of all elements or members of what came at `source`
                       (none: NORMAL_NONE), and of kids that came in */
    struct normal_order order;
};

struct normal_node {
    span key;
    bool
        is_each; /* every element (or member) of what it is in, which came at the
                     parent of `each` */
    uint32_t each;
    const struct lens_step
        *element; /* the one that it finds in what it is in */
    unsigned met; /* builder: of an element, the step that last looked for it */
    guard stood; /* builder: when an element stood here before the step `met` */
    uint32_t
        keyed; /* of what is in a map that was turned: the term of its key */
    struct normal_node *parent;
    struct normal_node *
        others; /* what stands for each member that is not known; NULL: itself */
    struct normal_node **kids;
    size_t n_kids;
    size_t room_kids;
    struct normal_alt *alts;
    size_t n_alts;
    size_t room_alts;
    struct normal_state *state; /* what an object here runs through, or NULL */
    size_t n_steps;             /* builder: steps of the state that hold here */
};

/* ---- a state ----------------------------------------------------------------------- */

struct normal_check {
    guard when;
    uint32_t scope; /* for each of these */
    const struct lens_origin
        *origin; /* NULL: the document itself is at fault */
    const char *what;
};

/* The `what` of a check of a marker. */
extern const char normal_wrong_marker[];

struct normal_notice {
    guard when;
    uint32_t scope;
    enum notice_kind kind;
    const struct lens_origin *origin;
};

struct normal_gone {
    struct normal_node *node; /* in no place */
    uint32_t scope;
};

/* Why a state has no normal form: then the versions are gone through one after
 * another for its objects (`again`). */
struct normal_stop {
    const char *why; /* NULL: it has one */
    const struct lens_origin *origin;
};

struct normal_state {
    size_t type;
    size_t first; /* the version of its objects as they come */
    size_t last;  /* and as they go: later ones leave them as they are */
    struct normal_stop stop;
    uint32_t source; /* its ROOT */
    struct normal_node *root;
    struct normal_check *checks;
    size_t n_checks;
    size_t room_checks;
    struct normal_notice *notices;
    size_t n_notices;
    size_t room_notices;
    /* What went, but runs through states of its own: for checks and notices. */
    struct normal_gone *gone;
    size_t n_gone;
    size_t room_gone;

    size_t n_frozen; /* builder, as all that follows: so many of `gone` are */
    bool busy;       /* half of a step is done */
    bool may_vanish; /* its object may be hidden */
    bool mixed;      /* of one type at one step, of another at the next */
    size_t n_steps;
    unsigned stepped; /* the step it was last in */
    unsigned settled;
    size_t stepped_as;
    struct normal_state *frozen;
    size_t frozen_at;
};

struct normal {
    const struct lens_api *api;
    size_t from;
    size_t to;
    const struct normal_state *root;
    const struct normal_state *const *states; /* all that the root reaches */
    size_t n_states;
    const struct source *sources;
    size_t n_sources;
    const struct term *terms;
    const struct atom *atoms;
    const struct guard_node *guards;
    size_t n_atoms;
    uint32_t *marks; /* by guard: which walk was there last (class.c) */
    uint32_t *n_walks;
};
