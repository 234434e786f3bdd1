/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_sql: the store's tables in SQLite; known to the store's own files alone.
 *
 * Each function is one statement. It decides nothing about
 * refusing; it says what SQLite said.
 */
#pragma once

#include "proxy/control/store.h"

struct sql;

/*
 * Open or make the database, bring its schema up, run SQLite's own check.
 * ERR_INVALID: damaged, foreign, or of a newer build. ERR_IO: cannot be opened.
 */
MUST_CHECK enum err_code sql_open(const char *path, struct sql **out,
                                  struct err *e);
void sql_close(struct sql **q);

typedef bool (*sql_weight_fn)(void *arg, const struct store_weight *w);

/* Every weight, by slot. ERR_INVALID if a row is not one, or `fn` says false. */
MUST_CHECK enum err_code sql_weights(struct sql *q, sql_weight_fn fn, void *arg,
                                     struct err *e);

typedef bool (*sql_record_fn)(void *arg, span name, uint64_t revision,
                              span json);

/* Every record, by name. ERR_INVALID if a row is not one, or `fn` says false. */
MUST_CHECK enum err_code sql_records(struct sql *q, sql_record_fn fn, void *arg,
                                     struct err *e);

/* ERR_NOT_FOUND: no revision has this key. */
MUST_CHECK enum err_code sql_key(struct sql *q, span key, uint64_t *revision,
                                 struct err *e);

/* The newest entry's number and hash as the database keeps them; 0 if none. */
MUST_CHECK enum err_code sql_head(struct sql *q, uint64_t *sequence,
                                  uint8_t hash[STORE_HASH_BYTES],
                                  struct err *e);

/* What goes with a revision, in the same transaction. */
struct sql_extras {
    const struct store_weight *weight; /* that it moves; or NULL */
    span record; /* whose new state its `after` is; or empty */
    span key;    /* or empty */
};

/* A transaction: ERR_CONFLICT, another program holds the database's own lock, and
 * nothing was tried. */
MUST_CHECK enum err_code sql_begin(struct sql *q, struct err *e);

/* One revision whose hash is `hash`. ERR_IO: it failed, and the transaction is gone. */
MUST_CHECK enum err_code sql_append(struct sql *q,
                                    const struct store_revision *r,
                                    const uint8_t hash[STORE_HASH_BYTES],
                                    const struct sql_extras *extras,
                                    struct err *e);

/* All of it is durable when it returns. ERR_IO: none of it is. */
MUST_CHECK enum err_code sql_commit(struct sql *q, struct err *e);

/* Revisions with from <= sequence < to, in that order or the other way. */
MUST_CHECK enum err_code sql_revisions(struct sql *q, uint64_t from,
                                       uint64_t to, bool newest_first,
                                       size_t max, store_revision_fn fn,
                                       void *arg, struct err *e);
