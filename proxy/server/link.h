/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: a connection to an endpoint, and the seats that exchanges have at it.
 *
 * A link is dialled, agrees on TLS if the endpoint wants it, and speaks h1 for
 * one exchange at a time or h2 for many. A seat (struct upstream) is one
 * exchange's place at a link: it lives in the exchange's arena and is gone when
 * either lets go. While it is not known what a link will speak, those who may
 * share it wait at it.
 *
 * Whatever ends a link tells every seat why; a seat that is told is free
 * already, so who is told may ask for another one at once.
 */
#pragma once

#include "proxy/http/h1.h"
#include "proxy/http/h2_client.h"
#include "proxy/server/endpoint.h"
#include "proxy/server/exchange.h"

enum link_state {
    LINK_DIALLING,
    LINK_HANDSHAKE, /* TLS is being agreed on */
    LINK_H1,
    LINK_IDLE, /* h1, and nobody's */
    LINK_H2,   /* with or without streams */
    LINK_DEAD  /* freed when the batch of events is done */
};

struct upstream {
    struct link *link;
    struct exchange *x;
    struct upstream *next, *prev; /* of the link */
    bool was_used;                /* the link served others before */
    uint64_t heard_n;             /* the link's reads when this began */

    /* h2 */
    struct h2_stream *stream; /* NULL before and after */
    struct buf out;           /* the request's body that waits for its window */
    const struct fields *trailers;
    uint64_t took_ms; /* when the window last let some go */
    size_t untaken;   /* of the answer, held from its window */
    size_t taken;     /* of the answer, until its window is a wide one */
    bool out_ends;
    bool is_held; /* the answer is not to flow */
};

struct link {
    uint32_t magic;
    enum link_state state;
    struct worker *worker;
    struct endpoint *endpoint;
    struct endpoint_address to; /* where it leads: address.h */
    struct io io;
    struct link *next, *prev; /* among its endpoint's, by what it is */
    struct link **list;       /* which of these: NULL for none */
    struct upstream *ups;
    size_t n_ups;
    uint64_t serial;       /* of its dialling */
    uint64_t heard_n;      /* reads that brought bytes */
    uint64_t heard_ms;     /* the last one */
    uint64_t since_ms;     /* it has nobody */
    uint64_t looked_n;     /* the endpoint's changes when is_stray was asked */
    bool is_stray;         /* link_is_stray's last word */
    enum pool_failure why; /* it was closed */

    /* h1 */
    struct h1 h1;
    uint64_t taken_in; /* the batch of events */
    bool keeps;        /* the peer goes on after this answer */
    bool is_chunked;   /* the request under way */
    bool is_tunnel;    /* it was switched: no HTTP any more */

    /* h2 */
    struct h2 *h2;
    struct link *next_later;
    uint64_t pinged_ms;     /* 0: nothing to answer */
    uint64_t refused_after; /* serials when it first refused a request */
    bool is_later;
};

struct link *link_of(void *arg);

/*
 * Dial e for x, who gets a seat and is told when there is a connection, perhaps
 * at once. LINK_FAILED: it is out of reach; LINK_NO_ROOM: no descriptor or
 * memory is left; x has no seat then.
 */
enum link_dial { LINK_DIALLED, LINK_FAILED, LINK_NO_ROOM };
enum link_dial link_dial(struct endpoint *e, struct exchange *x);

/* One of e's links that x may share; NULL if there is none. */
struct link *link_shared(struct endpoint *e, const struct exchange *x);

/* Give x a seat. False: its arena is full. */
MUST_CHECK bool link_seat(struct link *l, struct exchange *x);

/* x leaves, and its x->up with it. */
void link_leave(struct upstream *up);

/* Close; whoever still has a seat is told `f`. */
void link_close(struct link *l, enum pool_failure f);

/* The connection could not be made: whoever waits for it tries elsewhere, but
 * `late` (may be NULL), who has no time left. */
void link_dial_failed(struct link *l, const char *kind,
                      const struct upstream *late);

/* Does it lead where its endpoint is no more, or to a drained one? Nobody else is
 * to ask there. */
bool link_is_stray(struct link *l);

/* The endpoint is elsewhere now, or drained: what is idle is closed, of h2 by the next sweep. */
void links_leave_strays(struct endpoint *e);

/* Into one of its endpoint's lists, or none. */
void link_list(struct link *l, struct link **list);

/* What came is no answer: if that was a limit, it is counted. */
void link_fault(struct link *l, enum fault f);

/* Free what was closed; when a batch of events is done. */
void links_bury(struct upstreams *u);

/* One seat fails for reason f; the link goes on. */
void link_fail_seat(struct upstream *up, enum pool_failure f);

/* ── link_h1 ── */
void link_h1_begin(struct link *l); /* its one seat's exchange is told */
void link_h1_feed(struct link *l, span in);
void link_h1_ended(struct link *l, bool in_good_order);
void link_h1_release(struct upstream *up, bool is_whole);
MUST_CHECK enum err_code link_h1_head(struct upstream *up,
                                      const struct http_head *h);
void link_h1_body(struct upstream *up, span bytes);
void link_h1_end(struct upstream *up, const struct fields *trailers);

/* ── link_h2 ── */

/*
 * Bytes of an answer that a server may send ahead: at first, which is what a client
 * that takes nothing costs, and once it takes.
 */
#define LINK_FIRST_WINDOW 16384u
#define LINK_WIDE_WINDOW  65536u

void link_h2_begin(struct link *l);
void link_h2_feed(struct link *l, span in);
void link_h2_release(struct upstream *up, bool is_whole);
MUST_CHECK enum err_code link_h2_head(struct upstream *up,
                                      const struct http_head *h);
void link_h2_body(struct upstream *up, span bytes);
void link_h2_end(struct upstream *up, const struct fields *trailers);
void link_h2_read(struct upstream *up, bool on);

/* Tell those who wait for it that they may ask. */
void link_h2_tell(struct link *l);

/* May another exchange ask here? */
bool link_h2_has_room(const struct link *l);

/* Send what its session has; when a batch of events is done. */
void link_h2_gather(struct link *l);
void link_later(struct link *l);

/* Is anybody there? Close what is idle, ping what is silent. */
void link_h2_look(struct link *l, uint64_t now, bool drains);
