/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lens: an API's change files, checked, as tables of two-way arrows.
 *
 * What is here has been proved loadable: every place, form, symbol and word is
 * resolved, every conflict was refused with file, line and column. It is
 * immutable, lives in one arena, and holds no program: the reference
 * interprets it as it stands, the fused engine compiles it. Names follow
 * LANGUAGE.md; what the fields mean when a document comes is SEMANTICS.md,
 * "One step".
 *
 * Sides: wherever a field is an array of two, index it by enum lens_side. Going
 * up reads LENS_OLDER and writes LENS_NEWER; going down the other way round. So
 * code that takes `read` and `write = lens_other(read)` serves both directions.
 *
 * Equality of literals is that of documents: same type, numbers by their
 * spelling (1 is neither 1.0 nor "1"), texts byte for byte.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

struct json;     /* translators/json/tree.h; all literals */
struct problems; /* proxy/base/problem.h */
struct template; /* proxy/base/template.h; paths of messages */

enum lens_side { LENS_OLDER, LENS_NEWER };

static inline enum lens_side
lens_other(enum lens_side side)
{
    return side == LENS_OLDER ? LENS_NEWER : LENS_OLDER;
}

/* ---- where something was said ------------------------------------------ */

enum lens_guarantee {
    LENS_KEEPS_FULL,
    LENS_KEEPS_READ,
    LENS_KEEPS_WRITE,
    LENS_KEEPS_NONE
};

struct lens_change {
    span name;  /* `change:` */
    span file;  /* "changes/2-v1.yaml", relative to the api's folder */
    span path;  /* the same as it was opened: what problems name */
    span title; /* of the manifest */
    span owner;
    span why;     /* empty if it is not said */
    span backout; /* likewise: how to go back */
    enum lens_guarantee
        guarantee; /* as claimed; what contradicts it is refused */
    unsigned line; /* of the claim */
    unsigned column;
    size_t table; /* index into lens_api.tables */
};

/* For notices and errors: which change, and where it stands in its file. */
struct lens_origin {
    const struct lens_change *change; /* NULL for what api.yaml says */
    unsigned line;                    /* from 1; of the arrow's key */
    unsigned column;
    /* Arrows of one table in order: changes by name, then as they stand in the
     * file. Unique in a table; SEMANTICS' "order of its arrow". */
    unsigned order;
};

/* ---- places ------------------------------------------------------------- */

enum lens_step_kind {
    LENS_KEY,   /* a member, `key` */
    LENS_EACH,  /* `*`: every element of a list, every member of an object */
    LENS_INDEX, /* `[3]`: the element at `index` */
    LENS_LAST,  /* `[last]` */
    LENS_ONLY,  /* `[only]`: refused if there are more */
    LENS_FIND,  /* `[k=v, m, !n]`: the one element that passes all `finds`; two:
                      refused */
    LENS_EACH_FIND /* `*[k=v]`: every element that passes all `finds` */
};

enum lens_find_kind { LENS_HAS, LENS_LACKS, LENS_EQUALS };

/* One test of `[kind=gift, !coupon]`; the member is a path of keys in the element. */
struct lens_find;

struct lens_step {
    enum lens_step_kind kind;
    span key;     /* LENS_KEY: unescaped (~0, ~1 and quotes are undone) */
    size_t index; /* LENS_INDEX */
    const struct lens_find *finds; /* LENS_FIND, LENS_EACH_FIND */
    size_t n_finds;
};

/* n == 0 is `.`, the value itself. */
struct lens_place {
    const struct lens_step *steps;
    size_t n;
    span text; /* as written */
};

struct lens_find {
    enum lens_find_kind kind;
    struct lens_place member; /* keys only */
    const struct json
        *value; /* LENS_EQUALS: what a made element is given, its tag */
};

/* ---- tests ---------------------------------------------------------------- */

/* What a value is: a number that is spelt without `.`, `e` or `E` has both LENS_NUMBER
 * and LENS_INTEGER; ⊥ has LENS_ABSENT. A mask fits a value if they share a bit. */
