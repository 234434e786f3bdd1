/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation: all that one configuration compiled to.
 *
 * Built aside by a loader, whole or not at all, and immutable from then on;
 * workers and control read it for life. What changes while it lives (weights,
 * latches, health of endpoints) stands in shared segments beside it and is
 * found by the names here.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/problem.h"
#include "proxy/observe/log.h"
#include "proxy/observe/metrics.h"
#include "routing/rollout/plan.h"
#include "translators/cases/proof.h"
#include "translators/shadow/shadow.h"

struct certs_store;   /* certs/store.h */
struct certs_tickets; /* certs/tickets.h */
struct detect;        /* routing/detect.h */
struct lens_api;      /* translators/lens/lens.h */
struct route_table;   /* routing/route.h */
struct split;         /* routing/split.h */
struct ssl_ctx_st;    /* certs/client.h */
struct subject_spec;  /* routing/subject.h */
struct template;
struct translator; /* translators/translation.h */

/* Where to listen: exactly one of host or path. */
struct gen_address {
    span text; /* as written: "0.0.0.0:8080", "[::]:80", "unix:/run/x.sock" */
    span
        host; /* a numeric address, without brackets; empty for a Unix socket */
    uint16_t port;
    span path; /* a Unix socket's, else empty */
};

struct gen_listener {
    struct gen_address at;
    const struct certs_store *tls; /* NULL in clear; files are read at load */
    bool proxy_protocol;           /* each connection begins with its header */
};

struct gen_api {
    span name;
    const struct lens_api *lens;
    const struct detect *detect;
    const struct translator *translator;
};

struct gen_endpoint {
    span url;    /* as written */
    bool is_tls; /* https:// */
    span host;   /* a name or a numeric address */
    uint16_t port;
    span path; /* a Unix socket's, else empty */
    span
        authority; /* host[:port], for the Host field of a request that brings none */
    uint32_t
        slot; /* index over all endpoints of the generation: the endpoints segment's */
};

/* What is spoken with a pool. */
enum gen_http {
    GEN_HTTP_ANY, /* over TLS what the endpoint chooses (ALPN); else HTTP/1.1 */
    GEN_HTTP_1,
    GEN_HTTP_2 /* in clear by prior knowledge */
};

enum gen_balance {
    GEN_BALANCE_P2C,
    GEN_BALANCE_ROUND_ROBIN,
    GEN_BALANCE_HASH /* by a key; p2c for a request without one */
};

/* An endpoint that answers badly is left alone for a while. */
struct gen_eject {
    uint32_t failures; /* in a row; 0: never */
    uint32_t for_ms;
    uint32_t most_ppm; /* of a pool's endpoints, at a time */
};

/* The form of a pool's bodies. */
enum gen_media {
    GEN_MEDIA_ANY, /* nothing is said: as they come */
    GEN_MEDIA_JSON,
    GEN_MEDIA_MSGPACK
};

struct gen_pool {
    span name;
    const struct gen_api *api; /* NULL: a plain pool */
    int version; /* index into api->lens's versions; -1 without api */
    const struct gen_endpoint *endpoints;
    size_t n_endpoints;
    span check_path; /* active health check: empty for none */
    uint32_t check_every_ms;
    enum gen_balance balance;
    const struct subject_spec *hash_by; /* of GEN_BALANCE_HASH */
    struct gen_eject eject;
    uint32_t slow_start_ms; /* until one that came back has its whole share */
    uint64_t requests_max;  /* at a time, of one worker; 0: no limit */
    enum gen_http http;
    enum gen_media media;
    span build_header; /* of its answers: says which build it is; empty: none */
    struct ssl_ctx_st *tls; /* NULL: none of the endpoints wants it */
    span tls_name;          /* whom they must be; empty: their host */
};

/* X(name, default, what): a route's limits of time. */
#define GEN_TIMEOUTS(X)                                                        \
    X(connect_ms, 1000, "until a pool's connection is there (504)")            \
    X(answer_head_ms, 15000,                                                   \
      "until an answer's head is whole, 1xx included (504)")                   \
    X(idle_ms, 15000, "between two pieces of an answer's body (broken off)")   \
    X(total_ms, 60000, "of all of it, but for streams; 0: any (504, broken)")

