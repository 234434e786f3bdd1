/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: the states of a rollout, and the one table of what leads where.
 *
 * A pure function of plan, state and event. Whoever applies an edge writes it to
 * the journal before it takes effect; what takes effect is machine_weight of the
 * new state, so that a state and its weight cannot disagree. Advance is the
 * control's and the operator's; anybody may retreat.
 */
#pragma once

#include "proxy/base/err.h"
#include "routing/rollout/plan.h"

/* X(id, word, is traffic on the canary, doc) */
#define MACHINE_STATES(X)                                                      \
    X(ROLLOUT_DRAFT, "draft", false, "written, not looked at")                 \
    X(ROLLOUT_CHECKED, "checked", false, "its plan can conclude")              \
    X(ROLLOUT_APPROVED, "approved", false, "enough people have agreed")        \
    X(ROLLOUT_SHADOWING, "shadowing", false, "answers are compared unseen")    \
    X(ROLLOUT_STEP, "step", true, "a step's hold is running")                  \
    X(ROLLOUT_HOLDING, "holding", true,                                        \
      "the hold is over; it waits for data, a window or a person")             \
    X(ROLLOUT_BAKING, "baking", true, "the last step's hold is running")       \
    X(ROLLOUT_DONE, "done", true, "the canary has what the last step says")    \
    X(ROLLOUT_PAUSED, "paused", true, "the weight stays where it is")          \
    X(ROLLOUT_HALTED, "halted", false, "a gate broke, or somebody aborted")    \
    X(ROLLOUT_BLOCKED, "rollback_blocked", true,                               \
      "the baseline could not carry it: frozen until somebody decides")        \
    X(ROLLOUT_ROLLED_BACK, "rolled_back", false,                               \
      "everybody is on the baseline")                                          \
    X(ROLLOUT_REPORTED, "reported", false, "rolled back, and it is told why")  \
    X(ROLLOUT_WITHDRAWN, "withdrawn", false, "given up before it began")

enum machine_state {
#define X(id, word, live, doc) id,
    MACHINE_STATES(X)
#undef X
};

/* X(id, word, doc) */
#define MACHINE_EVENTS(X)                                                      \
    X(EVENT_CHECK, "check", "the plan was checked")                            \
    X(EVENT_APPROVE, "approve", "the last approval needed is there")           \
    X(EVENT_SHADOW, "shadow", "begin to compare")                              \
    X(EVENT_START, "start", "to the first step")                               \
    X(EVENT_WAIT, "wait", "the hold is over and something is missing")         \
    X(EVENT_ADVANCE, "advance", "to the next step")                            \
    X(EVENT_PROMOTE, "promote", "to the next step, by a person's word")        \
    X(EVENT_FLIP, "flip", "everybody to the canary, by a person's word")       \
    X(EVENT_FINISH, "finish", "the last step's hold is over")                  \
    X(EVENT_PAUSE, "pause", "stay at this weight")                             \
    X(EVENT_RESUME, "resume", "the step's hold begins anew")                   \
    X(EVENT_REBUILD, "rebuild", "the canary has a new build: to step 1")       \
    X(EVENT_HALT_CELL, "halt_cell", "nobody of these cells is on the canary")  \
    X(EVENT_REOPEN, "reopen", "cells that were halted are on it again")        \
    X(EVENT_HALT, "halt", "nobody is on the canary from now on")               \
    X(EVENT_BLOCK, "block", "the way back is not safe")                        \
    X(EVENT_ROLL_BACK, "rollback", "everybody to the baseline")                \
    X(EVENT_REPORT, "report", "the report is written")                         \
    X(EVENT_WITHDRAW, "withdraw", "give it up before it began")                \
    X(EVENT_AGAIN, "again", "a new run, from the draft")

enum machine_event {
#define X(id, word, doc) id,
    MACHINE_EVENTS(X)
#undef X
};

/* Who asks, as bits: an edge names all who may. Who breaks the glass is an
 * operator of whom it is not asked what else an edge forward needs. */
enum machine_actor {
    BY_CONTROL = 1,
    BY_OPERATOR = 2,
    BY_WORKER = 4,
    BY_GLASS = 8
};

struct machine_edge {
    enum machine_state from;
    enum machine_event event;
    enum machine_state to;
    unsigned by; /* enum machine_actor, or-ed */
};

/* Where a rollout stands: what is journalled, and nothing else. */
struct machine {
    enum machine_state state;
    uint32_t step;         /* index into the plan's; kept when it is halted */
    uint32_t run;          /* from 1; a new one begins after a halt */
    uint64_t since_ms;     /* when this step (or state before it) began */
    uint64_t latest_ms;    /* the latest time journalled: clocks go back */
    uint64_t base_answers; /* canary answers counted when the step began */
    uint32_t halted;       /* cells of this run that have nobody on it: bits */
    uint16_t opened[ROLLOUT_CELLS_MAX]; /* how often each was reopened in it */
};

/* A rollout nobody has done anything with. */
struct machine machine_new(uint64_t wall_ms);

/* The edge, or NULL: from this state the event leads nowhere. */
const struct machine_edge *machine_edge(enum machine_state from,
                                        enum machine_event event);

/* All of them, for documents and tests. */
const struct machine_edge *machine_edges(size_t *n);

/* An event that comes now. */
struct machine_call {
    enum machine_event event;
    enum machine_actor by;
    uint64_t wall_ms;
    uint64_t canary_answers; /* counted so far */
    uint32_t cells;          /* of halt_cell and reopen: a bit each */
};

/*
 * Where `from` leads. ERR_CONFLICT: nowhere, or only who breaks the glass may, and
 * what it could do is said; or the cells are so already.
 * ERR_UNSUPPORTED: not for this actor.
 */
MUST_CHECK enum err_code machine_apply(const struct rollout_plan *plan,
                                       const struct machine *from,
                                       const struct machine_call *call,
                                       struct machine *out, struct err *e);

/* Does this event send the first subjects of its run to the canary? */
bool machine_begins(enum machine_state from, enum machine_event event);

/* The weight of a state, and of one cell in it. */
uint32_t machine_weight(const struct rollout_plan *plan,
                        const struct machine *m);
uint32_t machine_cell_weight(const struct rollout_plan *plan,
                             const struct machine *m, uint32_t cell);

/* How many cells are halted. */
uint32_t machine_halted_n(const struct machine *m);

bool machine_is_live(enum machine_state s); /* is traffic on the canary? */
bool machine_is_over(enum machine_state s); /* does nothing more by itself? */
const char *machine_state_word(enum machine_state s);
const char *machine_event_word(enum machine_event v);
bool machine_state_of(span word, enum machine_state *out);
