/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrows: what leads from a place of one side to one of the other, with its guards,
 * its losses and what stands for absence; joints, which are arrows over several places;
 * and blocks, the arrows of a type with the cases at it (LANGUAGE.md, "Arrows").
 */
#pragma once

#include "translators/lens/values.h"

/* ---- arrows ---------------------------------------------------------------------------- */

enum lens_arrow_kind {
    LENS_MAP, /* a place on both sides */
    LENS_ADD, /* newer only: `fill` going up, taken away going down */
    LENS_DROP /* older only: taken away going up, `fill` going down */
};

/* Other members of a box, other elements of a list, members beside a case's `.`. */
enum lens_rest_kind {
    LENS_REST_UNSAID, /* as occupied: a request is refused, an answer loses it */
    LENS_REST_LOSE,   /* gone, with a notice */
    LENS_REST_REFUSE, /* the message fails */
    LENS_REST_KEEP, /* it stays in the store: an answer does not show it; a request that
                       has it or would replace it fails, as the stored document would
                       be needed */
    LENS_REST_STASH /* kept at `stash` on the side being written, and read back */
};

struct lens_rest {
    enum lens_rest_kind kind;
    struct lens_place stash;
    bool wins; /* `wins: stash`: it stands even if what is visible changed */
};

/* `collide:`, when something stands where the arrow leads. */
enum lens_collide {
    LENS_COLLIDE_UNSAID, /* requests refused, strangers in answers dropped */
    LENS_COLLIDE_REFUSE,
    LENS_COLLIDE_DROP, /* the stranger goes, with a notice */
    LENS_COLLIDE_KEEP  /* the stranger stays, what the arrow brings goes */
};

/* What becomes of a value that the other side has no form for. */
enum lens_hide {
    LENS_HIDE_UNSAID,
    LENS_HIDE_DROP, /* the element or member goes, with a notice */
    LENS_HIDE_FAIL, /* the message fails */
    LENS_HIDE_VALUE /* `hidden` stands for it */
};

/* Of `drop` (requests only) and `add`. */
enum lens_write {
    LENS_WRITE_UNSAID,
    LENS_WRITE_IGNORE, /* gone, with a notice */
    LENS_WRITE_REFUSE, /* the request fails */
    LENS_WRITE_SAME, /* ignored if it equals what `down:` gives for the translated
                          object, else refused */
    LENS_WRITE_LOSE
};

/* `style:` how a list is written in a query; without one a parameter is one text. */
enum lens_style {
    LENS_STYLE_NONE,
    LENS_STYLE_REPEAT,   /* id=1&id=2 */
    LENS_STYLE_INDEX,    /* id[0]=1&id[1]=2 */
    LENS_STYLE_BRACKETS, /* id[]=1&id[]=2 */
    LENS_STYLE_COMMA     /* id=1,2 */
};

enum lens_else { LENS_ELSE_FAIL, LENS_ELSE_PASS, LENS_ELSE_HIDE };

enum lens_respell {
    LENS_RESPELL_NOT,
    LENS_RESPELL_KEYS, /* by `spelling`; what does not come back is refused */
    LENS_RESPELL_LOWER /* A to Z, on the side that is not `any`; one way */
};

/*
 * A last `*` that is an open set: every member of its host that has no meaning there.
 * A member has one if an arrow of the table (with the cases that fit), a tag, a typed
 * place, a marker or a constant of that side names it, or something below it; or if
 * `except` does, on the side whose host lies higher (of both, where neither does).
 */
struct lens_open {
    const span *except;
    size_t n_except;
    enum lens_respell respell;
    enum lens_spelling spelling[2]; /* KEYS: by side */
    enum lens_side any;             /* LOWER: the side of `any` */
    bool deep; /* keys are spelt so at all depths of what is there */
    bool
        foreign; /* `foreign: bag`: a member that already stands where the set leads is
                     taken for one of it; else it is as occupied */
};

/*
 * One way for a value between two places. A plain arrow has one way whose shapes
 * are unsaid; an arrow with `cases` has one for each, and the first whose
 * shape[read] fits what is at place[read] is taken. A way with an unsaid shape[read]
 * fits if something is there; a way without place[read] (has[read] is false: a case
 * that only the other side has) never fits.
 */
struct lens_way {
    struct lens_origin origin;
    bool has[2];
    struct lens_place place[2];
    struct lens_shape shape[2]; /* of the value at place[side] */
    const struct lens_open
        *open; /* the last `*` of its places; NULL: it is none */
    struct lens_stages stages;
    enum lens_outside outside;
    struct lens_rest rest;
    enum lens_hide
        hide; /* beside one-sided shapes: its image; else for what fails */
    struct lens_value hidden;
    bool
        drop_doubles; /* `double: drop`: elements that `stages` made equal go */
};

/* ---- arrows over several places ---- */

enum lens_joint_kind {
    LENS_JOINT_COPY,  /* one value / the same at several places */
    LENS_JOINT_SPLIT, /* one text / its parts */
    LENS_JOINT_TABLE, /* several / several, by rows */
    LENS_JOINT_EACH,  /* one value / the same in every element */
    LENS_JOINT_CONCAT /* one list / several, one after another */
};

/* CONCAT: which elements of the one list go to this one of several: the first that fits
 * takes an element. */
struct lens_back {
    const struct lens_step *find; /* `*[k=v]`; NULL: by `shape` */
    struct lens_shape shape;
};

