/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1: bytes to HTTP/1 messages (RFC 9112), requests or answers.
 *
 * Strict: there is one way to read a message, or it is a fault. Incremental: it
 * may be fed any cut of the bytes and gives the same events; it never asks for
 * bytes it has had. It copies the head into the arena, body bytes never.
 *
 *     h1_begin(p, arena)                 before every message
 *     while ((event = h1_next(p, &in, &out)) != H1_MORE) switch (event) ...
 *
 * A request: H1_HEAD, H1_BODY*, H1_TRAILERS?, H1_END. An answer: H1_INTERIM*
 * before that. After H1_END or H1_ERROR it gives the same again and takes no
 * byte until h1_begin: what is left in `in` belongs to the next message (or,
 * after a 101 that was asked for, to the other protocol).
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/http/fault.h"
#include "proxy/http/head.h"

struct h1_limits {
    size_t start_line_bytes; /* without CR LF; 414 */
    size_t line_bytes;       /* one field line; 431 */
    size_t head_bytes;       /* the whole head with its line ends; 431 */
    size_t fields_n;         /* 431 */
    size_t connection_names; /* in Connection; 400 */
    size_t chunk_line_bytes; /* size and extensions of one chunk */
    size_t chunk_ext_bytes;  /* extensions of one message */
    size_t chunk_digits;     /* at most 16; leading zeros count */
    size_t trailer_bytes;
    size_t trailer_fields_n;
    size_t interim_n; /* 1xx answers before the final one */
};

/* SAFETY.md's defaults. */
extern const struct h1_limits h1_limits_request;
extern const struct h1_limits h1_limits_answer;

enum h1_role {
    H1_REQUESTS,
    H1_ANSWERS,
};

enum h1_event {
    H1_MORE,     /* all of `in` is taken: feed more (see h1_eof) */
    H1_INTERIM,  /* out.head: a 1xx answer; the final one is still to come */
    H1_HEAD,     /* out.head */
    H1_BODY,     /* out.body: points into `in`, never empty */
    H1_TRAILERS, /* out.trailers; only if there were some worth keeping */
    H1_END,      /* the message is complete */
    H1_ERROR,    /* out.fault; close the connection */
};

struct h1_out {
    struct http_head *head;  /* in the arena, yours to change */
    struct fields *trailers; /* the same */
    span body;
    enum fault fault;
};

struct h1 {
    const struct h1_limits *limits;
    struct arena *arena;
    struct buf
        part;       /* a head or trailers that came in pieces; else no memory */
    uint64_t left;  /* body bytes to come in this body or chunk */
    size_t scanned; /* of the head or trailers: bytes looked at */
    size_t line_start;   /* where the line begins that is being looked at */
    size_t lines_n;      /* complete lines so far */
    size_t chunk_line_n; /* bytes of this chunk line */
    size_t chunk_ext_n;  /* bytes of extensions in this message */
    size_t interim_n;    /* 1xx so far */
    enum method asked;   /* answers: by what */
    uint8_t digits_n;    /* of this chunk's size */
    uint8_t role;
    uint8_t state;
    uint8_t fault;
    bool switch_asked; /* a 101 is welcome */
    bool empty_seen;   /* the one empty line before a request was there */
    bool start_seen;   /* the start line was checked */
};

/* `limits` must outlive it. Takes no memory until a head comes in pieces. */
void h1_init(struct h1 *p, enum h1_role role, const struct h1_limits *limits);
void h1_fini(struct h1 *p);

/* Ready for the next message, whose head and trailers go into `a`. */
void h1_begin(struct h1 *p, struct arena *a);

/*
 * Answers: what was asked, since the answer's framing depends on it. After
 * h1_begin, before the first byte. Without it, a GET without upgrade.
 */
void h1_expect(struct h1 *p, enum method method, bool switch_asked);

/* Take bytes from the front of *in until there is something to say. */
enum h1_event h1_next(struct h1 *p, span *in, struct h1_out *out);

/*
 * The peer closed its side in good order (not: reset, which is always an error).
 * H1_MORE: between messages, nothing lost. H1_END: a body until close is
 * complete. H1_ERROR: a message was cut short.
 */
enum h1_event h1_eof(struct h1 *p, struct h1_out *out);

/* Has the first byte of a message come, and its end not yet? */
bool h1_is_inside(const struct h1 *p);

/* Bytes it holds of a head that came in pieces, for the memory account. */
size_t h1_held(const struct h1 *p);
