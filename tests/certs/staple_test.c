/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/staple.h"

#include "certs/load.h"
#include "tests/certs/make.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct fixture {
    struct arena *a;
    char *dir, *chain, *key, *staple;
    struct made ca, leaf;
    int64_t now_s;
};

static void
write_chain(const struct fixture *f, bool with_issuer)
{
    FILE *file = fopen(f->chain, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, f->leaf.cert), 1);
    if (with_issuer)
        assert_int_equal(PEM_write_X509(file, f->ca.cert), 1);
    assert_int_equal(fclose(file), 0);
}

static struct fixture
fixture_new(void)
{
    struct fixture f = {.a = arena_new(1 << 20), .now_s = time(NULL)};

    f.dir = make_dir(f.a);
    f.chain = make_path(f.a, f.dir, "chain.pem");
    f.key = make_path(f.a, f.dir, "key.pem");
    f.staple = make_path(f.a, f.dir, "staple.der");
    f.ca = make_cert(&(struct make_spec){.common_name = "a CA"});
    f.leaf = make_cert(&(struct make_spec){
        .common_name = "x", .names = "DNS:shop.example", .ca = &f.ca});
    write_chain(&f, true);
    make_write_key(f.key, &f.leaf, NULL);
    return f;
}

static void
fixture_end(struct fixture *f)
{
    make_cert_end(&f->leaf);
    make_cert_end(&f->ca);
    make_dir_end(f->dir);
    arena_free(&f->a);
}

/* An answer as an authority makes it. */
struct answer {
    const struct made *of;     /* NULL: of the fixture's leaf */
    const struct made *signer; /* NULL: its CA */
    const EVP_MD *hash;        /* of the names; NULL: SHA-1 */
    int status;                /* V_OCSP_CERTSTATUS_GOOD is 0 */
    int64_t from_s, until_s;   /* from now; 0, 0: -1 h, +1 h */
    bool has_no_end;
    bool has_tail; /* a byte behind it */
    int refusal;   /* instead of an answer: OCSP_RESPONSE_STATUS_… */
};

static OCSP_BASICRESP *
make_answer(const struct fixture *f, const struct answer *a)
{
    int64_t from_s = a->until_s ? a->from_s : -3600;
    int64_t until_s = a->until_s ? a->until_s : 3600;
    const struct made *signer = a->signer ? a->signer : &f->ca;
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(f->now_s + from_s));
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(f->now_s + until_s));
    ASN1_TIME *withdrawn = ASN1_TIME_set(NULL, (time_t)f->now_s);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(
        a->hash, a->of ? a->of->cert : f->leaf.cert, f->ca.cert);

    assert_non_null(id);
    assert_non_null(OCSP_basic_add1_status(basic, id, a->status, 0, withdrawn,
                                           from, a->has_no_end ? NULL : until));
    assert_int_equal(OCSP_basic_sign(basic, signer->cert, signer->key,
                                     EVP_sha256(), NULL, 0),
                     1);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(withdrawn);
    return basic;
}

static void
write_answer(const struct fixture *f, const struct answer *a)
{
    OCSP_BASICRESP *basic = a->refusal ? NULL : make_answer(f, a);
    OCSP_RESPONSE *whole = OCSP_response_create(a->refusal, basic);
    FILE *file = fopen(f->staple, "w");
    unsigned char *bytes = NULL;
    int len = i2d_OCSP_RESPONSE(whole, &bytes);

    assert_true(len > 0);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)len, file), len);
    if (a->has_tail)
        assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    OPENSSL_free(bytes);
    OCSP_RESPONSE_free(whole);
    OCSP_BASICRESP_free(basic);
}

static enum err_code
load(const struct fixture *f, int64_t now_s, SSL_CTX **out, struct err *warning,
     struct err *e)
{
    struct certs_load_spec spec = {
        .chain = f->chain, .key = f->key, .staple = f->staple};

    return certs_load(&spec, now_s, out, warning, e);
}

/* What a client of this version is shown, if it asks; 0: nothing. */
static long
shown(const struct fixture *f, SSL_CTX *server, int version, bool asks)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const unsigned char *bytes = NULL;

    SSL_CTX_set_max_proto_version(ctx, version);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), f->ca.cert);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (asks)
        SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
    struct talk t = talk_new(ctx, server, "shop.example", NULL, NULL);
    assert_true(talk_run(&t));
    long len = SSL_get_tlsext_status_ocsp_resp(t.client, &bytes);
    if (len > 0) {
        span file = test_file(f->a, f->staple);
        assert_int_equal(len, file.len);
        assert_memory_equal(bytes, file.at, file.len);
    }
    talk_end(&t);
    SSL_CTX_free(ctx);
    return len > 0 ? len : 0;
}

