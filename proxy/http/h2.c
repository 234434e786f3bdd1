/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h2.h"

#include "proxy/http/h2_session.h"

#include <assert.h>
#include <stdlib.h>

/* Streams kept for use again: an idle connection holds little. */
#define SPARE_MAX 4

/* Fed in pieces, so that a connection that was ended stops costing. */
#define FEED_MAX ((size_t)16384)

const struct h2_limits h2_limits_default = {
    .streams_n = 100,
    .stream_window = 65536,
    .window = 1048576,
    .header_table = 4096,
    .header_bytes = 32768,
    .fields_n = 100,
    .line_bytes = 8192,
    .target_bytes = 8192,
    .trailer_bytes = 8192,
    .trailer_fields_n = 16,
    .continuations_n = 8,
    .interim_n = 8,
    .acks_n = 100,
    .resets_burst = 200,
    .resets_per_s = 20,
    .glitches_burst = 1000,
    .glitches_per_s = 100,
};

struct h2 *
h2_of(void *user_data)
{
    struct h2 *h = user_data;

    assert(h->magic == H2_MAGIC);
    return h;
}

struct h2_stream *
h2_stream_of(struct h2 *h, int32_t id)
{
    if (h->doomed)
        return NULL;
    /* Frame after frame, field after field is of the same one. */
    if (h->last && h->last->id == id)
        return h->last;

    struct h2_stream *s = nghttp2_session_get_stream_user_data(h->session, id);
    assert(!s || s->magic == H2_STREAM_MAGIC);
    h->last = s;
    return s;
}

struct h2_stream *
h2_stream_new(struct h2 *h, int32_t id)
{
    struct h2_stream *s = h->spare;

    if (s) {
        h->spare = s->next;
        h->spare_n--;
    } else if (!(s = malloc(sizeof(*s)))) {
        return NULL;
    }
    *s = (struct h2_stream){
        .magic = H2_STREAM_MAGIC,
        .id = id,
        .h2 = h,
        .next = h->streams,
    };
    if (h->streams)
        h->streams->prev = s;
    h->streams = s;
    h->streams_n++;
    return s;
}

void
h2_stream_drop(struct h2_stream *s)
{
    struct h2 *h = s->h2;

    if (s->prev)
        s->prev->next = s->next;
    else
        h->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    h->streams_n--;
    if (h->last == s)
        h->last = NULL;
    s->magic = 0;
    if (h->spare_n == SPARE_MAX) {
        free(s);
        return;
    }
    s->next = h->spare;
    h->spare = s;
    h->spare_n++;
}

void
h2_abuse(struct h2 *h, const char *limit)
{
    if (*h->limit_reached)
        return;
    h->limit_reached = limit;
    h2_terminate(h, H2_ENHANCE_YOUR_CALM);
}

void
h2_glitch(struct h2 *h, size_t cost)
{
    if (cost && !h2_bucket_take(&h->glitches, (uint32_t)cost, h->now_ms))
        h2_abuse(h, "h2_glitches_burst");
}

void
h2_client_reset(struct h2 *h)
{
    if (!h2_bucket_take(&h->resets, 1, h->now_ms))
        h2_abuse(h, "h2_resets_burst");
}

static nghttp2_option *
make_option(const struct h2_limits *limits)
{
    nghttp2_option *o;

    if (nghttp2_option_new(&o))
        return NULL;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_max_outbound_ack(o, limits->acks_n);
    nghttp2_option_set_max_deflate_dynamic_table_size(o, limits->header_table);
    nghttp2_option_set_max_continuations(o, limits->continuations_n);
    /* Its own bucket has a clock of its own; ours is smaller and comes first. */
    nghttp2_option_set_stream_reset_rate_limit(
        o, (uint64_t)limits->resets_burst * 2,
        (uint64_t)limits->resets_per_s * 2);
    /* An origin's head may be 64 KiB on h1 and has to fit. */
    nghttp2_option_set_max_send_header_block_length(o, (size_t)256 * 1024);
    return o;
}

static bool
make_session(struct h2 *h)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option = make_option(h->limits);
    nghttp2_mem memory = h2_memory(h);

    if (!option)
        return false;
    int failed = nghttp2_session_callbacks_new(&callbacks);
    if (!failed) {
        h2_recv_callbacks(callbacks);
        h2_send_callbacks(callbacks);
        failed = h->is_client
                     ? nghttp2_session_client_new3(&h->session, callbacks, h,
                                                   option, &memory)
                     : nghttp2_session_server_new3(&h->session, callbacks, h,
                                                   option, &memory);
        nghttp2_session_callbacks_del(callbacks);
    }
    nghttp2_option_del(option);
    return !failed;
}

