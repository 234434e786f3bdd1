/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_cells.h"

#include "proxy/control/exposures.h"
#include "proxy/observe/log.h"

#include <stdio.h>

uint32_t
rollout_cells_all(const struct rollout *r)
{
    uint32_t n = gen_rollout_cells_n(r->gen);

    return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

static bool
has(uint32_t cells, uint32_t i)
{
    return cells >> i & 1;
}

/* ------------------------------------------------------------------------ latches */

/* Is it of the run, and of the last time that the cell was opened? */
static bool
is_present(const struct rollout *r, uint32_t i, struct cell_latch l)
{
    return l.run == r->machine.run && l.opened == r->machine.opened[i];
}

uint32_t
rollout_cells_latched(const struct rollout *r)
{
    uint32_t cells = 0;

    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        struct cell_latch l = gates_cell_latch(r->place, i);
        if (l.reason != LATCH_NONE && is_present(r, i, l))
            cells |= UINT32_C(1) << i;
    }
    return cells;
}

uint32_t
rollout_cells_halted_n(const struct rollout *r)
{
    if (!machine_is_live(r->machine.state))
        return 0;
    return (uint32_t)__builtin_popcount(r->machine.halted |
                                        rollout_cells_latched(r));
}

void
rollout_cells_show(const struct rollout *r)
{
    const struct machine *m = &r->machine;

    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        struct cell_latch was = gates_cell_latch(r->place, i);
        struct cell_latch is = {.run = m->run, .opened = m->opened[i]};
        if (has(m->halted, i))
            is.reason = r->cells[i].gate;
        if (was.run == m->run && was.opened < is.opened)
            cell_restart(r->place->cells[i]);
        gates_show_cell(r->place, i, is);
    }
}

void
rollout_cells_halt(const struct rollout *r, uint32_t cell,
                   enum latch_reason reason)
{
    (void)gates_halt_cell(r->place, cell, r->machine.run, reason);
}

/* ------------------------------------------------------------------------- edges */

void
rollout_cells_turn(const struct rollout *r, const struct rollout_ask *ask,
                   struct rollout *next)
{
    uint32_t fresh = next->machine.halted & ~r->machine.halted;

    for (uint32_t i = 0; i < ROLLOUT_CELLS_MAX; i++) {
        if (has(fresh, i))
            next->cells[i] = (struct rollout_cell){
                .gate = gates_cell_latch(r->place, i).reason,
                .at_ms = ask->wall_ms};
        else if (!has(next->machine.halted, i))
            next->cells[i] = (struct rollout_cell){0};
    }
}

void
rollout_cells_restore(const struct rollout *r,
                      const struct exposures_halt *halt)
{
    const struct gen_cell names = {.route = halt->route,
                                   .version = halt->version,
                                   .platform = halt->platform};
    uint32_t cells = gen_rollout_cells_like(r->gen, &names);

    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        if (!has(cells, i) || halt->opened != r->machine.opened[i] ||
            !gates_halt_cell(r->place, i, r->machine.run,
                             latch_reason_of(halt->reason)))
            continue;
        log_warn("cell_latch_restored", "name=%.*s run=%u cell=%u gate=%.*s",
                 SPAN_FMT(r->gen->name), r->machine.run, i,
                 SPAN_FMT(halt->reason));
    }
}

/* -------------------------------------------------------------------------- texts */

static enum latch_reason
gate_of(const struct rollout *r, uint32_t i)
{
    return has(r->machine.halted, i) ? r->cells[i].gate
                                     : gates_cell_latch(r->place, i).reason;
}

const char *
rollout_cells_gate(const struct rollout *r, uint32_t cell)
{
    return has(r->machine.halted | rollout_cells_latched(r), cell)
               ? latch_reason_name(gate_of(r, cell))
               : NULL;
}

uint32_t
rollout_cells_called(const struct rollout *r, span text)
{
    uint32_t cells = 0;
    char name[160];

    if (text.len == 0)
        return r->machine.halted;
    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        gen_rollout_cell_text(r->gen, i, name, sizeof(name));
        if (span_is(text, name))
            cells |= UINT32_C(1) << i;
    }
    return cells;
}

