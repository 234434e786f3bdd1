/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: a request to the admin socket and its answer (docs/admin-api.md).
 *
 * A function from a request and the state to an answer; it knows no socket. A
 * reload is the one question whose answer comes later.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/control/events.h"
#include "proxy/control/state.h"
#include "proxy/control/who.h"
#include "proxy/http/head.h"

struct api_request {
    const struct http_head *head;
    span body;
    const struct who *who;
    uint64_t wall_ms;
    uint64_t now_ms;
};

struct api_answer {
    int status;
    const char *content_type;
    char etag[32];    /* empty for none */
    char allow[32];   /* of a 405; empty for none */
    const char *call; /* which one it was, for the metric */
    bool later; /* a reload: ask the supervisor, then api_reloaded answers */
    unsigned retry_after_s; /* 0: not said */
    bool streams;           /* events: they go on with this */
    struct events_ask events;
    struct buf *body;
};

/* `out->body` is there and empty; all else is filled in. */
void api_answer(struct control *c, const struct api_request *r,
                struct api_answer *out);

/* The answer to a reload, from c->verdict. */
void api_reloaded(const struct control *c, struct api_answer *out);

/* What the router has, one by one; false past the last. */
struct api_route {
    const char *call;
    const char *path; /* ends with "/" if it takes a rest */
    enum method method;
    bool takes_rest;
};
MUST_CHECK bool api_route(size_t i, struct api_route *out);

/* A problem document: a status and a sentence. */
void api_problem(struct api_answer *out, int status, const char *fmt, ...)
    PRINTF(3, 4);
