/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/reference/gen.h"

#include "proxy/base/problem.h"

/* NOLINTBEGIN(misc-no-recursion): documents nest three deep */

size_t
gen_pick(struct gen *g, size_t n)
{
    return (size_t)(test_random(&g->seed) % n);
}

static const char *const names[] = {"a", "b", "c", "d", "h", "g"};

static const char *
name(struct gen *g)
{
    return names[gen_pick(g, COUNT(names))];
}

/* ---- tables ------------------------------------------------------------------------ */

static span
place(struct gen *g, struct arena *a)
{
    switch (gen_pick(g, 4)) {
    case 0:
        return arena_fmt(a, "%s/%s", name(g), name(g));
    case 1:
        return arena_fmt(a, "%s/%s/%s", name(g), name(g), name(g));
    default:
        return arena_fmt(a, "%s", name(g));
    }
}

static const char *const unequal[] = {"fail", "null", "first", "min",
                                      "max",  "sum",  "keep"};
static const char *const unlisted[] = {"", "", ", other: fail", ", other: Y",
                                       ", other: x"};
static const char *const backs[] = {"one", "each", "by k", "by g/k"};
static const char *const indexed[] = {
    "list(k) <> map", "map(.) <> list(k)", "list(k) <> map(g), double: first",
    "list(.) <> map, value: 1", "map(g) <> list(k), rest: refuse"};

/* A list of its own for those of which one side has none. */
static const char *const looked[] = {"lookup: index <> key, in: m, by: k",
                                     "lookup: key <> index, in: l, by: k",
                                     "lookup: element <> key, in: e, by: k, "
                                     "rest: lose",
                                     "lookup: key <> element, in: e, by: k, "
                                     "rest: refuse",
                                     "lookup: element <> index, in: e, rest: "
                                     "lose"};

/* Before and behind the place of a bag. */
static const char *const opened[][2] = {
    {"\"", "/*\": \"*\""},
    {"\"*\": {to: \"", "/*\", except: [g, k, u], keys: camel <> snake}"},
    {"\"", "/*\": {to: \"*\", except: [a, b, l, u, m], foreign: bag}"}};

