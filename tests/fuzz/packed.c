/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as MessagePack through the machine, with a program of any of some
 * random chains: what it accepts is what the reference says of the same document as
 * JSON, and no cut changes that.
 */
#include "tests/translators/plan/forms.h"

#include <assert.h>
#include <stdio.h>

#define CHAINS   24
#define BODY_MAX 4096

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
    uint64_t seed = 2;
    for (size_t i = 0; i < CHAINS; i++) {
        struct arena *a = arena_new(CHAIN_ROOM);
        const struct lens_api *api = NULL;
        struct err e;
        assert(a);
        while (!api)
            api = chain_api(a, &seed, 2 + i % 4);
        size_t last = api->n_versions - 1;
        chains[i].arena = a;
        chains[i].api = api;
        chains[i].from = i % 2 ? 0 : last;
        chains[i].to = last - chains[i].from;
        enum err_code code = plan_build(a, api, chains[i].from, chains[i].to,
                                        &chains[i].plan, &e);
        assert(code == OK);
    }
}

/* The first byte is the chain and whether it is a request, the second the cuts. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!chains[0].api)
        make_chains();
    if (len < 2 || len > BODY_MAX)
        return 0;
    struct arena *a = arena_new(CHAIN_ROOM);
    size_t i = bytes[0] % CHAINS;
    uint64_t seed = bytes[1];
    static const struct forms forms[] = {
        {true, true}, {true, false}, {false, true}};
    assert(a);
    struct chain_result r = forms_compare(
        a, chains[i].api, chains[i].plan, chains[i].from, chains[i].to,
        bytes[0] >= 128, forms[bytes[1] % COUNT(forms)],
        span_of((const char *)bytes + 2, len - 2), &seed);
    if (r.difference.len)
        fprintf(stderr, "%.*s\n", SPAN_FMT(r.difference));
    assert(r.difference.len == 0);
    arena_free(&a);
    return 0;
}
