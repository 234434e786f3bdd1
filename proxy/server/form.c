/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/form.h"

#include "proxy/http/media.h"
#include "proxy/server/exchange.h"

#define JSON    SPAN("application/json")
#define MSGPACK SPAN("application/msgpack")
#define Q_ONE   1000u

/* What Accept says of one form. The closest of its words counts. */
enum closeness { BY_NOBODY, BY_ALL, BY_TYPE, BY_NAME };

struct offer {
    enum closeness closeness;
    unsigned q; /* in thousandths */
    span name;  /* as Accept has it */
};

static bool
is_msgpack(const struct media *m)
{
    return media_is(m, "application/msgpack") ||
           media_is(m, "application/x-msgpack") ||
           media_is(m, "application/vnd.msgpack") ||
           span_eq_nocase(m->suffix, SPAN("msgpack"));
}

span
form_of_pool(const struct exchange *x)
{
    switch (x->decision.pool->media) {
    case GEN_MEDIA_ANY:
        break;
    case GEN_MEDIA_JSON:
        return JSON;
    case GEN_MEDIA_MSGPACK:
        return MSGPACK;
    }
    return (span){0};
}

/* "0.5", at most three places (RFC 9110 §12.4.2). What is none counts as 1. */
static unsigned
quality(struct exchange *x, const struct media *m)
{
    span value;
    bool full = false;
    unsigned q = 0, unit = Q_ONE;

    if (!media_param(x->arena, m, SPAN("q"), &value, &full) || !value.len ||
        value.at[0] != '0')
        return Q_ONE;
    for (size_t i = 2; i < value.len && unit > 1; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            break;
        unit /= 10;
        q += unit * (unsigned)(value.at[i] - '0');
    }
    return q;
}

static void
offer(struct offer *o, enum closeness closeness, unsigned q, span name)
{
    if (closeness < o->closeness || (closeness == o->closeness && q <= o->q))
        return;
    *o = (struct offer){closeness, q, name};
}

/* What an element of Accept says of both. */
static void
read_element(struct exchange *x, span item, struct offer *json,
             struct offer *msgpack)
{
    struct media m;
    span rest = item;
    span name = span_trim(span_cut(&rest, ';'));

    if (!media_parse(item, &m))
        return;
    unsigned q = quality(x, &m);
    if (media_is_json(&m)) {
        offer(json, BY_NAME, q, name);
    } else if (is_msgpack(&m)) {
        offer(msgpack, BY_NAME, q, name);
    } else if (span_is(m.subtype, "*") &&
               (span_is(m.type, "*") ||
                span_eq_nocase(m.type, SPAN("application")))) {
        enum closeness closeness = span_is(m.type, "*") ? BY_ALL : BY_TYPE;

        offer(json, closeness, q, JSON);
        offer(msgpack, closeness, q, MSGPACK);
    }
}

/* Without the field all is acceptable. */
static void
read_accept(struct exchange *x, struct offer *json, struct offer *msgpack)
{
    const struct field *f = head_find(x->request, FIELD_ACCEPT);

    *json = *msgpack = (struct offer){0};
    if (!f) {
        offer(json, BY_ALL, Q_ONE, JSON);
        offer(msgpack, BY_ALL, Q_ONE, MSGPACK);
    }
    for (; f; f = fields_next(&x->request->fields, f)) {
        span rest = f->value, item;

        while (list_next(&rest, &item))
            read_element(x, item, json, msgpack);
    }
}

static bool
sends_msgpack(const struct exchange *x)
{
    struct media m;

    return media_parse(head_value(x->request, FIELD_CONTENT_TYPE), &m) &&
           is_msgpack(&m);
}

/* The nearer word where both are as good; then the form of what it sent itself. */
static bool
prefers_msgpack(const struct exchange *x, const struct offer *json,
                const struct offer *msgpack)
{
    if (msgpack->q != json->q)
        return msgpack->q > json->q;
    if (msgpack->closeness != json->closeness)
        return msgpack->closeness > json->closeness;
    return sends_msgpack(x);
}

struct form
form_read(struct exchange *x)
{
    enum gen_media media = x->decision.pool->media;
    struct offer json, msgpack;
    struct form f = {0};

    if (media == GEN_MEDIA_ANY)
        return f;
    read_accept(x, &json, &msgpack);
    if (!json.q && !msgpack.q)
        return f;
    f.wanted = prefers_msgpack(x, &json, &msgpack) ? msgpack.name : JSON;
    const struct offer *own = media == GEN_MEDIA_JSON ? &json : &msgpack;
    if (own->closeness != BY_NAME || !own->q)
        f.first = form_of_pool(x);
    return f;
}
