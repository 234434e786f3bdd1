/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/problem.h"

#include "proxy/http/date.h"
#include "proxy/server/exchange.h"
#include "proxy/server/forward.h"
#include "proxy/server/worker.h"

#define BODY_MAX ((size_t)32 * 1024)
#define TEXT_MAX ((size_t)2048)

struct problem_doc
problem_plain(unsigned status, const char *detail)
{
    return (struct problem_doc){.status = status, .detail = span_str(detail)};
}

/* Of what stands in a text as it is, the first so many bytes. */
static size_t
plain_len(span s)
{
    size_t n = 0;

    while (n < s.len && s.at[n] >= 0x20 && s.at[n] < 0x7f && s.at[n] != '"' &&
           s.at[n] != '\\')
        n++;
    return n;
}

static void
escaped(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        buf_byte(b, '\\');
        buf_byte(b, (char)c);
        return;
    }
    /* What a client sent need not be UTF-8: bytes become Latin-1. */
    buf_str(b, "\\u00");
    buf_byte(b, hex[c >> 4]);
    buf_byte(b, hex[c & 15]);
}

static void
text(struct buf *b, span s)
{
    buf_byte(b, '"');
    for (s = span_take(s, TEXT_MAX); s.len;) { /* ends: each turn takes some */
        size_t n = plain_len(s);

        buf_add(b, span_take(s, n));
        if (n < s.len)
            escaped(b, (unsigned char)s.at[n++]);
        s = span_skip(s, n);
    }
    buf_byte(b, '"');
}

static void
member(struct buf *b, const char *name, span value)
{
    if (value.len == 0)
        return;
    buf_str(b, ",\"");
    buf_str(b, name);
    buf_str(b, "\":");
    text(b, value);
}

static void
versions(struct buf *b, span list)
{
    const char *comma = "";

    if (list.len == 0)
        return;
    buf_str(b, ",\"versions\":[");
    while (list.len) {
        buf_str(b, comma);
        text(b, span_trim(span_cut(&list, ',')));
        comma = ",";
    }
    buf_byte(b, ']');
}

/* Its beginning; the request's own end is in end_document. */
static void
begin_document(struct buf *b, const struct problem_doc *p)
{
    span title = http_reason((int)p->status);

    buf_str(b, "{\"type\":\"");
    buf_str(b, p->type ? "urn:stile:problem:" : "about:blank");
    buf_str(b, p->type ? p->type : "");
    buf_str(b, "\",\"title\":");
    text(b, title.len ? title : SPAN("Error"));
    buf_str(b, ",\"status\":");
    buf_u64(b, p->status);
    member(b, "detail", p->detail);
    member(b, "pointer", p->pointer);
    member(b, "change", p->change);
    member(b, "file", p->file);
    if (p->line)
        buf_fmt(b, ",\"line\":%u", p->line);
    member(b, "from", p->from);
    member(b, "to", p->to);
    versions(b, p->versions);
}

/* The whole; what an id may hold needs no escape. Null: the arena is full. */
static span
end_document(const struct exchange *x, span begun)
{
    const span member = SPAN(",\"request_id\":\""), end = SPAN("\"}\n");
    span parts[] = {begun, member, x->id, end};
    size_t len = 0;

    if (x->id.len == 0) {
        parts[1] = (span){0};
        parts[3] = span_skip(end, 1);
    }
    for (size_t i = 0; i < COUNT(parts); i++)
        len += parts[i].len;
    char *at = arena_alloc(x->arena, len);
    if (!at)
        return (span){0};
    for (size_t i = 0, n = 0; i < COUNT(parts); n += parts[i++].len)
        if (parts[i].len)
            memcpy(at + n, parts[i].at, parts[i].len);
    return span_of(at, len);
}

static bool
fill_head(struct arena *a, const struct problem_doc *p, struct http_head *head)
{
    if (head_add(head, SPAN("Content-Type"),
                 SPAN("application/problem+json")) != OK ||
        head_add(head, SPAN("Cache-Control"), SPAN("no-store")) != OK)
        return false;
    if (p->link.len && head_add(head, SPAN("Link"), p->link) != OK)
        return false;
    if (p->allow.len && head_add(head, SPAN("Allow"), p->allow) != OK)
        return false;
    if (p->retry_after_s == 0)
        return true;
    return head_add(head, SPAN("Retry-After"),
                    arena_fmt(a, "%u", p->retry_after_s)) == OK;
}

/* All of an answer but when it is given, and to which request. */
struct problem_form {
    struct problem_form *next;
    const char *type;
    span detail;
    struct http_head head;
    span body;
};

static bool
make_form(struct arena *a, const struct problem_doc *p, struct problem_form *f)
{
    struct buf b;

    *f = (struct problem_form){.type = p->type, .detail = p->detail};
    buf_init(&b, BODY_MAX);
    begin_document(&b, p);
    bool ok = !buf_failed(&b) && span_dup(a, buf_span(&b), &f->body);
    buf_fini(&b);
    head_init_answer(&f->head, a, (int)p->status, 0);
    return ok && fill_head(a, p, &f->head);
}

/* What a worker says again and again is made once. NULL: no room for it. */
static const struct problem_form *
form_of(struct worker *w, const struct problem_doc *p)
{
    struct problem_form *f = w->forms;

    while (f && !(f->type == p->type && f->detail.at == p->detail.at))
        f = f->next;
    if (f)
        return f;
    f = arena_alloc(w->arena, sizeof(*f));
    if (!f || !make_form(w->arena, p, f))
        return NULL;
    f->next = w->forms;
    w->forms = f;
    return f;
}

/* The fields of the form are its own: what is added goes to the exchange's arena. */
static bool
fill_in(struct exchange *x, const struct problem_form *f,
        struct http_head *head, span *body)
{
    char date[DATE_LEN];

    *body = end_document(x, f->body);
    *head = f->head;
    head->length = body->len;
    head->fields.arena = x->arena;
    head->fields.room = head->fields.n;
    date_write((int64_t)(loop_wall_ms() / 1000), date);
    return body->at &&
           head_add(head, SPAN("Date"), span_of(date, DATE_LEN)) == OK;
}

bool
problem_write(struct exchange *x, const struct problem_doc *p,
              struct http_head *head, span *body)
{
    struct problem_form own;
    const struct problem_form *f =
        p->is_frequent ? form_of(x->worker, p) : &own;

    if (f == &own && !make_form(x->arena, p, &own))
        return false;
    return f && fill_in(x, f, head, body);
}
