/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/load.h"

#include "certs/context.h"
#include "certs/digest.h"
#include "certs/pem.h"
#include "certs/staple.h"

#include <openssl/err.h>

#include <assert.h>

static_assert(DIGEST_SHA256 == SSL_MAX_SID_CTX_LENGTH, "a session's context");

/* ---- clients ---- */

static bool
use_client_ca(SSL_CTX *ctx, X509 *cert, size_t i __attribute__((unused)))
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1 &&
           SSL_CTX_add_client_CA(ctx, cert) == 1;
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
load_clients(SSL_CTX *ctx, const struct certs_load_spec *spec, struct err *e)
{
    const char *path = spec->clients;
    int must = spec->clients_may ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    struct buf b = {0};
    enum err_code code = path ? pem_read(path, &b, e) : OK;

    if (!code && path)
        code = pem_each_in(ctx, &b, path, use_client_ca, e);
    if (!code && !set_session_context(ctx, buf_span(&b)))
        code = err_set(e, ERR_INTERNAL, "%s", pem_why());
    if (!code && path)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | must, NULL);
    buf_fini(&b);
    return code;
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
            err_set(e, ERR_INTERNAL, "OpenSSL gives no context: %s", pem_why());
    if (!code)
        code = pem_chain(ctx, spec->chain, e);
    if (!code)
        code = pem_key(ctx, spec->chain, spec->key, e);
    if (!code)
        code = load_clients(ctx, spec, e);
    if (!code && spec->h1_alone)
        context_speak_h1(ctx);
    if (!code && spec->staple)
        code = staple_load(ctx, spec->staple, now_s, warning, e);
    if (!code) {
        context_judge_time(ctx, spec->chain, now_s, warning);
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
