/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what the machine runs, and what a compiler lowers to.
 *
 * A program is data: a graph of states, immutable, in the compiler's arena. A
 * state says what is known of a value: which keys of an object (or elements of
 * a list) have an entry, and what is written when the object ends. An entry says
 * what becomes of one value: it stays in its slot, perhaps under another key; it
 * goes; it waits in a slot of an object that is still open; it fails the message.
 * A value without an entry is validated and copied byte for byte.
 *
 * Faults and notices are numbers into tables of the compiler's: the machine
 * counts and reports them, and knows no change, file or sentence.
 *
 * Texts that are written (`to`, `text` of an op, `to` of a row) are JSON as it
 * is to stand in the output. Make them with engine_text: the machine copies 32
 * bytes at a time, so every text must have ENGINE_PAD readable bytes behind it.
 * The same program over MessagePack is a copy of it: packed.h.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/span.h"

#define ENGINE_PAD       32
#define ENGINE_WORDS     4 /* of seen bits, for each open object */
#define ENGINE_BITS_MAX  (64 * ENGINE_WORDS)
#define ENGINE_SLOTS_MAX 64     /* of one object */
#define ENGINE_NONE      0xFFFF /* no bit, no slot, no fault, no test */

/* ---- tables of bytes ---------------------------------------------------------- */

/* One of the strings: its first and its last eight bytes as words, zeros behind a
 * shorter one, which is both. */
struct engine_key {
    uint64_t first;
    uint64_t last;
    uint32_t len;
    const char *at;
};

/* Finds the index of a string by its length and its first bytes. */
struct engine_table {
    uint64_t factor;
    unsigned shift;
    const uint16_t *slots; /* index + 1 by hash; 0: none, ends the search */
    const struct engine_key *keys;
    size_t n;
};

/* Strings must differ; they are copied. False: `a` is full, or n >= ENGINE_NONE. */
MUST_CHECK bool engine_table_build(struct arena *a, const span *strings,
                                   size_t n, struct engine_table *out);

/* A copy of `s` with ENGINE_PAD zero bytes behind it. False: `a` is full. */
MUST_CHECK bool engine_text(struct arena *a, span s, span *out);

/* ---- scalars ------------------------------------------------------------------ */

/* Which notices are told, each once for every time. */
struct engine_notes {
    const uint16_t *at;
    size_t n;
};

/*
 * A form: writes another spelling of a scalar. `scalar` is its JSON as it came,
 * quotes included; what is appended to `out` is JSON as well. `scratch` is empty,
 * and the form's until it returns.
 */
enum engine_formed {
    ENGINE_FORMED,   /* written */
    ENGINE_RESPELT,  /* written, and the form's notices are to be told */
    ENGINE_AS_IT_IS, /* nothing was written: it stays as it came */
    ENGINE_OUTSIDE   /* it has no image: the form's fault */
};
typedef enum engine_formed (*engine_form_fn)(const void *arg, span scalar,
                                             struct arena *scratch,
                                             struct buf *out);
/* Of `scratch`; more where values are noted whole. */
#define ENGINE_FORM_BYTES ((size_t)16 * 1024 * 1024)

struct engine_form {
    engine_form_fn fn;
    const void *arg;
    /* It reads, or writes, bytes: in MessagePack they are bytes, and carried to and from
     * `fn` (json/carried.h); in JSON they are base64. */
    bool reads_bytes;
    bool writes_bytes;
    uint16_t fault;
    struct engine_notes notes;
};

/*
 * What is made of several values, when an object ends: those that slots have noted
 * (empty: nothing was), each as JSON. What is appended to `out` is JSON as well;
 * nothing: nothing is written. told[i] is 0: so often notes[i] are told. OUTSIDE: the
 * op's fault.
 */
typedef enum engine_formed (*engine_several_fn)(const void *arg,
                                                const span *noted,
                                                struct arena *scratch,
                                                struct buf *out, size_t *told);

struct engine_where {
    uint8_t up; /* whose slot: 0 the object that ends */
    uint16_t slot;
};

struct engine_several {
    engine_several_fn fn;
    const void *arg;
    const struct engine_where *of;
    size_t n;
    const struct engine_notes *notes;
    size_t n_notes;
};

