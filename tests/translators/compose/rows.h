/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: a claim of SEMANTICS.md about how changes compose, as an API in a few
 * lines and documents. ROW(claim, ...) is a test: the normal form says what the
 * reference says for every document, as a request and as an answer, up and down.
 */
#pragma once

#include "tests/test.h"

#define ROW_CHANGES 5
#define ROW_DOCS    12

struct row {
    const char *types; /* T is the documents' type; NULL: T alone */
    const char *changes[ROW_CHANGES]; /* blocks, v1 to v2, v2 to v3, ... */
    const char *up[ROW_DOCS];         /* documents of v1 */
    const char *down[ROW_DOCS];       /* and of the newest version */
    bool again; /* it does not compose: somewhere the reference is asked */
    bool
        unlowered; /* it composes, and the machine has no program of some way */
};

void row_run(const char *claim, const struct row *row);

#define ROW(claim, ...)                                                        \
    TEST(claim)                                                                \
    {                                                                          \
        row_run(#claim, &(const struct row){__VA_ARGS__});                     \
    }
