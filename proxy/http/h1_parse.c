/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h1_parse.h"

#include "proxy/http/chars.h"
#include "proxy/http/fields_raw.h"
#include "proxy/http/framing.h"
#include "proxy/http/target.h"

/* Fields the proxy is likely to add itself: forwarded, via, a request id, ... */
#define FIELDS_SPARE 8

static enum fault
read_version(span s, enum http_version *out)
{
    if (span_eq(s, SPAN("HTTP/1.1"))) {
        *out = HTTP_1_1;
        return FAULT_NONE;
    }
    if (span_eq(s, SPAN("HTTP/1.0"))) {
        *out = HTTP_1_0;
        return FAULT_NONE;
    }
    if (s.len == 8 && span_starts(s, SPAN("HTTP/")) &&
        char_is(s.at[5], CHAR_DIGIT) && s.at[6] == '.' &&
        char_is(s.at[7], CHAR_DIGIT))
        return FAULT_VERSION;
    return FAULT_START_LINE;
}

static enum fault
read_method(span token, struct http_head *h)
{
    if (token.len > METHOD_LEN_MAX)
        return FAULT_METHOD_LONG;
    h->method = method_of(token);
    h->method_token = token;
    if (h->method == METHOD_CONNECT || h->method == METHOD_TRACE)
        return FAULT_METHOD_REFUSED;
    return h->method != METHOD_OTHER || method_is_valid(token) ? FAULT_NONE
                                                               : FAULT_METHOD;
}

/* "http://authority/path": what comes before the path goes into the head. */
static enum fault
read_absolute(span *target, struct http_head *h)
{
    span rest = *target;
    span scheme = span_cut(&rest, ':');
    span host;
    uint16_t port;

    if (!span_starts(rest, SPAN("//")))
        return FAULT_TARGET;
    if (span_eq_nocase(scheme, SPAN("http")))
        h->scheme = SPAN("http");
    else if (span_eq_nocase(scheme, SPAN("https")))
        h->scheme = SPAN("https");
    else
        return FAULT_TARGET;

    rest = span_skip(rest, 2);
    size_t n = 0;
    while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
        n++;
    h->authority = span_take(rest, n);
    *target = span_skip(rest, n);
    return authority_split(h->authority, &host, &port) ? FAULT_NONE
                                                       : FAULT_TARGET;
}

static enum fault
read_target(span target, struct http_head *h)
{
    if (span_eq(target, SPAN("*"))) {
        h->path = target;
        return h->method == METHOD_OPTIONS ? FAULT_NONE : FAULT_TARGET;
    }
    if (target.len && target.at[0] != '/') {
        enum fault fault = read_absolute(&target, h);
        if (fault)
            return fault;
    }
    /* RFC 9112 §3.2.4: an absolute target without a path is "*" for OPTIONS. */
    if (h->authority.len && target.len == 0) {
        h->path = h->method == METHOD_OPTIONS ? SPAN("*") : SPAN("/");
        return FAULT_NONE;
    }
    if (h->authority.len && target.at[0] == '?') {
        h->path = SPAN("/");
        h->has_query = true;
        h->query = span_skip(target, 1);
        return query_is_valid(h->query) ? FAULT_NONE : FAULT_TARGET;
    }
    return target_split(target, &h->path, &h->query, &h->has_query)
               ? FAULT_NONE
               : FAULT_TARGET;
}

enum fault
h1_parse_request_line(span line, struct http_head *h)
{
    span rest = line;
    span method = span_cut(&rest, ' ');
    enum fault fault = read_method(method, h);

    if (fault)
        return fault;
    span target = span_cut(&rest, ' ');
    fault = read_version(rest, &h->version);
    return fault ? fault : read_target(target, h);
}

