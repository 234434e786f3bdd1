/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/control/house.h"

#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

static void *
segment(enum segment_kind kind)
{
    void *at = NULL;
    struct err e;
    int fd;

    if (segment_create(kind, &fd, &e) || segment_map(kind, fd, &at, &e))
        fail_msg("%s", e.text);
    close(fd);
    return at;
}

static void
set_endpoint(struct house *h, size_t i, uint16_t port)
{
    span url = arena_fmt(h->arena, "http://127.0.0.1:%u", port);

    h->endpoints[i] = (struct gen_endpoint){.url = url,
                                            .host = SPAN("127.0.0.1"),
                                            .port = port,
                                            .authority = span_skip(url, 7),
                                            .slot = (uint32_t)i};
}

void
house_make(struct house *h, uint32_t weight_ppm, uint16_t port)
{
    *h = (struct house){0};
    files_make(&h->files);
    h->arena = arena_new(16u << 20);
    assert_non_null(h->arena);
    set_endpoint(h, 0, port);
    set_endpoint(h, 1, port);
    h->pools[0] = (struct gen_pool){.name = SPAN("blue"),
                                    .version = -1,
                                    .endpoints = &h->endpoints[0],
                                    .n_endpoints = 1};
    h->pools[1] = (struct gen_pool){.name = SPAN("green"),
                                    .version = -1,
                                    .endpoints = &h->endpoints[1],
                                    .n_endpoints = 1};
    h->canary = (struct gen_canary){.pool = &h->pools[1],
                                    .weight_ppm = weight_ppm,
                                    .slot_name = SPAN("route/orders")};
    h->routes[0] = (struct gen_route){
        .name = SPAN("orders"), .pool = &h->pools[0], .canary = &h->canary};
    h->routes[1] = (struct gen_route){
        .name = SPAN("rest"), .index = 1, .pool = &h->pools[0]};
    h->gen = (struct generation){.arena = h->arena,
                                 .file = SPAN("/etc/stile/stile.yaml"),
                                 .number = 1,
                                 .has_observe = true,
                                 .observe = {.host = SPAN("127.0.0.1")},
                                 .state_dir = span_str(h->files.dir),
                                 .pools = h->pools,
                                 .n_pools = 2,
                                 .routes = h->routes,
                                 .n_routes = 2,
                                 .n_canaries = 2,
                                 .n_endpoints = 2};
    h->weights = segment(SEGMENT_WEIGHTS);
    h->latches = segment(SEGMENT_LATCHES);
    h->segment = segment(SEGMENT_ENDPOINTS);
    h->totals = segment(SEGMENT_STATS);
    h->records = segment(SEGMENT_RECORDS);
}

void
house_remove(struct house *h)
{
    segment_unmap(SEGMENT_WEIGHTS, h->weights);
    segment_unmap(SEGMENT_LATCHES, h->latches);
    segment_unmap(SEGMENT_ENDPOINTS, h->segment);
    segment_unmap(SEGMENT_STATS, h->totals);
    segment_unmap(SEGMENT_RECORDS, h->records);
    arena_free(&h->arena);
    files_remove(&h->files);
}

void
house_next(struct house *h, uint32_t weight_ppm)
{
    h->gen.number++;
    h->canary.weight_ppm = weight_ppm;
}

void
house_control(struct house *h, struct control *c)
{
    struct err e;

    *c = (struct control){
        .gen = &h->gen, .totals = h->totals, .has_supervisor = true};
    c->backends.segment = h->segment;
    c->records = h->records;
    if (store_open(h->files.dir, 0, &c->store, &e) ||
        metrics_open(h->arena, h->totals, &c->metrics, &e) ||
        slots_init(&c->slots, h->arena, &h->gen, h->weights, h->latches, &e) ||
        slots_reconcile(&c->slots, c->store, 1764032462004, &e))
        fail_msg("%s", e.text);
}

void
house_control_end(struct control *c)
{
    store_close(&c->store);
    crew_fini(&c->crew);
    json_decref(c->processes);
    c->processes = NULL;
}
