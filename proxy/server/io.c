/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/io.h"

#include "proxy/server/tls.h"
#include "proxy/server/worker.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ONE_PIECE ((size_t)8192)
/* A peer that takes nothing is held by the marks long before this. */
#define QUEUE_MAX ((size_t)64 * 1024 * 1024)

/* sendmsg's vector is not const, though it only reads. */
static struct iovec
iovec_of(span s)
{
    struct iovec v = {.iov_len = s.len};

    memcpy(&v.iov_base, &s.at, sizeof(v.iov_base));
    return v;
}

bool
io_init(struct io *io, struct worker *w, int fd, watch_fn fn, void *arg)
{
    *io = (struct io){.worker = w};
    buf_init(&io->queue, QUEUE_MAX);
    buf_init(&io->made, QUEUE_MAX);
    return watch_init(&io->watch, w->loop, fd, fn, arg);
}

static void
forget_gathered(struct io *io)
{
    io->n_gather = 0;
    io->gather_bytes = 0;
    worker_give_buf(io->worker, &io->made);
}

void
io_close(struct io *io, bool reset)
{
    int fd = io->watch.fd;

    if (fd < 0)
        return;
    if (io->tls)
        tls_free(&io->tls);
    watch_fini(&io->watch);
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER,
                   &(struct linger){.l_onoff = 1, .l_linger = 0},
                   sizeof(struct linger));
    close(fd);
    forget_gathered(io);
    buf_fini(&io->queue);
    io->is_broken = true;
}

static enum io_got
receive(struct io *io, char *to, size_t room, size_t *got)
{
    ssize_t n = recv(io->watch.fd, to, room, 0);

    if (n > 0) {
        *got = (size_t)n;
        return IO_BYTES;
    }
    if (n == 0)
        return IO_END;
    if (errno == EAGAIN || errno == EINTR)
        return IO_LATER;
    io->is_broken = true;
    return IO_BROKEN;
}

static void
mark_dirty(struct io *io)
{
    if (io->is_dirty)
        return;
    io->is_dirty = true;
    io->next_dirty = io->worker->dirty;
    io->worker->dirty = io;
}

enum io_got
io_read(struct io *io, span *bytes, size_t room)
{
    struct worker *w = io->worker;
    size_t most = io->tls ? WORKER_SEALED : WORKER_SCRATCH, n = 0;
    enum io_got got;

    got = receive(io, io->tls ? w->sealed : w->scratch,
                  room < most ? room : most, &n);
    *bytes = span_of(w->scratch, n);
    if (io->tls && got == IO_BYTES)
        got = tls_read(io->tls, span_of(w->sealed, n), w->scratch,
                       WORKER_SCRATCH, &bytes->len);
    if (io->tls && buf_len(&w->sealed_out))
        io_flush(io); /* a key update or an alert */
    if (io->tls && got == IO_BYTES && tls_has_failed(io->tls)) {
        io->is_broken = true; /* its owner is told behind these bytes */
        mark_dirty(io);
    }
    return got;
}

void
io_put(struct io *io, span bytes)
{
    if (bytes.len == 0 || io->is_broken || io->ends)
        return;
    if (io->n_gather == IO_GATHER || buf_len(&io->made))
        io_flush(io);
    io->gather[io->n_gather++] = iovec_of(bytes);
    io->gather_bytes += bytes.len;
    mark_dirty(io);
}

struct buf *
io_made(struct io *io)
{
    if (io->n_gather)
        io_flush(io);
    if (!io->made.bytes)
        worker_lend_buf(io->worker, &io->made);
    return &io->made;
}

void
io_copy(struct io *io, span bytes)
{
    io_put(io, worker_keep(io->worker, bytes));
}

void
io_end(struct io *io)
{
    io->ends = true;
    mark_dirty(io);
}

/* What the peer has; a Unix socket counts its own way, which moves as well. */
static uint64_t
taken_bytes(const struct io *io)
{
    int unsent = 0;

    if (ioctl(io->watch.fd, SIOCOUTQ, &unsent) != 0 || unsent < 0)
        return io->sent_bytes;
    return io->sent_bytes > (uint64_t)unsent ? io->sent_bytes - (uint64_t)unsent
                                             : 0;
}

enum pace_is
io_look(struct io *io, const struct pace_rules *rules)
{
    if (io_refused(io) == 0 || io->watch.fd < 0)
        return PACE_WELL;
    return pace_look(&io->pace, loop_now_ms(io->worker->loop), taken_bytes(io),
                     rules);
}

