/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak: a client that counts what a proxy loses.
 *
 * It keeps so many requests under way over HTTP/1.1 or HTTP/2, in clear or over
 * TLS. It obeys `Connection: close` and GOAWAY and connects anew; it sends
 * again only what RFC 9113 §6.8 says was never processed. A request that was
 * sent on a live connection and got no whole answer has failed, and so has a
 * connection that could not be made.
 */
#pragma once

#include "proxy/base/buf.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct nghttp2_session;

/* What became of a request: X(name, word in the report) */
#define OUTCOMES(X)                                                            \
    X(OUT_OK, "ok")           /* 200, whole, and as long as it should be */    \
    X(OUT_REFUSED, "refused") /* 503, whole */                                 \
    X(OUT_WRONG, "wrong")     /* any other answer */                           \
    X(OUT_LOST, "lost")       /* sent, and no whole answer */                  \
    X(OUT_UNCONNECTED, "unconnected") /* no connection could be made */        \
    X(OUT_AGAIN, "again") /* above GOAWAY's last stream: to be sent again */

enum outcome {
#define X(name, word) name,
    OUTCOMES(X)
#undef X
        OUTCOME_COUNT
};

/* Times of answers: 32 steps a doubling, so within 3 %. Microseconds. */
#define TIMES_STEPS ((size_t)32)
#define TIMES_CELLS (TIMES_STEPS * 40)

struct times {
    uint64_t cells[TIMES_CELLS];
    uint64_t n, most_us;
};

struct options {
    struct sockaddr_in to;
    SSL_CTX *tls; /* NULL: in clear */
    bool h2;
    uint64_t connections; /* kept open at once; with a rate, at most */
    uint64_t streams;     /* under way at once on each */
    uint64_t turns;       /* requests until the client leaves; 0: it stays */
    uint64_t requests;    /* then stop; 0: until SIGTERM */
    uint64_t rate;        /* a second, whoever waits; 0: as fast as it goes */
    uint64_t every_ms;    /* a report; 0: at SIGUSR1 and the end alone */
    uint64_t post_bytes;  /* of every third request; 0: none posts */
    const char *path;
};

/* One request under way. */
struct ask {
    uint64_t sent_us;
    int32_t stream; /* h2 */
    bool posts, is_used;
    int status;        /* 0: no head yet */
    uint64_t n_body;   /* bytes of the answer so far */
    uint64_t n_length; /* as Content-Length says; UINT64_MAX: it does not */
};

#define ASKS_MAX 256

enum conn_state { CONN_CONNECTING, CONN_SHAKING, CONN_OPEN };

struct conn {
    int fd;
    enum conn_state state;
    SSL *ssl;
    bool is_leaving; /* nothing new is sent: answers are awaited, then close */
    uint64_t n_asked;
    struct buf out;
    struct buf in; /* h1: a head that is not whole */
    struct ask asks[ASKS_MAX];
    size_t n_asks;
    bool at_body; /* h1 */
    struct nghttp2_session *h2;
    struct conn *next, *before;           /* of all that are open */
    struct conn *free_next, *free_before; /* of those that soak_offer took */
    bool is_offered;
    bool is_dead;
};

extern struct options options;

uint64_t soak_now_us(void);

/* One request more may be sent now: false when all were, or none is due. */
bool soak_may_ask(void);
void soak_asked(struct conn *c);
/* `a` is over: counted, and its place is free. */
void soak_ended(struct conn *c, struct ask *a, enum outcome how);
/* With a rate: what has room for another request is given the next one due. */
void soak_offer(struct conn *c);
/* It is over; what was under way is lost. Freed when the batch of events is. */
void conn_end(struct conn *c);

/* How an answer that came whole is judged. */
enum outcome soak_judge(const struct ask *a);

/* conn.c: a new one that connects (NULL: it cannot); what an event means. */
struct conn *conn_new(int epoll);
void conn_free(struct conn *c);
void conn_fill(struct conn *c);
void conn_step(struct conn *c, uint32_t events);

/* h1.c, h2.c: send what may be sent; take bytes. False: the connection is broken. */
void h1_fill(struct conn *c);
bool h1_take(struct conn *c, const char *at, size_t n);
bool h2_open(struct conn *c);
void h2_fill(struct conn *c);
bool h2_take(struct conn *c, const char *at, size_t n);
void h2_close(struct conn *c);

struct ask *conn_ask_begin(struct conn *c);
