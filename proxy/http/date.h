/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date: IMF-fixdate (RFC 9110 §5.6.7), "Sun, 06 Nov 1994 08:49:37 GMT".
 *
 * Arithmetic only: no locale, no time zone of the machine. Years 1 to 9999.
 */
#pragma once

#include "proxy/base/span.h"

#define DATE_LEN 29

/* Exactly DATE_LEN bytes, no NUL. A time outside the years is cut to their edge. */
void date_write(int64_t unix_seconds, char out[DATE_LEN]);

/* Only this form; false if it is another, or no such day. */
MUST_CHECK bool date_read(span s, int64_t *unix_seconds);
