/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shadow: where two answers to one request differ, counted over many requests.
 *
 * The caller brings both answers to one version first. A difference has a place,
 * where every element of a list is the same one (`*`), and a kind. Workers
 * compare, control counts: baseline with baseline tells the noise of a place,
 * canary with baseline its raw rate, and shadow_verdict sets one against the other.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

/* One table: enum, words and documentation are made from it. */
#define SHADOW_KINDS(X)                                                        \
    X(SHADOW_MISSING, "missing") /* the baseline alone has a value here */     \
    X(SHADOW_EXTRA, "extra")     /* the other alone has one */                 \
    X(SHADOW_TYPE, "type")       /* both have one, of two types of JSON */     \
    X(SHADOW_VALUE, "value")     /* of one type, and not the same */

enum shadow_kind {
#define X(name, word) name,
    SHADOW_KINDS(X)
#undef X
        SHADOW_KINDS_N
};

/* Which two answers are compared. */
enum shadow_pair {
    SHADOW_NOISE, /* the baseline, twice */
    SHADOW_RAW,   /* the baseline and the canary */
    SHADOW_PAIRS_N
};

/* Elements of the list at `place` are the same if `member` is; an empty `place`
 * speaks for every list that has no key of its own. Where one has none, or two
 * have the same, elements are compared by position. */
struct shadow_key {
    span place;
    span member;
};

/* How two answers are compared. */
struct shadow_rules {
    const struct shadow_key *keys;
    size_t n_keys;
    size_t depth_max; /* of a document; 0: JSON_DEPTH_DEFAULT */
};

/* One answer. Bodies that are not JSON are compared as bytes. */
struct shadow_answer {
    unsigned status;
    span body;
};

/* One difference: the first of its kind at its place. */
struct shadow_found {
    struct shadow_found *next;
    span place; /* RFC 6901, with `*` for any element; "status" */
    enum shadow_kind kind;
    span baseline, other; /* what stands there: "string of 12 bytes" */
};

/*
 * All differences, each place and kind once, in the order of the baseline; NULL if there are none. They and
 * what the comparison needs live in `a`. ERR_LIMIT: a document is too deep, a
 * place too long, or the arena full; nothing is known then.
 */
MUST_CHECK enum err_code shadow_compare(struct arena *a,
                                        const struct shadow_rules *rules,
                                        const struct shadow_answer *baseline,
                                        const struct shadow_answer *other,
                                        struct shadow_found **out,
                                        struct err *e);

/* ---- counting ---- */

struct shadow; /* the counts of one mirrored route */

/*
 * Everything that is kept lives in `a`. `places_max` rows of each kind, then all
 * others share one place, "others"; a verdict needs `answers_min` of each pair.
 * NULL at the arena's limit.
 */
MUST_CHECK struct shadow *shadow_new(struct arena *a, size_t places_max,
                                     uint64_t answers_min);

/* Count one comparison. Where the arena is full the pair is skipped. */
void shadow_count(struct shadow *s, enum shadow_pair pair,
                  const struct shadow_found *found);

/* A pair that could not be had (a time-out, an answer above its limit). */
void shadow_skip(struct shadow *s, enum shadow_pair pair);

uint64_t shadow_compared(const struct shadow *s, enum shadow_pair pair);
uint64_t shadow_skipped(const struct shadow *s, enum shadow_pair pair);

/* What is told of one place and kind. */
struct shadow_row {
    span place;
    enum shadow_kind kind;
    uint64_t answers[SHADOW_PAIRS_N]; /* that differed here */
    span baseline, other;             /* as it was first met */
    bool is_new;                      /* more often than noise explains */
};

/* Row `i`, in the order in which places were first met; false past the last. */
bool shadow_row(const struct shadow *s, size_t i, struct shadow_row *out);

enum shadow_verdict {
    SHADOW_UNKNOWN, /* too little was compared to say anything */
    SHADOW_CLEAN,   /* no place is new */
    SHADOW_DIFFERS
};

/* The verdict, and in *n_new (may be NULL) how many rows are new. */
enum shadow_verdict shadow_verdict(const struct shadow *s, size_t *n_new);

/* "missing", "extra", ...; never NULL. */
const char *shadow_kind_word(enum shadow_kind kind);
