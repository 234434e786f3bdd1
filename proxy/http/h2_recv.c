/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_recv: frames to messages (an answer's heads: h2_client.c). nghttp2 has checked what RFC 9113 §8 demands of
 * a message (and resets the stream if it is malformed); what SAFETY.md demands
 * beyond it, and the limits, are checked here and answered.
 */
#include "proxy/http/h2_session.h"

#include "proxy/http/fields_raw.h"
#include "proxy/http/framing.h"
#include "proxy/http/target.h"

#include <assert.h>

/* RFC 9113 §6.5.2: what a field counts beyond its bytes. */
#define FIELD_OVERHEAD 32

/* A window update under this pays for nothing (SAFETY.md). */
#define WINDOW_SMALL 1024

/* To nghttp2: go on, or stop since the session is going away. */
static int
go_on(const struct h2 *h)
{
    return h->doomed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int
reset_malformed(struct h2 *h, int32_t id)
{
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id,
                              NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* A stream of the client's: its arena comes from the caller. */
static int
begin_stream(struct h2 *h, int32_t id)
{
    struct h2_stream *s = NULL;

    h->requests_n++;
    if (h->streams_n >= h->limits->streams_n)
        h->refused_n++;
    else if ((s = h2_stream_new(h, id))) {
        s->arena = h->events->open(h->conn, s);
        if (h->doomed)
            return go_on(h);
    }
    if (!s || !s->arena) {
        if (s)
            h2_stream_drop(s);
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id,
                                  NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    fields_init(&s->hops, s->arena);
    s->head = arena_alloc(s->arena, sizeof(*s->head));
    if (s->head) {
        head_init(s->head, s->arena);
        s->head->version = HTTP_2;
    } else {
        s->fault = FAULT_NO_ROOM;
    }
    nghttp2_session_set_stream_user_data(h->session, id, s);
    return 0;
}

/* A second section of a stream is its trailers. */
static void
begin_trailers(struct h2_stream *s)
{
    s->header_bytes = 0;
    s->trailers = arena_alloc(s->arena, sizeof(*s->trailers));
    if (s->trailers)
        fields_init(s->trailers, s->arena);
    else
        s->fault = FAULT_NO_ROOM;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
                 void *user_data)
{
    struct h2 *h = h2_of(user_data);

    (void)session;
    if (h->doomed)
        return go_on(h);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_stream(h, frame->hd.stream_id);

    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);
    if (!s || s->dropping)
        return 0;
    if (h->is_client && !s->told)
        h2_client_begin_section(s);
    else
        begin_trailers(s);
    return 0;
}

static enum fault
take_pseudo(struct h2_stream *s, span name, span value)
{
    struct http_head *h = s->head;

    if (s->h2->is_client)
        return h2_client_pseudo(s, name, value);
    span *to = span_is(name, ":path")        ? &h->path
               : span_is(name, ":method")    ? &h->method_token
               : span_is(name, ":scheme")    ? &h->scheme
               : span_is(name, ":authority") ? &h->authority
               : span_is(name, ":protocol")  ? &h->upgrade
                                             : NULL;

    if (!to)
        return FAULT_NONE; /* nghttp2 lets no other one through */
    if (to == &h->path && value.len > s->h2->limits->target_bytes)
        return FAULT_START_LINE_LONG;
    return span_dup(s->arena, value, to) ? FAULT_NONE : FAULT_NO_ROOM;
}

static enum fault
take_field(struct h2_stream *s, struct fields *to, size_t fields_max,
           enum field_id id, span name, span value)
{
    struct field field = {.id = id};

    if (name.len + value.len > s->h2->limits->line_bytes)
        return FAULT_LINE_LONG;
    if (field.id == FIELD_OTHER && field_is_disguised(name))
        return FAULT_FIELD_UNDERSCORE;
    if (to->n + s->hops.n >= fields_max)
        return FAULT_FIELDS_MANY;
    if (field.id == FIELD_OTHER && !span_dup(s->arena, name, &name))
        return FAULT_NO_ROOM;
    field.name = field.spelled =
        field.id == FIELD_OTHER ? name : field_lower(field.id);
    if (!span_dup(s->arena, value, &field.value))
        return FAULT_NO_ROOM;
    if (field_is(field.id) & FIELD_HOP)
        to = &s->hops;
    return fields_push(to, &field) ? FAULT_NONE : FAULT_NO_ROOM;
}

/*
 * Limits while HPACK expands: a field that costs one byte on the wire is counted
 * whole. Past twice the limit it is no mistake any more.
 */
static enum fault
count_field(struct h2_stream *s, span name, span value)
{
    const struct h2_limits *l = s->h2->limits;
    size_t max = s->trailers ? l->trailer_bytes : l->header_bytes;

    s->header_bytes += name.len + value.len + FIELD_OVERHEAD;
    if (s->header_bytes <= max)
        return FAULT_NONE;
    if (s->header_bytes > 2 * (size_t)l->header_bytes)
        h2_abuse(s->h2, "head_bytes");
    return s->trailers ? FAULT_TRAILERS_LARGE : FAULT_HEAD_LARGE;
}

static enum fault
take_header(struct h2_stream *s, enum field_id id, span name, span value)
{
    const struct h2_limits *l = s->h2->limits;

    if (name.len && name.at[0] == ':')
        return take_pseudo(s, name, value);
    if (!s->trailers)
        return take_field(s, &s->head->fields, l->fields_n, id, name, value);

    enum fault fault =
        take_field(s, s->trailers, l->trailer_fields_n, id, name, value);
    return fault == FAULT_FIELDS_MANY ? FAULT_TRAILERS_MANY : fault;
}

/* A name of the table is one; nghttp2 lets no pseudo-header through but those there are. */
static bool
is_name(enum field_id id, span name)
{
    return id != FIELD_OTHER ||
           (name.len > 0 && (name.at[0] == ':' || field_name_is_valid(name)));
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
          const uint8_t *name, size_t name_len, const uint8_t *value,
          size_t value_len, uint8_t flags, void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);
    span n = span_of((const char *)name, name_len),
         v = span_of((const char *)value, value_len);

    (void)session, (void)flags;
    if (!s || s->dropping)
        return go_on(h);

    enum fault fault = count_field(s, n, v);
    if (*h->limit_reached)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* no more of this block */
    if (s->fault == FAULT_NONE)
        s->fault = fault;
    if (s->fault != FAULT_NONE)
        return 0;
    /* nghttp2 refuses most of these itself; ours is the rule that h1 has. */
    enum field_id id = field_id_of(n);
    if (!is_name(id, n) || !field_value_is_valid(v))
        return reset_malformed(h, s->id);
    s->fault = take_header(s, id, n, v);
    return 0;
}

/* RFC 9113 §8.2.3: several cookie fields are one to whoever gets them in h1. */
static enum fault
join_cookies(struct http_head *h)
{
    const struct field *first = head_find(h, FIELD_COOKIE);
    const span sep = SPAN("; ");
    size_t len = 0, n = 0;

    for (const struct field *f = first; f; f = fields_next(&h->fields, f), n++)
        len += sep.len + f->value.len;
    if (n < 2)
        return FAULT_NONE;

    char *at = arena_alloc(h->fields.arena, len);
    if (!at)
        return FAULT_NO_ROOM;
    len = 0;
    for (const struct field *f = first; f; f = fields_next(&h->fields, f)) {
        memcpy(at + len, sep.at, sep.len);
        if (f->value.len)
            memcpy(at + len + sep.len, f->value.at, f->value.len);
        len += sep.len + f->value.len;
    }
    struct field joined = *first;
    joined.value = span_of(at + sep.len, len - sep.len);
    fields_remove_id(&h->fields, FIELD_COOKIE);
    return fields_push(&h->fields, &joined) ? FAULT_NONE : FAULT_NO_ROOM;
}

static enum fault
read_method(struct http_head *h)
{
    if (h->method_token.len > METHOD_LEN_MAX)
        return FAULT_METHOD_LONG;
    h->method = method_of(h->method_token);
    /* RFC 8441 §4: what HTTP/1.1 asks with GET and Upgrade, and routes so. */
    if (h->method == METHOD_CONNECT && h->upgrade.len) {
        h->method = METHOD_GET;
        h->method_token = method_token(METHOD_GET);
    }
    if (h->method == METHOD_CONNECT || h->method == METHOD_TRACE)
        return FAULT_METHOD_REFUSED;
    return method_is_valid(h->method_token) ? FAULT_NONE : FAULT_METHOD;
}

static enum fault
read_pseudo(struct http_head *h)
{
    enum fault fault = read_method(h);

    if (fault)
        return fault;
    if (!span_is(h->scheme, "http") && !span_is(h->scheme, "https"))
        return FAULT_SCHEME;
    if (h->authority.len && (fault = framing_authority(h, h->authority)))
        return fault;
    if (span_is(h->path, "*"))
        return h->method == METHOD_OPTIONS ? FAULT_NONE : FAULT_TARGET;
    return target_split(h->path, &h->path, &h->query, &h->has_query)
               ? FAULT_NONE
               : FAULT_TARGET;
}

static enum fault
finish_head(struct h2_stream *s)
{
    struct http_head *h = s->head;
    enum fault fault = s->fault;

    if (!fault)
        fault = read_pseudo(h);
    if (fault)
        return fault;
    h->body = s->ended ? HTTP_BODY_NONE : HTTP_BODY_CHUNKED;
    fault = framing_request(h, &s->hops, 0);
    return fault ? fault : join_cookies(h);
}

static void
tell_bad(struct h2_stream *s, enum fault fault)
{
    struct h2 *h = s->h2;

    s->dropping = true;
    h2_glitch(h, H2_GLITCH_REQUEST);
    h->events->bad_request(h->conn, s, fault);
}

static void
tell_request(struct h2_stream *s)
{
    struct h2 *h = s->h2;
    enum fault fault = finish_head(s);

    if (fault) {
        tell_bad(s, fault);
        return;
    }
    s->told = true;
    h->events->request(h->conn, s, s->head, s->ended);
}

struct fields *
h2_kept_trailers(struct h2_stream *s)
{
    struct fields *t = s->trailers;
    size_t kept = 0;

    for (size_t i = 0; t && i < t->n; i++)
        if (!field_is_no_trailer(&t->at[i]))
            t->at[kept++] = t->at[i];
    if (t)
        t->n = kept;
    return kept ? t : NULL;
}

static void
tell_end(struct h2_stream *s)
{
    struct h2 *h = s->h2;

    if (h->is_client)
        h2_client_end(s);
    else if (s->fault)
        tell_bad(s, s->fault);
    else
        h->events->end(h->conn, s, h2_kept_trailers(s));
}

static void
on_message_frame(struct h2 *h, const nghttp2_frame *frame)
{
    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0 && !ends)
        h2_glitch(h, H2_GLITCH_FRAME);
    if (!s)
        return;
    s->ended |= ends;
    if (s->dropping)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS &&
        frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        tell_request(s);
    else if (frame->hd.type == NGHTTP2_HEADERS && h->is_client && !s->told)
        h2_client_section(s);
    else if (ends)
        tell_end(s);
}

static void
note_reset(struct h2 *h, int32_t id)
{
    struct h2_stream *s = h2_stream_of(h, id);

    if (s)
        s->was_reset = true;
    /* A server's resets answer our own requests, so they are as many. */
    if (!h->is_client)
        h2_client_reset(h);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
              void *user_data)
{
    struct h2 *h = h2_of(user_data);

    (void)session;
    if (h->doomed)
        return go_on(h);
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        on_message_frame(h, frame);
        break;
    case NGHTTP2_RST_STREAM:
        note_reset(h, frame->hd.stream_id);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        if (frame->window_update.window_size_increment < WINDOW_SMALL)
            h2_glitch(h, H2_GLITCH_FRAME);
        break;
    case NGHTTP2_SETTINGS:
        h->has_settings = true;
        __attribute__((fallthrough));
    case NGHTTP2_PING:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            h2_glitch(h, H2_GLITCH_FRAME);
        break;
    default:
        break;
    }
    return go_on(h);
}

