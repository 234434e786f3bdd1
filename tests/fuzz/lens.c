/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An api.yaml and one change file, parted by a NUL (without one, the bytes are
 * a change file for an api of our own): refused with a problem, or loaded, and
 * then it can be reported.
 */
#include "proxy/base/problem.h"
#include "translators/lens/report.h"

#include <assert.h>

#define ROOM ((size_t)32 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char api_text[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}, v3: {}}\n"
    "types:\n"
    "  Order: {at: \"* /orders/{id}\", marker: schema, keep: [meta]}\n"
    "  Line: {at: [\"lines/* of Order\", bag/items/* of Order]}\n"
    "  Error: {at: error of status 4xx}\n";

static void
report(struct arena *a, const struct lens_api *api)
{
    struct buf b;

    buf_init(&b, ROOM);
    if (lens_report_all(a, api, NULL, NULL, &b) == OK)
        assert(buf_len(&b) > 0);
    buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    span rest = span_of((const char *)bytes, len);
    struct arena *a = arena_new(ROOM);
    struct lens_text api = {SPAN("api.yaml"), span_str(api_text)};
    const struct lens_api *out = NULL;
    struct problems p;

    assert(a);
    if (span_find(rest, 0) >= 0)
        api.text = span_cut(&rest, 0);
    struct lens_text change = {SPAN("changes/c.yaml"), rest};
    problems_init(&p, a);
    enum err_code code = lens_load_text(a, api, &change, 1, &p, &out);
    assert((code == OK) == (out != NULL));
    assert(code == OK || p.total > 0);
    if (out)
        report(a, out);
    arena_free(&a);
    return 0;
}
