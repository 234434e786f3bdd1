/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/exchange.h"

#include "proxy/server/conn.h"
#include "proxy/server/fallback.h"
#include "proxy/server/forward.h"
#include "proxy/server/held.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/problem.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#include <assert.h>

#define MAGIC 0x65786368u

struct exchange *
exchange_of(void *arg)
{
    struct exchange *x = arg;

    assert(x->magic == MAGIC);
    return x;
}

static void
on_timer(void *arg)
{
    struct exchange *x = exchange_of(arg);
    struct worker *w = x->worker;

    exchange_watch_time(x);
    worker_flush(w);
}

struct exchange *
exchange_new_mirrored(struct worker *w, const struct client *client,
                      const struct down *down)
{
    struct arena *a = worker_take_arena(w);
    struct exchange *x = a ? arena_alloc(a, sizeof(*x)) : NULL;

    if (!x) {
        if (a)
            worker_give_arena(w, a);
        return NULL;
    }
    x->magic = MAGIC;
    x->worker = w;
    x->arena = a;
    x->client = client;
    asker_init(&x->asker, client);
    x->down = down;
    x->began_us = loop_clock_us();
    /* What is searched, and all that may come with its last byte. */
    buf_init(&x->seen, w->gen->limits.detect_bytes + 2 * WORKER_SCRATCH);
    buf_init(&x->peek.plain, w->gen->limits.detect_bytes);
    buf_init(&x->fallback.body, 0);
    buf_init(&x->to_pool, SIZE_MAX / 4);
    buf_init(&x->to_client, SIZE_MAX / 4);
    timer_init(&x->timer, on_timer, x);
    w->n_exchanges++;
    return x;
}

struct exchange *
exchange_new(struct conn *c, const struct down *down)
{
    struct exchange *x = exchange_new_mirrored(c->worker, &c->client, down);

    if (x)
        x->conn = c;
    return x;
}

void
exchange_close(struct exchange *x)
{
    struct worker *w = x->worker;

    if (x->state == X_OVER)
        return;
    timer_clear(&x->timer);
    if (x->up)
        upstream_release(x->up, false);
    exchange_account(x);
    messages_leave(x);
    if (x->mirror)
        mirror_over(x);
    x->state = X_OVER;
    x->conn = NULL;
    w->n_exchanges--;
    w->n_retries -= x->was_retried;
    struct exchange **dead =
        x->is_forgotten ? &w->forgotten_exchanges : &w->dead_exchanges;
    x->next_dead = *dead;
    *dead = x;
}

void
exchanges_bury(struct worker *w, struct exchange **dead)
{
    while (*dead) {
        struct exchange *x = *dead;

        *dead = x->next_dead;
        held_end(x);
        buf_fini(&x->seen);
        buf_fini(&x->peek.plain);
        fallback_end(x);
        buf_fini(&x->to_pool);
        buf_fini(&x->to_client);
        messages_fini(x);
        buf_fini(&x->up_way.out);
        buf_fini(&x->down_way.out);
        buf_fini(&x->up_way.plain);
        buf_fini(&x->down_way.plain);
        x->magic = 0;
        worker_give_arena(w, x->arena);
    }
}

/* ── our own answers ─────────────────────────────────────────────────────── */

void
exchange_break(struct exchange *x)
{
    if (x->up)
        upstream_release(x->up, false);
    if (x->is_answered)
        return;
    x->is_answered = true;
    x->is_broken = true;
    if (!exchange_is_over(x))
        x->down->broken(x);
    if (!exchange_is_over(x) && x->to_client_breaks)
        exchange_watch_time(x);
}

bool
exchange_is_of_records(const struct exchange *x)
{
    return x->down_way.has_body && program_is_stream(x->down_way.program);
}

