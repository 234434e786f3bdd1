/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: facts from a row of "Name: value" lines, for tests.
 */
#pragma once

#include "routing/facts.h"

/* The lines end with a NULL. */
static inline bool
request_field(const void *message, span name, size_t nth, span *value)
{
    for (const char *const *line = message; *line; line++) {
        span rest = span_str(*line);
        span key = span_cut(&rest, ':');

        if (span_eq_nocase(key, name) && nth-- == 0) {
            *value = rest;
            return true;
        }
    }
    return false;
}

#define REQUEST(...)                                                           \
    ((struct facts){.method = SPAN("GET"),                                     \
                    .path = SPAN("/"),                                         \
                    .field = request_field,                                    \
                    .message = (const char *const[]){__VA_ARGS__, NULL}})
