/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What failed: told to the client without a word of the pool's document, to the log,
 * and counted against the change, unless it is our own want of memory.
 */
#include "proxy/server/translate_parts.h"

#include "proxy/observe/log.h"
#include "proxy/server/exchange.h"
#include "proxy/server/problem.h"
#include "proxy/server/worker.h"

static void
count_failure(struct exchange *x, const struct translation_fault *f,
              bool is_answer)
{
    metrics_count(x->worker->metrics, METRIC_TRANSLATE_FAILURES, 1, f->change,
                  is_answer ? SPAN("answer") : SPAN("request"));
    translate_count(x, METRIC_UNTRANSLATED, is_answer ? "answer" : "request");
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

struct problem_doc
translate_no_memory(void)
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
        *p = translate_no_memory();
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

void
translate_coding_fault(const struct exchange *x, const struct translate *tr,
                       enum err_code code, const char *sentence,
                       struct problem_doc *p)
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
