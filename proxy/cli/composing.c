/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/composing.h"

#include "translators/compose/lower.h"
#include "translators/engine/packed.h"

/* What one direction of one pair comes to. */
struct weight {
    enum normal_class class;
    enum composing_packed packed;
    span held; /* the place that forces it */
    span cost;
    bool known;
};

struct composing {
    const struct lens_api *api;
    const bool *reaches; /* compose_reach's */
    struct arena *arena;
    struct arena *programs; /* of one type, for as long as it is looked at */
    struct weight
        *at;        /* by way: up or down, near or far; type; older version */
    size_t built;   /* of the chains that are one version longer than another */
    size_t lowered; /* to programs, of all that lead to or from the newest */
};

/* Chains that cannot be built from a neighbour's (those to the newest version, from
 * each other) are as many as versions, and as long: the longest of a large API keep
 * their estimates. */
#define BUILT_MAX ((size_t)4 << 20)

/* Each program is as long as its chain: a large API's are not all made. */
#define LOWERED_MAX ((size_t)1 << 18)

enum way { UP_NEAR, DOWN_NEAR, UP_FAR, DOWN_FAR, WAYS };

static struct weight *
weight_of(const struct composing *c, enum way way, size_t type, size_t older)
{
    size_t n = c->api->n_types;
    return &c->at[(way * n + type) * c->api->n_versions + older];
}

/* ---- in words -------------------------------------------------------------------- */

/* The worst of its states; those that go again are told by themselves. */
static struct normal_held
worst_of(const struct normal *n)
{
    struct normal_held worst = {.source = NORMAL_NONE};
    for (size_t i = 0; i < n->n_states; i++) {
        struct normal_held held = normal_class_of(n, n->states[i]);
        if (!n->states[i]->stop.why && held.class > worst.class)
            worst = held;
    }
    return worst;
}

const struct lowered *
composed_worse(const struct composed *k)
{
    const struct lowered *answers = &k->in[0];
    const struct lowered *requests = &k->in[1];
    if (answers->why || requests->why)
        return answers->why ? answers : requests;
    return answers->n_agains > requests->n_agains ? answers : requests;
}

enum normal_class
composed_class(const struct composed *k)
{
    const struct lowered *l = composed_worse(k);
    enum normal_class class = worst_of(k->normal).class;
    if (l->why || l->n_agains)
        return NORMAL_BUFFERS;
    /* A value that could pass as it comes may be held by the machine. */
    return class == NORMAL_STREAMS && l->held.len ? NORMAL_BUFFERS : class;
}

static void
say_why(const char *why, const struct lens_origin *origin, struct buf *to)
{
    buf_fmt(to, " through the versions one after another (%s", why);
    if (origin && origin->change)
        buf_fmt(to, ", %.*s:%u", SPAN_FMT(origin->change->file), origin->line);
    buf_byte(to, ')');
}

/* All of it, as no part can go alone. */
static void
say_whole(const struct normal *n, const struct lowered *l, struct buf *to)
{
    buf_fmt(to, "%.*s goes as a whole",
            SPAN_FMT(n->api->types[n->root->type].name));
    say_why(l->why, l->whole ? l->whole->origin : n->root->stop.origin, to);
}

static void
say_agains(const struct lowered *l, struct buf *to)
{
    for (size_t i = 0; i < l->n_agains; i++) {
        const struct lower_again *again = l->agains[i];
        buf_fmt(to, "; holds each `%.*s`, which goes", SPAN_FMT(again->place));
        say_why(again->why, again->origin, to);
    }
}

void
composing_say(const struct composed *k, struct buf *to)
{
    const struct normal *n = k->normal;
    const struct lowered *l = composed_worse(k);
    struct normal_held held = worst_of(n);
    if (l->why) {
        say_whole(n, l, to);
        return;
    }
    buf_str(to, "one pass, ");
    if (held.source == NORMAL_NONE && l->held.len) {
        buf_fmt(to, "holds `%.*s` until its object ends", SPAN_FMT(l->held));
    } else if (held.source == NORMAL_NONE) {
        buf_str(to, l->n_agains ? "nothing else need be held"
                                : "nothing need be held");
    } else {
        buf_str(to, "holds `");
        normal_place(n, held.source, to);
        if (held.until == NORMAL_NONE) {
            buf_str(to, "` until its object ends");
        } else {
            buf_str(to, "` only when `");
            normal_place(n, held.until, to);
            buf_str(to, "` comes after it");
        }
    }
    say_agains(l, to);
}