static span
arrow(struct gen *g, struct arena *a)
{
    span p = place(g, a), q = place(g, a);
    const char *const *opening;
    size_t kind = gen_pick(g, (g->exact ? 20u : 23u) + (g->lists ? 3u : 0u));
    if (g->lists && gen_pick(g, 12) == 0)
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", %s}", SPAN_FMT(p),
                         SPAN_FMT(q), looked[gen_pick(g, COUNT(looked))]);
    switch (!g->lists && kind >= 20 ? kind + 3 : kind) {
    default:
        return arena_fmt(a, "\"%.*s\": \"%.*s\"", SPAN_FMT(p), SPAN_FMT(q));
    case 3:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", enum: {x: X, y: Y}%s}",
                         SPAN_FMT(p), SPAN_FMT(q),
                         unlisted[gen_pick(g, COUNT(unlisted))]);
    case 4:
        return arena_fmt(a,
                         "\"%.*s\": {to: \"%.*s\", as: minor(2) <> decimal(2)}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 5:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", as: json_text <> json}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 6:
        return arena_fmt(a, "\"l/*/%s\": \"l/*/%s\"", name(g), name(g));
    case 7:
        return arena_fmt(a, "\"%.*s\": \"l/[k=%s]/%s\"", SPAN_FMT(p), name(g),
                         name(g));
    case 8:
        return arena_fmt(a,
                         "\"%.*s\": {to: \"%.*s\", as: one <> list, rest: "
                         "lose}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 9:
        return arena_fmt(a,
                         "\"%.*s\": {cases: [{older: string, to: \"%.*s\"}, "
                         "{older: number, to: \"%.*s\"}], overlap: first}",
                         SPAN_FMT(p), SPAN_FMT(q), SPAN_FMT(place(g, a)));
    case 10:
        return arena_fmt(a, "u: \"%.*s\"", SPAN_FMT(q));
    case 11:
        return arena_fmt(a, "\"%.*s\": {to: [\"%.*s\", \"%.*s\"], differ: %s}",
                         SPAN_FMT(p), SPAN_FMT(q), SPAN_FMT(place(g, a)),
                         gen_pick(g, 2) ? "first" : "refuse");
    case 12:
        return arena_fmt(a,
                         "? [\"%.*s\", \"%.*s\"]\n    : {to: \"%.*s\", differ: "
                         "%s}",
                         SPAN_FMT(p), SPAN_FMT(place(g, a)), SPAN_FMT(q),
                         gen_pick(g, 2) ? "first" : "refuse");
    case 13:
        return arena_fmt(a, "\"%.*s\": {split: \"{%.*s}-{%.*s%s}\"%s}",
                         SPAN_FMT(p), SPAN_FMT(q), SPAN_FMT(place(g, a)),
                         gen_pick(g, 2) ? ":digits" : "",
                         gen_pick(g, 2) ? ", outside: absent" : "");
    case 14:
        return arena_fmt(
            a,
            "? [\"%.*s\", \"%.*s\"]\n    : {to: [\"%.*s\", \"%.*s\"], table: "
            "[[x, absent, X, 1], [x, same, Y, same], [[y, 1], any, Y, absent], "
            "[absent, 1, absent, X], [same, true, same, {is: any}]]}",
            SPAN_FMT(p), SPAN_FMT(place(g, a)), SPAN_FMT(q),
            SPAN_FMT(place(g, a)));
    case 15:
        return arena_fmt(a,
                         "\"%.*s\": {to: \"%.*s\", as: '\"{a}-{b}\" <> "
                         "\"{b}:{a}\"'}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 16:
        return arena_fmt(a,
                         "\"%.*s\": {to: \"l/*/%s\", as: one <> each, unequal: "
                         "%s, none: %s}",
                         SPAN_FMT(p), name(g), unequal[gen_pick(g, 7)],
                         gen_pick(g, 2) ? "lose" : "refuse");
    case 17:
        return arena_fmt(a,
                         "\"m/*/%s\": {to: \"%.*s\", as: each <> one, unequal: "
                         "%s, none: %s}",
                         name(g), SPAN_FMT(q), unequal[gen_pick(g, 7)],
                         gen_pick(g, 2) ? "lose" : "refuse");
    case 18:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", as: %s}", SPAN_FMT(p),
                         SPAN_FMT(q), indexed[gen_pick(g, COUNT(indexed))]);
    case 19:
        if (g->named)
            return arrow(g, a);
        opening = opened[gen_pick(g, COUNT(opened))];
        return arena_fmt(a, "%s%.*s%s", opening[0],
                         SPAN_FMT(gen_pick(g, 2) ? p : SPAN("b")), opening[1]);
    case 20:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", order: %s}", SPAN_FMT(p),
                         SPAN_FMT(q),
                         gen_pick(g, 2) ? "by k" : "{older: by .}");
    case 21:
        return arena_fmt(a,
                         "? [\"%.*s/*\", \"%.*s/*\"]\n    : {to: \"%.*s/*\", "
                         "back: [\"*[k=a]\", {g: absent}]}",
                         SPAN_FMT(p), SPAN_FMT(place(g, a)), SPAN_FMT(q));
    case 22:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", flatten: %s, back: %s}",
                         SPAN_FMT(p), SPAN_FMT(q),
                         gen_pick(g, 2) ? "older" : "newer",
                         backs[gen_pick(g, COUNT(backs))]);
    case 23:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", absent: {older: 1}}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 24:
        return arena_fmt(a, "\"%.*s\": {to: \"%.*s\", omit: {newer: x}}",
                         SPAN_FMT(p), SPAN_FMT(q));
    case 25:
        return arena_fmt(
            a,
            "\"%.*s\": {to: \"%.*s\", when: {older: {%s: x}, newer: {%s: x}}}",
            SPAN_FMT(p), SPAN_FMT(q), name(g), name(g));
    }
}

/* An open set that one version alone has, or none. */
static const char *
set_of(struct gen *g, struct arena *a, const char *how)
{
    if (!g->sets || gen_pick(g, 4))
        return "";
    bool root = gen_pick(g, 4) == 0;
    return arena_fmt(a, ", \"%s%s*\": {%s}", root ? "" : name(g),
                     root ? "" : "/", how)
        .at;
}

