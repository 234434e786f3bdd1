/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/split.h"

#include "proxy/base/hash.h"

#include <assert.h>

struct split {
    span salt;
};

enum err_code
split_build(struct arena *a, span salt, const struct split **out, struct err *e)
{
    if (salt.len == 0)
        return err_set(e, ERR_INVALID, "a rollout needs a salt of its own");

    struct split *s = arena_alloc(a, sizeof(*s));
    if (!s || !span_dup(a, salt, &s->salt))
        return err_set(e, ERR_LIMIT, "no room for a split");

    *out = s;
    return OK;
}

bool
split_takes(const struct split *s, uint32_t weight_ppm, span subject)
{
    assert(weight_ppm <= SPLIT_ALL);
    /* The bucket does not know the weight: only those at its edge move. */
    return split_bucket(s, subject) < weight_ppm;
}

uint32_t
split_bucket(const struct split *s, span subject)
{
    uint64_t h = split_hash(s, subject);

    /* Scale by multiplying: `%` would divide on every request. */
    return (uint32_t)(((h >> 32) * SPLIT_ALL) >> 32);
}

uint64_t
split_hash(const struct split *s, span subject)
{
    return hash64_pair(s->salt, subject); /* salt, 0x00, subject */
}
