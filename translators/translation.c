/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/translation.h"

#include "translators/head.h"
#include "translators/json/tree.h"
#include "translators/program.h"

#define DEPTH_DEFAULT 128
#define OUTPUT_FREE                                                            \
    65536 /* what output may have beyond its ratio to the input */

struct translation {
    struct arena *arena;
    const struct program *program;
    struct translation_limits limits;
    struct reference_facts facts;
    struct buf *out;
    struct buf held; /* the body so far */
    struct reference_report report;
    enum err_code failed;
};

static void
close_held(void *p)
{
    buf_fini(p);
}

enum err_code
translation_open(struct arena *a, const struct program *p,
                 const struct translation_limits *limits, struct buf *out,
                 struct translation **t, struct err *e)
{
    struct translation *new = arena_alloc(a, sizeof(*new));
    if (!new)
        return err_set(e, ERR_LIMIT, "no room for a translation");
    *new = (struct translation){.arena = a,
                                .program = p,
                                .limits = *limits,
                                .facts = p->facts,
                                .out = out};
    new->facts.depth_max =
        limits->depth_max ? limits->depth_max : DEPTH_DEFAULT;
    buf_init(&new->held, limits->bytes_max ? limits->bytes_max : SIZE_MAX / 4);
    if (!arena_defer(a, close_held, &new->held))
        return err_set(e, ERR_LIMIT, "no room for a translation");
    *t = new;
    return OK;
}

static enum err_code
too_large(struct translation *t, const char *what)
{
    struct translation_fault *f = &t->report.fault;
    *f = (struct translation_fault){.status = t->facts.is_request ? 413 : 502};
    return t->failed = err_set(&f->err, ERR_LIMIT, "%s", what);
}

enum err_code
translation_head(struct translation *t, const struct message_head *in,
                 struct message_head *out)
{
    if (t->failed)
        return t->failed;
    t->failed =
        head_translate(t->arena, t->program, &t->facts, in, out, &t->report);
    return t->failed;
}

enum err_code
translation_feed(struct translation *t, span bytes)
{
    if (t->failed)
        return t->failed;
    buf_add(&t->held, bytes);
    if (buf_failed(&t->held))
        return too_large(t, "the body is larger than may be held to be "
                            "translated");
    return OK;
}

/* The plan's notices in the reference's words. */
static bool
take_notices(struct translation *t, const struct plan_run *run, span body)
{
    struct plan_notice n;
    for (size_t i = 0; plan_run_notice(run, i, &n); i++) {
        struct reference_report *r = &t->report;
        struct buf pointer;
        span at = {0};
        if (n.n == 0)
            continue;
        if (r->n_notices == r->room_notices) {
            size_t more = r->room_notices ? r->room_notices * 2 : 8;
            void *grown = arena_grow(t->arena, r->notices, r->n_notices, more,
                                     sizeof(*r->notices));
            if (!grown)
                return false;
            r->notices = grown;
            r->room_notices = more;
        }
        buf_init(&pointer, arena_limit(t->arena));
        json_pointer_at(&pointer, body, n.at);
        bool ok = span_dup(t->arena, buf_span(&pointer), &at);
        buf_fini(&pointer);
        if (!ok)
            return false;
        r->notices[r->n_notices++] = (struct translation_notice){
            .kind = n.is_filled ? NOTICE_DEFAULTED : NOTICE_LOSSY,
            .change = n.origin->change->name,
            .file = n.origin->change->file,
            .line = n.origin->line,
            .pointer = at,
            .n = n.n};
    }
    return true;
}

/* By the plan, if there is one and the document is of its kind. */
static bool
run_plan(struct translation *t, span body)
{
    const struct plan_entry *plan = t->program->plan;
    size_t before = buf_len(t->out);
    size_t n_before = t->report.n_notices;
    if (!plan || t->report.trace)
        return false;
    struct plan_run *run =
        plan_run_new(t->arena, plan, t->facts.depth_max, t->out);
    if (run && plan_run_feed(run, body, true) == PLAN_DONE &&
        take_notices(t, run, body))
        return true;
    buf_truncate(t->out, before);
    t->report.n_notices = n_before;
    return false;
}

enum err_code
translation_end(struct translation *t)
{
    if (t->failed)
        return t->failed;
    span body = buf_span(&t->held);
    if (body.len == 0)
        return OK;
    size_t before = buf_len(t->out);
    if (!run_plan(t, body))
        t->failed = reference_body(t->arena, &t->program->chain, &t->facts,
                                   body, t->out, &t->report);
    if (t->failed)
        return t->failed;
    size_t ratio = t->limits.output_ratio;
    size_t written = buf_len(t->out) - before;
    if (ratio && written > OUTPUT_FREE &&
        (written - OUTPUT_FREE) / ratio > body.len) {
        buf_truncate(t->out, before);
        return too_large(t, "the translated body grows beyond its limit");
    }
    return OK;
}

const struct translation_fault *
translation_fault(const struct translation *t)
{
    return &t->report.fault;
}

const struct translation_notice *
translation_notices(const struct translation *t, size_t *n)
{
    *n = t->report.n_notices;
    return t->report.notices;
}

void
translation_trace(struct translation *t, translation_trace_fn fn, void *arg)
{
    t->report.trace = fn;
    t->report.trace_arg = arg;
}
