/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower: states as the machine has them (translators/engine/program.h).
 *
 * There is one fault: the document is more than the program knows, and goes to
 * the reference.
 */
#include "translators/plan/build.h"

#define ASIDE 0 /* the fault */

static const struct engine_entry plain = {.action = ENGINE_KEEP,
                                          .bit = ENGINE_NONE,
                                          .twice = ENGINE_NONE,
                                          .fault = ASIDE,
                                          .slot = ENGINE_NONE,
                                          .note = ENGINE_NONE};

static bool
lower_notes(struct build *b, const size_t *notices, size_t n,
            struct engine_notes *out)
{
    uint16_t *at = arena_array(b->a, n + 1, sizeof(*at));
    if (!at || b->n_tells >= ENGINE_NONE)
        return false;
    for (size_t i = 0; i < n; i++)
        at[i] = (uint16_t)notices[i];
    *out = (struct engine_notes){at, n};
    return true;
}

static bool
lower_rows(struct build *b, const struct plan_key *k,
           const struct engine_map **out)
{
    struct engine_map *map = arena_alloc(b->a, sizeof(*map));
    struct engine_row *rows = arena_array(b->a, k->n_rows + 1, sizeof(*rows));
    span *spellings = arena_array(b->scratch, k->n_rows + 1, sizeof(span));
    if (!map || !rows || !spellings)
        return false;
    for (size_t i = 0; i < k->n_rows; i++) {
        spellings[i] = k->rows[i].from;
        rows[i].fault = k->rows[i].to.len ? ENGINE_NONE : ASIDE;
        if (!engine_text(b->a, k->rows[i].to, &rows[i].to))
            return false;
    }
    map->rows = rows;
    map->fault = k->passes ? ENGINE_NONE : ASIDE;
    *out = map;
    return engine_table_build(b->a, spellings, k->n_rows, &map->table);
}

/* The value of this entry is in this state. */
static void
enter(struct engine_entry *e, const struct plan_state *s)
{
    if (!s)
        return;
    e->child = s->lowered;
    if (s->aside_object)
        e->refused |= ENGINE_OBJECT;
}

static bool
lower_drop(struct build *b, const struct plan_key *k, struct engine_entry *e)
{
    e->action = ENGINE_DROP;
    e->has_same = k->has_same;
    /* A whole value would be compared with another. */
    if (k->has_same && strchr("[{", k->same.at[0]))
        e->refused |= ENGINE_LIST | ENGINE_OBJECT;
    return engine_text(b->a, k->same, &e->same) &&
           lower_notes(b, &k->notice, 1, &e->notes);
}

static bool
lower_key(struct build *b, const struct plan_key *k, struct engine_entry *e)
{
    *e = plain;
    e->bit = (uint16_t)k->bit;
    e->twice = ASIDE;
    if (k->aside) {
        e->action = ENGINE_REFUSE;
        e->lenient = k->stranger;
        return !k->stranger || lower_notes(b, &k->notice, 1, &e->notes);
    }
    if (k->drop)
        return lower_drop(b, k, e);
    if (k->has_rows) {
        e->refused |= ENGINE_LIST | ENGINE_OBJECT;
        if (!lower_rows(b, k, &e->map))
            return false;
    }
    enter(e, k->child);
    return engine_text(b->a, k->to, &e->to);
}

static bool
lower_keys(struct build *b, const struct plan_state *s,
           struct engine_state *out)
{
    struct engine_entry *entries =
        arena_array(b->a, s->n_keys + 1, sizeof(*entries));
    span *names = arena_array(b->scratch, s->n_keys + 1, sizeof(span));
    if (!entries || !names)
        return false;
    for (size_t i = 0; i < s->n_keys; i++) {
        names[i] = s->keys[i].key;
        if (!lower_key(b, &s->keys[i], &entries[i]))
            return false;
    }
    out->entries = entries;
    return engine_table_build(b->a, names, s->n_keys, &out->keys);
}

/* Members that come and go on the way are only told: as many as may be at once. */
static size_t
alike(const struct plan_fill *fills, size_t n)
{
    size_t k = 1;
    while (k < n && !fills[0].member.len && !fills[k].member.len &&
           fills[k].unless == fills[0].unless)
        k++;
    return k;
}

static bool
lower_told(struct build *b, const struct plan_fill *fills, size_t n,
           struct engine_notes *out)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += fills[i].n_notices;
    size_t *notices = arena_array(b->scratch, all + 1, sizeof(*notices));
    if (!notices)
        return false;
    all = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < fills[i].n_notices; k++)
            notices[all++] = fills[i].notices[k];
    return lower_notes(b, notices, all, out);
}

static bool
lower_fills(struct build *b, const struct plan_state *s,
            struct engine_state *out)
{
    struct engine_op *ops = arena_array(b->a, s->n_fills + 1, sizeof(*ops));
    if (!ops)
        return false;
    for (size_t i = 0, n = 0; i < s->n_fills; i += n) {
        const struct plan_fill *f = &s->fills[i];
        struct engine_op *op = &ops[out->n_ops++];
        n = alike(f, s->n_fills - i);
        op->kind = f->member.len ? ENGINE_OP_MEMBER : ENGINE_OP_NOTE;
        op->unless = f->unless;
        if (!engine_text(b->a, f->member, &op->text) ||
            !lower_told(b, f, n, &op->notes))
            return false;
    }
    out->ops = ops;
    return true;
}

static bool
lower_state(struct build *b, const struct plan_state *s)
{
    struct engine_state *out = s->lowered;
    if (s->each) {
        struct engine_entry *each = arena_alloc(b->a, sizeof(*each));
        if (!each)
            return false;
        *each = plain;
        enter(each, s->each);
        out->each = each;
    }
    return lower_keys(b, s, out) && lower_fills(b, s, out);
}

bool
build_lower(struct build *b, struct plan_entry *e)
{
    struct engine_entry *root = arena_alloc(b->a, sizeof(*root));
    if (!root)
        return false;
    *root = plain;
    enter(root, e->state);
    for (size_t i = 0; i < b->n_states; i++)
        if (!lower_state(b, b->states[i].out))
            return false;
    e->program = (struct engine_program){.root = root, .n_notices = e->n_tells};
    return true;
}