#define SETTINGS_MAX 8

/*
 * nghttp2 ends the connection for one stream too many; RFC 9113 §5.1.2 wants that
 * stream alone to end. So nghttp2 believes in no limit, the client is told ours
 * (tell_streams), and begin_stream keeps it.
 */
#define STREAMS_ANY   UINT32_MAX
#define SETTINGS_ITEM ((size_t)6) /* id and value, RFC 9113 §6.5.1 */

bool
h2_session_announce(struct h2 *h, const nghttp2_settings_entry *more, size_t n)
{
    const struct h2_limits *l = h->limits;
    nghttp2_settings_entry entries[SETTINGS_MAX] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, l->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->header_bytes},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, l->header_table},
    };

    assert(n <= SETTINGS_MAX - 4);
    memcpy(entries + 4, more, n * sizeof(*more));
    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries,
                                   4 + n) == 0 &&
           nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE,
                                                 0, (int32_t)l->window) == 0 &&
           !h->is_starved;
}

struct h2 *
h2_session_new(const struct h2_limits *limits, const struct h2_events *events,
               void *conn, bool is_client)
{
    struct h2 *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->magic = H2_MAGIC;
    h->is_client = is_client;
    h->limits = limits;
    h->events = events;
    h->conn = conn;
    h->limit_reached = "";
    h2_walk_init(&h->walk, !is_client);
    h2_bucket_init(&h->resets, limits->resets_burst, limits->resets_per_s);
    h2_bucket_init(&h->glitches, limits->glitches_burst,
                   limits->glitches_per_s);
    if (!make_session(h))
        h2_free(&h);
    return h;
}

struct h2 *
h2_server_new(const struct h2_limits *limits, const struct h2_events *events,
              void *conn)
{
    struct h2 *h = h2_session_new(limits, events, conn, false);
    nghttp2_settings_entry more[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_ANY},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};

    if (h && !h2_session_announce(h, more, limits->takes_connect ? 2 : 1))
        h2_free(&h);
    return h;
}

