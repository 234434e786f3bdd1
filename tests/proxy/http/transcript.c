/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/transcript.h"

#include "tests/test.h"

#include <assert.h>

void
transcript_fields(struct buf *out, const struct fields *f)
{
    buf_str(out, "[");
    for (size_t i = 0; i < f->n; i++)
        buf_fmt(out, "%s%.*s: %.*s", i ? "; " : "", SPAN_FMT(f->at[i].spelled),
                SPAN_FMT(f->at[i].value));
    buf_str(out, "]");
}

static void
put_body(struct buf *out, const struct http_head *h)
{
    static const char *const bodies[] = {"none", "sized", "chunked",
                                         "until-close"};

    buf_fmt(out, " %s", bodies[h->body]);
    if (h->has_length)
        buf_fmt(out, " %llu", (unsigned long long)h->length);
    buf_str(out, h->keep_alive ? "" : " close");
    if (h->upgrade.len)
        buf_fmt(out, " upgrade=%.*s", SPAN_FMT(h->upgrade));
    buf_str(out, " ");
    transcript_fields(out, &h->fields);
}

void
transcript_head(struct buf *out, const struct http_head *h)
{
    if (h->status) {
        buf_fmt(out, "%d", h->status);
        put_body(out, h);
        return;
    }
    buf_fmt(out, "%.*s %.*s", SPAN_FMT(h->method_token), SPAN_FMT(h->path));
    if (h->has_query)
        buf_fmt(out, "?%.*s", SPAN_FMT(h->query));
    buf_fmt(out, " host=%.*s", SPAN_FMT(h->host));
    if (h->port)
        buf_fmt(out, ":%u", h->port);
    if (h->version == HTTP_1_0)
        buf_str(out, " 1.0");
    if (h->expects_continue)
        buf_str(out, " expects");
    if (h->takes_trailers)
        buf_str(out, " te");
    put_body(out, h);
}

struct run {
    const struct transcript *how;
    struct h1 parser;
    struct arena *arena;
    struct buf out;
    bool in_body, ended;
};

static void
sep(struct run *r)
{
    if (buf_len(&r->out))
        buf_str(&r->out, " | ");
    r->in_body = false;
}

/* False when there is nothing more to be had. */
static bool
put_event(struct run *r, enum h1_event event, const struct h1_out *o)
{
    if (event != H1_BODY)
        sep(r);
    switch (event) {
    case H1_MORE:
        break;
    case H1_INTERIM:
        buf_str(&r->out, "interim ");
        transcript_head(&r->out, o->head);
        return true;
    case H1_HEAD:
        transcript_head(&r->out, o->head);
        return true;
    case H1_BODY:
        assert(o->body.len);
        if (!r->in_body) {
            sep(r);
            buf_str(&r->out, "body ");
        }
        r->in_body = true;
        buf_add(&r->out, o->body);
        return true;
    case H1_TRAILERS:
        buf_str(&r->out, "trailers ");
        transcript_fields(&r->out, o->trailers);
        return true;
    case H1_END:
        buf_str(&r->out, "end");
        return true;
    case H1_ERROR:
        buf_str(&r->out, fault_name(o->fault));
        return false;
    }
    return false;
}

static void
begin(struct run *r)
{
    h1_begin(&r->parser, r->arena);
    if (r->how->role == H1_ANSWERS)
        h1_expect(&r->parser, r->how->asked ? r->how->asked : METHOD_GET,
                  r->how->switch_asked);
}

/* False at a fault. Each read is a copy of its own, so that ASan sees what outlives it. */
static bool
feed(struct run *r, span bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    span in = span_of(copy, bytes.len);
    struct h1_out o;
    bool going = true;

    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    while (going) {
        if (r->ended && in.len == 0)
            break;
        if (r->ended)
            begin(r);
        r->ended = false;
        enum h1_event event = h1_next(&r->parser, &in, &o);
        if (event == H1_MORE)
            break;
        r->ended = event == H1_END;
        going = put_event(r, event, &o);
    }
    free(copy);
    return going;
}

static bool
feed_all(struct run *r, span bytes)
{
    size_t first = r->how->step ? r->how->step : r->how->cut;
    size_t then = r->how->step ? r->how->step : bytes.len;

    for (size_t n = first ? first : bytes.len; bytes.len; n = then) {
        if (!feed(r, span_take(bytes, n)))
            return false;
        bytes = span_skip(bytes, n < bytes.len ? n : bytes.len);
    }
    return feed(r, bytes); /* what has no bytes to wait for */
}

span
transcript(struct arena *a, const struct transcript *how, span bytes)
{
    struct run r = {.how = how, .arena = a};
    const struct h1_limits *limits =
        how->role == H1_REQUESTS ? &h1_limits_request : &h1_limits_answer;
    struct h1_out o;
    span out;

    buf_init(&r.out, 1 << 20);
    h1_init(&r.parser, how->role, how->limits ? how->limits : limits);
    begin(&r);
    if (feed_all(&r, bytes) && how->eof && !r.ended)
        put_event(&r, h1_eof(&r.parser, &o), &o);
    if (!span_dup(a, buf_span(&r.out), &out))
        abort();
    buf_fini(&r.out);
    h1_fini(&r.parser);
    return out;
}

static void
check_case(struct arena *a, struct transcript how, span bytes, const char *says)
{
    assert_span(transcript(a, &how, bytes), says);
    how.step = 1;
    assert_span(transcript(a, &how, bytes), says);
    how.step = 0;
    for (how.cut = 1; how.cut < bytes.len; how.cut++) {
        span cut = transcript(a, &how, bytes);
        if (!span_is(cut, says))
            print_error("cut at %zu of \"%.*s\"\n", how.cut, SPAN_FMT(bytes));
        assert_span(cut, says);
        arena_reset(a);
    }
}

static span
with_nuls(struct arena *a, const char *text)
{
    char *copy = arena_str(a, span_str(text));
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (copy[i] == '\xfe')
            copy[i] = 0;
    return span_of(copy, len);
}

void
check_cases(const struct transcript *how, const struct h1_case *cases, size_t n)
{
    struct arena *a = arena_new((size_t)64 << 20),
                 *keep = arena_new((size_t)1 << 20);

    for (size_t i = 0; i < n; i++) {
        const struct h1_case *c = &cases[i];
        span bytes = with_nuls(keep, c->bytes);
        check_case(a, *how, bytes, c->says);
        arena_reset(a);
    }
    arena_free(&a);
    arena_free(&keep);
}
