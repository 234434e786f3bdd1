/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of cases for an api of our own: refused with a problem, or every case
 * in it is tried and holds.
 */
#include "translators/cases/cases.h"
#include "proxy/base/problem.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM ((size_t)32 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char api_text[] = "api: shop\n"
                               "versions: {v1: {}, v2: {}}\n"
                               "types:\n"
                               "  Order: {at: \"* /orders/{id}\"}\n"
                               "  Line: {at: \"lines/* of Order\"}\n";
static const char change_text[] =
    "change: c\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {a: b/c, status: {enum: {x: y}}, n: {to: m, as: one <> list, rest: "
    "lose}}\n"
    "http:\n"
    "  GET /orders/{id}: {map: {query/x: query/y, header/A: header/B}}\n";

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *a = arena_new(ROOM);
    struct lens_text api_file = {SPAN("api.yaml"), span_str(api_text)};
    struct lens_text change = {SPAN("changes/c.yaml"), span_str(change_text)};
    const struct lens_api *api = NULL;
    const struct translator *t = NULL;
    struct cases_tally tally = {0};
    struct problems p;
    struct err e;

    assert(a);
    problems_init(&p, a);
    if (lens_load_text(a, api_file, &change, 1, &p, &api) ||
        translator_build(a, api, &t, &e))
        abort();
    enum err_code code =
        cases_run_text(a, api, t, SPAN("cases/c.yaml"),
                       span_of((const char *)bytes, len), &p, &tally);
    assert(code == ERR_LIMIT || (code == OK) == problems_none(&p));
    arena_free(&a);
    return 0;
}
