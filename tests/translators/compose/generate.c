/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/generate.h"

#include "tests/test.h"
#include "tests/translators/reference/bench.h"

/* NOLINTBEGIN(misc-no-recursion): documents nest a few levels deep */

static const char *const names[] = {"a", "b", "c", "d", "h", "g"};
static const char *const symbols[] = {"p", "q", "r", "1", "\"1\"", "null"};

static size_t
pick(uint64_t *seed, size_t n)
{
    return (size_t)(test_random(seed) % n);
}

static const char *
name(uint64_t *seed)
{
    return names[pick(seed, COUNT(names))];
}

static const char *
symbol(uint64_t *seed)
{
    return symbols[pick(seed, COUNT(symbols))];
}

static span
place(struct arena *a, uint64_t *seed)
{
    switch (pick(seed, 8)) {
    case 0:
    case 1:
        return arena_fmt(a, "%s/%s", name(seed), name(seed));
    case 2:
        return arena_fmt(a, "%s/%s/%s", name(seed), name(seed), name(seed));
    case 3:
        return arena_fmt(a, "u/%s", name(seed));
    default:
        return arena_fmt(a, "%s", name(seed));
    }
}

/* What an arrow says besides its places. */
static span
words(struct arena *a, uint64_t *seed)
{
    switch (pick(seed, 18)) {
    case 0:
        return SPAN(", enum: {p: q, q: r}");
    case 1:
        return SPAN(", enum: {p: q, r: q, 1: \"1\"}, older: {z: hide}");
    case 2:
        return SPAN(", enum: {p: x}, other: fail");
    case 3:
        return SPAN(", enum: {p: x}, other: y");
    case 4:
        return arena_fmt(a, ", absent: {older: %s}", symbol(seed));
    case 5:
        return arena_fmt(a, ", absent: {newer: %s}", symbol(seed));
    case 6:
        return arena_fmt(a, ", omit: {newer: %s}", symbol(seed));
    case 7:
        return arena_fmt(a, ", absent: {older: %s}, omit: {older: p}",
                         symbol(seed));
    case 8:
        return SPAN(", null: {newer: p}");
    case 9:
        return arena_fmt(a, ", when: {older: {%s: p}, newer: {%s: p}}",
                         name(seed), name(seed));
    case 10:
        return arena_fmt(a,
                         ", when: {older: {%s: object}, newer: {%s: present}}",
                         name(seed), name(seed));
    case 11:
        return SPAN(", as: int <> string, hide: drop");
    case 12:
        return SPAN(", as: minor(2) <> decimal(2), outside: pass");
    case 13:
        return pick(seed, 2) ? SPAN(", as: one <> list, rest: lose")
                             : SPAN(", as: one <> list, rest: keep");
    case 14:
        return SPAN(", collide: keep");
    case 15:
        return SPAN(", collide: drop");
    case 16:
        return SPAN(", as: json_text <> json, outside: \"null\"");
    default:
        return SPAN("");
    }
}

static void
add_map(struct arena *a, uint64_t *seed, struct buf *b)
{
    span p = place(a, seed), q = place(a, seed);
    span w = words(a, seed);
    if (pick(seed, 5) == 0) {
        p = arena_fmt(a, "l/*/%.*s", SPAN_FMT(p));
        q = arena_fmt(a, "l/*/%.*s", SPAN_FMT(q));
    }
    if (pick(seed, 9) == 0)
        p = q = SPAN("s/*");
    if (pick(seed, 9) == 0) {
        p = arena_fmt(a, "%s", name(seed));
        q = arena_fmt(a, "%.*s/%s", SPAN_FMT(p), name(seed));
        static const char *const rests[] = {"lose", "keep", "refuse"};
        w = arena_fmt(a, ", rest: %s", rests[pick(seed, COUNT(rests))]);
    }
    if (pick(seed, 7) == 0) {
        static const char *const steps[] = {"[0]", "[last]", "[only]",
                                            "[a]", "[a=p]",  "[a=p, !b]",
                                            "[1]", "[b]"};
        const char *list = pick(seed, 3) ? "m" : "u/m";
        const char *step = steps[pick(seed, COUNT(steps))];
        p = arena_fmt(a, "%s", name(seed));
        q = arena_fmt(a, "%s/%s/%s", list, step, name(seed));
        w = pick(seed, 2) ? SPAN(", rest: lose") : SPAN("");
        if (pick(seed, 4) == 0)
            p = arena_fmt(a, "%s/%s/%s", list, step, name(seed));
        if (pick(seed, 3) == 0) {
            span r = p;
            p = q;
            q = r;
        }
    }
    buf_fmt(b, "    \"%.*s\": {to: \"%.*s\"%.*s}\n", SPAN_FMT(p), SPAN_FMT(q),
            SPAN_FMT(w));
}

