/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: host names to addresses, by a helper process.
 *
 * getaddrinfo waits as long as it likes and loads what the system's files say,
 * so it runs in a child that has nothing but a socket to us. One question at a
 * time; if the child dies another one is started. It dies with us.
 */
#pragma once

#include "proxy/observe/segments.h"
#include "proxy/server/loop.h"

#define NAMES_HOST_MAX 255

struct names;

/*
 * The answer to a question: addresses without port, or none and why. The order
 * is the resolver's.
 */
typedef void (*names_fn)(void *arg, uint32_t id,
                         const struct endpoint_address *addresses, size_t n,
                         const char *said);

/* Start the helper. ERR_IO: no process or socket to be had. */
MUST_CHECK enum err_code names_new(struct loop *l, names_fn fn, void *arg,
                                   struct names **out, struct err *e);

/* Ends the helper at once, whatever it waits for. */
void names_free(struct names **n);

/* Ask; the answer comes to `fn` with the same id. False: not now, try later. */
MUST_CHECK bool names_ask(struct names *n, uint32_t id, span host);

/* The helper's; 0 while there is none. For `status` and tests. */
pid_t names_pid(const struct names *n);
