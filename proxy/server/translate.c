/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/translate.h"

#include "proxy/observe/log.h"
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/form.h"
#include "proxy/server/held.h"
#include "proxy/server/problem.h"
#include "proxy/server/worker.h"
#include "translators/memo.h"

#define SLACK       ((uint64_t)65536) /* a short body may inflate to this */
#define NOTICES_MAX 16 /* told on an answer; the log counts them all */
#define CHANGE_MAX  64 /* bytes of a change's name there */
#define NOTICE_BYTES                                                           \
    (CHANGE_MAX + 64) /* of one: its word, its change, its count */

void
translate_message(const struct exchange *x, enum message_side side,
                  const struct http_head *h, struct message *out)
{
    const struct http_head *r = x->request;

    *out = (struct message){
        .side = side,
        .method = r->method_token,
        .path = x->path,
        .status = side == MESSAGE_ANSWER ? (unsigned)h->status : 0,
        .media = head_value(h, FIELD_CONTENT_TYPE),
        .to = side == MESSAGE_ANSWER ? x->form.wanted : form_of_pool(x),
        .platform = x->decision.platform,
        .whole = x->decision.route->whole,
        .strict = x->decision.route->strict_patches,
        .write = x->decision.write,
    };
}

/* Several lines are one list, and that is no coding of ours. */
static bool
read_coding(const struct http_head *h, enum coding *out)
{
    const struct field *f = head_find(h, FIELD_CONTENT_ENCODING);

    *out = CODING_NONE;
    return !f || (coding_of(f->value, out) && !fields_next(&h->fields, f));
}

static bool
has_body(const struct exchange *x, const struct http_head *h)
{
    if (h->body == HTTP_BODY_NONE)
        return false;
    if (h != x->answer)
        return true;
    return !http_status_is_bodyless(h->status) &&
           x->request->method != METHOD_HEAD;
}

/* ── heads ───────────────────────────────────────────────────────────────── */

static bool
take_head(struct exchange *x, struct http_head *h,
          const struct message_head *new_head)
{
    struct fields fields;

    fields_init(&fields, x->arena);
    for (size_t i = 0; i < new_head->n_fields; i++)
        if (fields_add(&fields, new_head->fields[i].name,
                       new_head->fields[i].value) != OK)
            return false;
    h->fields = fields;
    if (h->status) {
        h->status = (int)new_head->status;
        return true;
    }
    h->query = new_head->query;
    h->has_query = new_head->has_query;
    h->path = new_head->path;
    h->method_token = new_head->method;
    h->method = method_of(new_head->method);
    return true;
}

static enum err_code
translate_head(struct exchange *x, struct translate *tr, struct http_head *h)
{
    struct message_head in = {.method = h->method_token,
                              .path = h->path,
                              .query = h->query,
                              .has_query = h->has_query,
                              .status = (unsigned)h->status,
                              .n_fields = h->fields.n};
    struct message_head out;
    struct head_field *fields =
        arena_array(x->arena, h->fields.n + 1, sizeof(*fields));

    if (!fields)
        return ERR_LIMIT;
    for (size_t i = 0; i < h->fields.n; i++)
        fields[i] =
            (struct head_field){h->fields.at[i].spelled, h->fields.at[i].value};
    in.fields = fields;
    enum err_code code = translation_head(tr->t, &in, &out);
    if (code != OK || tr->is_joint)
        return code;
    return take_head(x, h, &out) ? OK : ERR_LIMIT;
}

/* A body in another form says so; an answer to HEAD, too, of the one it stands for. */
static enum err_code
set_media(const struct translate *tr, struct http_head *h)
{
    span media = program_new_media(tr->program);

    bool is_empty = !tr->has_body || (h->has_length && !h->length);

    if (!media.len || (is_empty && !head_find(h, FIELD_CONTENT_TYPE)))
        return OK;
    return head_set(h, SPAN("Content-Type"), media);
}

/* One message between these two versions: that it is translated, or cannot be. */
static void
count_pair(struct exchange *x, enum metric metric, const char *kind)
{
    const struct decision *d = &x->decision;

    metrics_count_fixed(x->worker->metrics, metric, 1, d->api->name,
                        detect_label(d->api->detect, d->client),
                        detect_label(d->api->detect, d->pool->version),
                        span_str(kind));
}

/* ── failures ────────────────────────────────────────────────────────────── */

