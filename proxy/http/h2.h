/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2: HTTP/2 (RFC 9113) between bytes and messages, over nghttp2: the server's
 * side, and what both sides share. The client's is h2_client.h.
 *
 * No sockets, no clock: bytes are fed, bytes are gathered, now_ms is an
 * argument. After any h2_feed or order to a stream call h2_gather until it has
 * nothing, and write all of it at once.
 *
 *     h2_feed(s, bytes, now)  -> events: open, request, body*, end, close
 *     h2_answer(stream, ...)     body by pull: h2_resume when there is more
 *     h2_gather(s, &buf, 64 KiB)
 *
 * Nothing is taken from the peer faster than it is consumed: windows open only
 * by h2_consumed, and the rest of a closed stream is given back for the
 * connection by itself.
 *
 * Abuse is counted here: client resets and glitches in two buckets, header
 * lists while they are decoded. At the limit comes GOAWAY ENHANCE_YOUR_CALM.
 * What a request is to others ends with its stream, at the caller's: so those that
 * are worked on are never more than those that are open.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "proxy/http/fault.h"
#include "proxy/http/head.h"

struct h2;        /* one connection */
struct h2_stream; /* one request; valid from `open` until `close` returns */

/* Error codes of RFC 9113 §7, those we send ourselves. */
enum h2_code {
    H2_NO_ERROR = 0x0,
    H2_PROTOCOL_ERROR = 0x1,
    H2_INTERNAL_ERROR = 0x2,
    H2_REFUSED_STREAM = 0x7, /* never once the origin saw a byte */
    H2_CANCEL = 0x8,
    H2_ENHANCE_YOUR_CALM = 0xb,
};

struct h2_limits {
    uint32_t streams_n; /* SETTINGS_MAX_CONCURRENT_STREAMS; more are refused */
    uint32_t stream_window; /* bytes */
    uint32_t window;        /* bytes, the connection's */
    uint32_t header_table;  /* HPACK's, each way; at most 4096 */
    uint32_t header_bytes;  /* expanded, 32 for each field added */
    uint32_t fields_n;      /* as for h1 */
    uint32_t line_bytes;    /* name and value of one field; as for h1 */
    uint32_t target_bytes;  /* :path; as the h1 request line */
    uint32_t trailer_bytes; /* expanded */
    uint32_t trailer_fields_n;
    uint32_t continuations_n; /* frames a header block */
    uint32_t interim_n;       /* 1xx answers before the final one; a client's */
    uint32_t acks_n;          /* unread SETTINGS and PING acknowledgements */
    uint32_t resets_burst;    /* RST_STREAM from the client, and a second */
    uint32_t resets_per_s;
    uint32_t glitches_burst; /* what no honest client needs many of */
    uint32_t glitches_per_s;
    bool takes_connect; /* a server's: extended CONNECT (RFC 8441) */
};

/* SAFETY.md's defaults. */
extern const struct h2_limits h2_limits_default;

/*
 * What happens, told inside h2_feed and h2_gather. `conn` is h2_server_new's.
 * Every `open` is followed by exactly one `close`, whatever comes between.
 * Any function of this header may be called from them, h2_free too, but
 * h2_feed and h2_gather.
 */
struct h2_events {
    /*
     * A server's: a stream begins. Returns the arena its head and trailers go into, which
     * stays until `close`; NULL refuses the stream (REFUSED_STREAM; no `close`).
     */
    struct arena *(*open)(void *conn, struct h2_stream *s);

    /* Its head; `ends`: there is no body, and no `end` follows. */
    void (*request)(void *conn, struct h2_stream *s, struct http_head *head,
                    bool ends);

    /*
     * Instead of `request`: answer it fault_status() and a reason. Its body is
     * taken and dropped by itself; neither `body` nor `end` follows. Also in
     * place of `end`, if the trailers are at fault.
     */
    void (*bad_request)(void *conn, struct h2_stream *s, enum fault f);

    /* A client's: a 1xx that is not the last word; never 101. */
    void (*interim)(void *conn, struct h2_stream *s, struct http_head *head);

    /*
     * A client's: the answer's head; `ends`: no body, and no `end` follows. It is
     * SIZED of length 0 where nothing said that it has none.
     */
    void (*answer)(void *conn, struct h2_stream *s, struct http_head *head,
                   bool ends);

    /*
     * A client's, in place of `interim`, `answer` or `end`: what came is no
     * answer. The stream is being reset; `close` follows.
     */
    void (*bad_answer)(void *conn, struct h2_stream *s, enum fault f);

    /* Body bytes, borrowed; give their number to h2_consumed when they are gone. */
    void (*body)(void *conn, struct h2_stream *s, span bytes);

    /* The message is complete; `trailers` is NULL if there were none. */
    void (*end)(void *conn, struct h2_stream *s, struct fields *trailers);

