/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what a plan is made of; this room's own.
 */
#pragma once

#include "translators/engine/program.h"
#include "translators/plan/plan.h"

struct plan_entry {
    const struct lens_place *place;
    size_t type;
    bool is_request;
    bool guards;
    const struct lower_tell *tells;
    size_t n_tells;
    struct engine_program program;
    struct engine_program packed; /* the same over MessagePack */
};

struct plan {
    struct plan_entry *entries;
    size_t n_entries;
};
