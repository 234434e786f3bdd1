/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding: content codings (RFC 9110 §8.4), taken off and put on again around a
 * body that is translated; the door to zlib, brotli and zstd.
 *
 * Both ways stream. A decoder gives what it inflates in small pieces, so that
 * whoever reads them stops a bomb; it holds at most 10 MiB itself, which is what
 * a window of 8 MiB takes, and refuses a coding that wants more.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"

/* id, name in Content-Encoding */
#define CODINGS(X)                                                             \
    X(CODING_NONE, "identity")                                                 \
    X(CODING_GZIP, "gzip")                                                     \
    X(CODING_DEFLATE, "deflate")                                               \
    X(CODING_BR, "br")                                                         \
    X(CODING_ZSTD, "zstd")

enum coding {
#define X(id, name) id,
    CODINGS(X)
#undef X
};

/* What a Content-Encoding says; false for one that is unknown, or for several. */
bool coding_of(span value, enum coding *out);

/*
 * The list of an Accept-Encoding without what we cannot decode, in `a`; null at
 * its limit. Weights stay. Where nothing is left it is "identity".
 */
span coding_acceptable(struct arena *a, span list);

struct decoder;
struct encoder;

/* They end with the arena. NULL: no memory, or the coding is CODING_NONE. */
struct decoder *decoder_new(struct arena *a, enum coding c);
struct encoder *encoder_new(struct arena *a, enum coding c);

/*
 * Take from the front of *in; *out is what that gave: empty if more is needed.
 * Ask again until *in is empty and so was *out. *out is good until the next call.
 * ERR_INVALID: it is not in this coding; ERR_LIMIT: it wants too much memory, or
 * there is none.
 */
MUST_CHECK enum err_code decoder_take(struct decoder *d, span *in, span *out);

/* Was it that there is none? */
bool decoder_is_starved(const struct decoder *d);

/* Has it come to its end? What follows that is at fault (ERR_INVALID). */
bool decoder_is_whole(const struct decoder *d);

/* Append to `out`; with `flush`, all that was put in so far. False: no memory. */
MUST_CHECK bool encoder_put(struct encoder *e, span in, bool flush,
                            struct buf *out);
MUST_CHECK bool encoder_end(struct encoder *e, struct buf *out);
