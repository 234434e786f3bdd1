/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: what a document on its way consists of. The room's own.
 *
 * The machine sees the document through a window: some bytes of it in a row,
 * with readable bytes behind them. `at` of the window is never inside a token
 * that must be seen whole. Between windows nothing points into the document:
 * what is not yet copied is either in the output or comes again.
 */
#pragma once

#include "translators/engine/engine.h"
#include "translators/engine/index.h"
#include "translators/engine/learn.h"

#include "translators/json/tree.h"

#define ENGINE_SLACK        64 /* readable bytes behind where a token may begin */
#define ENGINE_CARRY        1024
#define ENGINE_FRAMES_FIRST 16
#define ENGINE_STEPS_FIRST  8

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What comes next. Of a value with an entry, or in a container with a state: */
enum engine_want {
    WANT_VALUE, /* of a member, or the document */
    WANT_FIRST_KEY,
    WANT_KEY,
    WANT_COLON,
    WANT_FIRST_ELEMENT,
    WANT_ELEMENT,
    WANT_AFTER, /* a comma, a bracket; behind the document nothing */
    /* In a container of which nothing is known: */
    SKIP_VALUE,
    SKIP_FIRST_VALUE,
    SKIP_FIRST_KEY,
    SKIP_KEY,
    SKIP_AFTER,
    SKIP_COLON,
    /* Inside a token that is only copied: */
    IN_TEXT,
    IN_KEY,
    IN_NUMBER
};

/* What becomes of the bytes of the member at hand. */
enum engine_mode {
    MODE_PLAIN,   /* they are copied */
    MODE_CUT,     /* they are left out */
    MODE_CAPTURE, /* they go where slots keep their values */
    MODE_WRAPPED, /* they are copied, in a list of their own */
    MODE_HELD,    /* a key of what may vanish waits for its value */
    MODE_AGAIN    /* a value is held as it comes, to be handed out */
};

#define NO_SLOT UINT32_MAX
#define TRASH   (UINT32_MAX - 1) /* what is dropped, and looked into */

/* Room in the sink for a head of MessagePack (holes.c); `len` 0: there is none. */
struct engine_hole {
    uint64_t at;
    uint8_t len;
    bool in_out; /* it is in the output; */
    bool opens;  /* or the first in `open`, which ends with it */
};

/* One open container of which nothing is known, where JSON becomes MessagePack. */
struct engine_nest {
    uint64_t n; /* values in it so far; of a map, members */
    struct engine_hole hole;
};

/* One open container that has a state; the first is around the document. */
struct engine_frame {
    const struct engine_state *state;
    const struct engine_entry *entry; /* of the member or element at hand */
    const struct engine_key *key;     /* its key, if it is known */
    uint64_t seen[ENGINE_WORDS];
    uint64_t start;    /* offset of its bracket */
    uint64_t position; /* of a list: elements begun */
    uint32_t depth;
    uint32_t slots;      /* its first */
    uint32_t bytes_mark; /* of captures and pieces when it began */
    uint32_t pieces_mark;
    uint32_t target;    /* CAPTURE: the slot that was filled around this one */
    uint32_t mark_last; /* of a member that may go: the last piece before it */
    uint64_t mark;      /* and how much was in the sink */
    bool mark_wrote;
    bool is_gone; /* CAPTURE: nothing waits, after all */
    bool is_object;
    bool wrote; /* a member or element is in the output */
    uint8_t mode;
    /* Of MessagePack: */
    uint64_t left;           /* members or elements that have not begun */
    uint64_t written;        /* that are in the output */
    struct engine_hole hole; /* or all zeros: its head stands as it came */
    /* Of the walk: */
    bool learns;                  /* it is in a later element of a list */
    struct engine_learnt *head;   /* where its keys begin, or NULL */
    struct engine_learnt *learnt; /* the last key, or `head` */
};

/* A value that waits: pieces of `captures`, in order; and a scalar that is noted. */
struct engine_slot {
    uint32_t first; /* index + 1 of a piece; 0: nothing */
    uint32_t last;
    bool full;
    bool noted;
    uint32_t note_at;
    uint32_t note_len;
};

struct engine_piece {
    uint32_t at;
    uint32_t len;
    uint32_t next; /* index + 1 */
};

/* A key that an entry of `once` was for, of the frame at `depth` that began at `start`. */
struct engine_met {
    uint64_t hash;
    uint64_t start;
    size_t depth;
};