static void
enqueue(struct io *io, const struct iovec *v, size_t n, size_t sent)
{
    /* Bytes that join a queue are no progress of it. */
    if (buf_len(&io->queue) == 0) {
        io->progress_ms = loop_now_ms(io->worker->loop);
        pace_begin(&io->pace, io->progress_ms, taken_bytes(io));
    }
    for (size_t i = 0; i < n; i++) {
        span s = span_of(v[i].iov_base, v[i].iov_len);
        size_t skip = sent < s.len ? sent : s.len;

        sent -= skip;
        buf_add(&io->queue, span_skip(s, skip));
    }
    if (buf_failed(&io->queue))
        io->is_broken = true;
    watch_write(&io->watch, true);
}

/* A small head and body in one piece: a copy is cheaper than a vector. */
static span
in_one_piece(struct iovec *v, size_t n, size_t bytes)
{
    static char piece[ONE_PIECE];
    size_t at = 0;

    if (n == 1)
        return span_of(v[0].iov_base, v[0].iov_len);
    if (bytes > sizeof(piece))
        return (span){0};
    for (size_t i = 0; i < n; i++) {
        memcpy(piece + at, v[i].iov_base, v[i].iov_len);
        at += v[i].iov_len;
    }
    return span_of(piece, at);
}

static ssize_t
transmit(int fd, struct iovec *v, size_t n, size_t bytes)
{
    struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
    span piece = in_one_piece(v, n, bytes);
    ssize_t sent;

    do
        sent = piece.len ? send(fd, piece.at, piece.len, MSG_NOSIGNAL)
                         : sendmsg(fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void
send_all(struct io *io, struct iovec *v, size_t n, size_t bytes)
{
    ssize_t sent = 0;

    if (bytes == 0)
        return;
    if (buf_len(&io->queue) == 0)
        sent = transmit(io->watch.fd, v, n, bytes);
    if (sent < 0) {
        io->is_broken = true;
        return;
    }
    io->sent_bytes += (uint64_t)sent;
    if ((size_t)sent < bytes)
        enqueue(io, v, n, (size_t)sent);
}

static void
shut(struct io *io)
{
    if (!io->ends || io->has_ended || buf_len(&io->queue) || io->is_broken)
        return;
    io->has_ended = true;
    shutdown(io->watch.fd, SHUT_WR);
}

static void
flush_sealed(struct io *io)
{
    struct buf *out = &io->worker->sealed_out;

    if (!tls_write(io->tls, io->gather, io->n_gather))
        io->is_broken = true;
    if (io->ends && !io->has_ended)
        tls_close_notify(io->tls);
    struct iovec v = iovec_of(buf_span(out));
    send_all(io, &v, 1, v.iov_len);
    buf_clear(out);
}

void
io_flush(struct io *io)
{
    if (io->watch.fd < 0 || io->is_broken) {
        forget_gathered(io);
        if (io->tls)
            buf_clear(&io->worker->sealed_out);
        return;
    }
    if (buf_len(&io->made)) { /* nothing is gathered beside it */
        io->gather[io->n_gather++] = iovec_of(buf_span(&io->made));
        io->gather_bytes += buf_len(&io->made);
        mark_dirty(io); /* its owner is to learn if it breaks */
    }
    if (io->tls)
        flush_sealed(io);
    else
        send_all(io, io->gather, io->n_gather, io->gather_bytes);
    forget_gathered(io);
    shut(io);
}

size_t
io_backlog(struct io *io, size_t high)
{
    if (io_waiting(io) > high && io->n_gather)
        io_flush(io);
    return io_waiting(io);
}

bool
io_drain(struct io *io)
{
    span s = buf_span(&io->queue);
    struct iovec v = iovec_of(s);

    if (s.len && !io->is_broken) {
        ssize_t n = transmit(io->watch.fd, &v, 1, s.len);

        if (n < 0)
            io->is_broken = true;
        else if (n > 0)
            io->progress_ms = loop_now_ms(io->worker->loop);
        io->sent_bytes += n > 0 ? (uint64_t)n : 0;
        buf_consume(&io->queue, n > 0 ? (size_t)n : 0);
    }
    if (buf_len(&io->queue) && !io->is_broken)
        return false;
    watch_write(&io->watch, false);
    /* Idle connections hold no buffer. */
    buf_fini(&io->queue);
    shut(io);
    return true;
}
