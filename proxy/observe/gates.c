/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates segment: whose place is which, and which of its cells are halted.
 */
#include "proxy/observe/segments.h"

static bool
is_live(const struct gates_place *p)
{
    return atomic_load_explicit(&p->live, memory_order_acquire) != 0;
}

struct gates_place *
gates_find(struct gates *g, span name, uint64_t shape)
{
    if (name.len == 0 || name.len >= SEGMENT_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < GATES_PLACES; i++) {
        struct gates_place *p = &g->places[i];
        if (is_live(p) && p->shape == shape && p->name[name.len] == '\0' &&
            memcmp(p->name, name.at, name.len) == 0)
            return p;
    }
    return NULL;
}

static void
make(struct gates_place *p, span name, uint64_t shape)
{
    memset(p->name, 0, sizeof(p->name));
    memcpy(p->name, name.at, name.len);
    p->shape = shape;
    atomic_store(&p->armed, 0);
    atomic_store(&p->cause, 0);
    atomic_store(&p->error_ms, 0);
    atomic_store(&p->halt_ms, 0);
    atomic_store(&p->halt_at_ms, 0);
    for (uint32_t i = 0; i < GATES_WORDS; i++)
        atomic_store(gates_word(p, (enum gates_word)i), 0);
    atomic_store_explicit(&p->live, 1, memory_order_release);
}

enum err_code
gates_claim(struct gates *g, span name, uint64_t shape, uint64_t generation,
            struct gates_place **out, struct err *e)
{
    *out = gates_find(g, name, shape);
    if (name.len == 0 || name.len >= SEGMENT_NAME_MAX)
        return err_set(e, ERR_INVALID, "a rollout's name has 1 to %d bytes",
                       SEGMENT_NAME_MAX - 1);
    for (size_t i = 0; i < GATES_PLACES && !*out; i++)
        if (!is_live(&g->places[i])) {
            *out = &g->places[i];
            make(*out, name, shape);
        }
    if (!*out)
        return err_set(e, ERR_LIMIT, "all %u places for gates are taken",
                       GATES_PLACES);
    atomic_store_explicit(&(*out)->generation, generation,
                          memory_order_relaxed);
    return OK;
}

void
gates_sweep(struct gates *g, uint64_t oldest_alive)
{
    for (size_t i = 0; i < GATES_PLACES; i++) {
        struct gates_place *p = &g->places[i];
        if (is_live(p) && atomic_load(&p->generation) < oldest_alive)
            atomic_store_explicit(&p->live, 0, memory_order_release);
    }
}

/* ------------------------------------------------------------- latches of cells */

static uint64_t
pack(struct cell_latch l)
{
    return (uint64_t)l.run << 32 | (uint32_t)l.opened << 16 |
           (uint16_t)l.reason;
}

static struct cell_latch
unpack(uint64_t word)
{
    return (struct cell_latch){.run = (uint32_t)(word >> 32),
                               .opened = (uint16_t)(word >> 16),
                               .reason = (enum latch_reason)(uint16_t)word};
}

static _Atomic uint64_t *
latch_of(struct gates_place *p, uint32_t cell)
{
    assert(cell < GATES_CELLS);
    return gates_word(p, (enum gates_word)(GATES_CELL_LATCHES + cell));
}

struct cell_latch
gates_cell_latch(struct gates_place *p, uint32_t cell)
{
    return unpack(
        atomic_load_explicit(latch_of(p, cell), memory_order_acquire));
}

bool
gates_halt_cell(struct gates_place *p, uint32_t cell, uint32_t run,
                enum latch_reason reason)
{
    _Atomic uint64_t *word = latch_of(p, cell);
    uint64_t was = atomic_load(word);
    struct cell_latch l;

    /* Ends: another's success is a halt of this run, or a later one. */
    do {
        l = unpack(was);
        if (l.run > run || (l.run == run && l.reason != LATCH_NONE))
            return false;
        if (l.run < run)
            l = (struct cell_latch){.run = run};
        l.reason = reason;
    } while (!atomic_compare_exchange_weak(word, &was, pack(l)));
    return true;
}

/* Does what is there say no less than the journal? */
static bool
is_newer(struct cell_latch is, struct cell_latch journalled)
{
    if (is.run != journalled.run)
        return is.run > journalled.run;
    if (is.opened != journalled.opened)
        return is.opened > journalled.opened;
    return is.reason != LATCH_NONE || journalled.reason == LATCH_NONE;
}

void
gates_show_cell(struct gates_place *p, uint32_t cell,
                struct cell_latch journalled)
{
    _Atomic uint64_t *word = latch_of(p, cell);
    uint64_t was = atomic_load(word);

    while (!is_newer(unpack(was), journalled) &&
           !atomic_compare_exchange_weak(word, &was, pack(journalled)))
        ;
}
