/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laws: LANGUAGE.md's law 7, on tables, documents and patches out of dice.
 *
 * Two things are set aside (translators/patch/README.md): a document that has
 * something else where the tables know an object or a list, for a merge patch makes
 * it one; and a null of `one <> list`.
 */
#include "tests/translators/patch/run.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as the dice make documents */

#define APIS      200
#define DOCUMENTS 12
#define PATCHES   6

/* ---- documents of the kind that the tables know ------------------------------------ */

static bool
is_host(const struct json *node, const struct lens_step *step)
{
    if (step->kind == LENS_KEY)
        return node->kind == JSON_OBJECT;
    return node->kind == JSON_LIST ||
           (step->kind == LENS_EACH && node->kind == JSON_OBJECT);
}

static bool
is_regular_at(const struct json *node, const struct lens_place *place,
              size_t at)
{
    for (; at < place->n; at++) {
        const struct lens_step *step = &place->steps[at];
        if (!is_host(node, step))
            return false;
        if (step->kind != LENS_KEY) {
            for (size_t i = 0; i < node->n; i++)
                if (!is_regular_at(node->members[i].value, place, at + 1))
                    return false;
            return true;
        }
        node = json_get(node, step->key);
        if (!node)
            return true;
    }
    return true;
}

static bool is_regular_type(const struct lens_api *api, size_t type,
                            size_t version, const struct json *node);

/* Null is the empty list: then there is no element to replace, and the operation
 * fails at the other side as at no other value (SEMANTICS.md, one -> list). */
static bool
is_null_of_list(const struct lens_way *way, const struct json *node)
{
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        const struct json *at = node;
        if (stage->kind != LENS_STAGE_LIST || !way->has[stage->one])
            continue;
        for (size_t k = 0; at && k < way->place[stage->one].n; k++)
            at = json_get(at, way->place[stage->one].steps[k].key);
        if (at && at->kind == JSON_NULL)
            return true;
    }
    return false;
}

/* An open set runs over the members of an object. */
static bool
is_bag(const struct lens_way *way, const struct json *node)
{
    for (int side = 0; way->open && side < 2; side++) {
        const struct json *at = node;
        for (size_t k = 0; at && k + 1 < way->place[side].n; k++)
            at = json_get(at, way->place[side].steps[k].key);
        if (way->has[side] && at && at->kind != JSON_OBJECT)
            return false;
    }
    return true;
}

static bool
is_regular_block(const struct lens_block *b, const struct json *node)
{
    for (size_t i = 0; b && i < b->n_arrows; i++)
        for (size_t w = 0; w < b->arrows[i].n_ways; w++) {
            const struct lens_way *way = &b->arrows[i].ways[w];
            for (int k = 0; k < 2; k++)
                if (way->has[k] && !is_regular_at(node, &way->place[k], 0))
                    return false;
            if (is_null_of_list(way, node) || !is_bag(way, node))
                return false;
        }
    return true;
}

static bool
are_regular_children(const struct lens_api *api, const struct lens_child *child,
                     size_t version, const struct json *node, size_t at)
{
    for (; at < child->place.n; at++) {
        const struct lens_step *step = &child->place.steps[at];
        if (!is_host(node, step))
            return true;
        if (step->kind != LENS_KEY) {
            for (size_t i = 0; i < node->n; i++)
                if (!are_regular_children(api, child, version,
                                          node->members[i].value, at + 1))
                    return false;
            return true;
        }
        node = json_get(node, step->key);
        if (!node)
            return true;
    }
    return is_regular_type(api, child->type, version, node);
}

static bool
is_regular_type(const struct lens_api *api, size_t type, size_t version,
                const struct json *node)
{
    const struct lens_type_at *at = &api->types[type].at[version];
    if (node->kind != JSON_OBJECT)
        return true;
    if (version + 1 < api->n_versions &&
        !is_regular_block(api->tables[version].blocks[type], node))
        return false;
    if (version > 0 &&
        !is_regular_block(api->tables[version - 1].blocks[type], node))
        return false;
    for (size_t i = 0; i < at->n_children; i++)
        if (!are_regular_children(api, &at->children[i], version, node, 0))
            return false;
    return true;
}

/* In every version on its way. */
static bool
is_regular(struct arena *a, const struct run_way *w, span x)
{
    for (size_t at = w->from;; w->from < w->to ? at++ : at--) {
        if (!is_regular_type(w->api, w->type, at, run_parse(a, x)))
            return false;
        if (at == w->to)
            return true;
        struct bench_result r = bench_run(
            a, w->api, w->type, at, w->from < w->to ? at + 1 : at - 1, true, x);
        if (r.code != OK)
            return true;
        x = r.text;
    }
}

