/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/load.h"

#include "certs/dev.h"
#include "certs/tickets.h"
#include "tests/certs/make.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <sys/stat.h>

struct fixture {
    struct arena *a;
    char *dir;
    struct made ca, leaf;
    char *chain, *key, *clients;
};

static struct fixture
fixture_new(void)
{
    struct fixture f = {.a = arena_new(1 << 20)};

    f.dir = make_dir(f.a);
    f.chain = make_path(f.a, f.dir, "chain.pem");
    f.key = make_path(f.a, f.dir, "key.pem");
    f.clients = make_path(f.a, f.dir, "ca.pem");
    f.ca = make_cert(&(struct make_spec){.common_name = "a CA"});
    f.leaf = make_cert(&(struct make_spec){
        .common_name = "x", .names = "DNS:shop.example", .ca = &f.ca});
    make_write_cert(f.clients, &f.ca);
    make_write_cert(f.chain, &f.leaf);
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

static SSL_CTX *
loaded(const struct fixture *f, const char *clients,
       const struct certs_tickets *tickets)
{
    struct certs_load_spec spec = {.chain = f->chain,
                                   .key = f->key,
                                   .clients = clients,
                                   .tickets = tickets};
    SSL_CTX *ctx = NULL;
    struct err e = {0}, warning;

    if (certs_load(&spec, time(NULL), &ctx, &warning, &e))
        fail_msg("%s", e.text);
    assert_int_equal(warning.code, OK);
    return ctx;
}

static SSL_CTX *
client_of(const struct fixture *f)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), f->ca.cert);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

TEST(a_client_that_trusts_the_authority_shakes_hands_over_x25519)
{
    struct fixture f = fixture_new();
    SSL_CTX *server = loaded(&f, NULL, NULL), *client = client_of(&f);
    struct talk t = talk_new(client, server, "shop.example", NULL, NULL);

    assert_true(talk_run(&t));
    assert_int_equal(SSL_version(t.server), TLS1_3_VERSION);
    assert_int_equal(SSL_get_negotiated_group(t.client), NID_X25519);
    assert_string_equal(SSL_get_cipher(t.client), "TLS_AES_128_GCM_SHA256");
    talk_end(&t);
    SSL_CTX_free(client);
    certs_unload(&server);
    assert_null(server);
    fixture_end(&f);
}

TEST(only_tls_1_2_and_later_with_ecdhe_and_aead_is_spoken)
{
    static const struct {
        const char *ciphers;
        int version;
        bool ok;
    } cases[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, true},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", TLS1_2_VERSION, true},
        {"ECDHE-ECDSA-AES128-SHA256", TLS1_2_VERSION, false}, /* CBC */
        {"ECDHE-ECDSA-AES128-CCM8", TLS1_2_VERSION, false},
        {"ALL:@SECLEVEL=0", TLS1_1_VERSION, false},
    };
    struct fixture f = fixture_new();
    SSL_CTX *server = loaded(&f, NULL, NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        SSL_CTX *client = client_of(&f);
        SSL_CTX_set_min_proto_version(client, cases[i].version);
        SSL_CTX_set_max_proto_version(client, cases[i].version);
        assert_int_equal(SSL_CTX_set_cipher_list(client, cases[i].ciphers), 1);
        struct talk t = talk_new(client, server, NULL, NULL, NULL);
        if (talk_run(&t) != cases[i].ok)
            fail_msg("%s", cases[i].ciphers);
        talk_end(&t);
        SSL_CTX_free(client);
    }
    certs_unload(&server);
    fixture_end(&f);
}

