/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: what stands between quotes and what it means. The tree's own.
 */
#pragma once

#include "translators/json/tree.h"

/*
 * Decode `raw`, which json_parse accepted, to `out`, which has room for raw.len
 * bytes: no escape is shorter than what it means. Returns the bytes written.
 */
size_t json_text_decode(span raw, char *out, bool *clean);
