/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/h2_pair.h"

#include "tests/proxy/http/transcript.h"
#include "tests/test.h"

#include <stdarg.h>
#include <stdlib.h>

static const char endless[65536];

static void __attribute__((format(printf, 3, 4)))
note(struct pair *p, struct buf *to, const char *fmt, ...)
{
    va_list args;
    char line[1024];

    if (p->quiet)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (buf_len(to))
        buf_str(to, " | ");
    buf_str(to, line);
}

/* The server's side. */

static size_t
slot(const struct h2_stream *s)
{
    return (size_t)(h2_stream_id(s) / 2) % PAIR_STREAMS;
}

static struct arena *
on_open(void *conn, struct h2_stream *s)
{
    struct pair *p = conn;

    if (p->refuse)
        return NULL;
    p->arenas[slot(s)] = arena_new(p->arena_bytes);
    p->bodies[slot(s)] = (struct pair_body){.stream = s};
    h2_stream_set_user(s, &p->bodies[slot(s)]);
    if (p->free_on_open)
        h2_free(&p->server);
    return p->arenas[slot(s)];
}

static span
peek(void *conn, struct h2_stream *s, size_t max, bool *ends,
     const struct fields **trailers, bool *failed)
{
    struct pair_body *b = h2_stream_user(s);

    (void)max;
    if (((struct pair *)conn)->free_on_peek) {
        h2_free(&((struct pair *)conn)->server);
        return (span){0};
    }
    *failed = b->failed;
    if (b->dry)
        return (span){0};
    if (b->big_left)
        return span_of(endless, sizeof(endless));
    *ends = true;
    *trailers = b->trailers;
    return b->left;
}

static void
took(void *conn, struct h2_stream *s, size_t n)
{
    struct pair_body *b = h2_stream_user(s);

    (void)conn;
    if (!b->big_left)
        b->left = span_skip(b->left, n);
}

static const struct h2_source source = {peek, took};

static void
answer(struct pair *p, struct h2_stream *s, int status)
{
    struct http_head h;

    head_init(&h, p->arenas[slot(s)]);
    h.status = status;
    h.body = HTTP_BODY_CHUNKED;
    assert_int_equal(
        h2_answer(s, &h, status == 204 || status == 304 ? NULL : &source), OK);
}

static void
on_request(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    struct pair *p = conn;
    struct buf b;

    buf_init(&b, 1 << 16);
    transcript_head(&b, head);
    note(p, &p->said, "%.*s%s", SPAN_FMT(buf_span(&b)), ends ? " ends" : "");
    buf_fini(&b);
    if (p->free_on_request)
        h2_free(&p->server);
    else if (p->answer_status)
        answer(p, s, p->answer_status);
}

static void
on_bad_request(void *conn, struct h2_stream *s, enum fault f)
{
    struct pair *p = conn;

    note(p, &p->said, "bad %s", fault_name(f));
    answer(p, s, fault_status(f));
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    struct pair *p = conn;

    p->server_read += bytes.len;
    note(p, &p->said, "body %.*s", SPAN_FMT(span_take(bytes, 40)));
    if (p->free_on_body)
        h2_free(&p->server);
    else if (!p->keep_body)
        h2_consumed(s, bytes.len);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    struct pair *p = conn;
    struct buf b;

    (void)s;
    buf_init(&b, 1 << 16);
    if (trailers)
        transcript_fields(&b, trailers);
    note(p, &p->said, "end%s%.*s", trailers ? " " : "", SPAN_FMT(buf_span(&b)));
    buf_fini(&b);
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct pair *p = conn;

    note(p, &p->said, "close %d %u%s", h2_stream_id(s), code,
         h2_is_answered(s) ? " answered" : "");
    p->bodies[slot(s)].stream = NULL;
    arena_free(&p->arenas[slot(s)]);
    if (p->free_on_close)
        h2_free(&p->server);
}

static const struct h2_events events = {
    .open = on_open,
    .request = on_request,
    .bad_request = on_bad_request,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

/* The client's side. */

static int
client_header(nghttp2_session *session, const nghttp2_frame *frame,
              const uint8_t *name, size_t name_len, const uint8_t *value,
              size_t value_len, uint8_t flags, void *user)
{
    struct pair *p = user;

    (void)session, (void)flags;
    note(p, &p->got, "%d %.*s: %.*s", frame->hd.stream_id, (int)name_len,
         (const char *)name, (int)value_len, (const char *)value);
    return 0;
}

static int
client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct pair *p = user;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        note(p, &p->got, "goaway %d %u", frame->goaway.last_stream_id,
             frame->goaway.error_code);
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        note(p, &p->got, "%d reset %u", frame->hd.stream_id,
             frame->rst_stream.error_code);
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        note(p, &p->got, "%d end", frame->hd.stream_id);
    return 0;
}

static int
client_data(nghttp2_session *session, uint8_t flags, int32_t id,
            const uint8_t *data, size_t len, void *user)
{
    struct pair *p = user;

    (void)flags;
    p->client_read += len;
    note(p, &p->got, "%d body %.*s", id, (int)(len > 40 ? 40 : len),
         (const char *)data);
    if (!p->client_stalls)
        nghttp2_session_consume(session, id, len);
    return 0;
}

