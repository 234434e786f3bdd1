/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/held.h"

#include "proxy/server/exchange.h"
#include "proxy/server/messages.h"
#include "proxy/server/problem.h"
#include "proxy/server/worker.h"

static const char limit[] = "held_percent";

size_t
held_by(const struct translate *tr)
{
    return tr->t ? translation_held_bytes(tr->t) + tr->out.room + tr->plain.room
                 : 0;
}

static size_t
all_of(const struct exchange *x)
{
    size_t n = held_by(&x->up_way) + held_by(&x->down_way) + messages_hold(x) +
               x->fallback.body.room;

    /* A document that is read whole is a tree in the request's arena. */
    return x->up_way.t || x->down_way.t ? n + arena_used(x->arena) : n;
}

void
held_note(struct exchange *x)
{
    if (exchange_is_over(x))
        return;
    size_t now = all_of(x);
    x->worker->held = x->worker->held - x->held + now;
    x->held = now;
}

bool
held_fits(struct exchange *x, size_t own)
{
    struct worker *w = x->worker;
    size_t before = x->held;

    held_note(x);
    return x->held <= before || own <= w->gen->limits.stream_high ||
           w->held <= w->pressure.max / 100 * w->gen->limits.held_percent;
}

void
held_end(struct exchange *x)
{
    x->worker->held -= x->held;
    x->held = 0;
}

struct problem_doc
held_problem(bool is_answer)
{
    struct problem_doc p =
        problem_plain(is_answer ? 502 : 413,
                      "there is no room to translate so large a body just now");

    p.type = "too-large";
    p.limit = limit;
    p.is_ours = is_answer;
    p.retry_after_s = 1; /* RFC 9110 §15.5.14: it is temporary */
    return p;
}

bool
held_is_told(const struct problem_doc *p)
{
    return p->limit == limit;
}
