/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/translation.h"

#include "translators/head.h"
#include "translators/memo.h"
#include "translators/packed.h"
#include "translators/program.h"
#include "translators/stream.h"

#include <stdlib.h>

#define DEPTH_DEFAULT 128
#define OUTPUT_FREE                                                            \
    65536 /* what output may have beyond its ratio to the input */
#define SORTED_BY_HAND 64  /* notices */
#define ROOM_MORE      512 /* bytes that small edits may add */

/*
 * How far a body is from what can be undone. While the plan's run goes well and
 * none of its output has been taken, the body is kept beside it, so that a
 * document that is more than the plan knows can be read again by the reference.
 */
enum stage {
    STAGE_HELD,   /* for the reference: the body is held to its end */
    STAGE_BOTH,   /* the plan runs, the body is kept */
    STAGE_STREAM, /* the plan runs, what it read is gone: its verdict holds */
};

struct translation {
    struct arena *arena;
    const struct program *program;
    struct translation_limits limits;
    struct reference_facts facts;
    struct buf *out;
    struct buf held; /* the body so far, but for STAGE_STREAM */
    enum stage stage;
    bool has_begun;
    struct plan_run *run;
    size_t out_before; /* what was in `out` before us */
    size_t out_after;  /* and when we last looked */
    uint64_t read;     /* bytes of the body */
    uint64_t written;  /* bytes of output, taken or not */
    struct message_head
        head; /* of a joint program: as it came, then as it is */
    struct reference_report report;
    struct stream *stream; /* of records; NULL: the body is one document */
    struct packed *packed; /* of MessagePack; NULL: it is JSON */
    enum err_code failed;
};

static void
close_held(void *p)
{
    buf_fini(p);
}

/* What is declared of the message is told before all else. */
static bool
tell_declared(struct translation *t)
{
    const struct program *p = t->program;
    struct reference_report *r = &t->report;
    if (p->n_declared == 0)
        return true;
    r->notices = arena_array(t->arena, p->n_declared, sizeof(*r->notices));
    r->room_notices = p->n_declared;
    for (size_t i = 0; r->notices && i < p->n_declared; i++) {
        const struct lens_origin *o = &p->declared[i]->origin;
        r->notices[r->n_notices++] =
            (struct translation_notice){.kind = NOTICE_DECLARED,
                                        .change = o->change->name,
                                        .file = o->change->file,
                                        .line = o->line,
                                        .n = 1};
    }
    return r->notices != NULL;
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
    if (!arena_defer(a, close_held, &new->held) || !tell_declared(new))
        return err_set(e, ERR_LIMIT, "no room for a translation");
    *t = new;
    if (p->is_stream && p->has_body)
        return stream_open(a, p, limits, out, &new->report, &new->stream, e);
    if ((p->comes_packed || p->goes_packed) && !p->plan)
        return packed_open(a, p, limits, out, &new->report, &new->packed, e);
    return OK;
}

static enum err_code
too_large(struct translation *t, const char *limit, const char *what)
{
    struct translation_fault *f = &t->report.fault;
    *f = (struct translation_fault){.status = t->facts.is_request ? 413 : 502,
                                    .limit = limit};
    return t->failed = err_set(&f->err, ERR_LIMIT, "%s", what);
}

static enum err_code
no_room(struct translation *t, const char *what)
{
    struct translation_fault *f = &t->report.fault;
    *f = (struct translation_fault){.status = 503, .limit = FAULT_NO_MEMORY};
    return t->failed = err_set(&f->err, ERR_LIMIT, "%s", what);
}

enum err_code
translation_head(struct translation *t, const struct message_head *in,
                 struct message_head *out)
{
    if (t->failed)
        return t->failed;
    t->head = *out = *in;
    if (t->program->is_joint && t->packed)
        return t->failed = packed_head(t->packed, in, out);
    if (t->program->is_joint)
        return OK;
    t->failed = head_translate(t->arena, t->program, &t->facts, in, (span){0},
                               out, NULL, &t->report);
    return t->failed;
}

