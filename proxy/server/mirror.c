/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/mirror.h"

#include "proxy/base/quantity.h"
#include "proxy/observe/mirrored.h"
#include "proxy/server/client.h"
#include "proxy/server/coding.h"
#include "proxy/server/endpoint.h"
#include "proxy/server/worker.h"
#include "translators/shadow/shadow.h"

#include <assert.h>
#include <sys/socket.h>

#define MARK SPAN("x-stile-shadow")

struct answer {
    unsigned status;
    enum coding coding;
    struct buf body;
    bool is_whole;      /* its end came, and all of it was kept */
    bool is_let_go;     /* it cannot become so: too long, a stream, unknown */
    struct exchange *x; /* whose it is, while that lives */
};

struct mirror {
    struct worker *worker;
    struct arena *arena;
    struct mirror *next; /* of worker.mirrors */
    bool is_due;         /* there is something to do when the batch is done */
    bool was_asked;
    const struct gen_route *route;
    const struct gen_shadow *shadow;
    struct http_head request; /* as the client sent it */
    struct client client;
    struct answer answers[MIRROR_N];
    size_t n_alive; /* exchanges */
};

static void
count(struct worker *w, const struct gen_route *route, span outcome)
{
    metrics_count(w->metrics, METRIC_SHADOW, 1, route->name, outcome);
}

static void
forget(struct mirror *m)
{
    struct worker *w = m->worker;
    struct mirror **at = &w->mirrors;

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    for (size_t i = 0; i < MIRROR_N; i++)
        buf_fini(&m->answers[i].body);
    w->n_mirrors--;
    worker_give_arena(w, m->arena);
}

static void
go_on_later(struct mirror *m)
{
    m->is_due = true;
    m->worker->has_due_mirror = true;
}

/* ── which requests ──────────────────────────────────────────────────────── */

static bool
has_method(const struct gen_shadow *shadow, span method)
{
    for (size_t i = 0; i < shadow->n_methods; i++)
        if (span_eq(shadow->methods[i], method))
            return true;
    return false;
}

/* Served by the baseline, without a body, and not mirrored by a proxy before. */
static bool
may_be_mirrored(const struct exchange *x, const struct gen_shadow *shadow)
{
    const struct decision *d = &x->decision;

    return !exchange_is_mirrored(x) && d->pool == d->route->pool &&
           x->is_received && !x->has_body && !x->is_stream &&
           !x->wants_tunnel && !x->worker->is_draining &&
           has_method(shadow, x->request->method_token) &&
           !head_get(x->request, MARK);
}

static bool
keep_request(struct mirror *m, const struct exchange *x)
{
    m->client = *x->client;
    return span_dup(m->arena, x->client->certificate, &m->client.certificate) &&
           head_copy(x->request, m->arena, &m->request) &&
           head_set(&m->request, SPAN("X-Request-ID"), x->id) == OK;
}

static struct mirror *
mirror_new(struct exchange *x, const struct gen_shadow *shadow)
{
    struct worker *w = x->worker;
    struct arena *a = worker_take_arena(w);
    struct mirror *m = a ? arena_alloc(a, sizeof(*m)) : NULL;

    if (!m) {
        if (a)
            worker_give_arena(w, a);
        return NULL;
    }
    *m = (struct mirror){.worker = w,
                         .arena = a,
                         .next = w->mirrors,
                         .route = x->decision.route,
                         .shadow = shadow};
    for (size_t i = 0; i < MIRROR_N; i++)
        buf_init(&m->answers[i].body, (size_t)shadow->body_max);
    w->mirrors = m;
    w->n_mirrors++;
    if (keep_request(m, x))
        return m;
    forget(m);
    return NULL;
}

static void
join(struct mirror *m, struct exchange *x, enum mirror_answer which)
{
    x->mirror = m;
    x->is_answer = which;
    m->answers[which].x = x;
    m->n_alive++;
}

void
mirror_consider(struct exchange *x)
{
    const struct gen_route *route = x->decision.route;
    const struct gen_canary *canary = x->decision.canary;
    const struct gen_shadow *shadow = canary ? canary->shadow : NULL;
    struct mirror *m;

    if (!shadow || !may_be_mirrored(x, shadow) ||
        worker_dice(x->worker) % SHARE_ALL >= shadow->share_ppm)
        return;
    if (x->worker->n_mirrors >= MIRRORS_MAX || x->worker->lateness.refuses ||
        !(m = mirror_new(x, shadow)))
        count(x->worker, route, SPAN("busy"));
    else
        join(m, x, MIRROR_CLIENT);
}

