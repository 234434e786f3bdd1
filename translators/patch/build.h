/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: what the files of this room share.
 *
 * A patch is a tree while it is on its way. Its objects are *parts* (trail.partial):
 * they tell only what changes. Below them stand *leaves*: whole values, and nulls
 * that are *erased* (trail.erased), members that are to go. A merge patch is such
 * a tree as it came; each operation of a JSON Patch is one, with a leaf at its
 * path, where keys and indices are members alike.
 *
 * One version step of a tree: `judge` asks every arrow whether it can be carried
 * without the document, and says what must stand where afterwards (wishes); then
 * the reference translates the tree as it would a document, but fills nothing in
 * parts; then `settle` grants the wishes.
 */
#pragma once

#include "translators/patch/patch.h"
#include "translators/reference/chain.h"

/* What is done at the leaf. */
enum part_mode {
    PART_MERGE,   /* set or erase, parents are made */
    PART_ADD,     /* set; the parent is there */
    PART_REPLACE, /* set; it is there */
    PART_REMOVE,
    PART_TEST,
    /* The places of move and copy; the value is not known. */
    PART_TAKE, /* `from` of move: it is there, and goes */
    PART_READ, /* `from` of copy */
    PART_GIVE  /* `path` of both: set; the parent is there */
};

/* ---- parts and leaves (part.c) ---- */

bool part_is(const struct json *node);
bool part_is_erased(const struct json *node);
MUST_CHECK bool part_set(struct run *r, struct json *node);
/* All objects that are not in lists become parts, nulls in them erased. */
MUST_CHECK bool part_set_all(struct run *r, struct json *node);
/* A null that stands for a member that is to go; its origin is that of `about`. */
MUST_CHECK bool part_new_erased(struct run *r, const struct json *about,
                                struct json **out);
MUST_CHECK bool part_new(struct run *r, const struct json *about,
                         struct json **out);
/* Put `value` at these keys below a part, making parts. False if a leaf is in the
 * way, or at the limit; then the run has failed. */
MUST_CHECK bool part_put(struct run *r, struct json *part, const span *keys,
                         size_t n, struct json *value);
/* What stands at these keys, or NULL; a leaf on the way ends it. */
struct json *part_get(struct json *part, const span *keys, size_t n);
bool part_is_in(const struct json *node, const struct json *top);

/* ---- where a place meets a patch (meet.c) ---- */

enum met_kind {
    MET_LEAF,   /* the place is a leaf */
    MET_PART,   /* the place is a part: something below is told */
    MET_INSIDE, /* a leaf stands above the place */
    MET_COUNTED /* the place goes through an element by number or test */
};

struct met {
    enum met_kind kind;
    struct json *node;
    size_t steps;     /* of the place, walked so far */
    const span *keys; /* what these steps met */
};

struct mets {
    struct met *at;
    size_t n;
    size_t room;
};

MUST_CHECK bool meet(struct run *r, struct json *root,
                     const struct lens_place *place, struct mets *out);

/* The number of steps of `place` that are neither keys nor `*`, from `at` on. */
bool place_counts(const struct lens_place *place, size_t at);
bool place_has_star(const struct lens_place *place, size_t at);

/* ---- judging ---- */

/* A typed part, judged in this step. */
struct scene {
    struct frame frame; /* root is the part; asked, never run */
    bool is_document;   /* it is the whole: it is there */
    size_t number;
};

/* After the step something must stand at these keys below `root`; else it is erased. */
struct wish {
    struct json *root;
    const span *keys;
    size_t n;
    bool may_erase; /* erasing is exact */
    const struct lens_origin *origin;
    const struct json *about; /* what the client sent */
    struct json *put; /* stands there instead of being erased, or NULL */
    bool unwrap; /* a list of the one value that is shown: its first element */
};

/* What is done to the tree once everything has been asked. */
struct deed {
    struct json *node;
    struct json *with; /* NULL: it goes */
};

/* What a leaf is called by: two places of one term hold the same values. */
struct term {
    const struct lens_way *way; /* NULL: none */
    size_t type;                /* SIZE_MAX: none */
};

