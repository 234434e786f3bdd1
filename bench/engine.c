/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: what a translation costs, planned and by the reference, in one run.
 *
 * Bodies vary in content, so that a predictor cannot learn one by heart. A round
 * runs both engines on the same bodies, interleaved; the best round is told.
 */
#include "proxy/base/problem.h"
#include "translators/plan/plan.h"
#include "translators/reference/reference.h"

#include <stdio.h>
#include <time.h>

#define ROOM   ((size_t)512 * 1024 * 1024)
#define BODIES 64
#define ROUNDS 15

static const char api_yaml[] =
    "api: shop\nversions: {v1: {}, v2: {}, v3: {}, v4: {}, v5: {}}\n"
    "detect: [{header: V}]\nmissing: v1\nunknown: refuse\n"
    "types:\n  Order: {at: [POST /orders, \"data/* of GET /orders\"]}\n"
    "  Line: {at: \"items/* of Order\"}\n";

#define MANIFEST "manifest: {title: t, owner: o, guarantee: none}\n"

static const char *const changes_yaml[] = {
    "change: c1\nfrom: v1\nto: v2\n" MANIFEST
    "Order:\n  map: {customer: customer_id, status: {enum: {open: pending}}}\n"
    "  add: {channel: {up: api, write: lose}}\n"
    "Line:\n  map: {sku: code, qty: quantity}\n",
    "change: c2\nfrom: v2\nto: v3\n" MANIFEST
    "Order:\n  map: {status: {to: state, enum: {pending: waiting}}}\n"
    "  drop: {legacy: {down: \"\", write: ignore}}\n",
    "change: c3\nfrom: v3\nto: v4\n" MANIFEST
    "Order:\n  map: {channel: via, created: created_at}\n"
    "Line:\n  map: {code: sku_code}\n",
    "change: c4\nfrom: v4\nto: v5\n" MANIFEST "Order:\n  map: {lines: items}\n",
};

struct job {
    const char *name;
    const struct plan_entry *entry;
    struct reference_chain chain;
    span bodies[BODIES];
    size_t bytes;
};