static void
count_failure(struct exchange *x, const struct translation_fault *f,
              bool is_answer)
{
    metrics_count(x->worker->metrics, METRIC_TRANSLATE_FAILURES, 1, f->change,
                  is_answer ? SPAN("answer") : SPAN("request"));
    count_pair(x, METRIC_UNTRANSLATED, is_answer ? "answer" : "request");
    if (is_answer)
        log_warn_limited(loop_now_ms(x->worker->loop), "answer_untranslatable",
                         x->decision.route->name,
                         "route=%.*s pool=%.*s change=%.*s line=%u id=%.*s",
                         SPAN_FMT(x->decision.route->name),
                         SPAN_FMT(x->decision.pool->name), SPAN_FMT(f->change),
                         f->line, SPAN_FMT(x->id));
}

/* An answer's fault is the pool's: nothing of its document is told. */
static struct problem_doc
problem_of_answer(const struct translation_fault *f)
{
    struct problem_doc p = problem_plain(
        502, "the backend's answer cannot be told in the client's version");

    p.type = "answer-untranslatable";
    p.change = f->change;
    p.file = f->file;
    p.line = f->line;
    p.from = f->from;
    p.to = f->to;
    p.is_ours = true;
    return p;
}

static struct problem_doc
problem_of_request(const struct translation_fault *f)
{
    struct problem_doc p = problem_plain(f->status ? f->status : 422, "");

    p.type = p.status == 413     ? "too-large"
             : f->needs_document ? "patch-needs-document"
                                 : "request-untranslatable";
    p.detail = span_str(f->err.text);
    p.pointer = f->pointer;
    p.change = f->change;
    p.file = f->file;
    p.line = f->line;
    p.from = f->from;
    p.to = f->to;
    return p;
}

/* The setting behind what the translator reached; NULL: none was. */
static const char *
limit_of(const struct translation_fault *f, bool is_answer)
{
    span limit = span_str(f->limit);

    if (span_is(limit, "bytes_max") || (f->status == 413 && !limit.len))
        return is_answer ? "held_answer" : "held_request";
    if (span_is(limit, "depth_max") ||
        (f->status == 400 && f->err.code == ERR_LIMIT))
        return "json_depth";
    return f->limit;
}

static struct problem_doc
no_memory(void)
{
    struct problem_doc p = problem_plain(500, "no memory left for the message");

    p.limit = "request_arena";
    p.is_ours = true;
    return p;
}

/* The heap is empty just now: nobody's message is too large, and none is wrong. */
static struct problem_doc
out_of_memory(void)
{
    struct problem_doc p =
        problem_plain(503, "there is no memory for this message just now");

    p.type = "no-memory";
    p.limit = FAULT_NO_MEMORY;
    p.retry_after_s = 1;
    p.is_ours = true;
    return p;
}

/* Nothing is told against the message: what failed had no room for it. */
static bool
is_starved(const struct translation_fault *f)
{
    return f->status == 0 && span_str(f->limit).len == 0 &&
           (f->err.code == OK || f->err.code == ERR_LIMIT);
}

void
translate_fault(struct exchange *x, const struct translate *tr, bool is_answer,
                struct problem_doc *p)
{
    const struct translation_fault *f = translation_fault(tr->t);

    if (is_starved(f)) {
        *p = no_memory();
        return;
    }
    if (span_is(span_str(f->limit), FAULT_NO_MEMORY)) {
        *p = out_of_memory();
        return;
    }
    count_failure(x, f, is_answer);
    *p = is_answer ? problem_of_answer(f) : problem_of_request(f);
    p->limit = limit_of(f, is_answer);
}

static void
fault(struct exchange *x, const struct translate *tr, struct problem_doc *p)
{
    translate_fault(x, tr, tr == &x->down_way, p);
}

/* ── opening ─────────────────────────────────────────────────────────────── */

static bool
open_coding(struct exchange *x, struct translate *tr)
{
    tr->decoder = decoder_new(x->arena, tr->coding);
    tr->encoder = encoder_new(x->arena, tr->coding);
    return tr->decoder && tr->encoder;
}