/*
 * What is written for a scalar of the row's spelling. Numbers and words are
 * found as they are spelt, texts by what they say: a text with escapes is
 * decoded and spelt minimally first.
 */
struct engine_row {
    span to;        /* empty: it stays as it came; a text of engine_text */
    uint16_t fault; /* or ENGINE_NONE */
    bool no_form;   /* over MessagePack: it cannot say `to` (packed.h) */
    struct engine_notes notes;
};

struct engine_map {
    struct engine_table table; /* of spellings, quotes included */
    const struct engine_row *rows;
    const struct engine_form *form; /* of what has no row; NULL: none */
    uint16_t fault; /* of what has neither; ENGINE_NONE: it stays */
    /* Over MessagePack: those rows that are of texts, by what these say. */
    struct engine_table texts;
    const uint16_t *text_rows;
};

/* ---- entries ------------------------------------------------------------------ */

enum engine_action {
    ENGINE_KEEP,    /* in its slot */
    ENGINE_DROP,    /* validated, and not written */
    ENGINE_CAPTURE, /* its output waits in a slot */
    ENGINE_REFUSE   /* the message fails with `fault`; in a lenient run what is
                       said to be lenient is dropped instead */
};

/* Shapes of values, as bits. */
enum engine_shape {
    ENGINE_NULL = 1,
    ENGINE_BOOL = 2,
    ENGINE_NUMBER = 4,
    ENGINE_TEXT = 8,
    ENGINE_LIST = 16,
    ENGINE_OBJECT = 32,
    ENGINE_SCALARS = 15,
    ENGINE_SHAPES = 63
};

/* A test of a scalar that a slot holds: is its source spelling one of these? */
struct engine_test {
    uint8_t
        up; /* whose slot: 0 the innermost open object or list, 1 around it */
    uint16_t slot; /* a slot that `note` filled; an empty one is in no set */
    bool negated;
    struct engine_table values;
};

/* Always holds, at no cost but the question. */
extern const struct engine_test engine_always;

/*
 * A value that no entry says: it is held whole, handed to whoever knows what becomes
 * of it (engine_on_again), and what comes back is written in its place.
 */
struct engine_again {
    const void *what; /* the compiler's: it is handed back */
    uint16_t fault;   /* when there is nobody to ask, or no answer */
    uint8_t
        shapes; /* of values that go again; all others are as the entry says */
    bool vanishes; /* it may have no form at all: entries of it ask (`when`), as
                         the machine holds the key and the separator, too */
};

/* Of an entry that notes: a container is held and noted whole, as JSON, and stays as it
 * came (no child). */
extern const struct engine_again engine_notes_whole;

/* Of an entry that keeps: a container becomes the one element of a list; what it is itself
 * is as the entry says. A scalar is its map's. */
extern const struct engine_again engine_wraps;

struct engine_state;

#define ENGINE_ONCE_MAX                                                        \
    512 /* keys of one object that an entry of `once` is for */

/* engine_entry_settle: what becomes of a member whose value is a scalar, where that is
 * told without asking more. Anything else about it is general. */
enum engine_way {
    ENGINE_GENERAL,
    ENGINE_STAYS,  /* KEEP: under its key or another, its value as it came */
    ENGINE_MAPPED, /* KEEP: and a row may stand for its value */
    ENGINE_WAITS,  /* CAPTURE, as it came */
    ENGINE_GOES    /* DROP */
};

struct engine_entry {
    enum engine_action action;
    uint16_t bit; /* seen bit of the object around it, or ENGINE_NONE */
    uint16_t
        twice; /* fault when its bit is already seen; ENGINE_NONE: it may */
    uint16_t fault;  /* REFUSE; also of a shape in `refused`, and of a CAPTURE
                        whose slot has a value */
    uint8_t refused; /* shapes that fail the message */
    uint8_t up;      /* CAPTURE: whose slot. 0: of the object around it */
    uint16_t slot;   /* CAPTURE */
    uint16_t
        note; /* a scalar's source spelling is kept in this slot as well; of a
                      container what it is, as `{}` or `[]` */
    uint8_t note_up;
    bool
        lenient; /* REFUSE: dropped in a lenient run; has no map, child, same */
    bool
        once; /* of `other`: none of those keys may come twice; else `twice`, also
                  where there are too many of them to know (ENGINE_ONCE_MAX) */
    /* engine_entry_settle: */
    bool is_plain; /* its value is like any other */
    uint8_t
        way; /* an engine_way; a text with escapes that is read is general */
    uint8_t word;  /* settled: of the seen bits, where its own is */
    bool has_same; /* DROP: a scalar spelt `same` goes without its notes */
    uint64_t
        seen;  /* settled, too: its bit in its word of them; 0: it has none */
    span same; /* a text of engine_text, minimally spelt */
    span packed_same; /* over MessagePack, besides: as it would come; if it is a
                         text */
    span to; /* its key in the output, quotes included; empty: as it came */
    struct engine_notes notes;        /* told each time it occurs */
    const struct engine_map *map;     /* of scalars; NULL: they stay */
    const struct engine_state *child; /* of a container; NULL: as it came */
    const struct engine_again
        *again; /* of its shapes, instead of map and child */
    const struct engine_test *when; /* NULL: always. If it does not hold: */
    const struct engine_entry *otherwise; /* then this one; NULL: as it came */
};

