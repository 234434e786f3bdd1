/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pem.h"

#include "certs/keys.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <assert.h>
#include <errno.h>

#define FILE_MAX  (1u << 20) /* bytes of a PEM file */
#define CERTS_MAX 1000 /* certificates in one; a system's CA file has 140 */

/* ---- files ---- */

enum err_code
pem_read(const char *path, struct buf *b, struct err *e)
{
    FILE *f = fopen(path, "rbe");
    char *at = NULL;
    size_t n = 0;

    if (!f)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    /* Stdio would leave a copy of a key in its own buffer. */
    (void)setvbuf(f, NULL, _IONBF, 0);
    buf_init(b, FILE_MAX);
    do {
        at = buf_reserve(b, 16384);
        n = at ? fread(at, 1, 16384, f) : 0;
        buf_commit(b, n);
    } while (n > 0);

    bool is_broken = ferror(f) != 0;
    int why = errno;
    (void)fclose(f);
    if (is_broken)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(why));
    if (buf_failed(b))
        return err_set(e, ERR_LIMIT, "%s: more than %u bytes", path, FILE_MAX);
    return OK;
}

static void
wipe(struct buf *b)
{
    if (b->bytes)
        OPENSSL_cleanse(b->bytes, b->room);
    buf_fini(b);
}

static BIO *
bio_of(const struct buf *b)
{
    assert(buf_len(b) <= FILE_MAX);
    return BIO_new_mem_buf(buf_span(b).at ? buf_span(b).at : "",
                           (int)buf_len(b));
}

const char *
pem_why(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "OpenSSL refuses it";
}

/* A passphrase is asked for: note it, and never read from a terminal. */
static int
on_passphrase(char *out __attribute__((unused)),
              int room __attribute__((unused)),
              int is_writing __attribute__((unused)), void *arg)
{
    bool *is_asked = arg;

    *is_asked = true;
    return -1;
}

/* ---- certificates ---- */

enum err_code
pem_each_in(SSL_CTX *ctx, const struct buf *b, const char *path,
            pem_cert_fn use, struct err *e)
{
    bool is_asked = false, ok = true;
    BIO *bio = bio_of(b);
    size_t n = 0;

    while (bio && ok && n < CERTS_MAX) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, on_passphrase, &is_asked);
        if (!cert)
            break;
        ok = use(ctx, cert, n++);
        X509_free(cert);
    }
    unsigned long last = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM &&
                  ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    if (n == CERTS_MAX)
        return err_set(e, ERR_LIMIT, "%s: %d certificates or more", path,
                       CERTS_MAX);
    if (ok && at_end && n == 0)
        return err_set(e, ERR_INVALID, "%s: no PEM certificate is in it", path);
    if (!ok || !at_end)
        return err_set(e, ERR_INVALID, "%s: certificate %zu: %s", path,
                       ok ? n + 1 : n, pem_why());
    ERR_clear_error();
    return OK;
}

static bool
use_chain(SSL_CTX *ctx, X509 *cert, size_t i)
{
    return (i == 0 ? SSL_CTX_use_certificate(ctx, cert)
                   : SSL_CTX_add1_chain_cert(ctx, cert)) == 1;
}

enum err_code
pem_each_cert(SSL_CTX *ctx, const char *path, pem_cert_fn use, struct err *e)
{
    struct buf b = {0};
    enum err_code code = pem_read(path, &b, e);

    if (!code)
        code = pem_each_in(ctx, &b, path, use, e);
    buf_fini(&b);
    return code;
}

enum err_code
pem_chain(SSL_CTX *ctx, const char *path, struct err *e)
{
    return pem_each_cert(ctx, path, use_chain, e);
}

/* ---- the key ---- */

static enum err_code
use_key(SSL_CTX *ctx, const char *chain, const char *path, EVP_PKEY *key,
        struct err *e)
{
    if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        return err_set(e, ERR_INVALID,
                       "%s: this key does not belong to the certificate in %s",
                       path, chain);
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        return err_set(e, ERR_INVALID, "%s: %s", path, pem_why());
    return OK;
}

enum err_code
pem_key(SSL_CTX *ctx, const char *chain, const char *path, struct err *e)
{
    struct buf b = {0};
    bool is_asked = false;
    enum err_code code = keys_have_room() ? pem_read(path, &b, e)
                                          : err_set(e, ERR_LIMIT,
                                                    "%s: no room for another "
                                                    "key",
                                                    path);
    BIO *bio = code ? NULL : bio_of(&b);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &is_asked)
            : NULL;

    if (key)
        code = use_key(ctx, chain, path, key, e);
    else if (!code && is_asked)
        code = err_set(e, ERR_INVALID,
                       "%s: the key has a passphrase; store it without, "
                       "readable by its owner alone",
                       path);
    else if (!code)
        code = err_set(e, ERR_INVALID, "%s: no PEM private key is in it", path);
    EVP_PKEY_free(key);
    BIO_free(bio);
    wipe(&b);
    return code;
}
