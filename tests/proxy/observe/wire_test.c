/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/wire.h"
#include "tests/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2];
static struct wire_in in;

static void
begin(void)
{
    struct err e = {0};

    assert_int_equal(wire_pair(ends, &e), OK);
}

static void
end(void)
{
    close(ends[0]);
    close(ends[1]);
}

TEST(a_message_arrives_with_its_text_and_descriptors)
{
    struct err e = {0};
    struct stat a, b;
    int fds[2];

    begin();
    assert_int_equal(pipe(fds), 0);
    struct wire_msg msg = {.kind = WIRE_VERDICT, .a = 1, .b = 7};
    assert_int_equal(wire_send(ends[0], msg, SPAN("fine\n"), fds, 2, &e), OK);
    assert_int_equal(wire_recv(ends[1], &in, &e), OK);
    assert_int_equal(in.msg.kind, WIRE_VERDICT);
    assert_int_equal(in.msg.a, 1);
    assert_int_equal(in.msg.b, 7);
    assert_span(in.text, "fine\n");
    assert_int_equal(in.n_fds, 2);
    assert_int_equal(fstat(fds[0], &a), 0);
    assert_int_equal(fstat(in.fds[0], &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_true(fcntl(in.fds[0], F_GETFD) & FD_CLOEXEC);
    wire_close_fds(&in);
    close(fds[0]);
    close(fds[1]);
    end();
}

TEST(an_empty_queue_a_full_one_and_a_gone_peer_are_told_apart)
{
    struct err e = {0};
    enum err_code code = OK;

    begin();
    assert_int_equal(wire_recv(ends[1], &in, &e), ERR_NOT_FOUND);
    for (int i = 0; code == OK && i < 100000; i++)
        code = wire_tell(ends[0], WIRE_GO, 0, 0, &e);
    assert_int_equal(code, ERR_LIMIT);
    close(ends[1]);
    assert_int_equal(wire_tell(ends[0], WIRE_GO, 0, 0, &e), ERR_IO);
    assert_int_equal(wire_recv(ends[0], &in, &e), ERR_IO);
    close(ends[0]);
}

TEST(another_version_an_unknown_kind_and_a_short_head_are_refused)
{
    struct err e = {0};
    struct wire_msg version = {.version = WIRE_VERSION + 1, .kind = WIRE_GO};
    struct wire_msg kind = {.version = WIRE_VERSION, .kind = WIRE_KIND_COUNT};

    begin();
    assert_true(send(ends[0], &version, sizeof(version), 0) > 0);
    assert_int_equal(wire_recv(ends[1], &in, &e), ERR_UNSUPPORTED);
    assert_true(send(ends[0], &kind, sizeof(kind), 0) > 0);
    assert_int_equal(wire_recv(ends[1], &in, &e), ERR_UNSUPPORTED);
    assert_true(send(ends[0], &kind, 5, 0) > 0);
    assert_int_equal(wire_recv(ends[1], &in, &e), ERR_INVALID);
    end();
}

TEST(a_refused_message_leaks_no_descriptor)
{
    struct err e = {0};
    int fds[WIRE_FDS_MAX];

    begin();
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < WIRE_FDS_MAX; i++)
        fds[i] = 0;
    struct wire_msg msg = {.kind = 9999};
    assert_int_equal(wire_send(ends[0], msg, (span){0}, fds, WIRE_FDS_MAX, &e),
                     OK);
    assert_int_equal(wire_recv(ends[1], &in, &e), ERR_UNSUPPORTED);
    int after = dup(0);
    assert_int_equal(after, before);
    close(after);
    end();
}

TEST(text_over_the_limit_is_cut)
{
    struct err e = {0};
    static char text[WIRE_TEXT_MAX + 10];

    begin();
    struct wire_msg msg = {.kind = WIRE_FAILED};
    assert_int_equal(
        wire_send(ends[0], msg, span_of(text, sizeof(text)), NULL, 0, &e), OK);
    assert_int_equal(wire_recv(ends[1], &in, &e), OK);
    assert_int_equal(in.text.len, WIRE_TEXT_MAX);
    assert_string_equal(wire_name(WIRE_GO), "WIRE_GO");
    assert_string_equal(wire_name(12345), "WIRE_UNKNOWN");
    end();
}
