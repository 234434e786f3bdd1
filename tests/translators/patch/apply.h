/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: patches applied to documents, the oracle of law 7.
 *
 * Written from RFC 7396 and RFC 6902 alone, over json's tree; it shares nothing
 * with translators/patch.
 */
#pragma once

#include "translators/json/tree.h"

/* RFC 7396 §2. The patch is borrowed: nothing of it ends up in the answer. */
struct json *apply_merge(struct arena *a, struct json *target,
                         const struct json *patch);

/* RFC 6902 §5: all operations or none. NULL: the patch does not apply. `document`
 * is changed. */
struct json *apply_operations(struct arena *a, struct json *document,
                              const struct json *patch);
