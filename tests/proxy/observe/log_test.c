/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/log.h"
#include "tests/test.h"

#include <fcntl.h>
#include <unistd.h>

/* What one call writes, read back from a pipe that log_open was given. */
static int pipe_fds[2];

static void
begin(void)
{
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
    log_open(pipe_fds[1], "test.1");
    log_set_level(LOG_AT_INFO);
}

static span
said(char *room, size_t size)
{
    ssize_t n = read(pipe_fds[0], room, size);

    return span_of(room, n > 0 ? (size_t)n : 0);
}

static void
end(void)
{
    log_open(2, "stile");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* A line without its time stamp. */
static span
after_stamp(span line)
{
    span_cut(&line, ' ');
    return line;
}

TEST(a_line_is_a_stamp_a_level_who_the_event_and_its_fields)
{
    char room[4096];

    begin();
    log_warn("upstream_refused", "pool=%s tries=%u", "pay", 3u);
    span line = said(room, sizeof(room));
    assert_int_equal(line.at[4], '-');
    assert_int_equal(line.at[10], 'T');
    assert_int_equal(line.at[23], 'Z');
    assert_span(after_stamp(line),
                "warn test.1 upstream_refused pool=pay tries=3\n");
    log_info("ready");
    assert_span(after_stamp(said(room, sizeof(room))), "info test.1 ready\n");
    end();
}

TEST(control_bytes_cannot_make_a_second_line)
{
    char room[4096];

    begin();
    log_info("x", "name=%s", "a\nerror root\x1b[31m\x7f");
    assert_span(after_stamp(said(room, sizeof(room))),
                "info test.1 x name=a\\x0aerror root\\x1b[31m\\x7f\n");
    end();
}

TEST(a_level_below_the_one_that_is_set_is_silent)
{
    char room[64];
    enum log_level level;

    begin();
    log_debug("x");
    assert_int_equal(said(room, sizeof(room)).len, 0);
    assert_true(log_level_of(SPAN("debug"), &level));
    log_set_level(level);
    log_debug("x");
    assert_true(said(room, sizeof(room)).len > 0);
    assert_false(log_level_of(SPAN("loud"), &level));
    end();
}

TEST(a_long_line_is_cut_and_still_ends)
{
    char room[4096];
    char text[4000];

    begin();
    memset(text, '\n', sizeof(text) - 1); /* each takes four bytes */
    text[sizeof(text) - 1] = '\0';
    log_info("x", "text=%s", text);
    span line = said(room, sizeof(room));
    assert_true(line.len <= LOG_LINE_MAX && line.len > LOG_LINE_MAX - 8);
    assert_int_equal(line.at[line.len - 1], '\n');
    assert_true(span_ends(span_take(line, line.len - 1), SPAN("\\x0a")));
    end();
}

TEST(a_stuck_reader_does_not_stop_us_and_is_counted)
{
    begin();
    int flags = fcntl(pipe_fds[1], F_GETFL);
    assert_int_equal(fcntl(pipe_fds[1], F_SETFL, flags & ~O_NONBLOCK), 0);
    uint64_t before = log_dropped();
    for (int i = 0; i < 5000; i++)
        log_info("filler", "of=%d text=some.thirty.bytes.of.text", i);
    assert_true(log_dropped() > before);
    end();
}

TEST(a_limited_event_passes_once_a_second_and_says_what_was_dropped)
{
    char room[4096];

    begin();
    log_warn_limited(1000, "full", SPAN("a"), "n=%d", 1);
    log_warn_limited(1500, "full", SPAN("a"), "n=%d", 2);
    log_warn_limited(1999, "full", SPAN("a"), "n=%d", 3);
    log_warn_limited(1999, "full", SPAN("b"), "n=%d", 4);
    log_warn_limited(2000, "full", SPAN("a"), "n=%d", 5);
    span all = said(room, sizeof(room));
    assert_span(after_stamp(span_cut(&all, '\n')), "warn test.1 full n=1");
    assert_span(after_stamp(span_cut(&all, '\n')), "warn test.1 full n=4");
    assert_span(after_stamp(span_cut(&all, '\n')),
                "warn test.1 full n=5 dropped=2");
    assert_int_equal(all.len, 0);
    end();
}

TEST(a_value_that_would_read_as_two_is_quoted)
{
    static const struct {
        const char *value, *quoted;
    } cases[] = {
        {"plain/x-1", "plain/x-1"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"\\", "\"say \\\"x\\\"\\\\\""},
        {"a\nb", "\"a\\x0ab\""},
    };
    struct log_quoted room;

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(log_quote(span_str(cases[i].value), &room),
                            cases[i].quoted);
}

TEST(a_quoted_value_fits_its_room_whatever_it_is)
{
    char value[1000];
    struct log_quoted room;

    for (int c = 0; c < 256; c++) {
        memset(value, c, sizeof(value));
        size_t n = strlen(log_quote(span_of(value, sizeof(value)), &room));
        assert_true(n >= 2 && n < LOG_QUOTED_MAX);
        assert_int_equal(room.text[n - 1], '"');
    }
}
