/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context: what the files of this room share about OpenSSL's contexts.
 */
#pragma once

#include "certs/tickets.h"
#include "proxy/base/err.h"

#include <openssl/ssl.h>

/* Seal and open tickets with `t`, or with NULL give out none. */
bool context_tickets(SSL_CTX *ctx, const struct certs_tickets *t);

/* Protocols, ciphers, groups, modes: all that does not come from a file. */
bool context_policy(SSL_CTX *ctx);

/* Of them, HTTP/1.1 alone. */
void context_speak_h1(SSL_CTX *ctx);

/* Is the certificate of the file `path` good at `now_s`? A warning if not, or
 * not for long; `warning` may be NULL. */
void context_judge_time(SSL_CTX *ctx, const char *path, int64_t now_s,
                        struct err *warning);
