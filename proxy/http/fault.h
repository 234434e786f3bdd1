/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: what is wrong with a message, by name.
 *
 * One table for h1 and h2: the status a client gets (an origin's fault is
 * always 502), the limit that was reached if it was one, and the sentence.
 * After any fault on h1 the connection closes and what was pipelined is dropped.
 */
#pragma once

#include "proxy/base/span.h"

/* name, status, limit ("" if it is none), sentence */
#define FAULTS(X)                                                              \
    X(FAULT_START_LINE, 400, "", "the start line is malformed")                \
    X(FAULT_START_LINE_LONG, 414, "request_line",                              \
      "the request line is too long")                                          \
    X(FAULT_METHOD, 400, "", "the method is malformed")                        \
    X(FAULT_METHOD_LONG, 501, "", "the method is longer than any known one")   \
    X(FAULT_METHOD_REFUSED, 400, "", "CONNECT and TRACE are not offered")      \
    X(FAULT_VERSION, 505, "", "the HTTP version is neither 1.0 nor 1.1")       \
    X(FAULT_TARGET, 400, "", "the request target is malformed")                \
    X(FAULT_STATUS, 400, "", "the status code is malformed")                   \
    X(FAULT_LINE_END, 400, "", "a line ends without CR LF")                    \
    X(FAULT_LINE_LONG, 431, "field_line", "a header line is too long")         \
    X(FAULT_HEAD_LARGE, 431, "head_bytes", "the header is too large")          \
    X(FAULT_FIELDS_MANY, 431, "head_fields", "too many header fields")         \
    X(FAULT_FIELD_NAME, 400, "", "a field name is malformed")                  \
    X(FAULT_FIELD_FOLDED, 400, "", "a field line is folded")                   \
    X(FAULT_FIELD_UNDERSCORE, 400, "",                                         \
      "a field name differs from a known one by underscores")                  \
    X(FAULT_FIELD_VALUE, 400, "", "a field value holds a control character")   \
    X(FAULT_HOST_MISSING, 400, "", "there is no Host")                         \
    X(FAULT_HOST_REPEATED, 400, "", "Host comes more than once")               \
    X(FAULT_HOST, 400, "", "Host is malformed")                                \
    X(FAULT_HOST_DIFFERS, 400, "", "Host and the target name different hosts") \
    X(FAULT_LENGTH, 400, "", "Content-Length is malformed")                    \
    X(FAULT_LENGTH_REPEATED, 400, "", "Content-Length comes more than once")   \
    X(FAULT_LENGTH_AND_CODING, 400, "",                                        \
      "both Content-Length and Transfer-Encoding are present")                 \
    X(FAULT_CODING, 400, "", "the transfer coding is not exactly chunked")     \
    X(FAULT_CODING_OLD, 400, "", "a transfer coding came in HTTP/1.0")         \
    X(FAULT_CONNECTION, 400, "",                                               \
      "Connection names a field that may not be dropped")                      \
    X(FAULT_CONNECTION_MANY, 400, "connection_names",                          \
      "Connection names too many fields")                                      \
    X(FAULT_EXPECT, 417, "", "an expectation other than 100-continue")         \
    X(FAULT_CHUNK_SIZE, 400, "", "a chunk size is malformed")                  \
    X(FAULT_CHUNK_DIGITS, 400, "chunk_size_digits",                            \
      "a chunk size has too many digits")                                      \
    X(FAULT_CHUNK_LINE_LONG, 400, "chunk_line",                                \
      "a chunk size line is too long")                                         \
    X(FAULT_CHUNK_EXTENSIONS, 400, "chunk_extensions",                         \
      "the chunk extensions of the message are too long")                      \
    X(FAULT_CHUNK_END, 400, "", "a chunk does not end where its size says")    \
    X(FAULT_TRAILERS_LARGE, 400, "trailer_bytes",                              \
      "the trailer section is too large")                                      \
    X(FAULT_TRAILERS_MANY, 400, "trailer_fields", "too many trailer fields")   \
    X(FAULT_CUT_SHORT, 400, "", "the connection ended inside a message")       \
    X(FAULT_INTERIM_MANY, 502, "interim_answers",                              \
      "too many informational answers before the final one")                   \
    X(FAULT_SWITCHED, 502, "",                                                 \
      "the origin switched protocols unasked or unnamed")                      \
    X(FAULT_SCHEME, 400, "", "the scheme is neither http nor https")           \
    X(FAULT_NO_ROOM, 503, "request_arena", "no memory left for the message")

enum fault {
    FAULT_NONE,
#define X(name, status, limit, sentence) name,
    FAULTS(X)
#undef X
};

/* The status to answer a client with; 0 for FAULT_NONE. */
int fault_status(enum fault f);

/* The limit's name, or "" if the fault is not a limit. */
const char *fault_limit(enum fault f);

/* "the Host is malformed"; "" for FAULT_NONE. */
const char *fault_text(enum fault f);

/* "FAULT_HOST", for logs and metrics. */
const char *fault_name(enum fault f);
