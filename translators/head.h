/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: the parts of a message's head that `http:` blocks name, to fields and
 * back. Parameters and fields that no arrow names keep their bytes.
 */
#pragma once

#include "translators/program.h"

MUST_CHECK enum err_code head_translate(struct arena *a,
                                        const struct program *p,
                                        const struct reference_facts *facts,
                                        const struct message_head *in,
                                        struct message_head *out,
                                        struct reference_report *report);
