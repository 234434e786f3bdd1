/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/run.h"

#include <stdarg.h>

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

/* One for each object in an object that is being translated: its arena is reset when
 * it is done, so memory is that of the objects on the way, not of all. */
struct scratch {
    struct arena *arena;
    struct scratch *outer;
    struct scratch *inner;
    struct seat seat; /* of the objects inside */
};

bool
run_enter(struct run *r)
{
    struct scratch *level = r->level ? r->level->inner : NULL;
    if (!level) {
        level = arena_alloc(r->arena, sizeof(*level));
        if (!level)
            return run_full(r);
        level->arena = arena_new(arena_limit(r->arena));
        if (!level->arena)
            return run_full(r);
        level->outer = r->level;
        if (r->level)
            r->level->inner = level;
    }
    r->level = level;
    r->scratch = level->arena;
    return true;
}

void
run_leave(struct run *r)
{
    arena_reset(r->level->arena);
    if (!r->level->outer)
        return; /* the outermost is the document's */
    r->level = r->level->outer;
    r->scratch = r->level->arena;
}

void
run_end(struct run *r)
{
    while (r->level && r->level->inner)
        r->level = r->level->inner;
    for (; r->level; r->level = r->level->outer)
        arena_free(&r->level->arena);
    r->scratch = NULL;
}

struct seat *
run_seat(struct run *r)
{
    return &(r->level->outer ? r->level->outer : r->level)->seat;
}

size_t
run_origin(const struct json *node)
{
    for (; node; node = node->parent) {
        if (node->note)
            return ((const struct trail *)node->note)->origin;
        if (!node->touched || node->offset)
            return node->offset;
    }
    return 0;
}

struct trail
trail_of(const struct json *node)
{
    if (node->note)
        return *(const struct trail *)node->note;
    return (struct trail){.origin = run_origin(node)};
}

bool
trail_set(struct run *r, struct json *node, struct trail trail)
{
    struct trail *t = arena_alloc(r->arena, sizeof(*t));
    if (!t)
        return run_full(r);
    *t = trail;
    node->note = t;
    return true;
}

static void
derive_below(struct json *node, struct trail *trail)
{
    for (size_t i = 0; json_is_container(node) && i < node->n; i++) {
        struct json *child = node->members[i].value;
        if (child->note)
            continue;
        child->note = trail;
        derive_below(child, trail);
    }
}

bool
run_derive(struct run *r, struct json *node, size_t at)
{
    struct trail trail = trail_of(node);
    trail.origin = at;
    if (!trail_set(r, node, trail))
        return false;

    if (!json_is_container(node))
        return true;
    struct trail *below = arena_alloc(r->arena, sizeof(*below));
    if (!below)
        return run_full(r);
    below->origin = at;
    derive_below(node, below);
    return true;
}

void
run_fail_at(struct run *r, enum fault_kind kind, const struct json *node,
            const struct lens_origin *origin, const char *fmt, ...)
{
    if (r->failed)
        return;
    static const enum err_code codes[] = {[FAULT_READ] = ERR_INVALID,
                                          [FAULT_CARRY] = ERR_INVALID,
                                          [FAULT_LIMIT] = ERR_LIMIT,
                                          [FAULT_MEMORY] = ERR_LIMIT};
    r->failed = true;
    r->kind = kind;
    r->fault_at = run_origin(node);

    struct translation_fault *f = &r->fault;
    *f = (struct translation_fault){.from = r->from, .to = r->to};
    if (!origin && kind == FAULT_CARRY)
        origin = r->about;
    if (origin) {
        f->line = origin->line;
        f->file = origin->change ? origin->change->file : r->api->file;
        if (origin->change)
            f->change = origin->change->name;
    }
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    err_set(&f->err, codes[kind], "%s", text);
}

void *
run_grow(struct run *r, struct arena *a, void *array, size_t n, size_t *room,
         size_t size)
{
    if (n < *room)
        return array;
    size_t more = *room ? *room * 2 : 8;
    void *grown = arena_grow(a, array, n, more, size);
    if (!grown) {
        run_full(r);
        return NULL;
    }
    *room = more;
    return grown;
}

bool
run_notice(struct run *r, enum notice_kind kind,
           const struct lens_origin *origin, const struct json *node)
{
    if (r->muted)
        return true;
    for (size_t i = 0; i < r->n_notices; i++) {
        struct notice_entry *known = &r->notices[i];
        if (known->kind == kind && known->origin == origin &&
            known->step == r->step) {
            known->n++;
            return true;
        }
    }
    void *grown = RUN_KEEP(r, r->notices, r->n_notices, r->room_notices);
    if (!grown)
        return false;
    r->notices = grown;
    r->notices[r->n_notices++] =
        (struct notice_entry){kind, origin, run_origin(node), 1, r->step};
    return true;
}

bool
run_touch(struct run *r, const struct lens_origin *origin,
          const struct lens_place *place, const char *what,
          const struct json *node)
{
    if (r->muted)
        return true;
    for (size_t i = 0; i < r->n_touches; i++) {
        struct touch_entry *known = &r->touches[i];
        if (known->origin == origin && strcmp(known->what, what) == 0) {
            known->n++;
            return true;
        }
    }
    void *grown = RUN_KEEP(r, r->touches, r->n_touches, r->room_touches);
    if (!grown)
        return false;
    r->touches = grown;
    r->touches[r->n_touches++] = (struct touch_entry){
        .origin = origin,
        .place = place ? place->text : (span){0},
        .what = what,
        .was_there = node != NULL,
        .at = run_origin(node),
        .n = 1,
    };
    return true;
}
/* NOLINTEND(misc-no-recursion) */
