/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h1_write.h"

#include "proxy/http/chars.h"
#include "proxy/http/target.h"

/* One reservation for several pieces: a line is written at the price of its bytes. */
static void
put(struct buf *b, const span *pieces, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += pieces[i].len;

    char *at = len ? buf_reserve(b, len) : NULL;
    if (!at)
        return;
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].len)
            memcpy(at, pieces[i].at, pieces[i].len);
        at += pieces[i].len;
    }
    buf_commit(b, len);
}

static void
put_field(struct buf *b, const struct field *f)
{
    size_t name = f->spelled.len, value = f->value.len;
    char *at = buf_reserve(b, name + value + 4);

    if (!at)
        return;
    memcpy(at, f->spelled.at, name);
    at[name] = ':';
    at[name + 1] = ' ';
    if (value)
        memcpy(at + name + 2, f->value.at, value);
    at[name + value + 2] = '\r';
    at[name + value + 3] = '\n';
    buf_commit(b, name + value + 4);
}

/* What is between neighbours is written from the head's members alone. */
static void
put_fields(struct buf *b, const struct fields *fields)
{
    for (size_t i = 0; i < fields->n; i++)
        if (!(field_is(fields->at[i].id) & FIELD_HOP))
            put_field(b, &fields->at[i]);
}

static void
put_length(struct buf *b, uint64_t n)
{
    buf_add(b, SPAN("Content-Length: "));
    buf_u64(b, n);
    buf_add(b, SPAN("\r\n"));
}

static enum err_code
finish(struct buf *b, size_t before)
{
    buf_add(b, SPAN("\r\n"));
    if (!buf_failed(b))
        return OK;
    buf_truncate(b, before);
    return ERR_LIMIT;
}

static bool
is_writable_request(const struct http_head *h)
{
    span host;
    uint16_t port;

    return method_is_valid(h->method_token) &&
           (span_is(h->path, "*") ? !h->has_query : path_is_valid(h->path)) &&
           query_is_valid(h->query) &&
           authority_split(h->authority, &host, &port) &&
           chars_are_value(h->upgrade) && h->body != HTTP_BODY_UNTIL_CLOSE;
}

/* RFC 9110 §7.6.1: TE and Upgrade are named by Connection. */
static void
put_request_connection(struct buf *b, const struct http_head *h)
{
    if (h->takes_trailers)
        buf_add(b, SPAN("TE: trailers\r\n"));
    if (h->upgrade.len) {
        span pieces[] = {SPAN("Upgrade: "), h->upgrade, SPAN("\r\n")};
        put(b, pieces, COUNT(pieces));
    }
    if (!h->takes_trailers && !h->upgrade.len && h->keep_alive)
        return;

    span pieces[] = {
        SPAN("Connection: "),
        h->keep_alive ? (span){0} : SPAN("close"),
        !h->keep_alive && h->takes_trailers ? SPAN(", ") : (span){0},
        h->takes_trailers ? SPAN("TE") : (span){0},
        (!h->keep_alive || h->takes_trailers) && h->upgrade.len ? SPAN(", ")
                                                                : (span){0},
        h->upgrade.len ? SPAN("Upgrade") : (span){0},
        SPAN("\r\n"),
    };
    put(b, pieces, COUNT(pieces));
}

enum err_code
h1_write_request(struct buf *b, const struct http_head *h)
{
    size_t before = buf_len(b);

    if (!is_writable_request(h))
        return ERR_INVALID;

    span line[] = {
        h->method_token,
        SPAN(" "),
        h->path,
        h->has_query ? SPAN("?") : (span){0},
        h->has_query ? h->query : (span){0},
        SPAN(" HTTP/1.1\r\nHost: "),
        h->authority,
        SPAN("\r\n"),
    };
    put(b, line, COUNT(line));
    put_fields(b, &h->fields);
    put_request_connection(b, h);
    if (h->body == HTTP_BODY_CHUNKED)
        buf_add(b, SPAN("Transfer-Encoding: chunked\r\n"));
    else if (h->body == HTTP_BODY_SIZED)
        put_length(b, h->length);
    return finish(b, before);
}

static void
put_answer_connection(struct buf *b, const struct http_head *h,
                      enum http_version client)
{
    if (h->status == 101) {
        span pieces[] = {SPAN("Connection: Upgrade\r\nUpgrade: "), h->upgrade,
                         SPAN("\r\n")};
        put(b, pieces, COUNT(pieces));
    } else if (h->status < 200) {
        return;
    } else if (!h->keep_alive || h->body == HTTP_BODY_UNTIL_CLOSE) {
        buf_add(b, SPAN("Connection: close\r\n"));
    } else if (client == HTTP_1_0) {
        buf_add(b, SPAN("Connection: keep-alive\r\n"));
    }
}

static void
put_answer_framing(struct buf *b, const struct http_head *h)
{
    switch (h->body) {
    case HTTP_BODY_NONE:
        /* RFC 9110 §8.6: 1xx and 204 say no length. */
        if (h->has_length && h->status >= 200 && h->status != 204)
            put_length(b, h->length);
        return;
    case HTTP_BODY_SIZED:
        put_length(b, h->length);
        return;
    case HTTP_BODY_CHUNKED:
        buf_add(b, SPAN("Transfer-Encoding: chunked\r\n"));
        return;
    case HTTP_BODY_UNTIL_CLOSE:
        return;
    }
}

/* "HTTP/1.1 200 OK"; RFC 9112 §4: the space stays when there are no words. */
static void
put_status_line(struct buf *b, int status)
{
    char digits[3] = {(char)('0' + status / 100),
                      (char)('0' + status / 10 % 10),
                      (char)('0' + status % 10)};
    span line[] = {
        SPAN("HTTP/1.1 "),   span_of(digits, 3), SPAN(" "),
        http_reason(status), SPAN("\r\n"),
    };

    put(b, line, COUNT(line));
}

enum err_code
h1_write_answer(struct buf *b, const struct http_head *h,
                enum http_version client)
{
    size_t before = buf_len(b);
    bool bodyless = http_status_is_bodyless(h->status);

    if (h->status < 100 || h->status > 599 || !chars_are_value(h->upgrade) ||
        (bodyless && h->body != HTTP_BODY_NONE) ||
        (client == HTTP_1_0 && h->body == HTTP_BODY_CHUNKED))
        return ERR_INVALID;

    put_status_line(b, h->status);
    put_fields(b, &h->fields);
    put_answer_connection(b, h, client);
    put_answer_framing(b, h);
    return finish(b, before);
}

void
h1_write_chunk_open(struct buf *b, uint64_t n)
{
    char text[H1_CHUNK_OPEN_MAX];
    size_t at = sizeof(text);

    text[--at] = '\n';
    text[--at] = '\r';
    do
        text[--at] = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    buf_add(b, span_of(text + at, sizeof(text) - at));
}

void
h1_write_chunk_close(struct buf *b)
{
    buf_add(b, SPAN("\r\n"));
}

void
h1_write_last_chunk(struct buf *b, const struct fields *trailers)
{
    buf_add(b, SPAN("0\r\n"));
    if (trailers)
        put_fields(b, trailers);
    buf_add(b, SPAN("\r\n"));
}

void
h1_write_continue(struct buf *b)
{
    buf_add(b, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}
