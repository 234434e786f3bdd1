/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/stream.h"

#include "translators/json/tree.h"

#define PROGRAMS_MAX 32 /* kept; one more is found anew for each record */

/* Which program records of one kind have; NULL: their bytes pass. */
struct found {
    span event;
    size_t from;
    const struct program *program;
    span name; /* what the event is called there, if otherwise */
    const struct lens_event *gone; /* it is called nothing there; else NULL */
};

struct stream {
    struct arena *arena;
    const struct program *program;
    struct translation_limits limits;
    struct buf *out;
    struct reference_report *report;
    struct records records;
    struct arena *scratch; /* one record's */
    struct buf text;       /* what becomes of it */
    uint64_t n;            /* records so far */
    struct found found[PROGRAMS_MAX];
    size_t n_found;
};

static void
close_stream(void *p)
{
    struct stream *s = p;
    records_fini(&s->records);
    buf_fini(&s->text);
    arena_free(&s->scratch);
}

enum err_code
stream_open(struct arena *a, const struct program *p,
            const struct translation_limits *limits, struct buf *out,
            struct reference_report *report, struct stream **s, struct err *e)
{
    struct stream *new = arena_alloc(a, sizeof(*new));
    struct arena *scratch = arena_new(arena_limit(a));
    if (!new || !scratch) {
        arena_free(&scratch);
        return err_set(e, ERR_LIMIT, "no room for a stream");
    }
    *new = (struct stream){.arena = a,
                           .program = p,
                           .limits = *limits,
                           .out = out,
                           .report = report,
                           .scratch = scratch};
    if (!new->limits.depth_max)
        new->limits.depth_max = JSON_DEPTH_DEFAULT;
    records_init(&new->records, p->framing, limits->bytes_max);
    buf_init(&new->text, SIZE_MAX / 4);
    if (!arena_defer(a, close_stream, new)) {
        close_stream(new);
        return err_set(e, ERR_LIMIT, "no room for a stream");
    }
    *s = new;
    return OK;
}

/* ---- failing --------------------------------------------------------------------- */

static unsigned
status_of(const struct stream *s, enum err_code code)
{
    if (!s->program->facts.is_request)
        return 502;
    return code == ERR_LIMIT ? 413 : 400;
}

/* The record that came last is none, or cannot be read. */
static enum err_code
bad_record(struct stream *s, enum err_code code, const char *text)
{
    struct translation_fault *f = &s->report->fault;
    *f = (struct translation_fault){.status = status_of(s, code),
                                    .limit =
                                        code == ERR_LIMIT ? "bytes_max" : NULL};
    return err_set(&f->err, code, "record %llu: %s", (unsigned long long)s->n,
                   text);
}

/* Nothing is said against the record: there is no memory for it. */
static enum err_code
no_room(struct stream *s)
{
    struct translation_fault *f = &s->report->fault;
    *f = (struct translation_fault){.status = 503, .limit = FAULT_NO_MEMORY};
    return err_set(&f->err, ERR_LIMIT, "record %llu: there is no memory for it",
                   (unsigned long long)s->n);
}

/* What a record's own translation says; its texts end with the record. */
static enum err_code
take_fault(struct stream *s, const struct translation_fault *fault)
{
    struct translation_fault *f = &s->report->fault;
    *f = *fault;
    if (!span_dup(s->arena, fault->pointer, &f->pointer))
        f->pointer = (span){0};
    return err_wrap(&f->err, "record %llu", (unsigned long long)s->n);
}

/* ---- notices --------------------------------------------------------------------- */

static bool
is_alike(const struct translation_notice *a, const struct translation_notice *b)
{
    return a->kind == b->kind && a->line == b->line &&
           span_eq(a->change, b->change) && span_eq(a->file, b->file);
}

/* Counted over all records: there are never more than arrows and kinds. */
static bool
take_notice(struct stream *s, const struct translation_notice *n)
{
    struct reference_report *r = s->report;
    for (size_t i = 0; i < r->n_notices; i++)
        if (is_alike(&r->notices[i], n)) {
            r->notices[i].n += n->n;
            return true;
        }
    if (r->n_notices == r->room_notices) {
        size_t more = r->room_notices ? r->room_notices * 2 : 8;
        void *grown = arena_grow(s->arena, r->notices, r->n_notices, more,
                                 sizeof(*r->notices));
        if (!grown)
            return false;
        r->notices = grown;
        r->room_notices = more;
    }
    struct translation_notice *new = &r->notices[r->n_notices];
    *new = *n;
    if (!span_dup(s->arena, n->pointer, &new->pointer))
        return false;
    r->n_notices++;
    return true;
}

