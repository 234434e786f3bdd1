/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any frames after the preface, to a real session that answers what it is
 * asked. The first byte is how they are cut and what the server does meanwhile.
 */
#include "proxy/http/h2.h"

#include <assert.h>
#include <stdlib.h>

#define PREFACE SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/* What the server does besides answering. */
#define KEEP_BODY   1u
#define RESET_SOME  2u
#define FREE_INSIDE 4u
#define ANSWER_LATE 8u

struct server {
    struct h2 *h2;
    size_t open;
    unsigned does;
    uint64_t now_ms;
};

/* One request's; lives in its arena. */
struct request {
    struct arena *arena;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct arena *
on_open(void *conn, struct h2_stream *s)
{
    struct server *server = conn;
    struct arena *a = arena_new(200000);
    struct request *r = arena_alloc(a, sizeof(*r));

    r->arena = a;
    r->left = (size_t)h2_stream_id(s) % 5 * 9000;
    h2_stream_set_user(s, r);
    server->open++;
    return a;
}

static span
peek(void *conn, struct h2_stream *s, size_t max, bool *ends,
     const struct fields **trailers, bool *failed)
{
    static const char body[10000];
    struct request *r = h2_stream_user(s);

    (void)conn, (void)max, (void)trailers;
    *failed = r->left == 18000;
    *ends = r->left <= sizeof(body);
    return span_of(body, *ends ? r->left : sizeof(body));
}

static void
took(void *conn, struct h2_stream *s, size_t n)
{
    struct request *r = h2_stream_user(s);

    (void)conn;
    assert(n <= r->left);
    r->left -= n;
}

static void
answer(struct h2_stream *s, int status)
{
    static const struct h2_source source = {peek, took};
    struct request *r = h2_stream_user(s);
    struct http_head h;

    head_init_answer(&h, r->arena, status, 0);
    h.body = HTTP_BODY_CHUNKED;
    h.has_length = false;
    /* A second answer (a fault in the trailers) is refused, which is right. */
    if (h2_answer(s, &h, &source))
        h2_reset(s, H2_INTERNAL_ERROR);
}

static void
check_fields(const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        assert(field_name_is_valid(f->at[i].name));
        assert(field_value_is_valid(f->at[i].value));
    }
}

static void
on_request(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    struct server *server = conn;

    (void)ends;
    assert(head->path.len && head->authority.len && head->method_token.len);
    check_fields(&head->fields);
    if ((server->does & RESET_SOME) && h2_stream_id(s) % 3 == 0)
        h2_reset(s, H2_CANCEL);
    else if (!(server->does & ANSWER_LATE))
        answer(s, 200);
}

static void
on_bad_request(void *conn, struct h2_stream *s, enum fault f)
{
    (void)conn;
    assert(f != FAULT_NONE);
    answer(s, fault_status(f));
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    struct server *server = conn;

    if (!(server->does & KEEP_BODY))
        h2_consumed(s, bytes.len);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    struct server *server = conn;

    if (trailers)
        check_fields(trailers);
    if (server->does & FREE_INSIDE)
        h2_free(&server->h2);
    else if (server->does & ANSWER_LATE)
        answer(s, 200);
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct server *server = conn;
    struct request *r = h2_stream_user(s);
    struct arena *a = r->arena;

    (void)code;
    assert(server->open);
    server->open--;
    arena_free(&a);
}

static const struct h2_events events = {
    .open = on_open,
    .request = on_request,
    .bad_request = on_bad_request,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

static enum h2_step
gather(struct server *s)
{
    enum h2_step step;
    struct buf out;

    buf_init(&out, 100000);
    step = h2_gather(s->h2, &out, 60000, s->now_ms);
    assert(!buf_failed(&out));
    buf_fini(&out);
    return step;
}

static enum h2_step
feed(struct server *s, span bytes)
{
    char *copy = malloc(bytes.len);

    memcpy(copy, bytes.at, bytes.len);
    enum h2_step step =
        h2_feed(s->h2, span_of(copy, bytes.len), s->now_ms += 7);
    free(copy);
    return step == H2_FREED ? step : gather(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct server s = {0};

    if (len < 2)
        return 0;

    span rest = span_of((const char *)bytes + 1, len - 1);
    size_t step = 1 + (size_t)(bytes[0] >> 4) * 17;
    s.does = bytes[0] & 15u;
    s.h2 = h2_server_new(&h2_limits_default, &events, &s);
    enum h2_step said = feed(&s, PREFACE);
    while (said != H2_FREED && rest.len) {
        span piece = span_take(rest, step);
        rest = span_skip(rest, piece.len);
        said = feed(&s, piece);
    }
    assert((said == H2_FREED) == (s.h2 == NULL));
    h2_free(&s.h2);
    assert(s.open == 0);
    return 0;
}
