/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what a translation has to say besides the document.
 *
 * Why it failed, which declared losses happened, and, when asked, what each
 * version step did. Every engine reports in these words, so that two of them
 * can be compared. All texts live in the translation's arena or in the lens.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/span.h"

/* The `limit` of what failed only since there was no memory for it just then. */
#define FAULT_NO_MEMORY "memory"

/* Why it failed, as far as it is known; empty spans and zeros where it is not. */
struct translation_fault {
    struct err err; /* code and sentence; offset into the body that was fed */
    /* A hint. Requests: 400 (not JSON, a doubled key, too deep, the marker),
     * 413 (too large), 422 (well formed, but the changes cannot carry it),
     * 500 (no memory). Answers: 502. Both: 503 with FAULT_NO_MEMORY. */
    unsigned status;
    span pointer; /* RFC 6901, into the message as it was sent */
    span change;  /* the change's name */
    span file;    /* its file */
    unsigned line;
    span from; /* labels of the version step that failed */
    span to;
    const char
        *limit; /* the one of translation_limits that was reached, where that
                          is known: "output_ratio", "bytes_max", "depth_max" */
    bool
        hides; /* the whole has no form there and a change hides it: one record of
                   many goes, a message of its own fails */
    /* Of a patch that falls back: it could be carried if the stored document were
     * known. */
    bool needs_document;
};

/* A loss that happened and was declared. */
#define NOTICE_KINDS(X)                                                        \
    X(NOTICE_LOSSY, "lossy", "a value the other side cannot hold went")        \
    X(NOTICE_HIDDEN, "hidden", "an element or case without a form there")      \
    X(NOTICE_DEFAULTED, "defaulted", "a value made up as the change says")     \
    X(NOTICE_RESPELT, "respelt", "read in a spelling that is not written")     \
    X(NOTICE_STRANGER, "stranger",                                             \
      "a member where an arrow leads was dropped")                             \
    X(NOTICE_STALE, "stale", "a stash that no longer fits what is visible")    \
    X(NOTICE_UNREADABLE, "unreadable", "a stash that could not be read")       \
    X(NOTICE_DECLARED, "declared", "what no message rewriting can do")

enum notice_kind {
#define X(name, word, doc) name,
    NOTICE_KINDS(X)
#undef X
};

/* "lossy"; never NULL. */
const char *notice_word(enum notice_kind kind);

struct lens_origin; /* translators/lens/lens.h */

struct translation_notice {
    enum notice_kind kind;
    const struct lens_origin *origin; /* of the arrow; NULL: not known */
    size_t offset; /* of the first of them, where the reference tells */
    span change;
    span file;
    unsigned line;
    span pointer; /* of the first of them, into the message as it was sent */
    size_t n;     /* how often: notices of one kind and arrow are counted */
};

/* What one arrow did to a document in one version step. */
struct translation_touch {
    span change;
    span file;
    unsigned line;
    span place;       /* as the file writes it */
    span pointer;     /* of the first, into the message as it was sent */
    const char *what; /* "moved", "filled", "dropped", "hidden", "marked" ... */
    size_t n;         /* touches of one arrow and kind are counted */
};

/* One version step, done. The document as it came is told first, with from = to. */
struct translation_step {
    span from; /* labels */
    span to;
    span document;
    const struct translation_touch *touches;
    size_t n_touches;
};

typedef void (*translation_trace_fn)(void *arg,
                                     const struct translation_step *step);