static bool
open_program(struct exchange *x, struct translate *tr, struct http_head *h,
             uint64_t held_max, struct problem_doc *p)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    struct translation_limits limits = {.bytes_max = held_max,
                                        .depth_max = l->json_depth,
                                        .output_ratio = l->output_ratio,
                                        .counts_only = true,
                                        .memo = x->worker->memo};
    uint64_t began = loop_clock_us();
    struct err e;
    bool ok = true;

    /* Records leave as they are written: each has its own limit. */
    buf_init(&tr->out, program_is_stream(tr->program)
                           ? SIZE_MAX / 4
                           : (size_t)held_max * 4 + 65536);
    buf_init(&tr->plain, tr->out.max);
    if (translation_open(x->arena, tr->program, &limits,
                         tr->coding == CODING_NONE ? &tr->out : &tr->plain,
                         &tr->t, &e) != OK) {
        *p = no_memory();
        return false;
    }
    tr->is_joint = program_is_joint(tr->program);
    if (program_has_head(tr->program) && translate_head(x, tr, h) != OK) {
        fault(x, tr, p);
        ok = false;
    }
    tr->has_body =
        tr->is_joint || (program_has_body(tr->program) && has_body(x, h));
    tr->us += loop_clock_us() - began;
    if (ok && set_media(tr, h) != OK) {
        *p = no_memory();
        return false;
    }
    if (ok && tr->has_body && tr->coding != CODING_NONE &&
        !open_coding(x, tr)) {
        *p = no_memory();
        return false;
    }
    return ok;
}

static void
note_untyped(struct exchange *x, const struct message *m,
             const struct http_head *h)
{
    if (x->decision.client != x->decision.pool->version && has_body(x, h) &&
        !translator_is_typed(x->decision.api->translator, m))
        metrics_count(x->worker->metrics, METRIC_UNTYPED, 1,
                      x->decision.route->name);
}

/* Would a body that cannot be read have to be? Of equal versions only records are. */
static bool
is_translated(const struct exchange *x, const struct message *m)
{
    const struct decision *d = &x->decision;

    return d->client != d->pool->version &&
           translator_is_typed(d->api->translator, m);
}

static bool
refuse_coded(struct problem_doc *p)
{
    *p = problem_plain(415, "this Content-Encoding cannot be read: send gzip, "
                            "deflate, br, zstd, or none");
    p->type = "coded-body";
    return false;
}

/* The pool's version has no such route, or the client's has none; or what it takes
 * to tell the message in the other is declared, and not done. */
static bool
refuse_route(struct exchange *x, unsigned status, const struct err *e,
             struct problem_doc *p)
{
    *p = problem_plain(status, "");
    p->type = status == 410   ? "route-gone"
              : status == 501 ? "not-met"
                              : "no-route";
    if (!span_dup(x->arena, span_str(e->text), &p->detail))
        *p = no_memory();
    return false;
}

bool
translate_request(struct exchange *x, struct http_head *h,
                  struct problem_doc *p)
{
    const struct decision *d = &x->decision;
    struct message m;
    struct err e = {0};

    if (!d->translates)
        return true;
    x->form = form_read(x);
    translate_message(x, MESSAGE_REQUEST, h, &m);
    bool is_readable = read_coding(h, &x->up_way.coding) || !has_body(x, h);
    if (!is_readable && is_translated(x, &m))
        return refuse_coded(p);
    switch (memo_program(x->worker->memo, d->api->translator, x->arena, &m,
                         (size_t)d->client, (size_t)d->pool->version,
                         &x->up_way.program, &e)) {
    case PROGRAM_PASS:
        note_untyped(x, &m, h);
        return true;
    case PROGRAM_GONE:
        return refuse_route(x, 410, &e, p);
    case PROGRAM_UNKNOWN:
        return refuse_route(x, 404, &e, p);
    case PROGRAM_UNMET:
        return refuse_route(x, 501, &e, p);
    case PROGRAM_UNSUPPORTED:
        *p = e.code == ERR_LIMIT ? no_memory() : problem_plain(415, "");
        if (p->status == 415 &&
            !span_dup(x->arena, span_str(e.text), &p->detail))
            *p = no_memory();
        return false;
    case PROGRAM_TRANSLATE:
        if (!is_readable && program_has_body(x->up_way.program))
            return refuse_coded(p);
        break;
    }
    count_pair(x, METRIC_TRANSLATIONS, "request");
    return open_program(x, &x->up_way, h, d->route->held_request, p);
}

