/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/access.h"

#include "proxy/base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Facility daemon, severity info. */
#define SYSLOG_PREFIX "<30>stile: "

static void
set_fd(struct access *a, int fd)
{
    struct stat st;

    a->fd = fd;
    a->is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    a->peer_len = sizeof(a->peer);
    a->is_syslog = fd >= 0 && getpeername(fd, (struct sockaddr *)&a->peer,
                                          &a->peer_len) == 0;
}

void
access_init(struct access *a, int fd)
{
    *a = (struct access){0};
    buf_init(&a->batch, ACCESS_BATCH_MAX);
    set_fd(a, fd);
}

void
access_fini(struct access *a)
{
    access_flush(a);
    buf_fini(&a->batch);
    a->fd = -1;
}

void
access_reopen(struct access *a, int fd)
{
    int old = a->fd;

    access_flush(a);
    if (a->mid_line) {
        /* The old file has its beginning; the new one must not have its end. */
        span rest = buf_span(&a->batch);
        span_cut(&rest, '\n');
        buf_consume(&a->batch, buf_len(&a->batch) - rest.len);
        a->mid_line = false;
        a->dropped++;
    }
    set_fd(a, fd);
    if (old >= 0)
        close(old);
}

static void
name_of(struct access *a, const char *name)
{
    buf_str(&a->batch, a->first ? "{\"" : ",\"");
    buf_str(&a->batch, name);
    buf_str(&a->batch, "\":");
    a->first = false;
}

/* Writes one character and says how many bytes of `s` it was. */
static size_t
put_char(struct buf *b, span s)
{
    unsigned char c = (unsigned char)s.at[0];

    if (c < 0x20 || c == 0x7f) {
        buf_fmt(b, "\\u%04x", c);
        return 1;
    }
    if (c == '"' || c == '\\') {
        buf_byte(b, '\\');
        buf_byte(b, (char)c);
        return 1;
    }
    if (c < 0x80) {
        buf_byte(b, (char)c);
        return 1;
    }
    size_t n = utf8_char(s);
    buf_add(b, n ? span_take(s, n) : SPAN("\xef\xbf\xbd"));
    return n ? n : 1;
}

static void
put_text(struct buf *b, span value)
{
    value = span_take(value, ACCESS_TEXT_MAX);
    buf_byte(b, '"');
    while (value.len)
        value = span_skip(value, put_char(b, value));
    buf_byte(b, '"');
}

void
access_begin(struct access *a)
{
    a->line_at = buf_len(&a->batch);
    a->first = true;
}

void
access_text(struct access *a, const char *name, span value)
{
    if (a->fd < 0)
        return;
    name_of(a, name);
    put_text(&a->batch, value);
}

void
access_u64(struct access *a, const char *name, uint64_t value)
{
    if (a->fd < 0)
        return;
    name_of(a, name);
    buf_u64(&a->batch, value);
}

void
access_bool(struct access *a, const char *name, bool value)
{
    if (a->fd < 0)
        return;
    name_of(a, name);
    buf_str(&a->batch, value ? "true" : "false");
}

void
access_null(struct access *a, const char *name)
{
    if (a->fd < 0)
        return;
    name_of(a, name);
    buf_str(&a->batch, "null");
}

void
access_texts(struct access *a, const char *name, const span *values, size_t n)
{
    if (a->fd < 0)
        return;
    name_of(a, name);
    buf_byte(&a->batch, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_byte(&a->batch, ',');
        put_text(&a->batch, values[i]);
    }
    buf_byte(&a->batch, ']');
}

void
access_end(struct access *a)
{
    if (a->fd < 0)
        return;
    buf_str(&a->batch, a->first ? "{}\n" : "}\n");
    if (buf_failed(&a->batch)) {
        /* What is whole stays; this line goes. */
        a->batch.failed = false;
        buf_truncate(&a->batch, a->line_at);
        a->dropped++;
    }
    if (buf_len(&a->batch) >= ACCESS_FLUSH_AT)
        access_flush(a);
}

/* How much to hand over now: all to a file; to a pipe what it takes whole. */
static size_t
portion(const struct access *a)
{
    struct pollfd p = {.fd = a->fd, .events = POLLOUT};
    size_t len = buf_len(&a->batch);

    if (a->is_file)
        return len;
    if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
        return 0;
    return len < PIPE_BUF ? len : PIPE_BUF;
}

/* No reader will ever take it (EPIPE, EBADF): every whole line waiting is lost. */
static void
drop_all(struct access *a)
{
    span rest = buf_span(&a->batch);

    while (rest.len) {
        span_cut(&rest, '\n');
        a->dropped++;
    }
    buf_clear(&a->batch);
}

/* One line as RFC 3164 has it where the daemon itself knows time and host. */
static ssize_t
send_line(const struct access *a, span line)
{
    struct iovec v[2] = {{.iov_base = (char[]){SYSLOG_PREFIX},
                          .iov_len = sizeof(SYSLOG_PREFIX) - 1},
                         {.iov_len = line.len}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

    memcpy(&v[1].iov_base, &line.at, sizeof(line.at)); /* it is only read */
    return sendmsg(a->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A daemon that was started again has a new socket under its old name. */
static bool
reaches_daemon(struct access *a, span line)
{
    if (send_line(a, line) >= 0)
        return true;
    if (errno == EAGAIN || errno == EMSGSIZE)
        return false;
    return connect(a->fd, (struct sockaddr *)&a->peer, a->peer_len) == 0 &&
           send_line(a, line) >= 0;
}

static void
flush_syslog(struct access *a)
{
    span rest = buf_span(&a->batch);

    while (rest.len) {
        span line = span_cut(&rest, '\n');

        if (!reaches_daemon(a, line))
            a->dropped++;
    }
    buf_clear(&a->batch);
}

void
access_flush(struct access *a)
{
    size_t n;

    if (a->is_syslog) {
        flush_syslog(a);
        return;
    }
    /* Ends: each turn takes bytes away or returns. */
    while (a->fd >= 0 && (n = portion(a)) > 0) {
        span all = buf_span(&a->batch);
        assert(all.at);
        ssize_t done = write(a->fd, all.at, n);
        if (done < 0) {
            /* A full disk may be emptied: the batch waits, new lines drop. */
            if (errno != EINTR && errno != EAGAIN && errno != ENOSPC)
                drop_all(a);
            return;
        }
        if (done > 0)
            a->mid_line = all.at[done - 1] != '\n';
        buf_consume(&a->batch, (size_t)done);
    }
}
