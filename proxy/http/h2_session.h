/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_session: what the h2 files of this room share. Nobody else includes it.
 *
 * A callback of nghttp2 that told an event asks h2_is_doomed before it touches
 * session or stream again: the event may have freed both.
 */
#pragma once

#include "proxy/http/h2.h"
#include "proxy/http/h2_guard.h"

#include <nghttp2/nghttp2.h>

#define H2_MAGIC        0x68327373u
#define H2_STREAM_MAGIC 0x68327374u

/* Largest payload of a DATA frame we send, and its header. */
#define H2_DATA_MAX   ((size_t)16384)
#define H2_FRAME_HEAD ((size_t)9)

/* What an abuse costs of the bucket of glitches. */
enum h2_glitch {
    H2_GLITCH_FRAME =
        1, /* PING, SETTINGS, PRIORITY, empty DATA, small window, unknown */
    H2_GLITCH_REQUEST = 5, /* a request we refuse */
    H2_GLITCH_STREAM = 5,  /* a stream that nghttp2 had to reset */
    H2_GLITCH_INVALID = 5, /* a frame that breaks the protocol */
};

struct h2 {
    uint32_t magic;
    unsigned depth; /* inside h2_feed or h2_gather */
    nghttp2_session *session;
    const struct h2_limits *limits;
    const struct h2_events *events;
    void *conn;
    struct h2_stream *streams; /* open ones */
    struct h2_stream *last;    /* that was asked for, of them; or NULL */
    struct h2_stream *spare;   /* closed ones, to be used again */
    size_t streams_n;
    size_t spare_n;
    uint64_t requests_n;
    uint64_t now_ms;
    struct h2_bucket resets;
    struct h2_bucket glitches;
    struct h2_walk walk;
    struct buf *out;           /* while h2_gather runs */
    size_t enough;             /* the same */
    const char *limit_reached; /* "" if none: then nothing more is read */
    bool is_client;            /* we ask: h2_client.h */
    size_t refused_n;          /* streams beyond their limit, not asked yet */
    bool has_settings;         /* the peer's came */
    bool has_announced;        /* a server's: its SETTINGS went out */
    bool doomed;               /* h2_free was called inside an event */
    bool dead;                 /* nghttp2 gave up: nothing in or out */
    bool is_starved;           /* it had no memory: it will be dead */
};

struct h2_stream {
    uint32_t magic;
    int32_t id;
    struct h2 *h2;
    void *user;
    struct arena *arena;
    struct http_head *head;
    struct fields *trailers; /* NULL until there are some */
    struct fields hops;
    const struct h2_source *source;
    struct h2_stream *prev, *next;
    size_t header_bytes; /* of the section being read, expanded */
    size_t unconsumed;   /* told by `body`, not yet given back */
    size_t swallowed;    /* of the body, since the answer went out whole */
    span run;            /* what the next DATA frame carries */
    enum fault fault;    /* of the section being read */
    enum method asked;   /* a client's: by what */
    uint32_t interim_n;  /* a client's: 1xx so far */
    bool told;           /* `request`, or the final `answer`, was told */
    bool dropping;       /* what still comes is thrown away */
    bool ended;          /* the peer sent END_STREAM */
    bool answering;      /* h2_answer was called */
    bool sent;           /* a client's: its HEADERS went out */
    bool answered;       /* our END_STREAM was sent */
    bool was_reset;      /* by the peer */
    bool was_malformed;  /* nghttp2 reset it: RFC 9113 §8.1.1 */
    bool deferred;       /* the source had nothing */
    bool reset;          /* we asked for a reset */
};

struct h2 *h2_of(void *user_data);

/* NULL if it is none of ours (any more). */
struct h2_stream *h2_stream_of(struct h2 *h, int32_t id);

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
void h2_stream_drop(struct h2_stream *s);

/* What of a request's body is thrown away behind its answer before the stream is
 * reset: about what a client has under way. */
#define H2_SWALLOW ((size_t)64 * 1024)

/* Count against a bucket; the connection ends when it is empty. */
void h2_glitch(struct h2 *h, size_t cost);
void h2_client_reset(struct h2 *h);

/* GOAWAY ENHANCE_YOUR_CALM, and why. */
void h2_abuse(struct h2 *h, const char *limit);

/*
 * May h2_gather go on? It has room for the largest frame of ours at every turn,
 * so that no run is left announced and not sent.
 */
bool h2_has_room(const struct h2 *h);

/* A session of either side, without its SETTINGS; NULL: no heap. */
struct h2 *h2_session_new(const struct h2_limits *limits,
                          const struct h2_events *events, void *conn,
                          bool is_client);

/* Our windows and what else every session of ours announces. */
bool h2_session_announce(struct h2 *h, const nghttp2_settings_entry *more,
                         size_t n);

/* For nghttp2 to take its memory from: h2_memory.c. */
nghttp2_mem h2_memory(struct h2 *h);

/* What nghttp2 returned, as ours; after a fatal one the session is dead. */
enum err_code h2_code_of(struct h2 *h, int error);

/* A large local that is written before it is read: not cleared, where builds clear. */
#define H2_UNCLEARED __attribute__((uninitialized))

/* Names and values for a header block, in their first member's order. */
struct h2_nvs {
    nghttp2_nv *at;
    size_t n, room;
    char status[3];
    char length[20];
};

void h2_nvs_add(struct h2_nvs *nvs, span name, span value);
void h2_nvs_length(struct h2_nvs *nvs, uint64_t n);
/* All but those of one connection; false if the room ends. */
bool h2_nvs_fields(struct h2_nvs *nvs, const struct fields *f);

/* Where nghttp2 pulls a stream's body: h2_send.c. */
nghttp2_data_provider h2_provider(void);

/* A section of an answer is whole (h2_client.c). */
void h2_client_section(struct h2_stream *s);
void h2_client_begin_section(struct h2_stream *s);
enum fault h2_client_pseudo(struct h2_stream *s, span name, span value);
void h2_client_end(struct h2_stream *s);

/* Trailers without what may not be one; NULL if nothing is left. */
struct fields *h2_kept_trailers(struct h2_stream *s);

/* The callbacks of each direction. */
void h2_recv_callbacks(nghttp2_session_callbacks *c);
void h2_send_callbacks(nghttp2_session_callbacks *c);
