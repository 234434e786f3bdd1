/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_fuzz: what h1_request and h1_answer have in common. The first byte of the
 * input says how the rest is cut; the events of the cut and of the whole must be
 * the same, and a head that was read must write and read back as it was.
 */
#pragma once

#include "proxy/http/h1.h"
#include "proxy/http/h1_write.h"

#include <assert.h>
#include <stdlib.h>

/* Events as text; runs of body bytes are joined, as the cut may not show. */
struct told {
    struct buf text;
    bool in_body;
};

static void
tell_fields(struct buf *b, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        assert(field_name_is_valid(f->at[i].name));
        assert(field_value_is_valid(f->at[i].value));
        assert(f->at[i].id == field_id_of(f->at[i].name));
        assert(!(field_is(f->at[i].id) & FIELD_HOP));
        buf_fmt(b, "%.*s:", SPAN_FMT(f->at[i].name));
        buf_add(b, f->at[i].value);
        buf_byte(b, '\n');
    }
}

static void
tell_head(struct buf *b, const struct http_head *h)
{
    buf_fmt(b, "%.*s %.*s?%.*s %.*s %u %d ", SPAN_FMT(h->method_token),
            SPAN_FMT(h->path), SPAN_FMT(h->query), SPAN_FMT(h->host), h->port,
            h->status);
    buf_fmt(b, "%d %d %llu %d\n", h->body, h->has_length,
            (unsigned long long)h->length, h->keep_alive);
    tell_fields(b, &h->fields);
}

/* The head as we forward it means what it meant. */
static void
read_back(enum h1_role role, const struct http_head *h)
{
    struct arena *a = arena_new((size_t)1 << 20);
    struct h1_limits limits =
        role == H1_REQUESTS ? h1_limits_request : h1_limits_answer;
    struct buf wire, was, is;
    struct h1_out o;
    struct h1 p;

    buf_init(&wire, (size_t)1 << 20);
    buf_init(&was, (size_t)1 << 20);
    buf_init(&is, (size_t)1 << 20);
    enum err_code code = role == H1_REQUESTS
                             ? h1_write_request(&wire, h)
                             : h1_write_answer(&wire, h, HTTP_1_1);
    if (code == OK) {
        /* A line may have grown by ": " where it had ":". */
        limits.line_bytes = limits.head_bytes *= 2;
        limits.fields_n *= 2;
        span in = buf_span(&wire);
        h1_init(&p, role, &limits);
        h1_begin(&p, a);
        h1_expect(&p, h->body == HTTP_BODY_NONE ? METHOD_HEAD : METHOD_GET,
                  true);
        enum h1_event event = h1_next(&p, &in, &o);
        assert(event == H1_HEAD || event == H1_INTERIM);
        assert(in.len == 0);
        tell_head(&was, h);
        tell_head(&is, o.head);
        assert(span_eq(buf_span(&was), buf_span(&is)));
        h1_fini(&p);
    } else {
        /* Only what HTTP/1.0 without Host cannot say. */
        assert(code == ERR_INVALID && h->authority.len == 0);
    }
    buf_fini(&wire);
    buf_fini(&was);
    buf_fini(&is);
    arena_free(&a);
}

/* False when there is nothing more to come. */
static bool
tell(struct told *t, enum h1_role role, enum h1_event event,
     const struct h1_out *o)
{
    if (event != H1_BODY)
        t->in_body = false;
    switch (event) {
    case H1_MORE:
        return false;
    case H1_INTERIM:
    case H1_HEAD:
        buf_str(&t->text, "head ");
        tell_head(&t->text, o->head);
        read_back(role, o->head);
        return true;
    case H1_BODY:
        assert(o->body.len);
        if (!t->in_body)
            buf_str(&t->text, "body ");
        t->in_body = true;
        buf_add(&t->text, o->body);
        return true;
    case H1_TRAILERS:
        buf_str(&t->text, "trailers ");
        tell_fields(&t->text, o->trailers);
        return true;
    case H1_END:
        buf_str(&t->text, "end\n");
        return true;
    case H1_ERROR:
        assert(o->fault != FAULT_NONE);
        buf_str(&t->text, fault_name(o->fault));
        return false;
    }
    return false;
}

/* Bytes in reads of `step`; each read is its own piece of memory. */
static void
run(struct told *t, enum h1_role role, enum method asked, span bytes,
    size_t step)
{
    struct arena *a = arena_new((size_t)1 << 24);
    struct h1_out o;
    struct h1 p;
    bool going = true;
    bool ended = false;

    buf_init(&t->text, (size_t)1 << 24);
    t->in_body = false;
    h1_init(&p, role,
            role == H1_REQUESTS ? &h1_limits_request : &h1_limits_answer);
    h1_begin(&p, a);
    h1_expect(&p, asked, asked == METHOD_PATCH);
    while (going && bytes.len) {
        span read = span_take(bytes, step);
        char *copy = malloc(read.len);
        span in = span_of(copy, read.len);
        memcpy(copy, read.at, read.len);
        bytes = span_skip(bytes, read.len);
        for (;;) {
            if (ended && in.len == 0)
                break;
            if (ended) {
                h1_begin(&p, a);
                h1_expect(&p, asked, asked == METHOD_PATCH);
            }
            ended = false;
            enum h1_event event = h1_next(&p, &in, &o);
            if (event == H1_MORE)
                break;
            ended = event == H1_END;
            going = tell(t, role, event, &o);
            if (!going)
                break;
        }
        free(copy);
    }
    if (going && !ended) {
        enum h1_event event = h1_next(&p, &bytes, &o);
        if (event == H1_MORE)
            event = h1_eof(&p, &o);
        tell(t, role, event, &o);
    }
    h1_fini(&p);
    arena_free(&a);
}

static int
fuzz_h1(enum h1_role role, const uint8_t *bytes, size_t len)
{
    static const enum method asked[] = {METHOD_GET, METHOD_HEAD, METHOD_PATCH};
    struct told whole, cut;

    if (len < 2 || len > 100000)
        return 0;

    span rest = span_of((const char *)bytes + 1, len - 1);
    enum method m = asked[bytes[0] % COUNT(asked)];
    run(&whole, role, m, rest, rest.len);
    run(&cut, role, m, rest, 1 + (size_t)bytes[0] / COUNT(asked));
    assert(!buf_failed(&whole.text));
    assert(span_eq(buf_span(&whole.text), buf_span(&cut.text)));
    buf_fini(&whole.text);
    buf_fini(&cut.text);
    return 0;
}
