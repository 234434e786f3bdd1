/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lens: an API's change files, checked, as tables of two-way arrows.
 *
 * What is here has been proved loadable: every place, form, symbol and word is
 * resolved, every conflict was refused with file, line and column. It is
 * immutable, lives in one arena, and holds no program: the reference
 * interprets it as it stands, the fused engine compiles it. Names follow
 * LANGUAGE.md; what the fields mean when a document comes is SEMANTICS.md,
 * "One step".
 *
 * Sides: wherever a field is an array of two, index it by enum lens_side. Going
 * up reads LENS_OLDER and writes LENS_NEWER; going down the other way round. So
 * code that takes `read` and `write = lens_other(read)` serves both directions.
 *
 * In parts: shapes.h has places and tests, values.h how a value is written, arrows.h
 * arrows and blocks; here are types, messages, tables and the api.
 */
#pragma once

#include "translators/lens/arrows.h"

struct problems; /* proxy/base/problem.h */
struct template; /* proxy/base/template.h; paths of messages */

/* ---- types ---------------------------------------------------------------------------------- */

/* A typed place inside a type, at one version. */
struct lens_child {
    struct lens_place place;
    size_t type;
    struct lens_shape when; /* of the value there */
    struct lens_shape
        guard; /* of the object of the type itself: a place that a case
                                at the type moved is typed only while the case fits */
    /*
     * Set where, at this version, the place lies in a value that an arrow of the table
     * to the next version spells otherwise (JSON in a text): the typed place is `inside`
     * the value that `through` reads from `place`. Else NULL.
     */
    const struct lens_way *through;
    struct lens_place inside;
};

struct lens_constant {
    struct lens_place place;
    const struct json *value;
};

/* What a type is at one version. */
struct lens_type_at {
    const struct lens_child *children;
    size_t n_children;
    const struct lens_place *markers; /* none: n_markers is 0 */
    const struct json *const *marks;  /* what each marker must hold */
    size_t n_markers;
    const struct lens_constant *constants; /* written, not read */
    size_t n_constants;
    const struct lens_place *keeps; /* objects never removed */
    size_t n_keeps;
};

struct lens_type {
    span name;
    unsigned line; /* in api.yaml */
    unsigned column;
    bool has_key;
    struct lens_place key;
    bool has_version_at; /* a record says its own version, */
    struct lens_place
        version_at; /* here: keys alone, and no arrow leads to or from it */
    /* `empty_hosts: same`: an object that is empty and none say the same, so a patch
     * may leave one behind or make one. */
    bool empty_hosts_same;
    const struct lens_type_at *at; /* by version */
};

/* ---- messages ---------------------------------------------------------------------------------- */

enum lens_way_of { LENS_REQUEST = 1, LENS_ANSWER = 2 };

/*
 * Which messages. Of a method and path: requests, and answers with a 2xx status
 * (other answers have types of their own, by `status`). Of `status 4xx 422 [media]`:
 * answers alone. Of `event NAME`: the data of such events in an answer; those
 * without a name are `message` (WHATWG HTML §9.2.6), and of a path's type, too.
 */
struct lens_message {
    span text;                   /* as written */
    unsigned ways;               /* of enum lens_way_of */
    span method;                 /* empty: any */
    const struct template *path; /* NULL: any */
    const uint16_t *statuses;    /* 4, 5: a class; 100 and more: that code */
    size_t n_statuses;           /* 0: 2xx where it types an answer */
    span media;                  /* type/subtype, lower case; empty: any */
    bool is_event;
    bool is_event_prefix; /* `order.*`: names that begin with `event` */
    span event;
};

/* A message as it comes, for lens_message_fits. */
struct lens_occasion {
    bool is_answer;
    span method; /* of the request, for an answer too */
    span path;   /* of the request, without query */
    unsigned status;
    span media;    /* type/subtype without parameters; empty if there is none */
    bool is_event; /* one of a stream of server-sent events */
    span event;    /* its name; empty if it has none */
};

bool lens_message_fits(const struct lens_message *m,
                       const struct lens_occasion *o);

