/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/keys.h"

#include "certs/load.h"
#include "tests/certs/make.h"

#include <openssl/crypto.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* How many kibibytes of this process are locked. */
static long
locked_kib(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long kib = -1;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, "VmLck:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    assert_int_equal(fclose(f), 0);
    return kib;
}

struct fixture {
    struct arena *a;
    char *dir;
    struct certs_load_spec spec;
};

static struct fixture
fixture_new(void)
{
    struct fixture f = {.a = arena_new(1 << 20)};
    struct made leaf = make_cert(
        &(struct make_spec){.common_name = "x", .names = "DNS:x.example"});

    f.dir = make_dir(f.a);
    f.spec.chain = make_path(f.a, f.dir, "chain.pem");
    f.spec.key = make_path(f.a, f.dir, "key.pem");
    make_write_cert(f.spec.chain, &leaf);
    make_write_key(f.spec.key, &leaf, NULL);
    make_cert_end(&leaf);
    assert_true(keys_open());
    return f;
}

static void
fixture_end(struct fixture *f)
{
    make_dir_end(f->dir);
    arena_free(&f->a);
}

TEST(a_key_is_read_into_memory_of_its_own)
{
    struct fixture f = fixture_new();
    size_t was = CRYPTO_secure_used();
    struct ssl_ctx_st *ctx = NULL;
    struct err e;

    assert_int_equal(certs_load(&f.spec, NOW_S, &ctx, NULL, &e), OK);
    assert_true(CRYPTO_secure_used() > was);
    certs_unload(&ctx);
    assert_int_equal(CRYPTO_secure_used(), was);
    fixture_end(&f);
}

TEST(a_child_locks_it_again)
{
    int status = 0;

    assert_true(keys_open());
    assert_true(locked_kib() >= 1024);
    pid_t pid = fork();
    if (pid == 0) {
        bool was_not = locked_kib() == 0;
        _exit(was_not && keys_lock() && locked_kib() >= 1024 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

TEST(keys_without_end_are_refused_in_words)
{
    struct fixture f = fixture_new();
    struct ssl_ctx_st *ctx = NULL;
    void *taken[5];
    struct err e;

    for (size_t i = 0; i < COUNT(taken); i++) {
        taken[i] = OPENSSL_secure_malloc(((size_t)512 * 1024) >> i);
        assert_non_null(taken[i]);
    }
    assert_int_equal(certs_load(&f.spec, NOW_S, &ctx, NULL, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "key.pem: no room for another key"));
    for (size_t i = 0; i < COUNT(taken); i++)
        OPENSSL_secure_free(taken[i]);
    assert_int_equal(certs_load(&f.spec, NOW_S, &ctx, NULL, &e), OK);
    certs_unload(&ctx);
    fixture_end(&f);
}