/* The end of an answer; both sides may let go of it then. */
void
exchange_answered(struct exchange *x, const struct fields *trailers)
{
    x->is_answered = true;
    if (x->up)
        upstream_release(x->up, x->is_received);
    /* What still comes goes nowhere, but has a deadline. */
    x->holds_down = false;
    if (!exchange_is_over(x))
        x->down->end(x, trailers);
    /* Not at once, if that is over: the answer may be about just this. */
    if (!exchange_is_over(x) && (!x->is_received || buf_len(&x->to_client)))
        exchange_set_timer(x);
}

void
exchange_answer_own(struct exchange *x, struct http_head *h, span body)
{
    bool is_head = x->request && x->request->method == METHOD_HEAD;

    if (is_head)
        h->body = HTTP_BODY_NONE;
    x->answer = h;
    x->has_head = true;
    x->state = X_ANSWER;
    x->down->head(x, h);
    if (!is_head && body.len) {
        x->answer_bytes += body.len;
        x->down->body(x, body);
    }
    exchange_answered(x, NULL);
}

void
exchange_answer_text(struct exchange *x, struct http_head *h, span text,
                     size_t body_bytes)
{
    x->answer = h;
    x->has_head = true;
    x->state = X_ANSWER;
    x->answer_bytes += body_bytes;
    x->down->body(x, text);
    exchange_answered(x, NULL);
}

static void
send_problem(struct exchange *x, const struct problem_doc *p)
{
    struct http_head *head = arena_alloc(x->arena, sizeof(*head));
    span body;

    if (!head || !problem_write(x, p, head, &body) ||
        !forward_version(x, head) ||
        head_set(head, SPAN("X-Request-ID"), x->id) != OK) {
        exchange_break(x);
        return;
    }
    /* Who was not understood once may not be understood again as he meant it. */
    head->keep_alive = !p->closes && p->status != 400;
    x->problem = p->detail.len ? arena_str(x->arena, p->detail) : "";
    exchange_answer_own(x, head, body);
}

void
exchange_refuse(struct exchange *x, const struct problem_doc *p)
{
    if (p->limit && p->limit[0])
        limit_reached(x->worker, span_str(p->limit));
    if (x->up)
        upstream_release(x->up, false);
    if (exchange_is_over(x))
        return;
    if (x->has_head) {
        exchange_break(x);
        return;
    }
    if (x->id.len == 0)
        forward_id(x);
    send_problem(x, p);
}

void
exchange_deny(struct exchange *x, unsigned status, const char *type,
              const char *detail)
{
    struct problem_doc p = problem_plain(status, detail);

    p.type = type;
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(type));
    exchange_refuse(x, &p);
}

void
exchange_bad_request(struct exchange *x, enum fault f)
{
    struct problem_doc p =
        problem_plain((unsigned)fault_status(f), fault_text(f));

    p.type = "malformed-request";
    p.limit = fault_limit(f);
    p.closes = true;
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1,
                  span_str(fault_name(f)));
    if (!x->is_answered)
        exchange_refuse(x, &p);
}

void
exchange_late(struct exchange *x, const char *what)
{
    struct problem_doc p = problem_plain(408, what);

    p.type = "request-timeout";
    p.closes = true;
    if (!x->is_answered)
        exchange_refuse(x, &p);
    else if (!exchange_is_over(x))
        x->down->broken(x);
}

void
exchange_drained(struct exchange *x)
{
    if (!x->holds_up || !x->up)
        return;
    x->holds_up = false;
    x->moved_ms = loop_now_ms(x->worker->loop);
    upstream_read(x->up, true);
}

void
exchange_gone(struct exchange *x)
{
    if (!x->is_answered)
        x->is_broken = true;
    exchange_close(x);
}

/* ── words ───────────────────────────────────────────────────────────────── */

static const struct {
    const char *word;
    unsigned status;
    const char *sentence;
} failures[] = {
#define X(id, word, status, sentence) {word, status, sentence},
    POOL_FAILURES(X)
#undef X
};

const char *
pool_failure_word(enum pool_failure f)
{
    return failures[f].word;
}

unsigned
pool_failure_status(enum pool_failure f)
{
    return failures[f].status;
}

const char *
pool_failure_sentence(enum pool_failure f)
{
    return failures[f].sentence;
}