static bool
take_notices(struct stream *s, const struct translation *t)
{
    size_t n = 0;
    const struct translation_notice *all = translation_notices(t, &n);
    for (size_t i = 0; i < n; i++)
        if (!take_notice(s, &all[i]))
            return false;
    return true;
}

/* ---- which version, which program ---------------------------------------------------- */

/* A member by its keys; NULL if the way is missing. */
static struct json *
member(struct json *node, const struct lens_place *place)
{
    for (size_t i = 0; node && i < place->n; i++)
        node = place->steps[i].kind == LENS_KEY
                   ? json_get(node, place->steps[i].key)
                   : NULL;
    return node;
}

/* Where a record says its version; NULL: nowhere. */
static struct json *
says_version(const struct stream *s, struct json *root)
{
    const struct reference_chain *c = &s->program->chain;
    for (size_t i = 0; i < c->sites[c->from].n; i++) {
        const struct lens_site *site = c->sites[c->from].at[i];
        const struct lens_type *type = &c->api->types[site->type];
        struct json *said =
            type->has_version_at
                ? member(member(root, &site->place), &type->version_at)
                : NULL;
        if (said)
            return said;
    }
    return NULL;
}

/*
 * The version of a record, and its text with the version it will have: no arrow
 * leads to or from that place, so it may be written before all else.
 */
static enum err_code
read_version(struct stream *s, span *text, size_t *from)
{
    const struct reference_chain *c = &s->program->chain;
    struct json *root = NULL;
    struct json *said = NULL;
    struct err e;
    *from = c->from;
    if (!s->program->translator->has_version_at)
        return OK;
    /* What is wrong with it is told by its translation, with its place. */
    if (json_parse(s->scratch, *text, s->limits.depth_max, &root, &e) == OK)
        said = says_version(s, root);
    if (!said)
        return OK;
    int version =
        said->kind == JSON_TEXT ? lens_version_of(c->api, said->text) : -1;
    if (version < 0)
        return bad_record(s, ERR_INVALID,
                          "it says a version that there is not");
    *from = (size_t)version;
    struct buf b;
    buf_init(&b, arena_limit(s->scratch));
    bool ok = json_set_text(s->scratch, said, c->api->versions[c->to].label);
    json_print(root, &b);
    ok = ok && !buf_failed(&b) && span_dup(s->scratch, buf_span(&b), text);
    buf_fini(&b);
    return ok ? OK : no_room(s);
}

/* What an event is called where the stream goes. */
static void
find_name(struct stream *s, struct found *f)
{
    span name = f->event.len
                    ? program_event(s->program, f->event, f->from, &f->gone)
                    : (span){0};
    if (!span_eq(name, f->event))
        f->name = name;
}

static enum err_code
find_program(struct stream *s, span event, size_t from, struct found *out)
{
    for (size_t i = 0; i < s->n_found; i++)
        if (s->found[i].from == from && span_eq(s->found[i].event, event)) {
            *out = s->found[i];
            return OK;
        }
    bool keeps = s->n_found < PROGRAMS_MAX;
    struct arena *a = keeps ? s->arena : s->scratch;
    struct found new = {.from = from};
    struct err e;
    if (!span_dup(a, event, &new.event) ||
        program_of_record(s->program, a, new.event, from, &new.program, &e) ==
            PROGRAM_UNSUPPORTED)
        return no_room(s);
    find_name(s, &new);
    if (keeps)
        s->found[s->n_found++] = new;
    *out = new;
    return OK;
}

/* ---- one record -------------------------------------------------------------------- */

/*
 * The data of an event may be any text (`[DONE]`), a message of a WebSocket, too
 * (`ping`); what is no object passes a type untouched, and so does what is not
 * even JSON.
 */
static bool
is_other_text(const struct stream *s, span text)
{
    struct json *root = NULL;
    struct err e;
    text = span_trim(text);
    return (s->program->framing == RECORDS_EVENTS ||
            s->program->framing == RECORDS_MESSAGES) &&
           !span_starts(text, SPAN("{")) &&
           json_parse(s->scratch, text, s->limits.depth_max, &root, &e) != OK;
}

