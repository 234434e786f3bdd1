/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a value is written on each side: forms of `as`, enums, the stages of a pipeline
 * (LANGUAGE.md, "Forms"), and the values that `up:`, `down:`, `absent:` and `else:` give.
 */
#pragma once

#include "translators/lens/shapes.h"

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