/* ── an answer as it comes ───────────────────────────────────────────────── */

static void
let_go(struct exchange *x)
{
    x->mirror->answers[x->is_answer].is_let_go = true;
    if (exchange_is_mirrored(x))
        go_on_later(x->mirror); /* it is ended then */
}

void
mirror_head(struct exchange *x, const struct http_head *h)
{
    struct answer *a = &x->mirror->answers[x->is_answer];

    a->status = (unsigned)h->status;
    if (exchange_says_stream(h) ||
        !coding_of(head_value(h, FIELD_CONTENT_ENCODING), &a->coding))
        let_go(x);
}

void
mirror_body(struct exchange *x, span bytes)
{
    struct answer *a = &x->mirror->answers[x->is_answer];

    if (a->is_let_go)
        return;
    buf_add(&a->body, bytes);
    if (buf_failed(&a->body))
        let_go(x);
}

/* A problem of ours that stands for the pool's answer is an answer, too: what a
 * client of the canary would have been told. The client's own must be a pool's. */
static bool
is_told(const struct exchange *x)
{
    return x->is_answered && !x->is_broken &&
           (exchange_is_mirrored(x) || !x->problem);
}

void
mirror_over(struct exchange *x)
{
    struct mirror *m = x->mirror;
    struct answer *a = &m->answers[x->is_answer];

    a->is_whole = is_told(x) && !a->is_let_go;
    a->x = NULL;
    m->n_alive--;
    x->mirror = NULL;
    if (m->n_alive == 0)
        go_on_later(m);
}

/* ── a mirrored request's other side ─────────────────────────────────────── */

static void
down_head(struct exchange *x, struct http_head *h)
{
    mirror_head(x, h);
}

static void
down_interim(struct exchange *x, struct http_head *h)
{
    (void)x;
    (void)h;
}

static void
down_nothing(struct exchange *x)
{
    (void)x;
}

static void
down_body(struct exchange *x, span bytes)
{
    mirror_body(x, bytes);
}

static void
down_end(struct exchange *x, const struct fields *trailers)
{
    (void)trailers;
    exchange_close(x);
}

static void
down_read(struct exchange *x, bool on)
{
    (void)x;
    (void)on;
}

static void
down_took(struct exchange *x, size_t n)
{
    (void)x;
    (void)n;
}

static bool
down_is_full(const struct exchange *x)
{
    (void)x;
    return false;
}

static size_t
down_room(const struct exchange *x)
{
    (void)x;
    return WORKER_SCRATCH;
}

static const struct down down_mirror = {
    .head = down_head,
    .interim = down_interim,
    .go_on = down_nothing,
    .body = down_body,
    .end = down_end,
    .broken = exchange_gone,
    .read = down_read,
    .took = down_took,
    .is_full = down_is_full,
    .room = down_room,
};

bool
mirror_may_ask(const struct exchange *x)
{
    return !exchange_is_mirrored(x) ||
           has_method(x->mirror->shadow, x->asked.method_token);
}

bool
mirror_mark(struct http_head *h)
{
    return head_set(h, MARK, SPAN("1")) == OK;
}

static void
ask(struct mirror *m, enum mirror_answer which, enum arm arm)
{
    struct exchange *x =
        exchange_new_mirrored(m->worker, &m->client, &down_mirror);
    struct http_head *head = x ? arena_alloc(x->arena, sizeof(*head)) : NULL;

    if (!x)
        return;
    join(m, x, which);
    if (!head || !head_copy(&m->request, x->arena, head)) {
        exchange_gone(x);
        return;
    }
    exchange_ask_again(x, head, arm);
    worker_flush(m->worker);
}

/* ── what differs ────────────────────────────────────────────────────────── */

/* The body without its coding; false: it is not what it says, or too long. */
static bool
plain_body(struct mirror *m, const struct answer *a, struct buf *out)
{
    span in = buf_span(&a->body), piece;

    if (a->coding == CODING_NONE) {
        buf_add(out, in);
        return !buf_failed(out);
    }
    struct decoder *d = decoder_new(m->arena, a->coding);
    if (!d)
        return false;
    do { /* ends: each turn takes of `in` or gives of the little it holds */
        if (decoder_take(d, &in, &piece) != OK)
            return false;
        buf_add(out, piece);
    } while ((in.len || piece.len) && !buf_failed(out));
    return !buf_failed(out) && (buf_len(&a->body) == 0 || decoder_is_whole(d));
}