static const char *
shaped(uint64_t *seed)
{
    static const char *const cases[] = {
        "{older: string, newer: {t: a, id: .}}, {older: object, newer: {t: b, "
        "c: .}}",
        "{older: {t: p}, newer: {k: q}}, {older: number, newer: {k: n, v: .}}",
        "{older: [p, q], newer: {t: [p, q]}}, {older: {t: x, a: .}, newer: {a: "
        ".}, rest: lose}",
        "{older: p, newer: 1}, {older: q, newer: \"1\"}, {newer: {t: w}, hide: "
        "drop}",
        "{older: {t: p, a: .}, newer: {b: .}}, {older: list, newer: {l: .}}, "
        "{older: {t: z}, hide: fail}",
        "{older: string, newer: string, enum: {p: q}}, {older: {a: present}, "
        "newer: {a: present}}"};
    return cases[pick(seed, COUNT(cases))];
}

static void
add_cases(struct arena *a, uint64_t *seed, struct buf *b)
{
    static const char *const otherwise[] = {"", ", else: pass", ", else: hide"};
    const char *star = pick(seed, 5) ? "" : "l/*/";
    span p = place(a, seed), q = place(a, seed);
    buf_fmt(b, "    \"%s%.*s\": {", star, SPAN_FMT(p));
    if (pick(seed, 3))
        buf_fmt(b, "to: \"%s%.*s\", cases: [%s]", star, SPAN_FMT(q),
                shaped(seed));
    else
        buf_fmt(b,
                "cases: [{older: string, to: \"%s%.*s\"}, {older: number, to: "
                "\"%s%s\"}, {older: object, to: \"%s%.*s\"}]%s",
                star, SPAN_FMT(q), star, name(seed), star, SPAN_FMT(q),
                pick(seed, 3) ? "" : ", overlap: first");
    buf_fmt(b, "%s%s}\n", otherwise[pick(seed, COUNT(otherwise))],
            pick(seed, 4) ? "" : ", absent: {older: p}");
}

/* An arrow over several places. */
static void
add_joint(struct arena *a, uint64_t *seed, struct buf *b)
{
    static const char *const tables[] = {
        "[p, any, 1, x], [[q, 1], p, r, absent], [same, same, same, same]",
        "[p, p, p, q], [p, absent, q, any], [absent, absent, z, z]",
        "[1, same, \"1\", same], {row: [any, any, x, x], only: up}, [q, q, "
        "any, "
        "p]"};
    static const char *const unequal[] = {"fail", "null", "first",
                                          "min",  "max",  "sum"};
    static const char *const between[] = {"}-{", ":digits}{", "}p{"};
    span p = place(a, seed), q = place(a, seed), r = place(a, seed);
    const char *star = pick(seed, 4) ? "" : "l/*/";
    const char *differ = pick(seed, 2) ? "first" : "refuse";
    switch (pick(seed, 4)) {
    case 0:
        buf_fmt(
            b, "    \"%s%.*s\": {to: [\"%s%.*s\", \"%s%.*s\"], differ: %s%s}\n",
            star, SPAN_FMT(p), star, SPAN_FMT(q), star, SPAN_FMT(r), differ,
            pick(seed, 3) ? "" : ", absent: {older: p}");
        return;
    case 1:
        if (pick(seed, 2))
            buf_fmt(b,
                    "    ? [\"%s%.*s\", \"%s%.*s\"]\n    : {to: \"%s%.*s\", "
                    "differ: %s, enum: {p: q, r: q}}\n",
                    star, SPAN_FMT(p), star, SPAN_FMT(q), star, SPAN_FMT(r),
                    differ);
        else
            buf_fmt(b,
                    "    \"%.*s\": {to: \"l/*/%.*s\", as: one <> each, "
                    "unequal: %s, none: %s}\n",
                    SPAN_FMT(p), SPAN_FMT(q),
                    unequal[pick(seed, COUNT(unequal))],
                    pick(seed, 2) ? "lose" : "refuse");
        return;
    case 2:
        buf_fmt(b,
                "    ? [\"%s%.*s\", \"%s%.*s\"]\n    : {to: [\"%s%.*s\", "
                "\"%s%s\"], "
                "table: [%s]}\n",
                star, SPAN_FMT(p), star, SPAN_FMT(q), star, SPAN_FMT(r), star,
                name(seed), tables[pick(seed, COUNT(tables))]);
        return;
    default:
        buf_fmt(b, "    %s: {split: \"{%.*s%s%.*s}", name(seed), SPAN_FMT(p),
                between[pick(seed, COUNT(between))], SPAN_FMT(q));
        buf_fmt(b, "\"%s}\n", pick(seed, 2) ? "" : ", outside: absent");
        return;
    }
}

