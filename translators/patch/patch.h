/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch: a request that changes a document, brought to another version without
 * the document.
 *
 * SEMANTICS.md, "Patches": JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902),
 * one version step after another. A patch is translated only if for every
 * document that it applies to, patching and then translating gives what
 * translating and then patching gives. Where only the stored document could tell,
 * it *falls back*: the report's fault then says `needs_document`.
 */
#pragma once

#include "translators/reference/reference.h"

enum patch_kind {
    PATCH_NONE, /* a document */
    PATCH_MERGE,
    PATCH_JSON
};

struct patch_options {
    enum patch_kind kind;
    /* `patch: strict`: what would fail at the client's version fails here too. */
    bool strict;
};

/*
 * Translate the patch `body`; the patch is appended to `out`. As reference_body:
 * on failure nothing is appended and report->fault says why. Statuses: 400 for
 * what is no patch (RFC 6902's errors, JSON that cannot be read), 422 for what
 * the changes refuse or what falls back, 413 for a patch of too many operations.
 */
MUST_CHECK enum err_code patch_body(struct arena *a,
                                    const struct reference_chain *chain,
                                    const struct reference_facts *facts,
                                    const struct patch_options *options,
                                    span body, struct buf *out,
                                    struct reference_report *report);

#define PATCH_OPERATIONS_MAX 4096 /* of one JSON Patch */

/* ---- for the checker's report ---- */

/* A member of a type at one version that a patch cannot change, or not remove. */
struct patch_gap {
    span place;     /* as the change file writes it */
    bool if_erased; /* removing it falls back; else setting it does */
    span why;
    span change;
    span file;
    unsigned line;
};

/*
 * Which members of this type fall back in a merge patch from one version to its
 * neighbour, asked of the translation itself: every place that the older or the
 * newer side names is set, then removed. In `a`.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code patch_gaps(struct arena *a, const struct lens_api *api,
                                    size_t type, size_t from, size_t to,
                                    const struct patch_gap **out, size_t *n);
