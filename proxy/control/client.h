/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: one question to the admin socket and its answer, for the commands; or
 * its events.
 *
 * Blocking, one request a connection, JSON both ways. What the API answers,
 * errors included, is an answer (OK, with its status); only a daemon that cannot
 * be asked is an error here, and its sentence names the remedy.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/control/feed.h"

#include <jansson.h>

struct client_request {
    const char *socket;   /* path of the admin socket */
    const char *method;   /* "GET", "PUT", "POST" */
    const char *path;     /* "/v1/status"; client_path makes one */
    const json_t *body;   /* borrowed; NULL for none */
    const char *if_match; /* "*", "17" (a revision); NULL for none */
    const char *key;      /* Idempotency-Key; NULL for none */
    unsigned timeout_ms;  /* for the whole exchange; 0: 30 s */
};

struct client_answer {
    int status;
    json_t *body; /* ours: client_answer_fini; NULL if it had none */
};

/*
 * Ask, again for two seconds if the daemon says that it did nothing (503), and
 * with a key also if it was cut off before it said what it did. OK: the daemon answered, whatever the status. ERR_NOT_FOUND: no such
 * socket (never started, or another path). ERR_CONFLICT: the socket is there
 * and nobody listens (the daemon is not running). ERR_UNSUPPORTED: permission
 * denied. ERR_LIMIT: it took longer than `timeout_ms`, or the answer is larger
 * than 16 MiB. ERR_INVALID: what came is no answer of Stile's. ERR_IO: else.
 */
MUST_CHECK enum err_code client_ask(const struct client_request *r,
                                    struct client_answer *out, struct err *e);

void client_answer_fini(struct client_answer *a);

/*
 * Watch: a GET whose answer is a stream of events, each given to `fn` until it
 * wants no more. A stream that ends (a reload, a restart) is taken up again where
 * it was, for `timeout_ms` without one; so long, too, may it be silent. OK: `fn`
 * was satisfied, and `out` is empty; or the daemon answered otherwise than with
 * events. The errors are client_ask's.
 */
MUST_CHECK enum err_code client_watch(const struct client_request *r,
                                      feed_fn fn, void *arg,
                                      struct client_answer *out, struct err *e);

/*
 * The one sentence of an answer that is an error: its `detail`, else its
 * `title`, else its status. Borrowed from the answer.
 */
const char *client_answer_says(const struct client_answer *a);

/*
 * `prefix` and `name`, percent-encoded but for "/", in `a`:
 * client_path(a, "/v1/weights/", "route/orders"). NULL if `a` is full.
 */
MUST_CHECK const char *client_path(struct arena *a, const char *prefix,
                                   const char *name);
