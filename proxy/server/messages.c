/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/messages.h"

#include "certs/digest.h"
#include "proxy/http/ws.h"
#include "proxy/server/exchange.h"
#include "proxy/server/held.h"
#include "proxy/server/limit.h"
#include "proxy/server/problem.h"
#include "proxy/server/translate_parts.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#define CLOSING_MS ((uint64_t)2000) /* the pool may take to close its side */

struct way {
    bool is_up;          /* from the client to the pool */
    struct translate tr; /* program NULL: its bytes pass */
    struct ws ws;
    struct ws_walk walk;
    bool has_closed; /* a Close was sent this way */
};

struct messages {
    struct exchange *x;
    struct messages *next, *prev; /* of the worker's open tunnels */
    bool is_listed;
    struct way up, down;
    uint64_t closing_ms; /* since when; 0: it is not being closed */
};

/* Why a way cannot go on, as each side is told. */
struct ending {
    unsigned to_client, to_pool;
    span reason;
};

/* ── before it is open ───────────────────────────────────────────────────── */

static bool
refuse(struct problem_doc *p, const char *sentence)
{
    *p = problem_plain(501, sentence);
    p->type = "upgrade-refused";
    return false;
}

static bool
refuse_for_memory(struct problem_doc *p)
{
    *p = translate_no_memory();
    return false;
}

static bool
plan_way(struct exchange *x, struct way *way, struct problem_doc *p)
{
    const struct decision *d = &x->decision;
    size_t client = (size_t)d->client, pool = (size_t)d->pool->version;
    struct message m;
    struct err e = {0};

    translate_message(x, way->is_up ? MESSAGE_REQUEST : MESSAGE_ANSWER,
                      x->request, &m);
    m.status = way->is_up ? 0 : 200;
    m.media = m.to = (span){0}; /* a text message is JSON */
    m.is_messages = true;
    switch (translator_program(
        d->api->translator, x->arena, &m, way->is_up ? client : pool,
        way->is_up ? pool : client, &way->tr.program, &e)) {
    case PROGRAM_TRANSLATE:
        if (!program_has_body(way->tr.program))
            way->tr.program =
                NULL; /* the head's, which is translated as such */
        return true;
    case PROGRAM_PASS:
    case PROGRAM_GONE: /* the request itself is refused for it */
    case PROGRAM_UNKNOWN:
        way->tr.program = NULL;
        return true;
    case PROGRAM_UNMET:
    case PROGRAM_UNSUPPORTED:
        break;
    }
    if (e.code == ERR_LIMIT)
        return refuse_for_memory(p);
    return refuse(p, "the messages of this WebSocket cannot be told in the "
                     "client's version");
}

bool
messages_plan(struct exchange *x, struct problem_doc *p)
{
    struct messages *m = arena_alloc(x->arena, sizeof(*m));

    x->messages = m;
    if (!m)
        return refuse_for_memory(p);
    *m = (struct messages){.x = x, .up.is_up = true};
    if (!x->decision.translates)
        return true;
    if (x->up_way.is_joint)
        return refuse(p, "this WebSocket has no form in the pool's version");
    return plan_way(x, &m->up, p) && plan_way(x, &m->down, p);
}

bool
messages_are_read(const struct exchange *x)
{
    return x->messages->up.tr.program || x->messages->down.tr.program;
}

const struct translate *
messages_way(const struct exchange *x, bool is_up)
{
    if (!x->messages)
        return NULL;
    const struct way *way = is_up ? &x->messages->up : &x->messages->down;
    return way->tr.t ? &way->tr : NULL;
}

/* ── its life ────────────────────────────────────────────────────────────── */

static bool
begin_way(struct exchange *x, struct way *way)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    const struct gen_route *r = x->decision.route;
    size_t max = (size_t)(way->is_up ? r->held_request : r->held_answer);
    struct translation_limits limits = {.bytes_max = max,
                                        .depth_max = l->json_depth,
                                        .output_ratio = l->output_ratio,
                                        .counts_only = true};
    struct err e;

    buf_init(&way->tr.out, SIZE_MAX / 4);
    buf_init(&way->tr.plain, SIZE_MAX / 4);
    ws_init(&way->ws, way->is_up, max);
    return !way->tr.program ||
           translation_open(x->arena, way->tr.program, &limits, &way->tr.plain,
                            &way->tr.t, &e) == OK;
}

