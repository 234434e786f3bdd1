/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"

#include "tests/test.h"

TEST(sha_256_is_that_of_fips_180)
{
    char hex[DIGEST_SHA256_HEX];

    digest_sha256_hex(SPAN("abc"), hex);
    assert_string_equal(hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
                        "10ff61f20015ad");
    digest_sha256_hex((span){0}, hex);
    assert_string_equal(hex,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
                        "95991b7852b855");
}

TEST(random_bytes_are_not_the_same_twice)
{
    char a[32] = {0}, b[32] = {0};

    digest_random(a, sizeof(a));
    digest_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

TEST(random_fills_all_that_was_asked_for)
{
    char bytes[64] = {0};

    digest_random(bytes, 0);
    digest_random(bytes, 63);
    assert_int_equal(bytes[63], 0);
}

TEST(equal_compares_all_bytes_and_the_length)
{
    assert_true(digest_equal(SPAN("token"), SPAN("token")));
    assert_true(digest_equal(SPAN(""), (span){0}));
    assert_false(digest_equal(SPAN("token"), SPAN("tokem")));
    assert_false(digest_equal(SPAN("token"), SPAN("toke")));
}
