/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random chains: the normal form says what the reference says step after step.
 * STILE_CHAINS says how many of each kind, STILE_SEED which.
 */
#include "tests/translators/compose/compare.h"

#include "tests/test.h"
#include "tests/translators/compose/generate.h"
#include "tests/translators/plan/chains.h"
#include "tests/translators/reference/gen.h"

static size_t
asked(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

/* One API and where its documents come from. */
struct sample {
    const struct lens_api *api;
    span (*document)(struct arena *a, uint64_t *seed,
                     const struct lens_api *api, size_t version);
    span text;
};

struct score {
    struct tally tally;
    size_t chains;
    size_t composed; /* the type itself, and all in it */
};

static void
run_way(struct arena *a, uint64_t *seed, const struct sample *s, size_t from,
        size_t to, struct score *score)
{
    const struct normal *n = composed(a, s->api, 0, from, to);
    bool whole = true;
    for (size_t i = 0; i < n->n_states; i++) {
        const char *why = n->states[i]->stop.why;
        whole = whole && !why;
        if (why && getenv("STILE_WHY"))
            print_message("stop: %s\n", why);
    }
    score->chains++;
    score->composed += whole;
    for (size_t d = 0; d < 8; d++) {
        span body = s->document(a, seed, s->api, from);
        span differs = compare(a, n, 0, d % 2 == 0, body, &score->tally);
        if (!differs.len)
            continue;
        fprintf(stderr, "%.*s\n", SPAN_FMT(s->text)); /* of any length */
        print_error("%s %.*s\n", d % 2 ? "answer" : "request", SPAN_FMT(body));
        fail_msg("%zu to %zu: %.*s", from, to, SPAN_FMT(differs));
    }
}

static void
run_all(bool (*make)(struct arena *a, uint64_t *seed, struct sample *out))
{
    uint64_t seed = asked("STILE_SEED", 7);
    struct score score = {0};
    for (size_t i = 0; i < asked("STILE_CHAINS", 60); i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        struct sample s = {0};
        if (make(a, &seed, &s)) {
            size_t newest = s.api->n_versions - 1;
            run_way(a, &seed, &s, 0, newest, &score);
            run_way(a, &seed, &s, newest, 0, &score);
            run_way(a, &seed, &s, newest / 2, newest, &score);
        }
        arena_free(&a);
    }
    print_message("%zu chains, %zu composed; %zu documents, %zu refused, %zu "
                  "with `again`\n",
                  score.chains, score.composed, score.tally.documents,
                  score.tally.refused, score.tally.again);
    assert_true(score.composed * 5 > score.chains);
}

/* ---- chains of what is planned ------------------------------------------------- */

static span
planned_document(struct arena *a, uint64_t *seed, const struct lens_api *api,
                 size_t version)
{
    (void)api;
    (void)version;
    return chain_document(a, seed, false);
}

static bool
planned(struct arena *a, uint64_t *seed, struct sample *out)
{
    *out = (struct sample){chain_api(a, seed, 8), planned_document, {0}};
    return out->api != NULL;
}

TEST(renames_drops_adds_and_enums_compose)
{
    run_all(planned);
}

/* ---- tables of all kinds of arrows ---------------------------------------------- */

static span
law_document(struct arena *a, uint64_t *seed, const struct lens_api *api,
             size_t version)
{
    struct gen g = {.seed = *seed};
    span out = gen_document(&g, a, api, version, gen_pick(&g, 4));
    *seed = g.seed;
    return out;
}

static bool
lawful(struct arena *a, uint64_t *seed, struct sample *out)
{
    struct gen g = {.seed = *seed, .sets = true};
    *out = (struct sample){gen_api(&g, a), law_document, {0}};
    out->text = g.told;
    *seed = g.seed;
    return out->api != NULL;
}

TEST(tables_with_arrows_of_all_kinds_compose_or_go_again)
{
    run_all(lawful);
}

/* ---- long chains over few names ---------------------------------------------------- */

static span
generated_document(struct arena *a, uint64_t *seed, const struct lens_api *api,
                   size_t version)
{
    (void)api;
    (void)version;
    return generate_document(a, seed);
}

static bool
generated(struct arena *a, uint64_t *seed, struct sample *out)
{
    out->document = generated_document;
    out->api = generate_api(a, seed, &out->text);
    return out->api != NULL;
}

TEST(long_chains_over_few_names_compose)
{
    run_all(generated);
}
