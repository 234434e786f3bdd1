/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn: places whose type changes, `Card -> Instrument:`.
 *
 * What such a place holds has one chain of tables: those of the older type, the
 * block that turns it, those of the newer one. So the newer type is the older one in
 * the versions before, markers and all; and the older type, if nothing of it is in
 * newer versions, is the newer one there.
 */
#include "translators/lens/build.h"

static void
wrong(struct lens_builder *b, const struct lens_origin *at, size_t type,
      const char *what, const char *remedy)
{
    lens_problem(b, at, remedy, "`%.*s` %s", SPAN_FMT(b->types[type].name),
                 what);
}

void
lens_turn_read(struct lens_builder *b, const struct yaml *key, span older,
               span newer, int out[2])
{
    out[LENS_OLDER] = lens_type_read(b, key, span_trim(older));
    out[LENS_NEWER] = lens_type_read(b, key, span_trim(newer));
    struct lens_turn *slot = out[0] < 0 || out[1] < 0
                                 ? NULL
                                 : lens_vec_add(b, &b->turns, sizeof(*slot));
    if (!slot)
        return;
    *slot = (struct lens_turn){.table = b->change->table,
                               .older = (size_t)out[LENS_OLDER],
                               .newer = (size_t)out[LENS_NEWER],
                               .origin = lens_origin_at(b, key)};
}

/* ---- checks ---- */

/* Is a place of this type named in the newest version? Then it goes on being it. */
static bool
goes_on(const struct lens_builder *b, const struct lens_turn *t)
{
    const struct lens_site *sites = b->sites.at;
    const struct lens_root *roots = b->roots.at;
    for (size_t i = 0; i < b->sites.n; i++)
        if (sites[i].type == t->older)
            return true;
    for (size_t i = 0; i < b->roots.n; i++)
        if (roots[i].child.type == t->older && roots[i].version > t->table)
            return true;
    return false;
}

static bool
has_block(const struct lens_builder *b, size_t type, size_t table)
{
    const struct lens_own *all = b->owns.at;
    for (size_t i = 0; i < b->owns.n; i++)
        if (all[i].type == type && all[i].table == table)
            return true;
    return false;
}

/* Does this table already say what becomes of one of the two? */
static bool
is_single(struct lens_builder *b, size_t at)
{
    const struct lens_turn *all = b->turns.at;
    const struct lens_turn *t = &all[at];
    for (size_t i = 0; i < at; i++) {
        if (all[i].table != t->table ||
            (all[i].older == t->older && all[i].newer == t->newer))
            continue;
        if (all[i].newer == t->newer) {
            wrong(b, &t->origin, t->newer,
                  "is made of two types by one table, and nothing says which "
                  "a place is of",
                  "give each of them a newer type of its own");
            return false;
        }
    }
    return true;
}

static bool
may_turn(struct lens_builder *b, size_t at)
{
    const struct lens_turn *t = (const struct lens_turn *)b->turns.at + at;
    if (t->older == t->newer) {
        wrong(b, &t->origin, t->newer, "is one type on both sides",
              "write its block under its name alone");
        return false;
    }
    for (size_t i = 0; i <= t->table; i++)
        if (has_block(b, t->newer, i)) {
            wrong(b, &t->origin, t->newer,
                  "has a block of its own here or in an older version, where "
                  "it is not there yet",
                  "write that block for the older type");
            return false;
        }
    if (!goes_on(b, t))
        for (size_t i = t->table; i + 1 < b->api->n_versions; i++)
            if (has_block(b, t->older, i)) {
                wrong(b, &t->origin, t->older,
                      "has a block of its own here or in a newer version, "
                      "where no place is of it any more",
                      "write that block for the newer type");
                return false;
            }
    return is_single(b, at);
}

/* ---- one chain ---- */

/* A copy: what a block makes depends on the places of its type. */
static struct lens_block *
block_copy(struct lens_builder *b, const struct lens_block *block)
{
    struct lens_block *copy = block ? lens_array(b, 1, sizeof(*copy)) : NULL;
    if (copy)
        *copy = *block;
    return copy;
}

static void
turn_down(struct lens_builder *b, const struct lens_turn *t)
{
    for (size_t v = 0; v <= t->table; v++)
        b->type_at[t->newer][v] = b->type_at[t->older][v];
    for (size_t i = 0; i < t->table; i++)
        b->blocks[i][t->newer] = block_copy(b, b->blocks[i][t->older]);
    for (size_t v = 0; v <= t->table; v++)
        b->as[t->newer][v] = b->as[t->older][v];
}

static void
turn_up(struct lens_builder *b, const struct lens_turn *t)
{
    for (size_t v = t->table + 1; v < b->api->n_versions; v++) {
        b->type_at[t->older][v] = b->type_at[t->newer][v];
        b->as[t->older][v] = b->as[t->newer][v];
    }
    for (size_t i = t->table; i + 1 < b->api->n_versions; i++)
        b->blocks[i][t->older] = block_copy(b, b->blocks[i][t->newer]);
}

/* What each type is in each version, before any turns. */
static bool
start(struct lens_builder *b)
{
    b->as = lens_array(b, b->api->n_types, sizeof(size_t *));
    for (size_t i = 0; b->as && i < b->api->n_types; i++) {
        b->as[i] = lens_array(b, b->api->n_versions, sizeof(size_t));
        for (size_t v = 0; b->as[i] && v < b->api->n_versions; v++)
            b->as[i][v] = i;
    }
    return !b->full;
}

void
lens_turns_join(struct lens_builder *b)
{
    const struct lens_turn *all = b->turns.at;
    if (!start(b))
        return;
    for (size_t i = 0; i < b->turns.n; i++)
        if (!may_turn(b, i))
            return;
    /* By table as they were read: the older part of each is whole when it is taken. */
    for (size_t i = 0; i < b->turns.n && !b->full; i++)
        turn_down(b, &all[i]);
    for (size_t i = b->turns.n; i-- > 0 && !b->full;)
        if (!goes_on(b, &all[i]))
            turn_up(b, &all[i]);
}