enum lens_types {
    LENS_ABSENT = 1,
    LENS_NULL = 2,
    LENS_BOOL = 4,
    LENS_NUMBER = 8,
    LENS_INTEGER = 16,
    LENS_STRING = 32,
    LENS_OBJECT = 64,
    LENS_LIST = 128,
    LENS_PRESENT = 254
};

enum lens_test_kind {
    LENS_TEST_TYPE,   /* `types` fits */
    LENS_TEST_IS,     /* equals `values[0]` (a plain literal, or {is: X}) */
    LENS_TEST_IN,     /* equals one of `values` */
    LENS_TEST_NOT,    /* none of `inner` ... not all of `inner` pass */
    LENS_TEST_STARTS, /* a text that starts with `text` */
    LENS_TEST_LINES, /* a text of exactly `n` lines (one more than it has \n) */
    LENS_TEST_SAME /* present, and equals what is at `place` of the same object */
};

struct lens_test {
    enum lens_test_kind kind;
    unsigned types;
    const struct json *const *values;
    size_t n_values;
    const struct lens_test *inner; /* hold together, then negated */
    size_t n_inner;
    span text;
    size_t n;
    struct lens_place place;
};

/* All tests must pass at `place`, read as the object came. ⊥ passes only a
 * LENS_TEST_TYPE with LENS_ABSENT and a LENS_TEST_NOT of what it fails. */
struct lens_condition {
    struct lens_place place;
    const struct lens_test *tests;
    size_t n_tests;
};

/* A tag of a shape: tested when this side is read (present and equal), taken away
 * from what is read, written when this side is written. */
struct lens_tag {
    struct lens_place place;
    const struct json *value;
};

/*
 * What a value must look like on one side: `older:` and `newer:` of a case, both
 * halves of `when:`, and `when:` at a type's place. All parts hold together; a
 * shape with `said` false fits everything that is present and tells nothing.
 *
 * Lists of constants that pair by position are already spread into one case each.
 */
struct lens_shape {
    bool said;
    unsigned types;              /* of the value itself; 0: not asked */
    const struct json *constant; /* the value itself equals this; else NULL */
    const struct lens_condition *conditions; /* places in the value */
    size_t n_conditions;
    const struct lens_tag *tags; /* only in cases */
    size_t n_tags;
    /* `{type: card, card: .}`: where, inside this side's value, the value of the
     * other side sits. The rest of the object, without tags, is a `rest:`. */
    bool has_inside;
    struct lens_place inside;
};

/* A fact of the request that `for:` asks. */
struct lens_fact {
    span name; /* "platform" or "method" */
    span value;
};

/* ---- forms of `as` ----------------------------------------------------------- */

/* X(name, group, spelling, parameter): X and Y of one `as` are of one group. The
 * parameter is N a count of digits, D a decimal factor, T a text, K a spelling of
 * keys, or 0 none. Null passes every form. */
#define LENS_FORMS(X)                                                          \
    X(NUMBER, NUM, "number", 0)      /* a JSON number */                       \
    X(INT, NUM, "int", 0)            /* a whole JSON number */                 \
    X(NUMBER_TEXT, NUM, "string", 0) /* the number's text in a string */       \
    X(DECIMAL, NUM, "decimal", 'N')  /* "12.99": a string, k digits */         \
    X(MINOR, NUM, "minor", 'N')      /* 1299: a whole number of 10^-k */       \
    X(TIMES, NUM, "times", 'D')      /* a JSON number, the value times k */    \
    X(BOOL, TRUTH, "bool", 0)                                                  \
    X(BOOL_TEXT, TRUTH, "string", 0) /* "true", "false" */                     \
    X(BOOL_INT, TRUTH, "int", 0)     /* 1, 0 */                                \
    X(UNIX_S, INSTANT, "unix_s", 0)                                            \
    X(UNIX_MS, INSTANT, "unix_ms", 0)                                          \
    X(RFC3339, INSTANT, "rfc3339", 0)                                          \
    X(DATE, INSTANT, "date", 0) /* "2026-02-01", midnight UTC */               \
    X(SECONDS, DURATION, "seconds", 0)                                         \
    X(MILLIS, DURATION, "millis", 0)                                           \
    X(SUFFIX, DURATION, "suffix", 'T') /* "30s" */                             \
    X(ISO, DURATION, "iso", 0)         /* "PT30S" */                           \
    X(BASE64, BYTES, "base64", 0)                                              \
    X(BASE64URL, BYTES, "base64url", 0)                                        \
    X(HEX, BYTES, "hex", 0)                                                    \
    X(BIN, BYTES, "bin", 0) /* bytes as such; JSON spells them as base64 */    \
    X(TEXT, TEXT, "text", 0)                                                   \
    X(PREFIX, TEXT, "prefix", 'T') /* the text behind a fixed beginning */     \
    X(LOWER, TEXT, "lower", 0)                                                 \
    X(UPPER, TEXT, "upper", 0)                                                 \
    X(PATTERN, TEXT, "\"{...}\"", 0)  /* parts between fixed texts */          \
    X(JSON, ANY, "json", 0)           /* the value */                          \
    X(JSON_TEXT, ANY, "json_text", 0) /* its JSON in a string */               \
    X(KEYS, ANY, "keys", 'K')         /* its keys, spelt so */