/* ---- MessagePack ------------------------------------------------------------------- */

const char *const composing_packed_words[] = {
    [COMPOSING_PACKED_NOTHING] = "streams",
    [COMPOSING_PACKED_PARTS] = "parts are held, each until it ends",
    [COMPOSING_PACKED_WHOLE] = "held until it ends",
    [COMPOSING_PACKED_JSON] = "brought over to JSON and back",
};

/* Of a program. */
static bool
packed_of(struct arena *a, const struct lowered *l, enum composing_packed *out)
{
    static const enum composing_packed words[] = {
        [ENGINE_PACKED_NOTHING] = COMPOSING_PACKED_NOTHING,
        [ENGINE_PACKED_PARTS] = COMPOSING_PACKED_PARTS,
        [ENGINE_PACKED_WHOLE] = COMPOSING_PACKED_WHOLE};
    struct engine_program packed;
    *out = COMPOSING_PACKED_JSON;
    if (l->why)
        return true;
    struct engine_packer *k = engine_packer_new(a, a);
    if (!k || !engine_pack(k, &l->program, &packed))
        return false;
    *out = words[engine_packed_holds(k, &packed)];
    return true;
}

/* ---- one pair ---------------------------------------------------------------------- */

/* What the chain so far does to a type; its programs live in `a`. */
static enum err_code
take(struct compose *c, struct arena *a, size_t type, struct composed *out,
     struct err *e)
{
    enum err_code code = compose_take(c, type, &out->normal, e);
    out->packed = COMPOSING_PACKED_NOTHING;
    for (size_t i = 0; code == OK && i < 2; i++) {
        enum composing_packed packed;
        code = compose_lower(c, a, type, i == 1, &out->in[i], e);
        if (code == OK && !packed_of(a, &out->in[i], &packed))
            code = err_set(e, ERR_LIMIT, "no room for a program");
        if (code == OK && packed > out->packed)
            out->packed = packed;
    }
    return code;
}

enum err_code
composing_of(struct arena *a, const struct lens_api *api, size_t type,
             size_t from, size_t to, struct composed *out, struct err *e)
{
    struct compose *c = NULL;
    enum err_code code = compose_begin(a, api, NULL, from, to > from, &c, e);
    for (size_t at = from; code == OK && at != to;
         at = to > from ? at + 1 : at - 1)
        code = compose_step(c, e);
    return code == OK ? take(c, a, type, out, e) : code;
}

/* ---- all pairs ------------------------------------------------------------------------ */

/* The place that forces the class. */
static void
put_held(const struct composed *k, struct buf *to)
{
    const struct lowered *l = composed_worse(k);
    struct normal_held held = worst_of(k->normal);
    if (l->why)
        buf_byte(to, '.');
    else if (l->n_agains)
        buf_add(to, l->agains[0]->place);
    else if (held.source != NORMAL_NONE)
        normal_place(k->normal, held.source, to);
}

static bool
keep(const struct composing *c, struct compose *from, enum way way,
     size_t older)
{
    struct err e;
    struct buf b;
    bool ok = true;
    buf_init(&b, arena_limit(c->arena));
    for (size_t type = 0; ok && type < c->api->n_types; type++) {
        struct weight *w = weight_of(c, way, type, older);
        struct composed k = {0};
        arena_reset(c->programs);
        ok = take(from, c->programs, type, &k, &e) == OK;
        if (!ok)
            break;
        w->packed = k.packed;
        w->class = composed_class(&k);
        buf_clear(&b);
        put_held(&k, &b);
        ok = !buf_failed(&b) && span_dup(c->arena, buf_span(&b), &w->held);
        buf_clear(&b);
        composing_say(&k, &b);
        ok =
            ok && !buf_failed(&b) && span_dup(c->arena, buf_span(&b), &w->cost);
        w->known = ok;
    }
    buf_fini(&b);
    return ok;
}

