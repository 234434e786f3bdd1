/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/head.h"

#include "proxy/base/utf8.h"

/* A parameter of a raw query: "a=b" between two `&`. */
struct parameter {
    span raw;
    span name; /* raw, as `value` */
    span value;
    bool has_value; /* there is a `=` */
};

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent codes and `+`; a broken code stands for itself. Not text: empty. */
static bool
decode(struct arena *a, span s, span *out)
{
    char *text = arena_alloc(a, s.len + 1);
    size_t len = 0;
    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '+')
            c = ' ';
        else if (c == '%' && i + 2 < s.len && hex(s.at[i + 1]) >= 0 &&
                 hex(s.at[i + 2]) >= 0) {
            c = (char)(hex(s.at[i + 1]) * 16 + hex(s.at[i + 2]));
            i += 2;
        }
        text[len++] = c;
    }
    *out = span_of(text, len);
    if (utf8_good(*out) != len)
        out->len = 0;
    return true;
}

static void
encode(struct buf *b, span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z') || (c && strchr("-._~,:/@*", c));
        if (plain)
            buf_byte(b, c);
        else
            buf_fmt(b, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static bool
split_query(struct arena *a, span query, struct parameter **out,
            struct reference_field **fields, size_t *n)
{
    size_t room = 1;
    for (size_t i = 0; i < query.len; i++)
        room += query.at[i] == '&';
    *out = arena_array(a, room, sizeof(**out));
    *fields = arena_array(a, room, sizeof(**fields));
    if (!*out || !*fields)
        return false;
    *n = 0;
    while (query.len) {
        struct parameter *p = &(*out)[*n];
        struct reference_field *f = &(*fields)[*n];
        p->raw = p->value = span_cut(&query, '&');
        p->has_value = span_find(p->raw, '=') >= 0;
        p->name = span_cut(&p->value, '=');
        f->tag = (*n)++;
        if (!decode(a, p->name, &f->name) || !decode(a, p->value, &f->value))
            return false;
    }
    return true;
}

/* One parameter of the new query: its old bytes where they still say it. */
static void
put_parameter(struct buf *b, const struct reference_field *f,
              const struct parameter *was, const struct reference_field *said)
{
    bool same_name = was && span_eq(f->name, said->name);
    bool same_value = was && span_eq(f->value, said->value);
    if (buf_len(b))
        buf_byte(b, '&');
    if (same_name && same_value) {
        buf_add(b, was->raw);
        return;
    }
    if (same_name)
        buf_add(b, was->name);
    else
        encode(b, f->name);
    if (same_value && !was->has_value)
        return;
    buf_byte(b, '=');
    if (same_value)
        buf_add(b, was->value);
    else
        encode(b, f->value);
}

static bool
is_unchanged(const struct reference_field *now, size_t n,
             const struct reference_field *was, size_t n_was)
{
    if (n != n_was)
        return false;
    for (size_t i = 0; i < n; i++)
        if (now[i].tag != i || !span_eq(now[i].name, was[i].name) ||
            !span_eq(now[i].value, was[i].value))
            return false;
    return true;
}

static bool
join_query(struct arena *a, const struct reference_head *now,
           const struct reference_head *was, const struct parameter *raw,
           struct message_head *out)
{
    struct buf b;
    if (is_unchanged(now->query, now->n_query, was->query, was->n_query))
        return true;
    buf_init(&b, arena_limit(a));
    for (size_t i = 0; i < now->n_query; i++) {
        size_t tag = now->query[i].tag;
        bool old = tag != SIZE_MAX;
        put_parameter(&b, &now->query[i], old ? &raw[tag] : NULL,
                      old ? &was->query[tag] : NULL);
    }
    bool ok = !buf_failed(&b) && span_dup(a, buf_span(&b), &out->query);
    out->has_query = now->n_query > 0;
    buf_fini(&b);
    return ok;
}

static bool
lower(struct arena *a, span s, span *out)
{
    char *text = arena_alloc(a, s.len + 1);
    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    *out = span_of(text, s.len);
    return true;
}

static bool
split_fields(struct arena *a, const struct message_head *in,
             struct reference_field **out)
{
    *out = arena_array(a, in->n_fields, sizeof(**out));
    if (!*out)
        return false;
    for (size_t i = 0; i < in->n_fields; i++) {
        struct reference_field *f = &(*out)[i];
        f->tag = i;
        f->value = in->fields[i].value;
        if (utf8_good(f->value) != f->value.len)
            f->value = (span){0}; /* no text: no arrow reads it */
        if (!lower(a, in->fields[i].name, &f->name))
            return false;
    }
    return true;
}

/* A value that was made goes into a line of a head: nothing may end that line. */
static bool
is_line(span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum err_code
bad_line(const struct reference_facts *facts, const struct reference_field *f,
         struct reference_report *report)
{
    report->fault.status = facts->is_request ? 422 : 502;
    return err_set(&report->fault.err, ERR_INVALID,
                   "the header %.*s would hold a control character",
                   SPAN_FMT(f->name));
}

static enum err_code
full(const struct reference_facts *facts, struct reference_report *report)
{
    report->fault.status = facts->is_request ? 500 : 502;
    return err_set(&report->fault.err, ERR_LIMIT, "no room for a head");
}

static enum err_code
join_fields(struct arena *a, const struct reference_facts *facts,
            const struct reference_head *now, const struct reference_head *was,
            const struct message_head *in, struct message_head *out,
            struct reference_report *report)
{
    struct head_field *fields = arena_array(a, now->n_header, sizeof(*fields));
    if (!fields)
        return full(facts, report);
    for (size_t i = 0; i < now->n_header; i++) {
        const struct reference_field *f = &now->header[i];
        bool old = f->tag != SIZE_MAX;
        fields[i] = (struct head_field){f->name, f->value};
        if (old && span_eq(f->name, was->header[f->tag].name))
            fields[i].name = in->fields[f->tag].name;
        if (old && span_eq(f->value, was->header[f->tag].value))
            fields[i].value = in->fields[f->tag].value;
        else if (!is_line(f->value))
            return bad_line(facts, f, report);
    }
    out->fields = fields;
    out->n_fields = now->n_header;
    return OK;
}

enum err_code
head_translate(struct arena *a, const struct program *p,
               const struct reference_facts *facts,
               const struct message_head *in, span body,
               struct message_head *out, struct buf *body_out,
               struct reference_report *report)
{
    struct reference_head was = {
        .method = in->method, .path = in->path, .n_header = in->n_fields};
    struct reference_head now;
    struct parameter *raw = NULL;
    *out = *in;
    if (!p->has_head)
        return OK;
    was.status = facts->is_request ? 0 : in->status;
    if (!split_query(a, in->has_query ? in->query : (span){0}, &raw, &was.query,
                     &was.n_query) ||
        !split_fields(a, in, &was.header))
        return full(facts, report);
    enum err_code code = reference_message(a, &p->chain, facts, &was, body,
                                           &now, body_out, report);
    if (code != OK)
        return code;
    out->status = facts->is_request ? in->status : now.status;
    out->method = now.method;
    out->path = now.path;
    if (!join_query(a, &now, &was, raw, out))
        return full(facts, report);
    return join_fields(a, facts, &now, &was, in, out, report);
}

enum err_code
head_set_content(struct arena *a, bool has, struct message_head *head,
                 struct reference_report *report)
{
    struct head_field *fields =
        arena_array(a, head->n_fields + 1, sizeof(*fields));
    size_t n = 0;
    bool named = false;
    if (!fields) {
        report->fault.status = 500;
        return err_set(&report->fault.err, ERR_LIMIT, "no room for a head");
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        bool is_type =
            span_eq_nocase(head->fields[i].name, SPAN("content-type"));
        named = named || is_type;
        if (has || !is_type)
            fields[n++] = head->fields[i];
    }
    if (has && !named)
        fields[n++] =
            (struct head_field){SPAN("Content-Type"), SPAN("application/json")};
    head->fields = fields;
    head->n_fields = n;
    return OK;
}
