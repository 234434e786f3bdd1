/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/fallback.h"

#include "proxy/server/worker.h"

#include <assert.h>

bool
fallback_begin(struct exchange *x)
{
    struct fallback *f = &x->fallback;

    if (!head_copy(x->request, x->arena, &f->head))
        return false;
    buf_init(&f->body, (size_t)x->decision.route->held_request);
    f->is_kept = true;
    fallback_note(x, buf_span(&x->seen));
    return true;
}

void
fallback_note(struct exchange *x, span bytes)
{
    struct fallback *f = &x->fallback;

    if (!f->is_kept)
        return;
    buf_add(&f->body, bytes);
    if (buf_failed(&f->body))
        fallback_end(x);
}

void
fallback_end(struct exchange *x)
{
    x->fallback.is_kept = false;
    buf_fini(&x->fallback.body);
}

bool
fallback_may(const struct exchange *x, enum pool_failure f)
{
    return x->fallback.is_kept &&
           (f == POOL_REFUSED || f == POOL_TIMEOUT || f == POOL_NONE);
}

void
fallback_turn(struct exchange *x)
{
    struct fallback *f = &x->fallback;
    struct decide_case c = exchange_case(x);

    assert(f->is_kept);
    f->is_kept = false;
    *x->request = f->head;
    /* Whoever waited for leave to send his body has had it. */
    x->request->expects_continue = false;
    decide_fall_back(&c, &x->decision);
    buf_fini(&x->up_way.out);
    buf_fini(&x->up_way.plain);
    x->up_way = (struct translate){0};
    x->tried = 0;
    buf_clear(&x->to_pool);
    buf_fini(&x->seen);
    x->seen = f->body;
    buf_init(&f->body, 0);
    /* The body waited for the canary; it is kept, so it may go on. */
    if (x->untaken)
        x->down->took(x, x->untaken);
    x->untaken = 0;
    if (x->holds_down)
        x->down->read(x, true);
    x->holds_down = false;
}
