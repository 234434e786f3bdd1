/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translating: one document through a translation, and what it has to say
 * printed, for `translate` and `explain`.
 */
#pragma once

#include "proxy/base/span.h"
#include "translators/libstile/stile.h"

/*
 * Tell the head, feed the whole document and end. Notices, or a failure, go to stderr as people
 * and `who` read them; a failure is CLI_REFUSED. What came out is the
 * translation's output.
 */
int translating_run(const char *who, struct stile_translation *t,
                    const struct stile_head *head, span document);
