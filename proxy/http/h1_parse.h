/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_parse: complete lines of HTTP/1 to a head or trailers. h1 has cut them:
 * every line ends in CR LF, and the limits of size and number are kept.
 */
#pragma once

#include "proxy/http/fault.h"
#include "proxy/http/h1.h"

/* Only the first line (without CR LF), its parts borrowed from it. */
MUST_CHECK enum fault h1_parse_request_line(span line, struct http_head *h);
MUST_CHECK enum fault h1_parse_status_line(span line, struct http_head *h);

/*
 * A whole head of `lines_n` lines, its empty line included: copied into the
 * arena, read there, *out made there. `asked`: for an answer, by what.
 */
MUST_CHECK enum fault h1_parse_head(struct arena *a,
                                    const struct h1_limits *limits,
                                    enum h1_role role, enum method asked,
                                    span block, size_t lines_n,
                                    struct http_head **out);

/* A trailer section; what may not be in one is dropped. *out may stay empty. */
MUST_CHECK enum fault h1_parse_trailers(struct arena *a, span block,
                                        size_t lines_n, struct fields **out);
