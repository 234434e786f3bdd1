/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST ((size_t)256)

void
buf_fini(struct buf *b)
{
    free(b->bytes);
    buf_init(b, b->max);
}

static bool
slide(struct buf *b, size_t n)
{
    /* Moving costs what is left, so only when as much has been consumed. */
    if (b->start < buf_len(b) || b->room - buf_len(b) < n)
        return false;
    if (buf_len(b))
        memmove(b->bytes, b->bytes + b->start, buf_len(b));
    b->end -= b->start;
    b->start = 0;
    return true;
}

static bool
grow(struct buf *b, size_t n)
{
    size_t len = buf_len(b);
    size_t room = b->room ? b->room : ROOM_FIRST;

    while (room - len < n)
        room *= 2; /* ends: max bounds len + n, checked by the caller */

    char *bytes = malloc(room);
    if (!bytes) {
        b->starved = true;
        return false;
    }
    if (b->bytes && len)
        memcpy(bytes, b->bytes + b->start, len);
    free(b->bytes);
    b->bytes = bytes;
    b->start = 0;
    b->end = len;
    b->room = room;
    return true;
}

char *
buf_more(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->max - buf_len(b)) {
        b->failed = true;
        return NULL;
    }
    if (b->room - b->end < n && !(b->bytes && slide(b, n)) && !grow(b, n)) {
        b->failed = true;
        return NULL;
    }
    return b->bytes ? b->bytes + b->end : NULL;
}

void
buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->room - b->end);
    b->end += n;
}

void
buf_add(struct buf *b, span s)
{
    if (s.len == 0)
        return;

    char *p = buf_reserve(b, s.len);
    if (!p)
        return;
    memcpy(p, s.at, s.len);
    b->end += s.len;
}

void
buf_byte(struct buf *b, char c)
{
    buf_add(b, (span){&c, 1});
}

void
buf_str(struct buf *b, const char *s)
{
    buf_add(b, span_str(s));
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    char *p = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
    if (!p) {
        b->failed = true;
        return;
    }
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    b->end += (size_t)n;
}

void
buf_u64(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    buf_add(b, (span){digits + at, sizeof(digits) - at});
}

void
buf_consume(struct buf *b, size_t n)
{
    assert(n <= buf_len(b));
    b->start += n;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void
buf_truncate(struct buf *b, size_t len)
{
    assert(len <= buf_len(b));
    b->end = b->start + len;
}
