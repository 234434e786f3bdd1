/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/frame.h"

/* NOLINTBEGIN(misc-no-recursion): typed values lie as deep as a document may be */

struct leg
leg_back(const struct leg *leg)
{
    return (struct leg){leg->write, leg->read, leg->to, leg->from, leg->table};
}

bool
run_forgive(struct run *r)
{
    if (!r->failed || r->kind != FAULT_CARRY)
        return false;
    r->failed = false;
    return true;
}

bool
frame_keeps(const struct frame *f, const struct lens_place *place)
{
    /* The parts of a message are always there; a body may come and go. */
    if (f->type_index == SIZE_MAX && place->n == 1 && lens_place_is_text(place))
        return true;
    for (size_t i = 0; f->at && i < f->at->n_keeps; i++)
        if (lens_place_same(&f->at->keeps[i], place))
            return true;
    return false;
}

bool
frame_hide(struct run *r, struct json *node)
{
    struct trail trail = trail_of(node);
    trail.gone = true;
    if (!trail_set(r, node, trail))
        return false;
    json_detach(node);
    return true;
}

/* The object as it is now, seen from the other side; and what it would make up. */
struct back {
    struct leg leg;
    struct frame frame;
    struct pending *fills; /* by active; value NULL: not asked yet */
};

static bool
look_back(struct frame *f, struct back *b)
{
    struct run *r = f->run;
    b->leg = leg_back(f->leg);
    b->frame = (struct frame){.run = r,
                              .leg = &b->leg,
                              .type = f->type,
                              .type_index = f->type_index,
                              .at = f->type ? &f->type->at[f->leg->to] : NULL,
                              .root = f->root};
    b->fills = arena_array(r->scratch, f->n_actives, sizeof(*b->fills));
    return b->fills ? inner_find(&b->frame, NULL) : run_full(r);
}

/* What the other side would make up for what was taken away. */
static bool
made_up(struct frame *f, struct back *b, const struct take *t,
        struct json **out)
{
    struct pending *fill = &b->fills[t->active];
    const struct lens_value *value = &f->actives[t->active].arrow->fill;
    struct stage_asker asker = {t->origin, LENS_OUTSIDE_FAIL, LENS_REST_UNSAID};
    *out = NULL;
    if (!fill->value && !value_prepare(&b->frame, value, fill))
        return false;
    return value_give(&b->frame, fill, t->from.stars, t->from.n_stars, &asker,
                      out);
}

static bool
settle(struct frame *f, struct back *b, const struct take *t)
{
    struct run *r = f->run;
    const struct lens_arrow *arrow = f->actives[t->active].arrow;
    struct json *fill = NULL;
    bool same = false;
    r->muted++; /* it is asked, not told */
    bool ok = made_up(f, b, t, &fill);
    r->muted--;
    if (!ok && !run_forgive(r))
        return false;
    if (fill && !spot_equal(r, t->as_it_came, fill, &same))
        return false;
    if (same)
        return true;
    if (arrow->kind == LENS_DROP && arrow->write == LENS_WRITE_SAME &&
        r->is_request)
        return run_fail(r, FAULT_CARRY, t->as_it_came, t->origin,
                        "\"%.*s\" can no longer be written, and it is not "
                        "what the rest of the document says",
                        SPAN_FMT(t->from.place->text));
    return run_notice(r, NOTICE_LOSSY, t->origin, t->as_it_came);
}

bool
settle_losses(struct frame *f)
{
    struct back b;
    bool looked = false;
    for (size_t i = 0; i < f->n_takes; i++) {
        const struct take *t = &f->takes[i];
        if (t->kind != TAKE_OWN || t->leads)
            continue;
        if (!looked && !look_back(f, &b))
            return false;
        looked = true;
        if (!settle(f, &b, t))
            return false;
    }
    return true;
}

/* What was made of a case must have its shape on the other side, or it would come back
 * as none of them. */
static bool
keep_shapes(struct frame *f)
{
    for (size_t i = 0; i < f->n_cases; i++) {
        const struct lens_case *c = f->cases[i];
        bool fits = false;
        if (!test_shape(f->run, f->root, &c->shape[f->leg->write], &fits))
            return false;
        if (!fits)
            return run_fail(f->run, FAULT_CARRY, f->root, &c->origin,
                            "what this case makes of the %s has not the shape "
                            "that the case has in the other version",
                            json_kind_word(f->root->kind));
    }
    return true;
}

