/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/ws.h"

#include "proxy/base/utf8.h"

#include <assert.h>

#define FIN      0x80u
#define RESERVED 0x70u
#define OPCODE   0x0fu
#define MASKED   0x80u
#define LENGTH   0x7fu
#define LEN_16   126u /* the length stands in the two bytes that follow */
#define LEN_64   127u

/* ── a frame's head ──────────────────────────────────────────────────────── */

/* How long it is, by its first two bytes. */
static size_t
head_size(const uint8_t head[WS_HEAD_MAX])
{
    unsigned length = head[1] & LENGTH;
    size_t more = length == LEN_16 ? 2 : length == LEN_64 ? 8 : 0;

    return 2 + more + (head[1] & MASKED ? 4 : 0);
}

static uint64_t
payload_size(const uint8_t head[WS_HEAD_MAX])
{
    unsigned length = head[1] & LENGTH;
    size_t more = length == LEN_16 ? 2 : length == LEN_64 ? 8 : 0;
    uint64_t size = 0;

    if (more == 0)
        return length;
    for (size_t i = 0; i < more; i++)
        size = size << 8 | head[2 + i];
    return size;
}

static unsigned
opcode_of(const struct ws_walk *walk)
{
    return walk->head[0] & OPCODE;
}

/* Bytes of the head. True: it is whole with them. */
static bool
take_head(struct ws_walk *walk, span *in)
{
    while (in->len) {
        walk->head[walk->head_n++] = (uint8_t)in->at[0];
        *in = span_skip(*in, 1);
        if (walk->head_n < 2 || walk->head_n < head_size(walk->head))
            continue;
        walk->left = payload_size(walk->head);
        walk->is_inside = true;
        walk->has_closed |= opcode_of(walk) == WS_CLOSE;
        return true;
    }
    return false;
}

/* As many bytes of the payload as are there. */
static span
take_payload(struct ws_walk *walk, span *in)
{
    size_t n = walk->left < in->len ? (size_t)walk->left : in->len;
    span part = span_take(*in, n);

    *in = span_skip(*in, n);
    walk->left -= n;
    return part;
}

static void
leave(struct ws_walk *walk)
{
    walk->head_n = 0;
    walk->is_inside = false;
}

void
ws_walk(struct ws_walk *walk, span bytes)
{
    while (bytes.len) {
        if (!walk->is_inside && !take_head(walk, &bytes))
            return;
        take_payload(walk, &bytes);
        if (walk->left == 0)
            leave(walk);
    }
}

bool
ws_walk_may_close(const struct ws_walk *walk)
{
    return walk->head_n == 0 && !walk->has_closed;
}

/* ── what is wrong ───────────────────────────────────────────────────────── */

static enum ws_step
bad(struct ws *ws, unsigned code, const char *why, struct ws_out *out)
{
    ws->is_over = true;
    *out = (struct ws_out){.code = code, .why = why};
    return WS_BAD;
}

/* RFC 6455 §5.2: the length is told in as few bytes as it can be. */
static bool
is_shortest(const struct ws_walk *walk)
{
    unsigned length = walk->head[1] & LENGTH;

    if (length == LEN_16)
        return walk->left >= LEN_16;
    return length != LEN_64 || (walk->left > UINT16_MAX && !(walk->left >> 63));
}

/* NULL: the head is as it should be. */
static const char *
wrong_head(const struct ws *ws)
{
    const struct ws_walk *at = &ws->at;
    bool is_final = at->head[0] & FIN;

    if (at->head[0] & RESERVED)
        return "a frame has a reserved bit, and no extension is agreed on";
    if (((at->head[1] & MASKED) != 0) != ws->is_masked)
        return ws->is_masked ? "a client's frame is not masked"
                             : "a server's frame is masked";
    if (!is_shortest(at))
        return "a frame's length is told in more bytes than it needs";
    switch (opcode_of(at)) {
    case WS_CONTINUATION:
        return ws->kind ? NULL : "a fragment continues no message";
    case WS_TEXT:
    case WS_BINARY:
        return ws->kind ? "a message begins within another" : NULL;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        if (!is_final)
            return "a control frame is cut in fragments";
        return at->left > WS_CONTROL_MAX ? "a control frame is too long" : NULL;
    default:
        return "a frame is of no known kind";
    }
}

/* §7.4: what may stand in a Close. */
static bool
is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static const char *
wrong_close(span body)
{
    if (body.len == 0)
        return NULL;
    if (body.len == 1)
        return "a Close has half a code";
    if (!is_close_code((unsigned)(uint8_t)body.at[0] << 8 |
                       (uint8_t)body.at[1]))
        return "a Close has a code that may not be sent";
    return NULL;
}

/* ── reading ─────────────────────────────────────────────────────────────── */

void
ws_init(struct ws *ws, bool is_masked, size_t message_max)
{
    *ws = (struct ws){.is_masked = is_masked};
    buf_init(&ws->message, message_max);
}

void
ws_fini(struct ws *ws)
{
    buf_fini(&ws->message);
}

static bool
is_control(const struct ws *ws)
{
    return opcode_of(&ws->at) & 0x8u;
}

static void
unmask(struct ws *ws, char *bytes, size_t n)
{
    const uint8_t *mask = ws->at.head + ws->at.head_n - 4;

    if (!ws->is_masked)
        return;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((uint8_t)bytes[i] ^ mask[ws->mask_at++ & 3]);
}

