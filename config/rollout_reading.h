/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_reading: a rollout while it is read, for the files that read it.
 */
#pragma once

#include "config/loader.h"

struct rollout_reading {
    struct loader *l;
    const struct yaml *node;
    struct gen_rollout *r;
    const struct gen_api *api; /* of `match` */
    span salt;
    const struct yaml *match;
    const struct yaml *steps;
    const struct yaml *approvals; /* NULL: none are needed */
    const span *watch;            /* as written; rollout_watch.c */
    size_t n_watch;
};

/* All its words were read: find its routes, judge it, count its cells. */
void rollout_check(struct rollout_reading *reading);

/* What cases say of it, whether they were asked for or not. */
void rollout_prove(struct rollout_reading *reading);
void rollout_proofs_free(struct loader *l);

/* What the manifest says to watch: gates that it has, and metrics that there are. */
void rollout_check_watch(struct rollout_reading *reading);

/* The rollouts of one route; two for the same requests are refused. */
void rollout_give_route(struct loader *l, struct gen_route *route,
                        struct section *s);
