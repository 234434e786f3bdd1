/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translating: one document through an API's changes, printed hop by hop.
 *
 * What `translate` does with standard input and `explain` with a request's
 * body; both go through translators/translation.h as the proxy does.
 */
#pragma once

#include "translators/lens/lens.h"
#include "translators/translation.h"

struct translating {
    struct arena *arena;
    const struct lens_api *api;
    const struct translator *translator;
    struct message_head head;   /* of the message, where its route may move */
    translation_trace_fn trace; /* told every step; NULL: nobody is */
    void *trace_arg;
};

/*
 * "request GET /orders/1", "GET /orders/1" (an answer, 200) or
 * "404 GET /orders/1" into a message. False: it is none of these.
 */
bool translating_message(span text, struct message *m);

/*
 * Translate `document` and write it to `out`, telling t->trace each step on the
 * way. A failure is printed to stderr as people and `who` read it, and is
 * CLI_REFUSED.
 */
int translating_run(const struct translating *t, const char *who,
                    const struct program *p, span document, struct buf *out);

/* A trace for people, to the FILE that is `arg`: the versions, what each change
 * touched, and the document. */
void translating_print_step(void *arg, const struct translation_step *step);
