/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: files to a TLS context.
 *
 * TLS 1.2 and 1.3, ECDHE with AEAD ciphers alone, X25519 first, ALPN h2 then
 * http/1.1 and alert 120 for anything else; one ticket, no session cache, no
 * renegotiation, no compression, no early data; idle connections give their
 * buffers back. Files are read here, before the sandbox, and never again.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/base/span.h"

struct ssl_ctx_st;    /* OpenSSL's SSL_CTX */
struct certs_tickets; /* certs/tickets.h */

struct certs_load_spec {
    const char *chain;   /* PEM: the certificate, then its intermediates */
    const char *key;     /* PEM, without a passphrase */
    const char *clients; /* PEM of CAs: a client must show one of theirs;
                            NULL: clients are not asked */
    bool clients_may;    /* show one, and need not */
    bool h1_alone;       /* no h2 is spoken */
    const struct certs_tickets *tickets; /* NULL: no tickets are given out */
    const char *staple; /* DER, an OCSP answer about the certificate: staple.h;
                           NULL: none is shown */
};

/*
 * A context, the caller's to give to certs_unload. `now_s` judges expiry:
 * expired, not yet valid, or ending within 14 days is a warning, and so is a
 * staple that does not hold; its code and sentence go to `warning` (may be NULL;
 * OK if there is none; of two the certificate's).
 * ERR_IO: a file cannot be read. ERR_INVALID: it says which file, and why.
 */
MUST_CHECK enum err_code certs_load(const struct certs_load_spec *spec,
                                    int64_t now_s, struct ssl_ctx_st **out,
                                    struct err *warning, struct err *e);

/* Give a context back; *ctx becomes NULL. */
void certs_unload(struct ssl_ctx_st **ctx);