    /*
     * The stream is over: answered whole (H2_NO_ERROR, and h2_is_answered), or
     * reset by either side, or lost with the connection (h2_free). To a client
     * H2_REFUSED_STREAM says that the request was not processed: it never went
     * out, or the server says so (h2_was_reset: of this stream alone).
     */
    void (*close)(void *conn, struct h2_stream *s, uint32_t code);
};

/*
 * The answer's body, pulled while h2_gather runs, as the windows allow.
 * `peek`: a run of bytes that can go now, at most `max` of them are taken;
 * empty and not *ends means none yet: h2_resume when there are. *ends: nothing
 * follows this run; *trailers (NULL) may be set then. *failed resets the stream
 * INTERNAL_ERROR: a broken origin never ends in END_STREAM.
 * `took`: `n` bytes of the run have been copied. The run of `peek` is used
 * before anything else is called.
 */
struct h2_source {
    span (*peek)(void *conn, struct h2_stream *s, size_t max, bool *ends,
                 const struct fields **trailers, bool *failed);
    void (*took)(void *conn, struct h2_stream *s, size_t n);
};

/* A server's session; its SETTINGS are ready to be gathered. NULL: no heap. */
MUST_CHECK struct h2 *h2_server_new(const struct h2_limits *limits,
                                    const struct h2_events *events, void *conn);

/*
 * Gives `close` for every stream still open and ends it; *s becomes NULL. Inside
 * an event it is done when the running h2_feed or h2_gather ends, which then
 * returns H2_FREED; no event follows but those closes, which come at once.
 */
void h2_free(struct h2 **s);

enum h2_step {
    H2_OK,
    H2_DONE,  /* nothing to read or write any more: close when all is written */
    H2_FREED, /* h2_free was called from an event: do not touch the session */
};

/* Take all of `bytes`; never keeps a part. After H2_DONE, gather and close. */
enum h2_step h2_feed(struct h2 *s, span bytes, uint64_t now_ms);

/*
 * Append what is to be sent, until there is nothing or `out` holds `enough`
 * bytes (it may hold up to 32 KiB more: give it that room).
 */
enum h2_step h2_gather(struct h2 *s, struct buf *out, size_t enough,
                       uint64_t now_ms);

/* Would h2_gather give something? */
bool h2_wants_write(const struct h2 *s);

/* The connection's end of a stream's bytes, or lost ones: windows open again. */
void h2_consumed(struct h2_stream *s, size_t n);

/* From now on the peer may send so many bytes of this stream ahead. */
void h2_widen(struct h2_stream *s, uint32_t window);

/*
 * Bytes of body that the peer's windows let us send: the stream's, and the
 * connection's, which all its streams share (RFC 9113 §5.2).
 */
size_t h2_stream_window(const struct h2_stream *s);
size_t h2_window(const struct h2_stream *s);

/*
 * The final answer. `source` NULL: no body (HEAD, 204, 304). has_length with
 * SIZED writes content-length. Once a stream; ERR_CONFLICT otherwise or when
 * the stream is gone, ERR_LIMIT if it is too large, ERR_INVALID for its status.
 */
MUST_CHECK enum err_code h2_answer(struct h2_stream *s,
                                   const struct http_head *h,
                                   const struct h2_source *source);

/* A 1xx before it (103, or 100 to one that expects_continue). */
MUST_CHECK enum err_code h2_interim(struct h2_stream *s,
                                    const struct http_head *h);

/* The source has bytes, its end, or its failure to tell. */
void h2_resume(struct h2_stream *s);

/* End it without more ado; `close` follows from h2_gather. */
void h2_reset(struct h2_stream *s, enum h2_code code);

/* Was our message sent whole, END_STREAM included? */
bool h2_is_answered(const struct h2_stream *s);

int32_t h2_stream_id(const struct h2_stream *s);
struct h2 *h2_stream_session(const struct h2_stream *s);
void *h2_stream_user(const struct h2_stream *s);
void h2_stream_set_user(struct h2_stream *s, void *user);

/* Streams open now, and requests seen since the beginning. */
size_t h2_streams_n(const struct h2 *s);
uint64_t h2_requests_n(const struct h2 *s);

/*
 * Draining: first the notice (GOAWAY with the highest id), a moment later
 * h2_goaway (the real one). Streams begun before are served to their end.
 */
void h2_shutdown_notice(struct h2 *s);
void h2_goaway(struct h2 *s);

/*
 * A server's: nothing more will come, and what is written may still arrive. What
 * was asked whole is answered, what was not is reset; then H2_DONE.
 */
void h2_eof(struct h2 *s);

/* GOAWAY with a code and the end of the connection. */
void h2_terminate(struct h2 *s, enum h2_code code);

/* A server's: how many streams were refused for `streams_n` since it was last asked. */
size_t h2_take_refused(struct h2 *s);

/* Why it was ended for abuse: "h2_resets_burst", "h2_glitches_burst", "head_bytes"; or "". */
const char *h2_limit_reached(const struct h2 *s);