bool
messages_begin(struct exchange *x)
{
    struct messages *m = x->messages;
    struct worker *w = x->worker;

    m->next = w->tunnels;
    if (w->tunnels)
        w->tunnels->prev = m;
    w->tunnels = m;
    m->is_listed = true;
    return begin_way(x, &m->up) && begin_way(x, &m->down);
}

void
messages_leave(struct exchange *x)
{
    struct messages *m = x->messages;

    if (!m || !m->is_listed)
        return;
    if (m->prev)
        m->prev->next = m->next;
    else
        x->worker->tunnels = m->next;
    if (m->next)
        m->next->prev = m->prev;
    m->is_listed = false;
}

static void
fini_way(struct way *way)
{
    buf_fini(&way->tr.out);
    buf_fini(&way->tr.plain);
    ws_fini(&way->ws);
}

void
messages_fini(struct exchange *x)
{
    if (!x->messages)
        return;
    fini_way(&x->messages->up);
    fini_way(&x->messages->down);
}

static size_t
way_holds(const struct way *way)
{
    return way->tr.t ? held_by(&way->tr) + way->ws.message.room : 0;
}

size_t
messages_hold(const struct exchange *x)
{
    const struct messages *m = x->messages;

    return m ? way_holds(&m->up) + way_holds(&m->down) : 0;
}

/* ── sending ─────────────────────────────────────────────────────────────── */

/* RFC 6455 §5.3: a client's frames are masked with what nobody can foresee. */
static const uint8_t *
new_mask(const struct way *way, uint8_t mask[4])
{
    if (!way->is_up)
        return NULL;
    digest_random(mask, 4);
    return mask;
}

static void
put(struct way *way, enum ws_opcode opcode, span payload)
{
    uint8_t mask[4];

    ws_write(&way->tr.out, opcode, new_mask(way, mask), payload);
    way->has_closed |= opcode == WS_CLOSE;
}

/* What was written goes out; nobody may be told of a loss before the batch ends. */
static void
send_way(struct exchange *x, struct way *way)
{
    span out = buf_span(&way->tr.out);

    if (out.len == 0)
        return;
    if (!way->is_up) {
        exchange_send_answer(x, out);
        worker_send(x->worker);
    } else if (x->up) {
        upstream_body(x->up, out);
        upstream_flush(x->up);
    }
    buf_fini(&way->tr.out);
}

/* ── ending ──────────────────────────────────────────────────────────────── */

/* False: a Close would stand in the middle of a frame, or behind another. */
static bool
say_close(struct exchange *x, struct way *way, unsigned code, span reason)
{
    uint8_t mask[4];
    bool may = way->tr.program
                   ? !way->has_closed
                   : ws_walk_may_close(&way->walk) && !way->has_closed;

    if (may)
        ws_write_close(&way->tr.out, code, reason, new_mask(way, mask));
    way->has_closed = true;
    send_way(x, way);
    return may;
}

static void
end(struct exchange *x, const struct ending *why)
{
    struct messages *m = x->messages;
    bool was_told = m->down.has_closed;

    if (m->closing_ms || exchange_is_over(x) || x->is_answered)
        return;
    m->closing_ms = loop_now_ms(x->worker->loop);
    say_close(x, &m->up, why->to_pool, why->reason);
    if (x->up) {
        upstream_end(x->up, NULL);
        upstream_flush(x->up);
    }
    if (!say_close(x, &m->down, why->to_client, why->reason) && !was_told)
        exchange_break(x); /* its last frame is not whole: nor is the end */
    else
        exchange_watch_time(x);
}

void
messages_close(struct exchange *x, unsigned code, const char *reason)
{
    struct ending why = {code, code, span_str(reason)};

    end(x, &why);
}

uint64_t
messages_end_ms(const struct exchange *x)
{
    const struct messages *m = x->messages;

    return m && m->closing_ms ? m->closing_ms + CLOSING_MS : 0;
}

