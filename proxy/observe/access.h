/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: the access log, one JSON object a line, one write a batch; to a log
 * daemon (a socket of datagrams) one message a line.
 *
 * Separate from the log: it may drop (a stuck reader, a full disk), counts what
 * it dropped, and never makes a worker wait. Lines are whole or absent.
 *
 *   access_begin(a);
 *   access_text(a, "route", route->name);
 *   access_u64(a, "status", 200);
 *   access_end(a);
 *   ... once a turn of the loop, and on a timer: access_flush(a);
 */
#pragma once

#include "proxy/base/buf.h"

#include <sys/socket.h>

#define ACCESS_BATCH_MAX 262144u /* bytes waiting; beyond it lines drop */
#define ACCESS_FLUSH_AT  32768u  /* access_end flushes by itself there */
#define ACCESS_TEXT_MAX  2048    /* bytes of one value; the rest is cut */

struct access {
    int fd; /* -1: no access log, all of this does nothing */
    bool is_file;
    bool is_syslog;
    socklen_t peer_len; /* of the log daemon's address: it may come back */
    struct sockaddr_storage peer;
    bool first;     /* no member written yet */
    bool mid_line;  /* the last write ended inside a line */
    size_t line_at; /* where the line being built begins */
    struct buf batch;
    uint64_t dropped; /* lines */
};

/* The descriptor stays the caller's; -1 for no access log. */
void access_init(struct access *a, int fd);
void access_fini(struct access *a); /* flushes */

/* A new descriptor from now on; the old one is closed after a last flush. */
void access_reopen(struct access *a, int fd);

void access_begin(struct access *a);
void access_text(struct access *a, const char *name, span value);
void access_u64(struct access *a, const char *name, uint64_t value);
void access_bool(struct access *a, const char *name, bool value);
/* "name": null */
void access_null(struct access *a, const char *name);
/* "name": ["x","y"] */
void access_texts(struct access *a, const char *name, const span *values,
                  size_t n);
void access_end(struct access *a);

/* Not between begin and end. */
void access_flush(struct access *a);

static inline bool
access_is_on(const struct access *a)
{
    return a->fd >= 0;
}