TEST(alpn_prefers_h2_and_refuses_what_it_does_not_know)
{
    static const struct {
        const char *offered, *chosen; /* NULL: refused */
    } cases[] = {
        {"\x08http/1.1\x02h2", "h2"},
        {"\x08http/1.1", "http/1.1"},
        {"\x06spdy/3\x08http/1.1", "http/1.1"},
        {"\x02h3", NULL},
        {"\x08http/1.0", NULL},
    };
    struct fixture f = fixture_new();
    SSL_CTX *server = loaded(&f, NULL, NULL), *client = client_of(&f);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const unsigned char *chosen = NULL;
        unsigned len = 0;
        struct talk t = talk_new(client, server, NULL, cases[i].offered, NULL);

        ERR_clear_error();
        if (talk_run(&t) != (cases[i].chosen != NULL))
            fail_msg("case %zu", i);
        SSL_get0_alpn_selected(t.client, &chosen, &len);
        if (cases[i].chosen)
            assert_span(span_of((const char *)chosen, len), cases[i].chosen);
        else
            assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
                             SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        talk_end(&t);
    }
    SSL_CTX_free(client);
    certs_unload(&server);
    fixture_end(&f);
}

TEST(a_client_cannot_renegotiate)
{
    struct fixture f = fixture_new();
    SSL_CTX *server = loaded(&f, NULL, NULL), *client = client_of(&f);
    char byte;

    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    struct talk t = talk_new(client, server, NULL, NULL, NULL);
    assert_true(talk_run(&t));
    assert_int_equal(SSL_renegotiate(t.client), 1);
    (void)SSL_do_handshake(t.client);
    (void)SSL_read(t.server, &byte, 1);
    ERR_clear_error();
    assert_int_not_equal(SSL_do_handshake(t.client), 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
                     SSL_R_NO_RENEGOTIATION);
    talk_end(&t);
    SSL_CTX_free(client);
    certs_unload(&server);
    fixture_end(&f);
}

TEST(a_client_certificate_is_demanded_where_a_ca_is_named)
{
    struct fixture f = fixture_new();
    struct made other_ca = make_cert(&(struct make_spec){.common_name = "b"});
    struct made good =
        make_cert(&(struct make_spec){.common_name = "ann", .ca = &f.ca});
    struct made bad =
        make_cert(&(struct make_spec){.common_name = "eve", .ca = &other_ca});
    const struct {
        const struct made *shown;
        bool ok;
    } cases[] = {{NULL, false}, {&bad, false}, {&good, true}};
    SSL_CTX *server = loaded(&f, f.clients, NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        SSL_CTX *client = client_of(&f);
        if (cases[i].shown) {
            SSL_CTX_use_certificate(client, cases[i].shown->cert);
            SSL_CTX_use_PrivateKey(client, cases[i].shown->key);
        }
        struct talk t = talk_new(client, server, NULL, NULL, NULL);
        if (talk_run(&t) != cases[i].ok)
            fail_msg("case %zu", i);
        talk_end(&t);
        SSL_CTX_free(client);
    }
    certs_unload(&server);
    make_cert_end(&good);
    make_cert_end(&bad);
    make_cert_end(&other_ca);
    fixture_end(&f);
}

