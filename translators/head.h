/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: the parts of a message's head that `http:` blocks name, to fields and
 * back. Parameters and fields that no arrow names keep their bytes.
 */
#pragma once

#include "translators/program.h"

/* With `out` the body goes along, in the same step; without, it goes its own way. */
MUST_CHECK enum err_code
head_translate(struct arena *a, const struct program *p,
               const struct reference_facts *facts,
               const struct message_head *in, span body,
               struct message_head *head_out, struct buf *out,
               struct reference_report *report);

/* A body came (`has`) or went: so does its Content-Type. */
MUST_CHECK enum err_code head_set_content(struct arena *a, bool has,
                                          struct message_head *head,
                                          struct reference_report *report);
