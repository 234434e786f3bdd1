/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/translate.h"

#include "proxy/server/exchange.h"
#include "proxy/server/form.h"
#include "proxy/server/translate_parts.h"
#include "proxy/server/worker.h"
#include "translators/memo.h"

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
bool
translate_read_coding(const struct http_head *h, enum coding *out)
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

bool
translate_take_head(struct exchange *x, struct http_head *h,
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

bool
translate_head_fits(const struct exchange *x, const struct translate *tr,
                    const struct http_head *h, struct problem_doc *p)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    bool is_answer = tr == &x->down_way;

    if (head_bytes(h) <= (is_answer ? l->answer_head_bytes : l->head_bytes))
        return true;
    *p = problem_plain(is_answer ? 502 : 413,
                       "the head would be too long in the other version");
    p->type = is_answer ? "answer-untranslatable" : "too-large";
    p->limit = is_answer ? "answer_head_bytes" : "head_bytes";
    p->is_ours = is_answer;
    return false;
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
    return translate_take_head(x, h, &out) ? OK : ERR_LIMIT;
}

enum err_code
translate_set_media(const struct translate *tr, struct http_head *h)
{
    span media = program_new_media(tr->program);

    bool is_empty = !tr->has_body || (h->has_length && !h->length);

    if (!media.len || (is_empty && !head_find(h, FIELD_CONTENT_TYPE)))
        return OK;
    return head_set(h, SPAN("Content-Type"), media);
}

void
translate_count(struct exchange *x, enum metric metric, const char *kind)
{
    const struct decision *d = &x->decision;

    metrics_count_fixed(x->worker->metrics, metric, 1, d->api->name,
                        detect_label(d->api->detect, d->client),
                        detect_label(d->api->detect, d->pool->version),
                        span_str(kind));
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
        *p = translate_no_memory();
        return false;
    }
    tr->is_joint = program_is_joint(tr->program);
    if (program_has_head(tr->program) && translate_head(x, tr, h) != OK) {
        translate_fault(x, tr, tr == &x->down_way, p);
        ok = false;
    }
    ok = ok && translate_head_fits(x, tr, h, p);
    tr->has_body =
        tr->is_joint || (program_has_body(tr->program) && has_body(x, h));
    tr->us += loop_clock_us() - began;
    if (ok && translate_set_media(tr, h) != OK) {
        *p = translate_no_memory();
        return false;
    }
    if (ok && tr->has_body && tr->coding != CODING_NONE &&
        !open_coding(x, tr)) {
        *p = translate_no_memory();
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
        *p = translate_no_memory();
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
    bool is_readable =
        translate_read_coding(h, &x->up_way.coding) || !has_body(x, h);
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
        *p = e.code == ERR_LIMIT ? translate_no_memory()
                                 : problem_plain(415, "");
        if (p->status == 415 &&
            !span_dup(x->arena, span_str(e.text), &p->detail))
            *p = translate_no_memory();
        return false;
    case PROGRAM_TRANSLATE:
        if (!is_readable && program_has_body(x->up_way.program))
            return refuse_coded(p);
        break;
    }
    translate_count(x, METRIC_TRANSLATIONS, "request");
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
    bool is_readable =
        translate_read_coding(h, &x->down_way.coding) || !has_body(x, h);
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
            *p = translate_no_memory();
        return !has_body(x, h);
    case PROGRAM_TRANSLATE:
        if (!is_readable && program_has_body(x->down_way.program))
            return false;
        break;
    }
    translate_count(x, METRIC_TRANSLATIONS, "answer");
    return open_program(x, &x->down_way, h, d->route->held_answer, p);
}
