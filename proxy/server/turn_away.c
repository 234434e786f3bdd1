/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/turn_away.h"

#include "proxy/http/date.h"
#include "proxy/http/h1_write.h"
#include "proxy/server/exchange.h"
#include "proxy/server/forward.h"
#include "proxy/server/limit.h"
#include "proxy/server/problem.h"
#include "proxy/server/worker.h"

#include <assert.h>
#include <string.h>

#define TEXT_MAX ((size_t)4096)

/* An answer in words, but for its date, its id (twice) and its length. */
struct turned_text {
    struct turned_text *next;
    const char *limit, *why;
    size_t n_untold;           /* how often it was said since it was counted */
    const struct gen_api *api; /* the head's Vary is its; NULL: of none */
    struct http_head answer;   /* what is accounted for: the status alone */
    span to_date, to_id, to_length, to_body, body;
    int64_t date_s;
    char date[DATE_LEN];
};

static struct problem_doc
document(const char *limit, const char *why)
{
    struct problem_doc p = problem_plain(503, why);

    p.type = "overloaded";
    p.limit = limit;
    p.retry_after_s = 1;
    p.is_frequent = true;
    return p;
}

/* Up to the end of `mark`, which is there: the text is ours. */
static span
take_to(span *text, span mark)
{
    const char *at = memmem(text->at, text->len, mark.at, mark.len);

    assert(at);
    span taken = span_take(*text, (size_t)(at - text->at) + mark.len);
    *text = span_skip(*text, taken.len);
    return taken;
}

static void
cut(struct turned_text *t, span head, span body, span id)
{
    t->to_date = take_to(&head, SPAN("\r\nDate: "));
    head = span_skip(head, DATE_LEN);
    t->to_id = take_to(&head, SPAN("\r\nX-Request-ID: "));
    head = span_skip(head, id.len);
    t->to_length = take_to(&head, SPAN("\r\nContent-Length: "));
    (void)take_to(&head, SPAN("\r\n"));
    t->to_body = SPAN("\r\n\r\n");
    assert(span_is(head, "\r\n")); /* the length was the last field */
    t->body = take_to(&body, SPAN("\"request_id\":\""));
}

/* As exchange_refuse would say it to this one. */
static bool
write_once(struct exchange *x, const struct problem_doc *p, struct buf *b,
           span *body)
{
    struct http_head *head = arena_alloc(x->arena, sizeof(*head));

    return head && problem_write(x, p, head, body) &&
           forward_version(x, head) &&
           head_set(head, SPAN("X-Request-ID"), x->id) == OK &&
           h1_write_answer(b, head, HTTP_1_1) == OK;
}

static struct turned_text *
make(struct exchange *x, const struct problem_doc *p, const char *why)
{
    struct arena *a = x->worker->arena;
    struct turned_text *t = arena_alloc(a, sizeof(*t));
    struct buf b;
    span head, body;

    buf_init(&b, TEXT_MAX);
    bool ok = t && write_once(x, p, &b, &body) &&
              span_dup(a, buf_span(&b), &head) && span_dup(a, body, &body);
    buf_fini(&b);
    if (!ok)
        return NULL;
    t->limit = p->limit;
    t->why = why;
    t->api = x->decision.api;
    t->answer.status = (int)p->status;
    cut(t, head, body, x->id);
    t->next = x->worker->turned_texts;
    x->worker->turned_texts = t;
    return t;
}

static struct turned_text *
text_for(struct exchange *x, const struct problem_doc *p, const char *why)
{
    struct turned_text *t = x->worker->turned_texts;

    while (t && !(t->why == why && t->api == x->decision.api))
        t = t->next;
    return t ? t : make(x, p, why);
}

static span
date_now(struct turned_text *t)
{
    int64_t now_s = (int64_t)(loop_wall_ms() / 1000);

    if (t->date_s != now_s)
        date_write(now_s, t->date);
    t->date_s = now_s;
    return span_of(t->date, DATE_LEN);
}

/* In one piece, behind what was written in this wake-up. */
static span
join(struct worker *w, const span *parts, size_t n)
{
    size_t mark, len = 0;
    struct buf *b = worker_keep_begin(w, &mark);

    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    char *at = buf_reserve(b, len);
    assert(at); /* at least 64 KiB fit: worker.h */
    for (size_t i = 0; i < n; at += parts[i++].len)
        memcpy(at, parts[i].at, parts[i].len);
    buf_commit(b, len);
    return worker_keep_end(w, mark);
}

static span
decimal(size_t n, char room[20])
{
    size_t at = 20;

    do
        room[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return span_of(room + at, 20 - at);
}

static void
say(struct exchange *x, struct turned_text *t)
{
    char room[20];
    const span end = SPAN("\"}\n");
    size_t body_len = t->body.len + x->id.len + end.len;
    const span parts[] = {
        t->to_date, date_now(t),  t->to_id,
        x->id,      t->to_length, decimal(body_len, room),
        t->to_body, t->body,      x->id,
        end,
    };

    x->problem = t->why;
    x->is_forgotten = true;
    exchange_answer_text(x, &t->answer, join(x->worker, parts, COUNT(parts)),
                         body_len);
}

void
turn_away(struct exchange *x, const char *limit, const char *why)
{
    struct problem_doc p = document(limit, why);
    struct turned_text *t = NULL;

    x->is_turned_away = true;
    if (x->id.len && x->down->begins_text && x->down->begins_text(x))
        t = text_for(x, &p, why);
    if (!t) {
        exchange_refuse(x, &p);
        return;
    }
    t->n_untold++;
    say(x, t);
}

void
turned_away_tell(struct worker *w)
{
    for (struct turned_text *t = w->turned_texts; t; t = t->next) {
        if (t->n_untold)
            limit_reached_times(w, span_str(t->limit), t->n_untold);
        t->n_untold = 0;
    }
}