static span
change(struct gen *g, struct arena *a)
{
    span out = SPAN("T:\n  map:\n");
    size_t n = 1 + gen_pick(g, 4);
    for (size_t i = 0; i < n; i++)
        out = arena_fmt(a, "%.*s    %.*s\n", SPAN_FMT(out),
                        SPAN_FMT(arrow(g, a)));
    if (gen_pick(g, 3) == 0)
        out = arena_fmt(a, "%.*s  add: {n%zu: {up: x, write: lose}%s}\n",
                        SPAN_FMT(out), gen_pick(g, 1000),
                        set_of(g, a, "write: lose"));
    if (gen_pick(g, 3) == 0)
        out = arena_fmt(a, "%.*s  drop: {n%zu: {down: x, write: ignore}%s}\n",
                        SPAN_FMT(out), gen_pick(g, 1000),
                        set_of(g, a, "down: absent, write: ignore"));
    if (gen_pick(g, 2))
        out = arena_fmt(a, "%.*sU:\n  map: {%s: %s}\n", SPAN_FMT(out), name(g),
                        name(g));
    return out;
}

/* Is what this way writes on this side a scalar, so that nothing can lie inside? */
static bool
is_scalar(const struct lens_way *way, enum lens_side side)
{
    const struct lens_shape *shape = &way->shape[side];
    if (!way->has[lens_other(side)])
        return true; /* a part of a text, a cell of a table */
    const struct lens_lookup *lookup = lens_way_lookup(way);
    if (lookup)
        return lookup->how[side] != LENS_BY_ITSELF;
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        bool json = stage->kind == LENS_STAGE_FORM &&
                    stage->form[side].kind == LENS_AS_JSON;
        bool list = stage->kind == LENS_STAGE_LIST && side != stage->one;
        bool index = stage->kind == LENS_STAGE_INDEX ||
                     stage->kind == LENS_STAGE_ORDER ||
                     stage->kind == LENS_STAGE_FLAT;
        if (!json && !list && !index)
            return true;
    }
    if (!shape->said && way->stages.n == 0)
        shape = &way->shape[lens_other(side)]; /* it is written as it is */
    return shape->said && shape->types &&
           !(shape->types & (LENS_OBJECT | LENS_LIST));
}

static bool
is_inside(const struct lens_place *inner, const struct lens_place *outer)
{
    struct lens_place begin = {inner->steps, outer->n, inner->text};
    return outer->n < inner->n && lens_place_same(&begin, outer);
}

static const struct lens_way *
way_at(const struct lens_block *b, size_t n, bool *joint)
{
    for (size_t i = 0; i < b->n_arrows; i++) {
        *joint = b->arrows[i].joint != NULL;
        if (n < b->arrows[i].n_ways)
            return &b->arrows[i].ways[n];
        n -= b->arrows[i].n_ways;
    }
    return NULL;
}

/* The one lies in the other in one version, and the other in the one in the next: a
 * parent that had to be made is then a value of its own on the way back. */
static bool
is_turned_inside_out(const struct lens_way *x, const struct lens_way *y)
{
    return x->has[0] && x->has[1] && y->has[0] && y->has[1] &&
           is_inside(&x->place[0], &y->place[0]) &&
           is_inside(&y->place[1], &x->place[1]);
}

/* Has no place inside a scalar that another arrow writes, nor in what stands several
 * times: a parent made for it would differ from the others. */
static bool
is_sensible(const struct lens_block *b)
{
    const struct lens_way *outer, *inner;
    bool joint, unused;
    for (size_t i = 0; b && (outer = way_at(b, i, &joint)); i++)
        for (size_t k = 0; (inner = way_at(b, k, &unused)); k++) {
            if (is_turned_inside_out(outer, inner))
                return false;
            for (int side = 0; side < 2; side++)
                if (outer->has[side] && inner->has[side] &&
                    (joint || is_scalar(outer, (enum lens_side)side)) &&
                    is_inside(&inner->place[side], &outer->place[side]))
                    return false;
        }
    return true;
}

