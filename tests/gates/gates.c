/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gates: how often the gates halt a rollout that is well, and how many failed
 * requests they need for one that is not.
 *
 *     gates [--json FILE] [--seed S] [--runs N]
 *
 * ROLLOUTS.md's figures, and what must never halt. Exits 1 if one of them is
 * not held.
 */
#include "tests/gates/world.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS     1000u /* clean runs of each kind; the others are half as many */
#define FALSE_AT 0.0007 /* ROLLOUTS.md: false halts in two million requests */

static const struct cell_law law = {.errors = {.ratio = 5, .alpha = 1e-4},
                                    .window_ms = 600000,
                                    .burst_errors = 20,
                                    .burst_ms = 1000,
                                    .translate = true};

struct gates {
    uint64_t seed;
    uint32_t runs;
    FILE *json; /* NULL without */
    bool comma;
    uint32_t n_missed;
};

/* What came of the runs of one kind. */
struct result {
    uint32_t runs, halts, elsewhere; /* halts of another cell than the first */
    uint32_t more;                   /* runs in which more than one was */
    uint64_t failed, requests;       /* medians over those that halted */
};

static int
by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t
median(uint64_t *at, size_t n)
{
    if (n == 0)
        return 0;
    qsort(at, n, sizeof(*at), by_size);
    return at[n / 2];
}

typedef void (*run_fn)(const struct world_spec *, const struct cell_law *,
                       uint64_t, struct world_run *);

static struct result
run_many(struct gates *g, const struct world_spec *spec, uint32_t runs,
         run_fn fn)
{
    struct result r = {.runs = runs};
    uint64_t *failed = calloc(runs, sizeof(*failed)),
             *requests = calloc(runs, sizeof(*requests));

    if (!failed || !requests)
        abort();
    for (uint32_t i = 0; i < runs; i++) {
        struct world_run one;
        fn(spec, &law, test_random(&g->seed), &one);
        if (!one.halted)
            continue;
        failed[r.halts] = one.failed;
        requests[r.halts++] = one.requests;
        r.elsewhere += one.cell != 0;
        r.more += one.cells != 1;
    }
    r.failed = median(failed, r.halts);
    r.requests = median(requests, r.halts);
    free(failed);
    free(requests);
    return r;
}

/* One line for people, one object for machines. */
static void
tell(struct gates *g, const char *what, const struct world_spec *s,
     const struct result *r, const char *bound, bool held)
{
    g->n_missed += !held;
    printf("%-44s %4.0f %% %u w  %5u of %5u halted  %7llu failed  %s%s\n", what,
           s->weight_ppm / 1e4, s->n_workers, r->halts, r->runs,
           (unsigned long long)r->failed, bound, held ? "" : "  MISSED");
    (void)fflush(stdout);
    if (!g->json)
        return;
    fprintf(g->json,
            "%s\n  {\"what\": \"%s\", \"weight_ppm\": %u, \"workers\": %u, "
            "\"runs\": %u, \"halts\": %u, \"failed_median\": %llu, "
            "\"requests_median\": %llu, \"bound\": \"%s\", \"held\": %s}",
            g->comma ? "," : "", what, s->weight_ppm, s->n_workers, r->runs,
            r->halts, (unsigned long long)r->failed,
            (unsigned long long)r->requests, bound, held ? "true" : "false");
    g->comma = true;
}

static const uint32_t weights[] = {10000, 50000, 250000};

/* At most as many false halts as declared; chance may add its three sigmas. */
static void
clean(struct gates *g, const char *what, double rate, uint32_t repeats)
{
    for (size_t i = 0; i < COUNT(weights); i++) {
        struct world_spec s = {.requests = 2000000,
                               .subjects = 10000,
                               .weight_ppm = weights[i],
                               .n_workers = 1,
                               .n_cells = 1,
                               .baseline = rate,
                               .repeats = repeats};
        struct result r = run_many(g, &s, g->runs, world_run_errors);
        double declared = FALSE_AT * g->runs;
        char bound[64];

        (void)snprintf(bound, sizeof(bound), "at most %.2f %%", FALSE_AT * 100);
        tell(g, what, &s, &r, bound, r.halts <= declared + 3 * sqrt(declared));
    }
}

