/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed: u32 magic, pair, is_skipped, the route as a text; then for each
 * difference u32 kind and three texts.
 */
#include "proxy/observe/mirrored.h"

#include "proxy/observe/datagram.h"

#include <assert.h>

#define MAGIC  0x4d495231u  /* not a length that a record has */
#define KEPT   ((size_t)64) /* for mirrored_others */
#define OTHERS SPAN("others")

static void
add_u32(struct buf *b, uint32_t n)
{
    datagram_put(b, &n, sizeof(n));
}

static void
add_text(struct buf *b, span s)
{
    datagram_put_text(b, s, MIRRORED_TEXT_MAX);
}

static void
add_difference(struct buf *b, const struct mirrored_difference *d)
{
    add_u32(b, d->kind);
    add_text(b, d->place);
    add_text(b, d->baseline);
    add_text(b, d->other);
}

void
mirrored_begin(struct buf *b, const struct mirrored *m)
{
    add_u32(b, MAGIC);
    add_u32(b, m->pair);
    add_u32(b, m->is_skipped);
    add_text(b, m->route);
}

bool
mirrored_add(struct buf *b, const struct mirrored_difference *d)
{
    size_t need = sizeof(d->kind) + 3 * sizeof(uint16_t) +
                  span_take(d->place, MIRRORED_TEXT_MAX).len +
                  span_take(d->baseline, MIRRORED_TEXT_MAX).len +
                  span_take(d->other, MIRRORED_TEXT_MAX).len;

    if (buf_len(b) + need + KEPT > MIRRORED_DATAGRAM_MAX)
        return false;
    add_difference(b, d);
    return !buf_failed(b);
}

void
mirrored_others(struct buf *b, uint32_t kind)
{
    static_assert(KEPT >= sizeof(uint32_t) + 3 * sizeof(uint16_t) + 6, "room");
    const struct mirrored_difference d = {.kind = kind, .place = OTHERS};

    add_difference(b, &d);
}

static bool
take_u32(span *s, uint32_t *out)
{
    return datagram_take(s, out, sizeof(*out));
}

static bool
take_text(span *s, span *out)
{
    return datagram_take_text(s, out, MIRRORED_TEXT_MAX);
}

bool
mirrored_take(span *datagram, struct mirrored *out)
{
    span s = *datagram;
    uint32_t magic = 0;

    if (!take_u32(&s, &magic) || magic != MAGIC || !take_u32(&s, &out->pair) ||
        !take_u32(&s, &out->is_skipped) || !take_text(&s, &out->route))
        return false;
    *datagram = s;
    return true;
}

bool
mirrored_next(span *datagram, struct mirrored_difference *out)
{
    span s = *datagram;

    if (!take_u32(&s, &out->kind) || !take_text(&s, &out->place) ||
        !take_text(&s, &out->baseline) || !take_text(&s, &out->other))
        return false;
    *datagram = s;
    return true;
}
