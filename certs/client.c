/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/client.h"

#include "certs/context.h"
#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#define NAME_MAX_BYTES 253

/* What a session may be resumed under; a client's have one meaning. */
static const unsigned char session_context[] = "stile";

/* Where systems keep all their authorities in one file: the first there is. */
static const char *
system_authorities(void)
{
    static const char *const usual[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
        "/etc/ssl/cert.pem",                  /* Alpine, BSD */
    };
    const char *said = getenv(X509_get_default_cert_file_env());

    if (said)
        return said;
    for (size_t i = 0; i < COUNT(usual); i++)
        if (access(usual[i], R_OK) == 0)
            return usual[i];
    return usual[0];
}

static bool
use_authority(SSL_CTX *ctx, X509 *cert, size_t i __attribute__((unused)))
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1;
}

static bool
verify_always(SSL_CTX *ctx)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static bool
offer(SSL_CTX *ctx, const struct certs_client_spec *spec)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    const unsigned char *from = spec->h2 ? both : both + 3;
    unsigned len = spec->h2 ? (spec->h1 ? sizeof(both) - 1 : 3) : 9;

    return SSL_CTX_set_alpn_protos(ctx, from, len) == 0;
}

/* The newest session is the one to resume; returning 1 keeps the reference. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **slot = SSL_get_app_data(ssl);

    if (!slot)
        return 0;
    SSL_SESSION_free(*slot);
    *slot = session;
    return 1;
}

static bool
keep_sessions(SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    return SSL_CTX_set_session_id_context(ctx, session_context,
                                          sizeof(session_context) - 1) == 1;
}

enum err_code
certs_client_load(const struct certs_client_spec *spec, int64_t now_s,
                  SSL_CTX **out, struct err *warning, struct err *e)
{
    const char *authorities =
        spec->authorities ? spec->authorities : system_authorities();
    enum err_code code = OK;

    ERR_clear_error();
    if (warning)
        *warning = (struct err){0};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || !context_policy(ctx) || !verify_always(ctx) ||
        !offer(ctx, spec) || !keep_sessions(ctx))
        code =
            err_set(e, ERR_INTERNAL, "OpenSSL gives no context: %s", pem_why());
    if (!code)
        code = pem_each_cert(ctx, authorities, use_authority, e);
    if (!code && spec->chain)
        code = pem_chain(ctx, spec->chain, e);
    if (!code && spec->chain)
        code = pem_key(ctx, spec->chain, spec->key, e);
    if (!code) {
        if (spec->chain)
            context_judge_time(ctx, spec->chain, now_s, warning);
        *out = ctx;
        ctx = NULL;
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return code;
}

bool
certs_client_expect(SSL *ssl, span name, SSL_SESSION **session)
{
    char host[NAME_MAX_BYTES + 1];
    ASN1_OCTET_STRING *address;

    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return false;
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    address = a2i_IPADDRESS(host);
    ASN1_OCTET_STRING_free(address);
    if (address) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) != 1)
            return false;
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(ssl, host) != 1 ||
            SSL_set_tlsext_host_name(ssl, host) != 1)
            return false;
    }
    if (SSL_set_app_data(ssl, session) != 1)
        return false;
    return !*session || SSL_set_session(ssl, *session) == 1;
}
