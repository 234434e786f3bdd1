/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/problem.h"

#include "proxy/http/date.h"
#include "proxy/server/exchange.h"
#include "proxy/server/forward.h"

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

static void
document(struct buf *b, const struct exchange *x, const struct problem_doc *p)
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
    member(b, "request_id", x->id);
    buf_str(b, "}\n");
}

static bool
fill_head(struct exchange *x, const struct problem_doc *p,
          struct http_head *head)
{
    char date[DATE_LEN];

    date_write((int64_t)(loop_wall_ms() / 1000), date);
    if (head_add(head, SPAN("Content-Type"),
                 SPAN("application/problem+json")) != OK ||
        head_add(head, SPAN("Date"), span_of(date, DATE_LEN)) != OK ||
        head_add(head, SPAN("Cache-Control"), SPAN("no-store")) != OK)
        return false;
    if (p->link.len && head_add(head, SPAN("Link"), p->link) != OK)
        return false;
    if (p->allow.len && head_add(head, SPAN("Allow"), p->allow) != OK)
        return false;
    if (p->retry_after_s == 0)
        return true;
    return head_add(head, SPAN("Retry-After"),
                    arena_fmt(x->arena, "%u", p->retry_after_s)) == OK;
}

bool
problem_write(struct exchange *x, const struct problem_doc *p,
              struct http_head *head, span *body)
{
    struct buf b;
    bool ok;

    buf_init(&b, BODY_MAX);
    document(&b, x, p);
    ok = !buf_failed(&b) && span_dup(x->arena, buf_span(&b), body);
    buf_fini(&b);
    if (!ok)
        return false;
    head_init_answer(head, x->arena, (int)p->status, body->len);
    return fill_head(x, p, head);
}
