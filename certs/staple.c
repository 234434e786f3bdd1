/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/staple.h"

#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <assert.h>
#include <time.h>

#define STAPLE_MAX 16384u /* bytes; it is sent in each whole handshake */

struct staple {
    int64_t until_s;
    size_t len;
    unsigned char bytes[];
};

/* ── showing ─────────────────────────────────────────────────────────────── */

static int
on_asked(SSL *ssl, void *arg)
{
    const struct staple *s = arg;
    unsigned char *copy = NULL;

    if ((int64_t)time(NULL) < s->until_s)
        copy = OPENSSL_memdup(s->bytes, s->len);
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy,
                                          (long)s->len); /* its own */
    return SSL_TLSEXT_ERR_OK;
}

static void
on_context_end(void *parent __attribute__((unused)), void *staple,
               CRYPTO_EX_DATA *data __attribute__((unused)),
               int index __attribute__((unused)),
               long number __attribute__((unused)),
               void *arg __attribute__((unused)))
{
    OPENSSL_free(staple);
}

/* The context keeps it, and frees it. */
static bool
show(SSL_CTX *ctx, span bytes, int64_t until_s)
{
    static int index = -1;
    struct staple *s = OPENSSL_malloc(sizeof(*s) + bytes.len);

    assert(bytes.at);
    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_end);
    if (!s || index < 0 || SSL_CTX_set_ex_data(ctx, index, s) != 1) {
        OPENSSL_free(s);
        return false;
    }
    s->until_s = until_s;
    s->len = bytes.len;
    memcpy(s->bytes, bytes.at, bytes.len);
    SSL_CTX_set_tlsext_status_cb(ctx, on_asked);
    SSL_CTX_set_tlsext_status_arg(ctx, s);
    return true;
}

/* ── judging ─────────────────────────────────────────────────────────────── */

/* What is judged: an answer, and of whom it should speak. */
struct judged {
    const char *path;
    X509 *cert;
    X509 *issuer;
    OCSP_BASICRESP *answer;
    int64_t from_s, until_s; /* what it says of itself */
};

static X509 *
issuer_in_chain(SSL_CTX *ctx, X509 *cert)
{
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i), cert) == X509_V_OK)
            return sk_X509_value(chain, i);
    return NULL;
}

/* Names are hashed as the answer chose to: ask in its way. */
static bool
speaks_of(const struct judged *j, OCSP_SINGLERESP *single)
{
    /* OpenSSL reads what it takes without const. */
    union {
        const OCSP_CERTID *in;
        OCSP_CERTID *out;
    } told = {.in = OCSP_SINGLERESP_get0_id(single)};
    ASN1_OBJECT *hash = NULL;

    if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, told.out) != 1)
        return false;
    const EVP_MD *md = EVP_get_digestbyobj(hash);
    OCSP_CERTID *id = md ? OCSP_cert_to_id(md, j->cert, j->issuer) : NULL;
    bool is_same = id && OCSP_id_cmp(id, told.in) == 0;
    OCSP_CERTID_free(id);
    return is_same;
}

static bool
read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
    struct tm tm;

    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

static enum err_code
judge_word(struct judged *j, struct err *e)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    OCSP_SINGLERESP *single = NULL;
    int n = OCSP_resp_count(j->answer);

    for (int i = 0; i < n && !single; i++)
        if (speaks_of(j, OCSP_resp_get0(j->answer, i)))
            single = OCSP_resp_get0(j->answer, i);
    if (!single)
        return err_set(e, ERR_INVALID,
                       "%s: this answer is about another certificate", j->path);
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return err_set(e, ERR_INVALID,
                       "%s: the authority calls the certificate `%s`", j->path,
                       OCSP_cert_status_str(status));
    if (!read_time(from, &j->from_s) || !read_time(until, &j->until_s))
        return err_set(e, ERR_INVALID,
                       "%s: this answer does not say until when it holds",
                       j->path);
    return OK;
}

/* Signed by the issuer, or by whom the issuer says may answer for it. */
static enum err_code
judge_signature(const struct judged *j, int64_t now_s, struct err *e)
{
    X509_STORE *store = X509_STORE_new();
    X509_VERIFY_PARAM *param = store ? X509_STORE_get0_param(store) : NULL;
    bool is_good = param && X509_STORE_add_cert(store, j->issuer) == 1;

    if (is_good) {
        STACK_OF(X509) *signers = sk_X509_new_null();

        X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        is_good = signers && sk_X509_push(signers, j->issuer) > 0 &&
                  OCSP_basic_verify(j->answer, signers, store, 0) == 1;
        sk_X509_free(signers);
    }
    X509_STORE_free(store);
    return is_good ? OK
                   : err_set(e, ERR_INVALID,
                             "%s: this answer is not signed for the "
                             "certificate's authority: %s",
                             j->path, pem_why());
}

/* The answer in the file's bytes, all of them. */
static enum err_code
read_answer(const char *path, span bytes, OCSP_BASICRESP **out, struct err *e)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    OCSP_RESPONSE *whole = NULL;

    if (bytes.len > 0 && bytes.len <= STAPLE_MAX)
        whole = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.len);
    if (!whole || at != (const unsigned char *)bytes.at + bytes.len) {
        OCSP_RESPONSE_free(whole);
        return err_set(e, ERR_INVALID,
                       "%s: no OCSP answer in DER of at most %u bytes", path,
                       STAPLE_MAX);
    }
    int status = OCSP_response_status(whole);
    *out = OCSP_response_get1_basic(whole);
    OCSP_RESPONSE_free(whole);
    return *out ? OK
                : err_set(e, ERR_INVALID, "%s: the authority answered `%s`",
                          path, OCSP_response_status_str(status));
}

static enum err_code
judge(SSL_CTX *ctx, struct judged *j, int64_t now_s, struct err *e)
{
    j->cert = SSL_CTX_get0_certificate(ctx);
    j->issuer = issuer_in_chain(ctx, j->cert);
    if (!j->issuer)
        return err_set(e, ERR_INVALID,
                       "%s: the chain lacks the authority's certificate, by "
                       "which this answer is judged",
                       j->path);
    enum err_code code = judge_word(j, e);
    return code ? code : judge_signature(j, now_s, e);
}

enum err_code
staple_load(SSL_CTX *ctx, const char *path, int64_t now_s, struct err *warning,
            struct err *e)
{
    struct judged j = {.path = path};
    struct buf b = {0};
    enum err_code code = pem_read(path, &b, e);

    if (!code)
        code = read_answer(path, buf_span(&b), &j.answer, e);
    if (!code)
        code = judge(ctx, &j, now_s, e);
    if (!code && (now_s < j.from_s || now_s >= j.until_s))
        (void)err_set(
            warning, ERR_INVALID, "%s: this answer %s, so it is not shown",
            path, now_s < j.from_s ? "does not hold yet" : "holds no longer");
    else if (!code && !show(ctx, buf_span(&b), j.until_s))
        code = err_set(e, ERR_LIMIT, "%s: no memory for this answer", path);
    OCSP_BASICRESP_free(j.answer);
    buf_fini(&b);
    return code;
}