/* The median of failed requests, within 25 % of what ROLLOUTS.md says. */
static void
faulty(struct gates *g, const char *what, double rate)
{
    static const uint32_t wanted[] = {6, 7, 11}, workers[] = {1, 2, 8};

    for (size_t i = 0; i < COUNT(weights) * COUNT(workers); i++) {
        uint32_t want = wanted[i % 3];
        struct world_spec s = {.requests = 20000000,
                               .subjects = 50000,
                               .weight_ppm = weights[i % 3],
                               .n_workers = workers[i / 3],
                               .n_cells = 1,
                               .canary = {rate}};
        struct result r = run_many(g, &s, rate < 0.1 ? 101 : 301, world_run);
        char bound[64];

        (void)snprintf(bound, sizeof(bound), "%u, within 25 %%", want);
        tell(g, what, &s, &r, bound,
             r.halts == r.runs && fabs((double)r.failed - want) <= 0.25 * want);
    }
}

static void
never(struct gates *g, const char *what, const struct world_spec *s)
{
    struct result r = run_many(g, s, 100, world_run);

    tell(g, what, s, &r, "never", r.halts == 0);
}

static void
always(struct gates *g, const char *what, const struct world_spec *s)
{
    struct result r = run_many(g, s, 100, world_run);

    tell(g, what, s, &r, "always, and there",
         r.halts == r.runs && !r.elsewhere);
}

/* `halt: cell`: the first one is halted, the others are not, and their requests come to their end. */
static void
alone(struct gates *g, const char *what, const struct world_spec *s)
{
    struct result r = run_many(g, s, 100, world_run);

    tell(g, what, s, &r, "always, it alone",
         r.halts == r.runs && !r.more && r.requests == s->requests);
}

static void
others(struct gates *g)
{
    struct world_spec base = {.requests = 200000,
                              .subjects = 20000,
                              .weight_ppm = 50000,
                              .n_workers = 2,
                              .n_cells = 1,
                              .baseline = 1e-4,
                              .canary = {1e-4, 1e-4, 1e-4, 1e-4}};
    struct world_spec s = base;

    s.one_subject = true;
    s.requests = 2000000;
    s.subjects = 1000;
    s.canary[0] = 1;
    s.repeats = 100;
    never(g, "one subject of the canary fails all the time", &s);
    s = base;
    s.outage_at = 50000;
    s.outage_n = 20000;
    never(g, "an outage behind both arms", &s);
    s = base;
    s.n_cells = 4;
    s.canary[0] = 0.05;
    always(g, "one platform of four fails", &s);
    s.routes = true;
    always(g, "one route of four fails", &s);
    s.halts_cell = true;
    alone(g, "the same, and a gate halts its cell alone", &s);
    s.routes = false;
    alone(g, "one platform, and a gate halts its cell alone", &s);
    s.canary[0] = base.canary[0];
    never(g, "no cell fails, and each may be halted alone", &s);
    s = base;
    s.storm = 0.9;
    s.requests = 1000000;
    never(g, "a client storms with bad requests", &s);
    s.invents = true;
    never(g, "the same, another subject each time", &s);
    s.canary[0] = 0.05;
    always(g, "and the canary fails meanwhile", &s);
    s = base;
    s.requests = 3000000;
    s.canary[0] = 3e-3;
    s.baseline = 5e-4;
    always(g, "slow burn: 0.3 % over 0.05 %", &s);
    s = base;
    s.requests = 3000000;
    s.slower = 2;
    always(g, "twice as slow, no error more", &s);
    s.requests = 1000000;
    s.slower = 1.0;
    never(g, "as fast as the baseline", &s);
}

static int
usage(void)
{
    fprintf(stderr, "usage: gates [--json FILE] [--seed S] [--runs N]\n");
    return 2;
}

int
main(int argc, char **argv)
{
    struct gates g = {.seed = 1, .runs = RUNS};

    for (int i = 1; i + 1 < argc; i += 2) {
        span name = span_str(argv[i]);
        if (span_is(name, "--json"))
            g.json = fopen(argv[i + 1], "w");
        else if (span_is(name, "--seed"))
            g.seed = strtoull(argv[i + 1], NULL, 10);
        else if (span_is(name, "--runs"))
            g.runs = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else
            return usage();
        if (span_is(name, "--json") && !g.json)
            return perror(argv[i + 1]), 2;
    }
    if (argc % 2 == 0 || g.runs == 0)
        return usage();
    if (g.json)
        fputc('[', g.json);
    clean(&g, "clean: 1 error in 10 000 answers", 1e-4, 0);
    clean(&g, "clean: 1 in 1 000, each tried ten times", 1e-3, 9);
    clean(&g, "clean: 1 in 100", 1e-2, 0);
    faulty(&g, "all canary requests fail", 1);
    faulty(&g, "10 % of canary requests fail", 0.1);
    faulty(&g, "1 % of canary requests fail", 0.01);
    others(&g);
    if (g.json && (fputs("\n]\n", g.json) < 0 || fclose(g.json) != 0))
        return perror("gates"), 2;
    printf("%u missed\n", g.n_missed);
    return g.n_missed != 0;
}
