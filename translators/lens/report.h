/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what a loaded api keeps and loses, for `stile check`.
 *
 * Derived from the arrows alone, as no contract is read: what is not proved is
 * said to hold only *if* something does, never plainly.
 */
#pragma once

#include "proxy/base/buf.h"
#include "translators/lens/lens.h"

/* An older client *reads* what is translated down and *writes* what is translated up. */
#define LENS_LOSSES(X)                                                         \
    X(READ_FAILS, "reading fails on")  /* a word says so */                    \
    X(WRITE_FAILS, "writing fails on") /* a word says so */                    \
    X(READ_IF, "reading needs")        /* nothing proves it */                 \
    X(WRITE_IF, "writing needs")                                               \
    X(READ_HIDES, "reading leaves out") /* not shown to an older client */     \
    X(WRITE_LOSES, "writing loses")     /* what it reads and writes back */    \
    X(WRITE_IGNORED, "writing ignores") /* what only it has */                 \
    X(WRITE_ERASES, "writing a whole document erases")                         \
    X(WRITE_WOULD_ERASE, "writing a whole document would erase") /* no word */

enum lens_loss_kind {
#define X(name, words) LENS_##name,
    LENS_LOSSES(X)
#undef X
};

struct lens_loss {
    enum lens_loss_kind kind;
    struct lens_origin origin;
    span what; /* "status=requires_action", "legacy_code" */
};

/* S in place, D one value or its object is held, B a list is held (LANGUAGE.md). */
enum lens_class { LENS_STREAMS, LENS_HOLDS_VALUE, LENS_HOLDS_LIST };

struct lens_report {
    size_t type;
    size_t older; /* versions */
    size_t newer;
    size_t n_arrows;
    const struct lens_loss *losses; /* by table, then by arrow */
    size_t n_losses;
    /* By the side read: places that are none of its version, and have a meaning in
     * another one on the way. */
    const struct lens_place *reserved[2];
    size_t n_reserved[2];
    enum lens_class class;     /* an estimate: the worst of its arrows */
    struct lens_place held;    /* what forces it; n == 0: nothing */
    enum lens_guarantee keeps; /* what holds, by the same rules as the claim */
    span cost;   /* what a pass holds, in words; empty: the estimate says it */
    span packed; /* what it holds of MessagePack, in words; empty: not known */
};

/* Who knows better than the estimate: may set class, held.text, cost and packed. */
typedef void (*lens_weigh_fn)(void *arg, struct lens_report *r);

/* Of one type between two versions, older < newer. ERR_LIMIT: `a` is full. */
MUST_CHECK enum err_code lens_report_of(struct arena *a,
                                        const struct lens_api *api, size_t type,
                                        size_t older, size_t newer,
                                        struct lens_report *out);

/* "Order  v1 -> v3  read: total, exact  write: total, loses ...", a few lines. */
void lens_report_print(const struct lens_api *api, const struct lens_report *r,
                       struct buf *to);

/*
 * All of an api: each type between neighbours and to the newest version, where
 * an arrow stands between. `better` may be NULL. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code lens_report_all(struct arena *a,
                                         const struct lens_api *api,
                                         lens_weigh_fn better, void *arg,
                                         struct buf *to);

/* What the arrows of one table lose in one type, or (type == n_types) in its `http`
 * blocks. For the checker. */
MUST_CHECK enum err_code
lens_losses_of(struct arena *a, const struct lens_api *api, size_t table,
               size_t type, const struct lens_loss **out, size_t *n);

/* It says nothing of any type or message. */
bool lens_change_is_unused(const struct lens_api *api,
                           const struct lens_change *c);

/* What holds of a change over all types and messages, beside what it claims. ERR_LIMIT: `a`
 * is full. */
MUST_CHECK enum err_code lens_keeps_of(struct arena *a,
                                       const struct lens_api *api,
                                       const struct lens_change *c,
                                       enum lens_guarantee *out);

/* What losses leave of a guarantee, and the first that breaks what is claimed (NULL:
 * none does). */
enum lens_guarantee lens_guarantee_of(const struct lens_loss *losses, size_t n);
const struct lens_loss *lens_guarantee_breaker(const struct lens_loss *losses,
                                               size_t n,
                                               enum lens_guarantee claimed);