/* To be called when all else of the entry stands: what it never asks for need not
 * be looked at each time. An entry that is not settled does the same. */
void engine_entry_settle(struct engine_entry *e);

/* ---- the end of an object ----------------------------------------------------- */

/*
 * Ops run in order when an object ends, in front of its bracket; commas are the
 * machine's. An op happens only if all its `needs` are seen and none of its
 * `unless`; with a test, only if that holds too (`when->up` counts from the
 * object that ends).
 */
enum engine_op_kind {
    ENGINE_OP_MEMBER, /* write `text`, a whole member */
    ENGINE_OP_SLOT,   /* write `text` (a key with its colon) and what the slot
                         holds, which is then empty; nothing if it is empty */
    ENGINE_OP_VALUE, /* write `text` (a key with its colon) and what `several` makes;
                         nothing if it makes nothing */
    ENGINE_OP_OPEN, /* `text` (a key, its colon, a bracket) is written before
                         the next member */
    ENGINE_OP_MADE, /* what OPEN said is written, whether members come or not */
    ENGINE_OP_SHUT, /* `text` (a bracket) closes what OPEN wrote; nothing if no
                         member came between */
    ENGINE_OP_NOTE, /* tell `notes` */
    ENGINE_OP_FULL, /* fail with `fault` if the slot holds something */
    ENGINE_OP_FAIL, /* fail with `fault` */
    ENGINE_OP_PRUNE, /* the object itself goes with its key, if nothing was
                         written in it; `slot` is then a seen bit of the one
                         around it, or ENGINE_NONE. The last that happens */
    ENGINE_OP_JUMP   /* leave out the next `jump` ops */
};

struct engine_op {
    enum engine_op_kind kind;
    uint8_t word; /* of the seen bits that needs and unless speak of */
    uint8_t up;   /* SLOT, FULL: whose slot */
    uint16_t slot;
    uint16_t fault;
    uint16_t jump;
    bool lists; /* OPEN over MessagePack: a list, no object */
    uint64_t needs;
    uint64_t unless;
    span text;
    struct engine_notes notes; /* told whenever it happens (MEMBER, SLOT too) */
    const struct engine_test *when;
    const struct engine_several *several; /* VALUE */
};

#define ENGINE_OPEN_MAX 8 /* OPENs within each other */

/* ---- states ------------------------------------------------------------------- */

struct engine_state {
    /* An object. */
    struct engine_table keys; /* decoded: an escaped spelling is the same key */
    const struct engine_entry *entries; /* by index of the table */
    const struct engine_entry
        *other; /* of all other keys; NULL: as they came */
    const struct engine_op *ops;
    size_t n_ops;
    uint16_t n_slots; /* also of a list */
    bool prunes;      /* it has such an op: entries that lead here must ask
                    (`when`), as the machine marks where they begin */
    bool is_steady;   /* over MessagePack: as many members come as go */
    /* A list. */
    const struct engine_entry
        *items; /* the first `n_items` elements; KEEP, DROP,
                                         CAPTURE or REFUSE like members */
    size_t n_items;
    const struct engine_entry *each; /* of the others; NULL: as they came */
};

struct engine_program {
    const struct engine_entry *root; /* of the document; KEEP */
    size_t n_notices;                /* every notice is below this */
    bool is_packed;                  /* it runs over MessagePack (packed.h) */
};