struct gen_timeouts {
#define X(name, preset, doc) uint32_t name;
    GEN_TIMEOUTS(X)
#undef X
};

struct gen_field {
    span name;
    span value;
};

/* Fields of a head that a route removes first and sets then. */
struct gen_head_edits {
    const struct gen_field *set;
    size_t n_set;
    const span *remove;
    size_t n_remove;
};

/* A share of safe requests is asked of the canary's pool as well, and of the
 * baseline once more; the answers are compared. */
struct gen_shadow {
    uint32_t share_ppm;
    const span *methods;
    size_t n_methods;
    uint64_t body_max;    /* bytes of an answer that is compared */
    uint64_t answers_min; /* of each pair, before a verdict */
    uint64_t places_max;  /* that are told apart */
    struct shadow_rules rules;
};

/* Part of a route's requests goes to another pool. */
struct gen_canary {
    const struct gen_pool *pool;
    uint32_t weight_ppm; /* the file's; what holds is in the weights segment */
    span slot_name; /* "route/orders": names the word in the weights segment */
    const struct split *split;         /* by the canary's own salt */
    const struct gen_shadow *shadow;   /* NULL: nothing is mirrored */
    size_t index;                      /* of generation.n_canaries */
    const struct gen_rollout *rollout; /* that moves it; NULL: by hand */
};

/* A gate that judges the rollout, or a metric whose number is shown with it. */
struct gen_watch {
    span name;
    bool is_metric;
    enum metric metric;
};

#define GEN_WATCHES_MAX ((size_t)16)

/* Why a rollout is made, and how to go back: no rollout is without. */
struct gen_manifest {
    span change; /* of the api; empty: the manifest stands in the rollout */
    span why;
    span owner;
    span guarantee;
    span backout;
    const struct gen_watch
        *watch; /* what is to be looked at meanwhile, at most GEN_WATCHES_MAX */
    size_t n_watch;
};

/* What is asked before the first step. */
struct gen_require {
    bool matrix; /* every client version proven against the canary's pool */
    enum cases_verdict verdict; /* of the cases, as they were at load */
    span why;                   /* unless it is yes */
    bool shadow;              /* mirrored requests compared, and no more new */
    uint64_t new_differences; /* than so many */
};

/* A canary that moves by itself, on routes that share its weight. */
struct gen_rollout {
    span name;
    size_t index;
    struct gen_manifest manifest;
    const struct gen_pool *baseline;
    struct gen_canary canary;
    const struct gen_route **routes; /* of `baseline`, of the one api */
    size_t n_routes;
    const span *platforms; /* only whose platform is one of these; none: all */
    size_t n_platforms;
    struct rollout_plan plan;
    const span *approvers; /* groups; none: any approver */
    size_t n_approvers;
    bool author_may_not; /* approve */
    struct gen_require require;
    const bool *lost; /* by version: its clients could not come back, as cases
                         say; NULL: no api, or no memory for its cases */
    uint32_t capacity_ppm;   /* of the baseline's endpoints, to go back to */
    uint64_t requests_a_day; /* that are expected; 0: not said */
    /* Gates are kept apart by these: how many there are of each, from 1. */
    uint32_t cells_routes, cells_versions, cells_platforms;
    uint64_t shape; /* of cells and plan: what another generation may share */
};

#define GEN_TOKEN_BYTES 32 /* SHA-256 of a token: the token itself is nowhere */

/* Who may do what on the admin API, and how he is known. */
struct gen_user {
    span name;
    bool has_uid; /* on the socket, by the kernel's word */
    uint32_t uid;
    const uint8_t (*tokens)[GEN_TOKEN_BYTES];
    size_t n_tokens;
    span certificate; /* the name in it; empty for none */
    bool is_operator;
    bool is_approver;
    bool may_break_glass; /* an operator: over approvals and windows */
    const span *groups;
    size_t n_groups;
};

