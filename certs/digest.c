/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <assert.h>

void
digest_sha256(span s, uint8_t out[DIGEST_SHA256])
{
    unsigned len = 0;
    int ok = EVP_Digest(s.at ? s.at : "", s.len, out, &len, EVP_sha256(), NULL);

    /* A build of OpenSSL without SHA-256 is not one we can run on. */
    assert(ok == 1);
    assert(len == DIGEST_SHA256);
}

bool
digest_sha1(span s, uint8_t out[DIGEST_SHA1])
{
    unsigned len = 0;
    int ok = EVP_Digest(s.at ? s.at : "", s.len, out, &len, EVP_sha1(), NULL);

    return ok == 1 && len == DIGEST_SHA1;
}

void
digest_sha256_hex(span s, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[DIGEST_SHA256];

    digest_sha256(s, bytes);
    for (size_t i = 0; i < DIGEST_SHA256; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[DIGEST_SHA256_HEX - 1] = '\0';
}

void
digest_random(void *out, size_t n)
{
    static const size_t at_once = 1u << 20; /* RAND_bytes counts in int */

    for (char *at = out; n > 0;) {
        size_t part = n < at_once ? n : at_once;

        if (RAND_bytes((unsigned char *)at, (int)part) != 1)
            abort(); /* going on with what can be guessed is worse */
        at += part;
        n -= part;
    }
}

bool
digest_equal(span a, span b)
{
    return a.len == b.len &&
           (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}
