/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/machine.h"

#include <assert.h>

#define BY_EITHER (BY_CONTROL | BY_OPERATOR)
#define BY_ANY    (BY_CONTROL | BY_OPERATOR | BY_WORKER)
#define BY_PERSON (BY_OPERATOR | BY_GLASS)

/* A worker sets the latch of a cell, and control writes it down. */
#define BY_RETREAT (BY_CONTROL | BY_WORKER)

/* In the order of a life. One edge for each (state, event): a test says so. */
static const struct machine_edge edges[] = {
    {ROLLOUT_DRAFT, EVENT_CHECK, ROLLOUT_CHECKED, BY_CONTROL},
    {ROLLOUT_DRAFT, EVENT_WITHDRAW, ROLLOUT_WITHDRAWN, BY_OPERATOR},
    {ROLLOUT_CHECKED, EVENT_APPROVE, ROLLOUT_APPROVED, BY_CONTROL},
    {ROLLOUT_CHECKED, EVENT_START, ROLLOUT_STEP, BY_GLASS},
    {ROLLOUT_CHECKED, EVENT_FLIP, ROLLOUT_STEP, BY_GLASS},
    {ROLLOUT_CHECKED, EVENT_WITHDRAW, ROLLOUT_WITHDRAWN, BY_OPERATOR},
    {ROLLOUT_APPROVED, EVENT_SHADOW, ROLLOUT_SHADOWING, BY_OPERATOR},
    {ROLLOUT_APPROVED, EVENT_START, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_APPROVED, EVENT_FLIP, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_APPROVED, EVENT_WITHDRAW, ROLLOUT_WITHDRAWN, BY_OPERATOR},
    {ROLLOUT_SHADOWING, EVENT_START, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_SHADOWING, EVENT_FLIP, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_SHADOWING, EVENT_WITHDRAW, ROLLOUT_WITHDRAWN, BY_OPERATOR},

    {ROLLOUT_STEP, EVENT_WAIT, ROLLOUT_HOLDING, BY_CONTROL},
    {ROLLOUT_STEP, EVENT_ADVANCE, ROLLOUT_STEP, BY_CONTROL},
    {ROLLOUT_STEP, EVENT_PROMOTE, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_STEP, EVENT_FLIP, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_STEP, EVENT_PAUSE, ROLLOUT_PAUSED, BY_EITHER},
    {ROLLOUT_STEP, EVENT_REBUILD, ROLLOUT_STEP, BY_CONTROL},
    {ROLLOUT_STEP, EVENT_HALT_CELL, ROLLOUT_STEP, BY_RETREAT},
    {ROLLOUT_STEP, EVENT_REOPEN, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_STEP, EVENT_HALT, ROLLOUT_HALTED, BY_ANY},
    {ROLLOUT_STEP, EVENT_BLOCK, ROLLOUT_BLOCKED, BY_CONTROL},
    {ROLLOUT_STEP, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_HOLDING, EVENT_ADVANCE, ROLLOUT_STEP, BY_CONTROL},
    {ROLLOUT_HOLDING, EVENT_PROMOTE, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_HOLDING, EVENT_FLIP, ROLLOUT_STEP, BY_PERSON},
    {ROLLOUT_HOLDING, EVENT_PAUSE, ROLLOUT_PAUSED, BY_EITHER},
    {ROLLOUT_HOLDING, EVENT_REBUILD, ROLLOUT_STEP, BY_CONTROL},
    {ROLLOUT_HOLDING, EVENT_HALT_CELL, ROLLOUT_HOLDING, BY_RETREAT},
    {ROLLOUT_HOLDING, EVENT_REOPEN, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_HOLDING, EVENT_HALT, ROLLOUT_HALTED, BY_ANY},
    {ROLLOUT_HOLDING, EVENT_BLOCK, ROLLOUT_BLOCKED, BY_CONTROL},
    {ROLLOUT_HOLDING, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_BAKING, EVENT_FINISH, ROLLOUT_DONE, BY_CONTROL},
    {ROLLOUT_BAKING, EVENT_PROMOTE, ROLLOUT_DONE, BY_PERSON},
    {ROLLOUT_BAKING, EVENT_PAUSE, ROLLOUT_PAUSED, BY_EITHER},
    {ROLLOUT_BAKING, EVENT_REBUILD, ROLLOUT_STEP, BY_CONTROL},
    {ROLLOUT_BAKING, EVENT_HALT_CELL, ROLLOUT_BAKING, BY_RETREAT},
    {ROLLOUT_BAKING, EVENT_REOPEN, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_BAKING, EVENT_HALT, ROLLOUT_HALTED, BY_ANY},
    {ROLLOUT_BAKING, EVENT_BLOCK, ROLLOUT_BLOCKED, BY_CONTROL},
    {ROLLOUT_BAKING, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_PAUSED, EVENT_RESUME, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_PAUSED, EVENT_REBUILD, ROLLOUT_PAUSED, BY_CONTROL},
    {ROLLOUT_PAUSED, EVENT_HALT_CELL, ROLLOUT_PAUSED, BY_RETREAT},
    {ROLLOUT_PAUSED, EVENT_REOPEN, ROLLOUT_PAUSED, BY_OPERATOR},
    {ROLLOUT_PAUSED, EVENT_HALT, ROLLOUT_HALTED, BY_ANY},
    {ROLLOUT_PAUSED, EVENT_BLOCK, ROLLOUT_BLOCKED, BY_CONTROL},
    {ROLLOUT_PAUSED, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_DONE, EVENT_HALT_CELL, ROLLOUT_DONE, BY_RETREAT},
    {ROLLOUT_DONE, EVENT_REOPEN, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_DONE, EVENT_HALT, ROLLOUT_HALTED, BY_OPERATOR},
    {ROLLOUT_DONE, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_BLOCKED, EVENT_HALT_CELL, ROLLOUT_BLOCKED, BY_RETREAT},
    {ROLLOUT_BLOCKED, EVENT_HALT, ROLLOUT_HALTED, BY_ANY},
    {ROLLOUT_BLOCKED, EVENT_RESUME, ROLLOUT_STEP, BY_OPERATOR},
    {ROLLOUT_BLOCKED, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_OPERATOR},

    {ROLLOUT_HALTED, EVENT_ROLL_BACK, ROLLOUT_ROLLED_BACK, BY_EITHER},
    {ROLLOUT_ROLLED_BACK, EVENT_REPORT, ROLLOUT_REPORTED, BY_CONTROL},
    {ROLLOUT_ROLLED_BACK, EVENT_AGAIN, ROLLOUT_DRAFT, BY_OPERATOR},
    {ROLLOUT_REPORTED, EVENT_AGAIN, ROLLOUT_DRAFT, BY_OPERATOR},
    {ROLLOUT_WITHDRAWN, EVENT_AGAIN, ROLLOUT_DRAFT, BY_OPERATOR},
};

