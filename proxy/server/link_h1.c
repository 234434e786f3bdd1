/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link that speaks HTTP/1.1: one exchange at a time, and idle between them.
 */
#include "proxy/http/h1_write.h"
#include "proxy/server/link.h"
#include "proxy/server/worker.h"

void
link_h1_begin(struct link *l)
{
    struct exchange *x = l->ups->x;

    h1_begin(&l->h1, x->arena);
    h1_expect(&l->h1, x->asked.method, x->wants_tunnel);
    exchange_connected(x);
}

static void
answer_ended(struct link *l, const struct fields *trailers, bool reusable)
{
    if (!reusable)
        l->keeps = false;
    exchange_answer_end(l->ups->x, trailers);
}

/* What came behind the answer is of the other protocol. */
static void
begin_tunnel(struct link *l, span in)
{
    l->keeps = false;
    if (l->state == LINK_H1 && in.len)
        exchange_answer_body(l->ups->x, in);
}

void
link_h1_feed(struct link *l, span in)
{
    struct h1_out out;
    const struct fields *trailers = NULL;

    if (l->is_tunnel) {
        exchange_answer_body(l->ups->x, in);
        return;
    }
    while (l->state == LINK_H1) {
        struct exchange *x = l->ups->x;

        switch (h1_next(&l->h1, &in, &out)) {
        case H1_MORE:
            return;
        case H1_INTERIM:
            exchange_interim(x, out.head);
            break;
        case H1_HEAD:
            l->keeps =
                out.head->keep_alive && out.head->body != HTTP_BODY_UNTIL_CLOSE;
            l->is_tunnel = out.head->status == 101;
            exchange_answer(x, out.head);
            if (l->is_tunnel) {
                begin_tunnel(l, in);
                return;
            }
            break;
        case H1_BODY:
            exchange_answer_body(x, out.body);
            break;
        case H1_TRAILERS:
            trailers = out.trailers;
            break;
        case H1_END:
            answer_ended(l, trailers, in.len == 0);
            return;
        case H1_ERROR:
            link_fault(l, out.fault);
            link_close(l, POOL_PROTOCOL);
            return;
        }
    }
}

/* The peer's end. A reset is one that loses what was under way, always. */
void
link_h1_ended(struct link *l, bool in_good_order)
{
    struct upstream *up = l->ups;
    struct h1_out out;

    bool has_spoken = l->heard_n != up->heard_n;
    bool is_end =
        in_good_order &&
        (l->is_tunnel || (has_spoken && h1_eof(&l->h1, &out) == H1_END));

    if (is_end)
        answer_ended(l, NULL, false);
    else
        link_close(l, has_spoken && up->x->answer ? POOL_SHORT : POOL_RESET);
}

/* ── sending ─────────────────────────────────────────────────────────────── */

enum err_code
link_h1_head(struct upstream *up, const struct http_head *h)
{
    struct link *l = up->link;
    size_t mark;
    struct buf *b = worker_keep_begin(l->worker, &mark);
    enum err_code code = h1_write_request(b, h);

    l->is_chunked = h->body == HTTP_BODY_CHUNKED;
    if (code != OK || buf_failed(b))
        return code != OK ? code : ERR_LIMIT;
    io_put(&l->io, worker_keep_end(l->worker, mark));
    return OK;
}

void
link_h1_body(struct upstream *up, span bytes)
{
    struct link *l = up->link;
    size_t mark;

    if (!l->is_chunked) {
        io_put(&l->io, bytes);
        return;
    }
    h1_write_chunk_open(worker_keep_begin(l->worker, &mark), bytes.len);
    io_put(&l->io, worker_keep_end(l->worker, mark));
    io_put(&l->io, bytes);
    h1_write_chunk_close(worker_keep_begin(l->worker, &mark));
    io_put(&l->io, worker_keep_end(l->worker, mark));
}

void
link_h1_end(struct upstream *up, const struct fields *trailers)
{
    struct link *l = up->link;
    size_t mark;

    if (l->is_tunnel)
        io_end(&l->io);
    if (!l->is_chunked)
        return;
    h1_write_last_chunk(worker_keep_begin(l->worker, &mark), trailers);
    io_put(&l->io, worker_keep_end(l->worker, mark));
}

/* ── between two exchanges ───────────────────────────────────────────────── */

void
link_h1_release(struct upstream *up, bool is_whole)
{
    struct link *l = up->link;
    struct endpoint *e = l->endpoint;
    struct worker *w = l->worker;

    link_leave(up);
    if (!is_whole || !l->keeps || l->io.is_broken || io_waiting(&l->io) ||
        link_is_stray(l) || w->gen->limits.upstream_kept == 0) {
        link_close(l, POOL_RESET);
        return;
    }
    l->state = LINK_IDLE;
    link_list(l, &e->idle);
    watch_read(&l->io.watch, true);
}
