/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a server through the real client session: whatever comes, each
 * request is closed once, and nothing is taken for an answer after that. */
#include "proxy/http/h2_client.h"

#include <stdlib.h>

#define ASKED 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned open_n;

static void
on_head(void *conn, struct h2_stream *s, struct http_head *head)
{
    (void)conn;
    if (!h2_stream_user(s) || head->status < 100 || head->status > 199)
        abort();
}

static void
on_answer(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    (void)conn, (void)ends;
    if (!h2_stream_user(s) || head->status < 200 || head->status > 599)
        abort();
}

static void
on_bad(void *conn, struct h2_stream *s, enum fault f)
{
    (void)conn, (void)s;
    if (f == FAULT_NONE)
        abort();
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    (void)conn;
    h2_consumed(s, bytes.len);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    (void)conn, (void)s, (void)trailers;
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    (void)conn, (void)code;
    if (!h2_stream_user(s) || open_n-- == 0)
        abort();
}

static const struct h2_events events = {.interim = on_head,
                                        .answer = on_answer,
                                        .bad_answer = on_bad,
                                        .body = on_body,
                                        .end = on_end,
                                        .close = on_close};

static bool
ask(struct h2 *h, struct arena *a, bool is_head)
{
    struct http_head head;
    struct h2_stream *s;

    head_init(&head, a);
    head.method = is_head ? METHOD_HEAD : METHOD_GET;
    head.method_token = method_token(head.method);
    head.scheme = SPAN("http");
    head.path = SPAN("/");
    return head_set_authority(&head, SPAN("a")) == OK &&
           h2_client_ask(h, a, &head, NULL, a, &s) == OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(1 << 22);
    struct h2 *h = a ? h2_client_new(&h2_limits_default, &events, a) : NULL;
    struct buf out;

    buf_init(&out, 1 << 20);
    open_n = 0;
    for (int i = 0; h && i < ASKED; i++)
        open_n += ask(h, a, i == 1);
    if (h && h2_gather(h, &out, 1 << 16, 0) == H2_OK) {
        size_t cut = size ? data[0] + 1u : 1;
        span rest = span_of((const char *)data, size);
        enum h2_step step = H2_OK;

        while (rest.len && step == H2_OK) {
            span piece = span_take(rest, cut);

            step = h2_feed(h, piece, 0);
            rest = span_skip(rest, piece.len);
            buf_clear(&out);
            if (step == H2_OK)
                step = h2_gather(h, &out, 1 << 16, 0);
        }
    }
    h2_free(&h);
    if (open_n)
        abort();
    buf_fini(&out);
    arena_free(&a);
    return 0;
}
