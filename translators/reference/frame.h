/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame: one object of one type in one version step.
 *
 * SEMANTICS.md's steps for it, in this order, one file each: choose, take,
 * inner, prune, bring (f↑ and absence), refuse and write (land), fill, mark.
 * A frame is made, run and forgotten; what it leaves behind is the changed
 * tree, its holes (purged when the version step ends), notices and touches.
 */
#pragma once

#include "translators/reference/keyed.h"
#include "translators/reference/pointers.h"
#include "translators/reference/stage.h"
#include "translators/reference/test.h"

/* From which version to which, and so which side is read. */
struct leg {
    enum lens_side read;
    enum lens_side write;
    size_t from; /* indices of versions */
    size_t to;
    const struct lens_table *table;
};

/* A typed place inside the object, found before anything was taken. */
struct typed {
    struct json *node;
    size_t type;
    size_t at;                      /* its slot, as it was found: a hint */
    const struct typed_list *inner; /* typed values in it that no type names */
};

struct typed_list {
    struct typed *at;
    size_t n;
    size_t room;
    struct pointers seen; /* node to its place in the list */
};

/* A value of the change file, with what it reads captured as it came. */
struct pending {
    const struct lens_value *value; /* NULL: unsaid */
    struct bindings *found;         /* by value->places; nodes are copies */
    struct pointers *by_star;       /* and which of them a star is of */
    struct typed_list typed;        /* typed nodes in these copies */
    struct keyed *in;          /* POSITION: the list, as it came; NULL: none */
    size_t index;              /* of the object in its list, if asked */
    struct pending *otherwise; /* `else:`; NULL if unsaid */
};

/* An arrow of the table that holds for this object. */
struct active {
    const struct lens_arrow *arrow;
    struct pending fill; /* `up:`, `down:`, or `absent:` of the side read */
    bool kept;           /* `collide: keep`: what stood there stays */
};

enum take_kind {
    TAKE_MAP,
    TAKE_OWN,    /* `add` or `drop`: the side that has the place is read */
    TAKE_STASH,  /* the other side is read: the value comes out of its stash */
    TAKE_TAG,    /* a tag of a case at the type */
    TAKE_REST,   /* what goes to, or comes from, a `rest: {stash: …}` */
    TAKE_PART,   /* one of the values that an arrow over several places reads */
    TAKE_JOINED, /* one that it writes; `from` has its stars alone */
    TAKE_ELEMENT, /* of a list that a `lookup` takes away */
    TAKE_LIST /* the list that a `lookup` makes; `from`: an empty one there */
};

/* One arrow at one binding: what it cut out, and what it brings. */
struct take {
    enum take_kind kind;
    size_t active; /* index; SIZE_MAX for TAKE_TAG */
    const struct lens_origin *origin;
    const struct lens_way *way;
    struct binding from;     /* place NULL: it takes nothing */
    struct json *value;      /* NULL is ⊥ */
    struct json *hole;       /* keeps its slot */
    struct json *as_it_came; /* a copy, where it will be compared */
    size_t rest;             /* index of the take of its stashed rest; 0 none */
    struct json *box;        /* a copy of the box it stood in, as it came */
    bool box_emptied;        /* `rest:` took all that was left in it */
    size_t part;             /* of the places of its side; TAKE_PART, _JOINED */
    bool asked;              /* TAKE_JOINED: `agreed` is known */
    bool agreed;             /* all elements where it leads have the same */
    bool leads;              /* somewhere: to `target` */
    struct lens_place target;
    struct image image; /* what it brings */
    bool done;          /* image is decided */
};

#define LEFT_BY_ALL (SIZE_MAX - 1) /* in frame.left; else it is one active */

/* An element that this frame had to make, so that it is found again. */
struct made_element {
    const struct lens_step *step;
    struct json *list;
    struct json *element;
    const struct lens_origin *origin; /* of the arrow that needed it */
    span place;                       /* where that leads */
};

/* The so many-th element of a list, found last; and how many it has. */
struct cursor {
    const struct json *host;
    size_t index;
    size_t at;
    const struct json *counted;
    size_t n;
};

struct frame {
    struct run *run;
    const struct leg *leg;
    unsigned id;
    const struct lens_type *type; /* NULL: a message, its block is given */
    size_t type_index;
    const struct lens_type_at *at; /* the type at the version read; or NULL */
    struct json *root;
    struct pointers owners;  /* cut value to its take */
    struct pointers by_star; /* last star and active to their first take */
    size_t n_hidden;         /* elements that have gone */
    struct cursor cursor;    /* where walk.c last was in a list */

    const struct lens_block **blocks;
    size_t n_blocks;
    size_t room_blocks;
    const struct lens_case **cases; /* the cases at the type that fit */
    size_t n_cases;
    size_t room_cases;

