/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms: a body of MessagePack through a plan, and what the same document comes to
 * as JSON.
 */
#pragma once

#include "tests/translators/plan/chains.h"

/* What a body is, as it comes and as it goes. */
struct forms {
    bool comes_packed;
    bool goes_packed;
};

/*
 * Any bytes through the plan, where one of the forms is MessagePack: whole and cut at
 * random places they come to the same; what the plan accepts it writes well, and it
 * is the document that the reference makes of them as JSON; what it does not accept
 * it does not accept as JSON. Empty: all that holds.
 */
struct chain_result forms_compare(struct arena *a, const struct lens_api *api,
                                  const struct plan *plan, size_t from,
                                  size_t to, bool is_request,
                                  struct forms forms, span body,
                                  uint64_t *seed);

/* JSON as MessagePack, and back. False: it has no form there; *bad: it is none at all. */
bool forms_pack(struct arena *a, span json, span *out);
bool forms_unpack(struct arena *a, span packed, span *out, bool *bad);
