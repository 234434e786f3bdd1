/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a body: its coding taken off, through the engine, and coded again.
 */
#include "proxy/server/translate_parts.h"

#include "proxy/server/exchange.h"
#include "proxy/server/held.h"
#include "proxy/server/problem.h"
#include "proxy/server/worker.h"

#define SLACK ((uint64_t)65536) /* a short body may inflate to this */

static void
fault(struct exchange *x, const struct translate *tr, struct problem_doc *p)
{
    translate_fault(x, tr, tr == &x->down_way, p);
}

static bool
feed_plain(struct exchange *x, struct translate *tr, span bytes,
           struct problem_doc *p)
{
    if (translation_feed(tr->t, bytes) == OK && !buf_failed(&tr->out) &&
        !buf_failed(&tr->plain))
        return true;
    fault(x, tr, p);
    return false;
}

/* A body that streams is held by no other limit. */
static bool
is_bomb(const struct exchange *x, const struct translate *tr)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    uint64_t ratio =
        tr == &x->up_way ? l->inflated_ratio : l->inflated_answer_ratio;

    return tr->inflated_bytes > tr->coded_bytes * ratio + SLACK;
}

static bool
feed_coded(struct exchange *x, struct translate *tr, span bytes,
           struct problem_doc *p)
{
    span piece;

    tr->coded_bytes += bytes.len;
    do { /* ends: takes input or gives output, and that has a limit */
        enum err_code code = decoder_take(tr->decoder, &bytes, &piece);

        tr->inflated_bytes += piece.len;
        if (code != OK) {
            translate_coding_fault(
                x, tr, code,
                code == ERR_LIMIT ? "the body's coding wants too much memory"
                                  : "the body is not in the coding it says",
                p);
            return false;
        }
        if (is_bomb(x, tr)) {
            translate_coding_fault(
                x, tr, ERR_LIMIT,
                "the body inflates to too many times its size", p);
            p->limit =
                tr == &x->up_way ? "inflated_ratio" : "inflated_answer_ratio";
            return false;
        }
        if (!feed_plain(x, tr, piece, p))
            return false;
    } while (bytes.len || piece.len);
    return true;
}

/* What the engine wrote, coded as it came. */
static bool
code_again(struct exchange *x, struct translate *tr, bool ends,
           struct problem_doc *p)
{
    bool flushes = x->is_stream || program_is_stream(tr->program);
    bool ok = encoder_put(tr->encoder, buf_span(&tr->plain), flushes, &tr->out);

    buf_clear(&tr->plain);
    if (ok && (!ends || encoder_end(tr->encoder, &tr->out)))
        return true;
    *p = translate_no_memory();
    return false;
}

bool
translate_feed(struct exchange *x, struct translate *tr, span bytes,
               struct problem_doc *p)
{
    uint64_t began = loop_clock_us();
    bool ok =
        tr->decoder ? feed_coded(x, tr, bytes, p) : feed_plain(x, tr, bytes, p);

    /* The records before a bad one are good. */
    if (tr->decoder && !tr->is_joint && (ok || program_is_stream(tr->program)))
        ok = code_again(x, tr, false, p) && ok;
    tr->us += loop_clock_us() - began;
    if (ok && !held_fits(x, held_by(tr))) {
        *p = held_problem(tr == &x->down_way);
        ok = false;
    }
    return ok;
}

/* What a joint program made of the head, and of whether there is a body. */
static bool
take_joint(struct exchange *x, struct translate *tr, struct problem_doc *p)
{
    struct http_head *h = tr == &x->up_way ? &x->asked : x->answer;
    size_t len = buf_len(&tr->out);
    struct message_head new_head;

    translation_new_head(tr->t, &new_head);
    if (!translate_take_head(x, h, &new_head) ||
        (len && translate_set_media(tr, h) != OK)) {
        *p = translate_no_memory();
        return false;
    }
    if (!translate_head_fits(x, tr, h, p))
        return false;
    if (!len)
        fields_remove_id(&h->fields, FIELD_CONTENT_ENCODING);
    if (x->request->method == METHOD_HEAD && h == x->answer)
        buf_clear(&tr->out);
    h->has_length = len > 0;
    h->length = len;
    h->body = len ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    if (h == x->answer && x->request->method == METHOD_HEAD) {
        h->has_length = false;
        h->body = HTTP_BODY_NONE;
    } else if (h == x->answer && !len && !http_status_is_bodyless(h->status)) {
        h->has_length = true;
        h->body = HTTP_BODY_SIZED;
    }
    return true;
}

bool
translate_end(struct exchange *x, struct translate *tr, struct problem_doc *p)
{
    uint64_t began = loop_clock_us();

    if (tr->decoder && !decoder_is_whole(tr->decoder)) {
        translate_coding_fault(x, tr, ERR_INVALID,
                               "the coded body is cut short", p);
        return false;
    }
    tr->is_whole = translation_end(tr->t) == OK && !buf_failed(&tr->out) &&
                   !buf_failed(&tr->plain);
    if (!tr->is_whole)
        fault(x, tr, p);
    else if (tr->encoder && (!tr->is_joint || buf_len(&tr->plain)))
        tr->is_whole = code_again(x, tr, true, p);
    if (tr->is_whole && tr->is_joint)
        tr->is_whole = take_joint(x, tr, p);
    tr->us += loop_clock_us() - began;
    return tr->is_whole;
}

bool
translate_peek(struct exchange *x, span seen, size_t max)
{
    struct buf *plain = &x->peek.plain;
    enum coding c;
    span piece;

    if (!translate_read_coding(x->request, &c))
        return false;
    seen = span_skip(seen, x->peek.n);
    x->peek.n += seen.len;
    if (c == CODING_NONE) {
        buf_add(plain, span_take(seen, max - buf_len(plain)));
        return !buf_failed(plain);
    }
    if (!x->peek.decoder && !(x->peek.decoder = decoder_new(x->arena, c)))
        return false;
    do { /* ends: as feed_coded */
        if (decoder_take(x->peek.decoder, &seen, &piece) != OK)
            return false;
        buf_add(plain, span_take(piece, max - buf_len(plain)));
    } while ((seen.len || piece.len) && buf_len(plain) < max);
    return !buf_failed(plain);
}