    struct typed_list typed;
    struct active *actives;
    size_t n_actives;
    size_t room_actives;
    struct take *takes;
    size_t n_takes;
    size_t room_takes;
    struct pointers
        left; /* values that may stand where an arrow leads: which one */
    struct made_element *made;
    size_t n_made;
    size_t room_made;
    struct looked *looked; /* lists that references point into */
    size_t n_looked;
    size_t room_looked;
};

enum frame_end {
    FRAME_DONE,
    FRAME_HIDDEN, /* the value has no form on the other side: it goes */
    FRAME_FAILED
};

/*
 * Translate one typed value where it stands (it must have a parent); *node may
 * become another node. `extra` are typed values in it that no type names (sites
 * of the message), or NULL.
 */
MUST_CHECK enum frame_end frame_run(struct run *r, const struct leg *leg,
                                    size_t type, struct json **node,
                                    const struct typed_list *extra);

/*
 * The same for a message, an object {path, query, header, status, body} that is
 * no type: `n` blocks that hold at once, and the typed values of its body.
 */
MUST_CHECK enum frame_end
frame_run_message(struct run *r, const struct leg *leg,
                  const struct lens_block *const *blocks, size_t n,
                  struct json *message, const struct typed_list *body);

/* Can a value of this type change between the versions of this leg? */
bool frame_can_change(const struct lens_api *api, const struct leg *leg,
                      size_t type);

/* Going back: the same leg with its sides exchanged. */
struct leg leg_back(const struct leg *leg);

/* ---- the steps ---- */

/* 1. Which cases and arrows hold, what they read, and all bindings. FRAME_HIDDEN: a
 * case at the type says so. */
MUST_CHECK enum frame_end choose(struct frame *f);

/* Open sets (open.c): has the member `key` of its host a meaning on this side? Its members
 * there; the takes from `first` on are of one: under which keys they go. */
bool open_is_known(const struct frame *f, const struct lens_way *way,
                   enum lens_side side, span key);
/* Is it, empty, an object that only the side read names? It passes, where what is taken
 * for a member of the bag on the way back has a bag to go to. */
MUST_CHECK bool open_is_bag(struct frame *f, const struct lens_way *way,
                            const struct json *node, span key, bool *is);
MUST_CHECK bool open_bind(struct frame *f, const struct lens_way *way,
                          enum lens_side side, struct bindings *out);
MUST_CHECK bool open_lead(struct frame *f, size_t first);
/* `deep`: the keys in a value. */
MUST_CHECK bool open_bring(struct frame *f, const struct lens_way *way,
                           struct json *value);
/* By key: the takes of an open set that lead somewhere. */
struct map;
MUST_CHECK bool open_brought(struct frame *f, size_t active, struct map *out);

/* The same of an arrow over several places (joint.c); and, when all its parts have been
 * translated, what it brings: `first` is the first of them. */
MUST_CHECK bool joint_choose(struct frame *f, const struct lens_arrow *arrow);
MUST_CHECK bool joint_bring(struct frame *f, size_t first);

/* Does this take bring one value to every element? The elements that are there now, with
 * all their stars; none at all: fails, or is told. */
size_t joint_stars(const struct lens_joint *j); /* of the one place */
bool joint_spreads(const struct frame *f, const struct take *t);
MUST_CHECK bool joint_elements(struct frame *f, const struct take *t,
                               struct bindings *out);
MUST_CHECK bool joint_has_none(struct frame *f, const struct take *t);
/* `unequal: keep`, and no one value: what elements have of their own stays, unless it is
 * the same in all of them. */
MUST_CHECK bool joint_leaves(struct frame *f, struct take *t, bool *leaves);

/* Several lists and one (concat.c): what the values of the parts become. */
MUST_CHECK bool concat_bring(struct frame *f, const struct lens_arrow *arrow,
                             struct take *parts, struct json *const *values,
                             size_t n);

/* References (lookup.c): the elements that they may point at, before anything is taken, for
 * the arrow chosen last; what one becomes; and, when all have been brought, the lists. */
MUST_CHECK bool lookup_choose(struct frame *f, const struct lens_way *way);
MUST_CHECK bool lookup_bring(struct frame *f, const struct lens_way *way,
                             struct json *value, struct image *out);
MUST_CHECK bool lookup_finish(struct frame *f);

/* 2. Cut the values out, inner places first, and what `rest:` lists hold. */
MUST_CHECK bool take_all(struct frame *f);

/* 3. Translate typed values, in the rest and in what was cut. */
/* Add a typed node; where two places name it, the first says its type. */
MUST_CHECK bool typed_add(struct run *r, struct typed_list *list,
                          struct json *node, size_t type, size_t at);
MUST_CHECK bool inner_find(struct frame *f, const struct typed_list *extra);
MUST_CHECK bool inner_run(struct frame *f);
/* What is typed at one child's place of an object. */
MUST_CHECK bool inner_place(struct run *r, struct json *root,
                            const struct lens_child *child,
                            struct typed_list *out);

