/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect: which version of an API a client speaks.
 *
 * Sources are asked in order and the first that speaks decides. What it says
 * is a known version, or the request is refused: never silently another one.
 * Within one source everything must name the same version (a header that comes
 * twice, Accept beside Content-Type), else DETECT_CONFLICT.
 *
 *   header       a label, or a date: the newest version not later than it.
 *                Trimmed; a list is every element of it; empty says nothing.
 *   media        "application/vnd.shop.{version}+json" in Content-Type and in
 *                Accept, where the best known range is taken (highest q, then
 *                first); an unknown label counts only if no known one is there
 *   media_param  likewise, a parameter of any media type
 *   client       "ios/7.11.2" or "ios 7.11.2": the build by semver ranges. A
 *                platform, build or shape without a rule says nothing
 *   query        a parameter's label
 *   path         a template, a prefix of the path. Where its literals fit and
 *                no label does, the first segment there is an unknown version
 *   pin          a header's or cookie's value, hashed, found in a table
 *   body         the marker in the body: DETECT_NEEDS_BODY. Asked only if there
 *                is a body and nothing before it spoke
 *
 * Internal versions cannot be spoken: they are unknown.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "routing/facts.h"

#define DETECT_NO_DATE     INT32_MIN
#define DETECT_NONE        (-1)
#define DETECT_LABEL_MAX   64  /* bytes of a label */
#define DETECT_SOURCES_MAX 16  /* of one API */
#define DETECT_HASH_MAX    129 /* hex digits and NUL of a pin's key */

struct detect; /* immutable; lives in the arena it was built in */

/* ---- what it is built from ---- */

struct detect_version {
    span label;         /* letters, digits and -._~:@/+ */
    span link;          /* about the deprecation; may be empty */
    int32_t date;       /* days, routing/date.h; or DETECT_NO_DATE */
    int32_t deprecated; /* likewise */
    int32_t sunset;     /* likewise */
    bool internal;      /* a stepping stone nobody speaks */
};

#define DETECT_KINDS(X)                                                        \
    X(HEADER, "header")                                                        \
    X(MEDIA, "media")                                                          \
    X(MEDIA_PARAM, "media_param")                                              \
    X(CLIENT, "client")                                                        \
    X(QUERY, "query")                                                          \
    X(PATH, "path")                                                            \
    X(PIN, "pin")                                                              \
    X(BODY, "body")

enum detect_kind {
#define X(name, word) DETECT_##name,
    DETECT_KINDS(X)
#undef X
};

/* client: builds of `platform` (no case) in `range` speak `label`. */
struct detect_client {
    span platform; /* "ios" */
    span range;    /* ">=4.0 <7.12": < <= > >= =, all of them hold */
    span label;
};

/* pin: the account whose key has this hash speaks `label`. */
struct detect_pin {
    span hash; /* hex, lower case, as detect_hash_fn writes it */
    span label;
};

struct detect_source {
    enum detect_kind kind;
    /*
     * HEADER, CLIENT: a field name. MEDIA: a media type with {version}.
     * MEDIA_PARAM, QUERY: a parameter's name. PATH: a template with {version}.
     * PIN: "header:NAME", "cookie:NAME" or "certificate". BODY: empty.
     */
    span text;
    const struct detect_client *clients;
    size_t n_clients;
    const struct detect_pin *pins;
    size_t n_pins;
};

/* Hash a pin's key to hex and NUL: certs/digest.h has digest_sha256_hex. */
typedef void (*detect_hash_fn)(span key, char *hex);

struct detect_spec {
    const struct detect_version *versions; /* oldest first */
    size_t n_versions;
    const struct detect_source *sources; /* in order */
    size_t n_sources;
    span missing; /* the label assumed when nothing spoke; empty: refuse */
    span echo;    /* field name for the version used; empty: no echo */
    bool agree;   /* sources that differ are a conflict */
    detect_hash_fn hash; /* needed by PIN alone */
};

/*
 * Where in the spec a finding belongs: a version, or a source and the rule or
 * pin in it (DETECT_NONE where it is about the whole).
 */
struct detect_finding {
    bool is_error; /* else a warning: builds between two ranges have no rule */
    int version;
    int source;
    int item;
    char text[ERR_TEXT_MAX];
};

typedef void (*detect_report_fn)(void *ctx, const struct detect_finding *f);

/*
 * Build; everything is copied. Each finding goes to `report` (may be NULL), all
 * of them; `e` keeps the first error. ERR_INVALID: at least one error.
 */
MUST_CHECK enum err_code detect_build(struct arena *a,
                                      const struct detect_spec *spec,
                                      detect_report_fn report, void *ctx,
                                      const struct detect **out, struct err *e);

/* ---- what it answers ---- */

