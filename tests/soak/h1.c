/* SPDX-License-Identifier: Apache-2.0 */
/* h1: one request at a time; what it reads of an answer is all that frames it. */
#include "tests/soak/soak.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX ((size_t)64 * 1024)

void
h1_fill(struct conn *c)
{
    if (c->is_leaving || c->n_asks || !soak_may_ask())
        return;
    struct ask *a = conn_ask_begin(c);
    buf_fmt(&c->out, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
            a->posts ? "POST" : "GET", options.path);
    if (a->posts) {
        buf_fmt(&c->out,
                "Content-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
                (unsigned long long)options.post_bytes);
        for (uint64_t i = 0; i < options.post_bytes; i++)
            buf_byte(&c->out, 'x');
    } else {
        buf_str(&c->out, "\r\n");
    }
    c->at_body = false;
    soak_asked(c);
}

/* The value of a field, trimmed on the left; empty if it is not there. */
static span
field(span head, const char *name)
{
    size_t len = strlen(name);

    while (head.len) {
        span line = span_cut(&head, '\n');
        if (line.len > len && strncasecmp(line.at, name, len) == 0 &&
            line.at[len] == ':') {
            line = span_skip(line, len + 1);
            return span_trim(span_cut(&line, '\r'));
        }
    }
    return (span){0};
}

static bool
read_head(struct conn *c, struct ask *a, span head)
{
    span length = field(head, "content-length");

    if (head.len < 12 || memcmp(head.at, "HTTP/1.", 7) != 0)
        return false;
    a->status = (head.at[9] - '0') * 100 + (head.at[10] - '0') * 10 +
                (head.at[11] - '0');
    if (!span_to_u64(length, &a->n_length))
        return false; /* neither the origin nor the proxy sends such */
    span connection = field(head, "connection");
    if (connection.len == 5 && strncasecmp(connection.at, "close", 5) == 0)
        c->is_leaving = true;
    c->at_body = true;
    return true;
}

/* A head that is whole is read; what follows it stays. */
static bool
take_head(struct conn *c, struct ask *a)
{
    span in = buf_span(&c->in);
    const char *end =
        in.at && in.len >= 4 ? memmem(in.at, in.len, "\r\n\r\n", 4) : NULL;

    if (!end)
        return in.len < HEAD_MAX;
    size_t len = (size_t)(end - in.at) + 4;
    bool fine = read_head(c, a, span_take(in, len));
    buf_consume(&c->in, len);
    return fine;
}

bool
h1_take(struct conn *c, const char *at, size_t n)
{
    struct ask *a = &c->asks[0];

    if (!a->is_used)
        return false; /* an answer that nobody asked for */
    buf_add(&c->in, span_of(at, n));
    if (!c->at_body && !take_head(c, a))
        return false;
    if (!c->at_body)
        return true;
    a->n_body += buf_len(&c->in);
    buf_clear(&c->in);
    if (a->n_body > a->n_length)
        return false;
    if (a->n_body == a->n_length)
        soak_ended(c, a, soak_judge(a));
    return true;
}
