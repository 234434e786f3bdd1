/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: files to a TLS context for connections that we open.
 *
 * The peer is always verified: its chain must lead to one of the authorities
 * (or be a certificate that stands among them itself, which is how one that
 * signed itself is accepted), and it must name whom we meant. Protocols and
 * ciphers are those of listeners. Sessions are resumed, each by whom it is of.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/base/span.h"

struct ssl_ctx_st;     /* OpenSSL's SSL_CTX */
struct ssl_session_st; /* SSL_SESSION */
struct ssl_st;         /* SSL */

struct certs_client_spec {
    const char *authorities; /* PEM; NULL: the system's */
    const char *chain;       /* PEM: our own certificate; NULL: none is shown */
    const char *key;         /* with it, without a passphrase */
    bool h1, h2;             /* what ALPN offers; at least one */
};

/*
 * A context, the caller's to give to certs_unload. `now_s` and `warning` judge
 * our own certificate as certs_load does. ERR_IO, ERR_INVALID: which file, why.
 */
MUST_CHECK enum err_code certs_client_load(const struct certs_client_spec *spec,
                                           int64_t now_s,
                                           struct ssl_ctx_st **out,
                                           struct err *warning, struct err *e);

/*
 * Say whom a connection must reach: a host name (sent as SNI) or an IP address,
 * without port or brackets. *session, if there is one, is resumed and replaced
 * by what the peer gives; it must outlive the connection and is freed with
 * OpenSSL's SSL_SESSION_free. False: no memory, or the name is none.
 */
MUST_CHECK bool certs_client_expect(struct ssl_st *ssl, span name,
                                    struct ssl_session_st **session);
