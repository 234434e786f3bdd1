/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/context.h"

#define SOON_S INT64_C(1209600) /* 14 days */

/* SAFETY.md: ECDHE and AEAD alone; 128 bits first, they are the faster. */
#define CIPHERS_12                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_13                                                             \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                           \
    "TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

/* What we speak, the first preferred, in ALPN's form. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";
#define H2_BYTES 3u /* the first of them */

static int
choose(const unsigned char *ours, unsigned n, const unsigned char **out,
       unsigned char *out_len, const unsigned char *in, unsigned in_len)
{
    unsigned char *chosen = NULL;

    if (SSL_select_next_proto(&chosen, out_len, ours, n, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* alert 120 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int
on_alpn(SSL *ssl __attribute__((unused)), const unsigned char **out,
        unsigned char *out_len, const unsigned char *in, unsigned in_len,
        void *arg __attribute__((unused)))
{
    return choose(protocols, sizeof(protocols) - 1, out, out_len, in, in_len);
}

static int
on_alpn_h1(SSL *ssl __attribute__((unused)), const unsigned char **out,
           unsigned char *out_len, const unsigned char *in, unsigned in_len,
           void *arg __attribute__((unused)))
{
    return choose(protocols + H2_BYTES, sizeof(protocols) - 1 - H2_BYTES, out,
                  out_len, in, in_len);
}

void
context_speak_h1(SSL_CTX *ctx)
{
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn_h1, NULL);
}

bool
context_policy(SSL_CTX *ctx)
{
    char groups[] = GROUPS; /* OpenSSL's macro takes a char * */

    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

static void
time_text(const ASN1_TIME *t, char *out, size_t room)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1 ||
        strftime(out, room, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(out, room, "a time that cannot be read");
}

void
context_judge_time(SSL_CTX *ctx, const char *path, int64_t now_s,
                   struct err *warning)
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
