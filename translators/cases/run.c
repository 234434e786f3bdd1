/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a case through the translator, each way that it claims.
 */
#include "translators/cases/build.h"

#define CASE_ROOM ((size_t)64 << 20) /* of one translation */
#define SHOWN_MAX ((size_t)120)      /* bytes of a value in a sentence */

/* One way of one case. */
struct attempt {
    const struct lens_api *api;
    const struct translator *t;
    const struct case_claim *c;
    struct problems *p;
    struct arena *a;
    const struct case_side *in;
    const struct case_side *out;
    size_t from;
    size_t to;
    enum message_side side;
    struct message_head head; /* as it came out */
    span body;
    translation_trace_fn trace; /* NULL: it is tried, not traced */
    void *trace_arg;
    span failed; /* the sentence; empty: it went well */
    span pointer;
};

/* ---- telling ---- */

static void
tell(struct attempt *t, const struct yaml *at, const char *what, span detail)
{
    const struct lens_version *v = t->api->versions;
    yaml_problem(t->p, at, "`%.*s` does not hold from %.*s to %.*s%s: %s%.*s",
                 SPAN_FMT(t->c->name), SPAN_FMT(v[t->from].label),
                 SPAN_FMT(v[t->to].label),
                 t->side == MESSAGE_REQUEST ? " (as a request)"
                                            : " (as an answer)",
                 what, SPAN_FMT(detail));
}

/* How a value is written, cut where it gets long. */
static span
shown(struct attempt *t, const struct json *value)
{
    struct buf b;
    span out = SPAN("a value");
    if (!value)
        return SPAN("nothing");
    buf_init(&b, CASE_ROOM);
    json_print(value, &b);
    span text = span_take(buf_span(&b), SHOWN_MAX);
    if (!buf_failed(&b))
        out = arena_fmt(t->a, "%.*s%s", SPAN_FMT(text),
                        buf_len(&b) > SHOWN_MAX ? "..." : "");
    buf_fini(&b);
    return out;
}

static void
tell_difference(struct attempt *t, const struct case_difference *d)
{
    const struct json *at = d->ought ? d->ought : d->near;
    const struct yaml *node = at && at->note ? at->note : t->out->node;
    span where = d->pointer.len ? d->pointer : SPAN("the whole document");
    span detail =
        d->order
            ? arena_fmt(t->a, "%.*s has its members in another order: %.*s",
                        SPAN_FMT(where), SPAN_FMT(shown(t, d->is)))
            : arena_fmt(t->a, "%.*s is %.*s and should be %.*s",
                        SPAN_FMT(where), SPAN_FMT(shown(t, d->is)),
                        SPAN_FMT(shown(t, d->ought)));
    tell(t, node, "", detail);
}

/* ---- translating ---- */

static struct message
message_of(const struct attempt *t)
{
    /* A request is named as its client does: it reads, and an answer's client
     * is the one that is written for. */
    const struct case_side *client =
        t->side == MESSAGE_ANSWER && t->out->node ? t->out : t->in;
    struct message m = {.side = t->side, .method = SPAN("POST")};
    m.status = t->side == MESSAGE_ANSWER ? 200 : 0;
    if (t->in->kind == CASE_VALUE)
        return m;
    m.method = client->method;
    m.path = client->path;
    m.status = t->in->status;
    for (size_t i = 0; i < t->in->n_fields; i++)
        if (span_eq_nocase(t->in->fields[i].name, SPAN("content-type")))
            m.media = t->in->fields[i].value;
    if (t->in->kind == CASE_EVENT)
        m.media = SPAN("text/event-stream");
    return m;
}

static bool
fail(struct attempt *t, const char *text, span pointer)
{
    t->failed = arena_fmt(t->a, "%s", text);
    t->pointer = pointer;
    return true;
}

static bool
print_body(struct attempt *t, span *out)
{
    struct buf b;
    *out = (span){0};
    if (!t->in->body)
        return true;
    buf_init(&b, CASE_ROOM);
    if (t->in->kind == CASE_EVENT)
        buf_fmt(&b, "event: %.*s\ndata: ", SPAN_FMT(t->in->event));
    json_print(t->in->body, &b);
    if (t->in->kind == CASE_EVENT)
        buf_str(&b, "\n\n");
    bool ok = !buf_failed(&b) && span_dup(t->a, buf_span(&b), out);
    buf_fini(&b);
    return ok;
}