const struct lens_api *
gen_api(struct gen *g, struct arena *a)
{
    for (size_t tries = 0; tries < 200; tries++) {
        span types = g->marked
                         ? SPAN("T: {at: \"* /t\", marker: ver}\n"
                                "U: {at: [u of T, \"m/* of T\", v of U]}\n")
                         : SPAN("T: {at: \"* /t\"}\n"
                                "U: {at: [u of T, \"m/* of T\", v of U]}\n");
        span changes[2] = {change(g, a), change(g, a)};
        size_t n = 1 + gen_pick(g, 2);
        const struct lens_api *api = bench_api(a, types, changes, n, NULL);
        g->told =
            arena_fmt(a, "%.*s%.*s%.*s", SPAN_FMT(types), SPAN_FMT(changes[0]),
                      SPAN_FMT(n > 1 ? changes[1] : (span){0}));
        bool sensible = api != NULL;
        for (size_t t = 0; sensible && t + 1 < api->n_versions; t++)
            sensible = is_sensible(api->tables[t].blocks[0]);
        if (sensible)
            return api;
    }
    return NULL;
}

/* ---- documents ---------------------------------------------------------------------- */

static struct json *
parse(struct arena *a, const char *text)
{
    struct json *out = NULL;
    struct err e;
    assert_int_equal(json_parse(a, span_str(text), 16, &out, &e), OK);
    return out;
}

static const char *const scalars[] = {
    "\"x\"", "\"y\"", "\"X\"",         "\"Y\"",  "\"12.99\"", "1299",
    "0",     "1",     "1.0",           "null",   "true",      "\"\"",
    "[]",    "{}",    "[1]",           "[null]", "\"[1,2]\"", "\"{}\"",
    "\"{\"", "-5",    "{\"k\":\"a\"}", "[\"x\"]"};

static struct json *value(struct gen *g, struct arena *a, size_t depth);

static struct json *
object(struct gen *g, struct arena *a, size_t depth)
{
    struct json *out = json_new_object(a);
    assert_non_null(out);
    for (size_t i = 0; i < COUNT(names); i++)
        if (gen_pick(g, 3) == 0)
            assert_true(json_append(a, out, span_str(names[i]),
                                    value(g, a, depth + 1)));
    if (gen_pick(g, 3) == 0)
        assert_true(json_set(a, out, SPAN("k"), parse(a, "\"a\"")));
    if (depth == 0 && gen_pick(g, 3) == 0)
        assert_true(json_set(a, out, SPAN("l"), value(g, a, depth)));
    if (depth < 2 && gen_pick(g, 3) == 0)
        assert_true(json_set(a, out, depth ? SPAN("v") : SPAN("u"),
                             object(g, a, depth + 1)));
    return out;
}

static struct json *
value(struct gen *g, struct arena *a, size_t depth)
{
    size_t roll = gen_pick(g, 10);
    if (depth < 3 && roll < 2)
        return object(g, a, depth);
    if (depth < 3 && roll == 2) {
        struct json *list = json_new_list(a);
        for (size_t n = gen_pick(g, 4); n > 0; n--)
            assert_true(json_list_append(a, list, value(g, a, depth + 1)));
        return list;
    }
    return parse(a, scalars[gen_pick(g, COUNT(scalars))]);
}