/* SEMANTICS.md, One step: 1 to 8. */
static enum frame_end
run_steps(struct frame *f, const struct typed_list *extra)
{
    bool is_object = f->root->kind == JSON_OBJECT;
    if (is_object && (!mark_read(f) || !inner_find(f, extra)))
        return FRAME_FAILED;
    enum frame_end end = choose(f);
    if (end != FRAME_DONE)
        return end;
    if (!take_all(f) || !inner_run(f) || !prune(f) || !bring_all(f) ||
        !land_strangers(f) || !land_all(f) || !fill_all(f) ||
        !walk_made_are_found(f) || !mark_write(f) || !keep_shapes(f) ||
        !settle_losses(f))
        return FRAME_FAILED;
    return spot_is_empty(f->root) ? FRAME_HIDDEN : FRAME_DONE;
}

static enum frame_end
run_in_scratch(struct run *r, struct frame *f,
               const struct lens_block *const *blocks, size_t n,
               const struct typed_list *extra)
{
    f->run = r;
    f->id = ++r->frames;
    f->room_blocks = n + 4;
    f->blocks =
        arena_array(r->scratch, f->room_blocks, sizeof(struct lens_block *));
    if (!f->blocks) {
        run_full(r);
        return FRAME_FAILED;
    }
    while (f->n_blocks < n) {
        f->blocks[f->n_blocks] = blocks[f->n_blocks];
        f->n_blocks++;
    }
    return run_steps(f, extra);
}

static enum frame_end
run_frame(struct run *r, struct frame *f,
          const struct lens_block *const *blocks, size_t n,
          const struct typed_list *extra)
{
    bool reads = r->texts_read, writes = r->texts_write;
    if (!run_enter(r))
        return FRAME_FAILED;
    r->texts_read = r->texts_write = f->type_index == SIZE_MAX;
    enum frame_end end = run_in_scratch(r, f, blocks, n, extra);
    r->texts_read = reads;
    r->texts_write = writes;
    run_leave(r);
    return end;
}

enum frame_end
frame_run(struct run *r, const struct leg *leg, size_t type, struct json **node,
          const struct typed_list *extra)
{
    const struct lens_type *t = &r->api->types[type];
    const struct lens_block *block = leg->table->blocks[type];
    struct frame f = {.leg = leg,
                      .type = t,
                      .type_index = type,
                      .at = &t->at[leg->from],
                      .root = *node};
    if ((*node)->kind != JSON_OBJECT && (!block || block->n_choices == 0))
        return FRAME_DONE; /* what is no object passes */
    enum frame_end end = run_frame(r, &f, &block, block ? 1 : 0, extra);
    *node = f.root;
    return end;
}

enum frame_end
frame_run_message(struct run *r, const struct leg *leg,
                  const struct lens_block *const *blocks, size_t n,
                  struct json *message, const struct typed_list *body)
{
    struct frame f = {.leg = leg, .type_index = SIZE_MAX, .root = message};
    return run_frame(r, &f, blocks, n, body);
}

/* ---- can anything change? ------------------------------------------------------ */

static bool
at_changes(const struct lens_type_at *a, const struct lens_type_at *b)
{
    if (a->n_markers != b->n_markers || a->n_constants || b->n_constants)
        return true;
    for (size_t i = 0; i < a->n_markers; i++)
        if (!lens_place_same(&a->markers[i], &b->markers[i]) ||
            !json_alike(a->marks[i], b->marks[i]))
            return true;
    return false;
}

static bool
can_change(const struct lens_api *api, const struct leg *leg, size_t type,
           bool *seen)
{
    if (seen[type])
        return false;
    seen[type] = true;
    const struct lens_type *t = &api->types[type];
    const struct lens_block *block = leg->table->blocks[type];
    if (block && (block->n_arrows || block->n_choices))
        return true;
    if (at_changes(&t->at[leg->from], &t->at[leg->to]))
        return true;
    for (size_t i = 0; i < t->at[leg->from].n_children; i++)
        if (can_change(api, leg, t->at[leg->from].children[i].type, seen))
            return true;
    return false;
}

bool
frame_can_change(const struct lens_api *api, const struct leg *leg, size_t type)
{
    bool *seen = calloc(api->n_types, sizeof(*seen));
    if (!seen)
        return true; /* then it is translated, which is never wrong */
    bool changes = can_change(api, leg, type, seen);
    free(seen);
    return changes;
}
/* NOLINTEND(misc-no-recursion) */
