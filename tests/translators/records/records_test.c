/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/records/records.h"

#include "tests/test.h"

#define ROOM ((size_t)16 << 20)

/* "frame|text|event;" of what is told, "!" for what is wrong, with controls shown. */
static void
show(struct buf *b, span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '\n' || c == '\r' || c == 0x1e)
            buf_str(b, c == '\n' ? "~n" : c == '\r' ? "~r" : "~s");
        else
            buf_byte(b, (char)c);
    }
}

static void
show_record(struct buf *b, const struct record *r)
{
    show(b, r->frame);
    buf_byte(b, '|');
    show(b, r->text);
    buf_byte(b, '|');
    show(b, r->event);
    buf_byte(b, ';');
}

/* What the stream is cut into, if it comes in parts of `size` bytes. */
static span
cut(struct arena *a, enum records_framing framing, size_t limit, span stream,
    size_t size)
{
    struct records r;
    struct record one;
    struct buf b;
    struct err e;
    enum records_step step = RECORDS_MORE;
    records_init(&r, framing, limit);
    buf_init(&b, ROOM);
    while (stream.len > 0 && step != RECORDS_BAD) {
        /* Of its own, so that a read beyond it is seen. */
        span part = {0};
        assert_true(span_dup(a, span_take(stream, size), &part));
        stream = span_skip(stream, size < stream.len ? size : stream.len);
        while ((step = records_next(&r, &part, &one, &e)) == RECORDS_ONE)
            show_record(&b, &one);
    }
    while (step != RECORDS_BAD &&
           (step = records_end(&r, &one, &e)) == RECORDS_ONE)
        show_record(&b, &one);
    if (step == RECORDS_BAD)
        buf_fmt(&b, "! %s", e.text);
    span out = {0};
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    records_fini(&r);
    return out;
}

static const struct {
    enum records_framing framing;
    const char *stream;
    const char *records;
} streams[] = {
    /* NDJSON */
    {RECORDS_LINES, "{\"a\":1}\n{\"b\":2}\n",
     "{\"a\":1}~n|{\"a\":1}|;{\"b\":2}~n|{\"b\":2}|;"},
    {RECORDS_LINES, "1\n2", "1~n|1|;2|2|;"},
    {RECORDS_LINES, " 1 \r\n", " 1 ~r~n|1|;"},
    {RECORDS_LINES, "1\n\n \n2\n", "1~n|1|;~n||; ~n||;2~n|2|;"},
    {RECORDS_LINES, "", ""},
    /* RFC 7464 */
    {RECORDS_SEQUENCE, "\x1e{\"a\":1}\n\x1e[2]\n",
     "~s{\"a\":1}~n|{\"a\":1}|;~s[2]~n|[2]|;"},
    {RECORDS_SEQUENCE,
     "\x1e{\n\"a\":\n\"}\"\n}\n\x1e"
     "1\n",
     "~s{~n\"a\":~n\"}\"~n}~n|{~n\"a\":~n\"}\"~n}|;~s1~n|1|;"},
    {RECORDS_SEQUENCE,
     "\x1e\x1e"
     "1\n",
     "~s~s1~n|1|;"},
    {RECORDS_SEQUENCE, "\x1e\"\\\"{\\\\\"\n",
     "~s\"\\\"{\\\\\"~n|\"\\\"{\\\\\"|;"},
    {RECORDS_SEQUENCE,
     "\x1e"
     "1\n\n\x1e",
     "~s1~n|1|;~n~s||;"},
    {RECORDS_SEQUENCE,
     "\x1e"
     "1\x1e"
     "2\n",
     "! a text of the sequence is cut short: no line ends before the next RS"},
    {RECORDS_SEQUENCE, "1\n", "! a text of the sequence has no RS before it"},
    {RECORDS_SEQUENCE,
     "\x1e"
     "1\n2\n",
     "~s1~n|1|;! a text of the sequence has no RS before it"},
    {RECORDS_SEQUENCE, "\x1e{}",
     "! the last text of the sequence is cut short: no line ends it"},
    /* server-sent events */
    {RECORDS_EVENTS, "data: {}\n\ndata:1\n\n",
     "data: {}~n~n|{}|;data:1~n~n|1|;"},
    {RECORDS_EVENTS, "event: order.paid\nid: 7\ndata: {\"a\":\ndata: 1}\n\n",
     "event: order.paid~nid: 7~ndata: {\"a\":~ndata: 1}~n~n|{\"a\":~n1}|"
     "order.paid;"},
    {RECORDS_EVENTS, "data: 1\r\n\r\ndata: 2\r\r",
     "data: 1~r~n~r|1|;~n||;data: 2~r~r|2|;"},
    {RECORDS_EVENTS, ": awake\n\ndata: 1\n: note\n\n",
     ": awake~n||;~n||;data: 1~n: note~n~n|1|;"},
    {RECORDS_EVENTS,
     "\xef\xbb\xbf"
     "data: 1\n\n",
     "\xef\xbb\xbf"
     "data: 1~n~n|1|;"},
    {RECORDS_EVENTS, "data\nevent\n\n", "data~nevent~n~n||;"},
    {RECORDS_EVENTS, "database: 1\ndata:  2\n\n",
     "database: 1~ndata:  2~n~n| 2|;"},
    {RECORDS_EVENTS, "event: a\nevent: b\ndata: 1\n\n",
     "event: a~nevent: b~ndata: 1~n~n|1|b;"},
    {RECORDS_EVENTS, "data: 1\n\ndata: 2\n", "data: 1~n~n|1|;"},
    {RECORDS_EVENTS, "\n\n", "~n||;~n||;"},
};