TEST(what_cannot_be_loaded_says_which_file_and_why)
{
    struct fixture f = fixture_new();
    struct made other =
        make_cert(&(struct make_spec){.common_name = "y", .ca = &f.ca});
    struct made rsa = make_cert(&(struct make_spec){
        .common_name = "z", .ca = &f.ca, .key_type = "RSA"});
    char *none = make_path(f.a, f.dir, "none.pem");
    char *text = make_path(f.a, f.dir, "text.pem");
    char *broken = make_path(f.a, f.dir, "broken.pem");
    char *other_key = make_path(f.a, f.dir, "other.key");
    char *rsa_key = make_path(f.a, f.dir, "rsa.key");
    char *locked = make_path(f.a, f.dir, "locked.key");
    const struct {
        const char *chain, *key, *clients, *file, *why;
        enum err_code code;
    } cases[] = {
        {none, f.key, NULL, none, "No such file", ERR_IO},
        {f.dir, f.key, NULL, f.dir, "Is a directory", ERR_IO},
        {f.chain, none, NULL, none, "No such file", ERR_IO},
        {f.chain, f.key, none, none, "No such file", ERR_IO},
        {text, f.key, NULL, text, "no PEM certificate", ERR_INVALID},
        {broken, f.key, NULL, broken, "certificate 1", ERR_INVALID},
        {f.chain, text, NULL, text, "no PEM private key", ERR_INVALID},
        {f.chain, f.chain, NULL, f.chain, "no PEM private key", ERR_INVALID},
        {f.chain, f.key, text, text, "no PEM certificate", ERR_INVALID},
        {f.chain, other_key, NULL, other_key, "does not belong", ERR_INVALID},
        {f.chain, rsa_key, NULL, rsa_key, "does not belong", ERR_INVALID},
        {f.chain, locked, NULL, locked, "passphrase", ERR_INVALID},
    };

    make_write_text(text, "hello\n");
    make_write_text(broken, "-----BEGIN CERTIFICATE-----\nMIIB\n"
                            "-----END CERTIFICATE-----\n");
    make_write_key(other_key, &other, NULL);
    make_write_key(rsa_key, &rsa, NULL);
    make_write_key(locked, &f.leaf, "open sesame");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct certs_load_spec spec = {.chain = cases[i].chain,
                                       .key = cases[i].key,
                                       .clients = cases[i].clients};
        SSL_CTX *ctx = NULL;
        struct err e = {0};

        enum err_code code = certs_load(&spec, time(NULL), &ctx, NULL, &e);
        if (code != cases[i].code || !strstr(e.text, cases[i].file) ||
            !strstr(e.text, cases[i].why))
            fail_msg("case %zu: %d %s", i, code, e.text);
        assert_null(ctx);
    }
    make_cert_end(&other);
    make_cert_end(&rsa);
    fixture_end(&f);
}

TEST(a_chain_brings_its_intermediates)
{
    struct fixture f = fixture_new();
    char *both = make_path(f.a, f.dir, "both.pem");
    span leaf = test_file(f.a, f.chain), ca = test_file(f.a, f.clients);
    struct certs_load_spec spec = {.chain = both, .key = f.key};
    SSL_CTX *ctx = NULL;
    STACK_OF(X509) *chain = NULL;

    make_write_text(both,
                    arena_str(f.a, arena_fmt(f.a, "%.*s%.*s", SPAN_FMT(leaf),
                                             SPAN_FMT(ca))));
    assert_int_equal(certs_load(&spec, time(NULL), &ctx, NULL, NULL), OK);
    SSL_CTX_get0_chain_certs(ctx, &chain);
    assert_int_equal(sk_X509_num(chain), 1);
    certs_unload(&ctx);
    fixture_end(&f);
}

TEST(a_certificate_that_ended_or_soon_will_is_a_warning)
{
    static const struct {
        int64_t from_s, to_s;
        const char *says; /* NULL: nothing */
    } cases[] = {
        {NOW_S - 86400, NOW_S + 30 * 86400, NULL},
        {NOW_S - 86400, NOW_S - 1, "ended at 2026-09-21"},
        {NOW_S - 86400, NOW_S + 13 * 86400, "ends at 2026-10-04"},
        {NOW_S + 86400, NOW_S + 30 * 86400, "not valid until 2026-09-22"},
    };
    struct fixture f = fixture_new();

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct made m = make_cert(&(struct make_spec){.common_name = "x",
                                                      .from_s = cases[i].from_s,
                                                      .to_s = cases[i].to_s});
        struct certs_load_spec spec = {.chain = f.chain, .key = f.key};
        SSL_CTX *ctx = NULL;
        struct err warning;

        make_write_cert(f.chain, &m);
        make_write_key(f.key, &m, NULL);
        assert_int_equal(certs_load(&spec, NOW_S, &ctx, &warning, NULL), OK);
        assert_int_equal(warning.code != OK, cases[i].says != NULL);
        if (cases[i].says && !strstr(warning.text, cases[i].says))
            fail_msg("%s", warning.text);
        certs_unload(&ctx);
        make_cert_end(&m);
    }
    fixture_end(&f);
}