/* What becomes of a write whose sender speaks another version than the pool. */
enum gen_write_word {
    GEN_WRITE_LOSE,  /* translated; what the sender cannot see is lost */
    GEN_WRITE_REFUSE /* 409: it would erase what the sender cannot see */
};

struct gen_write {
    span method;
    const struct template *path; /* proxy/base/template.h */
    enum gen_write_word word;
};

/* Where a route sends its clients; status 0: nowhere. What is empty stays. */
struct gen_redirect {
    uint32_t status;
    span scheme, host, path;
};

/* How often one client may ask; requests 0: as it likes. */
struct gen_rate {
    uint64_t requests, per_us, burst;
    const struct subject_spec *by; /* NULL: by address */
};

/* Buckets of a generation's rates: sets of RATE_WAYS words, shared by its workers. */
#define GEN_RATE_SETS  ((size_t)8192)
#define GEN_RATE_WORDS (GEN_RATE_SETS * 8)

/* What of a request's target the pool is told otherwise; empty: as it came. */
struct gen_rewrite {
    span host;
    span strip;  /* "/api": leading segments that go */
    span prefix; /* "/v2": that come before the rest */
};

/* A prefix of an address. */
struct gen_network {
    uint8_t bytes[16]; /* IPv4 in its mapped form, ::ffff:a.b.c.d */
    uint8_t prefix_bits;
};

struct gen_route {
    span name;
    size_t index;
    const struct gen_api *api; /* NULL: a plain proxy, nothing is detected */
    const struct gen_pool
        *pool; /* the baseline; nameless where it answers itself */
    const struct gen_canary *canary;     /* by hand; NULL without */
    const struct gen_rollout **rollouts; /* then it has no canary by hand */
    size_t n_rollouts;
    const struct subject_spec *subject; /* NULL: nobody has a subject here */
    span platform_header;               /* empty: no platform */
    struct gen_timeouts timeouts;
    uint64_t held_request; /* bytes, of a body that is held to translate it */
    uint64_t held_answer;
    struct gen_head_edits request;
    struct gen_head_edits answer;
    const struct gen_write
        *writes; /* the first that fits decides; none: lose */
    size_t n_writes;
    bool stream;    /* idle time-out only: what is a stream has no total */
    bool websocket; /* may become one (RFC 6455, RFC 8441) */

    /* Before a pool is asked: proxy/server/gate.h. */
    const struct gen_network *allow; /* none: everybody */
    size_t n_allow;
    struct gen_rate rate;
    span maintenance; /* what is told; empty: it serves */
    uint32_t retry_after_ms;
    struct gen_redirect redirect;
    uint32_t answer_status; /* of an answer of its own; 0: a pool's */
    span answer_media, answer_body;
    struct gen_rewrite rewrite;
    bool whole; /* `kind: whole`: PATCH with plain JSON is a whole document */
    bool
        strict_patches; /* `patch: strict`: what would fail at the client's version
                            fails here too */
};

/*
 * SAFETY.md's table: name, default, the most it may be, whether it is counted under
 * its name when it is reached (a part of another one is not), unit; `stile check
 * --defaults` prints it. A head is built in a worker's room for heads, a depth is
 * gone down by calls, and what a stream may buffer is far below what a queue may:
 * beyond these the limit itself would not hold.
 */
