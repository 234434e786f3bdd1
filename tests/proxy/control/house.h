/* SPDX-License-Identifier: Apache-2.0 */
/*
 * house: a generation made by hand, segments, and a store in a directory of its
 * own: what control stands on, without a supervisor.
 *
 * Pools blue and green (an endpoint each), routes orders (canary green, slot
 * route/orders) and rest.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/state.h"
#include "tests/proxy/control/files.h"

struct house {
    struct files files;
    struct arena *arena;
    struct generation gen;
    struct gen_pool pools[2];
    struct gen_endpoint endpoints[2];
    struct gen_canary canary;
    struct gen_route routes[2];
    struct weights *weights;
    struct latches *latches;
    struct endpoints *segment;
    struct stats *totals;
    struct records *records;
};

/* The file says `weight_ppm`; both endpoints are 127.0.0.1:`port`. */
void house_make(struct house *h, uint32_t weight_ppm, uint16_t port);
void house_remove(struct house *h);

/* A second generation over the same segments and store: a new weight. */
void house_next(struct house *h, uint32_t weight_ppm);

/* The state that control would have, serving; without loop or backends. */
void house_control(struct house *h, struct control *c);
void house_control_end(struct control *c);
