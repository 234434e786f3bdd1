/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: one rollout, `ios` from blue to green over the routes orders and rest, with the store and the segments that
 * outlive its control, and what workers and operators do to it.
 */
#pragma once

#include "proxy/control/rollouts.h"
#include "tests/proxy/control/house.h"

#define STAGE_T0    UINT64_C(1764032462004)
#define STAGE_STEPS 3u

extern const struct rollout_step stage_steps[STAGE_STEPS];

struct stage {
    struct house house;
    struct gen_rollout gen;
    const struct gen_route *routes[2];
    struct gates *gates;
    struct store *store;
    struct rollouts all;
    uint32_t cells; /* of the next reopening */
};

/* Nothing is kept apart; the steps are stage_steps. */
void stage_make(struct stage *s);
void stage_remove(struct stage *s);

/* Before it begins: its cells are orders and rest, each of ios and android (bits 0 to 3), and a gate halts one alone. */
void stage_keep_apart(struct stage *s);

/* Control begins, with the segments as they are, or with new ones; and ends. */
void stage_begin(struct stage *s, bool anew);
void stage_end(struct stage *s);

struct rollout *stage_it(struct stage *s);

/* What holds for who is in no halted cell. */
uint32_t stage_effective(const struct stage *s);

enum err_code stage_ask_as(struct stage *s, enum machine_event event,
                           enum machine_actor by, struct err *e);
enum err_code stage_ask(struct stage *s, enum machine_event event,
                        struct err *e);
enum err_code stage_acknowledge(struct stage *s, struct err *e);

/* It is at step 1. */
void stage_start(struct stage *s);

/* The canary answers so many subjects; as this build. */
void stage_answers(struct stage *s, int n);
void stage_answers_as(struct stage *s, const char *build);

void stage_assert_same(const struct machine *a, const struct machine *b);

/* What a worker writes when it halts, and then everybody dies. */
void stage_expose(const struct stage *s, const char *text);

/* The kind of the newest revision. */
const char *stage_last_kind(const struct stage *s);
