/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow at the end and go away at the front.
 *
 * A builder and a queue in one. It remembers its first failure (limit reached,
 * heap empty): append freely and ask buf_failed once, at the end. A failed buf
 * keeps what it had and takes nothing more.
 */
#pragma once

#include "proxy/base/span.h"

struct buf {
    char *bytes;
    size_t start; /* first byte not yet consumed */
    size_t end;   /* one past the last byte */
    size_t room;  /* bytes allocated */
    size_t max;   /* bytes it may hold at once */
    bool failed;
    bool starved; /* for want of heap, not of `max` */
};

/* An empty buf that may hold `max` bytes; takes no memory yet. */
static inline void
buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

/* Give the memory back. The buf may be used again and is empty. */
void buf_fini(struct buf *b);

void buf_add(struct buf *b, span s);
void buf_byte(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_u64(struct buf *b, uint64_t n);

/*
 * Room for `n` more bytes to be written in place, then buf_commit for as many
 * as came (at most `n`). NULL if the buf fails.
 */
MUST_CHECK char *buf_more(struct buf *b, size_t n); /* where it has to grow */

MUST_CHECK static inline char *
buf_reserve(struct buf *b, size_t n)
{
    bool has = b->bytes && !b->failed && n <= b->room - b->end &&
               n <= b->max - (b->end - b->start);
    return has ? b->bytes + b->end : buf_more(b, n);
}

void buf_commit(struct buf *b, size_t n);

/* What is in it; valid until the next call that is not a question. */
static inline span
buf_span(const struct buf *b)
{
    return (span){b->bytes ? b->bytes + b->start : NULL, b->end - b->start};
}

static inline size_t
buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline bool
buf_failed(const struct buf *b)
{
    return b->failed;
}

/* Did it fail because the heap is empty? Then it is not too much that was asked. */
static inline bool
buf_is_starved(const struct buf *b)
{
    return b->starved;
}

/* Forget the first `n` bytes, at most all; an empty buf starts afresh. */
void buf_consume(struct buf *b, size_t n);

/* Empty it and forget a failure; the memory is kept for the next use. */
static inline void
buf_clear(struct buf *b)
{
    b->start = b->end = 0;
    b->failed = b->starved = false;
}

/* Cut it back to `len` bytes, at most what is there. */
void buf_truncate(struct buf *b, size_t len);
