/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entity tags of bodies that are told in another version: what we put behind
 * the backend's own on the way out, and take off a condition on the way in.
 */
#include "proxy/http/media.h"
#include "proxy/server/exchange.h"
#include "proxy/server/translate.h"
#include "proxy/server/worker.h"
#include "translators/memo.h"

#define CONDITION_MAX ((size_t)4096) /* a longer one is of nobody's tags */

/* ";v1.0123456789abcdef": what one representation of an entity is called. */
static span
tag_suffix(struct exchange *x, const struct program *program)
{
    const struct decision *d = &x->decision;

    return arena_fmt(x->arena, ";%.*s.%016llx",
                     SPAN_FMT(detect_label(d->api->detect, d->client)),
                     (unsigned long long)program_id(program));
}

/* The program that a 200 of this request would meet. */
const struct program *
translate_expected(struct exchange *x)
{
    const struct decision *d = &x->decision;
    struct http_head ok;
    struct message m;
    const struct program *program = NULL;

    head_init(&ok, x->arena);
    ok.status = 200;
    translate_message(x, MESSAGE_ANSWER, &ok, &m);
    m.media = form_of_pool(x);
    if (memo_program(x->worker->memo, d->api->translator, x->arena, &m,
                     (size_t)d->pool->version, (size_t)d->client, &program,
                     NULL) != PROGRAM_TRANSLATE)
        return NULL;
    return program;
}

/* Is `"abc;v1.id"` a tag of this very representation? */
static bool
is_ours(span tag, span suffix)
{
    return tag.len >= 2 && tag.at[tag.len - 1] == '"' &&
           span_ends(span_take(tag, tag.len - 1), suffix);
}

/* One tag: `"abc;v1.id"` becomes `"abc"` if it is ours. */
static span
strip(struct exchange *x, span tag, span suffix)
{
    if (!is_ours(tag, suffix))
        return tag;
    return arena_fmt(x->arena, "%.*s\"",
                     SPAN_FMT(span_take(tag, tag.len - suffix.len - 1)));
}

/*
 * All tags of a condition as the pool knows them, without those that are not ours
 * if `ours_alone`. False: it is too long, or there is no memory.
 */
static bool
strip_list(struct exchange *x, const struct http_head *h, enum field_id id,
           span suffix, bool ours_alone, span *all)
{
    const struct field *f = head_find(h, id);
    size_t n = 0;
    span item;

    *all = (span){0};
    /* Every line: a `*` that is lost would let a write through. */
    for (; f; f = fields_next(&h->fields, f)) {
        span rest = f->value;

        if ((n += rest.len) > CONDITION_MAX)
            return false;
        while (list_next(&rest, &item)) {
            span one = strip(x, item, suffix);

            if (ours_alone && !span_is(item, "*") && !is_ours(item, suffix))
                continue;
            *all = all->len ? arena_fmt(x->arena, "%.*s, %.*s", SPAN_FMT(*all),
                                        SPAN_FMT(one))
                            : one;
            if (!all->at)
                return false;
        }
    }
    return true;
}

/* What a write is bound to: whatever cannot be taken apart stays, and fits nothing. */
static void
strip_condition(struct exchange *x, struct http_head *h, enum field_id id,
                span suffix)
{
    span all;

    if (strip_list(x, h, id, suffix, false, &all) && all.len &&
        head_set(h, field_lower(id), all) != OK)
        return;
}

/*
 * What a reader has stored: under a tag that is not ours it is a body of another
 * version (he spoke that one before), and a 304 would be about it. Without a tag
 * the date must not answer instead (RFC 9110 §13.1.3).
 */
static void
strip_stored(struct exchange *x, struct http_head *h, span suffix)
{
    span all;

    if (!head_find(h, FIELD_IF_NONE_MATCH))
        return;
    if (strip_list(x, h, FIELD_IF_NONE_MATCH, suffix, true, &all) && all.len &&
        head_set(h, field_lower(FIELD_IF_NONE_MATCH), all) == OK)
        return;
    fields_remove_id(&h->fields, FIELD_IF_NONE_MATCH);
    head_remove(h, SPAN("if-modified-since"));
}

void
translate_conditions(struct exchange *x, struct http_head *h)
{
    if (!head_find(h, FIELD_IF_MATCH) && !head_find(h, FIELD_IF_NONE_MATCH))
        return;
    const struct program *program = translate_expected(x);
    if (!program)
        return;
    span suffix = tag_suffix(x, program);
    strip_condition(x, h, FIELD_IF_MATCH, suffix);
    if (h->method == METHOD_GET || h->method == METHOD_HEAD)
        strip_stored(x, h, suffix);
    else
        strip_condition(x, h, FIELD_IF_NONE_MATCH, suffix);
}

const struct program *
translate_told(struct exchange *x, const struct http_head *h)
{
    const struct program *program = x->down_way.program;

    return program || h->status != 304 ? program : translate_expected(x);
}

void
translate_etag(struct exchange *x, struct http_head *h)
{
    span tag = head_value(h, FIELD_ETAG);
    const struct program *program = translate_told(x, h);

    if (!program || tag.len < 2 || tag.at[tag.len - 1] != '"')
        return;
    span suffix = tag_suffix(x, program);
    span new_tag =
        arena_fmt(x->arena, "%.*s%.*s\"", SPAN_FMT(span_take(tag, tag.len - 1)),
                  SPAN_FMT(suffix));
    if (!new_tag.at || head_set(h, SPAN("ETag"), new_tag) != OK)
        fields_remove_id(&h->fields, FIELD_ETAG);
}
