/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h1_section.h"

#include "proxy/http/chars.h"
#include "proxy/http/h1_parse.h"

#include <assert.h>

static size_t
section_max(const struct h1 *p)
{
    return p->state == ST_HEAD ? p->limits->head_bytes
                               : p->limits->trailer_bytes;
}

static bool
at_start_line(const struct h1 *p)
{
    return p->state == ST_HEAD && p->lines_n == 0;
}

/*
 * Is there a limit broken by a line that reaches to `end`, with its LF there or
 * not yet? Of two, the one that broke first.
 */
static enum fault
check_limits(const struct h1 *p, size_t end, bool has_lf)
{
    size_t line_max =
        at_start_line(p) ? p->limits->start_line_bytes : p->limits->line_bytes;
    size_t long_at = p->line_start + line_max + 2; /* a CR may be one of them */
    size_t large_at = h1_section_start(p) + section_max(p) + 1;
    bool is_long = end >= long_at;
    bool is_large = end + has_lf >= large_at;

    if (!is_long && !is_large)
        return FAULT_NONE;
    if (p->state == ST_TRAILERS)
        return FAULT_TRAILERS_LARGE;
    if (!is_long || (is_large && large_at < long_at))
        return FAULT_HEAD_LARGE;
    return at_start_line(p) ? FAULT_START_LINE_LONG : FAULT_LINE_LONG;
}

/* A line is complete, its LF at `lf`. */
static enum fault
check_line(struct h1 *p, span bytes, size_t lf)
{
    enum fault fault = check_limits(p, lf, true);

    if (fault)
        return fault;
    if (lf == p->line_start || bytes.at[lf - 1] != '\r')
        return FAULT_LINE_END;
    if (lf == p->line_start + 1)
        return FAULT_NONE; /* the empty one is counted by nobody */
    p->lines_n++;
    if (p->state == ST_TRAILERS)
        return p->lines_n > p->limits->trailer_fields_n ? FAULT_TRAILERS_MANY
                                                        : FAULT_NONE;
    return p->lines_n - 1 > p->limits->fields_n ? FAULT_FIELDS_MANY
                                                : FAULT_NONE;
}

/* A start line that cannot begin so is known at its first byte (TLS, binary). */
static enum fault
check_first(const struct h1 *p, char c)
{
    if (p->state != ST_HEAD || p->scanned > h1_section_start(p))
        return FAULT_NONE;
    if (p->role == H1_ANSWERS)
        return c == 'H' ? FAULT_NONE : FAULT_START_LINE;
    return char_is(c, CHAR_UPPER) || (c == '\r' && !p->empty_seen)
               ? FAULT_NONE
               : FAULT_METHOD;
}

/* Not yet the end of the section: 0, else its length, its empty line included. */
static enum fault
scan(struct h1 *p, span bytes, size_t *len)
{
    *len = 0;
    while (p->scanned < bytes.len) {
        assert(bytes.at);
        enum fault fault = check_first(p, bytes.at[p->scanned]);
        if (fault)
            return fault;
        const char *nl =
            memchr(bytes.at + p->scanned, '\n', bytes.len - p->scanned);
        size_t lf = nl ? (size_t)(nl - bytes.at) : bytes.len;
        if (!nl) {
            p->scanned = bytes.len;
            return check_limits(p, lf, false);
        }
        fault = check_line(p, bytes, lf);
        if (fault)
            return fault;
        bool empty = lf == p->line_start + 1;
        p->scanned = p->line_start = lf + 1;
        if (!empty)
            continue;
        if (!at_start_line(p)) {
            *len = lf + 1;
            return FAULT_NONE;
        }
        /* RFC 9112 §2.2: an empty line before a request is passed over. One. */
        p->empty_seen = true;
    }
    return FAULT_NONE;
}

/* The start line's own faults come before those of lines behind it. */
static enum fault
check_start(struct h1 *p, span bytes)
{
    struct http_head scratch;

    if (p->state != ST_HEAD || p->lines_n == 0 || p->start_seen)
        return FAULT_NONE;
    head_init(&scratch, p->arena);
    p->start_seen = true;
    bytes = span_skip(bytes, h1_section_start(p));

    span line = span_cut(&bytes, '\n');
    line.len--;
    return p->role == H1_REQUESTS ? h1_parse_request_line(line, &scratch)
                                  : h1_parse_status_line(line, &scratch);
}

enum fault
h1_section_take(struct h1 *p, span *in, span *block)
{
    size_t held = buf_len(&p->part), len;
    span bytes = *in;

    if (held) {
        size_t more = section_max(p) + 4 - held; /* held is within the limit */
        buf_add(&p->part, span_take(*in, more));
        if (buf_failed(&p->part))
            return FAULT_NO_ROOM;
        bytes = buf_span(&p->part);
    }
    enum fault fault = scan(p, bytes, &len);
    if (fault || len == 0) {
        enum fault first = check_start(p, bytes);
        if (first || fault)
            return first ? first : fault;
        if (!held)
            buf_add(&p->part, *in);
        *in = span_skip(*in, in->len);
        *block = (span){0};
        return buf_failed(&p->part) ? FAULT_NO_ROOM : FAULT_NONE;
    }
    *in = span_skip(*in, len - held);
    *block = span_skip(span_take(bytes, len), h1_section_start(p));
    return FAULT_NONE;
}
