/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields_raw: how the codecs of this room fill a list: bytes that they have
 * checked already and that are in the list's arena already.
 */
#pragma once

#include "proxy/http/fields.h"

/* Room for `n` more. False at the arena's limit. */
MUST_CHECK bool fields_reserve(struct fields *f, size_t n);

/* Put it at the end as it is. False at the arena's limit. */
MUST_CHECK bool fields_push(struct fields *f, const struct field *field);

/* Fill in name, spelled and id; `spelled` is a token that lives in `a`. */
MUST_CHECK bool field_name(struct arena *a, span spelled, struct field *out);

/* `s` in lower case: itself if it is, else a copy. False at the limit. */
MUST_CHECK bool span_lower(struct arena *a, span s, span *out);
