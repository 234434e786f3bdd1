/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: XXH3, 64 bits. Not for secrets, and tables that a peer fills are seeded.
 */
#pragma once

#include "proxy/base/span.h"

uint64_t hash64(span s);
uint64_t hash64_seeded(span s, uint64_t seed);

/* Of `a`, one zero byte, and `b`: the two cannot run into each other. */
uint64_t hash64_pair(span a, span b);