TEST(who_asks_is_shown_the_authoritys_word_as_it_was_fetched)
{
    struct fixture f = fixture_new();
    const struct answer answers[] = {{0}, {.hash = EVP_sha256()}};

    for (size_t i = 0; i < COUNT(answers); i++) {
        SSL_CTX *server = NULL;
        struct err e = {0}, warning;

        write_answer(&f, &answers[i]);
        if (load(&f, f.now_s, &server, &warning, &e))
            fail_msg("%s", e.text);
        assert_int_equal(warning.code, OK);
        assert_true(shown(&f, server, TLS1_2_VERSION, true) > 0);
        assert_true(shown(&f, server, TLS1_3_VERSION, true) > 0);
        assert_int_equal(shown(&f, server, TLS1_3_VERSION, false), 0);
        certs_unload(&server);
    }
    fixture_end(&f);
}

TEST(what_holds_no_longer_is_not_shown_and_told_where_it_is_read)
{
    static const struct {
        int64_t from_s, until_s, loaded_s;
        const char *says; /* NULL: nothing */
        bool is_shown;
    } cases[] = {
        {-3600, 3600, 0, NULL, true},
        {-3600, -1, 0, "holds no longer", false},
        {60, 3600, 0, "does not hold yet", false},
        {-3600, -60, -120, NULL, false}, /* it ended while we ran */
    };
    struct fixture f = fixture_new();

    for (size_t i = 0; i < COUNT(cases); i++) {
        SSL_CTX *server = NULL;
        struct err e = {0}, warning;

        write_answer(&f, &(struct answer){.from_s = cases[i].from_s,
                                          .until_s = cases[i].until_s});
        if (load(&f, f.now_s + cases[i].loaded_s, &server, &warning, &e))
            fail_msg("case %zu: %s", i, e.text);
        if ((warning.code != OK) != (cases[i].says != NULL) ||
            (cases[i].says && !strstr(warning.text, cases[i].says)))
            fail_msg("case %zu: %s", i, warning.text);
        if ((shown(&f, server, TLS1_3_VERSION, true) > 0) != cases[i].is_shown)
            fail_msg("case %zu", i);
        certs_unload(&server);
    }
    fixture_end(&f);
}

TEST(an_answer_that_is_none_about_this_certificate_is_refused)
{
    struct fixture f = fixture_new();
    struct made other =
        make_cert(&(struct make_spec){.common_name = "y", .ca = &f.ca});
    struct made stranger =
        make_cert(&(struct make_spec){.common_name = "another CA"});
    const struct {
        struct answer answer;
        const char *why;
    } cases[] = {
        {{.of = &other}, "another certificate"},
        {{.status = V_OCSP_CERTSTATUS_REVOKED}, "`revoked`"},
        {{.status = V_OCSP_CERTSTATUS_UNKNOWN}, "`unknown`"},
        {{.signer = &stranger}, "not signed"},
        {{.signer = &f.leaf}, "not signed"}, /* may not speak for its issuer */
        {{.has_no_end = true}, "until when"},
        {{.has_tail = true}, "no OCSP answer"},
        {{.refusal = OCSP_RESPONSE_STATUS_TRYLATER}, "`trylater`"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        SSL_CTX *server = NULL;
        struct err e = {0};

        write_answer(&f, &cases[i].answer);
        if (load(&f, f.now_s, &server, NULL, &e) != ERR_INVALID ||
            !strstr(e.text, f.staple) || !strstr(e.text, cases[i].why))
            fail_msg("case %zu: %s", i, e.text);
        assert_null(server);
    }
    make_cert_end(&other);
    make_cert_end(&stranger);
    fixture_end(&f);
}

TEST(what_is_no_answer_or_cannot_be_judged_is_refused)
{
    struct fixture f = fixture_new();
    SSL_CTX *server = NULL;
    struct err e = {0};

    assert_int_equal(load(&f, f.now_s, &server, NULL, &e), ERR_IO);
    make_write_text(f.staple, "");
    assert_int_equal(load(&f, f.now_s, &server, NULL, &e), ERR_INVALID);
    make_write_text(f.staple, "-----BEGIN OCSP RESPONSE-----\n");
    assert_int_equal(load(&f, f.now_s, &server, NULL, &e), ERR_INVALID);
    write_answer(&f, &(struct answer){0});
    write_chain(&f, false);
    assert_int_equal(load(&f, f.now_s, &server, NULL, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "the chain lacks"));
    assert_null(server);
    fixture_end(&f);
}
