/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: one message through the door, and what it has to say, in C strings.
 */
#include "translators/libstile/api.h"

#include <stdio.h>

#define BYTES_MAX  ((size_t)64 << 20)
#define MEMORY_MAX ((size_t)1 << 30)

struct stile_translation {
    struct arena *arena;
    struct translation *t; /* NULL: bytes pass */
    const struct program *program;
    struct message message; /* its texts are ours */
    bool has_told_head;
    struct buf out;
    struct stile_fault fault;
    stile_trace_fn trace;
    void *trace_arg;
};

enum stile_code
libstile_code(enum err_code code)
{
    switch (code) {
    case OK:
        return STILE_OK;
    case ERR_LIMIT:
        return STILE_LIMIT;
    case ERR_UNSUPPORTED:
        return STILE_UNSUPPORTED;
    case ERR_NOT_FOUND:
        return STILE_NOT_FOUND;
    case ERR_INVALID:
    case ERR_CONFLICT:
    case ERR_IO:
    case ERR_INTERNAL:
        break;
    }
    return STILE_INVALID;
}

/* ---- opening -------------------------------------------------------------------------- */

static enum stile_code
say(struct stile_error *e, enum stile_code code, const char *text)
{
    if (e) {
        e->code = code;
        (void)snprintf(e->text, sizeof(e->text), "%s", text);
    }
    return code;
}

static enum stile_code
full(struct stile_error *e)
{
    return say(e, STILE_LIMIT, "no room for a translation");
}

/* The message's texts, which the caller may let go. */
static bool
keep_message(struct arena *a, struct message *m)
{
    return span_dup(a, m->method, &m->method) &&
           span_dup(a, m->path, &m->path) && span_dup(a, m->media, &m->media) &&
           span_dup(a, m->to, &m->to) && span_dup(a, m->platform, &m->platform);
}

static enum program_need
find(const struct stile_api *api, struct stile_translation *t,
     const struct stile_message *m, size_t from, size_t to, struct err *e)
{
    t->message = libstile_message(m);
    if (!keep_message(t->arena, &t->message)) {
        err_set(e, ERR_LIMIT, "no room for a translation");
        return PROGRAM_UNSUPPORTED;
    }
    return m->type ? translator_program_of_type(api->translator, t->arena,
                                                span_str(m->type), &t->message,
                                                from, to, &t->program, e)
                   : translator_program(api->translator, t->arena, &t->message,
                                        from, to, &t->program, e);
}

static enum stile_code
begin(const struct stile_api *api, struct stile_translation *t,
      const struct stile_message *m, size_t from, size_t to,
      const struct stile_limits *l, struct stile_error *e)
{
    const struct translation_limits limits = {
        .bytes_max = l->bytes_max ? l->bytes_max : BYTES_MAX,
        .depth_max = l->depth_max,
        .output_ratio = l->output_ratio};
    struct err why = {0};
    buf_init(&t->out, l->memory_max ? l->memory_max : MEMORY_MAX);
    switch (find(api, t, m, from, to, &why)) {
    case PROGRAM_PASS:
        return STILE_OK;
    case PROGRAM_GONE:
        return say(e, STILE_GONE, why.text);
    case PROGRAM_UNKNOWN:
        return say(e, STILE_NO_ROUTE, why.text);
    case PROGRAM_UNMET:
        return say(e, STILE_UNMET, why.text);
    case PROGRAM_UNSUPPORTED:
        return say(e, libstile_code(why.code), why.text);
    case PROGRAM_TRANSLATE:
        break;
    }
    enum err_code code =
        translation_open(t->arena, t->program, &limits, &t->out, &t->t, &why);
    return code ? say(e, libstile_code(code), why.text) : STILE_OK;
}

enum stile_code
stile_translation_open(const struct stile_api *api,
                       const struct stile_message *m, size_t from, size_t to,
                       const struct stile_limits *limits,
                       struct stile_translation **t, struct stile_error *e)
{
    static const struct stile_limits defaults;
    size_t n = api->lens->n_versions;
    *t = NULL;
    limits = limits ? limits : &defaults;
    if (from >= n || to >= n)
        return say(e, STILE_NOT_FOUND, "there is no such version");
    struct arena *a =
        arena_new(limits->memory_max ? limits->memory_max : MEMORY_MAX);
    struct stile_translation *new = a ? arena_alloc(a, sizeof(*new)) : NULL;
    if (!new) {
        arena_free(&a);
        return full(e);
    }
    *new = (struct stile_translation){.arena = a,
                                      .fault = {.text = "",
                                                .pointer = "",
                                                .change = "",
                                                .file = "",
                                                .from = "",
                                                .to = ""}};
    enum stile_code code = begin(api, new, m, from, to, limits, e);
    if (code) {
        stile_translation_free(&new);
        return code;
    }
    *t = new;
    return STILE_OK;
}

