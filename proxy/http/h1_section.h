/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_section: a head or trailers, cut out of the bytes: lines up to an empty one.
 * They are measured by the byte, so that a limit strikes at the same byte however
 * the input was cut into reads. For the files h1* alone.
 */
#pragma once

#include "proxy/http/h1.h"

/* Where h1 is in a message (h1.state). */
enum h1_state {
    ST_HEAD,
    ST_SIZED,
    ST_UNTIL_CLOSE,
    ST_CHUNK_SIZE,     /* its digits */
    ST_CHUNK_SPACE,    /* space after them: only an extension may follow */
    ST_CHUNK_EXT_NAME, /* after ';' */
    ST_CHUNK_EXT,
    ST_CHUNK_LINE_LF,
    ST_CHUNK_DATA,
    ST_CHUNK_CR, /* after the data */
    ST_CHUNK_LF,
    ST_TRAILERS,
    ST_END,
    ST_ERROR,
};

/* Where the section begins: after an empty line that was passed over. */
static inline size_t
h1_section_start(const struct h1 *p)
{
    return p->empty_seen ? 2 : 0;
}

/*
 * Take a section's bytes from *in. *block is the whole of it when it is there
 * (else empty), in `in` itself if it came in one piece, else in p->part.
 */
MUST_CHECK enum fault h1_section_take(struct h1 *p, span *in, span *block);
