/* SPDX-License-Identifier: Apache-2.0 */
/*
 * described: a request that was never sent, read by the codec that reads real
 * ones.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/cli/options.h"
#include "proxy/http/head.h"

struct described {
    struct http_head *head; /* in the arena */
    span body;
};

/*
 * A raw HTTP/1.1 request, as `explain --raw` reads it from a file.
 * ERR_INVALID: it is none, and the sentence says why.
 */
MUST_CHECK enum err_code described_read(struct arena *a, span raw,
                                        struct described *out, struct err *e);

/*
 * The same, from its parts: fields are "Name: value" lines. A Host and, for a
 * body, a Content-Length are added where they are missing.
 */
MUST_CHECK enum err_code described_make(struct arena *a, const char *method,
                                        const char *target,
                                        const struct option_list *fields,
                                        span body, struct described *out,
                                        struct err *e);
