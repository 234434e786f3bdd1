/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram: what workers tell control is packed of: numbers in the machine's own
 * order, and texts, which are a u16 and so many bytes. Both ends are one build on
 * one machine; the end that reads trusts no byte all the same.
 */
#pragma once

#include "proxy/base/buf.h"

static inline void
datagram_put(struct buf *b, const void *p, size_t n)
{
    buf_add(b, span_of(p, n));
}

/* At most `max` bytes of it, and no more than 65535. */
static inline void
datagram_put_text(struct buf *b, span s, size_t max)
{
    s = span_take(s, max < UINT16_MAX ? max : UINT16_MAX);
    uint16_t len = (uint16_t)s.len;

    datagram_put(b, &len, sizeof(len));
    buf_add(b, s);
}

/* The next `n` bytes off the front of *s; false, and nothing taken, if there are
 * fewer. */
static inline bool
datagram_take(span *s, void *out, size_t n)
{
    if (s->len < n)
        return false;
    memcpy(out, s->at, n);
    *s = span_skip(*s, n);
    return true;
}

/* The next text, pointing into the datagram; false if it is cut or over `max`. */
static inline bool
datagram_take_text(span *s, span *out, size_t max)
{
    uint16_t len = 0;

    if (!datagram_take(s, &len, sizeof(len)) || len > s->len || len > max)
        return false;
    *out = span_take(*s, len);
    *s = span_skip(*s, len);
    return true;
}
