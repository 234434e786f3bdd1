/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/base/buf.h"
#include "proxy/http/ws.h"

#define MAX 1000u

/* What is told of these bytes, cut in reads of `step`: "text(hi) ping() bad(1002)". */
static void
transcript(span bytes, bool is_masked, size_t step, struct buf *told)
{
    static const char *const words[] = {[WS_TEXT] = "text",
                                        [WS_BINARY] = "binary",
                                        [WS_CLOSE] = "close",
                                        [WS_PING] = "ping",
                                        [WS_PONG] = "pong"};
    struct ws ws;
    struct ws_out o;
    enum ws_step s = WS_MORE;

    buf_clear(told);
    ws_init(&ws, is_masked, MAX);
    while (bytes.len && s != WS_BAD) {
        span part = span_take(bytes, step);

        bytes = span_skip(bytes, part.len);
        while ((s = ws_next(&ws, &part, &o)) == WS_MESSAGE || s == WS_CONTROL) {
            buf_fmt(told, "%s(", words[o.opcode]);
            if (o.bytes.len > 40)
                buf_fmt(told, "%zu bytes", o.bytes.len);
            else
                buf_add(told, o.bytes);
            buf_str(told, ") ");
        }
        assert_int_equal(part.len && s != WS_BAD, 0);
    }
    if (s == WS_BAD) {
        buf_fmt(told, "bad(%u)", o.code);
        assert_true(o.why && o.why[0]);
    }
    ws_fini(&ws);
}

static void
check(span bytes, bool is_masked, const char *want)
{
    struct buf told;

    buf_init(&told, 1 << 16);
    for (size_t step = 1; step < 8; step++) {
        transcript(bytes, is_masked, step == 7 ? bytes.len : step, &told);
        assert_span(buf_span(&told), want);
    }
    buf_fini(&told);
}

#define SERVER(bytes, want) check(SPAN(bytes), false, want)
#define CLIENT(bytes, want) check(SPAN(bytes), true, want)

TEST(a_message_is_read_whole_whatever_its_fragments_and_cuts)
{
    SERVER("\x81\x02hi", "text(hi) ");
    SERVER("\x82\x03\x01\x02\x03", "binary(\x01\x02\x03) ");
    SERVER("\x81\x00", "text() ");
    SERVER("\x01\x01h\x80\x01i", "text(hi) ");
    SERVER("\x01\x01h\x00\x00\x89\x01p\x00\x01i\x80\x01!",
           "ping(p) text(hi!) ");
    SERVER("\x01\x02\xc3\xa4\x81", "");
    SERVER("\x01\x01\xc3\x80\x01\xa4", "text(\xc3\xa4) "); /* a cut character */
    SERVER("\x8a\x00\x81\x01x\x88\x02\x03\xe8\x81\x01y",
           "pong() text(x) close(\x03\xe8) ");
    CLIENT("\x81\x82\x01\x02\x03\x04ik", "text(hi) ");
    CLIENT("\x81\x85\xff\x00\xff\x00\x97\x65\x93\x6c\x90", "text(hello) ");
}

