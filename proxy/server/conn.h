/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: a client's connection, whatever it speaks.
 *
 * conn_enter is the one door between states: it alone moves the lists, counts
 * and sets the timer. conn_h1 and conn_h2 speak for it once it is known what
 * the client speaks.
 */
#pragma once

#include "proxy/http/h1.h"
#include "proxy/http/h2.h"
#include "proxy/server/client.h"
#include "proxy/server/io.h"

#include <netinet/in.h>

struct exchange;
struct worker;

#define CONN_STATES(X)                                                         \
    X(CONN_PROXY, "a PROXY header is expected")                                \
    X(CONN_HANDSHAKE, "TLS is being agreed on")                                \
    X(CONN_FRESH, "nothing came yet")                                          \
    X(CONN_HEAD, "h1: a request's first byte came, its head is not whole")     \
    X(CONN_BUSY, "h1: an exchange is under way")                               \
    X(CONN_IDLE, "h1: between requests")                                       \
    X(CONN_H2, "h2, with or without streams")                                  \
    X(CONN_LINGER, "our side is shut: read until the peer shuts its own")      \
    X(CONN_DEAD, "closed, and freed when the batch of events is done")

enum conn_state {
#define X(state, doc) state,
    CONN_STATES(X)
#undef X
};

struct conn {
    uint32_t magic;
    struct worker *worker;
    struct client client;
    enum conn_state state;
    struct io io;
    struct timer timer;
    struct conn *next, *prev; /* of worker.conns */
    struct conn *next_later;
    struct conn *next_dead;
    bool is_later;
    bool is_counted;
    bool has_eof;        /* the peer has shut its side */
    bool ends;           /* h1: close after the answer under way */
    bool told_to_go;     /* h2: GOAWAY's first phase is out */
    uint64_t counted_as; /* connections_per_client; 0: not counted */

    /* h1 */
    struct h1 h1;
    struct exchange *x;
    struct buf ahead;    /* bytes beyond the request under way */
    uint64_t n_requests; /* begun */
    bool is_chunked;     /* the answer under way */
    bool until_close;

    /* h2 */
    struct h2 *h2;
    size_t n_streams;         /* exchanges alive, reset ones included */
    size_t h2_waiting;        /* bytes of all their answers that wait for it */
    uint64_t h2_since;        /* when the last stream ended */
    struct exchange *heading; /* whose head is not whole */
    uint64_t head_since;      /* when that began */
};

struct conn *conn_of(void *arg); /* stops on a stale pointer */

/* A new connection of `listener`; takes `fd`. */
void conn_accept(struct worker *w, size_t listener, int fd,
                 const struct sockaddr *peer, size_t peer_len);

void conn_enter(struct conn *c, enum conn_state state);

/* Close now. With `reset` the peer sees a reset: what it has is not whole. */
void conn_close(struct conn *c, bool reset);

/* Shut our side once all is out, read what the peer still sends, then close. */
void conn_linger(struct conn *c);

/* Read from the descriptor, or leave it until told. */
void conn_read(struct conn *c, bool on);

/* Go on with it when the batch of events is done. */
void conn_later(struct conn *c);

/* ── conn_peer ── */

/* The address that the kernel, or a PROXY header, says. */
void conn_peer_note(struct conn *c, const struct sockaddr *peer, size_t len);

/* Count it with its client's others; false: it was one too many, and is closed. */
MUST_CHECK bool conn_peer_count(struct conn *c);

/* Read on in the PROXY header; false: there is more to come, or it was closed. */
MUST_CHECK bool conn_peer_read(struct conn *c);
void conn_peer_refuse(struct conn *c, const char *why);

/* ── conn_h1 ── */
void conn_h1_begin(struct conn *c);
void conn_h1_feed(struct conn *c, span in);
void conn_h1_eof(struct conn *c);
void conn_h1_drained(struct conn *c); /* its queue is below the low mark */
void conn_h1_resume(struct conn *c);  /* what was read ahead */
void conn_h1_timeout(struct conn *c);
void conn_h1_gone(struct conn *c); /* the connection is lost or closed */

/* ── conn_h2 ── */
void conn_h2_begin(struct conn *c);
void conn_h2_feed(struct conn *c, span in);
void conn_h2_gather(struct conn *c);

/*
 * What an answer was brought in this wake-up is where it was read, and that is used
 * again now: make frames of what the client may take, keep the rest; or keep all.
 */
void conn_h2_pass(struct exchange *x);
void conn_h2_keep(struct exchange *x);

void conn_h2_eof(struct conn *c);
void conn_h2_timeout(struct conn *c);
bool conn_h2_may_go(const struct conn *c); /* and was not told to */
void conn_h2_drain(struct conn *c);
void conn_h2_gone(struct conn *c);
