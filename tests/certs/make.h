/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make: certificates of any kind in a directory of their own, and handshakes
 * between two contexts through memory, for tests.
 */
#pragma once

#include "tests/test.h"

#include <openssl/ssl.h>

#define NOW_S 1790000000 /* a day in September 2026; contexts check it not */

struct made {
    EVP_PKEY *key;
    X509 *cert;
};

/* A fresh directory that make_dir_end takes away with its files. */
char *make_dir(struct arena *a);
void make_dir_end(const char *dir);

/* "DIR/NAME" */
char *make_path(struct arena *a, const char *dir, const char *name);

struct make_spec {
    const char *common_name;
    const char *names;     /* subjectAltName, or NULL */
    const struct made *ca; /* NULL: signs itself and is a CA */
    int64_t from_s, to_s;  /* 0: around the real now, to be shown in anger */
    const char *key_type;  /* "EC" (default) or "RSA" */
};

struct made make_cert(const struct make_spec *spec);
void make_cert_end(struct made *m);

/* Write PEM files; `passphrase` may be NULL. */
void make_write_cert(const char *path, const struct made *m);
void make_write_key(const char *path, const struct made *m,
                    const char *passphrase);
void make_write_text(const char *path, const char *text);

/* The two ends of a connection through memory. */
struct talk {
    SSL *client;
    SSL *server;
};

/* `name` (SNI) and `session` may be NULL; `alpn` is in wire form, or NULL. */
struct talk talk_new(SSL_CTX *client, SSL_CTX *server, const char *name,
                     const char *alpn, SSL_SESSION *session);

/* Shake hands, then send a byte each way (tickets come with it). */
bool talk_run(struct talk *t);

/* Closes both ends in good order, else OpenSSL makes their sessions useless. */
void talk_end(struct talk *t);