void
translation_new_head(const struct translation *t, struct message_head *out)
{
    if (t->packed && t->program->is_joint)
        packed_new_head(t->packed, out);
    else
        *out = t->head;
}

/* ---- by the plan ---------------------------------------------------------------- */

static bool
text_of(struct translation *t, const struct buf *b, span *out)
{
    return !buf_failed(b) && span_dup(t->arena, buf_span(b), out);
}

/* A notice of a plan that was told, by its number. */
struct told {
    size_t i;
    struct plan_notice is;
};

/* As the document has them; of one place as the plan has them. */
static int
by_place(const void *a, const void *b)
{
    const struct told *x = a;
    const struct told *y = b;
    if (x->is.at != y->is.at)
        return x->is.at < y->is.at ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

/* They come in order but for a few that are met in another one than they were
 * declared in; a long list may be in any. */
static void
sort_told(struct told *told, size_t n)
{
    if (n > SORTED_BY_HAND) {
        qsort(told, n, sizeof(*told), by_place);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct told is = told[i];
        size_t at = i;
        for (; at > 0 && by_place(&told[at - 1], &is) > 0; at--)
            told[at] = told[at - 1];
        told[at] = is;
    }
}

static bool
all_told(struct translation *t, struct told **out, size_t *n)
{
    size_t max = plan_run_notices_max(t->run);
    *out = arena_room(t->arena, (max + 1) * sizeof(**out));
    *n = 0;
    for (size_t i = 0; *out && i < max; i++) {
        struct told *told = &(*out)[*n];
        told->i = i;
        told->is = plan_run_notice(t->run, i);
        *n += told->is.n != 0;
    }
    return *out != NULL;
}

/* Where the first of each was; those of one place share the text. */
static bool
place_notices(struct translation *t, const struct told *told, size_t n,
              struct translation_notice *notices)
{
    struct buf pointer;
    bool ok = true;
    buf_init(&pointer, arena_limit(t->arena));
    for (size_t i = 0; ok && i < n; i++) {
        if (i > 0 && told[i].is.where == told[i - 1].is.where) {
            notices[i].pointer = notices[i - 1].pointer;
            continue;
        }
        buf_clear(&pointer);
        plan_run_notice_at(t->run, &told[i].is, &pointer);
        ok = text_of(t, &pointer, &notices[i].pointer);
    }
    buf_fini(&pointer);
    return ok;
}

/* The plan's notices, as the reference tells them. */
static bool
take_notices(struct translation *t)
{
    struct reference_report *r = &t->report;
    struct told *told = NULL;
    size_t n = 0;
    if (!all_told(t, &told, &n))
        return false;
    if (n == 0)
        return true;
    sort_told(told, n);
    r->notices = arena_grow(t->arena, r->notices, r->n_notices,
                            r->n_notices + n, sizeof(*r->notices));
    if (!r->notices)
        return false;
    struct translation_notice *notices = r->notices + r->n_notices;
    for (size_t i = 0; i < n; i++) {
        const struct lens_origin *origin = told[i].is.origin;
        notices[i] = (struct translation_notice){.kind = told[i].is.kind,
                                                 .origin = origin,
                                                 .offset = told[i].is.at,
                                                 .change = origin->change->name,
                                                 .file = origin->change->file,
                                                 .line = origin->line,
                                                 .n = told[i].is.n};
    }
    r->n_notices += n;
    r->room_notices = r->n_notices;
    return t->limits.counts_only || place_notices(t, told, n, notices);
}

/* Why a message ends whose beginning is gone: as the machine met it. */
static enum err_code
plan_fault(struct translation *t)
{
    static const struct {
        enum err_code code;
        unsigned status;
        const char *text;
        const char *limit;
    } by_why[] = {
        [ENGINE_BY_PROGRAM] = {ERR_INVALID, 422,
                               "what is here cannot be told in the other "
                               "version",
                               NULL},
        [ENGINE_BAD_JSON] = {ERR_INVALID, 400,
                             "the document is not what its type says", NULL},
        [ENGINE_NO_FORM] = {ERR_INVALID, 422,
                            "what is here has no form in JSON and in "
                            "MessagePack alike",
                            NULL},
        [ENGINE_TOO_DEEP] = {ERR_LIMIT, 400, "the document is nested too deep",
                             "depth_max"},
        [ENGINE_SURROGATE] = {ERR_INVALID, 422,
                              "half a surrogate pair in a text that is read",
                              NULL},
        [ENGINE_TOO_LONG] = {ERR_LIMIT, 413,
                             "more of the document would have to be held than "
                             "may be",
                             "bytes_max"},
        [ENGINE_NO_ROOM] = {ERR_LIMIT, 500, "no room for the translated body",
                            NULL},
    };
    const struct engine_fault *is = plan_run_fault(t->run);
    const struct translation_fault *again = plan_run_again_fault(t->run);
    struct translation_fault *f = &t->report.fault;
    struct buf pointer;
    if (again) {
        *f = *again;
        return t->failed = f->err.code;
    }
    buf_init(&pointer, arena_limit(t->arena));
    plan_run_fault_at(t->run, &pointer);
    *f = (struct translation_fault){
        .status = t->facts.is_request ? by_why[is->why].status : 502,
        .limit = by_why[is->why].limit};
    (void)text_of(t, &pointer, &f->pointer);
    buf_fini(&pointer);
    return t->failed = err_at(&f->err, by_why[is->why].code, (size_t)is->offset,
                              "%s", by_why[is->why].text);
}

/* Room for what will be written of the first bytes at once, or as it comes. */
static void
make_room(struct buf *out, size_t bytes)
{
    size_t n = bytes + bytes / 4 + ROOM_MORE;
    size_t max = out->max - buf_len(out);
    (void)!buf_reserve(out, n < max ? n : max);
}

static void
begin(struct translation *t, size_t bytes)
{
    const struct plan_entry *plan = t->program->plan;
    t->has_begun = true;
    t->out_before = t->out_after = buf_len(t->out);
    if (!plan || t->report.trace)
        return;
    make_room(t->out, bytes);
    const struct plan_how how = {.depth_max = t->facts.depth_max,
                                 .held_max = t->limits.bytes_max,
                                 .is_answer = !t->facts.is_request,
                                 .comes_packed = t->program->comes_packed,
                                 .goes_packed = t->program->goes_packed,
                                 .counts_only = t->limits.counts_only,
                                 .pool = memo_machines(t->limits.memo),
                                 .facts = &t->facts};
    t->run = plan_run_new(t->arena, plan, &how, t->out);
    if (t->run)
        t->stage = STAGE_BOTH;
}

static enum err_code
check_ratio(struct translation *t)
{
    size_t ratio = t->limits.output_ratio;
    if (!ratio || t->written <= OUTPUT_FREE ||
        (t->written - OUTPUT_FREE) / ratio <= t->read)
        return OK;
    if (t->stage != STAGE_STREAM)
        buf_truncate(t->out, t->out_before);
    return too_large(t, "output_ratio",
                     "the translated body grows beyond its limit");
}

/* The document is not for the plan: what it wrote goes, what it read is held. */
static void
give_up(struct translation *t)
{
    buf_truncate(t->out, t->out_before);
    t->out_after = t->out_before;
    t->written = 0;
    t->stage = STAGE_HELD;
    t->run = NULL;
}

/* Keep the bytes while nothing has been taken and they may be kept. */
static void
keep(struct translation *t, span bytes)
{
    if (t->stage != STAGE_BOTH)
        return;
    if (buf_len(t->out) >= t->out_after) {
        buf_add(&t->held, bytes);
        if (!buf_failed(&t->held))
            return;
    }
    t->stage = STAGE_STREAM;
    buf_fini(&t->held);
}

static enum err_code
run_plan(struct translation *t, span bytes, bool is_end)
{
    keep(t, bytes);
    size_t before = buf_len(t->out);
    enum plan_step step = plan_run_feed(t->run, bytes, is_end);
    t->out_after = buf_len(t->out);
    t->written += t->out_after - before;
    if (step == PLAN_ASIDE && t->stage == STAGE_BOTH) {
        give_up(t);
        return OK;
    }
    if (step == PLAN_ASIDE)
        return plan_fault(t);
    if (step == PLAN_DONE && !take_notices(t)) {
        if (t->stage == STAGE_BOTH)
            buf_truncate(t->out, t->out_before);
        return no_room(t, "no room for the notices");
    }
    return check_ratio(t);
}

/* ---- bytes ---------------------------------------------------------------------- */

enum err_code
translation_feed(struct translation *t, span bytes)
{
    if (t->failed)
        return t->failed;
    if (t->stream)
        return t->failed = stream_feed(t->stream, bytes);
    t->read += bytes.len;
    if (t->packed)
        return t->failed = packed_feed(t->packed, bytes);
    if (!t->has_begun)
        begin(t, bytes.len);
    if (t->run)
        return run_plan(t, bytes, false);
    buf_add(&t->held, bytes);
    if (!buf_failed(&t->held))
        return OK;
    if (buf_is_starved(&t->held))
        return no_room(t, "no room for the body");
    return too_large(t, "bytes_max",
                     "the body is larger than may be held to be translated");
}

/* Head and body as one; a type of content goes with what it is the type of. */
static enum err_code
join(struct translation *t, span body)
{
    struct message_head in = t->head;
    size_t before = buf_len(t->out);
    enum err_code code = head_translate(t->arena, t->program, &t->facts, &in,
                                        body, &t->head, t->out, &t->report);
    bool has = buf_len(t->out) > before;
    if (code != OK || has == (body.len > 0))
        return code;
    return head_set_content(t->arena, has, &t->head, &t->report);
}

/* MessagePack, at either end, that is more than its plan knows. */
static enum err_code
by_json(struct translation *t)
{
    struct err e;
    enum err_code code = packed_open(t->arena, t->program, &t->limits, t->out,
                                     &t->report, &t->packed, &e);
    if (code)
        return too_large(t, NULL, "no room for a body of MessagePack");
    code = packed_feed(t->packed, buf_span(&t->held));
    return code ? code : packed_end(t->packed);
}

enum err_code
translation_end(struct translation *t)
{
    if (t->failed)
        return t->failed;
    if (t->stream)
        return t->failed = stream_end(t->stream);
    if (t->read == 0 && !t->program->is_joint)
        return OK;
    if (t->packed)
        return t->failed = packed_end(t->packed);
    if (!t->has_begun)
        begin(t, 0);
    if (t->run && run_plan(t, (span){0}, true) != OK)
        return t->failed;
    if (t->run)
        return OK;
    const struct program *p = t->program;
    if (p->comes_packed || p->goes_packed)
        return t->failed = by_json(t);
    t->failed = p->is_joint ? join(t, buf_span(&t->held))
                : p->patch.kind
                    ? patch_body(t->arena, &p->chain, &t->facts, &p->patch,
                                 buf_span(&t->held), t->out, &t->report)
                    : reference_body(t->arena, &p->chain, &t->facts,
                                     buf_span(&t->held), t->out, &t->report);
    if (t->failed)
        return t->failed;
    t->written = buf_len(t->out) - t->out_before;
    return check_ratio(t);
}

size_t
translation_held_bytes(const struct translation *t)
{
    return t->held.room + (t->run ? plan_run_held_bytes(t->run) : 0) +
           (t->stream ? stream_held_bytes(t->stream) : 0) +
           (t->packed ? packed_held_bytes(t->packed) : 0);
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