void
rollout_cells_text(const struct rollout *r, uint32_t cells, char *out,
                   size_t size)
{
    size_t used = 0;
    char name[160];

    out[0] = '\0';
    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen) && used < size; i++) {
        if (!has(cells, i))
            continue;
        gen_rollout_cell_text(r->gen, i, name, sizeof(name));
        used += (size_t)snprintf(out + used, size - used, "%s%s: %s",
                                 used ? "; " : "",
                                 latch_reason_name(gate_of(r, i)), name);
    }
}

/* A member that is of all of them is left out. */
static json_t *
name_json(span name)
{
    json_t *json = name.at ? json_stringn(name.at, name.len) : NULL;

    return json || !name.at ? json : json_string("(not UTF-8)");
}

static json_t *
cell_json(const struct rollout *r, uint32_t i)
{
    struct gen_cell names;
    const struct machine *m = &r->machine;
    const char *gate =
        has(m->halted, i) ? latch_reason_name(r->cells[i].gate) : NULL;

    gen_rollout_cell_names(r->gen, i, &names);
    return json_pack(
        "{s:o*, s:o*, s:o*, s:I, s:s*, s:I}", "route", name_json(names.route),
        "version", name_json(names.version), "platform",
        name_json(names.platform), "opened", (json_int_t)m->opened[i], "gate",
        gate, "at_ms", (json_int_t)r->cells[i].at_ms);
}

json_t *
rollout_cells_json(const struct rollout *r)
{
    json_t *list = NULL;

    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        if (!has(r->machine.halted, i) && r->machine.opened[i] == 0)
            continue;
        if (!list)
            list = json_array();
        (void)json_array_append_new(list, cell_json(r, i));
    }
    return list;
}

static span
member(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);

    return json_is_string(value)
               ? span_of(json_string_value(value), json_string_length(value))
               : (span){0};
}

static uint64_t
number(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static void
read_cell(struct rollout *r, const json_t *one)
{
    struct machine *m = &r->machine;
    const struct gen_cell names = {.route = member(one, "route"),
                                   .version = member(one, "version"),
                                   .platform = member(one, "platform")};
    uint32_t cells = gen_rollout_cells_like(r->gen, &names);
    uint16_t opened = (uint16_t)number(one, "opened");
    span gate = member(one, "gate");

    for (uint32_t i = 0; i < ROLLOUT_CELLS_MAX; i++) {
        if (!has(cells, i))
            continue;
        if (opened > m->opened[i])
            m->opened[i] = opened;
        if (!gate.at)
            continue;
        m->halted |= UINT32_C(1) << i;
        r->cells[i] = (struct rollout_cell){.gate = latch_reason_of(gate),
                                            .at_ms = number(one, "at_ms")};
    }
}

void
rollout_cells_read(struct rollout *r, const json_t *list)
{
    const json_t *one;
    size_t i;

    r->machine.halted = 0;
    memset(r->machine.opened, 0, sizeof(r->machine.opened));
    memset(r->cells, 0, sizeof(r->cells));
    json_array_foreach(list, i, one)
    {
        read_cell(r, one);
    }
}

json_t *
rollout_cells_view(const struct rollout *r)
{
    uint32_t latched =
        machine_is_live(r->machine.state) ? rollout_cells_latched(r) : 0;
    json_t *list = NULL;
    char name[160];

    for (uint32_t i = 0; i < gen_rollout_cells_n(r->gen); i++) {
        if (!has(r->machine.halted | latched, i))
            continue;
        if (!list)
            list = json_array();
        gen_rollout_cell_text(r->gen, i, name, sizeof(name));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:o}", "cell", name, "gate",
                            latch_reason_name(gate_of(r, i)), "at_ms",
                            r->cells[i].at_ms
                                ? json_integer((json_int_t)r->cells[i].at_ms)
                                : json_null()));
    }
    return list;
}
