/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: what becomes of each key of an object that any step names.
 *
 * A key is followed through the chain under the names it takes. A name that an
 * arrow leads to, worn by something else, is a stranger: aside, wherever in the
 * chain it happens and whatever becomes of it after.
 */
#include "translators/plan/build.h"

struct names {
    span at[PLAN_KEYS_MAX];
    size_t n;
};

static bool
add_name(struct names *names, span name)
{
    for (size_t i = 0; i < names->n; i++)
        if (span_eq(names->at[i], name))
            return true;
    if (names->n == PLAN_KEYS_MAX)
        return false;
    names->at[names->n++] = name;
    return true;
}

static bool
names_of_type(struct build *b, size_t step, size_t type, struct names *names)
{
    const struct lens_block *block = build_block(b, step, type);
    const struct lens_type_at *at = build_type_at(b, step, type);
    for (size_t i = 0; block && i < block->n_arrows; i++)
        for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++)
            if (build_is_on(&block->arrows[i], side) &&
                !add_name(names, build_name(&block->arrows[i], side)))
                return false;
    for (size_t i = 0; i < at->n_markers; i++)
        if (!add_name(names, at->markers[i].steps[0].key))
            return false;
    return true;
}

static bool
names_of(struct build *b, const struct known *at, struct names *names)
{
    for (size_t step = 0; step < b->n_steps; step++) {
        if (at[step].type != SIZE_MAX &&
            !names_of_type(b, step, at[step].type, names))
            return false;
        for (size_t i = 0; i < at[step].n_spots; i++) {
            const struct spot *s = &at[step].spots[i];
            const struct lens_step *first = &s->place->steps[s->n];
            if (first->kind == LENS_KEY && !add_name(names, first->key))
                return false;
        }
    }
    return true;
}

/* ---- one key ---------------------------------------------------------------- */

struct walk {
    const struct build_state *state;
    struct plan_key *key;
    span name; /* at the step at hand */
    span *at;  /* by step, as it is read */
    struct known *child;
    struct folds folds;
    bool gone;
    bool leads; /* a typed value is below */
};

static bool
go_below(struct walk *w, size_t step)
{
    const struct known *here = &w->state->at[step];
    struct known *below = &w->child[step];
    for (size_t i = 0; i < here->n_spots; i++) {
        struct spot s = here->spots[i];
        const struct lens_step *next = &s.place->steps[s.n];
        if (next->kind != LENS_KEY || !span_eq(next->key, w->name))
            continue;
        s.n++;
        if (below->n_spots == PLAN_SPOTS_MAX)
            return false;
        below->spots[below->n_spots++] = s;
        w->leads = true;
    }
    return true;
}

static bool
go_marker(struct build *b, struct walk *w, size_t step,
          const struct lens_arrow *arrow, size_t type)
{
    const struct lens_type_at *read = build_type_at(b, step, type);
    const struct lens_type_at *write =
        &b->api->types[type].at[build_version(b, step + 1)];
    for (size_t i = 0; i < read->n_markers; i++)
        if (span_eq(read->markers[i].steps[0].key, w->name))
            return !arrow &&
                   fold_mark(b, &w->folds, read->marks[i], write->marks[i]);
    return true;
}

/* It is dropped here: told, unless it is what the other side makes up. */
static bool
go_away(struct build *b, struct walk *w, size_t step,
        const struct lens_arrow *arrow)
{
    struct plan_key *k = w->key;
    w->gone = true;
    if (w->leads || w->folds.n) {
        k->aside = true;
        return true;
    }
    k->drop = true;
    if (arrow->fill.kind == LENS_VALUE_LITERAL) {
        struct json *fill = json_copy(b->a, arrow->fill.literal);
        k->has_same = true;
        if (!fill)
            return false;
        json_touch(fill);
        if (!fold_print(b, fill, &k->same))
            return false;
    }
    return build_tell(b, PLAN_LOSSY, &arrow->ways[0].origin, step, &k->notice);
}

/* It stands where this arrow leads. */
static bool
meet_stranger(struct build *b, struct walk *w, size_t step,
              const struct lens_arrow *arrow)
{
    struct plan_key *k = w->key;
    bool is_read = w->leads || w->folds.n;
    w->gone = true;
    k->drop = !is_read && arrow->collide == LENS_COLLIDE_DROP;
    k->stranger = !is_read && arrow->collide == LENS_COLLIDE_UNSAID;
    k->aside = !k->drop;
    return (!k->drop && !k->stranger) ||
           build_tell(b, PLAN_STRANGER, &arrow->ways[0].origin, step,
                      &k->notice);
}

static bool
go_step(struct build *b, struct walk *w, size_t step)
{
    size_t type = w->state->at[step].type;
    const struct lens_arrow *arrow = NULL;
    w->at[step] = w->name;
    if (!go_below(w, step))
        return false;
    if (type == SIZE_MAX)
        return true;
    const struct lens_block *block = build_block(b, step, type);
    arrow = build_arrow(block, b->read, w->name);
    if (!go_marker(b, w, step, arrow, type))
        return false;
    if (!arrow) {
        arrow = build_arrow(block, b->write, w->name);
        return !arrow || meet_stranger(b, w, step, arrow);
    }
    if (arrow->kind != LENS_MAP)
        return go_away(b, w, step, arrow);
    w->name = build_name(arrow, b->write);
    return fold_stages(b, &w->folds, &arrow->ways[0].stages);
}

/* A key as it stands between quotes, quotes included. */
static bool
quoted(struct build *b, span key, span *out)
{
    struct buf text;
    buf_init(&text, arena_limit(b->a));
    buf_byte(&text, '"');
    json_escape(&text, key);
    buf_byte(&text, '"');
    bool ok = !buf_failed(&text) && span_dup(b->a, buf_span(&text), out);
    buf_fini(&text);
    return ok;
}

static bool
follow(struct build *b, const struct build_state *s, struct plan_key *key,
       span *at)
{
    struct walk w = {.state = s, .key = key, .name = key->key, .at = at};
    w.child = arena_array(b->scratch, b->n_steps, sizeof(*w.child));
    if (!w.child)
        return false;
    for (size_t step = 0; step < b->n_steps; step++)
        w.child[step].type = SIZE_MAX;
    for (size_t step = 0; step < b->n_steps && !w.gone; step++)
        if (!go_step(b, &w, step))
            return false;
    if (w.gone)
        return true;
    if (!span_eq(w.name, key->key) && !quoted(b, w.name, &key->to))
        return false;
    return fold_rows(b, &w.folds, key) && build_state(b, w.child, &key->child);
}

/* ---- all keys ------------------------------------------------------------------ */

bool
build_keys(struct build *b, const struct build_state *s, span ***names)
{
    struct names all = {.n = 0};
    if (!names_of(b, s->at, &all))
        return false;
    struct plan_key *keys = arena_array(b->a, all.n + 1, sizeof(*keys));
    *names = arena_array(b->scratch, all.n + 1, sizeof(span *));
    if (!keys || !*names)
        return false;
    for (size_t i = 0; i < all.n; i++) {
        keys[i].key = all.at[i];
        keys[i].bit = (unsigned)i;
        (*names)[i] = arena_array(b->scratch, b->n_steps, sizeof(span));
        if (!(*names)[i] || !follow(b, s, &keys[i], (*names)[i]))
            return false;
    }
    s->out->keys = keys;
    s->out->n_keys = all.n;
    return true;
}
