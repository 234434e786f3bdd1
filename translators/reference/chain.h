/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: what is common to translating a body and a head: one leg after
 * another, and at the end a report with pointers.
 */
#pragma once

#include "translators/reference/frame.h"
#include "translators/reference/reference.h"

/* The leg that starts at version `at`, towards chain->to. */
struct leg chain_leg(const struct reference_chain *chain, size_t at);

void chain_run_init(struct run *r, struct arena *a,
                    const struct reference_chain *chain,
                    const struct reference_facts *facts);

/* A body to a tree: a fault of the message, not of an arrow, if it is no JSON. */
MUST_CHECK bool chain_parse(struct run *r, span body, struct json **root);
MUST_CHECK bool chain_print(struct run *r, const struct json *root,
                            struct buf *out);

/* The typed values of a body; the outermost of them, each with those inside. */
MUST_CHECK bool chain_find_sites(struct run *r,
                                 const struct reference_sites *sites,
                                 struct json *root, struct typed_list *out);
MUST_CHECK bool chain_nest_sites(struct run *r, const struct typed_list *all,
                                 struct typed_list *out);

/* Begin the step from version `at`: number, labels, no touches. */
void chain_step(struct run *r, const struct leg *leg);

/* Each typed value of a body, found before, brought over this leg. */
MUST_CHECK bool chain_translate(struct run *r, const struct leg *leg,
                                struct typed_list *sites,
                                const struct json *holder);

/* Turn the run's fault and notices into the report's, with pointers into the body. */
MUST_CHECK enum err_code chain_report(struct run *r,
                                      struct reference_report *report);

/* Tell the caller's trace of a step, if it asked. `root` is the document. */
MUST_CHECK bool chain_trace(struct run *r, struct reference_report *report,
                            const struct json *root, span from, span to);