#define GEN_LIMIT_MS    ((uint64_t)86400000)   /* a day */
#define GEN_LIMIT_N     ((uint64_t)10000000)   /* a count */
#define GEN_LIMIT_BYTES ((uint64_t)16777216)   /* buffered */
#define GEN_LIMIT_HELD  ((uint64_t)1073741824) /* held, or a second */
#define GEN_LIMIT_HEAP  ((uint64_t)1 << 40)    /* of a whole process */
#define GEN_COUNTED     true
#define GEN_PART        false
#define GEN_LIMITS(X)                                                          \
    X(memory, 0, GEN_LIMIT_HEAP, GEN_PART,                                     \
      "bytes a worker; 0: half of the machine's, over all")                    \
    X(memory_high_percent, 90, 100, GEN_COUNTED,                               \
      "of memory: then new requests are refused (503)")                        \
    X(memory_full_percent, 95, 100, GEN_COUNTED,                               \
      "of memory: then new connections are (503 or close)")                    \
    X(request_line, 8192, 65536, GEN_COUNTED, "bytes of a request line (414)") \
    X(field_line, 8192, 65536, GEN_COUNTED, "bytes of one header line (431)")  \
    X(head_bytes, 32768, 65536, GEN_COUNTED,                                   \
      "bytes of a request's header section (431)")                             \
    X(head_fields, 100, 1000, GEN_COUNTED, "fields of a header section (431)") \
    X(connection_names, 32, 1000, GEN_COUNTED,                                 \
      "fields that Connection names (400)")                                    \
    X(answer_head_bytes, 65536, 65536, GEN_COUNTED,                            \
      "bytes of an answer's header section (502)")                             \
    X(trailer_bytes, 8192, 65536, GEN_COUNTED,                                 \
      "bytes of a trailer section (400)")                                      \
    X(trailer_fields, 16, 1000, GEN_COUNTED,                                   \
      "fields of a trailer section (400)")                                     \
    X(chunk_line, 256, 65536, GEN_COUNTED, "bytes of a chunk-size line (400)") \
    X(chunk_extensions, 16384, GEN_LIMIT_BYTES, GEN_COUNTED,                   \
      "bytes of chunk extensions a message (400)")                             \
    X(chunk_size_digits, 16, 16, GEN_COUNTED,                                  \
      "digits of a chunk size, leading zeros included (400)")                  \
    X(h2_streams, 100, 10000, GEN_COUNTED,                                     \
      "concurrent streams of a connection (REFUSED_STREAM)")                   \
    X(h2_stream_window, 65536, GEN_LIMIT_BYTES, GEN_PART,                      \
      "bytes of a body that a stream's client sends ahead")                    \
    X(h2_window, 1048576, GEN_LIMIT_HELD, GEN_PART,                            \
      "the same of all streams of a connection")                               \
    X(h2_header_table, 4096, 4096, GEN_PART,                                   \
      "bytes of HPACK's table, each way")                                      \
    X(h2_continuations, 8, 1000, GEN_COUNTED,                                  \
      "CONTINUATION frames a header block (GOAWAY)")                           \
    X(h2_acks, 100, GEN_LIMIT_N, GEN_COUNTED,                                  \
      "acknowledgements that wait unread (close)")                             \
    X(h2_resets_burst, 200, GEN_LIMIT_N, GEN_COUNTED,                          \
      "client resets at once (GOAWAY)")                                        \
    X(h2_resets_a_second, 20, GEN_LIMIT_N, GEN_PART,                           \
      "client resets refilled a second")                                       \
    X(h2_glitches_burst, 1000, GEN_LIMIT_N, GEN_COUNTED,                       \
      "glitches at once (GOAWAY)")                                             \
    X(h2_glitches_a_second, 100, GEN_LIMIT_N, GEN_PART,                        \
      "glitches refilled a second")                                            \
    X(stream_high, 65536, GEN_LIMIT_BYTES, GEN_COUNTED,                        \
      "bytes buffered a stream and way: stop reading")                         \
    X(stream_low, 32768, GEN_LIMIT_BYTES, GEN_PART,                            \
      "bytes buffered a stream and way: read again")                           \
    X(held_request, 1048576, GEN_LIMIT_HELD, GEN_COUNTED,                      \
      "bytes of a request held to translate it (413)")                         \
    X(held_answer, 4194304, GEN_LIMIT_HELD, GEN_COUNTED,                       \
      "bytes of an answer held to translate it (502)")                         \
    X(held_percent, 25, 100, GEN_COUNTED,                                      \
      "of memory that all of these may hold together (413, 502)")              \
    X(request_commit, 1048576, GEN_LIMIT_HELD, GEN_PART,                       \
      "bytes of translated request kept back")                                 \
    X(answer_commit, 65536, GEN_LIMIT_HELD, GEN_PART,                          \
      "bytes of translated answer kept back")                                  \
    X(detect_bytes, 16384, GEN_LIMIT_BYTES, GEN_COUNTED,                       \
      "bytes of a body searched for a marker (400)")                           \
    X(json_depth, 128, 1000, GEN_COUNTED, "levels of a JSON document (400)")   \
    X(output_ratio, 4, 1000, GEN_COUNTED,                                      \
      "translated output: times the input, plus 64 KiB")                       \
    X(inflated_ratio, 200, 10000, GEN_COUNTED,                                 \
      "a coded request: times its bytes, plus 64 KiB (413)")                   \
    X(inflated_answer_ratio, 2000, 10000, GEN_COUNTED,                         \
      "a coded answer: times its bytes, plus 64 KiB (502)")                    \
    X(head_ms, 10000, GEN_LIMIT_MS, GEN_COUNTED,                               \
      "until a request's head is whole (408)")                                 \
    X(body_ms, 60000, GEN_LIMIT_MS, GEN_COUNTED,                               \
      "until a request's body is whole (408)")                                 \
    X(body_rate, 1024, GEN_LIMIT_HELD, GEN_COUNTED,                            \
      "bytes a second a body must bring after 5 s (408)")                      \
    X(send_ms, 10000, GEN_LIMIT_MS, GEN_COUNTED,                               \
      "without progress while sending (close)")                                \
    X(send_rate, 1024, GEN_LIMIT_HELD, GEN_COUNTED,                            \
      "bytes a second a client must take (close)")                             \
    X(send_window_ms, 30000, GEN_LIMIT_MS, GEN_PART,                           \
      "over which send_rate is looked at")                                     \
    X(idle_h1_ms, 10000, GEN_LIMIT_MS, GEN_COUNTED,                            \
      "a kept-alive connection may be idle (close)")                           \
    X(idle_h2_ms, 60000, GEN_LIMIT_MS, GEN_COUNTED,                            \
      "an HTTP/2 connection without streams (GOAWAY)")                         \
    X(requests_a_connection, 0, GEN_LIMIT_N, GEN_COUNTED,                      \
      "requests of a connection; 0: any (close, GOAWAY)")                      \
    X(handshake_ms, 5000, GEN_LIMIT_MS, GEN_COUNTED,                           \
      "of a TLS handshake (close)")                                            \
    X(stream_idle_ms, 300000, GEN_LIMIT_MS, GEN_COUNTED,                       \
      "without a byte on what is a stream")                                    \
    X(retry_percent, 20, 100, GEN_COUNTED,                                     \
      "of the requests under way may be second tries")                         \
    X(retry_floor, 3, GEN_LIMIT_N, GEN_PART,                                   \
      "second tries that are always allowed")                                  \
    X(drain_ms, 30000, GEN_LIMIT_MS, GEN_COUNTED,                              \
      "a draining generation may take")                                        \
    X(upstream_kept, 64, GEN_LIMIT_N, GEN_COUNTED,                             \
      "idle connections kept an endpoint and worker; more for a second")       \
    X(upstream_idle_ms, 4000, GEN_LIMIT_MS, GEN_COUNTED,                       \
      "an upstream connection may be idle")                                    \
    X(upstream_streams, 100, 10000, GEN_PART,                                  \
      "requests at a time on an upstream h2 connection")                       \
    X(upstream_ping_ms, 10000, GEN_LIMIT_MS, GEN_COUNTED,                      \
      "of silence on a busy h2 upstream: PING, close")                         \
    X(interim_answers, 8, 1000, GEN_COUNTED,                                   \
      "1xx answers before the final one (502)")                                \
    X(connections, 0, GEN_LIMIT_N, GEN_COUNTED,                                \
      "connections a worker; 0: 90 % of its descriptors")                      \
    X(connections_per_client, 0, GEN_LIMIT_N, GEN_COUNTED,                     \
      "connections of one address; 0: any (close)")                            \
    X(accepts_a_second, 0, GEN_LIMIT_N, GEN_COUNTED,                           \
      "new connections; 0: any (503 or close)")                                \
    X(late_ms, 40, GEN_LIMIT_MS, GEN_COUNTED,                                  \
      "requests may wait for a worker (503)")                                  \
    X(request_arena, 67108864, GEN_LIMIT_HELD, GEN_COUNTED,                    \
      "bytes of memory one request may use (500)")

