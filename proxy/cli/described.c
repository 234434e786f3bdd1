/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/described.h"

#include "proxy/base/buf.h"
#include "proxy/http/h1.h"

#define RAW_MAX ((size_t)64 << 20)

enum err_code
described_read(struct arena *a, span raw, struct described *out, struct err *e)
{
    struct h1 p;
    struct h1_out event = {0};
    struct buf body;
    bool ends = false;
    enum err_code code = OK;

    *out = (struct described){0};
    buf_init(&body, RAW_MAX);
    h1_init(&p, H1_REQUESTS, &h1_limits_request);
    h1_begin(&p, a);
    while (!ends && !code) {
        switch (h1_next(&p, &raw, &event)) {
        case H1_HEAD:
            out->head = event.head;
            break;
        case H1_BODY:
            buf_add(&body, event.body);
            break;
        case H1_END:
            ends = true;
            break;
        case H1_MORE:
            code = err_set(e, ERR_INVALID, "the request is not whole");
            break;
        case H1_ERROR:
            code = err_set(e, ERR_INVALID, "%s", fault_text(event.fault));
            break;
        case H1_INTERIM:
        case H1_TRAILERS:
            break;
        }
    }
    if (!code &&
        (buf_failed(&body) || !span_dup(a, buf_span(&body), &out->body)))
        code = err_set(e, ERR_LIMIT, "the body is too large");
    h1_fini(&p);
    buf_fini(&body);
    return code;
}

static bool
has_field(const struct option_list *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++) {
        span rest = span_str(fields->at[i]);

        if (span_eq_nocase(span_cut(&rest, ':'), span_str(name)))
            return true;
    }
    return false;
}

enum err_code
described_make(struct arena *a, const char *method, const char *target,
               const struct option_list *fields, span body,
               struct described *out, struct err *e)
{
    struct buf raw;
    enum err_code code;
    span kept;

    buf_init(&raw, RAW_MAX);
    buf_fmt(&raw, "%s %s HTTP/1.1\r\n", method, target);
    for (size_t i = 0; i < fields->n; i++)
        buf_fmt(&raw, "%s\r\n", fields->at[i]);
    if (!has_field(fields, "host"))
        buf_str(&raw, "Host: localhost\r\n");
    if (body.len && !has_field(fields, "content-type"))
        buf_str(&raw, "Content-Type: application/json\r\n");
    if (body.len)
        buf_fmt(&raw, "Content-Length: %zu\r\n", body.len);
    buf_str(&raw, "\r\n");
    buf_add(&raw, body);
    if (buf_failed(&raw) || !span_dup(a, buf_span(&raw), &kept))
        code = err_set(e, ERR_LIMIT, "the request is too large");
    else
        code = described_read(a, kept, out, e);
    buf_fini(&raw);
    return code;
}
