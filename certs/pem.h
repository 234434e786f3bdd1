/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem: what the files of this room share about files: each is read whole, once,
 * and has a limit; no terminal is asked for a passphrase; an error names the
 * file and the reason, and never what is in a key.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/base/err.h"

#include <openssl/ssl.h>

/* What OpenSSL says went wrong, in its words. */
const char *pem_why(void);

/* The whole file; the caller ends `b`, after wiping what is secret. */
MUST_CHECK enum err_code pem_read(const char *path, struct buf *b,
                                  struct err *e);

/* Give each certificate of a PEM file to `use`; there must be one. */
typedef bool (*pem_cert_fn)(SSL_CTX *ctx, X509 *cert, size_t i);
MUST_CHECK enum err_code pem_each_in(SSL_CTX *ctx, const struct buf *b,
                                     const char *path, pem_cert_fn use,
                                     struct err *e);
MUST_CHECK enum err_code pem_each_cert(SSL_CTX *ctx, const char *path,
                                       pem_cert_fn use, struct err *e);

/* The certificate and its intermediates; then its key, wiped once it is read. */
MUST_CHECK enum err_code pem_chain(SSL_CTX *ctx, const char *path,
                                   struct err *e);
MUST_CHECK enum err_code pem_key(SSL_CTX *ctx, const char *chain,
                                 const char *path, struct err *e);