static void
free_now(struct h2 *h)
{
    nghttp2_session_del(h->session);
    for (struct h2_stream *s = h->spare, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    h->magic = 0;
    free(h);
}

/* What never went out was never seen; the rest of a client's may have been. */
static uint32_t
code_when_lost(const struct h2_stream *s)
{
    if (s->h2->is_client)
        return s->sent ? H2_CANCEL : H2_REFUSED_STREAM;
    return s->answered ? H2_NO_ERROR : H2_CANCEL;
}

void
h2_free(struct h2 **s)
{
    struct h2 *h = *s;

    *s = NULL;
    if (!h || h->doomed)
        return;
    /* From here on no callback of nghttp2 finds a stream. */
    h->doomed = true;
    for (struct h2_stream *stream = h->streams, *next; stream; stream = next) {
        next = stream->next;
        h->events->close(h->conn, stream, code_when_lost(stream));
        h2_stream_drop(stream);
    }
    if (h->depth == 0)
        free_now(h);
}

static bool
is_done(const struct h2 *h)
{
    return h->dead || (!nghttp2_session_want_read(h->session) &&
                       !nghttp2_session_want_write(h->session));
}

static void
enter(struct h2 *h, uint64_t now_ms)
{
    assert(h->magic == H2_MAGIC);
    assert(h->depth == 0);
    h->depth = 1;
    h->now_ms = now_ms;
}

/* `error`: what nghttp2 said; none of it can be mended. */
static enum h2_step
leave(struct h2 *h, ssize_t error)
{
    h->depth = 0;
    if (h->doomed) {
        free_now(h);
        return H2_FREED;
    }
    h->dead |= error < 0 || h->is_starved;
    if (error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS && !*h->limit_reached)
        h->limit_reached = "h2_continuations";
    if (error == NGHTTP2_ERR_FLOODED && !*h->limit_reached)
        h->limit_reached = "h2_acks";
    return is_done(h) ? H2_DONE : H2_OK;
}

/* It used a stream that it had closed by opening a higher one. */
static void
look_back(struct h2 *h)
{
    if (h->walk.went_back)
        h2_terminate(h, H2_PROTOCOL_ERROR);
    h->walk.went_back = false;
}

enum h2_step
h2_feed(struct h2 *s, span bytes, uint64_t now_ms)
{
    ssize_t n = 0;

    enter(s, now_ms);
    while (bytes.len && n >= 0 && !s->dead && !s->doomed &&
           !*s->limit_reached) {
        span piece = span_take(bytes, FEED_MAX);
        n = nghttp2_session_mem_recv(s->session, (const uint8_t *)piece.at,
                                     piece.len);
        if (!s->doomed) {
            h2_glitch(s, H2_GLITCH_FRAME * h2_walk(&s->walk, piece));
            look_back(s);
        }
        bytes = span_skip(bytes, piece.len);
    }
    return leave(s, n);
}

static void
put_u32(char *at, uint32_t n)
{
    for (size_t i = 0; i < sizeof(n); i++)
        at[i] = (char)(n >> (24 - 8 * i));
}

/* The first frame of a server is its SETTINGS: the limit of streams is put in. */
static void
tell_streams(struct h2 *h, char *frame, size_t len)
{
    for (size_t at = H2_FRAME_HEAD; at + SETTINGS_ITEM <= len;
         at += SETTINGS_ITEM)
        if (frame[at] == 0 &&
            frame[at + 1] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
            put_u32(frame + at + 2, h->limits->streams_n);
    h->has_announced = true;
}

static void
put_frames(struct h2 *h, span bytes)
{
    char *at = buf_reserve(h->out, bytes.len);

    if (!at)
        return; /* the buffer remembers */
    memcpy(at, bytes.at, bytes.len);
    if (!h->is_client && !h->has_announced)
        tell_streams(h, at, bytes.len);
    buf_commit(h->out, bytes.len);
}

bool
h2_has_room(const struct h2 *h)
{
    return buf_len(h->out) < h->enough &&
           h->out->max - buf_len(h->out) >= H2_DATA_MAX + 2 * H2_FRAME_HEAD;
}

enum h2_step
h2_gather(struct h2 *s, struct buf *out, size_t enough, uint64_t now_ms)
{
    const uint8_t *data;
    ssize_t n = 1;

    enter(s, now_ms);
    s->out = out;
    s->enough = enough;
    while (n > 0 && !s->dead && h2_has_room(s)) {
        n = nghttp2_session_mem_send(s->session, &data);
        if (s->doomed)
            break;
        if (n > 0)
            put_frames(s, span_of((const char *)data, (size_t)n));
        if (buf_failed(out))
            n = NGHTTP2_ERR_NOMEM;
    }
    s->out = NULL;
    return leave(s, n);
}

bool
h2_wants_write(const struct h2 *s)
{
    return !s->dead && nghttp2_session_want_write(s->session);
}

size_t
h2_streams_n(const struct h2 *s)
{
    return s->streams_n;
}

uint64_t
h2_requests_n(const struct h2 *s)
{
    return s->requests_n;
}

enum err_code
h2_code_of(struct h2 *h, int error)
{
    h->dead |= h->is_starved;
    if (error == 0)
        return h->is_starved ? ERR_LIMIT : OK;
    if (!nghttp2_is_fatal(error))
        return ERR_CONFLICT;
    h->dead = true;
    return ERR_LIMIT;
}

/* An order that fails for want of heap leaves a session that cannot be trusted. */
static void
must(struct h2 *h, int error)
{
    (void)h2_code_of(h, error);
}

void
h2_shutdown_notice(struct h2 *s)
{
    must(s, nghttp2_submit_shutdown_notice(s->session));
}

void
h2_goaway(struct h2 *s)
{
    must(s, nghttp2_submit_goaway(
                s->session, NGHTTP2_FLAG_NONE,
                nghttp2_session_get_last_proc_stream_id(s->session),
                NGHTTP2_NO_ERROR, NULL, 0));
}

void
h2_eof(struct h2 *s)
{
    for (struct h2_stream *stream = s->streams; stream; stream = stream->next)
        if (!stream->ended)
            h2_reset(stream, H2_CANCEL);
    h2_goaway(s);
}

void
h2_terminate(struct h2 *s, enum h2_code code)
{
    must(s, nghttp2_session_terminate_session(s->session, code));
}

size_t
h2_take_refused(struct h2 *s)
{
    size_t n = s->refused_n;

    s->refused_n = 0;
    return n;
}

const char *
h2_limit_reached(const struct h2 *s)
{
    return s->limit_reached;
}

int32_t
h2_stream_id(const struct h2_stream *s)
{
    return s->id;
}

struct h2 *
h2_stream_session(const struct h2_stream *s)
{
    return s->h2;
}

void *
h2_stream_user(const struct h2_stream *s)
{
    return s->user;
}

void
h2_stream_set_user(struct h2_stream *s, void *user)
{
    s->user = user;
}

bool
h2_is_answered(const struct h2_stream *s)
{
    return s->answered;
}