struct gen_limits {
#define X(name, preset, most, counted, doc) uint64_t name;
    GEN_LIMITS(X)
#undef X
};

struct generation {
    struct arena *arena; /* owns all that is named here */
    span file;           /* the configuration's path, absolute */
    uint64_t number;     /* the supervisor's count; 0 for `check` */

    const struct gen_listener *listeners;
    size_t n_listeners;
    bool has_observe;
    struct gen_address observe;
    span admin_socket;
    bool has_remote;                      /* the admin API over TLS */
    struct gen_address remote;            /* where */
    const struct certs_store *remote_tls; /* never in clear */
    span state_dir;                       /* SQLite, exposure file */
    span access_log; /* a path, "stdout", "syslog:PATH", or empty for none */
    enum log_level log_level; /* of the workers */
    unsigned n_workers;       /* 0: one a core */

    const struct gen_api *apis;
    size_t n_apis;
    const struct gen_pool *pools;
    size_t n_pools;
    const struct gen_route *routes; /* in the order of the file */
    size_t n_routes;
    const struct gen_rollout *rollouts;
    size_t n_rollouts;
    size_t n_canaries;            /* those of routes, and of rollouts */
    const struct gen_user *users; /* none: the kernel's word alone */
    size_t n_users;
    size_t n_endpoints; /* over all pools: slots of the endpoints segment */
    const struct route_table *router;
    const struct gen_network *trust; /* whose word about others is believed */
    size_t n_trust;
    struct gen_limits limits;
};