static double
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static unsigned
dice(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* An order of about a kilobyte. */
static void
add_order(struct buf *b, unsigned *seed)
{
    static const char *const states[] = {"open", "paid", "void", "shipped"};
    buf_fmt(b,
            "{\"id\":\"ord_%u\",\"customer\":\"cus_%u\",\"status\":\"%s\","
            "\"created\":%u,\"legacy\":\"%u\",\"currency\":\"eur\","
            "\"total\":%u.%02u,\"notes\":\"Leave it at the door, %u\","
            "\"lines\":[",
            dice(seed, 1u << 24), dice(seed, 1u << 20), states[dice(seed, 4)],
            dice(seed, 1u << 24), dice(seed, 999), dice(seed, 9999),
            dice(seed, 100), dice(seed, 99));
    for (unsigned i = 0, n = 6 + dice(seed, 5); i < n; i++)
        buf_fmt(b,
                "%s{\"sku\":\"A-%u\",\"qty\":%u,\"price\":%u.5,"
                "\"title\":\"Thing number %u\",\"gift\":%s}",
                i ? "," : "", dice(seed, 99999), dice(seed, 12),
                dice(seed, 900), dice(seed, 1u << 16),
                dice(seed, 2) ? "true" : "false");
    buf_str(b, "]}");
}

static void
fill(struct arena *a, struct job *job, size_t orders)
{
    unsigned seed = 5;
    for (size_t i = 0; i < BODIES; i++) {
        struct buf b;
        buf_init(&b, ROOM);
        buf_str(&b, orders > 1 ? "{\"data\":[" : "");
        for (size_t k = 0; k < orders; k++) {
            buf_str(&b, k ? "," : "");
            add_order(&b, &seed);
        }
        buf_str(&b, orders > 1 ? "]}" : "");
        if (!span_dup(a, buf_span(&b), &job->bodies[i]))
            abort();
        job->bytes += job->bodies[i].len;
        buf_fini(&b);
    }
}

static double
run_plan(const struct job *job, struct arena *a, struct buf *out)
{
    double start = now_ns();
    for (size_t i = 0; i < BODIES; i++) {
        arena_reset(a);
        buf_clear(out);
        struct plan_run *r = plan_run_new(a, job->entry, 128, out);
        if (!r || plan_run_feed(r, job->bodies[i], true) != PLAN_DONE)
            abort();
    }
    return now_ns() - start;
}

static double
run_reference(const struct job *job, struct arena *a, struct buf *out)
{
    struct reference_facts facts = {.is_request = true, .depth_max = 128};
    double start = now_ns();
    for (size_t i = 0; i < BODIES; i++) {
        struct reference_report report = {0};
        arena_reset(a);
        buf_clear(out);
        if (reference_body(a, &job->chain, &facts, job->bodies[i], out,
                           &report) != OK)
            abort();
    }
    return now_ns() - start;
}

static double
run_copy(const struct job *job, struct buf *out)
{
    double start = now_ns();
    for (size_t i = 0; i < BODIES; i++) {
        buf_clear(out);
        buf_add(out, job->bodies[i]);
    }
    return now_ns() - start;
}

static void
bench(const struct job *job)
{
    static const char *const names[] = {"plan", "reference", "copy"};
    double best[3] = {1e18, 1e18, 1e18};
    struct arena *a = arena_new(ROOM);
    struct buf out;
    buf_init(&out, ROOM);
    for (int round = 0; round < ROUNDS; round++) {
        double is[3] = {run_plan(job, a, &out),
                        round < 5 ? run_reference(job, a, &out) : 1e18,
                        run_copy(job, &out)};
        for (size_t i = 0; i < COUNT(best); i++)
            best[i] = is[i] < best[i] ? is[i] : best[i];
    }
    for (size_t i = 0; i < COUNT(best); i++)
        printf("%-12s %8zu B  %-10s %10.0f ns/call  %7.3f GB/s  %7.1fx\n",
               job->name, job->bytes / BODIES, names[i], best[i] / BODIES,
               (double)job->bytes / best[i], best[1] / best[i]);
    buf_fini(&out);
    arena_free(&a);
}

int
main(void)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = NULL;
    const struct plan *plan = NULL;
    struct problems problems;
    struct lens_text changes[COUNT(changes_yaml)];
    struct err e = {0};
    problems_init(&problems, a);
    for (size_t i = 0; i < COUNT(changes); i++)
        changes[i] = (struct lens_text){arena_fmt(a, "%zu.yaml", i),
                                        span_str(changes_yaml[i])};
    if (lens_load_text(a,
                       (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)},
                       changes, COUNT(changes), &problems, &api) != OK) {
        for (size_t i = 0; i < problems.n; i++)
            fprintf(stderr, "%.*s\n", SPAN_FMT(problems.at[i].text));
        return 1;
    }
    double start = now_ns();
    if (plan_build(a, api, 0, api->n_versions - 1, &plan, &e) != OK)
        return 1;
    printf("planned in %.0f us\n", (now_ns() - start) / 1000);

    static struct job jobs[] = {{.name = "order"}, {.name = "list"}};
    static const struct lens_place whole = {0};
    struct lens_site order = {.type = (size_t)lens_type_of(api, SPAN("Order"))};
    for (size_t i = 0; i < COUNT(jobs); i++) {
        struct reference_sites *sites =
            arena_array(a, api->n_versions, sizeof(*sites));
        const struct lens_site **site =
            arena_array(a, 1, sizeof(const struct lens_site *));
        if (!sites || !site)
            return 1;
        site[0] = &order;
        for (size_t k = 0; i && k < api->n_sites[0]; k++)
            if (api->sites[0][k].place.n)
                site[0] = &api->sites[0][k];
        for (size_t k = 0; k < api->n_versions; k++)
            sites[k] = (struct reference_sites){site, 1};
        jobs[i].chain = (struct reference_chain){
            .api = api, .to = api->n_versions - 1, .sites = sites};
        jobs[i].entry =
            plan_find(plan, i ? &site[0]->place : &whole, order.type);
        if (!jobs[i].entry)
            return 1;
        fill(a, &jobs[i], i ? 140 : 1);
        bench(&jobs[i]);
    }
    arena_free(&a);
    return 0;
}
