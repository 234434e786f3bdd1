/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference: SEMANTICS.md's "One step" in code, one version after another.
 *
 * The oracle: parse to a tree, translate, print. Slow and obvious on purpose;
 * every other engine is compared with it. Pure: what it says depends on the
 * chain, the facts of the message and its bytes alone.
 */
#pragma once

#include "proxy/base/buf.h"
#include "translators/lens/lens.h"
#include "translators/reference/report.h"

struct reference_sites {
    const struct lens_site *const *at;
    size_t n;
};

/* The http blocks of one table that a message meets. */
struct reference_heads {
    const struct lens_http *const *at;
    size_t n;
    const struct lens_http
        *route; /* the nearest, that names parts of its path, or NULL */
};

/* What applies to one message on its way between two versions. */
struct reference_chain {
    const struct lens_api *api;
    size_t from;
    size_t to;
    const struct reference_sites *sites; /* by version: types in its body */
    enum lens_message_kind kind;
    const struct reference_heads *heads; /* by table: arrows on the message */
    bool
        reads_versions; /* an element of a list may say its own (`version_at`) */
};

struct reference_facts {
    bool is_request;
    bool replaces;    /* a whole document takes another's place: PUT */
    bool may_erase;   /* the route says `write: lose` */
    bool never_erase; /* the route says `write: refuse` */
    span method;
    span platform;
    size_t depth_max;
    bool
        comes_packed; /* the body was, or is to be, MessagePack, and what that */
    bool goes_packed; /* says beyond JSON is carried (json/carried.h) */
};

struct reference_report {
    struct translation_fault fault;
    struct translation_notice *notices;
    size_t n_notices;
    size_t room_notices;
    translation_trace_fn trace; /* NULL: not asked for */
    void *trace_arg;
};

/*
 * Translate a body; the document is appended to `out`. On failure nothing is
 * appended and report->fault says why. Notices are added to the report, and
 * live in `a`.
 */
MUST_CHECK enum err_code reference_body(struct arena *a,
                                        const struct reference_chain *chain,
                                        const struct reference_facts *facts,
                                        span body, struct buf *out,
                                        struct reference_report *report);

/*
 * Translate one value of a type alone, over all steps of the chain, of which the sites
 * are not asked: what becomes of it inside of a document that holds it, where nothing
 * looks into it from around. *gone: it has no form there, and nothing is appended.
 * Offsets and pointers are into `value`.
 */
MUST_CHECK enum err_code
reference_value(struct arena *a, const struct reference_chain *chain,
                const struct reference_facts *facts, size_t type, span value,
                struct buf *out, bool *gone, struct reference_report *report);

struct reference_field {
    span name; /* of a header: in lower case */
    span value;
    size_t tag; /* the caller's; SIZE_MAX for what was made */
};

/* What the places `path/…`, `query/…`, `header/…` and `status` see. */
struct reference_head {
    span method;                   /* of a request */
    span path;                     /* raw, as the version names it */
    struct reference_field *query; /* decoded; in order */
    size_t n_query;
    struct reference_field *header;
    size_t n_header;
    unsigned status; /* 0: a request */
};

/*
 * Translate a message as one object. What was in the head keeps its tag under
 * whatever name, what goes is missing, what comes is last. `body` is empty where
 * there is none, and where it goes its own way (`out` is NULL then); what it
 * becomes is appended to `out`, nothing if there is none any more.
 */
MUST_CHECK enum err_code
reference_message(struct arena *a, const struct reference_chain *chain,
                  const struct reference_facts *facts,
                  const struct reference_head *in, span body,
                  struct reference_head *head_out, struct buf *out,
                  struct reference_report *report);

/* Can a value of this type change between neighbouring versions? */
bool reference_changes(const struct lens_api *api, size_t type, size_t from,
                       size_t to);
