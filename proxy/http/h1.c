/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h1.h"

#include "proxy/http/chars.h"
#include "proxy/http/h1_parse.h"
#include "proxy/http/h1_section.h"

#include <assert.h>

const struct h1_limits h1_limits_request = {
    .start_line_bytes = 8192,
    .line_bytes = 8192,
    .head_bytes = 32768,
    .fields_n = 100,
    .connection_names = 32,
    .chunk_line_bytes = 256,
    .chunk_ext_bytes = 16384,
    .chunk_digits = 16,
    .trailer_bytes = 8192,
    .trailer_fields_n = 16,
};

const struct h1_limits h1_limits_answer = {
    .start_line_bytes = 8192,
    .line_bytes = 8192,
    .head_bytes = 65536,
    .fields_n = 100,
    .connection_names = 32,
    .chunk_line_bytes = 256,
    .chunk_ext_bytes = 16384,
    .chunk_digits = 16,
    .trailer_bytes = 8192,
    .trailer_fields_n = 16,
    .interim_n = 8,
};

void
h1_init(struct h1 *p, enum h1_role role, const struct h1_limits *limits)
{
    assert(limits->chunk_digits <= 16);
    *p = (struct h1){.limits = limits, .role = (uint8_t)role};
    /* The limit of the section stops it sooner: this is a second fence. */
    size_t section = limits->head_bytes > limits->trailer_bytes
                         ? limits->head_bytes
                         : limits->trailer_bytes;
    buf_init(&p->part, section + 16);
}

void
h1_fini(struct h1 *p)
{
    buf_fini(&p->part);
}

/* Ready for another head or trailer section of the same message. */
static void
begin_section(struct h1 *p, enum h1_state state)
{
    buf_fini(&p->part);
    p->scanned = p->line_start = p->lines_n = 0;
    p->empty_seen = p->start_seen = false;
    p->state = (uint8_t)state;
}

void
h1_begin(struct h1 *p, struct arena *a)
{
    begin_section(p, ST_HEAD);
    p->arena = a;
    p->left = 0;
    p->chunk_line_n = p->chunk_ext_n = p->interim_n = 0;
    p->digits_n = 0;
    p->fault = FAULT_NONE;
    p->asked = METHOD_GET;
    p->switch_asked = false;
}

void
h1_expect(struct h1 *p, enum method method, bool switch_asked)
{
    p->asked = method;
    p->switch_asked = switch_asked;
}

static enum h1_event
fail(struct h1 *p, enum fault fault, struct h1_out *out)
{
    buf_fini(&p->part);
    p->state = ST_ERROR;
    p->fault = (uint8_t)fault;
    out->fault = fault;
    return H1_ERROR;
}

static enum h1_state
body_state(const struct http_head *h)
{
    switch (h->body) {
    case HTTP_BODY_NONE:
        return ST_END;
    case HTTP_BODY_SIZED:
        return h->length ? ST_SIZED : ST_END;
    case HTTP_BODY_CHUNKED:
        return ST_CHUNK_SIZE;
    case HTTP_BODY_UNTIL_CLOSE:
        return ST_UNTIL_CLOSE;
    }
    return ST_ERROR;
}

/* RFC 9110 §7.8: to a protocol that was asked for, and named. */
static bool
may_switch(const struct h1 *p, const struct http_head *h)
{
    return p->switch_asked && h->version == HTTP_1_1 && h->upgrade.len > 0;
}

/* An answer of 1xx: the final one is still to come, unless it is a 101. */
static enum h1_event
interim(struct h1 *p, struct h1_out *out)
{
    if (out->head->status == 101) {
        if (!may_switch(p, out->head))
            return fail(p, FAULT_SWITCHED, out);
        begin_section(p, ST_END);
        return H1_HEAD;
    }
    begin_section(p, ST_HEAD);
    if (++p->interim_n > p->limits->interim_n)
        return fail(p, FAULT_INTERIM_MANY, out);
    return H1_INTERIM;
}