/* A value that this way reads on this side. */
static struct json *
fitting(struct gen *g, struct arena *a, const struct lens_way *way,
        enum lens_side side)
{
    static const char *const plain[] = {"\"x\"", "1", "\"free\"", "[1,{}]"};
    const struct lens_shape *shape = &way->shape[side];
    if (shape->said && shape->types & LENS_STRING)
        return parse(a, "\"s\"");
    if (shape->said && shape->types & LENS_NUMBER)
        return parse(a, "8.50");
    if (way->stages.n == 0)
        return parse(a, plain[gen_pick(g, COUNT(plain))]);
    const struct lens_stage *stage = &way->stages.at[0];
    switch (stage->kind) {
    case LENS_STAGE_ENUM:
        return json_clone(a, stage->symbols[side].rows[0].from);
    case LENS_STAGE_LIST:
        return parse(a, side == stage->one ? "7" : "[7]");
    case LENS_STAGE_PATHS:
        return parse(a, "\"-a,b.c\"");
    case LENS_STAGE_FLAT:
        if (side != stage->nested)
            return parse(a, "[{\"k\":1},{\"k\":1},{\"k\":2}]");
        return parse(a, stage->back == LENS_FLAT_EACH  ? "[[1],[{}]]"
                        : stage->back == LENS_FLAT_ONE ? "[[1,[2]]]"
                        : gen_pick(g, 2) ? "[[{\"k\":1},{\"k\":1}],[{\"k\":2}]]"
                                         : "[[],[{\"k\":1}],[{\"k\":1}]]");
    case LENS_STAGE_LOOKUP: {
        static const char *const said[][4] = {
            {"0", "1", "2", "null"},
            {"\"x\"", "\"y\"", "7", "\"z\""},
            {"{\"k\":\"x\"}", "{\"k\":\"y\",\"g\":1}", "{\"g\":1}", "null"}};
        return parse(a, said[stage->lookup->how[side]][gen_pick(g, 4)]);
    }
    case LENS_STAGE_ORDER:
        return parse(a, gen_pick(g, 2) ? "[{\"k\":2},{\"k\":10},{}]"
                                       : "[{\"k\":\"b\"},{\"k\":\"a\"}]");
    case LENS_STAGE_INDEX:
        return parse(
            a, side == stage->list
                   ? stage->key.n ? "[{\"k\":\"x\",\"g\":1}]" : "[\"x\",\"y\"]"
               : stage->held == LENS_HELD_WHOLE ? "{\"x\":{\"k\":\"x\"}}"
               : stage->held == LENS_HELD_REST  ? "{\"x\":{\"g\":1},\"y\":{}}"
                                                : "{\"x\":1}");
    case LENS_STAGE_FORM:
        break;
    }
    switch (stage->form[side].kind) {
    case LENS_AS_MINOR:
        return parse(a, "1234");
    case LENS_AS_DECIMAL:
        return parse(a, "\"12.34\"");
    case LENS_AS_PATTERN:
        return parse(a, gen_pick(g, 4) ? "\"q-1:z\"" : "\"a-b-c\"");
    case LENS_AS_JSON_TEXT:
        return parse(a, "\"{\\\"q\\\":[1,2]}\"");
    default:
        return parse(a, "{\"q\":[1,2]}");
    }
}

/* Put a value at a place, making the way; nothing if something else is in it. */
static void
plant(struct arena *a, struct json *root, const struct lens_place *p,
      struct json *v)
{
    for (size_t i = 0; i + 1 < p->n; i++) {
        const struct lens_step *next = &p->steps[i + 1];
        if (p->steps[i].kind != LENS_KEY || root->kind != JSON_OBJECT)
            break;
        struct json *child = json_get(root, p->steps[i].key);
        if (!child) {
            child =
                next->kind == LENS_KEY ? json_new_object(a) : json_new_list(a);
            assert_true(json_append(a, root, p->steps[i].key, child));
        }
        if (next->kind != LENS_KEY && child->kind == JSON_LIST) {
            struct json *element = json_new_object(a);
            if (next->n_finds)
                assert_true(json_append(a, element,
                                        next->finds[0].member.steps[0].key,
                                        json_clone(a, next->finds[0].value)));
            assert_true(json_list_append(a, child, element));
            child = element;
            i++;
        }
        root = child;
    }
    const struct lens_step *last = &p->steps[p->n - 1];
    span key = last->kind == LENS_EACH ? SPAN("anyKey") : last->key;
    if (root->kind == JSON_OBJECT && key.at && !json_get(root, key))
        assert_true(json_append(a, root, key, v));
}