enum fault
h1_parse_status_line(span line, struct http_head *h)
{
    span rest = line;
    enum fault fault = read_version(span_cut(&rest, ' '), &h->version);

    if (fault)
        return fault;
    span digits = span_cut(&rest, ' ');
    if (digits.len != 3 || !chars_all(digits, CHAR_DIGIT))
        return FAULT_STATUS;
    h->status = (digits.at[0] - '0') * 100 + (digits.at[1] - '0') * 10 +
                (digits.at[2] - '0');
    if (h->status < 100 || h->status > 599)
        return FAULT_STATUS;
    return chars_are_value(rest) ? FAULT_NONE : FAULT_START_LINE;
}

static span
trim(span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_skip(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static enum fault
read_field(struct arena *a, span line, struct field *out)
{
    size_t n = chars_run(line, CHAR_TOKEN);

    if (n == 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
        return FAULT_FIELD_FOLDED;
    if (n == 0 || n == line.len || line.at[n] != ':')
        return FAULT_FIELD_NAME;
    if (!field_name(a, span_take(line, n), out))
        return FAULT_NO_ROOM;
    if (out->id == FIELD_OTHER && field_is_disguised(out->name))
        return FAULT_FIELD_UNDERSCORE;
    out->value = trim(span_skip(line, n + 1));
    return chars_are_value(out->value) ? FAULT_NONE : FAULT_FIELD_VALUE;
}

/* One line without its CR LF off the front; false if it is the empty one. */
static bool
next_line(span *block, span *line)
{
    *line = span_cut(block, '\n');
    line->len--;
    return line->len > 0;
}

static enum fault
read_fields(struct arena *a, span block, struct fields *fields,
            struct fields *hops)
{
    struct field field;
    span line;

    while (next_line(&block, &line)) {
        enum fault fault = read_field(a, line, &field);
        if (fault)
            return fault;
        if (!fields_push(field_is(field.id) & FIELD_HOP ? hops : fields,
                         &field))
            return FAULT_NO_ROOM;
    }
    return FAULT_NONE;
}

static enum fault
finish_head(struct http_head *h, const struct fields *hops, size_t names_max,
            enum h1_role role, enum method asked)
{
    if (role == H1_ANSWERS)
        return framing_answer(h, hops, names_max, asked);
    if (h->authority.len) {
        enum fault fault = framing_authority(h, h->authority);
        if (fault)
            return fault;
    }
    return framing_request(h, hops, names_max);
}

enum fault
h1_parse_head(struct arena *a, const struct h1_limits *limits,
              enum h1_role role, enum method asked, span block, size_t lines_n,
              struct http_head **out)
{
    struct http_head *h = arena_alloc(a, sizeof(*h));
    struct fields hops;
    span line;

    if (!h || !span_dup(a, block, &block))
        return FAULT_NO_ROOM;
    head_init(h, a);
    fields_init(&hops, a);
    if (!fields_reserve(&h->fields, lines_n + FIELDS_SPARE))
        return FAULT_NO_ROOM;

    next_line(&block, &line);
    enum fault fault = role == H1_REQUESTS ? h1_parse_request_line(line, h)
                                           : h1_parse_status_line(line, h);
    if (!fault)
        fault = read_fields(a, block, &h->fields, &hops);
    if (!fault)
        fault = finish_head(h, &hops, limits->connection_names, role, asked);
    *out = h;
    return fault;
}

enum fault
h1_parse_trailers(struct arena *a, span block, size_t lines_n,
                  struct fields **out)
{
    struct fields *f = arena_alloc(a, sizeof(*f));
    struct fields hops;

    if (!f || !span_dup(a, block, &block))
        return FAULT_NO_ROOM;
    fields_init(f, a);
    fields_init(&hops, a);
    if (!fields_reserve(f, lines_n))
        return FAULT_NO_ROOM;

    enum fault fault = read_fields(a, block, f, &hops);
    if (fault)
        return fault;
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!field_is_no_trailer(&f->at[i]))
            f->at[kept++] = f->at[i];
    f->n = kept;
    *out = f;
    return FAULT_NONE;
}