static enum h1_event
next_head(struct h1 *p, span *in, struct h1_out *out)
{
    span block;
    enum fault fault = h1_section_take(p, in, &block);

    if (fault)
        return fail(p, fault, out);
    if (block.len == 0)
        return H1_MORE;
    fault = h1_parse_head(p->arena, p->limits, (enum h1_role)p->role, p->asked,
                          block, p->lines_n, &out->head);
    if (fault)
        return fail(p, fault, out);
    if (p->role == H1_ANSWERS && out->head->status < 200)
        return interim(p, out);
    p->left = out->head->length;
    begin_section(p, body_state(out->head));
    return H1_HEAD;
}

static enum h1_event
next_trailers(struct h1 *p, span *in, struct h1_out *out)
{
    span block;
    enum fault fault = h1_section_take(p, in, &block);

    if (fault)
        return fail(p, fault, out);
    if (block.len == 0)
        return H1_MORE;
    if (p->lines_n == 0) {
        begin_section(p, ST_END);
        return H1_END;
    }
    fault = h1_parse_trailers(p->arena, block, p->lines_n, &out->trailers);
    if (fault)
        return fail(p, fault, out);
    begin_section(p, ST_END);
    return out->trailers->n ? H1_TRAILERS : H1_END;
}

/* As much of a body or chunk as there is. */
static enum h1_event
next_data(struct h1 *p, span *in, struct h1_out *out, enum h1_state then)
{
    out->body = p->left < in->len ? span_take(*in, (size_t)p->left) : *in;
    *in = span_skip(*in, out->body.len);
    p->left -= out->body.len;
    if (p->left == 0)
        p->state = (uint8_t)then;
    return H1_BODY;
}

/*
 * Chunk lines (RFC 9112 §7.1) byte by byte: they are short, come cut anywhere,
 * and so hold no memory. A state's function looks at one byte.
 */

static enum fault
chunk_digit(struct h1 *p, char c)
{
    int digit = char_hex(c);

    if (digit >= 0) {
        if (++p->digits_n > p->limits->chunk_digits)
            return FAULT_CHUNK_DIGITS;
        p->left = p->left << 4 | (uint64_t)digit;
        return FAULT_NONE;
    }
    if (p->digits_n == 0)
        return FAULT_CHUNK_SIZE;
    if (c == '\r')
        p->state = ST_CHUNK_LINE_LF;
    else if (c == ';')
        p->state = ST_CHUNK_EXT_NAME;
    else if (c == ' ' || c == '\t')
        p->state = ST_CHUNK_SPACE;
    else
        return FAULT_CHUNK_SIZE;
    return FAULT_NONE;
}

static enum fault
chunk_extension(struct h1 *p, char c)
{
    bool space = c == ' ' || c == '\t';

    if (p->state == ST_CHUNK_SPACE) {
        if (c == ';')
            p->state = ST_CHUNK_EXT_NAME;
        return c == ';' || space ? FAULT_NONE : FAULT_CHUNK_SIZE;
    }
    if (p->state == ST_CHUNK_EXT_NAME) {
        if (!space)
            p->state = ST_CHUNK_EXT;
        return space || char_is(c, CHAR_TOKEN) ? FAULT_NONE : FAULT_CHUNK_SIZE;
    }
    if (c == '\r')
        p->state = ST_CHUNK_LINE_LF;
    return c == '\r' || chars_are_value(span_of(&c, 1)) ? FAULT_NONE
                                                        : FAULT_CHUNK_SIZE;
}

/* The line is over: data, or after a size of 0 the trailers. */
static void
chunk_opened(struct h1 *p)
{
    p->chunk_line_n = 0;
    p->digits_n = 0;
    if (p->left)
        p->state = ST_CHUNK_DATA;
    else
        begin_section(p, ST_TRAILERS);
}

