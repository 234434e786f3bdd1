/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: SHA-256, SHA-1 where a protocol wants it, and random bytes, for rooms that may not know OpenSSL.
 */
#pragma once

#include "proxy/base/span.h"

#define DIGEST_SHA256     32
#define DIGEST_SHA256_HEX 65 /* with NUL */

#define DIGEST_SHA1 20u /* bytes */

/*
 * No protection against anybody: RFC 6455's handshake is made of it. False: there
 * is no memory.
 */
MUST_CHECK bool digest_sha1(span s, uint8_t out[DIGEST_SHA1]);

void digest_sha256(span s, uint8_t out[DIGEST_SHA256]);

/* Lower case, with NUL: routing's detect_hash_fn. `out` has room for 65. */
void digest_sha256_hex(span s, char *out);

/* `n` bytes nobody can guess. If the system has none to give, the process stops. */
void digest_random(void *out, size_t n);

/* Equal? In a time that tells nothing but the lengths. */
bool digest_equal(span a, span b);
