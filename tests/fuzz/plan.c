/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a document of any of some random chains: what the plan accepts
 * is what the reference says, and no cut of the input changes that.
 */
#include "tests/translators/plan/chains.h"

#include <assert.h>
#include <stdio.h>

#define CHAINS   64
#define BODY_MAX 4096 /* the plan is fed byte by byte besides */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct {
    struct arena *arena; /* as long as the process */
    const struct lens_api *api;
    const struct plan *plan;
    size_t from;
    size_t to;
} chains[CHAINS];

static void
make_chains(void)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < CHAINS; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api = NULL;
        struct err e;
        assert(a);
        while (!api)
            api = chain_api(a, &seed, 1 + i % 8 + 1);
        chains[i].arena = a;
        chains[i].api = api;
        chains[i].from = i % 2 ? 0 : api->n_versions - 1;
        chains[i].to = i % 2 ? api->n_versions - 1 : 0;
        enum err_code code = plan_build(a, api, chains[i].from, chains[i].to,
                                        &chains[i].plan, &e);
        assert(code == OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!chains[0].api)
        make_chains();
    if (len < 2 || len > BODY_MAX)
        return 0;
    struct arena *a = arena_new(CHAIN_ROOM);
    size_t i = bytes[0] % CHAINS;
    assert(a);
    struct chain_result r = chain_compare(
        a, chains[i].api, chains[i].plan, chains[i].from, chains[i].to,
        bytes[0] >= 128, span_of((const char *)bytes + 1, len - 1));
    if (r.difference.len)
        fprintf(stderr, "%.*s\n", SPAN_FMT(r.difference));
    assert(r.difference.len == 0);
    arena_free(&a);
    return 0;
}