/* A request's body: what is in the stream's user data, and no end while PAIR_OPEN. */
static ssize_t
client_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
            uint32_t *flags, nghttp2_data_source *src, void *user)
{
    span *body = src->ptr;
    size_t n = body->len < max ? body->len : max;

    (void)session, (void)id, (void)user;
    if (n)
        memcpy(to, body->at, n);
    *body = span_skip(*body, n);
    if (body->len == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int
client_closed(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)code, (void)user;
    free(nghttp2_session_get_stream_user_data(session, id));
    return 0;
}

static void
client_new(struct pair *p)
{
    nghttp2_session_callbacks *c;
    nghttp2_option *o;
    nghttp2_settings_entry push = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};

    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    assert_int_equal(nghttp2_option_new(&o), 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_http_messaging(o,
                                         1); /* it may send what is malformed */
    nghttp2_option_set_max_send_header_block_length(o, (size_t)1 << 26);
    nghttp2_session_callbacks_set_on_header_callback(c, client_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, client_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, client_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, client_closed);
    assert_int_equal(nghttp2_session_client_new2(&p->client, c, p, o), 0);
    nghttp2_session_callbacks_del(c);
    nghttp2_option_del(o);
    assert_int_equal(
        nghttp2_submit_settings(p->client, NGHTTP2_FLAG_NONE, &push, 1), 0);
}

struct pair *
pair_new(const struct h2_limits *limits)
{
    struct pair *p = calloc(1, sizeof(*p));

    p->arena_bytes = 1 << 20;
    p->enough = 1 << 16;
    buf_init(&p->said, 1 << 22);
    buf_init(&p->got, 1 << 22);
    p->server = h2_server_new(limits ? limits : &h2_limits_default, &events, p);
    assert_non_null(p->server);
    client_new(p);
    return p;
}

void
pair_free(struct pair **p)
{
    h2_free(&(*p)->server);
    for (int32_t id = 1; id < 1 << 16; id += 2)
        free(nghttp2_session_get_stream_user_data((*p)->client, id));
    nghttp2_session_del((*p)->client);
    buf_fini(&(*p)->said);
    buf_fini(&(*p)->got);
    free(*p);
    *p = NULL;
}

void
pair_feed(struct pair *p, span bytes)
{
    while (bytes.len && p->server) {
        size_t n = p->cut && p->cut < bytes.len ? p->cut : bytes.len;
        /* A copy of its own, so that ASan sees what outlives it. */
        char *copy = malloc(n);
        memcpy(copy, bytes.at, n);
        p->step = h2_feed(p->server, span_of(copy, n), p->now_ms);
        free(copy);
        assert_true((p->step == H2_FREED) == (p->server == NULL));
        bytes = span_skip(bytes, n);
    }
}

static bool
from_client(struct pair *p)
{
    const uint8_t *data;
    bool any = false;

    for (;;) {
        ssize_t n = nghttp2_session_mem_send(p->client, &data);
        if (n <= 0)
            return any;
        any = true;
        pair_feed(p, span_of((const char *)data, (size_t)n));
    }
}

static bool
from_server(struct pair *p)
{
    struct buf out;

    if (!p->server)
        return false;
    buf_init(&out, p->enough + 40000);
    p->step = h2_gather(p->server, &out, p->enough, p->now_ms);
    bool any = buf_len(&out) > 0;
    if (any)
        assert_int_equal(
            nghttp2_session_mem_recv(
                p->client, (const uint8_t *)buf_span(&out).at, buf_len(&out)),
            buf_len(&out));
    buf_fini(&out);
    return any;
}

void
pair_pump(struct pair *p)
{
    bool any = true;

    while (any) {
        any = from_client(p);
        any |= from_server(p);
    }
}

static size_t
read_nvs(va_list args, nghttp2_nv *nvs, size_t max)
{
    size_t n = 0;

    for (const char *line; (line = va_arg(args, const char *)); n++) {
        assert_true(n < max);
        const char *colon = strchr(line + 1, ':');
        span name = span_of(line, (size_t)(colon - line)),
             value = span_str(colon + 2);
        nvs[n] = (nghttp2_nv){.namelen = name.len, .valuelen = value.len};
        memcpy(&nvs[n].name, &name.at, sizeof(name.at));
        memcpy(&nvs[n].value, &value.at, sizeof(value.at));
    }
    return n;
}

int32_t
pair_request(struct pair *p, span body, ...)
{
    nghttp2_nv nvs[200];
    va_list args;
    span *keep = malloc(sizeof(*keep));
    nghttp2_data_provider provider = {.source.ptr = keep,
                                      .read_callback = client_read};
    int32_t id;

    va_start(args, body);
    size_t n = read_nvs(args, nvs, COUNT(nvs));
    va_end(args);
    *keep = body;
    if (body.len == SIZE_MAX)
        id = nghttp2_submit_headers(p->client, NGHTTP2_FLAG_NONE, -1, NULL, nvs,
                                    n, keep);
    else
        id = nghttp2_submit_request(p->client, NULL, nvs, n,
                                    body.len ? &provider : NULL, keep);
    assert_true(id > 0);
    return id;
}

struct h2_stream *
pair_stream(struct pair *p, int32_t id)
{
    return p->bodies[(size_t)(id / 2) % PAIR_STREAMS].stream;
}

void
pair_answer(struct pair *p, int32_t id, int status, const char *body)
{
    p->bodies[(size_t)(id / 2) % PAIR_STREAMS].left = span_str(body);
    answer(p, pair_stream(p, id), status);
}

static span
take(struct buf *b, struct arena *a)
{
    span out;

    assert_true(span_dup(a, buf_span(b), &out));
    buf_clear(b);
    return out;
}

span
pair_said(struct pair *p, struct arena *a)
{
    return take(&p->said, a);
}

span
pair_got(struct pair *p, struct arena *a)
{
    return take(&p->got, a);
}