#define DETECT_OUTCOMES(X)                                                     \
    X(SPOKEN, "a source named a known version")                                \
    X(ASSUMED, "nothing spoke: the version that `missing` names")              \
    X(MISSING, "nothing spoke and `missing` says refuse (400)")                \
    X(UNKNOWN, "a source named no version of ours (400, detect_known)")        \
    X(CONFLICT, "two that must agree do not (400)")                            \
    X(NEEDS_BODY, "the marker decides: detect_body goes on")                   \
    X(PREFLIGHT, "a CORS preflight has no version: to the baseline")

enum detect_outcome {
#define X(name, doc) DETECT_##name,
    DETECT_OUTCOMES(X)
#undef X
};

struct detect_result {
    enum detect_outcome outcome;
    int version;           /* SPOKEN and ASSUMED, else DETECT_NONE */
    int source;            /* index of what spoke, or DETECT_NONE */
    enum detect_kind kind; /* of that source */
    bool by_date;          /* a date was said, not a label */
    span text;             /* what was said, as it came; borrowed */
    int other_source;      /* CONFLICT: the one that says something else */
    span other_text;
};

/* Ask the sources. Allocates nothing and cannot fail; refusals are outcomes. */
void detect_run(const struct detect *d, const struct facts *f,
                struct detect_result *out);

/*
 * After DETECT_NEEDS_BODY: the marker was read (by the translator, which knows
 * what markers look like) and is `version`'s; or DETECT_NONE, with the text of
 * a marker that is nobody's, or an empty `text` if there is no marker, and
 * then the sources after `body` are asked.
 */
void detect_body(const struct detect *d, const struct facts *f, int version,
                 span text, struct detect_result *out);

/* A version's index by its label, internal ones too; or DETECT_NONE. */
int detect_find(const struct detect *d, span label);

/* Of a version: its label. */
span detect_label(const struct detect *d, int version);

/* "v1, v2, v3": the versions that can be spoken, for the 400. */
span detect_known(const struct detect *d);

/* "header" */
const char *detect_kind_name(enum detect_kind kind);
/* "SPOKEN", for logs and `explain`. */
const char *detect_outcome_name(enum detect_outcome outcome);

/* ---- what goes on the answer ---- */

/*
 * Where a pool is told its version when nothing in the request can say it (it
 * was assumed, or told by a client build or a pin): the first header source's
 * field. Empty: there is none. LANGUAGE.md, law 6: a second hop knows.
 */
span detect_spoken_field(const struct detect *d, const struct detect_result *r);

/* The echo field's name; empty: none. Its value is detect_label. */
span detect_echo(const struct detect *d);

/*
 * What Vary must gain: "Api-Version, Accept, Content-Type", every field that
 * was looked at until one decided. Empty: nothing.
 */
span detect_vary(const struct detect *d, const struct detect_result *r);

struct detect_notice {
    bool is_gone;     /* past its sunset: 410, with the fields below */
    span deprecation; /* "@1748736000" (RFC 9745), or empty */
    span sunset;      /* "Thu, 31 Dec 2026 00:00:00 GMT" (RFC 8594), or empty */
    span link;        /* <url>; rel="deprecation sunset", or empty */
};

/* What a client of `version` is told at `now_s` (Unix seconds). */
void detect_notice(const struct detect *d, int version, int64_t now_s,
                   struct detect_notice *out);

/* ---- the version's words rewritten ---- */

struct detect_field {
    span name;
    span value;
};

/*
 * `fields`: take away every field of that name and put this one. `path` and
 * `query` are always set, to what they were if nothing changes in them.
 */
struct detect_rewrite {
    span path;
    span query;
    const struct detect_field *fields;
    size_t n_fields;
};

/*
 * What a request must carry upstream so that everything in its head that names
 * a version names `to`: every header, media, media_param, query and path source
 * that speaks, not the deciding one alone. A date becomes `to`'s date, or its
 * label if it has none. What says nothing stays silent. client, pin and body
 * need nothing here. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code detect_rewrite_request(const struct detect *d,
                                                struct arena *a,
                                                const struct facts *f, int to,
                                                struct detect_rewrite *out,
                                                struct err *e);

struct detect_answer {
    facts_field_fn field;
    const void *message;
    const span *authorities; /* "shop.example:8443": whose URIs are ours; the */
    size_t n_authorities;    /* client's Host and the endpoint's, say */
    bool by_date;            /* the client said a date: detect_result.by_date */
};

/*
 * The way back: Content-Type, the header sources' own fields, and the targets
 * of Location, Content-Location and Link, where they name the pool's version
 * `from`, name the client's `to`. A URI of another authority is left alone.
 * out->path and out->query are empty. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code
detect_rewrite_answer(const struct detect *d, struct arena *a,
                      const struct detect_answer *answer, int from, int to,
                      struct detect_rewrite *out, struct err *e);
