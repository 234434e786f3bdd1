/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: host names to addresses, by a helper process.
 *
 * getaddrinfo waits as long as it likes and loads what the system's files say,
 * so it runs in a child that has nothing but a socket to us. One question at a
 * time, in turn: a name whose servers are silent holds up the others for the
 * time of one answer, then its helper is ended and another one goes on. A helper that
 * dies is replaced. It dies with us.
 *
 * `localhost` and the names below it are the loopback addresses, and nobody is
 * asked (RFC 6761 section 6.3): a machine may have neither a hosts file nor DNS.
 */
#pragma once

#include "proxy/observe/segments.h"
#include "proxy/server/loop.h"

#define NAMES_HOST_MAX 255
#define NAMES_WAIT_MS  ((uint64_t)5000) /* for one answer */

struct names;

/*
 * The answer to a question: addresses without port, or none and why. The order
 * is the resolver's.
 */
typedef void (*names_fn)(void *arg, uint32_t id,
                         const struct endpoint_address *addresses, size_t n,
                         const char *said);

/*
 * Start the helper, for questions with ids below `n`. An answer that is not
 * there after `wait_ms` is one without addresses. ERR_IO: no process or socket to
 * be had. ERR_LIMIT: the heap is empty.
 */
MUST_CHECK enum err_code names_new(struct loop *l, size_t n, uint64_t wait_ms,
                                   names_fn fn, void *arg, struct names **out,
                                   struct err *e);

/* Ends the helper at once, whatever it waits for. */
void names_free(struct names **n);

/*
 * Ask; the answer comes to `fn` with the same id. To ask again before it came
 * changes nothing. `host` must last until then. False: too long to be a name.
 */
MUST_CHECK bool names_ask(struct names *n, uint32_t id, span host);

/* The helper's; 0 while there is none. For `status` and tests. */
pid_t names_pid(const struct names *n);