bool
translate_answer(struct exchange *x, struct http_head *h, struct problem_doc *p)
{
    const struct decision *d = &x->decision;
    struct message m;
    struct err e = {0};

    if (!d->translates)
        return true;
    *p = problem_plain(502, "the backend's answer has a form that cannot be "
                            "told in the client's version");
    p->type = "answer-untranslatable";
    p->is_ours = true;
    translate_message(x, MESSAGE_ANSWER, h, &m);
    bool is_readable = read_coding(h, &x->down_way.coding) || !has_body(x, h);
    if (!is_readable && is_translated(x, &m))
        return false;
    switch (memo_program(x->worker->memo, d->api->translator, x->arena, &m,
                         (size_t)d->pool->version, (size_t)d->client,
                         &x->down_way.program, &e)) {
    case PROGRAM_PASS:
    case PROGRAM_GONE: /* its request would have been refused */
    case PROGRAM_UNKNOWN:
        note_untyped(x, &m, h);
        return true;
    case PROGRAM_UNMET:
        return false;
    case PROGRAM_UNSUPPORTED:
        if (e.code == ERR_LIMIT)
            *p = no_memory();
        return !has_body(x, h);
    case PROGRAM_TRANSLATE:
        if (!is_readable && program_has_body(x->down_way.program))
            return false;
        break;
    }
    count_pair(x, METRIC_TRANSLATIONS, "answer");
    return open_program(x, &x->down_way, h, d->route->held_answer, p);
}

/* ── bodies ──────────────────────────────────────────────────────────────── */

static bool
feed_plain(struct exchange *x, struct translate *tr, span bytes,
           struct problem_doc *p)
{
    if (translation_feed(tr->t, bytes) == OK && !buf_failed(&tr->out) &&
        !buf_failed(&tr->plain))
        return true;
    fault(x, tr, p);
    return false;
}

/* What is wrong with a coding: a request's is its client's fault. */
static void
coding_fault(const struct exchange *x, const struct translate *tr,
             enum err_code code, const char *sentence, struct problem_doc *p)
{
    bool is_answer = tr == &x->down_way;
    unsigned status = code == ERR_LIMIT ? 413 : 400;

    if (decoder_is_starved(tr->decoder)) {
        *p = out_of_memory();
        return;
    }
    *p = problem_plain(is_answer ? 502 : status, sentence);
    p->type = is_answer           ? "answer-untranslatable"
              : code == ERR_LIMIT ? "too-large"
                                  : "coded-body";
    p->is_ours = is_answer;
}

/* A body that streams is held by no other limit. */
static bool
is_bomb(const struct exchange *x, const struct translate *tr)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    uint64_t ratio =
        tr == &x->up_way ? l->inflated_ratio : l->inflated_answer_ratio;

    return tr->inflated_bytes > tr->coded_bytes * ratio + SLACK;
}

static bool
feed_coded(struct exchange *x, struct translate *tr, span bytes,
           struct problem_doc *p)
{
    span piece;

    tr->coded_bytes += bytes.len;
    do { /* ends: takes input or gives output, and that has a limit */
        enum err_code code = decoder_take(tr->decoder, &bytes, &piece);

        tr->inflated_bytes += piece.len;
        if (code != OK) {
            coding_fault(x, tr, code,
                         code == ERR_LIMIT
                             ? "the body's coding wants too much memory"
                             : "the body is not in the coding it says",
                         p);
            return false;
        }
        if (is_bomb(x, tr)) {
            coding_fault(x, tr, ERR_LIMIT,
                         "the body inflates to too many times its size", p);
            p->limit =
                tr == &x->up_way ? "inflated_ratio" : "inflated_answer_ratio";
            return false;
        }
        if (!feed_plain(x, tr, piece, p))
            return false;
    } while (bytes.len || piece.len);
    return true;
}

/* What the engine wrote, coded as it came. */
static bool
code_again(struct exchange *x, struct translate *tr, bool ends,
           struct problem_doc *p)
{
    bool flushes = x->is_stream || program_is_stream(tr->program);
    bool ok = encoder_put(tr->encoder, buf_span(&tr->plain), flushes, &tr->out);

    buf_clear(&tr->plain);
    if (ok && (!ends || encoder_end(tr->encoder, &tr->out)))
        return true;
    *p = no_memory();
    return false;
}

bool
translate_feed(struct exchange *x, struct translate *tr, span bytes,
               struct problem_doc *p)
{
    uint64_t began = loop_clock_us();
    bool ok =
        tr->decoder ? feed_coded(x, tr, bytes, p) : feed_plain(x, tr, bytes, p);

