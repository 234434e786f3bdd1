/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_pair: our server session and a client session of nghttp2's, connected.
 *
 * What the server is told is in `said`, what the client got in `got`, both as
 * text: "open 1 | GET / host=a none [] | ends | close 1 0".
 */
#pragma once

#include "proxy/http/h2.h"

#include <nghttp2/nghttp2.h>

#define PAIR_STREAMS 256

struct pair_body {
    span left;     /* of the answer's body */
    bool dry;      /* nothing now, more later */
    bool failed;   /* the origin broke */
    bool big_left; /* endless */
    struct fields *trailers;
    struct h2_stream *stream; /* NULL once closed */
};

struct pair {
    struct h2 *server;
    nghttp2_session *client;
    struct arena *arenas[PAIR_STREAMS]; /* by stream id / 2 */
    struct pair_body bodies[PAIR_STREAMS];
    struct buf said, got;
    uint64_t now_ms;
    size_t client_read;   /* DATA bytes the client got */
    size_t server_read;   /* DATA bytes the server got */
    size_t arena_bytes;   /* of each request */
    size_t enough;        /* what one h2_gather may give */
    size_t cut;           /* bytes fed at once; 0: all */
    bool client_stalls;   /* opens no window */
    bool keep_body;       /* the server does not consume */
    bool quiet;           /* nothing goes into said and got */
    bool free_on_request; /* h2_free inside an event */
    bool free_on_body;
    bool free_on_open;
    bool free_on_peek;
    bool free_on_close;
    bool refuse;       /* no arena */
    enum h2_step step; /* the last one */
    int answer_status; /* given inside `request` or `end`; 0: the test answers */
};

/* A fresh pair; `limits` NULL is the default. The client's SETTINGS are under way. */
struct pair *pair_new(const struct h2_limits *limits);
void pair_free(struct pair **p);

/* Bytes to and fro until both are silent. */
void pair_pump(struct pair *p);

/* The server gets these bytes as if the client had sent them. */
void pair_feed(struct pair *p, span bytes);

/* A request, "name: value" each, the pseudo-headers first; NULL ends. Its stream id. */
int32_t pair_request(struct pair *p, span body, ...);
#define PAIR_GET  ":method: GET", ":scheme: http", ":authority: a", ":path: /"
#define PAIR_POST ":method: POST", ":scheme: http", ":authority: a", ":path: /"
#define PAIR_OPEN ((span){"open", SIZE_MAX}) /* a body that is not there yet */

/* Answer a stream from the test: its body is in bodies[id / 2].left. */
void pair_answer(struct pair *p, int32_t id, int status, const char *body);
struct h2_stream *pair_stream(struct pair *p, int32_t id);

/* All that was said since the last time; forgets it. */
span pair_said(struct pair *p, struct arena *a);
span pair_got(struct pair *p, struct arena *a);