/* Translate what is typed in `node`, which stands for what is at `place` of this type at
 * leg->from. */
MUST_CHECK bool inner_under(struct run *r, const struct leg *leg, size_t type,
                            const struct lens_place *place, struct json *node);

/* Typed values of a decoded text. */
MUST_CHECK bool inner_through(struct frame *f, const struct lens_way *way,
                              struct json **value);

/* 4. Remove made objects that step 2 emptied. */
MUST_CHECK bool prune(struct frame *f);

/* `rest:` of boxes and lists (rest.c): what must be copied or taken besides, before
 * anything is cut; what becomes of the rest, after; a stashed rest that fits. */
MUST_CHECK bool rest_prepare(struct frame *f);
MUST_CHECK bool rest_cut(struct frame *f);
MUST_CHECK bool rest_restore(struct frame *f, size_t take);

/* f: what each take brings. */
MUST_CHECK bool bring_all(struct frame *f);
MUST_CHECK bool bring_value(struct frame *f, const struct active *active,
                            const struct lens_way *way, struct json *value,
                            struct image *out);

/* 5, 6. Strangers; write. 7. Fill. */
MUST_CHECK bool land_strangers(struct frame *f);
MUST_CHECK bool land_all(struct frame *f);
MUST_CHECK bool fill_all(struct frame *f);

/* 8. Markers and constants. */
MUST_CHECK bool mark_read(struct frame *f);
MUST_CHECK bool mark_write(struct frame *f);

/* Last: was what `drop` and `add` took away more than their other side makes up? */
MUST_CHECK bool settle_losses(struct frame *f);

/* ---- values (value.c) ---- */

MUST_CHECK bool value_prepare(struct frame *f, const struct lens_value *value,
                              struct pending *out);

/* *out: a new node, or NULL for ⊥. */
MUST_CHECK bool value_give(struct frame *f, const struct pending *p,
                           const struct star *stars, size_t n_stars,
                           const struct stage_asker *asker, struct json **out);

/* ---- walking to a target (walk.c) ---- */

/* Where an arrow stands among those of its table: by the name of its change, then as
 * the file has it (a case before the arrows in it). */
struct arrival {
    span change;
    uint64_t order;
};

struct arrival arrival_of(const struct lens_origin *origin);

/* The last step of a place, reached: where its value goes, or is. */
struct landing {
    struct json *parent;
    const struct lens_step *step; /* NULL: the place is `.` */
    const struct star *star;      /* of that step, or NULL */
    struct json *there;           /* what is there; NULL: nothing */
};

/* Go to where `place` leads. *found is false if a parent is missing, unless `make`. */
MUST_CHECK bool walk_to(struct frame *f, const struct lens_place *place,
                        const struct star *stars, size_t n_stars, bool make,
                        const struct lens_origin *origin, struct landing *out,
                        bool *found);

/* How many elements are there. */
size_t walk_count(struct frame *f, const struct json *host);

/* Put a value there; `hole` is the slot it came from, or NULL. */
MUST_CHECK bool walk_put(struct frame *f, const struct landing *to,
                         struct json *value, struct json *hole,
                         const struct lens_origin *origin);

/* An element that had to be made must be what its step looks for, or the way back would
 * not find it. */
MUST_CHECK bool walk_made_are_found(struct frame *f);

/* ---- small ---- */

/* Does `for:` speak of this message? */
bool frame_facts_hold(const struct run *r, const struct lens_arrow *arrow);

/* Nothing is there, in an object of which a patch tells only what changes: then
 * it is not known to be absent. */
bool frame_is_untold(const struct frame *f, const struct binding *b);

/* The prefix or place is on the type's list of what is never removed. */
bool frame_keeps(const struct frame *f, const struct lens_place *place);

struct take *frame_take(struct frame *f); /* one more; NULL: full */

/* One more of the arrow that is being chosen, at a binding; NULL: full. */
struct take *frame_take_of(struct frame *f, enum take_kind kind,
                           const struct lens_way *way,
                           const struct binding *from);

/* What tells a binding's elements from others: an element stands in one place, so the
 * last star tells all before it. */
const void *frame_star(const struct frame *f, const struct binding *b);

/* This value stays where it is, even if an arrow leads there. */
MUST_CHECK bool frame_leave(struct frame *f, struct json *node);

/* If the failure is one that `hide` may catch, forget it. */
bool run_forgive(struct run *r);

/* Is a place above others a made object on this side (made.c)? */
bool frame_is_made(const struct frame *f, enum lens_side side,
                   const struct lens_place *place);

/* Remove a value that has no form there from its parent; what was to be written in
 * it goes with it. */
MUST_CHECK bool frame_hide(struct run *r, struct json *node);