    /* The records before a bad one are good. */
    if (tr->decoder && !tr->is_joint && (ok || program_is_stream(tr->program)))
        ok = code_again(x, tr, false, p) && ok;
    tr->us += loop_clock_us() - began;
    if (ok && !held_fits(x, held_by(tr))) {
        *p = held_problem(tr == &x->down_way);
        ok = false;
    }
    return ok;
}

/* What a joint program made of the head, and of whether there is a body. */
static bool
take_joint(struct exchange *x, struct translate *tr)
{
    struct http_head *h = tr == &x->up_way ? &x->asked : x->answer;
    size_t len = buf_len(&tr->out);
    struct message_head new_head;

    translation_new_head(tr->t, &new_head);
    if (!take_head(x, h, &new_head) || (len && set_media(tr, h) != OK))
        return false;
    if (!len)
        fields_remove_id(&h->fields, FIELD_CONTENT_ENCODING);
    if (x->request->method == METHOD_HEAD && h == x->answer)
        buf_clear(&tr->out);
    h->has_length = len > 0;
    h->length = len;
    h->body = len ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    if (h == x->answer && x->request->method == METHOD_HEAD) {
        h->has_length = false;
        h->body = HTTP_BODY_NONE;
    } else if (h == x->answer && !len && !http_status_is_bodyless(h->status)) {
        h->has_length = true;
        h->body = HTTP_BODY_SIZED;
    }
    return true;
}

bool
translate_end(struct exchange *x, struct translate *tr, struct problem_doc *p)
{
    uint64_t began = loop_clock_us();

    if (tr->decoder && !decoder_is_whole(tr->decoder)) {
        coding_fault(x, tr, ERR_INVALID, "the coded body is cut short", p);
        return false;
    }
    tr->is_whole = translation_end(tr->t) == OK && !buf_failed(&tr->out) &&
                   !buf_failed(&tr->plain);
    if (!tr->is_whole)
        fault(x, tr, p);
    else if (tr->encoder && (!tr->is_joint || buf_len(&tr->plain)))
        tr->is_whole = code_again(x, tr, true, p);
    if (tr->is_whole && tr->is_joint && !take_joint(x, tr)) {
        *p = no_memory();
        tr->is_whole = false;
    }
    tr->us += loop_clock_us() - began;
    return tr->is_whole;
}

bool
translate_peek(struct exchange *x, span seen, size_t max, struct buf *plain)
{
    enum coding c;
    span piece;

    if (!read_coding(x->request, &c))
        return false;
    if (c == CODING_NONE) {
        buf_add(plain, span_take(seen, max));
        return !buf_failed(plain);
    }
    struct decoder *d = decoder_new(x->arena, c);
    if (!d)
        return false;
    do { /* ends: as feed_coded */
        if (decoder_take(d, &seen, &piece) != OK)
            return false;
        buf_add(plain, span_take(piece, max - buf_len(plain)));
    } while ((seen.len || piece.len) && buf_len(plain) < max);
    return !buf_failed(plain);
}

/* ── notices ─────────────────────────────────────────────────────────────── */

static char *
put(char *to, span s)
{
    if (s.len)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

static char *
put_number(char *to, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return put(to, span_of(digits + at, sizeof(digits) - at));
}

static char *
put_notice(char *to, const struct translation_notice *n)
{
    to = put(to, span_str(notice_word(n->kind)));
    to = put(to, SPAN(";change=\""));
    to = put(to, span_take(n->change, CHANGE_MAX));
    to = put(to, SPAN("\";n="));
    return put_number(to, n->n);
}

span
translate_notices(struct exchange *x)
{
    const struct translate *ways[] = {&x->up_way, &x->down_way};
    char text[NOTICES_MAX * NOTICE_BYTES];
    char *to = text;
    size_t room = NOTICES_MAX;
    span out = {0};

    for (size_t way = 0; way < COUNT(ways); way++) {
        size_t n = 0;
        const struct translation_notice *all =
            ways[way]->t ? translation_notices(ways[way]->t, &n) : NULL;

        for (size_t i = 0; i < n && room > 0; i++, room--) {
            to = to > text ? put(to, SPAN(", ")) : to;
            to = put_notice(to, &all[i]);
        }
    }
    if (to == text ||
        !span_dup(x->arena, span_of(text, (size_t)(to - text)), &out))
        return (span){0};
    return out;
}
