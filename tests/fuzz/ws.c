/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the frames of a WebSocket, of either side, cut anyhow: the same is
 * told, what is told reads back once it is written, and a walk over the same
 * bytes ends between two frames where the reader does.
 */
#include "proxy/http/ws.h"

#include <assert.h>

#define MESSAGE_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
reads_back(const struct ws_out *o, bool is_masked)
{
    static const uint8_t mask[4] = {0xa5, 0, 0x3c, 0xff};
    struct ws again;
    struct ws_out same;
    struct buf wire;

    buf_init(&wire, 2 * MESSAGE_MAX);
    ws_write(&wire, o->opcode, is_masked ? mask : NULL, o->bytes);
    ws_init(&again, is_masked, MESSAGE_MAX);
    span in = buf_span(&wire);
    enum ws_step step = ws_next(&again, &in, &same);
    assert(step == WS_MESSAGE || step == WS_CONTROL);
    assert(in.len == 0 && same.opcode == o->opcode);
    assert(span_eq(same.bytes, o->bytes));
    ws_fini(&again);
    buf_fini(&wire);
}

static void
run(span bytes, bool is_masked, size_t step, struct buf *told)
{
    struct ws ws;
    struct ws_walk walk = {0};
    struct ws_out o;
    enum ws_step got = WS_MORE;

    buf_init(told, (size_t)1 << 24);
    ws_init(&ws, is_masked, MESSAGE_MAX);
    while (bytes.len && got != WS_BAD) {
        span part = span_take(bytes, step);

        bytes = span_skip(bytes, part.len);
        ws_walk(&walk, part);
        while ((got = ws_next(&ws, &part, &o)) == WS_MESSAGE ||
               got == WS_CONTROL) {
            assert(o.bytes.len <= MESSAGE_MAX);
            buf_fmt(told, "%d %zu ", (int)o.opcode, o.bytes.len);
            buf_add(told, o.bytes);
            reads_back(&o, is_masked);
        }
        if (got == WS_MORE && !ws.is_over)
            assert(ws_walk_may_close(&walk) == (ws.at.head_n == 0));
    }
    if (got == WS_BAD)
        buf_fmt(told, "bad %u", o.code);
    ws_fini(&ws);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf whole, cut;

    if (len < 2 || len > 100000)
        return 0;
    span rest = span_of((const char *)bytes + 1, len - 1);
    run(rest, bytes[0] & 1, rest.len, &whole);
    run(rest, bytes[0] & 1, 1 + (size_t)(bytes[0] >> 1), &cut);
    assert(!buf_failed(&whole));
    assert(span_eq(buf_span(&whole), buf_span(&cut)));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