struct machine
machine_new(uint64_t wall_ms)
{
    return (struct machine){.state = ROLLOUT_DRAFT,
                            .run = 1,
                            .since_ms = wall_ms,
                            .latest_ms = wall_ms};
}

const struct machine_edge *
machine_edges(size_t *n)
{
    *n = COUNT(edges);
    return edges;
}

const struct machine_edge *
machine_edge(enum machine_state from, enum machine_event event)
{
    for (size_t i = 0; i < COUNT(edges); i++)
        if (edges[i].from == from && edges[i].event == event)
            return &edges[i];
    return NULL;
}

/* "pause, abort, rollback": what this actor could ask for instead. */
static const char *
others(enum machine_state from, enum machine_actor by, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < COUNT(edges); i++)
        if (edges[i].from == from && (edges[i].by & by) && n + 32 < size)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
                                  machine_event_word(edges[i].event));
    return n ? out : "nothing";
}

static bool
is_last(const struct rollout_plan *plan, uint32_t step)
{
    return step + 1 >= plan->n_steps;
}

/* To a step, from wherever: the last one is baked. */
static void
to_step(const struct rollout_plan *plan, struct machine *m, uint32_t step,
        const struct machine_call *call)
{
    m->step = step;
    m->state = is_last(plan, step) ? ROLLOUT_BAKING : ROLLOUT_STEP;
    m->base_answers = call->canary_answers;
}

/* A run has its own halts. */
static void
forget_cells(struct machine *m)
{
    m->halted = 0;
    memset(m->opened, 0, sizeof(m->opened));
}

/* Cells that were judged and found bad are judged anew, for a whole hold. */
static void
reopen(struct machine *m, uint32_t cells)
{
    m->halted &= ~cells;
    for (uint32_t i = 0; i < ROLLOUT_CELLS_MAX; i++)
        m->opened[i] = (uint16_t)(m->opened[i] + (cells >> i & 1));
}

/* The table says where; here is which step that is. */
static void
settle(const struct rollout_plan *plan, struct machine *m,
       const struct machine_edge *edge, const struct machine_call *call)
{
    m->state = edge->to;
    switch (edge->event) {
    case EVENT_START:
        to_step(plan, m, 0, call);
        break;
    case EVENT_REBUILD:
        to_step(plan, m, 0, call);
        if (edge->to == ROLLOUT_PAUSED) /* who paused it goes on by a word */
            m->state = ROLLOUT_PAUSED;
        break;
    case EVENT_ADVANCE:
    case EVENT_PROMOTE:
        if (edge->to == ROLLOUT_STEP)
            to_step(plan, m, m->step + 1, call);
        break;
    case EVENT_FLIP:
        to_step(plan, m, plan->n_steps - 1, call);
        break;
    case EVENT_RESUME:
        to_step(plan, m, m->step, call);
        break;
    case EVENT_HALT_CELL:
        m->halted |= call->cells;
        break;
    case EVENT_REOPEN:
        reopen(m, call->cells);
        to_step(plan, m, m->step, call);
        if (edge->to == ROLLOUT_PAUSED)
            m->state = ROLLOUT_PAUSED;
        break;
    case EVENT_AGAIN:
        forget_cells(m);
        m->run++;
        m->step = 0;
        m->base_answers = call->canary_answers;
        break;
    case EVENT_CHECK:
    case EVENT_APPROVE:
    case EVENT_SHADOW:
    case EVENT_WAIT:
    case EVENT_FINISH:
    case EVENT_PAUSE:
    case EVENT_HALT:
    case EVENT_BLOCK:
    case EVENT_ROLL_BACK:
    case EVENT_REPORT:
    case EVENT_WITHDRAW:
        break;
    }
}