enum lens_form_kind {
#define X(name, group, spelling, parameter) LENS_AS_##name,
    LENS_FORMS(X)
#undef X
};

enum lens_spelling {
    LENS_SNAKE,  /* target_value */
    LENS_CAMEL,  /* targetValue */
    LENS_PASCAL, /* TargetValue */
    LENS_KEBAB   /* target-value */
};

struct buf;

/* Append `key` as it is spelt so: what `keys(...)` writes. */
void lens_spell(span key, enum lens_spelling spelling, struct buf *to);

/* One part of a pattern: a fixed text, or a name that stands for what is there. */
struct lens_piece {
    span text;   /* of a fixed part; of a named one its name */
    size_t name; /* index into names; SIZE_MAX: fixed */
    bool digits; /* `{b:digits}`: one digit at least, and nothing else */
};

/* `"{a}:{b:digits}"`: every part but the last is the shortest text that lets the rest
 * fit. No two parts that may be any text are neighbours. */
struct lens_pattern {
    span text; /* as written */
    const struct lens_piece *pieces;
    size_t n;
    const span *names; /* in the order they stand */
    size_t n_names;
};

struct lens_form {
    const struct lens_pattern *pattern; /* of this side, if it is one */
    const size_t *order; /* by name of its pattern: which of the other side's */
    enum lens_form_kind kind;
    unsigned digits;             /* decimal(k), minor(k): 0 to 18 */
    span factor;                 /* times(k): a JSON number's text, not zero */
    span text;                   /* prefix("cus_"), suffix(s) */
    enum lens_spelling spelling; /* keys(snake) */
    unsigned depth;              /* keys(snake, 1): levels of keys; 0: all */
};

/* ---- enum ---------------------------------------------------------------------- */

struct lens_symbol {
    const struct json *from; /* a scalar, as the side being read spells it */
    const struct json
        *to;    /* its image, or NULL: hide, the element or field goes */
    bool lossy; /* reading the image back gives another symbol: a notice */
};

enum lens_unlisted { LENS_UNLISTED_PASS, LENS_UNLISTED_FAIL, LENS_UNLISTED_IS };

/* One direction of an enum: look `from` up (at most one fits), else `unlisted`. */
struct lens_symbols {
    const struct lens_symbol *rows;
    size_t n_rows;
    enum lens_unlisted unlisted;
    const struct json
        *image; /* LENS_UNLISTED_IS: what an unlisted one becomes */
    /* LENS_UNLISTED_PASS: what passes would come back as the other direction's image,
     * so it is told. */
    bool passes_lossy;
    /* Under LENS_UNLISTED_PASS these fail: symbols that only the other side has. */
    const struct json *const *foreign;
    size_t n_foreign;
};

/* ---- stages: how a value is written on each side -------------------------------- */

enum lens_stage_kind {
    LENS_STAGE_FORM,  /* `as: X <> Y` */
    LENS_STAGE_ENUM,  /* `enum:` */
    LENS_STAGE_LIST,  /* `as: one <> list` */
    LENS_STAGE_INDEX, /* `as: list(k) <> map` */
    LENS_STAGE_ORDER, /* `order: by k` */
    LENS_STAGE_PATHS, /* `as: paths(Type)` */
    LENS_STAGE_FLAT,  /* `flatten: older` */
    LENS_STAGE_LOOKUP /* `lookup: index <> key`; no other stage is beside it */
};

