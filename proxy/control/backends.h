/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backends: the endpoints of this generation's pools, resolved and checked.
 *
 * The one writer of the endpoints segment. A numeric address is there before
 * the workers look; a name is asked for at the start and every 30 s, and keeps
 * its last addresses when the answer fails to come. What was known of an
 * endpoint when another control wrote the segment is where this one goes on.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/check.h"
#include "proxy/control/health.h"
#include "proxy/control/names.h"
#include "proxy/observe/metrics.h"

#define NAMES_AGAIN_MS ((uint64_t)30000)
#define NAMES_RETRY_MS ((uint64_t)2000) /* while it has no address at all */
#define CHECK_MAX_MS   ((uint64_t)5000) /* a check may take so long, or `every` */

struct backends;

struct backend {
    struct backends *all;
    const struct gen_pool *pool;
    const struct gen_endpoint *endpoint;
    uint32_t index; /* in backends.at */
    uint32_t slot;  /* in the segment */
    bool is_named;  /* its host has to be resolved */
    struct endpoint_address addresses[ENDPOINT_ADDRESSES];
    size_t n_addresses;
    bool is_drained; /* by an operator: drains.h */
    struct health health;
    char said[128]; /* of the last check or resolution that failed; else "" */
    size_t trying;  /* address under check */
    struct check check;
    struct timer check_again;
    struct timer ask_again;
    uint32_t up_cell, passed_cell, failed_cell;
};

struct backends {
    struct loop *loop;
    struct endpoints *segment;
    struct metrics *metrics;
    struct names *names; /* NULL: nothing to resolve */
    struct backend *at;  /* in the order of the pools and their endpoints */
    size_t n;
    bool started; /* else what still comes in is not written */
};

/*
 * Claim a slot for each endpoint and put the numeric addresses in. In `a`.
 * ERR_LIMIT: the segment or the heap is full. ERR_IO: no resolver.
 */
MUST_CHECK enum err_code backends_init(struct backends *b, struct arena *a,
                                       const struct generation *gen,
                                       struct endpoints *segment,
                                       struct metrics *metrics, struct loop *l,
                                       struct err *e);

/* Ask and check from now on; stop doing so. Both may come again. */
void backends_start(struct backends *b);
void backends_stop(struct backends *b);

void backends_fini(struct backends *b);

/* Take an endpoint out of use, or back; its pool's workers are told at once. */
void backends_drain(struct backends *b, const struct gen_endpoint *endpoint,
                    bool drains);

/* The endpoint's backend; NULL for one of another generation. */
const struct backend *backends_find(const struct backends *b,
                                    const struct gen_endpoint *endpoint);

/* Numeric, from text, with the port; false if `host` is a name. */
bool endpoint_address_of(span host, uint16_t port,
                         struct endpoint_address *out);

/* "127.0.0.1:80", "[::1]:80"; `size` >= 64. */
void endpoint_address_text(const struct endpoint_address *a, char *out,
                           size_t size);