static enum err_code
run_record(struct stream *s, const struct program *p, span text,
           struct translation **t)
{
    struct err e;
    if (translation_open(s->scratch, p, &s->limits, &s->text, t, &e) != OK)
        return no_room(s);
    if (s->report->trace)
        translation_trace(*t, s->report->trace, s->report->trace_arg);
    /* Of the head a record knows the method, which a guard may ask. */
    struct message_head head = {.method = s->program->message.method}, unused;
    enum err_code code =
        program_is_joint(p) ? translation_head(*t, &head, &unused) : OK;
    if (!code)
        code = translation_feed(*t, text);
    return code ? code : translation_end(*t);
}

/* It has no form in the other version and goes, which is told. */
static enum err_code
hide(struct stream *s, const struct record *record,
     const struct translation_fault *f)
{
    struct translation_notice n = {.kind = NOTICE_HIDDEN,
                                   .change = f->change,
                                   .file = f->file,
                                   .line = f->line,
                                   .n = 1};
    records_print_hidden(&s->records, record, s->out);
    return take_notice(s, &n) ? OK : no_room(s);
}

/* Its bytes as they came, but for the version it says. */
static void
pass(struct stream *s, const struct record *record, span text, span name)
{
    if (text.at == record->text.at && name.len == 0)
        buf_add(s->out, record->frame);
    else
        records_print(&s->records, record, text, name, s->out);
}

/* The other version has no such event. */
static enum err_code
hide_event(struct stream *s, const struct record *record,
           const struct lens_event *gone)
{
    const struct translation_fault f = {.change = gone->origin.change->name,
                                        .file = gone->origin.change->file,
                                        .line = gone->origin.line};
    return hide(s, record, &f);
}

static enum err_code
translate(struct stream *s, const struct record *record)
{
    struct found found = {0};
    struct translation *t = NULL;
    span text = record->text;
    size_t from;
    enum err_code code = read_version(s, &text, &from);
    if (!code)
        code = find_program(s, record->event, from, &found);
    if (code)
        return code;
    if (found.gone)
        return hide_event(s, record, found.gone);
    if (!found.program || is_other_text(s, text)) {
        pass(s, record, text, found.name);
        return OK;
    }
    buf_clear(&s->text);
    code = run_record(s, found.program, text, &t);
    if (code && t && translation_fault(t)->hides)
        return hide(s, record, translation_fault(t));
    if (code)
        return t ? take_fault(s, translation_fault(t)) : code;
    if (!take_notices(s, t))
        return no_room(s);
    records_print(&s->records, record, buf_span(&s->text), found.name, s->out);
    return OK;
}

static enum err_code
take_record(struct stream *s, const struct record *record)
{
    enum err_code code = OK;
    if (record->text.len == 0) {
        buf_add(s->out, record->frame);
    } else {
        s->n++;
        code = translate(s, record);
        arena_reset(s->scratch);
    }
    if (!code && buf_failed(s->out))
        code = buf_is_starved(s->out)
                   ? no_room(s)
                   : bad_record(s, ERR_LIMIT,
                                "what is written is more than is taken");
    return code;
}

/* What came next is none, or could not be kept until it is whole. */
static enum err_code
no_record(struct stream *s, const struct err *e)
{
    s->n++;
    return records_are_starved(&s->records) ? no_room(s)
                                            : bad_record(s, e->code, e->text);
}

/* ---- bytes ------------------------------------------------------------------------- */

enum err_code
stream_feed(struct stream *s, span bytes)
{
    struct record record;
    struct err e;
    enum records_step step;
    while ((step = records_next(&s->records, &bytes, &record, &e)) ==
           RECORDS_ONE) {
        enum err_code code = take_record(s, &record);
        if (code)
            return code;
    }
    return step == RECORDS_BAD ? no_record(s, &e) : OK;
}

enum err_code
stream_end(struct stream *s)
{
    struct record record;
    struct err e;
    enum records_step step;
    while ((step = records_end(&s->records, &record, &e)) == RECORDS_ONE) {
        enum err_code code = take_record(s, &record);
        if (code)
            return code;
    }
    return step == RECORDS_BAD ? no_record(s, &e) : OK;
}

size_t
stream_held_bytes(const struct stream *s)
{
    return s->records.held.room + s->records.joined.room + s->text.room;
}
