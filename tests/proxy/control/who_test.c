/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"
#include "proxy/control/who.h"
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

/* anna: uid 7 and two tokens; bob: a certificate; eve: nothing of hers is here. */
static uint8_t hashes[2][GEN_TOKEN_BYTES];
static const struct gen_user users[] = {
    {.name = {"anna", 4},
     .has_uid = true,
     .uid = 7,
     .tokens = (const uint8_t (*)[GEN_TOKEN_BYTES])hashes,
     .n_tokens = 2,
     .is_operator = true},
    {.name = {"bob", 3},
     .certificate = {"bob.example", 11},
     .is_approver = true},
};
static const struct generation gen = {.users = users, .n_users = COUNT(users)};

static const uint8_t here[16] = {0, 0, 0,    0,    0,   0, 0, 0,
                                 0, 0, 0xff, 0xff, 192, 0, 2, 1};
static const uint8_t there[16] = {0, 0, 0,    0,    0,   0, 0, 0,
                                  0, 0, 0xff, 0xff, 192, 0, 2, 2};

static void
make_tokens(void)
{
    digest_sha256(SPAN("the-old-token"), hashes[0]);
    digest_sha256(SPAN("the-new-token"), hashes[1]);
}

/* The status of the refusal; 200 for none. */
static int
remote(struct tries *tries, const char *authorization, span certificate,
       const uint8_t *address, uint64_t now_ms, struct who *out)
{
    struct arena *a = arena_new(65536);
    struct http_head head;
    struct who_refusal no;

    make_tokens();
    head_init(&head, a);
    if (authorization)
        assert_int_equal(
            head_add(&head, SPAN("Authorization"), span_str(authorization)),
            OK);
    struct who_ask ask = {.head = &head,
                          .certificate = certificate,
                          .address = address,
                          .now_ms = now_ms};
    bool is_let = who_is_remote(&gen, tries, &ask, out, &no);
    arena_free(&a);
    if (is_let)
        return 200;
    assert_true((no.status == 429) == (no.retry_after_s > 0));
    return no.status;
}

TEST(the_kernel_s_word_is_enough_on_the_socket_and_a_user_has_his_roles)
{
    struct who w;

    who_is_local(&gen, 7, &w);
    assert_string_equal(w.actor, "anna");
    assert_true(w.is_operator && !w.is_approver && w.user == &users[0]);
    who_is_local(&gen, 0, &w);
    assert_string_equal(w.actor, "uid:0 (root)");
    assert_true(w.is_operator && !w.is_approver && !w.user);
    who_is_local(&gen, 12345, &w);
    assert_string_equal(w.actor, "uid:12345");
    assert_true(!w.is_operator && !w.is_approver && !w.user);
    /* bob has no uid: it is not that of root. */
    who_is_local(&gen, users[1].uid, &w);
    assert_null(w.user);
}

static const struct {
    const char *authorization;
    const char *certificate;
    int status;
    const char *actor;
} asks[] = {
    {"Bearer the-new-token", "", 200, "anna"},
    {"bearer   the-old-token ", "", 200, "anna"},
    {NULL, "bob.example", 200, "bob"},
    {"Bearer the-new-token", "bob.example", 200, "anna"},
    {NULL, "", 401, "nobody"},
    {NULL, "eve.example", 403, "nobody"},
    {NULL, "BOB.example", 403, "nobody"},
    {"Bearer", "bob.example", 401,
     "nobody"}, /* he says who: it has to be true */
    {"Bearer the-new-toke", "", 401, "nobody"},
    {"Bearer the-new-token2", "", 401, "nobody"},
    {"Basic the-new-token", "", 401, "nobody"},
    {"the-new-token", "", 401, "nobody"},
    {"Bearer sha256:0", "", 401, "nobody"},
};

TEST(over_tls_a_token_or_a_certificate_says_who_it_is_and_else_it_is_nobody)
{
    for (size_t i = 0; i < COUNT(asks); i++) {
        struct tries tries = {0};
        struct who w;
        int status = remote(&tries, asks[i].authorization,
                            span_str(asks[i].certificate), here, 1000, &w);
        if (status != asks[i].status)
            fail_msg("%zu: %d", i, status);
        assert_string_equal(w.actor, asks[i].actor);
        assert_true(status == 200 || (!w.is_operator && !w.is_approver));
    }
}

TEST(after_five_wrong_tokens_in_a_minute_an_address_has_to_wait)
{
    struct tries tries = {0};
    struct who w;
    span none = {0};

    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(remote(&tries, "Bearer x", none, here, i * 1000, &w),
                         401);
    /* Not even the right one; but a certificate, and another address. */
    assert_int_equal(
        remote(&tries, "Bearer the-new-token", none, here, 5000, &w), 429);
    assert_int_equal(remote(&tries, NULL, SPAN("bob.example"), here, 5000, &w),
                     200);
    assert_int_equal(
        remote(&tries, "Bearer the-new-token", none, there, 5000, &w), 200);
    /* Who waits is not made to wait longer. */
    assert_int_equal(remote(&tries, "Bearer x", none, here, 59999, &w), 429);
    assert_int_equal(
        remote(&tries, "Bearer the-new-token", none, here, 60000, &w), 200);
    /* One is forgiven; four of the last minute are not. */
    assert_int_equal(remote(&tries, "Bearer x", none, here, 60000, &w), 401);
    assert_int_equal(remote(&tries, "Bearer x", none, here, 60001, &w), 429);
    assert_int_equal(remote(&tries, "Bearer x", none, here, 61000, &w), 401);
}

TEST(an_ipv6_network_counts_as_one_and_addresses_without_end_take_no_memory)
{
    static struct tries tries;
    uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1};

    for (uint8_t i = 0; i < 5; i++) {
        v6[15] = i;
        tries_wrong(&tries, v6, 1000);
    }
    v6[8] = 77;
    assert_true(tries_wait_ms(&tries, v6, 1000) == 60000);
    v6[7] = 2;
    assert_true(tries_wait_ms(&tries, v6, 1000) == 0);

    /* Of all those the last are known. */
    for (uint32_t i = 0; i < 10000; i++) {
        v6[0] = (uint8_t)i;
        v6[1] = (uint8_t)(i >> 8);
        for (size_t k = 0; k < 5; k++)
            tries_wrong(&tries, v6, 2000 + i);
        assert_true(tries_wait_ms(&tries, v6, 2000 + i) == 60000);
    }
    uint8_t first[16] = {0, 0, 0x0d, 0xb8, 0, 0, 0, 2};
    assert_true(tries_wait_ms(&tries, first, 3000) == 0);
}
