/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_traffic: what traffic says of each pair of versions, as JSON: the live half of the compatibility matrix.
 */
#pragma once

#include "proxy/control/state.h"

/* What messages between a client's version and a pool's came to, over all workers and lives of this supervisor. */
struct traffic {
    uint64_t translated[2]; /* requests, answers; those that failed included */
    uint64_t failed[2];
};

/* Add up what workers have counted, once for all that is asked. NULL: no memory. */
struct metrics_sum *traffic_sum(const struct control *c);

struct traffic traffic_of(const struct metrics_sum *sum,
                          const struct gen_api *api, size_t client,
                          size_t pool);

/* `{"traffic": [...]}`: every pair that had any. NULL: no memory. */
MUST_CHECK json_t *view_traffic(const struct control *c);
