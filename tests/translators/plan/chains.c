/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/plan/chains.h"

#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/plan/program.h"

uint64_t
chain_dice(uint64_t *seed, uint64_t n)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % n;
}

/* ---- APIs ---------------------------------------------------------------------- */

static const char *const names[] = {
    "a", "b", "c", "d", "e", "f", "items", "lines", "kids", "longer_name"};
static const char *const scalars[] = {"p", "q", "r", "5", "\"5\"", "true"};

/* A name that no arrow of this side and block has yet, or NULL. */
static const char *
fresh(uint64_t *seed, bool *used)
{
    size_t i = chain_dice(seed, COUNT(names));
    if (used[i])
        return NULL;
    used[i] = true;
    return names[i];
}

static void
add_map(struct buf *b, uint64_t *seed, bool *older, bool *newer)
{
    const char *from = fresh(seed, older);
    const char *to = chain_dice(seed, 4) ? fresh(seed, newer) : NULL;
    if (!from)
        return;
    if (!to) {
        for (size_t i = 0; i < COUNT(names); i++)
            if (names[i] == from && !newer[i]) {
                newer[i] = true;
                to = from;
            }
    }
    if (!to)
        return;
    switch (chain_dice(seed, 7)) {
    case 0:
        buf_fmt(b, "    %s: {to: %s, enum: {p: q, q: p}}\n", from, to);
        break;
    case 1:
        buf_fmt(b, "    %s: {to: %s, enum: {p: x, r: 7}, other: fail}\n", from,
                to);
        break;
    case 2:
        buf_fmt(b, "    %s: {to: %s, absent: {older: %s}}\n", from, to,
                scalars[chain_dice(seed, COUNT(scalars))]);
        break;
    case 3:
        buf_fmt(b, "    %s: {to: %s, absent: {newer: %s}}\n", from, to,
                scalars[chain_dice(seed, COUNT(scalars))]);
        break;
    case 4:
        buf_fmt(b, "    %s: {to: %s, null: {older: \"p\"}}\n", from, to);
        break;
    default:
        buf_fmt(b, "    %s: %s\n", from, to);
    }
}

static void
add_own(struct buf *b, uint64_t *seed, bool *used, bool is_add)
{
    const char *name = fresh(seed, used);
    const char *fill = scalars[chain_dice(seed, COUNT(scalars))];
    if (!name)
        return;
    buf_fmt(b, "    %s: {write: %s", name, is_add ? "lose" : "ignore");
    if (chain_dice(seed, 4))
        buf_fmt(b, ", %s: %s", is_add ? "up" : "down", fill);
    buf_str(b, "}\n");
}

/* How many there are is asked of a list that is whole. */
static void
add_count(struct buf *b, uint64_t *seed)
{
    if (chain_dice(seed, 2))
        buf_fmt(b, "    n2: {write: lose, up: {count: %s}}\n",
                chain_dice(seed, 2) ? "lines" : "kids");
}

static void
add_type(struct buf *b, uint64_t *seed, const char *type, bool counts)
{
    bool older[COUNT(names)] = {false};
    bool newer[COUNT(names)] = {false};
    buf_fmt(b, "%s:\n  map:\n", type);
    buf_str(b, "    m: m\n");
    if (counts && chain_dice(seed, 3) == 0) /* the reference has such objects */
        buf_str(b, "    o9: {order: by k}\n");
    for (size_t n = chain_dice(seed, 5); n-- > 0;)
        add_map(b, seed, older, newer);
    buf_str(b, "  add:\n    n1: {write: lose, up: n}\n");
    for (size_t n = chain_dice(seed, 3); n-- > 0;)
        add_own(b, seed, newer, true);
    if (counts)
        add_count(b, seed);
    buf_str(b, "  drop:\n    o1: {write: ignore, down: o}\n");
    for (size_t n = chain_dice(seed, 3); n-- > 0;)
        add_own(b, seed, older, false);
}

const struct lens_api *
chain_api(struct arena *a, uint64_t *seed, size_t versions_max)
{
    size_t n = 2 + chain_dice(seed, versions_max - 1);
    struct lens_text *changes = arena_array(a, n, sizeof(*changes));
    const struct lens_api *api = NULL;
    struct problems problems;
    struct buf b;
    span head = {0};
    buf_init(&b, CHAIN_ROOM);
    buf_str(&b, "api: chain\nversions: {");
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%sv%zu: {}", i ? ", " : "", i);
    buf_fmt(&b,
            "}\ndetect: [{header: V}]\nmissing: v0\nunknown: refuse\ntypes:\n"
            "  Doc: {at: \"POST /docs\"%s}\n"
            "  Item: {at: [\"items/* of Doc\", \"kids/* of Item\"%s]}\n",
            chain_dice(seed, 2) ? ", marker: ver" : "",
            chain_dice(seed, 2) ? ", \"longer_name/e of Doc\"" : "");
    bool ok = changes && span_dup(a, buf_span(&b), &head);
    bool counts = chain_dice(seed, 3) == 0;
    for (size_t i = 0; ok && i + 1 < n; i++) {
        buf_clear(&b);
        buf_fmt(&b,
                "change: c%zu\nfrom: v%zu\nto: v%zu\n"
                "manifest: {title: t, owner: o, guarantee: none}\n",
                i, i, i + 1);
        add_type(&b, seed, "Doc", false);
        add_type(&b, seed, "Item", counts);
        changes[i].name = arena_fmt(a, "changes/%zu.yaml", i);
        ok = span_dup(a, buf_span(&b), &changes[i].text);
    }
    buf_fini(&b);
    problems_init(&problems, a);
    if (!ok || lens_load_text(a, (struct lens_text){SPAN("api.yaml"), head},
                              changes, n - 1, &problems, &api) != OK)
        return NULL;
    return api;
}