/* `lookup`: how a reference names one element of a list. */
enum lens_reference {
    LENS_BY_INDEX,  /* a number, from 0 */
    LENS_BY_KEY,    /* what the element has at `by` */
    LENS_BY_ITSELF, /* the element stands where the reference would */
};

struct lens_lookup {
    enum lens_reference how[2]; /* by side */
    struct lens_place
        in[2]; /* the list, keys alone; of a side BY_ITSELF: `.` */
    struct lens_place each[2]; /* if `is_alone`: all elements, of that side */
    struct lens_place by;      /* BY_KEY: keys alone, of an element there */
    bool is_alone;             /* one side is BY_ITSELF and has no list */
    enum lens_side list;       /* then: the side that has it */
};

/* `as: list(k) <> map`: what of an element stands in the map under its key. */
enum lens_held {
    LENS_HELD_REST,  /* `map`: the element without k */
    LENS_HELD_VALUE, /* `map(v)`: what it has at v, and nothing else */
    LENS_HELD_WHOLE, /* `map(.)`: the element, k as well */
    LENS_HELD_NONE   /* `list(.)`: the element is the key itself */
};

/* `flatten`: how one list becomes several again. */
enum lens_flat {
    LENS_FLAT_ONE,  /* they are one */
    LENS_FLAT_EACH, /* each element is in one of its own */
    LENS_FLAT_KEY   /* neighbours that have the same at `key` are in one */
};

enum lens_twice { LENS_TWICE_FAIL, LENS_TWICE_FIRST, LENS_TWICE_LAST };

enum lens_pick { LENS_PICK_FIRST, LENS_PICK_LAST, LENS_PICK_ONLY };

struct lens_stage {
    enum lens_stage_kind kind;
    struct lens_form form[2];       /* FORM: by side */
    struct lens_symbols symbols[2]; /* ENUM: by the side being read */
    enum lens_side one;  /* LIST: the side that has one value, not a list */
    enum lens_pick pick; /* LIST: of several; PICK_ONLY: several fail */
    bool empty_absent;   /* LIST: [] is ⊥ on the other side, not null */

    enum lens_side list;              /* INDEX: the side that has the list */
    enum lens_held held;              /* INDEX */
    enum lens_twice twice;            /* INDEX: two elements with one key */
    size_t type;                      /* PATHS: whose fields the texts name */
    const struct lens_lookup *lookup; /* LOOKUP */
    enum lens_side sorted; /* ORDER: the side whose list is sorted by `key` */
    enum lens_side nested; /* FLAT: the side that has a list of lists */
    enum lens_flat back;   /* FLAT */
    struct lens_place
        key; /* INDEX, ORDER, FLAT: keys alone, of an element; n == 0: `.` */
    struct lens_place value; /* INDEX, HELD_VALUE: likewise */
    const struct json *unit; /* INDEX, HELD_NONE: what the map holds */
};

/* A pipeline: going up stages run first to last, going down last to first. None: the
 * value as it is. */
struct lens_stages {
    const struct lens_stage *at;
    size_t n;
};

/* What a form does not read (or cannot write). */
enum lens_outside {
    LENS_OUTSIDE_FAIL,
    LENS_OUTSIDE_PASS, /* as it is */
    LENS_OUTSIDE_NULL,
    LENS_OUTSIDE_ABSENT
};

/* ---- values ------------------------------------------------------------------------ */

enum lens_value_kind {
    LENS_VALUE_UNSAID,
    LENS_VALUE_ABSENT, /* the word `absent` */
    LENS_VALUE_LITERAL, /* `literal`, in the spelling of the side it is written on */
    LENS_VALUE_FROM, /* what is at places[0] on the side being read, translated */
    LENS_VALUE_FIRST, /* the first of `places` where something is */
    LENS_VALUE_WHICH, /* tags[i] of the first of `places` where something is */
    LENS_VALUE_TEXT,  /* `parts` joined */
    LENS_VALUE_COUNT, /* how many elements places[0] has, a number */
    LENS_VALUE_POSITION /* `position_of`: index in the list `in` of the element whose `by`
                           equals what is at places[0] */
};

