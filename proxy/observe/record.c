/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed: u32 bytes in all, u32 layout, the numbers as u64, then each text.
 * Another build's layout is refused by its number.
 */
#include "proxy/observe/record.h"

#include "proxy/observe/datagram.h"

#define LAYOUT 3u /* raise it whenever a table changes */

#define X(name, doc) NUMBER_##name,
enum { RECORD_NUMBERS(X) N_NUMBERS };
#undef X
#define X(name, doc) TEXT_##name,
enum { RECORD_TEXTS(X) N_TEXTS };
#undef X

#define HEAD (2 * sizeof(uint32_t) + N_NUMBERS * sizeof(uint64_t))

_Static_assert(HEAD + N_TEXTS * (sizeof(uint16_t) + RECORD_TEXT_MAX / 4) <
                   RECORD_BYTES_MAX,
               "a record of ordinary texts is not cut");

/* `left` is what the record may still grow by; the length words of the texts
 * after this one are set aside already. */
static void
add_text(struct buf *b, span s, size_t *left)
{
    size_t max = RECORD_TEXT_MAX < *left ? RECORD_TEXT_MAX : *left;

    datagram_put_text(b, s, max);
    *left -= span_take(s, max).len;
}

bool
record_put(struct buf *datagram, const struct record *r)
{
    size_t before = buf_len(datagram);
    size_t left = RECORD_BYTES_MAX - HEAD - N_TEXTS * sizeof(uint16_t);
    uint32_t layout = LAYOUT, bytes = 0;

    /* Room for the largest record, so that nothing is cut in the middle. */
    if (datagram->failed || datagram->max - before < RECORD_BYTES_MAX)
        return false;
    datagram_put(datagram, &bytes, sizeof(bytes));
    datagram_put(datagram, &layout, sizeof(layout));
#define X(name, doc) datagram_put(datagram, &r->name, sizeof(r->name));
    RECORD_NUMBERS(X)
#undef X
#define X(name, doc) add_text(datagram, r->name, &left);
    RECORD_TEXTS(X)
#undef X
    if (buf_failed(datagram)) {
        buf_truncate(datagram, before);
        return false;
    }
    bytes = (uint32_t)(buf_len(datagram) - before);
    memcpy(datagram->bytes + datagram->start + before, &bytes, sizeof(bytes));
    return true;
}

static bool
take_body(span s, struct record *out)
{
#define X(name, doc)                                                           \
    if (!datagram_take(&s, &out->name, sizeof(out->name)))                     \
        return false;
    RECORD_NUMBERS(X)
#undef X
#define X(name, doc)                                                           \
    if (!datagram_take_text(&s, &out->name, RECORD_TEXT_MAX))                  \
        return false;
    RECORD_TEXTS(X)
#undef X
    return s.len == 0;
}

bool
record_take(span *datagram, struct record *out)
{
    span s = *datagram;
    uint32_t bytes = 0, layout = 0;

    if (datagram_take(&s, &bytes, sizeof(bytes)) && bytes >= HEAD &&
        bytes <= RECORD_BYTES_MAX && bytes <= datagram->len &&
        datagram_take(&s, &layout, sizeof(layout)) && layout == LAYOUT &&
        take_body(span_take(s, bytes - 2 * sizeof(uint32_t)), out)) {
        *datagram = span_skip(*datagram, bytes);
        return true;
    }
    *datagram = (span){0};
    return false;
}
