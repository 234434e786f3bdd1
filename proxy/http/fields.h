/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: a list of header or trailer fields, in the order in which they came.
 *
 * It lives in an arena with all its bytes. Always true: every name in it is a
 * lower-case token and every value holds no CR, LF, NUL or other control but
 * tab, so that whatever is written from it stays on its line. fields_add and
 * fields_set refuse the rest with ERR_INVALID.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

/* What is so of a field. */
#define FIELD_HOP 1u /* between two neighbours: taken out, never forwarded */
#define FIELD_STAYS                                                            \
    2u /* Connection may not name it (an attack, answered 400) */
#define FIELD_NO_TRAILER 4u /* framing, routing, auth: dropped from trailers */
#define FIELD_ONCE       8u /* its value is one message's: not worth remembering */

/* id, lower-case, as commonly spelled, what is so of it. At most 63. */
#define FIELDS(X)                                                              \
    X(FIELD_ACCEPT, "accept", "Accept", 0u)                                    \
    X(FIELD_ACCEPT_ENCODING, "accept-encoding", "Accept-Encoding", 0u)         \
    X(FIELD_ACCEPT_LANGUAGE, "accept-language", "Accept-Language", 0u)         \
    X(FIELD_ACCEPT_RANGES, "accept-ranges", "Accept-Ranges", 0u)               \
    X(FIELD_AGE, "age", "Age", 0u)                                             \
    X(FIELD_ALLOW, "allow", "Allow", 0u)                                       \
    X(FIELD_AUTHORIZATION, "authorization", "Authorization",                   \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_CACHE_CONTROL, "cache-control", "Cache-Control", FIELD_NO_TRAILER) \
    X(FIELD_CONNECTION, "connection", "Connection",                            \
      FIELD_HOP | FIELD_NO_TRAILER)                                            \
    X(FIELD_CONTENT_DISPOSITION, "content-disposition", "Content-Disposition", \
      0u)                                                                      \
    X(FIELD_CONTENT_ENCODING, "content-encoding", "Content-Encoding",          \
      FIELD_NO_TRAILER)                                                        \
    X(FIELD_CONTENT_LANGUAGE, "content-language", "Content-Language", 0u)      \
    X(FIELD_CONTENT_LENGTH, "content-length", "Content-Length",                \
      FIELD_HOP | FIELD_STAYS | FIELD_NO_TRAILER)                              \
    X(FIELD_CONTENT_LOCATION, "content-location", "Content-Location", 0u)      \
    X(FIELD_CONTENT_RANGE, "content-range", "Content-Range", FIELD_NO_TRAILER) \
    X(FIELD_CONTENT_TYPE, "content-type", "Content-Type", FIELD_NO_TRAILER)    \
    X(FIELD_COOKIE, "cookie", "Cookie", FIELD_STAYS | FIELD_NO_TRAILER)        \
    X(FIELD_DATE, "date", "Date", FIELD_NO_TRAILER)                            \
    X(FIELD_DEPRECATION, "deprecation", "Deprecation", 0u)                     \
    X(FIELD_DIGEST, "digest", "Digest", FIELD_ONCE)                            \
    X(FIELD_ETAG, "etag", "ETag", 0u)                                          \
    X(FIELD_EXPECT, "expect", "Expect", FIELD_HOP | FIELD_NO_TRAILER)          \
    X(FIELD_EXPIRES, "expires", "Expires", FIELD_NO_TRAILER)                   \
    X(FIELD_FORWARDED, "forwarded", "Forwarded",                               \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_HOST, "host", "Host", FIELD_HOP | FIELD_STAYS | FIELD_NO_TRAILER)  \
    X(FIELD_HTTP2_SETTINGS, "http2-settings", "HTTP2-Settings",                \
      FIELD_HOP | FIELD_NO_TRAILER)                                            \
    X(FIELD_IDEMPOTENCY_KEY, "idempotency-key", "Idempotency-Key", FIELD_ONCE) \
    X(FIELD_IF_MATCH, "if-match", "If-Match", FIELD_NO_TRAILER)                \
    X(FIELD_IF_MODIFIED_SINCE, "if-modified-since", "If-Modified-Since",       \
      FIELD_NO_TRAILER)                                                        \
    X(FIELD_IF_NONE_MATCH, "if-none-match", "If-None-Match", FIELD_NO_TRAILER) \
    X(FIELD_IF_RANGE, "if-range", "If-Range", FIELD_NO_TRAILER)                \
    X(FIELD_IF_UNMODIFIED_SINCE, "if-unmodified-since", "If-Unmodified-Since", \
      FIELD_NO_TRAILER)                                                        \
    X(FIELD_KEEP_ALIVE, "keep-alive", "Keep-Alive",                            \
      FIELD_HOP | FIELD_NO_TRAILER)                                            \
    X(FIELD_LAST_MODIFIED, "last-modified", "Last-Modified", 0u)               \
    X(FIELD_LINK, "link", "Link", 0u)                                          \
    X(FIELD_LOCATION, "location", "Location", FIELD_NO_TRAILER)                \
    X(FIELD_ORIGIN, "origin", "Origin", 0u)                                    \
    X(FIELD_PROXY_AUTHENTICATE, "proxy-authenticate", "Proxy-Authenticate",    \
      FIELD_NO_TRAILER)                                                        \
    X(FIELD_PROXY_AUTHORIZATION, "proxy-authorization", "Proxy-Authorization", \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_PROXY_CONNECTION, "proxy-connection", "Proxy-Connection",          \
      FIELD_HOP | FIELD_NO_TRAILER)                                            \
    X(FIELD_RANGE, "range", "Range", FIELD_NO_TRAILER)                         \
    X(FIELD_REFERER, "referer", "Referer", 0u)                                 \
    X(FIELD_RETRY_AFTER, "retry-after", "Retry-After", FIELD_NO_TRAILER)       \
    X(FIELD_SERVER, "server", "Server", 0u)                                    \
    X(FIELD_SET_COOKIE, "set-cookie", "Set-Cookie", FIELD_NO_TRAILER)          \
    X(FIELD_SUNSET, "sunset", "Sunset", 0u)                                    \
    X(FIELD_TE, "te", "TE", FIELD_HOP | FIELD_NO_TRAILER)                      \
    X(FIELD_TRACEPARENT, "traceparent", "Traceparent", FIELD_ONCE)             \
    X(FIELD_TRACESTATE, "tracestate", "Tracestate", 0u)                        \
    X(FIELD_TRAILER, "trailer", "Trailer", FIELD_NO_TRAILER)                   \
    X(FIELD_TRANSFER_ENCODING, "transfer-encoding", "Transfer-Encoding",       \
      FIELD_HOP | FIELD_STAYS | FIELD_NO_TRAILER)                              \
    X(FIELD_UPGRADE, "upgrade", "Upgrade", FIELD_HOP | FIELD_NO_TRAILER)       \
    X(FIELD_USER_AGENT, "user-agent", "User-Agent", 0u)                        \
    X(FIELD_VARY, "vary", "Vary", FIELD_NO_TRAILER)                            \
    X(FIELD_VIA, "via", "Via", 0u)                                             \
    X(FIELD_WWW_AUTHENTICATE, "www-authenticate", "WWW-Authenticate",          \
      FIELD_NO_TRAILER)                                                        \
    X(FIELD_X_FORWARDED_FOR, "x-forwarded-for", "X-Forwarded-For",             \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_FORWARDED_HOST, "x-forwarded-host", "X-Forwarded-Host",          \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_FORWARDED_PORT, "x-forwarded-port", "X-Forwarded-Port",          \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_FORWARDED_PREFIX, "x-forwarded-prefix", "X-Forwarded-Prefix",    \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_FORWARDED_PROTO, "x-forwarded-proto", "X-Forwarded-Proto",       \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_REAL_IP, "x-real-ip", "X-Real-IP",                               \
      FIELD_STAYS | FIELD_NO_TRAILER)                                          \
    X(FIELD_X_REQUEST_ID, "x-request-id", "X-Request-ID", FIELD_ONCE)