enum lens_part_kind { LENS_PART_TEXT, LENS_PART_PLACE, LENS_PART_INDEX };

struct lens_part {
    enum lens_part_kind kind;
    span text;               /* PART_TEXT */
    struct lens_place place; /* PART_PLACE: a scalar, as text */
    unsigned
        digits; /* PART_INDEX: this element's place in its list, zero-padded */
};

/*
 * After `up:`, `down:`, `absent:`, `else:`. All places are of the side being read
 * and read the object as it came. `stages` (enum:, as:) run on what FROM or FIRST
 * found, from the side being read to the other. If nothing is found: `otherwise`
 * if said, else ⊥.
 */
struct lens_value {
    enum lens_value_kind kind;
    const struct json *literal;
    const struct lens_place *places;
    const struct json *const *tags;
    size_t n_places;
    struct lens_stages stages;
    const struct lens_part *parts;
    size_t n_parts;
    struct lens_place in;
    struct lens_place by;
    const struct lens_value *otherwise; /* `else:`; NULL if unsaid */
};

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

/* ---- types ---------------------------------------------------------------------------------- */

/* A typed place inside a type, at one version. */
struct lens_child {
    struct lens_place place;
    size_t type;
    struct lens_shape when; /* of the value there */
    struct lens_shape
        guard; /* of the object of the type itself: a place that a case
                                at the type moved is typed only while the case fits */
    /*
     * Set where, at this version, the place lies in a value that an arrow of the table
     * to the next version spells otherwise (JSON in a text): the typed place is `inside`
     * the value that `through` reads from `place`. Else NULL.
     */
    const struct lens_way *through;
    struct lens_place inside;
};

struct lens_constant {
    struct lens_place place;
    const struct json *value;
};

/* What a type is at one version. */
struct lens_type_at {
    const struct lens_child *children;
    size_t n_children;
    const struct lens_place *markers; /* none: n_markers is 0 */
    const struct json *const *marks;  /* what each marker must hold */
    size_t n_markers;
    const struct lens_constant *constants; /* written, not read */
    size_t n_constants;
    const struct lens_place *keeps; /* objects never removed */
    size_t n_keeps;
};

struct lens_type {
    span name;
    unsigned line; /* in api.yaml */
    unsigned column;
    bool has_key;
    struct lens_place key;
    bool has_version_at; /* a record says its own version, */
    struct lens_place
        version_at; /* here: keys alone, and no arrow leads to or from it */
    /* `empty_hosts: same`: an object that is empty and none say the same, so a patch
     * may leave one behind or make one. */
    bool empty_hosts_same;
    const struct lens_type_at *at; /* by version */
};

/* ---- messages ---------------------------------------------------------------------------------- */

enum lens_way_of { LENS_REQUEST = 1, LENS_ANSWER = 2 };

/*
 * Which messages. Of a method and path: requests, and answers with a 2xx status
 * (other answers have types of their own, by `status`). Of `status 4xx 422 [media]`:
 * answers alone. Of `event NAME`: the data of such events in an answer; those
 * without a name are `message` (WHATWG HTML §9.2.6), and of a path's type, too.
 */
struct lens_message {
    span text;                   /* as written */
    unsigned ways;               /* of enum lens_way_of */
    span method;                 /* empty: any */
    const struct template *path; /* NULL: any */
    const uint16_t *statuses;    /* 4, 5: a class; 100 and more: that code */
    size_t n_statuses;           /* 0: 2xx where it types an answer */
    span media;                  /* type/subtype, lower case; empty: any */
    bool is_event;
    bool is_event_prefix; /* `order.*`: names that begin with `event` */
    span event;
};

/* A message as it comes, for lens_message_fits. */
struct lens_occasion {
    bool is_answer;
    span method; /* of the request, for an answer too */
    span path;   /* of the request, without query */
    unsigned status;
    span media;    /* type/subtype without parameters; empty if there is none */
    bool is_event; /* one of a stream of server-sent events */
    span event;    /* its name; empty if it has none */
};

bool lens_message_fits(const struct lens_message *m,
                       const struct lens_occasion *o);

