/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: a failure as a value with a sentence.
 *
 * The caller owns the struct; functions return its code and 0 is OK. Nothing
 * here allocates, so that bad input is no dearer than good.
 */
#pragma once

#include "proxy/base/span.h"

/* One table: enum, names and documentation are made from it. */
#define ERR_CODES(X)                                                           \
    X(OK, "fine")                                                              \
    X(ERR_INVALID, "what came in breaks a rule")                               \
    X(ERR_LIMIT, "a limit was reached")                                        \
    X(ERR_UNSUPPORTED, "understood, and not offered")                          \
    X(ERR_NOT_FOUND, "no such thing")                                          \
    X(ERR_CONFLICT, "the state does not allow it")                             \
    X(ERR_IO, "the kernel or a peer failed")                                   \
    X(ERR_INTERNAL, "a bug or a broken build of ours")

enum err_code {
#define X(name, doc) name,
    ERR_CODES(X)
#undef X
};

#define ERR_TEXT_MAX 512

struct err {
    enum err_code code;
    size_t offset; /* bytes into what was read; 0 if it has no place */
    char text[ERR_TEXT_MAX];
};

/* Fill `e` (which may be NULL) with one sentence; returns `code`. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
    PRINTF(3, 4);

/* The same, with the offset in the input where it went wrong. */
enum err_code err_at(struct err *e, enum err_code code, size_t offset,
                     const char *fmt, ...) PRINTF(4, 5);

/* Put "where: " before the sentence, once, by who knows more; returns its code. */
MUST_CHECK enum err_code err_wrap(struct err *e, const char *fmt, ...)
    PRINTF(2, 3);

/* "ERR_LIMIT"; never NULL. */
const char *err_name(enum err_code code);