void
stile_translation_free(struct stile_translation **t)
{
    if (!*t)
        return;
    struct arena *a = (*t)->arena;
    struct buf out = (*t)->out;
    *t = NULL;
    arena_free(&a);
    buf_fini(&out);
}

bool
stile_translation_passes(const struct stile_translation *t)
{
    return !t->t;
}

bool
stile_translation_has_body(const struct stile_translation *t)
{
    return t->t && program_has_body(t->program);
}

bool
stile_translation_has_head(const struct stile_translation *t)
{
    return t->t && program_has_head(t->program);
}

bool
stile_translation_is_joint(const struct stile_translation *t)
{
    return t->t && program_is_joint(t->program);
}

bool
stile_translation_is_stream(const struct stile_translation *t)
{
    return stile_translation_has_body(t) && program_is_stream(t->program);
}

const char *
stile_translation_body_word(const struct stile_translation *t)
{
    return stile_translation_has_body(t) ? program_body_word(t->program) : "";
}

/* ---- what it has to say ---------------------------------------------------------------- */

/* A fault's texts; without memory for one it is empty. */
static const char *
text_of(struct stile_translation *t, span s)
{
    const char *out = s.len ? arena_str(t->arena, s) : NULL;
    return out ? out : "";
}

static enum stile_code
failed(struct stile_translation *t)
{
    const struct translation_fault *f = translation_fault(t->t);
    t->fault = (struct stile_fault){.code = libstile_code(f->err.code),
                                    .text = text_of(t, span_str(f->err.text)),
                                    .offset = f->err.offset,
                                    .status = f->status,
                                    .pointer = text_of(t, f->pointer),
                                    .change = text_of(t, f->change),
                                    .file = text_of(t, f->file),
                                    .line = f->line,
                                    .from = text_of(t, f->from),
                                    .to = text_of(t, f->to),
                                    .needs_document = f->needs_document};
    return t->fault.code;
}

/* We, not the engine, could not go on. */
static enum stile_code
failed_for_room(struct stile_translation *t)
{
    t->fault.code = STILE_LIMIT;
    t->fault.text = "the output is more than may be held";
    t->fault.status = 413;
    return STILE_LIMIT;
}

const struct stile_fault *
stile_translation_fault(const struct stile_translation *t)
{
    return &t->fault;
}

size_t
stile_translation_n_notices(const struct stile_translation *t)
{
    size_t n = 0;
    if (t->t)
        (void)translation_notices(t->t, &n);
    return n;
}