size_t
messages_close_all(struct worker *w, unsigned code, const char *reason)
{
    size_t n = 0;

    for (struct messages *m = w->tunnels, *next; m; m = next, n++) {
        next = m->next;
        messages_close(m->x, code, reason);
    }
    return n;
}

/* ── one way ─────────────────────────────────────────────────────────────── */

/* The sender is told what is wrong, the other side that it ends. */
static struct ending
ending_of(const struct way *way, unsigned code, span reason)
{
    return way->is_up ? (struct ending){code, WS_GOING_AWAY, reason}
                      : (struct ending){WS_UNEXPECTED, code, reason};
}

static struct ending
cannot_tell(struct exchange *x, struct way *way)
{
    struct problem_doc p;

    translate_fault(x, &way->tr, !way->is_up, &p);
    if (p.limit)
        limit_reached(x->worker, span_str(p.limit));
    return ending_of(way,
                     p.status == 503 ? WS_TRY_LATER
                     : p.limit       ? WS_TOO_BIG
                                     : WS_INVALID,
                     p.detail);
}

static struct ending
bad_frames(struct exchange *x, const struct way *way, const struct ws_out *o)
{
    if (o->code == WS_TOO_BIG)
        limit_reached(x->worker,
                      way->is_up ? SPAN("held_request") : SPAN("held_answer"));
    return ending_of(way, o->code, span_str(o->why));
}

/* A whole message. False: `why` it cannot be told. */
static bool
bring(struct exchange *x, struct way *way, const struct ws_out *o,
      struct ending *why)
{
    struct translate *tr = &way->tr;
    uint64_t began = loop_clock_us();

    if (o->opcode == WS_BINARY) {
        *why = ending_of(way, WS_UNSUPPORTED,
                         SPAN("a binary message cannot be told in another "
                              "version"));
        return false;
    }
    if (o->bytes.len == 0) {
        put(way, WS_TEXT, o->bytes);
        return true;
    }
    enum err_code code = translation_feed(tr->t, o->bytes);
    tr->us += loop_clock_us() - began;
    if (code != OK || buf_failed(&tr->plain)) {
        *why = cannot_tell(x, way);
        return false;
    }
    if (buf_len(&tr->plain)) /* else it is hidden */
        put(way, WS_TEXT, buf_span(&tr->plain));
    buf_fini(&tr->plain);
    return true;
}

/* Read, bring over, write. False: `why` it ends here. */
static bool
read_way(struct exchange *x, struct way *way, span bytes, struct ending *why)
{
    struct ws_out o;

    for (;;) { /* ends: each turn takes bytes */
        switch (ws_next(&way->ws, &bytes, &o)) {
        case WS_MORE:
            return true;
        case WS_MESSAGE:
            if (!bring(x, way, &o, why))
                return false;
            break;
        case WS_CONTROL:
            put(way, o.opcode, o.bytes);
            break;
        case WS_BAD:
            *why = bad_frames(x, way, &o);
            return false;
        }
    }
}

/* True: they were read and, as far as they are whole, sent on. */
static bool
was_read(struct exchange *x, struct way *way, span bytes)
{
    struct ending why;

    if (!way->tr.program) {
        ws_walk(&way->walk, bytes);
        return false;
    }
    bool goes_on = read_way(x, way, bytes, &why);
    if (goes_on && !held_fits(x, way_holds(way))) {
        struct problem_doc p = held_problem(!way->is_up);

        limit_reached(x->worker, span_str(p.limit));
        why = ending_of(way, WS_TRY_LATER, p.detail);
        goes_on = false;
    }
    if (buf_failed(&way->tr.out)) { /* a frame of it may be half there */
        exchange_break(x);
        return true;
    }
    send_way(x, way);
    if (!goes_on)
        end(x, &why);
    return true;
}

void
messages_up(struct exchange *x, span bytes)
{
    struct messages *m = x->messages;

    if (!m->closing_ms && !was_read(x, &m->up, bytes))
        upstream_body(x->up, bytes);
}

void
messages_down(struct exchange *x, span bytes)
{
    struct messages *m = x->messages;

    if (!m->closing_ms && !was_read(x, &m->down, bytes))
        exchange_send_answer(x, bytes);
}