/* One step of a path that is kept. */
struct engine_step {
    const struct engine_key *key; /* NULL: an element, or a key not known */
    bool is_object;
    uint64_t position;
};

struct engine_tell {
    uint64_t n;
    uint64_t first;
    uint32_t path; /* its first step */
    uint32_t steps;
};

/* A made object that ops are inside of; written with its first member. */
struct engine_made {
    const struct engine_op *op;
    bool written;
    bool wrote;
    uint64_t n; /* members in it; and where MessagePack says so */
    struct engine_hole hole;
};

struct engine_window {
    const char *at;
    const char *end;  /* no token may begin here or behind */
    const char *stop; /* bytes from here on are not the document's */
    const char
        *last; /* 32 bytes may be read here and anywhere before; and 64 of
                         what begins before it, in the document */
    const char
        *enough;    /* what the walk leaves from here on need not be looked at
                           now; or NULL */
    bool is_walked; /* the walk has seen all of it, and gets no further */
    bool is_end;    /* `stop` is the end of the document */
};

struct engine {
    /* What the loop uses. */
    char *o; /* where the next byte of output goes */
    char *o_end;
    const char *copied;   /* up to here the window is in the output or cut */
    const char *last_end; /* of the last value of a container with a state */
    const char *base;     /* of the window */
    const char *last;     /* the window's */
    uint64_t offset;      /* of `base` in the document */
    struct engine_frame *frames;
    struct engine_frame *top;
    struct engine_frame *frames_last; /* that there is room for */
    uint8_t *kinds; /* by depth, below the top: is it an object? */
    size_t depth;
    size_t depth_max;
    enum engine_want want;
    uint8_t number; /* IN_NUMBER: how far its grammar got */
    bool crosses;   /* it comes in another form than it goes: see spell.h */

    /* Output. */
    char *o_start;    /* what of the sink is not committed begins here */
    struct buf *sink; /* `out` or `captures` */
    struct buf *out;
    uint32_t target;     /* the slot that is being filled, or NO_SLOT */
    uint32_t piece_at;   /* where its piece begins */
    struct arena *forms; /* what a form needs at work; NULL before the first */
    size_t tail_first;   /* the frame whose mark `tail` begins at */
    bool has_marks;      /* a member that may go was ever met */

    /* Of MessagePack. */
    uint64_t *lefts;            /* by depth, below the top: values to come */
    uint64_t body_left;         /* IN_TEXT, IN_BYTES: bytes to come */
    bool in_key;                /* in a key that is no text, of the top frame */
    struct engine_nest *levels; /* by depth, below the top, to MessagePack */

    /* What is told. */
    struct engine_asked
        *asked; /* values that go again; NULL: nobody knows them */
    enum engine_verdict verdict;
    enum engine_level level; /* that is in use */
    struct engine_fault fault;
    struct engine_tell *tells;
    struct engine_step *steps; /* of first notices, and of the fault */
    uint32_t n_steps;
    uint32_t steps_room;
    uint32_t fault_path;
    uint32_t fault_steps;

    const struct engine_program *program;
    struct arena *arena;
    size_t held_max;
    size_t whole_max;
    bool lenient;
    bool counts_only;
    bool walks;       /* with the walk, if its level has one */
    bool came_before; /* with another document */
    enum engine_level best;
    bool (*run)(struct engine *m, struct engine_window *w);
    bool (*walk)(struct engine *m, struct engine_window *w); /* or NULL */
    engine_index_fn make_index;
    bool follows; /* MessagePack: objects that are as the last ones were */
    size_t frames_room;
    struct engine_pool *pool; /* where it rests; NULL: nowhere */

    /* What waits; most never take memory: */
    struct buf captures;
    struct buf pieces;
    struct buf slots;
    struct buf met;        /* keys that may not come again: struct engine_met */
    struct buf scratch[2]; /* a decoded text, and how it is spelt minimally */
    struct buf tail;       /* of the output, which may yet be cut back */
    struct buf open; /* of MessagePack: output behind a head not known yet */

    /* From here on nothing is cleared at once. */
    struct engine_made made[ENGINE_OPEN_MAX];
    struct engine_frame frames_first[ENGINE_FRAMES_FIRST];
    struct engine_step steps_first[ENGINE_STEPS_FIRST];

    /* The unfinished token, and more. */
    char *carry;
    size_t carry_len;
    size_t carry_room;
    char carry_first[ENGINE_CARRY + ENGINE_SLACK];
    struct engine_index index;
    struct engine_lesson lesson;
};
