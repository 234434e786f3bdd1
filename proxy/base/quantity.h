/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity: durations, sizes and shares as people write them.
 *
 * All of the text must be used; false says that it is no such thing or too big.
 */
#pragma once

#include "proxy/base/span.h"

#define SHARE_ALL 1000000u /* shares are parts per million */

/* "250ms", "1s", "5m", "2h", "7d"; a whole number and a unit. In milliseconds. */
bool quantity_ms(span s, uint64_t *ms);

/* "4096", "64KiB", "1MiB", "2GiB". In bytes. */
bool quantity_bytes(span s, uint64_t *bytes);

/*
 * "12.5%" (at most four decimals), "1ppm", or "0": a share in parts per
 * million, at most SHARE_ALL. A bare number other than 0 could be either, so
 * it is refused.
 */
bool quantity_share(span s, uint32_t *ppm);

/* "12.5%", "0%", "0.0001%": the shortest text that reads back; `size` >= 16. */
void quantity_share_text(uint32_t ppm, char *out, size_t size);
