/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h2_guard.h"

#define MILLIS 1000u

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

void
h2_bucket_init(struct h2_bucket *b, uint32_t burst, uint32_t per_s)
{
    *b = (struct h2_bucket){
        .millis = (uint64_t)burst * MILLIS,
        .burst = burst,
        .per_s = per_s,
    };
}

static void
refill(struct h2_bucket *b, uint64_t now_ms)
{
    uint64_t full = (uint64_t)b->burst * MILLIS;
    uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

    if (now_ms > b->at_ms)
        b->at_ms = now_ms;
    if (b->per_s == 0)
        return;
    /* A pause that fills it anyway is not multiplied: it could wrap. */
    if (passed >= full / b->per_s + 1)
        b->millis = full;
    else
        b->millis += passed * b->per_s;
    if (b->millis > full)
        b->millis = full;
}

bool
h2_bucket_take(struct h2_bucket *b, uint32_t n, uint64_t now_ms)
{
    uint64_t price = (uint64_t)n * MILLIS;

    refill(b, now_ms);
    if (b->millis < price) {
        b->millis = 0;
        return false;
    }
    b->millis -= price;
    return true;
}

void
h2_walk_init(struct h2_walk *w, bool has_preface)
{
    *w = (struct h2_walk){.skip = has_preface ? sizeof(PREFACE) - 1 : 0};
}

/* Some of the next frame's head; true when it is whole. */
static bool
take_head(struct h2_walk *w, span *bytes)
{
    size_t n = sizeof(w->head) - w->head_n;

    if (n > bytes->len)
        n = bytes->len;
    memcpy(w->head + w->head_n, bytes->at, n);
    w->head_n = (uint8_t)(w->head_n + n);
    *bytes = span_skip(*bytes, n);
    if (w->head_n < sizeof(w->head))
        return false;
    w->head_n = 0;
    w->skip =
        (uint64_t)w->head[0] << 16 | (uint64_t)w->head[1] << 8 | w->head[2];
    return true;
}

/* RFC 9113 §6: PRIORITY is 2, the last known type is CONTINUATION, 9. */
static bool
is_passed_over(unsigned char type)
{
    return type == 2 || type > 9;
}

size_t
h2_walk(struct h2_walk *w, span bytes)
{
    size_t n_passed = 0;

    while (bytes.len) { /* ends: one or the other takes bytes */
        size_t n = w->skip < bytes.len ? (size_t)w->skip : bytes.len;
        bytes = span_skip(bytes, n);
        w->skip -= n;
        if (bytes.len && take_head(w, &bytes) && is_passed_over(w->head[3]))
            n_passed++;
    }
    return n_passed;
}
