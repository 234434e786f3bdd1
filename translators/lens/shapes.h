/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a lens looks, and what it asks of what is there: places, tests and shapes
 * (LANGUAGE.md, "Places" and "Cases"), and the origin that each part of a lens has.
 *
 * Equality of literals is that of documents: same type, numbers by their
 * spelling (1 is neither 1.0 nor "1"), texts byte for byte.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

struct json; /* translators/json/tree.h; all literals */

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
    const span
        *watch; /* what is to be looked at meanwhile: the proxy's words */
    size_t n_watch;
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