/* EACH: what unequal elements become on the side that has one value. */
enum lens_unequal {
    LENS_UNEQUAL_FAIL,
    LENS_UNEQUAL_NULL,
    LENS_UNEQUAL_FIRST,
    LENS_UNEQUAL_MIN, /* of numbers, or of texts byte by byte */
    LENS_UNEQUAL_MAX,
    LENS_UNEQUAL_SUM, /* of numbers */
    LENS_UNEQUAL_KEEP /* they stay in their elements */
};

enum lens_cell_kind {
    LENS_CELL_IS, /* one of `values`; written: the first */
    LENS_CELL_ABSENT,
    LENS_CELL_ANY, /* whatever is there, or nothing; written: nothing */
    LENS_CELL_SAME /* likewise; written: what the other side's cell `same` has */
};

struct lens_cell {
    enum lens_cell_kind kind;
    const struct json *const *values;
    size_t n_values;
    size_t same; /* SAME: column of the other side */
};

struct lens_row {
    const struct lens_cell *cells[2]; /* by column */
    bool is_read[2]; /* by the side read: `only: up` is of the older alone */
    unsigned line;
    unsigned column;
};

/*
 * What leads from the values at the places of one side to those of the other, all
 * at once. COPY and CONCAT have a way for each pair of places, EACH one; SPLIT and TABLE one of
 * one side for each place, those of the older side first. All places of one side lie
 * in the same elements: they are the same down to the last `*`. Of EACH the many
 * place has more `*` than the one, which has the first of them.
 */
struct lens_joint {
    enum lens_joint_kind kind;
    const struct lens_place *places[2];
    size_t n[2];
    enum lens_side
        one; /* COPY, SPLIT, EACH, CONCAT: the side that has one place */
    bool
        differ_refuse; /* COPY: places that differ fail; else the first decides */
    bool
        outside_absent; /* SPLIT: a text that does not match is lost, not refused */
    const struct lens_pattern *pattern; /* SPLIT: part i is at place i */
    const struct lens_row *rows;        /* TABLE */
    size_t n_rows;
    const struct lens_back
        *backs; /* CONCAT: by place of the side that has several */
    enum lens_unequal unequal; /* EACH */
    bool
        none_refuse; /* EACH: a value for no element at all fails; else it is lost */
};

struct lens_arrow {
    struct lens_origin origin;
    enum lens_arrow_kind kind;
    const struct lens_joint *joint; /* NULL: each way is for itself */

    /* Guards on the object as it came; when[read] decides. Unsaid: always. */
    struct lens_shape when[2];
    const struct lens_fact *facts; /* `for:`; all must hold */
    size_t n_facts;

    const struct lens_way *ways; /* one at least */
    size_t n_ways;
    bool has_cases;
    bool overlap_first;       /* `overlap: first` was said: the checker asks */
    enum lens_else otherwise; /* has_cases, and none fits */

    /*
     * Absence (SEMANTICS' table), by the side it is said of. LENS_MAP only. Literals are in
     * that side's spelling: X, whose image X' is what the other side writes; `omit` and
     * `null` are always literals. An expression in `absent` reads that side and gives
     * what is written on the other, as in `up:` and `down:`.
     */
    struct lens_value absent[2];
    const struct json *omit[2];
    const struct json *null[2];

    /* LENS_ADD: `up:`; LENS_DROP: `down:`. */
    struct lens_value fill;
    enum lens_write write;
    /* `stash: q` of add and drop: q is ways[0].place on the side that lacks the place.
     * stages lead from the stash's text (as the side that has q spells it) to the value. */
    bool has_stash;
    bool
        stash_wins; /* `wins: stash`: it stands even if what is visible changed */
    bool host_make; /* `host: make`: a fill makes its missing parents */
    enum lens_style style[2]; /* of a list in a query, by side */
    enum lens_collide collide;
};

/* ---- blocks ------------------------------------------------------------------------------- */

struct lens_block;

/* A case at a type: while its shape fits, its block holds with the type's own arrows.
 * Tags are arrows of a kind: taken on the side read, written on the other. */
struct lens_case {
    struct lens_origin origin;
    bool has[2];
    struct lens_shape shape[2];
    const struct lens_block *block; /* never NULL, may be empty */
    enum lens_hide hide;            /* a case that one side has not */
    struct lens_value hidden;
};

/* One `cases:` list: the first whose shape[read] fits is taken. None: it passes, unless
 * its tags are those of a case of the other side. */
struct lens_choice {
    struct lens_origin origin;
    const struct lens_case *cases;
    size_t n_cases;
    bool overlap_first;
};

struct lens_block {
    const struct lens_arrow *arrows; /* by origin.order */
    size_t n_arrows;
    const struct lens_choice *choices;
    size_t n_choices;
    /*
     * Proper prefixes of places that this block (its cases not counted) or a typed
     * place names on each side; each once, shorter first. A *made object* on a side
     * is a prefix that the type's block and the blocks of the cases taken name on
     * that side and none of them on the other. See lens_is_made.
     */
    const struct lens_place *prefixes[2];
    size_t n_prefixes[2];
};

/* Is `place` a made object on `side` of these blocks together? The type's keep set
 * is not asked here. */
bool lens_is_made(const struct lens_block *const *blocks, size_t n_blocks,
                  enum lens_side side, const struct lens_place *place);

/* The side on which a `rest: {stash: q}` keeps its place: the one without the box or
 * list. */
enum lens_side lens_rest_side(const struct lens_way *w);

/* The `lookup:` of a way, or NULL. */
const struct lens_lookup *lens_way_lookup(const struct lens_way *w);

/* How many steps lead to an element that is found by the very member that the place
 * takes, or something in it: it is a box. 0: there is none. */
size_t lens_way_element(const struct lens_place *p);

/* The same steps, tests included. */
bool lens_place_same(const struct lens_place *a, const struct lens_place *b);
