/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject: who sticks together in a split.
 *
 * An account, a device, a user: the first of a route's sources that the
 * request has. A request without one has no subject: it goes to the baseline,
 * and the caller counts it.
 */
#pragma once

#include "proxy/base/err.h"
#include "routing/facts.h"

enum subject_kind { SUBJECT_HEADER, SUBJECT_COOKIE, SUBJECT_CERTIFICATE };

struct subject_source {
    enum subject_kind kind;
    span name; /* the header's or cookie's; empty for the certificate */
};

struct subject_spec {
    const struct subject_source *sources; /* in order: the first that speaks */
    size_t n_sources;
};

/*
 * "header:X-Account", "cookie:sid" or "certificate". The name is borrowed.
 * ERR_INVALID: anything else.
 */
MUST_CHECK enum err_code subject_parse(span text, struct subject_source *out,
                                       struct err *e);

/* What one source says, trimmed and never empty; false: nothing. */
bool subject_ask(const struct subject_source *s, const struct facts *f,
                 span *subject);

/*
 * The subject, trimmed and never empty; *source (may be NULL) is the index of
 * what named it. `s` may be NULL. False: the request has none.
 */
bool subject_find(const struct subject_spec *s, const struct facts *f,
                  span *subject, size_t *source);