TEST(what_is_no_frame_says_with_which_code_to_close)
{
    static const struct {
        span bytes;
        const char *want;
    } cases[] = {
        {SPAN("\xc1\x00"), "bad(1002)"}, /* RSV1: no extension */
        {SPAN("\xa1\x00"), "bad(1002)"}, /* RSV2 */
        {SPAN("\x91\x00"), "bad(1002)"}, /* RSV3 */
        {SPAN("\x83\x00"), "bad(1002)"}, /* no such kind */
        {SPAN("\x8b\x00"), "bad(1002)"}, /* no such control frame */
        {SPAN("\x81\x80\x01\x01\x01\x01"), "bad(1002)"}, /* a server masks */
        {SPAN("\x80\x00"), "bad(1002)"},                 /* continues nothing */
        {SPAN("\x01\x00\x81\x00"), "bad(1002)"},         /* within another */
        {SPAN("\x09\x00"), "bad(1002)"},         /* a ping in fragments */
        {SPAN("\x89\x7e\x00\x7e"), "bad(1002)"}, /* and one too long */
        {SPAN("\x81\x7e\x00\x7d"), "bad(1002)"}, /* 125 in two bytes */
        {SPAN("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), "bad(1002)"},
        {SPAN("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), "bad(1002)"},
        {SPAN("\x81\x02\xc3\x28"), "bad(1007)"},     /* no UTF-8 */
        {SPAN("\x01\x01\xc3\x80\x00"), "bad(1007)"}, /* cut for good */
        {SPAN("\x88\x01\x03"), "bad(1002)"},         /* half a code */
        {SPAN("\x88\x02\x03\xec"), "bad(1002)"},     /* 1004 */
        {SPAN("\x88\x02\x03\xed"), "bad(1002)"},     /* 1005 is never sent */
        {SPAN("\x88\x02\x03\xee"), "bad(1002)"},     /* nor is 1006 */
        {SPAN("\x88\x02\x03\xf7"), "bad(1002)"},     /* nor 1015 */
        {SPAN("\x88\x02\x07\xd0"), "bad(1002)"},     /* 2000 */
        {SPAN("\x88\x03\x03\xe8\xff"), "bad(1007)"}, /* its reason */
        {SPAN("\x81\x7e\x03\xe9"), "bad(1009)"},     /* 1001 bytes */
        {SPAN("\x01\x7e\x03\xe8"), ""},              /* 1000 may come */
        {SPAN("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "bad(1009)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check(cases[i].bytes, false, cases[i].want);
    CLIENT("\x81\x02hi", "bad(1002)"); /* a client does not mask */
}

TEST(fragments_count_together_up_to_the_limit)
{
    static const struct {
        size_t last;
        const char *want;
    } cases[] = {{100, "text(1000 bytes) "}, {101, "bad(1009)"}};
    struct buf b;

    for (size_t i = 0; i < COUNT(cases); i++) {
        buf_init(&b, 1 << 16);
        for (size_t n = 0; n < 9; n++) {
            buf_byte(&b, n ? 0x00 : 0x01);
            buf_byte(&b, 100);
            for (size_t at = 0; at < 100; at++)
                buf_byte(&b, 'x');
        }
        buf_byte(&b, (char)0x80);
        buf_byte(&b, (char)cases[i].last);
        for (size_t at = 0; at < cases[i].last; at++)
            buf_byte(&b, 'x');
        check(buf_span(&b), false, cases[i].want);
        buf_fini(&b);
    }
}

TEST(what_is_written_reads_back)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 1000};
    static const uint8_t mask[4] = {0x12, 0, 0xff, 0x80};
    char payload[1000];
    struct ws ws;
    struct ws_out o;
    struct buf b;

    memset(payload, 'y', sizeof(payload));
    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        span bytes = span_of(payload, sizes[i / 2]);

        buf_init(&b, 1 << 17);
        ws_write(&b, WS_TEXT, i % 2 ? mask : NULL, bytes);
        ws_init(&ws, i % 2, MAX);
        span in = buf_span(&b);
        assert_int_equal(ws_next(&ws, &in, &o), WS_MESSAGE);
        assert_true(span_eq(o.bytes, bytes) && in.len == 0);
        ws_fini(&ws);
        buf_fini(&b);
    }
    buf_init(&b, 1 << 17);
    char *large = buf_reserve(&b, 70000);
    memset(large, 'z', 70000);
    struct buf out;
    buf_init(&out, 1 << 17);
    ws_write(&out, WS_BINARY, NULL, span_of(large, 70000));
    assert_true(span_starts(buf_span(&out),
                            SPAN("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70")));
    buf_fini(&out);
    buf_fini(&b);
}

TEST(a_close_takes_as_much_of_its_reason_as_fits_whole)
{
    char reason[126];
    struct buf b;

    memset(reason, 'r', 122);
    memcpy(reason + 122, "\xc3\xa4", 3); /* would be cut in its middle */
    buf_init(&b, 1000);
    ws_write_close(&b, WS_GOING_AWAY, span_str(reason), NULL);
    assert_int_equal(buf_len(&b), 2 + 2 + 122);
    assert_true(span_starts(buf_span(&b), SPAN("\x88\x7c\x03\xe9rrr")));
    check(span_take(buf_span(&b), 2), false, "");
    buf_fini(&b);
}

TEST(a_walk_knows_where_a_close_may_stand)
{
    static const span frame = SPAN("\x81\xfe\x00\x80mask");
    char payload[128] = {0};
    struct ws_walk w = {0};

    assert_true(ws_walk_may_close(&w));
    for (size_t i = 0; i < frame.len; i++) {
        ws_walk(&w, span_of(frame.at + i, 1));
        assert_false(ws_walk_may_close(&w));
    }
    ws_walk(&w, span_of(payload, 127));
    assert_false(ws_walk_may_close(&w));
    ws_walk(&w, span_of(payload, 1));
    assert_true(ws_walk_may_close(&w));
    ws_walk(&w, SPAN("\x89\x00\x01\x00"));
    assert_true(ws_walk_may_close(&w)); /* between two fragments, too */
    ws_walk(&w, SPAN("\x88\x00"));
    assert_false(ws_walk_may_close(&w));
}
