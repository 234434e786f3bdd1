/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_builds.h"

#include "proxy/control/rollout_edges.h"
#include "proxy/control/rollout_people.h"
#include "proxy/observe/log.h"

#include <stdio.h>

static_assert((uint32_t)GATES_BUILDS + (uint32_t)BUILDS_WORDS <=
                  (uint32_t)GATES_CELL_LATCHES,
              "builds have room");

static void
add(struct builds *to, const struct build *b)
{
    if (to->n < BUILDS_MAX && !builds_have(to, b->hash))
        to->at[to->n++] = *b;
}

void
rollout_builds_new(const struct rollout *r, struct builds *out)
{
    struct builds all;

    *out = (struct builds){0};
    builds_read(gates_word(r->place, GATES_BUILDS), &all);
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].answers && !builds_have(&r->builds.known, all.at[i].hash))
            add(out, &all.at[i]);
}

/* Those that were known and have answered in this step; all, if none has. */
static void
keep_answering(const struct rollout *r, struct builds *known)
{
    struct builds all;

    *known = (struct builds){0};
    builds_read(gates_word(r->place, GATES_BUILDS), &all);
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].answers && builds_have(&r->builds.known, all.at[i].hash))
            add(known, &all.at[i]);
    if (known->n == 0)
        *known = r->builds.known;
}

/* The new ones first: where there is no room for all, an old one is forgotten. */
static void
take_new(const struct rollout *r, struct builds *known)
{
    rollout_builds_new(r, known);
    for (size_t i = 0; i < r->builds.known.n; i++)
        add(known, &r->builds.known.at[i]);
}

bool
rollout_restarts(enum machine_state from, enum machine_event event)
{
    return event == EVENT_REBUILD ||
           (event == EVENT_RESUME && from == ROLLOUT_BLOCKED);
}

void
rollout_builds_turn(const struct rollout *r, enum machine_event event,
                    struct rollout *next)
{
    enum machine_state from = r->machine.state;
    struct rollout_builds *b = &next->builds;

    if (!machine_is_live(next->machine.state) ||
        (next->machine.step == r->machine.step && event != EVENT_REBUILD &&
         event != EVENT_RESUME && !machine_begins(from, event)))
        return;
    b->era++;
    if (machine_begins(from, event))
        b->known = (struct builds){0};
    else if (event == EVENT_REBUILD)
        take_new(r, &b->known);
    else if (event != EVENT_RESUME)
        keep_answering(r, &b->known);
    if (machine_begins(from, event) || rollout_restarts(from, event))
        b->cleared = b->era;
}

void
rollout_builds_show(const struct rollout *r)
{
    _Atomic uint64_t *cleared = gates_word(r->place, GATES_CLEARED);

    if (atomic_load(cleared) != r->builds.cleared) {
        atomic_store(&r->place->armed, 0);
        for (uint32_t i = 0; i < rollout_cells_n(r); i++)
            cell_restart(r->place->cells[i]);
        atomic_store(gates_word(r->place, GATES_BLOCKED), 0);
        atomic_store(cleared, r->builds.cleared);
    }
    if (builds_era(gates_word(r->place, GATES_BUILDS)) != r->builds.era)
        builds_begin(gates_word(r->place, GATES_BUILDS), r->builds.era,
                     &r->builds.known);
}

/* "1.4.2, 1.4.3" */
static void
names_of(const struct builds *all, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < all->n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 used ? ", " : "", all->at[i].text);
}

void
rollout_builds_reason(const struct rollout *r, char *out, size_t size)
{
    char fresh[96], known[96];
    struct builds all;

    rollout_builds_new(r, &all);
    names_of(&all, fresh, sizeof(fresh));
    names_of(&r->builds.known, known, sizeof(known));
    (void)snprintf(out, size, "build %s is new beside %s", fresh, known);
}

void
rollout_builds_meet(struct rollouts *all, struct rollout *r, uint64_t wall_ms)
{
    struct rollout next = *r;
    char reason[160], names[96];
    struct rollout_ask ask = {
        .by = BY_CONTROL, .actor = SPAN("control"), .wall_ms = wall_ms};
    struct err e;

    if (r->builds.known.n)
        return;
    rollout_builds_new(r, &next.builds.known);
    if (next.builds.known.n == 0)
        return;
    names_of(&next.builds.known, names, sizeof(names));
    (void)snprintf(reason, sizeof(reason), "the canary answers as %s", names);
    ask.reason = span_str(reason);
    if (rollout_commit(all, r, &next, &ask, "build", &e) && !r->refused) {
        log_error("rollout_not_stored", "name=%.*s event=build error=\"%s\"",
                  SPAN_FMT(r->gen->name), e.text);
        r->refused = true;
    }
}