/* Part of a payload, in its place. False: there is no room for it. */
static bool
put(struct ws *ws, span part)
{
    char *at;

    if (is_control(ws)) {
        at = ws->control + ws->control_n;
        ws->control_n += part.len; /* the head was within WS_CONTROL_MAX */
    } else {
        at = buf_reserve(&ws->message, part.len);
        if (!at)
            return false;
        buf_commit(&ws->message, part.len);
    }
    memcpy(at, part.at, part.len);
    unmask(ws, at, part.len);
    return true;
}

static enum ws_step
end_control(struct ws *ws, struct ws_out *out)
{
    span body = span_of(ws->control, ws->control_n);
    enum ws_opcode opcode = opcode_of(&ws->at);
    const char *wrong = opcode == WS_CLOSE ? wrong_close(body) : NULL;

    if (wrong)
        return bad(ws, WS_PROTOCOL, wrong, out);
    if (opcode == WS_CLOSE && body.len > 2 &&
        utf8_good(span_skip(body, 2)) != body.len - 2)
        return bad(ws, WS_INVALID, "a Close has a reason that is not UTF-8",
                   out);
    ws->is_over = opcode == WS_CLOSE;
    *out = (struct ws_out){.opcode = opcode, .bytes = body};
    return WS_CONTROL;
}

static enum ws_step
end_message(struct ws *ws, struct ws_out *out)
{
    span body = buf_span(&ws->message);

    if (ws->kind == WS_TEXT && utf8_good(body) != body.len)
        return bad(ws, WS_INVALID, "a text is not UTF-8", out);
    *out = (struct ws_out){.opcode = ws->kind, .bytes = body};
    ws->kind = WS_CONTINUATION;
    ws->was_told = true;
    return WS_MESSAGE;
}

/* The head is whole: may its frame come, and is there room for it? */
static enum ws_step
begin_frame(struct ws *ws, struct ws_out *out)
{
    const char *wrong = wrong_head(ws);

    if (wrong)
        return bad(ws, WS_PROTOCOL, wrong, out);
    ws->mask_at = 0;
    ws->control_n = 0;
    if (is_control(ws))
        return WS_MORE;
    if (ws->at.left > ws->message.max - buf_len(&ws->message))
        return bad(ws, WS_TOO_BIG, "a message is larger than may be held", out);
    if (opcode_of(&ws->at) != WS_CONTINUATION)
        ws->kind = (uint8_t)opcode_of(&ws->at);
    return WS_MORE;
}

static enum ws_step
end_frame(struct ws *ws, struct ws_out *out)
{
    enum ws_step step = is_control(ws)           ? end_control(ws, out)
                        : (ws->at.head[0] & FIN) ? end_message(ws, out)
                                                 : WS_MORE;

    leave(&ws->at);
    return step;
}

static void
forget_told(struct ws *ws)
{
    if (ws->was_told)
        buf_fini(&ws->message);
    ws->was_told = false;
}

enum ws_step
ws_next(struct ws *ws, span *in, struct ws_out *out)
{
    enum ws_step step = WS_MORE;

    forget_told(ws);
    while (in->len && !ws->is_over && step == WS_MORE) {
        if (!ws->at.is_inside) {
            if (!take_head(&ws->at, in))
                return WS_MORE;
            step = begin_frame(ws, out);
            if (step != WS_MORE)
                return step;
        }
        span part = take_payload(&ws->at, in);
        if (part.len && !put(ws, part))
            return bad(ws, WS_TOO_BIG, "there is no room for a message", out);
        if (ws->at.left == 0)
            step = end_frame(ws, out);
    }
    if (step == WS_MORE)
        *in = (span){0};
    return step;
}

/* ── writing ─────────────────────────────────────────────────────────────── */

static void
write_length(struct buf *out, unsigned masked, uint64_t n)
{
    unsigned bytes = n > UINT16_MAX ? 8 : n >= LEN_16 ? 2 : 0;

    if (bytes == 0) {
        buf_byte(out, (char)(masked | n));
        return;
    }
    buf_byte(out, (char)(masked | (bytes == 8 ? LEN_64 : LEN_16)));
    while (bytes--)
        buf_byte(out, (char)(n >> 8 * bytes & 0xff));
}

void
ws_write(struct buf *out, enum ws_opcode opcode, const uint8_t mask[4],
         span payload)
{
    buf_byte(out, (char)(FIN | opcode));
    write_length(out, mask ? MASKED : 0, payload.len);
    if (!mask) {
        buf_add(out, payload);
        return;
    }
    buf_add(out, span_of((const char *)mask, 4));
    char *at = buf_reserve(out, payload.len);
    if (!at)
        return;
    for (size_t i = 0; i < payload.len; i++)
        at[i] = (char)((uint8_t)payload.at[i] ^ mask[i & 3]);
    buf_commit(out, payload.len);
}

void
ws_write_close(struct buf *out, unsigned code, span reason,
               const uint8_t mask[4])
{
    char body[WS_CONTROL_MAX];
    span fits = span_take(reason, sizeof(body) - 2);

    fits.len = utf8_good(fits); /* a character is not cut */
    body[0] = (char)(code >> 8);
    body[1] = (char)(code & 0xff);
    if (fits.len)
        memcpy(body + 2, fits.at, fits.len);
    ws_write(out, WS_CLOSE, mask, span_of(body, 2 + fits.len));
}
