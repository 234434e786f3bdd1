/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/framing.h"

#include "proxy/http/fields_raw.h"
#include "proxy/http/media.h"
#include "proxy/http/target.h"

#define FORWARDED_PREFIX SPAN("x-forwarded-")

/* What Connection says besides names. */
struct connection {
    bool close, keep_alive, upgrade;
};

bool
field_is_disguised(span name)
{
    char dashed[64];

    if (!name.len || !memchr(name.at, '_', name.len))
        return false;
    span s = span_take(name, sizeof(dashed));
    for (size_t i = 0; i < s.len; i++)
        dashed[i] = (char)(s.at[i] == '_' ? '-' : s.at[i]);
    s.at = dashed;
    if (name.len <= sizeof(dashed) && field_id_of(s) != FIELD_OTHER)
        return true;
    return span_eq_nocase(span_take(s, FORWARDED_PREFIX.len), FORWARDED_PREFIX);
}

bool
field_is_no_trailer(const struct field *f)
{
    return (field_is(f->id) & FIELD_NO_TRAILER) ||
           span_starts(f->name, FORWARDED_PREFIX);
}

/* One name from Connection: the field leaves the head. */
static enum fault
drop_named(struct http_head *h, span token)
{
    span name;

    if (!field_name_is_valid(token))
        return FAULT_CONNECTION;
    if (field_is(field_id_of(token)) & FIELD_STAYS)
        return FAULT_CONNECTION;
    if (!span_lower(h->fields.arena, token, &name))
        return FAULT_NO_ROOM;
    if (span_starts(name, FORWARDED_PREFIX))
        return FAULT_CONNECTION;
    fields_remove(&h->fields, name);
    return FAULT_NONE;
}

static enum fault
read_token(struct http_head *h, span token, struct connection *c)
{
    if (span_eq_nocase(token, SPAN("keep-alive")))
        c->keep_alive = true;
    else if (span_eq_nocase(token, SPAN("close")))
        c->close = true;
    else if (span_eq_nocase(token, SPAN("upgrade")))
        c->upgrade = true;
    else
        return drop_named(h, token);
    return FAULT_NONE;
}

static enum fault
read_connection(struct http_head *h, const struct fields *hops,
                size_t names_max, struct connection *c)
{
    const struct field *f = fields_find(hops, FIELD_CONNECTION);
    size_t n = 0;

    *c = (struct connection){0};
    for (; f; f = fields_next(hops, f)) {
        span rest = f->value, token;
        while (list_next(&rest, &token)) {
            if (++n > names_max)
                return FAULT_CONNECTION_MANY;
            enum fault fault = read_token(h, token, c);
            if (fault)
                return fault;
        }
    }
    h->keep_alive = !c->close && (h->version != HTTP_1_0 || c->keep_alive);
    if (c->upgrade)
        h->upgrade = fields_value(hops, FIELD_UPGRADE);
    return FAULT_NONE;
}

/*
 * RFC 9112 §6.3 without its leniences: one length, or exactly "chunked", or
 * neither; never both, never a list.
 */
static enum fault
read_length(struct http_head *h, const struct fields *hops)
{
    const struct field *length = fields_find(hops, FIELD_CONTENT_LENGTH);
    const struct field *coding = fields_find(hops, FIELD_TRANSFER_ENCODING);

    if (length && coding)
        return FAULT_LENGTH_AND_CODING;
    if (coding) {
        if (h->version != HTTP_1_1)
            return FAULT_CODING_OLD;
        if (fields_next(hops, coding) ||
            !span_eq_nocase(coding->value, SPAN("chunked")))
            return FAULT_CODING;
        h->body = HTTP_BODY_CHUNKED;
    }
    if (length) {
        if (fields_next(hops, length))
            return FAULT_LENGTH_REPEATED;
        /* Sums of lengths must not wrap: half of the range is enough. */
        if (!span_to_u64(length->value, &h->length) || h->length > INT64_MAX)
            return FAULT_LENGTH;
        h->has_length = true;
        h->body = HTTP_BODY_SIZED;
    }
    return FAULT_NONE;
}

enum fault
framing_authority(struct http_head *h, span authority)
{
    span host;

    if (!authority_split(authority, &host, &h->port))
        return FAULT_HOST;
    h->authority = authority;
    return span_lower(h->fields.arena, host, &h->host) ? FAULT_NONE
                                                       : FAULT_NO_ROOM;
}

static enum fault
read_host(struct http_head *h, const struct fields *hops)
{
    const struct field *host = fields_find(hops, FIELD_HOST);

    if (!host)
        return h->version == HTTP_1_1 ||
                       (h->version == HTTP_2 && !h->authority.len)
                   ? FAULT_HOST_MISSING
                   : FAULT_NONE;
    if (fields_next(hops, host))
        return FAULT_HOST_REPEATED;
    if (!h->authority.len)
        return framing_authority(h, host->value);
    return span_eq_nocase(h->authority, host->value) ? FAULT_NONE
                                                     : FAULT_HOST_DIFFERS;
}

static enum fault
read_expect(struct http_head *h, const struct fields *hops)
{
    const struct field *f = fields_find(hops, FIELD_EXPECT);

    /* RFC 9110 §10.1.1: from a 1.0 client it is ignored. */
    if (h->version == HTTP_1_0)
        return FAULT_NONE;
    for (; f; f = fields_next(hops, f)) {
        if (!span_eq_nocase(f->value, SPAN("100-continue")))
            return FAULT_EXPECT;
        h->expects_continue = true;
    }
    return FAULT_NONE;
}

static void
read_te(struct http_head *h, const struct fields *hops)
{
    const struct field *f = fields_find(hops, FIELD_TE);

    for (; f; f = fields_next(hops, f)) {
        span rest = f->value, item;
        while (list_next(&rest, &item))
            h->takes_trailers |= span_eq_nocase(item, SPAN("trailers"));
    }
}

enum fault
framing_request(struct http_head *h, const struct fields *hops,
                size_t names_max)
{
    struct connection c;
    enum fault fault = read_host(h, hops);

    if (!fault)
        fault = read_length(h, hops);
    if (!fault)
        fault = read_connection(h, hops, names_max, &c);
    if (!fault)
        fault = read_expect(h, hops);
    read_te(h, hops);
    /* Nothing to wait for, so nobody is asked to go on. */
    if (h->body == HTTP_BODY_NONE || (h->has_length && h->length == 0))
        h->expects_continue = false;
    return fault;
}

enum fault
framing_answer(struct http_head *h, const struct fields *hops, size_t names_max,
               enum method asked)
{
    struct connection c;
    enum fault fault = read_length(h, hops);

    if (!fault)
        fault = read_connection(h, hops, names_max, &c);
    if (fault)
        return fault;

    if (asked == METHOD_HEAD || http_status_is_bodyless(h->status)) {
        /* RFC 9110 §8.6: what a GET would have got; 1xx and 204 may not say it. */
        h->has_length &= h->status >= 200 && h->status != 204;
        h->length = h->has_length ? h->length : 0;
        /* Nothing ends with an interim answer. */
        h->keep_alive |= h->status < 200;
        h->body = HTTP_BODY_NONE;
        return FAULT_NONE;
    }
    if (h->body == HTTP_BODY_NONE) {
        h->body = HTTP_BODY_UNTIL_CLOSE;
        h->keep_alive = false;
    }
    return FAULT_NONE;
}
