/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what must outlive every process: weights, and the journal of revisions.
 *
 * One writer at a time, held by a lock. A change is durable before store_commit
 * returns, so nothing takes effect or is acknowledged that a crash could undo.
 * Each revision carries the SHA-256 of the one before; the chain is checked when
 * the store is opened. Damage, or one failed write, and the store refuses
 * changes from then on (store_refuses says why) while it can still be read: it
 * never retries and hopes. Here it is SQLite; another engine has this face too.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

#define STORE_SLOT_MAX    63    /* bytes of a slot's name, as in segments.h */
#define STORE_TEXT_MAX    1024  /* bytes of an actor, a reason or a kind */
#define STORE_JSON_MAX    65536 /* bytes of `before` or `after` */
#define STORE_SLOTS_MAX   8192  /* slots it has ever known */
#define STORE_RECORDS_MAX 4096  /* records it has ever known */
#define STORE_KEY_MAX     128   /* bytes of a key */
#define STORE_HASH_BYTES  32

struct store;

/* A weight as it was last moved, and what it was moved from. */
struct store_weight {
    char slot[STORE_SLOT_MAX + 1];
    uint32_t weight_ppm;
    uint32_t run; /* counts restarts after a halt; from 1 */
    uint32_t
        file_ppm; /* the file's value when it was moved: what it replaced */
    uint64_t revision; /* the revision that set it */
};

/* Where something with a name stands: what the last revision of it said. */
struct store_record {
    char name[STORE_SLOT_MAX + 1]; /* "rollout/ios-orders" */
    uint64_t revision;
    span json;  /* that revision's `after` */
    char *text; /* what it points at: the store's */
};

/* What one revision says. Texts are borrowed from whoever made it. */
struct store_revision {
    uint64_t sequence; /* from 1, without gaps */
    uint64_t time_ms;  /* wall clock */
    span actor;        /* "uid:0 (root)", "config" */
    span reason;
    span kind;   /* "weight.set", "weight.file", "weight.new" */
    span before; /* JSON, empty for none */
    span after;  /* JSON, empty for none */
    uint8_t previous[STORE_HASH_BYTES]; /* SHA-256 of the entry before */
};

/* One revision to be. */
struct store_change {
    span actor;
    span reason;
    span kind;
    uint64_t time_ms;
    /* The weight it moves; its `revision` is the store's to say. With one,
     * `before` and `after` are made by the store. NULL: it moves none. */
    const struct store_weight *weight;
    span before;
    span after;
    /* The record whose new state `after` is; empty: none. With a weight, too,
     * `after` must have the weight's members (STORE_WEIGHT_MEMBERS). */
    span record;
    span key;     /* that names this change, once and for all; or empty */
    bool expects; /* commit only if the record, or else the weight, is at */
    uint64_t expected; /* ...this revision; 0: it has none yet */
};

/* slot, weight_ppm, run, file_ppm: what a revision says of the weight it moved. */
#define STORE_WEIGHT_MEMBERS "s:s, s:I, s:I, s:I"

/*
 * Open the store in the directory `dir`, made if absent (0700), with what is
 * needed to go on: lock, migrations, integrity check, chain. Opened after the
 * fork, closed in the same process. Waits up to `lock_ms` for the lock.
 * OK also when the store is damaged: then store_refuses, and the weights are
 * those of `weights.last`. ERR_CONFLICT: another process holds the lock.
 * ERR_INVALID: damaged, and no `weights.last` to go on with: 0 % is not a safe
 * guess, so somebody must decide. ERR_IO: the directory cannot be used at all.
 */
MUST_CHECK enum err_code store_open(const char *dir, unsigned lock_ms,
                                    struct store **out, struct err *e);

/* Give up the lock and close. NULL is fine. */
void store_close(struct store **s);

/* NULL while changes are taken, else the sentence that says why they are not. */
const char *store_refuses(const struct store *s);

/* The last revision's sequence; 0 if there is none. */
uint64_t store_sequence(const struct store *s);

/* All weights, by slot; valid until the next commit. */
const struct store_weight *store_weights(const struct store *s, size_t *n);

/* One slot's; NULL if it was never moved. Valid until the next commit. */
const struct store_weight *store_weight(const struct store *s, span slot);

/* A record by name; NULL if there is none. Valid until the next commit. */
const struct store_record *store_record(const struct store *s, span name);

/* The revision that was made under this key; ERR_NOT_FOUND: none was. */
MUST_CHECK enum err_code store_key(struct store *s, span key,
                                   uint64_t *revision, struct err *e);

/*
 * Make it durable, all or nothing, then replace `weights.last`. *sequence is
 * its number. ERR_CONFLICT: the slot is at another revision than expected (the
 * sentence names it), or the store refuses. ERR_LIMIT: a text is too long.
 * ERR_IO: the write failed; the store refuses from now on.
 */
MUST_CHECK enum err_code store_commit(struct store *s,
                                      const struct store_change *c,
                                      uint64_t *sequence, struct err *e);

/* So many changes of different weights and records: all of them, one revision each, or
 * none. *sequence is the last one's number; the errors are store_commit's. */
MUST_CHECK enum err_code store_commit_all(struct store *s,
                                          const struct store_change *c,
                                          size_t n, uint64_t *sequence,
                                          struct err *e);

/* Called for each revision, newest first; texts live until it returns. */
typedef bool (*store_revision_fn)(void *arg, const struct store_revision *r);

/* At most `max` revisions before `before` (0: from the newest). */
MUST_CHECK enum err_code store_revisions(struct store *s, uint64_t before,
                                         size_t max, store_revision_fn fn,
                                         void *arg, struct err *e);

/* The same, oldest first: those that came after `after`. */
MUST_CHECK enum err_code store_revisions_after(struct store *s, uint64_t after,
                                               size_t max, store_revision_fn fn,
                                               void *arg, struct err *e);

/*
 * Walk the whole chain. ERR_INVALID: it is broken; the sentence names the first
 * entry whose successor does not know it.
 */
MUST_CHECK enum err_code store_verify(struct store *s, struct err *e);
