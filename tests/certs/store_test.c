/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/store.h"

#include "certs/keys.h"
#include "tests/certs/make.h"

#include <openssl/crypto.h>

struct fixture {
    struct arena *a;
    char *dir;
    struct certs_load_spec specs[4];
};

static const char *const names[4] = {
    "DNS:shop.example,DNS:*.shop.example,IP:127.0.0.1,IP:::1",
    "DNS:*.example,DNS:a*.odd.example,DNS:SHOP.example",
    "DNS:deep.shop.example", NULL, /* the common name, "legacy.test" */
};

static struct fixture
fixture_new(void)
{
    struct fixture f = {.a = arena_new(1 << 20)};

    f.dir = make_dir(f.a);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct made m = make_cert(&(struct make_spec){
            .common_name = i == 3 ? "legacy.test" : "ignored.example",
            .names = names[i]});
        char chain[] = "0.pem", key[] = "0.key";

        chain[0] = key[0] = (char)('0' + i);
        char *chain_path = make_path(f.a, f.dir, chain);
        char *key_path = make_path(f.a, f.dir, key);
        make_write_cert(chain_path, &m);
        make_write_key(key_path, &m, NULL);
        f.specs[i] =
            (struct certs_load_spec){.chain = chain_path, .key = key_path};
        make_cert_end(&m);
    }
    return f;
}

static void
fixture_end(struct fixture *f)
{
    make_dir_end(f->dir);
    arena_free(&f->a);
}

static const struct certs_store *
built(struct fixture *f)
{
    const struct certs_store *s = NULL;
    struct err e = {0};

    if (certs_store_build(f->a, f->specs, 4, time(NULL), NULL, NULL, &s, NULL,
                          &e))
        fail_msg("%s", e.text);
    return s;
}

/* Which of the four a context is, told by its certificate's names. */
static int
which(const struct certs_store *s, SSL_CTX *ctx)
{
    static const char *const sure[4] = {"shop.example", "x.example",
                                        "deep.shop.example", "legacy.test"};

    for (int i = 0; i < 4; i++)
        if (certs_store_find(s, span_str(sure[i])) == ctx)
            return i;
    return -1;
}

TEST(a_name_finds_its_certificate_exact_before_wildcard)
{
    static const struct {
        const char *name;
        int which;
    } cases[] = {
        {"shop.example", 0},
        {"Shop.EXAMPLE.", 0}, /* in two; the first in the file */
        {"a.shop.example", 0},
        {"a.b.shop.example", -1}, /* a wildcard is one label */
        {"other.example", 1},
        {"deep.shop.example", 2},
        {"ab.odd.example", -1}, /* half a label is no wildcard */
        {"example", -1},
        {".example", -1},
        {"legacy.test", 3},
        {"ignored.example", 1}, /* a common name beside names counts not */
        {"127.0.0.1", 0},
        {"::1", 0},
        {"[0:0::1]", 0},
        {"127.0.0.2", -1},
        {"", -1},
        {"*.shop.example", 0},
    };
    struct fixture f = fixture_new();
    const struct certs_store *s = built(&f);

    for (size_t i = 0; i < COUNT(cases); i++) {
        SSL_CTX *ctx = certs_store_find(s, span_str(cases[i].name));
        int found = ctx ? which(s, ctx) : -1;
        if (found != cases[i].which)
            fail_msg("%s: %d", cases[i].name, found);
    }
    assert_null(certs_store_find(s, SPAN("shop.example\0x")));
    assert_int_equal(which(s, certs_store_first(s)), 0);
    fixture_end(&f);
}

TEST(a_handshake_shows_the_certificate_of_the_name_asked_for)
{
    static const struct {
        const char *name;
        int which;
    } cases[] = {
        {"deep.shop.example", 2}, {"x.example", 1}, {"legacy.test", 3},
        {"unknown.test", 0},      {NULL, 0},
    };
    struct fixture f = fixture_new();
    const struct certs_store *s = built(&f);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct talk t = talk_new(client, certs_store_first(s), cases[i].name,
                                 "\x02h2", NULL);
        assert_true(talk_run(&t));
        if (which(s, SSL_get_SSL_CTX(t.server)) != cases[i].which)
            fail_msg("case %zu", i);
        X509 *shown = SSL_get1_peer_certificate(t.client);
        assert_int_equal(X509_cmp(shown, SSL_CTX_get0_certificate(
                                             SSL_get_SSL_CTX(t.server))),
                         0);
        X509_free(shown);
        talk_end(&t);
    }
    SSL_CTX_free(client);
    fixture_end(&f);
}

static void
on_warning(void *ctx, size_t i, const char *sentence)
{
    size_t *sum = ctx;

    *sum += 10 + i;
    assert_non_null(strstr(sentence, "ended at"));
}

TEST(what_is_forgotten_leaves_no_key_and_finds_no_name)
{
    struct fixture f = fixture_new();

    assert_true(keys_open());
    size_t was = CRYPTO_secure_used();
    const struct certs_store *s = built(&f);
    assert_true(CRYPTO_secure_used() > was);
    certs_store_forget(s);
    assert_int_equal(CRYPTO_secure_used(), was);
    assert_null(certs_store_first(s));
    assert_null(certs_store_find(s, SPAN("shop.example")));
    assert_null(certs_store_find(s, SPAN("any.example")));
    fixture_end(&f);
}

TEST(warnings_and_errors_name_the_pair)
{
    struct fixture f = fixture_new();
    const struct certs_store *s = NULL;
    size_t sum = 0, at = 99;
    struct err e = {0};

    /* In two years all four have ended. */
    assert_int_equal(certs_store_build(f.a, f.specs, 4, time(NULL) + 63072000,
                                       on_warning, &sum, &s, NULL, &e),
                     OK);
    assert_int_equal(sum, 10 + 11 + 12 + 13);
    s = NULL;
    f.specs[2].key = f.specs[1].key;
    assert_int_equal(
        certs_store_build(f.a, f.specs, 4, time(NULL), NULL, NULL, &s, &at, &e),
        ERR_INVALID);
    assert_int_equal(at, 2);
    assert_null(s);
    fixture_end(&f);
}

TEST(a_store_is_built_whole_or_refused_when_memory_ends)
{
    struct fixture f = fixture_new();

    for (size_t n = 1;; n++) {
        struct arena *a = arena_new(1 << 20);
        const struct certs_store *s = NULL;

        arena_fail_after(n);
        enum err_code code = certs_store_build(a, f.specs, 4, time(NULL), NULL,
                                               NULL, &s, NULL, NULL);
        arena_fail_after(0);
        arena_free(&a);
        if (code == OK) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(code, ERR_LIMIT);
        assert_null(s);
    }
    fixture_end(&f);
}