/* Cells are halted once, and reopened if they are halted. */
static enum err_code
check_cells(const struct machine *from, const struct machine_call *call,
            struct err *e)
{
    if (call->event == EVENT_HALT_CELL && (call->cells & ~from->halted) == 0)
        return err_set(e, ERR_CONFLICT, "these cells are halted already");
    if (call->event == EVENT_REOPEN && from->halted == 0)
        return err_set(e, ERR_CONFLICT, "no cell of it is halted");
    if (call->event == EVENT_REOPEN &&
        (call->cells == 0 || (call->cells & ~from->halted) != 0))
        return err_set(e, ERR_CONFLICT, "that cell is not halted");
    return OK;
}

enum err_code
machine_apply(const struct rollout_plan *plan, const struct machine *from,
              const struct machine_call *call, struct machine *out,
              struct err *e)
{
    const struct machine_edge *edge = machine_edge(from->state, call->event);
    char room[256];
    /* Who waits is still in his step, and so is who is left of it. */
    bool goes_on = call->event == EVENT_WAIT || call->event == EVENT_HALT_CELL;

    assert(from->step < plan->n_steps);
    if (!edge || (edge->by == BY_GLASS && call->by == BY_OPERATOR))
        return err_set(
            e, ERR_CONFLICT, "a rollout that is %s cannot '%s'%s; it can: %s",
            machine_state_word(from->state), machine_event_word(call->event),
            edge ? " unless the glass is broken" : "",
            others(from->state, call->by, room, sizeof(room)));
    if (!(edge->by & call->by))
        return err_set(e, ERR_UNSUPPORTED, "'%s' is not yours to ask for",
                       machine_event_word(call->event));
    if ((call->event == EVENT_ADVANCE || call->event == EVENT_PROMOTE) &&
        edge->to == ROLLOUT_STEP && is_last(plan, from->step))
        return err_set(e, ERR_CONFLICT, "there is no step after step %u",
                       from->step + 1);
    if (call->event == EVENT_FINISH && !is_last(plan, from->step))
        return err_set(e, ERR_CONFLICT, "step %u is not the last",
                       from->step + 1);
    enum err_code code = check_cells(from, call, e);
    if (code)
        return code;
    *out = *from;
    if (call->wall_ms > out->latest_ms)
        out->latest_ms = call->wall_ms;
    if (!goes_on)
        out->since_ms = out->latest_ms;
    settle(plan, out, edge, call);
    return OK;
}

bool
machine_begins(enum machine_state from, enum machine_event event)
{
    const struct machine_edge *edge = machine_edge(from, event);

    return (event == EVENT_START || event == EVENT_FLIP) && edge &&
           !machine_is_live(from) && machine_is_live(edge->to);
}

uint32_t
machine_weight(const struct rollout_plan *plan, const struct machine *m)
{
    assert(m->step < plan->n_steps);
    return machine_is_live(m->state) ? plan->steps[m->step].weight_ppm : 0;
}

uint32_t
machine_cell_weight(const struct rollout_plan *plan, const struct machine *m,
                    uint32_t cell)
{
    assert(cell < ROLLOUT_CELLS_MAX);
    return m->halted >> cell & 1 ? 0 : machine_weight(plan, m);
}

uint32_t
machine_halted_n(const struct machine *m)
{
    return (uint32_t)__builtin_popcount(m->halted);
}

bool
machine_is_live(enum machine_state s)
{
    static const bool live[] = {
#define X(id, word, live, doc) live,
        MACHINE_STATES(X)
#undef X
    };

    return live[s];
}

bool
machine_is_over(enum machine_state s)
{
    return s == ROLLOUT_DONE || s == ROLLOUT_REPORTED || s == ROLLOUT_WITHDRAWN;
}

static const char *const state_words[] = {
#define X(id, word, live, doc) word,
    MACHINE_STATES(X)
#undef X
};

const char *
machine_state_word(enum machine_state s)
{
    return state_words[s];
}

bool
machine_state_of(span word, enum machine_state *out)
{
    for (size_t i = 0; i < COUNT(state_words); i++)
        if (span_is(word, state_words[i])) {
            *out = (enum machine_state)i;
            return true;
        }
    return false;
}

const char *
machine_event_word(enum machine_event v)
{
    static const char *const words[] = {
#define X(id, word, doc) word,
        MACHINE_EVENTS(X)
#undef X
    };

    return words[v];
}
