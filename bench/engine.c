/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: what a translation costs, by the machine and by others, in one run.
 *
 * Bodies vary in content, so that a predictor cannot learn one by heart. A round
 * runs every way over the same bodies, one after another; told are the best and
 * the median of the rounds, as JSON lines (./run bench engine makes a table of
 * them). CPU time of this process; one core.
 *
 * usage: bench_engine [--rounds N] [--only JOB] [--way WAY] [--dump DIR]
 *     --way    one way alone, --rounds times: to be looked at by a profiler
 *     --dump   write the bodies to files, for a peer that is no library
 */
#include "bench/engine/runs.h"
#include "translators/engine/packed.h"
#include "translators/lens/lens.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct way {
    const char *name;
    bool (*run)(struct bench_job *job);
    int rounds_max; /* slow ones are not asked as often */
};

static const struct way ways[] = {
    {"copy", bench_copy, 1000},
    {"engine", bench_plan, 1000},
    {"engine_plain", bench_plan_plain, 1000},
    {"engine_avx2", bench_plan_avx2, 1000},
    {"engine_16k", bench_plan_16384, 1000},
    {"engine_1460", bench_plan_1460, 1000},
    {"reference", bench_reference, 3},
    {"jansson", bench_jansson, 5},
    {"msgpack_c", bench_msgpack, 15},
    {"msgpack", bench_packed, 1000},
    {"msgpack_1460", bench_packed_1460, 1000},
    {"msgpack_to_json", bench_packed_to_json, 1000},
    {"json_to_msgpack", bench_json_to_packed, 1000},
    {"msgpack_as_json", bench_unpack, 1000},
    {"json_as_msgpack", bench_repack, 1000},
};

struct spec {
    const char *name;
    const struct bench_shape *shape;
    size_t bytes;
    size_t bodies;
    size_t versions; /* 0: nothing is known of the bodies */
};

static const struct spec specs[] = {
    {"order_200", &bench_order, 0, 1024, 5},
    {"orders_1k", &bench_orders, 800, 512, 5},
    {"orders_10k", &bench_orders, 10000, 128, 5},
    {"orders_100k", &bench_orders, 100000, 16, 5},
    {"orders_1m", &bench_orders, 1000000, 4, 5},
    {"orders_10m", &bench_orders, 10000000, 1, 5},
    {"orders_100k_1_version", &bench_orders, 100000, 16, 2},
    {"orders_100k_20_versions", &bench_orders, 100000, 16, 21},
    {"github_100k", &bench_repos, 100000, 16, 2},
    {"stripe_100k", &bench_charges, 100000, 16, 2},
    {"untouched_orders_1m", &bench_orders, 1000000, 4, 0},
    {"untouched_github_100k", &bench_repos, 100000, 16, 0},
    {"untouched_stripe_100k", &bench_charges, 100000, 16, 0},
};

struct options {
    int rounds;
    const char *only;
    const char *way;
    const char *dump;
};

static double
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- jobs ----------------------------------------------------------------------- */

static bool
fill(struct arena *a, struct bench_job *job, const struct spec *spec)
{
    unsigned seed = 5;
    job->n = spec->bodies;
    for (size_t i = 0; i < job->n; i++) {
        struct buf b;
        buf_init(&b, BENCH_ROOM);
        bench_fill(&b, spec->shape, spec->bytes, &seed);
        bool ok = span_dup(a, buf_span(&b), &job->bodies[i]);
        job->bytes += job->bodies[i].len;
        buf_fini(&b);
        if (!ok)
            return false;
    }
    return true;
}

static const struct engine_program *
knows_nothing(void)
{
    static const struct engine_entry root = {.action = ENGINE_KEEP,
                                             .bit = ENGINE_NONE,
                                             .twice = ENGINE_NONE,
                                             .fault = ENGINE_NONE,
                                             .slot = ENGINE_NONE,
                                             .note = ENGINE_NONE};
    static const struct engine_program program = {.root = &root};
    return &program;
}

/* Program and chain from the first version to the last. */
static bool
compile(struct arena *a, struct bench_job *job, const struct spec *spec)
{
    static const struct lens_place whole = {0};
    const struct lens_api *api = bench_api(a, spec->versions);
    const struct plan *plan = NULL;
    const struct lens_place *place = NULL;
    struct err e;
    if (!api || plan_build(a, api, 0, spec->versions - 1, &plan, &e) != OK)
        return false;
    size_t type = (size_t)lens_type_of(api, span_str(spec->shape->type));
    struct lens_site *site = arena_alloc(a, sizeof(*site));
    struct reference_sites *sites =
        arena_array(a, api->n_versions, sizeof(*sites));
    const struct lens_site **list =
        arena_array(a, 1, sizeof(const struct lens_site *));
    if (!site || !sites || !list)
        return false;
    for (size_t i = 0; i < api->n_sites[0]; i++)
        if (api->sites[0][i].type == type && api->sites[0][i].place.n)
            place = &api->sites[0][i].place;
    if (!spec->shape->place)
        place = &whole;
    if (!place)
        return false;
    *site = (struct lens_site){.type = type, .place = *place};
    list[0] = site;
    for (size_t i = 0; i < api->n_versions; i++)
        sites[i] = (struct reference_sites){list, 1};
    job->chain = (struct reference_chain){
        .api = api, .to = api->n_versions - 1, .sites = sites};
    job->entry = plan_find(plan, place, type, true);
    job->program = job->entry ? plan_entry_program(job->entry) : NULL;
    return job->program != NULL;
}