static const char *
value(struct arena *a, uint64_t *seed)
{
    switch (pick(seed, 9)) {
    case 0:
        return "{value: {a: p, b: {c: 1}}}";
    case 6:
        return pick(seed, 2) ? "{from: \"m/[0]/a\", else: p}"
                             : "{from: \"m/[a=p]/b\"}";
    case 4:
        return arena_str(
            a, arena_fmt(a, "{from: %s, enum: {p: q, r: p}, other: %s}",
                         name(seed), symbol(seed)));
    case 5:
        return arena_str(a, arena_fmt(a, "{which: {p: %.*s, q: %s}}",
                                      SPAN_FMT(place(a, seed)), name(seed)));
    case 1:
        return arena_str(a, arena_fmt(a, "{from: %s, else: p}", name(seed)));
    case 2:
        return arena_str(
            a, arena_fmt(a, "{text: \"{%s}-{%s}\"}", name(seed), name(seed)));
    case 3:
        return "absent";
    default:
        return symbol(seed);
    }
}

static void
add_block(struct arena *a, uint64_t *seed, struct buf *b, const char *type)
{
    buf_fmt(b, "%s:\n  map:\n    keep: keep\n", type);
    for (size_t n = pick(seed, 4); n-- > 0;)
        (pick(seed, 5)   ? add_map
         : pick(seed, 2) ? add_cases
                         : add_joint)(a, seed, b);
    if (pick(seed, 5) == 0) {
        static const char *const cases[] = {
            "{older: {t: p}, newer: {t: q}, map: {a: x/a}}, {both: {t: z}, "
            "map: "
            "{b: a}}",
            "{older: {t: a}, newer: {k: a}, map: {\"c/d\": d, a: b}}, {older: "
            "{t: z}, hide: drop}",
            "{both: {a: {is: p}}, drop: {b: {down: 1, write: ignore}}}, "
            "{newer: "
            "{k: n}, hide: fail}",
            "{older: {t: p, a: present}, newer: {k: p}, cases: [{older: {b: "
            "q}, "
            "newer: {c: q}}]}, {older: {t: w}, hide: {value: {g: 1}}}"};
        buf_fmt(b, "  cases: [%s]\n", cases[pick(seed, COUNT(cases))]);
    }
    if (pick(seed, 3) == 0)
        buf_fmt(b, "  add: {\"%.*s\": {up: %s, write: lose%s}}\n",
                SPAN_FMT(place(a, seed)), value(a, seed),
                pick(seed, 3) ? "" : ", host: make");
    if (pick(seed, 3) == 0)
        buf_fmt(b, "  drop: {\"%.*s\": {down: %s, write: %s}}\n",
                SPAN_FMT(place(a, seed)), value(a, seed),
                pick(seed, 3)   ? "ignore"
                : pick(seed, 2) ? "refuse"
                                : "same");
}

