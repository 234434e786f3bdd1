/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations: a JSON Patch (RFC 6902), operation by operation.
 *
 * Each is a tree with one leaf at its path (move and copy are two), brought over
 * every version step by itself: all paths are translated at once, so names may be
 * swapped. What the tree holds in the end is told as operations again.
 */
#include "translators/patch/operation.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a path may be */

/* ---- over the steps ----------------------------------------------------------------- */

/* What may be missing there is added, whatever was there: at an index that would
 * put it beside what was there. */
static bool
judge_unsure(struct judge *j, struct json *part)
{
    for (size_t i = 0; part_is(part) && i < part->n; i++) {
        struct json_member *m = &part->members[i];
        if (part_is(m->value) ? !judge_unsure(j, m->value)
                              : judge_may_be_index(j, m->key) &&
                                    !patch_falls(j, m->value, NULL,
                                                 "whether there is an element "
                                                 "to replace is not known"))
            return false;
    }
    return true;
}

static bool
step_target(struct run *r, const struct reference_chain *chain,
            const struct patch_options *options, struct op_target *t, size_t at,
            struct term *term)
{
    struct judge j = {.run = r,
                      .options = options,
                      .mode = t->mode,
                      .holder = t->holder,
                      .term = {NULL, SIZE_MAX}};
    r->replaces = t->mode == PART_REPLACE;
    if (!step_tree(&j, chain, at))
        return false;
    t->unsure = t->unsure || j.unsure;
    bool replaces =
        t->mode == PART_REPLACE || t->mode == PART_REMOVE || t->was_replaced;
    if (t->unsure && replaces && !judge_unsure(&j, t->holder->members[0].value))
        return false;
    t->was_replaced = replaces;
    t->gone = t->gone || j.gone;
    /* Once it may be missing, it is no longer replaced or removed but put. */
    if (t->unsure && t->mode == PART_REPLACE)
        t->mode = PART_ADD;
    *term = j.term;
    return true;
}

static bool
step_operation(struct run *r, const struct reference_chain *chain,
               const struct patch_options *options, struct operation *o,
               size_t at)
{
    struct term terms[2] = {{0}};
    for (size_t i = 0; i < o->n_targets; i++)
        if (!o->targets[i].gone &&
            !step_target(r, chain, options, &o->targets[i], at, &terms[i]))
            return false;
    if (o->n_targets == 2 &&
        (o->targets[0].gone != o->targets[1].gone ||
         terms[0].way != terms[1].way || terms[0].type != terms[1].type)) {
        run_fail(r, FAULT_CARRY, o->node, NULL,
                 "the value is not in the patch, and the two places write it "
                 "differently in the other version");
        return patch_needs_document(r);
    }
    return true;
}

/* ---- told as operations ----------------------------------------------------------------- */

struct telling {
    struct run *r;
    struct operation *o;
    const struct op_target *target;
    struct json *out; /* the new patch */
    struct buf pointer;
};

static bool
append(struct run *r, struct json *object, const char *key, struct json *value)
{
    return (value && json_append(r->arena, object, span_str(key), value)) ||
           run_full(r);
}

static bool
tell(struct telling *t, const char *op, struct json *value)
{
    struct run *r = t->r;
    struct json *o = json_new_object(r->arena);
    if (!o || !json_list_append(r->arena, t->out, o))
        return run_full(r);
    return append(r, o, "op", json_new_text(r->arena, span_str(op))) &&
           append(r, o, "path",
                  json_new_text(r->arena, buf_span(&t->pointer))) &&
           (!value || append(r, o, "value", value));
}

/* Whether it was there or not, it is gone. */
static bool
tell_erased(struct telling *t)
{
    if (t->target->mode == PART_REMOVE && !t->target->unsure)
        return tell(t, "remove", NULL);
    return tell(t, "add", json_new_null(t->r->arena)) &&
           tell(t, "remove", NULL);
}

static bool
tell_leaf(struct telling *t, struct json *leaf)
{
    struct json *value = NULL;
    if (part_is_erased(leaf))
        return tell_erased(t);
    value = json_clone(t->r->arena, leaf);
    if (!value)
        return run_full(t->r);
    return tell(t,
                t->target->mode == PART_TEST      ? "test"
                : t->target->mode == PART_REPLACE ? "replace"
                                                  : "add",
                value);
}

static bool
tell_below(struct telling *t, struct json *part)
{
    for (size_t i = 0; i < part->n; i++) {
        struct json_member *m = &part->members[i];
        size_t before = buf_len(&t->pointer);
        json_pointer_step(&t->pointer, m->key);
        if (buf_failed(&t->pointer))
            return run_full(t->r);
        if (part_is(m->value) ? !tell_below(t, m->value)
                              : !tell_leaf(t, m->value))
            return false;
        buf_truncate(&t->pointer, before);
    }
    return true;
}