static bool
find(struct mirror *m, const struct answer *one, const struct answer *other,
     struct shadow_found **found)
{
    struct buf left, right;
    struct err e;
    bool ok = false;

    buf_init(&left, (size_t)m->shadow->body_max);
    buf_init(&right, (size_t)m->shadow->body_max);
    if (one->is_whole && other->is_whole && plain_body(m, one, &left) &&
        plain_body(m, other, &right)) {
        const struct shadow_answer a = {one->status, buf_span(&left)};
        const struct shadow_answer b = {other->status, buf_span(&right)};

        ok = shadow_compare(m->arena, &m->shadow->rules, &a, &b, found, &e) ==
             OK;
    }
    buf_fini(&left);
    buf_fini(&right);
    return ok;
}

static void
tell(struct mirror *m, enum shadow_pair pair, bool is_compared,
     const struct shadow_found *found)
{
    struct worker *w = m->worker;
    const struct mirrored head = {pair, !is_compared, m->route->name};
    struct buf b;

    if (w->env->report_fd < 0)
        return;
    buf_init(&b, MIRRORED_DATAGRAM_MAX);
    mirrored_begin(&b, &head);
    for (; is_compared && found; found = found->next) {
        const struct mirrored_difference d = {found->kind, found->place,
                                              found->baseline, found->other};
        if (!mirrored_add(&b, &d)) {
            mirrored_others(&b, found->kind);
            break;
        }
    }
    span s = buf_span(&b);
    if (send(w->env->report_fd, s.at, s.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        metrics_count(w->metrics, METRIC_LOG_DROPPED, 1, SPAN("report"));
    buf_fini(&b);
}

static void
compare(struct mirror *m, enum shadow_pair pair, enum mirror_answer which)
{
    struct shadow_found *found = NULL;
    bool is_compared =
        find(m, &m->answers[MIRROR_CLIENT], &m->answers[which], &found);

    tell(m, pair, is_compared, found);
    if (pair == SHADOW_RAW)
        count(m->worker, m->route,
              !is_compared ? SPAN("skipped")
              : found      ? SPAN("different")
                           : SPAN("same"));
}

/* ── in turn ─────────────────────────────────────────────────────────────── */

/* End what cannot be compared any more. */
static void
give_up(struct mirror *m)
{
    for (size_t i = MIRROR_BASELINE; i < MIRROR_N; i++)
        if (m->answers[i].x && m->answers[i].is_let_go)
            exchange_gone(m->answers[i].x);
}

static void
finish(struct mirror *m)
{
    compare(m, SHADOW_NOISE, MIRROR_BASELINE);
    compare(m, SHADOW_RAW, MIRROR_CANARY);
    forget(m);
}

static void
begin(struct mirror *m)
{
    if (!m->answers[MIRROR_CLIENT].is_whole) {
        forget(m);
        return;
    }
    m->was_asked = true;
    ask(m, MIRROR_BASELINE, ARM_BASELINE);
    ask(m, MIRROR_CANARY, ARM_CANARY);
    if (m->n_alive == 0)
        go_on_later(m);
}

static void
go_on(struct mirror *m)
{
    m->is_due = false;
    give_up(m);
    if (m->n_alive)
        return;
    if (m->was_asked)
        finish(m);
    else
        begin(m);
}

void
mirrors_go_on(struct worker *w)
{
    w->has_due_mirror = false;
    for (struct mirror *m = w->mirrors, *next; m; m = next) {
        next = m->next; /* only m itself is let go of meanwhile */
        if (m->is_due)
            go_on(m);
    }
}

void
mirrors_end(struct worker *w)
{
    while (w->mirrors) {
        struct mirror *m = w->mirrors;
        struct exchange *client = m->answers[MIRROR_CLIENT].x;

        if (client)
            client->mirror = NULL;
        for (size_t i = MIRROR_BASELINE; i < MIRROR_N; i++)
            if (m->answers[i].x)
                exchange_gone(m->answers[i].x);
        forget(m);
    }
}