TEST(a_stream_is_cut_into_its_records_however_it_comes)
{
    for (size_t i = 0; i < COUNT(streams); i++) {
        struct arena *a = arena_new(ROOM);
        span stream = span_str(streams[i].stream);
        for (size_t size = 1; size <= stream.len + 1; size++)
            assert_span(cut(a, streams[i].framing, 0, stream, size),
                        streams[i].records);
        arena_free(&a);
    }
}

TEST(a_record_may_be_as_large_as_its_limit_and_no_larger)
{
    static const struct {
        enum records_framing framing;
        const char *stream;
    } texts[] = {{RECORDS_LINES, "123456\n"},
                 {RECORDS_SEQUENCE, "\x1e"
                                    "12345\n"},
                 {RECORDS_EVENTS, "data:\n\n"}};
    struct arena *a = arena_new(ROOM);
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t size = 1; size < 9; size++) {
            span stream = span_str(texts[i].stream);
            span fits = cut(a, texts[i].framing, 7, stream, size);
            assert_true(fits.at[0] != '!');
            assert_span(cut(a, texts[i].framing, 6, stream, size),
                        "! a record is larger than the 6 bytes that may be "
                        "held");
        }
    arena_free(&a);
}

/* The first record with another text and name; hidden. */
static void
check_printed(enum records_framing framing, const char *stream,
              const char *text, const char *event, const char *printed,
              const char *hidden)
{
    struct records r;
    struct record one;
    struct buf b;
    struct err e;
    span bytes = span_str(stream);
    records_init(&r, framing, 0);
    buf_init(&b, ROOM);
    assert_int_equal(records_next(&r, &bytes, &one, &e), RECORDS_ONE);
    records_print(&r, &one, span_str(text), span_str(event), &b);
    assert_span(buf_span(&b), printed);
    buf_clear(&b);
    records_print_hidden(&r, &one, &b);
    assert_span(buf_span(&b), hidden);
    buf_fini(&b);
    records_fini(&r);
}

TEST(a_record_is_written_in_the_frame_it_came_in)
{
    check_printed(RECORDS_LINES, " 1 \r\n", "[2]", "", " [2] \r\n", "");
    check_printed(RECORDS_SEQUENCE,
                  "\x1e"
                  "1\n",
                  "[2]", "", "\x1e[2]\n", "");
    check_printed(RECORDS_EVENTS, "data: 1\n\n", "[2]", "", "data: [2]\n\n",
                  "");
    check_printed(RECORDS_EVENTS, "data:1\r\n\r\n", "[2]", "", "data:[2]\r\n\r",
                  "");
    check_printed(RECORDS_EVENTS,
                  "id: 7\ndata: {\ndata: }\nevent: a\nretry: 9\n\n",
                  "{\n \"b\":1}", "b",
                  "id: 7\ndata: {\ndata:  \"b\":1}\nevent: b\nretry: 9\n\n",
                  "id: 7\nretry: 9\n\n");
    check_printed(RECORDS_EVENTS,
                  "\xef\xbb\xbf"
                  "data: 1\n\n",
                  "2", "",
                  "\xef\xbb\xbf"
                  "data: 2\n\n",
                  "");
}
