/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: whether bytes are text (RFC 3629: no overlong form, no surrogate,
 * nothing above U+10FFFF).
 */
#pragma once

#include "proxy/base/span.h"

/* Bytes of the character that `s` starts with, 1 to 4; 0 if it is none. */
size_t utf8_char(span s);

/* Length of the longest prefix of `s` that is UTF-8; s.len if all of it is. */
size_t utf8_good(span s);

/* Write a code point up to U+10FFFF (a surrogate too: three bytes); returns how
 * many bytes, 1 to 4. */
size_t utf8_put(char out[4], uint32_t code);
