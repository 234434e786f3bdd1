/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_send: heads, answers and bodies to frames. Bodies are pulled from their source frame by
 * frame and copied once, from the source's run into what is gathered.
 */
#include "proxy/http/h2_session.h"

#include <assert.h>

#define NVS_MORE 2 /* :status and content-length */

/* So many fields need no memory, so that a problem can be told without any. */
#define NVS_USUAL 130

void
h2_nvs_add(struct h2_nvs *nvs, span name, span value)
{
    nghttp2_nv *nv = &nvs->at[nvs->n++];

    assert(nvs->n <= nvs->room);
    /* nghttp2's pointers are not const; it copies both before it returns. */
    memcpy(&nv->name, &name.at, sizeof(nv->name));
    memcpy(&nv->value, &value.at, sizeof(nv->value));
    nv->namelen = name.len;
    nv->valuelen = value.len;
    nv->flags = NGHTTP2_NV_FLAG_NONE;
    if (!value.at)
        nv->value = (uint8_t *)nvs->length; /* any place will do for no bytes */
}

static span
digits_of(uint64_t n, char *at, size_t room)
{
    size_t from = room;

    do
        at[--from] = (char)('0' + n % 10);
    while ((n /= 10) && from);
    return span_of(at + from, room - from);
}

void
h2_nvs_length(struct h2_nvs *nvs, uint64_t n)
{
    h2_nvs_add(nvs, SPAN("content-length"),
               digits_of(n, nvs->length, sizeof(nvs->length)));
}

bool
h2_nvs_fields(struct h2_nvs *nvs, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct field *field = &f->at[i];
        /* RFC 9113 §8.2.2: nothing of one connection. */
        if (field_is(field->id) & FIELD_HOP)
            continue;
        if (nvs->n == nvs->room)
            return false;
        h2_nvs_add(nvs, field->name, field->value);
        /* In HPACK's table it would drive out what comes again, and be
         * compared with each that follows. */
        if (field_is(field->id) & FIELD_ONCE)
            nvs->at[nvs->n - 1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
    return true;
}

static bool
have_room(struct h2_nvs *nvs, struct arena *a, size_t n)
{
    if (n <= nvs->room)
        return true;
    nvs->room = n;
    nvs->at = arena_room(a, n * sizeof(*nvs->at));
    return nvs->at != NULL;
}

static enum err_code
add_head(struct h2_nvs *nvs, struct arena *a, const struct http_head *h)
{
    if (!have_room(nvs, a, h->fields.n + NVS_MORE))
        return ERR_LIMIT;
    h2_nvs_add(nvs, SPAN(":status"),
               digits_of((uint64_t)h->status, nvs->status, 3));
    if (h->has_length && h->status >= 200 && h->status != 204 &&
        (h->body == HTTP_BODY_SIZED || h->body == HTTP_BODY_NONE))
        h2_nvs_length(nvs, h->length);
    return h2_nvs_fields(nvs, &h->fields) ? OK : ERR_LIMIT;
}

static int
send_trailers(struct h2_stream *s, const struct fields *trailers)
{
    H2_UNCLEARED nghttp2_nv usual[NVS_USUAL];
    struct h2_nvs nvs = {.at = usual, .room = NVS_USUAL};

    if (!have_room(&nvs, s->arena, trailers->n) ||
        !h2_nvs_fields(&nvs, trailers))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return nghttp2_submit_trailer(s->h2->session, s->id, nvs.at, nvs.n);
}

/* What the next DATA frame carries: the run is only looked at here. */
static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
        uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, id);
    const struct fields *trailers = NULL;
    bool ends = false, failed = false;

    (void)session, (void)to, (void)source;
    if (!s)
        return h->doomed ? NGHTTP2_ERR_CALLBACK_FAILURE
                         : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (max > H2_DATA_MAX)
        max = H2_DATA_MAX;

    span run = s->source->peek(h->conn, s, max, &ends, &trailers, &failed);
    if (h->doomed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (failed)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM INTERNAL_ERROR */
    if (run.len == 0 && !ends) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    s->run = span_take(run, max);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!ends || s->run.len < run.len)
        return (ssize_t)s->run.len;

    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (trailers && trailers->n) {
        int error = send_trailers(s, trailers);
        if (error)
            return error;
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)s->run.len;
}

nghttp2_data_provider
h2_provider(void)
{
    return (nghttp2_data_provider){.read_callback = on_read};
}

