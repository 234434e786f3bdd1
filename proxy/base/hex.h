/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex: bytes as lower-case hexadecimal, for hashes that people compare.
 */
#pragma once

#include "proxy/base/span.h"

/* 2 n digits and a NUL; `out` has room for 2 n + 1. */
void hex_put(const uint8_t *bytes, size_t n, char *out);

/* Exactly `n` bytes from 2 n digits in lower case; false if `s` is not that. */
bool hex_take(span s, uint8_t *out, size_t n);
