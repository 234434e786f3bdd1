/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel: an exchange that becomes a WebSocket connection (RFC 6455; over HTTP/2
 * RFC 8441), on a route that has `websocket: true`.
 *
 * Asked for, a tunnel is an ordinary request until the pool's answer switches:
 * 101 with the right Sec-WebSocket-Accept, or 2xx over HTTP/2. From then on what
 * both sides say goes through messages.h, with back pressure, until one ends or
 * both are silent for stream_idle_ms. The two sides may speak different HTTP.
 */
#pragma once

#include "proxy/http/head.h"

struct exchange;

/* Does the request want one, and may it? False: it was refused. */
MUST_CHECK bool tunnel_request(struct exchange *x);

/* There is a connection to the pool: what it is asked. False: no memory. */
MUST_CHECK bool tunnel_connected(struct exchange *x);

/*
 * The pool's answer to one who wants a tunnel. True: that was all, it is open or
 * has failed. False: it is an answer like any other.
 */
bool tunnel_answer(struct exchange *x, struct http_head *h);
