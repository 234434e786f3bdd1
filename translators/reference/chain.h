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

/* Begin the step from version `at`: number, labels, no touches. */
void chain_step(struct run *r, const struct leg *leg);

/* Turn the run's fault and notices into the report's, with pointers into the body. */
MUST_CHECK enum err_code chain_report(struct run *r,
                                      struct reference_report *report);

/* Tell the caller's trace of a step, if it asked. `root` is the document. */
MUST_CHECK bool chain_trace(struct run *r, struct reference_report *report,
                            const struct json *root, span from, span to);
