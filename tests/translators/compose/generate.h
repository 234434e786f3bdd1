/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: long chains of changes over few names, so that they meet, and
 * documents in which those names stand at random.
 */
#pragma once

#include "proxy/base/arena.h"
#include "translators/lens/lens.h"

/* An API of 3 to 7 versions with a type T that holds itself and others. `text`: its
 * changes, for those who must find out why. */
const struct lens_api *generate_api(struct arena *a, uint64_t *seed,
                                    span *text);

span generate_document(struct arena *a, uint64_t *seed);