/* ---- tickets ---- */

static unsigned char keys[CERTS_TICKET_KEYS * CERTS_TICKET_BYTES];
static _Atomic uint64_t sequence;
static const struct certs_tickets shared = {keys, &sequence};

static void
rotate(unsigned char with)
{
    memmove(keys + CERTS_TICKET_BYTES, keys, sizeof(keys) - CERTS_TICKET_BYTES);
    memset(keys, with, CERTS_TICKET_BYTES);
}

static size_t n_tickets;
static SSL_SESSION *last;

/* Counts NewSessionTicket; the cache's own callback would make them single use. */
static void
on_message(int is_sent, int version __attribute__((unused)), int type,
           const void *bytes, size_t len, SSL *ssl __attribute__((unused)),
           void *arg __attribute__((unused)))
{
    if (!is_sent && type == SSL3_RT_HANDSHAKE && len > 0 &&
        *(const unsigned char *)bytes == SSL3_MT_NEWSESSION_TICKET)
        n_tickets++;
}

/* The first byte of the name of the key that the last ticket is sealed with. */
static int
sealed_with(void)
{
    const unsigned char *ticket = NULL;
    size_t len = 0;

    if (last && SSL_SESSION_has_ticket(last))
        SSL_SESSION_get0_ticket(last, &ticket, &len);
    return len > 0 ? ticket[0] : 0;
}

static SSL_CTX *
ticket_client(const struct fixture *f, int version)
{
    SSL_CTX *client = client_of(f);

    SSL_CTX_set_max_proto_version(client, version);
    n_tickets = 0;
    return client;
}

/* Connect with the last ticket, if any; was the session resumed? */
static bool
resumes(SSL_CTX *client, SSL_CTX *server)
{
    SSL_SESSION *with = last;

    if (with)
        SSL_SESSION_up_ref(with);
    struct talk t = talk_new(client, server, "shop.example", NULL, with);
    SSL_set_msg_callback(t.client, on_message);
    assert_true(talk_run(&t));
    bool is_resumed = SSL_session_reused(t.client);
    SSL_SESSION_free(last);
    last = SSL_get1_session(t.client);
    talk_end(&t);
    SSL_SESSION_free(with);
    return is_resumed;
}

static void
tickets_end(void)
{
    SSL_SESSION_free(last);
    last = NULL;
    memset(keys, 0, sizeof(keys));
    sequence = 0;
}

TEST(a_ticket_is_good_in_every_process_that_has_the_keys_for_three_rotations)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t v = 0; v < COUNT(versions); v++) {
        struct fixture f = fixture_new();
        SSL_CTX *one = loaded(&f, NULL, &shared);
        SSL_CTX *other = loaded(&f, NULL, &shared);
        SSL_CTX *client = ticket_client(&f, versions[v]);

        rotate(1);
        assert_false(resumes(client, one));
        assert_int_equal(n_tickets, 1);
        assert_int_equal(sealed_with(), 1);
        assert_true(resumes(client, other));
        rotate(2);
        assert_true(resumes(client, one)); /* an older key opens, and renews */
        assert_int_equal(sealed_with(), 2);
        rotate(3);
        rotate(4);
        assert_true(resumes(client, other));
        rotate(5);
        rotate(6);
        rotate(7);
        assert_false(resumes(client, one)); /* its key is gone */
        tickets_end();
        SSL_CTX_free(client);
        certs_unload(&one);
        certs_unload(&other);
        fixture_end(&f);
    }
}

/* A client that heeds RFC 8446, appendix C.4, uses a ticket once. */
TEST(in_tls13_a_resumption_brings_the_ticket_for_the_next_one)
{
    struct fixture f = fixture_new();
    SSL_CTX *server = loaded(&f, NULL, &shared);
    SSL_CTX *client = ticket_client(&f, TLS1_3_VERSION);

    rotate(1);
    assert_false(resumes(client, server));
    for (size_t i = 0; i < 3; i++) {
        n_tickets = 0;
        assert_true(resumes(client, server));
        assert_int_equal(n_tickets, 1);
    }
    tickets_end();
    SSL_CTX_free(client);
    certs_unload(&server);
    fixture_end(&f);
}