/* A type in the body of a message, at one version. */
struct lens_site {
    struct lens_message message;
    struct lens_place place; /* in the body; n == 0: the whole body */
    struct lens_shape when;  /* of the value there */
    size_t type;
    struct lens_origin origin; /* in api.yaml */
};

/* ---- tables -------------------------------------------------------------------------------------- */

/* What kind of message arrows are asked about. A failure is an answer other than
 * 2xx: its body is not what the route's arrows speak of. */
enum lens_message_kind { LENS_OF_REQUEST, LENS_OF_ANSWER, LENS_OF_FAILURE };
#define LENS_PARTS 3

/* `status: {enum: {204: {to: 200, body: {up: {}, down: none}}}}`: what an answer has for
 * a body on the side being written, when the status turned into the other. */
struct lens_status_body {
    span status[2];
    bool says[2];               /* by the side being written */
    const struct json *body[2]; /* NULL: none */
};

/*
 * Arrows on the message itself, an object {method, path/NAME, query/NAME,
 * header/NAME, status, body}; header names are in lower case. Values of path,
 * query and header are texts, status is a number, body is what the message
 * carries. Path and query are of requests, status is of answers.
 */
struct lens_http {
    struct lens_origin origin;
    /* As each side names it; the same unless `moved`. n_statuses is 0, and here means
     * any status. */
    struct lens_message route[2];
    bool moved; /* `to: METHOD /path` */
    bool gone;  /* the newer version has no such route */
    bool paths; /* the path is written anew: moved, or an arrow on path/NAME */
    const struct lens_block
        *block; /* all of them, for the checks; without cases */
    const struct lens_block
        *parts[LENS_PARTS]; /* those that a message can meet */
    bool joins[LENS_PARTS]; /* one of them asks the body or leads there */
    /* One of those speaks of the head as well: a body of many records has one head. */
    bool crosses[LENS_PARTS];
    const struct lens_status_body *bodies;
    size_t n_bodies;
};

/*
 * By method and path, whatever the status, as the older side names the message.
 * One that moved is of the messages alone of which it is the nearest route
 * (lens_route_of); that is the caller's to ask.
 */
bool lens_http_fits(const struct lens_http *h, const struct lens_occasion *o);

/* ---- what is declared ---------------------------------------------------------------------------- */

enum lens_declared_kind { LENS_EFFECT, LENS_FETCH, LENS_HOOK };

/* What no message rewriting can do: acknowledged, never executed. */
struct lens_declared {
    struct lens_origin origin;
    enum lens_declared_kind kind;
    span at;         /* as written */
    bool is_message; /* else a type, or a place of one: reported alone */
    struct lens_message message;
    span note; /* what happens */
    span ack;  /* who took note of it */
    bool
        fails; /* fetch and hook without `else: pass`: the message is refused */
};

/* "effect", "fetch", "hook". */
const char *lens_declared_word(enum lens_declared_kind kind);

/* An event that is called otherwise, or that the newer version has not. */
struct lens_event {
    struct lens_origin origin;
    span name[2];
    bool gone;
};

/* All that changes between versions[i] and versions[i + 1]. */
struct lens_table {
    const struct lens_block *const
        *blocks; /* by type; NULL: no arrows (its children
                                               and markers may still change) */
    const struct lens_http *http;
    size_t n_http;
    const struct lens_declared *declared;
    size_t n_declared;
    const struct lens_event *events;
    size_t n_events;
    size_t n_arrows; /* cases included */
};

#define LENS_NO_DATE INT32_MIN

struct lens_version {
    span label;
    int32_t date; /* days since 1970-01-01, or LENS_NO_DATE */
    int32_t deprecated;
    int32_t sunset;
    span link;
    bool internal; /* nobody speaks it: detection never answers with it */
    const struct json
        *marker; /* `marker:`, or NULL: the label as a text stands for it */
};

/* ---- detection, as written; routing judges it ---------------------------------------------------------- */

