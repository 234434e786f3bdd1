/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staple: an authority's word that a certificate still holds (OCSP, RFC 6960),
 * shown with it in the handshake (RFC 6066 §8).
 *
 * Somebody else fetches it (`openssl ocsp -respout FILE`), a reload reads it. It
 * is judged once, at load: it must speak of this very certificate, call it good,
 * be signed for its issuer, and say until when. Once that time has come it is
 * shown no more: clients take an old word for a lie, and none for none.
 */
#pragma once

#include "proxy/base/err.h"

#include <openssl/ssl.h>

#include <stdint.h>

/*
 * Show the word in the DER file `path` with the certificate of `ctx`, which has
 * its chain, the issuer among it. One that does not hold at `now_s` is a warning
 * (may be NULL) and is not shown.
 * ERR_IO: the file cannot be read. ERR_INVALID: it says which file, and why.
 */
MUST_CHECK enum err_code staple_load(SSL_CTX *ctx, const char *path,
                                     int64_t now_s, struct err *warning,
                                     struct err *e);