/* The DATA frame that on_read announced, straight into what is gathered. */
static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame,
             const uint8_t *frame_head, size_t len, nghttp2_data_source *source,
             void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);

    (void)session, (void)source;
    if (!s)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    assert(s->run.len == len);

    char *at = buf_reserve(h->out, H2_FRAME_HEAD + len);
    if (!at)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(at, frame_head, H2_FRAME_HEAD);
    if (len)
        memcpy(at + H2_FRAME_HEAD, s->run.at, len);
    buf_commit(h->out, H2_FRAME_HEAD + len);
    s->run = (span){0};
    if (len)
        s->source->took(h->conn, s, len);
    if (h->doomed)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return h2_has_room(h) ? 0 : NGHTTP2_ERR_PAUSE;
}

/*
 * RFC 9113 §8.1: the rest of the request is not wanted, and that is no error.
 * A reset in the same read as the answer makes some clients lose the answer
 * (curl 7.88 does), so what little may be under way is swallowed first.
 */
static void
let_go(nghttp2_session *session, struct h2_stream *s)
{
    bool is_long =
        s->head && s->head->has_length && s->head->length > H2_SWALLOW;

    s->dropping = true;
    /* What somebody still holds keeps the window shut: no more would come. */
    if (is_long || s->unconsumed)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id,
                                  NGHTTP2_NO_ERROR);
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame,
              void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        bool ours = s && s->reset;
        if (s && !ours)
            s->was_malformed = true;
        if (!ours && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            !h->doomed)
            h2_glitch(h, H2_GLITCH_STREAM);
        return 0;
    }
    if (s && frame->hd.type == NGHTTP2_HEADERS)
        s->sent = true;
    if (!s || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
        (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
        return 0;
    s->answered = true;
    if (!s->ended && !h->is_client)
        let_go(session, s);
    return 0;
}

/* An answer that could not be made into frames must not leave its client waiting. */
static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame,
                  int error, void *user_data)
{
    struct h2 *h = h2_of(user_data);
    struct h2_stream *s = h2_stream_of(h, frame->hd.stream_id);

    (void)session, (void)error;
    /* A request that was not sent ends by itself. */
    if (s && frame->hd.type == NGHTTP2_HEADERS && !h->is_client)
        h2_reset(s, H2_INTERNAL_ERROR);
    return 0;
}

enum err_code
h2_answer(struct h2_stream *s, const struct http_head *h,
          const struct h2_source *source)
{
    H2_UNCLEARED nghttp2_nv usual[NVS_USUAL];
    struct h2_nvs nvs = {.at = usual, .room = NVS_USUAL};

    if (h->status < 200 || h->status > 599 ||
        (source && http_status_is_bodyless(h->status)))
        return ERR_INVALID;
    if (s->answering || s->reset || s->h2->doomed)
        return ERR_CONFLICT;
    if (add_head(&nvs, s->arena, h))
        return ERR_LIMIT;

    nghttp2_data_provider provider = h2_provider();
    s->source = source;
    enum err_code code = h2_code_of(
        s->h2, nghttp2_submit_response(s->h2->session, s->id, nvs.at, nvs.n,
                                       source ? &provider : NULL));
    s->answering = code == OK;
    return code;
}

enum err_code
h2_interim(struct h2_stream *s, const struct http_head *h)
{
    H2_UNCLEARED nghttp2_nv usual[NVS_USUAL];
    struct h2_nvs nvs = {.at = usual, .room = NVS_USUAL};

    if (h->status < 100 || h->status > 199 || h->status == 101)
        return ERR_INVALID;
    if (s->answering || s->reset || s->h2->doomed)
        return ERR_CONFLICT;
    if (add_head(&nvs, s->arena, h))
        return ERR_LIMIT;
    return h2_code_of(s->h2,
                      nghttp2_submit_headers(s->h2->session, NGHTTP2_FLAG_NONE,
                                             s->id, NULL, nvs.at, nvs.n, NULL));
}

void
h2_resume(struct h2_stream *s)
{
    if (!s->deferred || s->h2->doomed)
        return;
    s->deferred = false;
    (void)h2_code_of(s->h2, nghttp2_session_resume_data(s->h2->session, s->id));
}

void
h2_reset(struct h2_stream *s, enum h2_code code)
{
    if (s->reset || s->h2->doomed)
        return;
    s->reset = true;
    (void)h2_code_of(s->h2,
                     nghttp2_submit_rst_stream(s->h2->session,
                                               NGHTTP2_FLAG_NONE, s->id, code));
}

void
h2_send_callbacks(nghttp2_session_callbacks *c)
{
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c,
                                                             on_frame_not_send);
}

/* ── windows ─────────────────────────────────────────────────────────────── */

static size_t
as_size(int32_t window)
{
    return window > 0 ? (size_t)window : 0; /* one that shrank may be below 0 */
}

size_t
h2_stream_window(const struct h2_stream *s)
{
    return as_size(
        nghttp2_session_get_stream_remote_window_size(s->h2->session, s->id));
}

size_t
h2_window(const struct h2_stream *s)
{
    return as_size(nghttp2_session_get_remote_window_size(s->h2->session));
}
