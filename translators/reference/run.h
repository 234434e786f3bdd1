/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: one message on its way, and how its translation may fail.
 *
 * Everything in this room works for a run. A function that returns false has
 * written the run's fault (once) and everybody above returns at once; what was
 * half done is thrown away with the run's arena. Only a way or a case with
 * `hide` catches a fault, and then the value it happened in goes as a whole.
 *
 * Where a node stood in the message as it was sent is its *origin*: an offset
 * into the source, kept through moves and conversions by its trail.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/reference/report.h"

/* What kind of failure: decides the status, and what `hide` may catch. */
enum fault_kind {
    FAULT_READ,  /* the document itself: a doubled key, the marker, the depth */
    FAULT_CARRY, /* well formed, but the changes cannot carry it */
    FAULT_LIMIT,
    FAULT_MEMORY
};

struct notice_entry {
    enum notice_kind kind;
    const struct lens_origin *origin;
    size_t at; /* origin of the first */
    size_t n;
    unsigned step;
};

struct touch_entry {
    const struct lens_origin *origin;
    span place;
    const char *what;
    bool was_there; /* in the message as it was sent */
    size_t at;
    size_t n;
};

struct scratch; /* run.c: memory of one object's translation */

struct run {
    struct arena *arena;   /* what the document is made of, and the report */
    struct arena *scratch; /* what the object at hand needs besides */
    struct scratch *level;
    const struct lens_api *api;
    bool is_request;
    bool replaces;    /* a PUT: what its client cannot see is erased */
    bool may_erase;   /* the route says `write: lose` */
    bool never_erase; /* the route says `write: refuse` */
    bool texts_read;  /* the value at hand is of a head: numbers are texts, */
    bool texts_write; /* and what it becomes is */
    bool
        comes_packed; /* from MessagePack: bytes are carried (json/carried.h), */
    bool goes_packed; /* and are to be */
    span method;
    span platform;
    size_t depth_max;
    span source; /* the body as it was sent */
    const struct reference_head
        *head; /* and its head: origins beyond the source,
                                          counted from one, are its fields */

    size_t table;    /* of the version step: its older version */
    unsigned step;   /* number of the version step, from 1 */
    unsigned frames; /* objects translated so far: each has a number */
    unsigned muted;  /* while not 0, nothing is told: a copy is translated */
    span from;       /* labels of the step */
    span to;

    /* For sentences: the place that is being looked for, as the change writes it, and
     * the arrow that it is of. */
    span sought;
    const struct lens_origin *about;

    bool failed;
    enum fault_kind kind;
    size_t fault_at; /* origin */
    struct translation_fault fault;

    struct notice_entry *notices;
    size_t n_notices;
    size_t room_notices;
    struct touch_entry *touches; /* of this version step */
    size_t n_touches;
    size_t room_touches;
};

/*
 * What is known of a node besides its value. Never changed, as copies of a node
 * share it: trail_set makes a new one.
 */
struct trail {
    size_t origin; /* of the node, or of what it was made from */
    bool hole;     /* stands for what was cut out here: nothing is there */
    bool made;     /* a parent that a write had to make */
    bool gone;     /* hidden: what leads into it leads nowhere */
    bool partial; /* of a patch: an object of which only what changes is told */
    bool erased;  /* of a patch: a member that is to go, shown as null */
    unsigned
        step; /* version step in which it came into its object; 0: it stays */
    span change; /* and its place among those that came in that step */
    uint64_t order;
    unsigned writer; /* the frame that put it there; 0 none */
};

/* The element of a list that was counted last, so that the next one is near. */
struct seat {
    const struct json *list;
    unsigned step; /* of the run: lists are cleaned up between steps */
    size_t at;     /* its slot */
    size_t index;  /* and how many are there before it */
};

/* That of the list which holds the object at hand. */
struct seat *run_seat(struct run *r);

/* Origin of a node; where it has none, that of the nearest thing above. */
size_t run_origin(const struct json *node);

/* The node's trail, or one for a node that has none. */
struct trail trail_of(const struct json *node);
MUST_CHECK bool trail_set(struct run *r, struct json *node, struct trail trail);

/* Say that `node`, and all below that has no origin of its own, comes from `at`. */
MUST_CHECK bool run_derive(struct run *r, struct json *node, size_t at);

/*
 * Fail. `node` and `origin` (of a change; else run->about) may be NULL. Both are
 * false, so that a step can end with them, and plainly so, for those who read
 * paths.
 */
void run_fail_at(struct run *r, enum fault_kind kind, const struct json *node,
                 const struct lens_origin *origin, const char *fmt, ...)
    PRINTF(5, 6);
static inline bool
run_never(void)
{
    return false;
}
#define run_fail(...) (run_fail_at(__VA_ARGS__), run_never())

/* The arena is full. */
#define run_full(r)                                                            \
    run_fail((r), FAULT_MEMORY, NULL, NULL,                                    \
             "the message needs more memory than a request may use")

/* Tell a loss, a touch. Failure to do so is a full arena. */
MUST_CHECK bool run_notice(struct run *r, enum notice_kind kind,
                           const struct lens_origin *origin,
                           const struct json *node);
MUST_CHECK bool run_touch(struct run *r, const struct lens_origin *origin,
                          const struct lens_place *place, const char *what,
                          const struct json *node);

/*
 * Scratch memory for one more object, inside the one at hand, and back. Nothing
 * that ends up in the document may live in it.
 */
MUST_CHECK bool run_enter(struct run *r);
void run_leave(struct run *r);
void run_end(struct run *r); /* gives all scratch memory back */

/*
 * Room for one more in a growing array: doubles `*room` and moves the array.
 * NULL when full (then the run has failed). RUN_GROW is for the object at hand,
 * RUN_KEEP for as long as the run.
 */
void *run_grow(struct run *r, struct arena *a, void *array, size_t n,
               size_t *room, size_t size);
#define RUN_GROW(r, array, n, room)                                            \
    run_grow((r), (r)->scratch, (array), (n), &(room), sizeof(*(array)))
#define RUN_GROW_POINTERS(r, array, n, room)                                   \
    run_grow((r), (r)->scratch, (array), (n), &(room), sizeof(void *))
#define RUN_KEEP(r, array, n, room)                                            \
    run_grow((r), (r)->arena, (array), (n), &(room), sizeof(*(array)))