/* ---- documents ------------------------------------------------------------------- */

static void add_object(struct buf *b, uint64_t *seed, unsigned depth);

/* NOLINTBEGIN(misc-no-recursion): three deep */
static void
add_value(struct buf *b, uint64_t *seed, unsigned depth, bool is_list)
{
    static const char *const values[] = {
        "\"p\"",         "\"q\"", "\"r\"",  "5",         "\"5\"", "true",
        "null",          "\"x\"", "\"v0\"", "7",         "1.0",   "\"\\u0070\"",
        "\"h\xC3\xA9\"", "{}",    "[]",     "{\"a\":1}", "[1,2]"};
    if (!is_list || !depth || chain_dice(seed, 12) == 0) {
        buf_str(b, values[chain_dice(seed, is_list ? COUNT(values) : 9)]);
        return;
    }
    buf_byte(b, '[');
    for (size_t n = chain_dice(seed, 4), i = 0; i < n; i++) {
        buf_str(b, i ? "," : "");
        add_object(b, seed, depth - 1);
    }
    buf_byte(b, ']');
}

static void
add_object(struct buf *b, uint64_t *seed, unsigned depth)
{
    static const char *const keys[] = {
        "a",     "b",     "c",    "d",           "e",    "f",
        "items", "lines", "kids", "longer_name", "n1",   "o1",
        "m",     "zz",    "yy",   "items",       "kids", "\\u0061"};
    bool used[COUNT(keys)] = {false};
    buf_byte(b, '{');
    bool any = false;
    for (size_t n = chain_dice(seed, 5); n-- > 0;) {
        size_t k = chain_dice(seed, COUNT(keys) - (chain_dice(seed, 20) != 0));
        if (used[k] && chain_dice(seed, 30))
            continue;
        used[k] = true;
        if (k == 9 && depth && chain_dice(seed, 2)) {
            buf_fmt(b, "%s\"longer_name\":{\"e\":", any ? "," : "");
            add_object(b, seed, depth - 1);
            buf_byte(b, '}');
            any = true;
            continue;
        }
        bool is_list = (k >= 6 && k <= 8) || k == 15 || k == 16;
        buf_fmt(b, "%s%s\"%s\"%s:", any ? "," : "",
                chain_dice(seed, 5) ? "" : " ", keys[k],
                chain_dice(seed, 5) ? "" : "\n");
        add_value(b, seed, depth, is_list);
        any = true;
    }
    buf_str(b, chain_dice(seed, 5) ? "}" : " }");
}
/* NOLINTEND(misc-no-recursion) */

span
chain_document(struct arena *a, uint64_t *seed, bool wild)
{
    struct buf b;
    span out = {0};
    buf_init(&b, CHAIN_ROOM);
    add_object(&b, seed, 3);
    for (size_t n = wild ? 1 + chain_dice(seed, 3) : 0; n-- > 0;) {
        static const char odd[] = "{}[],:\"\\ 0a\x80\xC3";
        b.bytes[b.start + chain_dice(seed, buf_len(&b))] =
            odd[chain_dice(seed, sizeof(odd) - 1)];
    }
    if (!span_dup(a, buf_span(&b), &out))
        out = (span){0};
    buf_fini(&b);
    return out;
}

/* ---- plan and reference ---------------------------------------------------------- */

struct told {
    span change;
    unsigned line;
    enum notice_kind kind;
    size_t n;
};

static size_t
told_by_plan(const struct plan_run *run, const struct told *t)
{
    size_t sum = 0;
    for (size_t i = 0; i < plan_run_notices_max(run); i++) {
        struct plan_notice n = plan_run_notice(run, i);
        if (n.kind == t->kind && n.origin->line == t->line &&
            span_eq(n.origin->change->name, t->change))
            sum += n.n;
    }
    return sum;
}

static size_t
told_by_reference(const struct reference_report *r, const struct told *t)
{
    size_t sum = 0;
    for (size_t i = 0; i < r->n_notices; i++)
        if (r->notices[i].kind == t->kind && r->notices[i].line == t->line &&
            span_eq(r->notices[i].change, t->change))
            sum += r->notices[i].n;
    return sum;
}

