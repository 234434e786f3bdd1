/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/load.h"

#include "certs/context.h"
#include "certs/digest.h"
#include "proxy/base/buf.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <assert.h>
#include <errno.h>

#define FILE_MAX  (1u << 20) /* bytes of a PEM file */
#define CERTS_MAX 1000 /* certificates in one; a system's CA file has 140 */
#define SOON_S    INT64_C(1209600) /* 14 days */

static_assert(DIGEST_SHA256 == SSL_MAX_SID_CTX_LENGTH, "a session's context");

/* ---- files ---- */

/* The whole file; the caller wipes and ends `b`. */
static enum err_code
read_file(const char *path, struct buf *b, struct err *e)
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

/* What OpenSSL says went wrong, in its words. */
static const char *
reason(void)
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

typedef bool (*cert_fn)(SSL_CTX *ctx, X509 *cert, size_t i);

/* Give each certificate of a PEM file to `use`; there must be one. */
static enum err_code
each_cert(SSL_CTX *ctx, const struct buf *b, const char *path, cert_fn use,
          struct err *e)
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
                       ok ? n + 1 : n, reason());
    ERR_clear_error();
    return OK;
}

static bool
use_chain(SSL_CTX *ctx, X509 *cert, size_t i)
{
    return (i == 0 ? SSL_CTX_use_certificate(ctx, cert)
                   : SSL_CTX_add1_chain_cert(ctx, cert)) == 1;
}

static bool
use_client_ca(SSL_CTX *ctx, X509 *cert, size_t i __attribute__((unused)))
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1 &&
           SSL_CTX_add_client_CA(ctx, cert) == 1;
}

static enum err_code
load_chain(SSL_CTX *ctx, const char *path, struct err *e)
{
    struct buf b = {0};
    enum err_code code = read_file(path, &b, e);

    if (!code)
        code = each_cert(ctx, &b, path, use_chain, e);
    buf_fini(&b);
    return code;
}

/*
 * The context under which sessions are good: a ticket from a listener that
 * asked other authorities, or nobody, must not pass for a shown certificate.
 */
static bool
set_session_context(SSL_CTX *ctx, span clients)
{
    uint8_t id[DIGEST_SHA256];

    digest_sha256(clients, id);
    return SSL_CTX_set_session_id_context(ctx, id, sizeof(id)) == 1;
}

static enum err_code
load_clients(SSL_CTX *ctx, const char *path, struct err *e)
{
    struct buf b = {0};
    enum err_code code = path ? read_file(path, &b, e) : OK;

    if (!code && path)
        code = each_cert(ctx, &b, path, use_client_ca, e);
    if (!code && !set_session_context(ctx, buf_span(&b)))
        code = err_set(e, ERR_INTERNAL, "%s", reason());
    if (!code && path)
        SSL_CTX_set_verify(
            ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    buf_fini(&b);
    return code;
}

/* ---- the key ---- */

static enum err_code
use_key(SSL_CTX *ctx, const struct certs_load_spec *spec, EVP_PKEY *key,
        struct err *e)
{
    if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        return err_set(e, ERR_INVALID,
                       "%s: this key does not belong to the certificate in %s",
                       spec->key, spec->chain);
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        return err_set(e, ERR_INVALID, "%s: %s", spec->key, reason());
    return OK;
}

static enum err_code
load_key(SSL_CTX *ctx, const struct certs_load_spec *spec, struct err *e)
{
    struct buf b = {0};
    bool is_asked = false;
    enum err_code code = read_file(spec->key, &b, e);
    BIO *bio = code ? NULL : bio_of(&b);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &is_asked)
            : NULL;

    if (key)
        code = use_key(ctx, spec, key, e);
    else if (!code && is_asked)
        code = err_set(e, ERR_INVALID,
                       "%s: the key has a passphrase; store it without, "
                       "readable by its owner alone",
                       spec->key);
    else if (!code)
        code = err_set(e, ERR_INVALID, "%s: no PEM private key is in it",
                       spec->key);
    EVP_PKEY_free(key);
    BIO_free(bio);
    wipe(&b);
    return code;
}

/* ---- how long it is good ---- */

static void
time_text(const ASN1_TIME *t, char *out, size_t room)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1 ||
        strftime(out, room, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(out, room, "a time that cannot be read");
}

static void
judge_time(SSL_CTX *ctx, const char *path, int64_t now_s, struct err *warning)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    const ASN1_TIME *from = X509_get0_notBefore(cert);
    const ASN1_TIME *to = X509_get0_notAfter(cert);
    time_t now = (time_t)now_s, soon = (time_t)(now_s + SOON_S);
    char text[64];

    time_text(X509_cmp_time(from, &now) > 0 ? from : to, text, sizeof(text));
    if (X509_cmp_time(from, &now) > 0)
        (void)err_set(warning, ERR_INVALID,
                      "%s: the certificate is not valid until %s", path, text);
    else if (X509_cmp_time(to, &now) < 0)
        (void)err_set(warning, ERR_INVALID,
                      "%s: the certificate ended at %s; clients will refuse it",
                      path, text);
    else if (X509_cmp_time(to, &soon) < 0)
        (void)err_set(warning, ERR_INVALID, "%s: the certificate ends at %s",
                      path, text);
}

/* ---- all of it ---- */

enum err_code
certs_load(const struct certs_load_spec *spec, int64_t now_s,
           struct ssl_ctx_st **out, struct err *warning, struct err *e)
{
    ERR_clear_error();
    if (warning)
        *warning = (struct err){0};

    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum err_code code = OK;

    if (!ctx || !context_policy(ctx) || !context_tickets(ctx, spec->tickets))
        code =
            err_set(e, ERR_INTERNAL, "OpenSSL gives no context: %s", reason());
    if (!code)
        code = load_chain(ctx, spec->chain, e);
    if (!code)
        code = load_key(ctx, spec, e);
    if (!code)
        code = load_clients(ctx, spec->clients, e);
    if (!code) {
        judge_time(ctx, spec->chain, now_s, warning);
        *out = ctx;
        ctx = NULL;
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return code;
}

void
certs_unload(struct ssl_ctx_st **ctx)
{
    SSL_CTX_free(*ctx);
    *ctx = NULL;
}
