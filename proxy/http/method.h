/* SPDX-License-Identifier: Apache-2.0 */
/*
 * method: what a request asks for, and what follows from it.
 *
 * A method outside the table is METHOD_OTHER and keeps its own token in the
 * head; nothing is assumed of it. CONNECT and TRACE are refused at the door.
 */
#pragma once

#include "proxy/base/span.h"

/* Longest token; a longer one is answered 501 (RFC 9112 §3). */
#define METHOD_LEN_MAX ((size_t)32)

#define METHOD_SAFE       1u
#define METHOD_IDEMPOTENT 2u /* RFC 9110 §9.2.2: may be sent again */

/* name, token, what is so of it */
#define METHODS(X)                                                             \
    X(METHOD_GET, "GET", METHOD_SAFE | METHOD_IDEMPOTENT)                      \
    X(METHOD_HEAD, "HEAD", METHOD_SAFE | METHOD_IDEMPOTENT)                    \
    X(METHOD_POST, "POST", 0u)                                                 \
    X(METHOD_PUT, "PUT", METHOD_IDEMPOTENT)                                    \
    X(METHOD_PATCH, "PATCH", 0u)                                               \
    X(METHOD_DELETE, "DELETE", METHOD_IDEMPOTENT)                              \
    X(METHOD_OPTIONS, "OPTIONS", METHOD_SAFE | METHOD_IDEMPOTENT)              \
    X(METHOD_CONNECT, "CONNECT", 0u)                                           \
    X(METHOD_TRACE, "TRACE", METHOD_SAFE | METHOD_IDEMPOTENT)

enum method {
    METHOD_OTHER,
#define X(name, token, is) name,
    METHODS(X)
#undef X
};

/* Case counts (RFC 9110 §9.1): "get" is METHOD_OTHER. */
enum method method_of(span token);

/* The token of a method of the table; empty for METHOD_OTHER. */
span method_token(enum method m);

bool method_is_safe(enum method m);
bool method_is_idempotent(enum method m);

/* Upper-case letters, digits, '-' and '_', a letter first: what we take for one. */
bool method_is_valid(span token);