static enum fault
chunk_byte(struct h1 *p, char c)
{
    switch ((enum h1_state)p->state) {
    case ST_CHUNK_SIZE:
        return chunk_digit(p, c);
    case ST_CHUNK_SPACE:
    case ST_CHUNK_EXT_NAME:
    case ST_CHUNK_EXT:
        if (++p->chunk_ext_n > p->limits->chunk_ext_bytes)
            return FAULT_CHUNK_EXTENSIONS;
        return chunk_extension(p, c);
    case ST_CHUNK_LINE_LF:
        if (c != '\n')
            return FAULT_CHUNK_SIZE;
        /* Sums of sizes must not wrap. */
        if (p->left > INT64_MAX)
            return FAULT_CHUNK_SIZE;
        chunk_opened(p);
        return FAULT_NONE;
    case ST_CHUNK_CR:
        p->state = ST_CHUNK_LF;
        return c == '\r' ? FAULT_NONE : FAULT_CHUNK_END;
    case ST_CHUNK_LF:
        p->state = ST_CHUNK_SIZE;
        return c == '\n' ? FAULT_NONE : FAULT_CHUNK_END;
    case ST_HEAD:
    case ST_SIZED:
    case ST_UNTIL_CLOSE:
    case ST_CHUNK_DATA:
    case ST_TRAILERS:
    case ST_END:
    case ST_ERROR:
        break;
    }
    return FAULT_CHUNK_SIZE;
}

static bool
in_chunk_line(const struct h1 *p)
{
    return p->state >= ST_CHUNK_SIZE && p->state <= ST_CHUNK_LINE_LF;
}

static enum h1_event
next_chunk_line(struct h1 *p, span *in, struct h1_out *out)
{
    char c = in->at[0];
    bool ends = p->state == ST_CHUNK_LINE_LF || c == '\r';

    if (in_chunk_line(p) && !ends &&
        ++p->chunk_line_n > p->limits->chunk_line_bytes)
        return fail(p, FAULT_CHUNK_LINE_LONG, out);
    enum fault fault = chunk_byte(p, c);
    if (fault)
        return fail(p, fault, out);
    *in = span_skip(*in, 1);
    return H1_MORE;
}

/* H1_MORE here: go on if there are bytes. */
static enum h1_event
step(struct h1 *p, span *in, struct h1_out *out)
{
    switch ((enum h1_state)p->state) {
    case ST_HEAD:
        return next_head(p, in, out);
    case ST_SIZED:
        return next_data(p, in, out, ST_END);
    case ST_UNTIL_CLOSE:
        out->body = *in;
        *in = span_skip(*in, in->len);
        return H1_BODY;
    case ST_CHUNK_DATA:
        return next_data(p, in, out, ST_CHUNK_CR);
    case ST_TRAILERS:
        return next_trailers(p, in, out);
    case ST_CHUNK_SIZE:
    case ST_CHUNK_SPACE:
    case ST_CHUNK_EXT_NAME:
    case ST_CHUNK_EXT:
    case ST_CHUNK_LINE_LF:
    case ST_CHUNK_CR:
    case ST_CHUNK_LF:
        return next_chunk_line(p, in, out);
    case ST_END:
        return H1_END;
    case ST_ERROR:
        break;
    }
    out->fault = (enum fault)p->fault;
    return H1_ERROR;
}

enum h1_event
h1_next(struct h1 *p, span *in, struct h1_out *out)
{
    *out = (struct h1_out){0};
    if (p->state == ST_END || p->state == ST_ERROR)
        return step(p, in, out);
    while (in->len) { /* ends: every step takes a byte or tells something */
        enum h1_event event = step(p, in, out);
        if (event != H1_MORE)
            return event;
    }
    return H1_MORE;
}

enum h1_event
h1_eof(struct h1 *p, struct h1_out *out)
{
    *out = (struct h1_out){0};
    if (p->state == ST_UNTIL_CLOSE)
        p->state = ST_END;
    if (p->state == ST_END)
        return H1_END;
    if (p->state == ST_ERROR)
        return fail(p, (enum fault)p->fault, out);
    return h1_is_inside(p) ? fail(p, FAULT_CUT_SHORT, out) : H1_MORE;
}

bool
h1_is_inside(const struct h1 *p)
{
    if (p->state == ST_HEAD)
        return p->scanned > h1_section_start(p) || p->interim_n > 0;
    return p->state != ST_END && p->state != ST_ERROR;
}

size_t
h1_held(const struct h1 *p)
{
    return p->part.room;
}