static int
on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t len, void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, id);

    (void)flags;
    if (!s || !s->told || s->dropping || s->reset) {
        if (!h->doomed)
            nghttp2_session_consume(session, id, len);
        if (s && !h->is_client && s->answered && !s->reset &&
            (s->swallowed += len) > H2_SWALLOW)
            h2_reset(s, H2_NO_ERROR);
        return go_on(h);
    }
    s->unconsumed += len;
    h->events->body(h->conn, s, span_of((const char *)data, len));
    return go_on(h);
}

static int
on_invalid_frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
                      int error, void *user_data)
{
    struct h2 *h = h2_of(user_data);

    (void)session, (void)frame, (void)error;
    if (!h->doomed)
        h2_glitch(h, H2_GLITCH_INVALID);
    return go_on(h);
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code,
                void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, id);

    if (!s)
        return go_on(h);
    /* Else the connection's window would shrink by what nobody reads any more. */
    nghttp2_session_consume_connection(session, s->unconsumed);
    s->unconsumed = 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    h->last = NULL;
    if (h->is_client && !s->sent)
        code = H2_REFUSED_STREAM; /* whatever kept it here */
    h->events->close(h->conn, s, code);
    if (!h->doomed)
        h2_stream_drop(s);
    return go_on(h);
}

void
h2_consumed(struct h2_stream *s, size_t n)
{
    assert(n <= s->unconsumed);
    s->unconsumed -= n;
    /* It fails only for want of heap: then the window stays shut. */
    if (nghttp2_session_consume(s->h2->session, s->id, n))
        s->h2->dead = true;
}

void
h2_widen(struct h2_stream *s, uint32_t window)
{
    if (!s->reset && !s->h2->doomed)
        (void)h2_code_of(s->h2, nghttp2_session_set_local_window_size(
                                    s->h2->session, NGHTTP2_FLAG_NONE, s->id,
                                    (int32_t)window));
}

void
h2_recv_callbacks(nghttp2_session_callbacks *c)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(c,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        c, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        c, on_invalid_frame_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
}