bool
stile_translation_notice(struct stile_translation *t, size_t i,
                         struct stile_notice *out)
{
    size_t n = 0;
    const struct translation_notice *all =
        t->t ? translation_notices(t->t, &n) : NULL;
    if (i >= n)
        return false;
    *out = (struct stile_notice){.kind = notice_word(all[i].kind),
                                 .change = arena_str(t->arena, all[i].change),
                                 .file = arena_str(t->arena, all[i].file),
                                 .line = all[i].line,
                                 .pointer = arena_str(t->arena, all[i].pointer),
                                 .n = all[i].n};
    return out->change && out->file && out->pointer;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static bool
is_read(const struct stile_translation *t)
{
    return stile_translation_has_body(t) || stile_translation_is_joint(t);
}

/* A joint translation needs a head: if none was told, what the message said. */
static enum stile_code
be_told_head(struct stile_translation *t)
{
    struct message_head head = {.method = t->message.method,
                                .path = t->message.path,
                                .status = t->message.status};
    if (t->has_told_head || !stile_translation_is_joint(t))
        return STILE_OK;
    t->has_told_head = true;
    return translation_head(t->t, &head, &head) ? failed(t) : STILE_OK;
}

enum stile_code
stile_translation_feed(struct stile_translation *t, const void *bytes,
                       size_t len)
{
    if (t->fault.code)
        return t->fault.code;
    if (len == 0)
        return STILE_OK;
    if (!is_read(t))
        buf_add(&t->out, span_of(bytes, len));
    else if (be_told_head(t))
        return t->fault.code;
    else if (translation_feed(t->t, span_of(bytes, len)) != OK)
        return failed(t);
    return buf_failed(&t->out) ? failed_for_room(t) : STILE_OK;
}

enum stile_code
stile_translation_end(struct stile_translation *t)
{
    if (t->fault.code)
        return t->fault.code;
    if (be_told_head(t))
        return t->fault.code;
    if (is_read(t) && translation_end(t->t) != OK)
        return failed(t);
    return buf_failed(&t->out) ? failed_for_room(t) : STILE_OK;
}

const char *
stile_translation_output(const struct stile_translation *t, size_t *len)
{
    span out = buf_span(&t->out);
    *len = out.len;
    return out.at ? out.at : "";
}

void
stile_translation_taken(struct stile_translation *t, size_t n)
{
    size_t len = buf_len(&t->out);
    buf_consume(&t->out, n < len ? n : len);
}

/* ---- heads ------------------------------------------------------------------------------- */

static bool
give_fields(struct stile_translation *t, const struct message_head *from,
            struct stile_head *out)
{
    struct stile_field *fields =
        arena_array(t->arena, from->n_fields + 1, sizeof(*fields));
    if (!fields)
        return false;
    for (size_t i = 0; i < from->n_fields; i++) {
        fields[i].name = arena_str(t->arena, from->fields[i].name);
        fields[i].value = arena_str(t->arena, from->fields[i].value);
        if (!fields[i].name || !fields[i].value)
            return false;
    }
    out->fields = fields;
    out->n_fields = from->n_fields;
    return true;
}

static bool
take_fields(struct stile_translation *t, const struct stile_head *from,
            struct message_head *out)
{
    struct head_field *fields =
        arena_array(t->arena, from->n_fields + 1, sizeof(*fields));
    if (!fields)
        return false;
    for (size_t i = 0; i < from->n_fields; i++)
        if (!span_dup(t->arena, span_str(from->fields[i].name),
                      &fields[i].name) ||
            !span_dup(t->arena, span_str(from->fields[i].value),
                      &fields[i].value))
            return false;
    out->fields = fields;
    out->n_fields = from->n_fields;
    return true;
}

static enum stile_code
give_head(struct stile_translation *t, const struct message_head *from,
          struct stile_head *out)
{
    *out = (struct stile_head){.status = from->status,
                               .method = arena_str(t->arena, from->method),
                               .path = arena_str(t->arena, from->path)};
    if (from->has_query)
        out->query = arena_str(t->arena, from->query);
    bool ok = out->method && out->path && (out->query || !from->has_query);
    return ok && give_fields(t, from, out) ? STILE_OK : failed_for_room(t);
}

static bool
take_head(struct stile_translation *t, const struct stile_head *from,
          struct message_head *out)
{
    struct message_head is = {
        .method = from->method ? span_str(from->method) : t->message.method,
        .path = from->path ? span_str(from->path) : t->message.path,
        .has_query = from->query != NULL,
        .status = from->status};
    span query = from->query ? span_str(from->query) : (span){0};
    *out = is;
    return span_dup(t->arena, is.method, &out->method) &&
           span_dup(t->arena, is.path, &out->path) &&
           span_dup(t->arena, query, &out->query) && take_fields(t, from, out);
}

enum stile_code
stile_translation_head(struct stile_translation *t, const struct stile_head *in,
                       struct stile_head *out)
{
    struct message_head was, is;
    *out = *in;
    if (t->fault.code || !stile_translation_has_head(t))
        return t->fault.code;
    t->has_told_head = true;
    if (!take_head(t, in, &was))
        return failed_for_room(t);
    if (translation_head(t->t, &was, &is) != OK)
        return failed(t);
    return give_head(t, &is, out);
}

enum stile_code
stile_translation_new_head(struct stile_translation *t, struct stile_head *out)
{
    struct message_head is;
    *out = (struct stile_head){0};
    if (t->fault.code || !stile_translation_is_joint(t))
        return t->fault.code;
    translation_new_head(t->t, &is);
    return give_head(t, &is, out);
}

/* ---- steps -------------------------------------------------------------------------------- */

static bool
copy_touches(struct arena *a, const struct translation_step *step,
             struct stile_step *out)
{
    struct stile_touch *all = arena_array(a, step->n_touches + 1, sizeof(*all));
    if (!all)
        return false;
    for (size_t i = 0; i < step->n_touches; i++) {
        const struct translation_touch *t = &step->touches[i];
        all[i] = (struct stile_touch){.what = t->what,
                                      .place = arena_str(a, t->place),
                                      .change = arena_str(a, t->change),
                                      .file = arena_str(a, t->file),
                                      .line = t->line,
                                      .n = t->n};
        if (!all[i].place || !all[i].change || !all[i].file)
            return false;
    }
    out->touches = all;
    out->n_touches = step->n_touches;
    return true;
}

/* Without memory for a step it is not told. */
static void
tell_step(void *arg, const struct translation_step *step)
{
    struct stile_translation *t = arg;
    struct arena *a = arena_new(arena_limit(t->arena));
    struct stile_step out = {.document_len = step->document.len};
    if (!a)
        return;
    out.from = arena_str(a, step->from);
    out.to = arena_str(a, step->to);
    out.document = arena_str(a, step->document);
    if (out.from && out.to && out.document && copy_touches(a, step, &out))
        t->trace(t->trace_arg, &out);
    arena_free(&a);
}

void
stile_translation_trace(struct stile_translation *t, stile_trace_fn fn,
                        void *arg)
{
    t->trace = fn;
    t->trace_arg = arg;
    if (t->t)
        translation_trace(t->t, fn ? tell_step : NULL, t);
}
