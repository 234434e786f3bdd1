/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: ask one address once whether it is well.
 *
 * A GET over HTTP/1.1 on a connection of its own; an answer of 200 to 399 whose
 * head came in time is a pass, all else a failure with its reason. Never waits.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/http/h1.h"
#include "proxy/server/loop.h"

#include <sys/socket.h>

/* The check is over and may be started anew; `said` is "" for a pass. */
typedef void (*check_fn)(void *arg, bool passed, const char *said);

struct check {
    struct loop *loop;
    check_fn fn;
    void *arg;
    span authority; /* of the Host line */
    span path;
    struct arena *arena;
    struct h1 parser;
    struct buf out;
    struct watch watch;
    struct timer deadline;
    int fd; /* -1: not under way */
    bool connected;
};

/* `authority` and `path` must outlive it. False if the heap is empty. */
MUST_CHECK bool check_init(struct check *c, struct loop *l, span authority,
                           span path, check_fn fn, void *arg);

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
