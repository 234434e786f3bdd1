/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version that a request's body says: what has come of it is searched once in a
 * batch of events, whatever number of pieces it came in.
 */
#include "proxy/server/exchange.h"

#include "proxy/server/problem.h"
#include "proxy/server/worker.h"

static void
refuse_coding(struct exchange *x)
{
    exchange_deny(x, 415, "coded-body",
                  "the body cannot be searched for a version: it is not gzip, "
                  "deflate, br or zstd");
}

static void
refuse_unsaid(struct exchange *x)
{
    struct problem_doc p = problem_plain(
        400, "no version was found in the first bytes of the body");

    p.type = "version-missing";
    p.limit = "detect_bytes";
    p.versions = detect_known(x->decision.api->detect);
    exchange_refuse(x, &p);
}

void
exchange_search_marker(struct exchange *x)
{
    size_t max = (size_t)x->worker->gen->limits.detect_bytes;
    span came = span_take(buf_span(&x->seen), max), seen = came;
    bool is_all = x->is_received && came.len == buf_len(&x->seen);

    if (head_find(x->request, FIELD_CONTENT_ENCODING)) {
        if (!translate_peek(x, came, max)) {
            refuse_coding(x);
            return;
        }
        seen = buf_span(&x->peek.plain);
        is_all = is_all && seen.len < max;
    }
    struct decide_case c = exchange_case(x);
    if (decide_marker(&c, x->arena, seen, is_all, &x->decision) == MARKED)
        exchange_version_told(x);
    else if (seen.len >= max || came.len >= max)
        refuse_unsaid(x);
}

void
exchange_search_later(struct exchange *x)
{
    struct worker *w = x->worker;

    if (buf_len(&x->seen) >= w->gen->limits.detect_bytes) {
        exchange_search_marker(x); /* it is decided now, and kept no more */
        return;
    }
    if (x->is_searched_later)
        return;
    x->is_searched_later = true;
    x->next_searched = w->searched_exchanges;
    w->searched_exchanges = x;
}

void
exchanges_search(struct worker *w)
{
    struct exchange *x;

    while ((x = w->searched_exchanges)) { /* ends: only new bytes ask for it */
        w->searched_exchanges = x->next_searched;
        x->is_searched_later = false;
        if (x->state == X_DETECT)
            exchange_search_marker(x);
        worker_flush(w);
    }
}
