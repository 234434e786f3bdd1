/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number: numbers between their two spellings, exactly.
 *
 * JSON's numbers are decimal texts of any length; MessagePack's are whole numbers
 * of 64 bits and binary floats. What is brought over comes back as the same
 * number, or is not brought over: a text that no 64 bits hold and that no double
 * says again (`0.1` it does, twenty digits of pi it does not) is refused. A whole
 * number becomes one; what has a point or an exponent becomes a double, as does
 * `-0`. A double is written with the fewest digits that are read as it, and always
 * with a point or an exponent, so that it comes back as a double.
 *
 * Independent of the locale.
 */
#pragma once

#include "translators/msgpack/token.h"

#define NUMBER_TEXT_MAX 32

/* How long a number's text may be: one with more is refused unread. */
#define NUMBER_READ_MAX 1024

/*
 * `text`, a number of RFC 8259, as MessagePack; *len is its bytes. False: there is
 * none that is the same number.
 */
MUST_CHECK bool number_pack(span text, char to[MSGPACK_HEAD_MAX], size_t *len);

/*
 * A UINT, INT or FLOAT that is all there, as JSON; returns the bytes written. 0:
 * not a number, or infinite.
 */
MUST_CHECK size_t number_unpack(const char *at, char to[NUMBER_TEXT_MAX]);