/* ---- patches out of dice --------------------------------------------------------------- */

/* A few members of another document: values to set, nulls among them. */
static span
dice_merge(struct gen *g, struct arena *a, const struct run_way *w)
{
    struct json *p =
        run_parse(a, gen_document(g, a, w->api, w->from, gen_pick(g, 6)));
    size_t keep = 1 + gen_pick(g, 2);
    while (p->n > keep)
        (void)json_remove(p, gen_pick(g, p->n));
    /* Often one that only goes. */
    struct json *at = p;
    while (gen_pick(g, 3) == 0 && at->kind == JSON_OBJECT && at->n)
        at = at->members[gen_pick(g, at->n)].value;
    if (at != p)
        json_set_null(at);
    return run_print(a, p);
}

/* A pointer to something that is there, or could be. */
static span
dice_pointer(struct gen *g, struct arena *a, struct json *root, bool add)
{
    static const char *const names[] = {"a", "b", "c", "d", "h", "g", "u", "l"};
    struct buf b;
    span out;
    buf_init(&b, BENCH_ROOM);
    struct json *at = root;
    do {
        bool last = gen_pick(g, 2) == 0;
        if (add && last && at->kind == JSON_OBJECT) {
            buf_fmt(&b, "/%s", names[gen_pick(g, COUNT(names))]);
            break;
        }
        if (add && last && at->kind == JSON_LIST && gen_pick(g, 2)) {
            buf_str(&b, "/-");
            break;
        }
        if (at->n == 0)
            break;
        size_t i = gen_pick(g, at->n);
        if (at->kind == JSON_LIST)
            buf_fmt(&b, "/%zu", i);
        else
            buf_fmt(&b, "/%.*s", SPAN_FMT(at->members[i].key));
        at = at->members[i].value;
    } while (json_is_container(at) && gen_pick(g, 4));
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static span
dice_value(struct gen *g, struct arena *a, const struct run_way *w, span x)
{
    struct json *from = run_parse(
        a, gen_pick(g, 2) ? gen_document(g, a, w->api, w->from, 2) : x);
    while (json_is_container(from) && from->n && gen_pick(g, 4))
        from = from->members[gen_pick(g, from->n)].value;
    return run_print(a, from);
}

/* The value of a pointer in x, so that a test passes. */
static span
there(struct arena *a, struct json *root, span pointer)
{
    span rest = span_skip(pointer, pointer.len ? 1 : 0);
    while (root && rest.len) {
        span key = span_cut(&rest, '/');
        uint64_t i = 0;
        if (root->kind == JSON_OBJECT)
            root = json_get(root, key);
        else
            root = span_to_u64(key, &i) && i < root->n ? root->members[i].value
                                                       : NULL;
    }
    return root ? run_print(a, root) : SPAN("null");
}

static span
dice_operations(struct gen *g, struct arena *a, const struct run_way *w, span x)
{
    struct json *root = run_parse(a, x);
    span out = SPAN("");
    for (size_t n = 1 + gen_pick(g, 2); n > 0; n--) {
        span add = dice_pointer(g, a, root, true);
        span at = dice_pointer(g, a, root, false);
        span value = dice_value(g, a, w, x);
        span one;
        switch (gen_pick(g, 7)) {
        case 0:
        case 1:
            one = arena_fmt(a,
                            "{\"op\":\"add\",\"path\":\"%.*s\",\"value\":%.*s}",
                            SPAN_FMT(add), SPAN_FMT(value));
            break;
        case 2:
            one = arena_fmt(a, "{\"op\":\"remove\",\"path\":\"%.*s\"}",
                            SPAN_FMT(at));
            break;
        case 3:
            one = arena_fmt(
                a, "{\"op\":\"test\",\"path\":\"%.*s\",\"value\":%.*s}",
                SPAN_FMT(at), SPAN_FMT(there(a, root, at)));
            break;
        case 4:
            one = arena_fmt(
                a, "{\"op\":\"%s\",\"from\":\"%.*s\",\"path\":\"%.*s\"}",
                gen_pick(g, 2) ? "move" : "copy", SPAN_FMT(at), SPAN_FMT(add));
            if (at.len < add.len && span_eq(span_take(add, at.len), at) &&
                add.at[at.len] == '/')
                one = SPAN("{\"op\":\"test\",\"path\":\"/none\",\"value\":1}");
            break;
        default:
            one = arena_fmt(
                a, "{\"op\":\"replace\",\"path\":\"%.*s\",\"value\":%.*s}",
                SPAN_FMT(at), SPAN_FMT(value));
        }
        out = arena_fmt(a, "%.*s%s%.*s", SPAN_FMT(out), out.len ? "," : "",
                        SPAN_FMT(one));
    }
    return arena_fmt(a, "[%.*s]", SPAN_FMT(out));
}

/* ---- law 7 ---------------------------------------------------------------------------------- */

struct tally {
    size_t tried;
    size_t carried;
    size_t falls;
    size_t held;
    size_t changed; /* the patch did not just pass */
    size_t wrong;
};

static void
print_table(const struct lens_api *api)
{
    for (size_t t = 0; t + 1 < api->n_versions; t++)
        for (size_t type = 0; type < api->n_types; type++) {
            const struct lens_block *b = api->tables[t].blocks[type];
            for (size_t i = 0; b && i < b->n_arrows; i++)
                for (size_t w = 0; w < b->arrows[i].n_ways; w++)
                    print_error("  v%zu %.*s kind %u: %.*s -> %.*s (%zu "
                                "stages%s%s)\n",
                                t + 1, SPAN_FMT(api->types[type].name),
                                (unsigned)b->arrows[i].kind,
                                SPAN_FMT(b->arrows[i].ways[w].place[0].text),
                                SPAN_FMT(b->arrows[i].ways[w].place[1].text),
                                b->arrows[i].ways[w].stages.n,
                                b->arrows[i].joint ? ", joint" : "",
                                b->arrows[i].has_cases ? ", cases" : "");
        }
}

static void
law_7(struct arena *a, const struct run_way *w, span p, span x, struct tally *t)
{
    struct bench_result r = run_patch(a, w, p);
    span one, two;
    t->tried++;
    if (r.code != OK) {
        assert_true(r.report.fault.err.text[0] && r.report.fault.status >= 400);
        t->falls += r.report.fault.needs_document;
        return;
    }
    t->carried++;
    t->changed += !span_eq(p, r.text);
    switch (run_commutes(a, w, p, r.text, x, &one, &two)) {
    case LAW_VOID:
        return;
    case LAW_HOLDS:
        t->held++;
        return;
    case LAW_BROKEN:
        break;
    }
    if (t->wrong++ > 4)
        return;
    print_table(w->api);
    print_error("  v%zu -> v%zu\n  document    %.*s\n  patch       %.*s\n  "
                "carried     %.*s\n  patch first %.*s\n  then        %.*s\n",
                w->from + 1, w->to + 1, SPAN_FMT(x), SPAN_FMT(p),
                SPAN_FMT(r.text), SPAN_FMT(one), SPAN_FMT(two));
}

static void
law_7_of_api(struct gen *g, struct arena *a, struct run_way *w, struct tally *t)
{
    for (size_t d = 0; d < DOCUMENTS; d++) {
        size_t last = w->api->n_versions - 1;
        w->from = d % 2 ? last : 0;
        w->to = d % 2 ? 0 : last;
        span x = gen_document(g, a, w->api, w->from, gen_pick(g, 3));
        if (!is_regular(a, w, x))
            continue;
        for (size_t i = 0; i < PATCHES; i++) {
            span p = w->options.kind == PATCH_MERGE
                         ? dice_merge(g, a, w)
                         : dice_operations(g, a, w, x);
            law_7(a, w, p, x, t);
        }
    }
}

static struct tally
law_7_of(enum patch_kind kind, uint64_t seed)
{
    struct gen g = {.seed = seed, .lists = true};
    struct tally t = {0};
    for (size_t i = 0; i < APIS; i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        struct run_way w = {.api = gen_api(&g, a),
                            .options = {.kind = kind},
                            .write = RUN_LOSES};
        assert_non_null(w.api);
        law_7_of_api(&g, a, &w, &t);
        arena_free(&a);
    }
    print_message("%zu patches: %zu carried, %zu of them changed; %zu fall "
                  "back; %zu asked of a document\n",
                  t.tried, t.carried, t.changed, t.falls, t.held);
    return t;
}

TEST(a_merge_patch_commutes_or_falls_back)
{
    struct tally t = law_7_of(PATCH_MERGE, 11);
    assert_int_equal(t.wrong, 0);
    assert_true(t.held > APIS && t.changed > APIS / 4 && t.falls > APIS / 4);
}

TEST(a_json_patch_commutes_or_falls_back)
{
    struct tally t = law_7_of(PATCH_JSON, 12);
    assert_int_equal(t.wrong, 0);
    assert_true(t.held > APIS && t.changed > APIS / 4 && t.falls > APIS / 4);
}
/* NOLINTEND(misc-no-recursion) */
