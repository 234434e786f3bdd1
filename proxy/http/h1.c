/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h1.h"

#include "proxy/http/chars.h"
#include "proxy/http/h1_parse.h"

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

enum state {
    ST_HEAD,
    ST_SIZED,
    ST_UNTIL_CLOSE,
    ST_CHUNK_SIZE,     /* its digits */
    ST_CHUNK_SPACE,    /* space after them: only an extension may follow */
    ST_CHUNK_EXT_NAME, /* after ';' */
    ST_CHUNK_EXT,
    ST_CHUNK_LINE_LF,
    ST_CHUNK_DATA,
    ST_CHUNK_CR, /* after the data */
    ST_CHUNK_LF,
    ST_TRAILERS,
    ST_END,
    ST_ERROR,
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
begin_section(struct h1 *p, enum state state)
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

/*
 * Sections: a head or trailers, lines up to an empty one. They are cut here and
 * measured by the byte, so that a limit strikes at the same byte however the
 * input was cut into reads.
 */

/* Where the section begins: after an empty line that was passed over. */
static size_t
section_start(const struct h1 *p)
{
    return p->empty_seen ? 2 : 0;
}

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
    size_t large_at = section_start(p) + section_max(p) + 1;
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
    if (p->state != ST_HEAD || p->scanned > section_start(p))
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
    bytes = span_skip(bytes, section_start(p));

    span line = span_cut(&bytes, '\n');
    line.len--;
    return p->role == H1_REQUESTS ? h1_parse_request_line(line, &scratch)
                                  : h1_parse_status_line(line, &scratch);
}

/*
 * Take a section's bytes from *in. *block is the whole of it when it is there
 * (else empty), in `in` itself if it came in one piece, else in p->part.
 */
static enum fault
take_section(struct h1 *p, span *in, span *block)
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
    *block = span_skip(span_take(bytes, len), section_start(p));
    return FAULT_NONE;
}

static enum state
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
    enum fault fault = take_section(p, in, &block);

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
    enum fault fault = take_section(p, in, &block);

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
next_data(struct h1 *p, span *in, struct h1_out *out, enum state then)
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
    switch ((enum state)p->state) {
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
    switch ((enum state)p->state) {
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
        return p->scanned > section_start(p) || p->interim_n > 0;
    return p->state != ST_END && p->state != ST_ERROR;
}

size_t
h1_held(const struct h1 *p)
{
    return p->part.room;
}