/* Values that stand together in one row, or say the same. */
static void
plant_joint(struct gen *g, struct arena *a, const struct lens_arrow *arrow,
            enum lens_side side, struct json *root)
{
    const struct lens_joint *j = arrow->joint;
    size_t row = j->n_rows ? gen_pick(g, j->n_rows) : 0;
    const struct json *shared = fitting(g, a, &arrow->ways[0], side);
    for (size_t i = 0; i < j->n[side]; i++) {
        struct json *v = json_clone(a, shared);
        if (j->kind == LENS_JOINT_CONCAT)
            v = parse(a, side == j->one ? "[{\"k\":\"a\",\"g\":1},{\"q\":1},[]]"
                         : i            ? "[{\"q\":1},{\"k\":\"b\"}]"
                                        : "[{\"k\":\"a\"}]");
        if (j->kind == LENS_JOINT_SPLIT)
            v = parse(a, side == j->one ? "\"p-q-1\"" : i ? "\"1\"" : "\"p\"");
        if (j->kind == LENS_JOINT_TABLE) {
            const struct lens_cell *c = &j->rows[row].cells[side][i];
            if (c->kind == LENS_CELL_ABSENT)
                continue;
            if (c->n_values)
                v = json_clone(a, c->values[gen_pick(g, c->n_values)]);
        }
        if (gen_pick(g, 8))
            plant(a, root, &j->places[side][i], v);
    }
}

/* The list that a reference points into. */
static void
plant_looked(struct gen *g, struct arena *a, const struct lens_lookup *lookup,
             enum lens_side side, struct json *root)
{
    static const char *const lists[] = {
        "[{\"k\":\"x\"},{\"k\":\"y\",\"g\":1}]", "[{\"k\":7},{\"k\":\"x\"}]",
        "[{\"k\":\"y\"},{\"k\":\"x\"},{\"k\":\"y\",\"a\":1}]",
        "[1,{\"k\":\"x\"}]", "[]"};
    if (lookup && lookup->in[side].n && gen_pick(g, 8))
        plant(a, root, &lookup->in[side], parse(a, lists[gen_pick(g, 5)]));
}

static void
plant_all(struct gen *g, struct arena *a, const struct lens_block *block,
          enum lens_side side, struct json *root, size_t one_in)
{
    for (size_t i = 0; block && i < block->n_arrows; i++) {
        if (block->arrows[i].joint && gen_pick(g, one_in) == 0)
            plant_joint(g, a, &block->arrows[i], side, root);
        for (size_t w = 0; w < block->arrows[i].n_ways; w++) {
            const struct lens_way *way = &block->arrows[i].ways[w];
            plant_looked(g, a, lens_way_lookup(way), side, root);
            if (way->has[side] && !block->arrows[i].joint &&
                gen_pick(g, one_in) == 0)
                plant(a, root, &way->place[side], fitting(g, a, way, side));
        }
    }
}

/* A random node below `root`, or NULL. */
static struct json *
some(struct gen *g, struct json *root)
{
    for (size_t tries = 0; tries < 4; tries++) {
        struct json *at = root;
        while (json_is_container(at) && at->n && gen_pick(g, 3))
            at = at->members[gen_pick(g, at->n)].value;
        if (at != root)
            return at;
    }
    return NULL;
}

static void
spoil(struct gen *g, struct arena *a, const struct lens_block *block,
      enum lens_side side, struct json *root)
{
    struct json *node = some(g, root);
    if (!node)
        return;
    switch (gen_pick(g, 5)) {
    case 0:
        json_detach(node);
        return;
    case 1:
        json_replace(node, parse(a, gen_pick(g, 2) ? "{}" : "[]"));
        return;
    case 2:
        json_replace(node, value(g, a, 2));
        return;
    case 3:
        json_replace(node, parse(a, "null"));
        return;
    default: /* strangers: what the other side names */
        plant_all(g, a, block, lens_other(side), root, 3);
    }
}

span
gen_document(struct gen *g, struct arena *a, const struct lens_api *api,
             size_t version, size_t spoils)
{
    /* Members by chance seldom fit: those of exact tables mostly have none. */
    struct json *root = gen_pick(g, g->exact ? 4 : 2) == 0 ? object(g, a, 0)
                                                           : json_new_object(a);
    bool last = version + 1 == api->n_versions;
    const struct lens_table *table = &api->tables[last ? version - 1 : version];
    enum lens_side side = last ? LENS_NEWER : LENS_OLDER;
    struct buf b;
    span out;
    plant_all(g, a, table->blocks[0], side, root, 2);
    for (size_t i = 0; i < spoils; i++)
        spoil(g, a, table->blocks[0], side, root);
    buf_init(&b, BENCH_ROOM);
    json_print(root, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

/* NOLINTEND(misc-no-recursion) */