static bool
make(struct arena *a, struct bench_job *job, const struct spec *spec)
{
    job->name = spec->name;
    job->program = knows_nothing();
    if ((spec->versions && !compile(a, job, spec)) || !fill(a, job, spec))
        return false;
    buf_init(&job->out, BENCH_ROOM);
    job->arena = arena_new(BENCH_ROOM);
    job->pool = engine_pool_new(a);
    struct engine_packer *k = engine_packer_new(a, a);
    return job->arena && job->pool && k &&
           engine_pack(k, job->program, &job->over_packed) &&
           bench_pack(a, job);
}

/* ---- rounds --------------------------------------------------------------------- */

#define ROUNDS_MAX 1000

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void
tell(const struct bench_job *job, const struct way *way, double *ns, int n)
{
    qsort(ns, (size_t)n, sizeof(*ns), by_value);
    size_t packed = 0;
    for (size_t i = 0; i < job->n; i++)
        packed += job->packed[i].len;
    bool is_packed = strncmp(way->name, "msgpack", 7) == 0;
    double bytes = (double)(is_packed ? packed : job->bytes);
    printf("{\"job\":\"%s\",\"way\":\"%s\",\"bytes\":%.0f,\"ns\":%.1f,"
           "\"median_ns\":%.1f,\"gbs\":%.4f,\"rounds\":%d}\n",
           job->name, way->name, bytes / (double)job->n, ns[0] / (double)job->n,
           ns[n / 2] / (double)job->n, bytes / ns[0], n);
    fflush(stdout);
}

static bool
measure(struct bench_job *job, const struct options *o)
{
    static double ns[COUNT(ways)][ROUNDS_MAX];
    int n[COUNT(ways)] = {0};
    for (int round = 0; round < o->rounds; round++)
        for (size_t i = 0; i < COUNT(ways); i++) {
            bool asked = !o->way || strcmp(o->way, ways[i].name) == 0;
            /* The reference's time grows with the square of a list. */
            bool is_without = ways[i].run == bench_reference &&
                              (!job->entry || job->bytes / job->n > 2000000);
            if (!asked || round >= ways[i].rounds_max || is_without)
                continue;
            double start = now_ns();
            if (!ways[i].run(job)) {
                fprintf(stderr, "%s cannot do %s\n", ways[i].name, job->name);
                return false;
            }
            ns[i][n[i]++] = now_ns() - start;
        }
    for (size_t i = 0; i < COUNT(ways); i++)
        if (n[i])
            tell(job, &ways[i], ns[i], n[i]);
    return true;
}

static bool
dump(const struct bench_job *job, const char *folder)
{
    for (size_t i = 0; i < job->n; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s.%04zu.json", folder, job->name, i);
        FILE *f = fopen(path, "w");
        if (!f)
            return false;
        size_t n = fwrite(job->bodies[i].at, 1, job->bodies[i].len, f);
        if (fclose(f) != 0 || n != job->bodies[i].len)
            return false;
    }
    return true;
}

static bool
bench(const struct spec *spec, const struct options *o)
{
    struct arena *a = arena_new(BENCH_ROOM);
    struct bench_job *job = calloc(1, sizeof(*job));
    bool ok = a && job && make(a, job, spec) &&
              (o->dump ? dump(job, o->dump) : measure(job, o));
    if (job) {
        buf_fini(&job->out);
        arena_free(&job->arena);
    }
    free(job);
    arena_free(&a);
    return ok;
}

/* Not a pass over bodies, but what must be done before the first comes. */
static bool
bench_compiling(const struct options *o)
{
    double best = 0;
    size_t n = 0;
    for (int round = 0; round < 3; round++) {
        double start = now_ns();
        n = bench_programs();
        if (!n)
            return false;
        double ns = now_ns() - start;
        best = round == 0 || ns < best ? ns : best;
    }
    if (!o->dump)
        printf("{\"job\":\"programs\",\"way\":\"compile\",\"programs\":%zu,"
               "\"ns\":%.0f}\n",
               n, best);
    return true;
}

int
main(int argc, char **argv)
{
    struct options o = {.rounds = 25};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            o.rounds = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            o.only = argv[i + 1];
        else if (strcmp(argv[i], "--way") == 0)
            o.way = argv[i + 1];
        else if (strcmp(argv[i], "--dump") == 0)
            o.dump = argv[i + 1];
        else
            return 2;
    }
    if (o.rounds < 1 || o.rounds > ROUNDS_MAX)
        return 2;
    for (size_t i = 0; i < COUNT(specs); i++)
        if ((!o.only || strcmp(o.only, specs[i].name) == 0) &&
            !bench(&specs[i], &o))
            return 1;
    bool asked = !o.way && (!o.only || strcmp(o.only, "programs") == 0);
    return !asked || bench_compiling(&o) ? 0 : 1;
}
