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

struct reference_blocks {
    const struct lens_block *const *at;
    size_t n;
};

/* What applies to one message on its way between two versions. */
struct reference_chain {
    const struct lens_api *api;
    size_t from;
    size_t to;
    const struct reference_sites *sites;  /* by version: types in its body */
    const struct reference_blocks *heads; /* by table: arrows on its head */
};

struct reference_facts {
    bool is_request;
    bool replaces;    /* a whole document takes another's place: PUT */
    bool may_erase;   /* the route says `write: lose` */
    bool never_erase; /* the route says `write: refuse` */
    span method;
    span platform;
    size_t depth_max;
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

struct reference_field {
    span name; /* of a header: in lower case */
    span value;
    size_t tag; /* the caller's; SIZE_MAX for what was made */
};

/* Query, header and status as the places `query/…`, `header/…`, `status` see them. */
struct reference_head {
    struct reference_field *query; /* decoded; in order */
    size_t n_query;
    struct reference_field *header;
    size_t n_header;
    unsigned status; /* 0: a request */
};

/* Translate a head: what was there keeps its tag under whatever name, what goes is
 * missing, what comes is last. */
MUST_CHECK enum err_code reference_head(struct arena *a,
                                        const struct reference_chain *chain,
                                        const struct reference_facts *facts,
                                        const struct reference_head *in,
                                        struct reference_head *out,
                                        struct reference_report *report);

/* Can a value of this type change between neighbouring versions? */
bool reference_changes(const struct lens_api *api, size_t type, size_t from,
                       size_t to);
