/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/certs/make.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define YEAR_S 31536000

char *
make_dir(struct arena *a)
{
    const char *root = getenv("TMPDIR");
    span text = arena_fmt(a, "%s/stile-certs-XXXXXX", root ? root : P_tmpdir);
    char *dir = arena_str(a, text);

    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

void
make_dir_end(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    char path[4096];

    assert_non_null(d);
    while ((entry = readdir(d))) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

char *
make_path(struct arena *a, const char *dir, const char *name)
{
    char *path = arena_str(a, arena_fmt(a, "%s/%s", dir, name));

    assert_non_null(path);
    return path;
}

static void
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(x);
    assert_int_equal(X509_add_ext(cert, x, -1), 1);
    X509_EXTENSION_free(x);
}

struct made
make_cert(const struct make_spec *spec)
{
    static long serial;
    bool is_rsa = spec->key_type && strcmp(spec->key_type, "RSA") == 0;
    struct made m = {is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                     X509_new()};
    const struct made *issuer = spec->ca ? spec->ca : &m;
    X509_NAME *name = X509_get_subject_name(m.cert);
    time_t now = time(NULL);

    assert_non_null(m.key);
    assert_int_equal(X509_set_version(m.cert, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(m.cert), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(m.cert),
                  spec->from_s ? (time_t)spec->from_s : now - 3600);
    ASN1_TIME_set(X509_getm_notAfter(m.cert),
                  spec->to_s ? (time_t)spec->to_s : now + YEAR_S);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)spec->common_name, -1, -1,
                               0);
    X509_set_issuer_name(m.cert, X509_get_subject_name(issuer->cert));
    X509_set_pubkey(m.cert, m.key);
    extend(m.cert, issuer->cert, NID_basic_constraints,
           spec->ca ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (spec->names)
        extend(m.cert, issuer->cert, NID_subject_alt_name, spec->names);
    assert_true(X509_sign(m.cert, issuer->key, EVP_sha256()) > 0);
    return m;
}

void
make_cert_end(struct made *m)
{
    EVP_PKEY_free(m->key);
    X509_free(m->cert);
}

void
make_write_cert(const char *path, const struct made *m)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, m->cert), 1);
    assert_int_equal(fclose(f), 0);
}

void
make_write_key(const char *path, const struct made *m, const char *passphrase)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(
                         f, m->key, passphrase ? EVP_aes_128_cbc() : NULL,
                         (const unsigned char *)passphrase,
                         passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                     1);
    assert_int_equal(fclose(f), 0);
}

void
make_write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

struct talk
talk_new(SSL_CTX *client, SSL_CTX *server, const char *name, const char *alpn,
         SSL_SESSION *session)
{
    struct talk t = {SSL_new(client), SSL_new(server)};
    BIO *one = NULL, *other = NULL;
    char host[256];

    assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
    SSL_set_bio(t.client, one, one);
    SSL_set_bio(t.server, other, other);
    SSL_set_connect_state(t.client);
    SSL_set_accept_state(t.server);
    (void)snprintf(host, sizeof(host), "%s", name ? name : "");
    if (name) /* the macro takes a char * */
        assert_int_equal(SSL_set_tlsext_host_name(t.client, host), 1);
    if (alpn)
        assert_int_equal(SSL_set_alpn_protos(t.client,
                                             (const unsigned char *)alpn,
                                             (unsigned)strlen(alpn)),
                         0);
    if (session)
        assert_int_equal(SSL_set_session(t.client, session), 1);
    return t;
}

static bool
goes_on(SSL *ssl, int result)
{
    int why = SSL_get_error(ssl, result);

    return result == 1 || why == SSL_ERROR_WANT_READ ||
           why == SSL_ERROR_WANT_WRITE;
}

bool
talk_run(struct talk *t)
{
    char byte;

    for (int i = 0; i < 20; i++) {
        int client = SSL_do_handshake(t->client);
        int server = SSL_do_handshake(t->server);
        if (client == 1 && server == 1)
            break;
        if (!goes_on(t->server, server)) {
            (void)SSL_do_handshake(t->client); /* it reads the alert, last */
            return false;
        }
        if (!goes_on(t->client, client))
            return false;
    }
    return SSL_write(t->server, "s", 1) == 1 &&
           SSL_read(t->client, &byte, 1) == 1 &&
           SSL_write(t->client, "c", 1) == 1 &&
           SSL_read(t->server, &byte, 1) == 1;
}

void
talk_end(struct talk *t)
{
    (void)SSL_shutdown(t->client);
    (void)SSL_shutdown(t->server);
    SSL_free(t->client);
    SSL_free(t->server);
}