/* Feed it; false at a limit. A failure of the translation is an outcome. */
static bool
translate(struct attempt *t, const struct program *p, span body)
{
    static const struct translation_limits limits = {.bytes_max = CASE_ROOM};
    struct translation *tr = NULL;
    struct buf out;
    struct err e = {0};
    bool ok = true;
    buf_init(&out, CASE_ROOM);
    if (translation_open(t->a, p, &limits, &out, &tr, &e) != OK) {
        buf_fini(&out);
        return false;
    }
    if (t->trace)
        translation_trace(tr, t->trace, t->trace_arg);
    if ((program_has_head(p) && translation_head(tr, &t->head, &t->head)) ||
        (program_has_body(p) &&
         (translation_feed(tr, body) || translation_end(tr))))
        ok = fail(t, translation_fault(tr)->err.text,
                  translation_fault(tr)->pointer);
    else if (program_has_body(p))
        ok = span_dup(t->a, buf_span(&out), &t->body);
    if (ok && !t->failed.len && program_is_joint(p))
        translation_new_head(tr, &t->head);
    buf_fini(&out);
    return ok;
}

static bool
run(struct attempt *t)
{
    const struct program *p = NULL;
    struct err e = {0};
    struct message m = message_of(t);
    span body;
    t->head = (struct message_head){.method = t->in->method,
                                    .path = t->in->path,
                                    .query = t->in->query,
                                    .has_query = t->in->has_query,
                                    .status = t->in->status,
                                    .fields = t->in->fields,
                                    .n_fields = t->in->n_fields};
    if (!print_body(t, &body))
        return false;
    t->body = body;
    enum program_need need =
        t->in->kind == CASE_VALUE
            ? translator_program_of_type(t->t, t->a, t->c->type, &m, t->from,
                                         t->to, &p, &e)
            : translator_program(t->t, t->a, &m, t->from, t->to, &p, &e);
    switch (need) {
    case PROGRAM_PASS:
        return true;
    case PROGRAM_GONE:
    case PROGRAM_UNKNOWN:
    case PROGRAM_UNMET:
    case PROGRAM_UNSUPPORTED:
        return fail(t, e.text, (span){0});
    case PROGRAM_TRANSLATE:
        break;
    }
    return translate(t, p, body);
}

/* ---- comparing ---- */

static bool
contains(span text, span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (span_eq(span_take(span_skip(text, i), part.len), part))
            return true;
    return false;
}

static void
compare_failure(struct attempt *t)
{
    const struct case_claim *c = t->c;
    if (!t->failed.len)
        tell(t, c->fails, "it is translated", (span){0});
    else if (!contains(t->failed, c->fails->text))
        tell(t, c->fails, "it fails with: ", t->failed);
    else if (c->pointer && !span_eq(c->pointer->text, t->pointer))
        tell(t, c->pointer, "it fails at ", t->pointer);
}

static bool
compare_line(struct attempt *t)
{
    const struct case_side *ought = t->out;
    bool has = t->head.has_query;
    if (ought->kind == CASE_ANSWER && t->head.status != ought->status) {
        tell(t, ought->node, "",
             arena_fmt(t->a, "the status is %u", t->head.status));
        return false;
    }
    if (ought->kind == CASE_REQUEST &&
        (!span_eq(t->head.method, ought->method) ||
         !span_eq(t->head.path, ought->path))) {
        tell(t, ought->node, "the request is ",
             arena_fmt(t->a, "%.*s %.*s", SPAN_FMT(t->head.method),
                       SPAN_FMT(t->head.path)));
        return false;
    }
    if (ought->kind == CASE_REQUEST &&
        (has != ought->has_query || !span_eq(t->head.query, ought->query))) {
        tell(t, ought->node, "the query is ",
             has ? t->head.query : SPAN("left out"));
        return false;
    }
    return true;
}

/* A made body says that it is JSON; a case need not. */
static bool
goes_without_saying(const struct attempt *t, const struct head_field *f)
{
    return !t->in->body && t->body.len > 0 &&
           span_eq_nocase(f->name, SPAN("content-type")) &&
           span_is(f->value, "application/json");
}

static bool
is_same_field(const struct head_field *a, const struct head_field *b)
{
    return span_eq_nocase(a->name, b->name) && span_eq(a->value, b->value);
}

/* Field lines of one name keep their order, and names may be told in any. */
static bool
compare_fields(struct attempt *t)
{
    const struct case_side *ought = t->out;
    const struct yaml *at =
        ought->fields_node ? ought->fields_node : ought->node;
    for (size_t i = 0; i < ought->n_fields; i++) {
        bool found = false;
        for (size_t k = 0; k < t->head.n_fields; k++)
            found =
                found || is_same_field(&t->head.fields[k], &ought->fields[i]);
        if (!found) {
            tell(t, at, "there is no such field: ",
                 arena_fmt(t->a, "%.*s: %.*s", SPAN_FMT(ought->fields[i].name),
                           SPAN_FMT(ought->fields[i].value)));
            return false;
        }
    }
    for (size_t k = 0; k < t->head.n_fields; k++) {
        const struct head_field *f = &t->head.fields[k];
        bool found = goes_without_saying(t, f);
        for (size_t i = 0; i < ought->n_fields; i++)
            found = found || is_same_field(f, &ought->fields[i]);
        if (!found) {
            tell(t, at, "there is a field too many: ",
                 arena_fmt(t->a, "%.*s: %.*s", SPAN_FMT(f->name),
                           SPAN_FMT(f->value)));
            return false;
        }
    }
    return true;
}