/* A type in the body of a message, at one version. */
struct lens_site {
    struct lens_message message;
    struct lens_place place; /* in the body; n == 0: the whole body */
    struct lens_shape when;  /* of the value there */
    size_t type;
    struct lens_origin origin; /* in api.yaml */
};

/* ---- tables -------------------------------------------------------------------------------------- */

/* What kind of message arrows are asked about. A failure is an answer other than
 * 2xx: its body is not what the route's arrows speak of. */
enum lens_message_kind { LENS_OF_REQUEST, LENS_OF_ANSWER, LENS_OF_FAILURE };
#define LENS_PARTS 3

/* `status: {enum: {204: {to: 200, body: {up: {}, down: none}}}}`: what an answer has for
 * a body on the side being written, when the status turned into the other. */
struct lens_status_body {
    span status[2];
    bool says[2];               /* by the side being written */
    const struct json *body[2]; /* NULL: none */
};

/*
 * Arrows on the message itself, an object {method, path/NAME, query/NAME,
 * header/NAME, status, body}; header names are in lower case. Values of path,
 * query and header are texts, status is a number, body is what the message
 * carries. Path and query are of requests, status is of answers.
 */
struct lens_http {
    struct lens_origin origin;
    /* As each side names it; the same unless `moved`. n_statuses is 0, and here means
     * any status. */
    struct lens_message route[2];
    bool moved; /* `to: METHOD /path` */
    bool gone;  /* the newer version has no such route */
    bool paths; /* the path is written anew: moved, or an arrow on path/NAME */
    const struct lens_block
        *block; /* all of them, for the checks; without cases */
    const struct lens_block
        *parts[LENS_PARTS]; /* those that a message can meet */
    bool joins[LENS_PARTS]; /* one of them asks the body or leads there */
    /* One of those speaks of the head as well: a body of many records has one head. */
    bool crosses[LENS_PARTS];
    const struct lens_status_body *bodies;
    size_t n_bodies;
};

/*
 * By method and path, whatever the status, as the older side names the message.
 * One that moved is of the messages alone of which it is the nearest route
 * (lens_route_of); that is the caller's to ask.
 */
bool lens_http_fits(const struct lens_http *h, const struct lens_occasion *o);

/* ---- what is declared ---------------------------------------------------------------------------- */

enum lens_declared_kind { LENS_EFFECT, LENS_FETCH, LENS_HOOK };

/* What no message rewriting can do: acknowledged, never executed. */
struct lens_declared {
    struct lens_origin origin;
    enum lens_declared_kind kind;
    span at;         /* as written */
    bool is_message; /* else a type, or a place of one: reported alone */
    struct lens_message message;
    span note; /* what happens */
    span ack;  /* who took note of it */
    bool
        fails; /* fetch and hook without `else: pass`: the message is refused */
};

/* "effect", "fetch", "hook". */
const char *lens_declared_word(enum lens_declared_kind kind);

/* An event that is called otherwise, or that the newer version has not. */
struct lens_event {
    struct lens_origin origin;
    span name[2];
    bool gone;
};

/* All that changes between versions[i] and versions[i + 1]. */
struct lens_table {
    const struct lens_block *const
        *blocks; /* by type; NULL: no arrows (its children
                                               and markers may still change) */
    const struct lens_http *http;
    size_t n_http;
    const struct lens_declared *declared;
    size_t n_declared;
    const struct lens_event *events;
    size_t n_events;
    size_t n_arrows; /* cases included */
};

#define LENS_NO_DATE INT32_MIN

struct lens_version {
    span label;
    int32_t date; /* days since 1970-01-01, or LENS_NO_DATE */
    int32_t deprecated;
    int32_t sunset;
    span link;
    bool internal; /* nobody speaks it: detection never answers with it */
    const struct json
        *marker; /* `marker:`, or NULL: the label as a text stands for it */
};

/* ---- detection, as written; routing judges it ---------------------------------------------------------- */

enum lens_source_kind {
    LENS_SOURCE_HEADER,      /* name */
    LENS_SOURCE_MEDIA,       /* text: application/vnd.shop.{version}+json */
    LENS_SOURCE_MEDIA_PARAM, /* name */
    LENS_SOURCE_CLIENT,      /* name (a header), builds */
    LENS_SOURCE_QUERY,       /* name */
    LENS_SOURCE_PATH,        /* text: /apis/{version}/ */
    LENS_SOURCE_PIN,         /* name, pins */
    LENS_SOURCE_BODY
};