TEST(without_keys_there_are_no_tickets_and_handshakes_go_on)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t v = 0; v < COUNT(versions); v++) {
        for (int how = 0; how < 3; how++) {
            struct fixture f = fixture_new();
            SSL_CTX *server = loaded(&f, NULL, how == 0 ? NULL : &shared);
            SSL_CTX *client = ticket_client(&f, versions[v]);

            sequence = how == 2; /* a writer that died while it wrote */
            if (how == 2)
                rotate(1);
            assert_false(resumes(client, server));
            if (sealed_with() || SSL_SESSION_has_ticket(last))
                fail_msg("version %zu way %d", v, how);
            tickets_end();
            SSL_CTX_free(client);
            certs_unload(&server);
            fixture_end(&f);
        }
    }
}

TEST(a_ticket_from_a_listener_that_asks_nobody_is_no_client_certificate)
{
    struct fixture f = fixture_new();
    SSL_CTX *open = loaded(&f, NULL, &shared);
    SSL_CTX *closed = loaded(&f, f.clients, &shared);
    SSL_CTX *client = ticket_client(&f, TLS1_3_VERSION);

    rotate(1);
    assert_false(resumes(client, open));
    assert_true(resumes(client, open));
    struct talk t = talk_new(client, closed, NULL, NULL, last);
    assert_false(talk_run(&t));
    talk_end(&t);
    tickets_end();
    SSL_CTX_free(client);
    certs_unload(&open);
    certs_unload(&closed);
    fixture_end(&f);
}

/* ---- development certificates ---- */

TEST(a_development_certificate_is_good_for_this_machine_alone)
{
    struct arena *a = arena_new(1 << 20);
    char *dir = make_dir(a);
    struct err e = {0}, warning;
    struct certs_load_spec spec = {.chain = make_path(a, dir, CERTS_DEV_CHAIN),
                                   .key = make_path(a, dir, CERTS_DEV_KEY)};
    SSL_CTX *server = NULL, *client = SSL_CTX_new(TLS_client_method());
    struct stat key;

    if (certs_dev_write(dir, 30, time(NULL), &e))
        fail_msg("%s", e.text);
    /* Again, over what is there. */
    assert_int_equal(certs_dev_write(dir, 30, time(NULL), &e), OK);
    assert_int_equal(stat(spec.key, &key), 0);
    assert_int_equal(key.st_mode & 0777, 0600);
    assert_int_equal(certs_load(&spec, time(NULL), &server, &warning, &e), OK);
    assert_int_equal(warning.code, OK);
    assert_int_equal(
        SSL_CTX_load_verify_file(client, make_path(a, dir, CERTS_DEV_CA)), 1);
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);

    struct talk t = talk_new(client, server, "localhost", NULL, NULL);
    assert_int_equal(SSL_set1_host(t.client, "localhost"), 1);
    assert_true(talk_run(&t));
    X509 *cert = SSL_get1_peer_certificate(t.client);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_host(cert, "example.com", 0, 0, NULL), 0);
    X509_free(cert);
    talk_end(&t);

    certs_unload(&server);
    SSL_CTX_free(client);
    make_dir_end(dir); /* nothing else was left behind: rmdir says so */
    arena_free(&a);
}

TEST(development_certificates_refuse_odd_days_and_places)
{
    struct err e = {0};

    assert_int_equal(certs_dev_write(".", 0, NOW_S, &e), ERR_INVALID);
    assert_int_equal(certs_dev_write(".", 3651, NOW_S, &e), ERR_INVALID);
    assert_int_equal(certs_dev_write("no/such/place", 1, NOW_S, &e), ERR_IO);
    assert_non_null(strstr(e.text, "no/such/place/localhost.key"));
}
