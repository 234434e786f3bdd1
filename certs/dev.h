/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev: certificates to try things with.
 *
 * A certificate for localhost, 127.0.0.1 and ::1 (ECDSA P-256), from an
 * authority made for it alone whose key is thrown away at once: whoever trusts
 * this authority trusts this one certificate.
 */
#pragma once

#include "proxy/base/err.h"

#define CERTS_DEV_CA    "ca.pem"        /* what a client should trust */
#define CERTS_DEV_CHAIN "localhost.pem" /* the certificate */
#define CERTS_DEV_KEY   "localhost.key" /* mode 0600 */

/*
 * Write the three files into `dir`, which exists, valid for `days` (1 to 3650)
 * from `now_s`. Each is written aside and renamed, so a reader never sees half
 * a file; the files of an earlier call are replaced.
 * ERR_INVALID: days. ERR_IO: says which file, and why.
 */
MUST_CHECK enum err_code certs_dev_write(const char *dir, unsigned days,
                                         int64_t now_s, struct err *e);