struct judge {
    struct run *run;
    const struct leg *leg;
    const struct patch_options *options;
    enum part_mode mode;
    struct json *holder;
    bool
        unsure; /* what is there at the client's may be missing here, or exist */
    bool gone;  /* a test of what only the client has: it holds */
    struct term term;
    struct scene *scenes;
    size_t n_scenes;
    size_t room_scenes;
    struct wish *wishes;
    size_t n_wishes;
    size_t room_wishes;
    struct deed *deeds;
    size_t n_deeds;
    size_t room_deeds;
    const struct json *seen; /* what was last found to be told */
    struct pointers settled; /* leaves and parts that an arrow answers for */
    struct pointers judged;  /* typed parts */
    struct pointers frail; /* objects that may go when what is in them leaves */
    struct pointers told;  /* arrow and scene: the patch tells what it reads */
};

/* The patch falls back: the sentence says what is not known without the document. */
#define patch_falls(j, node, origin, ...)                                      \
    (run_fail_at((j)->run, FAULT_CARRY, (node), (origin), __VA_ARGS__),        \
     patch_needs_document((j)->run))
bool patch_needs_document(struct run *r); /* false */

static inline bool
judge_reads(const struct judge *j) /* nothing is changed there */
{
    return j->mode == PART_TEST || j->mode == PART_READ;
}

/* Ask all typed parts of the tree (judge.c). */
MUST_CHECK bool judge_tree(struct judge *j,
                           const struct reference_sites *sites);
MUST_CHECK bool judge_settled(struct judge *j, const struct json *leaf);
/* Does the node lie in an object that may not be there on the other side, though it
 * is here? */
bool judge_is_frail(const struct judge *j, const struct json *node);
bool judge_is_settled(const struct judge *j, const struct json *node);
MUST_CHECK bool judge_wish(struct judge *j, struct wish wish);
/* The patch tells the whole value, or its absence, at what this arrow reads. */
MUST_CHECK bool judge_told(struct judge *j, const struct scene *s,
                           const struct lens_arrow *arrow);
MUST_CHECK bool judge_deed(struct judge *j, struct json *node,
                           struct json *with);
/* Of a JSON Patch: a key that may be the index of an element. */
bool judge_may_be_index(const struct judge *j, span key);

static inline bool
judge_names(const struct judge *j) /* only the place matters */
{
    return j->mode == PART_TAKE || j->mode == PART_READ || j->mode == PART_GIVE;
}

/* One arrow (arrow.c, lookup.c, own.c, joint.c, open.c); a leaf that it reads exactly (leaf.c). */
MUST_CHECK bool judge_map(struct judge *j, struct scene *s,
                          const struct lens_arrow *arrow);
MUST_CHECK bool judge_lookup(struct judge *j, struct scene *s,
                             const struct lens_arrow *arrow);
MUST_CHECK bool judge_own(struct judge *j, struct scene *s,
                          const struct lens_arrow *arrow);
MUST_CHECK bool judge_set(struct judge *j, struct scene *s,
                          const struct lens_arrow *arrow);
MUST_CHECK bool judge_joint(struct judge *j, struct scene *s,
                            const struct lens_arrow *arrow);

/* ---- which objects are there (hosts.c) ---- */

/* Keys of `place` for what a source met: stars are what its stars met. */
MUST_CHECK bool hosts_keys(struct run *r, const struct lens_place *from,
                           const struct met *met,
                           const struct lens_place *place, const span **out);

/* Whenever the parent of what was met is there, is the parent of `to`? */
bool hosts_agree(const struct scene *s, const struct lens_place *from,
                 const struct lens_place *to);
/* Removing at `to` is what removing at `from` is: no object is left or made. */
bool hosts_clean(const struct scene *s, const struct lens_place *from,
                 const struct lens_place *to);
/* Is `image` where a place stands on the other side, by the longest rule above it? */
bool hosts_is_image(const struct scene *s, const struct lens_place *place,
                    const struct lens_place *image);
/* How many steps that image has. */
size_t hosts_image_steps(const struct scene *s, const struct lens_place *place);

/* Is a plain way: the value is written as it is read. */
bool way_is_plain(const struct lens_arrow *arrow, const struct lens_way *way);
const struct lens_stage *way_list(const struct lens_way *way);

/* ---- a step ---- */

MUST_CHECK bool settle_all(struct judge *j);

/*
 * Bring the tree (the one element of j->holder) over one leg. What its leaves are
 * then is read off the tree.
 */
MUST_CHECK bool step_tree(struct judge *j, const struct reference_chain *chain,
                          size_t at);

/* A JSON Patch: the one element of `holder` (operations.c). */
MUST_CHECK bool operations_translate(struct run *r,
                                     const struct reference_chain *chain,
                                     const struct patch_options *options,
                                     struct json *holder,
                                     struct reference_report *report);