/* The event that came out, and its data in place of the body. */
static bool
compare_event(struct attempt *t)
{
    span name = {0}, data = {0};
    for (span rest = t->body; rest.len;) {
        span line = span_cut(&rest, '\n');
        if (span_starts(line, SPAN("event: ")))
            name = span_skip(line, 7);
        if (span_starts(line, SPAN("data: ")))
            data = span_skip(line, 6);
    }
    t->body = data;
    if (span_eq(data.len ? name : (span){0}, t->out->event))
        return true;
    tell(t, t->out->node, "the event is called ",
         data.len ? name : SPAN("nothing"));
    return false;
}

static void
compare_body(struct attempt *t)
{
    struct case_difference d;
    struct json *is = NULL;
    struct err e;
    if (t->body.len == 0 || !t->out->body) {
        if (t->body.len)
            tell(t, t->out->node,
                 "there is a body: ", span_take(t->body, SHOWN_MAX));
        else if (t->out->body)
            tell(t, t->out->node, "there is no body", (span){0});
        return;
    }
    if (json_parse(t->a, t->body, JSON_DEPTH_DEFAULT, &is, &e))
        tell(t, t->out->node, "what comes out is no JSON: ", span_str(e.text));
    else if (case_differs(t->a, is, t->out->body, t->c->exact, &d))
        tell_difference(t, &d);
}

static void
attempt(struct attempt *t)
{
    if (!run(t))
        tell(t, t->c->node, "it needs more room than a case may take",
             (span){0});
    else if (t->c->fails)
        compare_failure(t);
    else if (t->failed.len)
        tell(t, t->in->node, "it fails: ",
             t->pointer.len
                 ? arena_fmt(t->a, "at %.*s: %.*s", SPAN_FMT(t->pointer),
                             SPAN_FMT(t->failed))
                 : t->failed);
    else if (t->in->kind == CASE_VALUE ||
             (t->in->kind == CASE_EVENT ? compare_event(t)
                                        : compare_line(t) && compare_fields(t)))
        compare_body(t);
}

/* Each step of a case that holds shows the arrows that touched it. */
struct showing {
    struct cases_proof *proof;
    bool up;
};

static void
show_step(void *arg, const struct translation_step *step)
{
    const struct showing *s = arg;

    for (size_t i = 0; i < step->n_touches; i++)
        cases_proof_show(s->proof, &step->touches[i], s->up);
}

/* Once more, now that it holds, with the reference's account of every step. */
static void
prove(const struct attempt *held, struct cases_proof *proof)
{
    struct showing s = {.proof = proof, .up = held->from < held->to};
    struct attempt again = {.api = held->api,
                            .t = held->t,
                            .c = held->c,
                            .p = held->p,
                            .a = arena_new(CASE_ROOM),
                            .in = held->in,
                            .out = held->out,
                            .from = held->from,
                            .to = held->to,
                            .side = held->side,
                            .trace = show_step,
                            .trace_arg = &s};

    if (again.a && !run(&again)) {
        /* No room for the account: nothing is proven by it. */
    }
    arena_free(&again.a);
}

static void
try_way(const struct lens_api *api, const struct translator *t,
        const struct case_claim *c, struct problems *p,
        struct cases_proof *proof, bool up, enum message_side side)
{
    size_t before = p->total;
    const struct case_side *in = &c->side[up ? 0 : 1];
    struct attempt one = {.api = api,
                          .t = t,
                          .c = c,
                          .p = p,
                          .a = arena_new(CASE_ROOM),
                          .in = in,
                          .out = &c->side[up ? 1 : 0],
                          .from = c->version[up ? 0 : 1],
                          .to = c->version[up ? 1 : 0],
                          .side = side};
    if (one.a)
        attempt(&one);
    else
        yaml_problem(p, c->node, "there is no memory to try this case");
    if (proof && p->total != before)
        cases_proof_refute(proof, one.from, one.to);
    else if (proof && one.a && !c->fails)
        prove(&one, proof);
    arena_free(&one.a);
}

void
case_try(const struct lens_api *api, const struct translator *t,
         const struct case_claim *c, struct problems *p,
         struct cases_proof *proof)
{
    for (size_t way = 0; way < 2; way++) {
        if (!c->goes[way])
            continue;
        enum case_kind kind = c->side[way].kind;
        for (size_t s = 0; s < 2; s++) {
            bool holds = kind == CASE_VALUE     ? c->as[s]
                         : kind == CASE_REQUEST ? s == MESSAGE_REQUEST
                                                : s == MESSAGE_ANSWER;
            if (holds)
                try_way(api, t, c, p, proof, way == 0, (enum message_side)s);
        }
    }
}