enum field_id {
    FIELD_OTHER, /* a name outside the table */
#define X(id, lower, spelled, is) id,
    FIELDS(X)
#undef X
        FIELD_IDS
};

struct field {
    span name;    /* lower-case; what to compare with */
    span spelled; /* as it came, or as commonly written: what h1 writes */
    span value;   /* without the space around it; may be empty */
    enum field_id id;
};

/* Walk it with for (size_t i = 0; i < f->n; i++) f->at[i] */
struct fields {
    struct arena *arena;
    struct field *at;
    size_t n;
    size_t room;
    uint64_t present; /* bit field_id: there is at least one */
};

/* An empty list; no memory taken yet. */
void fields_init(struct fields *f, struct arena *a);

/* The first field with this id (not FIELD_OTHER) or this lower-case name; else NULL. */
const struct field *fields_find(const struct fields *f, enum field_id id);
const struct field *fields_get(const struct fields *f, span name);

/* The next one of the same name after `after`, which must be in the list; else NULL. */
const struct field *fields_next(const struct fields *f,
                                const struct field *after);

/* The value of the first one, or an empty span with a null pointer. */
span fields_value(const struct fields *f, enum field_id id);

/*
 * Put one at the end; any case of `name`. Both are copied into the arena.
 * ERR_INVALID: not a token, or a control in the value. ERR_LIMIT: arena full.
 */
MUST_CHECK enum err_code fields_add(struct fields *f, span name, span value);

/* The same, and the only one of that name: all others go, the first keeps its place. */
MUST_CHECK enum err_code fields_set(struct fields *f, span name, span value);

/*
 * The same by id (not FIELD_OTHER), for what every message is given: the value is
 * not copied and lives as long as the list.
 */
MUST_CHECK enum err_code fields_add_id(struct fields *f, enum field_id id,
                                       span value);
MUST_CHECK enum err_code fields_set_id(struct fields *f, enum field_id id,
                                       span value);

/* Take out all of that name; how many there were. Pointers into the list move. */
size_t fields_remove(struct fields *f, span name);
size_t fields_remove_id(struct fields *f, enum field_id id);

/* A copy of the whole list with its bytes in `a`. False at its limit. */
MUST_CHECK bool fields_copy(const struct fields *f, struct arena *a,
                            struct fields *out);

/* The id of a name in any case; FIELD_OTHER if unknown. */
enum field_id field_id_of(span name);
span field_lower(enum field_id id); /* "content-type"; empty for FIELD_OTHER */
span field_spelled(enum field_id id); /* "Content-Type" */
unsigned field_is(enum field_id id);  /* FIELD_HOP | ... */

/* A token (RFC 9110 §5.6.2); a value without controls but tab. */
bool field_name_is_valid(span name);
bool field_value_is_valid(span value);
