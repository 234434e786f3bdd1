/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/dev.h"

#include "proxy/base/span.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAYS_MAX 3650

struct pair {
    EVP_PKEY *key;
    X509 *cert;
};

struct extension {
    int nid;
    const char *value;
};

static const struct extension of_ca[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};

static const struct extension of_leaf[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},
    {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
};

/* ---- making ---- */

static bool
set_serial(X509 *cert)
{
    unsigned char bytes[16];
    BIGNUM *n = NULL;
    bool ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] &= 0x7f; /* positive, RFC 5280 §4.1.2.2 */
    if (ok)
        n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

static bool
set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)common_name, -1,
                                      -1, 0) == 1;
}

static bool
set_times(X509 *cert, unsigned days, int64_t now_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)now_s) &&
           ASN1_TIME_set(X509_getm_notAfter(cert),
                         (time_t)(now_s + (int64_t)days * 86400));
}

static bool
add_extensions(X509 *cert, X509 *issuer, const struct extension *at, size_t n)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *x =
            X509V3_EXT_conf_nid(NULL, &ctx, at[i].nid, at[i].value);
        bool ok = x && X509_add_ext(cert, x, -1) == 1;
        X509_EXTENSION_free(x);
        if (!ok)
            return false;
    }
    return true;
}

/* A key and its certificate, signed by `ca` or, if that is NULL, by itself. */
static bool
make(struct pair *out, const struct pair *ca, const char *name, unsigned days,
     int64_t now_s)
{
    const struct pair *issuer = ca ? ca : out;

    out->key = EVP_EC_gen("P-256");
    out->cert = X509_new();
    return out->key && out->cert && X509_set_version(out->cert, 2) == 1 &&
           set_serial(out->cert) && set_times(out->cert, days, now_s) &&
           set_name(X509_get_subject_name(out->cert), name) &&
           X509_set_issuer_name(out->cert,
                                X509_get_subject_name(issuer->cert)) == 1 &&
           X509_set_pubkey(out->cert, out->key) == 1 &&
           add_extensions(out->cert, issuer->cert, ca ? of_leaf : of_ca,
                          ca ? COUNT(of_leaf) : COUNT(of_ca)) &&
           X509_sign(out->cert, issuer->key, EVP_sha256()) > 0;
}

static void
pair_fini(struct pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
}

/* ---- writing ---- */

static bool
write_all(int fd, span s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.at, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        s = span_skip(s, (size_t)n);
    }
    return true;
}

/* Aside, then renamed: whoever opens `name` finds all of it. */
static enum err_code
write_file(const char *dir, const char *name, mode_t mode, BIO *bio,
           struct err *e)
{
    char aside[PATH_MAX], path[PATH_MAX], *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    int long_path = snprintf(path, sizeof(path), "%s/%s", dir, name);
    int long_aside = snprintf(aside, sizeof(aside), "%s/.%s-XXXXXX", dir, name);

    if (long_path >= PATH_MAX || long_aside >= PATH_MAX)
        return err_set(e, ERR_LIMIT, "%s: the path is too long", dir);

    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    bool ok = write_all(fd, span_of(bytes, n > 0 ? (size_t)n : 0)) &&
              fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int why = errno;
    (void)close(fd);
    if (ok && rename(aside, path) == 0)
        return OK;
    why = ok ? errno : why;
    (void)unlink(aside);
    return err_set(e, ERR_IO, "%s: %s", path, strerror(why));
}

/* One PEM file of a key, or else of a certificate. */
static enum err_code
write_pem(const char *dir, const char *name, EVP_PKEY *key, X509 *cert,
          struct err *e)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int ok = bio && key
                 ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
             : bio ? PEM_write_bio_X509(bio, cert)
                   : 0;
    enum err_code code =
        ok == 1 ? write_file(dir, name, key ? 0600 : 0644, bio, e)
                : err_set(e, ERR_INTERNAL, "%s/%s: OpenSSL cannot write PEM",
                          dir, name);

    BIO_free(bio);
    return code;
}

enum err_code
certs_dev_write(const char *dir, unsigned days, int64_t now_s, struct err *e)
{
    struct pair ca = {0}, leaf = {0};
    enum err_code code = OK;

    if (days < 1 || days > DAYS_MAX)
        return err_set(e, ERR_INVALID,
                       "a development certificate is good for 1 to %d days",
                       DAYS_MAX);
    if (!make(&ca, NULL, "Stile development CA", days, now_s) ||
        !make(&leaf, &ca, "localhost", days, now_s))
        code = err_set(e, ERR_INTERNAL, "OpenSSL cannot make a certificate");
    if (!code)
        code = write_pem(dir, CERTS_DEV_KEY, leaf.key, NULL, e);
    if (!code)
        code = write_pem(dir, CERTS_DEV_CHAIN, NULL, leaf.cert, e);
    if (!code)
        code = write_pem(dir, CERTS_DEV_CA, NULL, ca.cert, e);
    pair_fini(&leaf);
    pair_fini(&ca);
    return code;
}
