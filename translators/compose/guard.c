/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/guard.h"

#include <assert.h>

/* NOLINTBEGIN(misc-no-recursion): as deep as a guard asks atoms, which the number of
 * guards bounds and the depth of any one stays far below */

#define GUARDS_MAX  ((size_t)1 << 20)
#define CACHE_CELLS ((size_t)1 << 10)

/* What `if x then y else z` came to, the last time a cell was used. */
struct guard_cell {
    guard x, y, z;
    guard is;
};

static uint64_t
mix(uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t h = a * 0x9E3779B97F4A7C15u;
    h = (h ^ (h >> 29) ^ b) * 0xBF58476D1CE4E5B9u;
    h = (h ^ (h >> 32) ^ c) * 0x94D049BB133111EBu;
    return h ^ (h >> 31);
}

static bool
rehash(struct guards *g, size_t n_slots)
{
    uint32_t *slots = arena_array(g->arena, n_slots, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 2; i < g->n; i++) {
        const struct guard_node *node = &g->at[i];
        size_t at = mix(node->atom, node->yes, node->no) & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t)i + 1;
    }
    g->slots = slots;
    g->n_slots = n_slots;
    return true;
}

bool
guards_init(struct guards *g, struct arena *a)
{
    *g = (struct guards){.arena = a, .n = 2, .room = 1024};
    g->at = arena_array(a, g->room, sizeof(*g->at));
    g->cache = arena_array(a, CACHE_CELLS, sizeof(*g->cache));
    if (!g->at || !g->cache)
        return false;
    g->at[GUARD_NEVER].atom = g->at[GUARD_ALWAYS].atom = UINT32_MAX;
    return rehash(g, 4096);
}

static bool
make_room(struct guards *g)
{
    if (g->n == g->room) {
        void *grown =
            arena_grow(g->arena, g->at, g->n, g->room * 2, sizeof(*g->at));
        if (!grown)
            return false;
        g->at = grown;
        g->room *= 2;
    }
    return g->n * 2 < g->n_slots || rehash(g, g->n_slots * 2);
}

static guard
make(struct guards *g, uint32_t atom, guard yes, guard no)
{
    if (yes == no)
        return yes;
    size_t at = mix(atom, yes, no) & (g->n_slots - 1);
    for (; g->slots[at]; at = (at + 1) & (g->n_slots - 1)) {
        guard known = g->slots[at] - 1;
        const struct guard_node *node = &g->at[known];
        if (node->atom == atom && node->yes == yes && node->no == no)
            return known;
    }
    if (g->n >= GUARDS_MAX || !make_room(g)) {
        g->full = true;
        return GUARD_NEVER;
    }
    at = mix(atom, yes, no) & (g->n_slots - 1);
    while (g->slots[at])
        at = (at + 1) & (g->n_slots - 1);
    g->at[g->n] = (struct guard_node){atom, yes, no};
    g->slots[at] = (uint32_t)g->n + 1;
    return (guard)g->n++;
}

static guard
half(const struct guards *g, guard x, uint32_t atom, bool yes)
{
    if (g->at[x].atom != atom)
        return x;
    return yes ? g->at[x].yes : g->at[x].no;
}

/* If x then y else z. */
static guard
choose(struct guards *g, guard x, guard y, guard z)
{
    if (x == GUARD_ALWAYS || y == z)
        return y;
    if (x == GUARD_NEVER)
        return z;
    if (y == GUARD_ALWAYS && z == GUARD_NEVER)
        return x;
    if (g->full)
        return GUARD_NEVER;
    struct guard_cell *cell = &g->cache[mix(x, y, z) & (CACHE_CELLS - 1)];
    if (cell->x == x && cell->y == y && cell->z == z)
        return cell->is;
    uint32_t atom = g->at[x].atom;
    atom = g->at[y].atom < atom ? g->at[y].atom : atom;
    atom = g->at[z].atom < atom ? g->at[z].atom : atom;
    guard yes = choose(g, half(g, x, atom, true), half(g, y, atom, true),
                       half(g, z, atom, true));
    guard no = choose(g, half(g, x, atom, false), half(g, y, atom, false),
                      half(g, z, atom, false));
    guard is = make(g, atom, yes, no);
    *cell = (struct guard_cell){x, y, z, is};
    return is;
}

guard
guard_of(struct guards *g, uint32_t atom)
{
    return make(g, atom, GUARD_ALWAYS, GUARD_NEVER);
}

guard
guard_if(struct guards *g, uint32_t atom, guard yes, guard no)
{
    assert(atom < g->at[yes].atom && atom < g->at[no].atom);
    return make(g, atom, yes, no);
}

guard
guard_choose(struct guards *g, guard x, guard y, guard z)
{
    return choose(g, x, y, z);
}

guard
guard_not(struct guards *g, guard x)
{
    return choose(g, x, GUARD_NEVER, GUARD_ALWAYS);
}

guard
guard_and(struct guards *g, guard x, guard y)
{
    return choose(g, x, y, GUARD_NEVER);
}

guard
guard_or(struct guards *g, guard x, guard y)
{
    return choose(g, x, GUARD_ALWAYS, y);
}

guard
guard_without(struct guards *g, guard x, guard y)
{
    return choose(g, y, GUARD_NEVER, x);
}

bool
guard_implies(struct guards *g, guard x, guard y)
{
    return guard_without(g, x, y) == GUARD_NEVER;
}
/* NOLINTEND(misc-no-recursion) */
