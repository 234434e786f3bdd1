/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: a case as it was read; this room's own.
 */
#pragma once

#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"
#include "translators/yaml/yaml.h"

enum case_kind {
    CASE_VALUE,   /* one value of a type */
    CASE_REQUEST, /* method, target, fields, body */
    CASE_ANSWER, /* status, fields, body; method and target are its request's */
    CASE_EVENT   /* one server-sent event of an answer: its name and its data */
};

/* One side of a case: what is at that version. */
struct case_side {
    const struct yaml *node; /* NULL: not said */
    enum case_kind kind;
    span event; /* its name; empty: none comes */
    span method;
    span path;
    span query;
    bool has_query;
    unsigned status;
    struct head_field *fields;
    size_t n_fields;
    const struct yaml *fields_node; /* NULL: none are named */
    /* Every node's `note` is the struct yaml it was read from. NULL: no body. */
    const struct json *body;
};

struct case_claim {
    const struct yaml *node;
    span name;
    span type;         /* CASE_VALUE */
    size_t version[2]; /* by side */
    struct case_side side[2];
    bool goes[2];               /* up, down */
    bool as[2];                 /* by enum message_side; CASE_VALUE */
    bool exact;                 /* members in the same order, too */
    const struct yaml *fails;   /* words of the sentence; NULL: it goes well */
    const struct yaml *pointer; /* where it fails; NULL: not asked */
};

/* Read one case. False: a problem was added, or `a` is full. */
MUST_CHECK bool case_read(struct arena *a, const struct lens_api *api,
                          const struct yaml *node, struct problems *p,
                          struct case_claim *out);

/* A YAML value as the JSON it stands for, notes set. NULL: a problem was added,
 * or `a` is full. */
MUST_CHECK struct json *case_document(struct arena *a, const struct yaml *node,
                                      struct problems *p);

/* Where two documents part first. */
struct case_difference {
    span pointer;             /* in `a` */
    const struct json *is;    /* NULL: nothing is there */
    const struct json *ought; /* NULL: nothing should be there */
    const struct json *near;  /* the innermost value of `ought` that holds it */
    bool order;               /* the same members, in another order */
};

/*
 * Compare what `is` with what it `ought` to be, as equal documents; with
 * `exact` members must come in the same order. False: they are equal.
 */
bool case_differs(struct arena *a, const struct json *is,
                  const struct json *ought, bool exact,
                  struct case_difference *out);

struct cases_proof; /* proof.h */

/* Try one case; what does not hold is a problem. `proof` may be NULL. */
void case_try(const struct lens_api *api, const struct translator *t,
              const struct case_claim *c, struct problems *p,
              struct cases_proof *proof);

/* A case that holds was touched so; one between these versions does not hold. */
void cases_proof_show(struct cases_proof *p, const struct translation_touch *t,
                      bool up);
void cases_proof_refute(struct cases_proof *p, size_t from, size_t to);
