/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables: an API of three versions with every arrow that this build has, for the
 * targets that translate.
 */
#pragma once

#include "proxy/base/problem.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD(from, to)                                                         \
    "change: c" from "\nfrom: " from "\nto: " to                               \
    "\nmanifest: {title: t, owner: o, guarantee: none}\n"

static const char api_text[] = "api: fuzz\n"
                               "versions: {v1: {}, v2: {}, v3: {}}\n"
                               "detect: [{header: Api-Version}]\n"
                               "missing: v1\n"
                               "unknown: refuse\n"
                               "types:\n"
                               "  T: {at: \"* /t\", marker: v, keep: [meta]}\n"
                               "  L: {at: [\"lines/* of T\", child of L]}\n"
                               "  M: {at: \"spec/metrics/*/resource of T\"}\n"
                               "  P: {at: \"ps/* of T\"}\n"
                               "  Q: {at: \"qs/* of T\"}\n";

static const char first_text[] =
    HEAD("v1",
         "v2") "T:\n"
               "  map:\n"
               "    a: b\n"
               "    b: a\n"
               "    name: {to: ship/name, absent: {older: none}, omit: "
               "{older: none}}\n"
               "    phone: {to: ship/phone, null: {older: \"\"}}\n"
               "    created: {to: created_at, as: unix_s <> rfc3339}\n"
               "    cents: {to: total, as: minor(2) <> decimal(2)}\n"
               "    for: {to: takes, as: seconds <> iso, outside: pass}\n"
               "    raw: {as: base64 <> hex, outside: absent}\n"
               "    id: {as: text <> prefix(\"x_\"), outside: null}\n"
               "    note: {to: notes, as: one <> list, rest: lose}\n"
               "    sku: {to: sku/code, rest: lose}\n"
               "    coupon: {to: \"discounts/[coupon]/coupon\", rest: lose}\n"
               "    tags/*: {enum: {js: web, ts: web}, newer: {secret: hide}, "
               "double: "
               "drop}\n"
               "    source:\n"
               "      cases:\n"
               "        - {older: string, newer: {type: token, id: .}}\n"
               "        - {older: object, newer: {type: card, card: .}}\n"
               "        - {newer: {type: wallet}, hide: drop}\n"
               "    port:\n"
               "      cases: [{older: string, to: p/name}, {older: number, "
               "to: p/number}]\n"
               "    code: {to: gift/code, when: {kind: gift}}\n"
               "    rate: {to: [rate, limits/core], differ: first}\n"
               "    ? [k1, k2]\n    : {to: k1, differ: refuse}\n"
               "    fn: {split: \"{given} {family:digits}\"}\n"
               "    ref: {as: '\"{x}:{y}\" <> \"{y}-{x}\"'}\n"
               "    ? [t1, t2]\n    : {to: [u1, u2], table: [[true, any, a, "
               "absent], [same, 1, x, same]]}\n"
               "    tax: {to: \"lines/*/tax\", as: one <> each, unequal: sum, "
               "none: lose}\n"
               "    own: {to: \"lines/*/own\", as: one <> each, unequal: "
               "keep, none: refuse}\n"
               "    feats: {to: caps, as: list(k) <> map, double: last}\n"
               "    flags: {as: map(v/w) <> list(k/n), rest: lose}\n"
               "    words: {as: list(.) <> map, value: {on: true}}\n"
               "    sorted: {order: by k/n}\n"
               "    first: {to: first_id, lookup: index <> key, in: lines, by: "
               "n}\n"
               "    main: {lookup: element <> key, in: all/items, by: n/m, "
               "rest: lose}\n"
               "    more/*: {to: \"ids/*\", lookup: element <> key, in: "
               "all/items, by: n/m, rest: lose}\n"
               "    last: {lookup: index <> element, in: olds, rest: refuse, "
               "hide: drop}\n"
               "    ? [\"c1/*\", \"c2/*\"]\n    : {to: \"cs/*\", back: "
               "[\"*[k=a]\", {g: present}]}\n"
               "    sort: {as: paths(T)}\n"
               "    fields: {as: paths(L), outside: absent}\n"
               "    blob: {as: bin <> base64url}\n"
               "    kept: {to: kept/k, rest: keep}\n"
               "  add:\n"
               "    text: {up: {text: \"{a}-{ship/name}\"}, write: lose}\n"
               "    count: {up: {count: lines}, write: lose}\n"
               "  drop:\n"
               "    twin: {down: {from: sole}, write: same}\n"
               "L:\n"
               "  map: {q: {to: qty, absent: {older: 1}}, sku: {to: sku/code, "
               "rest: lose}}\n"
               "Q:\n"
               "  map:\n"
               "    bag/*: {to: \"*\", except: [id], keys: any -> lower, deep: "
               "true}\n"
               "    old: new\n"
               "  add: {data/*: {write: lose}}\n"
               "P:\n"
               "  cases:\n"
               "    - {older: {kind: card}, newer: {type: card}, map: {last4: "
               "card/last4}}\n"
               "    - {newer: {type: wallet}, hide: drop}\n";

static const char second_text[] =
    HEAD("v2",
         "v3") "T:\n"
               "  map:\n"
               "    spec/cpu: \"spec/metrics/[type=R, resource/name=cpu, "
               "!resource/value]/resource/use\"\n"
               "    meta/notes/metrics: {to: spec/metrics, as: json_text <> "
               "json, outside: "
               "absent}\n"
               "    labels: {as: keys(snake) <> keys(camel)}\n"
               "  add:\n"
               "    status: {stash: meta/notes/status, as: [json_text <> json, "
               "keys(pascal) <> keys(camel)], up: null}\n"
               "  drop:\n"
               "    use: {down: {from: \"spec/metrics/[type=R]/resource/use\", "
               "else: 0}, "
               "write: ignore}\n"
               "M:\n"
               "  map: {name: id/name}\n";

/* Built once; it and the lens live in `a`, which lives as long as the process. */
static inline const struct translator *
tables_load(struct arena *a)
{
    const struct translator *t = NULL;
    const struct lens_api *api = NULL;
    struct problems problems;
    struct err e;
    const struct lens_text changes[] = {{SPAN("1"), span_str(first_text)},
                                        {SPAN("2"), span_str(second_text)}};
    problems_init(&problems, a);
    if (lens_load_text(a, (struct lens_text){SPAN("api"), span_str(api_text)},
                       changes, COUNT(changes), &problems, &api) ||
        translator_build(a, api, &t, &e)) {
        for (size_t i = 0; i < problems.n; i++)
            fprintf(stderr, "%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
        abort();
    }
    return t;
}
