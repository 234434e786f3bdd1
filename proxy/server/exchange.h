/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: a request and its answer, from first byte to last.
 *
 * In the middle of everything: the client's side (conn_h1, conn_h2) tells it
 * what came and is told through `down` what to send; the pool's side (upstream)
 * likewise. It leads the request through route, detection, split and program,
 * and both bodies through translation where there is one. It lives in the
 * request's arena and ends with it. Whatever goes wrong ends in one of two
 * ways: a problem document, if no head went out, or a visible break.
 */
#pragma once

#include "proxy/http/fault.h"
#include "proxy/http/head.h"
#include "proxy/server/asker.h"
#include "proxy/server/decide.h"
#include "proxy/server/form.h"
#include "proxy/server/loop.h"
#include "proxy/server/pace.h"
#include "proxy/server/translate.h"

struct client;
struct conn;
struct exchange;
struct h2_stream;
struct messages;
struct mirror;
struct problem_doc;
struct upstream;
struct worker;

/* The client's side, as conn_h1 and conn_h2 offer it. */
struct down {
    /* The answer's head; body bytes and an end follow unless body is NONE. */
    void (*head)(struct exchange *x, struct http_head *h);
    /* A 103. */
    void (*interim)(struct exchange *x, struct http_head *h);
    /* 100 Continue. */
    void (*go_on)(struct exchange *x);
    /* Body bytes; they live until the wake-up ends. */
    void (*body)(struct exchange *x, span bytes);
    void (*end)(struct exchange *x, const struct fields *trailers);
    /* The answer cannot be ended well: let the client see it. */
    void (*broken)(struct exchange *x);
    /* Bring more of the request's body, or hold it. */
    void (*read)(struct exchange *x, bool on);
    /* `n` bytes of the request's body have been taken. */
    void (*took)(struct exchange *x, size_t n);
    /* Does so much of the answer wait for the client that no more is to come? */
    bool (*is_full)(const struct exchange *x);
    /* How many bytes of it may come at once. */
    size_t (*room)(const struct exchange *x);
    /*
     * The answer is one text, its head written as HTTP/1.1: it follows as body
     * bytes. False: this client needs other words. NULL: each does.
     */
    bool (*begins_text)(struct exchange *x);
};

/* The three answers to one request that are compared: mirror.h. */
enum mirror_answer { MIRROR_CLIENT, MIRROR_BASELINE, MIRROR_CANARY, MIRROR_N };

enum exchange_state {
    X_HEAD,   /* the request's head is not whole */
    X_DETECT, /* its body is searched for a marker */
    X_HOLD,   /* its translation has not been committed */
    X_ASK,    /* waiting for a connection to the pool */
    X_SENT,   /* the head went out; waiting for the answer's */
    X_TRIAL,  /* the answer's translation has not been committed */
    X_ANSWER, /* the answer's head went to the client */
    X_OVER    /* all is done; freed when the batch of events is */
};

/* What the client sent, as long as the canary may not take it: fallback.h. */
struct fallback {
    struct http_head head;
    struct buf body;
    bool is_kept;
};

/* A coded body's beginning, as it is searched for a marker. */
struct peek {
    struct decoder *decoder; /* NULL: nothing was taken off yet */
    struct buf plain;
    size_t n; /* bytes of exchange.seen that are in it */
};

struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct worker *worker;
    struct arena *arena;
    struct conn *conn;           /* NULL once it is over */
    const struct client *client; /* the conn's */
    struct asker asker;          /* whom it asks for */
    const struct down *down;
    struct h2_stream *stream; /* h2 alone */
    struct exchange *next_dead;
    struct exchange *next_searched; /* of worker.searched_exchanges */

    /* the request */
    struct http_head *request;
    struct http_head asked; /* what the pool is sent; takes the fields over */
    struct form form;       /* of the bodies, where the pool says one */
    struct fallback fallback;
    struct fields *trailers;
    span id;
    span trace; /* W3C's trace id, if the client sent one */
    span path;  /* as the client sent it */
    span query; /* likewise */
    uint64_t request_bytes;
    struct buf seen; /* body bytes that are searched for a marker */
    struct peek peek;
    struct buf to_pool; /* body bytes that wait for a connection */
    size_t held_sent;   /* of what waits: sent, and kept to be sent again */
    size_t untaken;     /* body bytes the client's side was not told are gone */
    size_t held;        /* bytes that its bodies held when held.h last looked */

    struct decision decision;
    struct translate up_way; /* the request's translation */
    struct translate down_way;

    /* the pool */
    struct upstream *up;
    uint64_t tried;      /* bit i: endpoint i of the pool failed */
    uint64_t not_before; /* a shared connection must be younger (link.serial) */
    span endpoint;       /* that was asked last */
    span tunnel_key;     /* Sec-WebSocket-Key, as it came */
    span tunnel_sent;    /* and as the pool was sent it */
    struct messages *messages; /* of a tunnel; NULL: none is wanted */

    uint32_t
        exposed_run; /* of a rollout, as its canary was asked; 0: it was not */

    /* mirror.h */
    struct mirror *mirror;        /* NULL: nothing of it is mirrored */
    enum mirror_answer is_answer; /* which of its answers this one's is */

    /* the answer */
    struct http_head *answer;
    const struct fields *answer_trailers;
    unsigned interim_n;
    unsigned pool_status;
    uint64_t answer_bytes;
    struct buf to_client; /* h2: what the session has not pulled */
    span passing;         /* h2: the same, where it was read; else empty */
    struct exchange *next_passing;
    const char *problem; /* the sentence of our own answer */

    /* time */
    struct timer timer;
    uint64_t began_us;
    uint64_t asked_us;
    uint64_t answered_us;
    uint64_t began_ms;    /* the head was whole */
    uint64_t received_ms; /* so was the body */
    uint64_t asked_ms;    /* a connection was asked for */
    uint64_t sent_ms;     /* the head went to the pool */
    uint64_t moved_ms;    /* the last body byte, either way */
    uint64_t taken_bytes; /* h2: all that the client took of to_client */
    struct pace pace;     /* h2: how it takes that */

    /* what is so */
    bool is_received;   /* whole */
    bool holds_down;    /* the client's body is not being read */
    bool keeps_to_pool; /* all that was sent is there: it may be sent again */
    bool was_whole;     /* the body was, when it began to be sent */
    bool has_body;
    bool is_stripped; /* the route's `rewrite` took its `strip` off the path */
    bool holds_up;    /* the answer is not being read */
    bool was_stale; /* the last connection had been idle and brought nothing */
    bool was_retried;
    bool has_head;    /* the answer's head went to the client */
    bool is_answered; /* its end did, too, or it was broken */
    bool is_broken;
    bool has_failed;      /* the pool brought no answer, or not all of it */
    bool is_untranslated; /* its answer could not be translated */
    bool to_client_ends;
    bool to_client_breaks; /* h2: the stream is reset behind what is in it */
    bool is_passing;       /* it is in its worker's list */
    bool is_stream;        /* an idle time-out and no other */
    bool is_turned_away;   /* for want of time or memory: no record is made */
    bool is_searched_later;
    bool is_forgotten;     /* nobody but its connection ever knew of it */
    bool wants_tunnel;     /* tunnel.h */
    bool is_tunnel;        /* it is open */
    bool is_exposure_told; /* expose.h */
};

struct exchange *exchange_of(void *arg);

/* What is decided about, for decide.h. */
struct decide_case exchange_case(const struct exchange *x);

/* It is accounted for, and nobody takes anything from it any more. */
static inline bool
exchange_is_over(const struct exchange *x)
{
    return x->state == X_OVER;
}

/* A request begins; NULL if there is no memory. Its head goes into x->arena. */
struct exchange *exchange_new(struct conn *c, const struct down *down);

/* ── from the client's side ── */

/* The same for whoever asks without a connection: `client` lives as long. */
struct exchange *exchange_new_mirrored(struct worker *w,
                                       const struct client *client,
                                       const struct down *down);

/* What was served once is asked again, of this arm's pool. Gates were passed. */
void exchange_ask_again(struct exchange *x, struct http_head *head,
                        enum arm arm);

/* Does nobody wait for its answer but a mirror? */
static inline bool
exchange_is_mirrored(const struct exchange *x)
{
    return x->mirror && x->is_answer != MIRROR_CLIENT;
}

/* The head is whole. `ends`: no body follows. */
void exchange_request(struct exchange *x, struct http_head *head, bool ends);
void exchange_request_body(struct exchange *x, span bytes);
void exchange_request_end(struct exchange *x, struct fields *trailers);
/* What came is no request: answer that. */
void exchange_bad_request(struct exchange *x, enum fault f);
/* The client is gone; nothing more may be sent to it. */
void exchange_gone(struct exchange *x);
/* The client took bytes: the answer may flow again. */
void exchange_drained(struct exchange *x);
/* 408, if no answer has begun. */
void exchange_late(struct exchange *x, const char *what);

