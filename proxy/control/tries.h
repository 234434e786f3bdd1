/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries: wrong tokens, by where they came from.
 *
 * Five in a minute, and nothing from there is looked at until the oldest is a
 * minute old: not even a right one, so that no answer tells which it was. It
 * remembers so many addresses; past them, that which was wrong longest ago is
 * forgotten. An IPv6 network (/64) counts as one, as whoever has one address of
 * it has all.
 */
#pragma once

#include "proxy/base/span.h"

#define TRIES_MAX    5u
#define TRIES_MS     ((uint64_t)60000)
#define TRIES_PLACES 256u

struct tries {
    struct tries_place {
        uint8_t address[16];
        uint64_t at_ms[TRIES_MAX]; /* of the last wrong ones, a ring */
        uint32_t n;                /* all there were; 0: nobody's place */
    } places[TRIES_PLACES];
};

/* How long to wait until a token from there is looked at; 0: not at all. */
uint64_t tries_wait_ms(const struct tries *t, const uint8_t address[16],
                       uint64_t now_ms);

/* A wrong one came from there. */
void tries_wrong(struct tries *t, const uint8_t address[16], uint64_t now_ms);
