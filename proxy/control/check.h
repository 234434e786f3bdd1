/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: ask one address once whether it is well.
 *
 * A GET, as the pool's requests would go (over TLS, as HTTP/2), on a connection
 * of its own; an answer of 200 to 399 whose head came in time is a pass, all
 * else a failure with its reason. Never waits.
 */
#pragma once

#include "config/generation.h"
#include "proxy/http/h1.h"
#include "proxy/http/h2_client.h"
#include "proxy/server/loop.h"

#include <sys/socket.h>

struct tls;

/* The check is over and may be started anew; `said` is "" for a pass. */
typedef void (*check_fn)(void *arg, bool passed, const char *said);

struct check {
    struct loop *loop;
    check_fn fn;
    void *arg;
    const struct gen_pool *pool;
    const struct gen_endpoint *endpoint;
    struct arena *arena;
    struct h1 parser;
    struct h2 *h2; /* NULL while it is h1 that is spoken */
    struct tls *tls;
    struct ssl_session_st *session;
    struct buf out;    /* a request's bytes */
    struct buf sealed; /* for the socket: as they are, or sealed */
    struct watch watch;
    struct timer deadline;
    int fd;       /* -1: not under way */
    unsigned run; /* how many were started */
    bool connected;
    bool has_asked;
};

/* `pool` and `endpoint` must outlive it. False if the heap is empty. */
MUST_CHECK bool check_init(struct check *c, struct loop *l,
                           const struct gen_pool *pool,
                           const struct gen_endpoint *endpoint, check_fn fn,
                           void *arg);

/* End one that is under way, without a word; it may be started again. */
void check_stop(struct check *c);

/* The same, for good. */
void check_fini(struct check *c);

/* Not while one is under way. `fn` may be called before this returns. */
void check_start(struct check *c, const struct sockaddr *address, socklen_t len,
                 uint64_t timeout_ms);

static inline bool
check_is_under_way(const struct check *c)
{
    return c->fd >= 0;
}
