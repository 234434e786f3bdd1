/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hash64(span s)
{
    return XXH3_64bits(s.at, s.len);
}

uint64_t
hash64_seeded(span s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.at, s.len, seed);
}

#define PAIR_MAX 512

uint64_t
hash64_pair(span a, span b)
{
    /* The usual pair is short: one call on one piece is three times faster. */
    if (a.len < PAIR_MAX && b.len < PAIR_MAX) {
        char joined[2 * PAIR_MAX];

        if (a.len)
            memcpy(joined, a.at, a.len);
        joined[a.len] = '\0';
        if (b.len)
            memcpy(joined + a.len + 1, b.at, b.len);
        return hash64(span_of(joined, a.len + 1 + b.len));
    }

    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, a.at, a.len);
    XXH3_64bits_update(&state, "", 1);
    XXH3_64bits_update(&state, b.at, b.len);
    return XXH3_64bits_digest(&state);
}
