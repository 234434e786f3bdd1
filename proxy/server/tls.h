/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: one connection's TLS, between bytes and bytes; the server's door to OpenSSL.
 *
 * It touches no socket. Sealed bytes that came are given to it, sealed bytes to
 * send are appended to `out`, which outlives it (a worker has one for all), so
 * that many records leave in one send. Contexts, names and ALPN are certs/'s.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/server/io.h"

struct certs_store;
struct ssl_ctx_st;     /* OpenSSL's SSL_CTX */
struct ssl_session_st; /* and its SSL_SESSION */
struct tls;

/* A server's side; NULL if there is no memory. */
MUST_CHECK struct tls *tls_new(struct buf *out,
                               const struct certs_store *store);
void tls_free(struct tls **t);

/*
 * A client's side, towards a pool: `ctx` is certs/client.h's, `name` is whom it
 * must be (a host name, told as SNI, or an address). `session` is where the
 * newest session of this server is kept, to be resumed. NULL: no memory.
 */
MUST_CHECK struct tls *tls_new_client(struct buf *out, struct ssl_ctx_st *ctx,
                                      span name,
                                      struct ssl_session_st **session);
void tls_forget_session(struct ssl_session_st **session);

/* A client's, before it begins: offer HTTP/1.1 alone. */
void tls_offer_h1(struct tls *t);

/* A client's first bytes, into `out`. False on failure. */
MUST_CHECK bool tls_begin(struct tls *t);

/* What went wrong last, in words; "" for nothing. */
const char *tls_problem(const struct tls *t);

/* Has the peer said that it sends no more? */
bool tls_is_closed(const struct tls *t);

/* Did the last read fail, perhaps behind bytes that it gave? */
bool tls_has_failed(const struct tls *t);

/*
 * Take sealed bytes (all of them) and open what they hold into `to`. IO_BYTES
 * with *len bytes; IO_LATER: none yet (a handshake goes on, half a record);
 * IO_END: close_notify; IO_BROKEN. `room` is at least sealed.len.
 */
enum io_got tls_read(struct tls *t, span sealed, char *to, size_t room,
                     size_t *len);

/* Seal and append to `out`. False on failure. */
MUST_CHECK bool tls_write(struct tls *t, const struct iovec *v, size_t n);
void tls_close_notify(struct tls *t);

/* Is the handshake done; was it resumed; was h2 agreed on. */
bool tls_is_ready(const struct tls *t);
bool tls_is_resumed(const struct tls *t);
bool tls_is_h2(const struct tls *t);

/* Would this authority be served by another certificate than this one: 421. */
bool tls_is_misdirected(const struct tls *t, span authority);

/* The verified client certificate's name; empty without. Borrowed. */
span tls_certificate(const struct tls *t);
