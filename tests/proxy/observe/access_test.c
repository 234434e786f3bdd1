/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/access.h"
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static int
file(void)
{
    int fd = memfd_create("access", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static span
content(int fd, char *room, size_t size)
{
    ssize_t n = pread(fd, room, size, 0);

    return span_of(room, n > 0 ? (size_t)n : 0);
}

static void
line(struct access *a, uint64_t status)
{
    access_begin(a);
    access_u64(a, "status", status);
    access_end(a);
}

TEST(a_line_is_one_json_object_with_all_its_members)
{
    struct access a;
    char room[1024];
    int fd = file();

    access_init(&a, fd);
    access_begin(&a);
    access_text(&a, "route", SPAN("a\"b\\c\n\x7f\xc3\xa4\xff"));
    access_u64(&a, "status", 200);
    access_bool(&a, "canary", true);
    access_null(&a, "pool");
    access_texts(&a, "notices", (const span[]){SPAN("x"), SPAN("y")}, 2);
    access_end(&a);
    access_begin(&a);
    access_end(&a);
    access_flush(&a);
    assert_span(content(fd, room, sizeof(room)),
                "{\"route\":\"a\\\"b\\\\c\\u000a\\u007f\xc3\xa4\xef\xbf\xbd\","
                "\"status\":200,\"canary\":true,\"pool\":null,"
                "\"notices\":[\"x\",\"y\"]}\n{}\n");
    access_fini(&a);
    close(fd);
}

TEST(nothing_is_written_before_the_batch_is_flushed)
{
    struct access a;
    char room[64];
    int fd = file();

    access_init(&a, fd);
    line(&a, 1);
    assert_int_equal(content(fd, room, sizeof(room)).len, 0);
    access_fini(&a);
    assert_span(content(fd, room, sizeof(room)), "{\"status\":1}\n");
    close(fd);
}

TEST(without_a_descriptor_nothing_is_kept)
{
    struct access a;

    access_init(&a, -1);
    assert_false(access_is_on(&a));
    line(&a, 1);
    assert_int_equal(buf_len(&a.batch), 0);
    access_fini(&a);
}

/* Every line that arrived is whole, and those that did not are counted. */
TEST(a_stuck_pipe_loses_whole_lines_and_counts_each)
{
    struct access a;
    int fds[2];
    static char room[1024 * 1024];
    size_t n = 0, got = 0;

    assert_int_equal(pipe(fds), 0);
    access_init(&a, fds[1]);
    for (uint64_t i = 0; i < 40000; i++)
        line(&a, 100000 + i);
    assert_true(a.dropped > 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    for (int turn = 0; turn < 1000; turn++) {
        ssize_t came = read(fds[0], room + n, sizeof(room) - n);
        n += came > 0 ? (size_t)came : 0;
        access_flush(&a);
    }
    for (span rest = span_of(room, n); rest.len; got++)
        assert_int_equal(span_cut(&rest, '\n').len,
                         strlen("{\"status\":1xxxxx}"));
    assert_int_equal(got + a.dropped, 40000);
    access_fini(&a);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_reader_that_left_loses_the_batch_counted)
{
    struct access a;
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    access_init(&a, fds[1]);
    close(fds[0]);
    line(&a, 1);
    line(&a, 2);
    access_flush(&a);
    assert_int_equal(a.dropped, 2);
    assert_int_equal(buf_len(&a.batch), 0);
    access_fini(&a);
    close(fds[1]);
}

TEST(after_a_reopen_lines_go_to_the_new_file)
{
    struct access a;
    char room[64];
    int old = file(), new = file(), seen = dup(old);

    access_init(&a, old);
    line(&a, 1);
    access_reopen(&a, new);
    line(&a, 2);
    access_flush(&a);
    assert_span(content(seen, room, sizeof(room)), "{\"status\":1}\n");
    assert_span(content(new, room, sizeof(room)), "{\"status\":2}\n");
    access_fini(&a);
    close(new);
    close(seen);
}

TEST(a_value_of_any_length_and_bytes_keeps_the_line_whole)
{
    struct access a;
    static char value[10000];
    static char room[300000];
    int fd = file();

    access_init(&a, fd);
    for (int c = 0; c < 256; c += 5) {
        memset(value, c, sizeof(value));
        access_begin(&a);
        access_text(&a, "v", span_of(value, sizeof(value)));
        access_end(&a);
        access_flush(&a);
    }
    span all = content(fd, room, sizeof(room));
    while (all.len) {
        span one = span_cut(&all, '\n');
        assert_true(span_starts(one, SPAN("{\"v\":\"")));
        if (all.len)
            assert_true(span_ends(one, SPAN("\"}")));
    }
    access_fini(&a);
    close(fd);
}