span
chain_notices_differ(struct arena *a, const struct plan_run *run,
                     const struct reference_report *report)
{
    for (size_t i = 0; i < report->n_notices; i++) {
        const struct translation_notice *r = &report->notices[i];
        struct told t = {r->change, r->line, r->kind, 0};
        if (told_by_plan(run, &t) != told_by_reference(report, &t))
            return arena_fmt(a, "notices of line %u: %zu, should be %zu",
                             t.line, told_by_plan(run, &t),
                             told_by_reference(report, &t));
    }
    for (size_t i = 0; i < plan_run_notices_max(run); i++) {
        struct plan_notice n = plan_run_notice(run, i);
        struct told t = {n.origin->change->name, n.origin->line, n.kind, 0};
        if (n.n && !told_by_reference(report, &t))
            return arena_fmt(a, "a notice of line %u too many", t.line);
    }
    return (span){0};
}

/* The plan with one byte each time: the same verdict, the same bytes. */
static span
compare_cuts(struct arena *a, const struct plan_entry *entry, bool is_request,
             span body, enum plan_step whole, span should)
{
    struct buf out;
    span difference = {0};
    buf_init(&out, CHAIN_ROOM);
    struct plan_run *run =
        plan_run_new(a, entry,
                     &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT,
                                        .is_answer = !is_request},
                     &out);
    enum plan_step step = PLAN_MORE;
    for (size_t n = 0; run && step == PLAN_MORE && n < body.len; n++)
        step = plan_run_feed(run, span_of(body.at + n, 1), false);
    if (run && step == PLAN_MORE)
        step = plan_run_feed(run, (span){0}, true);
    if (step != whole)
        difference = arena_fmt(a, "cut: verdict %d, should be %d", step, whole);
    else if (step == PLAN_DONE &&
             (!should.at || !out.bytes || !span_eq(buf_span(&out), should)))
        difference = arena_fmt(a, "cut: %.*s, should be %.*s",
                               SPAN_FMT(buf_span(&out)), SPAN_FMT(should));
    buf_fini(&out);
    return difference;
}

span
chain_documents_differ(struct arena *a, span is, span should, bool waits)
{
    struct json *x = NULL;
    struct json *y = NULL;
    struct err e;
    if (json_parse(a, is, JSON_DEPTH_DEFAULT, &x, &e) != OK ||
        json_parse(a, should, JSON_DEPTH_DEFAULT, &y, &e) != OK ||
        !(waits ? json_alike(x, y) : json_alike_strict(x, y)))
        return arena_fmt(a, "%.*s, should be %.*s", SPAN_FMT(is),
                         SPAN_FMT(should));
    return (span){0};
}

enum err_code
chain_reference(struct arena *a, const struct lens_api *api, size_t from,
                size_t to, bool is_request, span body, struct buf *out,
                struct reference_report *report)
{
    struct lens_site site = {.type = 0};
    const struct lens_site *list[] = {&site};
    struct reference_sites *sites =
        arena_array(a, api->n_versions, sizeof(*sites));
    struct reference_facts facts = {.is_request = is_request,
                                    .depth_max = JSON_DEPTH_DEFAULT};
    if (!sites)
        return ERR_LIMIT;
    for (size_t i = 0; i < api->n_versions; i++)
        sites[i] = (struct reference_sites){list, 1};
    struct reference_chain chain = {
        .api = api, .from = from, .to = to, .sites = sites};
    return reference_body(a, &chain, &facts, body, out, report);
}

struct chain_result
chain_compare(struct arena *a, const struct lens_api *api,
              const struct plan *plan, size_t from, size_t to, bool is_request,
              span body)
{
    static const struct lens_place whole = {0};
    const struct plan_entry *entry = plan_find(plan, &whole, 0, is_request);
    struct chain_result result = {.planned = entry != NULL,
                                  .again = entry && entry->goes_again};
    struct reference_report report = {0};
    struct buf out;
    struct buf should;
    if (!entry)
        return result;
    buf_init(&out, CHAIN_ROOM);
    buf_init(&should, CHAIN_ROOM);
    struct plan_run *run =
        plan_run_new(a, entry,
                     &(struct plan_how){.depth_max = JSON_DEPTH_DEFAULT,
                                        .is_answer = !is_request},
                     &out);
    enum plan_step step = run ? plan_run_feed(run, body, true) : PLAN_ASIDE;
    result.done = step == PLAN_DONE;
    enum err_code code =
        chain_reference(a, api, from, to, is_request, body, &should, &report);
    result.fails = code != OK;
    if (result.done && code != OK)
        result.difference =
            arena_fmt(a, "done, and should fail: %s", report.fault.err.text);
    else if (result.done)
        result.difference = chain_documents_differ(
            a, buf_span(&out), buf_span(&should), entry->waits);
    if (result.done && !result.difference.len)
        result.difference = chain_notices_differ(a, run, &report);
    if (!result.difference.len)
        result.difference =
            compare_cuts(a, entry, is_request, body, step, buf_span(&out));
    buf_fini(&out);
    buf_fini(&should);
    return result;
}
