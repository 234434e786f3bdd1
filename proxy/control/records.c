/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/records.h"

#include "proxy/base/hash.h"

static_assert(RECORDS_BYTES <= UINT32_MAX, "a place has 32 bits for it");
static_assert(RECORD_BYTES_MAX + sizeof(uint64_t) <= RECORDS_BYTES,
              "the longest record has room");

/*
 * In front of the record stands its sequence, and its place says that as well:
 * one that was overwritten since, or never written to its end, is told by that.
 */
static void
keep(struct records *r, span packed, span id)
{
    uint64_t sequence = r->sequence + 1;
    size_t len = sizeof(sequence) + packed.len;
    size_t at = r->next;

    if (packed.len > RECORD_BYTES_MAX)
        return;
    if (at > RECORDS_BYTES - len)
        at = 0;
    memcpy(r->bytes + at, &sequence, sizeof(sequence));
    memcpy(r->bytes + at + sizeof(sequence), packed.at, packed.len);
    r->places[sequence % RECORDS_KEPT] =
        (struct record_place){.sequence = sequence,
                              .hash = hash64(id),
                              .at = (uint32_t)at,
                              .len = (uint32_t)len};
    r->next = at + len;
    r->sequence = sequence;
}

size_t
records_take(struct records *r, span datagram)
{
    struct record record;
    size_t n = 0;

    for (span at = datagram; record_take(&datagram, &record); at = datagram) {
        size_t left = datagram.len;
        keep(r, span_take(at, at.len - left), record.id);
        n++;
    }
    return n;
}

/* The record at a place, if it is still the one that was put there. */
static bool
read_place(const struct records *r, uint64_t sequence, struct record *out)
{
    const struct record_place *p = &r->places[sequence % RECORDS_KEPT];
    uint64_t written;

    if (p->sequence != sequence || p->len < sizeof(written) ||
        p->len > RECORDS_BYTES || p->at > RECORDS_BYTES - p->len)
        return false;
    memcpy(&written, r->bytes + p->at, sizeof(written));
    span packed =
        span_of(r->bytes + p->at + sizeof(written), p->len - sizeof(written));
    return written == sequence && record_take(&packed, out);
}

bool
records_find(const struct records *r, span id, struct record *out)
{
    uint64_t hash = hash64(id), oldest = 0;

    if (r->sequence > RECORDS_KEPT)
        oldest = r->sequence - RECORDS_KEPT;
    for (uint64_t s = r->sequence; s > oldest; s--)
        if (r->places[s % RECORDS_KEPT].hash == hash && read_place(r, s, out) &&
            span_eq(out->id, id))
            return true;
    return false;
}

bool
records_nth(const struct records *r, uint64_t back, struct record *out)
{
    return back < r->sequence && back < RECORDS_KEPT &&
           read_place(r, r->sequence - back, out);
}
