/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_write: HTTP/1 messages to bytes, from what the head says and nothing else.
 *
 * Framing and connection lines are made here, from head.body, length,
 * keep_alive, upgrade, takes_trailers. The buf remembers when it is full; these
 * functions return ERR_LIMIT then, and leave nothing half-written behind.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/http/head.h"

/*
 * Origin-form, HTTP/1.1, `Host` from head.authority. keep_alive false writes
 * `Connection: close`; `Expect` is not written, the caller has answered it.
 * HTTP_BODY_UNTIL_CLOSE cannot be asked for: ERR_INVALID. So are a method, path
 * or authority that would not stay in its place.
 */
MUST_CHECK enum err_code h1_write_request(struct buf *b,
                                          const struct http_head *h);

/*
 * Status line and fields; 1xx too. `client` is the client's version: HTTP/1.0
 * is told `keep-alive` if so, and may not get HTTP_BODY_CHUNKED (ERR_INVALID;
 * make it UNTIL_CLOSE). UNTIL_CLOSE always says `Connection: close`.
 * HTTP_BODY_NONE writes a length only if has_length (HEAD, 304).
 */
MUST_CHECK enum err_code h1_write_answer(struct buf *b,
                                         const struct http_head *h,
                                         enum http_version client);

/* Before and after the `n` bytes of one chunk. `n` is not 0. */
#define H1_CHUNK_OPEN_MAX 18 /* 16 digits, CR LF */
void h1_write_chunk_open(struct buf *b, uint64_t n);
void h1_write_chunk_close(struct buf *b);

/* The end of a chunked body; `trailers` may be NULL. */
void h1_write_last_chunk(struct buf *b, const struct fields *trailers);

/* "HTTP/1.1 100 Continue", whole. */
void h1_write_continue(struct buf *b);
