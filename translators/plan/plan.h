/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: a chain of versions as programs of the machine (translators/engine).
 *
 * Each type that messages have at a place of their body has a program, composed and
 * lowered (translators/compose), for requests and one for answers. An object of a type
 * in it that does not compose, or that the machine cannot do as bytes come, *goes
 * again*: it is held, and the reference translates it alone. A whole body that does has
 * no program. A document may be more than its program knows (a stranger where an arrow
 * leads, a doubled key, bytes that are no JSON): then the run says PLAN_ASIDE,
 * and the reference reads the document from its start. So a plan never refuses,
 * and what it accepts is what the reference says.
 *
 * A plan is immutable and lives in the arena it was built in.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "translators/engine/engine.h"
#include "translators/lens/lens.h"
#include "translators/reference/reference.h"

struct plan;
struct plan_entry; /* a type at a place of a body, in requests or answers */
struct plan_run;   /* one body on its way; in the arena it was made in */

/* Programs for which messages, as bits. */
enum plan_kind { PLAN_REQUESTS = 1, PLAN_ANSWERS = 2, PLAN_BOTH = 3 };

/*
 * Plan all pairs that are wanted: wanted[from * n_versions + to], of enum plan_kind, and
 * plans likewise, which were NULL. A chain is made of its neighbour's, to a nearer version; and
 * they share the programs of what no step between them does anything to. A chain that would be
 * too large to compose stays NULL, and so do all others once those that are made have taken half
 * of the room in `a`, or some seconds: the nearest are made first.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code
plan_build_all(struct arena *a, const struct lens_api *api,
               const uint8_t *wanted, const struct plan **plans, struct err *e);

/* The way from version `from` to version `to` (not the same) alone; never NULL.
 * ERR_LIMIT: `a` is full. */
MUST_CHECK enum err_code plan_build(struct arena *a, const struct lens_api *api,
                                    size_t from, size_t to,
                                    const struct plan **out, struct err *e);

/* The program for requests, or answers, whose body has `type` at `place`; NULL if
 * there is none. */
const struct plan_entry *plan_find(const struct plan *p,
                                   const struct lens_place *place, size_t type,
                                   bool is_request);

/* Has it an `add` with `write: refuse`? Then a PUT from an old client is for
 * the reference. */
bool plan_entry_guards(const struct plan_entry *entry);

/* What the machine runs for it. */
const struct engine_program *plan_entry_program(const struct plan_entry *entry);

/* How a body comes and goes. */
struct plan_how {
    size_t depth_max; /* cut down to JSON_DEPTH_MAX */
    size_t
        held_max; /* bytes of a value that goes again; of MessagePack, of output
                        that waits for a head that says how many follow; 0: any */
    bool is_answer;    /* then a stranger goes, in a request it is refused */
    bool comes_packed; /* it is MessagePack, or JSON */
    bool goes_packed;  /* and is to be */
    bool counts_only;  /* plan_run_notice_at is never asked */
    struct engine_pool *pool; /* of machines; NULL: each run has a new one */
    const struct reference_facts
        *facts; /* of the message, for values that go again; NULL: as above */
};

/* NULL: `a` is full. */
MUST_CHECK struct plan_run *plan_run_new(struct arena *a,
                                         const struct plan_entry *entry,
                                         const struct plan_how *how,
                                         struct buf *out);

enum plan_step {
    PLAN_MORE,  /* all but an unfinished token is done */
    PLAN_DONE,  /* the document is translated and its end was seen */
    PLAN_ASIDE, /* not for this program: throw away what it has written */
};

/*
 * More of the body; `is_end` says that no more comes. The bytes are not kept.
 * Output is appended to `out`, which the caller may empty at any time, and does
 * not depend on how the body was cut. Allocates nothing but in `out`,
 * and for values that go again.
 */
MUST_CHECK enum plan_step plan_run_feed(struct plan_run *r, span bytes,
                                        bool is_end);

/* Bytes of memory that it keeps, beside its arena's, for what waits. */
size_t plan_run_held_bytes(const struct plan_run *r);

struct plan_notice {
    enum notice_kind kind;
    const struct lens_origin *origin;
    size_t at; /* offset of the first in the body */
    size_t n;
    size_t where; /* the same for those whose first was at one place */
};

/* After PLAN_DONE: so many kinds of notices there may be, and the i-th of them; its
 * n may be 0. */
size_t plan_run_notices_max(const struct plan_run *r);
struct plan_notice plan_run_notice(const struct plan_run *r, size_t i);

/* Append where the first of them was (RFC 6901); n is not 0. */
void plan_run_notice_at(const struct plan_run *r, const struct plan_notice *n,
                        struct buf *out);

/* After PLAN_ASIDE: why a value that goes again could not be translated, in the
 * reference's words; NULL: it was none. */
const struct translation_fault *plan_run_again_fault(const struct plan_run *r);

/* After PLAN_ASIDE: what the machine met, and where. */
const struct engine_fault *plan_run_fault(const struct plan_run *r);
void plan_run_fault_at(const struct plan_run *r, struct buf *out);
