/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/map.h"
#include "translators/shadow/walk.h"

/* A longer place cannot be told; such a pair is skipped. */
#define PLACE_BYTES_MAX ((size_t)4 << 10)

struct list {
    struct arena *arena;
    struct shadow_found *first, **last;
    struct map
        known[SHADOW_KINDS_N]; /* places, as an answer counts once there */
    bool full;
};

/* What stands there, without saying it. */
static span
describe(struct arena *a, const struct json *value)
{
    if (!value)
        return SPAN("nothing");
    switch (value->kind) {
    case JSON_TEXT:
        return arena_fmt(a, "string of %zu bytes", value->text.len);
    case JSON_LIST:
        return arena_fmt(a, "list of %zu", value->n);
    case JSON_OBJECT:
        return arena_fmt(a, "object of %zu", value->n);
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_NUMBER:
        break;
    }
    return span_str(json_kind_word(value->kind));
}

static void
find(struct list *l, span place, enum shadow_kind kind, span baseline,
     span other)
{
    struct shadow_found *f = arena_alloc(l->arena, sizeof *f);

    if (!f || !baseline.at || !other.at ||
        !span_dup(l->arena, place, &f->place) ||
        !map_put(&l->known[kind], f->place, f, NULL)) {
        l->full = true;
        return;
    }
    f->kind = kind;
    f->baseline = baseline;
    f->other = other;
    *l->last = f;
    l->last = &f->next;
}

static void
find_values(void *arg, span place, enum shadow_kind kind,
            const struct json *baseline, const struct json *other)
{
    struct list *l = arg;

    if (map_get(&l->known[kind], place))
        return;
    find(l, place, kind, describe(l->arena, baseline),
         describe(l->arena, other));
}

static void
find_status(struct list *l, unsigned baseline, unsigned other)
{
    if (baseline != other)
        find(l, SPAN("status"), SHADOW_VALUE,
             arena_fmt(l->arena, "%u", baseline),
             arena_fmt(l->arena, "%u", other));
}

/* A body that is no JSON is one place. */
static void
find_bytes(struct list *l, span baseline, span other)
{
    if (!span_eq(baseline, other))
        find(l, SPAN(""), SHADOW_VALUE,
             arena_fmt(l->arena, "%zu bytes", baseline.len),
             arena_fmt(l->arena, "%zu bytes", other.len));
}

static void
find_in_documents(struct list *l, const struct shadow_rules *rules,
                  const struct json *baseline, const struct json *other)
{
    struct buf place;
    struct walk w = {.rules = rules,
                     .scratch = l->arena,
                     .place = &place,
                     .differs = find_values,
                     .arg = l};

    buf_init(&place, PLACE_BYTES_MAX);
    walk_values(&w, baseline, other);
    l->full |= w.full;
    buf_fini(&place);
}

/* *out is NULL for what is no JSON. */
static enum err_code
parse(struct arena *a, const struct shadow_rules *rules, span body,
      struct json **out, struct err *e)
{
    size_t depth = rules->depth_max ? rules->depth_max : JSON_DEPTH_DEFAULT;
    enum err_code code = json_parse(a, body, depth, out, e);

    if (code != OK)
        *out = NULL;
    return code == ERR_LIMIT ? code : OK;
}

enum err_code
shadow_compare(struct arena *a, const struct shadow_rules *rules,
               const struct shadow_answer *baseline,
               const struct shadow_answer *other, struct shadow_found **out,
               struct err *e)
{
    struct list l = {.arena = a};
    struct json *left = NULL;
    struct json *right = NULL;

    l.last = &l.first;
    for (int kind = 0; kind < SHADOW_KINDS_N; kind++)
        map_init(&l.known[kind], a);
    enum err_code code = parse(a, rules, baseline->body, &left, e);
    if (code == OK)
        code = parse(a, rules, other->body, &right, e);
    if (code != OK)
        return code;
    find_status(&l, baseline->status, other->status);
    if (left && right)
        find_in_documents(&l, rules, left, right);
    else
        find_bytes(&l, baseline->body, other->body);
    if (l.full)
        return err_set(e, ERR_LIMIT, "the differences need more room");
    *out = l.first;
    return OK;
}
