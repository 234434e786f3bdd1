/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: a program over the bytes of one document, as they come: JSON, or
 * MessagePack if the program is of that (packed.h).
 *
 * The machine validates everything that passes (RFC 8259, UTF-8, depth), copies
 * what no entry speaks of byte for byte and rewrites the rest. It may stop at any
 * byte and go on with more; the output depends on the document alone, never on
 * how it was cut. What it holds is the token at hand where that must be seen
 * whole (a key of a known object, a scalar that is mapped), what waits in slots,
 * and one value that goes again; long texts and numbers that are only copied stream
 * through.
 *
 * Nothing is allocated while it runs but in its output, and where more must be
 * held than ever before.
 */
#pragma once

#include "translators/engine/program.h"

struct engine; /* one document on its way; in the arena it was made in */

/* Which instructions the machine uses: the best that this processor has is the
 * default, plain C is always there. The output is the same. */
enum engine_level { ENGINE_PLAIN, ENGINE_AVX2, ENGINE_AVX512 };
#define ENGINE_LEVELS 3
bool engine_has_level(enum engine_level level);

/*
 * Somebody who knows what becomes of a value that goes again: what stands for it is
 * appended to `out`, in the form that is written. `value` is valid, in the form that
 * came, and gone afterwards. engine_here may be asked meanwhile, nothing else.
 */
enum engine_answer {
    ENGINE_ANSWERED,
    ENGINE_VANISHED,  /* it has no form: it goes, if it may */
    ENGINE_UNANSWERED /* the message fails with the fault of `again` */
};

struct engine_whole {
    span value;
    uint64_t offset; /* in the document */
    size_t depth;    /* containers around it */
};

struct engine_handler {
    enum engine_answer (*fn)(void *arg, const struct engine_again *again,
                             const struct engine_whole *whole, struct buf *out);
    void *arg;
    size_t whole_max; /* bytes of one value; 0: held_max */
};

/*
 * Machines at rest, in `a`: whose arena it is given lives no longer than that. What a
 * document's arena would end, it keeps for the next of the same program. One thread's.
 * NULL: `a` is full.
 */
struct engine_pool;
MUST_CHECK struct engine_pool *engine_pool_new(struct arena *a);

struct engine_limits {
    size_t depth_max; /* open containers; cut down to JSON_DEPTH_MAX */
    size_t held_max;  /* bytes of one held token; bytes in slots; 0: 1 MiB */
    size_t whole_max; /* bytes of values that are noted whole, besides */
    size_t open_max;  /* of MessagePack: bytes held for a head that comes before
                         its count is known; 0: no limit */
    bool lenient;     /* what is refused and said to be lenient goes instead */
    bool crosses;     /* it comes in the form that the program does not write:
                         MessagePack for one of JSON, JSON for one of MessagePack */
    bool counts_only; /* engine_told_at is never asked */
    struct engine_pool
        *pool; /* NULL: the machine is made anew, in its arena. Of
                                 programs without values that go again */
};

/*
 * A machine for one document; output is appended to `out`. Program, `out` and
 * `a` must live as long. NULL: `a` is full.
 */
MUST_CHECK struct engine *engine_new(struct arena *a,
                                     const struct engine_program *program,
                                     const struct engine_limits *limits,
                                     struct buf *out);

/* The same machine for another document; nothing of the last one is left, but for the
 * order in which its keys came. */
void engine_restart(struct engine *m);

/* Another level than the best; before the first feed, if the processor has it. */
void engine_use(struct engine *m, enum engine_level level);

/* Whom to ask about values that go again; before the first feed. False: no room. */
MUST_CHECK bool engine_on_again(struct engine *m,
                                const struct engine_handler *handler);

/* Append where the value is that is asked about (RFC 6901). */
void engine_here(const struct engine *m, struct buf *out);

enum engine_verdict {
    ENGINE_MORE,  /* all but what is held is done */
    ENGINE_DONE,  /* the document has ended and is translated */
    ENGINE_FAILED /* engine_fault says why; nothing more is taken */
};

/*
 * More of the document; `is_end` says that no more comes (bytes may then be
 * empty). The bytes are not kept: what the machine needs of them it copies.
 */
MUST_CHECK enum engine_verdict engine_feed(struct engine *m, span bytes,
                                           bool is_end);

enum engine_why {
    ENGINE_BY_PROGRAM, /* `fault` is the compiler's number */
    ENGINE_BAD_JSON,   /* grammar, UTF-8, more after the end, or none of it; of
                          MessagePack the same */
    ENGINE_NO_FORM, /* what is read here, or all keys are, and JSON has no form
                          for */
    ENGINE_TOO_DEEP,
    ENGINE_SURROGATE, /* half a pair in a text that is read */
    ENGINE_TOO_LONG,  /* more than held_max to be held */
    ENGINE_NO_ROOM    /* the output, the heap or the arena is full */
};

struct engine_fault {
    enum engine_why why;
    uint16_t fault;
    uint64_t offset; /* in the document, of the byte or value that was wrong */
};

/* After ENGINE_FAILED. */
const struct engine_fault *engine_fault(const struct engine *m);

/* Append where it failed (RFC 6901), as deep as entries go: below an unknown
 * key the pointer ends at the object around it. */
void engine_pointer(const struct engine *m, struct buf *out);

/* Bytes of memory that it keeps, beside the arena's, for what waits. */
size_t engine_held_bytes(const struct engine *m);

/* How often a notice was told, and the offset of the first. 0: never. */
size_t engine_told(const struct engine *m, size_t notice, uint64_t *offset);

/* Append where the first was. */
void engine_told_at(const struct engine *m, size_t notice, struct buf *out);