static span
change(struct arena *a, uint64_t *seed)
{
    struct buf b;
    span out = {0};
    buf_init(&b, BENCH_ROOM);
    add_block(a, seed, &b, "T");
    if (pick(seed, 2))
        add_block(a, seed, &b, "U");
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

const struct lens_api *
generate_api(struct arena *a, uint64_t *seed, span *text)
{
    span types = SPAN("T: {at: [\"* /t\", kid of T, \"kids/* of T\"]}\n"
                      "U: {at: [u of T, \"l/* of T\", g of U]}\n");
    span changes[6];
    const struct lens_api *api = NULL;
    size_t wanted = 2 + pick(seed, 5);
    size_t n = 0;
    for (size_t tries = 0; n < wanted && tries < 60; tries++) {
        changes[n] = change(a, seed);
        const struct lens_api *more = bench_api(a, types, changes, n + 1, NULL);
        if (!more)
            continue;
        api = more;
        n++;
    }
    *text = (span){0};
    for (size_t i = 0; i < n; i++)
        *text = arena_fmt(a, "%.*s--- v%zu to v%zu\n%.*s", SPAN_FMT(*text),
                          i + 1, i + 2, SPAN_FMT(changes[i]));
    return api;
}

/* ---- documents -------------------------------------------------------------------- */

static void object(uint64_t *seed, struct buf *b, unsigned depth);

static void
list(uint64_t *seed, struct buf *b, unsigned depth)
{
    buf_byte(b, '[');
    for (size_t n = pick(seed, 4), i = 0; i < n; i++) {
        buf_str(b, i ? "," : "");
        if (pick(seed, 5))
            object(seed, b, depth + 1);
        else
            buf_str(b, pick(seed, 2) ? "\"p\"" : "[]");
    }
    buf_byte(b, ']');
}

static void
any(uint64_t *seed, struct buf *b, unsigned depth)
{
    static const char *const scalars[] = {"\"p\"",
                                          "\"q\"",
                                          "\"r\"",
                                          "\"x\"",
                                          "\"z\"",
                                          "1",
                                          "\"1\"",
                                          "1.0",
                                          "null",
                                          "true",
                                          "\"12.5\"",
                                          "\"p-q\"",
                                          "\"12x\"",
                                          "\"xapq\"",
                                          "{}",
                                          "[\"p\"]",
                                          "[1,2]",
                                          "\"{\\\"a\\\":1}\"",
                                          "7",
                                          "[null]",
                                          "[]",
                                          "{\"t\":\"p\"}",
                                          "{\"t\":\"a\",\"id\":\"p\"}",
                                          "{\"t\":\"p\",\"a\":1}",
                                          "{\"k\":\"n\",\"v\":7}",
                                          "{\"b\":1}",
                                          "{\"c\":{},\"t\":\"b\"}"};
    if (depth < 3 && pick(seed, 3) == 0)
        object(seed, b, depth + 1);
    else
        buf_str(b, scalars[pick(seed, COUNT(scalars))]);
}

static void
object(uint64_t *seed, struct buf *b, unsigned depth)
{
    static const char *const more[] = {"u",    "l",  "s", "kid",
                                       "kids", "zz", "m", "\\u0061"};
    bool used[COUNT(names) + COUNT(more)] = {false};
    bool any_yet = false;
    buf_byte(b, '{');
    for (size_t n = pick(seed, 5); n-- > 0;) {
        size_t k = pick(seed, COUNT(used));
        if (used[k] && pick(seed, 40))
            continue;
        used[k] = true;
        const char *key = k < COUNT(names) ? names[k] : more[k - COUNT(names)];
        buf_fmt(b, "%s\"%s\":", any_yet ? "," : "", key);
        any_yet = true;
        bool listed = *key == 'l' || *key == 's' || *key == 'm' ||
                      strcmp(key, "kids") == 0;
        bool nested = *key == 'u' || *key == 'k' || *key == 'h' || *key == 'g';
        if (listed && pick(seed, 8) && depth < 3)
            list(seed, b, depth);
        else if (nested && pick(seed, 6) && depth < 4)
            object(seed, b, depth + 1);
        else
            any(seed, b, depth);
    }
    buf_byte(b, '}');
}

span
generate_document(struct arena *a, uint64_t *seed)
{
    struct buf b;
    span out = {0};
    buf_init(&b, BENCH_ROOM);
    object(seed, &b, 0);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}
/* NOLINTEND(misc-no-recursion) */
