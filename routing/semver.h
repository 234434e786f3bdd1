/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semver: numbers of builds, and ranges of them.
 *
 * "7.11.2", "7.11", "7.12.0-beta.2+build": up to eight numbers, missing ones
 * are 0, then a prerelease that comes before the version itself, as semver.org
 * orders them; what follows '+' says nothing. A range is a row of bounds that
 * all hold: ">=4.0 <7.12". A prerelease of 7.12 is below 7.12, so it is in.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/base/span.h"

#define SEMVER_PARTS 8

struct semver {
    uint64_t parts[SEMVER_PARTS];
    span pre; /* "beta.2", borrowed; empty for a release */
};

/* False: `s` is not all of one. */
MUST_CHECK bool semver_parse(span s, struct semver *out);

/* Negative, 0 or positive, as `a` is below, equal to or above `b`. */
int semver_compare(const struct semver *a, const struct semver *b);

struct semver_bound {
    bool is_set; /* else there is no bound on this side */
    bool is_in;  /* the bound itself belongs to the range */
    struct semver at;
};

struct semver_range {
    struct semver_bound low;
    struct semver_bound high;
};

/*
 * Read bounds: < <= > >= = and a version each, separated by spaces. Borrows
 * from `text`. ERR_INVALID: another word, or nothing can be in it.
 */
MUST_CHECK enum err_code semver_range_parse(span text, struct semver_range *out,
                                            struct err *e);

bool semver_in(const struct semver_range *r, const struct semver *v);

/* Is there a version in both? */
bool semver_overlap(const struct semver_range *a, const struct semver_range *b);

/* Does `a` end before `b` begins, with versions between them? */
bool semver_gap(const struct semver_range *a, const struct semver_range *b);
