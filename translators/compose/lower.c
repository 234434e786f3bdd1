/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/lower.h"

#include "translators/compose/lowering.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long */

#define DRAFTS_MAX ((size_t)64 * 1024 * 1024)

/* ---- objects -------------------------------------------------------------------------------- */

void *
lower_kept(struct lowering *l, const void *array, size_t n, size_t size)
{
    void *out = arena_array(l->to, n + 1, size);
    if (out && n)
        memcpy(out, array, n * size);
    return out;
}

bool
lower_object(struct lowering *l, uint32_t source,
             const struct normal_node *node, struct engine_state *out)
{
    uint32_t n = 0;
    const struct source *s = &l->c->sources[source];
    for (uint32_t i = 0; i < s->n_kids; i++)
        n += s->kids[i] < l->n->n_sources;
    struct engine_entry *entries = arena_array(l->to, n + 1, sizeof(*entries));
    span *names = arena_array(l->c->a, n + 1, sizeof(*names));
    if (!entries || !names)
        return lower_no_room(l);
    if (n + 1 > ENGINE_BITS_MAX)
        return lower_stop(l, "an object of too many known keys");
    l->levels[source].n_bits = (uint16_t)n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t kid = l->c->sources[source].kids[i];
        names[i] = l->c->sources[kid].key;
        if (!lower_key(l, kid, (uint16_t)i, &entries[i]))
            return false;
    }
    if (!engine_table_build(l->to, names, n, &out->keys))
        return lower_no_room(l);
    out->entries = entries;
    if (!lower_ending(l, source, node, out))
        return false;
    for (uint32_t i = 0; i < n; i++)
        engine_entry_settle(&entries[i]);
    return true;
}

/* All that waits or is noted has somebody who sees to it. */
static bool
is_complete(struct lowering *l)
{
    const struct normal_state *s = l->state;
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i))
        if (l->spots[i].note != ENGINE_NONE && !l->spots[i].is_noted)
            return lower_stop(l, "a value waits where it is not seen");
    for (size_t i = 0; i < s->n_checks; i++)
        if (l->check_waits[i] && !l->check_done[i])
            return lower_stop(l, "a check that no value decides");
    for (size_t i = 0; i < s->n_notices; i++) {
        if (l->notice_done[i])
            continue;
        if (l->notice_waits[i]) /* in vain: nobody would tell it */
            return lower_stop(l, "a notice that no value decides");
        l->once_more = l->notice_waits[i] = true;
    }
    return !l->once_more || lower_stop(l, "a notice that waits");
}

/* What stands elsewhere, or of its own, but came in what is held whole, waits as well. */
static bool
find_held_uses(struct lowering *l)
{
    for (uint32_t i = l->state->source; i != NORMAL_NONE;
         i = lower_next(l, i)) {
        const struct uses *u = &l->spots[i].uses;
        bool is_met = u->n || l->spots[i].gone;
        uint32_t whole = is_met ? later_whole(l, i) : NORMAL_NONE;
        if (whole != NORMAL_NONE && l->spots[i].gone)
            return lower_stop(l, "an object of a type goes, and is asked");
        for (size_t k = 0; whole != NORMAL_NONE && whole != i && k < u->n;
             k++) {
            const struct uses *held = &l->spots[whole].uses;
            bool is_there =
                held->n && later_is_in(u->at[k].node, held->at[0].node);
            if (is_there)
                continue;
            (void)later_wait(l, u->at[k].node);
            return lower_stop(l, "a value that came in what is held");
        }
    }
    return true;
}

/* As far as it is known what waits. */
static bool
lower_state_once(struct lowering *l, const struct normal_state *s,
                 struct engine_state *out)
{
    for (uint32_t i = s->source; i != NORMAL_NONE; i = lower_next(l, i)) {
        l->spots[i] = (struct spot_of){.slot = ENGINE_NONE,
                                       .bit = ENGINE_NONE,
                                       .gone_bit = ENGINE_NONE,
                                       .note = ENGINE_NONE};
        l->levels[i] = (struct level){.other_bit = ENGINE_NONE};
    }
    if (!lower_uses(l, s->root))
        return false;
    for (size_t i = 0; i < s->n_gone; i++)
        if (!lower_gone(l, s->gone[i].node))
            return false;
    return later_note_all(l) && find_held_uses(l) && lower_place_checks(l) &&
           lower_place_notices(l) && lower_object(l, s->source, s->root, out) &&
           is_complete(l);
}

static bool
tell_held(struct lowering *l)
{
    struct buf b;
    for (uint32_t i = 0; i < l->n->n_sources; i++) {
        if (!l->spots[i].is_noted || !l->spots[i].is_valued || l->out->held.len)
            continue;
        buf_init(&b, arena_limit(l->to));
        normal_place(l->n, i, &b);
        bool ok =
            !buf_failed(&b) && span_dup(l->to, buf_span(&b), &l->out->held);
        buf_fini(&b);
        if (!ok)
            return lower_no_room(l);
    }
    return true;
}

