/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: a small HTTP/1.1 server for few callers: the admin API, observe.
 *
 * One request a connection, small limits, a deadline for the whole of it, and
 * the answer always with `Connection: close`. A caller who does not read is
 * closed too. What a request means is the handler's; it may answer later, or
 * with a stream: an answer that goes on until somebody ends it. Streams have
 * places of their own, so that who only watches keeps nobody out.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/http/h1.h"
#include "proxy/server/loop.h"

#define DOOR_HEAD_BYTES   8192
#define DOOR_BODY_BYTES   16384
#define DOOR_ANSWER_BYTES ((size_t)16 << 20)
#define DOOR_WHOLE_MS                                                          \
    ((uint64_t)10000) /* until a request is whole, unless told */
#define DOOR_SEND_MS                                                           \
    ((uint64_t)10000) /* until an answer is gone, or a stream has moved */
#define DOOR_LINGER_MS ((uint64_t)2000) /* until the peer has closed */

struct door;

/* A whole request. Valid until its answer is made. */
struct door_request {
    const struct http_head *head;
    span body;
    bool is_local; /* came over a Unix socket: the next two are the kernel's */
    uid_t uid;
    pid_t pid;
    const uint8_t *address; /* 16 bytes, IPv4 mapped; zeros if local */
    span certificate;       /* the verified one's name; empty without */
};

struct door_answer {
    int status;
    const char *content_type;
    char etag[32];          /* empty for none */
    char allow[32];         /* of a 405; empty for none */
    bool streams;           /* the body has no end: go on with door_stream */
    unsigned retry_after_s; /* 0: not said, but of a 503 (1) */
    struct buf body;        /* the door's: append to it */
};

/*
 * Answer: fill `out` and return true. False: door_answer will be called with
 * this `id`, once; the caller may have gone by then.
 */
typedef bool (*door_fn)(void *arg, uint64_t id, const struct door_request *r,
                        struct door_answer *out);

/* What the door itself has to say (a fault, a limit), in the room's own form. */
typedef void (*door_fault_fn)(int status, const char *text,
                              struct door_answer *out);

struct door_spec {
    int fd;                        /* listens; stays the caller's */
    const struct certs_store *tls; /* NULL: in clear */
    size_t conns_max;
    size_t streams_max; /* over and above these */
    uint64_t whole_ms;  /* 0: DOOR_WHOLE_MS */
    uint64_t send_ms;   /* 0: DOOR_SEND_MS */
    door_fn fn;
    door_fault_fn fault;
    void *arg;
};

/* Open to nobody yet. ERR_LIMIT: the heap is empty. */
MUST_CHECK enum err_code door_new(struct loop *l, const struct door_spec *spec,
                                  struct door **out, struct err *e);
void door_free(struct door **d);

void door_open(struct door *d);

/* Take nobody in any more: who waits in the queue is the next one's. */
void door_shut(struct door *d);

/* Has every caller's request come whole? */
bool door_is_quiet(const struct door *d);

/*
 * Answer 503 to those whose request has not, and end streams; who waits for a
 * late answer stays.
 */
void door_turn_out(struct door *d);

/* The late answer: begin, fill, send. NULL: the caller has gone. */
struct door_answer *door_answer_begin(struct door *d, uint64_t id);
void door_answer_send(struct door *d, uint64_t id);

/*
 * What a stream's caller has not taken yet: append what is next, then send it.
 * NULL: the caller has gone. To append to much that waits is to keep it in
 * memory; a caller who takes nothing for DOOR_SEND_MS is closed.
 */
struct buf *door_stream(struct door *d, uint64_t id);
void door_stream_send(struct door *d, uint64_t id);
void door_stream_end(struct door *d, uint64_t id);

/* Callers now. */
size_t door_n(const struct door *d);
