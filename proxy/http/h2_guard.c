/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h2_guard.h"

#define MILLIS 1000u

enum { /* RFC 9113 §6 */
       FRAME_DATA = 0,
       FRAME_HEADERS = 1,
       FRAME_PRIORITY = 2,
       FRAME_LAST = 9 /* CONTINUATION */
};

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
h2_walk_init(struct h2_walk *w, bool is_client)
{
    *w = (struct h2_walk){.skip = is_client ? sizeof(PREFACE) - 1 : 0,
                          .is_client = is_client,
                          .next = 1};
}

static bool
is_in_gap(const struct h2_walk *w, uint32_t id)
{
    for (size_t i = 0; i < H2_GAPS_MAX; i++)
        if (id >= w->gaps[i].first && id <= w->gaps[i].last)
            return true;
    return false;
}

/* A client's HEADERS or DATA; of ids that are no client's nghttp2 knows. */
static void
look_at_stream(struct h2_walk *w)
{
    uint32_t id = (uint32_t)(w->head[5] & 0x7f) << 24 |
                  (uint32_t)w->head[6] << 16 | (uint32_t)w->head[7] << 8 |
                  w->head[8];

    if (id % 2 == 0)
        return;
    if (id < w->next) {
        w->went_back = w->went_back || is_in_gap(w, id);
        return;
    }
    if (w->head[3] != FRAME_HEADERS)
        return;
    if (id > w->next)
        w->gaps[w->n_gaps++ % H2_GAPS_MAX] = (struct h2_gap){w->next, id - 2};
    w->next = id + 2;
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

static bool
is_passed_over(unsigned char type)
{
    return type == FRAME_PRIORITY || type > FRAME_LAST;
}

size_t
h2_walk(struct h2_walk *w, span bytes)
{
    size_t n_passed = 0;

    while (bytes.len) { /* ends: one or the other takes bytes */
        size_t n = w->skip < bytes.len ? (size_t)w->skip : bytes.len;
        bytes = span_skip(bytes, n);
        w->skip -= n;
        if (!bytes.len || !take_head(w, &bytes))
            continue;
        if (is_passed_over(w->head[3]))
            n_passed++;
        else if (w->is_client && w->head[3] <= FRAME_HEADERS)
            look_at_stream(w);
    }
    return n_passed;
}