struct lens_build {
    span platform;
    span range; /* ">=4.0 <7.12" */
    size_t version;
    unsigned line;
    unsigned column;
};

struct lens_pin {
    span key; /* as the table has it */
    size_t version;
};

struct lens_source {
    enum lens_source_kind kind;
    span name;
    span text;
    const struct lens_build *builds;
    size_t n_builds;
    span pin_file; /* PIN: name is "header:Authorization" or "cookie:sid" */
    const struct lens_pin *pins;
    size_t n_pins;
    unsigned line; /* in api.yaml */
    unsigned column;
};

struct lens_detect {
    const struct lens_source *sources; /* in order */
    size_t n_sources;
    int missing; /* a version; -1: refuse */
    /* `unknown:` can only be refuse. */
    span echo; /* a header; empty: none */
    bool agree;
};

/* ---- the whole -------------------------------------------------------------------------------------------- */

struct lens_api {
    span name; /* `api:` */
    span file; /* api.yaml as it was named to lens_load */
    const struct lens_version *versions; /* oldest first */
    size_t n_versions;
    const struct lens_type *types;
    size_t n_types;
    const struct lens_table *tables; /* n_versions - 1 */
    /* Body sites by version, in order of api.yaml. */
    const struct lens_site *const *sites;
    const size_t *n_sites;
    const struct lens_change *changes; /* by table, then by name */
    size_t n_changes;
    struct lens_detect detect;
    bool has_bytes; /* some arrow has the form `bin` */
};

/* What the bytes of one file are, for lens_load_text. */
struct lens_text {
    span name; /* "changes/2-v1.yaml" */
    span text;
};

/*
 * Read api.yaml at `path` (or in the folder `path`) and changes/ *.yaml beside it, check
 * them, and build the api in `a`. Every finding goes to `problems`; with an error among
 * them the answer is ERR_INVALID and *out stays as it was. ERR_IO: a file cannot be
 * read (also a problem). ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code lens_load(struct arena *a, const char *path,
                                   struct problems *problems,
                                   const struct lens_api **out);

/* The same from memory: `api` is api.yaml, `changes` the change files, in any order.
 * Tables of pins are not read. */
MUST_CHECK enum err_code lens_load_text(struct arena *a, struct lens_text api,
                                        const struct lens_text *changes,
                                        size_t n_changes,
                                        struct problems *problems,
                                        const struct lens_api **out);

/* The method of a request to a route that was asked with `method` by another name. */
span lens_route_method(const struct lens_message *to, span method);

/* Is the place of a message in path, query or header, where values are texts? */
bool lens_place_is_text(const struct lens_place *place);

/* What a table says of an event that side `named` calls so; NULL: nothing. */
const struct lens_event *lens_event_of(const struct lens_table *t,
                                       enum lens_side named, span name);

/* Where a message stands in a table. */
enum lens_route_state {
    LENS_ROUTE_HERE, /* *out is the nearest route that speaks of it, or NULL */
    LENS_ROUTE_GONE, /* the newer version has none: 410 */
    LENS_ROUTE_UNKNOWN, /* a name that the side being read does not have: 404 */
};

/* The route of a message that side `named` calls so. */
enum lens_route_state lens_route_of(const struct lens_table *t,
                                    enum lens_side named,
                                    const struct lens_occasion *o,
                                    const struct lens_http **out);

/*
 * The line of the message in the neighbouring version, as far as it is known
 * before its body: parts of the path that come from elsewhere are `-`. Texts
 * that are new live in `a`. False: `a` is full.
 */
MUST_CHECK bool lens_route_turn(struct arena *a, const struct lens_http *h,
                                enum lens_side named, span *method, span *path);

/* The version of this label; -1 if there is none. */
int lens_version_of(const struct lens_api *api, span label);

/* The type of this name; -1 if there is none. */
int lens_type_of(const struct lens_api *api, span name);

/* "full", "read", "write", "none". */
const char *lens_guarantee_word(enum lens_guarantee g);