/* Of a chain that may be long: then the estimates stand. */
static bool
keep_far(struct composing *c, struct compose *from, enum way way, size_t older)
{
    c->lowered += compose_size(from);
    return c->lowered > LOWERED_MAX || keep(c, from, way, older);
}

/* From a version to its neighbour, and on to the newest. */
static bool
all_up(struct composing *c, struct arena *a, size_t older)
{
    struct compose *up = NULL;
    struct err e;
    if (compose_begin(a, c->api, c->reaches, older, true, &up, &e) != OK ||
        compose_step(up, &e) != OK || !keep(c, up, UP_NEAR, older))
        return false;
    size_t v = older + 1;
    while (c->built + compose_size(up) < BUILT_MAX &&
           v + 1 < c->api->n_versions && compose_step(up, &e) == OK)
        v++;
    c->built += compose_size(up);
    return v + 1 < c->api->n_versions || keep_far(c, up, UP_FAR, older);
}

/* From the newest on, as far as there is room. */
static void
all_down(struct composing *c, struct arena *a)
{
    struct compose *down = NULL;
    struct err e;
    size_t older = c->api->n_versions - 1;
    bool ok =
        compose_begin(a, c->api, c->reaches, older, false, &down, &e) == OK;
    while (ok && older-- > 0)
        ok = compose_step(down, &e) == OK && keep_far(c, down, DOWN_FAR, older);
}

static bool
near_down(const struct composing *c, struct arena *a, size_t older)
{
    struct compose *down = NULL;
    struct err e;
    return compose_begin(a, c->api, c->reaches, older + 1, false, &down, &e) ==
               OK &&
           compose_step(down, &e) == OK && keep(c, down, DOWN_NEAR, older);
}

#define SCRATCH_MAX ((size_t)1 << 30)

struct composing *
composing_all(struct arena *a, const struct lens_api *api)
{
    struct composing *c = arena_alloc(a, sizeof(*c));
    struct arena *scratch = arena_new(SCRATCH_MAX);
    bool ok = c && scratch;
    if (ok) {
        *c = (struct composing){.api = api, .arena = a};
        c->programs = arena_new(SCRATCH_MAX);
        c->at = arena_array(a, WAYS * api->n_types * api->n_versions + 1,
                            sizeof(*c->at));
        c->reaches = compose_reach(a, api);
        ok = c->at && c->programs && c->reaches;
    }
    if (ok)
        all_down(c, scratch);
    for (size_t v = api->n_versions; ok && v-- > 1;) {
        arena_reset(scratch);
        ok = all_up(c, scratch, v - 1) && near_down(c, scratch, v - 1);
    }
    if (c)
        arena_free(&c->programs);
    arena_free(&scratch);
    return ok ? c : NULL;
}

void
composing_weigh(void *arg, struct lens_report *r)
{
    const struct composing *c = arg;
    if (!c)
        return;
    bool near = r->newer == r->older + 1;
    const struct weight *up =
        weight_of(c, near ? UP_NEAR : UP_FAR, r->type, r->older);
    const struct weight *down =
        weight_of(c, near ? DOWN_NEAR : DOWN_FAR, r->type, r->older);
    if (!up->known || !down->known)
        return;
    const struct weight *worst = down->class > up->class ? down : up;
    static const enum lens_class classes[] = {
        [NORMAL_STREAMS] = LENS_STREAMS,
        [NORMAL_DELAYS] = LENS_HOLDS_VALUE,
        [NORMAL_BUFFERS] = LENS_HOLDS_LIST};
    r->class = classes[worst->class];
    r->packed = span_str(
        composing_packed_words[down->packed > up->packed ? down->packed
                                                         : up->packed]);
    r->held = (struct lens_place){.text = worst->held};
    r->cost = span_eq(up->cost, down->cost)
                  ? up->cost
                  : arena_fmt(c->arena, "down: %.*s; up: %.*s",
                              SPAN_FMT(down->cost), SPAN_FMT(up->cost));
}
