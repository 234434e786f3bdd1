/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/report.h"

#include "translators/reference/chain.h"

const char *
notice_word(enum notice_kind kind)
{
    switch (kind) {
#define X(name, word, doc)                                                     \
    case name:                                                                 \
        return word;
        NOTICE_KINDS(X)
#undef X
    }
    return "";
}

/* "/query/sort": the query's fields, then the header's, then the status. */
static span
pointer_in_head(struct run *r, size_t at)
{
    const struct reference_head *h = r->head;
    if (at < h->n_query)
        return arena_fmt(r->arena, "/query/%.*s", SPAN_FMT(h->query[at].name));
    at -= h->n_query;
    if (at < h->n_header)
        return arena_fmt(r->arena, "/header/%.*s",
                         SPAN_FMT(h->header[at].name));
    if (at == h->n_header && h->status)
        return SPAN("/status");
    return h->status ? (span){0} : SPAN("/path");
}

/* The pointer of what stood at this offset of the source; empty if there is none. */
static span
pointer_at(struct run *r, size_t offset)
{
    span out = {0};
    struct buf b;
    if (r->head && offset > r->source.len)
        return pointer_in_head(r, offset - r->source.len - 1);
    if (!r->source.len)
        return out;
    buf_init(&b, arena_limit(r->arena));
    json_pointer_at(&b, r->source, offset);
    if (buf_failed(&b) || !span_dup(r->arena, buf_span(&b), &out))
        out = (span){0};
    buf_fini(&b);
    return out;
}

static span
file_of(const struct run *r, const struct lens_origin *origin)
{
    return origin && origin->change ? origin->change->file : r->api->file;
}

static bool
report_notices(struct run *r, struct reference_report *report)
{
    for (size_t i = 0; i < r->n_notices; i++) {
        const struct notice_entry *n = &r->notices[i];
        struct translation_notice *grown = RUN_KEEP(
            r, report->notices, report->n_notices, report->room_notices);
        if (!grown)
            return false;
        report->notices = grown;
        report->notices[report->n_notices++] = (struct translation_notice){
            .kind = n->kind,
            .origin = n->origin,
            .offset = n->at,
            .change = n->origin && n->origin->change ? n->origin->change->name
                                                     : (span){0},
            .file = file_of(r, n->origin),
            .line = n->origin ? n->origin->line : 0,
            .pointer = pointer_at(r, n->at),
            .n = n->n,
        };
    }
    return true;
}

static unsigned
status_of(const struct run *r)
{
    static const unsigned of_request[] = {[FAULT_READ] = 400,
                                          [FAULT_CARRY] = 422,
                                          [FAULT_LIMIT] = 413,
                                          [FAULT_MEMORY] = 500};
    return r->is_request ? of_request[r->kind] : 502;
}

enum err_code
chain_report(struct run *r, struct reference_report *report)
{
    run_end(r);
    if (!r->failed)
        (void)report_notices(r, report);
    if (r->failed) {
        report->fault = r->fault;
        report->fault.status = status_of(r);
        report->fault.pointer = pointer_at(r, r->fault_at);
        if (!report->fault.err.offset && r->fault_at <= r->source.len)
            report->fault.err.offset = r->fault_at;
    }
    return r->failed ? report->fault.err.code : OK;
}

/* ---- trace ----------------------------------------------------------------------- */

static bool
touches(struct run *r, struct translation_touch **out)
{
    *out = arena_array(r->arena, r->n_touches, sizeof(**out));
    if (!*out)
        return run_full(r);
    for (size_t i = 0; i < r->n_touches; i++) {
        const struct touch_entry *t = &r->touches[i];
        (*out)[i] = (struct translation_touch){
            .change = t->origin->change ? t->origin->change->name : (span){0},
            .file = file_of(r, t->origin),
            .line = t->origin->line,
            .place = t->place,
            .pointer = t->was_there ? pointer_at(r, t->at) : (span){0},
            .what = t->what,
            .n = t->n,
        };
    }
    return true;
}

bool
chain_trace(struct run *r, struct reference_report *report,
            const struct json *root, span from, span to)
{
    struct translation_step step = {.from = from, .to = to};
    struct translation_touch *list = NULL;
    struct buf b;
    if (!report->trace)
        return true;
    buf_init(&b, arena_limit(r->arena));
    json_print(root, &b);
    bool ok = !buf_failed(&b) && touches(r, &list);
    if (ok) {
        step.document = buf_span(&b);
        step.touches = list;
        step.n_touches = r->n_touches;
        report->trace(report->trace_arg, &step);
    }
    buf_fini(&b);
    return ok || run_full(r);
}
