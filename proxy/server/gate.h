/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: what a route says to a request before any pool is asked.
 *
 * In this order: who may come at all (403), whether the worker can bear another
 * (503), how often he may come (429), that it is closed for a while (503), and
 * whether the answer is its own: a redirect, or a fixed one.
 */
#pragma once

#include "config/generation.h"

struct exchange;
struct worker;

/* Room for rates in a worker that shares none. False: no memory. */
MUST_CHECK bool gate_open(struct worker *w);

/* May x go on to a pool? False: it has been answered. */
MUST_CHECK bool gate_passes(struct exchange *x);

/* Is the address (IPv4 in its mapped form) in one of the networks? */
bool gate_is_in(const struct gen_network *networks, size_t n,
                const uint8_t address[16]);
