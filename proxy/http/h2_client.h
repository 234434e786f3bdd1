/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_client: the other side of h2: many requests out on one connection, their
 * answers in. Feeding, gathering, sources, windows and resets are h2.h's; so
 * are the limits, read for answers, with streams_n the most that are asked at
 * a time and `window` at least streams_n * stream_window, so that answers
 * which nobody takes hold up no other.
 *
 * What RFC 9113 §8.1 calls malformed never comes out as an answer. A request
 * closed with H2_REFUSED_STREAM may be sent again, whatever its method.
 */
#pragma once

#include "proxy/http/h2.h"

/* Preface and SETTINGS are ready to be gathered. NULL: no heap. */
MUST_CHECK struct h2 *h2_client_new(const struct h2_limits *limits,
                                    const struct h2_events *events, void *conn);

/* Requests at a time: our limit, or the server's if that is less. */
size_t h2_client_streams_max(const struct h2 *h);

/* Have the server's SETTINGS come; do they offer extended CONNECT (RFC 8441)? */
bool h2_client_has_settings(const struct h2 *h);
bool h2_client_may_connect(const struct h2 *h);

/* How many more requests may be asked now. */
size_t h2_client_room(const struct h2 *h);

/* Will it ever take another one? Not after GOAWAY of either side. */
bool h2_client_is_open(const struct h2 *h);

/*
 * Ask. `a` stays until `close` and takes the answer's heads and trailers;
 * `source` NULL: there is no body. The head's scheme must be set. One with
 * `upgrade` is an extended CONNECT to that protocol. `user` is the
 * stream's. ERR_INVALID: the head cannot be said; ERR_CONFLICT: not open;
 * ERR_LIMIT: no memory.
 */
MUST_CHECK enum err_code h2_client_ask(struct h2 *h, struct arena *a,
                                       const struct http_head *head,
                                       const struct h2_source *source,
                                       void *user, struct h2_stream **out);

/* A PING, to see whether anybody is there. */
void h2_client_ping(struct h2 *h);

/* At `close`: did the server reset this one, or was it found malformed? */
bool h2_was_reset(const struct h2_stream *s);
bool h2_was_malformed(const struct h2_stream *s);