/*
 * Read, check and compile the configuration at `path`: the very code that the
 * proxy loads with. Every finding is put in `problems`; with one there the
 * answer is ERR_INVALID and *out is NULL. `tickets` are the keys that TLS
 * contexts seal session tickets with; NULL gives out none. Reads files
 * (includes, change files, certificates), opens no socket.
 */
MUST_CHECK enum err_code generation_load(const char *path,
                                         const struct certs_tickets *tickets,
                                         struct problems *problems,
                                         struct generation **out);

/* Give a generation back; *g becomes NULL. */
void generation_free(struct generation **g);

/* By name; NULL if there is none. */
const struct gen_route *generation_route(const struct generation *g, span name);
const struct gen_pool *generation_pool(const struct generation *g, span name);
const struct gen_api *generation_api(const struct generation *g, span name);
const struct gen_rollout *generation_rollout(const struct generation *g,
                                             span name);

/* The canary that requests of this platform may be sent to; NULL: there is none. */
const struct gen_canary *gen_route_canary(const struct gen_route *route,
                                          span platform);

/* The canary to which the route's requests are mirrored; NULL: there is none. */
const struct gen_canary *gen_route_shadow(const struct gen_route *route);

/* In which of a rollout's cells such a request is counted. */
uint32_t gen_rollout_cell(const struct gen_rollout *r,
                          const struct gen_route *route, int client,
                          span platform);

/* How many there are. */
uint32_t gen_rollout_cells_n(const struct gen_rollout *r);

/* What a cell is of; `at` is NULL where it is of all of them, and no version is "". */
struct gen_cell {
    span route, version, platform;
};
void gen_rollout_cell_names(const struct gen_rollout *r, uint32_t i,
                            struct gen_cell *out);

/*
 * The cells that have requests of these, a bit each: where another configuration keeps them apart otherwise, those that
 * one of its cells has become.
 */
uint32_t gen_rollout_cells_like(const struct gen_rollout *r,
                                const struct gen_cell *names);

/* "orders v2 ios": what cell `i` is of; `size` >= 64. */
void gen_rollout_cell_text(const struct gen_rollout *r, uint32_t i, char *out,
                           size_t size);
