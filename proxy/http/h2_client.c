/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h2_client.h"

#include "proxy/http/chars.h"
#include "proxy/http/framing.h"
#include "proxy/http/h2_session.h"
#include "proxy/http/target.h"

#include <assert.h>

/* :method, :protocol, :scheme, :authority, :path, te and content-length. */
#define NVS_MORE 7

/* ── the session ─────────────────────────────────────────────────────────── */

struct h2 *
h2_client_new(const struct h2_limits *limits, const struct h2_events *events,
              void *conn)
{
    struct h2 *h = h2_session_new(limits, events, conn, true);
    /* RFC 9113 §8.4: until it is said, a server may push. */
    nghttp2_settings_entry no_push = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};

    if (h && !h2_session_announce(h, &no_push, 1))
        h2_free(&h);
    return h;
}

bool
h2_client_is_open(const struct h2 *h)
{
    return !h->dead && !h->doomed &&
           nghttp2_session_check_request_allowed(h->session) != 0;
}

size_t
h2_client_streams_max(const struct h2 *h)
{
    uint32_t theirs = nghttp2_session_get_remote_settings(
        h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    return theirs < h->limits->streams_n ? theirs : h->limits->streams_n;
}

bool
h2_client_has_settings(const struct h2 *h)
{
    return h->has_settings;
}

bool
h2_client_may_connect(const struct h2 *h)
{
    return nghttp2_session_get_remote_settings(
               h->session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

size_t
h2_client_room(const struct h2 *h)
{
    size_t max = h2_client_streams_max(h);

    return h2_client_is_open(h) && h->streams_n < max ? max - h->streams_n : 0;
}

void
h2_client_ping(struct h2 *h)
{
    (void)h2_code_of(h,
                     nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL));
}

bool
h2_was_reset(const struct h2_stream *s)
{
    return s->was_reset;
}

bool
h2_was_malformed(const struct h2_stream *s)
{
    return s->was_malformed;
}

/* ── requests ────────────────────────────────────────────────────────────── */

/* nghttp2 sends what it is given; what may be said is checked here. */
static bool
is_askable(const struct http_head *h)
{
    span host;
    uint16_t port;

    return method_is_valid(h->method_token) && h->scheme.len &&
           chars_are_value(h->upgrade) &&
           (span_is(h->path, "*") ? !h->has_query : path_is_valid(h->path)) &&
           query_is_valid(h->query) &&
           authority_split(h->authority, &host, &port) &&
           h->body != HTTP_BODY_UNTIL_CLOSE;
}

static bool
make_nvs(struct h2_nvs *nvs, struct arena *a, const struct http_head *h)
{
    span target = head_target(h);

    nvs->room = h->fields.n + NVS_MORE;
    nvs->at = arena_array(a, nvs->room, sizeof(*nvs->at));
    if (!nvs->at || !target.at)
        return false;
    if (h->upgrade.len) {
        h2_nvs_add(nvs, SPAN(":method"), SPAN("CONNECT"));
        h2_nvs_add(nvs, SPAN(":protocol"), h->upgrade);
    } else {
        h2_nvs_add(nvs, SPAN(":method"), h->method_token);
    }
    h2_nvs_add(nvs, SPAN(":scheme"), h->scheme);
    h2_nvs_add(nvs, SPAN(":authority"), h->authority);
    h2_nvs_add(nvs, SPAN(":path"), target);
    /* RFC 9113 §8.2.2: the one use of TE that is left. */
    if (h->takes_trailers)
        h2_nvs_add(nvs, SPAN("te"), SPAN("trailers"));
    if (h->body == HTTP_BODY_SIZED)
        h2_nvs_length(nvs, h->length);
    return h2_nvs_fields(nvs, &h->fields);
}

enum err_code
h2_client_ask(struct h2 *h, struct arena *a, const struct http_head *head,
              const struct h2_source *source, void *user,
              struct h2_stream **out)
{
    struct h2_nvs nvs = {0};
    nghttp2_data_provider provider = h2_provider();

    if (!is_askable(head))
        return ERR_INVALID;
    if (!h2_client_is_open(h))
        return ERR_CONFLICT;
    struct h2_stream *s = h2_stream_new(h, 0);
    if (!s)
        return ERR_LIMIT;
    s->arena = a;
    s->asked = head->upgrade.len ? METHOD_CONNECT : head->method;
    s->source = source;
    s->user = user;
    s->answering = true;
    fields_init(&s->hops, a);
    int32_t id = make_nvs(&nvs, a, head)
                     ? nghttp2_submit_request(h->session, NULL, nvs.at, nvs.n,
                                              source ? &provider : NULL, s)
                     : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (id < 0) {
        h2_stream_drop(s);
        return id == NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
                   ? ERR_LIMIT
                   : h2_code_of(h, (int)id);
    }
    s->id = id;
    h->requests_n++;
    *out = s;
    return OK;
}

/* ── answers ─────────────────────────────────────────────────────────────── */

void
h2_client_begin_section(struct h2_stream *s)
{
    s->header_bytes = 0;
    fields_init(&s->hops, s->arena);
    s->head = arena_alloc(s->arena, sizeof(*s->head));
    if (!s->head) {
        s->fault = FAULT_NO_ROOM;
        return;
    }
    head_init(s->head, s->arena);
    s->head->version = HTTP_2;
}

enum fault
h2_client_pseudo(struct h2_stream *s, span name, span value)
{
    uint64_t status;

    if (!span_is(name, ":status"))
        return FAULT_NONE; /* nghttp2 lets no other one through */
    if (value.len != 3 || !span_to_u64(value, &status) || status < 100 ||
        status > 599)
        return FAULT_STATUS;
    s->head->status = (int)status;
    return FAULT_NONE;
}

static void
tell_bad(struct h2_stream *s, enum fault fault)
{
    struct h2 *h = s->h2;

    s->dropping = true;
    h2_glitch(h, H2_GLITCH_REQUEST);
    h2_reset(s, H2_PROTOCOL_ERROR);
    h->events->bad_answer(h->conn, s, fault);
}

static enum fault
finish_head(struct h2_stream *s)
{
    struct http_head *h = s->head;
    enum fault fault = s->fault;
    bool is_empty = s->ended && s->asked != METHOD_HEAD &&
                    !http_status_is_bodyless(h ? h->status : 0);

    if (fault)
        return fault;
    assert(h); /* else there was no room for it */
    h->body = s->ended ? HTTP_BODY_SIZED : HTTP_BODY_CHUNKED;
    fault = framing_answer(h, &s->hops, 0, s->asked);
    h->keep_alive = true;
    h->has_length |= is_empty;
    return fault;
}

void
h2_client_section(struct h2_stream *s)
{
    struct h2 *h = s->h2;
    enum fault fault = finish_head(s);

    if (!fault && s->head->status < 200 &&
        ++s->interim_n > h->limits->interim_n)
        fault = FAULT_INTERIM_MANY;
    if (!fault && s->head->status < 200 && s->ended)
        fault = FAULT_CUT_SHORT;
    if (fault) {
        tell_bad(s, fault);
        return;
    }
    if (s->head->status < 200) {
        h->events->interim(h->conn, s, s->head);
        return;
    }
    s->told = true;
    h->events->answer(h->conn, s, s->head, s->ended);
}

void
h2_client_end(struct h2_stream *s)
{
    struct h2 *h = s->h2;

    if (s->fault)
        tell_bad(s, s->fault);
    else
        h->events->end(h->conn, s, h2_kept_trailers(s));
}