enum lens_source_kind {
    LENS_SOURCE_HEADER,      /* name */
    LENS_SOURCE_MEDIA,       /* text: application/vnd.shop.{version}+json */
    LENS_SOURCE_MEDIA_PARAM, /* name */
    LENS_SOURCE_CLIENT,      /* name (a header), builds */
    LENS_SOURCE_QUERY,       /* name */
    LENS_SOURCE_PATH,        /* text: /apis/{version}/ */
    LENS_SOURCE_PIN,         /* name, pins */
    LENS_SOURCE_BODY
};

struct lens_build {
    span platform;
    span range; /* ">=4.0 <7.12" */
    size_t version;
    unsigned line;
    unsigned column;
};

struct lens_pin {
    span key; /* as the table has it */
    size_t version;
};

struct lens_source {
    enum lens_source_kind kind;
    span name;
    span text;
    const struct lens_build *builds;
    size_t n_builds;
    span pin_file; /* PIN: name is "header:Authorization" or "cookie:sid" */
    const struct lens_pin *pins;
    size_t n_pins;
    unsigned line; /* in api.yaml */
    unsigned column;
};

struct lens_detect {
    const struct lens_source *sources; /* in order */
    size_t n_sources;
    int missing; /* a version; -1: refuse */
    /* `unknown:` can only be refuse. */
    span echo; /* a header; empty: none */
    bool agree;
};

/* ---- the whole -------------------------------------------------------------------------------------------- */

struct lens_api {
    span name; /* `api:` */
    span file; /* api.yaml as it was named to lens_load */
    const struct lens_version *versions; /* oldest first */
    size_t n_versions;
    const struct lens_type *types;
    size_t n_types;
    const struct lens_table *tables; /* n_versions - 1 */
    /* Body sites by version, in order of api.yaml. */
    const struct lens_site *const *sites;
    const size_t *n_sites;
    const struct lens_change *changes; /* by table, then by name */
    size_t n_changes;
    struct lens_detect detect;
};

/* What the bytes of one file are, for lens_load_text. */
struct lens_text {
    span name; /* "changes/2-v1.yaml" */
    span text;
};

/*
 * Read api.yaml at `path` (or in the folder `path`) and changes/ *.yaml beside it, check
 * them, and build the api in `a`. Every finding goes to `problems`; with an error among
 * them the answer is ERR_INVALID and *out stays as it was. ERR_IO: a file cannot be
 * read (also a problem). ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code lens_load(struct arena *a, const char *path,
                                   struct problems *problems,
                                   const struct lens_api **out);

/* The same from memory: `api` is api.yaml, `changes` the change files, in any order.
 * Tables of pins are not read. */
MUST_CHECK enum err_code lens_load_text(struct arena *a, struct lens_text api,
                                        const struct lens_text *changes,
                                        size_t n_changes,
                                        struct problems *problems,
                                        const struct lens_api **out);

/* The method of a request to a route that was asked with `method` by another name. */
span lens_route_method(const struct lens_message *to, span method);

/* Is the place of a message in path, query or header, where values are texts? */
bool lens_place_is_text(const struct lens_place *place);

/* What a table says of an event that side `named` calls so; NULL: nothing. */
const struct lens_event *lens_event_of(const struct lens_table *t,
                                       enum lens_side named, span name);

/* Where a message stands in a table. */
enum lens_route_state {
    LENS_ROUTE_HERE, /* *out is the nearest route that speaks of it, or NULL */
    LENS_ROUTE_GONE, /* the newer version has none: 410 */
    LENS_ROUTE_UNKNOWN, /* a name that the side being read does not have: 404 */
};

/* The route of a message that side `named` calls so. */
enum lens_route_state lens_route_of(const struct lens_table *t,
                                    enum lens_side named,
                                    const struct lens_occasion *o,
                                    const struct lens_http **out);

/*
 * The line of the message in the neighbouring version, as far as it is known
 * before its body: parts of the path that come from elsewhere are `-`. Texts
 * that are new live in `a`. False: `a` is full.
 */
MUST_CHECK bool lens_route_turn(struct arena *a, const struct lens_http *h,
                                enum lens_side named, span *method, span *path);

/* The version of this label; -1 if there is none. */
int lens_version_of(const struct lens_api *api, span label);

/* The type of this name; -1 if there is none. */
int lens_type_of(const struct lens_api *api, span name);

/* "full", "read", "write", "none". */
const char *lens_guarantee_word(enum lens_guarantee g);
