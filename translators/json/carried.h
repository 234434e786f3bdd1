/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carried: what MessagePack says and JSON has no word for, on its way through
 * version steps that are done on JSON.
 *
 * Bytes and extensions become texts that no document has: half a surrogate pair, then
 * base64. MessagePack's texts are UTF-8, so none of them is ever spelt so; of JSON that
 * comes, and is to go as MessagePack, ask carried_is_in first. Whoever reads a text
 * refuses half a pair, so what is carried may move, stay and go, and nothing else.
 */
#pragma once

#include "proxy/base/span.h"

/* As they are spelt between quotes, in small letters. Of an extension the first byte is
 * its type. */
#define CARRIED_BYTES     "\\udfff"
#define CARRIED_EXTENSION "\\udffe"
#define CARRIED_LEN       6

/* And as a tree has them, decoded. */
#define CARRIED_BYTES_TEXT "\xED\xBF\xBF"

/* Base64 (RFC 4648 §4) of `n` bytes; with padding, so of all parts but the last `n` is a
 * multiple of three. Returns how much was written, at most 4 for each 3 begun. */
size_t carried_encode(const char *bytes, size_t n, char *out);

/* And back; `out` has room for 3 for each 4. False: it is not spelt just so. */
MUST_CHECK bool carried_decode(span base64, char *out, size_t *n);

/* Does some text in this JSON begin as one that is carried, in letters of any size? It may
 * come in parts: *state is 0 before the first. */
bool carried_is_in(span json, unsigned *state);
