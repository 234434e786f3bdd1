/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark: what says the version inside a document, and constants.
 */
#include "translators/reference/frame.h"

#include <assert.h>

static const struct lens_origin nobody = {0}; /* api.yaml says it */

static const struct lens_type_at *
at_version(const struct frame *f, size_t version)
{
    return f->type ? &f->type->at[version] : NULL;
}

static span
text_of(struct run *r, const struct json *value)
{
    if (value->kind == JSON_TEXT)
        return value->text;
    span text = form_compact(r, value);
    return text.at ? span_take(text, 80) : SPAN("something else");
}

bool
mark_read(struct frame *f)
{
    struct run *r = f->run;
    const struct lens_type_at *at = at_version(f, f->leg->from);
    for (size_t i = 0; at && i < at->n_markers; i++) {
        struct json *node = NULL;
        if (!place_get(r, f->root, &at->markers[i], &node))
            return false;
        if (!node || json_alike(node, at->marks[i]))
            continue;
        span says = text_of(r, node);
        return run_fail(r, FAULT_READ, node, NULL,
                        "the document says %.*s, the %s speaks %.*s",
                        SPAN_FMT(says), r->is_request ? "client" : "backend",
                        SPAN_FMT(r->api->versions[f->leg->from].label));
    }
    return true;
}

static bool
same_markers(const struct lens_type_at *a, const struct lens_type_at *b)
{
    if (a->n_markers != b->n_markers)
        return false;
    for (size_t i = 0; i < a->n_markers; i++)
        if (!lens_place_same(&a->markers[i], &b->markers[i]))
            return false;
    return true;
}

/* Another value in the same slot. */
static bool
remark(struct frame *f, const struct lens_place *place, const struct json *mark)
{
    struct run *r = f->run;
    struct json *node = NULL;
    if (!place_get(r, f->root, place, &node))
        return false;
    if (!node || json_alike(node, mark))
        return true;
    struct json *value = stage_literal(r, mark, run_origin(node));
    if (!value)
        return false;
    json_replace(node, value);
    return run_touch(r, &nobody, place, "marked", value);
}

static bool
is_below(const struct lens_place *prefix, const struct lens_place *place)
{
    if (prefix->n >= place->n)
        return false;
    struct lens_place begin = place_prefix(place, prefix->n);
    return lens_place_same(&begin, prefix);
}

/* Is `prefix` above a marker or a constant of this version? */
static bool
is_above(const struct lens_type_at *at, const struct lens_place *prefix)
{
    for (size_t i = 0; i < at->n_markers; i++)
        if (is_below(prefix, &at->markers[i]))
            return true;
    for (size_t i = 0; i < at->n_constants; i++) {
        assert(at->constants);
        if (is_below(prefix, &at->constants[i].place))
            return true;
    }
    return false;
}

/* Take what is at `place` away; objects above it that are empty now and that the other
 * version does not name go with it. */
static void
remove_at(struct frame *f, const struct lens_place *place, struct json *node,
          const struct lens_type_at *write)
{
    for (size_t n = place->n; n > 0; n--) {
        struct json *parent = node->parent;
        struct lens_place prefix = place_prefix(place, n - 1);
        json_detach(node);
        if (n == 1 || spot_count(parent) || frame_keeps(f, &prefix) ||
            is_above(write, &prefix) ||
            !frame_is_made(f, f->leg->read, &prefix))
            return;
        node = parent;
    }
}

/* Take a marker away. */
static bool
unmark(struct frame *f, const struct lens_place *place,
       const struct lens_type_at *write, bool *was_there)
{
    struct json *node = NULL;
    if (!place_get(f->run, f->root, place, &node))
        return false;
    if (!node)
        return true;
    *was_there = true;
    remove_at(f, place, node, write);
    return true;
}

/* Write a value at a place of keys, whatever is there. */
static bool
write_at(struct frame *f, const struct lens_place *place,
         const struct json *literal, const char *what)
{
    struct run *r = f->run;
    struct landing to;
    bool found = false;
    if (!walk_to(f, place, NULL, 0, true, &nobody, &to, &found) || !found)
        return false;
    if (to.there && json_alike(to.there, literal))
        return true;
    struct json *value = stage_literal(r, literal, run_origin(f->root));
    if (!value)
        return false;
    if (to.there)
        json_replace(to.there, value);
    else if (!walk_put(f, &to, value, NULL, &nobody))
        return false;
    return run_touch(r, &nobody, place, what, value);
}

static bool
move_markers(struct frame *f, const struct lens_type_at *read,
             const struct lens_type_at *write)
{
    bool was_there = false;
    for (size_t i = 0; i < read->n_markers; i++)
        if (!unmark(f, &read->markers[i], write, &was_there))
            return false;
    for (size_t i = 0; was_there && i < write->n_markers; i++)
        if (!write_at(f, &write->markers[i], write->marks[i], "marked"))
            return false;
    return true;
}

static const struct lens_constant *
constant_at(const struct lens_type_at *at, const struct lens_place *place)
{
    for (size_t i = 0; i < at->n_constants; i++)
        if (lens_place_same(&at->constants[i].place, place))
            return &at->constants[i];
    return NULL;
}

/* A version's constants come with it and go with it. */
static bool
constants(struct frame *f, const struct lens_type_at *read,
          const struct lens_type_at *write)
{
    for (size_t i = 0; i < read->n_constants; i++) {
        const struct lens_constant *c = &read->constants[i];
        struct json *node = NULL;
        if (constant_at(write, &c->place))
            continue;
        if (!place_get(f->run, f->root, &c->place, &node))
            return false;
        if (node && json_alike(node, c->value))
            remove_at(f, &c->place, node, write);
    }
    for (size_t i = 0; i < write->n_constants; i++) {
        assert(write->constants);
        const struct lens_constant *c = &write->constants[i];
        if (!write_at(f, &c->place, c->value, "marked"))
            return false;
    }
    return true;
}

bool
mark_write(struct frame *f)
{
    const struct lens_type_at *read = at_version(f, f->leg->from);
    const struct lens_type_at *write = at_version(f, f->leg->to);
    if (!read || !write || spot_is_empty(f->root) ||
        f->root->kind != JSON_OBJECT)
        return true;
    bool partial =
        trail_of(f->root).partial; /* constants stand there already */
    if (!same_markers(read, write))
        return move_markers(f, read, write) &&
               (partial || constants(f, read, write));
    for (size_t i = 0; i < write->n_markers; i++)
        if (!remark(f, &write->markers[i], write->marks[i]))
            return false;
    return partial || constants(f, read, write);
}