/* ── from the pool's side ── */
void exchange_connected(struct exchange *x);
void exchange_interim(struct exchange *x, struct http_head *head);
void exchange_answer(struct exchange *x, struct http_head *head);
void exchange_answer_body(struct exchange *x, span bytes);
void exchange_answer_end(struct exchange *x, const struct fields *trailers);
/* How many bytes of the answer are to be read at once. */
size_t exchange_room(const struct exchange *x);
/* The pool took bytes: the request may flow again. */
void exchange_pool_drained(struct exchange *x);

#define POOL_FAILURES(X)                                                       \
    X(POOL_REFUSED, "refused", 502, "no endpoint took the connection")         \
    X(POOL_TIMEOUT, "timeout", 504, "the connection took too long")            \
    X(POOL_NONE, "none", 503, "the pool has no endpoint that is up")           \
    X(POOL_BUSY, "busy", 503, "there is no room for another connection")       \
    X(POOL_FULL, "full", 503, "the pool has all the requests it may have")     \
    X(POOL_RESET, "reset", 502, "the backend closed before it answered")       \
    X(POOL_GOING, "going", 503, "the backend was going away")                  \
    X(POOL_OVERLOAD, "overload", 503, "the backend took no more requests")     \
    X(POOL_PROTOCOL, "protocol", 502, "the backend's answer is malformed")     \
    X(POOL_SHORT, "short", 502, "the backend's answer was cut short")          \
    X(POOL_LATE, "late", 504, "the backend took too long to answer")

enum pool_failure {
#define X(id, word, status, sentence) id,
    POOL_FAILURES(X)
#undef X
};
const char *pool_failure_word(enum pool_failure f);
unsigned pool_failure_status(enum pool_failure f);
const char *pool_failure_sentence(enum pool_failure f);

void exchange_failed(struct exchange *x, enum pool_failure f);

/* ── inside the room ── */

/* Does its media type say that its body is a stream? */
bool exchange_says_stream(const struct http_head *h);

/* Set the timer to the nearest deadline. */
void exchange_set_timer(struct exchange *x);

/* The same, but first act on one that is over. */
void exchange_watch_time(struct exchange *x);

/* Log, count and report it: account.c. */
void exchange_account(struct exchange *x);

/* Free what exchange_close left in one of the worker's two lists. */
void exchanges_bury(struct worker *w, struct exchange **dead);

/* Answer with this head and body, which are ours. */
void exchange_answer_own(struct exchange *x, struct http_head *h, span body);

/* The same, when down->begins_text: `text` has a body of so many bytes in it. */
void exchange_answer_text(struct exchange *x, struct http_head *h, span text,
                          size_t body_bytes);

/* Answer with a problem document of ours, or break what has begun. */
void exchange_refuse(struct exchange *x, const struct problem_doc *p);

/* The same, counted as refused for a reason that is a word (and the type). */
void exchange_deny(struct exchange *x, unsigned status, const char *type,
                   const char *detail);

/* Bytes of its body; the pool is held while the client does not take them. */
void exchange_send_answer(struct exchange *x, span bytes);

/* The answer's body is out but for its end. */
void exchange_answered(struct exchange *x, const struct fields *trailers);

/* Body bytes for the pool that wait for a connection, translated or not. */
struct buf *exchange_held(struct exchange *x);

/*
 * All that waits has been sent. It is kept for another try: the whole of a body
 * that is there anyway, of one that still comes no more than may be buffered.
 */
void exchange_keep_or_forget(struct exchange *x);

/* The pool is chosen: make what it is sent, and go on with the body. */
void exchange_prepare(struct exchange *x);

/* What goes around the head that the pool is sent. False: the client was told. */
bool exchange_finish_head(struct exchange *x);

/* That is made; the body, if any, is on its way or here. */
void exchange_begin_body(struct exchange *x);

/* Is the version in what came of the body? Then it is decided. */
void exchange_search_marker(struct exchange *x);

/* The same once the batch of events is done, or when enough has come. */
void exchange_search_later(struct exchange *x);
void exchanges_search(struct worker *w);

/* The version is settled, or is not to be found in the head. */
void exchange_version_told(struct exchange *x);

/* A connection is asked for. */
void exchange_ask(struct exchange *x);

/* Is the answer a stream of records, each translated by itself? */
bool exchange_is_of_records(const struct exchange *x);

/* It cannot be ended well. */
void exchange_break(struct exchange *x);

/* Nobody needs it any more: account for it, let it go. */
void exchange_close(struct exchange *x);