static bool
lower_state(struct lowering *l, const struct normal_state *s,
            struct engine_state *out)
{
    l->state = s;
    l->n_later = 0;
    l->check_waits = arena_array(l->c->a, s->n_checks + 1, sizeof(bool));
    l->notice_waits = arena_array(l->c->a, s->n_notices + 1, sizeof(bool));
    if (!l->check_waits || !l->notice_waits)
        return lower_no_room(l);
    if (s->stop.why)
        return lower_stop(l, s->stop.why);
    size_t n_leads = l->n_leads;
    /* Each time something more waits. */
    for (;;) {
        l->n_leads = n_leads;
        l->once_more = false;
        if (lower_state_once(l, s, out)) {
            l->out->waits = l->out->waits || l->n_later;
            return tell_held(l);
        }
        if (!l->once_more || l->full || l->c->full)
            return false;
        l->out->why = NULL;
    }
}

/* Room for what is known by guard and by source: kept, as chains are lowered again
 * and again while they grow. Sources are only made by steps. */
static bool
make_room(struct lowering *l)
{
    struct compose *c = l->c;
    if (c->room_assumed < c->guards.n) {
        c->room_assumed = 2 * c->guards.n;
        c->assumed = arena_array(c->a, c->room_assumed, sizeof(*c->assumed));
    }
    if (c->room_spots < c->n_sources + 1) {
        c->room_spots = 2 * c->n_sources + 1;
        c->spots = arena_array(c->a, c->room_spots, sizeof(*l->spots));
        c->levels = arena_array(c->a, c->room_spots, sizeof(*l->levels));
    }
    if (!c->assumed || !c->spots || !c->levels || !class_room(c))
        return lower_no_room(l);
    l->assumed = c->assumed;
    l->n_assumed = c->guards.n;
    c->lowerings++;
    l->spots = c->spots;
    l->levels = c->levels;
    return true;
}

/* A state; or, if it cannot be, and is not all there is, its objects go again. */
static bool
lower_one(struct lowering *l, const struct normal_state *s)
{
    if (lower_state(l, s, l->states[l->at]))
        return true;
    if (l->full || l->c->full)
        return false;
    const char *why = l->out->why ? l->out->why : "it cannot be lowered";
    bool ok = lower_again(l, l->at, why, s->stop.origin);
    l->out->why = l->at ? NULL : why;
    return ok && l->at;
}

static bool
lower_all(struct lowering *l)
{
    if (!make_room(l))
        return false;
    l->states =
        arena_array(l->c->a, l->n->n_states + 1, sizeof(struct engine_state *));
    l->again =
        arena_array(l->c->a, l->n->n_states + 1, sizeof(struct lower_again *));
    l->stuck = arena_array(l->c->a, l->n->n_states + 1, sizeof(*l->stuck));
    struct engine_entry *root = arena_alloc(l->to, sizeof(*root));
    if (!l->states || !l->again || !l->stuck || !root)
        return lower_no_room(l);
    for (size_t i = 0; i < l->n->n_states; i++) {
        l->states[i] = arena_alloc(l->to, sizeof(*l->states[i]));
        if (!l->states[i])
            return lower_no_room(l);
    }
    for (l->at = 0; l->at < l->n->n_states; l->at++)
        if (!lower_one(l, l->n->states[l->at]))
            return false;
    if (!lower_agains(l))
        return false;
    *root = lower_plain;
    root->child = l->states[0];
    if (!lower_tells(l))
        return false;
    l->out->program =
        (struct engine_program){.root = root, .n_notices = l->n_told};
    return true;
}

enum err_code
compose_lower(struct compose *c, struct arena *a, size_t type, bool is_request,
              struct lowered *out, struct err *e)
{
    struct lowering l = {.c = c, .to = a, .out = out, .is_request = is_request};
    *out = (struct lowered){0};
    enum err_code code = compose_take(c, type, &l.n, e);
    if (code != OK)
        return code;
    l.drafts = arena_new(DRAFTS_MAX);
    if (!l.drafts)
        return err_set(e, ERR_LIMIT, "no room for a program");
    bool ok = lower_all(&l);
    arena_free(&l.drafts);
    if (l.full || c->full || c->guards.full)
        return err_set(e, ERR_LIMIT, "no room for a program");
    if (!ok && !out->why)
        out->why = "it cannot be lowered";
    if (!ok && !l.stuck[0])
        out->whole = l.again[0];
    return OK;
}
/* NOLINTEND(misc-no-recursion) */