/* The pointer of the one leaf of a tree. */
static bool
pointer_of(struct run *r, const struct op_target *t, span *out)
{
    struct json *node = t->holder->members[0].value;
    struct buf b;
    buf_init(&b, arena_limit(r->arena));
    while (part_is(node) && node->n == 1) {
        json_pointer_step(&b, node->members[0].key);
        node = node->members[0].value;
    }
    bool ok = !buf_failed(&b) && span_dup(r->arena, buf_span(&b), out);
    buf_fini(&b);
    if (!ok)
        return run_full(r);
    if (!part_is(node))
        return true;
    run_fail(r, FAULT_CARRY, node, NULL,
             "the place has no one place in the other version");
    return patch_needs_document(r);
}

/* `move` and `copy`: the same operation at the places that these are there. */
static bool
tell_names(struct run *r, struct operation *o, struct json *out)
{
    span from, path;
    struct json *copy = json_clone(r->arena, o->node);
    if (!copy || !json_list_append(r->arena, out, copy))
        return run_full(r);
    if (!pointer_of(r, &o->targets[0], &from) ||
        !pointer_of(r, &o->targets[1], &path))
        return false;
    struct json *a = json_new_text(r->arena, from);
    struct json *b = json_new_text(r->arena, path);
    return (a && b && json_set(r->arena, copy, SPAN("from"), a) &&
            json_set(r->arena, copy, SPAN("path"), b)) ||
           run_full(r);
}

/* Nothing about it has changed. */
static bool
is_as_it_came(const struct operation *o)
{
    const struct op_target *t = &o->targets[0];
    const struct json *node = t->holder->members[0].value;
    if (t->unsure || t->gone)
        return false;
    for (size_t i = 0; i < o->n_targets; i++) {
        t = &o->targets[i];
        node = t->holder->members[0].value;
        for (size_t k = 0; k < t->n_keys; k++) {
            if (!part_is(node) || node->n != 1 ||
                !span_eq(node->members[0].key, t->keys[k]))
                return false;
            node = node->members[0].value;
        }
        if (part_is(node) || (o->n_targets == 1 && node != t->leaf))
            return false;
    }
    return o->n_targets == 2 || part_is_erased(node) || !node->touched;
}

static bool
tell_operation(struct run *r, struct operation *o, struct json *out)
{
    if (o->targets[0].gone)
        return true;
    if (is_as_it_came(o)) {
        struct json *copy = json_clone(r->arena, o->node);
        return (copy && json_list_append(r->arena, out, copy)) || run_full(r);
    }
    if (o->n_targets == 2)
        return tell_names(r, o, out);
    struct telling t = {.r = r, .o = o, .target = &o->targets[0], .out = out};
    struct json *root = t.target->holder->members[0].value;
    buf_init(&t.pointer, arena_limit(r->arena));
    bool ok = part_is(root) ? tell_below(&t, root) : tell_leaf(&t, root);
    buf_fini(&t.pointer);
    return ok;
}

static bool
tell_all(struct run *r, struct operations *all, struct json **out)
{
    *out = json_new_list(r->arena);
    if (!*out)
        return run_full(r);
    for (size_t i = 0; i < all->n; i++)
        if (!tell_operation(r, &all->at[i], *out))
            return false;
    return true;
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool
step_all(struct run *r, const struct reference_chain *chain,
         const struct patch_options *options, struct operations *all,
         struct reference_report *report, size_t at)
{
    struct leg leg = chain_leg(chain, at);
    struct json *now = NULL;
    chain_step(r, &leg);
    for (size_t i = 0; i < all->n; i++)
        if (!step_operation(r, chain, options, &all->at[i], at))
            return false;
    return !report->trace || (tell_all(r, all, &now) &&
                              chain_trace(r, report, now, r->from, r->to));
}

static bool
is_all_as_it_came(const struct operations *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (!is_as_it_came(&all->at[i]))
            return false;
    return true;
}

bool
operations_translate(struct run *r, const struct reference_chain *chain,
                     const struct patch_options *options, struct json *holder,
                     struct reference_report *report)
{
    struct json *root = holder->members[0].value;
    span label = chain->api->versions[chain->from].label;
    struct operations all = {0};
    if (!operations_read(r, root, &all) ||
        !chain_trace(r, report, root, label, label))
        return false;
    for (size_t at = chain->from; at != chain->to;
         chain->from < chain->to ? at++ : at--)
        if (!step_all(r, chain, options, &all, report, at))
            return false;
    if (is_all_as_it_came(&all))
        return true;
    struct json *now = NULL;
    if (!tell_all(r, &all, &now))
        return false;
    json_replace(root, now);
    return true;
}
/* NOLINTEND(misc-no-recursion) */
