/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what the files of a whole message share: the object
 * {method, path, query, header, status, body} and what its fields were.
 *
 * Fields ride on nodes. The `mark` of a text is its place among those of the query
 * and then the header, counted from one, so that its bytes are known again under
 * any name; a part of the path is marked so among the parts for one step.
 */
#pragma once

#include "translators/reference/chain.h"

/* A message on its way. */
struct message_run {
    struct run *run;
    const struct reference_chain *chain;
    const struct reference_head *in;
    struct json
        *holder; /* a list with the message alone: a root has a parent */
    struct json *root;
    span method; /* as the version names it that the run is at */
    span path;
};

/* Lists of a query are one value while arrows are asked, and parameters between steps. */
MUST_CHECK bool message_gather(struct message_run *m, const struct leg *leg,
                               const struct reference_heads *heads);
MUST_CHECK bool message_spread(struct message_run *m, const struct leg *leg,
                               const struct reference_heads *heads);

/* path/NAME: made of the path before a step, and the path of them after. */
MUST_CHECK bool message_part_path(struct message_run *m, const struct leg *leg,
                                  const struct reference_heads *heads);
MUST_CHECK bool message_join_path(struct message_run *m, const struct leg *leg,
                                  const struct reference_heads *heads);

/* A scalar as it stands in a head; false if it is none. */
MUST_CHECK bool message_text_of(const struct json *value, span *out);

/* `r`, said with where it happened: a head cannot hold this. */
MUST_CHECK bool message_no_text(struct run *r, const struct json *value,
                                const char *part, span name);
