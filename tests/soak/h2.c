/* SPDX-License-Identifier: Apache-2.0 */
/* h2: many requests at a time; GOAWAY says which of them nobody has seen. */
#include "tests/soak/soak.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

static struct ask *
find(struct conn *c, int32_t stream)
{
    for (size_t i = 0; i < options.streams; i++)
        if (c->asks[i].is_used && c->asks[i].stream == stream)
            return &c->asks[i];
    return NULL;
}

static ssize_t
on_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags,
        void *arg)
{
    struct conn *c = arg;

    (void)session, (void)flags;
    buf_add(&c->out, span_of((const char *)at, n));
    return (ssize_t)n;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
          const uint8_t *name, size_t name_len, const uint8_t *value,
          size_t value_len, uint8_t flags, void *arg)
{
    struct conn *c = arg;
    struct ask *a = find(c, frame->hd.stream_id);
    span field = span_of((const char *)name, name_len);
    uint64_t number = 0;

    (void)session, (void)flags;
    if (!a || !span_to_u64(span_of((const char *)value, value_len), &number))
        return 0;
    if (span_is(field, ":status"))
        a->status = (int)number;
    else if (span_is(field, "content-length"))
        a->n_length = number;
    return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream,
        const uint8_t *at, size_t n, void *arg)
{
    struct ask *a = find(arg, stream);

    (void)session, (void)flags, (void)at;
    if (a)
        a->n_body += n;
    return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct conn *c = arg;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        c->is_leaving = true;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
        (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
        return 0;
    struct ask *a = find(c, frame->hd.stream_id);
    if (a)
        soak_ended(c, a, soak_judge(a));
    return 0;
}

/* What has its whole answer is not found any more: so this one broke off. */
static int
on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *arg)
{
    struct conn *c = arg;
    struct ask *a = find(c, stream);

    (void)session;
    if (a)
        soak_ended(c, a,
                   error == NGHTTP2_REFUSED_STREAM ? OUT_AGAIN : OUT_LOST);
    return 0;
}

bool
h2_open(struct conn *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20},
    };
    nghttp2_session_callbacks *calls;

    if (nghttp2_session_callbacks_new(&calls))
        return false;
    nghttp2_session_callbacks_set_send_callback(calls, on_send);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    int failed = nghttp2_session_client_new(&c->h2, calls, c);
    nghttp2_session_callbacks_del(calls);
    return !failed &&
           !nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings,
                                    COUNT(settings)) &&
           !nghttp2_session_set_local_window_size(c->h2, NGHTTP2_FLAG_NONE, 0,
                                                  1 << 24);
}

static ssize_t
read_body(nghttp2_session *session, int32_t stream, uint8_t *at, size_t room,
          uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    (void)session, (void)stream, (void)source, (void)arg;
    *flags |= NGHTTP2_DATA_FLAG_EOF; /* it fits: post_bytes is small */
    size_t n = options.post_bytes < room ? options.post_bytes : room;
    memset(at, 'x', n);
    return (ssize_t)n;
}

/* nghttp2 writes to neither, but its type says that it might. */
static nghttp2_nv
nv(const char *name, const char *value)
{
    nghttp2_nv out = {.namelen = strlen(name), .valuelen = strlen(value)};

    memcpy(&out.name, &name, sizeof(name));
    memcpy(&out.value, &value, sizeof(value));
    return out;
}

void
h2_fill(struct conn *c)
{
    nghttp2_data_provider body = {.read_callback = read_body};

    while (!c->is_leaving && c->n_asks < options.streams &&
           nghttp2_session_check_request_allowed(c->h2) && soak_may_ask()) {
        struct ask *a = conn_ask_begin(c);
        const nghttp2_nv head[] = {
            nv(":method", a->posts ? "POST" : "GET"),
            nv(":scheme", options.tls ? "https" : "http"),
            nv(":authority", "localhost"), nv(":path", options.path)};
        a->stream = nghttp2_submit_request(c->h2, NULL, head, COUNT(head),
                                           a->posts ? &body : NULL, NULL);
        soak_asked(c);
        if (a->stream < 0) { /* stream numbers are used up */
            soak_ended(c, a, OUT_AGAIN);
            c->is_leaving = true;
        }
    }
    if (nghttp2_session_send(c->h2))
        c->is_leaving = true;
}

bool
h2_take(struct conn *c, const char *at, size_t n)
{
    ssize_t taken = nghttp2_session_mem_recv(c->h2, (const uint8_t *)at, n);

    return taken == (ssize_t)n && nghttp2_session_send(c->h2) == 0;
}

void
h2_close(struct conn *c)
{
    nghttp2_session_del(c->h2);
    c->h2 = NULL;
}
