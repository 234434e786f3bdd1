/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date: days of the calendar (proleptic Gregorian, UTC) as numbers.
 */
#pragma once

#include "proxy/base/span.h"

/* "2026-12-31" as days since 1970-01-01. False if it is not exactly a date. */
MUST_CHECK bool date_parse(span s, int32_t *days);

#define DATE_ISO_MAX  11 /* "2026-12-31" and NUL */
#define DATE_HTTP_MAX 30 /* "Thu, 31 Dec 2026 00:00:00 GMT" and NUL */

/* Years 0 to 9999 alone have a text: `days` must come from date_parse. */
void date_iso(int32_t days, char out[DATE_ISO_MAX]);
void date_http(int32_t days, char out[DATE_HTTP_MAX]); /* its first second */
